/*
 * Facts and result of one message to a line of JSON.
 *
 * What can't be written is left out and named: octets that are no UTF-8, values
 * that are too long, and with pseudonyms the content.  The line itself is
 * jansson's.
 */
#include "config.h"

#include "policy/factlog.h"

#include <assert.h>

#include "core/encoding.h"
#include "core/printable.h"
#include "policy/factlog_internal.h"

enum {
	/* Octets of one fact, of all of them, and of the rules, as JSON.  Together
	 * with everything else (an id may grow six times) they fit into
	 * FACTLOG_LINE_MAX.  A thousand recipients fit. */
	VALUE_MAX = 32 * 1024,
	FACTS_MAX = 144 * 1024,
	RULES_MAX = 64 * 1024,
	ID_MAX = 4 * 1024,
	RULE_BYTES = 100, /* of one rule beside its name */
	NUMBER_BYTES = 24
};

struct writer {
	const struct factlog_context *c;
	size_t room;   /* octets left for facts */
	size_t value;  /* octets of the value being made, at least as many as it will have */
	json_t *left_out;
	bool no_memory;
};

/* NULL: it can't be written; no_memory says if that was why. */
static json_t *text_of(struct writer *w, struct span s)
{
	size_t n = 3;

	for (size_t i = 0; i < s.n && n <= VALUE_MAX; i++)
		n += (unsigned char)s.p[i] < 0x20 ? 6 : s.p[i] == '"' || s.p[i] == '\\' ? 2 : 1;
	w->value += n;
	if (w->value > VALUE_MAX)
		return NULL;
	/* also NULL for what is no UTF-8 */
	return json_stringn(s.n ? s.p : "", s.n);
}

static json_t *pseudonym_of(struct writer *w, struct span s)
{
	char text[PSEUDONYM_BYTES];

	if (pseudonym_write(w->c->pseudonyms, s, text)) {
		w->no_memory = true;
		return NULL;
	}
	return text_of(w, span_make(text, sizeof text));
}

static json_t *address_pseudonym(struct writer *w, enum fact_id id, struct span s)
{
	char lower[VALUE_MAX];

	if (s.n > sizeof lower)
		return NULL;
	/* a Message-ID is one with its case */
	for (size_t i = 0; i < s.n; i++)
		lower[i] = id == FACT_MESSAGE_ID ? s.p[i] : span_lower(s.p[i]);
	return pseudonym_of(w, span_make(lower, s.n));
}

static json_t *tn_of(struct writer *w, const struct tn *t)
{
	char text[TN_MAX_DIGITS + 1] = {'+'};

	if (w->c->numbers == FACTLOG_PSEUDONYM)
		return pseudonym_of(w, tn_span(t));
	memcpy(text + 1, t->digits, t->n);
	return text_of(w, span_make(text, 1u + t->n));
}

static json_t *addr_of(struct writer *w, const struct facts_addr *a)
{
	struct buf b;
	json_t *j;

	buf_init(&b, VALUE_MAX);
	facts_print_addr(&b, a);
	j = text_of(w, buf_span(&b));
	buf_free(&b);
	return j;
}

static json_t *number_of(struct writer *w, enum fact_type t, int64_t v)
{
	w->value += NUMBER_BYTES;
	if (t != FACT_TYPE_NUMBER)
		return json_integer(v);
	if (v > FACTLOG_MILLI_MAX || v < -FACTLOG_MILLI_MAX)
		return NULL;
	return json_real((double)v / 1000);
}

static json_t *value_of(struct writer *w, enum fact_id id, const struct facts_value *v)
{
	const struct fact_row *row = fact_row(id);

	if (v->hidden)
		return text_of(w, v->text);
	switch (row->type) {
	case FACT_TYPE_ENUM:
		return text_of(w, span_cstr(row->word[v->num]));
	case FACT_TYPE_COUNT:
	case FACT_TYPE_NUMBER:
	case FACT_TYPE_DURATION:
	case FACT_TYPE_SIZE:
		return number_of(w, row->type, v->num);
	case FACT_TYPE_TN:
		return tn_of(w, &v->tn);
	case FACT_TYPE_ADDR:
		return addr_of(w, &v->addr);
	case FACT_TYPE_HOST:
	case FACT_TYPE_SPC:
	case FACT_TYPE_TEXT:
		break;
	case FACT_TYPE_CLOCK:
		return NULL;
	}
	if (!factlog_is_personal(id))
		return text_of(w, v->text);
	if (w->c->numbers == FACTLOG_PSEUDONYM && factlog_names_person(id, v->text))
		return address_pseudonym(w, id, v->text);
	/* one that looks like a pseudonym would be read as one */
	return factlog_is_pseudonym(v->text) ? NULL : text_of(w, v->text);
}

