/* SipHash: the vectors of its authors, OpenSSL's at every length, pieces. */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "core/siphash.h"
#include "tests/lib/tap.h"

static unsigned char key[SIPHASH_KEY_BYTES], text[200];

static struct siphash_sum by_openssl(struct span s)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	size_t size = 16, n;
	unsigned char out[16];
	OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
	struct siphash_sum h = {{0, 0}};

	if (!ctx || EVP_MAC_init(ctx, key, sizeof key, params) != 1 || EVP_MAC_update(ctx, (const unsigned char *)s.p, s.n) != 1 ||
	    EVP_MAC_final(ctx, out, &n, sizeof out) != 1 || n != 16)
		tap_bail("OpenSSL has no SipHash");
	for (int i = 0; i < 16; i++)
		h.half[i / 8] |= (uint64_t)out[i] << (8 * (i % 8));
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return h;
}

static struct siphash_sum in_pieces(size_t n, size_t piece)
{
	struct siphash s;

	siphash_begin(&s, key);
	for (size_t i = 0; i < n; i += piece)
		siphash_put(&s, span_make(text + i, piece < n - i ? piece : n - i));
	return siphash_end(&s);
}

int main(void)
{
	/* key 00 01 .. 0f, texts empty, 00, 00 01 */
	static const uint64_t vector[][2] = {{UINT64_C(0xe6a825ba047f81a3), UINT64_C(0x930255c71472f66d)},
					     {UINT64_C(0x44af996bd8c187da), UINT64_C(0x45fc229b11597634)},
					     {UINT64_C(0xc75da4a48d227781), UINT64_C(0xe4ff0af6de8ba3fc)}};
	struct siphash_sum h, o;
	int same = 0, pieces = 0;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (unsigned char)(i < 16 ? (key[i] = (unsigned char)i) : i * 37);
	for (size_t i = 0; i < 3; i++) {
		h = siphash_of(key, span_make(text, i));
		tap_ok(h.half[0] == vector[i][0] && h.half[1] == vector[i][1], "SipHash-2-4-128, vector %zu", i);
	}
	for (size_t n = 0; n <= sizeof text; n++) {
		h = siphash_of(key, span_make(text, n));
		o = by_openssl(span_make(text, n));
		same += siphash_same(&h, &o);
		o = in_pieces(n, 1 + n % 11);
		pieces += siphash_same(&h, &o);
	}
	tap_int(same, (int)sizeof text + 1, "as OpenSSL's, whatever the length");
	tap_int(pieces, (int)sizeof text + 1, "and however it is cut");
	key[0] ^= 1;
	h = siphash_of(key, span_make(text, 5));
	key[0] ^= 1;
	o = siphash_of(key, span_make(text, 5));
	tap_ok(!siphash_same(&h, &o), "another key, another sum");
	return tap_done();
}
