/* The verifier and its certificates: asked for early, waited for once, renewed, and which numbers they stand for. */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "core/pool.h"
#include "tests/lib/tap.h"
#include "tests/lib/world.h"

#define ANN "15550100001"
#define BOB "15550200001"
#define TAIL "From: +" ANN "/TYPE=PLMN@a.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
#define A_URL "https://certs.example/a.pem"

static const char *const bob[] = {"+" BOB "@b.example", NULL};

static struct arena *a;

/* The result of a message with one msg token. */
static void one_token(struct world *w, struct mms_message *m, const struct world_signer *s, int64_t iat, int64_t late, struct stir_result *got)
{
	struct buf text;

	buf_init(&text, 65536);
	world_msg(&text, s, ANN, BOB, iat, "");
	buf_puts(&text, TAIL);
	(void)world_verify(w, m, a, text.p, bob, late, got);
	buf_free(&text);
}

static void expect(struct world *w, const struct world_signer *s, int64_t late, const char *reason, const char *what)
{
	struct stir_result got;
	struct mms_message m;

	world_set_time(WORLD_NOW + late);
	one_token(w, &m, s, WORLD_NOW + late, late, &got);
	tap_str(stir_reason_name(got.reason), reason, "%s", what);
	message_reset(&m);
}

/* The signer puts a certificate with another key at the same address. */
static void test_new_key(struct world *w)
{
	struct world_signer *old = world_signer(w, A_URL, "tn:+15550100000..+15550199999", (struct pki_cert_spec){0});
	struct world_signer *new = world_signer(w, "https://certs.example/new.pem", "tn:+15550100000..+15550199999", (struct pki_cert_spec){0});
	struct world_signer moved = *new;
	unsigned before;

	moved.url = A_URL;
	expect(w, old, 0, "ok", "the old key");
	expect(w, &moved, 10, "bad-signature", "the new key, before its certificate is there");
	fake_fetch_put(&w->fetch, (struct fake_page){.url = A_URL, .body = buf_span(&new->pem), .lifetime_s = -1});
	expect(w, &moved, 20, "bad-signature", "a copy of less than a minute is not asked for again");
	before = fake_fetch_calls_of(&w->fetch, A_URL);
	expect(w, &moved, 100, "ok", "an older one is");
	tap_int((long long)fake_fetch_calls_of(&w->fetch, A_URL) - before, 1, "once");
	expect(w, &moved, 101, "ok", "and then it is at hand");
	expect(w, old, 102, "bad-signature", "the old key is no longer good");
	tap_int((long long)fake_fetch_calls_of(&w->fetch, A_URL) - before, 1, "a bad signature asks for nothing that is fresh");
	expect(w, &moved, 200, "ok", "nor does it put out what is there");
}

/* The certificate in hand ends before iat; the one at its address now does not. */
static void test_new_dates(struct world *w)
{
	struct world_signer *old = world_signer(w, "https://certs.example/short.pem", "spc:1234", (struct pki_cert_spec){.not_before = WORLD_NOW - WORLD_DAY, .not_after = WORLD_NOW + 300});
	struct world_signer *new = world_signer(w, "https://certs.example/next.pem", "spc:1234", (struct pki_cert_spec){0});
	struct world_signer moved = *new;

	moved.url = old->url;
	expect(w, old, 250, "ok", "a certificate that ends soon");
	expect(w, old, 350, "cert-expired", "it has ended");
	fake_fetch_put(&w->fetch, (struct fake_page){.url = old->url, .body = buf_span(&new->pem), .lifetime_s = -1});
	expect(w, &moved, 500, "ok", "the next one stands at the same address");
	world_set_time(WORLD_NOW);
}

/* What the result tells of the chain. */
static void test_told(struct world *w)
{
	struct world_signer *s = world_signer(w, "https://certs.example/told.pem", "spc:1234", (struct pki_cert_spec){0});
	struct stir_result got;
	struct mms_message m;

	one_token(w, &m, s, WORLD_NOW, 0, &got);
	tap_ok(got.best->domain && strcmp(got.best->domain->name, "test") == 0, "the trust domain");
	tap_ok(got.best->revocation_unknown, "no list says that it is not revoked");
	tap_int((long long)got.best->chain_pem.n, 0, "the chain is not kept");
	message_reset(&m);
	w->params.keep_chain = true;
	one_token(w, &m, s, WORLD_NOW, 0, &got);
	w->params.keep_chain = false;
	tap_span(got.best->chain_pem, buf_span(&s->pem), "unless it is asked for");
	message_reset(&m);
}

