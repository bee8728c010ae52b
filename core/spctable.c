/*
 * The table of providers' numbers: CSV in, sorted ranges.
 *
 * A number and its length are one 64-bit key (lengths never mix), so a range is
 * two keys and its provider, in an array each: a look-up reads many first keys,
 * and one of the others.  Providers are numbered as they come; their names are
 * kept once.
 */
#include "config.h"

#include "core/spctable.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/printable.h"
#include "core/sortedkeys.h"

enum { FIELDS = 3 };

/* While the file is read. */
struct range {
	uint64_t first, last; /* tn_key() */
	uint32_t provider, line;
};

struct provider {
	uint32_t at; /* in names */
	uint32_t n;
};

struct spctable {
	atomic_uint refs;
	/* Ranges: sorted, disjoint, those of one provider not even touching. */
	struct sortedkeys first;
	uint64_t *last;
	uint32_t *provider;
	size_t rows;
	struct provider *providers;
	size_t n_providers, cap_providers;
	struct buf names;
	uint32_t *slots; /* provider + 1, 0: free; a power of two, at most half full */
	size_t n_slots;
};

/* --- providers -------------------------------------------------------------- */

static struct span name_of(const struct spctable *t, uint32_t provider)
{
	const struct provider *p = &t->providers[provider];

	return span_make(t->names.p + p->at, p->n);
}

/* FNV-1a; the file is the operator's, so nobody looks for collisions. */
static size_t hash_of(struct span s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

/* The slot of spc, or the free one where it would stand. */
static size_t slot_of(const struct spctable *t, struct span spc)
{
	size_t i = hash_of(spc) & (t->n_slots - 1);

	while (t->slots[i] && !span_eq(name_of(t, t->slots[i] - 1), spc))
		i = (i + 1) & (t->n_slots - 1);
	return i;
}

static int grow_slots(struct spctable *t)
{
	size_t n = t->n_slots ? t->n_slots * 2 : 64;
	uint32_t *slots = calloc(n, sizeof *slots);

	if (!slots)
		return -1;
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	for (size_t i = 0; i < t->n_providers; i++)
		t->slots[slot_of(t, name_of(t, (uint32_t)i))] = (uint32_t)i + 1;
	return 0;
}

static int grow_providers(struct spctable *t)
{
	size_t cap = t->cap_providers ? t->cap_providers * 2 : 32;
	struct provider *p = realloc(t->providers, cap * sizeof *p);

	if (!p)
		return -1;
	t->providers = p;
	t->cap_providers = cap;
	return 0;
}

/* The number of spc, a new one if need be; -1 without memory. */
static int provider_of(struct spctable *t, struct span spc, uint32_t *out)
{
	size_t slot;

	if (2 * (t->n_providers + 1) > t->n_slots && grow_slots(t))
		return -1;
	slot = slot_of(t, spc);
	if (!t->slots[slot]) {
		if (t->n_providers == t->cap_providers && grow_providers(t))
			return -1;
		t->providers[t->n_providers] = (struct provider){(uint32_t)t->names.n, (uint32_t)spc.n};
		if (buf_put_span(&t->names, spc))
			return -1;
		t->slots[slot] = (uint32_t)++t->n_providers;
	}
	*out = t->slots[slot] - 1;
	return 0;
}

/* --- one line ------------------------------------------------------------------ */

struct reader {
	const char *name;
	struct spctable *t;
	struct range *ranges;
	size_t n;
	struct span line;
	size_t number;               /* of the line, from 1 */
	struct span field[FIELDS];   /* without quotes; views into line */
	char unquoted[LIMIT_SPC_BYTES + 1]; /* an SPC that had doubled quotes */
	struct err *e;
};

static int fail_at(const struct reader *r, const char *at, const char *what)
{
	return err_set(r->e, ERR_DATA, "%s:%zu:%zu: %s", r->name, r->number, (size_t)(at - r->line.p) + 1, what);
}

static int no_memory(const struct reader *r)
{
	return err_set(r->e, ERR_UNAVAILABLE, "%s: out of memory", r->name);
}

static struct span skip_blanks(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_skip(s, 1);
	return s;
}

/* The number of octets up to the quote that ends it, s behind the first; s.n: there is none. */
static size_t quoted_length(struct span s)
{
	size_t i = 0;

	for (; i < s.n; i++) {
		if (s.p[i] != '"')
			continue;
		if (i + 1 >= s.n || s.p[i + 1] != '"')
			break;
		i++;
	}
	return i;
}

/* Cuts field k off *rest, with the blanks around it. */
static int cut_field(struct reader *r, size_t k, struct span *rest)
{
	struct span s = skip_blanks(*rest);

	if (s.n && s.p[0] == '"') {
		size_t n = quoted_length(span_skip(s, 1));

		if (n + 1 >= s.n)
			return fail_at(r, s.p, "a quote that is not closed");
		r->field[k] = span_make(s.p + 1, n);
		*rest = skip_blanks(span_skip(s, n + 2));
		return 0;
	}
	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] == '"')
			return fail_at(r, s.p + i, "a quote inside a field");
		/* '#' ends the last field only: an SPC may hold one. */
		if (i == s.n || s.p[i] == ',' || (k + 1 == FIELDS && s.p[i] == '#')) {
			r->field[k] = span_trim(span_take(s, i));
			if (!r->field[k].n)
				r->field[k].p = s.p;
			*rest = span_make(s.p + i, s.n - i);
			break;
		}
	}
	return 0;
}

