/*
 * Lays out a report.  Every octet that came with the message is quoted before it
 * is shown; every text stands in probe_change.def.
 */
#include "config.h"

#include <glib.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "ctl/print.h"
#include "ctl/probe_print.h"

enum { HELP_COLUMNS = 76 };

/* --- for people ---------------------------------------------------------------------- */

static void put(FILE *f, const char *what)
{
	fprintf(f, "  %-12s  ", what);
}

static void put_made(FILE *f, const struct probe *p)
{
	char t[PRINT_TIME_BYTES];

	put(f, "made");
	fprintf(f, "%s, kind %s, seed %016" PRIx64 "\n", print_time(t, p->recipe.made), probe_recipe_kind_name(p->recipe.kind), p->recipe.seed);
	put(f, "from, to");
	print_quoted(f, p->recipe.from, PROBE_RECIPE_ADDRESS_MAX);
	for (size_t i = 0; i < p->recipe.nto; i++) {
		fputs(i ? ", " : " to ", f);
		print_quoted(f, p->recipe.to[i], PROBE_RECIPE_ADDRESS_MAX);
	}
	fputc('\n', f);
	if (p->recipe_from == PROBE_FROM_BODY)
		fputs("                (told by its body: the field X-STIR-Probe is gone or damaged)\n", f);
	if (p->recipe_from == PROBE_FROM_SENT)
		fputs("                (told by --sent: it carries nothing that says which probe it is)\n", f);
	if (p->other_version)
		fputs("                (made by another version of stirctl: read it with that one; what follows may be of the versions)\n", f);
}

static void put_way(FILE *f, const struct probe *p)
{
	char age[PRINT_AGE_BYTES];

	put(f, "way");
	fprintf(f, "%lu Received field%s", p->hops, p->hops == 1 ? "" : "s");
	if (p->has_received)
		fprintf(f, ", %s%s after it was made", p->received < p->recipe.made ? "minus " : "", print_age(age, p->received - p->recipe.made));
	if (p->has_slowest && p->slowest_s > 1)
		fprintf(f, "; hop %lu took longest, %s", p->slowest, print_age(age, p->slowest_s));
	fputc('\n', f);
}

static void put_digests(FILE *f, const struct probe *p)
{
	struct buf unsafe;

	put(f, "msgi");
	fprintf(f, "%s\n", p->msgi == PROBE_DIGEST_SAME ? "same: the body came octet for octet" : "changed: the body is not the one that was sent");
	put(f, "msgc");
	fputs(p->msgc == PROBE_DIGEST_SAME ? "same: the decoded content came as it was sent" :
		p->msgc == PROBE_DIGEST_CHANGED ? "changed: the decoded content is not the one that was sent" : "none: a body like this has no msgc", f);
	buf_init(&unsafe, 512);
	content_unsafe_names(&unsafe, p->unsafe);
	if (unsafe.n)
		fprintf(f, "\n                (by UnsafeBody omit it would be signed without both: %.*s)", SPAN_ARG(buf_span(&unsafe)));
	buf_free(&unsafe);
	fputc('\n', f);
}

static void put_body(FILE *f, const struct probe *p)
{
	put(f, "body");
	fprintf(f, "%zu octets sent, %zu arrived; %zu part%s, %zu came as %s\n", p->sent_octets, p->arrived_octets, p->parts_sent,
		p->parts_sent == 1 ? "" : "s", p->parts_same, p->parts_same == 1 ? "it was" : "they were");
	if (!p->differs)
		return;
	put(f, "first change");
	fprintf(f, "after %zu octets, line %lu column %lu, in '%s'\n", p->first, p->first_line, p->first_column, p->first_part);
	put(f, "  sent");
	fputc('"', f);
	print_quoted(f, p->first_sent, PROBE_CONTEXT);
	fputs("\"\n", f);
	put(f, "  arrived");
	fputc('"', f);
	print_quoted(f, p->first_arrived, PROBE_CONTEXT);
	fputs("\"\n", f);
}

static void put_token(FILE *f, const char *what, const struct probe_token *t)
{
	if (!t->sent)
		return;
	put(f, what);
	fprintf(f, "%zu octets, %s\n", t->octets, t->state == PROBE_FIELD_SAME ? "whole" :
		t->state <= PROBE_FIELD_BLANKS ? "whole, folded at other places" : probe_field_state_name(t->state));
}

static void put_fields(FILE *f, const struct probe *p)
{
	put(f, "fields");
	fprintf(f, "%zu sent, %zu came as they were\n", p->fields_sent, p->fields_same);
	put_token(f, "Identity", &p->identity);
	if (!p->identity.sent) {
		put(f, "Identity");
		fprintf(f, "%zu field%s put in on the way\n", p->identities, p->identities == 1 ? "" : "s");
	}
	put_token(f, "  typical", &p->typical);
	put_token(f, "  longest", &p->longest);
	if (!p->nadded)
		return;
	put(f, "new fields");
	for (size_t i = 0; i < p->nadded; i++) {
		fputs(i ? ", " : "", f);
		print_quoted(f, p->added[i], PROBE_DETAIL_MAX);
	}
	fputc('\n', f);
}

