/*
 * How far a long run is, on standard error: a line that changes on a terminal,
 * a line now and then elsewhere.
 */
#ifndef STIR_CTL_POLICY_PROGRESS_H
#define STIR_CTL_POLICY_PROGRESS_H

#include <stdint.h>
#include <time.h>

struct policy_progress {
	const char *name; /* of the command */
	const char *what; /* "messages", "records" */
	uint64_t done;
	time_t started, shown;
	int terminal;
};

void policy_progress_begin(struct policy_progress *p, const char *name, const char *what);
/* One more is done. */
void policy_progress_one(struct policy_progress *p);
/* Takes the changing line away. */
void policy_progress_end(const struct policy_progress *p);

#endif
