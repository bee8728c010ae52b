/*
 * Takes stored messages through the engine.
 *
 * Makes up what only an SMTP session knows (recipients, sender, time of
 * receipt) from the options and the fields that delivery leaves behind; decides
 * nothing about the message itself.
 */
#include "config.h"

#include <gmime/gmime.h>
#include <time.h>
#include <unistd.h>

#include "ctl/cmd.h"
#include "ctl/run.h"

enum {
	PROGRESS_AFTER_S = 2,
	/* A field that is read for its date or its addresses. */
	FIELD_MAX = 256 * 1024
};

int run_complain(const struct options *o, const struct err *e)
{
	fflush(stdout);
	fprintf(stderr, "stirctl %s: %s\n", o->name, e->text);
	return err_exit_status(e->code);
}

static int prepare(struct run *r, const struct options *o, enum direction d, struct err *e)
{
	memset(r, 0, sizeof(*r));
	r->options = o;
	r->direction = d;
	if (gethostname(r->host, sizeof(r->host) - 1) || r->host[0] == '\0')
		memcpy(r->host, "localhost", sizeof("localhost"));
	policy_session_init(&r->session);
	for (size_t i = 0; i < o->nenv; i++)
		if (policy_session_parse(&r->session, o->env[i], e))
			return -1;
	return 0;
}

static int give_transaction(struct run *r, struct err *e)
{
	if (transaction_init(&r->t) == 0)
		return 0;
	run_close(r);
	return err_set(e, ERR_UNAVAILABLE, "out of memory");
}

int run_open(struct run *r, const struct options *o, enum direction d, struct err *e)
{
	struct settings s;

	if (prepare(r, o, d, e))
		return -1;
	engine_global_init();
	if (options_settings(o, d == DIRECTION_SIGN, &s, e) || engine_open(&s, &r->engine, e) || engine_begin(r->engine, true, e))
		return -1;
	return give_transaction(r, e);
}

int run_share(struct run *r, const struct run *with, struct err *e)
{
	*r = (struct run){.options = with->options, .engine = engine_ref(with->engine), .direction = with->direction,
		.as_milter = with->as_milter, .trace = with->trace, .want = with->want, .session = with->session};
	memcpy(r->host, with->host, sizeof(r->host));
	return give_transaction(r, e);
}

void run_close(struct run *r)
{
	transaction_free(&r->t);
	engine_unref(r->engine);
	r->engine = NULL;
}

/* --- what the session would have said ------------------------------------------ */

int run_field_date(const struct mail_field *f, bool received, struct buf *scratch, int64_t *out)
{
	GDateTime *d;
	const char *text;

	if (f->value.n > FIELD_MAX || mail_value(scratch, f) || scratch->n == 0 || memchr(scratch->p, '\0', scratch->n))
		return -1;
	text = scratch->p;
	if (received) {
		text = strrchr(text, ';');
		if (!text)
			return -1;
		text++;
	}
	d = g_mime_utils_header_decode_date(text);
	if (!d)
		return -1;
	*out = g_date_time_to_unix(d);
	g_date_time_unref(d);
	return *out >= 0 ? 0 : -1;
}

/*
 * The topmost Received with a date is the newest, and our own: those below it
 * were written by hosts we needn't believe.
 */
static int receipt_time(struct run *r, const struct mail *m, struct err *e)
{
	struct span rest = m->text;
	struct buf scratch;
	struct mail_field f;
	int rc = -1;

	buf_init(&scratch, FIELD_MAX);
	r->now_from = "Received";
	while (rc && mail_field_next(&rest, &f))
		if (span_caseis(f.name, "Received"))
			rc = run_field_date(&f, true, &scratch, &r->now);
	if (rc && mail_field_find(m->text, "Date", 0, &f)) {
		r->now_from = "Date";
		rc = run_field_date(&f, false, &scratch, &r->now);
	}
	buf_free(&scratch);
	if (rc)
		return err_set(e, ERR_DATA, "%s: message %lu has no readable date in Received or Date, so --now receipt can't be told; give --now SECONDS",
			m->file, m->index);
	return 0;
}

