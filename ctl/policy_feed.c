/*
 * A ring of messages between one reader, some workers and the judge.
 *
 * Knows threads and memory; what is done with a message is its caller's.
 */
#include "config.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/policy_feed.h"

enum {
	/* A message larger than this is not copied: the reader waits until it is judged. */
	COPY_MAX = 4 * 1024 * 1024,
	/* A slot keeps no more memory than this for the next message. */
	SLOT_KEEP = 256 * 1024,
	/* What a message takes in hand: its octets, facts of them, the work on them. */
	COST_BASE = 64 * 1024,
	COST_FACTOR = 4
};

enum state { SLOT_FREE, SLOT_READ, SLOT_TAKEN, SLOT_DONE };

struct slot {
	struct policy_message m;
	enum state state;
	struct buf octets;
	char *file; /* owned copy: the mailbox may be closed by then */
	size_t cost;
	bool failed;
	struct err e;
};

struct feed {
	const struct policy_feed *f;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot *slot;
	size_t nslot;
	size_t head, work, tail; /* next to fill, to examine, to judge; counted, not wrapped */
	size_t octets;           /* in hand */
	bool read_all, stop;
	pthread_t reader, worker[POLICY_FEED_JOBS_MAX];
	unsigned njob;
	bool has_reader;
};

const char *policy_feed_label(enum policy_label l)
{
	static const char *const name[] = {[POLICY_UNLABELLED] = "unlabelled", [POLICY_WANTED] = "wanted", [POLICY_ABUSE] = "abuse"};

	return name[l];
}

static void lock(struct feed *d)
{
	int rc = pthread_mutex_lock(&d->lock);

	assert(rc == 0);
	(void)rc;
}

static void unlock(struct feed *d)
{
	int rc = pthread_mutex_unlock(&d->lock);

	assert(rc == 0);
	(void)rc;
}

static struct slot *slot_of(struct feed *d, size_t seq)
{
	return &d->slot[seq % d->nslot];
}

/* --- the reader ---------------------------------------------------------------------- */

/* A free slot with room for that much more; NULL when all is to stop. */
static struct slot *wait_for_room(struct feed *d, size_t cost)
{
	struct slot *s = NULL;

	lock(d);
	while (!d->stop && (d->head - d->tail == d->nslot || (d->head != d->tail && d->octets + cost > POLICY_FEED_OCTETS)))
		pthread_cond_wait(&d->changed, &d->lock);
	if (!d->stop) {
		s = slot_of(d, d->head);
		d->octets += cost;
	}
	unlock(d);
	return s;
}

static void hand_over(struct feed *d, struct slot *s)
{
	lock(d);
	s->state = SLOT_READ;
	d->head++;
	pthread_cond_broadcast(&d->changed);
	unlock(d);
}

/* Until everything in hand is judged: then a borrowed message is not needed any more. */
static void wait_until_judged(struct feed *d)
{
	lock(d);
	while (!d->stop && d->head != d->tail)
		pthread_cond_wait(&d->changed, &d->lock);
	unlock(d);
}

static struct span moved(struct span s, const char *from, const char *to)
{
	return span_make(s.n ? to + (s.p - from) : NULL, s.n);
}

/* The message into the slot, with octets of its own unless they are too many. */
static int fill(struct slot *s, const struct mail *m, struct err *e)
{
	s->m.mail = *m;
	s->m.mail.file = s->file;
	if (m->raw.n > COPY_MAX)
		return 0;
	if (buf_put_span(&s->octets, m->raw))
		return err_set(e, ERR_UNAVAILABLE, "%s: out of memory for message %lu", m->file, m->index);
	s->m.mail.raw = buf_span(&s->octets);
	s->m.mail.text = moved(m->text, m->raw.p, s->octets.p);
	return 0;
}

/* rc as of mailbox_next(). False: stop. */
static bool pass_on(struct feed *d, const struct policy_path *p, const char *file, const struct mail *m, int rc, struct err *e)
{
	size_t cost = COST_BASE + (rc > 0 ? COST_FACTOR * (m->raw.n < COPY_MAX ? m->raw.n : COPY_MAX) : 0);
	struct slot *s = wait_for_room(d, cost);
	bool borrowed = rc > 0 && m->raw.n > COPY_MAX;

	if (!s)
		return false;
	s->cost = cost;
	s->m.label = p->label;
	s->m.more = NULL;
	buf_reset(&s->octets);
	s->file = strdup(file ? file : p->path);
	s->failed = true;
	if (!s->file)
		err_set(&s->e, ERR_UNAVAILABLE, "out of memory");
	else if (rc < 0)
		s->e = *e;
	else
		s->failed = fill(s, m, &s->e) != 0;
	hand_over(d, s);
	if (borrowed)
		wait_until_judged(d);
	return true;
}

static bool read_path(struct feed *d, const struct policy_path *p)
{
	struct mailbox *mb;
	bool going = true;
	struct mail m;
	struct err e;
	int rc;

	err_clear(&e);
	if (mailbox_open(p->path, &mb, &e))
		return pass_on(d, p, NULL, NULL, -1, &e);
	while (going && (rc = mailbox_next(mb, &m, &e)) != 0)
		going = pass_on(d, p, m.file, &m, rc, &e);
	mailbox_close(mb);
	return going;
}

