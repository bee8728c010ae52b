/* What the sandbox takes away, asked of the kernel from within. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "milter/sandbox.h"
#include "milter/sandbox_internal.h"
#include "tests/lib/tap.h"

static char in[400], out[400];
static struct err e;

static const char *within(const char *folder, const char *name)
{
	static char path[2][500];
	static unsigned i;

	i = !i;
	snprintf(path[i], sizeof path[i], "%s/%s", folder, name);
	return path[i];
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd))
		tap_bail("%s: %s", path, strerror(errno));
}

/* 0, or errno. */
static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int of(long rc)
{
	return rc < 0 ? errno : 0;
}

/* A child that answers with at most 8 bits. */
static int in_child(int (*ask)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		alarm(20);
		_exit(ask());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		tap_bail("no child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* --- files ---------------------------------------------------------------------------- */

static int confine(void)
{
	struct sandbox_folders f = {0};
	size_t left_out = 0;

	sandbox_folders_add(&f, in, true);
	sandbox_folders_add(&f, "/usr", false);
	sandbox_folders_add(&f, "/lib", false);
	if (sandbox_no_new_rights(&e) || sandbox_landlock_enter(&f, &left_out, &e) || left_out)
		return -1;
	sandbox_folders_free(&f);
	return 0;
}

static int write_within(void)
{
	if (confine())
		return 99;
	return try_open(within(in, "new"), O_RDWR | O_CREAT) || rename(within(in, "new"), within(in, "newer")) || unlink(within(in, "newer"));
}

static int read_outside(void)
{
	return confine() ? 99 : try_open(within(out, "there"), O_RDONLY);
}

static int write_outside(void)
{
	return confine() ? 99 : try_open(within(out, "new"), O_WRONLY | O_CREAT);
}

static int remove_outside(void)
{
	return confine() ? 99 : of(unlink(within(out, "there")));
}

static int write_usr(void)
{
	return confine() ? 99 : try_open("/usr/stir-milter-test", O_WRONLY | O_CREAT);
}

static int read_usr(void)
{
	return confine() ? 99 : try_open("/usr/bin/env", O_RDONLY);
}

static int through_link(void)
{
	return confine() ? 99 : try_open(within(in, "link"), O_RDONLY);
}

static int execute(void)
{
	char *const args[] = {(char *)(uintptr_t)"true", NULL}, *const none[] = {NULL};

	if (confine())
		return 99;
	return of(execve("/bin/true", args, none));
}

static void *thread_reads(void *arg)
{
	*(int *)arg = try_open(within(out, "there"), O_RDONLY);
	return NULL;
}

static int in_thread(void)
{
	int found = 98;
	pthread_t t;

	if (confine() || pthread_create(&t, NULL, thread_reads, &found) || pthread_join(t, NULL))
		return 99;
	return found;
}

static void check_files(void)
{
	if (!sandbox_landlock_abi()) {
		tap_skip("this kernel has no Landlock");
		return;
	}
	tap_int(in_child(write_within), 0, "a folder that is named can be written");
	tap_int(in_child(read_outside), EACCES, "another can't be read");
	tap_int(in_child(write_outside), EACCES, "nor written");
	tap_int(in_child(remove_outside), EACCES, "nor is anything removed there");
	tap_int(in_child(through_link), EACCES, "nor read by a link");
	tap_int(in_child(in_thread), EACCES, "nor by a later thread");
	tap_int(in_child(read_usr), 0, "one for reading can be read");
	tap_int(in_child(write_usr), EACCES, "and not written, whoever we are");
	if (!SANDBOX_SANITIZER)
		tap_int(in_child(execute), EACCES, "no program is started, even without the filter");
}

static void check_folders(void)
{
	struct sandbox_folders f = {0};

	sandbox_folders_add_of(&f, within(in, "some"), true);
	sandbox_folders_add_of(&f, within(in, "link"), false);
	tap_int((long)f.n, 2, "the folder of a file, and the one its link leads to");
	tap_ok(sandbox_folders_hold(&f, within(in, "x"), false, true) && sandbox_folders_hold(&f, within(in, "sub"), true, true), "what is in it is held");
	tap_ok(sandbox_folders_hold(&f, within(out, "x"), false, false) && !sandbox_folders_hold(&f, within(out, "x"), false, true), "the other for reading");
	tap_ok(!sandbox_folders_hold(&f, "/etc/passwd", false, false), "a third is not");
	tap_ok(sandbox_folders_hold(&f, "/nonexistent/x", false, true), "one that is not there is for another error");
	sandbox_folders_add(&f, in, false);
	tap_ok(f.n == 2 && !f.failed, "each stands there once");
	sandbox_folders_free(&f);
}

/* --- calls ------------------------------------------------------------------------------ */

static int filter(void)
{
	return sandbox_no_new_rights(&e) || sandbox_seccomp_enter(&e);
}

struct call {
	const char *name;
	long nr, arg[3];
	int want;
};

static char *const no_args[] = {NULL};

static const struct call *asked;

static int ask(void)
{
	return filter() ? 99 : of(syscall((int)asked->nr, asked->arg[0], asked->arg[1], asked->arg[2], 0L, 0L));
}

static void check_calls(void)
{
	const struct call calls[] = {
		{"execve", SYS_execve, {(long)(uintptr_t)"/bin/true", (long)(uintptr_t)no_args, (long)(uintptr_t)no_args}, EPERM},
		{"execveat", SYS_execveat, {-100, (long)(uintptr_t)"/bin/true", (long)(uintptr_t)no_args}, EPERM},
		{"ptrace", SYS_ptrace, {PTRACE_TRACEME, 0, 0}, EPERM},
		{"a process (clone)", SYS_clone, {SIGCHLD, 0, 0}, ENOSYS},
		{"a name space (clone)", SYS_clone, {CLONE_NEWUSER | SIGCHLD, 0, 0}, ENOSYS},
		{"clone3", SYS_clone3, {0, 0, 0}, ENOSYS},
		{"unshare", SYS_unshare, {CLONE_NEWUSER, 0, 0}, EPERM},
		{"mount", SYS_mount, {0, 0, 0}, EPERM},
		{"chroot", SYS_chroot, {(long)(uintptr_t)"/", 0, 0}, EPERM},
		{"kill", SYS_kill, {1, 0, 0}, EPERM},
		{"setuid", SYS_setuid, {0, 0, 0}, EPERM},
		{"capset", SYS_capset, {0, 0, 0}, EPERM},
		{"bpf", SYS_bpf, {0, 0, 0}, EPERM},
		{"keyctl", SYS_keyctl, {0, 0, 0}, EPERM},
		{"init_module", SYS_init_module, {0, 0, 0}, EPERM},
		{"perf_event_open", SYS_perf_event_open, {0, 0, 0}, EPERM},
		{"userfaultfd", SYS_userfaultfd, {0, 0, 0}, EPERM},
		{"io_uring_setup", SYS_io_uring_setup, {1, 0, 0}, EPERM},
		{"process_vm_readv", SYS_process_vm_readv, {1, 0, 0}, EPERM},
		{"a call nobody named", SYS_chdir, {(long)(uintptr_t)"/", 0, 0}, ENOSYS},
		{"a call that there is not", 5000, {0, 0, 0}, ENOSYS},
		{"a packet socket", SYS_socket, {AF_PACKET, SOCK_RAW, 0}, ENOSYS},
		{"an audit socket", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}, ENOSYS},
		{"a socket for the resolver", SYS_socket, {AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE}, 0},
		{"a TCP socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}, 0},
		{"a dump of the core again", SYS_prctl, {PR_SET_DUMPABLE, 1, 0}, ENOSYS},
		{"typing into a terminal", SYS_ioctl, {0, TIOCSTI, 0}, EPERM},
		{"the same, with a bit the kernel does not look at", SYS_ioctl, {0, (long)(TIOCSTI | 1UL << 32), 0}, EPERM},
		{"another ioctl", SYS_ioctl, {-1, FIONREAD, 0}, EBADF},
		{"getpid", SYS_getpid, {0, 0, 0}, 0},
	};

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		asked = &calls[i];
		tap_int(in_child(ask), calls[i].want, "%s: %s", calls[i].name, calls[i].want == 0 ? "works" : strerror(calls[i].want));
	}
}

/* By the C library, which knows other ways. */
static int by_library(void)
{
	int status;

	if (filter())
		return 99;
	status = system("true");
	/* As if there were no shell. */
	if (status != -1 && (!WIFEXITED(status) || WEXITSTATUS(status) != 127))
		return 1;
	return popen("true", "r") ? 2 : 0;
}

static void *nothing(void *arg)
{
	return arg;
}

static int threads_and_names(void)
{
	struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	pthread_t t;
	int fd;

	if (filter())
		return 99;
	for (int i = 0; i < 5; i++)
		if (pthread_create(&t, NULL, nothing, NULL) || pthread_join(t, NULL))
			return 1;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&nobody, sizeof nobody) == 0 || errno != ECONNREFUSED)
		return 2;
	return 0;
}

