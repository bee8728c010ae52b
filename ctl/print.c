/*
 * Shows the result of a verification; every word comes from the tables of
 * core/, so that line, JSON, log and header agree.
 *
 * Claims of a token whose signature did not hold are what somebody says, not
 * what is: they never stand where signed ones do.
 */
#include "config.h"

#include <glib.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "core/printable.h"
#include "ctl/print.h"

enum { NAME_MAX_SHOWN = 1000 };

const char *print_time(char out[PRINT_TIME_BYTES], int64_t t)
{
	time_t tt = (time_t)t;
	struct tm tm;

	if (!gmtime_r(&tt, &tm) || strftime(out, PRINT_TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(out, PRINT_TIME_BYTES, "%" PRId64, t);
	return out;
}

const char *print_age(char out[PRINT_AGE_BYTES], int64_t seconds)
{
	uint64_t s = seconds < 0 ? 0 - (uint64_t)seconds : (uint64_t)seconds;

	if (s < 120)
		snprintf(out, PRINT_AGE_BYTES, "%" PRIu64 " s", s);
	else if (s < 7200)
		snprintf(out, PRINT_AGE_BYTES, "%" PRIu64 " min", s / 60);
	else if (s < 172800)
		snprintf(out, PRINT_AGE_BYTES, "%" PRIu64 " h", s / 3600);
	else
		snprintf(out, PRINT_AGE_BYTES, "%" PRIu64 " days", s / 86400);
	return out;
}

void print_quoted(FILE *f, struct span s, size_t max)
{
	struct buf b;

	buf_init(&b, 4 * max + 16);
	printable_put(&b, span_take(s, max), "");
	if (s.n > max)
		buf_puts(&b, "...");
	fprintf(f, "%.*s", SPAN_ARG(buf_span(&b)));
	buf_free(&b);
}

void print_party(FILE *f, const struct party *p)
{
	if (p->kind == PARTY_NONE)
		fputs("(nobody)", f);
	if (p->kind == PARTY_TN)
		fputc('+', f);
	if (p->kind != PARTY_NONE)
		print_quoted(f, party_text(p), LIMIT_URI_BYTES);
}

/* --- the line -------------------------------------------------------------------- */

void print_titles(FILE *f)
{
	fprintf(f, "%-9s %-21s %-16s %-9s %-9s %-8s %-8s %s\n", "RESULT", "REASON", "ORIG", "AUTHORITY", "INTEGRITY", "DEST", "AGE", "MESSAGE");
}

static const char *colour_of(enum stir_word w)
{
	switch (w) {
	case STIR_WORD_PASS:
		return "\033[32m";
	case STIR_WORD_NONE:
		return "\033[2m";
	case STIR_WORD_TEMPERROR:
		return "\033[33m";
	default:
		return "\033[31m";
	}
}

static void put_orig(FILE *f, const struct stir_check *c)
{
	struct tn tn;

	if (!c || !c->signed_ok || c->passport.orig.kind == PARTY_NONE) {
		fprintf(f, " %-16s", "-");
	} else if (c->passport.orig.kind == PARTY_TN) {
		tn = c->passport.orig.tn;
		fprintf(f, " +%-15s", tn.digits);
	} else {
		fputc(' ', f);
		print_party(f, &c->passport.orig);
	}
}

void print_line(FILE *f, const struct run *r, const struct mail *m, bool colour)
{
	const struct stir_result *s = &r->t.result;
	const struct stir_check *c = s->best;
	enum stir_word w = stir_reason_word(s->reason);
	char text[PRINT_AGE_BYTES], age[PRINT_AGE_BYTES + 1] = "-";

	if (c && c->has_age)
		snprintf(age, sizeof(age), "%s%s", c->age_s < 0 ? "-" : "", print_age(text, c->age_s));
	fprintf(f, "%s%-9s%s %-21s", colour ? colour_of(w) : "", stir_word_name(w), colour ? "\033[0m" : "", stir_reason_name(s->reason));
	put_orig(f, c);
	fprintf(f, " %-9s %-9s %-8s %-8s ", c && c->has_authority ? tn_authority_name(c->authority) : "-",
		c && c->integrity != STIR_INTEGRITY_UNKNOWN ? stir_integrity_name(c->integrity) : "-",
		c && c->dest_cover != STIR_DEST_UNKNOWN ? stir_dest_cover_name(c->dest_cover) : "-", age);
	print_quoted(f, span_cstr(m->file), NAME_MAX_SHOWN);
	if (m->mbox)
		fprintf(f, ":%lu", m->index);
	fputc('\n', f);
}

/* --- JSON -------------------------------------------------------------------------- */

/* Foreign octets as a JSON string: what is no UTF-8 becomes U+FFFD. */
static json_t *text(struct span s)
{
	gchar *valid = g_utf8_make_valid(s.n ? s.p : "", (gssize)s.n);
	json_t *j = json_string(valid);

	g_free(valid);
	return j;
}

static json_t *text_or_null(struct span s)
{
	return s.n ? text(s) : json_null();
}

static json_t *party_json(const struct party *p)
{
	return p->kind == PARTY_NONE ? json_null() : text(party_text(p));
}

/* The longer array, or NULL without memory. */
static json_t *appended(json_t *a, json_t *value)
{
	if (json_array_append_new(a, value) == 0)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *dest_json(const struct passport *p)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < p->ndest; i++)
		a = appended(a, party_json(&p->dest[i]));
	return a;
}

/* An object being made; failed is sticky. */
struct object {
	json_t *j;
	bool failed;
};

static void put(struct object *o, const char *key, json_t *value)
{
	if (json_object_set_new(o->j, key, value))
		o->failed = true;
}

/* The object, or NULL when a member is missing for want of memory. */
static json_t *finished(struct object *o)
{
	if (!o->failed)
		return o->j;
	json_decref(o->j);
	return NULL;
}

static void put_claims(struct object *o, const struct stir_check *c, bool believed)
{
	const struct passport *p = c && c->has_claims && c->signed_ok == believed ? &c->passport : NULL;

	put(o, "orig", p ? party_json(&p->orig) : json_null());
	put(o, "dest", p ? dest_json(p) : json_null());
	put(o, "iat", p ? json_integer((json_int_t)p->iat) : json_null());
	put(o, "age", p && c->has_age ? json_integer((json_int_t)c->age_s) : json_null());
}

static json_t *claimed_json(const struct stir_check *c)
{
	struct object o = {.j = json_object()};

	if (!c || !c->has_claims || c->signed_ok) {
		json_decref(o.j);
		return json_null();
	}
	put_claims(&o, c, false);
	return finished(&o);
}

/* What one Identity field gave; c NULL: there is none that counts. */
static void put_check(struct object *o, const struct stir_check *c)
{
	put(o, "ppt", c && c->has_header ? text_or_null(c->passport.ppt) : json_null());
	put_claims(o, c, true);
	put(o, "authority", c && c->has_authority ? json_string(tn_authority_name(c->authority)) : json_null());
	put(o, "spc", c ? text_or_null(c->spc) : json_null());
	put(o, "integrity", c && c->integrity != STIR_INTEGRITY_UNKNOWN ? json_string(stir_integrity_name(c->integrity)) : json_null());
	put(o, "dest_cover", c && c->dest_cover != STIR_DEST_UNKNOWN ? json_string(stir_dest_cover_name(c->dest_cover)) : json_null());
	put(o, "replay", c && c->stage >= STIR_STAGE_REPLAY ? json_string(stir_replay_name(c->replay)) : json_null());
	put(o, "x5u", c && c->has_header ? text_or_null(c->passport.x5u) : json_null());
}

static json_t *field_json(const struct stir_check *c)
{
	struct object o = {.j = json_object()};

	put(&o, "field", json_integer((json_int_t)c->field));
	put(&o, "result", json_string(stir_word_name(stir_reason_word(c->reason))));
	put(&o, "reason", json_string(stir_reason_name(c->reason)));
	put(&o, "stage", json_string(stir_stage_name(c->stage)));
	put_check(&o, c);
	put(&o, "claimed", claimed_json(c));
	put(&o, "detail", text_or_null(c->detail));
	return finished(&o);
}

static json_t *fields_json(const struct stir_result *s)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < s->ncheck; i++)
		a = appended(a, field_json(&s->check[i]));
	return a;
}

