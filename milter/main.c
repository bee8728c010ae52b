/*
 * The order of a start: options, configuration, engine (with its keys), rights,
 * sandbox, socket, PID file, mail; and of a stop, backwards.
 *
 * Stays in the foreground: whoever starts it (systemd) keeps it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "engine/clock.h"
#include "engine/state.h"
#include "milter/callbacks.h"
#include "milter/listen.h"
#include "milter/metrics_server.h"
#include "milter/notify.h"
#include "milter/options.h"
#include "milter/privilege.h"
#include "milter/reload.h"
#include "milter/sandbox.h"
#include "milter/session.h"
#include "milter/supervise.h"
#include "milter/version.h"

#define PROGRAM "stir-milter"

enum { OUTPUT_MAX = 1024 * 1024 };

/* Standard output may be a full disk. */
static int print(struct buf *out, struct err *e)
{
	if (out->failed)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	if ((out->n && fwrite(out->p, 1, out->n, stdout) != out->n) || fflush(stdout))
		return err_set(e, ERR_OS, "can't write: %s", strerror(errno));
	return 0;
}

static int print_version(struct err *e)
{
	struct buf out;
	int rc;

	buf_init(&out, OUTPUT_MAX);
	version_write(&out);
	rc = print(&out, e);
	buf_free(&out);
	return rc;
}

static int print_usage(struct err *e)
{
	struct buf out;
	int rc;

	buf_init(&out, OUTPUT_MAX);
	(void)buf_puts(&out, options_usage());
	rc = print(&out, e);
	buf_free(&out);
	return rc;
}

static int print_config(const struct options *o, struct err *e)
{
	struct settings s;
	struct buf out;
	int rc;

	if (reload_read(o, &s, e))
		return -1;
	buf_init(&out, OUTPUT_MAX);
	settings_print(&out, &s);
	rc = print(&out, e);
	buf_free(&out);
	settings_free(&s);
	return rc;
}

static int check_pid_folder(const char *path, struct err *e)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *folder;
	int rc = 0;

	if (!slash)
		return 0;
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!folder)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	if (access(folder, W_OK | X_OK))
		rc = err_set(e, ERR_CONFIG, "PidFile %s: %s", path, strerror(errno));
	free(folder);
	return rc;
}

/* The engine, and to the terminal all that there is to say of its policy. */
static int open_saying(struct settings *s, struct engine **g, struct err *e)
{
	struct buf said;
	int rc;

	buf_init(&said, OUTPUT_MAX);
	rc = engine_open_saying(s, g, &said, e);
	fprintf(stderr, "%.*s", SPAN_ARG(buf_span(&said)));
	buf_free(&said);
	return rc;
}

/* As the user we would be: root may write everywhere. */
static int check_rights(const struct engine *g, struct err *e)
{
	const struct settings *s = engine_settings(g);
	struct privilege p;
	struct err broken;
	int rc = privilege_resolve(&p, s->user_id, e);

	if (rc == 0 && p.wanted && geteuid() == 0)
		rc = privilege_drop(&p, e);
	privilege_free(&p);
	if (rc == 0)
		rc = engine_check_files(g, e);
	/* Whether it can be had shows when it is tried. */
	if (rc == 0)
		rc = sandbox_try(g, e);
	/* No fault of the configuration: a start says so and goes on. */
	if (rc == 0 && engine_policy(g) && s->state_file && state_check(s->state_file, &broken))
		fprintf(stderr, "%s: warning: %s\n", PROGRAM, broken.text);
	return rc;
}

/* What a start would write to the log as warnings, such as a certificate that signs nothing any more. */
static void advise(const struct engine *g)
{
	struct buf said;

	buf_init(&said, OUTPUT_MAX);
	engine_advice(g, clock_wall_s(), &said);
	for (struct span rest = buf_span(&said); rest.n;) {
		struct span line = span_cut(&rest, '\n');

		fprintf(stderr, "%s: warning: %.*s\n", PROGRAM, SPAN_ARG(line));
	}
	buf_free(&said);
}

/* Root is refused before anything is opened. */
static int read_first(const struct options *o, struct settings *s, struct err *e)
{
	if (reload_read(o, s, e))
		return -1;
	if (privilege_refuse_root(s->user_id, s->run_as_root, e) == 0)
		return 0;
	settings_free(s);
	return -1;
}

/* Everything a start would look at, and nothing changed. */
static int check(const struct options *o, struct err *e)
{
	struct engine *g = NULL;
	struct settings s;
	struct err place;
	bool bad;
	int rc;

	if (read_first(o, &s, e))
		return -1;
	/* Looked at before the engine opens files: fd:N must be one that was handed in. */
	err_clear(&place);
	bad = listen_check(s.socket, &place) || listen_check_socket("MetricsSocket", s.metrics_socket, &place) || check_pid_folder(s.pid_file, &place);
	if (open_saying(&s, &g, e))
		return -1;
	if (bad) {
		*e = place;
		engine_unref(g);
		return -1;
	}
	rc = check_rights(g, e);
	if (rc == 0)
		advise(g);
	engine_unref(g);
	return rc;
}

/* Empty, or what a PID file holds: nobody's key or mail is overwritten for a slip of the pen. */
static bool is_pid_file(int fd)
{
	char text[32];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	n = pread(fd, text, sizeof text, 0);
	for (ssize_t i = 0; i < n; i++)
		if ((text[i] < '0' || text[i] > '9') && text[i] != '\n')
			return false;
	return n >= 0 && n < (ssize_t)sizeof text;
}

