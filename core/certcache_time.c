/*
 * Until when a chain may be used, and from when on it is renewed.
 */
#include "config.h"

#include "core/certcache_internal.h"

enum {
	DAY_S = 86400,
	/* A signer has the next certificate ready when a third of the old one's time
	 * is left (that is when ACME clients renew), or on its last day. */
	RENEW_PATH_PART = 3,
	/* At the end of the time HTTP gives. */
	RENEW_FRESH_PART = 10,
	/* Ticks are some seconds apart, and a fetch takes some as well. */
	RENEW_AHEAD_S = 30,
	/* The same octets again, on the path's last day: asked ten times in all, but not every tick. */
	RENEW_RETRY_PART = 10
};

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t certcache_now(const struct certcache *c, int64_t then)
{
	return c->p.clock ? c->p.clock() : then;
}

int64_t certcache_until(const struct certcache *c, const struct cert_chain *chain, int64_t fetched, int64_t lifetime_s)
{
	int64_t not_before, not_after, lifetime = lifetime_s;

	if (lifetime < 0)
		lifetime = c->p.default_lifetime_s;
	else
		lifetime = smaller(larger(lifetime, CERTCACHE_MIN_LIFETIME_S), CERTCACHE_MAX_LIFETIME_S);
	cert_chain_validity(chain, &not_before, &not_after);
	/* A path that has ended, or is about to, must not make us ask at each message. */
	return larger(smaller(fetched + lifetime, not_after + 1), fetched + smaller(c->p.negative_s, lifetime));
}

bool certcache_is_fresh(int64_t fetched, int64_t until, int64_t now)
{
	return now < until && now >= fetched - CERTCACHE_CLOCK_SLACK_S;
}

bool certcache_is_stale(const struct certcache_entry *e, int64_t now)
{
	int64_t not_before, not_after;

	certrecord_validity(e->record, &not_before, &not_after);
	return certcache_is_fresh(e->fetched, e->until + CERTCACHE_STALE_S, now) && now <= not_after;
}

int64_t certcache_asked(const struct certcache_entry *e, int64_t now)
{
	return e->asked <= now + CERTCACHE_CLOCK_SLACK_S ? e->asked : 0;
}

/* The part of the path's time in which the next certificate should be there. */
static bool ends_soon(const struct certcache_entry *e, int64_t now, int64_t *retry)
{
	int64_t not_before, not_after, ahead;

	certrecord_validity(e->record, &not_before, &not_after);
	ahead = smaller(DAY_S, (not_after - not_before) / RENEW_PATH_PART);
	*retry = larger(*retry, ahead / RENEW_RETRY_PART);
	return now > not_after - ahead;
}

bool certcache_is_due(const struct certcache_entry *e, int64_t now)
{
	int64_t lifetime = e->until - e->fetched, retry = CERTCACHE_MIN_LIFETIME_S;
	int64_t ahead = smaller(larger(lifetime / RENEW_FRESH_PART, RENEW_AHEAD_S), lifetime / 2);

	if (!e->used)
		return false;
	if (now >= e->until - ahead)
		return now - larger(certcache_asked(e, now), e->fetched) >= smaller(retry, lifetime / 2);
	return ends_soon(e, now, &retry) && now - larger(certcache_asked(e, now), e->fetched) >= retry;
}
