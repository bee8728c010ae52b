/*
 * From the tree to the compiled form: lists, windows, rates, groups, thresholds
 * and failures; peers and rules are in files of their own.
 *
 * Goes on after a mistake, so that one run finds them all.  What a parser can
 * know is taken for granted: bounds of numbers, words of fixed sets, names that
 * are defined twice.
 */
#include "config.h"

#include "policy/policy_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "core/encoding.h"

void *policy_compile_array(struct policy_compiler *c, size_t n, size_t size)
{
	void *p = arena_array(c->p->arena, n, size);

	if (!p)
		c->no_memory = true;
	return p;
}

/* --- names ------------------------------------------------------------------------- */

static int name_all(struct policy_compiler *c)
{
	const struct ast_policy *t = c->p->ast;
	struct {
		struct policy_names *names;
		const char *what;
		const void *first;
		size_t stride, n;
	} all[] = {
		{&c->p->lists, "list", t->list, sizeof *t->list, t->nlist},
		{&c->p->windows, "window", t->window, sizeof *t->window, t->nwindow},
		{&c->p->rates, "rate", t->rate, sizeof *t->rate, t->nrate},
		{&c->p->peers, "peer", t->peer, sizeof *t->peer, t->npeer},
		{&c->p->rules, "rule", t->rule, sizeof *t->rule, t->nrule},
		{&c->p->groups, "group", t->group, sizeof *t->group, t->ngroup},
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (policy_names_init(all[i].names, all[i].what, all[i].first, all[i].stride, all[i].n, c->p->arena)) {
			c->no_memory = true;
			return -1;
		}
	}
	return 0;
}

/* --- lists and the hash ---------------------------------------------------------------- */

static void hash_put(EVP_MD_CTX *hash, char kind, struct span s)
{
	unsigned char head[9] = {(unsigned char)kind};

	for (int i = 0; i < 8; i++)
		head[1 + i] = (unsigned char)((uint64_t)s.n >> 8 * i);
	(void)EVP_DigestUpdate(hash, head, sizeof head);
	(void)EVP_DigestUpdate(hash, s.n ? s.p : "", s.n);
}

static void list_from_file(struct policy_compiler *c, const struct ast_list *l, enum list_type type, EVP_MD_CTX *hash, struct list **out)
{
	const char *base = l->file.at.src ? l->file.at.src->name : "";
	const char *path = source_relative(c->p->arena, base, l->file.text);
	struct buf text;
	struct err e;

	if (!path) {
		c->no_memory = true;
		return;
	}
	if (!c->loader || !c->loader->read) {
		(void)source_say(c->report, SOURCE_ERROR, l->file.at, "no file can be read here");
		return;
	}
	buf_init(&text, LIST_FILE_BYTES_MAX);
	err_clear(&e);
	if (c->loader->read(c->loader->ctx, path, LIST_FILE_BYTES_MAX, &text, &e)) {
		(void)source_say(c->report, SOURCE_ERROR, l->file.at, "%s", e.text);
	} else {
		hash_put(hash, 'L', buf_span(&text));
		if (list_parse(path, type, buf_span(&text), out, c->report))
			*out = NULL;
	}
	buf_free(&text);
}

static void compile_list(struct policy_compiler *c, size_t i, EVP_MD_CTX *hash)
{
	const struct ast_list *l = &c->p->ast->list[i];
	enum list_type type = (enum list_type)list_type_of(l->type.text);

	if (l->file.text.n)
		list_from_file(c, l, type, hash, &c->p->list[i]);
	else if (list_from_values(type, l->item, l->nitem, &c->p->list[i], c->report))
		c->p->list[i] = NULL;
	if (!l->file.text.n && !l->nitem)
		(void)source_say(c->report, SOURCE_WARNING, l->name.at, "the list is empty: nothing is ever in it");
}

static void compile_lists(struct policy_compiler *c)
{
	const struct ast_policy *t = c->p->ast;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(hash);
		c->no_memory = true;
		return;
	}
	for (size_t i = 0; i < t->nfile; i++)
		hash_put(hash, 'F', t->file[i]->text);
	for (size_t i = 0; i < t->nlist; i++)
		compile_list(c, i, hash);
	if (EVP_DigestFinal_ex(hash, digest, NULL) == 1)
		hex_encode(c->p->hash, digest, (POLICY_HASH_BYTES - 1) / 2);
	else
		c->no_memory = true;
	EVP_MD_CTX_free(hash);
}

/* --- rates ------------------------------------------------------------------------------ */

static void compile_rate(struct policy_compiler *c, const struct ast_rate *r, struct policy_rate *out)
{
	out->ast = r;
	out->rate = (struct counters_rate){.name = r->name.text, .limit_milli = r->limit.num, .per_ms = r->per.num * 1000,
		.burst_milli = r->burst.at.src ? r->burst.num : r->limit.num};
	out->key = policy_compile_array(c, r->nkey, sizeof *out->key);
	for (size_t i = 0; out->key && i < r->nkey; i++) {
		enum fact_id id = policy_compile_fact(c, &r->key[i]);

		if (id == FACT_N)
			continue;
		if (fact_row(id)->list || fact_row(id)->type == FACT_TYPE_CLOCK)
			(void)source_say(c->report, SOURCE_ERROR, r->key[i].at, "\"%s\" is %s, which can't be the key of a rate", fact_row(id)->name,
				fact_row(id)->list ? "a list" : "the time");
		out->key[out->nkey++] = id;
	}
}

