/*
 * stirctl pki delegate: a certificate below a delegating one (RFC 9060).  What is
 * made is judged as verifiers will judge it, before it is written.
 */
#include "config.h"

#include "ctl/pki_make.h"

#include <inttypes.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "core/chainlists.h"
#include "core/trust.h"
#include "ctl/pki.h"
#include "ctl/pki_signer.h"

enum { DAYS_DELEGATE = 90 };

static const struct option delegate_options[] = {PKI_SIGNER_OPTIONS, {NULL, 0, NULL, 0}};
static const struct options_own delegate_own = {
	.name = "pki delegate", .synopsis = "PARENT --tn-auth LIST --url URL [options]",
	.does = "Make a key and a certificate chain below a delegating certificate (RFC 9060):\n"
		"PREFIX.key and PREFIX.pem. PARENT is what 'pki issue --delegating' wrote: PARENT.pem and\n"
		"PARENT.key. What the delegate may speak for must be within what PARENT may.",
	.flags = PKI_SIGNER_HELP("PARENT's folder")
		 "      --delegating      it signs no messages, but issues delegates of its own\n"
		 "      --name N          organisation; default: Pilot\n"
		 "      --days N          how long it is valid; default: 90\n"
		 "      --not-before T    from then, seconds since 1970; default: an hour ago\n"
		 "      --not-after T     until then, instead of --days\n"
		 "      --force           replace a chain that is there; never a key\n",
	.example = "stirctl pki delegate pilot/carrier --tn-auth tn:+15550100000+100 --url https://certs.example/d.pem",
	.option = delegate_options,
};

/* --- within what the parent may ----------------------------------------------------- */

static bool note_first(void *arg, const struct tn *start, uint64_t count)
{
	struct buf *b = arg;

	if (count > 1)
		buf_printf(b, "%s and the %" PRIu64 " numbers after it", start->digits, count - 1);
	else
		buf_puts(b, start->digits);
	return false;
}

static int check_within(const struct tnauthlist *child, const struct tnauthlist *parent, const char *name, struct err *e)
{
	struct buf beyond;

	if (!tnauthlist_spcs_within(child, parent))
		return err_set(e, ERR_DATA, "--tn-auth: names a provider (spc) that %s doesn't name; a delegate may speak for no more than its parent (RFC 9060, 4)", name);
	if (tnauthlist_within(child, parent))
		return 0;
	buf_init(&beyond, 200);
	(void)tnauthlist_beyond(child, parent, note_first, &beyond);
	(void)err_set(e, ERR_DATA, "--tn-auth: %s doesn't speak for %.*s; a delegate may speak for no more than its parent (RFC 9060, 4)", name,
		      SPAN_ARG(buf_span(&beyond)));
	buf_free(&beyond);
	return -1;
}

static int check_parent(const struct pki_args *a, X509 *parent, const char *name, struct err *e)
{
	struct tnauthlist *mine, *theirs;
	int there, r;

	if (X509_check_ca(parent) != 1 || !(X509_get_key_usage(parent) & KU_KEY_CERT_SIGN))
		return err_set(e, ERR_DATA, "%s: is the certificate of a signer, and may issue none; 'stirctl pki issue --delegating' makes one that may", name);
	if (a->delegating && X509_get_pathlen(parent) == 0)
		return err_set(e, ERR_DATA, "%s: allows no CA below it, so its delegates can't delegate; leave --delegating out", name);
	there = pki_folder_list(parent, &theirs, e);
	if (there < 0)
		return err_prefix(e, "%s", name);
	if (there == 0)
		return err_set(e, ERR_DATA, "%s: has no TNAuthList, so it is a CA but can't delegate; 'stirctl pki issue' is for signers of a CA", name);
	r = tnauthlist_from_text(span_cstr(a->tn_auth), &mine, e);
	if (r == 0) {
		r = check_within(mine, theirs, name, e);
		tnauthlist_free(mine);
	}
	tnauthlist_free(theirs);
	return r;
}

/* --- as verifiers see it ---------------------------------------------------------------- */

static int judge_chain(struct cert_chain *c, X509 *top, struct err *e)
{
	struct trust *t = NULL;
	struct buf pem;
	int r;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	r = pki_put_cert(&pem, top) ? err_set(e, ERR_UNAVAILABLE, "out of memory") : trust_open("the certificate on top", buf_span(&pem), &t, e);
	buf_free(&pem);
	if (r)
		return -1;
	r = -1;
	if (trust_check(t, c, e) == STIR_OK && trust_scope(c, NULL, e) == STIR_OK)
		r = 0;
	if (r == 0 && cert_chain_unchecked(c))
		fprintf(stderr, "stirctl pki: whether the provider above holds these numbers, each verifier's SPCTable decides\n");
	trust_free(t);
	return r;
}

/* The last certificate served stands for the anchor, which is not at hand. */
static int judge(X509 *const *chain, size_t n, void *arg, struct err *e)
{
	const struct pki_args *a = arg;
	struct cert_chain *c = NULL;
	struct buf pem;
	int r = 0;

	/* It is no signer; its own delegates will be judged. */
	if (a->delegating)
		return 0;
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	for (size_t i = 0; i < n && r == 0; i++)
		r = pki_put_cert(&pem, chain[i]);
	if (r)
		(void)err_set(e, ERR_DATA, "the chain is larger than verifiers accept; list less numbers");
	else if (cert_chain_parse(buf_span(&pem), &c, e) != STIR_OK)
		r = err_prefix(e, "verifiers would refuse the delegate");
	else if (judge_chain(c, chain[n - 1], e))
		r = err_prefix(e, "verifiers would refuse the delegate");
	cert_chain_unref(c);
	buf_free(&pem);
	return r;
}

/* --- the command --------------------------------------------------------------------------- */

static int folder_of(const char *name, char out[PATH_MAX], struct err *e)
{
	char *slash;

	if (pki_folder_join(out, name, "", "", e))
		return -1;
	slash = strrchr(out, '/');
	if (!slash)
		return pki_folder_join(out, ".", "", "", e);
	slash[slash == out] = '\0';
	return 0;
}

static int delegate(struct pki_args *a, struct err *e)
{
	const char *name = a->options.file[0];
	struct pki_folder_issuer parent;
	char dir[PATH_MAX];
	struct x5u u;
	int r;

	if (pki_signer_check(a, &u, e) || pki_args_validity(a, PKI_ARGS_BACKDATE_S, DAYS_DELEGATE, (int64_t)time(NULL), e) ||
	    folder_of(name, dir, e) || pki_folder_parent(name, &parent, e))
		return -1;
	r = check_parent(a, parent.chain.at[0], name, e);
	if (r == 0)
		r = pki_signer_make(a, &u, &parent, parent.chain.n, dir, true, judge, a, e);
	pki_folder_issuer_free(&parent);
	return r;
}

int pki_make_delegate(int argc, char **argv, struct err *e)
{
	struct pki_args a;
	int r = pki_args_parse(&a, &delegate_own, "one delegating certificate", 1, 1, argc, argv, e);

	if (r == 0)
		r = delegate(&a, e);
	pki_args_free(&a);
	return r;
}
