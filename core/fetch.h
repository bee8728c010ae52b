/*
 * How core asks for what stands at a URL: certificates, lists of numbers,
 * revocation lists, trust lists.  Who answers (a folder, HTTPS) is engine/'s
 * business.
 */
#ifndef STIR_CORE_FETCH_H
#define STIR_CORE_FETCH_H

#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

enum fetch_cause {
#define FETCH_CAUSE(id, name, remembered, sentence) FETCH_##id,
#include "core/fetch_cause.def"
#undef FETCH_CAUSE
	FETCH_CAUSE_COUNT
};
const char *fetch_cause_name(enum fetch_cause c);
const char *fetch_cause_sentence(enum fetch_cause c);
/* Would the same address answer the same for a while? */
bool fetch_cause_remembered(enum fetch_cause c);

struct fetch_answer {
	enum fetch_cause cause;
	/* How long HTTP lets it be used, in seconds (RFC 9111); 0: not beyond this
	 * time; -1: nothing was said. */
	int64_t lifetime_s;
};

struct fetch;

struct fetch_ops {
	/*
	 * Puts the octets at url into out (whose maximum is the size cap); when it
	 * isn't 1, what is in out means nothing.
	 * deadline_ms: how long it may take.
	 * 1 found (FETCH_NONE), 0 definitely not there, -1 could not be had; *a is
	 * filled on every path, *e when it isn't 1.  Any thread.
	 */
	int (*get)(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e);
	/* May this address be asked at all (hosts, ports)?  Free of cost; NULL: all may. */
	bool (*may)(struct fetch *f, struct span url);
	void (*close)(struct fetch *f);
};

struct fetch {
	const struct fetch_ops *ops;
	/* The answer is at hand (a folder): asked in the caller's own thread.
	 * Otherwise only from a pool. */
	bool at_hand;
};

/* The same; what was in out is replaced, and it is empty unless 1 is returned. */
int fetch_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e) MUST_USE;
bool fetch_may(struct fetch *f, struct span url);
void fetch_close(struct fetch *f); /* NULL is allowed */

#endif
