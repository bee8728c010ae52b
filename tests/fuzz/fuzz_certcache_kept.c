/* What a store gives back for a certificate: what can be read can be written, and read again alike. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/certcache_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certcache_kept k, again;
	struct buf out;

	if (certcache_kept_read(span_make(data, size), &k))
		return 0;
	if (k.fetched < 0 || k.until < k.fetched)
		abort();
	buf_init(&out, size + 32);
	if (certcache_kept_write(&out, &k) || certcache_kept_read(buf_span(&out), &again))
		abort();
	if (again.fetched != k.fetched || again.until != k.until || !span_eq(again.url, k.url) || !span_eq(again.pem, k.pem))
		abort();
	buf_free(&out);
	return 0;
}
