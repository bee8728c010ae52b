/*
 * The signer's certificate and what came with it: which certificates may sign
 * PASSporTs at all (RFC 8226, 9060).  Trust, revocation and time are judged
 * elsewhere; nothing here looks at a clock.
 */
#include "config.h"

#include "core/cert.h"

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "core/cert_internal.h"
#include "core/certrecord.h"
#include "core/encoding.h"
#include "core/es256.h"
#include "core/limits.h"
#include "core/printable.h"
#include "core/sslerror.h"
#include "core/stir_oid.h"

static enum stir_reason refuse(struct err *why, const char *what)
{
	(void)err_set(why, ERR_DATA, "%s", what);
	return STIR_CERT_INVALID;
}

static enum stir_reason no_memory(struct err *why)
{
	(void)err_set(why, ERR_UNAVAILABLE, "out of memory");
	return STIR_NO_RESOURCE;
}

/* --- extensions ------------------------------------------------------------ */

int cert_extension(const X509 *x, const char *oid, struct span *out)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *octets;
	int at, again;

	*out = span_make(NULL, 0);
	if (!obj)
		return -2;
	at = X509_get_ext_by_OBJ(x, obj, -1);
	again = at < 0 ? -1 : X509_get_ext_by_OBJ(x, obj, at);
	ASN1_OBJECT_free(obj);
	if (at < 0)
		return 0;
	if (again >= 0)
		return -1;
	octets = X509_EXTENSION_get_data(X509_get_ext(x, at));
	*out = span_make(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
	return 1;
}

/* STIR_OK with *there false or true. */
static enum stir_reason find_extension(const X509 *x, const char *oid, const char *name, struct span *der, bool *there,
				       struct err *why)
{
	int found = cert_extension(x, oid, der);

	*there = found == 1;
	if (found == -2)
		return no_memory(why);
	if (found == -1) {
		(void)err_set(why, ERR_DATA, "the extension %s is there more than once", name);
		return STIR_CERT_INVALID;
	}
	return STIR_OK;
}

enum stir_reason cert_tnauthlist(const X509 *x, struct tnauthlist **out, struct err *why)
{
	struct span der;
	bool there;
	enum stir_reason r = find_extension(x, STIR_OID_TNAUTHLIST, "TNAuthList", &der, &there, why);

	*out = NULL;
	return there ? tnauthlist_parse(der, out, why) : r;
}

static enum stir_reason read_rules(struct cert_chain *c, struct err *why)
{
	struct span plain, enhanced;
	bool has_plain, has_enhanced;
	enum stir_reason r;

	r = find_extension(c->certs[0], STIR_OID_CLAIM_CONSTRAINTS, "JWTClaimConstraints", &plain, &has_plain, why);
	if (r != STIR_OK)
		return r;
	r = find_extension(c->certs[0], STIR_OID_ENHANCED_CLAIM_CONSTRAINTS, "EnhancedJWTClaimConstraints", &enhanced,
			   &has_enhanced, why);
	if (r != STIR_OK)
		return r;
	if (has_plain && has_enhanced)
		return refuse(why, "it has both kinds of claim constraints (RFC 9118, 6)");
	if (has_plain)
		return claimrules_parse(plain, false, &c->rules, why);
	return has_enhanced ? claimrules_parse(enhanced, true, &c->rules, why) : STIR_OK;
}

/* The one location of method want in aia; NULL and *fault (or NULL: there is none). */
static const GENERAL_NAME *only_location(const AUTHORITY_INFO_ACCESS *aia, const ASN1_OBJECT *want, const char **fault)
{
	const GENERAL_NAME *found = NULL;

	for (int i = 0; aia && i < sk_ACCESS_DESCRIPTION_num(aia); i++) {
		const ACCESS_DESCRIPTION *d = sk_ACCESS_DESCRIPTION_value(aia, i);

		if (OBJ_cmp(d->method, want) != 0)
			continue;
		if (found) {
			*fault = "it names more than one place of its number list";
			return NULL;
		}
		found = d->location;
	}
	if (found && found->type != GEN_URI) {
		*fault = "the place of its number list is no URI (RFC 8226, 10.1)";
		return NULL;
	}
	return found;
}

