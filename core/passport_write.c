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

static const char *const fixed_header[][2] = {{"alg", "ES256"}, {"typ", "passport"}};

/* TN before URI, each by octets (RFC 8225, 5.2.1). */
static int party_order(const void *va, const void *vb)
{
	const struct party *a = *(const struct party *const *)va, *b = *(const struct party *const *)vb;
	struct span sa = a->kind == PARTY_TN ? tn_span(&a->tn) : a->uri;
	struct span sb = b->kind == PARTY_TN ? tn_span(&b->tn) : b->uri;
	size_t n = sa.n < sb.n ? sa.n : sb.n;
	int c;

	if (a->kind != b->kind)
		return a->kind == PARTY_TN ? -1 : 1;
	c = n ? memcmp(sa.p, sb.p, n) : 0;
	return c ? c : (sa.n > sb.n) - (sa.n < sb.n);
}

/* The party as a JSON string, or NULL. */
static json_t *party_json(const struct party *p)
{
	struct tn checked;

	if (p->kind == PARTY_TN && tn_from_claim(tn_span(&p->tn), &checked) == 0)
		return json_stringn(checked.digits, checked.n);
	if (p->kind != PARTY_URI || passport_uri_scheme(p->uri) == 0)
		return NULL;
	return json_stringn(p->uri.p, p->uri.n);
}

/* dest.tn or dest.uri: the parties of one kind from the sorted list. 0 / -1. */
static int put_kind(json_t *dest, const struct party *const *list, size_t n, enum party_kind kind, const char *name)
{
	json_t *array = json_array();
	int failed = !array;

	for (size_t i = 0; i < n; i++)
		if (list[i]->kind == kind)
			failed |= json_array_append_new(array, party_json(list[i]));
	if (json_array_size(array) > 0)
		return json_object_set_new(dest, name, array) | failed;
	json_decref(array);
	return failed ? -1 : 0;
}

/* Sort pointers and drop doubles; the new count. */
static size_t unique_parties(const struct party **list, size_t n)
{
	size_t kept = 0;

	qsort(list, n, sizeof(const struct party *), party_order);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || party_order(&list[kept - 1], &list[i]) != 0)
			list[kept++] = list[i];
	return kept;
}

/* The dest claim, or NULL and *e. */
static json_t *dest_json(const struct passport_new *n, struct err *e)
{
	const struct party **list;
	json_t *dest = json_object();
	int failed = !dest;
	size_t kept;

	list = calloc(n->ndest, sizeof *list);
	if (!list) {
		json_decref(dest);
		err_set(e, ERR_UNAVAILABLE, "no memory for %zu destinations", n->ndest);
		return NULL;
	}
	for (size_t i = 0; i < n->ndest; i++) {
		list[i] = &n->dest[i];
		failed |= list[i]->kind == PARTY_NONE;
	}
	kept = unique_parties(list, n->ndest);
	if (kept > LIMIT_DEST) {
		err_set(e, ERR_DATA, "%zu destinations; a token names at most %d", kept, LIMIT_DEST);
	} else if (failed || put_kind(dest, list, kept, PARTY_TN, "tn") || put_kind(dest, list, kept, PARTY_URI, "uri")) {
		err_set(e, ERR_DATA, "a destination can't stand in a token: too long, or neither a number nor a URI");
	} else {
		free(list);
		return dest;
	}
	free(list);
	json_decref(dest);
	return NULL;
}

/* Member unless empty. 0 / -1. */
static int put_text(json_t *object, const char *name, struct span s)
{
	if (s.n == 0)
		return 0;
	if (passport_has_control(s))
		return -1;
	return json_object_set_new(object, name, json_stringn(s.p, s.n));
}

/* One identity as an object of its own. 0 / -1. */
static int put_party(json_t *claims, const char *name, const struct party *p)
{
	json_t *object = json_object();
	int failed = json_object_set_new(object, p->kind == PARTY_TN ? "tn" : "uri", party_json(p));

	return json_object_set_new(claims, name, object) | failed;
}

/* The claims, or NULL and *e. */
static json_t *claims_json(const struct passport_new *n, struct err *e)
{
	json_t *dest = dest_json(n, e), *claims;
	int failed;

	if (!dest)
		return NULL;
	claims = json_object();
	failed = json_object_set_new(claims, "dest", dest);
	failed |= json_object_set_new(claims, "iat", json_integer(n->iat));
	failed |= put_party(claims, "orig", &n->orig);
	if (n->div)
		failed |= put_party(claims, "div", n->div);
	failed |= put_text(claims, "msgi", n->msgi);
	failed |= put_text(claims, "msgc", n->msgc);
	failed |= put_text(claims, "jti", n->jti);
	if (!failed)
		return claims;
	json_decref(claims);
	err_set(e, ERR_DATA, "orig, div or a digest can't stand in a token");
	return NULL;
}

static json_t *header_json(const struct passport_new *n, struct err *e)
{
	json_t *header = json_object();
	int failed = put_text(header, "x5u", n->x5u);

	for (size_t i = 0; i < sizeof fixed_header / sizeof fixed_header[0]; i++)
		failed |= json_object_set_new(header, fixed_header[i][0], json_string(fixed_header[i][1]));
	failed |= json_object_set_new(header, "ppt", json_string(passport_type_name(n->div ? PASSPORT_DIV : PASSPORT_MSG)));
	if (!failed)
		return header;
	json_decref(header);
	err_set(e, ERR_DATA, "x5u can't stand in a token");
	return NULL;
}

/* BASE64URL of the deterministic form; a failure is left in out. Ends json. */
static void put_part(struct buf *out, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(json);
	if (text)
		base64url_encode(out, text, strlen(text));
	else
		out->failed = true;
	free(text);
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
	json_t *header, *claims;

	claims = claims_json(n, e);
	if (!claims)
		return -1;
	header = header_json(n, e);
	if (!header) {
		json_decref(claims);
		return -1;
	}
	put_part(token, header);
	buf_putc(token, '.');
	put_part(token, claims);
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
