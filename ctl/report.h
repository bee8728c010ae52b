/*
 * What a policy did with a mailbox, as one HTML page that needs nothing else:
 * no network, no script from elsewhere.
 *
 * Messages wait in a temporary file until the counts are complete, so that
 * memory doesn't grow with them.
 */
#ifndef STIR_CTL_REPORT_H
#define STIR_CTL_REPORT_H

#include "ctl/policy_changes.h"
#include "ctl/policy_tally.h"

enum {
	/* Octets of the list of messages; those beyond are counted, and the page says so. */
	REPORT_MESSAGES_MAX = 18 * 1024 * 1024,
	REPORT_VALUES_MAX = 8 /* of one list fact of one message */
};

struct report; /* opaque */

/*
 * path is replaced when the page is complete; that it can be, is asked now.  full: numbers, subjects and
 * texts as they are.  against: name of the policy it is compared with, or NULL.
 * Strings and p are borrowed.  Gives *out (report_free()), or -1 and *e.
 */
int report_open(const char *path, const struct policy *p, bool full, const char *against, struct report **out, struct err *e) MUST_USE;
void report_free(struct report *r); /* NULL is allowed */
/* One judged message; old: what the other policy says, or NULL. 0, or -1 and *e. */
int report_add(struct report *r, const struct policy_message *m, const struct policy_outcome *old, struct err *e) MUST_USE;
/* changes: NULL without another policy; made: the time of the run. 0, or -1 and *e. */
int report_write(struct report *r, const struct policy_tally *t, const struct policy_changes *changes, int64_t made, struct err *e) MUST_USE;

#endif
