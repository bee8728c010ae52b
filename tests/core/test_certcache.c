/* The cache of chains, fetch at hand: what is asked for when, what enters, what leaves first, who stands in. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/certcache_internal.h"
#include "core/limits.h"
#include "tests/lib/cert_source.h"
#include "tests/lib/tap.h"

enum { T0 = CERT_SOURCE_T0, DAY = CERT_SOURCE_DAY, URLS = 6 };

static struct cert_source source;

static struct certcache *cache_of(size_t max, unsigned lifetime_s)
{
	struct certcache_params p = cert_source_params(&source, NULL);

	p.max_entries = max;
	p.default_lifetime_s = lifetime_s;
	p.clock = NULL;
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	return cert_source_cache(&p);
}

static struct certcache_time at(int64_t now)
{
	return (struct certcache_time){now, 0};
}

/* One look at url number i; says how often it was fetched, -1 and *r when there is nothing. */
static int look(struct certcache *c, int i, int64_t now, struct cert_chain **out, enum stir_reason *r)
{
	int before = cert_source_calls(&source);
	struct cert_chain *chain;
	enum stir_reason got;
	char url[64];

	snprintf(url, sizeof url, "https://example.com/%d.pem", i);
	got = certcache_get(c, span_cstr(url), at(now), 1500, &chain, NULL);
	if (r)
		*r = got;
	else if (got != STIR_OK)
		tap_bail("%s: %s", url, stir_reason_name(got));
	if (out)
		*out = chain;
	else
		cert_chain_unref(chain);
	return cert_source_calls(&source) - before;
}

static void lifetime(void)
{
	struct certcache *c = cache_of(10, 100);
	struct certcache_stats s;
	struct cert_chain *first, *chain;
	int64_t from, until;

	tap_int(look(c, 1, T0, &first, NULL), 1, "the first time it is fetched");
	tap_str(source.last_url, "https://example.com/1.pem", "from its address");
	cert_chain_validity(first, &from, &until);
	tap_ok(from == T0 && until == T0 + 100 * DAY, "and has its path's validity");
	tap_int(look(c, 1, T0 + 99, &chain, NULL), 0, "then it is not, as long as it lives");
	tap_ok(chain == first, "and it is the same chain");
	cert_chain_unref(chain);
	tap_int(look(c, 1, T0 + 100, &chain, NULL), 1, "fetched again at its end");
	tap_ok(chain == first, "the same octets keep their verdict");
	cert_chain_unref(chain);
	tap_int(look(c, 1, T0 + 199, NULL, NULL), 0, "and live again");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.again));
	tap_int(look(c, 1, T0 + 200, &chain, NULL), 1, "other octets");
	tap_ok(chain != first, "are another chain");
	cert_chain_unref(chain);
	tap_int((long long)cert_chain_count(first), 2, "the old one lives while it is held");
	cert_chain_unref(first);
	s = cert_source_stats(c);
	tap_ok(s.hits == 2 && s.misses == 3 && s.fetches == 3 && s.failures == 0 && s.evictions == 0 && s.entries == 1, "counted");
	tap_int((long long)s.cause[FETCH_NONE], 3, "by cause too");
	certcache_unref(c);
}

/* What HTTP said and when the path ends, to the second until which it is used. */
static const struct until_case {
	int64_t said, path_end; /* from now; 0: 100 days */
	int64_t want;
	const char *name;
} untils[] = {
	{-1, 0, 500, "nothing said: the default"},
	{3600, 0, 3600, "as HTTP says"},
	{0, 0, CERTCACHE_MIN_LIFETIME_S, "not beyond now: a minute all the same"},
	{5, 0, CERTCACHE_MIN_LIFETIME_S, "less than a minute"},
	{30 * DAY, 0, CERTCACHE_MAX_LIFETIME_S, "a month: a week"},
	{INT64_MAX, 0, CERTCACHE_MAX_LIFETIME_S, "for ever: a week"},
	{3600, 600, 601, "not beyond the path's last second"},
	{3600, 10, 30, "a path that is about to end: negative_s"},
	{3600, -10, 30, "a path that has ended: negative_s"},
	{-1, -10 * DAY, 30, "long ago"},
};

