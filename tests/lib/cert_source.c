/* What the cache's tests fetch from; see cert_source.h. */
#include "config.h"

#include "tests/lib/cert_source.h"

#include <openssl/x509.h>
#include <sched.h>
#include <stdatomic.h>

#include "core/limits.h"
#include "core/tnauthlist.h"
#include "engine/clock.h"
#include "tests/lib/tap.h"

static _Atomic int64_t wall;

void cert_source_set_now(int64_t now)
{
	atomic_store(&wall, now);
}

static int64_t wall_s(void)
{
	return atomic_load(&wall);
}

struct certcache_time cert_source_time(void)
{
	return (struct certcache_time){.now = wall_s(), .ms = clock_monotonic_ms()};
}

/* --- the fetcher --------------------------------------------------------------------- */

static int get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct cert_source *s = (struct cert_source *)f;
	struct cert_source_says says;
	int rc;

	(void)deadline_ms;
	pthread_mutex_lock(&s->lock);
	s->calls++;
	if (url.n < sizeof s->last_url) {
		memcpy(s->last_url, url.p, url.n);
		s->last_url[url.n] = '\0';
	}
	s->inside++;
	pthread_cond_broadcast(&s->changed);
	while (s->held)
		pthread_cond_wait(&s->changed, &s->lock);
	s->inside--;
	says = s->says;
	if (s->list.n && url.n > 5 && span_is(span_skip(url, url.n - 5), "/list"))
		says = (struct cert_source_says){1, FETCH_NONE, -1, s->list};
	rc = says.rc;
	/* Within the lock: the content may be changed by the test. */
	if (rc == 1 && buf_put_span(out, says.content)) {
		rc = -1;
		says.cause = FETCH_TOO_LARGE;
	}
	pthread_mutex_unlock(&s->lock);
	a->cause = says.cause;
	a->lifetime_s = says.lifetime_s;
	if (rc != 1)
		(void)err_set(e, ERR_UNAVAILABLE, "test: %s", fetch_cause_name(says.cause));
	return rc;
}

static bool may(struct fetch *f, struct span url)
{
	struct cert_source *s = (struct cert_source *)f;
	bool yes;

	(void)url;
	pthread_mutex_lock(&s->lock);
	yes = !s->denied;
	pthread_mutex_unlock(&s->lock);
	return yes;
}

static void stop(struct fetch *f)
{
	(void)f;
}

static const struct fetch_ops ops = {get, may, stop};

void cert_source_say(struct cert_source *s, int rc, enum fetch_cause cause, int64_t lifetime_s, struct span content)
{
	pthread_mutex_lock(&s->lock);
	s->says = (struct cert_source_says){rc, cause, lifetime_s, content};
	pthread_mutex_unlock(&s->lock);
}

void cert_source_hold(struct cert_source *s)
{
	pthread_mutex_lock(&s->lock);
	s->held = true;
	pthread_mutex_unlock(&s->lock);
}

void cert_source_let_go(struct cert_source *s)
{
	pthread_mutex_lock(&s->lock);
	s->held = false;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

int cert_source_calls(struct cert_source *s)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = s->calls;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void cert_source_wait_inside(struct cert_source *s, int n)
{
	pthread_mutex_lock(&s->lock);
	while (s->inside < n)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* --- the PKI ----------------------------------------------------------------------------- */

void cert_source_list(struct buf *der)
{
	struct tnauthlist *list;
	struct err e = {0};

	buf_init(der, 1024);
	if (tnauthlist_from_text(span_cstr("spc:1234"), &list, &e) || tnauthlist_write_der(der, list))
		tap_bail("TNAuthList: %s", e.text);
	tnauthlist_free(list);
}

void cert_source_chain(const struct pki *p, int64_t not_before, int64_t not_after, const char *list_url, struct buf *out)
{
	struct pki_cert_spec spec = {.key = pki_key_new(PKI_KEY_P256),
				     .issuer = p->ca,
				     .issuer_key = p->ca_key,
				     .common_name = "SHAKEN 1234",
				     .not_before = not_before,
				     .not_after = not_after,
				     .list_url = list_url};
	struct err e = {0};
	struct buf der;
	X509 *x;

	cert_source_list(&der);
	if (!list_url)
		spec.tn_auth = buf_span(&der);
	buf_init(out, LIMIT_CHAIN_BYTES);
	if (!spec.key || pki_cert_new(&spec, &x, &e) || pki_put_chain(out, p, x))
		tap_bail("chain: %s", e.text);
	X509_free(x);
	EVP_PKEY_free(spec.key);
	buf_free(&der);
}

static void open_trust(struct cert_source *s)
{
	const struct trust_rules rules = {.name = "test", .authority = TRUST_AUTHORITY_SPC};
	struct err e = {0};
	struct trust *t;
	struct buf pem;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	s->trust = trustset_new();
	if (!s->trust || pki_put_cert(&pem, s->pki.root) || trust_open("anchors", buf_span(&pem), &t, &e) || trustset_add(s->trust, &rules, t, &e))
		tap_bail("trust: %s", e.text);
	buf_free(&pem);
}

void cert_source_open(struct cert_source *s, bool at_hand)
{
	const int64_t from = CERT_SOURCE_T0, until = CERT_SOURCE_T0 + 100 * CERT_SOURCE_DAY;
	struct err e = {0};

	memset(s, 0, sizeof *s);
	s->fetch = (struct fetch){&ops, at_hand};
	if (pthread_mutex_init(&s->lock, NULL) || pthread_cond_init(&s->changed, NULL))
		tap_bail("no lock");
	if (pki_init(&s->pki, "Test", from - 1000 * CERT_SOURCE_DAY, from + 1000 * CERT_SOURCE_DAY, &e) ||
	    pki_init(&s->other, "Other", from - 1000 * CERT_SOURCE_DAY, from + 1000 * CERT_SOURCE_DAY, &e))
		tap_bail("%s", e.text);
	cert_source_chain(&s->pki, from, until, NULL, &s->good);
	cert_source_chain(&s->pki, from, until, NULL, &s->again);
	cert_source_chain(&s->other, from, until, NULL, &s->foreign);
	open_trust(s);
	cert_source_say(s, 1, FETCH_NONE, -1, buf_span(&s->good));
	cert_source_set_now(from);
}

void cert_source_close(struct cert_source *s)
{
	trustset_unref(s->trust);
	pki_free(&s->pki);
	pki_free(&s->other);
	buf_free(&s->good);
	buf_free(&s->again);
	buf_free(&s->foreign);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
}

/* --- the cache ------------------------------------------------------------------------------- */

struct certcache_params cert_source_params(struct cert_source *s, struct pool *pool)
{
	return (struct certcache_params){
		.fetch = &s->fetch,
		.trust = s->trust,
		.pool = pool,
		.max_entries = 100,
		.max_live = LIMIT_CERTCACHE_LIVE,
		.negative_s = 60,
		.max_waiters = 100,
		.fetch_timeout_ms = 5000,
		.clock = wall_s,
	};
}

struct certcache *cert_source_cache(const struct certcache_params *p)
{
	struct certcache *c = certcache_new(p);

	if (!c)
		tap_bail("no cache");
	return c;
}

struct certcache_stats cert_source_stats(struct certcache *c)
{
	struct certcache_stats s;

	certcache_stats(c, &s);
	return s;
}

void cert_source_calm(struct certcache *c)
{
	while (cert_source_stats(c).flights)
		sched_yield();
}
