/*
 * Reading a PASSporT: JOSE header, claims, freshness.
 *
 * Only the strict reading of RFC 8225; nothing is repaired.  Whether the token
 * fits a message, and whether its signature is good, is asked elsewhere
 * (verify.c, jws.c).  The claims of each type are passport_type.c's, writing is
 * passport_write.c's.
 */
#include "config.h"

#include "core/passport.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/passport_internal.h"

/* Numbers above are not exact in the JSON readers of others (RFC 8259, 6). */
static const int64_t iat_end = INT64_C(1) << 53;

bool passport_has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

size_t passport_uri_scheme(struct span uri)
{
	size_t scheme = span_find(uri, ':');

	if (scheme == uri.n || uri.n > LIMIT_URI_BYTES)
		return 0;
	for (size_t i = 0; i < uri.n; i++) {
		char c = span_lower(uri.p[i]);

		if (c < 0x21 || c > 0x7e)
			return 0;
		if (i < scheme && (c < 'a' || c > 'z') && (i == 0 || !strchr("0123456789+-.", c)))
			return 0;
	}
	return scheme;
}

int passport_text(const json_t *json, struct span *out)
{
	if (!json_is_string(json))
		return -1;
	*out = span_make(json_string_value(json), json_string_length(json));
	return passport_has_control(*out) ? -1 : 0;
}

int passport_member(const json_t *object, const char *name, struct arena *a, struct span *out)
{
	const json_t *json = json_object_get(object, name);
	struct span s;

	if (!json)
		return 0;
	if (passport_text(json, &s) || s.n == 0)
		return -1;
	*out = arena_copy(a, s);
	return 1;
}

static int read_header(const json_t *header, struct arena *a, struct passport *out)
{
	struct span typ;

	if (json_object_get(header, "crit"))
		return -1;
	if (passport_member(header, "typ", a, &typ) != 1 || !span_is(typ, "passport"))
		return -1;
	if (passport_member(header, "alg", a, &out->alg) != 1 || passport_member(header, "x5u", a, &out->x5u) != 1)
		return -1;
	if (passport_member(header, "ppt", a, &out->ppt) < 0)
		return -1;
	out->type = passport_type_of(out->ppt);
	return 0;
}

enum stir_reason passport_header(struct span token, struct arena *a, struct passport *out)
{
	enum stir_reason r;
	json_t *header;
	int rc;

	memset(out, 0, sizeof *out);
	r = jws_split(token, a, &out->jws);
	if (r != STIR_OK)
		return r;
	rc = jws_json(out->jws.header, &header);
	if (rc)
		return rc == -2 ? STIR_NO_RESOURCE : STIR_TOKEN_SYNTAX;
	r = read_header(header, a, out) ? STIR_TOKEN_SYNTAX : STIR_OK;
	json_decref(header);
	return arena_overflowed(a) ? STIR_NO_RESOURCE : r;
}

static void lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = span_lower(p[i]);
}

/*
 * Of a mailto URI scheme and domain are compared without case (RFC 6068, 2
 * puts the domain between the '@' and an optional '?').
 */
static struct span uri_party_text(struct span uri, size_t scheme, struct arena *a)
{
	size_t end, at;
	char *p = arena_alloc(a, uri.n);

	if (!p)
		return span_make(NULL, 0);
	memcpy(p, uri.p, uri.n);
	if (!span_caseis(span_take(uri, scheme), "mailto"))
		return span_make(p, uri.n);
	lower(p, scheme);
	end = span_find(uri, '?');
	for (at = end; at > scheme && p[at - 1] != '@';)
		at--;
	if (at > scheme)
		lower(p + at, end - at);
	return span_make(p, uri.n);
}

int passport_tn(const json_t *json, struct party *out)
{
	struct span s;

	if (passport_text(json, &s) || tn_from_claim(s, &out->tn))
		return -1;
	out->kind = PARTY_TN;
	return 0;
}

int passport_uri(const json_t *json, struct arena *a, struct party *out)
{
	struct span s;
	size_t scheme;

	if (passport_text(json, &s))
		return -1;
	scheme = passport_uri_scheme(s);
	if (scheme == 0)
		return -1;
	out->uri = uri_party_text(s, scheme, a);
	out->kind = PARTY_URI;
	return 0;
}

