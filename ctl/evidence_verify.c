/*
 * From a stored message to its entry in the evidence log, and from both verdicts
 * to what is different.
 *
 * What a store remembered then (used tokens, rates, history) is not in evidence:
 * a message that was refused as used again is expected to pass up to there.
 */
#include "config.h"

#include "ctl/evidence_verify.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "core/identity.h"
#include "core/limits.h"
#include "core/printable.h"
#include "core/trustset.h"
#include "ctl/print.h"
#include "engine/evidence_book.h"
#include "engine/fetch_dir.h"
#include "engine/fetch_evidence.h"

enum { FIELD_MAX = 4 * LIMIT_IDENTITY_BYTES, DIFFERENCES_MAX = 16, HASH_SHOWN = 16 };

struct difference {
	const char *what;
	struct span then, now;
};

struct evidence_verify {
	struct evidence_book *book;
	struct evidence_verify_source source;
	struct arena *arena;        /* of the message in hand */
	struct evidence_line entry;
	size_t several;             /* entries of that token */
	bool has_body;
	struct msgi_value body;     /* of the message in hand */
	struct difference difference[DIFFERENCES_MAX];
	size_t n;
};

/* --- certificates --------------------------------------------------------------------- */

/* Lists of numbers may still stand in a folder that the operator named. */
static int open_other(const struct run *r, struct fetch **out, struct err *e)
{
	const char *dir = engine_settings(r->engine)->certificate_dir;

	*out = NULL;
	return !dir || strcmp(dir, OPTIONS_NO_CERTS) == 0 ? 0 : fetch_dir_open(dir, out, e);
}

/* 0, 1 or -1 as fetch_evidence_put(). */
static int put_pages(struct fetch *f, const struct evidence_verify_page *page, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = fetch_evidence_put(f, page[i].url, page[i].pem);
	return rc;
}

