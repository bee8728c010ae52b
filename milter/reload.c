/*
 * Builds a new engine off the mail path and swaps one pointer under a mutex.
 *
 * The pointer is static because libmilter's callbacks have no user argument.
 * Knows which settings take effect at the start only.
 */
#include "config.h"

#include "milter/reload.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/log.h"
#include "engine/clock.h"
#include "milter/apply.h"
#include "milter/sandbox.h"
#include "milter/session.h"

static struct {
	pthread_mutex_t lock; /* guards engine */
	struct engine *engine;
} current = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Main thread only: what was true at the start. */
static struct {
	char *socket, *user_id, *pid_file, *metrics_socket, *sandbox_paths;
	unsigned umask;
	bool syslog, core_dumps, run_as_root;
	int sandbox;
	int syslog_facility, log_format;
	uint64_t state_entries;
} start;

int reload_read(const struct options *o, struct settings *s, struct err *e)
{
	if (settings_init(s, e))
		return -1;
	if (settings_read(s, o->file, e) || options_apply(o, s, e) || settings_check(s, e)) {
		settings_free(s);
		return -1;
	}
	return 0;
}

static struct engine *swap(struct engine *g)
{
	struct engine *old;

	pthread_mutex_lock(&current.lock);
	old = current.engine;
	current.engine = g;
	pthread_mutex_unlock(&current.lock);
	return old;
}

static int copy(char **out, const char *s, struct err *e)
{
	*out = s ? strdup(s) : NULL;
	return s && !*out ? err_set(e, ERR_UNAVAILABLE, "no memory") : 0;
}

enum { ADVICE_MAX = 128 * 1024 };

static void log_lines(void (*log)(const char *fmt, ...), const struct buf *text)
{
	for (struct span rest = buf_span(text); rest.n;) {
		struct span line = span_take(span_cut(&rest, '\n'), LIMIT_LOG_LINE);

		log("%.*s", SPAN_ARG(line));
	}
}

static void advise(const struct engine *g)
{
	struct buf text;

	buf_init(&text, ADVICE_MAX);
	engine_advice(g, clock_wall_s(), &text);
	log_lines(log_warn, &text);
	buf_free(&text);
}

/* --- engines that were in force ------------------------------------------------------ */

/*
 * To free tables of a million lines takes a while.  The last message of an old
 * engine must not do it, so the main thread keeps it until no message has it.
 */
static struct engine *retired[LIMIT_RETIRED_ENGINES];

static void free_retired(void)
{
	for (size_t i = 0; i < LIMIT_RETIRED_ENGINES; i++)
		if (retired[i] && !engine_is_shared(retired[i])) {
			engine_unref(retired[i]);
			retired[i] = NULL;
		}
}

/* Takes over the reference. When all places are taken, whoever is the last one frees it. */
static void retire(struct engine *g)
{
	size_t i = 0;

	while (i < LIMIT_RETIRED_ENGINES && retired[i])
		i++;
	if (i == LIMIT_RETIRED_ENGINES)
		engine_unref(g);
	else
		retired[i] = g;
	free_retired();
}

bool reload_tick(void)
{
	struct engine *g = reload_engine();
	struct buf said;
	bool again;

	free_retired();
	if (!g)
		return false;
	buf_init(&said, ADVICE_MAX);
	engine_tick(g, clock_wall_s(), &said);
	log_lines(log_warn, &said);
	buf_free(&said);
	again = engine_wants_reopen(g);
	engine_unref(g);
	return again;
}

void reload_log_counters(void)
{
	struct engine *g = reload_engine();
	struct buf text;

	if (!g)
		return;
	buf_init(&text, ADVICE_MAX);
	engine_counters_text(g, &text);
	log_lines(log_notice, &text);
	buf_free(&text);
	engine_unref(g);
}

/* --- what is counted -------------------------------------------------------------- */

static struct {
	_Atomic(struct metrics *) registry;
	atomic_bool stale; /* the last reload failed */
	atomic_ulong state_failures;
} counted;

struct metrics *reload_metrics(void)
{
	return atomic_load(&counted.registry);
}

static void collect(void *part, struct metrics_values *v)
{
	struct session_count c = session_count();

	(void)part;
	metrics_put(v, METRICS_CONNECTIONS, 0, 0, c.connections);
	metrics_put(v, METRICS_IN_HAND, 0, 0, c.in_hand);
	metrics_put(v, METRICS_BEGUN, 0, 0, c.begun);
	metrics_put(v, METRICS_STALE, 0, 0, atomic_load(&counted.stale));
	metrics_put(v, METRICS_UNTAKEN, 0, 0, apply_untaken());
	metrics_put(v, METRICS_STATE_FAILURES, 0, 0, atomic_load(&counted.state_failures));
	metrics_put(v, METRICS_LOG_LOST, 0, 0, log_lost());
}

