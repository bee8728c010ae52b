/*
 * Renewal ahead of the end, and clearing away what nobody will use any more.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include "core/limits.h"

struct due {
	struct siphash_sum key;
	size_t url_n;
	char url[LIMIT_X5U_BYTES];
};

enum {
	/* Entries that are looked at while messages wait for the lock: some 0.1 ms. */
	STEP = 256,
	/* Such steps of one tick, 20 ms in all: the next one goes on where this one stopped. */
	STEPS = 400
};

static bool is_wanted(const struct certcache *c, const struct certcache_entry *e, int64_t now)
{
	const struct siphash_sum *key = &e->item.key;

	return certcache_is_due(e, now) && !certcache_negative_of(c, key, now) && !certcache_table_find(&c->flights, key);
}

/* With the lock; the most recently used first. */
static void step(struct certcache *c, int64_t now, struct due due[LIMIT_CERTCACHE_RENEWALS], size_t *n)
{
	for (int i = 0; i < STEP && c->entries.walk && *n < LIMIT_CERTCACHE_RENEWALS; i++) {
		struct certcache_entry *e = (struct certcache_entry *)c->entries.walk;

		c->entries.walk = e->item.older;
		if (!is_wanted(c, e, now))
			continue;
		e->asked = now;
		due[*n].key = e->item.key;
		due[*n].url_n = e->url_n;
		memcpy(due[*n].url, e->url, e->url_n);
		(*n)++;
	}
}

static size_t find_due(struct certcache *c, int64_t now, struct due due[LIMIT_CERTCACHE_RENEWALS])
{
	size_t n = 0;
	bool more = true;

	for (int i = 0; more && i < STEPS; i++) {
		pthread_mutex_lock(&c->lock);
		if (i == 0 && !c->entries.walk)
			c->entries.walk = c->entries.newest;
		step(c, now, due, &n);
		more = c->entries.walk && n < LIMIT_CERTCACHE_RENEWALS;
		/* Those that are used most come first again. */
		if (n == LIMIT_CERTCACHE_RENEWALS)
			c->entries.walk = NULL;
		pthread_mutex_unlock(&c->lock);
	}
	return n;
}

static void renew(struct certcache *c, const struct due *d, int64_t now)
{
	struct certcache_flight *f = certcache_flight_new(c, &d->key, span_make(d->url, d->url_n), now);
	bool there;

	/* Without memory: at the next tick but one. */
	if (!f)
		return;
	f->forced = true;
	f->looked = true;
	pthread_mutex_lock(&c->lock);
	there = certcache_table_find(&c->flights, &d->key) != NULL;
	if (!there) {
		certcache_flight_add(c, f);
		c->stats.renewals++;
	}
	pthread_mutex_unlock(&c->lock);
	if (!there)
		certcache_flight_start(c, f);
	certcache_flight_drop(c, f);
}

void certcache_tick(struct certcache *c, struct certcache_time t)
{
	struct due due[LIMIT_CERTCACHE_RENEWALS];
	bool more = true;
	size_t n;

	while (more) {
		struct certcache_change g = {0};

		pthread_mutex_lock(&c->lock);
		more = certcache_change_purge(c, &g, t.now, STEP);
		pthread_mutex_unlock(&c->lock);
		certcache_change_free(&g);
	}
	n = c->p.pool ? find_due(c, t.now, due) : 0;
	for (size_t i = 0; i < n; i++)
		renew(c, &due[i], t.now);
}
