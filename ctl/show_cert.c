/*
 * Certificates in words, also such that may not sign: each is read by OpenSSL
 * alone first, then the chain is judged by core/.
 */
#include "config.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "core/cert.h"
#include "core/limits.h"
#include "core/stir_oid.h"
#include "ctl/print.h"
#include "ctl/show.h"

enum { SHOWN_MAX = 2000 };

static void line(FILE *f, const char *what, struct span s)
{
	fprintf(f, "  %-12s  ", what);
	print_quoted(f, s, SHOWN_MAX);
	fputc('\n', f);
}

static void name_line(FILE *f, const char *what, const X509_NAME *n)
{
	struct buf b;

	buf_init(&b, 4096);
	cert_name(&b, n);
	line(f, what, buf_span(&b));
	buf_free(&b);
}

static void validity_lines(FILE *f, X509 *x)
{
	char from_text[PRINT_TIME_BYTES], until_text[PRINT_TIME_BYTES], age[PRINT_AGE_BYTES];
	struct timespec ts = {0};
	int64_t from, until, now;

	if (cert_time(X509_get0_notBefore(x), &from) || cert_time(X509_get0_notAfter(x), &until)) {
		line(f, "valid", span_cstr("dates that can't be read"));
		return;
	}
	clock_gettime(CLOCK_REALTIME, &ts);
	now = ts.tv_sec;
	fprintf(f, "  %-12s  %s to %s: ", "valid", print_time(from_text, from), print_time(until_text, until));
	if (now < from)
		fprintf(f, "not yet, in %s\n", print_age(age, from - now));
	else if (now > until)
		fprintf(f, "expired %s ago\n", print_age(age, now - until));
	else
		fprintf(f, "now, %s left\n", print_age(age, until - now));
}

static void key_line(FILE *f, X509 *x)
{
	EVP_PKEY *k = X509_get0_pubkey(x);
	char group[80] = "";
	size_t n = 0;

	fprintf(f, "  %-12s  ", "key");
	if (!k)
		fputs("can't be read\n", f);
	else if (EVP_PKEY_is_a(k, "EC") && EVP_PKEY_get_group_name(k, group, sizeof(group), &n) == 1)
		fprintf(f, "EC %s%s\n", group, strcmp(group, "prime256v1") == 0 ? " (P-256)" : ": not P-256");
	else
		fprintf(f, "%s: not P-256\n", EVP_PKEY_get0_type_name(k) ? EVP_PKEY_get0_type_name(k) : "unknown");
}

static void usage_line(FILE *f, X509 *x)
{
	uint32_t u = X509_get_key_usage(x);

	if (u == UINT32_MAX)
		line(f, "key usage", span_cstr("not said"));
	else
		fprintf(f, "  %-12s %s%s%s\n", "key usage", u & KU_DIGITAL_SIGNATURE ? " digitalSignature" : "",
			u & KU_KEY_CERT_SIGN ? " keyCertSign" : "", u & KU_CRL_SIGN ? " cRLSign" : "");
}

/* The content of an extension by its dotted name; false if absent. */
static bool extension(X509 *x, const char *oid, struct span *der)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *s;
	int i = o ? X509_get_ext_by_OBJ(x, o, -1) : -1;

	ASN1_OBJECT_free(o);
	if (i < 0)
		return false;
	s = X509_EXTENSION_get_data(X509_get_ext(x, i));
	*der = span_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	return true;
}

/* --- where more stands --------------------------------------------------------- */

static void put_general(struct buf *out, const GENERAL_NAME *n)
{
	if (n->type == GEN_URI)
		buf_put(out, ASN1_STRING_get0_data(n->d.uniformResourceIdentifier),
			(size_t)ASN1_STRING_length(n->d.uniformResourceIdentifier));
	else if (n->type == GEN_DIRNAME)
		cert_name(out, n->d.directoryName);
	else
		buf_puts(out, "a name that is no URI");
}

static void put_generals(struct buf *out, const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		buf_puts(out, i ? " or " : "");
		put_general(out, sk_GENERAL_NAME_value(names, i));
	}
}

/* Lists by reference (RFC 8226, 10.1); false if there is none. */
static bool reference_lines(FILE *f, X509 *x)
{
	AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
	ASN1_OBJECT *want = OBJ_txt2obj(STIR_OID_AD_TNAUTHLIST, 1);
	bool found = false;

	for (int i = 0; want && aia && i < sk_ACCESS_DESCRIPTION_num(aia); i++) {
		const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(aia, i);
		struct buf b;

		if (OBJ_cmp(d->method, want) != 0)
			continue;
		buf_init(&b, LIMIT_CHAIN_BYTES);
		buf_puts(&b, "what is listed at ");
		put_general(&b, d->location);
		line(f, found ? "" : "speaks for", buf_span(&b));
		buf_free(&b);
		found = true;
	}
	AUTHORITY_INFO_ACCESS_free(aia);
	ASN1_OBJECT_free(want);
	return found;
}

static void put_point(struct buf *out, const DIST_POINT *p)
{
	if (p->distpoint && p->distpoint->type == 0)
		put_generals(out, p->distpoint->name.fullname);
	else
		buf_puts(out, "a place that is not said in full");
	if (p->CRLissuer) {
		buf_puts(out, ", of ");
		put_generals(out, p->CRLissuer);
	}
	if (p->reasons)
		buf_puts(out, ", for some reasons only");
}

