/*
 * Chains as compact records.  Knows what a chain is made of; what is trusted was
 * decided before.
 */
#include "config.h"

#include "core/certrecord.h"

#include <openssl/asn1.h>
#include <stdlib.h>

#include "core/cert_internal.h"
#include "core/es256.h"
#include "core/limits.h"
#include "core/p256.h"
#include "core/sslerror.h"
#include "core/stir_oid.h"

enum {
	SHA256_BYTES = 32,
	/* A list that takes longer to read than a key to make is kept read, and shared;
	 * most name one provider, in ten octets. */
	SMALL_LIST_BYTES = 256,
	/* Of malloc, for each block. */
	BLOCK_OCTETS = 16
};

struct certrecord {
	atomic_uint refs;
	uint32_t pem_n;
	/* At most LIMIT_CHAIN_BYTES, of which base64 leaves three quarters. */
	uint16_t subject_n, serial_n, rules_n, list_n;
	int64_t not_before, not_after;
	int8_t domain;
	uint8_t n_issuers;
	bool unchecked : 1, by_reference : 1, enhanced : 1, negative : 1, has_points : 1, has_list : 1;
	unsigned char point[2 * P256_COORDINATE_BYTES]; /* without the octet that says so */
	unsigned char fingerprint[SHA256_BYTES];
	unsigned char digest[SHA256_BYTES];
	/* The issuers, the anchor last; the signer's distribution points; its list.
	 * Then the octets: serial number, list, rules, subject, as served. */
	struct certshare_item *shared[];
};

_Static_assert((int)LIMIT_TRUST_DOMAINS <= INT8_MAX && (int)CERT_PATH_MAX <= UINT8_MAX, "a domain and a path fit into a record");
_Static_assert((int)CERT_SUBJECT_MAX <= UINT16_MAX && LIMIT_CHAIN_BYTES / 4 * 3 <= UINT16_MAX, "and so does what is in a certificate");

static size_t shared_count(const struct certrecord *r)
{
	return (size_t)r->n_issuers + r->has_points + r->has_list;
}

static const unsigned char *octets_at(const struct certrecord *r, size_t skip)
{
	return (const unsigned char *)(r->shared + shared_count(r)) + skip;
}

static struct span list_of(const struct certrecord *r)
{
	return span_make(octets_at(r, r->serial_n), r->list_n);
}

static struct span rules_of(const struct certrecord *r)
{
	return span_make(octets_at(r, (size_t)r->serial_n + r->list_n), r->rules_n);
}

static struct span subject_of(const struct certrecord *r)
{
	return span_make(octets_at(r, (size_t)r->serial_n + r->list_n + r->rules_n), r->subject_n);
}

static struct span pem_of(const struct certrecord *r)
{
	return span_make(octets_at(r, (size_t)r->serial_n + r->list_n + r->rules_n + r->subject_n), r->pem_n);
}

static size_t octets_of(const struct certrecord *r)
{
	return sizeof *r + shared_count(r) * sizeof r->shared[0] + r->serial_n + r->list_n + r->rules_n + r->subject_n + r->pem_n;
}

/* --- making ------------------------------------------------------------------------------ */

/* What a record is made of, before it is known how large it is. */
struct parts {
	struct certrecord *head; /* all but the octets */
	struct certshare_item *issuers[CERT_PATH_MAX], *points, *list;
	struct span serial, der, rules, subject, pem;
};

static void drop_parts(struct parts *p)
{
	for (size_t i = 0; i < p->head->n_issuers; i++)
		certshare_drop(p->issuers[i]);
	certshare_drop(p->points);
	certshare_drop(p->list);
}

static int share_path(struct parts *p, struct certshare *s, const struct cert_chain *c)
{
	for (size_t i = 1; i < c->n_path; i++) {
		p->issuers[i - 1] = certshare_cert(s, c->path[i]);
		if (!p->issuers[i - 1])
			return -1;
		p->head->n_issuers++;
	}
	return certshare_points(s, c->path[0], &p->points);
}

static int find_list(struct parts *p, struct certshare *s, const struct cert_chain *c)
{
	const struct tnauthlist *list = cert_chain_tnauthlist(c);

	if (!list)
		return 0;
	if (list == c->list && cert_extension(c->path[0], STIR_OID_TNAUTHLIST, &p->der) == 1 && p->der.n <= SMALL_LIST_BYTES)
		return 0;
	p->der = span_make(NULL, 0);
	p->list = certshare_list(s, list);
	return p->list ? 0 : -1;
}

/* Rules that don't count (claimrules_parse()) are none. */
static int find_rules(struct parts *p, const struct cert_chain *c)
{
	if (!c->rules || cert_extension(c->path[0], STIR_OID_CLAIM_CONSTRAINTS, &p->rules) == 1)
		return 0;
	p->head->enhanced = true;
	return cert_extension(c->path[0], STIR_OID_ENHANCED_CLAIM_CONSTRAINTS, &p->rules) == 1 ? 0 : -1;
}

static void find_values(struct parts *p, const struct cert_chain *c, bool keep_pem)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c->path[0]);

	p->serial = span_make(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	p->head->negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
	p->subject = cert_chain_subject(c);
	p->pem = keep_pem ? cert_chain_pem(c) : span_make(NULL, 0);
	cert_chain_validity(c, &p->head->not_before, &p->head->not_after);
	p->head->domain = (int8_t)c->domain;
	p->head->unchecked = c->unchecked;
	p->head->by_reference = c->by_reference;
	memcpy(p->head->point, c->point + 1, sizeof p->head->point);
	memcpy(p->head->digest, c->digest, sizeof p->head->digest);
	memcpy(p->head->fingerprint, c->fingerprint, sizeof p->head->fingerprint);
}