static void put_finding(FILE *f, const struct probe_finding *one)
{
	fputs(probe_change_matters(one->change) ? "  ! " : "  - ", f);
	print_quoted(f, one->where, PROBE_DETAIL_MAX);
	fprintf(f, ": %s", probe_change_sentence(one->change));
	if (one->count > 1)
		fprintf(f, ", %lu times", one->count);
	if (one->has_place)
		fprintf(f, " (line %lu, octet %zu of it)", one->line, one->offset);
	fputc('\n', f);
	if (one->detail.n) {
		fputs("      ", f);
		print_quoted(f, one->detail, PROBE_DETAIL_MAX);
		fputc('\n', f);
	}
}

/* A text in lines, at blanks. */
static void put_wrapped(FILE *f, const char *first, const char *text)
{
	struct span rest = span_cstr(text);
	const char *lead = first;

	while (rest.n) {
		size_t n = rest.n > HELP_COLUMNS ? HELP_COLUMNS : rest.n;

		while (n < rest.n && n > 1 && rest.p[n] != ' ')
			n--;
		fprintf(f, "%s%.*s\n", lead, (int)n, rest.p);
		lead = "      ";
		rest = span_skip(rest, n);
		while (rest.n && rest.p[0] == ' ')
			rest = span_skip(rest, 1);
	}
}

/* Each help once, in the order of what was found. */
static void put_help(FILE *f, const struct probe *p)
{
	bool said[PROBE_CHANGES] = {false}, title = false;

	for (size_t i = 0; i < p->nfinding; i++) {
		enum probe_change c = p->finding[i].change;
		char lead[40];

		if (said[c] || !probe_change_help(c)[0])
			continue;
		said[c] = true;
		if (!title)
			fputs("What helps\n", f);
		title = true;
		snprintf(lead, sizeof(lead), "  %s\n      ", probe_change_name(c));
		put_wrapped(f, lead, probe_change_help(c));
	}
}

static void put_summary(FILE *f, const struct probe *p)
{
	bool sent = p->msgi == PROBE_DIGEST_SAME;

	if (p->nfinding)
		fputs("Findings ('!' matters)\n", f);
	for (int matters = 1; matters >= 0; matters--)
		for (size_t i = 0; i < p->nfinding; i++)
			if (probe_change_matters(p->finding[i].change) == matters)
				put_finding(f, &p->finding[i]);
	if (p->more)
		fputs("  ! more was changed than is listed\n", f);
	put_help(f, p);
	if (probe_well(p))
		fputs("Result  nothing that matters was changed\n", f);
	else
		fprintf(f, "Result  changed; a body like this would be judged %s\n", sent ? "by msgi: raw" :
			p->msgc == PROBE_DIGEST_SAME ? "by msgc: decoded, if it was signed with SignContentDigest" : "mismatch");
}

void probe_print(FILE *f, const struct probe *p, const struct mail *m)
{
	print_quoted(f, span_cstr(m->file), LIMIT_URI_BYTES);
	fprintf(f, ": message %lu", m->index);
	if (p->recipe_from == PROBE_FROM_NOWHERE) {
		fprintf(f, " is no probe%s\n", p->recipe_damaged ? ", or what it was made from is damaged or of another version; --sent FILE can say it" : "");
		return;
	}
	fputc('\n', f);
	put_made(f, p);
	put_way(f, p);
	put_digests(f, p);
	put_body(f, p);
	put_fields(f, p);
	put_summary(f, p);
}

/* --- for programs --------------------------------------------------------------------------- */

struct object {
	json_t *j;
	bool failed;
};

static void set(struct object *o, const char *key, json_t *value)
{
	if (json_object_set_new(o->j, key, value))
		o->failed = true;
}

