/* Runs of base64: against OpenSSL's decoder, wide and plain, and every octet that is no character. */
#include "config.h"

#include "core/base64_run.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/tap.h"

enum { MOST = 1024, ROUNDS = 20000 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Buffers end where the memory does, so that a sanitizer sees an octet too many. */
static bool agree(const char *text, size_t n)
{
	size_t room = n / 4 * 3 + BASE64_RUN_SLACK;
	char *in = malloc(n), *wide = malloc(room), *plain = malloc(room);
	unsigned char *want = malloc(n / 4 * 3 + 1);
	bool good;

	if (!in || !wide || !plain || !want)
		tap_bail("no memory");
	memcpy(in, text, n);
	good = EVP_DecodeBlock(want, (const unsigned char *)in, (int)n) == (int)(n / 4 * 3) && base64_run(wide, in, n) && base64_run_plain(plain, in, n) &&
	       memcmp(wide, want, n / 4 * 3) == 0 && memcmp(plain, want, n / 4 * 3) == 0;
	free(in);
	free(wide);
	free(plain);
	free(want);
	return good;
}

static void right_ones(void)
{
	unsigned seed = 1;
	char text[MOST];
	int good = 0;

	for (int i = 0; i < ROUNDS; i++) {
		size_t n = BASE64_RUN_MIN + (size_t)rand_r(&seed) % ((MOST - BASE64_RUN_MIN) / 4) * 4;

		for (size_t k = 0; k < n; k++)
			text[k] = alphabet[rand_r(&seed) % 64];
		good += agree(text, n / 4 * 4);
	}
	tap_int(good, ROUNDS, "as OpenSSL decodes them");
}

/* Each octet at each place of a block, and of what is left behind one. */
static void wrong_ones(void)
{
	enum { LENGTH = 76 };
	char text[LENGTH], out[LENGTH / 4 * 3 + BASE64_RUN_SLACK];
	int wide = 0, plain = 0, want = 0;

	memset(text, 'A', sizeof text);
	for (size_t at = 0; at < LENGTH; at++) {
		for (int c = 0; c < 256; c++) {
			text[at] = (char)c;
			want += c && strchr(alphabet, c) != NULL;
			wide += base64_run(out, text, LENGTH);
			plain += base64_run_plain(out, text, LENGTH);
		}
		text[at] = 'A';
	}
	tap_int(want, LENGTH * 64, "64 characters at 76 places");
	tap_int(wide, want, "are taken, and no other octet");
	tap_int(plain, want, "nor by the plain one");
}

int main(void)
{
	right_ones();
	wrong_ones();
	return tap_done();
}
