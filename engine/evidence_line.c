/*
 * Evidence as JSON, and back.  jansson makes and reads the lines; what they say
 * is made safe before, so that none of it can fail for its octets.
 */
#include "config.h"

#include "engine/evidence_line.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/printable.h"
#include "core/trustset.h"

enum { FORMAT = 1, HEX_BYTES = 2 * EVIDENCE_LINE_HASH };

/* --- hashes ------------------------------------------------------------------------- */

bool evidence_line_hash_eq(const struct evidence_line_hash *a, const struct evidence_line_hash *b)
{
	return memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

int evidence_line_hash(struct span line, struct evidence_line_hash *out)
{
	return EVP_Digest(line.n ? line.p : "", line.n, out->octets, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int evidence_line_unhex(struct span text, struct evidence_line_hash *out)
{
	if (text.n != HEX_BYTES)
		return -1;
	for (size_t i = 0; i < EVIDENCE_LINE_HASH; i++) {
		int high = nibble(text.p[2 * i]), low = nibble(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out->octets[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

/* --- writing ------------------------------------------------------------------------- */

struct writer {
	json_t *j;
	json_t *cut; /* names of what was cut, or NULL */
	bool failed; /* sticky: no memory */
};

static void put(struct writer *w, const char *key, json_t *value)
{
	if (json_object_set_new(w->j, key, value))
		w->failed = true;
}

static void put_word(struct writer *w, const char *key, const char *word)
{
	put(w, key, json_string(word));
}

/* Nothing is written for an empty one. */
static void put_upto(struct writer *w, const char *key, struct span s, size_t max)
{
	struct buf safe;

	if (s.n == 0)
		return;
	if (s.n > max && json_array_append_new(w->cut, json_string(key)))
		w->failed = true;
	buf_init(&safe, 4 * max + 1);
	printable_put(&safe, span_take(s, max), "");
	if (safe.failed)
		w->failed = true;
	else
		put(w, key, json_stringn(safe.p, safe.n));
	buf_free(&safe);
}

static void put_text(struct writer *w, const char *key, struct span s)
{
	put_upto(w, key, s, LIMIT_EVIDENCE_TEXT);
}

/* ASCII by its making, of any length. */
static void put_ascii(struct writer *w, const char *key, struct span s)
{
	put(w, key, json_stringn(s.n ? s.p : "", s.n));
}

static void put_hash(struct writer *w, const char *key, const struct evidence_line_hash *h)
{
	char hex[HEX_BYTES];

	hex_encode(hex, h->octets, sizeof h->octets);
	put_ascii(w, key, span_make(hex, sizeof hex));
}

/* The octets as received: base64url has one spelling for each signature. */
static void put_token(struct writer *w, const struct jws *jws)
{
	struct buf token;

	buf_init(&token, LIMIT_TOKEN_BYTES + 4);
	buf_put_span(&token, jws->signing_input);
	buf_putc(&token, '.');
	base64url_encode(&token, jws->sig, sizeof jws->sig);
	if (token.failed)
		w->failed = true;
	else
		put_ascii(w, "token", buf_span(&token));
	buf_free(&token);
}

static void put_body(struct writer *w, const struct msgi_value *v)
{
	struct buf text;

	if (!v)
		return;
	buf_init(&text, 4 * MSGI_MAX_OCTETS);
	msgi_write(&text, v);
	if (text.failed)
		w->failed = true;
	else
		put_ascii(w, "body", buf_span(&text));
	buf_free(&text);
}

static void put_check(struct writer *w, const struct stir_check *c)
{
	put(w, "field", json_integer((json_int_t)c->field));
	put_word(w, "field_reason", stir_reason_name(c->reason));
	put_word(w, "stage", stir_stage_name(c->stage));
	put(w, "signed", json_boolean(c->signed_ok));
	if (c->has_authority)
		put_word(w, "authority", tn_authority_name(c->authority));
	put(w, "by_table", json_boolean(c->by_table));
	if (c->integrity != STIR_INTEGRITY_UNKNOWN)
		put_word(w, "integrity", stir_integrity_name(c->integrity));
	if (c->dest_cover != STIR_DEST_UNKNOWN)
		put_word(w, "dest_cover", stir_dest_cover_name(c->dest_cover));
	put_word(w, "replay", stir_replay_name(c->replay));
	put(w, "revocation_unknown", json_boolean(c->revocation_unknown));
	if (c->domain)
		put_text(w, "domain", span_cstr(c->domain->name));
}

static void put_all(struct writer *w, const struct evidence_entry *x, const struct evidence_line_hash *chain, struct span pem,
		    const struct evidence_line_hash *prev)
{
	const struct stir_check *c = x->check;

	put(w, "v", json_integer(FORMAT));
	put(w, "received", json_integer((json_int_t)x->received));
	put_text(w, "id", x->queue_id);
	put_text(w, "message_id", x->message_id);
	put_text(w, "client", x->client);
	put_text(w, "from", x->from);
	if (c->has_claims)
		put_text(w, "orig", party_text(&c->passport.orig));
	put_token(w, &c->passport.jws);
	put_upto(w, "x5u", c->passport.x5u, LIMIT_X5U_BYTES);
	put_ascii(w, "cert", c->cert_sha256);
	put_hash(w, "chain", chain);
	if (pem.n)
		put_ascii(w, "chain_pem", pem);
	put_body(w, x->body);
	put_word(w, "result", stir_word_name(stir_reason_word(x->reason)));
	put_word(w, "reason", stir_reason_name(x->reason));
	put_check(w, c);
	put_text(w, "policy", x->policy_hash);
	if (x->action)
		put_word(w, "action", x->action);
	if (json_array_size(w->cut) && json_object_set(w->j, "cut", w->cut))
		w->failed = true;
	if (prev)
		put_hash(w, "prev", prev);
}

bool evidence_line_wanted(const struct stir_check *c)
{
	return c->has_header && c->has_cert && c->chain_pem.n;
}

int evidence_line_chain(struct buf *out, struct span pem, struct evidence_line_hash *hash)
{
	buf_reset(out);
	for (size_t i = 0; i < pem.n; i++) {
		char c = pem.p[i];

		buf_putc(out, (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\r' || c == '\t' ? c : ' ');
	}
	return out->failed ? -1 : evidence_line_hash(buf_span(out), hash);
}

static int dump_piece(const char *p, size_t n, void *out)
{
	return buf_put(out, p, n);
}

int evidence_line_write(struct buf *out, const struct evidence_entry *x, const struct evidence_line_hash *chain, struct span pem,
			const struct evidence_line_hash *prev)
{
	struct writer w = {.j = json_object(), .cut = json_array()};

	if (!w.j || !w.cut)
		w.failed = true;
	else
		put_all(&w, x, chain, pem, prev);
	if (!w.failed && (json_dump_callback(w.j, dump_piece, out, JSON_COMPACT) || buf_putc(out, '\n')))
		w.failed = true;
	json_decref(w.j);
	json_decref(w.cut);
	return w.failed ? -1 : 0;
}

/* --- reading --------------------------------------------------------------------------- */

static int refuse(struct err *e, const char *key, const char *what)
{
	return err_set(e, ERR_DATA, "\"%s\" %s", key, what);
}

/* Where each text goes. */
static const struct place {
	const char *key;
	size_t at;
	bool needed;
} places[] = {
	{"id", offsetof(struct evidence_line, id), false},
	{"message_id", offsetof(struct evidence_line, message_id), false},
	{"client", offsetof(struct evidence_line, client), false},
	{"from", offsetof(struct evidence_line, from), false},
	{"orig", offsetof(struct evidence_line, orig), false},
	{"token", offsetof(struct evidence_line, token), true},
	{"x5u", offsetof(struct evidence_line, x5u), true},
	{"chain_pem", offsetof(struct evidence_line, chain_pem), false},
	{"body", offsetof(struct evidence_line, body), false},
	{"result", offsetof(struct evidence_line, result), true},
	{"reason", offsetof(struct evidence_line, reason), true},
	{"field_reason", offsetof(struct evidence_line, field_reason), true},
	{"stage", offsetof(struct evidence_line, stage), true},
	{"authority", offsetof(struct evidence_line, authority), false},
	{"integrity", offsetof(struct evidence_line, integrity), false},
	{"dest_cover", offsetof(struct evidence_line, dest_cover), false},
	{"replay", offsetof(struct evidence_line, replay), false},
	{"domain", offsetof(struct evidence_line, domain), false},
	{"policy", offsetof(struct evidence_line, policy), false},
	{"action", offsetof(struct evidence_line, action), false},
};

static int read_texts(struct evidence_line *l, struct err *e)
{
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const struct place *p = &places[i];
		const json_t *j = json_object_get(l->json, p->key);
		struct span *out = (struct span *)(void *)((char *)l + p->at);

		if (j && !json_is_string(j))
			return refuse(e, p->key, "is no text");
		if (j)
			*out = span_make(json_string_value(j), json_string_length(j));
		if (p->needed && out->n == 0)
			return refuse(e, p->key, "is missing");
	}
	return 0;
}

static int read_number(const struct evidence_line *l, const char *key, int64_t *out, struct err *e)
{
	const json_t *j = json_object_get(l->json, key);

	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return refuse(e, key, "is no number");
	*out = json_integer_value(j);
	return 0;
}

static int read_flag(const struct evidence_line *l, const char *key, bool *out, struct err *e)
{
	const json_t *j = json_object_get(l->json, key);

	if (j && !json_is_boolean(j))
		return refuse(e, key, "is neither true nor false");
	*out = json_is_true(j);
	return 0;
}

/* 1, 0 when it isn't there, -1 and *e. */
static int read_hash(const struct evidence_line *l, const char *key, struct evidence_line_hash *out, struct err *e)
{
	const json_t *j = json_object_get(l->json, key);

	if (!j)
		return 0;
	if (!json_is_string(j) || evidence_line_unhex(span_make(json_string_value(j), json_string_length(j)), out))
		return refuse(e, key, "is no SHA-256 in hexadecimal");
	return 1;
}

static int read_hashes(struct evidence_line *l, struct err *e)
{
	struct evidence_line_hash real;
	int chain = read_hash(l, "chain", &l->chain, e), cert = chain < 0 ? -1 : read_hash(l, "cert", &l->cert, e);
	int prev = cert < 0 ? -1 : read_hash(l, "prev", &l->prev, e);

	if (prev < 0)
		return -1;
	if (!chain || !cert)
		return refuse(e, chain ? "cert" : "chain", "is missing");
	l->has_prev = prev == 1;
	if (l->chain_pem.n == 0)
		return 0;
	if (evidence_line_hash(l->chain_pem, &real))
		return err_set(e, ERR_UNAVAILABLE, "SHA-256 can not be had");
	return evidence_line_hash_eq(&real, &l->chain) ? 0 : refuse(e, "chain_pem", "does not have the hash \"chain\"");
}

static int read_all(struct evidence_line *l, struct err *e)
{
	int64_t version;

	if (read_number(l, "v", &version, e))
		return -1;
	if (version != FORMAT)
		return err_set(e, ERR_DATA, "it is of version %lld, which a newer program has written", (long long)version);
	if (read_number(l, "received", &l->received, e) || read_number(l, "field", &l->field, e) || read_texts(l, e) || read_flag(l, "signed", &l->is_signed, e) ||
	    read_flag(l, "by_table", &l->by_table, e) || read_flag(l, "revocation_unknown", &l->revocation_unknown, e) || read_hashes(l, e))
		return -1;
	if (l->token.n > LIMIT_TOKEN_BYTES || l->x5u.n > LIMIT_X5U_BYTES || l->chain_pem.n > LIMIT_CHAIN_BYTES)
		return err_set(e, ERR_DATA, "its token, address or chain is longer than any that is accepted");
	if (stir_reason_by_name(l->reason) == STIR_REASON_COUNT)
		return refuse(e, "reason", "is none of this version");
	return 0;
}

int evidence_line_read(struct span line, struct evidence_line *out, struct err *e)
{
	int rc;

	memset(out, 0, sizeof *out);
	if (line.n > LIMIT_EVIDENCE_LINE)
		return err_set(e, ERR_DATA, "it is longer than any line of ours");
	rc = jws_json(line, &out->json);
	if (rc)
		return rc == -2 ? err_set(e, ERR_UNAVAILABLE, "no memory") : err_set(e, ERR_DATA, "it is no JSON object");
	if (read_all(out, e) == 0)
		return 0;
	evidence_line_free(out);
	return -1;
}

void evidence_line_free(struct evidence_line *l)
{
	json_decref(l->json);
	memset(l, 0, sizeof *l);
}
