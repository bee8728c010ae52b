/*
 * What the verifier of an engine is made of: trust domains, number table, where
 * certificates and lists come from, what remembers used tokens.
 *
 * Opened twice at the start of a daemon: first all that is only read, for the
 * check of the configuration; then, as the user it stays, what is written to.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/crlcache.h"
#include "core/trustset.h"
#include "engine/background.h"
#include "engine/clock.h"
#include "engine/file.h"

enum { SAID_MAX = 64 * 1024 };

/* --- trust --------------------------------------------------------------------------- */

/* TrustAnchors and RevocationList: one domain, called "default". */
static int open_anchors(const struct settings *s, struct crlcache *crls, struct trust **out, struct err *e)
{
	struct buf pem;
	int rc;

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	rc = file_read(s->trust_anchors, LIMIT_ANCHOR_BYTES, &pem, e);
	if (rc == 0)
		rc = trust_open(s->trust_anchors, buf_span(&pem), out, e);
	if (rc == 0 && s->revocation_list) {
		buf_reset(&pem);
		rc = file_read(s->revocation_list, LIMIT_ANCHOR_BYTES, &pem, e);
		if (rc == 0)
			rc = trust_add_crls(*out, s->revocation_list, buf_span(&pem), e);
	}
	if (rc == 0 && crls)
		trust_set_crlcache(*out, crls);
	buf_free(&pem);
	return rc;
}

static int open_default(struct engine *g, struct crlcache *crls, struct err *e)
{
	const struct settings *s = &g->settings;
	struct trust_rules rules = {
		.name = "default",
		.authority = (enum trust_authority)s->authority,
		.hard_revocation = s->revocation_policy == SETTINGS_REVOCATION_HARD,
	};
	struct trust *t = NULL;

	if (open_anchors(s, crls, &t, e)) {
		trust_free(t);
		return -1;
	}
	g->trust = trustset_new();
	if (!g->trust) {
		trust_free(t);
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	return trustset_add(g->trust, &rules, t, e);
}

static int open_renewal(struct engine *g, struct trust_sources *sources, struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < sources->n; i++)
		any = any || sources->at[i].url;
	if (any && remote_pool(g->remote)) {
		g->renewal = renewal_new(sources, g->remote);
		if (!g->renewal)
			return err_set(e, ERR_UNAVAILABLE, "no memory");
	} else if (any) {
		return err_set(e, ERR_CONFIG, "%s: a trust list stands at an address, but nothing may be had from the network: set \"FetchCertificates yes\"",
			       g->settings.trust_domains);
	}
	return 0;
}

/* As RevocationPolicy is checked, for each domain. */
static int check_lists(const struct engine *g, struct err *e)
{
	for (size_t i = 0; !g->settings.fetch_certificates && i < trustset_count(g->trust); i++) {
		const struct trust_rules *r = trustset_rules(g->trust, i);

		if (r->hard_revocation && !trust_has_crls(trustset_at(g->trust, i)))
			return err_set(e, ERR_CONFIG,
				       "%s: trust domain %s: \"revocation hard\" needs crls, or \"FetchCertificates yes\" to have them from the network: without any, every "
				       "message of this domain would get temperror",
				       g->settings.trust_domains, r->name);
	}
	return 0;
}

static int open_domains(struct engine *g, struct crlcache *crls, struct err *e)
{
	struct trust_sources sources = {0};
	struct buf said;
	int rc;

	buf_init(&said, SAID_MAX);
	rc = trust_file_open(g->settings.trust_domains, remote_keep(g->remote), crls, clock_wall_s(), &g->trust, &sources, &said, e);
	if (rc == 0)
		rc = check_lists(g, e);
	if (rc == 0)
		rc = open_renewal(g, &sources, e);
	/* Who renews them has taken them over. */
	if (!g->renewal) {
		g->lists = sources;
		sources = (struct trust_sources){0};
	}
	trust_sources_free(&sources);
	g->trust_said = said.p;
	return rc;
}

static int read_spcs(void *arg)
{
	const struct engine_opening *o = arg;
	const char *path = o->g->settings.spc_table;
	struct buf text;
	int rc;

	buf_init(&text, LIMIT_TABLE_BYTES);
	rc = file_read(path, LIMIT_TABLE_BYTES, &text, o->e);
	if (rc == 0)
		rc = spctable_parse(path, buf_span(&text), &o->g->spcs, o->e);
	buf_free(&text);
	return rc;
}

static int open_spcs(struct engine *g, const struct engine *old, struct err *e)
{
	struct engine_opening o = {g, NULL, e};

	return g->settings.spc_table ? background_run(old != NULL, read_spcs, &o) : 0;
}