static int cut_line(struct reader *r)
{
	struct span rest = r->line;

	for (size_t i = 0; i < r->line.n; i++)
		if ((unsigned char)r->line.p[i] < 0x20 && r->line.p[i] != '\t')
			return fail_at(r, r->line.p + i, "a control character");
	for (size_t k = 0; k < FIELDS; k++) {
		if (cut_field(r, k, &rest))
			return -1;
		if (k + 1 < FIELDS) {
			if (!rest.n || rest.p[0] != ',')
				return fail_at(r, rest.p, "a line is \"spc,start,count\"; a comma is missing");
			rest = span_skip(rest, 1);
		}
	}
	if (rest.n && rest.p[0] != '#')
		return fail_at(r, rest.p, "more than \"spc,start,count\"");
	return 0;
}

static int read_spc(struct reader *r, struct span *out)
{
	struct span s = r->field[0];
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++, n++) {
		if (n == LIMIT_SPC_BYTES)
			return fail_at(r, s.p, "the SPC is too long");
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return fail_at(r, s.p + i, "the SPC is not printable ASCII");
		r->unquoted[n] = s.p[i];
		/* Doubled, by quoted_length(). */
		i += s.p[i] == '"';
	}
	if (n == 0)
		return fail_at(r, s.p, "the SPC is empty");
	*out = span_make(r->unquoted, n);
	return 0;
}

static int read_digits(const struct reader *r, struct span s, const char *what, uint64_t *out)
{
	*out = 0;
	if (s.n == 0 || s.n > TN_MAX_DIGITS)
		return fail_at(r, s.p, what);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return fail_at(r, s.p + i, what);
		*out = *out * 10 + (uint64_t)(s.p[i] - '0');
	}
	return 0;
}

static int read_range(struct reader *r)
{
	struct span spc, start = r->field[1];
	uint64_t first, count;
	struct range *to;

	if (start.n && start.p[0] == '+')
		start = span_skip(start, 1);
	if (read_spc(r, &spc) || read_digits(r, start, "start is not 1 to 15 digits", &first) ||
	    read_digits(r, r->field[2], "count is not a number of at most 15 digits", &count))
		return -1;
	if (count == 0)
		return fail_at(r, r->field[2].p, "count is 0");
	if (count > tn_count(start.n) - first)
		return fail_at(r, r->field[2].p, "the range runs past the length of its start");
	if (r->n == LIMIT_SPC_RANGES)
		return fail_at(r, r->line.p, "too many ranges");
	to = &r->ranges[r->n];
	to->first = tn_key(start.n, first);
	to->last = tn_key(start.n, first + count - 1);
	to->line = (uint32_t)r->number;
	if (provider_of(r->t, spc, &to->provider))
		return no_memory(r);
	r->n++;
	return 0;
}

static bool is_heading(const struct reader *r)
{
	return span_caseis(r->field[0], "spc") && span_caseis(r->field[1], "start") && span_caseis(r->field[2], "count");
}

