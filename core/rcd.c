/*
 * rcd and rcdi: a name and what vouches for it; see rcd.h.
 *
 * Nothing here fails a token: RFC 9795, 6 keeps what is referred to apart from
 * what is signed.
 */
#include "config.h"

#include "core/rcd.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "core/jws.h"
#include "core/limits.h"
#include "core/msgi.h"
#include "core/passport_internal.h"

/* --- JSON pointers -------------------------------------------------------------- */

/* One reference token, "~0" and "~1" opened (RFC 6901, 4); its length, or -1. */
static int open_token(struct span token, char out[LIMIT_RCD_POINTER_BYTES])
{
	int n = 0;

	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if (c == '~') {
			if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
				return -1;
			c = token.p[i] == '0' ? '~' : '/';
		}
		out[n++] = c;
	}
	return n;
}

/* "0", or digits without a leading zero; -1 otherwise ("-" is no element that is there). */
static int array_index(struct span token, size_t *out)
{
	size_t v = 0;

	if (token.n == 0 || token.n > 4 || (token.p[0] == '0' && token.n > 1))
		return -1;
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] < '0' || token.p[i] > '9')
			return -1;
		v = v * 10 + (size_t)(token.p[i] - '0');
	}
	*out = v;
	return 0;
}

const json_t *rcd_pointer(const json_t *root, struct span pointer, const json_t **parent, size_t *last)
{
	const json_t *at = root, *holder = NULL;
	char key[LIMIT_RCD_POINTER_BYTES];
	size_t index = 0;

	if (pointer.n > LIMIT_RCD_POINTER_BYTES || (pointer.n && pointer.p[0] != '/'))
		return NULL;
	while (pointer.n && at) {
		size_t end = 1 + span_find(span_skip(pointer, 1), '/');
		struct span token = span_skip(span_take(pointer, end), 1);
		int n = open_token(token, key);

		holder = at;
		if (n < 0)
			return NULL;
		if (json_is_array(at))
			at = array_index(token, &index) ? NULL : json_array_get(at, index);
		else
			at = json_object_getn(at, key, (size_t)n);
		index = json_is_array(holder) ? index : 0;
		pointer = span_skip(pointer, end);
	}
	if (parent)
		*parent = holder;
	if (last)
		*last = index;
	return at;
}

/* --- digests ---------------------------------------------------------------------- */

enum answer { MATCHES, DIFFERS, ELSEWHERE };

/*
 * Is the value an address whose content is meant?  icn always (RFC 9795, 6.1.2),
 * whatever is below jcl (6.1.4), and a value of the type uri in a jCard (6.1.3;
 * RFC 7095, 3.3: name, parameters, type, values).
 */
static bool stands_elsewhere(struct span pointer, const json_t *value, const json_t *parent, size_t last)
{
	const json_t *type = json_array_get(parent, 2);

	if (span_is(pointer, "/icn") || span_is(pointer, "/jcl"))
		return true;
	return json_is_string(value) && last >= 3 && json_is_string(type) && strcmp(json_string_value(type), "uri") == 0;
}

/* The deterministic form of RFC 8225, 9, quotes of a string included. */
static enum answer compare(const json_t *value, const struct msgi_value *want)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	struct msgi_value got;
	struct msgi_stream s;
	enum answer answer = DIFFERS;

	if (!text)
		return DIFFERS;
	msgi_stream_begin(&s, 1u << want->alg);
	msgi_stream_feed(&s, text, strlen(text));
	if (msgi_stream_value(&s, want->alg, &got) == 0 && msgi_eq(&got, want))
		answer = MATCHES;
	msgi_stream_free(&s);
	free(text);
	return answer;
}

static enum answer check_entry(const json_t *rcd, const char *name, const json_t *digest)
{
	struct span pointer = span_cstr(name), text;
	struct msgi_value want;
	const json_t *value, *parent;
	size_t last;

	if (passport_text(digest, &text) || msgi_parse(text, &want))
		return DIFFERS;
	if (span_starts(pointer, "/jcl/") && json_object_get(rcd, "jcl"))
		return pointer.n <= LIMIT_RCD_POINTER_BYTES ? ELSEWHERE : DIFFERS;
	value = rcd_pointer(rcd, pointer, &parent, &last);
	if (!value)
		return DIFFERS;
	return stands_elsewhere(pointer, value, parent, last) ? ELSEWHERE : compare(value, &want);
}

static enum stir_rcd check_digests(const json_t *rcd, json_t *rcdi)
{
	bool matched = false, elsewhere = false;
	const char *name;
	json_t *digest;

	if (!rcdi)
		return STIR_RCD_PRESENT;
	if (!json_is_object(rcdi) || json_object_size(rcdi) > LIMIT_RCDI_ENTRIES)
		return STIR_RCD_MISMATCH;
	json_object_foreach(rcdi, name, digest) {
		switch (check_entry(rcd, name, digest)) {
		case DIFFERS:
			return STIR_RCD_MISMATCH;
		case MATCHES:
			matched = true;
			break;
		case ELSEWHERE:
			elsewhere = true;
			break;
		}
	}
	if (matched)
		return STIR_RCD_VERIFIED;
	return elsewhere ? STIR_RCD_UNCHECKED : STIR_RCD_PRESENT;
}

/* --- the claim -------------------------------------------------------------------- */

/* Absent, or a URI. 0 / -1. */
static int check_uri(const json_t *rcd, const char *name)
{
	const json_t *json = json_object_get(rcd, name);
	struct span s;

	if (!json)
		return 0;
	return passport_text(json, &s) || passport_uri_scheme(s) == 0 ? -1 : 0;
}

/* RFC 9795, 5.1. 0 and the name, or -1. */
static int check_members(const json_t *rcd, struct span *name)
{
	const json_t *apn = json_object_get(rcd, "apn"), *jcd = json_object_get(rcd, "jcd");
	struct span s;

	if (!json_is_object(rcd) || passport_text(json_object_get(rcd, "nam"), name))
		return -1;
	if (name->n == 0 || name->n > LIMIT_RCD_NAME_BYTES)
		return -1;
	if (apn && passport_text(apn, &s))
		return -1;
	if (jcd && (!json_is_array(jcd) || json_object_get(rcd, "jcl")))
		return -1;
	return check_uri(rcd, "icn") || check_uri(rcd, "jcl") ? -1 : 0;
}

enum stir_rcd rcd_read(struct span payload, struct arena *a, struct span *name)
{
	struct span said = {NULL, 0};
	enum stir_rcd found = STIR_RCD_NONE;
	const json_t *rcd;
	json_t *claims;

	*name = said;
	if (jws_json(payload, &claims))
		return STIR_RCD_NONE;
	rcd = json_object_get(claims, "rcd");
	if (rcd)
		found = check_members(rcd, &said) ? STIR_RCD_MISMATCH : check_digests(rcd, json_object_get(claims, "rcdi"));
	if (found != STIR_RCD_NONE && found != STIR_RCD_MISMATCH)
		*name = arena_copy(a, said);
	json_decref(claims);
	return found;
}