static void test_table(struct world *w)
{
	static const char covering[] = "1234,15550100000,10000\n5678,15550900000,10\n", outside[] = "1234,15550900000,10\n", unknown[] = "5678,15550100000,10000\n";
	struct world_signer *s = world_signer(w, "https://certs.example/spc.pem", "spc:1234", (struct pki_cert_spec){0});
	const struct {
		const char *what, *table;
		enum trust_authority need;
		const char *reason;
		enum tn_authority found;
		bool by_table;
	} t[] = {
		{"the provider has the number", covering, TRUST_AUTHORITY_TN, "ok", TN_AUTHORITY_TN, true},
		{"where a provider will do, too", covering, TRUST_AUTHORITY_SPC, "ok", TN_AUTHORITY_TN, true},
		{"it has others", outside, TRUST_AUTHORITY_SPC, "number-not-authorised", TN_AUTHORITY_OUTSIDE, false},
		{"nothing is known of it", unknown, TRUST_AUTHORITY_TN, "spc-not-authorised", TN_AUTHORITY_SPC, false},
		{"and a provider will do", unknown, TRUST_AUTHORITY_SPC, "ok", TN_AUTHORITY_SPC, false},
		{"no table", NULL, TRUST_AUTHORITY_TN, "spc-not-authorised", TN_AUTHORITY_SPC, false},
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct spctable *table = NULL;
		struct stir_result got;
		struct mms_message m;
		struct err e = {0};

		if (t[i].table && spctable_parse("table", span_cstr(t[i].table), &table, &e))
			tap_bail("%s", e.text);
		world_rules(w, t[i].need, false);
		world_forget(w, table);
		one_token(w, &m, s, WORLD_NOW, 0, &got);
		tap_str(stir_reason_name(got.reason), t[i].reason, "%s", t[i].what);
		tap_int(got.best->authority, t[i].found, "%s: authority", t[i].what);
		tap_int(got.best->by_table, t[i].by_table, "%s: by the table", t[i].what);
		message_reset(&m);
		world_forget(w, NULL);
		spctable_unref(table);
	}
	world_rules(w, TRUST_AUTHORITY_SPC, false);
}

/* --- certificates that are waited for ---------------------------------------------------- */

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t fixed_s(void)
{
	return WORLD_NOW;
}

enum { WAIT_MS = 300, STALLED = 4 };

/* Four tokens whose certificates never come: one wait for all of them. */
static void test_waits_once(struct world *w, struct pool *pool)
{
	static const char *const urls[STALLED] = {"https://slow.example/1.pem", "https://slow.example/2.pem", "https://slow.example/3.pem", "https://slow.example/4.pem"};
	const struct certcache_params p = {.fetch = &w->fetch.fetch, .trust = w->trust, .pool = pool, .max_entries = 10, .negative_s = 60, .max_waiters = 10, .fetch_timeout_ms = 5000, .clock = fixed_s};
	const struct verify_params saved = w->params;
	struct stir_result got;
	struct mms_message m;
	struct buf text;
	int64_t took;

	buf_init(&text, 65536);
	for (int i = 0; i < STALLED; i++) {
		struct world_signer s = w->signer[0];

		s.url = urls[i];
		fake_fetch_put(&w->fetch, (struct fake_page){.url = urls[i], .body = buf_span(&s.pem), .held = true});
		world_msg(&text, &s, ANN, BOB, WORLD_NOW, "");
	}
	buf_puts(&text, TAIL);
	w->params.certs = certcache_new(&p);
	w->params.fetch_wait_ms = WAIT_MS;
	took = monotonic_ms();
	(void)world_verify(w, &m, a, text.p, bob, 0, &got);
	took = monotonic_ms() - took;
	tap_str(stir_reason_name(got.reason), "cert-unreachable", "certificates that do not come");
	tap_ok(took >= WAIT_MS && took < 2 * WAIT_MS, "%d of them are waited for once: %d ms of %lld", STALLED, WAIT_MS, (long long)took);
	message_reset(&m);
	for (int i = 0; i < STALLED; i++)
		fake_fetch_release(&w->fetch, urls[i]);
	certcache_unref(w->params.certs);
	w->params = saved;
	buf_free(&text);
}

