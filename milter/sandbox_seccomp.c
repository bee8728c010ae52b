/*
 * Which system calls this process may make: what the C library, its threads and
 * resolver, libmilter, OpenSSL, libcurl, SQLite, hiredis, PKCS #11 modules and our
 * own code need, and no other.
 *
 * Nothing is killed.  Calls that only an intruder has a use for get EPERM; all others
 * that are not named get ENOSYS, the answer on which a library of tomorrow falls
 * back to the older call, as on an older kernel.  Both are in the kernel's audit log.
 * The lists are names, looked up when the program starts, so that a call that this
 * architecture or libseccomp does not have is no error.
 *
 * Memory that can be written and executed is not refused: the regular expressions
 * of policies are compiled to machine code (PCRE2).
 */
#include "config.h"

#include "milter/sandbox_internal.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

bool sandbox_seccomp_built(void)
{
#ifdef HAVE_SECCOMP
	return true;
#else
	return false;
#endif
}

#ifdef HAVE_SECCOMP
#include <linux/netlink.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* Where clone(2) has its flags. */
#if defined(__s390__) || defined(__CRIS__)
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif

static const char *const allowed[] = {
	/* octets */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek", "_llseek", "sendfile",
	"sendfile64",
	/* files */
	"open", "openat", "openat2", "creat", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "flock", "fsync", "fdatasync",
	"sync_file_range", "sync_file_range2", "truncate", "truncate64", "ftruncate", "ftruncate64", "fallocate", "fadvise64", "fadvise64_64",
	"arm_fadvise64_64", "readahead", "stat", "stat64", "lstat", "lstat64", "fstat", "fstat64", "newfstatat", "fstatat64", "statx", "statfs",
	"statfs64", "fstatfs", "fstatfs64", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd",
	"umask", "link", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "chmod", "fchmod",
	"fchmodat", "fchown", "fchown32", "utimensat", "utimensat_time64", "utimes", "futimesat",
	/* memory */
	"mmap", "mmap2", "mprotect", "munmap", "mremap", "madvise", "brk", "msync", "mlock", "mlock2", "munlock", "membarrier", "memfd_create",
	"pkey_alloc", "pkey_free", "pkey_mprotect", "cacheflush", "riscv_flush_icache",
	/* threads and signals to ourselves */
	"futex", "futex_time64", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "gettid", "getcpu", "sched_yield",
	"sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "exit", "exit_group",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "rt_sigsuspend", "rt_sigpending", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "sigaltstack", "tgkill", "tkill", "pause", "restart_syscall", "arch_prctl", "set_thread_area", "get_thread_area",
	"set_tls", "alarm", "setitimer", "getitimer",
	/* time; adjtimex only asks, since we have no capability */
	"clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep", "clock_nanosleep_time64", "nanosleep",
	"gettimeofday", "time", "times", "adjtimex", "clock_adjtime", "clock_adjtime64", "timerfd_create", "timerfd_settime", "timerfd_gettime",
	"timerfd_settime64", "timerfd_gettime64",
	/* who and where we are */
	"getpid", "getppid", "getpgrp", "getpgid", "getsid", "getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32",
	"getegid32", "getgroups", "getgroups32", "getresuid", "getresgid", "getresuid32", "getresgid32", "getrlimit", "ugetrlimit", "getrusage",
	"sysinfo", "uname", "getrandom", "capget", "getpriority", "setpriority",
	/* waiting */
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "epoll_create", "epoll_create1", "epoll_ctl",
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "signalfd", "signalfd4", "pipe", "pipe2",
	/* sockets, but to make one */
	"socketpair", "connect", "bind", "listen", "accept", "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "send", "sendto",
	"sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64", "shutdown", "socketcall",
	/* devices of tokens have numbers of their own; but see load_exceptions() */
	"ioctl",
};

static const char *const refused[] = {
	/* other programs and processes */
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open", "pidfd_getfd",
	"pidfd_send_signal", "kill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "kcmp", "setns", "unshare", "personality", "seccomp",
	/* file systems */
	"mount", "umount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr", "pivot_root", "chroot",
	"swapon", "swapoff", "quotactl", "quotactl_fd", "open_by_handle_at", "name_to_handle_at", "mknod", "mknodat", "symlink", "symlinkat",
	"chown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "fanotify_init",
	/* the kernel */
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "syslog", "acct", "iopl", "ioperm", "modify_ldt",
	"lookup_dcookie", "vhangup", "settimeofday", "clock_settime", "clock_settime64", "stime", "sethostname", "setdomainname", "nfsservctl",
	"memfd_secret",
	/* other users */
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "setuid32", "setgid32",
	"setreuid32", "setregid32", "setresuid32", "setresgid32", "setgroups32", "setfsuid32", "setfsgid32", "capset",
};