static int write_pid(const char *path, struct err *e)
{
	int fd, n, bad;

	if (!path)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(e, ERR_RIGHTS, "PidFile %s: %s", path, strerror(errno));
	if (!is_pid_file(fd) || ftruncate(fd, 0)) {
		(void)close(fd);
		return err_set(e, ERR_CONFIG, "PidFile %s: there is a file that holds no process number; it is not overwritten", path);
	}
	n = dprintf(fd, "%ld\n", (long)getpid());
	bad = close(fd);
	return n < 0 || bad ? err_set(e, ERR_OS, "PidFile %s: can't write", path) : 0;
}

static void warn_unreadable(const char *path)
{
	if (path && !span_starts(span_cstr(path), "pkcs11:") && access(path, R_OK))
		log_warn("%s can't be read by this user: a reload will fail", path);
}

static int become(const struct settings *s, struct err *e)
{
	struct privilege p;
	int rc = privilege_resolve(&p, s->user_id, e);

	if (rc == 0)
		rc = privilege_drop(&p, e);
	privilege_free(&p);
	/* The kernel has changed it with the user. */
	if (rc == 0)
		rc = sandbox_core_dumps(s->core_dumps, e);
	if (rc == 0) {
		warn_unreadable(s->key_file);
		warn_unreadable(s->key_pin_file);
		warn_unreadable(s->policy);
		warn_unreadable(s->pseudonym_key);
		warn_unreadable(s->replay_key);
		warn_unreadable(s->trust_domains);
	}
	return rc;
}

/* What a run leaves behind to be tidied up. */
struct running {
	struct listen listen;
	struct metrics_server *metrics; /* or NULL */
	char *pid_file; /* owned; NULL when none was written */
};

static int start(struct running *r, struct engine *g, struct err *e)
{
	const struct settings *s = engine_settings(g);

	if (become(s, e) || engine_check_files(g, e))
		return -1;
	/* The first threads come with engine_begin(). */
	if (sandbox_enter(g, e) || engine_begin(g, false, e))
		return -1;
	reload_load(g);
	if (callbacks_register(e) || listen_open(&r->listen, s->socket, e))
		return -1;
	if (s->metrics_socket && metrics_server_open(s->metrics_socket, s->socket, &r->metrics, e))
		return -1;
	if (write_pid(s->pid_file, e))
		return -1;
	if (s->pid_file) {
		r->pid_file = strdup(s->pid_file);
		if (!r->pid_file)
			return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	log_notice("%s started on %s", PACKAGE_VERSION, s->socket);
	return 0;
}

static void tidy_up(struct running *r)
{
	if (r->pid_file)
		(void)unlink(r->pid_file);
	free(r->pid_file);
	metrics_server_close(r->metrics);
	listen_close(&r->listen);
	/* The engine stays: libmilter's threads serve until the process is gone. */
}

/* The engine that a start needs; its settings choose where we log. */
static int open_first(const struct options *o, struct engine **g, struct err *e)
{
	struct settings s;

	if (read_first(o, &s, e))
		return -1;
	/* Before keys are in memory. */
	if (sandbox_core_dumps(s.core_dumps, e)) {
		settings_free(&s);
		return -1;
	}
	log_set_level(o->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (s.syslog)
		log_to_syslog(PROGRAM, s.syslog_facility);
	if (s.log_format == SETTINGS_LOG_JSON)
		log_use_json(clock_wall_s);
	if (listen_check(s.socket, e)) {
		settings_free(&s);
		return -1;
	}
	return engine_open(&s, g, e);
}

static int serve(const struct options *o, struct err *e)
{
	struct running r = {0};
	struct engine *g = NULL;
	int rc;

	if (supervise_prepare(e) || open_first(o, &g, e))
		return -1;
	privilege_raise_nofile();
	(void)umask((mode_t)engine_settings(g)->umask);
	engine_ref(g);
	rc = reload_start(g, e);
	if (rc == 0)
		rc = start(&r, g, e);
	/* Not kept beyond the start: a reload shall end this engine. */
	engine_unref(g);
	if (rc == 0) {
		rc = supervise_run(o, e);
		log_notice("stopped");
	}
	tidy_up(&r);
	return rc;
}

static int act(const struct options *o, struct err *e)
{
	if (o->help)
		return print_usage(e);
	if (o->version)
		return print_version(e);
	engine_global_init();
	if (o->print_config)
		return print_config(o, e);
	return o->check ? check(o, e) : serve(o, e);
}

/* To the terminal in any case: syslog may be where nobody looks just now. */
static int report(const struct options *o, const struct err *e)
{
	fprintf(stderr, "%s: %s\n", PROGRAM, e->text);
	if (!o->check)
		notify_failed(e->text, err_exit_status(e->code));
	if (e->code == ERR_USAGE)
		fprintf(stderr, "%s -h says how to call it\n", PROGRAM);
	if (o->check && e->code != ERR_USAGE)
		return err_exit_status(ERR_CONFIG);
	return err_exit_status(e->code);
}

/*
 * libmilter's threads come and go, and glibc gives each a heap of its own, up to
 * eight for a processor, of which each keeps what it once had.
 */
static void few_heaps(void)
{
#ifdef M_ARENA_MAX
	enum { FEWEST = 4, FOR_A_PROCESSOR = 2 };
	long n = sysconf(_SC_NPROCESSORS_ONLN) * FOR_A_PROCESSOR;

	(void)mallopt(M_ARENA_MAX, n > FEWEST ? (int)n : FEWEST);
#endif
}

int main(int argc, char **argv)
{
	struct options o;
	struct err e;
	int status = 0;

	few_heaps();
	err_clear(&e);
	log_to_stderr(PROGRAM);
	if (options_parse(&o, argc, argv, &e) || act(&o, &e))
		status = report(&o, &e);
	options_free(&o);
	/* Callbacks may still be at work; exit handlers would pull the ground from under them. */
	if (session_count().in_hand)
		_exit(status);
	return status;
}
