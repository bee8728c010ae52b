/*
 * The verification service (RFC 8224, 6.2) for one message.
 *
 * verify_begin() after the header: reads the Identity fields, does the checks
 * that cost nothing, and tells the message which digests the body needs.
 * verify_finish() after the body: the rest, cheapest first; a certificate is
 * asked for only by a token that passed every free check.
 *
 * Only msg tokens speak for a message.  div tokens (RFC 8946) are looked at when
 * one of those does not name all recipients: chains of them that hold make up
 * for that.  A div token that is broken, or no link of such a chain, changes
 * nothing where it is not needed.
 */
#ifndef STIR_CORE_VERIFY_H
#define STIR_CORE_VERIFY_H

#include "core/certcache.h"
#include "core/message.h"
#include "core/replay.h"
#include "core/spctable.h"
#include "core/stir_result.h"
#include "core/trustset.h"

enum verify_content {
	VERIFY_CONTENT_ALWAYS,  /* msgc is compared whenever it is there */
	VERIFY_CONTENT_FALLBACK /* only when msgi doesn't match */
};

struct verify_params {
	struct certcache *certs;
	const struct trustset *trust;
	const struct spctable *spcs;  /* or NULL */
	const struct replay *replay;  /* or NULL: off */
	uint32_t max_age_s;
	uint32_t max_skew_s;
	uint32_t fetch_wait_ms;
	bool dest_any;     /* partial and no cover are reported, not failed */
	bool require_msgi;
	bool keep_chain; /* stir_check.chain_pem is wanted (evidence) */
	/* The token that speaks for the message is stale, for others, or outside its
	 * signer's authority: look all the same whether its signature and digests
	 * hold.  Reason, stage and detail stay those of the first failure. */
	bool go_on;
	enum verify_content content;
};

/* A token that names no digest could carry other content for as long as it is
 * fresh; its window is this, whatever max_age_s says (profile.md Q14). */
enum { VERIFY_UNBOUND_AGE_S = 60 };

struct verify; /* in the message's arena */

/*
 * NULL when the arena is full. Borrows params and message.  The checks that are
 * free of cost are done, and for a token that passed them all the certificate is
 * asked for (certcache_start()), so that it comes while the body still arrives.
 */
struct verify *verify_begin(const struct verify_params *params, struct mms_message *m, struct certcache_time t) MUST_USE;

/*
 * After message_end().  v may be NULL (then the result is STIR_NO_RESOURCE).
 * Waits for certificates until fetch_wait_ms after t.ms at most, however many
 * tokens there are.  Fills *out; always a result.
 */
void verify_finish(struct verify *v, struct mms_message *m, struct certcache_time t, struct stir_result *out);

/*
 * The message is let go on: record that its best token was used, and with it every
 * other one that would have passed.  True when that
 * changed the result, because another delivery was faster (STIR_REPLAYED, or
 * replay duplicate), or because the store did not answer (replay unknown): the
 * caller judges again.
 * Nothing to do, false, without a replay store or when the message does not pass.
 */
bool verify_record(struct verify *v, struct mms_message *m, struct certcache_time t, struct stir_result *out);

#endif
