/*
 * TNAuthList: the rules of RFC 8226, 9, and the question "does it cover this
 * number?" in O(log n).  DER is read here, through OpenSSL's templates; writing
 * and the text form are in tnauthlist_text.c.  Knows no certificate.
 */
#include "config.h"

#include "core/tnauthlist.h"

#include <limits.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/sslerror.h"
#include "core/tnauthlist_internal.h"

/* Numbers of one length as tn_key() has them, first..last; lengths never mix (RFC 8226: equal digits). */
struct interval {
	uint64_t first, last;
};

struct tnauthlist {
	struct tnauthlist_packed *entries;
	size_t n, cap, max;
	struct interval *intervals; /* sorted, disjoint, not even touching */
	size_t n_intervals;
	struct tn *odd; /* numbers with '#' or '*', sorted */
	size_t n_odd;
	struct span *spcs; /* sorted; borrowed from the entries */
	size_t n_spcs;
	size_t first_spc; /* == n: there is none */
};

const char *tn_authority_name(enum tn_authority a)
{
	switch (a) {
	case TN_AUTHORITY_OUTSIDE:
		return "outside";
	case TN_AUTHORITY_SPC:
		return "spc";
	case TN_AUTHORITY_TN:
		return "tn";
	case TN_AUTHORITY_NONE:
		break;
	}
	return "none";
}

/* --- building ------------------------------------------------------------- */

struct tnauthlist *tnauthlist_new(size_t max)
{
	struct tnauthlist *l = calloc(1, sizeof *l);

	if (l)
		l->max = max;
	return l;
}

void tnauthlist_free(struct tnauthlist *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		free((void *)(uintptr_t)tnauthlist_unpack(l->entries[i]).spc.p);
	free(l->entries);
	free(l->intervals);
	free(l->odd);
	free(l->spcs);
	free(l);
}

static enum stir_reason refuse(struct err *why, const char *what)
{
	(void)err_set(why, ERR_DATA, "TNAuthList: %s", what);
	return STIR_CERT_INVALID;
}

static enum stir_reason no_memory(struct err *why)
{
	(void)err_set(why, ERR_UNAVAILABLE, "TNAuthList: out of memory");
	return STIR_NO_RESOURCE;
}

static const char *spc_fault(struct span spc)
{
	if (spc.n == 0 || spc.n > LIMIT_SPC_BYTES)
		return "a service provider code is empty or too long";
	for (size_t i = 0; i < spc.n; i++)
		if (spc.p[i] < 0x20 || spc.p[i] > 0x7e)
			return "a service provider code is not printable ASCII";
	return NULL;
}

/* NULL, or which rule of RFC 8226, 9, the entry breaks. */
static const char *entry_fault(const struct tnauthlist_entry *e)
{
	uint64_t start, limit;

	if (e->kind == TNENTRY_SPC)
		return spc_fault(e->spc);
	if (e->start.n == 0 || e->start.n > TN_MAX_DIGITS)
		return "a telephone number is not of 1 to 15 digits";
	if (e->kind == TNENTRY_ONE)
		return NULL;
	if (!tn_value(&e->start, &start))
		return "a range starts with a number that holds # or *";
	if (e->count < 2)
		return "a range has a count below 2";
	limit = tn_count(e->start.n);
	if (e->count >= limit || start >= limit - e->count)
		return "a range runs past the length of its start";
	return NULL;
}

static int make_room(struct tnauthlist *l)
{
	size_t cap = l->cap ? l->cap * 2 : 4;
	struct tnauthlist_packed *p;

	if (l->n < l->cap)
		return 0;
	p = realloc(l->entries, cap * sizeof *p);
	if (!p)
		return -1;
	l->entries = p;
	l->cap = cap;
	return 0;
}

enum stir_reason tnauthlist_add(struct tnauthlist *l, const struct tnauthlist_entry *entry, struct err *why)
{
	struct tnauthlist_entry e = *entry;
	const char *fault = entry_fault(entry);

	if (fault)
		return refuse(why, fault);
	if (l->n >= l->max)
		return refuse(why, "too many entries");
	if (make_room(l))
		return no_memory(why);
	if (e.kind == TNENTRY_SPC) {
		char *copy = malloc(e.spc.n);

		if (!copy)
			return no_memory(why);
		memcpy(copy, e.spc.p, e.spc.n);
		e.spc = span_make(copy, e.spc.n);
	}
	l->entries[l->n++] = tnauthlist_pack(&e);
	return STIR_OK;
}

/* --- the index ------------------------------------------------------------ */

