/*
 * A hash table whose items also stand in a list, the newest first.
 *
 * Knows nothing of what the items are, and takes no lock.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include <stdlib.h>

int certcache_table_init(struct certcache_table *t, size_t most)
{
	memset(t, 0, sizeof *t);
	for (t->nbucket = 1; t->nbucket < most;)
		t->nbucket *= 2;
	t->bucket = calloc(t->nbucket, sizeof(struct certcache_item *));
	return t->bucket ? 0 : -1;
}

void certcache_table_free(struct certcache_table *t)
{
	free(t->bucket);
	memset(t, 0, sizeof *t);
}

static struct certcache_item **bucket_of(const struct certcache_table *t, const struct siphash_sum *key)
{
	return &t->bucket[key->half[0] & (t->nbucket - 1)];
}

struct certcache_item *certcache_table_find(const struct certcache_table *t, const struct siphash_sum *key)
{
	struct certcache_item *i = *bucket_of(t, key);

	while (i && !siphash_same(&i->key, key))
		i = i->next;
	return i;
}

static void unlink_order(struct certcache_table *t, struct certcache_item *i)
{
	if (t->walk == i)
		t->walk = i->older;
	*(i->newer ? &i->newer->older : &t->newest) = i->older;
	*(i->older ? &i->older->newer : &t->oldest) = i->newer;
}

static void link_newest(struct certcache_table *t, struct certcache_item *i)
{
	i->newer = NULL;
	i->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = i;
	t->newest = i;
}

void certcache_table_add(struct certcache_table *t, struct certcache_item *i)
{
	struct certcache_item **at = bucket_of(t, &i->key);

	i->next = *at;
	*at = i;
	link_newest(t, i);
	t->n++;
}

void certcache_table_remove(struct certcache_table *t, struct certcache_item *i)
{
	struct certcache_item **at = bucket_of(t, &i->key);

	while (*at != i)
		at = &(*at)->next;
	*at = i->next;
	unlink_order(t, i);
	t->n--;
}

void certcache_table_move(struct certcache_table *t, struct certcache_item *i, struct certcache_item **to)
{
	certcache_table_remove(t, i);
	i->older = *to;
	*to = i;
}

void certcache_table_touch(struct certcache_table *t, struct certcache_item *i)
{
	if (t->newest == i)
		return;
	unlink_order(t, i);
	link_newest(t, i);
}