static void untils_hold(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);

	p.default_lifetime_s = 500;
	p.negative_s = 30;
	for (size_t i = 0; i < sizeof untils / sizeof untils[0]; i++) {
		const struct until_case *u = &untils[i];
		int64_t now = T0 + 20 * DAY;
		struct certcache *c = cert_source_cache(&p);
		struct buf pem = {0};

		if (u->path_end)
			cert_source_chain(&source.pki, T0, now + u->path_end, NULL, &pem);
		cert_source_set_now(now);
		cert_source_say(&source, 1, FETCH_NONE, u->said, u->path_end ? buf_span(&pem) : buf_span(&source.good));
		(void)look(c, 1, now, NULL, NULL);
		tap_ok(look(c, 1, now + u->want - 1, NULL, NULL) == 0 && look(c, 1, now + u->want, NULL, NULL) == 1, "%s", u->name);
		cert_source_set_now(T0);
		certcache_unref(c);
		buf_free(&pem);
	}
}

/* Chains with as much text beside them as fits: what counts is what they take. */
enum { PAD = 60 * 1024, MOST = LIMIT_CERTCACHE_BYTES / PAD };

static void padded(struct certcache *c, const struct buf *pem, bool kept)
{
	struct certcache_stats s;

	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(pem));
	for (int i = 0; i < MOST + 100; i++)
		(void)look(c, i, T0, NULL, NULL);
	s = cert_source_stats(c);
	if (kept)
		tap_ok(s.entries <= MOST && s.entries > MOST - MOST / 8 && s.evictions + s.entries == MOST + 100, "so many padded chains stay: %zu, not %d", s.entries, MOST + 100);
	else
		tap_ok(s.entries == MOST + 100 && s.octets < (MOST + 100) * 700, "what is not kept of them takes no room");
	tap_ok(s.octets <= LIMIT_CERTCACHE_BYTES, "within the bounds");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	for (int i = 0; i < MOST + 100; i++)
		(void)look(c, i, T0 + 2 * DAY, NULL, NULL);
	s = cert_source_stats(c);
	tap_int((long long)s.entries, MOST + 100, "of others there is room for all");
}

static void octets(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct buf pem;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	for (int i = 0; i < PAD; i++)
		buf_putc(&pem, i % 64 == 63 ? '\n' : '#');
	if (buf_put_span(&pem, buf_span(&source.good)))
		tap_bail("a chain that does not fit");
	p.max_entries = 10000;
	p.default_lifetime_s = DAY;
	p.clock = NULL;
	for (int kept = 0; kept < 2; kept++) {
		struct certcache *c;

		p.keep_pem = kept;
		c = cert_source_cache(&p);
		padded(c, &pem, kept);
		certcache_unref(c);
	}
	buf_free(&pem);
}

static void clock_set_back(void)
{
	struct certcache *c = cache_of(10, DAY);

	(void)look(c, 1, T0 + 20 * DAY, NULL, NULL);
	tap_int(look(c, 1, T0 + 20 * DAY - 3600, NULL, NULL), 0, "a clock that is set back by an hour");
	tap_int(look(c, 1, T0, NULL, NULL), 1, "by weeks: what is in memory says nothing");
	certcache_unref(c);
}

static const struct refusal_case {
	int rc;
	enum fetch_cause cause;
	const char *text; /* NULL: the chain of another PKI */
	enum stir_reason want;
} refusals[] = {
	{0, FETCH_NOT_FOUND, "", STIR_CERT_UNREACHABLE},
	{-1, FETCH_UNREADABLE, "", STIR_CERT_UNREACHABLE},
	{1, FETCH_NONE, "", STIR_CERT_INVALID},
	{1, FETCH_NONE, "<html>", STIR_CERT_INVALID},
	{1, FETCH_NONE, NULL, STIR_CERT_UNTRUSTED},
};

