/*
 * The authentication service (RFC 8224, 6.1) for one message: decides whether
 * it may be signed, and makes the Identity value.
 *
 * That the client may use our keys at all was decided before (engine/).
 */
#ifndef STIR_CORE_SIGN_H
#define STIR_CORE_SIGN_H

#include "core/cert.h"
#include "core/key.h"
#include "core/message.h"

enum sign_outcome {
#define SIGN_OUTCOME(id, name, sentence) SIGN_##id,
#include "core/sign_outcome.def"
#undef SIGN_OUTCOME
	SIGN_OUTCOME_COUNT
};
const char *sign_outcome_name(enum sign_outcome o);
const char *sign_outcome_sentence(enum sign_outcome o);
/* SIGN_SIGNED, SIGN_SIGNED_UNBOUND and SIGN_DIVERTED: there is a field to add. */
bool sign_outcome_ok(enum sign_outcome o);

/* How old the token of a message that is diverted may be, unless said otherwise; and
 * how far ahead of us. */
enum { SIGN_DIVERT_AGE_S = 60 };

/*
 * May a token for that number be signed with that certificate: does its TNAuthList
 * have the number, or name a provider?
 */
bool sign_covers(const struct cert_chain *chain, const struct tn *number);

/* Octets in the jti claim. */
enum { SIGN_JTI_BYTES = 12 };

enum sign_unsafe { SIGN_UNSAFE_OMIT, SIGN_UNSAFE_SIGN, SIGN_UNSAFE_REJECT };

/* Whose name we sign in; all borrowed. Any thread. */
struct sign_params {
	struct key *key;
	const struct cert_chain *chain;
	struct span x5u;
	enum msgi_alg alg;
	bool content_digest; /* write msgc too */
	enum sign_unsafe unsafe;
	/*
	 * A message that is signed already and was forwarded from exactly one number
	 * that our certificate lists gets a div token (RFC 8946): div is that number,
	 * dest all recipients whom no token names, orig and iat those of the msg token.
	 * Without it such a message is left alone (SIGN_ALREADY).  All new recipients
	 * read each other's numbers in dest: not for lists whose members are secret.
	 */
	bool divert;
	uint32_t divert_max_age_s; /* 0: SIGN_DIVERT_AGE_S */
};

struct sign_result {
	enum sign_outcome outcome;
	struct span value;   /* the Identity value, one line, in arena; only if signed */
	struct span detail;  /* a sentence for people, may be empty */
	unsigned unsafe;     /* enum content_unsafe bits found */
	size_t ndest, nblind; /* destinations named, blind recipients left out */
};

/*
 * What needs no key to tell, and is told first: is it a message that anybody would
 * sign, and not signed yet (but for diversions)?  After message_end_headers();
 * SIGN_SIGNED means "go on".
 */
enum sign_outcome sign_concerns(const struct mms_message *m, bool divert);

/*
 * After message_end_headers(): SIGN_SIGNED means "go on", and the message knows
 * which digests to make; any other outcome is final.
 */
enum sign_outcome sign_begin(const struct sign_params *p, struct mms_message *m);

/* After message_end(); only if sign_begin() said SIGN_SIGNED. now in seconds since 1970. */
void sign_finish(const struct sign_params *p, struct mms_message *m, int64_t now, struct sign_result *out);

#endif
