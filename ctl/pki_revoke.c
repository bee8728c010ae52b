/*
 * stirctl pki revoke: records that a certificate of this PKI is no longer good.
 * Nothing is published; that is pki crl (pki_revoke_list.c).
 */
#include "config.h"

#include "ctl/pki_revoke.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/cert.h"
#include "core/sslerror.h"
#include "ctl/pki_args.h"
#include "ctl/pki_folder.h"
#include "ctl/pki_records.h"

static const struct option revoke_options[] = {
	{"reason", required_argument, NULL, PKI_ARGS_REASON},
	{"date", required_argument, NULL, PKI_ARGS_DATE},
	{"parent", required_argument, NULL, PKI_ARGS_PARENT},
	{"force", no_argument, NULL, PKI_ARGS_FORCE},
	{NULL, 0, NULL, 0}};
static const struct options_own revoke_own = {
	.name = "pki revoke", .synopsis = "DIR CERTIFICATE|SERIAL [options]",
	.does = "Record in DIR/revoked that a certificate is revoked; 'stirctl pki crl' then writes the\n"
		"list that says so. CERTIFICATE is a file with the certificate first, and behind it what\n"
		"lies between it and the CA, as 'pki issue' and 'pki delegate' write it.",
	.flags = "      --reason R        unspecified (default), keyCompromise, cACompromise,\n"
		 "                        affiliationChanged, superseded, cessationOfOperation or\n"
		 "                        privilegeWithdrawn. Only after a keyCompromise are messages\n"
		 "                        refused that were signed before the date.\n"
		 "      --date T          since then, seconds since 1970; default: now\n"
		 "      --parent PREFIX   SERIAL is that of a delegate below PREFIX.pem; default: of a\n"
		 "                        certificate that DIR/ca.pem issued\n"
		 "      --force           change reason and date of what is recorded already\n",
	.example = "stirctl pki revoke pilot pilot/a.pem --reason keyCompromise",
	.option = revoke_options,
};

/* --- which certificate ------------------------------------------------------------- */

static bool issued(X509 *issuer, X509 *x)
{
	return X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, X509_get0_pubkey(issuer)) == 1;
}

/* Does the chain lead to the CA or the root of the folder? */
static bool is_ours(const struct pki_folder_certs *chain, X509 *const ours[2])
{
	for (size_t i = 0; i < chain->n; i++) {
		for (size_t k = 0; k < 2; k++)
			if (ours[k] && issued(ours[k], chain->at[i]))
				return true;
		if (i + 1 == chain->n || !issued(chain->at[i + 1], chain->at[i]))
			return false;
	}
	return false;
}

static int read_ours(const char *dir, struct pki_folder_certs *ca, struct pki_folder_certs *root, struct err *e)
{
	char path[PATH_MAX];

	ca->n = root->n = 0;
	if (pki_folder_join(path, dir, "/", "ca.pem", e) || pki_folder_certs(path, ca, e))
		return -1;
	/* It may be kept elsewhere. */
	if (pki_folder_join(path, dir, "/", "root.pem", e))
		return -1;
	return access(path, F_OK) ? 0 : pki_folder_certs(path, root, e);
}

static char *subject_of(X509 *x)
{
	struct buf b;

	buf_init(&b, 2000);
	cert_name(&b, X509_get_subject_name(x));
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < ' ' || b.p[i] > '~')
			b.p[i] = '?';
	if (buf_puts(&b, "")) {
		buf_free(&b);
		return NULL;
	}
	return b.p;
}

static int take_certificate(struct pki_record *r, const char *dir, const char *path, struct err *e)
{
	struct pki_folder_certs ca, root, chain = {.n = 0};
	X509 *ours[2] = {NULL, NULL};
	int rc = read_ours(dir, &ca, &root, e);

	if (rc == 0)
		rc = pki_folder_certs(path, &chain, e);
	if (rc == 0) {
		ours[0] = ca.at[0];
		ours[1] = root.n ? root.at[0] : NULL;
		if (ours[1] && X509_cmp(chain.at[0], ours[1]) == 0)
			rc = err_set(e, ERR_DATA, "%s: a root is on no list; verifiers take it out of their TrustAnchors", path);
		else if (!is_ours(&chain, ours))
			rc = err_set(e, ERR_DATA, "%s: was not issued by the CA in %s; of a delegate, its issuers must follow in the file", path, dir);
	}
	if (rc == 0) {
		r->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(chain.at[0]));
		r->issuer = X509_NAME_dup(X509_get_issuer_name(chain.at[0]));
		r->subject = subject_of(chain.at[0]);
	}
	sslerror_clear();
	pki_folder_certs_free(&ca);
	pki_folder_certs_free(&root);
	pki_folder_certs_free(&chain);
	return rc;
}

