/*
 * Hosts, service provider codes and texts in a list: one pool of octets and a
 * hash table of places in it.
 *
 * The hash runs from the last octet to the first, so that one pass over a host
 * name has the hash of each domain it is in.
 */
#include "config.h"

#include "policy/list_internal.h"

#include <stdlib.h>

#include "core/limits.h"

enum {
	LENGTH_BYTES = 2,
	KEY_MAX = LIST_TEXT_MAX > LIST_HOST_MAX + 1 ? LIST_TEXT_MAX : LIST_HOST_MAX + 1,
	FIRST_SLOTS = 64 /* a power of two */
};

#define HASH_START UINT64_C(0xcbf29ce484222325)
#define HASH_STEP UINT64_C(0x100000001b3)
#define HASH_MIX UINT64_C(0x9e3779b97f4a7c15)

/* FNV-1a.  The texts are the operator's, so no sender can make them fall together. */
static uint64_t hash_step(uint64_t h, char c)
{
	return (h ^ (unsigned char)c) * HASH_STEP;
}

static uint32_t hash_end(uint64_t h)
{
	h ^= h >> 32;
	return (uint32_t)(h * HASH_MIX >> 32);
}

static char fold(enum list_type t, char c)
{
	if (t == LIST_HOST)
		return span_lower(c);
	if (t == LIST_SPC && c >= 'a' && c <= 'z')
		return (char)(c - ('a' - 'A'));
	return c;
}

static struct span text_at(const struct list_pool *p, uint32_t at)
{
	const unsigned char *q = (const unsigned char *)p->p + (at - 1);

	return span_make(q + LENGTH_BYTES, (size_t)q[0] | (size_t)q[1] << 8);
}

/* The slot of that text, or the free one where it would go. */
static struct list_slot *slot_of(const struct list_pool *p, struct span s, uint32_t hash)
{
	size_t mask = p->nslot - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct list_slot *slot = &p->slot[i];

		if (!slot->at || (slot->hash == hash && span_eq(text_at(p, slot->at), s)))
			return slot;
	}
}

static bool has(const struct list_pool *p, struct span s, uint64_t h)
{
	return p->nslot && slot_of(p, s, hash_end(h))->at;
}

/* A quarter of the slots stays free. */
static int room_for_slot(struct list_pool *p)
{
	size_t n = p->nslot ? 2 * p->nslot : FIRST_SLOTS;
	struct list_slot *grown;

	if (4 * (p->count + 1) <= 3 * p->nslot)
		return 0;
	grown = calloc(n, sizeof *grown);
	if (!grown)
		return -1;
	for (size_t i = 0; i < p->nslot; i++) {
		size_t k = p->slot[i].hash & (n - 1);

		if (!p->slot[i].at)
			continue;
		while (grown[k].at)
			k = (k + 1) & (n - 1);
		grown[k] = p->slot[i];
	}
	free(p->slot);
	p->slot = grown;
	p->nslot = n;
	return 0;
}

static int room_for_text(struct list_pool *p, size_t n)
{
	while (p->cap - p->n < n)
		if (list_grow(&p->p, p->cap, &p->cap, 1) < 0)
			return -1;
	return 0;
}

/* 1 added, 0 it was there, -1 no memory. */
static int pool_add(struct list_pool *p, struct span s)
{
	uint64_t h = HASH_START;
	struct list_slot *slot;

	if (room_for_slot(p) < 0 || room_for_text(p, LENGTH_BYTES + s.n) < 0)
		return -1;
	for (size_t i = s.n; i--;)
		h = hash_step(h, s.p[i]);
	slot = slot_of(p, s, hash_end(h));
	if (slot->at)
		return 0;
	*slot = (struct list_slot){hash_end(h), (uint32_t)p->n + 1};
	p->p[p->n++] = (char)(s.n & 0xFF);
	p->p[p->n++] = (char)(s.n >> 8);
	memcpy(p->p + p->n, s.p, s.n);
	p->n += s.n;
	p->count++;
	return 1;
}

