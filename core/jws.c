/*
 * Compact JWS: three parts cut apart and decoded, JSON read strictly, ES256
 * verified over the octets as received.
 *
 * Knows no claim and no header member.  Makes no signatures: those come from
 * keys, wherever they live (key.h).
 */
#include "config.h"

#include "core/jws.h"

#include <openssl/ec.h>
#include <openssl/err.h>

#include "core/encoding.h"
#include "core/limits.h"

enum {
	SCALAR_BYTES = JWS_SIG_BYTES / 2,
	DER_SIG_MAX = 72 /* SEQUENCE of two INTEGERs of at most 33 octets */
};

/* The order n of P-256 (FIPS 186-4, D.1.2.3). */
static const unsigned char p256_order[SCALAR_BYTES] = {
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

static bool is_p256(const EVP_PKEY *key)
{
	char group[32];

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
	       strcmp(group, SN_X9_62_prime256v1) == 0;
}

/* 1 to n - 1, big-endian. */
static bool scalar_in_range(const unsigned char *v)
{
	static const unsigned char zero[SCALAR_BYTES];

	return memcmp(v, zero, sizeof zero) != 0 && memcmp(v, p256_order, sizeof p256_order) < 0;
}

/* The form OpenSSL wants: SEQUENCE { r, s }. Its length, or -1. */
static int sig_to_der(const unsigned char sig[JWS_SIG_BYTES], unsigned char der[DER_SIG_MAX])
{
	ECDSA_SIG *es = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, SCALAR_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(sig + SCALAR_BYTES, SCALAR_BYTES, NULL);
	unsigned char *p = der;
	int n;

	if (!es || !r || !s || ECDSA_SIG_set0(es, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(es);
		return -1;
	}
	n = i2d_ECDSA_SIG(es, NULL);
	if (n > 0)
		n = n <= DER_SIG_MAX ? i2d_ECDSA_SIG(es, &p) : -1;
	ECDSA_SIG_free(es);
	return n > 0 ? n : -1;
}

int jws_verify_es256(struct span signing_input, const unsigned char sig[JWS_SIG_BYTES], EVP_PKEY *key)
{
	unsigned char der[DER_SIG_MAX];
	EVP_MD_CTX *ctx;
	int n, result = -1;

	if (!scalar_in_range(sig) || !scalar_in_range(sig + SCALAR_BYTES))
		return 0;
	if (!key || !is_p256(key)) {
		ERR_clear_error();
		return -1;
	}
	n = sig_to_der(sig, der);
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
