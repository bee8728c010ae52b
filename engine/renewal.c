/*
 * Trust lists that stand at an address, as an errand.
 */
#include "config.h"

#include "engine/renewal.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/limits.h"
#include "engine/clock.h"
#include "engine/errand.h"

struct renewal {
	struct trust_sources sources;
	struct remote *remote;
	struct errand *errand; /* borrowed: it owns us */
	atomic_bool renewed;
	_Atomic int64_t had[LIMIT_TRUST_DOMAINS]; /* see trust_file_had() */
};

static void release(void *arg)
{
	struct renewal *r = arg;

	trust_sources_free(&r->sources);
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

static unsigned look(void *arg, struct buf *said)
{
	struct renewal *r = arg;

	if (trust_file_renew(&r->sources, remote_fetch(r->remote), remote_keep(r->remote), clock_wall_s(), said))
		atomic_store(&r->renewed, true);
	for (size_t i = 0; i < r->sources.n; i++)
		atomic_store(&r->had[i], trust_file_had(&r->sources.at[i], remote_keep(r->remote)));
	return said->n || !all_there(r) ? RENEWAL_RETRY_S : RENEWAL_EVERY_S;
}

struct renewal *renewal_new(struct trust_sources *sources, struct remote *remote)
{
	struct renewal *r = calloc(1, sizeof *r);
	const struct errand_work work = {look, release, r};

	if (!r)
		return NULL;
	atomic_init(&r->renewed, false);
	r->remote = remote;
	r->errand = errand_new(remote_pool(remote), &work);
	if (!r->errand) {
		free(r);
		return NULL;
	}
	r->sources = *sources;
	*sources = (struct trust_sources){0};
	for (size_t i = 0; i < r->sources.n; i++)
		atomic_init(&r->had[i], r->sources.at[i].issued);
	return r;
}

void renewal_unref(struct renewal *r)
{
	if (r)
		errand_unref(r->errand);
}

void renewal_tick(struct renewal *r, int64_t now, struct buf *said)
{
	errand_tick(r->errand, now, said);
}

bool renewal_done(const struct renewal *r)
{
	return atomic_load(&r->renewed);
}

bool renewal_at(const struct renewal *r, size_t i, struct renewal_list *out)
{
	if (i >= r->sources.n)
		return false;
	*out = (struct renewal_list){.domain = r->sources.at[i].name, .had = atomic_load(&r->had[i]), .max_age_s = r->sources.at[i].max_age_s};
	return true;
}
