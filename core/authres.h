/*
 * Authentication-Results (RFC 8601): writing ours, and recognising fields that
 * pretend to be ours.
 */
#ifndef STIR_CORE_AUTHRES_H
#define STIR_CORE_AUTHRES_H

#include "core/buf.h"
#include "core/stir_result.h"

/* The method name until one is registered. */
#define AUTHRES_METHOD "x-stir"

/*
 * Does this Authentication-Results value claim to be a result of our method by
 * our host?  Comments, folding, quoted strings, case and a version after the
 * authserv-id are seen through; a value that can't be read counts as a claim if
 * both words occur in it.
 */
bool authres_is_claim(struct span value, struct span authserv_id);

/*
 * Our value for a result, folded with LF + one space, at most
 * LIMIT_RESULT_FIELD octets:
 *   authserv-id; x-stir=pass reason=ok policy.orig-tn=15551230001
 *    policy.authority=tn policy.msgi=raw policy.dest=full policy.age=3
 *    policy.replay=new policy.domain=us-shaken
 * replay when a store is asked, domain when the certificate was had.  One result, that of the
 * token that speaks for the message.  Claims of a token are written only if its signature held; every value is a
 * token or a quoted string of RFC 2045.
 */
void authres_write(struct buf *out, struct span authserv_id, const struct stir_result *r);

/* As a value of RFC 2045: a token as it is, anything else quoted, controls dropped. */
void authres_value(struct buf *out, struct span s);

#endif
