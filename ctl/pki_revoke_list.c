/*
 * stirctl pki crl: what was recorded, as signed lists.  Each list is read back with
 * the verifiers' own reader before it is written.
 */
#include "config.h"

#include "ctl/pki_revoke.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/crl.h"
#include "ctl/pki.h"
#include "ctl/pki_args.h"
#include "ctl/pki_folder.h"
#include "ctl/pki_records.h"
#include "engine/file.h"

enum {
	DAYS_LIST = 30,
	DAYS_SIGNER = 3650
};

static const struct option crl_options[] = {
	{"days", required_argument, NULL, PKI_ARGS_DAYS},
	{"not-before", required_argument, NULL, PKI_ARGS_NOT_BEFORE},
	{"not-after", required_argument, NULL, PKI_ARGS_NOT_AFTER},
	{"indirect", no_argument, NULL, PKI_ARGS_INDIRECT},
	{"parent", required_argument, NULL, PKI_ARGS_PARENT},
	{NULL, 0, NULL, 0}};
static const struct options_own crl_own = {
	.name = "pki crl", .synopsis = "DIR [--indirect | --parent PREFIX] [options]",
	.does = "Write the revocation lists of the PKI in DIR, in place of the former ones: crl.pem, for\n"
		"the verifiers' RevocationList, with the lists of the CA and of the root; the same\n"
		"two in DER, to be served: ca.crl, and root.crl. Without root.key.pem there is none\n"
		"of the root. Make new ones before --days are over, and after each revocation.",
	.flags = "      --indirect        instead, one list for the certificates of all issuers, of a\n"
		 "                        signer of its own, as a policy administrator makes it:\n"
		 "                        indirect.pem and indirect.crl; the signer's certificate, made\n"
		 "                        with the first list, is crl-signer.pem (crl-issuers in the\n"
		 "                        file of TrustDomains)\n"
		 "      --parent PREFIX   instead, the list of a delegating certificate, PREFIX.pem with\n"
		 "                        PREFIX.key: PREFIX.crl.pem and PREFIX.crl\n"
		 "      --days N          nextUpdate is so many days from now; default: 30\n"
		 "      --not-before T    thisUpdate, seconds since 1970; default: now\n"
		 "      --not-after T     nextUpdate, instead of --days\n",
	.example = "stirctl pki crl pilot --days 7",
	.option = crl_options,
};

/* --- one list ------------------------------------------------------------------------ */

struct making {
	const struct pki_args *a;
	const char *dir;
	struct pki_records records;
	int64_t number;
};

/* The records that belong on it; malloced. */
static struct pki_revoked *select_records(const struct pki_records *r, const X509_NAME *issuer, size_t *n)
{
	struct pki_revoked *out = calloc(r->n + 1, sizeof *out);

	*n = 0;
	for (size_t i = 0; out && i < r->n; i++)
		if (!issuer || X509_NAME_cmp(r->at[i].issuer, issuer) == 0)
			out[(*n)++] = (struct pki_revoked){r->at[i].serial, r->at[i].issuer, r->at[i].date, r->at[i].reason};
	return out;
}

/* Would a verifier take it? */
static int read_back(struct span der, X509 *signer, struct err *e)
{
	struct crl *l;
	bool good;

	if (crl_read(der, &l, e))
		return err_prefix(e, "verifiers would refuse the list");
	good = crl_signed_by(l, signer);
	crl_unref(l);
	if (!good)
		return err_set(e, ERR_DATA, "verifiers would refuse the list: its signer may not sign lists");
	return 0;
}

static int put_list(const struct making *m, const struct pki_folder_issuer *by, struct buf *pem, struct buf *der, struct err *e)
{
	X509 *signer = by->chain.at[0];
	struct pki_crl_spec s = {.issuer = signer,
				 .issuer_key = by->key,
				 .this_update = m->a->not_before,
				 .next_update = m->a->not_after,
				 .number = m->number,
				 .indirect = m->a->indirect};
	struct pki_revoked *revoked = select_records(&m->records, m->a->indirect ? NULL : X509_get_subject_name(signer), &s.n_revoked);
	X509_CRL *crl = NULL;
	int r;

	if (!revoked)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	s.revoked = revoked;
	r = pki_crl_new(&s, &crl, e);
	if (r == 0 && (pki_put_crl(pem, crl) || pki_put_crl_der(der, crl)))
		r = err_set(e, ERR_DATA, "the list would be larger than verifiers accept");
	if (r == 0)
		r = read_back(buf_span(der), signer, e);
	X509_CRL_free(crl);
	free(revoked);
	return r;
}