static int interval_cmp(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int odd_cmp(const void *a, const void *b)
{
	return tn_cmp(a, b);
}

/* Merging makes "at most one interval can hold a number" true for bsearch. */
static void merge_intervals(struct tnauthlist *l)
{
	struct interval *v = l->intervals;
	size_t kept = 0;

	for (size_t i = 1; i < l->n_intervals; i++) {
		struct interval *last = &v[kept];

		if (v[i].first <= last->last + 1) {
			if (v[i].last > last->last)
				last->last = v[i].last;
		} else {
			v[++kept] = v[i];
		}
	}
	if (l->n_intervals)
		l->n_intervals = kept + 1;
}

static int span_cmp(const void *a, const void *b)
{
	return span_order(*(const struct span *)a, *(const struct span *)b);
}

static void index_entry(struct tnauthlist *l, size_t i)
{
	struct tnauthlist_entry e = tnauthlist_unpack(l->entries[i]);
	uint64_t start;

	if (e.kind == TNENTRY_SPC) {
		if (l->n_spcs == 0)
			l->first_spc = i;
		l->spcs[l->n_spcs++] = e.spc;
	} else if (tn_value(&e.start, &start)) {
		struct interval *v = &l->intervals[l->n_intervals++];

		v->first = tn_key(e.start.n, start);
		v->last = v->first + (e.kind == TNENTRY_RANGE ? e.count - 1 : 0);
	} else {
		l->odd[l->n_odd++] = e.start;
	}
}

/* Only as much as each kind needs: lists by reference are large. */
static int make_index(struct tnauthlist *l)
{
	size_t spcs = 0, numbers = 0, odd = 0;
	uint64_t v;

	for (size_t i = 0; i < l->n; i++) {
		struct tnauthlist_entry e = tnauthlist_unpack(l->entries[i]);

		if (e.kind == TNENTRY_SPC)
			spcs++;
		else if (tn_value(&e.start, &v))
			numbers++;
		else
			odd++;
	}
	l->spcs = spcs ? calloc(spcs, sizeof *l->spcs) : NULL;
	l->intervals = numbers ? calloc(numbers, sizeof *l->intervals) : NULL;
	l->odd = odd ? calloc(odd, sizeof *l->odd) : NULL;
	return (spcs && !l->spcs) || (numbers && !l->intervals) || (odd && !l->odd) ? -1 : 0;
}

static void sort(void *p, size_t n, size_t size, int (*cmp)(const void *a, const void *b))
{
	/* qsort() must not get NULL. */
	if (n)
		qsort(p, n, size, cmp);
}

/* The room behind the last entry: most lists are of one entry, and there may be a million lists. */
static void give_back(struct tnauthlist *l)
{
	struct tnauthlist_packed *p = realloc(l->entries, l->n * sizeof *p);

	if (p) {
		l->entries = p;
		l->cap = l->n;
	}
}

enum stir_reason tnauthlist_seal(struct tnauthlist *l, struct err *why)
{
	if (l->n == 0)
		return refuse(why, "it is empty");
	give_back(l);
	if (make_index(l))
		return no_memory(why);
	l->first_spc = l->n;
	for (size_t i = 0; i < l->n; i++)
		index_entry(l, i);
	sort(l->intervals, l->n_intervals, sizeof *l->intervals, interval_cmp);
	sort(l->odd, l->n_odd, sizeof *l->odd, odd_cmp);
	sort(l->spcs, l->n_spcs, sizeof *l->spcs, span_cmp);
	merge_intervals(l);
	return STIR_OK;
}

/* --- asking --------------------------------------------------------------- */

/* The first interval that is not wholly below the key. */
static size_t interval_from(const struct tnauthlist *l, uint64_t key)
{
	const struct interval *v = l->intervals;
	size_t at = 0, n = l->n_intervals;

	/* Always the same number of steps, so that the compiler can do without a branch to guess. */
	while (n > 1) {
		size_t half = n / 2;

		at += v[at + half - 1].last < key ? half : 0;
		n -= half;
	}
	return at + (n && v[at].last < key);
}

static bool lists_odd(const struct tnauthlist *l, const struct tn *number)
{
	return l->n_odd && bsearch(number, l->odd, l->n_odd, sizeof *l->odd, odd_cmp);
}

static bool lists_number(const struct tnauthlist *l, const struct tn *number)
{
	uint64_t v;

	if (tn_value(number, &v)) {
		uint64_t key = tn_key(number->n, v);
		size_t at = interval_from(l, key);

		return at < l->n_intervals && l->intervals[at].first <= key;
	}
	return number->n && lists_odd(l, number);
}

enum tn_authority tnauthlist_authority(const struct tnauthlist *l, const struct tn *number)
{
	if (!l)
		return TN_AUTHORITY_NONE;
	if (lists_number(l, number))
		return TN_AUTHORITY_TN;
	return l->n_spcs ? TN_AUTHORITY_SPC : TN_AUTHORITY_OUTSIDE;
}

struct span tnauthlist_spc(const struct tnauthlist *l)
{
	if (!l || l->first_spc >= l->n)
		return span_make(NULL, 0);
	return tnauthlist_unpack(l->entries[l->first_spc]).spc;
}

size_t tnauthlist_count(const struct tnauthlist *l)
{
	return l ? l->n : 0;
}

struct tnauthlist_entry tnauthlist_at(const struct tnauthlist *l, size_t i)
{
	return tnauthlist_unpack(l->entries[i]);
}

/* --- a delegate's list and its issuer's ------------------------------------- */

bool tnauthlist_has_spc(const struct tnauthlist *l, struct span spc)
{
	return l && l->n_spcs && spc.n && bsearch(&spc, l->spcs, l->n_spcs, sizeof *l->spcs, span_cmp);
}

bool tnauthlist_spcs_within(const struct tnauthlist *child, const struct tnauthlist *parent)
{
	for (size_t i = 0; i < child->n_spcs; i++)
		if (!tnauthlist_has_spc(parent, child->spcs[i]))
			return false;
	return true;
}

/* The stretches of want between parent's intervals. */
static bool gaps(struct interval want, const struct tnauthlist *parent,
		 bool (*one)(void *arg, const struct tn *start, uint64_t count), void *arg)
{
	uint64_t at = want.first;

	for (size_t i = interval_from(parent, at); i < parent->n_intervals && at <= want.last; i++) {
		const struct interval *v = &parent->intervals[i];
		struct tn start = tn_of_key(at);

		if (v->first > want.last)
			break;
		if (v->first > at && !one(arg, &start, v->first - at))
			return false;
		at = v->last + 1;
	}
	if (at <= want.last) {
		struct tn start = tn_of_key(at);

		return one(arg, &start, want.last - at + 1);
	}
	return true;
}

bool tnauthlist_beyond(const struct tnauthlist *child, const struct tnauthlist *parent,
		       bool (*one)(void *arg, const struct tn *start, uint64_t count), void *arg)
{
	for (size_t i = 0; i < child->n_intervals; i++)
		if (!gaps(child->intervals[i], parent, one, arg))
			return false;
	for (size_t i = 0; i < child->n_odd; i++)
		if (!lists_odd(parent, &child->odd[i]) && !one(arg, &child->odd[i], 1))
			return false;
	return true;
}

static bool none_beyond(void *arg, const struct tn *start, uint64_t count)
{
	(void)arg, (void)start, (void)count;
	return false;
}

bool tnauthlist_within(const struct tnauthlist *child, const struct tnauthlist *parent)
{
	return tnauthlist_spcs_within(child, parent) &&
	       (parent->n_spcs > 0 || tnauthlist_beyond(child, parent, none_beyond, NULL));
}

/* --- DER ------------------------------------------------------------------ */

ASN1_CHOICE(TNAUTHLIST_DER_ENTRY) = {
	ASN1_EXP(TNAUTHLIST_DER_ENTRY, d.spc, ASN1_IA5STRING, 0),
	ASN1_EXP_SEQUENCE_OF(TNAUTHLIST_DER_ENTRY, d.range, ASN1_ANY, 1),
	ASN1_EXP(TNAUTHLIST_DER_ENTRY, d.one, ASN1_IA5STRING, 2),
} static_ASN1_CHOICE_END(TNAUTHLIST_DER_ENTRY)

ASN1_ITEM_TEMPLATE(TNAUTHLIST_DER) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, TNAuthList, TNAUTHLIST_DER_ENTRY)
static_ASN1_ITEM_TEMPLATE_END(TNAUTHLIST_DER)