static void *reader(void *arg)
{
	struct feed *d = arg;

	for (size_t i = 0; i < d->f->npath; i++)
		if (!read_path(d, &d->f->path[i]))
			break;
	lock(d);
	d->read_all = true;
	pthread_cond_broadcast(&d->changed);
	unlock(d);
	return NULL;
}

/* --- the workers ----------------------------------------------------------------------- */

static void examine(struct feed *d, struct slot *s)
{
	struct run *r = &s->m.run;

	if (s->failed)
		return;
	s->failed = true;
	if (run_push(r, &s->m.mail, &s->e))
		return;
	engine_examine(r->engine, &r->t, r->now);
	s->failed = d->f->examined && d->f->examined(&s->m, d->f->examined_arg, &s->e);
}

static void *worker(void *arg)
{
	struct feed *d = arg;

	lock(d);
	for (;;) {
		struct slot *s;

		while (!d->stop && d->work == d->head && !d->read_all)
			pthread_cond_wait(&d->changed, &d->lock);
		if (d->stop || d->work == d->head)
			break;
		s = slot_of(d, d->work++);
		s->state = SLOT_TAKEN;
		unlock(d);
		examine(d, s);
		lock(d);
		s->state = SLOT_DONE;
		pthread_cond_broadcast(&d->changed);
	}
	unlock(d);
	return NULL;
}

/* --- the judge ------------------------------------------------------------------------- */

/* The next in order, examined; NULL when there are no more. */
static struct slot *wait_for_next(struct feed *d)
{
	struct slot *s = NULL;

	lock(d);
	while (!(d->tail == d->head && d->read_all) && (d->tail == d->head || slot_of(d, d->tail)->state != SLOT_DONE))
		pthread_cond_wait(&d->changed, &d->lock);
	if (d->tail != d->head)
		s = slot_of(d, d->tail);
	unlock(d);
	return s;
}

static void give_back(struct feed *d, struct slot *s)
{
	message_reset(&s->m.run.t.message);
	if (s->octets.cap > SLOT_KEEP) {
		buf_free(&s->octets);
		buf_init(&s->octets, MAILBOX_MESSAGE_MAX);
	}
	free(s->file);
	s->file = NULL;
	lock(d);
	s->state = SLOT_FREE;
	d->octets -= s->cost;
	d->tail++;
	pthread_cond_broadcast(&d->changed);
	unlock(d);
}

static int judge_all(struct feed *d, struct err *e)
{
	struct slot *s;
	int rc = 0;

	while (rc == 0 && (s = wait_for_next(d)) != NULL) {
		if (s->failed)
			d->f->unread(s->file ? s->file : "?", s->m.label, &s->e, d->f->arg);
		else
			rc = d->f->judge(&s->m, d->f->arg, e);
		give_back(d, s);
	}
	return rc;
}

/* --- life ---------------------------------------------------------------------------------- */

static int make_slots(struct feed *d, struct err *e)
{
	d->slot = calloc(POLICY_FEED_WINDOW, sizeof(*d->slot));
	if (!d->slot)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	for (d->nslot = 0; d->nslot < POLICY_FEED_WINDOW; d->nslot++) {
		buf_init(&d->slot[d->nslot].octets, MAILBOX_MESSAGE_MAX);
		if (run_share(&d->slot[d->nslot].m.run, d->f->run, e))
			return -1;
	}
	return 0;
}

static unsigned online(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > POLICY_FEED_JOBS_MAX ? POLICY_FEED_JOBS_MAX : (unsigned)n;
}

static int start(struct feed *d, struct err *e)
{
	unsigned jobs = d->f->jobs ? d->f->jobs : online();

	for (d->njob = 0; d->njob < jobs && d->njob < POLICY_FEED_JOBS_MAX; d->njob++)
		if (pthread_create(&d->worker[d->njob], NULL, worker, d))
			break;
	if (d->njob == 0)
		return err_set(e, ERR_OS, "can't start a thread");
	d->has_reader = pthread_create(&d->reader, NULL, reader, d) == 0;
	return d->has_reader ? 0 : err_set(e, ERR_OS, "can't start a thread");
}

static void finish(struct feed *d)
{
	lock(d);
	d->stop = true;
	pthread_cond_broadcast(&d->changed);
	unlock(d);
	if (d->has_reader)
		pthread_join(d->reader, NULL);
	for (unsigned i = 0; i < d->njob; i++)
		pthread_join(d->worker[i], NULL);
	for (size_t i = 0; i < d->nslot; i++) {
		run_close(&d->slot[i].m.run);
		buf_free(&d->slot[i].octets);
		free(d->slot[i].file);
	}
	free(d->slot);
}

int policy_feed_run(const struct policy_feed *f, struct err *e)
{
	struct feed d = {.f = f};
	int rc;

	if (pthread_mutex_init(&d.lock, NULL))
		return err_set(e, ERR_OS, "can't make a lock");
	if (pthread_cond_init(&d.changed, NULL)) {
		pthread_mutex_destroy(&d.lock);
		return err_set(e, ERR_OS, "can't make a condition");
	}
	rc = make_slots(&d, e) || start(&d, e) || judge_all(&d, e) ? -1 : 0;
	finish(&d);
	pthread_cond_destroy(&d.changed);
	pthread_mutex_destroy(&d.lock);
	return rc;
}