/* Where lists of revoked certificates are, and whose they are if not the issuer's. */
static void revocation_lines(FILE *f, X509 *x)
{
	CRL_DIST_POINTS *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);

	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		struct buf b;

		buf_init(&b, LIMIT_CHAIN_BYTES);
		put_point(&b, sk_DIST_POINT_value(points, i));
		line(f, i ? "" : "revocation", buf_span(&b));
		buf_free(&b);
	}
	CRL_DIST_POINTS_free(points);
}

/* --- what it may ------------------------------------------------------------------ */

static void authority_line(FILE *f, X509 *x, bool ca)
{
	bool elsewhere = reference_lines(f, x);
	struct tnauthlist *l;
	struct span der;
	struct err why;
	struct buf b;

	err_clear(&why);
	if (!extension(x, STIR_OID_TNAUTHLIST, &der)) {
		if (!elsewhere)
			line(f, "speaks for", span_cstr(ca ? "no limit said: no TNAuthList" : "nothing: no TNAuthList"));
		return;
	}
	if (tnauthlist_parse(der, &l, &why) != STIR_OK) {
		fprintf(f, "  %-12s  a TNAuthList that can't be read: %s\n", "speaks for", why.text);
		return;
	}
	buf_init(&b, (size_t)LIMIT_TNAUTHLIST_ENTRIES * 64);
	tnauthlist_write_text(&b, l);
	for (struct span rest = buf_span(&b), first = rest; rest.n;) {
		bool is_first = rest.p == first.p;

		line(f, is_first ? "speaks for" : "", span_trim(span_cut(&rest, ',')));
	}
	buf_free(&b);
	tnauthlist_free(l);
}

static void rules_line(FILE *f, X509 *x, const char *oid, bool enhanced)
{
	struct claimrules *r;
	struct span der;
	struct err why;
	struct buf b;

	err_clear(&why);
	if (!extension(x, oid, &der))
		return;
	if (claimrules_parse(der, enhanced, &r, &why) != STIR_OK) {
		fprintf(f, "  %-12s  can't be read: %s\n", "constraints", why.text);
		return;
	}
	buf_init(&b, 65536);
	if (r)
		claimrules_write_text(&b, r);
	else
		buf_puts(&b, "void: they forbid iat, orig or dest (RFC 9118, 3)");
	line(f, "constraints", buf_span(&b));
	buf_free(&b);
	claimrules_free(r);
}

static void serial_line(FILE *f, X509 *x)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL;

	line(f, "serial", span_cstr(hex ? hex : "can't be read"));
	OPENSSL_free(hex);
	BN_free(n);
}

static void put_certificate(FILE *f, X509 *x, size_t i)
{
	bool ca = X509_check_ca(x) > 0;

	fprintf(f, "%sCertificate %zu%s\n", i ? "\n" : "", i + 1, ca ? ", of an authority" : "");
	name_line(f, "subject", X509_get_subject_name(x));
	name_line(f, "issuer", X509_get_issuer_name(x));
	serial_line(f, x);
	validity_lines(f, x);
	key_line(f, x);
	usage_line(f, x);
	authority_line(f, x, ca);
	rules_line(f, x, STIR_OID_CLAIM_CONSTRAINTS, false);
	rules_line(f, x, STIR_OID_ENHANCED_CLAIM_CONSTRAINTS, true);
	revocation_lines(f, x);
}

static int put_judgement(FILE *f, struct span pem)
{
	struct cert_chain *c = NULL;
	struct err why;
	int rc = 0;

	err_clear(&why);
	if (cert_chain_parse(pem, &c, &why) == STIR_OK) {
		fputs("\nThe first one may sign PASSporTs (whether it is trusted depends on your anchors).\n", f);
	} else {
		fprintf(f, "\nThe first one may not sign PASSporTs: %s.\n", why.text[0] ? why.text : "no memory");
		rc = -1;
	}
	cert_chain_unref(c);
	return rc;
}

int show_pem(FILE *f, struct span pem)
{
	BIO *in = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	size_t n = 0;
	X509 *x;

	while (in && n < LIMIT_CHAIN_CERTS && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		put_certificate(f, x, n++);
		X509_free(x);
	}
	BIO_free(in);
	ERR_clear_error();
	if (n == 0) {
		fputs("PEM, but no certificate in it that can be read; keys and revocation lists are not shown.\n", f);
		return -1;
	}
	return put_judgement(f, pem);
}

int show_der(FILE *f, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = der.n <= LONG_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
	BIO *out = x ? BIO_new(BIO_s_mem()) : NULL;
	char *text;
	long n;
	int rc = -1;

	if (!x)
		fputs("DER, but no certificate that can be read.\n", f);
	else
		put_certificate(f, x, 0);
	if (out && PEM_write_bio_X509(out, x) == 1 && (n = BIO_get_mem_data(out, &text)) > 0)
		rc = put_judgement(f, span_make(text, (size_t)n));
	BIO_free(out);
	X509_free(x);
	ERR_clear_error();
	return rc;
}