const ASN1_ITEM *tnauthlist_der_entry_item(void)
{
	return ASN1_ITEM_rptr(TNAUTHLIST_DER_ENTRY);
}

const ASN1_ITEM *tnauthlist_der_item(void)
{
	return ASN1_ITEM_rptr(TNAUTHLIST_DER);
}

static enum stir_reason add_number(struct tnauthlist *l, struct tnauthlist_entry *e, const ASN1_STRING *s,
				   struct err *why)
{
	struct span text = span_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));

	if (tn_from_claim(text, &e->start))
		return refuse(why, "a telephone number is not 1 to 15 of digits, # and *");
	return tnauthlist_add(l, e, why);
}

static enum stir_reason add_range(struct tnauthlist *l, STACK_OF(ASN1_TYPE) *members, struct err *why)
{
	struct tnauthlist_entry e = {.kind = TNENTRY_RANGE};
	const ASN1_TYPE *start, *count;

	if (sk_ASN1_TYPE_num(members) < 2)
		return refuse(why, "a range lacks its start or its count");
	start = sk_ASN1_TYPE_value(members, 0);
	count = sk_ASN1_TYPE_value(members, 1);
	if (start->type != V_ASN1_IA5STRING || count->type != V_ASN1_INTEGER)
		return refuse(why, "a range is not a number and a count");
	/* Refuses negative ones too, and what does not fit 64 bits. */
	if (!ASN1_INTEGER_get_uint64(&e.count, count->value.integer))
		return refuse(why, "a range's count is out of bounds");
	return add_number(l, &e, start->value.ia5string, why);
}

