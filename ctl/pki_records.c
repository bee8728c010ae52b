/*
 * Reads and writes the records of revocation.  Strict: a line that was damaged
 * must not mean that a certificate is good again.
 */
#include "config.h"

#include "ctl/pki_records.h"

#include <errno.h>
#include <openssl/bn.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/cert.h"
#include "core/encoding.h"
#include "core/limits.h"
#include "core/sslerror.h"
#include "ctl/pki_args.h"
#include "ctl/pki_folder.h"
#include "engine/file.h"

enum {
	SERIAL_BYTES = 20, /* RFC 5280, 4.1.2.2 */
	NAME_DER_BYTES = 4096
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "out of memory");
}

/* --- serial numbers ---------------------------------------------------------------- */

ASN1_INTEGER *pki_records_serial(struct span hex)
{
	char digits[2 * SERIAL_BYTES + 1];
	ASN1_INTEGER *out = NULL;
	BIGNUM *bn = NULL;
	size_t n = 0;

	for (size_t i = 0; i < hex.n; i++) {
		char c = span_lower(hex.p[i]);

		if (c == ':')
			continue;
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || n == sizeof digits - 1)
			return NULL;
		digits[n++] = c;
	}
	digits[n] = '\0';
	if (n && BN_hex2bn(&bn, digits) == (int)n && !BN_is_zero(bn))
		out = BN_to_ASN1_INTEGER(bn, NULL);
	BN_free(bn);
	return out;
}

int pki_records_put_serial(struct buf *out, const ASN1_INTEGER *serial)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;
	int r = hex ? buf_puts(out, hex) : -1;

	OPENSSL_free(hex);
	BN_free(bn);
	return r;
}

/* --- records in memory ------------------------------------------------------------------ */

static void clear(struct pki_record *r)
{
	ASN1_INTEGER_free(r->serial);
	X509_NAME_free(r->issuer);
	free(r->subject);
}

void pki_records_free(struct pki_records *r)
{
	for (size_t i = 0; i < r->n; i++)
		clear(&r->at[i]);
	free(r->at);
	*r = (struct pki_records){NULL, 0};
}

struct pki_record *pki_records_find(const struct pki_records *r, const ASN1_INTEGER *serial, const X509_NAME *issuer)
{
	for (size_t i = 0; i < r->n; i++)
		if (ASN1_INTEGER_cmp(r->at[i].serial, serial) == 0 && X509_NAME_cmp(r->at[i].issuer, issuer) == 0)
			return &r->at[i];
	return NULL;
}

int pki_records_add(struct pki_records *r, const struct pki_record *one, struct err *e)
{
	struct pki_record copy = {.serial = ASN1_INTEGER_dup(one->serial),
				  .issuer = X509_NAME_dup(one->issuer),
				  .date = one->date,
				  .reason = one->reason,
				  .subject = strdup(one->subject)};
	struct pki_record *grown = reallocarray(r->at, r->n + 1, sizeof *grown);

	if (grown)
		r->at = grown;
	if (!grown || !copy.serial || !copy.issuer || !copy.subject) {
		clear(&copy);
		return no_memory(e);
	}
	r->at[r->n++] = copy;
	return 0;
}

/* --- reading ------------------------------------------------------------------------------ */

static X509_NAME *read_name(struct span base64)
{
	unsigned char der[NAME_DER_BYTES];
	const unsigned char *p = der;
	X509_NAME *name;
	size_t n;

	if (base64_decode(base64, der, sizeof der, &n))
		return NULL;
	name = d2i_X509_NAME(NULL, &p, (long)n);
	if (name && p != der + n) {
		X509_NAME_free(name);
		name = NULL;
	}
	return name;
}

static int read_date(struct span s, int64_t *out)
{
	int64_t v = 0;

	if (s.n == 0 || s.n > 12)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	*out = v;
	return 0;
}

/* 0, 1 broken, -1 and *e */
static int read_line(struct span line, struct pki_records *out, struct err *e)
{
	struct span rest = line, serial = span_cut(&rest, ' '), reason = span_cut(&rest, ' '), date = span_cut(&rest, ' '),
		    issuer = span_cut(&rest, ' ');
	struct pki_record r = {.serial = pki_records_serial(serial), .issuer = read_name(issuer), .reason = pki_args_reason(reason)};
	int rc = 1;

	if (span_starts(rest, "# "))
		r.subject = strndup(rest.p + 2, rest.n - 2);
	if (r.serial && r.issuer && r.reason >= 0 && read_date(date, &r.date) == 0 && r.subject)
		rc = pki_records_add(out, &r, e);
	clear(&r);
	return rc;
}

static int read_lines(const char *path, struct span text, struct pki_records *out, struct err *e)
{
	unsigned number = 0;

	while (text.n) {
		struct span line = span_cut(&text, '\n');
		int rc;

		number++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		rc = read_line(line, out, e);
		if (rc > 0)
			return err_set(e, ERR_DATA, "%s:%u: is no record of a revocation; take the file from a copy, since without "
				       "the line that certificate would be good again", path, number);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int pki_records_read(const char *dir, struct pki_records *out, struct err *e)
{
	char path[PATH_MAX];
	struct buf text;
	int r;

	*out = (struct pki_records){NULL, 0};
	if (pki_folder_join(path, dir, "/", "revoked", e))
		return -1;
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	buf_init(&text, LIMIT_CRL_FILE_BYTES);
	r = file_read(path, LIMIT_CRL_FILE_BYTES, &text, e);
	if (r == 0)
		r = read_lines(path, buf_span(&text), out, e);
	buf_free(&text);
	sslerror_clear();
	if (r)
		pki_records_free(out);
	return r;
}

/* --- writing -------------------------------------------------------------------------------- */

static int put_record(struct buf *out, const struct pki_record *r)
{
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(r->issuer, &der);

	if (n <= 0 || n > NAME_DER_BYTES || pki_records_put_serial(out, r->serial)) {
		OPENSSL_free(der);
		return -1;
	}
	buf_printf(out, " %s %lld ", pki_args_reason_name(r->reason), (long long)r->date);
	base64_encode(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_printf(out, " # %s\n", r->subject);
}

int pki_records_write(const char *dir, const struct pki_records *r, struct err *e)
{
	char path[PATH_MAX];
	struct pki_file file = {.path = path};
	struct buf text;
	int rc = 0;

	if (pki_folder_join(path, dir, "/", "revoked", e))
		return -1;
	buf_init(&text, LIMIT_CRL_FILE_BYTES);
	buf_puts(&text, "# Revoked certificates, for 'stirctl pki crl': serial, reason, date, issuer, subject.\n");
	for (size_t i = 0; rc == 0 && i < r->n; i++)
		rc = put_record(&text, &r->at[i]);
	if (rc || text.failed) {
		rc = err_set(e, ERR_DATA, "%s: too many records", path);
	} else {
		file.content = buf_span(&text);
		rc = pki_files_write(&file, 1, true, e);
	}
	buf_free(&text);
	return rc;
}

/* --- the number of lists ------------------------------------------------------------------------ */

int pki_records_number(const char *dir, int64_t *out, struct err *e)
{
	char path[PATH_MAX];
	struct buf text;
	int r;

	*out = 0;
	if (pki_folder_join(path, dir, "/", "crlnumber", e))
		return -1;
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	buf_init(&text, 100);
	r = file_read(path, 100, &text, e);
	if (r == 0 && read_date(span_trim(buf_span(&text)), out))
		r = err_set(e, ERR_DATA, "%s: a number is wanted: that of the last list ('openssl crl -crlnumber -noout' prints it)", path);
	buf_free(&text);
	return r;
}
