/*
 * Opens what the Fetch settings and CacheFile name, in the order in which one
 * needs the other, and ends it the other way round.
 */
#include "config.h"

#include "engine/remote.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/certcache.h"
#include "core/limits.h"
#include "core/store/store_mem.h"
#include "core/store/store_sqlite.h"
#include "engine/clock.h"
#include "engine/fetch_dir.h"
#include "engine/fetch_either.h"
#include "engine/settings_spec.h"

enum {
	CONNECT_TIMEOUT_MS = 2000,
	STALL_TIMEOUT_MS = 2000,
	BREAKER_FAILURES = 5
};

struct remote {
	atomic_uint refs;
	struct buf made_of; /* the settings, as text */
	bool to_disk;
	struct err damage; /* of CacheFile: memory stands in for it */
	atomic_bool told;
	struct cidr_set *addresses; /* ours: it outlives the settings it came from */
	struct fetch *fetch; /* all of it; owns the next */
	struct fetch *https; /* or NULL */
	struct pool *pool;
	struct store *keep;
};

/* What must stay for a reload to keep what there is. */
static void describe(const struct settings *s, struct buf *out)
{
	static const enum settings_id id[] = {
		SETTINGS_ID_fetch_certificates, SETTINGS_ID_fetch_timeout_ms, SETTINGS_ID_fetch_hosts, SETTINGS_ID_fetch_denied_hosts,
		SETTINGS_ID_fetch_ports, SETTINGS_ID_fetch_addresses, SETTINGS_ID_fetch_ca_file, SETTINGS_ID_fetch_threads,
		SETTINGS_ID_fetch_queue, SETTINGS_ID_fetch_breaker_s, SETTINGS_ID_cache_file, SETTINGS_ID_certificate_cache_size,
	};

	for (size_t i = 0; i < sizeof id / sizeof *id; i++) {
		const struct settings_spec *spec = settings_spec_at(id[i]);
		const char *given = *settings_spec_given((struct settings *)(uintptr_t)s, spec);

		(void)buf_printf(out, "%s=%s\n", spec->row.name, given ? given : "");
	}
}

static int open_https(struct remote *r, const struct settings *s, struct err *e)
{
	const struct fetch_https_params p = {
		.allow = (const char *const *)s->fetch_hosts.item,
		.n_allow = s->fetch_hosts.n,
		.deny = (const char *const *)s->fetch_denied_hosts.item,
		.n_deny = s->fetch_denied_hosts.n,
		.port_443 = s->fetch_ports & SETTINGS_FETCH_443,
		.port_8443 = s->fetch_ports & SETTINGS_FETCH_8443,
		.addresses = r->addresses,
		.ca_file = s->fetch_ca_file,
		.connect_timeout_ms = s->fetch_timeout_ms < CONNECT_TIMEOUT_MS ? s->fetch_timeout_ms : CONNECT_TIMEOUT_MS,
		.stall_timeout_ms = STALL_TIMEOUT_MS,
		.breaker_failures = BREAKER_FAILURES,
		.breaker_s = s->fetch_breaker_s,
		.user_agent = PACKAGE_NAME "/" PACKAGE_VERSION,
	};

	return fetch_https_open(&p, &r->https, e);
}

static int copy_addresses(struct remote *r, const struct settings *s, struct err *e)
{
	r->addresses = cidr_copy(s->fetch_addresses);
	return r->addresses ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory");
}

static int open_fetch(struct remote *r, const struct settings *s, struct err *e)
{
	struct fetch *dir = NULL;

	if (s->certificate_dir && fetch_dir_open(s->certificate_dir, &dir, e))
		return -1;
	if (s->fetch_certificates && (copy_addresses(r, s, e) || open_https(r, s, e))) {
		fetch_close(dir);
		return -1;
	}
	if (!dir || !r->https) {
		r->fetch = dir ? dir : r->https;
		return 0;
	}
	if (fetch_either_open(dir, r->https, &r->fetch, e) == 0)
		return 0;
	r->https = NULL;
	return -1;
}

