/*
 * A line of a fact log back to facts.
 *
 * JSON is jansson's; that every name is known and every value is one of its
 * fact is looked at here.  Nothing is taken for granted: the file may come from
 * anywhere.
 */
#include "config.h"

#include "policy/factlog.h"

#include <arpa/inet.h>

#include "core/printable.h"
#include "core/suggest.h"
#include "policy/factlog_internal.h"

enum { SHOWN_MAX = 60 };

static const char *const names[] = {
	"v", "time", "id", "policy", "facts", "worked_out", "incomplete", "score", "shadow", "action", "would", "peer", "because", "rules", "left_out"};
enum { NAMES = sizeof names / sizeof names[0] };

static const char *const becauses[] = {"score", "final", "failure", "none"};

struct reader {
	struct arena *a;
	struct facts *f;
	struct factlog_record *out;
	struct err *e;
};

static struct span text_of(const json_t *j)
{
	return span_make(json_string_value(j), json_string_length(j));
}

/* Foreign octets as they may stand in an error. */
struct shown {
	char text[SHOWN_MAX * 4 + 8];
};
static struct shown show(struct span s)
{
	struct shown out = {""};
	struct buf b;

	buf_init(&b, sizeof out.text - 4);
	printable_put(&b, span_take(s, SHOWN_MAX), "\"");
	if (b.p)
		memcpy(out.text, b.p, b.n + 1);
	if (s.n > SHOWN_MAX)
		memcpy(out.text + b.n, "...", 4);
	buf_free(&b);
	return out;
}

static int wrong(struct reader *r, const char *where, const char *why)
{
	return err_set(r->e, ERR_DATA, "\"%s\": %s", where, why);
}

static int no_memory(struct reader *r)
{
	return err_set(r->e, ERR_UNAVAILABLE, "no memory for a line of a fact log");
}

