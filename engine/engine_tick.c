/*
 * What an engine does besides mail: renewals and housekeeping.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include "core/crlcache.h"
#include "engine/clock.h"

void engine_tick(struct engine *g, int64_t now, struct buf *said)
{
	if (!g->trust)
		return;
	certcache_tick(g->certs, (struct certcache_time){.now = now, .ms = clock_monotonic_ms()});
	if (g->crls)
		crlcache_tick(g->crls, now);
	if (g->renewal)
		renewal_tick(g->renewal, now, said);
	if (g->published)
		published_tick(g->published, now, said);
	remote_tick(g->remote, said);
	if (g->replay)
		replay_place_tick(g->replay);
	if (g->evidence)
		evidence_tick(g->evidence, now);
}

bool engine_wants_reopen(const struct engine *g)
{
	return g->renewal && renewal_done(g->renewal);
}
