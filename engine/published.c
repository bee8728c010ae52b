/*
 * Fetches our own x5u as a verifier would, and compares the first certificate.
 */
#include "config.h"

#include "engine/published.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/limits.h"
#include "engine/errand.h"

enum { FETCH_MS = 30000 /* nobody waits for it */ };

struct address {
	char *url, *certificate;
	char fingerprint[CERT_FINGERPRINT_BYTES];
};

struct published {
	atomic_bool gone; /* nobody wants to hear it any more */
	struct address *at;
	size_t n;
	struct remote *remote;
	struct errand *errand; /* borrowed: it owns us */
};

static void release(void *arg)
{
	struct published *p = arg;

	for (size_t i = 0; i < p->n; i++) {
		free(p->at[i].url);
		free(p->at[i].certificate);
	}
	free(p->at);
	free(p);
}

/* True when all is well. */
static bool compare(struct span url, const char *certificate, struct span fingerprint, struct span pem, struct buf *said)
{
	struct cert_chain *chain = NULL;
	struct err why;
	bool same;

	err_clear(&why);
	if (cert_chain_parse(pem, &chain, &why) != STIR_OK) {
		(void)buf_printf(said, "%.*s, which our tokens name, does not serve a chain that may sign PASSporTs: %s\n", SPAN_ARG(url), why.text);
		return false;
	}
	same = span_eq(cert_chain_fingerprint(chain), fingerprint);
	if (!same)
		(void)buf_printf(said, "%.*s, which our tokens name, serves another certificate than %s: what we sign fails everywhere until both are the same\n",
				 SPAN_ARG(url), certificate);
	cert_chain_unref(chain);
	return same;
}

static bool look_at(struct fetch *fetch, const struct address *a, struct buf *said)
{
	struct fetch_answer answer = {FETCH_LOCAL, -1};
	struct err e;
	struct buf pem;
	bool good;

	err_clear(&e);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	good = fetch_get(fetch, span_cstr(a->url), FETCH_MS, &pem, &answer, &e) == 1;
	if (!good)
		(void)buf_printf(said, "%s, which our tokens name, could not be had: %s\n", a->url, e.text[0] ? e.text : fetch_cause_sentence(answer.cause));
	else
		good = compare(span_cstr(a->url), a->certificate, span_cstr(a->fingerprint), buf_span(&pem), said);
	buf_free(&pem);
	return good;
}

static unsigned look(void *arg, struct buf *said)
{
	struct published *p = arg;
	bool good = true;

	for (size_t i = 0; i < p->n && !atomic_load(&p->gone) && !pool_stopping(remote_pool(p->remote)); i++)
		good = look_at(remote_fetch(p->remote), &p->at[i], said) && good;
	return good ? PUBLISHED_EVERY_S : PUBLISHED_RETRY_S;
}

static int copy(struct published *p, const struct signers *signers)
{
	struct signers_key k;
	size_t n = 0;

	while (signers_at(signers, n, &k))
		n++;
	p->at = calloc(n, sizeof *p->at);
	if (!p->at)
		return -1;
	for (; signers_at(signers, p->n, &k); p->n++) {
		struct address *a = &p->at[p->n];
		struct span f = cert_chain_fingerprint(k.chain);

		a->url = strndup(k.x5u.p, k.x5u.n);
		a->certificate = strdup(k.certificate);
		if (!a->url || !a->certificate) {
			free(a->url);
			free(a->certificate);
			return -1;
		}
		memcpy(a->fingerprint, f.p, f.n < sizeof a->fingerprint ? f.n : sizeof a->fingerprint - 1);
	}
	return 0;
}

struct published *published_new(const struct signers *signers, struct remote *remote)
{
	struct published *p = calloc(1, sizeof *p);
	const struct errand_work work = {look, release, p};

	if (!p)
		return NULL;
	atomic_init(&p->gone, false);
	p->remote = remote;
	if (copy(p, signers) == 0)
		p->errand = errand_new(remote_pool(remote), &work);
	if (p->errand)
		return p;
	release(p);
	return NULL;
}

void published_unref(struct published *p)
{
	if (!p)
		return;
	atomic_store(&p->gone, true);
	errand_unref(p->errand);
}

void published_tick(struct published *p, int64_t now, struct buf *said)
{
	errand_tick(p->errand, now, said);
}

void published_look(const struct signers *signers, struct fetch *fetch, struct buf *said)
{
	struct signers_key k;

	for (size_t i = 0; signers_at(signers, i, &k); i++) {
		struct fetch_answer answer = {FETCH_LOCAL, -1};
		struct buf pem;

		buf_init(&pem, LIMIT_CHAIN_BYTES);
		if (fetch_get(fetch, k.x5u, 0, &pem, &answer, NULL) == 1)
			(void)compare(k.x5u, k.certificate, cert_chain_fingerprint(k.chain), buf_span(&pem), said);
		buf_free(&pem);
	}
}