static int read_line(struct reader *r, bool *heading)
{
	struct span s = skip_blanks(r->line);

	if (!s.n || s.p[0] == '#')
		return 0;
	if (cut_line(r))
		return -1;
	if (*heading && is_heading(r)) {
		*heading = false;
		return 0;
	}
	*heading = false;
	return read_range(r);
}

/* --- the whole --------------------------------------------------------------- */

static size_t count_lines(struct span s)
{
	size_t n = 1;

	for (; s.n; n++) {
		(void)span_cut(&s, '\n');
		if (n == LIMIT_SPC_RANGES)
			break;
	}
	return n;
}

static int read_lines(struct reader *r, struct span csv)
{
	bool heading = true;

	if (span_starts(csv, "\xef\xbb\xbf"))
		csv = span_skip(csv, 3);
	while (csv.n) {
		r->line = span_cut(&csv, '\n');
		r->number++;
		if (r->line.n && r->line.p[r->line.n - 1] == '\r')
			r->line.n--;
		if (read_line(r, &heading))
			return -1;
	}
	return 0;
}

static int range_cmp(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	/* Which of two is named in an error does not depend on the sort. */
	return x->line < y->line ? -1 : x->line > y->line;
}

static int say_overlap(const struct reader *r, const struct range *a, const struct range *b)
{
	const struct range *early = a->line < b->line ? a : b, *late = a->line < b->line ? b : a;
	struct buf x, y;

	buf_init(&x, 4 * LIMIT_SPC_BYTES + 1);
	buf_init(&y, 4 * LIMIT_SPC_BYTES + 1);
	printable_put(&x, name_of(r->t, late->provider), "\"");
	printable_put(&y, name_of(r->t, early->provider), "\"");
	(void)err_set(r->e, ERR_DATA, "%s:%u:1: numbers of \"%.*s\" are in a range of \"%.*s\" too, line %u", r->name, late->line,
		      SPAN_ARG(buf_span(&x)), SPAN_ARG(buf_span(&y)), early->line);
	buf_free(&x);
	buf_free(&y);
	return -1;
}

/* The one that reaches furthest so far overlaps if any does. */
static int check_overlaps(const struct reader *r)
{
	const struct range *v = r->ranges, *far = v;

	for (size_t i = 1; i < r->n; i++) {
		if (v[i].first <= far->last && v[i].provider != far->provider)
			return say_overlap(r, far, &v[i]);
		if (v[i].last > far->last)
			far = &v[i];
	}
	return 0;
}

static void merge(struct reader *r)
{
	struct range *v = r->ranges;
	size_t kept = 0;

	r->t->rows = r->n;
	for (size_t i = 1; i < r->n; i++) {
		if (v[i].provider == v[kept].provider && v[i].first <= v[kept].last + 1)
			v[kept].last = v[i].last > v[kept].last ? v[i].last : v[kept].last;
		else
			v[++kept] = v[i];
	}
	if (r->n)
		r->n = kept + 1;
}

/* The form that is asked. */
static int keep(struct reader *r)
{
	struct spctable *t = r->t;

	t->last = sortedkeys_beside(r->n, sizeof *t->last);
	t->provider = sortedkeys_beside(r->n, sizeof *t->provider);
	if (sortedkeys_init(&t->first, r->n) || !t->last || !t->provider)
		return no_memory(r);
	for (size_t i = 0; i < r->n; i++) {
		t->first.key[i] = r->ranges[i].first;
		t->last[i] = r->ranges[i].last;
		t->provider[i] = r->ranges[i].provider;
	}
	sortedkeys_seal(&t->first);
	return 0;
}

static bool is_sorted(const struct reader *r)
{
	for (size_t i = 1; i < r->n; i++)
		if (range_cmp(&r->ranges[i - 1], &r->ranges[i]) > 0)
			return false;
	return true;
}