/* --- certificates ----------------------------------------------------------------------- */

static int open_crls(struct engine *g, struct err *e)
{
	const struct crlcache_params p = {
		.fetch = remote_fetch(g->remote),
		.pool = remote_pool(g->remote),
		.keep = remote_keep(g->remote),
		.max_lists = LIMIT_CRL_LISTS,
		.fetch_timeout_ms = g->settings.fetch_timeout_ms,
		.clock = clock_wall_s,
	};

	/* Without the network lists are files of the operator. */
	if (!p.pool)
		return 0;
	g->crls = crlcache_new(&p);
	if (g->crls)
		metrics_attach(g->metrics, g->crls, engine_gather_crls);
	return g->crls ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory for revocation lists");
}

static bool have_crls(void *arg, const struct cert_chain *c, int64_t now, unsigned deadline_ms)
{
	return crlcache_chain(arg, c, now, deadline_ms);
}

static void release_crls(void *arg)
{
	crlcache_unref(arg);
}

static int open_certs(struct engine *g, struct err *e)
{
	const struct settings *s = &g->settings;
	struct pool *pool = remote_pool(g->remote);
	const struct certcache_params p = {
		.fetch = remote_fetch(g->remote),
		.trust = g->trust,
		.spcs = g->spcs,
		.pool = pool,
		.keep = remote_keep(g->remote),
		.max_entries = (size_t)s->certificate_cache_size,
		.max_live = LIMIT_CERTCACHE_LIVE,
		.keep_pem = s->evidence_dir != NULL,
		.default_lifetime_s = pool ? 0 : s->certificate_ttl_s,
		.negative_s = s->fetch_retry_s,
		.max_waiters = (unsigned)s->fetch_waiters,
		.fetch_timeout_ms = s->fetch_timeout_ms,
		.validated = g->crls ? have_crls : NULL,
		.validated_arg = g->crls,
		.released = g->crls ? release_crls : NULL,
		.waited = engine_count_wait,
		.waited_arg = g->metrics,
		.clock_us = clock_monotonic_us,
		.clock = clock_wall_s,
	};

	g->certs = certcache_new(&p);
	if (g->certs)
		metrics_attach(g->metrics, g->certs, engine_gather_certs);
	/* A fetch that outlives the engine, in the threads it shares with the next one, still has lists. */
	if (g->certs && g->crls)
		(void)crlcache_ref(g->crls);
	return g->certs ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory for the certificate cache");
}

static void set_params(struct engine *g)
{
	const struct settings *s = &g->settings;
	bool go_on = g->verify.go_on;

	g->verify = (struct verify_params){
		.certs = g->certs,
		.trust = g->trust,
		.spcs = g->spcs,
		.replay = g->replay ? replay_place_replay(g->replay) : NULL,
		.max_age_s = s->max_age_s,
		.max_skew_s = s->max_skew_s,
		.fetch_wait_ms = s->fetch_wait_ms,
		.dest_any = s->dest_cover != 0,
		.require_msgi = s->require_msgi,
		.keep_chain = g->evidence != NULL,
		.go_on = go_on,
		.content = (enum verify_content)s->content_digest,
	};
}

static int open_published(struct engine *g, struct err *e)
{
	/* Whoever does not sign at all, or asks no network, needs no thread for it. */
	if (!g->signers || g->settings.mode == SETTINGS_MODE_V || !remote_pool(g->remote))
		return 0;
	g->published = published_new(g->signers, g->remote);
	return g->published ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory to look after our own certificates");
}

static void close_trust(struct engine *g)
{
	metrics_detach(g->metrics, g->certs);
	metrics_detach(g->metrics, g->crls);
	certcache_unref(g->certs);
	crlcache_unref(g->crls);
	trust_sources_free(&g->lists);
	g->lists = (struct trust_sources){0};
	trustset_unref(g->trust);
	renewal_unref(g->renewal);
	published_unref(g->published);
	free(g->trust_said);
	g->certs = NULL;
	g->crls = NULL;
	g->trust = NULL;
	g->renewal = NULL;
	g->published = NULL;
	g->trust_said = NULL;
}

static int open_trust(struct engine *g, struct err *e)
{
	if (open_crls(g, e))
		return -1;
	if (g->settings.trust_domains ? open_domains(g, g->crls, e) : open_default(g, g->crls, e))
		return -1;
	if (open_certs(g, e) || open_published(g, e))
		return -1;
	set_params(g);
	return 0;
}

