/*
 * The entries of a list, in an order in which one is found at once among a hundred
 * thousand.  What each entry says is read here, once.
 */
#include "config.h"

#include "core/crl_internal.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "core/cert.h"
#include "core/limits.h"
#include "core/sslerror.h"

/* --- issuers ------------------------------------------------------------------------ */

/* Where name is in the list, or would be; true if it is there. */
static bool find_issuer(const struct crl *l, const X509_NAME *name, size_t *at)
{
	size_t lo = 0, hi = l->n_issuers;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = X509_NAME_cmp(name, l->issuers[mid].name);

		if (c == 0) {
			*at = mid;
			return true;
		}
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	*at = lo;
	return false;
}

static int grow(struct crl *l)
{
	size_t cap = l->cap_issuers ? 2 * l->cap_issuers : 8;
	struct crl_issuer *p;

	if (l->n_issuers < l->cap_issuers)
		return 0;
	p = reallocarray(l->issuers, cap, sizeof *p);
	if (!p)
		return -1;
	l->issuers = p;
	l->cap_issuers = cap;
	return 0;
}

static int add_issuer(struct crl *l, const X509_NAME *name, uint32_t *id, struct err *e)
{
	X509_NAME *copy;
	size_t at;

	if (find_issuer(l, name, &at)) {
		*id = l->issuers[at].id;
		return 0;
	}
	if (l->n_issuers >= LIMIT_CRL_ISSUERS)
		return err_set(e, ERR_DATA, "it speaks of more than %d issuers", LIMIT_CRL_ISSUERS);
	copy = X509_NAME_dup(name);
	if (!copy || grow(l)) {
		X509_NAME_free(copy);
		return crl_no_memory(e);
	}
	memmove(l->issuers + at + 1, l->issuers + at, (l->n_issuers - at) * sizeof *l->issuers);
	*id = (uint32_t)l->n_issuers++;
	l->issuers[at] = (struct crl_issuer){copy, *id};
	return 0;
}

static const X509_NAME *directory_name(const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DIRNAME)
			return n->d.directoryName;
	}
	return NULL;
}

/* Whose certificates this entry and those after it are (RFC 5280, 5.3.3); *id stays if it does not say. */
static int read_issuer(struct crl *l, const X509_REVOKED *entry, uint32_t *id, struct err *e)
{
	int there = -1, rc = -1;
	GENERAL_NAMES *names = X509_REVOKED_get_ext_d2i(entry, NID_certificate_issuer, &there, NULL);
	const X509_NAME *name = names ? directory_name(names) : NULL;

	if (!names && there == -1)
		return 0;
	if (!l->indirect)
		(void)err_set(e, ERR_DATA, "an entry names an issuer, but it is no indirect list");
	else if (!name)
		(void)err_set(e, ERR_DATA, "the issuer in an entry can't be read");
	else
		rc = add_issuer(l, name, id, e);
	GENERAL_NAMES_free(names);
	return rc;
}

/* --- one entry ------------------------------------------------------------------------ */

static int check_critical(const X509_REVOKED *entry, struct err *e)
{
	for (int i = 0; i < X509_REVOKED_get_ext_count(entry); i++) {
		X509_EXTENSION *ext = X509_REVOKED_get_ext(entry, i);

		if (!X509_EXTENSION_get_critical(ext))
			continue;
		switch (OBJ_obj2nid(X509_EXTENSION_get_object(ext))) {
		case NID_certificate_issuer:
		case NID_crl_reason:
		case NID_invalidity_date:
			break;
		default:
			return err_set(e, ERR_DATA, "an entry has a critical extension that is not known here");
		}
	}
	return 0;
}

enum { REASON_NONE = -1, REASON_UNREADABLE = -2 };

static long reason_of(const X509_REVOKED *entry)
{
	int there = -1;
	ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &there, NULL);
	long reason = code ? ASN1_ENUMERATED_get(code) : there == -1 ? REASON_NONE : REASON_UNREADABLE;

	ASN1_ENUMERATED_free(code);
	return reason;
}

