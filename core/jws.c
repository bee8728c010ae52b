/*
 * Compact JWS: three parts cut apart and decoded, JSON read strictly, ES256
 * verified over the octets as received.
 *
 * Knows no claim and no header member.  Makes no signatures: those come from
 * keys, wherever they live (key.h).
 */
#include "config.h"

#include "core/jws.h"

#include "core/encoding.h"
#include "core/es256.h"
#include "core/limits.h"

_Static_assert((int)JWS_SIG_BYTES == (int)P256_SIG_BYTES, "a signature of ES256 is one of P-256");

static enum stir_reason decode_part(struct span part, struct arena *a, struct span *out)
{
	size_t cap = encoding_decoded_max(part.n), n;
	unsigned char *p;

	if (part.n == 0)
		return STIR_TOKEN_SYNTAX;
	p = arena_alloc(a, cap);
	if (!p)
		return STIR_NO_RESOURCE;
	if (base64url_decode(part, p, cap, &n))
		return STIR_TOKEN_SYNTAX;
	*out = span_make(p, n);
	return STIR_OK;
}

enum stir_reason jws_split(struct span token, struct arena *a, struct jws *out)
{
	return jws_split_max(token, LIMIT_TOKEN_BYTES, a, out);
}

enum stir_reason jws_split_max(struct span token, size_t max, struct arena *a, struct jws *out)
{
	struct span rest = token, header, payload;
	enum stir_reason r;
	size_t n;

	memset(out, 0, sizeof *out);
	if (token.n > max)
		return STIR_TOKEN_TOO_LARGE;
	header = span_cut(&rest, '.');
	if (header.n == token.n)
		return STIR_TOKEN_SYNTAX;
	payload = span_cut(&rest, '.');
	/* rest is the signature; a third dot would be a character of it and
	 * fail there, and a missing second one leaves it empty. */
	if (base64url_decode(rest, out->sig, sizeof out->sig, &n) || n != sizeof out->sig)
		return STIR_TOKEN_SYNTAX;
	out->signing_input = span_take(token, header.n + 1 + payload.n);
	r = decode_part(header, a, &out->header);
	if (r == STIR_OK)
		r = decode_part(payload, a, &out->payload);
	return r;
}

/* jansson's own bound is 2048 levels, and fixed. */
static bool too_deep(struct span text)
{
	bool in_string = false;
	unsigned depth = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > LIMIT_JSON_DEPTH)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

int jws_json(struct span text, json_t **out)
{
	json_error_t error;
	json_t *json;

	*out = NULL;
	if (text.n == 0 || too_deep(text))
		return -1;
	json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return json_error_code(&error) == json_error_out_of_memory ? -2 : -1;
	if (!json_is_object(json)) {
		json_decref(json);
		return -1;
	}
	*out = json;
	return 0;
}

int jws_verify_es256(struct span signing_input, const unsigned char sig[JWS_SIG_BYTES], EVP_PKEY *key)
{
	struct es256_key *k = es256_key_new(key);
	int result = k ? es256_verify(k, signing_input, sig) : -1;

	es256_key_free(k);
	return result;
}