/* Room for the chains that memory has room for. */
static uint64_t file_bytes(const struct settings *s)
{
	uint64_t n = (uint64_t)s->certificate_cache_size * LIMIT_CACHE_FILE_ENTRY_BYTES;

	return n > LIMIT_CACHE_FILE_BYTES ? n : LIMIT_CACHE_FILE_BYTES;
}

/*
 * What is in CacheFile can be had again, so a damaged one keeps no mail waiting.
 * One that can't be used at all (rights, a folder, another program's) is a mistake
 * that somebody has just made.
 */
static int open_keep(struct remote *r, const struct settings *s, struct err *e)
{
	if (s->cache_file && r->to_disk) {
		if (store_sqlite_open(s->cache_file, CERTCACHE_LOOK_MS, file_bytes(s), clock_wall_s, &r->keep, &r->damage) == 0)
			return 0;
		if (r->damage.code != ERR_DATA)
			return err_set(e, r->damage.code, "%s", r->damage.text);
	}
	r->keep = store_mem_open(LIMIT_CACHE_MEMORY_BYTES, clock_wall_s);
	return r->keep ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory for what is had from the network");
}

static int open_all(struct remote *r, const struct settings *s, struct err *e)
{
	if (open_fetch(r, s, e))
		return -1;
	if (!s->fetch_certificates)
		return 0;
	r->pool = pool_new((unsigned)s->fetch_threads, (size_t)s->fetch_queue);
	if (!r->pool)
		return err_set(e, ERR_UNAVAILABLE, "no memory for the threads that fetch");
	return open_keep(r, s, e);
}

/* A folder is opened anew at each reload: another may have taken its place; a damaged file, too. */
static bool is_same(const struct settings *s, const struct remote *old, bool to_disk, const struct buf *made_of)
{
	return old && s->fetch_certificates && !s->certificate_dir && old->https && old->to_disk == to_disk && old->damage.code == ERR_NONE &&
	       !made_of->failed && !old->made_of.failed && span_eq(buf_span(made_of), buf_span(&old->made_of)) && old->fetch == old->https;
}

static struct remote *make(void)
{
	struct remote *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	atomic_init(&r->refs, 1);
	atomic_init(&r->told, false);
	buf_init(&r->made_of, LIMIT_CONF_BYTES);
	return r;
}

int remote_open(const struct settings *s, struct remote *old, bool to_disk, struct remote **out, struct err *e)
{
	struct remote *r = make();

	*out = NULL;
	if (!r)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	describe(s, &r->made_of);
	if (is_same(s, old, to_disk, &r->made_of)) {
		remote_unref(r);
		atomic_fetch_add_explicit(&old->refs, 1, memory_order_relaxed);
		*out = old;
		return 0;
	}
	r->to_disk = to_disk;
	if (open_all(r, s, e)) {
		remote_unref(r);
		return -1;
	}
	*out = r;
	return 0;
}

int remote_open_with(struct fetch *fetch, struct remote **out, struct err *e)
{
	*out = make();
	if (!*out) {
		fetch_close(fetch);
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	(*out)->fetch = fetch;
	return 0;
}

void remote_unref(struct remote *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (r->pool)
		pool_stop(r->pool);
	if (r->https)
		fetch_https_stop(r->https);
	pool_free(r->pool);
	fetch_close(r->fetch);
	store_close(r->keep);
	cidr_free(r->addresses);
	buf_free(&r->made_of);
	free(r);
}

struct fetch *remote_fetch(struct remote *r)
{
	return r->fetch;
}

struct pool *remote_pool(struct remote *r)
{
	return r->pool;
}

struct store *remote_keep(struct remote *r)
{
	return r->keep;
}

void remote_stats(struct remote *r, struct fetch_https_stats *out)
{
	memset(out, 0, sizeof *out);
	if (r->https)
		fetch_https_stats(r->https, out);
}

void remote_tick(struct remote *r, struct buf *said)
{
	if (r->damage.code != ERR_NONE && !atomic_exchange(&r->told, true))
		(void)buf_printf(said, "CacheFile: %s; until then what is had from the network is only kept in memory\n", r->damage.text);
	store_tick(r->keep);
}