/* Two that come late, both within the time of one message: they are fetched side by side. */
static void test_side_by_side(struct world *w, struct pool *pool)
{
	static const char *const urls[] = {"https://late.example/1.pem", "https://late.example/2.pem"};
	const struct certcache_params p = {.fetch = &w->fetch.fetch, .trust = w->trust, .pool = pool, .max_entries = 10, .negative_s = 60, .max_waiters = 10, .fetch_timeout_ms = 5000, .clock = fixed_s};
	const struct verify_params saved = w->params;
	struct stir_result got;
	struct mms_message m;
	struct buf text;

	buf_init(&text, 65536);
	for (int i = 0; i < 2; i++) {
		struct world_signer s = w->signer[0];

		s.url = urls[i];
		fake_fetch_put(&w->fetch, (struct fake_page){.url = urls[i], .body = buf_span(&s.pem), .delay_ms = 100 + 50 * (unsigned)i, .lifetime_s = -1});
		world_msg(&text, &s, ANN, BOB, WORLD_NOW, "");
	}
	buf_puts(&text, TAIL);
	w->params.certs = certcache_new(&p);
	w->params.fetch_wait_ms = 2000;
	(void)world_verify(w, &m, a, text.p, bob, 0, &got);
	tap_ok(got.check[0].reason == STIR_OK && got.check[1].reason == STIR_OK, "two certificates that come late");
	message_reset(&m);
	certcache_unref(w->params.certs);
	w->params = saved;
	buf_free(&text);
}

/* Before the body: which certificates are on their way? */
static void test_starts_early(struct world *w, struct pool *pool)
{
	static const char *const urls[] = {"https://early.example/good.pem", "https://early.example/stale.pem", "https://early.example/other.pem"};
	const struct certcache_params p = {.fetch = &w->fetch.fetch, .trust = w->trust, .pool = pool, .max_entries = 10, .negative_s = 60, .max_waiters = 10, .fetch_timeout_ms = 5000, .clock = fixed_s};
	const struct verify_params saved = w->params;
	static const struct mms_client client;
	struct mms_message m;
	struct buf text;

	buf_init(&text, 65536);
	for (int i = 0; i < 3; i++) {
		struct world_signer s = w->signer[0];

		s.url = urls[i];
		fake_fetch_put(&w->fetch, (struct fake_page){.url = urls[i], .body = buf_span(&s.pem), .lifetime_s = -1});
		world_msg(&text, &s, ANN, i == 2 ? ANN : BOB, WORLD_NOW - (i == 1 ? 61 : 0), "");
	}
	buf_puts(&text, TAIL);
	w->params.certs = certcache_new(&p);
	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", bob, text.p);
	tap_ok(verify_begin(&w->params, &m, world_time(0)) != NULL, "the header is read");
	for (int i = 0; i < 200 && !fake_fetch_calls_of(&w->fetch, urls[0]); i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	tap_int(fake_fetch_calls_of(&w->fetch, urls[0]), 1, "a certificate that will be needed is on its way before the body");
	tap_int(fake_fetch_calls_of(&w->fetch, urls[1]) + fake_fetch_calls_of(&w->fetch, urls[2]), 0, "those of stale tokens, and of tokens for others, are not");
	message_reset(&m);
	certcache_unref(w->params.certs);
	w->params = saved;
	buf_free(&text);
}

int main(void)
{
	struct pool *pool = pool_new(STALLED, 100);
	struct world w;

	a = arena_new(LIMIT_MESSAGE_ARENA);
	world_open(&w);
	test_new_key(&w);
	test_new_dates(&w);
	test_told(&w);
	test_table(&w);
	w.fetch.fetch.at_hand = false;
	test_waits_once(&w, pool);
	test_side_by_side(&w, pool);
	test_starts_early(&w, pool);
	pool_free(pool);
	world_close(&w);
	arena_free(a);
	return tap_done();
}
