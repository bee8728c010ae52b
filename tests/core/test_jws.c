/* Compact JWS: cutting, strict JSON, ES256 and its edge values. */
#include "config.h"

#include "core/jws.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "core/buf.h"
#include "core/encoding.h"
#include "core/limits.h"
#include "tests/lib/tap.h"

#define SPAN(literal)                                                                                                                                          \
	{                                                                                                                                                      \
		literal, sizeof(literal) - 1                                                                                                                   \
	}
#define A43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SIG A43 A43 /* 86 characters, 64 octets */

static const struct {
	const char *what;
	struct span token;
	enum stir_reason want;
} split_cases[] = {
    {"three parts", SPAN("e30.e30." SIG), STIR_OK},
    {"parts need not be JSON", SPAN("AAAA.AA." SIG), STIR_OK},
    {"empty", SPAN(""), STIR_TOKEN_SYNTAX},
    {"no dot", SPAN("e30"), STIR_TOKEN_SYNTAX},
    {"one dot", SPAN("e30." SIG), STIR_TOKEN_SYNTAX},
    {"no signature", SPAN("e30.e30."), STIR_TOKEN_SYNTAX},
    {"no last dot", SPAN("e30.e30"), STIR_TOKEN_SYNTAX},
    {"three dots", SPAN("e30.e30.e30." SIG), STIR_TOKEN_SYNTAX},
    {"dot at the end", SPAN("e30.e30." SIG "."), STIR_TOKEN_SYNTAX},
    {"compact form", SPAN(".." SIG), STIR_TOKEN_SYNTAX},
    {"empty header", SPAN(".e30." SIG), STIR_TOKEN_SYNTAX},
    {"empty payload", SPAN("e30.." SIG), STIR_TOKEN_SYNTAX},
    {"signature short", SPAN("e30.e30." A43), STIR_TOKEN_SYNTAX},
    {"signature long", SPAN("e30.e30." SIG "AA"), STIR_TOKEN_SYNTAX},
    {"signature padded", SPAN("e30.e30." SIG "=="), STIR_TOKEN_SYNTAX},
    {"signature with spare bits", SPAN("e30.e30." A43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"), STIR_TOKEN_SYNTAX},
    {"header padded", SPAN("e30=.e30." SIG), STIR_TOKEN_SYNTAX},
    {"header with spare bits", SPAN("e31.e30." SIG), STIR_TOKEN_SYNTAX},
    {"impossible length", SPAN("e30.e30AA." SIG), STIR_TOKEN_SYNTAX},
    {"plus", SPAN("e30.e+30." SIG), STIR_TOKEN_SYNTAX},
    {"slash", SPAN("e30.e/30." SIG), STIR_TOKEN_SYNTAX},
    {"space", SPAN("e30. e30." SIG), STIR_TOKEN_SYNTAX},
    {"line end", SPAN("e30.e30." SIG "\n"), STIR_TOKEN_SYNTAX},
    {"NUL", SPAN("e30.e30\0." SIG), STIR_TOKEN_SYNTAX},
    {"octet above 127", SPAN("e30.e30\xff." SIG), STIR_TOKEN_SYNTAX},
};

static const struct {
	const char *what;
	struct span text;
	int want;
} json_cases[] = {
    {"empty object", SPAN("{}"), 0},
    {"blanks around", SPAN(" {\"a\" : 1}\r\n"), 0},
    /* LIMIT_JSON_DEPTH, and one more. */
    {"depth 8", SPAN("{\"a\":[[[[[[[]]]]]]]}"), 0},
    {"depth 9", SPAN("{\"a\":[[[[[[[[]]]]]]]]}"), -1},
    {"depth 9 in objects", SPAN("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}"), -1},
    {"side by side is not deep", SPAN("{\"a\":[[],[],[],[],[],[],[],[],[],[]]}"), 0},
    {"brackets in a string", SPAN("{\"a\":\"[[[[[[[[[[[[\\\"[[[[[[[[[[\"}"), 0},
    {"depth after an escaped backslash", SPAN("{\"a\":\"\\\\\",\"b\":[[[[[[[[]]]]]]]]}"), -1},
    {"many closing first", SPAN("]]]]{}"), -1},
    {"array", SPAN("[]"), -1},
    {"string", SPAN("\"a\""), -1},
    {"number", SPAN("1"), -1},
    {"null", SPAN("null"), -1},
    {"nothing", SPAN(""), -1},
    {"blank", SPAN(" "), -1},
    {"text behind", SPAN("{}x"), -1},
    {"object behind", SPAN("{}{}"), -1},
    {"NUL behind", SPAN("{}\0"), -1},
    {"byte order mark", SPAN("\xef\xbb\xbf{}"), -1},
    {"member twice", SPAN("{\"a\":1,\"a\":1}"), -1},
    {"member twice, escaped", SPAN("{\"a\":1,\"\\u0061\":2}"), -1},
    {"member twice, inside", SPAN("{\"b\":{\"a\":1,\"a\":2}}"), -1},
    {"raw NUL in a string", SPAN("{\"a\":\"\0\"}"), -1},
    {"escaped NUL in a string", SPAN("{\"a\":\"x\\u0000y\"}"), -1},
    {"escaped NUL in a name", SPAN("{\"x\\u0000y\":1}"), -1},
    {"no UTF-8", SPAN("{\"a\":\"\xff\"}"), -1},
    {"overlong UTF-8", SPAN("{\"a\":\"\xc0\xaf\"}"), -1},
    {"half a surrogate pair", SPAN("{\"a\":\"\\ud800\"}"), -1},
    {"comment", SPAN("{/**/}"), -1},
    {"comma at the end", SPAN("{\"a\":1,}"), -1},
    {"single quotes", SPAN("{'a':1}"), -1},
    {"leading zero", SPAN("{\"a\":01}"), -1},
    {"integer too big", SPAN("{\"a\":9223372036854775808}"), -1},
    {"NaN", SPAN("{\"a\":NaN}"), -1},
    {"unterminated", SPAN("{\"a\":\""), -1},
    {"ends in a backslash", SPAN("{\"a\":\"\\"), -1},
};

static void split_all(struct arena *a)
{
	struct jws j;

	for (size_t i = 0; i < sizeof split_cases / sizeof split_cases[0]; i++) {
		enum stir_reason got = jws_split(split_cases[i].token, a, &j);

		tap_str(stir_reason_name(got), stir_reason_name(split_cases[i].want), "split: %s", split_cases[i].what);
	}
	tap_int(jws_split(span_cstr("eyJhIjoxfQ.e30." SIG), a, &j), STIR_OK, "split of a token");
	tap_span_is(j.header, "{\"a\":1}", "header decoded");
	tap_span_is(j.payload, "{}", "payload decoded");
	tap_span_is(j.signing_input, "eyJhIjoxfQ.e30", "signing input as received");
	tap_int(j.sig[0] | j.sig[63], 0, "signature decoded");
}

static void split_sizes(struct arena *a)
{
	struct arena *small = arena_new(16);
	struct buf token;
	struct jws j;

	buf_init(&token, 2 * LIMIT_TOKEN_BYTES);
	while (token.n + 4 + sizeof SIG - 1 + 5 <= LIMIT_TOKEN_BYTES)
		buf_puts(&token, "AAAA");
	buf_puts(&token, ".AAAA." SIG);
	while (token.n < LIMIT_TOKEN_BYTES)
		buf_puts(&token, "A");
	tap_ok(jws_split(buf_span(&token), a, &j) != STIR_TOKEN_TOO_LARGE, "a token of LIMIT_TOKEN_BYTES is looked at");
	tap_int(jws_split(span_take(buf_span(&token), 4096), small, &j), STIR_TOKEN_SYNTAX, "cut anywhere: syntax");
	buf_puts(&token, "A");
	tap_int(jws_split(buf_span(&token), a, &j), STIR_TOKEN_TOO_LARGE, "one octet more is too large");
	tap_int(jws_split(span_cstr("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.AAAA." SIG), small, &j), STIR_NO_RESOURCE, "arena full");
	buf_free(&token);
	arena_free(small);
}

static void json_all(void)
{
	json_t *json;

	for (size_t i = 0; i < sizeof json_cases / sizeof json_cases[0]; i++) {
		int got = jws_json(json_cases[i].text, &json);

		tap_int(got, json_cases[i].want, "JSON: %s", json_cases[i].what);
		tap_ok((got == 0) == (json != NULL), "JSON: %s: out agrees", json_cases[i].what);
		json_decref(json);
	}
}

/* ES256 signature of input as r||s. */
static void make_sig(EVP_PKEY *key, struct span input, unsigned char sig[JWS_SIG_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[80];
	const unsigned char *p = der;
	size_t n = sizeof der;
	ECDSA_SIG *es;

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 || EVP_DigestSign(ctx, der, &n, (const unsigned char *)input.p, input.n) != 1)
		tap_bail("OpenSSL does not sign");
	es = d2i_ECDSA_SIG(NULL, &p, (long)n);
	if (BN_bn2binpad(ECDSA_SIG_get0_r(es), sig, 32) != 32 || BN_bn2binpad(ECDSA_SIG_get0_s(es), sig + 32, 32) != 32)
		tap_bail("signature of an odd size");
	ECDSA_SIG_free(es);
	EVP_MD_CTX_free(ctx);
}

static const char order_hex[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

static void number_to(unsigned char out[32], const char *hex, int plus)
{
	BIGNUM *bn = NULL;

	if (!BN_hex2bn(&bn, hex) || !BN_add_word(bn, 2) || !BN_sub_word(bn, (BN_ULONG)(2 - plus)) || BN_bn2binpad(bn, out, 32) != 32)
		tap_bail("BIGNUM");
	BN_free(bn);
}

static const struct {
	const char *what;
	const char *hex;
	int plus;
} scalars[] = {
    {"zero", "0", 0},
    {"n", order_hex, 0},
    {"n plus one", order_hex, 1},
    {"all ones", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 0},
    {"one (in range, wrong)", "1", 0},
    {"n minus one (in range, wrong)", order_hex, -1},
};

static void verify_edges(EVP_PKEY *key, struct span input, const unsigned char good[JWS_SIG_BYTES])
{
	unsigned char sig[JWS_SIG_BYTES];

	for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
		memcpy(sig, good, sizeof sig);
		number_to(sig, scalars[i].hex, scalars[i].plus);
		tap_int(jws_verify_es256(input, sig, key), 0, "r is %s", scalars[i].what);
		memcpy(sig, good, sizeof sig);
		number_to(sig + 32, scalars[i].hex, scalars[i].plus);
		tap_int(jws_verify_es256(input, sig, key), 0, "s is %s", scalars[i].what);
	}
	memset(sig, 0, sizeof sig);
	tap_int(jws_verify_es256(input, sig, key), 0, "r and s zero (CVE-2022-21449)");
}

static void verify_all(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	EVP_PKEY *p384 = EVP_EC_gen("P-384"), *k1 = EVP_EC_gen("secp256k1"), *rsa = EVP_RSA_gen(2048);
	struct span input = span_cstr("e30.e30");
	unsigned char sig[JWS_SIG_BYTES];
	int bad = 0;

	if (!key || !other || !p384 || !k1 || !rsa)
		tap_bail("OpenSSL makes no keys");
	/* Many, so that short r and s are among them. */
	for (int i = 0; i < 600; i++) {
		make_sig(key, input, sig);
		bad += jws_verify_es256(input, sig, key) != 1;
	}
	tap_int(bad, 0, "600 good signatures verify");
	tap_int(jws_verify_es256(span_cstr("e30.e31"), sig, key), 0, "another input");
	tap_int(jws_verify_es256(span_make(NULL, 0), sig, key), 0, "empty input");
	tap_int(jws_verify_es256(input, sig, other), 0, "another key");
	tap_int(jws_verify_es256(input, sig, p384), -1, "P-384 is refused");
	tap_int(jws_verify_es256(input, sig, k1), -1, "another curve of 256 bits is refused");
	tap_int(jws_verify_es256(input, sig, rsa), -1, "RSA is refused");
	tap_int(jws_verify_es256(input, sig, NULL), -1, "no key");
	verify_edges(key, input, sig);
	for (size_t i = 0; i < sizeof sig; i += 7) {
		sig[i] ^= 1;
		tap_int(jws_verify_es256(input, sig, key), 0, "bit flipped in octet %zu", i);
		sig[i] ^= 1;
	}
	tap_int(jws_verify_es256(input, sig, key), 1, "and unflipped");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(k1);
	EVP_PKEY_free(rsa);
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);

	if (!a)
		tap_bail("no arena");
	split_all(a);
	split_sizes(a);
	json_all();
	verify_all();
	arena_free(a);
	return tap_done();
}
