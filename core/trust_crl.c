/*
 * Is a certificate of a path revoked?  Which lists there are, who may have signed
 * them, and what they say together; what one list says is in crl.c.
 *
 * An indirect list counts in the domain that names its signer, and nowhere else.
 */
#include "config.h"

#include <openssl/pem.h>
#include <stdlib.h>

#include "core/cert_internal.h"
#include "core/certrecord.h"
#include "core/crlcache.h"
#include "core/trust_internal.h"
#include "core/x5u.h"

/* As for the keys of a path. */
enum { MIN_KEY_BITS = 112 };

/* --- what there is --------------------------------------------------------------- */

static int add_list(struct trust *t, struct crl *l, struct err *e)
{
	struct crl **grown = reallocarray(t->crls, t->n_crls + 1, sizeof *grown);

	if (!grown) {
		crl_unref(l);
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	t->crls = grown;
	t->crls[t->n_crls++] = l;
	return 0;
}

static enum stir_reason add_block(void *arg, const unsigned char *der, long n, struct err *why)
{
	struct crl *l;
	struct err e;

	err_clear(&e);
	if (crl_read_der(der, (size_t)n, &l, &e) == 0 && add_list(arg, l, &e) == 0)
		return STIR_OK;
	(void)err_set(why, e.code, "%s", e.text);
	return e.code == ERR_UNAVAILABLE ? STIR_NO_RESOURCE : STIR_CERT_INVALID;
}

int trust_add_crls(struct trust *t, const char *name, struct span pem, struct err *e)
{
	struct crl *l;
	int rc;

	if (pem.n && pem.p[0] == 0x30)
		rc = crl_read_der((const unsigned char *)pem.p, pem.n, &l, e) || add_list(t, l, e) ? -1 : 0;
	else
		rc = cert_pem_each(pem, PEM_STRING_X509_CRL, LIMIT_CRL_LISTS, add_block, t, e) == STIR_OK ? 0 : -1;
	return rc ? err_prefix(e, "%s", name) : 0;
}

bool trust_has_crls(const struct trust *t)
{
	return t->n_crls > 0;
}

static const char *signer_fault(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	if (X509_get_extension_flags(x) & EXFLAG_INVALID)
		return "one of its extensions is broken or doubled";
	if (!(X509_get_key_usage(x) & KU_CRL_SIGN))
		return "its keyUsage lacks cRLSign";
	return key && EVP_PKEY_get_security_bits(key) >= MIN_KEY_BITS ? NULL : "its key is too short, or can't be read";
}

static enum stir_reason add_issuer(void *arg, const unsigned char *der, long n, struct err *why)
{
	struct trust *t = arg;
	const char *fault;
	X509 *x;
	enum stir_reason r = cert_from_der(der, n, &x, why);

	if (r != STIR_OK)
		return r;
	fault = signer_fault(x);
	if (fault) {
		(void)err_set(why, ERR_DATA, "a certificate can't be that of a signer of revocation lists: %s", fault);
		r = STIR_CERT_INVALID;
	} else if (sk_X509_push(t->crl_issuers, x) <= 0) {
		(void)err_set(why, ERR_UNAVAILABLE, "out of memory");
		r = STIR_NO_RESOURCE;
	}
	if (r != STIR_OK)
		X509_free(x);
	return r;
}

int trust_add_crl_issuers(struct trust *t, const char *name, struct span pem, struct err *e)
{
	if (cert_pem_each(pem, PEM_STRING_X509, LIMIT_CHAIN_CERTS, add_issuer, t, e) == STIR_OK)
		return 0;
	return err_prefix(e, "%s", name);
}

int trust_add_crl_url(struct trust *t, struct span url, struct err *e)
{
	const char *why = "it is too long";
	struct x5u parts;

	if (url.n > LIMIT_X5U_BYTES || x5u_check(url, &parts, &why) != STIR_OK)
		return err_set(e, ERR_CONFIG, "the address of a revocation list can't be used: %s", why);
	if (t->n_urls == LIMIT_CRL_URLS)
		return err_set(e, ERR_CONFIG, "more than %d addresses of revocation lists", LIMIT_CRL_URLS);
	t->url[t->n_urls] = strndup(url.p, url.n);
	if (!t->url[t->n_urls])
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	t->n_urls++;
	return 0;
}

static int announce(struct crlcache *c, STACK_OF(X509) *signers)
{
	int rc = 0;

	for (int i = 0; i < sk_X509_num(signers); i++)
		if (crlcache_add_signer(c, sk_X509_value(signers, i)))
			rc = -1;
	return rc;
}

int trust_set_crlcache(struct trust *t, struct crlcache *c)
{
	int rc = announce(c, t->crl_issuers);

	t->crlcache = crlcache_ref(c);
	if (announce(c, t->anchors))
		rc = -1;
	for (size_t i = 0; i < t->n_urls; i++)
		if (crlcache_want(c, span_cstr(t->url[i])))
			rc = -1;
	return rc;
}

void trust_free_crls(struct trust *t)
{
	for (size_t i = 0; i < t->n_crls; i++)
		crl_unref(t->crls[i]);
	for (size_t i = 0; i < t->n_urls; i++)
		free(t->url[i]);
	free(t->crls);
	sk_X509_pop_free(t->crl_issuers, X509_free);
	crlcache_unref(t->crlcache);
}

/* --- one certificate --------------------------------------------------------------- */

struct look {
	const struct trust *t;
	X509 *issuer;
	struct crl_subject subject;
	int64_t iat, now;
	bool revoked, covered;
};

static bool was_valid(X509 *x, int64_t when)
{
	int64_t from, until;

	return cert_time(X509_get0_notBefore(x), &from) == 0 && cert_time(X509_get0_notAfter(x), &until) == 0 && from <= when && when <= until;
}

/* Has somebody signed it who speaks for the domain?  *still: and may do so today. */
static bool is_of_domain(const struct look *k, struct crl *l, bool *still)
{
	bool found = false;

	*still = false;
	if (!crl_is_indirect(l))
		return false;
	for (int i = 0; i < sk_X509_num(k->t->crl_issuers); i++) {
		X509 *signer = sk_X509_value(k->t->crl_issuers, i);

		if (!was_valid(signer, crl_this_update(l)) || !crl_signed_by(l, signer))
			continue;
		found = true;
		*still = *still || was_valid(signer, k->now);
	}
	return found;
}

static void ask(struct look *k, struct crl *l)
{
	bool of_issuer = crl_signed_by(l, k->issuer), still;
	bool of_domain = is_of_domain(k, l, &still);

	if (!of_issuer && !of_domain)
		return;
	/* What was revoked stays so when the list gets old. */
	k->revoked = k->revoked || crl_revokes(l, &k->subject, k->iat);
	if (!crl_is_current(l, k->now))
		return;
	k->covered = k->covered || (of_issuer && crl_covers(l, &k->subject, false)) || (still && crl_covers(l, &k->subject, true));
}

static void ask_at(struct look *k, struct span url)
{
	struct crl *l = crlcache_get(k->t->crlcache, url, k->now);

	if (l)
		ask(k, l);
	crl_unref(l);
}

static void ask_all(struct look *k)
{
	struct span url[LIMIT_CRL_POINTS];
	size_t n;

	for (size_t i = 0; i < k->t->n_crls; i++)
		ask(k, k->t->crls[i]);
	if (!k->t->crlcache)
		return;
	n = crl_points_urls(k->subject.points, url, LIMIT_CRL_POINTS);
	for (size_t i = 0; i < n; i++)
		ask_at(k, url[i]);
	for (size_t i = 0; i < k->t->n_urls; i++)
		ask_at(k, span_cstr(k->t->url[i]));
}

/* Certificate i of the path; *owned: its distribution points, if they are the caller's to free. 0 / -1 without memory. */
static int find_subject(const struct cert_chain *c, size_t i, struct crl_subject *s, CRL_DIST_POINTS **owned)
{
	const struct certrecord *r = c->record;

	*owned = NULL;
	if (!r && crl_points(c->path[i], owned) < 0)
		return -1;
	if (c->path[i])
		*s = crl_subject_of(c->path[i], r ? certrecord_points(r, i) : *owned);
	else
		certrecord_subject(r, s);
	return 0;
}

enum stir_reason trust_revocation(const struct trust *t, const struct cert_chain *c, int64_t iat, int64_t now, bool *unknown)
{
	*unknown = c->n_path == 0;
	for (size_t i = 0; i + 1 < c->n_path; i++) {
		struct look k = {.t = t, .issuer = c->path[i + 1], .iat = iat, .now = now};
		CRL_DIST_POINTS *owned;

		if (find_subject(c, i, &k.subject, &owned)) {
			*unknown = true;
			return STIR_NO_RESOURCE;
		}
		ask_all(&k);
		CRL_DIST_POINTS_free(owned);
		if (k.revoked)
			return STIR_CERT_REVOKED;
		*unknown = *unknown || !k.covered;
	}
	return STIR_OK;
}
