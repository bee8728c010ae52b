/*
 * The chains that were asked for last, ready to use.  All others are records, and
 * are opened for who asks, without the lock.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include <stdlib.h>

#include "core/limits.h"

struct cert_chain *certcache_live_take(struct certcache *c, const struct certcache_entry *e, struct certrecord **record)
{
	struct certcache_live *l = (struct certcache_live *)certcache_table_find(&c->lives, &e->item.key);

	if (l) {
		certcache_table_touch(&c->lives, &l->item);
		return cert_chain_ref(l->chain);
	}
	*record = certrecord_ref(e->record);
	return NULL;
}

struct certcache_live *certcache_live_new(const struct siphash_sum *key, struct cert_chain *chain)
{
	struct certcache_live *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->item.key = *key;
	l->chain = cert_chain_ref(chain);
	return l;
}

void certcache_live_free(struct certcache_item *all)
{
	struct certcache_item *i;

	while ((i = all)) {
		all = i->older;
		cert_chain_unref(((struct certcache_live *)i)->chain);
		free(i);
	}
}

void certcache_live_drop(struct certcache *c, const struct siphash_sum *key, struct certcache_item **old)
{
	struct certcache_item *i = certcache_table_find(&c->lives, key);

	if (i)
		certcache_table_move(&c->lives, i, old);
}

void certcache_live_put(struct certcache *c, struct certcache_live *l, struct certcache_item **old)
{
	certcache_table_add(&c->lives, &l->item);
	if (c->lives.n > c->p.max_live)
		certcache_table_move(&c->lives, c->lives.oldest, old);
}

struct cert_chain *certcache_live_open(struct certcache *c, const struct siphash_sum *key, struct certrecord *record)
{
	struct cert_chain *chain = certrecord_open(record, c->like);
	struct certcache_live *l = chain ? certcache_live_new(key, chain) : NULL;
	struct certcache_item *old = NULL;
	const struct certcache_entry *e;

	if (l) {
		pthread_mutex_lock(&c->lock);
		e = certcache_entry_of(c, key);
		/* Another thread may have been faster, or the entry may be another one now. */
		if (e && e->record == record && !certcache_table_find(&c->lives, key)) {
			certcache_live_put(c, l, &old);
			l = NULL;
		}
		pthread_mutex_unlock(&c->lock);
	}
	if (l)
		certcache_live_free(&l->item);
	certcache_live_free(old);
	certrecord_unref(record);
	return chain;
}
