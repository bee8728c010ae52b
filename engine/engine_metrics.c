/*
 * All metrics as Prometheus reads them, those that follow from the configuration
 * in force included; and whether this configuration can do its work now.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/crlcache.h"

static const struct span nothing;

static struct span key_name(const struct signers_key *k)
{
	return span_cstr(k->name[0] ? k->name : "KeyFile");
}

static int64_t key_left(const struct signers_key *k, int64_t now)
{
	int64_t from, until;

	cert_chain_validity(k->chain, &from, &until);
	return until - now;
}

static void put_keys(const struct engine *g, int64_t now, struct buf *out)
{
	int64_t other = INT64_MAX;
	struct signers_key k;

	if (!g->signers)
		return;
	metrics_write_head(out, METRICS_KEY_LEFT);
	for (size_t i = 0; signers_at(g->signers, i, &k); i++) {
		int64_t n = key_left(&k, now);

		if (i < LIMIT_METRICS_KEYS)
			metrics_write_value(out, METRICS_KEY_LEFT, "key", key_name(&k), "url", k.x5u, n);
		else if (n < other)
			other = n;
	}
	if (other < INT64_MAX)
		metrics_write_value(out, METRICS_KEY_LEFT, "key", span_cstr("other"), "url", nothing, other);
}

static void put_crls(const struct engine *g, int64_t now, struct buf *out)
{
	struct crlcache_stats s;

	if (!g->crls)
		return;
	crlcache_stats(g->crls, &s);
	if (!s.lists)
		return;
	metrics_write_head(out, METRICS_CRL_NEXT_UPDATE);
	metrics_write_value(out, METRICS_CRL_NEXT_UPDATE, NULL, nothing, NULL, nothing, s.oldest_next_update - now);
}

/* The i-th list of the trust domains; false beyond the end. */
static bool list_at(const struct engine *g, size_t i, struct renewal_list *out)
{
	if (g->renewal)
		return renewal_at(g->renewal, i, out);
	if (i >= g->lists.n)
		return false;
	*out = (struct renewal_list){g->lists.at[i].name, g->lists.at[i].issued, g->lists.at[i].max_age_s};
	return true;
}

static void put_lists(const struct engine *g, int64_t now, struct buf *out)
{
	struct renewal_list l;

	if (!list_at(g, 0, &l))
		return;
	metrics_write_head(out, METRICS_TRUST_AGE);
	/* One that was never had is as old as it can be. */
	for (size_t i = 0; list_at(g, i, &l); i++)
		metrics_write_value(out, METRICS_TRUST_AGE, "domain", span_cstr(l.domain), NULL, nothing, now - l.had);
	metrics_write_head(out, METRICS_TRUST_MAX_AGE);
	for (size_t i = 0; list_at(g, i, &l); i++)
		metrics_write_value(out, METRICS_TRUST_MAX_AGE, "domain", span_cstr(l.domain), NULL, nothing, l.max_age_s);
}

static void put_policy(const struct engine *g, struct buf *out)
{
	if (!g->policy)
		return;
	metrics_write_head(out, METRICS_POLICY);
	metrics_write_value(out, METRICS_POLICY, "mode", span_cstr(ast_mode_name(policy_mode(g->policy))), "hash", span_cstr(policy_hash(g->policy)), 1);
}

void engine_metrics_text(struct engine *g, int64_t now, struct buf *out)
{
	struct metrics_values *v = metrics_look(g->metrics);

	if (!v) {
		out->failed = true;
		return;
	}
	metrics_write(out, g->metrics, v);
	metrics_values_free(v);
	metrics_write_head(out, METRICS_BUILD);
	metrics_write_value(out, METRICS_BUILD, "version", span_cstr(PACKAGE_VERSION), NULL, nothing, 1);
	put_policy(g, out);
	put_keys(g, now, out);
	put_crls(g, now, out);
	put_lists(g, now, out);
	metrics_process_write(out);
}

/* --- readiness --------------------------------------------------------------------------- */

int engine_ready(const struct engine *g, int64_t now, struct err *e)
{
	const char *const *names;
	size_t n = g->signers ? signers_names(g->signers, &names) : 0;

	if (!n || g->settings.mode == SETTINGS_MODE_V)
		return 0;
	/* One tenant whose certificate has ended is no reason to take the host away from the others. */
	for (size_t i = 0; i < n; i++)
		if (signers_choose(g->signers, i, NULL, now))
			return 0;
	return err_set(e, ERR_UNAVAILABLE, "%s", n > 1 ? "none of the signing certificates is valid now" : "the signing certificate is not valid now");
}