enum stir_reason cert_list_reference(const X509 *x, struct buf *url, struct err *why)
{
	ASN1_OBJECT *want = OBJ_txt2obj(STIR_OID_AD_TNAUTHLIST, 1);
	int there = -1;
	AUTHORITY_INFO_ACCESS *aia = X509_get_ext_d2i(x, NID_info_access, &there, NULL);
	const char *fault = !aia && there != -1 ? "its authorityInfoAccess can't be read, or is there twice" : NULL;
	const GENERAL_NAME *at = want && !fault ? only_location(aia, want, &fault) : NULL;
	struct span der;

	if (at) {
		const ASN1_IA5STRING *uri = at->d.uniformResourceIdentifier;

		if (cert_extension(x, STIR_OID_TNAUTHLIST, &der) != 0)
			fault = "it gives its numbers both by value and by reference (RFC 8226, 9)";
		else if (ASN1_STRING_length(uri) < 1 || ASN1_STRING_length(uri) > LIMIT_X5U_BYTES)
			fault = "the address of its number list is empty or too long";
		else
			buf_put(url, ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
	}
	AUTHORITY_INFO_ACCESS_free(aia);
	ASN1_OBJECT_free(want);
	if (!want || url->failed)
		return no_memory(why);
	return fault ? refuse(why, fault) : STIR_OK;
}

bool cert_list_by_reference(const X509 *x)
{
	struct buf url;
	bool yes;

	buf_init(&url, LIMIT_X5U_BYTES);
	yes = cert_list_reference(x, &url, NULL) != STIR_OK || url.n > 0;
	buf_free(&url);
	return yes;
}

/* --- the signer's certificate ---------------------------------------------- */

/* The named curve, not parameters that describe it (RFC 5480, 2.1.1). */
static bool names_p256(const X509 *x)
{
	const X509_ALGOR *alg = NULL;
	const ASN1_OBJECT *kind = NULL;
	const void *parameters = NULL;
	X509_ALGOR *borrowed = NULL;
	int type = V_ASN1_UNDEF;

	if (!X509_PUBKEY_get0_param(NULL, NULL, NULL, &borrowed, X509_get_X509_PUBKEY(x)))
		return false;
	alg = borrowed;
	X509_ALGOR_get0(&kind, &type, &parameters, alg);
	return OBJ_obj2nid(kind) == NID_X9_62_id_ecPublicKey && type == V_ASN1_OBJECT &&
	       OBJ_obj2nid(parameters) == NID_X9_62_prime256v1;
}

static enum stir_reason read_key(struct cert_chain *c, struct err *why)
{
	EVP_PKEY *key;

	if (!names_p256(c->certs[0]))
		return refuse(why, "its key is not on the named curve P-256");
	key = X509_get0_pubkey(c->certs[0]);
	if (!key || p256_point(key, c->point))
		return refuse(why, "its key can't be read");
	c->key = es256_key_new(key);
	if (!c->key)
		return no_memory(why);
	return STIR_OK;
}

static enum stir_reason check_usage(X509 *x, struct err *why)
{
	if (X509_get_version(x) != X509_VERSION_3)
		return refuse(why, "it is not of version 3");
	if (X509_get_extension_flags(x) & EXFLAG_INVALID)
		return refuse(why, "one of its extensions is broken or doubled");
	if (X509_check_ca(x) != 0)
		return refuse(why, "it is a certificate of a CA");
	/* UINT32_MAX, all bits, when there is no keyUsage. */
	if (!(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))
		return refuse(why, "its keyUsage lacks digitalSignature");
	return STIR_OK;
}

static enum stir_reason check_reference(const X509 *x, struct err *why)
{
	struct buf url;
	enum stir_reason r;

