/*
 * The line in front of the octets, and the key under which both stand.
 */
#include "config.h"

#include "core/kept.h"

#include <inttypes.h>
#include <openssl/evp.h>

#include "core/encoding.h"

enum { DIGEST_BYTES = 32 /* SHA-256 */ };

int kept_key(struct buf *out, const char *kind, struct span what)
{
	unsigned char digest[DIGEST_BYTES];

	buf_init(out, STORE_KEY_MAX);
	if (EVP_Digest(what.p, what.n, digest, NULL, EVP_sha256(), NULL) != 1)
		return -1;
	(void)buf_puts(out, kind);
	(void)buf_putc(out, ':');
	base64url_encode(out, digest, sizeof digest);
	return out->failed ? -1 : 0;
}

int kept_read_time(struct span digits, int64_t *out)
{
	if (digits.n < 1 || digits.n > KEPT_TIME_DIGITS)
		return -1;
	for (*out = 0; digits.n; digits = span_skip(digits, 1)) {
		if (digits.p[0] < '0' || digits.p[0] > '9')
			return -1;
		*out = *out * 10 + (digits.p[0] - '0');
	}
	return 0;
}

static bool read_value(struct kept *k, const char *kind, struct span what)
{
	struct span rest = buf_span(&k->value), line = span_cut(&rest, '\n');

	if (!span_is(span_cut(&line, ' '), kind) || !span_is(span_cut(&line, ' '), "1"))
		return false;
	if (kept_read_time(span_cut(&line, ' '), &k->when) || !span_eq(line, what))
		return false;
	k->octets = rest;
	return true;
}

int kept_get(struct store *s, const char *kind, struct span what, struct kept *out, struct err *e)
{
	struct buf key;
	int rc;

	memset(out, 0, sizeof *out);
	buf_init(&out->value, STORE_VALUE_MAX);
	rc = kept_key(&key, kind, what);
	rc = rc ? err_set(e, ERR_UNAVAILABLE, "out of memory") : store_get(s, buf_span(&key), &out->value, e);
	if (rc == 1 && !read_value(out, kind, what))
		rc = 0;
	buf_free(&key);
	return rc;
}

int kept_put(struct store *s, const char *kind, struct span what, int64_t when, struct span octets, uint32_t ttl_s, struct err *e)
{
	struct buf key, value;
	int rc;

	if (octets.n + what.n + strlen(kind) + KEPT_TIME_DIGITS + sizeof " 1  \n" > STORE_VALUE_MAX || what.n > KEPT_WHAT_MAX || when < 0)
		return err_set(e, ERR_DATA, "it is larger than what can be kept");
	buf_init(&value, STORE_VALUE_MAX);
	rc = kept_key(&key, kind, what);
	(void)buf_printf(&value, "%s 1 %" PRId64 " ", kind, when);
	(void)buf_put_span(&value, what);
	(void)buf_putc(&value, '\n');
	if (rc || buf_put_span(&value, octets))
		rc = err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (rc == 0)
		rc = store_put(s, buf_span(&key), buf_span(&value), ttl_s, e);
	buf_free(&key);
	buf_free(&value);
	return rc;
}

void kept_free(struct kept *k)
{
	buf_free(&k->value);
}
