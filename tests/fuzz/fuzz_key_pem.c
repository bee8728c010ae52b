/* A key that is read can sign, and has a public half. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/keys/key_pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char sig[64], point[65];
	struct key *key = NULL;
	struct err e;

	if (key_pem_parse("fuzz", span_make(data, size), &key, &e) == 0 && (key_sign(key, span_make(data, size), sig, &e) || key_public_point(key, point, &e)))
		abort();
	key_close(key);
	return 0;
}