/* After the rules: which buckets are whose. */
static void settle_rates(struct policy_compiler *c)
{
	for (size_t i = 0; i < c->p->ast->nrate; i++) {
		struct policy_rate *r = &c->p->rate[i];

		for (size_t k = 0; k < r->nkey && (r->live || r->shadow); k++)
			c->p->asks[r->key[k]] = true;
		if (r->live || !r->shadow)
			continue;
		r->rate.name = arena_printf(c->p->arena, "shadow/%.*s", SPAN_ARG(r->ast->name.text));
		if (!r->rate.name.n)
			c->no_memory = true;
	}
}

/* --- groups, thresholds, failures ---------------------------------------------------------- */

static void say_order(struct policy_compiler *c, const struct ast_threshold *t, int32_t before)
{
	struct buf b;

	buf_init(&b, 100);
	buf_puts(&b, "threshold ");
	policy_print_milli(&b, t->at.num);
	buf_puts(&b, " must be above ");
	policy_print_milli(&b, before);
	(void)source_say(c->report, SOURCE_ERROR, t->at.at, "%.*s", SPAN_ARG(buf_span(&b)));
	buf_free(&b);
}

static void compile_thresholds(struct policy_compiler *c)
{
	for (size_t i = 0; i < c->p->ast->nthreshold; i++) {
		const struct ast_threshold *t = &c->p->ast->threshold[i];
		struct policy_threshold *out = &c->p->threshold[i];

		*out = (struct policy_threshold){.at = (int32_t)t->at.num, .action = &t->action};
		policy_compile_action(c, &t->action);
		if (i && out->at <= c->p->threshold[i - 1].at)
			say_order(c, t, c->p->threshold[i - 1].at);
	}
}

static void compile_failures(struct policy_compiler *c)
{
	for (size_t i = 0; i < c->p->ast->non; i++) {
		const struct ast_on *on = &c->p->ast->on[i];

		policy_compile_action(c, &on->action);
		c->p->on[fact_word(FACT_FAILURE, on->failure.text)] = &on->action;
	}
}

/* --- all of it -------------------------------------------------------------------------------- */

static int make_room(struct policy_compiler *c)
{
	struct policy *p = c->p;
	const struct ast_policy *t = p->ast;

	p->list = policy_compile_array(c, t->nlist, sizeof *p->list);
	p->list_used = policy_compile_array(c, t->nlist, sizeof *p->list_used);
	p->window = policy_compile_array(c, t->nwindow, sizeof *p->window);
	p->window_used = policy_compile_array(c, t->nwindow, sizeof *p->window_used);
	p->rate = policy_compile_array(c, t->nrate, sizeof *p->rate);
	p->peer = policy_compile_array(c, t->npeer, sizeof *p->peer);
	p->rule = policy_compile_array(c, t->nrule, sizeof *p->rule);
	p->group_max = policy_compile_array(c, t->ngroup, sizeof *p->group_max);
	p->group_used = policy_compile_array(c, t->ngroup, sizeof *p->group_used);
	p->threshold = policy_compile_array(c, t->nthreshold, sizeof *p->threshold);
	p->trial = policy_compile_array(c, t->ntest, sizeof *p->trial);
	return c->no_memory ? -1 : 0;
}

static void settle_needs(struct policy *p)
{
	for (unsigned i = 0; i < FACT_N; i++)
		if (p->asks[i])
			p->needs |= fact_row((enum fact_id)i)->need;
	if (p->needs & FACT_NEED_TEXT)
		p->needs |= FACT_NEED_CONTENT;
}

static int set_limits(struct policy *p)
{
	p->limits = pcre2_match_context_create(NULL);
	if (!p->limits)
		return -1;
	(void)pcre2_set_match_limit(p->limits, POLICY_MATCH_LIMIT);
	(void)pcre2_set_depth_limit(p->limits, POLICY_DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(p->limits, POLICY_HEAP_KIB);
	return 0;
}

/* Everything that can be wrong. */
static void compile_statements(struct policy_compiler *c)
{
	struct policy *p = c->p;

	compile_lists(c);
	for (size_t i = 0; i < p->ast->nwindow; i++)
		if (window_make(&p->ast->window[i], &p->window[i], c->report))
			p->window[i] = NULL;
	for (size_t i = 0; i < p->ast->nrate; i++)
		compile_rate(c, &p->ast->rate[i], &p->rate[i]);
	compile_failures(c);
	policy_compile_rules(c);
	policy_compile_peers(c);
	for (size_t i = 0; i < p->ast->ngroup; i++)
		p->group_max[i] = (int32_t)p->ast->group[i].max.num;
	compile_thresholds(c);
	settle_rates(c);
	settle_needs(p);
	policy_check_tests(c);
}

static int compile_all(struct policy_compiler *c)
{
	struct policy *p = c->p;
	unsigned before = c->report->errors;

	p->mode = p->ast->mode == AST_MODE_NONE ? AST_MODE_TAG : p->ast->mode;
	if (make_room(c) || name_all(c) || set_limits(p))
		return -1;
	compile_statements(c);
	if (!c->no_memory && c->report->errors == before)
		policy_compile_order(c);
	if (!c->no_memory && c->report->errors == before)
		policy_check_warnings(c);
	return c->no_memory || c->report->errors != before ? -1 : 0;
}

int policy_compile(struct ast_policy *t, const struct source_loader *loader, struct policy **out, struct source_report *report)
{
	struct policy *p = calloc(1, sizeof *p);
	struct policy_compiler c = {.p = p, .loader = loader, .report = report};
	unsigned before = report->errors;

	*out = NULL;
	if (p) {
		p->ast = t;
		p->arena = arena_new(POLICY_ARENA_MAX);
		if (p->arena && compile_all(&c) == 0) {
			*out = p;
			return 0;
		}
		policy_free(p);
	} else {
		ast_free(t);
	}
	if (report->errors == before)
		(void)source_say(report, SOURCE_ERROR, (struct source_pos){0}, "no memory for the policy");
	return -1;
}
