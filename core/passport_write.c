/*
 * Writing a msg or a div PASSporT in the deterministic form of RFC 8225, 9, and having
 * it signed.
 *
 * Writes nothing that passport.c would not read.  Who may be named, and
 * whether a message may be signed at all, was decided before (sign.c).
 */
#include "config.h"

#include "core/passport.h"

#include <stdlib.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/passport_internal.h"

/* --- JSON: what a token needs of it -------------------------------------------------- */

/* The deterministic form: no blank, members in the order of their names. */
struct json_text {
	struct buf text;
	bool bad; /* a value that can't stand in a token */
	bool any; /* the object or array being written has something in it */
};

static void put_string(struct json_text *j, struct span s)
{
	buf_putc(&j->text, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(&j->text, '\\');
		buf_putc(&j->text, s.p[i]);
		/* Nothing that we write is anything else than printable ASCII. */
		j->bad = j->bad || s.p[i] < 0x20 || s.p[i] > 0x7e;
	}
	buf_putc(&j->text, '"');
}

static void put_comma(struct json_text *j)
{
	if (j->any)
		buf_putc(&j->text, ',');
	j->any = true;
}

/* "name": and what opens its value. */
static void put_name(struct json_text *j, const char *name)
{
	put_comma(j);
	put_string(j, span_cstr(name));
	buf_putc(&j->text, ':');
}

static void begin_in(struct json_text *j, char bracket)
{
	buf_putc(&j->text, bracket);
	j->any = false;
}

static void end_in(struct json_text *j, char bracket)
{
	buf_putc(&j->text, bracket);
	j->any = true;
}

/* A member, unless it is empty. */
static void put_text(struct json_text *j, const char *name, struct span s)
{
	if (s.n == 0)
		return;
	put_name(j, name);
	put_string(j, s);
}

/* --- parties -------------------------------------------------------------------------- */

static void put_party_string(struct json_text *j, const struct party *p)
{
	struct tn checked;

	if (p->kind == PARTY_TN && tn_from_claim(tn_span(&p->tn), &checked) == 0) {
		put_string(j, span_make(checked.digits, checked.n));
		return;
	}
	j->bad = j->bad || p->kind != PARTY_URI || passport_uri_scheme(p->uri) == 0;
	put_string(j, p->uri);
}

/* dest.tn or dest.uri: the parties of one kind from the sorted list. */
static void put_kind(struct json_text *j, const struct party *const *list, size_t n, enum party_kind kind, const char *name)
{
	size_t i = 0;

	while (i < n && list[i]->kind != kind)
		i++;
	if (i == n)
		return;
	put_name(j, name);
	begin_in(j, '[');
	for (; i < n && list[i]->kind == kind; i++) {
		put_comma(j);
		put_party_string(j, list[i]);
	}
	end_in(j, ']');
}

/* Sort pointers (RFC 8225, 5.2.1) and drop doubles; the new count. */
static size_t unique_parties(const struct party **list, size_t n)
{
	size_t kept = 0;

	qsort(list, n, sizeof(const struct party *), party_order);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || party_order(&list[kept - 1], &list[i]) != 0)
			list[kept++] = list[i];
	return kept;
}

/* 0, or -1 and *e. */
static int put_dest(struct json_text *j, const struct passport_new *n, struct err *e)
{
	const struct party **list = calloc(n->ndest, sizeof *list);
	size_t kept;

	if (!list)
		return err_set(e, ERR_UNAVAILABLE, "no memory for %zu destinations", n->ndest);
	for (size_t i = 0; i < n->ndest; i++) {
		list[i] = &n->dest[i];
		j->bad = j->bad || list[i]->kind == PARTY_NONE;
	}
	kept = unique_parties(list, n->ndest);
	put_name(j, "dest");
	begin_in(j, '{');
	put_kind(j, list, kept, PARTY_TN, "tn");
	put_kind(j, list, kept, PARTY_URI, "uri");
	end_in(j, '}');
	free(list);
	if (kept > LIMIT_DEST)
		return err_set(e, ERR_DATA, "%zu destinations; a token names at most %d", kept, LIMIT_DEST);
	if (j->bad)
		return err_set(e, ERR_DATA, "a destination can't stand in a token: too long, or neither a number nor a URI");
	return 0;
}

