/*
 * stirctl pki init and issue: a root, a CA, and signers below it.  Delegates, whose
 * issuer is no CA of ours, are in pki_make_delegate.c.
 */
#include "config.h"

#include "ctl/pki_make.h"

#include <openssl/x509v3.h>
#include <time.h>

#include "ctl/pki.h"
#include "ctl/pki_signer.h"

enum {
	/* A CA for a whole pilot; a signer's certificate for a while. */
	DAYS_CA = 3650,
	DAYS_SIGNER = 90,
	/* X.520's bound on names is 64, and the common names add to it. */
	NAME_BYTES = 40
};

/* --- init ------------------------------------------------------------------------- */

static const struct option init_options[] = {
	{"name", required_argument, NULL, PKI_ARGS_NAME},
	{"days", required_argument, NULL, PKI_ARGS_DAYS},
	{"not-before", required_argument, NULL, PKI_ARGS_NOT_BEFORE},
	{"not-after", required_argument, NULL, PKI_ARGS_NOT_AFTER},
	{"force", no_argument, NULL, PKI_ARGS_FORCE},
	{"crl-url", required_argument, NULL, PKI_ARGS_CRL_URL},
	{NULL, 0, NULL, 0}};
static const struct options_own init_own = {
	.name = "pki init", .synopsis = "DIR [options]",
	.does = "Make a root and an intermediate CA in DIR: root.pem, root.key.pem, ca.pem,\n"
		"ca.key.pem, and anchors.pem for the verifiers' TrustAnchors.",
	.flags = "      --name N          organisation; default: Pilot\n"
		 "      --days N          how long both are valid; default: 3650\n"
		 "      --not-before T    from then, seconds since 1970; default: a day ago\n"
		 "      --not-after T     until then, instead of --days\n"
		 "      --crl-url URL     where verifiers will find the root's revocation list\n"
		 "                        (DIR/root.crl, see pki crl)\n"
		 "      --force           replace what is there, keys included\n",
	.example = "stirctl pki init pilot --name 'Pilot Telecom'",
	.option = init_options,
};

enum { INIT_ROOT_KEY, INIT_ROOT, INIT_CA_KEY, INIT_CA, INIT_ANCHORS, INIT_FILES };

static int init_contents(const struct pki *p, struct buf content[INIT_FILES], struct err *e)
{
	if (pki_put_key(&content[INIT_ROOT_KEY], p->root_key) || pki_put_cert(&content[INIT_ROOT], p->root) ||
	    pki_put_key(&content[INIT_CA_KEY], p->ca_key) || pki_put_cert(&content[INIT_CA], p->ca) ||
	    pki_put_cert(&content[INIT_ANCHORS], p->root))
		return err_set(e, ERR_UNAVAILABLE, "no memory for the certificates");
	return 0;
}

static int init_write(const char *dir, bool force, const struct pki *p, struct err *e)
{
	static const char *const names[INIT_FILES] = {"root.key.pem", "root.pem", "ca.key.pem", "ca.pem",
						      "anchors.pem"};
	char paths[INIT_FILES][PATH_MAX];
	struct pki_file files[INIT_FILES] = {{0}};
	struct buf content[INIT_FILES];
	int r = 0;

	for (int i = 0; i < INIT_FILES; i++)
		buf_init(&content[i], LIMIT_CHAIN_BYTES);
	if (init_contents(p, content, e))
		r = -1;
	for (int i = 0; r == 0 && i < INIT_FILES; i++) {
		r = pki_folder_join(paths[i], dir, "/", names[i], e);
		files[i].path = paths[i];
		files[i].content = buf_span(&content[i]);
		files[i].secret = i == INIT_ROOT_KEY || i == INIT_CA_KEY;
	}
	if (r == 0)
		r = pki_files_folder(dir, e);
	if (r == 0)
		r = pki_folder_write(files, INIT_FILES, force, e);
	for (int i = 0; i < INIT_FILES; i++)
		pki_folder_wipe(&content[i]);
	return r;
}

static int init(struct pki_args *a, struct err *e)
{
	struct pki p;
	int r;

	if (a->name && strlen(a->name) > NAME_BYTES)
		return err_set(e, ERR_USAGE, "--name: 1 to %d octets are wanted", NAME_BYTES);
	if (pki_args_validity(a, PKI_ARGS_BACKDATE_CA_S, DAYS_CA, (int64_t)time(NULL), e))
		return -1;
	if (pki_init_listed(&p, a->name ? a->name : "Pilot", a->not_before, a->not_after, a->crl_url, e))
		return -1;
	r = init_write(a->options.file[0], a->force, &p, e);
	pki_free(&p);
	return r;
}

int pki_make_init(int argc, char **argv, struct err *e)
{
	struct pki_args a;
	int r = pki_args_parse(&a, &init_own, "one folder", 1, 1, argc, argv, e);

	if (r == 0)
		r = init(&a, e);
	pki_args_free(&a);
	return r;
}

/* --- issue -------------------------------------------------------------------------- */

static const struct option issue_options[] = {PKI_SIGNER_OPTIONS, {NULL, 0, NULL, 0}};
static const struct options_own issue_own = {
	.name = "pki issue", .synopsis = "DIR --tn-auth LIST --url URL [options]",
	.does = "Make a signer's key and certificate chain, issued by the CA in DIR: PREFIX.key and\n"
		"PREFIX.pem.",
	.flags = PKI_SIGNER_HELP("DIR")
		 "      --delegating      it signs no messages but issues delegates: see pki delegate\n"
		 "      --name N          organisation; default: Pilot\n"
		 "      --days N          how long it is valid; default: 90\n"
		 "      --not-before T    from then, seconds since 1970; default: an hour ago\n"
		 "      --not-after T     until then, instead of --days\n"
		 "      --force           replace files that are there, keys included\n",
	.example = "stirctl pki issue pilot --tn-auth spc:1234 --url https://certs.example/a.pem --certs certs",
	.option = issue_options,
};

static int issue(struct pki_args *a, struct err *e)
{
	const char *dir = a->options.file[0];
	struct pki_folder_issuer ca;
	struct x5u u;
	int r = 0;

	if (pki_signer_check(a, &u, e) || pki_args_validity(a, PKI_ARGS_BACKDATE_S, DAYS_SIGNER, (int64_t)time(NULL), e) ||
	    pki_folder_issuer_in(dir, "ca", &ca, e))
		return -1;
	if (a->delegating && X509_get_pathlen(ca.chain.at[0]) == 0)
		r = err_set(e, ERR_DATA, "%s/ca.pem allows no CA below it, and a delegating certificate is one (RFC 9060, 4); "
			    "make another PKI with 'stirctl pki init'", dir);
	if (r == 0)
		r = pki_signer_make(a, &u, &ca, 1, dir, false, NULL, NULL, e);
	pki_folder_issuer_free(&ca);
	return r;
}

int pki_make_issue(int argc, char **argv, struct err *e)
{
	struct pki_args a;
	int r = pki_args_parse(&a, &issue_own, "the folder of one PKI", 1, 1, argc, argv, e);

	if (r == 0)
		r = issue(&a, e);
	pki_args_free(&a);
	return r;
}
