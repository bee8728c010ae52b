/*
 * Chains of diversion (RFC 8946, 4.2): which div tokens lead from the
 * destinations of a base token to somebody else.
 *
 * Only what the claims say.  Whether a token is fresh, signed, and by whose
 * right, is asked elsewhere; a token that fails there is marked out, and the
 * chains are worked out again without it.
 */
#ifndef STIR_CORE_DIVCHAIN_H
#define STIR_CORE_DIVCHAIN_H

#include "core/limits.h"
#include "core/passport.h"

struct divchain_token {
	const struct passport *p; /* a div token whose claims were read; its type is not asked */
	bool out;                 /* not to be used */
	/* set by divchain_link() */
	unsigned depth;           /* how many diversions from the base token; 0: it is in no chain */
};

enum divchain_flaw {
	DIVCHAIN_WHOLE,
	DIVCHAIN_OUT,      /* no token is left */
	DIVCHAIN_ORIG,     /* a token names another originator than the base token */
	DIVCHAIN_UNLINKED, /* a token diverts from somebody whom no earlier one names */
	DIVCHAIN_LONG,     /* more than LIMIT_DIV_CHAIN diversions */
	DIVCHAIN_ELSEWHERE /* the chains lead to others than asked for */
};
/* A sentence for people; empty for DIVCHAIN_WHOLE. */
const char *divchain_flaw_sentence(enum divchain_flaw f);

/*
 * Fill in the depths; tokens in any order.  A token belongs to a chain when its
 * div is a dest of the base token, or of a token that belongs to one; its orig is
 * the base token's; and it is at most LIMIT_DIV_CHAIN diversions away.  Loops end
 * by themselves: a token has one depth, the least.
 */
void divchain_link(const struct passport *base, struct divchain_token *t, size_t n);

/* Does the token's dest name the party? */
bool divchain_names(const struct passport *p, const struct party *who);

/*
 * After divchain_link(): the shortest chain to who, the outermost token (which
 * names who) first.  How many tokens, their indices in path; 0 when there is
 * none.
 */
size_t divchain_path(const struct divchain_token *t, size_t n, const struct party *who, size_t path[LIMIT_DIV_CHAIN]);

/* After divchain_link(), when there is no path to who: the rule that is broken. */
enum divchain_flaw divchain_flaw(const struct passport *base, const struct divchain_token *t, size_t n, const struct party *who);

#endif