static int unknown(struct reader *r, const char *what, struct span word, const char *near)
{
	return err_set(r->e, ERR_DATA, "unknown %s \"%s\"%s%s%s", what, show(word).text, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int copy(struct reader *r, struct span s, struct span *out)
{
	*out = arena_copy(r->a, s);
	return arena_overflowed(r->a) ? no_memory(r) : 0;
}

/* Index of the word, or -1 after saying so. */
static int one_of(struct reader *r, const char *what, struct span word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(word, words[i]))
			return (int)i;
	return unknown(r, what, word, suggest_name(word, words, n));
}

/* Thousandths, at most max either way. */
static int read_milli(struct reader *r, const char *name, const json_t *j, int64_t max, int64_t *out)
{
	double v;

	if (!json_is_number(j))
		return wrong(r, name, "this is a number");
	v = json_number_value(j) * 1000;
	if (!(v >= -(double)max && v <= (double)max))
		return wrong(r, name, "this number is too large");
	*out = (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
	return 0;
}

/* --- facts */

static int read_enum(struct reader *r, enum fact_id id, const json_t *j)
{
	const struct fact_row *row = fact_row(id);
	size_t n = 0;
	int word;

	if (!json_is_string(j))
		return wrong(r, row->name, "this is a word");
	while (row->word[n])
		n++;
	word = one_of(r, row->name, text_of(j), row->word, n);
	if (word < 0)
		return err_prefix(r->e, "\"%s\"", row->name);
	/* It follows from the rules, as the peer does: those of another policy may come to an end. */
	if (id == FACT_FAILURE && span_is(text_of(j), "timeout"))
		return 0;
	facts_set_num(r->f, id, word);
	return 0;
}

static int read_whole(struct reader *r, enum fact_id id, const json_t *j)
{
	const struct fact_row *row = fact_row(id);

	if (!json_is_integer(j))
		return wrong(r, row->name, "this is a whole number");
	if (row->type != FACT_TYPE_DURATION && json_integer_value(j) < 0)
		return wrong(r, row->name, "this number is not below zero");
	facts_set_num(r->f, id, json_integer_value(j));
	return 0;
}

static int read_number(struct reader *r, enum fact_id id, const json_t *j)
{
	int64_t v = 0;

	if (read_milli(r, fact_row(id)->name, j, FACTLOG_MILLI_MAX, &v) < 0)
		return -1;
	facts_set_num(r->f, id, v);
	return 0;
}

static int read_tn(struct reader *r, enum fact_id id, struct span s)
{
	struct tn tn;

	if (!s.n || s.p[0] != '+' || tn_from_claim(span_skip(s, 1), &tn) < 0)
		return wrong(r, fact_row(id)->name, "this is a number, as \"+15550100001\", or a pseudonym");
	if (fact_row(id)->list)
		facts_add_tn(r->f, id, &tn);
	else
		facts_set_tn(r->f, id, &tn);
	return 0;
}

static int read_addr(struct reader *r, enum fact_id id, const char *text)
{
	struct facts_addr a = {{[10] = 0xFF, [11] = 0xFF}};

	if (inet_pton(AF_INET, text, a.b + 12) != 1 && inet_pton(AF_INET6, text, a.b) != 1)
		return wrong(r, fact_row(id)->name, "this is an address, as \"192.0.2.9\"");
	facts_set_addr(r->f, id, &a);
	return 0;
}

/* TN ADDR HOST SPC TEXT. */
static int read_string(struct reader *r, enum fact_id id, const json_t *j)
{
	const struct fact_row *row = fact_row(id);
	struct span s;

	if (!json_is_string(j))
		return wrong(r, row->name, "this is a text");
	s = text_of(j);
	if (row->type == FACT_TYPE_ADDR)
		return strlen(s.p) == s.n ? read_addr(r, id, s.p) : wrong(r, row->name, "NUL in an address");
	if (factlog_is_personal(id) && factlog_is_pseudonym(s)) {
		if (copy(r, s, &s) < 0)
			return -1;
		facts_set_hidden(r->f, id, s);
		return 0;
	}
	if (row->type == FACT_TYPE_TN)
		return read_tn(r, id, s);
	if (copy(r, s, &s) < 0)
		return -1;
	if (row->list)
		facts_add_text(r->f, id, s);
	else
		facts_set_text(r->f, id, s);
	return 0;
}

static int read_list(struct reader *r, enum fact_id id, const json_t *j)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j))
		return wrong(r, fact_row(id)->name, "this is a list");
	if (n > FACTS_LIST_MAX)
		return wrong(r, fact_row(id)->name, "a list has at most 1000 values");
	facts_empty(r->f, id);
	for (size_t i = 0; i < n; i++)
		if (read_string(r, id, json_array_get(j, i)) < 0)
			return -1;
	return 0;
}

static int read_fact(struct reader *r, enum fact_id id, const json_t *j)
{
	const struct fact_row *row = fact_row(id);

	if (row->list)
		return read_list(r, id, j);
	switch (row->type) {
	case FACT_TYPE_ENUM:
		return read_enum(r, id, j);
	case FACT_TYPE_COUNT:
	case FACT_TYPE_DURATION:
	case FACT_TYPE_SIZE:
		return read_whole(r, id, j);
	case FACT_TYPE_NUMBER:
		return read_number(r, id, j);
	case FACT_TYPE_TN:
	case FACT_TYPE_ADDR:
	case FACT_TYPE_HOST:
	case FACT_TYPE_SPC:
	case FACT_TYPE_TEXT:
		return read_string(r, id, j);
	case FACT_TYPE_CLOCK:
		break;
	}
	return wrong(r, row->name, "the time is not among the facts");
}

static int read_facts(struct reader *r, json_t *j)
{
	const char *name;
	json_t *value;
	size_t n;

	if (!json_is_object(j))
		return wrong(r, "facts", "this is an object");
	json_object_keylen_foreach(j, name, n, value) {
		enum fact_id id = fact_find(span_make(name, n));

		if (id == FACT_N)
			return unknown(r, "fact", span_make(name, n), fact_suggest(span_make(name, n)));
		if (read_fact(r, id, value) < 0)
			return -1;
	}
	/* a list that no longer fits says so */
	return r->f->incomplete ? no_memory(r) : 0;
}