static unsigned char *put_octets(unsigned char *at, struct span s)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

/* Takes over what is shared. */
static struct certrecord *pack(const struct parts *p)
{
	struct certrecord *head = p->head, *r;
	struct certshare_item **to;
	unsigned char *at;

	head->serial_n = (uint16_t)p->serial.n;
	head->list_n = (uint16_t)p->der.n;
	head->rules_n = (uint16_t)p->rules.n;
	head->subject_n = (uint16_t)p->subject.n;
	head->pem_n = (uint32_t)p->pem.n;
	head->has_points = p->points != NULL;
	head->has_list = p->list != NULL;
	r = malloc(octets_of(head));
	if (!r)
		return NULL;
	memcpy(r, head, sizeof *r);
	atomic_init(&r->refs, 1);
	to = r->shared;
	for (size_t i = 0; i < head->n_issuers; i++)
		*to++ = p->issuers[i];
	if (p->points)
		*to++ = p->points;
	if (p->list)
		*to++ = p->list;
	at = put_octets((unsigned char *)to, p->serial);
	at = put_octets(at, p->der);
	at = put_octets(at, p->rules);
	at = put_octets(at, p->subject);
	(void)put_octets(at, p->pem);
	return r;
}

struct certrecord *certrecord_new(struct certshare *s, const struct cert_chain *c, bool keep_pem)
{
	struct certrecord head = {0}, *r = NULL;
	struct parts p = {.head = &head};

	if (c->record)
		return certrecord_ref(c->record);
	if (c->n_path == 0)
		return NULL;
	if (share_path(&p, s, c) == 0 && find_list(&p, s, c) == 0 && find_rules(&p, c) == 0) {
		find_values(&p, c, keep_pem);
		r = pack(&p);
	}
	if (!r)
		drop_parts(&p);
	sslerror_clear();
	return r;
}

struct certrecord *certrecord_ref(struct certrecord *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

void certrecord_unref(struct certrecord *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < shared_count(r); i++)
		certshare_drop(r->shared[i]);
	free(r);
}

/* --- opening -------------------------------------------------------------------------------- */

static int read_back(struct cert_chain *c, EVP_PKEY *like)
{
	const struct certrecord *r = c->record;
	EVP_PKEY *key;

	c->point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(c->point + 1, r->point, sizeof r->point);
	key = p256_public_key_like(like, span_make(c->point, sizeof c->point));
	c->key = key ? es256_key_new(key) : NULL;
	EVP_PKEY_free(key);
	if (!c->key)
		return -1;
	/* They were read before; now only memory can be short. */
	if (r->has_list)
		c->list = r->shared[shared_count(r) - 1]->list;
	else if (r->list_n && tnauthlist_parse(list_of(r), &c->list, NULL) != STIR_OK)
		return -1;
	return r->rules_n && claimrules_parse(rules_of(r), r->enhanced, &c->rules, NULL) != STIR_OK ? -1 : 0;
}

struct cert_chain *certrecord_open(struct certrecord *r, EVP_PKEY *like)
{
	struct cert_chain *c = cert_chain_new();

	if (!c)
		return NULL;
	c->record = certrecord_ref(r);
	c->not_before = r->not_before;
	c->not_after = r->not_after;
	c->domain = r->domain;
	c->unchecked = r->unchecked;
	c->by_reference = r->by_reference;
	c->subject = subject_of(r);
	c->pem = pem_of(r);
	memcpy(c->digest, r->digest, sizeof c->digest);
	cert_put_fingerprint(c, r->fingerprint);
	c->n_path = 1 + (size_t)r->n_issuers;
	for (size_t i = 1; i < c->n_path; i++)
		c->path[i] = r->shared[i - 1]->x;
	if (read_back(c, like) == 0)
		return c;
	cert_chain_unref(c);
	sslerror_clear();
	return NULL;
}

/* --- asking ------------------------------------------------------------------------------------ */

void certrecord_validity(const struct certrecord *r, int64_t *not_before, int64_t *not_after)
{
	*not_before = r->not_before;
	*not_after = r->not_after;
}

bool certrecord_is_of(const struct certrecord *r, const struct cert_chain *c)
{
	return c->record == r ||
	       (r->not_before == c->not_before && r->not_after == c->not_after && memcmp(r->fingerprint, c->fingerprint, sizeof r->fingerprint) == 0);
}

size_t certrecord_enter(struct certrecord *r)
{
	size_t octets = octets_of(r) + BLOCK_OCTETS;

	for (size_t i = 0; i < shared_count(r); i++)
		if (r->shared[i]->users++ == 0)
			octets += r->shared[i]->octets;
	return octets;
}

size_t certrecord_leave(struct certrecord *r)
{
	size_t octets = octets_of(r) + BLOCK_OCTETS;

	for (size_t i = 0; i < shared_count(r); i++)
		if (--r->shared[i]->users == 0)
			octets += r->shared[i]->octets;
	return octets;
}

bool certrecord_has_list(const struct certrecord *r)
{
	return r->has_list;
}

/* A signer is no CA (core/cert.h), and its issuer has the name it gives (X509_NAME_cmp(), core/trust.c). */
void certrecord_subject(const struct certrecord *r, struct crl_subject *out)
{
	*out = (struct crl_subject){
		.issuer = X509_get_subject_name(r->shared[0]->x),
		.serial = span_make(octets_at(r, 0), r->serial_n),
		.negative = r->negative,
		.points = certrecord_points(r, 0),
	};
}

const CRL_DIST_POINTS *certrecord_points(const struct certrecord *r, size_t i)
{
	if (i > 0)
		return i <= r->n_issuers ? r->shared[i - 1]->points : NULL;
	return r->has_points ? r->shared[r->n_issuers]->points : NULL;
}
