/*
 * Does a chain lead to one of our anchors?  OpenSSL builds and checks the path;
 * here stands what it must not do (look at the clock, at the system's roots, at
 * purposes of the web).  Revocation is in trust_crl.c, what TNAuthLists limit in
 * trust_scope.c.
 */
#include "config.h"

#include "core/trust.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "core/cert_internal.h"
#include "core/sslerror.h"
#include "core/trust_internal.h"

/* 112 bits: RSA from 2048, and no SHA-1. */
enum { TRUST_AUTH_LEVEL = 2 };

/* --- opening ---------------------------------------------------------------- */

static enum stir_reason no_memory(struct err *why)
{
	(void)err_set(why, ERR_UNAVAILABLE, "out of memory");
	return STIR_NO_RESOURCE;
}

int trust_add_anchor(struct trust *t, X509 *x, struct err *e)
{
	if (!X509_up_ref(x))
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (sk_X509_push(t->anchors, x) <= 0) {
		X509_free(x);
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	return X509_STORE_add_cert(t->store, x) ? 0 : err_set(e, ERR_UNAVAILABLE, "out of memory");
}

static enum stir_reason add_anchor(void *arg, const unsigned char *der, long n, struct err *why)
{
	X509 *x;
	enum stir_reason r = cert_from_der(der, n, &x, why);

	if (r == STIR_OK && trust_add_anchor(arg, x, why))
		r = STIR_NO_RESOURCE;
	X509_free(x);
	return r;
}

int trust_open_empty(struct trust **out, struct err *e)
{
	struct trust *t = calloc(1, sizeof *t);

	*out = NULL;
	if (!t)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	t->store = X509_STORE_new();
	t->anchors = sk_X509_new_null();
	t->crl_issuers = sk_X509_new_null();
	if (!t->store || !t->anchors || !t->crl_issuers) {
		trust_free(t);
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	*out = t;
	return 0;
}

int trust_add_anchors(struct trust *t, const char *name, struct span pem, struct err *e)
{
	if (pem.n > LIMIT_ANCHOR_BYTES)
		return err_set(e, ERR_DATA, "%s: too many octets for a file of trust anchors", name);
	return cert_pem_each(pem, PEM_STRING_X509, LIMIT_ANCHOR_BYTES, add_anchor, t, e) == STIR_OK ? 0 : err_prefix(e, "%s", name);
}

int trust_open(const char *name, struct span pem, struct trust **out, struct err *e)
{
	if (trust_open_empty(out, e))
		return err_prefix(e, "%s", name);
	if (trust_add_anchors(*out, name, pem, e) == 0)
		return 0;
	trust_free(*out);
	*out = NULL;
	return -1;
}

void trust_free(struct trust *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	sk_X509_pop_free(t->anchors, X509_free);
	trust_free_crls(t);
	free(t);
}

size_t trust_count(const struct trust *t)
{
	return (size_t)sk_X509_num(t->anchors);
}

X509 *trust_at(const struct trust *t, size_t i)
{
	return i < trust_count(t) ? sk_X509_value(t->anchors, (int)i) : NULL;
}

/* --- the path ---------------------------------------------------------------- */

/* The certificate itself is wrong, wherever it leads; else it is untrusted. */
static enum stir_reason reason_of(int error)
{
	switch (error) {
	case X509_V_ERR_OUT_OF_MEM:
	case X509_V_ERR_UNSPECIFIED:
		return STIR_NO_RESOURCE;
	case X509_V_ERR_INVALID_EXTENSION:
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
	case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
		return STIR_CERT_INVALID;
	default:
		return STIR_CERT_UNTRUSTED;
	}
}

/* Did the path end at an anchor, so that the error is one of its own? */
static bool is_anchored(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return false;
	default:
		return true;
	}
}

static enum stir_reason say_error(X509_STORE_CTX *ctx, bool *anchored, struct err *why)
{
	int error = X509_STORE_CTX_get_error(ctx);
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	struct buf name;

	/* OpenSSL may fail without naming an error (no memory in between). */
	if (error == X509_V_OK)
		return no_memory(why);
	*anchored = is_anchored(error);
	buf_init(&name, 200);
	if (at)
		cert_name(&name, X509_get_subject_name(at));
	(void)err_set(why, ERR_DATA, "%s (%.*s)", X509_verify_cert_error_string(error), SPAN_ARG(buf_span(&name)));
	buf_free(&name);
	return reason_of(error);
}

static bool is_anchor(const struct trust *t, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(t->anchors); i++)
		if (X509_cmp(sk_X509_value(t->anchors, i), x) == 0)
			return true;
	return false;
}

