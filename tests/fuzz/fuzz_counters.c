/* A snapshot with a good checksum around it: what loads saves to the same. */
#include "config.h"

#include "policy/counters.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever it held before: a bucket fills again, and what was stopped is worse than what was not. */
static void use(struct counters *c, const struct counters_rate *r)
{
	struct span key = span_cstr("+15550100001");
	int before, after;

	for (int64_t at = 1000; at < 1000000000; at *= 10)
		(void)counters_over(c, r, key, at, true);
	if (counters_over(c, r, key, 2000000000, true) || counters_over(c, r, key, 1000, false))
		abort();
	counters_note(c, COUNTERS_NUMBER, key, false, 1700000000);
	before = counters_look(c, COUNTERS_NUMBER, key, 1700000000).reputation;
	counters_note(c, COUNTERS_NUMBER, key, true, 1700000000 + COUNTERS_HALF_LIFE_S);
	after = counters_look(c, COUNTERS_NUMBER, key, 1600000000).reputation;
	if (after > before || counters_look(c, COUNTERS_SIGNER, key, 1).reputation != 50)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct counters_rate r = {span_cstr("r"), 1000, 60000, 5000};
	struct counters *c = counters_new(20), *d = counters_new(20);
	struct buf in, out;
	unsigned char sum[32];
	struct err e;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	if (!c || !d || buf_puts(&in, "STIRCNT1") || buf_put(&in, data, size) || EVP_Digest(in.p, in.n, sum, NULL, EVP_sha256(), NULL) != 1 || buf_put(&in, sum, sizeof sum))
		abort();
	if (counters_load(d, span_make(data, size), &e) == 0 && size < 56)
		abort();
	if (counters_load(c, buf_span(&in), &e) == 0) {
		if (counters_save(c, &out) || (counters_stat(c).evicted == 0 && in.n <= 56 + 20 * 41 && !span_eq(buf_span(&in), buf_span(&out))))
			abort();
		counters_note(c, COUNTERS_PEER, span_make(data, size), true, INT64_MAX);
		(void)counters_over(c, &r, span_make(data, size), INT64_MAX, true);
		use(c, &r);
		if (!counters_look(c, COUNTERS_PEER, span_make(data, size), 0).known)
			abort();
	} else if (counters_stat(c).entries) {
		abort();
	}
	counters_free(c);
	counters_free(d);
	buf_free(&in);
	buf_free(&out);
	return 0;
}
