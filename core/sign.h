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
/* SIGN_SIGNED and SIGN_SIGNED_UNBOUND. */
bool sign_outcome_ok(enum sign_outcome o);

enum sign_unsafe { SIGN_UNSAFE_OMIT, SIGN_UNSAFE_SIGN, SIGN_UNSAFE_REJECT };

/* Whose name we sign in; all borrowed. Any thread. */
struct sign_params {
	struct key *key;
	const struct cert_chain *chain;
	struct span x5u;
	enum msgi_alg alg;
	bool content_digest; /* write msgc too */
	enum sign_unsafe unsafe;
};

struct sign_result {
	enum sign_outcome outcome;
	struct span value;   /* the Identity value, one line, in arena; only if signed */
	struct span detail;  /* a sentence for people, may be empty */
	unsigned unsafe;     /* enum content_unsafe bits found */
	size_t ndest, nblind; /* destinations named, blind recipients left out */
};

/*
 * After message_end_headers(): SIGN_SIGNED means "go on", and the message knows
 * which digests to make; any other outcome is final.
 */
enum sign_outcome sign_begin(const struct sign_params *p, struct mms_message *m);

/* After message_end(); only if sign_begin() said SIGN_SIGNED. now in seconds since 1970. */
void sign_finish(const struct sign_params *p, struct mms_message *m, int64_t now, struct sign_result *out);

#endif
