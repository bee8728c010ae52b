/* A small world at a fixed date; see world.h. */
#include "config.h"

#include "tests/lib/world.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "core/encoding.h"
#include "core/identity.h"
#include "core/keys/key_pem.h"
#include "tests/lib/tap.h"

#define MUST(call, e)                                                                              \
	do {                                                                                       \
		if (call)                                                                          \
			tap_bail("%s: %s", #call, (e).text);                                       \
	} while (0)

static atomic_llong now_s = WORLD_NOW;

static int64_t clock_s(void)
{
	return atomic_load(&now_s);
}

void world_set_time(int64_t now)
{
	atomic_store(&now_s, now);
}

struct certcache_time world_time(int64_t late)
{
	struct timespec ts;

	/* Waiting is real. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct certcache_time){.now = WORLD_NOW + late, .ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000};
}

static void open_trust(struct world *w, enum trust_authority authority, bool hard)
{
	const struct trust_rules rules = {.name = "test", .authority = authority, .hard_revocation = hard};
	struct trust *trust = NULL;
	struct err e = {0};
	struct buf pem;

	buf_init(&pem, 65536);
	if (pki_put_cert(&pem, w->pki.root))
		tap_bail("root to PEM");
	MUST(trust_open("anchors", buf_span(&pem), &trust, &e), e);
	w->trust = trustset_new();
	if (!w->trust)
		tap_bail("no trust set");
	MUST(trustset_add(w->trust, &rules, trust, &e), e);
	buf_free(&pem);
	w->params.trust = w->trust;
}

void world_forget(struct world *w, struct spctable *spcs)
{
	const struct certcache_params p = {
		.fetch = &w->fetch.fetch,
		.trust = w->trust,
		.spcs = spcs,
		.max_entries = 100,
		.keep_pem = true,
		.negative_s = 60,
		.max_waiters = 10,
		.fetch_timeout_ms = 1000,
		.clock = clock_s,
	};

	certcache_unref(w->certs);
	w->certs = certcache_new(&p);
	if (!w->certs)
		tap_bail("no certificate cache");
	w->params.certs = w->certs;
	w->spcs = spcs;
	w->params.spcs = spcs;
}

void world_rules(struct world *w, enum trust_authority authority, bool hard_revocation)
{
	struct trustset *old = w->trust;

	open_trust(w, authority, hard_revocation);
	world_forget(w, w->spcs);
	trustset_unref(old);
}

void world_replay(struct world *w)
{
	store_close(w->replay.store);
	memset(w->replay.secret, 's', sizeof w->replay.secret);
	w->replay.store = store_mem_open(1 << 20, clock_s);
	if (!w->replay.store)
		tap_bail("no store");
	w->params.replay = &w->replay;
}

void world_open(struct world *w)
{
	struct err e = {0};

	memset(w, 0, sizeof *w);
	address_init();
	msgi_init();
	MUST(pki_init(&w->pki, "Test", WORLD_NOW - 100 * WORLD_DAY, WORLD_NOW + 1000 * WORLD_DAY, &e), e);
	w->params = (struct verify_params){.max_age_s = 60, .max_skew_s = 60, .fetch_wait_ms = 0};
	fake_fetch_init(&w->fetch);
	w->fetch.fetch.at_hand = true;
	world_set_time(WORLD_NOW);
	world_rules(w, TRUST_AUTHORITY_SPC, false);
}

void world_close(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		buf_free(&w->signer[i].pem);
		key_close(w->signer[i].key);
		cert_chain_unref(w->signer[i].chain);
	}
	certcache_unref(w->certs);
	trustset_unref(w->trust);
	store_close(w->replay.store);
	pki_free(&w->pki);
}

static void put_tn_auth(struct pki_cert_spec *spec, const char *text, struct buf *der)
{
	struct tnauthlist *list = NULL;
	struct err e = {0};

	MUST(tnauthlist_from_text(span_cstr(text), &list, &e), e);
	if (tnauthlist_write_der(der, list))
		tap_bail("TNAuthList to DER");
	spec->tn_auth = buf_span(der);
	tnauthlist_free(list);
}

struct world_signer *world_signer(struct world *w, const char *url, const char *tn_auth, struct pki_cert_spec spec)
{
	struct world_signer *s = &w->signer[w->n++];
	struct err e = {0};
	struct buf der, pem;
	X509 *cert = NULL;

	buf_init(&der, 65536);
	buf_init(&pem, 65536);
	buf_init(&s->pem, 65536);
	if (tn_auth)
		put_tn_auth(&spec, tn_auth, &der);
	if (!spec.key)
		spec.key = pki_key_new(PKI_KEY_P256);
	if (!spec.issuer) {
		spec.issuer = w->pki.ca;
		spec.issuer_key = w->pki.ca_key;
	}
	spec.common_name = spec.common_name ? spec.common_name : "SHAKEN test";
	if (!spec.not_before) {
		spec.not_before = WORLD_NOW - WORLD_DAY;
		spec.not_after = WORLD_NOW + 30 * WORLD_DAY;
	}
	MUST(pki_cert_new(&spec, &cert, &e), e);
	if (pki_put_chain(&s->pem, &w->pki, cert) || pki_put_key(&pem, spec.key))
		tap_bail("chain or key to PEM");
	MUST(key_pem_parse("test key", buf_span(&pem), &s->key, &e), e);
	if (cert_chain_parse(buf_span(&s->pem), &s->chain, &e) != STIR_OK)
		s->chain = NULL;
	s->url = url;
	fake_fetch_add(&w->fetch, url, buf_span(&s->pem));
	X509_free(cert);
	EVP_PKEY_free(spec.key);
	buf_free(&der);
	buf_free(&pem);
	return s;
}

void world_token(struct buf *out, struct key *key, const char *header, const char *payload)
{
	unsigned char sig[64];
	struct err e = {0};

	base64url_encode(out, header, strlen(header));
	buf_putc(out, '.');
	base64url_encode(out, payload, strlen(payload));
	MUST(key_sign(key, buf_span(out), sig, &e), e);
	buf_putc(out, '.');
	base64url_encode(out, sig, sizeof sig);
}

void world_header(struct buf *out, const struct world_signer *s, const char *ppt)
{
	buf_puts(out, "{\"alg\":\"ES256\",");
	if (ppt)
		buf_printf(out, "\"ppt\":\"%s\",", ppt);
	buf_printf(out, "\"typ\":\"passport\",\"x5u\":\"%s\"}", s->url);
}

void world_field(struct buf *out, const struct world_signer *s, const char *ppt, const char *payload)
{
	struct buf header, token, value;

	buf_init(&header, 4096);
	buf_init(&token, 65536);
	buf_init(&value, 65536);
	world_header(&header, s, ppt);
	world_token(&token, s->key, header.p, payload);
	identity_write(&value, buf_span(&token), span_cstr(s->url), ppt);
	buf_puts(out, "Identity: ");
	identity_fold(out, buf_span(&value));
	buf_puts(out, "\n");
	buf_free(&header);
	buf_free(&token);
	buf_free(&value);
}

void world_div(struct buf *out, const struct world_signer *s, const char *orig, const char *div, const char *dest, int64_t iat)
{
	struct buf payload;

	buf_init(&payload, 4096);
	buf_printf(&payload, "{\"dest\":{\"tn\":[\"%s\"]},\"div\":{\"tn\":\"%s\"},\"iat\":%lld,\"orig\":{\"tn\":\"%s\"}}", dest, div, (long long)iat, orig);
	world_field(out, s, "div", payload.p);
	buf_free(&payload);
}

void world_msg(struct buf *out, const struct world_signer *s, const char *orig, const char *dest, int64_t iat, const char *more)
{
	struct buf payload;

	buf_init(&payload, 8192);
	buf_printf(&payload, "{\"dest\":{\"tn\":[\"%s\"]},\"iat\":%lld%s,\"orig\":{\"tn\":\"%s\"}}", dest, (long long)iat, more, orig);
	world_field(out, s, "msg", payload.p);
	buf_free(&payload);
}

void world_push_header(struct mms_message *m, const char *from, const char *const *rcpt, const char *text)
{
	struct span rest = span_cstr(text);

	message_sender(m, span_cstr(from));
	for (; *rcpt; rcpt++)
		message_rcpt(m, span_cstr(*rcpt));
	while (rest.n) {
		struct span name = span_cut(&rest, ':');
		size_t end = span_find(rest, '\n');

		while (end + 1 < rest.n && span_is_blank(rest.p[end + 1]))
			end += 1 + span_find(span_skip(rest, end + 1), '\n');
		if (end > rest.n)
			end = rest.n;
		struct span value = span_take(rest, end);
		if (value.n && value.p[0] == ' ')
			value = span_skip(value, 1);
		message_header(m, name, value);
		rest = span_skip(rest, end + 1);
	}
	message_end_headers(m);
}

void world_push_body(struct mms_message *m, const char *text)
{
	message_body(m, text, strlen(text));
	message_end(m);
}

struct verify *world_verify(struct world *w, struct mms_message *m, struct arena *a, const char *fields, const char *const *rcpt, int64_t late, struct stir_result *out)
{
	static const struct mms_client client;
	struct verify *v;

	message_init(m, a);
	message_begin(m, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(m, "x@a.example", rcpt, fields);
	v = verify_begin(&w->params, m, world_time(late));
	world_push_body(m, "See you at eight?\r\n");
	verify_finish(v, m, world_time(late), out);
	return v;
}
