/*
 * Makes one signer below an issuer, and writes its files.  Which issuer, and
 * what it may, is the commands' business.
 */
#include "config.h"

#include "ctl/pki_signer.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cert.h"
#include "ctl/pki.h"

/* --- what is wanted -------------------------------------------------------------- */

/* What the folder of certificates can answer (engine/fetch_dir.h). */
static int check_path(struct span path, struct err *e)
{
	struct span rest = span_skip(path, 1);

	for (bool more = true; more;) {
		struct span part;

		more = span_find(rest, '/') < rest.n;
		part = span_cut(&rest, '/');
		if (part.n == 0 || part.p[0] == '.' || span_find(part, '%') < part.n || span_find(part, ':') < part.n ||
		    span_find(part, '@') < part.n)
			return err_set(e, ERR_USAGE,
				       "--url: a path for --certs has no empty or hidden part, and none of %%:@ in it");
	}
	return 0;
}

int pki_signer_check(const struct pki_args *a, struct x5u *u, struct err *e)
{
	const char *why = NULL;

	if (!a->tn_auth)
		return err_set(e, ERR_USAGE, "--tn-auth is wanted: what may the signer speak for?");
	if (!a->url)
		return err_set(e, ERR_USAGE, "--url is wanted: where will verifiers find the certificate?");
	if (x5u_check(span_cstr(a->url), u, &why) != STIR_OK)
		return err_set(e, ERR_USAGE, "--url %.200s: %s", a->url, why ? why : "not a certificate's address");
	if (a->crl_issuer && !a->crl_url)
		return err_set(e, ERR_USAGE, "--crl-issuer says who makes the list at --crl-url, and that is not given");
	return a->certs ? check_path(u->path, e) : 0;
}

/* --- names of files ------------------------------------------------------------------ */

struct paths {
	char key[PATH_MAX], chain[PATH_MAX], served[PATH_MAX];
};

static bool is_taken(struct span name)
{
	static const char *const ours[] = {"root", "ca", "anchors", "crl", "crl-signer", "indirect"};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (span_is(name, ours[i]))
			return true;
	return false;
}

/* dir and the last part of the URL, without .pem. */
static int default_prefix(const char *dir, const struct x5u *u, char out[PATH_MAX], struct err *e)
{
	struct span name = u->path;
	char text[LIMIT_X5U_BYTES + 1];

	while (span_find(name, '/') < name.n)
		(void)span_cut(&name, '/');
	if (name.n > 4 && span_caseis(span_skip(name, name.n - 4), ".pem"))
		name.n -= 4;
	if (name.n == 0 || name.p[0] == '.' || name.n > LIMIT_X5U_BYTES || is_taken(name))
		return err_set(e, ERR_USAGE, "the URL gives no fitting file name; choose one with --out");
	snprintf(text, sizeof text, "%.*s", SPAN_ARG(name));
	return pki_folder_join(out, dir, "/", text, e);
}

static int served_path(const char *certs, const struct x5u *u, char out[PATH_MAX], struct err *e)
{
	char rel[LIMIT_X5U_BYTES + 1];

	snprintf(rel, sizeof rel, "%.*s%.*s", SPAN_ARG(u->host), SPAN_ARG(u->path));
	for (size_t i = 0; i < u->host.n; i++)
		rel[i] = span_lower(rel[i]);
	if (pki_folder_join(out, certs, "/", rel, e))
		return -1;
	return pki_files_folders(certs, rel, e);
}

static int choose_paths(const struct pki_args *a, const struct x5u *u, const char *dir, struct paths *p, struct err *e)
{
	char prefix[PATH_MAX];

	if (a->out ? pki_folder_join(prefix, a->out, "", "", e) : default_prefix(dir, u, prefix, e))
		return -1;
	if (pki_folder_join(p->key, prefix, ".", "key", e) || pki_folder_join(p->chain, prefix, ".", "pem", e))
		return -1;
	return a->certs ? served_path(a->certs, u, p->served, e) : 0;
}

