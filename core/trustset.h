/*
 * Named trust domains: who may vouch, and what that is worth here.  Each has its
 * own anchors, revocation lists and rules; a chain belongs to the first one
 * whose anchors it leads to.  Never the system's roots.
 */
#ifndef STIR_CORE_TRUSTSET_H
#define STIR_CORE_TRUSTSET_H

#include "core/trust.h"

enum trust_authority {
	TRUST_AUTHORITY_TN,  /* the number itself must be listed */
	TRUST_AUTHORITY_SPC, /* a provider certificate will do */
	TRUST_AUTHORITY_ANY  /* also a certificate without a list; for pilots */
};

enum { TRUST_NAME_MAX = 32 };

struct trust_rules {
	char name[TRUST_NAME_MAX + 1]; /* letters, digits, '-', '_' */
	enum trust_authority authority;
	bool hard_revocation;
	/* The most by which a message vouched for by this domain may score better
	 * than 0, in hundredths, not negative (score ceiling: -1.00 is 100). */
	bool has_credit;
	int32_t credit;
};

struct trustset; /* counted; immutable once shared. Any thread. */

struct trustset *trustset_new(void) MUST_USE; /* NULL without memory */
/*
 * Add a domain; takes over *t, also on failure.  A name in use, or an anchor that
 * another domain has, is an error. 0, or -1 and *e.
 */
int trustset_add(struct trustset *s, const struct trust_rules *rules, struct trust *t, struct err *e) MUST_USE;
struct trustset *trustset_ref(struct trustset *s);
void trustset_unref(struct trustset *s); /* NULL is allowed */
size_t trustset_count(const struct trustset *s);
const struct trust_rules *trustset_rules(const struct trustset *s, size_t i);
struct trust *trustset_at(const struct trustset *s, size_t i);

/*
 * trust_check() with each domain until one accepts; the chain knows it then
 * (cert_chain_domain()).  Otherwise the reason and *why of the domain that got
 * furthest.  STIR_NO_RESOURCE of one ends it.
 */
enum stir_reason trustset_check(const struct trustset *s, struct cert_chain *c, struct err *why) MUST_USE;
/* The rules of the domain that accepted the chain; NULL before that. */
const struct trust_rules *trustset_rules_of(const struct trustset *s, const struct cert_chain *c);
/*
 * trust_revocation() by the chain's domain and its rules; *unknown: some
 * certificate below the anchor is covered by no current list.
 */
enum stir_reason trustset_revocation(const struct trustset *s, const struct cert_chain *c, int64_t iat, int64_t now, bool *unknown) MUST_USE;

#endif
