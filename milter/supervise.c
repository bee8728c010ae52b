/*
 * smfi_main() in a thread of its own, signals read from a descriptor in the
 * main one: no handlers, and what comes during a reload waits.  Signs of life for a
 * service manager come from a thread of their own: a reload that waits for a token,
 * or a disk that is slow, is no reason to end a process that handles mail.
 *
 * libmilter stops the process on HUP, TERM and INT, for which a thread of its
 * own waits in sigwait(3); see below.  smfi_stop() isn't called: it takes up to
 * five seconds, in which the MTA could reach nobody, and then cuts what is open
 * just as the end of the process does.
 */
#include "config.h"

#include "milter/supervise.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/log.h"
#include "engine/clock.h"
#include "milter/metrics_server.h"
#include "milter/notify.h"
#include "milter/nudge.h"
#include "milter/reload.h"
#include "milter/selfcall.h"
#include "milter/session.h"

enum { DRAIN_LOOK_MS = 20, SAVE_EVERY_MS = 60 * 1000, TICK_EVERY_MS = 5 * 1000, OWN_RELOAD_MS = 3600 * 1000 };
/* Longer than a busy host takes; and how soon after one that was not answered the next one is. */
enum { SELFCALL_MS = 2 * 1000, CALL_AGAIN_MS = 1000 };
enum { STATUS_BYTES = 256 };

struct supervisor {
	const struct options *options;
	int signals; /* signalfd */
	int ended;   /* eventfd: smfi_main() has returned */
	bool stop;   /* TERM or INT came */
	bool dead;   /* smfi_main() returned by itself */
	atomic_bool stale;  /* the last reload failed */
	/* For a service manager that wants to hear that we live. */
	struct selfcall self;
	int64_t alive_every_ms; /* 0: it doesn't */
	atomic_bool leaving;    /* it needs no signs of life any more */
	/* Of the thread that gives them: */
	unsigned long begun;    /* messages until the last one */
	bool unanswered;        /* our socket did not answer the last time */
	bool silent;            /* and the log has said that we did not say that we live, either */
};

/*
 * libmilter's signal thread must not get what is sent to us: it would take HUP
 * for an order to stop.  Whenever we aren't just waiting for a signal ourselves
 * the kernel would hand it to that thread, so its sigwait() is answered here,
 * never.  No other code of this program calls it.
 */
__attribute__((visibility("default"))) int sigwait(const sigset_t *set, int *sig)
{
	(void)set;
	(void)sig;
	for (;;)
		(void)pause();
}

static void our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

int supervise_prepare(struct err *e)
{
	sigset_t set;

	our_signals(&set);
	/* XFSZ: a fact log that has grown to the limit of a file costs lines, not the process. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return err_set(e, ERR_OS, "can't ignore SIGPIPE and SIGXFSZ: %s", strerror(errno));
	int rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
	return rc ? err_set(e, ERR_OS, "can't block signals: %s", strerror(rc)) : 0;
}

static void *run_libmilter(void *arg)
{
	const struct supervisor *v = arg;
	uint64_t one = 1;

	if (smfi_main() != MI_SUCCESS)
		log_error("libmilter ended with a failure");
	/* Fails only when full, and then it says the same. */
	if (write(v->ended, &one, sizeof one) < 0)
		return NULL;
	return NULL;
}

static void log_counters(void)
{
	struct session_count c = session_count();

	log_notice("connections=%u in-hand=%u messages=%lu", c.connections, c.in_hand, c.begun);
	reload_log_counters();
}

static void write_status(const struct supervisor *v, char out[STATUS_BYTES])
{
	struct session_count c = session_count();

	if (snprintf(out, STATUS_BYTES, "%s%u connections, %u messages in hand, %lu since the start",
		     v->stale ? "the last reload failed, the configuration before it is in force; " : "", c.connections, c.in_hand, c.begun) < 0)
		out[0] = '\0';
}

static void say_ready(const struct supervisor *v)
{
	char status[STATUS_BYTES];

	write_status(v, status);
	notify_ready(status);
}

static bool read_again(struct supervisor *v)
{
	notify_reloading();
	v->stale = !reload_again(v->options);
	say_ready(v);
	return !v->stale;
}

/* New messages are taken: to end us now would cost them all, and help nobody. */
static bool is_at_work(struct supervisor *v)
{
	unsigned long begun = session_count().begun, before = v->begun;

	v->begun = begun;
	return begun != before;
}

/* Said only while our socket answers, or mail comes: who can't be reached had better be started anew. */
static void say_alive(struct supervisor *v)
{
	bool answered, silent, was_unanswered = v->unanswered;
	char status[STATUS_BYTES];
	struct err e;

	err_clear(&e);
	answered = selfcall_ask(&v->self, SELFCALL_MS, &e) == 0;
	silent = !is_at_work(v) && !answered;
	v->unanswered = !answered;
	if (silent && !v->silent)
		log_error("%s; the service manager is not told that we live until it does", e.text);
	else if (!answered && !was_unanswered)
		log_warn("%s, but there is mail in hand", e.text);
	else if (answered && was_unanswered)
		log_notice("our own socket answers again");
	v->silent = !answered && (v->silent || silent);
	if (silent)
		return;
	write_status(v, status);
	notify_alive(status);
}

