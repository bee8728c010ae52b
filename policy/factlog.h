/*
 * Facts and what a policy made of them as one line of JSON, and back.
 *
 *   {"v":1,"time":…,"id":"<queue id>","policy":"<hash>","facts":{"verify":"pass","orig.tn":"~3f…",…},"worked_out":["to"],
 *    "score":9.0,"shadow":0.0,"action":"tag","would":"quarantine","peer":"partner_a","because":"score",
 *    "rules":[{"name":…,"score":6.0,"lost":0.0,"shadow":false,"final":false,"error":false}],"left_out":["subject"]}
 *
 * "worked_out" has facts.worked_out, "incomplete" is there with facts.incomplete
 * and says why, "peer" may be null; "left_out" may also say "rules" or "id".
 *
 * Telephone numbers and mail addresses are keyed pseudonyms ("~" and 16
 * hexadecimal digits of HMAC-SHA-256) unless told otherwise, whichever fact they
 * are in, auth.user too; texts of the content (text, url, subject, mime.name) and
 * signer.subject are left out with pseudonyms, since they may name people;
 * "left_out" lists them. A list that is known to be empty is written as [].
 */
#ifndef STIR_POLICY_FACTLOG_H
#define STIR_POLICY_FACTLOG_H

#include "policy/policy.h"
#include "policy/pseudonym.h"

enum { FACTLOG_LINE_MAX = 256 * 1024 };
enum factlog_numbers { FACTLOG_PSEUDONYM, FACTLOG_FULL };

struct factlog_context {
	struct span id; /* queue id or file:index */
	int64_t time;   /* seconds since 1970 */
	enum factlog_numbers numbers;
	const struct pseudonym *pseudonyms; /* of FACTLOG_PSEUDONYM; else NULL will do */
};

/* One line with its '\n'. Without a policy p and r are NULL. Every line fits FACTLOG_LINE_MAX: long values are left out and listed. 0 / -1 without memory. */
int factlog_write(struct buf *out, const struct facts *f, const struct policy *p, const struct policy_result *r, const struct factlog_context *c) MUST_USE;

/* What a line said, in the arena. */
struct factlog_record {
	int64_t time;
	struct span id, policy;
	struct span action, would, because, peer;
	int32_t score_milli;
	struct span *left_out; /* names of facts that were not recorded */
	size_t nleft_out;
	struct factlog_rule { struct span name; int32_t score_milli; bool shadow; } *rule; /* that hit */
	size_t nrule;
};

/* Strict: unknown facts, words and types are errors. 0 and facts and record filled, or -1 and *e. */
int factlog_read(struct span line, struct arena *a, struct facts *f, struct factlog_record *out, struct err *e) MUST_USE;

#endif