/* --- the rest of the line */

static int read_text(struct reader *r, const char *name, const json_t *j, struct span *out)
{
	return json_is_string(j) ? copy(r, text_of(j), out) : wrong(r, name, "this is a text");
}

static int read_action(struct reader *r, const char *name, const json_t *j, struct span *out)
{
	const char *words[VERDICT_DISCARD + 1];

	for (int i = 0; i <= VERDICT_DISCARD; i++)
		words[i] = verdict_action_name((enum verdict_action)i);
	if (!json_is_string(j))
		return wrong(r, name, "this is a word");
	if (one_of(r, "action", text_of(j), words, VERDICT_DISCARD + 1) < 0)
		return err_prefix(r->e, "\"%s\"", name);
	return copy(r, text_of(j), out);
}

static int read_because(struct reader *r, const json_t *j, struct span *out)
{
	if (!json_is_string(j))
		return wrong(r, "because", "this is a word");
	if (one_of(r, "reason", text_of(j), becauses, sizeof becauses / sizeof becauses[0]) < 0)
		return err_prefix(r->e, "\"because\"");
	return copy(r, text_of(j), out);
}

static int read_score(struct reader *r, const char *name, const json_t *j, int32_t *out)
{
	int64_t v = 0;

	if (read_milli(r, name, j, INT32_MAX, &v) < 0)
		return -1;
	*out = (int32_t)v;
	return 0;
}

static int read_needs(struct reader *r, const json_t *j)
{
	const char *words[8];
	size_t n = 0, i;
	json_t *word;

	for (unsigned bit = 1; bit <= FACT_NEED_HISTORY; bit *= 2)
		words[n++] = fact_need_name((enum fact_need)bit);
	if (!json_is_array(j))
		return wrong(r, "worked_out", "this is a list");
	json_array_foreach(j, i, word) {
		int bit = json_is_string(word) ? one_of(r, "kind of work", text_of(word), words, n) : wrong(r, "worked_out", "this is a list of words");

		if (bit < 0)
			return -1;
		r->f->worked_out |= 1u << bit;
	}
	return 0;
}

static int read_left_out(struct reader *r, const json_t *j)
{
	size_t n = json_array_size(j), i;
	json_t *word;

	if (!json_is_array(j))
		return wrong(r, "left_out", "this is a list");
	r->out->left_out = arena_array(r->a, n, sizeof *r->out->left_out);
	if (!r->out->left_out)
		return no_memory(r);
	json_array_foreach(j, i, word) {
		struct span s = text_of(word);

		if (!json_is_string(word))
			return wrong(r, "left_out", "this is a list of names");
		if (fact_find(s) == FACT_N && !span_is(s, "rules") && !span_is(s, "id"))
			return unknown(r, "fact", s, fact_suggest(s));
		if (copy(r, s, &r->out->left_out[r->out->nleft_out++]) < 0)
			return -1;
	}
	return 0;
}

static int read_rule(struct reader *r, json_t *j)
{
	enum { MEMBERS = 6 };
	static const char *const members[MEMBERS] = {"name", "score", "lost", "shadow", "final", "error"};
	struct factlog_rule *out = &r->out->rule[r->out->nrule];
	const json_t *m[MEMBERS];
	const char *name;
	json_t *value;
	size_t n;
	int32_t lost = 0;

	if (!json_is_object(j))
		return wrong(r, "rules", "this is a list of objects");
	for (int i = 0; i < MEMBERS; i++)
		m[i] = json_object_get(j, members[i]);
	json_object_keylen_foreach(j, name, n, value)
		if (one_of(r, "member of a rule", span_make(name, n), members, MEMBERS) < 0)
			return -1;
	if (!json_is_string(m[0]) || !json_is_boolean(m[3]) || !json_is_boolean(m[4]) || !json_is_boolean(m[5]))
		return wrong(r, "rules", "a rule has a name, and shadow, final and error are true or false");
	if (read_score(r, "score", m[1], &out->score_milli) < 0 || read_score(r, "lost", m[2], &lost) < 0 || copy(r, text_of(m[0]), &out->name) < 0)
		return -1;
	out->shadow = json_is_true(m[3]);
	/* a rule that failed did not hit */
	r->out->nrule += !json_is_true(m[5]);
	return 0;
}