int engine_verify_open(struct engine *g, const struct engine *old, struct err *e)
{
	const struct settings *s = &g->settings;

	if (!s->trust_anchors && !s->trust_domains)
		return 0;
	if (remote_open(s, old ? old->remote : NULL, old && s->cache_file, &g->remote, e))
		return -1;
	metrics_attach(g->metrics, g->remote, engine_gather_remote);
	if (open_spcs(g, old, e))
		return -1;
	return open_trust(g, e);
}

/* --- what is written to -------------------------------------------------------------------- */

static void take_remote(struct engine *g, struct remote *fresh)
{
	metrics_detach(g->metrics, g->remote);
	remote_unref(g->remote);
	g->remote = fresh;
	metrics_attach(g->metrics, fresh, engine_gather_remote);
}

/* Trust lists that were had, and certificates, are in CacheFile: all that looked into it is opened anew. */
static int reopen_remote(struct engine *g, const struct engine *old, struct err *e)
{
	struct remote *fresh;

	if (!g->settings.cache_file || (old && old->remote == g->remote))
		return 0;
	if (remote_open(&g->settings, old ? old->remote : NULL, true, &fresh, e))
		return -1;
	close_trust(g);
	take_remote(g, fresh);
	return open_trust(g, e);
}

static int open_evidence(struct engine *g, const struct engine *old, struct err *e)
{
	const struct settings *s = &g->settings;
	const char *before = old ? old->settings.evidence_dir : NULL;

	if (!s->evidence_dir)
		return 0;
	/* One writer for one folder. */
	if (old && old->evidence && before && strcmp(before, s->evidence_dir) == 0 && old->settings.evidence_keep_s == s->evidence_keep_s) {
		g->evidence = evidence_ref(old->evidence);
	} else if (evidence_open(s->evidence_dir, s->evidence_keep_s / 86400, &g->evidence, e)) {
		return -1;
	}
	metrics_attach(g->metrics, g->evidence, engine_gather_evidence);
	return 0;
}

int engine_verify_begin(struct engine *g, const struct engine *old, bool in_private, struct err *e)
{
	const struct settings *s = &g->settings;

	if (!g->trust)
		return 0;
	if (!in_private && (reopen_remote(g, old, e) || open_evidence(g, old, e)))
		return -1;
	if (s->replay_store && (in_private ? replay_place_private(&g->replay, e)
					   : replay_place_open(s, old ? old->replay : NULL, engine_future_reader(s), &g->replay, e)))
		return -1;
	if (g->replay) {
		replay_place_count(g->replay, g->metrics);
		metrics_attach(g->metrics, g->replay, engine_gather_replay);
	}
	set_params(g);
	return 0;
}

int engine_verify_check_files(const struct engine *g, struct err *e)
{
	const struct settings *s = &g->settings;
	struct span store = span_cstr(s->replay_store);

	if (!g->trust)
		return 0;
	if (s->replay_store && replay_place_check(s, engine_future_reader(s), e))
		return -1;
	if (span_starts(store, "sqlite:") && file_check_place("ReplayStore", store.p + strlen("sqlite:"), e))
		return -1;
	if (s->cache_file && file_check_place("CacheFile", s->cache_file, e))
		return -1;
	if (s->evidence_dir && access(s->evidence_dir, W_OK | X_OK) && file_check_place("EvidenceDir", s->evidence_dir, e))
		return -1;
	return 0;
}

int engine_use_fetch(struct engine *g, struct fetch *f, struct err *e)
{
	struct remote *fresh;

	if (remote_open_with(f, &fresh, e))
		return -1;
	close_trust(g);
	take_remote(g, fresh);
	return open_trust(g, e);
}

void engine_verify_close(struct engine *g)
{
	close_trust(g);
	metrics_detach(g->metrics, g->evidence);
	metrics_detach(g->metrics, g->replay);
	metrics_detach(g->metrics, g->remote);
	evidence_unref(g->evidence);
	replay_place_unref(g->replay);
	/* Waits for what is under way. */
	remote_unref(g->remote);
	spctable_unref(g->spcs);
}

void engine_verify_advice(const struct engine *g, struct buf *out)
{
	if (g->signers && g->settings.mode != SETTINGS_MODE_V && g->trust && !remote_pool(g->remote))
		published_look(g->signers, remote_fetch(g->remote), out);
	if (g->trust_said)
		buf_puts(out, g->trust_said);
	if (g->settings.replay_store && strcmp(g->settings.replay_store, "memory") == 0)
		buf_puts(out, "ReplayStore memory: a restart forgets which tokens were used, and accepts them again\n");
}
