/*
 * One look at a time; what it found to say is handed over at the next tick.
 */
#include "config.h"

#include "engine/renewal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/limits.h"
#include "engine/clock.h"

struct renewal {
	atomic_uint refs;
	struct trust_sources sources;
	struct remote *remote;
	atomic_bool renewed;

	pthread_mutex_t lock; /* holds all below */
	bool busy;
	int64_t next;
	struct buf said;
};

struct renewal *renewal_new(struct trust_sources *sources, struct remote *remote)
{
	struct renewal *r = calloc(1, sizeof *r);

	if (!r || pthread_mutex_init(&r->lock, NULL)) {
		free(r);
		return NULL;
	}
	atomic_init(&r->refs, 1);
	atomic_init(&r->renewed, false);
	r->sources = *sources;
	*sources = (struct trust_sources){0};
	r->remote = remote;
	buf_init(&r->said, LIMIT_CONF_BYTES);
	return r;
}

void renewal_unref(struct renewal *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	trust_sources_free(&r->sources);
	buf_free(&r->said);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Does every list there is have a copy? Without one it is asked for more often. */
static bool all_there(const struct renewal *r)
{
	for (size_t i = 0; i < r->sources.n; i++)
		if (r->sources.at[i].url && !r->sources.at[i].issued)
			return false;
	return true;
}

static void look(void *arg, bool cancelled)
{
	struct renewal *r = arg;
	struct buf said;
	bool renewed = false;

	buf_init(&said, LIMIT_CONF_BYTES);
	if (!cancelled)
		renewed = trust_file_renew(&r->sources, remote_fetch(r->remote), remote_keep(r->remote), clock_wall_s(), &said);
	if (renewed)
		atomic_store(&r->renewed, true);
	pthread_mutex_lock(&r->lock);
	(void)buf_put_span(&r->said, buf_span(&said));
	r->busy = false;
	r->next = clock_wall_s() + (said.n || !all_there(r) ? RENEWAL_RETRY_S : RENEWAL_EVERY_S);
	pthread_mutex_unlock(&r->lock);
	buf_free(&said);
	renewal_unref(r);
}

void renewal_tick(struct renewal *r, int64_t now, struct buf *said)
{
	bool start;

	pthread_mutex_lock(&r->lock);
	(void)buf_put_span(said, buf_span(&r->said));
	buf_reset(&r->said);
	start = !r->busy && (now >= r->next || now < r->next - RENEWAL_EVERY_S);
	r->busy = r->busy || start;
	pthread_mutex_unlock(&r->lock);
	if (!start)
		return;
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	if (pool_submit_own(remote_pool(r->remote), look, r)) {
		pthread_mutex_lock(&r->lock);
		r->busy = false;
		pthread_mutex_unlock(&r->lock);
		renewal_unref(r);
	}
}

bool renewal_done(const struct renewal *r)
{
	return atomic_load(&r->renewed);
}
