/*
 * Messages judged again from what was recorded when they came: the chain from
 * evidence instead of the network, the time of receipt instead of the clock, and
 * the ordinary engine.
 */
#ifndef STIR_CTL_EVIDENCE_VERIFY_H
#define STIR_CTL_EVIDENCE_VERIFY_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/run.h"
#include "engine/evidence_line.h"

/* --- certificates from evidence, for an engine that is open ----------------------- */

/* What the engine has been given so far; zero it before use. The engine owns the fetcher. */
struct evidence_verify_source {
	struct fetch *fetch;
};
struct evidence_verify_page {
	struct span url, pem; /* pem empty: there was nothing to be had */
};
/* 0, or -1 and *e. Between messages only. */
int evidence_verify_serve(struct evidence_verify_source *s, struct run *r, const struct evidence_verify_page *page, size_t n, struct err *e) MUST_USE;

/* --- a message and its entry --------------------------------------------------------- */

struct evidence_verify; /* opaque */

/* path: a file or a folder. Gives *out (evidence_verify_close()), or -1 and *e. */
int evidence_verify_open(const char *path, struct evidence_verify **out, struct err *e) MUST_USE;
void evidence_verify_close(struct evidence_verify *v); /* NULL is allowed */

/*
 * Before run_message(): finds the entry of one of the message's tokens, and makes
 * the engine ready for it.  0; -1 and *e when there is none (ERR_DATA) or it can't
 * be read.
 */
int evidence_verify_message(struct evidence_verify *v, struct run *r, const struct mail *m, struct err *e) MUST_USE;

/* After run_message(): is what was found what was recorded? */
bool evidence_verify_same(struct evidence_verify *v, const struct run *r);
/* The comparison, as an indented line. 0 / -1 without memory. */
int evidence_verify_print(FILE *f, struct evidence_verify *v, const struct run *r) MUST_USE;
/* The same, {"received":…,"same":true,"policy_same":true,"differs":[…]}; NULL without memory. */
json_t *evidence_verify_json(struct evidence_verify *v, const struct run *r) MUST_USE;

#endif
