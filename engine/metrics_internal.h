/*
 * The rows as the registry and the writer see them.  For engine/metrics*.c only.
 */
#ifndef STIR_ENGINE_METRICS_INTERNAL_H
#define STIR_ENGINE_METRICS_INTERNAL_H

#include "engine/metrics.h"

enum metrics_type { METRICS_TYPE_COUNTER, METRICS_TYPE_GAUGE, METRICS_TYPE_HISTOGRAM, METRICS_TYPE_PROCESS };

/* Bounds of the histograms; behind their cells come that of +Inf and the sum in microseconds. */
enum { METRICS_BUCKETS = 14 };

struct metrics_spec {
	struct metrics_row row;
	enum metrics_type type;
	enum metrics_label a, b;
};
const struct metrics_spec *metrics_spec(enum metrics_id id);
int64_t metrics_bucket_us(size_t i);

struct metrics_values {
	const size_t *first; /* of its registry */
	uint64_t cell[];
};
/* The cells of one value of a histogram. */
const uint64_t *metrics_cells(const struct metrics_values *v, enum metrics_id id, size_t a);

/* Peers that have a place. */
size_t metrics_peers(const struct metrics *m);
const char *metrics_peer_name(const struct metrics *m, size_t i);

#endif