/* NULL: the fact is left out. */
static json_t *fact_of(struct writer *w, const struct facts *f, enum fact_id id)
{
	size_t n;
	const struct facts_value *v = facts_values(f, id, &n);
	json_t *list;

	w->value = fact_row(id)->list ? 2 : 0;
	/* that there is none says nothing of anybody */
	if (w->c->numbers == FACTLOG_PSEUDONYM && factlog_is_content(id) && facts_present(f, id))
		return NULL;
	if (!fact_row(id)->list)
		return value_of(w, id, v);
	list = json_array();
	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, value_of(w, id, &v[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static void leave_out(struct writer *w, const char *name)
{
	if (json_array_append_new(w->left_out, json_string(name)))
		w->no_memory = true;
}

static json_t *facts_of(struct writer *w, const struct facts *f)
{
	json_t *all = json_object();

	for (int i = 0; all && i < FACT_N; i++) {
		enum fact_id id = (enum fact_id)i;
		const struct fact_row *row = fact_row(id);
		size_t n = strlen(row->name) + 4;
		json_t *j;

		/* "time" says when */
		if (!f->cell[id].set || row->type == FACT_TYPE_CLOCK)
			continue;
		j = fact_of(w, f, id);
		if (j && w->value + n <= w->room) {
			w->room -= w->value + n;
			if (json_object_set_new_nocheck(all, row->name, j))
				w->no_memory = true;
		} else {
			json_decref(j);
			leave_out(w, row->name);
		}
	}
	return all;
}

static json_t *milli(int64_t v)
{
	return json_real((double)v / 1000);
}

static json_t *rule_of(const struct policy *p, const struct policy_hit *h)
{
	struct span name = policy_rule(p, h->rule)->name.text;

	return json_pack("{s:s%, s:o, s:o, s:b, s:b, s:b}", "name", name.p, name.n, "score", milli(h->score_milli), "lost", milli(h->lost_milli), "shadow", h->shadow,
		"final", h->final, "error", h->error);
}

static json_t *rules_of(struct writer *w, const struct policy *p, const struct policy_result *r)
{
	json_t *all = json_array();
	size_t bytes = 0;

	for (size_t i = 0; all && p && i < r->nhit; i++) {
		if (!r->hit[i].hit && !r->hit[i].error)
			continue;
		bytes += RULE_BYTES + policy_rule(p, r->hit[i].rule)->name.text.n;
		if (bytes > RULES_MAX) {
			leave_out(w, "rules");
			break;
		}
		if (json_array_append_new(all, rule_of(p, &r->hit[i])))
			w->no_memory = true;
	}
	return all;
}

static json_t *id_of(struct writer *w)
{
	struct buf b;
	json_t *j = NULL;

	if (w->c->id.n <= ID_MAX)
		j = json_stringn(w->c->id.n ? w->c->id.p : "", w->c->id.n);
	if (j)
		return j;
	/* a file's name need not be text */
	buf_init(&b, ID_MAX);
	printable_put(&b, w->c->id, "");
	if (b.failed)
		leave_out(w, "id");
	j = json_string(b.failed || !b.p ? "" : b.p);
	buf_free(&b);
	return j;
}

static json_t *needs_of(unsigned bits)
{
	json_t *all = json_array();

	for (unsigned bit = 1; all && bit <= FACT_NEED_HISTORY; bit *= 2)
		if ((bits & bit) && json_array_append_new(all, json_string(fact_need_name((enum fact_need)bit)))) {
			json_decref(all);
			return NULL;
		}
	return all;
}

/* Takes the reference. */
static void put(struct writer *w, json_t *line, const char *name, json_t *j)
{
	if (json_object_set_new_nocheck(line, name, j))
		w->no_memory = true;
}

static void fill(struct writer *w, json_t *line, const struct facts *f, const struct policy *p, const struct policy_result *r)
{
	static const struct policy_result none = {.because = "none"};

	if (!r)
		r = &none;
	put(w, line, "v", json_integer(FACTLOG_VERSION));
	put(w, line, "time", json_integer(w->c->time));
	put(w, line, "id", id_of(w));
	put(w, line, "policy", json_string(p ? policy_hash(p) : ""));
	put(w, line, "facts", facts_of(w, f));
	put(w, line, "worked_out", needs_of(f->worked_out));
	if (f->incomplete)
		put(w, line, "incomplete", json_stringn(f->incomplete_why.n ? f->incomplete_why.p : "", f->incomplete_why.n));
	put(w, line, "score", milli(r->score_milli));
	put(w, line, "shadow", milli(r->shadow_milli));
	put(w, line, "action", json_string(verdict_action_name(r->action)));
	put(w, line, "would", json_string(verdict_action_name(r->would_action)));
	put(w, line, "peer", r->peer ? json_string(r->peer) : json_null());
	put(w, line, "because", json_string(r->because ? r->because : "none"));
	put(w, line, "rules", rules_of(w, p, r));
	put(w, line, "left_out", json_incref(w->left_out));
}

static int to_buf(const char *p, size_t n, void *out)
{
	return buf_put(out, p, n);
}

int factlog_write(struct buf *out, const struct facts *f, const struct policy *p, const struct policy_result *r, const struct factlog_context *c)
{
	struct writer w = {.c = c, .room = FACTS_MAX, .left_out = json_array()};
	json_t *line = json_object();
	size_t start = out->n;
	int rc = -1;

	assert(c->pseudonyms || c->numbers == FACTLOG_FULL);
	if (line && w.left_out) {
		fill(&w, line, f, p, r);
		if (!w.no_memory)
			rc = json_dump_callback(line, to_buf, out, JSON_COMPACT | JSON_REAL_PRECISION(FACTLOG_NUMBER_DIGITS));
	}
	json_decref(line);
	json_decref(w.left_out);
	if (rc || buf_putc(out, '\n'))
		return -1;
	assert(out->n - start <= FACTLOG_LINE_MAX);
	return 0;
}