/* --- making ------------------------------------------------------------------------------ */

static void warn_outside(const struct pki_args *a, const struct pki_folder_issuer *by)
{
	int64_t from, until;

	if (cert_time(X509_get0_notBefore(by->chain.at[0]), &from) || cert_time(X509_get0_notAfter(by->chain.at[0]), &until) ||
	    a->not_before < from || a->not_after > until)
		fprintf(stderr, "stirctl pki: the new certificate is valid when its issuer is not; "
				"verifiers want both to be\n");
}

static int write_all(const struct pki_args *a, const struct paths *path, EVP_PKEY *key, X509 *const *chain, size_t n, bool keep_key, struct err *e)
{
	struct buf secret, pem;
	int r = 0;

	buf_init(&secret, LIMIT_KEY_FILE_BYTES);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	for (size_t i = 0; i < n && r == 0; i++)
		r = pki_put_cert(&pem, chain[i]);
	if (r || pki_put_key(&secret, key)) {
		r = err_set(e, ERR_DATA, "the certificate is larger than verifiers accept; list less numbers");
	} else {
		struct pki_file files[] = {{path->key, buf_span(&secret), true, keep_key},
					   {path->chain, buf_span(&pem), false, false},
					   {path->served, buf_span(&pem), false, false}};

		r = pki_folder_write(files, a->certs ? 3 : 2, a->force, e);
	}
	pki_folder_wipe(&secret);
	buf_free(&pem);
	return r;
}

struct made {
	EVP_PKEY *key;
	X509 *chain[LIMIT_CHAIN_CERTS]; /* the first is ours, the others borrowed */
	size_t n;
};

static int make(const struct pki_args *a, const struct pki_folder_issuer *by, size_t above, struct made *m, struct err *e)
{
	struct pki_folder_certs crl_issuer = {.n = 0};
	struct pki_issue_spec s = {.issuer = by->chain.at[0],
				   .issuer_key = by->key,
				   .tn_auth = a->tn_auth,
				   .organisation = a->name ? a->name : "Pilot",
				   .not_before = a->not_before,
				   .not_after = a->not_after,
				   .delegating = a->delegating,
				   .crl_url = a->crl_url};
	int r;

	if (above + 1 > LIMIT_CHAIN_CERTS)
		return err_set(e, ERR_DATA, "the chain would have more than %d certificates, which verifiers refuse", LIMIT_CHAIN_CERTS);
	if (a->crl_issuer) {
		if (pki_folder_certs(a->crl_issuer, &crl_issuer, e))
			return -1;
		s.crl_issuer = X509_get_subject_name(crl_issuer.at[0]);
	}
	if (a->crl_issuer && !(X509_get_key_usage(crl_issuer.at[0]) & KU_CRL_SIGN))
		r = err_set(e, ERR_DATA, "%s: may sign no revocation lists (its keyUsage lacks cRLSign)", a->crl_issuer);
	else
		r = pki_issue_from(&s, &m->key, &m->chain[0], e);
	m->n = 1;
	for (size_t i = 0; r == 0 && i < above; i++)
		m->chain[m->n++] = by->chain.at[i];
	pki_folder_certs_free(&crl_issuer);
	return r;
}

int pki_signer_make(const struct pki_args *a, const struct x5u *u, const struct pki_folder_issuer *by, size_t above, const char *dir, bool keep_key,
		    pki_signer_judge *judge, void *arg, struct err *e)
{
	struct made m = {.n = 0};
	struct paths paths;
	int r = make(a, by, above, &m, e);

	if (r == 0 && judge)
		r = judge(m.chain, m.n, arg, e);
	if (r == 0)
		r = choose_paths(a, u, dir, &paths, e);
	if (r == 0)
		r = write_all(a, &paths, m.key, m.chain, m.n, keep_key, e);
	if (r == 0)
		warn_outside(a, by);
	EVP_PKEY_free(m.key);
	X509_free(m.chain[0]);
	return r;
}
