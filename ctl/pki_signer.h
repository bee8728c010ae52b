/*
 * What issuing and delegating share: the address of the new chain, the names of
 * its files, who makes its revocation list; then key and chain, written.
 */
#ifndef STIR_CTL_PKI_SIGNER_H
#define STIR_CTL_PKI_SIGNER_H

#include "core/x5u.h"
#include "ctl/pki_args.h"
#include "ctl/pki_folder.h"

/* "  --tn-auth LIST ..." of a help text: what both commands have. */
#define PKI_SIGNER_HELP(folder) \
	"      --tn-auth LIST    what it may speak for, separated by commas: spc:1234,\n" \
	"                        tn:+15551230001, tn:+15551230000..+15551239999 or\n" \
	"                        tn:+15551230000+100 (a start and a count)\n" \
	"      --url URL         where verifiers will find the chain (x5u)\n" \
	"      --certs DIR       also write the chain to DIR/HOST/PATH of the URL, for the\n" \
	"                        --certs of stirctl and for CertificateDir\n" \
	"      --out PREFIX      default: " folder " and the last part of the URL\n" \
	"      --crl-url URL     where verifiers will find the revocation list\n" \
	"      --crl-issuer FILE certificate of who makes that list, if it is an indirect one\n" \
	"                        (DIR/crl-signer.pem, see pki crl --indirect)\n"
/* And the options themselves, for the command's table. */
#define PKI_SIGNER_OPTIONS \
	{"name", required_argument, NULL, PKI_ARGS_NAME}, {"days", required_argument, NULL, PKI_ARGS_DAYS}, \
	{"not-before", required_argument, NULL, PKI_ARGS_NOT_BEFORE}, {"not-after", required_argument, NULL, PKI_ARGS_NOT_AFTER}, \
	{"force", no_argument, NULL, PKI_ARGS_FORCE}, {"tn-auth", required_argument, NULL, PKI_ARGS_TN_AUTH}, \
	{"url", required_argument, NULL, PKI_ARGS_URL}, {"out", required_argument, NULL, PKI_ARGS_OUT}, \
	{"certs", required_argument, NULL, PKI_ARGS_CERTS}, {"crl-url", required_argument, NULL, PKI_ARGS_CRL_URL}, \
	{"crl-issuer", required_argument, NULL, PKI_ARGS_CRL_ISSUER}, {"delegating", no_argument, NULL, PKI_ARGS_DELEGATING}

/* Is everything there that is wanted?  Fills *u. 0, or -1 and *e. */
int pki_signer_check(const struct pki_args *a, struct x5u *u, struct err *e) MUST_USE;

/* Is told of the new chain, the new certificate first, before anything is written. 0, or -1 and *e. */
typedef int pki_signer_judge(X509 *const *chain, size_t n, void *arg, struct err *e);

/*
 * Makes key and certificate below the first certificate of by, and writes them;
 * dir is where files go whose place nobody chose.  above: how many certificates
 * of by's chain follow the new one.  keep_key: no key is ever replaced.
 * judge may be NULL. 0, or -1 and *e.
 */
int pki_signer_make(const struct pki_args *a, const struct x5u *u, const struct pki_folder_issuer *by, size_t above, const char *dir, bool keep_key,
		    pki_signer_judge *judge, void *arg, struct err *e) MUST_USE;

#endif
