/*
 * The payload of a trust list: signed here, so that what comes behind the signature
 * is reached, and once unsigned.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/trust.h"
#include "core/trustlist.h"
#include "tests/lib/list_maker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1700000000, DAY = 86400 };

static EVP_PKEY *key;
static struct buf signer;

static void begin(void)
{
	struct pki_cert_spec s = {.common_name = "list", .not_before = NOW - DAY, .not_after = NOW + DAY};
	X509 *x;

	s.key = key = pki_key_new(PKI_KEY_P256);
	buf_init(&signer, 65536);
	if (!key || pki_cert_new(&s, &x, NULL) || pki_put_cert(&signer, x))
		abort();
	X509_free(x);
}

static void check(struct span jws)
{
	struct trustlist l;
	struct trust *t;

	if (trustlist_read(jws, buf_span(&signer), 1, NOW, &l, NULL) == 0) {
		if (l.sequence < 1 || l.count < 1 || trust_open("list", buf_span(&l.anchors), &t, NULL) || trust_count(t) != l.count)
			abort();
		trust_free(t);
	}
	trustlist_clear(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *payload = strndup((const char *)data, size);
	struct buf jws;

	if (!key)
		begin();
	buf_init(&jws, 1 << 22);
	check(span_make(data, size));
	if (payload && payload[0] && size < 1 << 20) {
		list_maker_jws(&jws, key, "{\"alg\":\"ES256\"}", payload);
		check(buf_span(&jws));
	}
	buf_free(&jws);
	free(payload);
	return 0;
}