/* Up to the first anchor: what OpenSSL found above it was only served, and nobody vouches for that. */
static enum stir_reason keep_path(const struct trust *t, struct cert_chain *c, X509_STORE_CTX *ctx, struct err *why)
{
	STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);
	int n = sk_X509_num(path);

	cert_path_clear(c);
	for (int i = 0; i < n && i < CERT_PATH_MAX; i++) {
		X509 *x = sk_X509_value(path, i);

		if (!X509_up_ref(x))
			return no_memory(why);
		c->path[c->n_path++] = x;
		c->by_reference = c->by_reference || cert_list_by_reference(x);
		if (is_anchor(t, x))
			return STIR_OK;
	}
	(void)err_set(why, ERR_DATA, "the path to the anchor is too long");
	return STIR_CERT_UNTRUSTED;
}

/* Without STRICT, OpenSSL also takes old CAs that have no basicConstraints. */
static enum stir_reason check_cas(const struct cert_chain *c, struct err *why)
{
	for (size_t i = 1; i + 1 < c->n_path; i++) {
		if (X509_check_ca(c->path[i]) != 1) {
			(void)err_set(why, ERR_DATA, "an issuer of the chain is no CA by its basicConstraints");
			return STIR_CERT_UNTRUSTED;
		}
	}
	return STIR_OK;
}

static enum stir_reason set_window(struct cert_chain *c, struct err *why)
{
	int64_t from = INT64_MIN, to = INT64_MAX;

	for (size_t i = 0; i < c->n_path; i++) {
		int64_t a, b;

		if (cert_time(X509_get0_notBefore(c->path[i]), &a) || cert_time(X509_get0_notAfter(c->path[i]), &b)) {
			(void)err_set(why, ERR_DATA, "the validity of an issuer can't be read");
			return STIR_CERT_INVALID;
		}
		from = a > from ? a : from;
		to = b < to ? b : to;
	}
	cert_chain_set_validity(c, from, to);
	return STIR_OK;
}

static enum stir_reason judge_path(const struct trust *t, struct cert_chain *c, X509_STORE_CTX *ctx, struct err *why)
{
	enum stir_reason r = keep_path(t, c, ctx, why);

	if (r == STIR_OK)
		r = check_cas(c, why);
	if (r == STIR_OK)
		r = set_window(c, why);
	if (r != STIR_OK)
		cert_path_clear(c);
	return r;
}

static int set_rules(X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_depth(p, LIMIT_CHAIN_CERTS);
	X509_VERIFY_PARAM_set_auth_level(p, TRUST_AUTH_LEVEL);
	return X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_ANY) &&
			       X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN)
		       ? 0
		       : -1;
}

/* The other certificates as served, borrowed; NULL without memory. */
static STACK_OF(X509) *others(const struct cert_chain *c)
{
	STACK_OF(X509) *s = sk_X509_new_null();

	for (size_t i = 1; s && i < c->n; i++) {
		if (sk_X509_push(s, c->certs[i]) <= 0) {
			sk_X509_free(s);
			return NULL;
		}
	}
	return s;
}

enum stir_reason trust_check_far(const struct trust *t, struct cert_chain *c, bool *anchored, struct err *why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = others(c);
	enum stir_reason r;

	*anchored = true;
	sslerror_clear();
	if (!ctx || !untrusted || !X509_STORE_CTX_init(ctx, t->store, c->certs[0], untrusted) || set_rules(ctx))
		r = no_memory(why);
	else if (X509_verify_cert(ctx) == 1)
		r = judge_path(t, c, ctx, why);
	else
		r = say_error(ctx, anchored, why);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(untrusted);
	if (sslerror_no_memory() && r != STIR_OK)
		r = no_memory(why);
	return r;
}

enum stir_reason trust_check(const struct trust *t, struct cert_chain *c, struct err *why)
{
	bool anchored;

	return trust_check_far(t, c, &anchored, why);
}
