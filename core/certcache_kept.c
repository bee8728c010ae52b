/*
 * Chains in a store, so that a restart needs no network.  The value is a line and
 * the octets as they were served:
 *
 *     certcache 1 FETCHED UNTIL URL
 *     -----BEGIN CERTIFICATE-----
 *
 * Whatever comes out is judged anew: the store may be damaged, written by
 * others, or older than what is trusted now.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include <inttypes.h>

#include "core/chainlists.h"
#include "core/kept.h"
#include "core/limits.h"

enum {
	HEAD_BYTES = 64,   /* words and numbers of the line */
	VALUE_BYTES = HEAD_BYTES + LIMIT_X5U_BYTES + LIMIT_CHAIN_BYTES
};
_Static_assert((int)VALUE_BYTES <= (int)STORE_VALUE_MAX, "a chain fits into a store");

/* --- the value -------------------------------------------------------------------- */

int certcache_kept_read(struct span value, struct certcache_kept *out)
{
	struct span line = span_cut(&value, '\n');

	if (!span_is(span_cut(&line, ' '), "certcache") || !span_is(span_cut(&line, ' '), "1"))
		return -1;
	if (kept_read_time(span_cut(&line, ' '), &out->fetched) || kept_read_time(span_cut(&line, ' '), &out->until))
		return -1;
	out->url = line;
	out->pem = value;
	return out->until >= out->fetched && out->url.n && out->pem.n ? 0 : -1;
}

int certcache_kept_write(struct buf *out, const struct certcache_kept *k)
{
	if (k->fetched < 0 || k->until < k->fetched)
		return -1;
	(void)buf_printf(out, "certcache 1 %" PRId64 " %" PRId64 " ", k->fetched, k->until);
	(void)buf_put_span(out, k->url);
	(void)buf_putc(out, '\n');
	return buf_put_span(out, k->pem);
}

/* --- the store --------------------------------------------------------------------- */

static void count(struct certcache *c, unsigned long *what)
{
	pthread_mutex_lock(&c->lock);
	(*what)++;
	pthread_mutex_unlock(&c->lock);
}

/* Could it have been written by us, for this URL, and may it still be used at all? */
static bool is_ours(const struct certcache *c, const struct certcache_kept *k, struct span url, int64_t now)
{
	int64_t most = c->p.default_lifetime_s > CERTCACHE_MAX_LIFETIME_S ? c->p.default_lifetime_s : CERTCACHE_MAX_LIFETIME_S;

	return span_eq(k->url, url) && k->until - k->fetched <= most && certcache_is_fresh(k->fetched, k->until + CERTCACHE_STALE_S, now);
}

static bool judge_kept(struct certcache *c, struct span value, struct span url, int64_t now, struct certcache_answer *a)
{
	struct certcache_kept k;

	memset(a, 0, sizeof *a);
	if (certcache_kept_read(value, &k) || !is_ours(c, &k, url, now))
		return false;
	a->reason = certcache_judge(c, k.pem, NULL, &a->cause, &a->chain, NULL);
	if (a->reason != STIR_OK)
		return false;
	a->kept = true;
	a->fetched = k.fetched;
	/* The path may be another one than it was then. */
	a->until = certcache_until(c, a->chain, k.fetched, k.until - k.fetched);
	return true;
}

bool certcache_kept_look(struct certcache *c, struct span url, int64_t now, struct certcache_answer *a)
{
	struct buf key, value;
	bool good = false;
	int rc = -1;

	if (!c->p.keep)
		return false;
	buf_init(&value, STORE_VALUE_MAX);
	if (kept_key(&key, "cert", url) == 0)
		rc = store_get(c->p.keep, buf_span(&key), &value, NULL);
	if (rc == 1)
		good = judge_kept(c, buf_span(&value), url, now, a);
	if (rc < 0)
		count(c, &c->stats.keep_failures);
	else if (rc == 1 && !good)
		count(c, &c->stats.kept_refused);
	buf_free(&key);
	buf_free(&value);
	return good;
}

void certcache_kept_put(struct certcache *c, struct span url, struct span pem, const struct certcache_answer *a, int64_t now)
{
	struct certcache_kept k = {.fetched = a->fetched, .until = a->until, .url = url, .pem = pem};
	int64_t ttl = a->until - now + CERTCACHE_STALE_S;
	struct buf key, value;
	int rc;

	/* Lists that stand elsewhere are not kept with it, so it would be of no use. */
	if (!c->p.keep || ttl < 1 || chainlists_any(a->chain))
		return;
	buf_init(&value, VALUE_BYTES);
	rc = kept_key(&key, "cert", url);
	if (rc == 0)
		rc = certcache_kept_write(&value, &k);
	if (rc == 0)
		rc = store_put(c->p.keep, buf_span(&key), buf_span(&value), ttl < UINT32_MAX ? (uint32_t)ttl : UINT32_MAX, NULL);
	if (rc)
		count(c, &c->stats.keep_failures);
	buf_free(&key);
	buf_free(&value);
}
