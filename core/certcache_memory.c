/*
 * Chains and negative answers in memory: what goes in, what goes out.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include <stddef.h>
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

static size_t entry_octets(size_t url_n)
{
	size_t n = offsetof(struct certcache_entry, url) + url_n;

	return n < sizeof(struct certcache_entry) ? sizeof(struct certcache_entry) : n;
}

static struct certcache_entry *make_entry(struct certshare *share, bool keep_pem, const struct siphash_sum *key, struct span url,
					  const struct certcache_answer *a)
{
	struct certrecord *record = certrecord_new(share, a->chain, keep_pem);
	struct certcache_entry *e = record ? malloc(entry_octets(url.n)) : NULL;

	if (!e) {
		certrecord_unref(record);
		return NULL;
	}
	memset(e, 0, sizeof *e);
	e->item.key = *key;
	e->record = record;
	e->fetched = a->fetched;
	e->until = a->until;
	e->url_n = (uint16_t)url.n;
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
	if (a->reason == STIR_OK) {
		g->entry = make_entry(c->share, c->p.keep_pem, key, url, a);
		g->live = g->entry ? certcache_live_new(key, a->chain) : NULL;
	} else if (a->remembered && c->p.negative_s && c->p.pool) {
		g->negative = make_negative(c, key, a, now);
	}
}

static void free_entry(struct certcache_entry *e)
{
	if (!e)
		return;
	certrecord_unref(e->record);
	free(e);
}

void certcache_change_free(struct certcache_change *g)
{
	struct certcache_item *i;

	free_entry(g->entry);
	free(g->negative);
	if (g->live)
		certcache_live_free(&g->live->item);
	certcache_live_free(g->old_lives);
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

/* Of malloc, and a place among the buckets. */
enum { ENTRY_MORE = 16 + sizeof(struct certcache_item *) };

static void evict_oldest(struct certcache *c, struct certcache_change *g)
{
	struct certcache_entry *e = (struct certcache_entry *)c->entries.oldest;

	c->octets -= certrecord_leave(e->record) + entry_octets(e->url_n) + ENTRY_MORE;
	certcache_live_drop(c, &e->item.key, &g->old_lives);
	certcache_table_move(&c->entries, &e->item, &g->old_entries);
}

/* Exchanges the records. */
static void replace(struct certcache *c, struct certcache_entry *e, struct certcache_change *g)
{
	struct certrecord *old = e->record;

	c->octets += certrecord_enter(g->entry->record);
	c->octets -= certrecord_leave(old);
	e->record = g->entry->record;
	g->entry->record = old;
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
	certcache_live_drop(c, &g->entry->item.key, &g->old_lives);
	if (g->live)
		certcache_live_put(c, g->live, &g->old_lives);
	g->live = NULL;
	if (e) {
		replace(c, e, g);
	} else {
		c->octets += certrecord_enter(g->entry->record) + entry_octets(g->entry->url_n) + ENTRY_MORE;
		certcache_table_add(&c->entries, &g->entry->item);
		g->entry = NULL;
	}
	for (; c->entries.n > 1 && (c->entries.n > c->p.max_entries || c->octets > c->max_octets); c->stats.evictions++)
		evict_oldest(c, g);
}

static void put_negative(struct certcache *c, struct certcache_change *g)
{
	certcache_table_add(&c->negatives, &g->negative->item);
	g->negative = NULL;
	if (c->negatives.n > LIMIT_CERTCACHE_NEGATIVES)
		certcache_table_move(&c->negatives, c->negatives.oldest, &g->old_negatives);
}

void certcache_change_put(struct certcache *c, struct certcache_change *g)
{
	const struct siphash_sum *key = g->entry ? &g->entry->item.key : g->negative ? &g->negative->item.key : NULL;
	struct certcache_item *before;

	if (!key)
		return;
	before = certcache_table_find(&c->negatives, key);
	if (before)
		certcache_table_move(&c->negatives, before, &g->old_negatives);
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
bool certcache_change_purge(struct certcache *c, struct certcache_change *g, int64_t now, size_t most)
{
	size_t n = 0;

	for (; n < most && is_useless(c->entries.oldest, now); n++)
		evict_oldest(c, g);
	for (; n < most && is_over(c->negatives.oldest, now); n++)
		certcache_table_move(&c->negatives, c->negatives.oldest, &g->old_negatives);
	return n == most;
}