	buf_init(&url, LIMIT_X5U_BYTES);
	r = cert_list_reference(x, &url, why);
	buf_free(&url);
	return r;
}

static enum stir_reason check_signer(struct cert_chain *c, struct err *why)
{
	X509 *x = c->certs[0];
	enum stir_reason r = check_usage(x, why);

	if (r == STIR_OK)
		r = read_key(c, why);
	if (r == STIR_OK)
		r = cert_tnauthlist(x, &c->list, why);
	if (r == STIR_OK)
		r = check_reference(x, why);
	if (r == STIR_OK)
		r = read_rules(c, why);
	if (r == STIR_OK && (cert_time(X509_get0_notBefore(x), &c->not_before) ||
			     cert_time(X509_get0_notAfter(x), &c->not_after)))
		r = refuse(why, "its validity can't be read");
	return r;
}

/* --- the chain --------------------------------------------------------------- */

struct reading {
	struct cert_chain *c;
	struct certshare *share; /* or NULL */
};

static enum stir_reason add_cert(void *arg, const unsigned char *der, long n, struct err *why)
{
	const struct reading *r = arg;
	struct cert_chain *c = r->c;
	enum stir_reason result = STIR_OK;

	if (r->share && c->n)
		c->certs[c->n] = certshare_find(r->share, span_make(der, (size_t)n));
	if (!c->certs[c->n])
		result = cert_from_der(der, n, &c->certs[c->n], why);
	c->n += result == STIR_OK;
	return result;
}

void cert_put_fingerprint(struct cert_chain *c, const unsigned char digest[32])
{
	memcpy(c->fingerprint, digest, sizeof c->fingerprint);
	hex_encode(c->fingerprint_text, digest, sizeof c->fingerprint);
}

/* Made once: the chain is used for many messages. */
static enum stir_reason describe(struct cert_chain *c, struct err *why)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!X509_digest(c->certs[0], EVP_sha256(), digest, &n) || n != sizeof c->digest || !EVP_Digest(c->pem.p, c->pem.n, c->digest, NULL, EVP_sha256(), NULL))
		return no_memory(why);
	cert_put_fingerprint(c, digest);
	buf_init(&c->own_subject, CERT_SUBJECT_MAX);
	cert_name(&c->own_subject, X509_get_subject_name(c->certs[0]));
	if (c->own_subject.failed)
		buf_free(&c->own_subject);
	c->subject = buf_span(&c->own_subject);
	return STIR_OK;
}

struct cert_chain *cert_chain_new(void)
{
	struct cert_chain *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	c->domain = -1;
	return c;
}

enum stir_reason cert_chain_parse(struct span pem, struct cert_chain **out, struct err *why)
{
	return cert_chain_parse_with(NULL, pem, out, why);
}

enum stir_reason cert_chain_parse_with(struct certshare *s, struct span pem, struct cert_chain **out, struct err *why)
{
	struct cert_chain *c = cert_chain_new();
	struct reading reading = {c, s};
	enum stir_reason r = STIR_OK;

	*out = NULL;
	if (!c)
		return no_memory(why);
	buf_init(&c->own_pem, LIMIT_CHAIN_BYTES);
	if (pem.n > LIMIT_CHAIN_BYTES)
		r = refuse(why, "the certificate chain is too large");
	else if (buf_put_span(&c->own_pem, pem))
		r = no_memory(why);
	c->pem = buf_span(&c->own_pem);
	if (r == STIR_OK)
		r = cert_pem_each(pem, PEM_STRING_X509, LIMIT_CHAIN_CERTS, add_cert, &reading, why);
	sslerror_clear();
	if (r == STIR_OK)
		r = check_signer(c, why);
	if (r == STIR_OK)
		r = describe(c, why);
	if (sslerror_no_memory() && r != STIR_OK)
		r = no_memory(why);
	if (r == STIR_OK)
		*out = c;
	else
		cert_chain_unref(c);
	return r;
}