static int set_now(struct run *r, const struct mail *m, struct err *e)
{
	struct timespec ts;

	if (r->has_received) {
		r->now = r->received;
		r->now_from = "evidence";
		return 0;
	}
	if (r->options->now_kind == OPTIONS_NOW_RECEIPT)
		return receipt_time(r, m, e);
	r->now = r->options->now;
	r->now_from = "--now";
	if (r->options->now_kind == OPTIONS_NOW_CLOCK) {
		if (clock_gettime(CLOCK_REALTIME, &ts))
			return err_set(e, ERR_OS, "can't read the clock");
		r->now = ts.tv_sec;
		r->now_from = "the clock";
	}
	return 0;
}

/* Addresses of one field; false if it is too long to be read, or has too many. */
static bool push_field(struct run *r, const struct mail_field *f)
{
	struct span *addr;
	bool truncated = false;
	size_t n;

	if (f->value.n > FIELD_MAX)
		return false;
	n = address_list(f->value, r->t.arena, &addr, &truncated);
	for (size_t i = 0; i < n; i++)
		message_rcpt(&r->t.message, addr[i]);
	return !truncated;
}

static bool push_shown(struct run *r, const struct mail *m)
{
	struct span rest = m->text;
	struct mail_field f;
	bool all = true;

	while (mail_field_next(&rest, &f))
		if (span_caseis(f.name, "To") || span_caseis(f.name, "Cc"))
			all = push_field(r, &f) && all;
	return all;
}

/* The topmost of the delivery's fields: further ones are of earlier journeys. */
static void push_rcpts(struct run *r, const struct mail *m)
{
	const struct options *o = r->options;
	struct mail_field f;
	bool all = true;

	for (size_t i = 0; i < o->nrcpt; i++)
		message_rcpt(&r->t.message, span_cstr(o->rcpt[i]));
	if (o->nrcpt) {
		r->rcpt_from = "--rcpt";
	} else if (mail_field_find(m->text, "X-Original-To", 0, &f)) {
		r->rcpt_from = "X-Original-To";
		all = push_field(r, &f);
	} else if (mail_field_find(m->text, "Delivered-To", 0, &f)) {
		r->rcpt_from = "Delivered-To";
		all = push_field(r, &f);
	} else {
		r->rcpt_from = "To and Cc";
		all = push_shown(r, m);
	}
	if (!all)
		r->t.message.over_limit = true;
}

/* Return-Path, which may be the null sender; a file without one has not been mailed yet and is from its author. */
static void push_sender(struct run *r, const struct mail *m)
{
	struct span *addr;
	struct mail_field f;
	bool truncated;

	if (mail_field_find(m->text, "Return-Path", 0, &f) && f.value.n <= FIELD_MAX)
		message_sender(&r->t.message, f.value);
	else if (mail_field_find(m->text, "From", 0, &f) && f.value.n <= FIELD_MAX && address_list(f.value, r->t.arena, &addr, &truncated))
		message_sender(&r->t.message, addr[0]);
	else
		message_sender(&r->t.message, span_make(NULL, 0));
}

/* --- one message ------------------------------------------------------------------ */

/*
 * What our own host wrote on top when it took the message in and delivered it: a
 * milter was asked before.  True for the topmost Received, once, and for the
 * delivery's fields above it.
 */
static bool is_of_delivery(struct span name, bool *below)
{
	bool received = span_caseis(name, "Received");

	if (*below)
		return false;
	*below = received;
	return received || span_caseis(name, "Return-Path") || span_caseis(name, "Delivered-To") || span_caseis(name, "X-Original-To");
}

static int push_header(struct run *r, const struct mail *m, struct span *rest, struct err *e)
{
	struct buf value;
	struct mail_field f;
	/* Without a policy nobody counts them, and all of them are shown. */
	bool below = r->direction == DIRECTION_SIGN || !engine_policy(r->engine);

	*rest = m->text;
	buf_init(&value, MAILBOX_MESSAGE_MAX);
	while (mail_field_next(rest, &f)) {
		if (is_of_delivery(f.name, &below))
			continue;
		if (mail_value(&value, &f)) {
			buf_free(&value);
			return err_set(e, ERR_UNAVAILABLE, "%s: out of memory for the header of message %lu", m->file, m->index);
		}
		message_header(&r->t.message, f.name, buf_span(&value));
		if (span_caseis(f.name, "Message-ID") && r->message_id.n == 0)
			r->message_id = arena_copy(r->t.arena, span_trim(span_take(buf_span(&value), LIMIT_URI_BYTES)));
	}
	buf_free(&value);
	r->header_octets = (size_t)(rest->p - m->text.p);
	return 0;
}