/* Those that hit. */
static json_t *rules_json(const struct run *r)
{
	const struct policy *p = engine_policy(r->engine);
	json_t *a = json_array();

	for (size_t i = 0; a && p && run_judged(r) && i < r->t.policy.nhit; i++) {
		const struct policy_hit *h = &r->t.policy.hit[i];

		if (h->hit)
			a = appended(a, json_pack("{so sf sb}", "name", text(policy_rule(p, h->rule)->name.text), "score",
				(h->score_milli - h->lost_milli) / 1000.0, "shadow", h->shadow));
	}
	return a;
}

/* A policy's words; without one, what the engine does with every verified message. */
static void put_verdict(struct object *o, const struct run *r)
{
	const struct verdict *v = &r->t.verdict;
	const struct policy_result *p = run_judged(r) ? &r->t.policy : NULL;

	put(o, "score", json_real((p ? p->score_milli : v->score_milli) / 1000.0));
	put(o, "action", json_string(verdict_action_name(p ? p->action : v->action)));
	put(o, "would", json_string(verdict_action_name(p ? p->would_action : v->would)));
	put(o, "rules", rules_json(r));
}

static json_t *message_json(const struct run *r, const struct mail *m)
{
	const struct stir_result *s = &r->t.result;
	struct object o = {.j = json_object()};

	put(&o, "file", text(span_cstr(m->file)));
	put(&o, "index", json_integer((json_int_t)m->index));
	put(&o, "message_id", text_or_null(r->message_id));
	put(&o, "result", json_string(stir_word_name(stir_reason_word(s->reason))));
	put(&o, "reason", json_string(stir_reason_name(s->reason)));
	put_check(&o, s->best);
	put_verdict(&o, r);
	put(&o, "claimed", claimed_json(s->best));
	put(&o, "detail", text_or_null(s->detail));
	put(&o, "now", json_integer((json_int_t)r->now));
	put(&o, "fields", fields_json(s));
	return finished(&o);
}

/* Takes over o. */
static int put_line(FILE *f, json_t *o)
{
	char *line = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;

	json_decref(o);
	if (!line)
		return -1;
	fprintf(f, "%s\n", line);
	free(line);
	return 0;
}

int print_json(FILE *f, const struct run *r, const struct mail *m)
{
	return put_line(f, message_json(r, m));
}

int print_json_with(FILE *f, const struct run *r, const struct mail *m, const char *key, json_t *value)
{
	json_t *o = message_json(r, m);

	if (!o || json_object_set_new(o, key, value)) {
		json_decref(o);
		return -1;
	}
	return put_line(f, o);
}