/* --- files ------------------------------------------------------------------------------ */

enum { FILE_NUMBER, FILE_PEM, FILE_DER, FILE_ROOT_DER, FILES };

struct files {
	char path[FILES][PATH_MAX];
	struct buf content[FILES]; /* empty: not written */
};

static void files_init(struct files *f)
{
	for (int i = 0; i < FILES; i++) {
		f->path[i][0] = '\0';
		buf_init(&f->content[i], LIMIT_CRL_FILE_BYTES);
	}
}

static void files_free(struct files *f)
{
	for (int i = 0; i < FILES; i++)
		buf_free(&f->content[i]);
}

static int files_write(const struct making *m, struct files *f, struct err *e)
{
	struct pki_file list[FILES];
	size_t n = 0;

	/* First: a number that was lost might be given twice. */
	if (pki_folder_join(f->path[FILE_NUMBER], m->dir, "/", "crlnumber", e))
		return -1;
	buf_printf(&f->content[FILE_NUMBER], "%lld\n", (long long)m->number);
	for (int i = 0; i < FILES; i++)
		if (f->content[i].n)
			list[n++] = (struct pki_file){.path = f->path[i], .content = buf_span(&f->content[i])};
	if (pki_files_write(list, n, true, e))
		return -1;
	for (size_t i = 1; i < n; i++)
		printf("wrote %s\n", list[i].path);
	return 0;
}

/* --- the three kinds ----------------------------------------------------------------------- */

static bool is_there(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct err e;

	return pki_folder_join(path, dir, "/", name, &e) == 0 && access(path, F_OK) == 0;
}

/* The root's key is kept elsewhere: its list stays as it is. */
static int keep_root(const struct making *m, struct files *f, struct err *e)
{
	const unsigned char *p;
	X509_CRL *crl;
	struct buf der;
	int r;

	fprintf(stderr, "stirctl pki: %s/root.key.pem is not there, so no new list of the root is made; with \"RevocationPolicy hard\" "
			"verifiers want a current one\n", m->dir);
	if (!is_there(m->dir, "root.crl"))
		return 0;
	buf_init(&der, LIMIT_CRL_FILE_BYTES);
	r = file_read(f->path[FILE_ROOT_DER], LIMIT_CRL_FILE_BYTES, &der, e);
	if (r == 0) {
		p = (const unsigned char *)der.p;
		crl = d2i_X509_CRL(NULL, &p, (long)der.n);
		if (!crl || pki_put_crl(&f->content[FILE_PEM], crl))
			r = err_set(e, ERR_DATA, "%s: is no revocation list (DER)", f->path[FILE_ROOT_DER]);
		X509_CRL_free(crl);
	}
	buf_free(&der);
	return r;
}

static int direct(const struct making *m, struct files *f, struct err *e)
{
	struct pki_folder_issuer by;
	int r;

	if (pki_folder_join(f->path[FILE_PEM], m->dir, "/", "crl.pem", e) || pki_folder_join(f->path[FILE_DER], m->dir, "/", "ca.crl", e) ||
	    pki_folder_join(f->path[FILE_ROOT_DER], m->dir, "/", "root.crl", e) || pki_folder_issuer_in(m->dir, "ca", &by, e))
		return -1;
	r = put_list(m, &by, &f->content[FILE_PEM], &f->content[FILE_DER], e);
	pki_folder_issuer_free(&by);
	if (r)
		return -1;
	if (!is_there(m->dir, "root.key.pem"))
		return keep_root(m, f, e);
	if (pki_folder_issuer_in(m->dir, "root", &by, e))
		return -1;
	r = put_list(m, &by, &f->content[FILE_PEM], &f->content[FILE_ROOT_DER], e);
	pki_folder_issuer_free(&by);
	return r;
}

static int of_parent(const struct making *m, struct files *f, struct err *e)
{
	struct pki_folder_issuer by;
	char prefix[PATH_MAX];
	int r;

	if (pki_folder_prefix(m->a->parent, prefix, e) || pki_folder_join(f->path[FILE_PEM], prefix, ".", "crl.pem", e) ||
	    pki_folder_join(f->path[FILE_DER], prefix, ".", "crl", e) || pki_folder_parent(m->a->parent, &by, e))
		return -1;
	r = put_list(m, &by, &f->content[FILE_PEM], &f->content[FILE_DER], e);
	pki_folder_issuer_free(&by);
	return r;
}