static void refused(void)
{
	struct certcache *c = cache_of(10, 100);
	struct certcache_stats s;
	struct cert_chain *chain;
	struct err why;

	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		enum stir_reason got;

		chain = (struct cert_chain *)&source;
		err_clear(&why);
		cert_source_say(&source, refusals[i].rc, refusals[i].cause, -1, refusals[i].text ? span_cstr(refusals[i].text) : buf_span(&source.foreign));
		got = certcache_get(c, span_cstr("https://example.com/x"), at(T0), 0, &chain, &why);
		tap_str(stir_reason_name(got), stir_reason_name(refusals[i].want), "case %zu: %s", i, why.text);
		tap_ok(!chain && why.text[0], "nothing given, and why");
	}
	s = cert_source_stats(c);
	tap_ok(s.entries == 0 && s.negatives == 0 && s.failures == 5 && s.misses == 5, "nothing entered");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	tap_int(look(c, 1, T0, NULL, NULL), 1, "at hand, a failure is not kept");
	source.denied = true;
	tap_int(certcache_get(c, span_cstr("https://example.com/1.pem"), at(T0), 0, &chain, &why), STIR_X5U_FORBIDDEN, "an address that may not be asked");
	tap_ok(!chain && why.text[0], "gives nothing, even if it is in memory");
	source.denied = false;
	certcache_unref(c);
}

/* After its time: who stands in, and when not. */
static const struct stale_case {
	int rc;
	enum fetch_cause cause;
	const char *text; /* NULL: of another PKI */
	bool stale;
} stales[] = {
	{-1, FETCH_CONNECT, "", true},      {-1, FETCH_TIMEOUT, "", true},   {-1, FETCH_DNS, "", true},       {-1, FETCH_TLS, "", true},
	{-1, FETCH_BREAKER, "", true},      {-1, FETCH_LOCAL, "", true},     {-1, FETCH_HTTP_STATUS, "", true}, {-1, FETCH_UNREADABLE, "", true},
	{0, FETCH_NOT_FOUND, "", false},    {-1, FETCH_REDIRECT, "", false}, {-1, FETCH_TOO_LARGE, "", false}, {-1, FETCH_ENCODING, "", false},
	{-1, FETCH_ADDRESS, "", false},     {-1, FETCH_HOST, "", false},     {1, FETCH_NONE, NULL, false},    {1, FETCH_NONE, "x", false},
};

static void stand_ins(void)
{
	for (size_t i = 0; i < sizeof stales / sizeof stales[0]; i++) {
		struct certcache *c = cache_of(10, 100);
		enum stir_reason r;

		(void)look(c, 1, T0, NULL, NULL);
		cert_source_say(&source, stales[i].rc, stales[i].cause, -1, stales[i].text ? span_cstr(stales[i].text) : buf_span(&source.foreign));
		(void)look(c, 1, T0 + 100, NULL, &r);
		tap_ok((r == STIR_OK) == stales[i].stale && cert_source_stats(c).stale_used == stales[i].stale, "%s %s: %s", fetch_cause_name(stales[i].cause),
		       stales[i].text ? stales[i].text : "foreign", stales[i].stale ? "the old copy stands in" : "no");
		certcache_unref(c);
	}
}

static void stale_ends(void)
{
	struct certcache *c = cache_of(10, 100);
	enum stir_reason r;
	struct buf pem;

	(void)look(c, 1, T0, NULL, NULL);
	cert_source_say(&source, -1, FETCH_CONNECT, -1, span_cstr(""));
	(void)look(c, 1, T0 + 100 + CERTCACHE_STALE_S - 1, NULL, &r);
	tap_int(r, STIR_OK, "a day long");
	(void)look(c, 1, T0 + 100 + CERTCACHE_STALE_S, NULL, &r);
	tap_int(r, STIR_CERT_UNREACHABLE, "and no longer");
	certcache_tick(c, at(T0 + 100 + CERTCACHE_STALE_S - 1));
	tap_int((long long)cert_source_stats(c).entries, 1, "until then it is kept");
	certcache_tick(c, at(T0 + 100 + CERTCACHE_STALE_S));
	tap_int((long long)cert_source_stats(c).entries, 0, "then it leaves");
	certcache_unref(c);

	c = cache_of(10, 100);
	cert_source_chain(&source.pki, T0, T0 + 3600, NULL, &pem);
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&pem));
	(void)look(c, 1, T0, NULL, NULL);
	cert_source_say(&source, -1, FETCH_CONNECT, -1, span_cstr(""));
	(void)look(c, 1, T0 + 3600, NULL, &r);
	tap_int(r, STIR_OK, "to the path's last second");
	(void)look(c, 1, T0 + 3601, NULL, &r);
	tap_int(r, STIR_CERT_UNREACHABLE, "and no longer");
	certcache_unref(c);
	buf_free(&pem);
}