int evidence_verify_serve(struct evidence_verify_source *s, struct run *r, const struct evidence_verify_page *page, size_t n, struct err *e)
{
	int rc = s->fetch ? put_pages(s->fetch, page, n) : 1;
	struct fetch *other;

	if (rc == 0)
		return 0;
	if (rc < 0)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	if (open_other(r, &other, e))
		return -1;
	s->fetch = fetch_evidence_new(other);
	if (!s->fetch)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	/* 1: the message itself has two chains for one address; the first one stays. */
	if (put_pages(s->fetch, page, n) < 0) {
		fetch_close(s->fetch);
		s->fetch = NULL;
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	if (engine_use_fetch(r->engine, s->fetch, e) == 0)
		return 0;
	s->fetch = NULL;
	return -1;
}

/* --- the message's entry ------------------------------------------------------------------ */

int evidence_verify_open(const char *path, struct evidence_verify **out, struct err *e)
{
	struct evidence_verify *v = calloc(1, sizeof *v);

	*out = NULL;
	if (v)
		v->arena = arena_new(LIMIT_MESSAGE_ARENA);
	if (!v || !v->arena) {
		free(v);
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	if (evidence_book_open(path, &v->book, e)) {
		evidence_verify_close(v);
		return -1;
	}
	*out = v;
	return 0;
}

void evidence_verify_close(struct evidence_verify *v)
{
	if (!v)
		return;
	evidence_line_free(&v->entry);
	evidence_book_close(v->book);
	arena_free(v->arena);
	free(v);
}

/* The nth Identity field's token and address; false when it can't be read, so that nothing can be recorded of it. */
static bool read_identity(struct evidence_verify *v, const struct mail_field *f, struct identity *id)
{
	struct buf value;
	bool ok;

	buf_init(&value, FIELD_MAX);
	ok = f->value.n <= FIELD_MAX && mail_value(&value, f) == 0 && identity_parse(arena_copy(v->arena, buf_span(&value)), v->arena, id) == STIR_OK;
	buf_free(&value);
	return ok;
}

/* As the evidence has it; empty when there is none. */
static struct span message_id(struct evidence_verify *v, const struct mail *m)
{
	struct mail_field f;
	struct buf value, text;
	struct span out = {NULL, 0};

	buf_init(&value, FIELD_MAX);
	buf_init(&text, 4 * LIMIT_EVIDENCE_TEXT + 1);
	if (mail_field_find(m->text, "Message-ID", 0, &f) && f.value.n <= FIELD_MAX && mail_value(&value, &f) == 0) {
		printable_put(&text, span_take(span_trim(buf_span(&value)), LIMIT_EVIDENCE_TEXT), "");
		out = arena_copy(v->arena, buf_span(&text));
	}
	buf_free(&value);
	buf_free(&text);
	return out;
}

/* One token: its page, and the entry if it is the message's first. 0, or -1 and *e. */
static int look_up(struct evidence_verify *v, const struct identity *id, struct span mid, struct evidence_verify_page *page, struct err *e)
{
	struct evidence_line l;
	size_t several;
	int rc = evidence_book_find(v->book, id->token, mid, &l, &several, e);

	*page = (struct evidence_verify_page){.url = id->info};
	if (rc <= 0)
		return rc;
	/* The book's own copy lasts until it is asked again. */
	page->url = arena_copy(v->arena, l.x5u);
	page->pem = arena_copy(v->arena, l.chain_pem);
	if (v->entry.json) {
		evidence_line_free(&l);
		return 0;
	}
	v->entry = l;
	v->entry.chain_pem = page->pem;
	v->several = several;
	return 0;
}

static int find_pages(struct evidence_verify *v, const struct mail *m, struct evidence_verify_page page[LIMIT_IDENTITY_READ], size_t *n, struct err *e)
{
	struct span mid = message_id(v, m);
	struct mail_field f;
	struct identity id;

	*n = 0;
	for (size_t i = 0; i < LIMIT_IDENTITY_READ && mail_field_find(m->text, "Identity", i, &f); i++) {
		if (!read_identity(v, &f, &id))
			continue;
		if (look_up(v, &id, mid, &page[*n], e))
			return err_prefix(e, "%s: message %lu", m->file, m->index);
		(*n)++;
	}
	if (arena_overflowed(v->arena))
		return err_set(e, ERR_UNAVAILABLE, "%s: message %lu: no memory", m->file, m->index);
	return 0;
}

static void feed(void *arg, const void *p, size_t n)
{
	msgi_stream_feed(arg, p, n);
}

static void digest_body(struct evidence_verify *v, const struct mail *m)
{
	struct msgi_stream s = {0};
	struct span rest = m->text;
	struct mail_field f;

	while (mail_field_next(&rest, &f))
		;
	msgi_stream_begin(&s, 1u << MSGI_SHA256);
	mail_body_push(m, mail_body(rest), feed, &s);
	v->has_body = msgi_stream_value(&s, MSGI_SHA256, &v->body) == 0;
	msgi_stream_free(&s);
}

int evidence_verify_message(struct evidence_verify *v, struct run *r, const struct mail *m, struct err *e)
{
	struct evidence_verify_page page[LIMIT_IDENTITY_READ];
	size_t n;

	evidence_line_free(&v->entry);
	arena_reset(v->arena);
	v->n = 0;
	if (find_pages(v, m, page, &n, e))
		return -1;
	if (!v->entry.json)
		return err_set(e, ERR_DATA, "%s: message %lu: %s", m->file, m->index,
			       n ? "there is no evidence of its token; was it verified here, and is the file of that day still there?" :
				   "it has no token that can be read, so there is no evidence of it");
	if (evidence_verify_serve(&v->source, r, page, n, e))
		return -1;
	r->has_received = true;
	r->received = v->entry.received;
	digest_body(v, m);
	return 0;
}

/* --- what is different ------------------------------------------------------------------------ */

static void compare(struct evidence_verify *v, const char *what, struct span then, struct span now)
{
	if (!span_eq(then, now) && v->n < DIFFERENCES_MAX)
		v->difference[v->n++] = (struct difference){what, then, now};
}

/* Only where both are known: with a policy, more is looked at after a failure than without. */
static void compare_known(struct evidence_verify *v, const char *what, struct span then, const char *now)
{
	if (then.n && now)
		compare(v, what, then, span_cstr(now));
}

static const struct stir_check *check_of(const struct evidence_verify *v, const struct run *r)
{
	const struct stir_result *s = &r->t.result;

	for (size_t i = 0; i < s->ncheck; i++)
		if ((int64_t)s->check[i].field == v->entry.field)
			return &s->check[i];
	return NULL;
}

static bool was_used_before(struct span reason)
{
	return span_is(reason, stir_reason_name(STIR_REPLAYED));
}

static void compare_check(struct evidence_verify *v, const struct stir_check *c)
{
	const struct evidence_line *l = &v->entry;
	bool used = was_used_before(l->field_reason) && c->reason == STIR_OK;

	if (!used)
		compare(v, "reason of the token", l->field_reason, span_cstr(stir_reason_name(c->reason)));
	compare_known(v, "authority", l->authority, c->has_authority ? tn_authority_name(c->authority) : NULL);
	compare_known(v, "integrity", l->integrity, c->integrity != STIR_INTEGRITY_UNKNOWN ? stir_integrity_name(c->integrity) : NULL);
	compare_known(v, "dest_cover", l->dest_cover, c->dest_cover != STIR_DEST_UNKNOWN ? stir_dest_cover_name(c->dest_cover) : NULL);
	compare_known(v, "domain", l->domain, c->domain ? c->domain->name : NULL);
}

static void compare_body(struct evidence_verify *v)
{
	struct buf text;

	if (!v->has_body || v->entry.body.n == 0)
		return;
	buf_init(&text, 4 * MSGI_MAX_OCTETS);
	msgi_write(&text, &v->body);
	compare(v, "body", v->entry.body, arena_copy(v->arena, buf_span(&text)));
	buf_free(&text);
}

static void compare_all(struct evidence_verify *v, const struct run *r)
{
	const struct stir_check *c = check_of(v, r);
	const struct evidence_line *l = &v->entry;
	enum stir_reason now = r->t.result.reason;

	v->n = 0;
	if (!(was_used_before(l->reason) && now == STIR_OK))
		compare(v, "reason", l->reason, span_cstr(stir_reason_name(now)));
	if (c)
		compare_check(v, c);
	compare_body(v);
}

static struct span policy_now(const struct run *r)
{
	const struct policy *p = engine_policy(r->engine);

	return span_cstr(p ? policy_hash(p) : NULL);
}

bool evidence_verify_same(struct evidence_verify *v, const struct run *r)
{
	compare_all(v, r);
	return v->n == 0;
}

static void print_value(FILE *f, struct span s)
{
	if (s.n)
		print_quoted(f, s, LIMIT_EVIDENCE_TEXT);
	else
		fputs("nothing", f);
}

static void print_policy(FILE *f, struct span then, struct span now)
{
	if (span_eq(then, now)) {
		fputs(now.n ? "; the policy is the recorded one" : "; without a policy, as recorded", f);
		return;
	}
	fputs("; the policy differs: ", f);
	print_value(f, span_take(then, HASH_SHOWN));
	fputs(" was recorded, now ", f);
	print_value(f, span_take(now, HASH_SHOWN));
}

int evidence_verify_print(FILE *f, struct evidence_verify *v, const struct run *r)
{
	char t[PRINT_TIME_BYTES];

	fprintf(f, "  evidence of %s: ", print_time(t, v->entry.received));
	if (evidence_verify_same(v, r))
		fputs("the verdict is the recorded one", f);
	for (size_t i = 0; i < v->n; i++) {
		const struct difference *d = &v->difference[i];

		fprintf(f, "%s%s: ", i ? "; " : "the verdict DIFFERS: ", d->what);
		print_value(f, d->then);
		fputs(" was recorded, now ", f);
		print_value(f, d->now);
	}
	if (was_used_before(v->entry.reason) && r->t.result.reason == STIR_OK)
		fputs(", up to the check for used tokens, which only the store of that time could make", f);
	print_policy(f, v->entry.policy, policy_now(r));
	if (v->several > 1)
		fprintf(f, "; that token is recorded %zu times", v->several);
	fputc('\n', f);
	return arena_overflowed(v->arena) ? -1 : 0;
}

static json_t *text(struct span s)
{
	return s.n ? json_stringn(s.p, s.n) : json_null();
}

json_t *evidence_verify_json(struct evidence_verify *v, const struct run *r)
{
	bool same = evidence_verify_same(v, r);
	json_t *list = json_array();

	for (size_t i = 0; list && i < v->n; i++) {
		const struct difference *d = &v->difference[i];

		if (json_array_append_new(list, json_pack("{ss so so}", "what", d->what, "recorded", text(d->then), "now", text(d->now)))) {
			json_decref(list);
			list = NULL;
		}
	}
	return json_pack("{sI so so so si sb sb so}", "received", (json_int_t)v->entry.received, "id", text(v->entry.id), "reason", text(v->entry.reason), "policy",
			 text(v->entry.policy), "entries", (int)v->several, "same", same, "policy_same", span_eq(v->entry.policy, policy_now(r)), "differs", list);
}
