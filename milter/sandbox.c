/*
 * Order and words: which part comes when, and what the log says of them.
 *
 * Knows which files the system's libraries read besides those of the operator;
 * the parts themselves are in sandbox_landlock.c and sandbox_seccomp.c.
 */
#include "config.h"

#include "milter/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/log.h"
#include "milter/sandbox_internal.h"

enum { SAID_MAX = 512, FOLDERS_MAX = 1024 };

/* What resolver, TLS, OpenSSL, the C library, PKCS #11 and we ourselves (metrics) read. */
static const char *const system_folders[] = {
	"/etc", "/usr", "/lib", "/lib32", "/lib64", "/proc", "/sys/devices/system/cpu", "/dev/urandom", "/dev/random", "/dev/zero",
	"/run/systemd/resolve", "/run/systemd/netif", "/run/resolvconf", "/run/NetworkManager", "/run/nscd", "/run/connman",
	"/var/lib/ca-certificates", "/var/lib/sss",
};

/* Ours, whether the configuration names a file there by now or after a reload. */
static const char *const own_folders[] = {LOCALSTATEDIR "/lib/stir-milter", LOCALSTATEDIR "/log/stir-milter"};

/* Files that a variable names to those. */
static const char *const system_variables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "OPENSSL_MODULES", "TZDIR", "HOSTALIASES", "SOFTHSM2_CONF", "LD_LIBRARY_PATH"};

/* Main thread only: what Landlock lets us use; empty without it. */
static struct sandbox_folders confined;

/* --- folders ----------------------------------------------------------------------- */

static void add_real(struct sandbox_folders *f, char *real, bool written)
{
	struct sandbox_folder *grown;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->at[i].path, real) == 0) {
			f->at[i].written = f->at[i].written || written;
			free(real);
			return;
		}
	grown = f->n < FOLDERS_MAX ? reallocarray(f->at, f->n + 1, sizeof *grown) : NULL;
	if (!grown) {
		f->failed = true;
		free(real);
		return;
	}
	f->at = grown;
	f->at[f->n++] = (struct sandbox_folder){real, written};
}

void sandbox_folders_add(struct sandbox_folders *f, const char *path, bool written)
{
	char *real = realpath(path, NULL);

	if (real)
		add_real(f, real, written);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

void sandbox_folders_add_of(struct sandbox_folders *f, const char *path, bool written)
{
	char *folder = folder_of(path), *real = realpath(path, NULL), *other = real ? folder_of(real) : NULL;

	if (!folder || (real && !other))
		f->failed = true;
	if (folder)
		sandbox_folders_add(f, folder, written);
	if (other)
		sandbox_folders_add(f, other, written);
	free(folder);
	free(other);
	free(real);
}

void sandbox_folders_free(struct sandbox_folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->at[i].path);
	free(f->at);
	*f = (struct sandbox_folders){0};
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (folder[n - 1] == '/' || path[n] == '/' || path[n] == '\0');
}

bool sandbox_folders_hold(const struct sandbox_folders *f, const char *path, bool is_folder, bool written)
{
	char *folder = is_folder ? strdup(path) : folder_of(path), *real = folder ? realpath(folder, NULL) : NULL;
	bool held = !real;

	for (size_t i = 0; real && i < f->n && !held; i++)
		held = (f->at[i].written || !written) && is_below(real, f->at[i].path);
	free(folder);
	free(real);
	return held;
}

static bool is_written(enum engine_path_kind kind)
{
	return kind == ENGINE_PATH_WRITTEN || kind == ENGINE_PATH_FOLDER_WRITTEN;
}

static bool is_folder(enum engine_path_kind kind)
{
	return kind == ENGINE_PATH_FOLDER_READ || kind == ENGINE_PATH_FOLDER_WRITTEN;
}

static void collect(void *arg, enum engine_path_kind kind, const char *name, const char *path)
{
	(void)name;
	if (is_folder(kind))
		sandbox_folders_add(arg, path, is_written(kind));
	else
		sandbox_folders_add_of(arg, path, is_written(kind));
}

