/*
 * A circuit breaker for each host, with its port: so many failures in a row open
 * it for a while; then one fetch tries, and its outcome closes it or opens it again.
 *
 * Only hosts that failed are in the table; success takes them out.  When it is
 * full the host that failed longest ago is forgotten, and gets its failures anew.
 */
#include "config.h"

#include <stdlib.h>

#include "core/limits.h"
#include "engine/fetch_https_internal.h"

struct host {
	char *name;
	unsigned failures;
	int64_t until_ms; /* left alone before that, when there were enough failures */
	int64_t used_ms;
	bool probed;      /* somebody is trying */
};

struct fetch_https_breaker {
	pthread_mutex_t lock;
	unsigned failures;
	int64_t open_ms;
	struct host host[LIMIT_FETCH_HOSTS];
	size_t n;
};

struct fetch_https_breaker *fetch_https_breaker_new(unsigned failures, unsigned open_s)
{
	struct fetch_https_breaker *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	if (pthread_mutex_init(&b->lock, NULL)) {
		free(b);
		return NULL;
	}
	b->failures = failures;
	b->open_ms = (int64_t)open_s * 1000;
	return b;
}

void fetch_https_breaker_free(struct fetch_https_breaker *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		free(b->host[i].name);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* With the lock held, as all below. */
static struct host *find(struct fetch_https_breaker *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->host[i].name, name) == 0)
			return &b->host[i];
	return NULL;
}

static void remove_host(struct fetch_https_breaker *b, struct host *h)
{
	free(h->name);
	*h = b->host[--b->n];
}

/* NULL without memory: then it is counted next time. */
static struct host *add(struct fetch_https_breaker *b, const char *name)
{
	char *copy = strdup(name);
	struct host *oldest = &b->host[0];

	if (!copy)
		return NULL;
	if (b->n == LIMIT_FETCH_HOSTS) {
		for (size_t i = 1; i < b->n; i++)
			if (b->host[i].used_ms < oldest->used_ms)
				oldest = &b->host[i];
		remove_host(b, oldest);
	}
	b->host[b->n] = (struct host){.name = copy};
	return &b->host[b->n++];
}

enum fetch_https_turn fetch_https_breaker_begin(struct fetch_https_breaker *b, const char *name, int64_t now_ms)
{
	enum fetch_https_turn turn = FETCH_HTTPS_TURN;
	struct host *h;

	if (b->failures == 0)
		return turn;
	pthread_mutex_lock(&b->lock);
	h = find(b, name);
	if (h && h->failures >= b->failures) {
		turn = h->probed || now_ms < h->until_ms ? FETCH_HTTPS_ALONE : FETCH_HTTPS_PROBE;
		h->probed = turn == FETCH_HTTPS_PROBE || h->probed;
		h->used_ms = now_ms;
	}
	pthread_mutex_unlock(&b->lock);
	return turn;
}

void fetch_https_breaker_end(struct fetch_https_breaker *b, const char *name, enum fetch_https_turn turn, enum fetch_https_outcome outcome, int64_t now_ms)
{
	struct host *h;

	if (b->failures == 0)
		return;
	pthread_mutex_lock(&b->lock);
	h = find(b, name);
	if (h && turn == FETCH_HTTPS_PROBE)
		h->probed = false;
	if (h && outcome == FETCH_HTTPS_ANSWERED) {
		remove_host(b, h);
	} else if (outcome == FETCH_HTTPS_FAILED && (h || (h = add(b, name)) != NULL)) {
		/* Those who were under way when it opened don't prolong it. */
		if (h->failures < b->failures || turn == FETCH_HTTPS_PROBE)
			h->until_ms = now_ms + b->open_ms;
		if (h->failures < b->failures)
			h->failures++;
		h->used_ms = now_ms;
	}
	pthread_mutex_unlock(&b->lock);
}

size_t fetch_https_breaker_open(struct fetch_https_breaker *b, int64_t now_ms)
{
	size_t n = 0;

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->n; i++)
		n += b->host[i].failures >= b->failures && now_ms < b->host[i].until_ms;
	pthread_mutex_unlock(&b->lock);
	return n;
}
