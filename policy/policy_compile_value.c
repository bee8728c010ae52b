/*
 * Literals seen through the type of the fact they are compared with.
 *
 * A literal of the wrong type is an error, never converted.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/stir_reason.h"
#include "core/suggest.h"

/* Callouts count the work (policy_eval_expr.c). */
#define REGEX_OPTIONS (PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT)

/* A set of words is the bits of one number. */
_Static_assert(STIR_REASON_COUNT <= 64, "the longest of the enums");

enum { SHORT_SET = 5, SHOWN_WORDS = 3 };

static int say_type(struct policy_compiler *c, enum fact_id id, struct source_pos at)
{
	const struct fact_row *row = fact_row(id);

	if (row->type != FACT_TYPE_ENUM)
		return source_say(c->report, SOURCE_ERROR, at, "\"%s\" is %s", row->name, fact_type_hint(row->type));
	return source_say(c->report, SOURCE_ERROR, at, "\"%s\" is an enum: write one of its words, as in %s", row->name, row->example);
}

/* "pass, none, fail, …" */
static void some_words(struct buf *out, const char *const *word)
{
	size_t n = 0, shown;

	while (word[n])
		n++;
	shown = n <= SHORT_SET ? n : SHOWN_WORDS;
	for (size_t i = 0; i < shown; i++)
		buf_printf(out, "%s%s", i ? ", " : "", word[i]);
	if (shown < n)
		buf_puts(out, ", …");
}

static int word_of(struct policy_compiler *c, enum fact_id id, const struct ast_value *v, int64_t *out)
{
	const struct fact_row *row = fact_row(id);
	char near[SUGGEST_MAX_BYTES + 32];
	struct buf words;
	size_t n = 0;
	int i;

	if (v->kind != AST_WORD)
		return say_type(c, id, v->at);
	i = fact_word(id, v->text);
	if (i >= 0) {
		*out = i;
		return 0;
	}
	while (row->word[n])
		n++;
	buf_init(&words, 256);
	some_words(&words, row->word);
	policy_names_suggestion(near, sizeof near, suggest_name(v->text, row->word, n));
	(void)source_say(c->report, SOURCE_ERROR, v->at, "\"%.*s\" is not a value of %s (%.*s)%s", SPAN_ARG(v->text), row->name, (int)words.n,
		words.p ? words.p : "", near);
	buf_free(&words);
	return -1;
}

static int number_of(struct policy_compiler *c, enum fact_id id, const struct ast_value *v, int64_t *out)
{
	enum fact_type t = fact_row(id)->type;

	*out = v->num;
	if (t == FACT_TYPE_NUMBER && v->kind == AST_NUMBER)
		return 0;
	if (t == FACT_TYPE_DURATION && v->kind == AST_DURATION)
		return 0;
	if (t == FACT_TYPE_SIZE && v->kind == AST_SIZE && v->num >= 0)
		return 0;
	if ((t == FACT_TYPE_COUNT || t == FACT_TYPE_SIZE) && v->kind == AST_NUMBER && v->whole && v->num >= 0) {
		*out = v->num / 1000;
		return 0;
	}
	return say_type(c, id, v->at);
}

/* Host names and provider codes in the form their facts have. */
static int folded(struct policy_compiler *c, enum fact_type t, struct span in, struct span *out)
{
	char *p = arena_alloc(c->p->arena, in.n);

	if (!p) {
		c->no_memory = true;
		return -1;
	}
	if (t == FACT_TYPE_HOST && in.n && in.p[in.n - 1] == '.')
		in.n--;
	for (size_t i = 0; i < in.n; i++) {
		char k = in.p[i];

		p[i] = t == FACT_TYPE_HOST ? span_lower(k) : (k >= 'a' && k <= 'z') ? (char)(k - 'a' + 'A') : k;
	}
	*out = span_make(p, in.n);
	return 0;
}

