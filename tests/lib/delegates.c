/* Paths of delegate certificates; see delegates.h. */
#include "config.h"

#include "tests/lib/delegates.h"

#include "core/limits.h"
#include "ctl/pki.h"
#include "tests/lib/tap.h"

struct buf delegates_der(const char *text)
{
	struct tnauthlist *l;
	struct buf out;
	struct err e;

	buf_init(&out, LIMIT_TNLIST_REFERENCE_BYTES);
	if (tnauthlist_from_text(span_cstr(text), &l, &e) || tnauthlist_write_der(&out, l))
		tap_bail("%s: %s", text, e.text);
	tnauthlist_free(l);
	return out;
}

/* Number i of n; the ones above it are there. */
static void make_cert(struct delegates *d, const struct delegates_level *level, size_t i)
{
	struct pki_cert_spec s = {.key = d->key[i], .not_before = DELEGATES_T0, .not_after = DELEGATES_T0 + 1000, .path_len = -1};
	struct buf der = {0};
	char name[32];
	struct err e;

	snprintf(name, sizeof name, "delegate %zu", i);
	s.common_name = name;
	s.ca = i > 0;
	s.flaws = level->flaws;
	s.list_url = level->url;
	if (level->list) {
		der = delegates_der(level->list);
		s.tn_auth = buf_span(&der);
	}
	if (i + 1 < d->n) {
		s.issuer = d->cert[i + 1];
		s.issuer_key = d->key[i + 1];
	}
	if (pki_cert_new(&s, &d->cert[i], &e))
		tap_bail("%s", e.text);
	buf_free(&der);
}

void delegates_init(struct delegates *d, const struct delegates_level *level, size_t n)
{
	struct buf pem;
	struct err e;

	memset(d, 0, sizeof *d);
	d->n = n;
	for (size_t i = n; i-- > 0;) {
		d->key[i] = pki_key_new(PKI_KEY_P256);
		if (!d->key[i])
			tap_bail("key");
		make_cert(d, &level[i], i);
	}
	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	if (pki_put_cert(&pem, d->cert[n - 1]) || trust_open("anchor", buf_span(&pem), &d->trust, &e))
		tap_bail("anchor: %s", e.text);
	buf_free(&pem);
}

void delegates_free(struct delegates *d)
{
	for (size_t i = 0; i < d->n; i++) {
		X509_free(d->cert[i]);
		EVP_PKEY_free(d->key[i]);
	}
	trust_free(d->trust);
}

struct cert_chain *delegates_serve(const struct delegates *d, const char *order)
{
	struct cert_chain *c;
	struct buf pem;
	struct err why;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	for (; *order; order++)
		if (pki_put_cert(&pem, d->cert[*order - '0']))
			tap_bail("PEM");
	if (cert_chain_parse(buf_span(&pem), &c, &why) != STIR_OK)
		tap_bail("chain: %s", why.text);
	buf_free(&pem);
	return c;
}
