/*
 * What a probe was made from: everything its octets follow from, small enough
 * to travel inside it, twice, and checked by a digest of its own.
 *
 *     [stir-probe/1;KIND;SEED;MADE;FROM;TO,TO...;CHECK]
 *
 * SEED 16 hex digits, MADE seconds since 1970, addresses in base64url (a hop that
 * rewrites addresses must not see them), CHECK the first 12 hex digits of the
 * SHA-256 of all before its semicolon.  Behind the first slash, octets that none of this needs, such as
 * folds, are passed over on reading.
 */
#ifndef STIR_CTL_PROBE_RECIPE_H
#define STIR_CTL_PROBE_RECIPE_H

#include <stdint.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"

enum {
	/* Recipients: a group message of MMS has 20. */
	PROBE_RECIPE_TO_MAX = 20,
	/* One address; with 20 of them the recipe stays below 8 KB. */
	PROBE_RECIPE_ADDRESS_MAX = 254,
	PROBE_RECIPE_TEXT_MAX = 16 * 1024,
	/* The year 9999: Date has four digits for it. */
	PROBE_RECIPE_YEARS_END = 2932896
};

enum probe_recipe_kind {
	PROBE_RECIPE_PLAIN,  /* one text */
	PROBE_RECIPE_MMS,    /* a multipart; all that an MMS may hold */
	PROBE_RECIPE_HOSTILE /* and what a signer's check refuses */
};

struct probe_recipe {
	enum probe_recipe_kind kind;
	uint64_t seed;
	int64_t made;     /* seconds since 1970 */
	struct span from;
	struct span to[PROBE_RECIPE_TO_MAX];
	size_t nto;
};

/* "plain", "mms", "hostile". */
const char *probe_recipe_kind_name(enum probe_recipe_kind k);
/* 0, or -1 and *e with a suggestion. */
int probe_recipe_kind_parse(const char *text, enum probe_recipe_kind *out, struct err *e) MUST_USE;
/* Is it an address that a probe can have: visible ASCII, nothing that is more than an address? 0, or -1 and *e. */
int probe_recipe_address(struct span addr, const char *option, struct err *e) MUST_USE;

/* One line, brackets included. */
void probe_recipe_write(struct buf *out, const struct probe_recipe *r);
/*
 * The first recipe in the text that is whole. Addresses are in the arena.
 * 1; 0 when there is none; -1 when there is one, but damaged or of another version.
 */
int probe_recipe_find(struct span text, struct arena *a, struct probe_recipe *out) MUST_USE;

#endif