static int take_serial(struct pki_record *r, const char *dir, const char *parent, ASN1_INTEGER *serial, struct err *e)
{
	char prefix[PATH_MAX], path[PATH_MAX];
	struct pki_folder_certs by;

	r->serial = serial;
	if (parent ? pki_folder_prefix(parent, prefix, e) || pki_folder_join(path, prefix, ".", "pem", e)
		   : pki_folder_join(path, dir, "/", "ca.pem", e))
		return -1;
	if (pki_folder_certs(path, &by, e))
		return -1;
	r->issuer = X509_NAME_dup(X509_get_subject_name(by.at[0]));
	r->subject = strdup("");
	pki_folder_certs_free(&by);
	return 0;
}

/* Fills serial, issuer and subject. */
static int choose(const struct pki_args *a, struct pki_record *r, struct err *e)
{
	const char *dir = a->options.file[0], *what = a->options.file[1];
	bool is_file = access(what, F_OK) == 0;
	ASN1_INTEGER *serial = is_file ? NULL : pki_records_serial(span_cstr(what));

	if (!is_file && !serial)
		return err_set(e, ERR_NOINPUT, "%s: is no file, and no serial number either (1 to 20 octets in hexadecimal; 'openssl x509 -noout -serial' prints it)", what);
	if (is_file && a->parent)
		return err_set(e, ERR_USAGE, "--parent goes with a serial number; a certificate says itself who issued it");
	if (serial ? take_serial(r, dir, a->parent, serial, e) : take_certificate(r, dir, what, e))
		return -1;
	return r->serial && r->issuer && r->subject ? 0 : err_set(e, ERR_UNAVAILABLE, "out of memory");
}

/* --- the record ------------------------------------------------------------------------ */

static int record(const struct pki_args *a, struct pki_records *all, const struct pki_record *one, struct err *e)
{
	struct pki_record *there = pki_records_find(all, one->serial, one->issuer);

	if (!there)
		return pki_records_add(all, one, e);
	if (!a->force)
		return err_set(e, ERR_DATA, "it is recorded already, as %s since %lld; --force changes that", pki_args_reason_name(there->reason), (long long)there->date);
	there->reason = one->reason;
	there->date = one->date;
	return 0;
}

/* Is it on the lists of the CA and the root, and not on that of a delegating certificate? */
static bool on_our_lists(const char *dir, const struct pki_record *r)
{
	struct pki_folder_certs ca, root;
	struct err e;
	bool ours = true;

	if (read_ours(dir, &ca, &root, &e) == 0)
		ours = (ca.n && X509_NAME_cmp(r->issuer, X509_get_subject_name(ca.at[0])) == 0) ||
		       (root.n && X509_NAME_cmp(r->issuer, X509_get_subject_name(root.at[0])) == 0);
	pki_folder_certs_free(&ca);
	pki_folder_certs_free(&root);
	return ours;
}

static void tell(const struct pki_args *a, const struct pki_record *r)
{
	const char *dir = a->options.file[0];
	struct buf text, issuer;

	buf_init(&text, 4096);
	buf_init(&issuer, 4096);
	cert_name(&issuer, r->issuer);
	if (pki_records_put_serial(&text, r->serial) == 0) {
		printf("revoked %.*s%s%s (%s); publish it: stirctl pki crl %s", SPAN_ARG(buf_span(&text)), *r->subject ? " " : "", r->subject,
		       pki_args_reason_name(r->reason), dir);
		if (on_our_lists(dir, r))
			putchar('\n');
		else
			printf(" --parent %s, its issuer %.*s (or --indirect): it is not on the list of the CA\n", a->parent ? a->parent : "PREFIX",
			       SPAN_ARG(buf_span(&issuer)));
	}
	buf_free(&text);
	buf_free(&issuer);
}

static int put(const struct pki_args *a, struct err *e)
{
	struct pki_record one = {.date = a->has_date ? a->date : (int64_t)time(NULL), .reason = a->reason};
	const char *dir = a->options.file[0];
	struct pki_records all;
	int lock = -1, r;

	if (pki_folder_lock(dir, &lock, e))
		return -1;
	r = pki_records_read(dir, &all, e);
	if (r == 0)
		r = choose(a, &one, e);
	if (r == 0)
		r = record(a, &all, &one, e);
	if (r == 0)
		r = pki_records_write(dir, &all, e);
	if (r == 0)
		tell(a, &one);
	close(lock);
	pki_records_free(&all);
	ASN1_INTEGER_free(one.serial);
	X509_NAME_free(one.issuer);
	free(one.subject);
	return r;
}

int pki_revoke(int argc, char **argv, struct err *e)
{
	struct pki_args a;
	int r = pki_args_parse(&a, &revoke_own, "the folder of a PKI and a certificate (a file, or a serial number)", 2, 2, argc, argv, e);

	if (r == 0)
		r = put(&a, e);
	pki_args_free(&a);
	return r;
}
