/* A small world at a fixed date; see world.h. */
#include "config.h"

#include "tests/lib/world.h"

#include <stdlib.h>

#include "core/encoding.h"
#include "core/keys/key_pem.h"
#include "tests/lib/tap.h"

#define MUST(call, e)                                                                              \
	do {                                                                                       \
		if (call)                                                                          \
			tap_bail("%s: %s", #call, (e).text);                                       \
	} while (0)

void world_open(struct world *w)
{
	struct err e = {0};
	struct buf pem;

	memset(w, 0, sizeof *w);
	address_init();
	msgi_init();
	MUST(pki_init(&w->pki, "Test", WORLD_NOW - 100 * WORLD_DAY, WORLD_NOW + 1000 * WORLD_DAY, &e), e);
	buf_init(&pem, 65536);
	if (pki_put_cert(&pem, w->pki.root))
		tap_bail("root to PEM");
	MUST(trust_open("anchors", buf_span(&pem), &w->trust, &e), e);
	buf_free(&pem);
	fake_fetch_init(&w->fetch);
	w->certs = certcache_new(&w->fetch.fetch, w->trust, 100, 60);
	w->params = (struct verify_params){.certs = w->certs, .trust = w->trust, .max_age_s = 60, .max_skew_s = 60, .fetch_wait_ms = 0, .authority = VERIFY_AUTHORITY_SPC};
}

void world_close(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		buf_free(&w->signer[i].pem);
		key_close(w->signer[i].key);
		cert_chain_unref(w->signer[i].chain);
	}
	certcache_free(w->certs);
	trust_free(w->trust);
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