static int add_all(scmp_filter_ctx c, uint32_t action, const char *const *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(name[i]), rc = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(c, action, nr, 0);

		/* EDOM: this architecture has no such call. */
		if (rc && rc != -EDOM)
			return rc;
	}
	return 0;
}

/* Argument number arg is value, in all of its 64 bits. */
static struct scmp_arg_cmp is(unsigned arg, uint64_t value)
{
	return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

static struct scmp_arg_cmp is_masked(unsigned arg, uint64_t mask, uint64_t value)
{
	return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static int allow_if(scmp_filter_ctx c, int call, unsigned n, struct scmp_arg_cmp a, struct scmp_arg_cmp b)
{
	const struct scmp_arg_cmp both[] = {a, b};

	return seccomp_rule_add_array(c, SCMP_ACT_ALLOW, call, n, both);
}

/* New threads, and no new processes: not even name spaces that a thread could have. */
static int add_clone(scmp_filter_ctx c)
{
	const uint64_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	const struct scmp_arg_cmp thread = is_masked(CLONE_FLAGS, CLONE_THREAD | spaces, CLONE_THREAD);

	return allow_if(c, SCMP_SYS(clone), 1, thread, thread);
}

static int add_sockets(scmp_filter_ctx c)
{
	static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof families / sizeof *families; i++)
		rc = allow_if(c, SCMP_SYS(socket), 1, is(0, families[i]), is(0, families[i]));
	/* The resolver asks which addresses this host has. */
	return rc ? rc : allow_if(c, SCMP_SYS(socket), 2, is(0, AF_NETLINK), is(2, NETLINK_ROUTE));
}

/* Names of threads and of memory; not PR_SET_DUMPABLE. */
static int add_prctl(scmp_filter_ctx c)
{
	static const unsigned options[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP, PR_CAPBSET_READ, PR_SET_VMA};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof options / sizeof *options; i++)
		rc = allow_if(c, SCMP_SYS(prctl), 1, is(0, options[i]), is(0, options[i]));
	return rc;
}

/* Limits are asked of ourselves, and set by nobody. */
static int add_limits(scmp_filter_ctx c)
{
	return allow_if(c, SCMP_SYS(prlimit64), 2, is(0, 0), is(2, 0));
}

static int load_calls(void)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int rc;

	if (!c)
		return -ENOMEM;
	rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Kernels before 4.14 can't; nothing else depends on it. */
	(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_LOG, 1);
	/* Where libseccomp can search instead of going through all of them. */
	(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_all(c, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof *allowed);
	if (rc == 0)
		rc = add_all(c, SCMP_ACT_ERRNO(EPERM), refused, sizeof refused / sizeof *refused);
	/* The other filter answers this one. */
	if (rc == 0)
		rc = add_all(c, SCMP_ACT_ALLOW, (const char *const[]){"clone3"}, 1);
	if (rc == 0)
		rc = add_clone(c);
	if (rc == 0)
		rc = add_sockets(c);
	if (rc == 0)
		rc = add_prctl(c);
	if (rc == 0)
		rc = add_limits(c);
	if (rc == 0)
		rc = seccomp_load(c);
	seccomp_release(c);
	return rc;
}

/*
 * What is answered before the list is asked; of two filters the stricter answer holds.
 *
 * The flags of clone3(2) are in memory, where no filter looks; the C library takes
 * clone(2) when it is told that there is none.  It asks for each new thread: here, and
 * not on the list, so that the audit log does not name each of them.
 *
 * TIOCSTI types into a terminal; the kernel looks at 32 bits of it.
 */
static int load_exceptions(void)
{
	const struct scmp_arg_cmp types[] = {is_masked(1, UINT32_MAX, TIOCSTI)};
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (!c)
		return -ENOMEM;
	rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = add_all(c, SCMP_ACT_ERRNO(ENOSYS), (const char *const[]){"clone3"}, 1);
	if (rc == 0)
		rc = seccomp_rule_add_array(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, types);
	if (rc == 0)
		rc = seccomp_load(c);
	seccomp_release(c);
	return rc;
}

int sandbox_seccomp_enter(struct err *e)
{
	int rc = load_exceptions();

	if (rc == 0)
		rc = load_calls();
	return rc ? err_set(e, ERR_OS, "%s", strerror(-rc)) : 0;
}

#else

int sandbox_seccomp_enter(struct err *e)
{
	return err_set(e, ERR_OS, "built without it");
}

#endif