/* --- what an entry may be */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int check_host(struct list_builder *b, struct span s)
{
	static const char unicode[] = "an internationalised name is written in its xn-- form";
	static const char other[] = "a host name has letters, digits, hyphens and dots";
	size_t dot = s.p[0] == '.', label = 0;

	if (s.n - dot > LIST_HOST_MAX)
		return list_wrong(b, dot + LIST_HOST_MAX, "a host name has at most %d octets", LIST_HOST_MAX);
	for (size_t i = dot; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (!label)
				return list_wrong(b, i, "there is nothing between two dots");
			label = 0;
		} else if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_') {
			return list_wrong(b, i, "%s", (unsigned char)s.p[i] >= 0x80 ? unicode : other);
		} else if (++label > LIST_LABEL_MAX) {
			return list_wrong(b, i, "between two dots there are at most %d octets", LIST_LABEL_MAX);
		}
	}
	return label ? 0 : list_wrong(b, s.n - 1, "a host name has no dot at its end");
}

static int check_spc(struct list_builder *b, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return list_wrong(b, i, "a service provider code has letters, digits and hyphens");
	return s.n <= LIMIT_SPC_BYTES ? 0 : list_wrong(b, LIMIT_SPC_BYTES, "a service provider code has at most %d octets", LIMIT_SPC_BYTES);
}

static int check_text(struct list_builder *b, struct span s)
{
	return s.n <= LIST_TEXT_MAX ? 0 : list_wrong(b, LIST_TEXT_MAX, "a text has at most %d octets", LIST_TEXT_MAX);
}

int list_text_entry(struct list_builder *b, struct span s, uint32_t where)
{
	enum list_type t = b->l->type;
	struct list_pool *p = &b->l->pool;
	char key[KEY_MAX];
	int rc;

	if (!s.n)
		return list_wrong(b, 0, "an entry is not empty");
	rc = t == LIST_HOST ? check_host(b, s) : t == LIST_SPC ? check_spc(b, s) : check_text(b, s);
	if (rc < 0)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		key[i] = fold(t, s.p[i]);
	rc = pool_add(p, span_make(key, s.n));
	if (!rc)
		list_redundant_count(&b->redundant, where);
	if (rc <= 0 || t != LIST_HOST)
		return rc < 0 ? -1 : 0;
	p->domains = p->domains || key[0] == '.';
	if (list_grow(&b->where, b->nwhere, &b->cap_where, sizeof *b->where) < 0)
		return -1;
	b->where[b->nwhere++] = where;
	return 0;
}

/* --- looking up */

/*
 * Is the name in a domain of the list?  Leaves the hash of the whole name, and
 * the name in lower case in key.
 */
static bool in_domain(const struct list_pool *p, enum list_type t, struct span s, char *key, uint64_t *h)
{
	for (size_t i = s.n; i--;) {
		key[i] = fold(t, s.p[i]);
		*h = hash_step(*h, key[i]);
		if (i && key[i] == '.' && p->domains && has(p, span_make(key + i, s.n - i), *h))
			return true;
	}
	return false;
}

bool list_contains_text(const struct list *l, struct span s)
{
	uint64_t h = HASH_START;
	char key[KEY_MAX];

	if (l->type == LIST_HOST) {
		if (s.n && s.p[s.n - 1] == '.')
			s.n--;
		if (!s.n || s.n > LIST_HOST_MAX || s.p[0] == '.')
			return false;
	}
	if (s.n > KEY_MAX || !l->pool.count)
		return false;
	return in_domain(&l->pool, l->type, s, key, &h) || has(&l->pool, span_make(key, s.n), h);
}

/* Hosts within a domain of the same list: the domain may have come later, so they are sought at the end. */
static void count_covered(struct list_builder *b)
{
	const struct list_pool *p = &b->l->pool;
	uint32_t at = 1;

	for (size_t k = 0; k < b->nwhere; k++) {
		struct span s = text_at(p, at);
		uint64_t h = HASH_START;
		char key[KEY_MAX];

		if (in_domain(p, LIST_HOST, s, key, &h))
			list_redundant_count(&b->redundant, b->where[k]);
		at += (uint32_t)(LENGTH_BYTES + s.n);
	}
}

int list_text_finish(struct list_builder *b)
{
	struct list_pool *p = &b->l->pool;

	if (p->domains)
		count_covered(b);
	list_shrink(&p->p, p->n, 1);
	p->cap = p->n;
	return 0;
}