static int gather(const struct engine *g, struct sandbox_folders *f, struct err *e)
{
	for (size_t i = 0; i < sizeof system_folders / sizeof *system_folders; i++)
		sandbox_folders_add(f, system_folders[i], false);
	for (size_t i = 0; i < sizeof own_folders / sizeof *own_folders; i++)
		sandbox_folders_add(f, own_folders[i], true);
	sandbox_folders_add(f, "/dev/null", true);
	/* Where they lead is often somewhere else. */
	sandbox_folders_add_of(f, "/etc/resolv.conf", false);
	sandbox_folders_add_of(f, "/etc/localtime", false);
	/* Where its symbolizer finds the names of functions. */
	if (SANDBOX_SANITIZER)
		sandbox_folders_add(f, "/proc/self/exe", false);
	for (size_t i = 0; i < sizeof system_variables / sizeof *system_variables; i++) {
		const char *path = getenv(system_variables[i]);

		if (path && path[0] == '/')
			sandbox_folders_add_of(f, path, false);
	}
	engine_paths(g, collect, f);
	return f->failed ? err_set(e, ERR_UNAVAILABLE, "Sandbox: no memory, or more than %d folders", FOLDERS_MAX) : 0;
}

/* --- parts -------------------------------------------------------------------------- */

int sandbox_core_dumps(bool allowed, struct err *e)
{
	struct rlimit none = {0, 0};

	/* Where it may not be set the next one is enough. */
	if (!allowed)
		(void)!setrlimit(RLIMIT_CORE, &none);
	/* Nor may others of our user look into our memory. */
	if (prctl(PR_SET_DUMPABLE, allowed ? 1UL : 0UL, 0UL, 0UL, 0UL))
		return err_set(e, ERR_OS, "CoreDumps: prctl: %s", strerror(errno));
	return 0;
}

int sandbox_no_new_rights(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL))
		return err_set(e, ERR_OS, "Sandbox: no_new_privs: %s", strerror(errno));
	return 0;
}

static bool has_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct have[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}, {0, 0, 0}};

	if (syscall(SYS_capget, &head, have))
		return true;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (have[i].effective || have[i].permitted || have[i].inheritable)
			return true;
	return false;
}

int sandbox_drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}, {0, 0, 0}};

	/* Only who has CAP_SETPCAP can, or needs to; the last capability answers EINVAL. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL))
			break;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
	/* A service manager that has taken them all may refuse the call as well. */
	if (!has_capabilities())
		return 0;
	if (syscall(SYS_capset, &head, none))
		return err_set(e, ERR_OS, "Sandbox: can't give up capabilities: %s", strerror(errno));
	return 0;
}

/* Of a module of a token: the rest has started none yet. */
static bool has_other_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	const struct dirent *entry;
	size_t n = 0;

	if (!d)
		return false;
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.';
	(void)closedir(d);
	return n > 1 && !SANDBOX_SANITIZER;
}

/* A part that is not there: said, or with "require" the end. */
static int lacks(const struct settings *s, struct buf *said, const char *part, const char *why, struct err *e)
{
	if (s->sandbox == SETTINGS_SANDBOX_REQUIRE)
		return err_set(e, ERR_CONFIG, "\"Sandbox require\": no %s: %s", part, why);
	(void)buf_printf(said, ", no %s (%s)", part, why);
	return 0;
}

static int confine_files(const struct engine *g, struct buf *said, struct err *e)
{
	const struct settings *s = engine_settings(g);
	size_t written = 0, left_out = 0;
	struct err why;

	err_clear(&why);
	if (sandbox_landlock_abi() == 0)
		return lacks(s, said, "landlock", "the kernel has none", e);
	if (engine_uses_tokens(g) && !s->sandbox_paths.n)
		return lacks(s, said, "landlock", "a PKCS #11 module opens files of its own; name their folders in SandboxPaths", e);
	if (gather(g, &confined, e))
		return -1;
	if (sandbox_landlock_enter(&confined, &left_out, &why)) {
		sandbox_folders_free(&confined);
		return lacks(s, said, "landlock", why.text, e);
	}
	for (size_t i = 0; i < confined.n; i++)
		written += confined.at[i].written;
	(void)buf_printf(said, ", landlock %d (%zu folders, %zu of them written to)", sandbox_landlock_abi(), confined.n - left_out, written);
	return 0;
}

