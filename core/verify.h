/*
 * The verification service (RFC 8224, 6.2) for one message.
 *
 * verify_begin() after the header: reads the Identity fields, does the checks
 * that cost nothing, and tells the message which digests the body needs.
 * verify_finish() after the body: the rest, cheapest first; a certificate is
 * asked for only by a token that passed every free check.
 */
#ifndef STIR_CORE_VERIFY_H
#define STIR_CORE_VERIFY_H

#include "core/certcache.h"
#include "core/message.h"
#include "core/stir_result.h"

enum verify_authority {
	VERIFY_AUTHORITY_TN,  /* the number itself must be listed */
	VERIFY_AUTHORITY_SPC, /* a provider certificate will do */
	VERIFY_AUTHORITY_ANY  /* also a certificate without a list; for pilots */
};
enum verify_content {
	VERIFY_CONTENT_ALWAYS,  /* msgc is compared whenever it is there */
	VERIFY_CONTENT_FALLBACK /* only when msgi doesn't match */
};

struct verify_params {
	struct certcache *certs;
	const struct trust *trust;
	uint32_t max_age_s;
	uint32_t max_skew_s;
	uint32_t fetch_wait_ms;
	bool dest_any;     /* partial and no cover are reported, not failed */
	bool require_msgi;
	bool hard_revocation;
	/* The token that speaks for the message is stale, for others, or outside its
	 * signer's authority: look all the same whether its signature and digests
	 * hold.  Reason, stage and detail stay those of the first failure. */
	bool go_on;
	enum verify_authority authority;
	enum verify_content content;
};

/* A token that names no digest could carry other content for as long as it is
 * fresh; its window is this, whatever max_age_s says (profile.md Q14). */
enum { VERIFY_UNBOUND_AGE_S = 60 };

struct verify; /* in the message's arena */

/* NULL when the arena is full. Borrows params and message. */
struct verify *verify_begin(const struct verify_params *params, struct mms_message *m) MUST_USE;

/*
 * After message_end().  now in seconds since 1970; now_ms monotonic, for the
 * certificate cache.  v may be NULL (then the result is STIR_NO_RESOURCE).
 * Fills *out; always a result.
 */
void verify_finish(struct verify *v, struct mms_message *m, int64_t now, int64_t now_ms, struct stir_result *out);

#endif