/* Tools print a certificate's hash with colons. */
static bool is_hash(struct span s)
{
	enum { DIGITS = 64 };

	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return s.n == DIGITS;
}

/* A text in capitals never equals a fact that is in lower case. */
static void warn_case(struct policy_compiler *c, enum fact_id id, const struct ast_value *v)
{
	const struct fact_row *row = fact_row(id);

	if (row->type != FACT_TYPE_TEXT || !strstr(row->sentence, "lower case"))
		return;
	for (size_t i = 0; i < v->text.n; i++)
		if (v->text.p[i] >= 'A' && v->text.p[i] <= 'Z') {
			(void)source_say(c->report, SOURCE_WARNING, v->at, "\"%s\" is in lower case, so this is never equal", row->name);
			return;
		}
	if (id == FACT_SIGNER_CERT && !is_hash(v->text))
		(void)source_say(c->report, SOURCE_WARNING, v->at, "\"%s\" is 64 hexadecimal digits and nothing between them, so this is never equal", row->name);
}

/* The fact peer has the name of a block, so another text is a mistake. */
static int known_peer(struct policy_compiler *c, enum fact_id id, const struct ast_value *v)
{
	struct ast_name name = {v->text, v->at};

	return id == FACT_PEER && policy_names_need(&c->p->peers, &name, c->report) == POLICY_NO_NAME ? -1 : 0;
}

static int text_of(struct policy_compiler *c, enum fact_id id, const struct ast_value *v, struct span *out)
{
	enum fact_type t = fact_row(id)->type;

	if (v->kind != AST_TEXT)
		return say_type(c, id, v->at);
	if (known_peer(c, id, v))
		return -1;
	warn_case(c, id, v);
	if (t != FACT_TYPE_TEXT)
		return folded(c, t, v->text, out);
	*out = v->text;
	return 0;
}

/* An address in brackets may stand for a host. */
static bool is_of_name(enum fact_type t, char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')
		return true;
	return t == FACT_TYPE_HOST && c != '\0' && strchr("._[]:", c);
}

int policy_compile_name(struct policy_compiler *c, enum fact_id id, const struct ast_value *v)
{
	enum fact_type t = fact_row(id)->type;

	if (t == FACT_TYPE_HOST && v->text.p[0] == '.')
		return source_say(c->report, SOURCE_ERROR, v->at, "a host is equal only to itself; the hosts below a domain are asked for with in {\"%.*s\"}", SPAN_ARG(v->text));
	for (size_t i = 0; i < v->text.n; i++)
		if (!is_of_name(t, v->text.p[i]))
			return source_say(c->report, SOURCE_ERROR, v->at, "\"%s\" is never equal to this: %s", fact_row(id)->name,
				t == FACT_TYPE_HOST ? "a host has letters, digits, hyphens and dots, and xn-- in place of other letters" : "a code has letters, digits and hyphens");
	return 0;
}

int policy_compile_value(struct policy_compiler *c, enum fact_id id, const struct ast_value *v, struct facts_value *out)
{
	memset(out, 0, sizeof *out);
	if (v->kind == AST_SET || v->kind == AST_LIST_REF)
		return source_say(c->report, SOURCE_ERROR, v->at, "one value is wanted here; sets and lists go after \"in\"");
	switch (fact_row(id)->type) {
	case FACT_TYPE_ENUM:
		return word_of(c, id, v, &out->num);
	case FACT_TYPE_COUNT:
	case FACT_TYPE_NUMBER:
	case FACT_TYPE_DURATION:
	case FACT_TYPE_SIZE:
		return number_of(c, id, v, &out->num);
	case FACT_TYPE_TN:
		if (v->kind == AST_TN_PREFIX || v->kind == AST_TN_RANGE)
			return source_say(c->report, SOURCE_ERROR, v->at, "one number is wanted here; prefixes and ranges go after \"in\"");
		if (v->kind != AST_TN)
			return say_type(c, id, v->at);
		out->tn = v->tn;
		return 0;
	case FACT_TYPE_ADDR:
		if (v->kind != AST_NET)
			return say_type(c, id, v->at);
		if (v->bits != 128)
			return source_say(c->report, SOURCE_ERROR, v->at, "one address is wanted here; networks go after \"in\"");
		out->addr = v->addr;
		return 0;
	case FACT_TYPE_HOST:
	case FACT_TYPE_SPC:
	case FACT_TYPE_TEXT:
		return text_of(c, id, v, &out->text);
	case FACT_TYPE_CLOCK:
		break;
	}
	return say_type(c, id, v->at);
}