/* One identity as an object of its own. */
static void put_party(struct json_text *j, const char *name, const struct party *p)
{
	put_name(j, name);
	begin_in(j, '{');
	put_name(j, p->kind == PARTY_TN ? "tn" : "uri");
	put_party_string(j, p);
	end_in(j, '}');
}

/* --- the two parts ---------------------------------------------------------------------- */

static int put_claims(struct json_text *j, const struct passport_new *n, struct err *e)
{
	begin_in(j, '{');
	if (put_dest(j, n, e))
		return -1;
	if (n->div)
		put_party(j, "div", n->div);
	put_name(j, "iat");
	buf_printf(&j->text, "%lld", (long long)n->iat);
	put_text(j, "jti", n->jti);
	put_text(j, "msgc", n->msgc);
	put_text(j, "msgi", n->msgi);
	put_party(j, "orig", &n->orig);
	end_in(j, '}');
	return j->bad ? err_set(e, ERR_DATA, "orig, div or a digest can't stand in a token") : 0;
}

static int put_header(struct json_text *j, const struct passport_new *n, struct err *e)
{
	begin_in(j, '{');
	put_text(j, "alg", span_cstr("ES256"));
	put_text(j, "ppt", span_cstr(passport_type_name(n->div ? PASSPORT_DIV : PASSPORT_MSG)));
	put_text(j, "typ", span_cstr("passport"));
	put_text(j, "x5u", n->x5u);
	end_in(j, '}');
	return j->bad ? err_set(e, ERR_DATA, "x5u can't stand in a token") : 0;
}

/* BASE64URL of what put() writes; a failure for want of room is left in out. */
static int put_part(struct buf *out, const struct passport_new *n, int (*put)(struct json_text *j, const struct passport_new *n, struct err *e), struct err *e)
{
	struct json_text j = {.bad = false};
	int rc;

	buf_init(&j.text, LIMIT_TOKEN_BYTES);
	rc = put(&j, n, e);
	if (j.text.failed)
		out->failed = true;
	else if (rc == 0)
		base64url_encode(out, j.text.p, j.text.n);
	buf_free(&j.text);
	return rc;
}

static int check(const struct passport_new *n, struct err *e)
{
	if (n->ndest == 0)
		return err_set(e, ERR_DATA, "no destination to name in the token");
	if (n->x5u.n == 0 || n->x5u.n > LIMIT_X5U_BYTES)
		return err_set(e, ERR_CONFIG, "x5u must have 1 to %d octets", LIMIT_X5U_BYTES);
	/* A div token has no other claims than these (RFC 8946, 3). */
	if (n->div && (n->msgi.n || n->msgc.n || n->jti.n))
		return err_set(e, ERR_DATA, "a div token has neither a digest of the content nor a jti");
	if (n->iat <= 0 || n->iat >= INT64_C(1) << 53)
		return err_set(e, ERR_DATA, "the time %lld can't be an iat", (long long)n->iat);
	return 0;
}

/* header "." payload "." signature; on failure what is in token is worthless. */
static int build(const struct passport_new *n, struct key *key, struct buf *token, struct err *e)
{
	unsigned char sig[JWS_SIG_BYTES];

	if (put_part(token, n, put_header, e))
		return -1;
	buf_putc(token, '.');
	if (put_part(token, n, put_claims, e))
		return -1;
	if (!token->failed && key_sign(key, buf_span(token), sig, e))
		return -1;
	buf_putc(token, '.');
	base64url_encode(token, sig, token->failed ? 0 : sizeof sig);
	return token->failed ? err_set(e, ERR_DATA, "the token would have more than %d octets", LIMIT_TOKEN_BYTES) : 0;
}

int passport_write(const struct passport_new *n, struct key *key, struct buf *out, struct err *e)
{
	struct buf token;
	int r;

	if (check(n, e))
		return -1;
	buf_init(&token, LIMIT_TOKEN_BYTES);
	r = build(n, key, &token, e);
	if (r == 0 && buf_put_span(out, buf_span(&token)))
		r = err_set(e, ERR_UNAVAILABLE, "no room for the token");
	buf_free(&token);
	return r;
}
