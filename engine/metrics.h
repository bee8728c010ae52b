/*
 * What is counted, of one process: shared by the engines before and after a
 * reload, so that a reload forgets nothing; written as Prometheus reads it (text
 * format 0.0.4), and in words for the log.
 *
 * Counting takes no lock and no memory.  What is told apart is bounded: fixed
 * tables, and the names of the policy's peers, of which the first
 * LIMIT_METRICS_PEERS since the start have a place; the others are "other".
 *
 * What parts of an engine count themselves (caches, stores) is asked for when
 * somebody looks; a part that goes leaves its counts here.
 */
#ifndef STIR_ENGINE_METRICS_H
#define STIR_ENGINE_METRICS_H

#include "core/buf.h"
#include "core/limits.h"
#include "engine/metrics_labels.h"

struct metrics; /* opaque, counted. Any thread. */
struct metrics_values;

enum metrics_id {
#define METRIC(id, name, type, a, b, sentence) METRICS_##id,
#include "engine/metrics.def"
#undef METRIC
	METRICS_COUNT
};

/* NULL without memory. */
struct metrics *metrics_new(void) MUST_USE;
struct metrics *metrics_ref(struct metrics *m);
void metrics_unref(struct metrics *m); /* NULL is allowed */

/* One more of a counter; a and b: indices of its tables, 0 for NONE. Never waits. */
void metrics_count(struct metrics *m, enum metrics_id id, size_t a, size_t b);
/* One more of a histogram, which took so long (microseconds; below 0 counts as 0). Never waits. */
void metrics_time(struct metrics *m, enum metrics_id id, size_t a, int64_t us);

/* Gives a peer its place; before messages name it. */
void metrics_add_peer(struct metrics *m, struct span name);
/* Index for PEER: of that name; METRICS_PEER_OTHER without a place, METRICS_PEER_NONE for NULL. Never waits. */
size_t metrics_peer(const struct metrics *m, const char *name);

/*
 * A part that counts for itself: collect() adds to v what it has counted since it
 * was made, whenever somebody looks and when it leaves.  The same part may be
 * added several times, by the engines that share it, and leaves with the last.
 * Without memory it is not shown.
 */
void metrics_attach(struct metrics *m, void *part, void (*collect)(void *part, struct metrics_values *v));
/* Before the part goes. NULL is allowed. */
void metrics_detach(struct metrics *m, void *part);
/* For collect(): add to a value. */
void metrics_put(struct metrics_values *v, enum metrics_id id, size_t a, size_t b, uint64_t n);

/* All there is now (metrics_values_free(), before the registry goes); NULL without memory. May wait for the locks of the parts. */
struct metrics_values *metrics_look(struct metrics *m) MUST_USE;
void metrics_values_free(struct metrics_values *v); /* NULL is allowed */
uint64_t metrics_get(const struct metrics_values *v, enum metrics_id id, size_t a, size_t b);

/* Prometheus: everything but rows that are OWN. */
void metrics_write(struct buf *out, const struct metrics *m, const struct metrics_values *v);
/* For rows that are OWN: "# HELP", "# TYPE"; then each value, with a label or two (NULL: none). */
void metrics_write_head(struct buf *out, enum metrics_id id);
void metrics_write_value(struct buf *out, enum metrics_id id, const char *a, struct span a_value, const char *b, struct span b_value, int64_t value);
/* The rows of type PROCESS. */
void metrics_process_write(struct buf *out);

/* Row i of the table, for tests; NULL past the end. */
struct metrics_row {
	const char *name, *type, *sentence;
};
const struct metrics_row *metrics_row(size_t i);

#endif
