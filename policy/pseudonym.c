/* A context that has the key already is copied for each; to set one up costs twice as much. */
#include "config.h"

#include "policy/pseudonym.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/encoding.h"

struct pseudonym {
	EVP_MAC_CTX *ready; /* only read */
};

struct pseudonym *pseudonym_new(const unsigned char key[PSEUDONYM_KEY_BYTES])
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
	struct pseudonym *p = calloc(1, sizeof *p);
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (p && hmac)
		p->ready = EVP_MAC_CTX_new(hmac);
	/* The context keeps what it needs of it. */
	EVP_MAC_free(hmac);
	if (!p || !p->ready || EVP_MAC_init(p->ready, key, PSEUDONYM_KEY_BYTES, params) != 1) {
		pseudonym_free(p);
		return NULL;
	}
	return p;
}

void pseudonym_free(struct pseudonym *p)
{
	if (!p)
		return;
	/* Cleanses the key. */
	EVP_MAC_CTX_free(p->ready);
	free(p);
}

int pseudonym_write(const struct pseudonym *p, struct span s, char out[PSEUDONYM_BYTES])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(p->ready);
	size_t n = 0;
	bool good = ctx && EVP_MAC_update(ctx, (const unsigned char *)s.p, s.n) == 1 && EVP_MAC_final(ctx, mac, &n, sizeof mac) == 1;

	EVP_MAC_CTX_free(ctx);
	if (!good || n < (PSEUDONYM_BYTES - 1) / 2)
		return -1;
	out[0] = '~';
	hex_encode(out + 1, mac, (PSEUDONYM_BYTES - 1) / 2);
	return 0;
}