static int filter_calls(const struct settings *s, struct buf *said, struct err *e)
{
	struct err why;

	err_clear(&why);
	if (!sandbox_seccomp_built())
		return lacks(s, said, "seccomp", "built without it", e);
	if (SANDBOX_SANITIZER)
		return lacks(s, said, "seccomp", "built with a sanitizer", e);
	if (sandbox_seccomp_enter(&why))
		return lacks(s, said, "seccomp", why.text, e);
	(void)buf_puts(said, ", seccomp");
	return 0;
}

static int enter(const struct engine *g, struct buf *said, struct err *e)
{
	const struct settings *s = engine_settings(g);
	bool others = has_other_threads();

	if (sandbox_no_new_rights(e) || sandbox_drop_capabilities(e))
		return -1;
	(void)buf_puts(said, "no new rights, no capabilities");
	/* The filter last: it refuses the calls that the rest needs. */
	if (confine_files(g, said, e) || filter_calls(s, said, e))
		return -1;
	return others ? lacks(s, said, "sandbox but seccomp for the threads of a PKCS #11 module", "they were there before", e) : 0;
}

int sandbox_try(const struct engine *g, struct err *e)
{
	struct buf said;
	int rc;

	if (engine_settings(g)->sandbox != SETTINGS_SANDBOX_REQUIRE)
		return 0;
	buf_init(&said, SAID_MAX);
	rc = enter(g, &said, e);
	buf_free(&said);
	return rc;
}

int sandbox_enter(const struct engine *g, struct err *e)
{
	const struct settings *s = engine_settings(g);
	struct buf said;
	int rc;

	if (s->sandbox == SETTINGS_SANDBOX_OFF) {
		log_warn("sandbox: off; a fault in this process may use all that its user may");
		return 0;
	}
	buf_init(&said, SAID_MAX);
	rc = enter(g, &said, e);
	if (rc == 0)
		log_notice("sandbox: %.*s%s", SPAN_ARG(buf_span(&said)), s->core_dumps ? ", core dumps" : ", no core dumps");
	buf_free(&said);
	return rc;
}

/* --- later ---------------------------------------------------------------------------- */

/* What a reload leaves as it is. */
static bool is_for_start(const char *name)
{
	static const char *const names[] = {"Socket", "MetricsSocket", "PidFile", "SandboxPaths"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void hold(void *arg, enum engine_path_kind kind, const char *name, const char *path)
{
	struct err *e = arg;

	if (e->code == ERR_NONE && !is_for_start(name) && !sandbox_folders_hold(&confined, path, is_folder(kind), is_written(kind)))
		(void)err_set(e, ERR_CONFIG, "%s: %.300s is in no folder that this process may %s since its start (Sandbox): restart it", name, path,
			      is_written(kind) ? "write to" : "read");
}

int sandbox_check(const struct settings *s, struct err *e)
{
	struct err found;

	err_clear(&found);
	if (confined.n)
		engine_settings_paths(s, hold, &found);
	if (found.code == ERR_NONE)
		return 0;
	*e = found;
	return -1;
}

const char *sandbox_hint(const struct err *e)
{
	if (!confined.n || (e->code != ERR_RIGHTS && !strstr(e->text, strerror(EACCES))))
		return "";
	return "; a folder that nothing named at the start can't be used before a restart (Sandbox)";
}

void sandbox_version(struct buf *out)
{
	(void)buf_printf(out, "sandbox: seccomp %s, landlock of this kernel %d\n", !sandbox_seccomp_built() ? "not built in" : SANDBOX_SANITIZER ? "left out for the sanitizer" : "yes",
			 sandbox_landlock_abi());
}
