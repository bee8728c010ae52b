/* A fetcher that answers from a table; see fake_fetch.h. */
#include "config.h"

#include "tests/lib/fake_fetch.h"

#include <time.h>

#include "tests/lib/tap.h"

/* With the lock held. */
static struct fake_page *find(struct fake_fetch *f, struct span url)
{
	for (size_t i = 0; i < f->n; i++)
		if (span_is(url, f->page[i].url))
			return &f->page[i];
	return NULL;
}

static void sleep_ms(unsigned ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

/* With the lock held, which is given up while it waits. False when the deadline is over. */
static bool wait_for(struct fake_fetch *f, struct fake_page *page, unsigned deadline_ms)
{
	struct timespec end;
	unsigned delay_ms = page->delay_ms;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += deadline_ms / 1000;
	end.tv_nsec += (long)(deadline_ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	while (page->held)
		if (pthread_cond_timedwait(&f->released, &f->lock, &end) != 0)
			return false;
	if (delay_ms == 0)
		return true;
	pthread_mutex_unlock(&f->lock);
	sleep_ms(delay_ms < deadline_ms ? delay_ms : deadline_ms);
	pthread_mutex_lock(&f->lock);
	return delay_ms < deadline_ms;
}

static int answer(struct fake_fetch *f, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct fake_page *page = find(f, url);

	a->lifetime_s = -1;
	a->cause = FETCH_NOT_FOUND;
	if (page) {
		page->calls++;
		a->cause = wait_for(f, page, deadline_ms) ? page->cause : FETCH_TIMEOUT;
	}
	if (a->cause == FETCH_NONE) {
		a->lifetime_s = page->lifetime_s;
		if (buf_put_span(out, page->body) == 0)
			return 1;
		*a = (struct fetch_answer){FETCH_TOO_LARGE, -1};
	}
	err_set(e, a->cause == FETCH_NOT_FOUND ? ERR_NOINPUT : ERR_UNAVAILABLE, "%s", fetch_cause_sentence(a->cause));
	return a->cause == FETCH_NOT_FOUND ? 0 : -1;
}

static bool may(struct fetch *base, struct span url)
{
	struct fake_fetch *f = (struct fake_fetch *)base;

	return !f->denied || !span_starts(url, f->denied);
}

static int get(struct fetch *base, struct span url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a, struct err *e)
{
	struct fake_fetch *f = (struct fake_fetch *)base;
	int rc;

	if (!may(base, url)) {
		a->cause = FETCH_HOST;
		return err_set(e, ERR_UNAVAILABLE, "%s", fetch_cause_sentence(FETCH_HOST));
	}
	f->calls++;
	f->busy++;
	pthread_mutex_lock(&f->lock);
	rc = answer(f, url, deadline_ms, out, a, e);
	pthread_mutex_unlock(&f->lock);
	f->busy--;
	return rc;
}

/* It is the caller's, who may still count. */
static void stop(struct fetch *base)
{
	((struct fake_fetch *)base)->closed++;
}

static const struct fetch_ops ops = {get, may, stop};

void fake_fetch_init(struct fake_fetch *f)
{
	memset(f, 0, sizeof *f);
	f->fetch = (struct fetch){&ops, .at_hand = true};
	if (pthread_mutex_init(&f->lock, NULL) || pthread_cond_init(&f->released, NULL))
		tap_bail("pthread_mutex_init");
}

void fake_fetch_put(struct fake_fetch *f, struct fake_page page)
{
	struct fake_page *at;

	pthread_mutex_lock(&f->lock);
	at = find(f, span_cstr(page.url));
	if (!at) {
		if (f->n == FAKE_FETCH_MAX)
			tap_bail("more than %d pages", FAKE_FETCH_MAX);
		at = &f->page[f->n++];
		at->url = page.url;
	}
	at->body = page.body;
	at->cause = page.cause;
	at->delay_ms = page.delay_ms;
	at->lifetime_s = page.lifetime_s;
	at->held = page.held;
	pthread_cond_broadcast(&f->released);
	pthread_mutex_unlock(&f->lock);
}

void fake_fetch_add(struct fake_fetch *f, const char *url, struct span body)
{
	fake_fetch_put(f, (struct fake_page){.url = url, .body = body, .lifetime_s = -1});
}

void fake_fetch_release(struct fake_fetch *f, const char *url)
{
	struct fake_page *page;

	pthread_mutex_lock(&f->lock);
	page = find(f, span_cstr(url));
	if (page)
		page->held = false;
	pthread_cond_broadcast(&f->released);
	pthread_mutex_unlock(&f->lock);
}

unsigned fake_fetch_calls(struct fake_fetch *f)
{
	return f->calls;
}

unsigned fake_fetch_calls_of(struct fake_fetch *f, const char *url)
{
	struct fake_page *page;
	unsigned n;

	pthread_mutex_lock(&f->lock);
	page = find(f, span_cstr(url));
	n = page ? page->calls : 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}