static void least_recent(void)
{
	struct certcache *c = cache_of(3, 100);
	struct certcache_stats s;

	for (int i = 0; i < 3; i++)
		(void)look(c, i, T0, NULL, NULL);
	tap_int(look(c, 0, T0 + 1, NULL, NULL), 0, "three fit");
	tap_int(look(c, 3, T0 + 2, NULL, NULL), 1, "a fourth");
	tap_int(look(c, 0, T0 + 3, NULL, NULL), 0, "the one used last stayed");
	tap_int(look(c, 2, T0 + 4, NULL, NULL), 0, "the third too");
	tap_int(look(c, 1, T0 + 5, NULL, NULL), 1, "the one not used longest had to go");
	s = cert_source_stats(c);
	tap_ok(s.entries == 3 && s.evictions == 2, "three entries, two evictions");
	certcache_unref(c);

	c = cache_of(0, 100);
	(void)look(c, 1, T0, NULL, NULL);
	tap_int(look(c, 1, T0, NULL, NULL), 0, "a cache of nothing holds one");
	for (int i = 0; i < 50; i++)
		(void)look(c, i, T0, NULL, NULL);
	tap_int((long long)cert_source_stats(c).entries, 1, "and no more");
	certcache_unref(c);
}

static void long_url(void)
{
	struct certcache *c = cache_of(3, 100);
	char url[LIMIT_X5U_BYTES + 1];
	int before = cert_source_calls(&source);
	struct cert_chain *chain;

	memset(url, 'a', sizeof url);
	tap_int(certcache_get(c, span_make(url, sizeof url), at(T0), 0, &chain, NULL), STIR_CERT_UNREACHABLE, "an address too long");
	tap_int(cert_source_calls(&source), before, "is not even fetched");
	tap_int(certcache_get(c, span_make(url, sizeof url - 1), at(T0), 0, &chain, NULL), STIR_OK, "the longest one");
	cert_chain_unref(chain);
	certcache_unref(c);
	certcache_unref(NULL);
}

static int newer(struct certcache *c, const struct cert_chain *than, int64_t now, struct cert_chain **out)
{
	int before = cert_source_calls(&source);
	enum stir_reason r = certcache_newer(c, span_cstr("https://example.com/1.pem"), than, at(now), 0, out);

	if ((r == STIR_OK) != (*out != NULL))
		tap_bail("a reason that does not fit");
	return cert_source_calls(&source) - before;
}

static void newer_at_hand(void)
{
	struct certcache *c = cache_of(10, DAY);
	struct cert_chain *old, *got;
	int total = 0;

	tap_ok(newer(c, NULL, T0, &got) == 0 && !got, "nothing there, nothing newer");
	(void)look(c, 1, T0, &old, NULL);
	tap_ok(newer(c, old, T0 + CERTCACHE_MIN_LIFETIME_S - 1, &got) == 0 && !got, "a fresh copy is not asked for again");
	tap_ok(newer(c, old, T0 + 100, &got) == 1 && !got, "an older one is; the same octets are no other chain");
	cert_source_say(&source, -1, FETCH_CONNECT, -1, span_cstr(""));
	tap_ok(newer(c, old, T0 + 200, &got) == 1 && !got, "a server that is down");
	tap_int(look(c, 1, T0 + 201, NULL, NULL), 0, "takes nothing away");
	for (int i = 200; i < 800; i++)
		total += newer(c, old, T0 + i, &got);
	tap_int(total, 9, "at most once a minute, however often it is wanted");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.foreign));
	tap_ok(newer(c, old, T0 + 1000, &got) == 1 && !got, "a successor that is not trusted");
	tap_int(look(c, 1, T0 + 1001, NULL, NULL), 0, "takes nothing away either");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.again));
	tap_ok(newer(c, old, T0 + 1100, &got) == 1 && got && got != old, "the successor");
	cert_chain_unref(got);
	tap_ok(newer(c, old, T0 + 1101, &got) == 0 && got, "which is there for the next message that needs it");
	cert_chain_unref(got);
	cert_chain_unref(old);
	certcache_unref(c);
}

