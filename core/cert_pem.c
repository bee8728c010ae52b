/*
 * PEM text to DER blocks and certificates, strictly: one kind of block, nothing
 * left over.  Judges no certificate; cert.c and trust.c do.
 */
#include "config.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/cert_internal.h"
#include "core/sslerror.h"

static enum stir_reason refuse(struct err *why, const char *what)
{
	(void)err_set(why, ERR_DATA, "%s", what);
	return STIR_CERT_INVALID;
}

static enum stir_reason no_memory(struct err *why)
{
	(void)err_set(why, ERR_UNAVAILABLE, "out of memory");
	return STIR_NO_RESOURCE;
}

struct block {
	char *name, *header;
	unsigned char *der;
	long n;
};

static void block_free(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	/* Might be a private key that somebody put there by mistake. */
	OPENSSL_clear_free(b->der, b->n > 0 ? (size_t)b->n : 0);
}

/* 1 a block, 0 no more, -1 broken PEM. */
static int next_block(BIO *in, struct block *b)
{
	int reason;

	memset(b, 0, sizeof *b);
	if (PEM_read_bio(in, &b->name, &b->header, &b->der, &b->n))
		return 1;
	reason = ERR_GET_REASON(ERR_peek_last_error());
	return reason == PEM_R_NO_START_LINE ? 0 : -1;
}

static enum stir_reason check_block(const struct block *b, const char *kind, struct err *why)
{
	if (strcmp(b->name, kind) != 0) {
		(void)err_set(why, ERR_DATA, "a PEM block is of another kind than %s", kind);
		return STIR_CERT_INVALID;
	}
	if (b->header[0])
		return refuse(why, "a PEM block has headers");
	return STIR_OK;
}

static enum stir_reason each_in(BIO *in, const char *kind, size_t max,
				enum stir_reason (*one)(void *arg, const unsigned char *der, long n, struct err *why),
				void *arg, struct err *why)
{
	enum stir_reason r = STIR_OK;
	size_t seen = 0;

	while (r == STIR_OK) {
		struct block b;
		int got = next_block(in, &b);

		if (got < 0)
			return sslerror_no_memory() ? no_memory(why) : refuse(why, "a PEM block is broken");
		if (got == 0)
			break;
		r = check_block(&b, kind, why);
		if (r == STIR_OK && ++seen > max)
			r = refuse(why, "too many PEM blocks");
		if (r == STIR_OK)
			r = one(arg, b.der, b.n, why);
		block_free(&b);
	}
	if (r == STIR_OK && seen == 0) {
		(void)err_set(why, ERR_DATA, "no PEM block \"%s\" in it", kind);
		return STIR_CERT_INVALID;
	}
	return r;
}

enum stir_reason cert_pem_each(struct span pem, const char *kind, size_t max,
			       enum stir_reason (*one)(void *arg, const unsigned char *der, long n, struct err *why),
			       void *arg, struct err *why)
{
	enum stir_reason r;
	BIO *in;

	if (pem.n == 0 || pem.n > INT_MAX)
		return refuse(why, pem.n ? "too many octets" : "it is empty");
	sslerror_clear();
	in = BIO_new_mem_buf(pem.p, (int)pem.n);
	r = in ? each_in(in, kind, max, one, arg, why) : no_memory(why);
	BIO_free(in);
	sslerror_clear();
	return r;
}

enum stir_reason cert_from_der(const unsigned char *der, long n, X509 **out, struct err *why)
{
	const unsigned char *p = der;
	X509 *x;

	*out = NULL;
	sslerror_clear();
	x = d2i_X509(NULL, &p, n);
	/* Fills what OpenSSL would otherwise work out at first use. */
	if (x)
		(void)X509_check_purpose(x, -1, 0);
	if (sslerror_no_memory()) {
		X509_free(x);
		return no_memory(why);
	}
	if (!x || p != der + n) {
		X509_free(x);
		return refuse(why, "a block is not one X.509 certificate");
	}
	*out = x;
	return STIR_OK;
}