static void *keep_saying(void *arg)
{
	struct supervisor *v = arg;

	while (!atomic_load(&v->leaving)) {
		int64_t now = clock_monotonic_ms(), next = now + v->alive_every_ms;

		say_alive(v);
		now = clock_monotonic_ms();
		if (v->unanswered && next > now + CALL_AGAIN_MS)
			next = now + CALL_AGAIN_MS;
		if (next > now)
			(void)poll(NULL, 0, (int)(next - now));
	}
	return NULL;
}

static void take_signal(struct supervisor *v)
{
	struct signalfd_siginfo si;

	if (read(v->signals, &si, sizeof si) != (ssize_t)sizeof si)
		return;
	switch (si.ssi_signo) {
	case SIGHUP:
	case SIGUSR1:
		(void)read_again(v);
		break;
	case SIGUSR2:
		log_counters();
		break;
	default:
		v->stop = true;
	}
}

/* Waits at most so long for a signal or the end of libmilter. */
static void wait_event(struct supervisor *v, int timeout_ms)
{
	struct pollfd p[2] = {{.fd = v->signals, .events = POLLIN}, {.fd = v->ended, .events = POLLIN}};

	if (poll(p, 2, timeout_ms) <= 0)
		return;
	if (p[1].revents)
		v->dead = true;
	if (p[0].revents)
		take_signal(v);
}

static int64_t drain_time_ms(void)
{
	struct engine *g = reload_engine();
	int64_t ms = g ? (int64_t)engine_settings(g)->shutdown_timeout_s * 1000 : 0;

	engine_unref(g);
	return ms;
}

/* What is in hand when the process ends is cut, and its client asked to try again. */
static void drain(struct supervisor *v)
{
	int64_t until = clock_monotonic_ms() + drain_time_ms();
	unsigned left = session_count().in_hand;
	char status[STATUS_BYTES];

	atomic_store(&v->leaving, true);
	write_status(v, status);
	metrics_server_set_serving(false);
	notify_stopping(status);
	if (left)
		log_notice("stopping; %u messages in hand", left);
	v->stop = false;
	while (!v->dead && !v->stop && clock_monotonic_ms() < until && session_count().in_hand)
		wait_event(v, DRAIN_LOOK_MS);
	left = session_count().in_hand;
	if (left)
		log_warn("%u messages in hand are cut; their clients are asked to try again", left);
}

static int start_thread(struct supervisor *v, void *(*run)(void *), struct err *e)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, run, v);

	if (!rc)
		rc = pthread_detach(thread);
	return rc ? err_set(e, ERR_OS, "can't start a thread: %s", strerror(rc)) : 0;
}

/*
 * A reload that nobody ordered.  One that fails is not tried again with each tick:
 * it asks a token for its key, and a PIN that is wrong by now would lock that.
 */
static int64_t reload_by_ourselves(struct supervisor *v)
{
	if (read_again(v))
		return 0;
	log_warn("what was renewed is taken over by the next reload, or in an hour");
	return clock_monotonic_ms() + OWN_RELOAD_MS;
}

/* Until there is a reason to end; in between, what is remembered goes to the disk, and what ends soon is renewed. */
static void watch(struct supervisor *v)
{
	int64_t save = clock_monotonic_ms() + SAVE_EVERY_MS, tick = clock_monotonic_ms(), own_reload = 0;

	while (!v->stop && !v->dead) {
		int64_t now = clock_monotonic_ms(), next = save < tick ? save : tick;

		if (next > now) {
			wait_event(v, (int)(next - now));
			continue;
		}
		if (now >= tick) {
			if (reload_tick() && now >= own_reload)
				own_reload = reload_by_ourselves(v);
			tick = clock_monotonic_ms() + TICK_EVERY_MS;
		}
		if (now >= save) {
			reload_save();
			save = clock_monotonic_ms() + SAVE_EVERY_MS;
		}
	}
}

/* What calls our own socket. */
static int aim(struct supervisor *v, struct err *e)
{
	struct engine *g = reload_engine();
	int rc;

	if (!g)
		return err_set(e, ERR_BUG, "no configuration in force");
	/* Three chances in the time that the service manager gives. */
	v->alive_every_ms = notify_alive_within_ms() / 3;
	rc = selfcall_aim(&v->self, engine_settings(g)->socket, e);
	if (rc == 0)
		rc = nudge_start(engine_settings(g)->socket, e);
	engine_unref(g);
	return rc;
}

static int run(struct supervisor *v, struct err *e)
{
	if (aim(v, e) || start_thread(v, run_libmilter, e))
		return -1;
	metrics_server_set_serving(true);
	say_ready(v);
	if (v->alive_every_ms && start_thread(v, keep_saying, e))
		return -1;
	watch(v);
	if (!v->dead)
		drain(v);
	reload_save();
	return v->dead ? err_set(e, ERR_OS, "libmilter ended by itself") : 0;
}

int supervise_run(const struct options *o, struct err *e)
{
	/* Outlives this call: libmilter's thread may still look at it. */
	static struct supervisor v;
	sigset_t set;

	our_signals(&set);
	v.options = o;
	v.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	v.ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v.signals < 0 || v.ended < 0)
		return err_set(e, ERR_OS, "can't watch for signals: %s", strerror(errno));
	return run(&v, e);
}