static struct certcache *asked_meanwhile;
static int validated_calls;
static unsigned validated_deadline;
static int released_calls;

static bool validated(void *arg, const struct cert_chain *c, int64_t now, unsigned deadline_ms)
{
	if (arg != &source || !c || now != T0)
		tap_bail("validated() got something else");
	/* Would never end if a lock were held. */
	if (look(asked_meanwhile, 1, T0, NULL, NULL) != 0)
		tap_bail("validated() can't ask");
	validated_calls++;
	validated_deadline = deadline_ms;
	return true;
}

static void released(void *arg)
{
	released_calls += arg == &source;
}

static void callbacks(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct certcache *c, *second;
	enum stir_reason r;

	asked_meanwhile = cache_of(10, DAY);
	(void)look(asked_meanwhile, 1, T0, NULL, NULL);
	p.validated = validated;
	p.validated_arg = &source;
	p.released = released;
	c = cert_source_cache(&p);
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.foreign));
	(void)look(c, 1, T0, NULL, &r);
	tap_int(validated_calls, 0, "an untrusted chain is not announced");
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	(void)look(c, 1, T0, NULL, NULL);
	(void)look(c, 1, T0, NULL, NULL);
	(void)look(c, 1, T0 + DAY, NULL, NULL);
	tap_ok(validated_calls == 1 && validated_deadline == 5000, "one that validated is, once");
	second = certcache_ref(c);
	certcache_unref(c);
	tap_int(released_calls, 0, "two references");
	certcache_unref(second);
	tap_int(released_calls, 1, "the last one releases what was borrowed");
	certcache_unref(asked_meanwhile);
}

/* --- records and what is ready to use ------------------------------------------------------ */

static void few_live(void)
{
	struct certcache_params p = cert_source_params(&source, NULL);
	struct cert_chain *first, *last, *chain;
	struct certcache *c;

	p.max_live = 2;
	p.clock = NULL;
	c = cert_source_cache(&p);
	cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&source.good));
	(void)look(c, 0, T0, &first, NULL);
	for (int i = 1; i < 9; i++)
		(void)look(c, i, T0, NULL, NULL);
	(void)look(c, 9, T0, &last, NULL);
	tap_int((long long)c->lives.n, 2, "two chains are ready, ten are there");
	tap_ok(look(c, 9, T0, &chain, NULL) == 0 && chain == last, "the one used last is");
	cert_chain_unref(chain);
	tap_ok(look(c, 0, T0, &chain, NULL) == 0 && chain != first, "an old one is made ready anew");
	tap_ok(cert_chain_count(chain) == 0 && span_eq(cert_chain_fingerprint(chain), cert_chain_fingerprint(first)), "from its record");
	cert_chain_unref(first);
	tap_ok(look(c, 0, T0, &first, NULL) == 0 && chain == first, "and then stays");
	cert_chain_unref(chain);
	tap_int((long long)c->lives.n, 2, "two still");
	cert_chain_unref(last);
	tap_ok(look(c, 0, T0 + 2 * DAY, &last, NULL) == 1 && last == first, "asked for again, the same octets are the same chain");
	tap_int(newer(c, last, T0 + 3 * DAY, &chain), 1, "and no newer one");
	certcache_tick(c, at(T0 + 9 * DAY));
	tap_ok(c->entries.n == 0 && c->lives.n == 0 && c->octets == 0 && certshare_count(c->share) == 2, "what is not used any more leaves; its issuers stay with who still has it");
	cert_chain_unref(first);
	cert_chain_unref(last);
	tap_int((long long)certshare_count(c->share), 0, "no longer");
	certcache_unref(c);
}

