/*
 * Chains and negative answers in memory: what goes in, what goes out.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include <stdlib.h>

#include "core/limits.h"

struct certcache_entry *certcache_entry_of(const struct certcache *c, const struct siphash_sum *key)
{
	return (struct certcache_entry *)certcache_table_find(&c->entries, key);
}

struct certcache_negative *certcache_negative_of(const struct certcache *c, const struct siphash_sum *key, int64_t now)
{
	struct certcache_negative *n = (struct certcache_negative *)certcache_table_find(&c->negatives, key);

	return n && certcache_is_fresh(n->since, n->until, now) ? n : NULL;
}

/* --- making and freeing; without the lock ---------------------------------------------- */

static struct certcache_entry *make_entry(const struct siphash_sum *key, struct span url, const struct certcache_answer *a)
{
	struct certcache_entry *e = malloc(sizeof *e + url.n);

	if (!e)
		return NULL;
	memset(e, 0, sizeof *e);
	e->item.key = *key;
	e->chain = cert_chain_ref(a->chain);
	cert_chain_validity(a->chain, &e->not_before, &e->not_after);
	e->fetched = a->fetched;
	e->until = a->until;
	e->url_n = url.n;
	memcpy(e->url, url.p, url.n);
	return e;
}

static struct certcache_negative *make_negative(const struct certcache *c, const struct siphash_sum *key, const struct certcache_answer *a, int64_t now)
{
	size_t n = strlen(a->why.text) + 1;
	struct certcache_negative *g = malloc(sizeof *g + n);

	if (!g)
		return NULL;
	memset(g, 0, sizeof *g);
	g->item.key = *key;
	g->since = now;
	g->until = now + c->p.negative_s;
	g->reason = a->reason;
	g->stale_will_do = a->stale_will_do;
	memcpy(g->text, a->why.text, n);
	return g;
}

/* Without memory for it the answer is good all the same. */
void certcache_change_make(const struct certcache *c, struct certcache_change *g, const struct siphash_sum *key, struct span url,
			   const struct certcache_answer *a, int64_t now)
{
	memset(g, 0, sizeof *g);
	g->kept = a->kept;
	if (a->reason == STIR_OK)
		g->entry = make_entry(key, url, a);
	else if (a->remembered && c->p.negative_s && c->p.pool)
		g->negative = make_negative(c, key, a, now);
}

static void free_entry(struct certcache_entry *e)
{
	if (!e)
		return;
	cert_chain_unref(e->chain);
	free(e);
}

void certcache_change_free(struct certcache_change *g)
{
	struct certcache_item *i;

	free_entry(g->entry);
	free(g->negative);
	cert_chain_unref(g->old_chain);
	while ((i = g->old_entries)) {
		g->old_entries = i->older;
		free_entry((struct certcache_entry *)i);
	}
	while ((i = g->old_negatives)) {
		g->old_negatives = i->older;
		free(i);
	}
}

/* --- putting in; with the lock ------------------------------------------------------------ */

static void take_out(struct certcache_table *t, struct certcache_item *i, struct certcache_item **old)
{
	certcache_table_remove(t, i);
	i->older = *old;
	*old = i;
}

static size_t octets_of(const struct certcache_entry *e)
{
	return cert_chain_pem(e->chain).n;
}

static void evict_oldest(struct certcache *c, struct certcache_change *g)
{
	c->octets -= octets_of((struct certcache_entry *)c->entries.oldest);
	take_out(&c->entries, c->entries.oldest, &g->old_entries);
}

/* Takes over the chain of the new one. */
static void replace(struct certcache *c, struct certcache_entry *e, struct certcache_change *g)
{
	c->octets = c->octets - octets_of(e) + octets_of(g->entry);
	g->old_chain = e->chain;
	e->chain = g->entry->chain;
	g->entry->chain = NULL;
	e->not_before = g->entry->not_before;
	e->not_after = g->entry->not_after;
	e->fetched = g->entry->fetched;
	e->until = g->entry->until;
	e->used = false;
}

static void put_entry(struct certcache *c, struct certcache_change *g)
{
	struct certcache_entry *e = certcache_entry_of(c, &g->entry->item.key);

	/* What a thread read from the store, while another one did or fetched, is not newer. */
	if (e && g->kept && g->entry->fetched <= e->fetched)
		return;
	if (e) {
		replace(c, e, g);
	} else {
		c->octets += octets_of(g->entry);
		certcache_table_add(&c->entries, &g->entry->item);
		g->entry = NULL;
	}
	for (; c->entries.n > 1 && (c->entries.n > c->p.max_entries || c->octets > LIMIT_CERTCACHE_BYTES); c->stats.evictions++)
		evict_oldest(c, g);
}

static void put_negative(struct certcache *c, struct certcache_change *g)
{
	certcache_table_add(&c->negatives, &g->negative->item);
	g->negative = NULL;
	if (c->negatives.n > LIMIT_CERTCACHE_NEGATIVES)
		take_out(&c->negatives, c->negatives.oldest, &g->old_negatives);
}

void certcache_change_put(struct certcache *c, struct certcache_change *g)
{
	const struct siphash_sum *key = g->entry ? &g->entry->item.key : g->negative ? &g->negative->item.key : NULL;
	struct certcache_item *before;

	if (!key)
		return;
	before = certcache_table_find(&c->negatives, key);
	if (before)
		take_out(&c->negatives, before, &g->old_negatives);
	if (g->entry)
		put_entry(c, g);
	else
		put_negative(c, g);
}

static bool is_useless(const struct certcache_item *i, int64_t now)
{
	const struct certcache_entry *e = (const struct certcache_entry *)i;

	return i && !certcache_is_fresh(e->fetched, e->until + CERTCACHE_STALE_S, now);
}

static bool is_over(const struct certcache_item *i, int64_t now)
{
	const struct certcache_negative *n = (const struct certcache_negative *)i;

	return i && !certcache_is_fresh(n->since, n->until, now);
}

/*
 * Those that were not used, or did not come, for the longest time; one that still
 * has its place may hide others, which go later or when the table is full.
 */
void certcache_change_purge(struct certcache *c, struct certcache_change *g, int64_t now)
{
	while (is_useless(c->entries.oldest, now))
		evict_oldest(c, g);
	while (is_over(c->negatives.oldest, now))
		take_out(&c->negatives, c->negatives.oldest, &g->old_negatives);
}
