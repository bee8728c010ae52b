/*
 * What many chains have in common, kept once: certificates of issuers and anchors,
 * the distribution points of siblings, large number lists.  Equal octets are one
 * item; it goes with its last reference.
 */
#ifndef STIR_CORE_CERTSHARE_H
#define STIR_CORE_CERTSHARE_H

#include <openssl/x509v3.h>

#include "core/siphash.h"
#include "core/tnauthlist.h"

struct certshare; /* opaque, counted, by its items too. Any thread. */

/* Immutable, but for users. */
struct certshare_item {
	X509 *x;                 /* or NULL */
	CRL_DIST_POINTS *points; /* those of x, or of another certificate; NULL: there are none */
	struct tnauthlist *list; /* or NULL */
	size_t octets;           /* of memory, about */
	size_t users;            /* of whoever keeps account of it, under a lock of its own */

	/* certshare.c's */
	struct certshare *home;
	struct certshare_item *next;
	struct siphash_sum key;
	size_t refs;
};

struct certshare *certshare_new(void) MUST_USE; /* NULL without memory */
void certshare_unref(struct certshare *s);      /* NULL is allowed */
/* How many items there are. */
size_t certshare_count(struct certshare *s);

/* Each gives a reference (certshare_drop()), or NULL without memory. */
/* A certificate, with its distribution points. */
struct certshare_item *certshare_cert(struct certshare *s, X509 *x) MUST_USE;
/* A copy of the list. */
struct certshare_item *certshare_list(struct certshare *s, const struct tnauthlist *l) MUST_USE;
/* The distribution points of x alone; *out is NULL when it has none that can be read. 0 / -1. */
int certshare_points(struct certshare *s, const X509 *x, struct certshare_item **out) MUST_USE;
/* A certificate of exactly those octets, if it is there (X509_free()); otherwise NULL. */
X509 *certshare_find(struct certshare *s, struct span der);
void certshare_drop(struct certshare_item *i); /* NULL is allowed */

#endif