/* --- after "in" ------------------------------------------------------------------ */

static int own(struct policy_compiler *c, struct list *list, pcre2_code *regex)
{
	struct policy_owned *o = arena_alloc(c->p->arena, sizeof *o);

	if (!o) {
		list_free(list);
		pcre2_code_free(regex);
		c->no_memory = true;
		return -1;
	}
	*o = (struct policy_owned){.next = c->p->owned, .list = list, .regex = regex};
	c->p->owned = o;
	return 0;
}

/* The list a set of such values makes, or -1. */
static int list_for(enum fact_type t)
{
	switch (t) {
	case FACT_TYPE_TN:
		return LIST_TN;
	case FACT_TYPE_ADDR:
		return LIST_CIDR;
	case FACT_TYPE_HOST:
		return LIST_HOST;
	case FACT_TYPE_SPC:
		return LIST_SPC;
	case FACT_TYPE_TEXT:
		return LIST_TEXT;
	default:
		return -1;
	}
}

static bool fits_list(enum fact_type t, enum ast_value_kind k)
{
	if (t == FACT_TYPE_TN)
		return k == AST_TN || k == AST_TN_PREFIX || k == AST_TN_RANGE;
	return k == (t == FACT_TYPE_ADDR ? AST_NET : AST_TEXT);
}

static int as_list(struct policy_compiler *c, struct policy_node *n, const struct ast_value *item, size_t nitem)
{
	enum fact_type t = fact_row(n->fact)->type;
	struct list *list;
	int bad = 0;

	for (size_t i = 0; i < nitem; i++) {
		if (!fits_list(t, item[i].kind))
			bad = say_type(c, n->fact, item[i].at);
		else if (known_peer(c, n->fact, &item[i]))
			bad = -1;
		else if (item[i].kind == AST_TEXT)
			warn_case(c, n->fact, &item[i]);
	}
	if (bad || list_from_values((enum list_type)list_for(t), item, nitem, &list, c->report) || own(c, list, NULL))
		return -1;
	n->match = MATCH_LIST;
	n->list = list;
	return 0;
}