/* A chain with an issuer of its own, as every delegate could make. */
static void own_issuer(struct buf *pem)
{
	EVP_PKEY *ca_key = pki_key_new(PKI_KEY_P256), *key = pki_key_new(PKI_KEY_P256);
	struct pki_cert_spec spec = {.key = ca_key, .issuer = source.pki.ca, .issuer_key = source.pki.ca_key, .common_name = "D", .not_before = T0,
				     .not_after = T0 + 100 * DAY, .ca = true, .path_len = -1};
	X509 *ca, *x;
	struct err e;

	if (pki_cert_new(&spec, &ca, &e))
		tap_bail("%s", e.text);
	spec = (struct pki_cert_spec){.key = key, .issuer = ca, .issuer_key = ca_key, .common_name = "S", .not_before = T0, .not_after = T0 + 100 * DAY};
	pem->n = 0;
	if (pki_cert_new(&spec, &x, &e) || pki_put_cert(pem, x) || pki_put_cert(pem, ca) || pki_put_cert(pem, source.pki.ca))
		tap_bail("%s", e.text);
	X509_free(ca);
	X509_free(x);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

static void shared_octets(void)
{
	enum { CHAINS = 40, MOST_OCTETS = 150000 };
	struct certcache *c = cache_of(1000, DAY);
	struct certcache_stats s;
	size_t most = 0;
	struct buf pem;

	c->max_octets = MOST_OCTETS;
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	for (int i = 0; i < CHAINS; i++) {
		own_issuer(&pem);
		cert_source_say(&source, 1, FETCH_NONE, -1, buf_span(&pem));
		(void)look(c, i, T0, NULL, NULL);
		s = cert_source_stats(c);
		most = s.octets > most ? s.octets : most;
	}
	tap_ok(most <= MOST_OCTETS && most > MOST_OCTETS / 2, "issuers count too: %zu octets", most);
	tap_ok(s.evictions > 0 && s.entries + s.evictions == CHAINS && certshare_count(c->share) == s.entries + 2, "%zu of %d stay, each with its own, the CA and the root", s.entries, CHAINS);
	certcache_tick(c, at(T0 + 3 * DAY));
	s = cert_source_stats(c);
	tap_ok(s.entries == 0 && s.octets == 0 && certshare_count(c->share) == 0, "nothing is left in the end");
	certcache_unref(c);
	buf_free(&pem);
}

/* --- threads -------------------------------------------------------------------------------- */

static struct certcache *shared_cache;

static void *worker(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg, wrong = 0;

	for (int i = 0; i < 200; i++) {
		struct cert_chain *chain;
		char url[64];

		seed = seed * 1103515245 + 12345;
		snprintf(url, sizeof url, "https://example.com/%u", (seed >> 16) % URLS);
		if (certcache_get(shared_cache, span_cstr(url), at(T0 + i), 0, &chain, NULL) != STIR_OK) {
			wrong++;
			continue;
		}
		wrong += !cert_chain_tnauthlist(chain) || cert_chain_path_count(chain) != 3;
		cert_chain_unref(chain);
	}
	return (void *)(uintptr_t)wrong;
}

static void threads(size_t max_live)
{
	struct certcache_stats s;
	uintptr_t wrong = 0;
	pthread_t t[4];

	shared_cache = cache_of(URLS / 2, 100);
	shared_cache->p.max_live = max_live;
	for (uintptr_t i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, worker, (void *)(i + 1)))
			tap_bail("pthread_create");
	for (int i = 0; i < 4; i++) {
		void *r;

		pthread_join(t[i], &r);
		wrong += (uintptr_t)r;
	}
	s = cert_source_stats(shared_cache);
	tap_int((long long)wrong, 0, "four threads get what they ask for, %zu chains ready", max_live);
	tap_ok(s.hits + s.misses == 800 && s.entries <= URLS / 2, "and the books are right");
	certcache_unref(shared_cache);
}

int main(void)
{
	cert_source_open(&source, true);
	lifetime();
	untils_hold();
	octets();
	clock_set_back();
	refused();
	stand_ins();
	stale_ends();
	least_recent();
	long_url();
	newer_at_hand();
	callbacks();
	few_live();
	shared_octets();
	threads(LIMIT_CERTCACHE_LIVE);
	threads(1);
	threads(0);
	cert_source_close(&source);
	return tap_done();
}
