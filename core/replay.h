/*
 * Was this token used before for this recipient (profile.md Q13, Q14; RFC 8224,
 * 12.1)?
 *
 * Keyed on the token's signing input (header "." payload; signatures are
 * malleable) and one recipient in canonical form, by a keyed hash: a store learns
 * no number.  The value says which delivery used it, so that a client's retry of
 * the same message is told from a second use.
 */
#ifndef STIR_CORE_REPLAY_H
#define STIR_CORE_REPLAY_H

#include <stdint.h>

#include "core/message.h"
#include "core/stir_result.h"
#include "core/store.h"

enum {
	REPLAY_SECRET_BYTES = 32,
	/* A retry of the same delivery within that time is a duplicate. */
	REPLAY_DUPLICATE_S = 3600
};

/* Immutable; the store is borrowed. Any thread. */
struct replay {
	struct store *store;
	unsigned char secret[REPLAY_SECRET_BYTES];
	/*
	 * How long one message may wait for the store in all, whatever the number of its
	 * recipients and tokens; what is under way then may still take the store's own
	 * timeout.  clock_ms NULL: without bound.
	 */
	int64_t patience_ms;
	int64_t (*clock_ms)(void); /* monotonic */
	/* Told how long the store took for each answer, in microseconds of clock_us; from any thread. May be NULL. */
	void (*asked)(void *arg, int64_t us);
	int64_t (*clock_us)(void); /* monotonic; with asked */
	/* Told why, each time that it can't be known or recorded; from any thread. May be NULL. */
	void (*unknown)(void *arg, const struct err *why);
	void *arg;
};

/*
 * Which delivery this is: its Message-ID, the SHA-256 of its raw body and the
 * client's address (none: empty), hashed with the secret.
 */
struct replay_delivery {
	unsigned char id[12];
	int64_t waited_ms; /* for the store so far */
};
/*
 * After message_end(), with MSGI_SHA256 wanted and not yet ended by
 * msgi_stream_value(); leaves the digest as it is. 0, or -1 when a hash failed.
 */
int replay_delivery(const struct replay *r, const struct mms_message *m, struct replay_delivery *out) MUST_USE;
/* The same for one who has the digest of the raw body already. */
int replay_delivery_of(const struct replay *r, const struct mms_message *m, const struct msgi_value *raw, struct replay_delivery *out) MUST_USE;

/*
 * Looks, writes nothing.  The worst over the recipients: REPLAYED, UNKNOWN (the
 * store did not answer, or has been waited for long enough; *e), DUPLICATE, NEW.
 * Stops at the first REPLAYED or UNKNOWN.
 */
enum stir_replay replay_look(const struct replay *r, struct span signing_input, const struct mms_rcpt *rcpt, size_t n,
			     struct replay_delivery *d, int64_t now, struct err *e) MUST_USE;
/*
 * Records the use, when the message is let go on: the same answers, and REPLAYED
 * when another one was faster.  ttl_s: at least as long as the token will be
 * fresh.  Recipients after a replayed one are recorded all the same; a store that
 * did not answer is not asked again, since each try may cost its timeout.  A
 * recipient that is named twice counts once.
 */
enum stir_replay replay_record(const struct replay *r, struct span signing_input, const struct mms_rcpt *rcpt, size_t n,
			       struct replay_delivery *d, int64_t now, uint32_t ttl_s, struct err *e) MUST_USE;

#endif