static enum stir_reason add_der_entry(struct tnauthlist *l, const TNAUTHLIST_DER_ENTRY *d, struct err *why)
{
	struct tnauthlist_entry e = {.kind = TNENTRY_SPC};

	switch (d->type) {
	case TNAUTHLIST_DER_SPC:
		e.spc = span_make(ASN1_STRING_get0_data(d->d.spc), (size_t)ASN1_STRING_length(d->d.spc));
		return tnauthlist_add(l, &e, why);
	case TNAUTHLIST_DER_RANGE:
		return add_range(l, d->d.range, why);
	case TNAUTHLIST_DER_ONE:
		e.kind = TNENTRY_ONE;
		return add_number(l, &e, d->d.one, why);
	default:
		return refuse(why, "an entry is of no known kind");
	}
}

/* OpenSSL reads BER; what it would write differently was not DER. */
static bool is_exact(const TNAUTHLIST_DER *decoded, struct span der)
{
	unsigned char *again = NULL;
	int n = ASN1_item_i2d((const ASN1_VALUE *)decoded, &again, tnauthlist_der_item());
	bool same = n > 0 && span_eq(span_make(again, (size_t)n), der);

	OPENSSL_free(again);
	return same;
}

static enum stir_reason fill_from_der(struct tnauthlist *l, TNAUTHLIST_DER *decoded, struct err *why)
{
	enum stir_reason r = STIR_OK;

	for (int i = 0; r == STIR_OK && i < sk_TNAUTHLIST_DER_ENTRY_num(decoded); i++)
		r = add_der_entry(l, sk_TNAUTHLIST_DER_ENTRY_value(decoded, i), why);
	return r == STIR_OK ? tnauthlist_seal(l, why) : r;
}

static enum stir_reason parse(struct span der, size_t max_bytes, size_t max_entries, struct tnauthlist **out,
			      struct err *why)
{
	const unsigned char *p = (const unsigned char *)der.p;
	enum stir_reason r;
	TNAUTHLIST_DER *decoded;
	struct tnauthlist *l;

	*out = NULL;
	if (der.n == 0 || der.n > max_bytes)
		return refuse(why, der.n ? "it is too large" : "it is empty");
	sslerror_clear();
	decoded = (TNAUTHLIST_DER *)ASN1_item_d2i(NULL, &p, (long)der.n, tnauthlist_der_item());
	l = tnauthlist_new(max_entries);
	if (!l)
		r = no_memory(why);
	else if (!decoded || p != (const unsigned char *)der.p + der.n || !is_exact(decoded, der))
		r = sslerror_no_memory() ? no_memory(why) : refuse(why, "it is not DER of the right form");
	else
		r = fill_from_der(l, decoded, why);
	ASN1_item_free((ASN1_VALUE *)decoded, tnauthlist_der_item());
	if (r == STIR_OK)
		*out = l;
	else
		tnauthlist_free(l);
	return r;
}

enum stir_reason tnauthlist_parse(struct span der, struct tnauthlist **out, struct err *why)
{
	return parse(der, INT_MAX, LIMIT_TNAUTHLIST_ENTRIES, out, why);
}

enum stir_reason tnauthlist_parse_reference(struct span der, struct tnauthlist **out, struct err *why)
{
	return parse(der, LIMIT_TNLIST_REFERENCE_BYTES, LIMIT_TNLIST_REFERENCE_ENTRIES, out, why);
}
