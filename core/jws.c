/*
 * Compact JWS: three parts cut apart and decoded, JSON read strictly, ES256
 * verified over the octets as received.
 *
 * Knows no claim and no header member.  Makes no signatures: those come from
 * keys, wherever they live (key.h).
 */
#include "config.h"

#include "core/jws.h"

#include <openssl/err.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/p256.h"

_Static_assert((int)JWS_SIG_BYTES == (int)P256_SIG_BYTES, "a signature of ES256 is one of P-256");

/* The order n of P-256 (FIPS 186-4, D.1.2.3). */
static const unsigned char p256_order[P256_COORDINATE_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

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

/* 1 to n - 1, big-endian. */
static bool scalar_in_range(const unsigned char *v)
{
	static const unsigned char zero[P256_COORDINATE_BYTES];

	return memcmp(v, zero, sizeof zero) != 0 && memcmp(v, p256_order, sizeof p256_order) < 0;
}

int jws_verify_es256(struct span signing_input, const unsigned char sig[JWS_SIG_BYTES], EVP_PKEY *key)
{
	unsigned char der[P256_DER_SIG_MAX];
	EVP_MD_CTX *ctx;
	int n, result = -1;

	if (!scalar_in_range(sig) || !scalar_in_range(sig + P256_COORDINATE_BYTES))
		return 0;
	if (!key || !p256_is(key)) {
		ERR_clear_error();
		return -1;
	}
	n = p256_sig_to_der(sig, der);
	if (n < 0)
		return -1;
	ctx = EVP_MD_CTX_new();
	if (ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1)
		result = EVP_DigestVerify(ctx, der, (size_t)n, (const unsigned char *)signing_input.p, signing_input.n);
	EVP_MD_CTX_free(ctx);
	if (result != 1)
		ERR_clear_error();
	return result == 1 || result == 0 ? result : -1;
}
