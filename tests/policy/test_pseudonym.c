/* Pseudonyms: HMAC-SHA256, cut, as OpenSSL's plain function has it; and one key for many threads. */
#include "config.h"

#include "policy/pseudonym.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/tap.h"

enum { THREADS = 4, TIMES = 500 };

static const unsigned char key[PSEUDONYM_KEY_BYTES] = "a key for pseudonyms in tests..";

static bool is_right(const struct pseudonym *p, const char *text)
{
	char out[PSEUDONYM_BYTES], want[PSEUDONYM_BYTES + 1];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!HMAC(EVP_sha256(), key, sizeof key, (const unsigned char *)text, strlen(text), mac, &n))
		tap_bail("no HMAC");
	snprintf(want, sizeof want, "~%02x%02x%02x%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], mac[6], mac[7]);
	return pseudonym_write(p, span_cstr(text), out) == 0 && memcmp(out, want, sizeof out) == 0;
}

static void *many(void *p)
{
	uintptr_t right = 0;

	for (int i = 0; i < TIMES; i++)
		right += is_right(p, i % 2 ? "15551230001" : "a@b.example");
	return (void *)right;
}

int main(void)
{
	struct pseudonym *p = pseudonym_new(key);
	pthread_t t[THREADS];
	uintptr_t right = 0;
	void *one;

	if (!p)
		tap_bail("no pseudonyms");
	tap_ok(is_right(p, "15551230001"), "of a number");
	tap_ok(is_right(p, ""), "of nothing");
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, many, p))
			tap_bail("no thread");
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &one);
		right += (uintptr_t)one;
	}
	tap_int((long long)right, THREADS * TIMES, "four threads with one key");
	pseudonym_free(p);
	return tap_done();
}
