/*
 * What the files of policy/list*.c share: a list while it is read, and the
 * three shapes a finished one has.
 */
#ifndef STIR_POLICY_LIST_INTERNAL_H
#define STIR_POLICY_LIST_INTERNAL_H

#include <stdint.h>

#include "core/sortedkeys.h"
#include "policy/list.h"

enum {
	LIST_TEXT_MAX = 256,  /* octets of a text entry */
	LIST_HOST_MAX = 253,  /* RFC 1035, 2.3.4, as written */
	LIST_LABEL_MAX = 63,
	LIST_ERRORS_SAID = 20 /* of one list; then only their number */
};

/* --- ranges of numbers (list_ranges.c) */

/* As read; where: the line of the file, or the index of a literal. */
struct list_item {
	uint64_t lo, hi;
	uint32_t where;
};
struct list_items {
	struct list_item *v;
	size_t n, cap;
	bool disordered; /* not in ascending order as they came */
};
/* Sorted and disjoint; hi NULL: each is its lo alone. */
struct list_ranges {
	struct sortedkeys lo;
	uint64_t *hi;
};
/* Entries that say nothing new, and the first of them. */
struct list_redundant {
	size_t n;
	uint32_t first;
};
enum { LIST_NOT_FOUND = -1 };

void list_redundant_count(struct list_redundant *r, uint32_t where);
/* Makes room for one more element in an array that doubles. 0 / -1. */
int list_grow(void *array, size_t n, size_t *cap, size_t size) MUST_USE;
/* Gives the unused end of an array back. */
void list_shrink(void *array, size_t n, size_t size);
int list_items_add(struct list_items *s, struct list_item item) MUST_USE;
/* Sorts the items, frees them and leaves their union. single: each has lo == hi. 0 / -1. */
int list_ranges_make(struct list_ranges *out, struct list_items *s, bool single, struct list_redundant *r) MUST_USE;
/* Index of the range with key in it, or LIST_NOT_FOUND. */
int64_t list_ranges_find(const struct list_ranges *r, uint64_t key);
size_t list_ranges_bytes(const struct list_ranges *r);
void list_ranges_free(struct list_ranges *r);

/* --- networks of IPv6 (list_net.c) */

struct list_addr {
	uint64_t hi, lo;
};
struct list_net {
	struct list_addr from, to;
};
struct list_nets {
	struct list_net *v;
	size_t n;
};

/* --- texts (list_text.c) */

/* Open addressing; at: 1 + offset of the text in the pool, 0 for a free slot. */
struct list_slot {
	uint32_t hash, at;
};
struct list_pool {
	char *p; /* each text: two octets of length, the lower first, and its octets */
	size_t n, cap, count;
	struct list_slot *slot;
	size_t nslot; /* a power of two, or 0 */
	bool domains; /* some begin with a dot */
};

/* --- a list */

struct list {
	enum list_type type;
	size_t count;
	struct list_ranges number, range, prefix; /* TN */
	struct list_ranges v4;                    /* CIDR */
	struct list_nets v6;
	struct list_pool pool; /* HOST SPC TEXT */
};

/* A list while it is read. */
struct list_builder {
	struct list *l;
	struct list_items number, range, prefix, v4;
	struct list_net6 {
		struct list_net net;
		uint32_t where;
	} *v6;
	size_t n6, cap6;
	uint32_t *where; /* HOST: of each text in the pool */
	size_t nwhere, cap_where;
	struct list_redundant redundant;
	/* after -1: what is wrong with the entry, and at which octet of it; why empty: no memory */
	char why[160];
	size_t bad;
};

/* "why" with its place in the entry; returns -1. */
int list_wrong(struct list_builder *b, size_t bad, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* One entry as text or as a literal of the right kind, then the end. 0 / -1. */
int list_tn_entry(struct list_builder *b, struct span s, uint32_t where) MUST_USE;
int list_tn_value(struct list_builder *b, const struct ast_value *v, uint32_t where) MUST_USE;
int list_tn_finish(struct list_builder *b) MUST_USE;
int list_net_entry(struct list_builder *b, struct span s, uint32_t where) MUST_USE;
int list_net_value(struct list_builder *b, const struct ast_value *v, uint32_t where) MUST_USE;
int list_net_finish(struct list_builder *b) MUST_USE;
int list_text_entry(struct list_builder *b, struct span s, uint32_t where) MUST_USE;
int list_text_finish(struct list_builder *b) MUST_USE;

#endif