static pthread_barrier_t both;
static int seen_by_thread;

static void *waits(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	seen_by_thread = of(syscall(SYS_ptrace, PTRACE_TRACEME, 0L, 0L, 0L));
	return NULL;
}

static int earlier_thread(void)
{
	pthread_t t;

	if (pthread_barrier_init(&both, NULL, 2) || pthread_create(&t, NULL, waits, NULL))
		return 98;
	pthread_barrier_wait(&both);
	if (filter())
		return 99;
	pthread_barrier_wait(&both);
	return pthread_join(t, NULL) ? 97 : seen_by_thread;
}

static void check_filter(void)
{
	if (!sandbox_seccomp_built() || SANDBOX_SANITIZER) {
		tap_skip("no filter in this build");
		return;
	}
	check_calls();
	tap_int(in_child(by_library), 0, "system() and popen() start nothing");
	tap_int(in_child(threads_and_names), 0, "threads and connections work");
	tap_int(in_child(earlier_thread), EPERM, "a thread that was there before has the filter, too");
}

/* --- the rest ------------------------------------------------------------------------------ */

static int capabilities(void)
{
	struct rlimit core;

	if (sandbox_drop_capabilities(&e) || sandbox_core_dumps(false, &e))
		return 99;
	if (prctl(PR_GET_DUMPABLE) != 0 || getrlimit(RLIMIT_CORE, &core) || core.rlim_cur || core.rlim_max)
		return 1;
	/* Root without them is nobody. */
	return chown(in, 1, 1) == 0 ? 2 : errno == EPERM ? 0 : 3;
}

static int core_dumps(void)
{
	return sandbox_core_dumps(true, &e) ? 99 : prctl(PR_GET_DUMPABLE) == 1 ? 0 : 1;
}

int main(void)
{
	const char *dir = tap_tempdir();

	snprintf(in, sizeof in, "%s/in", dir);
	snprintf(out, sizeof out, "%s/out", dir);
	if (mkdir(in, 0700) || mkdir(out, 0700) || mkdir(within(in, "sub"), 0700))
		tap_bail("%s: %s", in, strerror(errno));
	touch(within(out, "there"));
	if (symlink("../out/there", within(in, "link")))
		tap_bail("symlink: %s", strerror(errno));
	check_folders();
	check_files();
	check_filter();
	tap_int(in_child(capabilities), 0, "no capabilities, no core dumps");
	tap_int(in_child(core_dumps), 0, "core dumps when they are wanted");
	return tap_done();
}