static int read_orig(const json_t *orig, struct arena *a, struct party *out)
{
	const json_t *tn = json_object_get(orig, "tn");
	const json_t *uri = json_object_get(orig, "uri");

	if (!json_is_object(orig) || json_object_size(orig) != 1)
		return -1;
	if (tn)
		return passport_tn(tn, out);
	return uri ? passport_uri(uri, a, out) : -1;
}

/* An absent member is no destinations; a present one is an array with some. */
static int count_dest(const json_t *list, size_t *n)
{
	*n = json_array_size(list);
	return list && (!json_is_array(list) || *n == 0) ? -1 : 0;
}

/*
 * Other members than tn and uri are identity types of the future (RFC 8225,
 * 5.2.1.3): passed over, but one that we know must be there.
 */
static int read_dest(const json_t *dest, struct arena *a, struct passport *p)
{
	const json_t *tn = json_object_get(dest, "tn");
	const json_t *uri = json_object_get(dest, "uri");
	size_t ntn, nuri;

	if (!json_is_object(dest) || count_dest(tn, &ntn) || count_dest(uri, &nuri))
		return -1;
	if (ntn > LIMIT_DEST || nuri > LIMIT_DEST || ntn + nuri > LIMIT_DEST || ntn + nuri == 0)
		return -1;
	p->dest = arena_array(a, ntn + nuri, sizeof *p->dest);
	if (!p->dest)
		return 0; /* the caller asks the arena */
	for (size_t i = 0; i < ntn; i++)
		if (passport_tn(json_array_get(tn, i), &p->dest[p->ndest++]))
			return -1;
	for (size_t i = 0; i < nuri; i++)
		if (passport_uri(json_array_get(uri, i), a, &p->dest[p->ndest++]))
			return -1;
	return 0;
}

static int read_iat(const json_t *iat, int64_t *out)
{
	if (!json_is_integer(iat))
		return -1;
	*out = json_integer_value(iat);
	return *out > 0 && *out < iat_end ? 0 : -1;
}

static int read_claims(const json_t *claims, struct arena *a, unsigned depth, struct passport *p)
{
	if (read_iat(json_object_get(claims, "iat"), &p->iat))
		return -1;
	if (read_orig(json_object_get(claims, "orig"), a, &p->orig))
		return -1;
	if (read_dest(json_object_get(claims, "dest"), a, p))
		return -1;
	return passport_type_claims(claims, a, depth, p);
}

enum stir_reason passport_claims_nested(struct passport *p, struct arena *a, unsigned depth)
{
	enum stir_reason r;
	json_t *claims;
	int rc;

	if (!span_is(p->alg, "ES256"))
		return STIR_ALG_UNSUPPORTED;
	rc = jws_json(p->jws.payload, &claims);
	if (rc)
		return rc == -2 ? STIR_NO_RESOURCE : STIR_CLAIMS_INVALID;
	p->ndest = 0;
	r = read_claims(claims, a, depth, p) ? STIR_CLAIMS_INVALID : STIR_OK;
	json_decref(claims);
	if (arena_overflowed(a))
		r = STIR_NO_RESOURCE;
	if (r != STIR_OK)
		p->ndest = 0;
	return r;
}

enum stir_reason passport_claims(struct passport *p, struct arena *a)
{
	return passport_claims_nested(p, a, 0);
}

static bool is_deterministic(struct span text)
{
	json_t *json;
	char *again;
	bool same;

	if (jws_json(text, &json))
		return false;
	again = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	same = again && span_is(text, again);
	free(again);
	json_decref(json);
	return same;
}

bool passport_canonical(const struct passport *p)
{
	return is_deterministic(p->jws.header) && is_deterministic(p->jws.payload);
}

enum stir_reason passport_fresh(const struct passport *p, int64_t now, uint32_t max_age_s, uint32_t max_skew_s)
{
	/* Unsigned differences: now may be anything. */
	if (p->iat > now)
		return (uint64_t)p->iat - (uint64_t)now > max_skew_s ? STIR_FROM_FUTURE : STIR_OK;
	return (uint64_t)now - (uint64_t)p->iat > max_age_s ? STIR_STALE : STIR_OK;
}