static int read_table(struct reader *r, struct span csv)
{
	size_t lines = count_lines(csv);

	if (csv.n > LIMIT_TABLE_BYTES)
		return err_set(r->e, ERR_DATA, "%s: too many octets", r->name);
	buf_init(&r->t->names, LIMIT_TABLE_BYTES);
	r->ranges = malloc(lines * sizeof *r->ranges);
	if (!r->ranges || grow_slots(r->t))
		return no_memory(r);
	if (read_lines(r, csv))
		return -1;
	if (!is_sorted(r))
		qsort(r->ranges, r->n, sizeof *r->ranges, range_cmp);
	if (check_overlaps(r))
		return -1;
	merge(r);
	return keep(r);
}

int spctable_parse(const char *name, struct span csv, struct spctable **out, struct err *e)
{
	struct reader r = {.name = name, .e = e};
	int rc;

	*out = NULL;
	r.t = calloc(1, sizeof *r.t);
	if (!r.t)
		return no_memory(&r);
	atomic_init(&r.t->refs, 1);
	rc = read_table(&r, csv);
	free(r.ranges);
	if (rc)
		spctable_unref(r.t);
	else
		*out = r.t;
	return rc;
}

struct spctable *spctable_ref(struct spctable *t)
{
	if (t)
		atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void spctable_unref(struct spctable *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	sortedkeys_free(&t->first);
	free(t->last);
	free(t->provider);
	free(t->providers);
	free(t->slots);
	buf_free(&t->names);
	free(t);
}

size_t spctable_count(const struct spctable *t)
{
	return t->rows;
}

size_t spctable_providers(const struct spctable *t)
{
	return t->n_providers;
}

/* --- asking ------------------------------------------------------------------- */

/* The key of a number of digits only. */
static bool key_of_tn(const struct tn *number, uint64_t *key)
{
	uint64_t v;

	if (!tn_value(number, &v))
		return false;
	*key = tn_key(number->n, v);
	return true;
}

/* Is key in a range, and in which? */
static bool find_range(const struct spctable *t, uint64_t key, size_t *at)
{
	size_t n = sortedkeys_from(&t->first, key);

	sortedkeys_fetch(t->last, n, sizeof *t->last);
	sortedkeys_fetch(t->provider, n, sizeof *t->provider);
	n = sortedkeys_upto_from(&t->first, key, n);
	*at = n - 1;
	return n && key <= t->last[n - 1];
}

/* The number of a provider + 1; 0: the table has no such. */
static uint32_t find_provider(const struct spctable *t, struct span spc)
{
	return t ? t->slots[slot_of(t, spc)] : 0;
}

enum spctable_answer spctable_look(const struct spctable *t, struct span spc, const struct tn *number)
{
	return spctable_look_range(t, spc, number, 1);
}

enum spctable_answer spctable_look_range(const struct spctable *t, struct span spc, const struct tn *start, uint64_t count)
{
	uint32_t provider = find_provider(t, spc);
	uint64_t key;
	size_t at;

	if (!provider)
		return SPCTABLE_UNKNOWN;
	if (!count || !key_of_tn(start, &key) || !find_range(t, key, &at))
		return SPCTABLE_OUTSIDE;
	return t->provider[at] == provider - 1 && t->last[at] - key >= count - 1 ? SPCTABLE_COVERS : SPCTABLE_OUTSIDE;
}

/* Ranges of several providers, one after the other. */
static bool covers_together(const struct spctable *t, const struct tnauthlist *list, const struct tn *start, uint64_t count)
{
	uint64_t key;
	size_t at;

	if (!t || count == 0 || !key_of_tn(start, &key))
		return false;
	for (;;) {
		if (!find_range(t, key, &at) || !tnauthlist_has_spc(list, name_of(t, t->provider[at])))
			return false;
		if (t->last[at] - key >= count - 1)
			return true;
		count -= t->last[at] - key + 1;
		key = t->last[at] + 1;
	}
}

enum spctable_answer spctable_look_list(const struct spctable *t, const struct tnauthlist *list, const struct tn *start,
					uint64_t count)
{
	if (covers_together(t, list, start, count))
		return SPCTABLE_COVERS;
	for (size_t i = 0; i < tnauthlist_count(list); i++) {
		struct tnauthlist_entry e = tnauthlist_at(list, i);

		if (e.kind == TNENTRY_SPC && !find_provider(t, e.spc))
			return SPCTABLE_UNKNOWN;
	}
	return SPCTABLE_OUTSIDE;
}