static void count_reload(bool good)
{
	struct metrics *m = reload_metrics();

	atomic_store(&counted.stale, !good);
	if (m)
		metrics_count(m, METRICS_RELOADS, good ? METRICS_RELOAD_GOOD : METRICS_RELOAD_FAILED, 0);
}

/* Stays to the end of the process, like the engine. */
static void start_counting(struct engine *g)
{
	struct metrics *m = metrics_ref(engine_metrics(g));

	metrics_attach(m, &counted, collect);
	atomic_store(&counted.registry, m);
}

int reload_start(struct engine *g, struct err *e)
{
	const struct settings *s = engine_settings(g);

	start_counting(g);
	engine_unref(swap(g));
	if (copy(&start.socket, s->socket, e) || copy(&start.user_id, s->user_id, e) || copy(&start.pid_file, s->pid_file, e) || copy(&start.metrics_socket, s->metrics_socket, e) ||
	    copy(&start.sandbox_paths, s->given.sandbox_paths, e))
		return -1;
	start.umask = s->umask;
	start.core_dumps = s->core_dumps;
	start.run_as_root = s->run_as_root;
	start.sandbox = s->sandbox;
	start.state_entries = s->policy ? s->state_entries : 0;
	start.syslog = s->syslog;
	start.log_format = s->log_format;
	start.syslog_facility = s->syslog_facility;
	advise(g);
	return 0;
}

struct engine *reload_engine(void)
{
	struct engine *g;

	pthread_mutex_lock(&current.lock);
	g = current.engine ? engine_ref(current.engine) : NULL;
	pthread_mutex_unlock(&current.lock);
	return g;
}

static void note_unless(bool same, const char *name)
{
	if (!same)
		log_warn("%s has changed: that needs a restart", name);
}

static void note_start_only(const struct settings *s)
{
	note_unless(span_eq(span_cstr(s->socket), span_cstr(start.socket)), "Socket");
	note_unless(span_eq(span_cstr(s->user_id), span_cstr(start.user_id)), "UserID");
	note_unless(span_eq(span_cstr(s->pid_file), span_cstr(start.pid_file)), "PidFile");
	note_unless(span_eq(span_cstr(s->metrics_socket), span_cstr(start.metrics_socket)), "MetricsSocket");
	note_unless(s->umask == start.umask, "UMask");
	note_unless(s->core_dumps == start.core_dumps, "CoreDumps");
	note_unless(s->run_as_root == start.run_as_root, "RunAsRoot");
	note_unless(s->sandbox == start.sandbox, "Sandbox");
	note_unless(span_eq(span_cstr(s->given.sandbox_paths), span_cstr(start.sandbox_paths)), "SandboxPaths");
	note_unless(s->syslog == start.syslog, "Syslog");
	note_unless(s->log_format == start.log_format, "LogFormat");
	note_unless(s->syslog_facility == start.syslog_facility, "SyslogFacility");
	note_unless(!start.state_entries || !s->policy || s->state_entries == start.state_entries, "StateEntries");
}

static void state_failed(const struct err *e)
{
	atomic_fetch_add(&counted.state_failures, 1);
	log_error("%s", e->text);
}

void reload_save(void)
{
	struct engine *g = reload_engine();
	struct err e;

	err_clear(&e);
	if (g && engine_save_state(g, &e))
		state_failed(&e);
	engine_unref(g);
}

void reload_load(struct engine *g)
{
	struct err e;

	err_clear(&e);
	if (engine_load_state(g, &e))
		state_failed(&e);
}

/* A policy that comes finds what one that went has left. */
static void hand_over(struct engine *old, struct engine *fresh)
{
	if (old && engine_counters(old) && !engine_counters(fresh))
		reload_save();
	if (engine_counters(fresh) && !(old && engine_counters(old))) {
		start.state_entries = engine_settings(fresh)->state_entries;
		reload_load(fresh);
	}
}

static int read_again(const struct options *o, struct settings *s, struct err *e)
{
	if (reload_read(o, s, e))
		return -1;
	if (sandbox_check(s, e) == 0)
		return 0;
	settings_free(s);
	return -1;
}

bool reload_again(const struct options *o)
{
	struct engine *fresh = NULL, *old = reload_engine();
	struct settings s;
	bool ok = false;
	struct err e;

	err_clear(&e);
	if (read_again(o, &s, &e) || engine_reopen(&s, old, &fresh, &e) || engine_check_files(fresh, &e)) {
		count_reload(false);
		log_error("reload failed, the configuration in force stays: %s%s", e.text, sandbox_hint(&e));
		engine_unref(fresh);
	} else {
		hand_over(old, fresh);
		note_start_only(engine_settings(fresh));
		advise(fresh);
		engine_unref(swap(fresh));
		count_reload(true);
		log_notice("configuration read again");
		ok = true;
	}
	if (ok && old)
		retire(old);
	else
		engine_unref(old);
	return ok;
}