static int write_signer(const char *dir, EVP_PKEY *key, X509 *x, struct err *e)
{
	char cert_path[PATH_MAX], key_path[PATH_MAX];
	struct buf secret, pem;
	int r;

	if (pki_folder_join(cert_path, dir, "/", "crl-signer.pem", e) || pki_folder_join(key_path, dir, "/", "crl-signer.key.pem", e))
		return -1;
	buf_init(&secret, LIMIT_KEY_FILE_BYTES);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_put_key(&secret, key) || pki_put_cert(&pem, x)) {
		r = err_set(e, ERR_UNAVAILABLE, "out of memory");
	} else {
		struct pki_file files[] = {{key_path, buf_span(&secret), true, true}, {cert_path, buf_span(&pem), false, true}};

		r = pki_folder_write(files, 2, false, e);
	}
	pki_folder_wipe(&secret);
	buf_free(&pem);
	return r;
}

/* Self-signed, as nobody of the PKI is above it: the verifiers name it. */
static int make_signer(const struct making *m, struct err *e)
{
	struct pki_cert_spec s = {.common_name = "SHAKEN CRL",
				  .organisation = "Pilot STI-PA",
				  .not_before = m->a->not_before - PKI_ARGS_BACKDATE_CA_S,
				  .not_after = m->a->not_before + DAYS_SIGNER * (int64_t)PKI_ARGS_DAY_S,
				  .crl_signer = true};
	X509 *x = NULL;
	int r;

	if (s.not_before < 0)
		s.not_before = 0;
	if (s.not_after < m->a->not_after)
		s.not_after = m->a->not_after;
	s.key = pki_key_new(PKI_KEY_P256);
	if (!s.key)
		return err_set(e, ERR_UNAVAILABLE, "no key could be made");
	r = pki_cert_new(&s, &x, e);
	if (r == 0)
		r = write_signer(m->dir, s.key, x, e);
	EVP_PKEY_free(s.key);
	X509_free(x);
	return r;
}

static int indirect(const struct making *m, struct files *f, struct err *e)
{
	struct pki_folder_issuer by;
	int r;

	if (!is_there(m->dir, "crl-signer.pem") && make_signer(m, e))
		return -1;
	if (pki_folder_join(f->path[FILE_PEM], m->dir, "/", "indirect.pem", e) ||
	    pki_folder_join(f->path[FILE_DER], m->dir, "/", "indirect.crl", e) || pki_folder_issuer_in(m->dir, "crl-signer", &by, e))
		return -1;
	r = put_list(m, &by, &f->content[FILE_PEM], &f->content[FILE_DER], e);
	pki_folder_issuer_free(&by);
	return r;
}

/* --- the command --------------------------------------------------------------------------------- */

static int make(struct making *m, struct err *e)
{
	struct files f;
	int64_t last;
	int r;

	if (pki_records_number(m->dir, &last, e))
		return -1;
	/* Higher than before also when the folder comes from an old copy. */
	m->number = last >= m->a->not_before ? last + 1 : m->a->not_before;
	files_init(&f);
	r = m->a->indirect ? indirect(m, &f, e) : m->a->parent ? of_parent(m, &f, e) : direct(m, &f, e);
	if (r == 0)
		r = files_write(m, &f, e);
	files_free(&f);
	return r;
}

static int crl(struct pki_args *a, struct err *e)
{
	struct making m = {.a = a, .dir = a->options.file[0]};
	int lock = -1, r;

	if (a->indirect && a->parent)
		return err_set(e, ERR_USAGE, "--indirect and --parent exclude each other: an indirect list is one for all issuers");
	if (pki_args_validity(a, 0, DAYS_LIST, (int64_t)time(NULL), e) || pki_folder_lock(m.dir, &lock, e))
		return -1;
	r = pki_records_read(m.dir, &m.records, e);
	if (r == 0)
		r = make(&m, e);
	pki_records_free(&m.records);
	close(lock);
	return r;
}

int pki_revoke_list(int argc, char **argv, struct err *e)
{
	struct pki_args a;
	int r = pki_args_parse(&a, &crl_own, "the folder of one PKI", 1, 1, argc, argv, e);

	if (r == 0)
		r = crl(&a, e);
	pki_args_free(&a);
	return r;
}