/* Foreign octets as a JSON string: what is no UTF-8 becomes U+FFFD. */
static json_t *text(struct span s)
{
	gchar *valid = g_utf8_make_valid(s.n ? s.p : "", (gssize)s.n);
	json_t *j = json_string(valid);

	g_free(valid);
	return j;
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *hex(struct span s)
{
	char out[2 * PROBE_CONTEXT + 1];

	for (size_t i = 0; i < s.n && i < PROBE_CONTEXT; i++)
		snprintf(out + 2 * i, 3, "%02x", (unsigned char)s.p[i]);
	return json_stringn(out, 2 * (s.n < PROBE_CONTEXT ? s.n : PROBE_CONTEXT));
}

static json_t *finished(struct object *o)
{
	if (!o->failed)
		return o->j;
	json_decref(o->j);
	return NULL;
}

static void append(struct object *o, json_t *value)
{
	if (json_array_append_new(o->j, value))
		o->failed = true;
}

static json_t *texts(const struct span *s, size_t n)
{
	struct object a = {.j = json_array()};

	for (size_t i = 0; i < n; i++)
		append(&a, text(s[i]));
	return finished(&a);
}

static json_t *recipe_json(const struct probe *p)
{
	static const char *const from[] = {NULL, "field", "body", "--sent"};
	struct object o = {.j = json_object()};
	char seed[17];

	if (p->recipe_from == PROBE_FROM_NOWHERE) {
		json_decref(o.j);
		return json_null();
	}
	snprintf(seed, sizeof(seed), "%016" PRIx64, p->recipe.seed);
	set(&o, "kind", json_string(probe_recipe_kind_name(p->recipe.kind)));
	set(&o, "seed", json_string(seed));
	set(&o, "made", json_integer((json_int_t)p->recipe.made));
	set(&o, "from", text(p->recipe.from));
	set(&o, "to", texts(p->recipe.to, p->recipe.nto));
	set(&o, "told_by", json_string(from[p->recipe_from]));
	set(&o, "other_version", json_boolean(p->other_version));
	return finished(&o);
}

static json_t *first_json(const struct probe *p)
{
	struct object o = {.j = json_object()};

	if (!p->differs) {
		json_decref(o.j);
		return json_null();
	}
	set(&o, "offset", number(p->first));
	set(&o, "line", number(p->first_line));
	set(&o, "column", number(p->first_column));
	set(&o, "part", json_string(p->first_part));
	set(&o, "sent", hex(p->first_sent));
	set(&o, "arrived", hex(p->first_arrived));
	return finished(&o);
}

static json_t *token_json(const struct probe_token *t)
{
	return t->sent ? json_pack("{sI ss sb}", "octets", (json_int_t)t->octets, "state", probe_field_state_name(t->state), "whole", t->state <= PROBE_FIELD_BLANKS) :
		json_null();
}

static json_t *findings_json(const struct probe *p)
{
	struct object a = {.j = json_array()};

	for (size_t i = 0; i < p->nfinding; i++) {
		const struct probe_finding *f = &p->finding[i];
		struct object o = {.j = json_object()};

		set(&o, "change", json_string(probe_change_name(f->change)));
		set(&o, "matters", json_boolean(probe_change_matters(f->change)));
		set(&o, "where", text(f->where));
		set(&o, "detail", text(f->detail));
		set(&o, "count", number(f->count));
		set(&o, "line", f->has_place ? number(f->line) : json_null());
		set(&o, "offset", f->has_place ? number(f->offset) : json_null());
		set(&o, "help", json_string(probe_change_help(f->change)));
		append(&a, finished(&o));
	}
	return finished(&a);
}

static void put_report(struct object *o, const struct probe *p)
{
	struct buf unsafe;

	buf_init(&unsafe, 512);
	content_unsafe_names(&unsafe, p->unsafe);
	set(o, "msgi", json_string(probe_digest_name(p->msgi)));
	set(o, "msgc", json_string(probe_digest_name(p->msgc)));
	set(o, "unsafe", text(buf_span(&unsafe)));
	set(o, "octets_sent", number(p->sent_octets));
	set(o, "octets_arrived", number(p->arrived_octets));
	set(o, "first", first_json(p));
	set(o, "parts_sent", number(p->parts_sent));
	set(o, "parts_same", number(p->parts_same));
	set(o, "fields_sent", number(p->fields_sent));
	set(o, "fields_same", number(p->fields_same));
	set(o, "fields_new", texts(p->added, p->nadded));
	set(o, "identities", number(p->identities));
	set(o, "identity", token_json(&p->identity));
	set(o, "typical", token_json(&p->typical));
	set(o, "longest", token_json(&p->longest));
	set(o, "hops", number(p->hops));
	set(o, "received", p->has_received ? json_integer((json_int_t)p->received) : json_null());
	set(o, "slowest_hop", p->has_slowest ? number(p->slowest) : json_null());
	set(o, "slowest_s", p->has_slowest ? json_integer((json_int_t)p->slowest_s) : json_null());
	set(o, "findings", findings_json(p));
	set(o, "more", json_boolean(p->more));
	buf_free(&unsafe);
}

int probe_print_json(FILE *f, const struct probe *p, const struct mail *m)
{
	struct object o = {.j = json_object()};
	json_t *j;
	int rc;

	set(&o, "file", text(span_cstr(m->file)));
	set(&o, "index", number(m->index));
	set(&o, "probe", recipe_json(p));
	set(&o, "well", json_boolean(probe_well(p)));
	if (p->recipe_from != PROBE_FROM_NOWHERE)
		put_report(&o, p);
	j = finished(&o);
	rc = j ? json_dumpf(j, f, JSON_COMPACT) : -1;
	json_decref(j);
	if (rc == 0)
		fputc('\n', f);
	return rc;
}