struct cert_chain *cert_chain_ref(struct cert_chain *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void cert_path_clear(struct cert_chain *c)
{
	for (size_t i = 0; i < c->n_path; i++) {
		if (!c->record)
			X509_free(c->path[i]);
		tnauthlist_free(c->fetched[i]);
		c->path[i] = NULL;
		c->fetched[i] = NULL;
	}
	c->n_path = 0;
	c->unchecked = false;
	c->by_reference = false;
}

void cert_chain_unref(struct cert_chain *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	cert_path_clear(c);
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->certs[i]);
	es256_key_free(c->key);
	if (!c->record || !certrecord_has_list(c->record))
		tnauthlist_free(c->list);
	claimrules_free(c->rules);
	buf_free(&c->own_subject);
	buf_free(&c->own_pem);
	certrecord_unref(c->record);
	free(c);
}

const struct tnauthlist *cert_chain_tnauthlist(const struct cert_chain *c)
{
	return c->fetched[0] ? c->fetched[0] : c->list;
}

const struct claimrules *cert_chain_claimrules(const struct cert_chain *c)
{
	return c->rules;
}

int cert_chain_verify(const struct cert_chain *c, struct span signing_input, const unsigned char sig[64])
{
	return es256_verify(c->key, signing_input, sig);
}

void cert_chain_point(const struct cert_chain *c, unsigned char point[65])
{
	memcpy(point, c->point, sizeof c->point);
}

struct span cert_chain_fingerprint(const struct cert_chain *c)
{
	return span_cstr(c->fingerprint_text);
}

struct span cert_chain_subject(const struct cert_chain *c)
{
	return c->subject;
}

size_t cert_chain_count(const struct cert_chain *c)
{
	return c->n;
}

X509 *cert_chain_at(const struct cert_chain *c, size_t i)
{
	return i < c->n ? c->certs[i] : NULL;
}

struct span cert_chain_pem(const struct cert_chain *c)
{
	return c->pem;
}

bool cert_chain_is_served(const struct cert_chain *c, struct span pem)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	return EVP_Digest(pem.p, pem.n, digest, NULL, EVP_sha256(), NULL) && memcmp(digest, c->digest, sizeof c->digest) == 0;
}

void cert_chain_drop_pem(struct cert_chain *c)
{
	buf_free(&c->own_pem);
	c->pem = span_make(NULL, 0);
}

size_t cert_chain_path_count(const struct cert_chain *c)
{
	return c->n_path;
}

X509 *cert_chain_path_at(const struct cert_chain *c, size_t i)
{
	return i < c->n_path ? c->path[i] : NULL;
}

int cert_chain_domain(const struct cert_chain *c)
{
	return c->domain;
}

void cert_chain_set_domain(struct cert_chain *c, int domain)
{
	c->domain = domain;
}

void cert_chain_validity(const struct cert_chain *c, int64_t *not_before, int64_t *not_after)
{
	*not_before = c->not_before;
	*not_after = c->not_after;
}

bool cert_chain_unchecked(const struct cert_chain *c)
{
	return c->unchecked;
}

void cert_chain_set_validity(struct cert_chain *c, int64_t not_before, int64_t not_after)
{
	c->not_before = not_before;
	c->not_after = not_after;
}

/* --- values ------------------------------------------------------------------ */

int cert_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	/* OpenSSL would take NULL for "now". */
	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return -1;
	*out = (int64_t)timegm(&tm);
	return 0;
}

void cert_name(struct buf *out, const X509_NAME *name)
{
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		const ASN1_OBJECT *kind = X509_NAME_ENTRY_get_object(entry);
		unsigned char *utf8 = NULL;
		char oid[80] = "";
		int nid = OBJ_obj2nid(kind), n;

		if (nid == NID_undef)
			(void)OBJ_obj2txt(oid, sizeof oid, kind, 1);
		n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
		buf_printf(out, "/%s=", nid == NID_undef ? oid : OBJ_nid2sn(nid));
		printable_put(out, span_make(utf8, n > 0 ? (size_t)n : 0), "/=");
		OPENSSL_free(utf8);
	}
}