static void put_body(void *arg, const void *p, size_t n)
{
	message_body(arg, p, n);
}

int run_push(struct run *r, const struct mail *m, struct err *e)
{
	struct transaction *t = &r->t;
	struct span rest;

	if (set_now(r, m, e))
		return -1;
	transaction_begin(t, r->engine, &r->client);
	policy_session_client(&r->session, m, t->arena, &r->client);
	t->forced = !r->as_milter;
	t->trace = r->trace;
	t->direction = r->direction;
	t->mta_name = span_cstr(r->host);
	r->message_id = span_make(NULL, 0);
	push_sender(r, m);
	push_rcpts(r, m);
	if (push_header(r, m, &rest, e))
		return -1;
	engine_headers(r->engine, t, r->now);
	if (r->want && t->scope == ENGINE_IN_SCOPE)
		message_want(&t->message, r->want);
	mail_body_push(m, mail_body(rest), put_body, &t->message);
	return 0;
}

bool run_judged(const struct run *r)
{
	return r->t.policy.because != NULL;
}

int run_message(struct run *r, const struct mail *m, struct err *e)
{
	if (run_push(r, m, e))
		return -1;
	engine_finish(r->engine, &r->t, r->now);
	return 0;
}

/* --- all of them ------------------------------------------------------------------- */

struct tally {
	int status;
	unsigned long done;
	time_t started, shown;
	bool progress;
};

static time_t seconds(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void progress(struct tally *t)
{
	time_t now;

	t->done++;
	if (!t->progress || (t->done & 15) != 0)
		return;
	now = seconds();
	if (now - t->started < PROGRESS_AFTER_S || now == t->shown)
		return;
	t->shown = now;
	fprintf(stderr, "\r%lu messages", t->done);
}

static void progress_end(const struct tally *t)
{
	if (t->shown)
		fprintf(stderr, "\r\033[K");
}

static void note(struct run *r, struct tally *t, int rc, const struct err *e)
{
	if (rc < 0) {
		int status = run_complain(r->options, e);

		if (t->status <= CMD_SOME_FAILED)
			t->status = status;
	} else if (rc == 0 && t->status == 0) {
		t->status = CMD_SOME_FAILED;
	}
	progress(t);
}

/* As run_hooks.message. */
static int take(struct run *r, struct mailbox *mb, const struct mail *m, const struct run_hooks *h, struct err *e)
{
	if ((h->before && h->before(r, m, h->arg, e)) || run_message(r, m, e))
		return -1;
	return h->message(r, mb, m, h->arg, e);
}

static void run_file(struct run *r, const char *path, struct tally *t, const struct run_hooks *h)
{
	struct mailbox *mb;
	struct mail m;
	struct err e;
	int rc;

	err_clear(&e);
	if (mailbox_open(path, &mb, &e)) {
		note(r, t, -1, &e);
		return;
	}
	while ((rc = mailbox_next(mb, &m, &e)) != 0) {
		if (rc > 0)
			rc = take(r, mb, &m, h, &e);
		note(r, t, rc, &e);
		if (rc < 0 && h->lost)
			h->lost(h->arg, m.file);
	}
	mailbox_close(mb);
}

int run_all(struct run *r, const struct run_hooks *h)
{
	struct tally t = {.started = seconds(), .progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO)};
	struct err e;

	for (size_t i = 0; i < r->options->nfile; i++)
		run_file(r, r->options->file[i], &t, h);
	progress_end(&t);
	if (fflush(stdout) || ferror(stdout)) {
		err_set(&e, ERR_OS, "can't write to standard output");
		note(r, &t, -1, &e);
	}
	return t.status;
}