static int read_rules(struct reader *r, const json_t *j)
{
	size_t n = json_array_size(j), i;
	json_t *rule;

	if (!json_is_array(j))
		return wrong(r, "rules", "this is a list");
	r->out->rule = arena_array(r->a, n, sizeof *r->out->rule);
	if (!r->out->rule)
		return no_memory(r);
	json_array_foreach(j, i, rule)
		if (read_rule(r, rule) < 0)
			return -1;
	return 0;
}

/* What kept something out, then as now. */
static int read_incomplete(struct reader *r, const json_t *j)
{
	if (!j)
		return 0;
	r->f->incomplete = true;
	if (json_string_length(j) > FACTLOG_WHY_MAX)
		return wrong(r, "incomplete", "this is a sentence");
	return read_text(r, "incomplete", j, &r->f->incomplete_why);
}

static int read_peer(struct reader *r, const json_t *j, struct span *out)
{
	return json_is_null(j) ? 0 : read_text(r, "peer", j, out);
}

static int read_head(struct reader *r, json_t *line)
{
	const json_t *v = json_object_get(line, "v"), *time = json_object_get(line, "time");
	const char *name;
	json_t *value;
	size_t n;

	if (!json_is_integer(v) || json_integer_value(v) != FACTLOG_VERSION)
		return wrong(r, "v", "this is no line of a fact log, or of another version");
	json_object_keylen_foreach(line, name, n, value)
		if (one_of(r, "name", span_make(name, n), names, NAMES) < 0)
			return -1;
	for (int i = 0; i < NAMES; i++)
		if (!json_object_get(line, names[i]) && strcmp(names[i], "incomplete") != 0)
			return wrong(r, names[i], "is missing");
	if (!json_is_integer(time))
		return wrong(r, "time", "this is a whole number");
	r->out->time = json_integer_value(time);
	return 0;
}

static int read_line(struct reader *r, json_t *line)
{
	struct factlog_record *o = r->out;
	int32_t shadow = 0;

	if (read_head(r, line) < 0 || read_text(r, "id", json_object_get(line, "id"), &o->id) < 0 ||
	    read_text(r, "policy", json_object_get(line, "policy"), &o->policy) < 0 || read_facts(r, json_object_get(line, "facts")) < 0 ||
	    read_needs(r, json_object_get(line, "worked_out")) < 0)
		return -1;
	if (read_incomplete(r, json_object_get(line, "incomplete")) < 0 || read_score(r, "score", json_object_get(line, "score"), &o->score_milli) < 0 ||
	    read_score(r, "shadow", json_object_get(line, "shadow"), &shadow) < 0 || read_action(r, "action", json_object_get(line, "action"), &o->action) < 0 ||
	    read_action(r, "would", json_object_get(line, "would"), &o->would) < 0)
		return -1;
	if (read_peer(r, json_object_get(line, "peer"), &o->peer) < 0 || read_because(r, json_object_get(line, "because"), &o->because) < 0)
		return -1;
	return read_rules(r, json_object_get(line, "rules")) < 0 ? -1 : read_left_out(r, json_object_get(line, "left_out"));
}

int factlog_read(struct span line, struct arena *a, struct facts *f, struct factlog_record *out, struct err *e)
{
	struct reader r = {a, f, out, e};
	json_error_t why;
	json_t *j;
	int rc;

	facts_init(f, a);
	memset(out, 0, sizeof *out);
	if (line.n > FACTLOG_LINE_MAX)
		return err_set(e, ERR_DATA, "a line of a fact log has at most %d octets", FACTLOG_LINE_MAX);
	j = json_loadb(line.n ? line.p : "", line.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!j)
		return err_set(e, ERR_DATA, "this is no JSON, at octet %d: %s", why.position, show(span_cstr(why.text)).text);
	rc = read_line(&r, j);
	json_decref(j);
	return rc;
}
