/*
 * Says nothing in the first seconds, and not too often after them.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl/policy_progress.h"

enum {
	AFTER_S = 2,
	LINE_EVERY_S = 10, /* where lines stay */
	LOOK_EVERY = 16    /* messages between two looks at the clock */
};

static time_t seconds(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

void policy_progress_begin(struct policy_progress *p, const char *name, const char *what)
{
	*p = (struct policy_progress){.name = name, .what = what, .started = seconds(), .terminal = isatty(STDERR_FILENO)};
}

void policy_progress_one(struct policy_progress *p)
{
	time_t now;

	if (++p->done % LOOK_EVERY)
		return;
	now = seconds();
	if (now - p->started < AFTER_S || now == p->shown || (!p->terminal && p->shown && now - p->shown < LINE_EVERY_S))
		return;
	p->shown = now;
	fprintf(stderr, "%sstirctl %s: %" PRIu64 " %s, %" PRIu64 " a second%s", p->terminal ? "\r" : "", p->name, p->done, p->what,
		p->done / (uint64_t)(now - p->started), p->terminal ? "" : "\n");
}

void policy_progress_end(const struct policy_progress *p)
{
	if (p->terminal && p->shown)
		fprintf(stderr, "\r\033[K");
}
