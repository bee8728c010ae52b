/*
 * A small table of addresses and what stood there.  Whoever fills it asks it, too,
 * hence no lock.
 */
#include "config.h"

#include "engine/fetch_evidence.h"

#include <stdlib.h>

enum { PAGES_MAX = 256 };

struct page {
	char *url, *octets;
	size_t url_n, n; /* n 0: nothing stands there */
};

struct fetch_evidence {
	struct fetch fetch;
	struct fetch *other;
	struct page page[PAGES_MAX];
	size_t n;
};

static const struct page *find(const struct fetch_evidence *f, struct span url)
{
	for (size_t i = 0; i < f->n; i++)
		if (span_eq(span_make(f->page[i].url, f->page[i].url_n), url))
			return &f->page[i];
	return NULL;
}

static int evidence_get(struct fetch *base, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct fetch_evidence *f = (struct fetch_evidence *)base;
	const struct page *p = find(f, url);

	if (!p && f->other)
		return fetch_get(f->other, url, deadline_ms, out, a, e);
	*a = (struct fetch_answer){.cause = p && p->n ? FETCH_NONE : FETCH_NOT_FOUND, .lifetime_s = -1};
	buf_reset(out);
	if (!p || !p->n) {
		(void)err_set(e, ERR_NOINPUT, "it is not in the evidence");
		return 0;
	}
	if (buf_put(out, p->octets, p->n) == 0)
		return 1;
	a->cause = p->n > out->max ? FETCH_TOO_LARGE : FETCH_LOCAL;
	return err_set(e, ERR_UNAVAILABLE, p->n > out->max ? "larger than is accepted" : "no memory");
}

static void evidence_close(struct fetch *base)
{
	struct fetch_evidence *f = (struct fetch_evidence *)base;

	for (size_t i = 0; i < f->n; i++) {
		free(f->page[i].url);
		free(f->page[i].octets);
	}
	fetch_close(f->other);
	free(f);
}

static const struct fetch_ops evidence_ops = {.get = evidence_get, .close = evidence_close};

struct fetch *fetch_evidence_new(struct fetch *other)
{
	struct fetch_evidence *f = calloc(1, sizeof *f);

	if (!f) {
		fetch_close(other);
		return NULL;
	}
	f->fetch.ops = &evidence_ops;
	f->fetch.at_hand = true;
	f->other = other;
	return &f->fetch;
}

int fetch_evidence_put(struct fetch *base, struct span url, struct span octets)
{
	struct fetch_evidence *f = (struct fetch_evidence *)base;
	const struct page *there = find(f, url);
	struct page fresh = {.url_n = url.n, .n = octets.n};

	if (there)
		return span_eq(span_make(there->octets, there->n), octets) ? 0 : 1;
	if (f->n == PAGES_MAX)
		return 1;
	fresh.url = malloc(url.n + 1);
	fresh.octets = malloc(octets.n + 1);
	if (!fresh.url || !fresh.octets) {
		free(fresh.url);
		free(fresh.octets);
		return -1;
	}
	if (url.n)
		memcpy(fresh.url, url.p, url.n);
	if (octets.n)
		memcpy(fresh.octets, octets.p, octets.n);
	f->page[f->n++] = fresh;
	return 0;
}
