/*
 * The fetcher: who may be asked, who is left alone, and what is counted.  The GET
 * itself is in fetch_https_transfer.c.
 */
#include "config.h"

#include "engine/fetch_https.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/sslerror.h"
#include "engine/clock.h"
#include "engine/fetch_https_internal.h"
#include "engine/file.h"

enum { SERVER_ERROR = 500, BREAKER_NAME_BYTES = FETCH_HTTPS_HOST_BYTES + 6 };

/* What it says about the host, for its breaker. */
static enum fetch_https_outcome outcome_of(enum fetch_cause cause, long status)
{
	switch (cause) {
	case FETCH_DNS:
	case FETCH_CONNECT:
	case FETCH_TLS:
	case FETCH_TIMEOUT:
		return FETCH_HTTPS_FAILED;
	case FETCH_HTTP_STATUS:
		return status >= SERVER_ERROR ? FETCH_HTTPS_FAILED : FETCH_HTTPS_ANSWERED;
	case FETCH_NONE:
	case FETCH_NOT_FOUND:
	case FETCH_REDIRECT:
	case FETCH_TOO_LARGE:
	case FETCH_ENCODING:
		return FETCH_HTTPS_ANSWERED;
	default:
		return FETCH_HTTPS_UNKNOWN;
	}
}

static int refuse(struct fetch_answer *a, enum fetch_cause cause, struct err *e, const char *what, const char *why)
{
	a->cause = cause;
	return err_set(e, ERR_UNAVAILABLE, "%s: %s", what, why);
}

/*
 * What a breaker counts for: a host's port.  Whoever writes a token chooses both,
 * and nothing may answer at the other port of a host that works.
 */
static void breaker_name(const struct fetch_https_url *u, char out[BREAKER_NAME_BYTES])
{
	(void)snprintf(out, BREAKER_NAME_BYTES, "%s:%s", u->host, u->port);
}

/* Of a URL that may be asked. */
static int ask(struct fetch_https *h, const struct fetch_https_url *u, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	char name[BREAKER_NAME_BYTES];
	enum fetch_https_turn turn;
	long status;
	int rc;

	if (atomic_load_explicit(&h->stopped, memory_order_relaxed))
		return refuse(a, FETCH_STOPPED, e, u->host, fetch_cause_sentence(FETCH_STOPPED));
	/* For curl 0 is for ever. */
	if (deadline_ms == 0)
		return refuse(a, FETCH_TIMEOUT, e, u->host, "no time is left");
	breaker_name(u, name);
	turn = fetch_https_breaker_begin(h->breaker, name, clock_monotonic_ms());
	if (turn == FETCH_HTTPS_ALONE)
		return refuse(a, FETCH_BREAKER, e, u->host, fetch_cause_sentence(FETCH_BREAKER));
	rc = fetch_https_transfer(h, u, deadline_ms, out, a, &status, e);
	fetch_https_breaker_end(h->breaker, name, turn, outcome_of(a->cause, status), clock_monotonic_ms());
	return rc;
}

static int https_get(struct fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct fetch_https *h = (struct fetch_https *)f;
	struct fetch_https_url u;
	const char *why = fetch_https_url_read(&u, url);
	int rc;

	a->lifetime_s = -1;
	if (why)
		rc = refuse(a, why == fetch_https_host_no_memory ? FETCH_LOCAL : FETCH_HOST, e, "a URL that can't be asked", why);
	else if ((why = fetch_https_host_forbidden(&h->hosts, &u)) != NULL)
		rc = refuse(a, FETCH_HOST, e, u.host, why);
	else
		rc = ask(h, &u, deadline_ms, out, a, e);
	fetch_https_url_free(&u);
	atomic_fetch_add_explicit(&h->cause[a->cause], 1, memory_order_relaxed);
	return rc;
}

static bool https_may(struct fetch *f, struct span url)
{
	struct fetch_https *h = (struct fetch_https *)f;
	struct fetch_https_url u;
	const char *why = fetch_https_url_read(&u, url);
	/* Without memory get() will say so. */
	bool may = why ? why == fetch_https_host_no_memory : !fetch_https_host_forbidden(&h->hosts, &u);

	fetch_https_url_free(&u);
	return may;
}

static void https_close(struct fetch *f)
{
	struct fetch_https *h = (struct fetch_https *)f;

	fetch_https_hosts_free(&h->hosts);
	cidr_free(h->public_ones);
	fetch_https_breaker_free(h->breaker);
	buf_free(&h->ca);
	free(h->user_agent);
	free(h);
	curl_global_cleanup();
}

static const struct fetch_ops https_ops = {https_get, https_may, https_close};

/* Without a certificate in it every host would fail, and nobody would know why. */
static int read_ca(const char *path, struct buf *out, struct err *e)
{
	BIO *in;
	X509 *first;

	if (file_read(path, LIMIT_ANCHOR_BYTES, out, e))
		return -1;
	sslerror_clear();
	in = BIO_new_mem_buf(out->n ? out->p : "", (int)out->n);
	first = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	BIO_free(in);
	X509_free(first);
	if (first)
		return 0;
	if (sslerror_no_memory())
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	return err_set(e, ERR_DATA, "%s: no certificate (PEM) can be read from it", path);
}

static int prepare(struct fetch_https *h, const struct fetch_https_params *p, struct err *e)
{
	if (fetch_https_hosts_init(&h->hosts, p, e) || (p->ca_file && read_ca(p->ca_file, &h->ca, e)))
		return -1;
	h->addresses = p->addresses;
	h->public_ones = fetch_https_address_public();
	h->breaker = fetch_https_breaker_new(p->breaker_failures, p->breaker_s);
	h->user_agent = p->user_agent ? strdup(p->user_agent) : NULL;
	h->connect_timeout_ms = p->connect_timeout_ms;
	h->stall_timeout_ms = p->stall_timeout_ms;
	if (!h->public_ones || !h->breaker || (p->user_agent && !h->user_agent))
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	return 0;
}

int fetch_https_open(const struct fetch_https_params *p, struct fetch **out, struct err *e)
{
	struct fetch_https *h;

	*out = NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_UNAVAILABLE, "libcurl could not be prepared");
	h = calloc(1, sizeof *h);
	if (!h) {
		curl_global_cleanup();
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	h->fetch.ops = &https_ops;
	buf_init(&h->ca, LIMIT_ANCHOR_BYTES);
	if (prepare(h, p, e)) {
		https_close(&h->fetch);
		return -1;
	}
	*out = &h->fetch;
	return 0;
}

void fetch_https_stats(struct fetch *f, struct fetch_https_stats *out)
{
	struct fetch_https *h = (struct fetch_https *)f;

	for (size_t i = 0; i < FETCH_CAUSE_COUNT; i++)
		out->cause[i] = atomic_load_explicit(&h->cause[i], memory_order_relaxed);
	out->octets = atomic_load_explicit(&h->octets, memory_order_relaxed);
	out->hosts_open = fetch_https_breaker_open(h->breaker, clock_monotonic_ms());
}

void fetch_https_stop(struct fetch *f)
{
	struct fetch_https *h = (struct fetch_https *)f;

	atomic_store_explicit(&h->stopped, true, memory_order_relaxed);
}
