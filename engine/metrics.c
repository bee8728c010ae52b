/*
 * One flat array of cells for all that is counted: a row's first cell is known
 * from the table, and the rest is arithmetic.
 *
 * Cells are atomic and relaxed: each is right, and no two are of one moment.  The
 * mutex is for those who look, open or close; who counts never meets it.  The text
 * is metrics_write.c's.
 */
#include "config.h"

#include "engine/metrics_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct source {
	struct source *next;
	void *part;
	unsigned uses;
	void (*collect)(void *part, struct metrics_values *v);
};

struct metrics {
	atomic_uint refs;
	size_t first[METRICS_COUNT + 1]; /* cell of each row; behind the last, how many there are */
	_Atomic uint64_t *cell;
	/* Names that have a place; those below n_peers are whole, and stay. */
	atomic_size_t n_peers;
	char *peer[LIMIT_METRICS_PEERS];

	pthread_mutex_t lock; /* guards what follows, and who adds a peer */
	struct source *sources;
	uint64_t *left; /* by parts that have gone */
};

static const struct metrics_spec specs[METRICS_COUNT] = {
#define METRIC(id, n, t, label_a, label_b, s) \
	[METRICS_##id] = {{.name = (n), .type = #t, .sentence = (s)}, METRICS_TYPE_##t, METRICS_LABEL_##label_a, METRICS_LABEL_##label_b},
#include "engine/metrics.def"
#undef METRIC
};

const struct metrics_spec *metrics_spec(enum metrics_id id)
{
	return &specs[id];
}

const struct metrics_row *metrics_row(size_t i)
{
	return i < METRICS_COUNT ? &specs[i].row : NULL;
}

/* --- cells -------------------------------------------------------------------------- */

static size_t extent(enum metrics_label l)
{
	return metrics_labels_count(l) + (l == METRICS_LABEL_PEER ? LIMIT_METRICS_PEERS : 0);
}

/* Cells of one value of a row: a histogram has a sum behind its buckets. */
static size_t width(enum metrics_id id)
{
	return specs[id].type == METRICS_TYPE_HISTOGRAM ? METRICS_BUCKETS + 2 : 1;
}

static size_t cells_of(enum metrics_id id)
{
	return extent(specs[id].a) * extent(specs[id].b) * width(id);
}

static size_t place(const size_t *first, enum metrics_id id, size_t a, size_t b)
{
	return first[id] + (a * extent(specs[id].b) + b) * width(id);
}

void metrics_count(struct metrics *m, enum metrics_id id, size_t a, size_t b)
{
	atomic_fetch_add_explicit(&m->cell[place(m->first, id, a, b)], 1, memory_order_relaxed);
}

static const int64_t bucket_us[METRICS_BUCKETS] = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

int64_t metrics_bucket_us(size_t i)
{
	return bucket_us[i];
}

void metrics_time(struct metrics *m, enum metrics_id id, size_t a, int64_t us)
{
	size_t at = place(m->first, id, a, 0), i = 0;

	if (us < 0)
		us = 0;
	while (i < METRICS_BUCKETS && us > bucket_us[i])
		i++;
	atomic_fetch_add_explicit(&m->cell[at + i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->cell[at + METRICS_BUCKETS + 1], (uint64_t)us, memory_order_relaxed);
}

/* --- life ---------------------------------------------------------------------------- */

static struct metrics *make(void)
{
	struct metrics *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	for (size_t i = 0; i < METRICS_COUNT; i++)
		m->first[i + 1] = m->first[i] + cells_of((enum metrics_id)i);
	m->cell = calloc(m->first[METRICS_COUNT], sizeof *m->cell);
	m->left = calloc(m->first[METRICS_COUNT], sizeof *m->left);
	atomic_init(&m->refs, 1);
	atomic_init(&m->n_peers, 0);
	return m;
}

struct metrics *metrics_new(void)
{
	struct metrics *m = make();

	if (m && m->cell && m->left && pthread_mutex_init(&m->lock, NULL) == 0)
		return m;
	if (m) {
		free(m->cell);
		free(m->left);
	}
	free(m);
	return NULL;
}

struct metrics *metrics_ref(struct metrics *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void metrics_unref(struct metrics *m)
{
	struct source *s;

	if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	while ((s = m->sources)) {
		m->sources = s->next;
		free(s);
	}
	for (size_t i = 0; i < atomic_load(&m->n_peers); i++)
		free(m->peer[i]);
	pthread_mutex_destroy(&m->lock);
	free(m->cell);
	free(m->left);
	free(m);
}

/* --- peers ---------------------------------------------------------------------------- */

size_t metrics_peers(const struct metrics *m)
{
	return atomic_load_explicit(&m->n_peers, memory_order_acquire);
}

const char *metrics_peer_name(const struct metrics *m, size_t i)
{
	return m->peer[i];
}

size_t metrics_peer(const struct metrics *m, const char *name)
{
	size_t n = metrics_peers(m);

	/* One that is called so itself is counted with those: no series is written twice. */
	if (!name || strcmp(name, "none") == 0)
		return METRICS_PEER_NONE;
	for (size_t i = 0; i < n; i++)
		if (strcmp(m->peer[i], name) == 0)
			return METRICS_PEER_FIRST + i;
	return METRICS_PEER_OTHER;
}

void metrics_add_peer(struct metrics *m, struct span name)
{
	char *copy = strndup(name.p, name.n);
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = atomic_load(&m->n_peers);
	if (copy && n < LIMIT_METRICS_PEERS && strcmp(copy, "other") != 0 && metrics_peer(m, copy) == METRICS_PEER_OTHER) {
		m->peer[n] = copy;
		copy = NULL;
		/* Seen only when it is whole. */
		atomic_store_explicit(&m->n_peers, n + 1, memory_order_release);
	}
	pthread_mutex_unlock(&m->lock);
	free(copy);
}

/* --- what parts count ------------------------------------------------------------------- */

static struct source **find(struct metrics *m, const void *part)
{
	struct source **at = &m->sources;

	while (*at && (*at)->part != part)
		at = &(*at)->next;
	return at;
}

void metrics_attach(struct metrics *m, void *part, void (*collect)(void *part, struct metrics_values *v))
{
	struct source **at, *s;

	pthread_mutex_lock(&m->lock);
	at = find(m, part);
	if (*at) {
		(*at)->uses++;
	} else {
		s = malloc(sizeof *s);
		if (s)
			*s = (struct source){.part = part, .uses = 1, .collect = collect};
		*at = s;
	}
	pthread_mutex_unlock(&m->lock);
}

static struct metrics_values *empty(const struct metrics *m)
{
	struct metrics_values *v = calloc(1, sizeof *v + m->first[METRICS_COUNT] * sizeof *v->cell);

	if (v)
		v->first = m->first;
	return v;
}

/* What only grows stays; what it had in memory is gone with it. */
static void keep(struct metrics *m, const struct source *s)
{
	struct metrics_values *v = empty(m);

	if (!v)
		return;
	s->collect(s->part, v);
	for (size_t id = 0, at = 0; id < METRICS_COUNT; id++)
		for (size_t n = cells_of((enum metrics_id)id); n > 0; n--, at++)
			if (specs[id].type == METRICS_TYPE_COUNTER)
				m->left[at] += v->cell[at];
	free(v);
}

void metrics_detach(struct metrics *m, void *part)
{
	struct source **at, *s;

	if (!part)
		return;
	pthread_mutex_lock(&m->lock);
	at = find(m, part);
	s = *at;
	if (s && --s->uses == 0) {
		keep(m, s);
		*at = s->next;
		free(s);
	}
	pthread_mutex_unlock(&m->lock);
}

void metrics_put(struct metrics_values *v, enum metrics_id id, size_t a, size_t b, uint64_t n)
{
	v->cell[place(v->first, id, a, b)] += n;
}

/* --- looking ---------------------------------------------------------------------------- */

struct metrics_values *metrics_look(struct metrics *m)
{
	struct metrics_values *v = empty(m);

	if (!v)
		return NULL;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->first[METRICS_COUNT]; i++)
		v->cell[i] = m->left[i] + atomic_load_explicit(&m->cell[i], memory_order_relaxed);
	for (struct source *s = m->sources; s; s = s->next)
		s->collect(s->part, v);
	pthread_mutex_unlock(&m->lock);
	return v;
}

void metrics_values_free(struct metrics_values *v)
{
	free(v);
}

uint64_t metrics_get(const struct metrics_values *v, enum metrics_id id, size_t a, size_t b)
{
	return v->cell[place(v->first, id, a, b)];
}

const uint64_t *metrics_cells(const struct metrics_values *v, enum metrics_id id, size_t a)
{
	return &v->cell[place(v->first, id, a, 0)];
}