static int by_number(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

static int as_set(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v)
{
	int64_t *nums = policy_compile_array(c, v->nitem, sizeof *nums);
	bool words = fact_row(n->fact)->type == FACT_TYPE_ENUM;
	int bad = nums ? 0 : -1;

	for (size_t i = 0; nums && i < v->nitem; i++) {
		struct facts_value item;

		if (policy_compile_value(c, n->fact, &v->item[i], &item)) {
			bad = -1;
			continue;
		}
		nums[i] = item.num;
		if (words)
			n->words |= (uint64_t)1 << item.num;
	}
	if (bad)
		return -1;
	n->match = words ? MATCH_WORDS : MATCH_NUMBERS;
	if (v->nitem)
		qsort(nums, v->nitem, sizeof *nums, by_number);
	for (size_t i = 1; i < v->nitem; i++)
		if (nums[i] == nums[i - 1]) {
			(void)source_say(c->report, SOURCE_WARNING, v->at, "a value is in this set twice");
			break;
		}
	n->nums = nums;
	n->nnum = v->nitem;
	return 0;
}

/* "an spc", "a tn" */
static const char *article(const char *type)
{
	return strchr("aeiou", type[0]) || strcmp(type, "spc") == 0 ? "an" : "a";
}

static int as_reference(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v)
{
	struct ast_name name = {v->text, v->at};
	ptrdiff_t i = policy_names_need(&c->p->lists, &name, c->report);
	enum fact_type t = fact_row(n->fact)->type;
	enum list_type type;

	if (i == POLICY_NO_NAME)
		return -1;
	c->p->list_used[i] = true;
	type = (enum list_type)list_type_of(c->p->ast->list[i].type.text);
	if (!list_holds(type, t))
		return source_say(c->report, SOURCE_ERROR, v->at, "list \"%s\" holds %s values, but \"%s\" is %s %s", c->p->lists.cstr[i],
			list_type_name(type), fact_row(n->fact)->name, article(fact_type_name(t)), fact_type_name(t));
	for (size_t k = 0; k < c->p->ast->list[i].nitem; k++)
		warn_case(c, n->fact, &c->p->ast->list[i].item[k]);
	n->match = MATCH_LIST;
	n->list = c->p->list[i];
	return n->list ? 0 : -1; /* it was said why there is none */
}

static int as_window(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v)
{
	struct ast_name name = {v->text, v->at};
	ptrdiff_t i;

	if (v->kind != AST_WORD)
		return say_type(c, n->fact, v->at);
	i = policy_names_need(&c->p->windows, &name, c->report);
	if (i == POLICY_NO_NAME)
		return -1;
	c->p->window_used[i] = true;
	n->match = MATCH_WINDOW;
	n->window = c->p->window[i];
	return n->window ? 0 : -1;
}

int policy_compile_membership(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v)
{
	enum fact_type t = fact_row(n->fact)->type;

	if (t == FACT_TYPE_CLOCK)
		return as_window(c, n, v);
	if (v->kind == AST_LIST_REF)
		return as_reference(c, n, v);
	if (v->kind == AST_SET)
		return list_for(t) >= 0 ? as_list(c, n, v->item, v->nitem) : as_set(c, n, v);
	if (t == FACT_TYPE_TN || t == FACT_TYPE_ADDR)
		return as_list(c, n, v, 1);
	if (v->kind == AST_WORD && policy_names_find(&c->p->lists, v->text) != POLICY_NO_NAME)
		return source_say(c->report, SOURCE_ERROR, v->at, "a list is written @%.*s", SPAN_ARG(v->text));
	return source_say(c->report, SOURCE_ERROR, v->at, "\"in\" wants a set { ... } or a list @name");
}

/* --- after "~" --------------------------------------------------------------------- */

int policy_compile_regex(struct policy_compiler *c, struct policy_node *n, const struct ast_value *v)
{
	pcre2_code *code;
	int error;
	PCRE2_SIZE offset;
	struct source_pos at = v->at;

	if (v->kind != AST_REGEX)
		return source_say(c->report, SOURCE_ERROR, v->at, "a regular expression is wanted here, as in /^abc/i");
	if (v->text.n > POLICY_REGEX_BYTES)
		return source_say(c->report, SOURCE_ERROR, v->at, "a regular expression has at most %d octets; is it a list?", POLICY_REGEX_BYTES);
	code = pcre2_compile((PCRE2_SPTR)(v->text.n ? v->text.p : ""), v->text.n, REGEX_OPTIONS | (v->icase ? PCRE2_CASELESS : 0),
		&error, &offset, NULL);
	if (!code) {
		PCRE2_UCHAR why[160];

		if (pcre2_get_error_message(error, why, sizeof why) < 0)
			why[0] = '\0';
		at.col += 1 + (uint32_t)offset;
		return source_say(c->report, SOURCE_ERROR, at, "regular expression: %s", (const char *)why);
	}
	/* Without it the same matches are found, only slower (and some kernels forbid it). */
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	if (own(c, NULL, code))
		return -1;
	n->match = MATCH_REGEX;
	n->regex = code;
	return 0;
}