/* Absent is "unspecified"; there but unreadable is the worst. */
static bool is_theft(long reason)
{
	return reason == REASON_UNREADABLE || reason == CRL_REASON_KEY_COMPROMISE || reason == CRL_REASON_CA_COMPROMISE ||
	       reason == CRL_REASON_AA_COMPROMISE;
}

/* From when on it counts; from ever, if that can't be read. */
static int64_t date_of(const X509_REVOKED *entry)
{
	ASN1_GENERALIZEDTIME *invalid = X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
	int64_t date, earlier;

	if (cert_time(X509_REVOKED_get0_revocationDate(entry), &date))
		date = INT64_MIN / 4;
	if (invalid && cert_time(invalid, &earlier) == 0 && earlier < date)
		date = earlier;
	ASN1_GENERALIZEDTIME_free(invalid);
	return date;
}

static struct siphash_sum sum_of(const struct crl *l, uint32_t issuer, struct span serial, bool negative)
{
	const uint32_t head[2] = {issuer, negative};
	struct siphash h;

	siphash_begin(&h, l->seed);
	siphash_put(&h, span_make(head, sizeof head));
	siphash_put(&h, serial);
	return siphash_end(&h);
}

static int add_entry(struct crl *l, X509_REVOKED *entry, uint32_t *issuer, struct err *e)
{
	const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);
	long reason;

	if (read_issuer(l, entry, issuer, e) || check_critical(entry, e))
		return -1;
	reason = reason_of(entry);
	/* Only delta lists have this; whatever it means here, it does not revoke. */
	if (reason == CRL_REASON_REMOVE_FROM_CRL)
		return 0;
	l->entries[l->n++] = (struct crl_entry){
		.key = sum_of(l, *issuer, span_make(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)),
			      ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER),
		.when = 2 * date_of(entry) + is_theft(reason),
	};
	return 0;
}

/* --- all ---------------------------------------------------------------------------------- */

static int compare_keys(const struct siphash_sum *a, const struct siphash_sum *b)
{
	for (size_t i = 0; i < 2; i++)
		if (a->half[i] != b->half[i])
			return a->half[i] < b->half[i] ? -1 : 1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct crl_entry *x = a, *y = b;

	return compare_keys(&x->key, &y->key);
}

int crl_index_fill(struct crl *l, X509_CRL *x, struct err *e)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(x);
	int n = entries ? sk_X509_REVOKED_num(entries) : 0;
	uint32_t issuer = 0;

	if (n > LIMIT_CRL_ENTRIES)
		return err_set(e, ERR_DATA, "a revocation list has more than %d entries", LIMIT_CRL_ENTRIES);
	if (RAND_bytes(l->seed, sizeof l->seed) != 1)
		return err_set(e, ERR_UNAVAILABLE, "no random numbers");
	l->entries = calloc((size_t)n + 1, sizeof *l->entries);
	if (!l->entries)
		return crl_no_memory(e);
	if (add_issuer(l, l->issuer, &issuer, e))
		return -1;
	for (int i = 0; i < n; i++) {
		if (add_entry(l, sk_X509_REVOKED_value(entries, i), &issuer, e))
			return -1;
		/* What could not be read was judged; a flood of entries must not fill the queue. */
		sslerror_clear();
	}
	qsort(l->entries, l->n, sizeof *l->entries, compare);
	return 0;
}

void crl_index_free(struct crl *l)
{
	for (size_t i = 0; i < l->n_issuers; i++)
		X509_NAME_free(l->issuers[i].name);
	free(l->issuers);
	free(l->entries);
}

/* --- asking -------------------------------------------------------------------------------- */

static size_t first_of(const struct crl *l, const struct siphash_sum *key)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare_keys(&l->entries[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool crl_revokes(const struct crl *l, const struct crl_subject *s, int64_t iat)
{
	struct siphash_sum key;
	size_t at;

	if (!find_issuer(l, s->issuer, &at))
		return false;
	key = sum_of(l, l->issuers[at].id, s->serial, s->negative);
	for (size_t i = first_of(l, &key); i < l->n && siphash_same(&l->entries[i].key, &key); i++) {
		bool theft = l->entries[i].when & 1;

		if (theft || (l->entries[i].when - theft) / 2 <= iat)
			return true;
	}
	return false;
}
