/*
 * Body digests: OpenSSL hashes, this file spells and compares.
 *
 * The digests are fetched once, since a fetch per message would take locks in
 * OpenSSL.  Knows nothing of which octets belong into a digest.
 */
#include "config.h"

#include "core/msgi.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/encoding.h"

static const struct {
	const char *name;    /* ours */
	const char *openssl; /* theirs */
	unsigned char n;
} algs[MSGI_ALG_COUNT] = {
	[MSGI_SHA256] = {"sha256", "SHA256", 32},
	[MSGI_SHA384] = {"sha384", "SHA384", 48},
	[MSGI_SHA512] = {"sha512", "SHA512", 64},
};

/* Set by msgi_init(), kept until the process ends. */
static EVP_MD *fetched[MSGI_ALG_COUNT];

void msgi_init(void)
{
	for (int i = 0; i < MSGI_ALG_COUNT; i++)
		if (!fetched[i])
			fetched[i] = EVP_MD_fetch(NULL, algs[i].openssl, NULL);
}

const char *msgi_alg_name(enum msgi_alg alg)
{
	return (size_t)alg < MSGI_ALG_COUNT ? algs[alg].name : "unknown";
}

int msgi_alg_by_name(struct span name, enum msgi_alg *out)
{
	for (int i = 0; i < MSGI_ALG_COUNT; i++) {
		if (span_is(name, algs[i].name)) {
			*out = (enum msgi_alg)i;
			return 0;
		}
	}
	return -1;
}

int msgi_parse(struct span text, struct msgi_value *out)
{
	size_t hyphen = span_find(text, '-'), n;

	memset(out, 0, sizeof *out);
	if (hyphen == text.n || msgi_alg_by_name(span_take(text, hyphen), &out->alg))
		return -1;
	if (base64_decode(span_skip(text, hyphen + 1), out->digest, sizeof out->digest, &n))
		return -1;
	if (n != algs[out->alg].n)
		return -1;
	out->n = (unsigned char)n;
	return 0;
}

void msgi_write(struct buf *out, const struct msgi_value *v)
{
	buf_puts(out, msgi_alg_name(v->alg));
	buf_putc(out, '-');
	base64_encode(out, v->digest, v->n);
}

bool msgi_eq(const struct msgi_value *a, const struct msgi_value *b)
{
	return a->alg == b->alg && a->n == b->n && CRYPTO_memcmp(a->digest, b->digest, a->n) == 0;
}

void msgi_stream_begin(struct msgi_stream *s, unsigned want)
{
	memset(s, 0, sizeof *s);
	s->want = want;
	for (int i = 0; i < MSGI_ALG_COUNT; i++) {
		if (!(want & 1u << i))
			continue;
		s->ctx[i] = fetched[i] ? EVP_MD_CTX_new() : NULL;
		if (!s->ctx[i] || EVP_DigestInit_ex2(s->ctx[i], fetched[i], NULL) != 1)
			s->failed = true;
	}
}

void msgi_stream_feed(struct msgi_stream *s, const void *p, size_t n)
{
	if (n == 0 || s->failed)
		return;
	for (int i = 0; i < MSGI_ALG_COUNT; i++)
		if (s->ctx[i] && EVP_DigestUpdate(s->ctx[i], p, n) != 1)
			s->failed = true;
}

int msgi_stream_value(struct msgi_stream *s, enum msgi_alg alg, struct msgi_value *out)
{
	unsigned n = 0;
	int ok;

	memset(out, 0, sizeof *out);
	if (s->failed || (size_t)alg >= MSGI_ALG_COUNT || !s->ctx[alg])
		return -1;
	ok = EVP_DigestFinal_ex(s->ctx[alg], out->digest, &n);
	EVP_MD_CTX_free(s->ctx[alg]);
	s->ctx[alg] = NULL;
	if (ok != 1 || n != algs[alg].n)
		return -1;
	out->alg = alg;
	out->n = (unsigned char)n;
	return 0;
}

void msgi_stream_free(struct msgi_stream *s)
{
	for (int i = 0; i < MSGI_ALG_COUNT; i++) {
		EVP_MD_CTX_free(s->ctx[i]);
		s->ctx[i] = NULL;
	}
}
