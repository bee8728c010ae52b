/*
 * Landlock by its system calls, since the C library has no names for them.
 *
 * The kernel's version says which kinds of access it can tell apart; one that it
 * does not know is left to the rights of the user.
 */
#include "config.h"

#include "milter/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>

/* Of kernels later than the headers we may be built with. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_IOCTL = 5, ABI_SCOPE = 6 };

/* struct landlock_ruleset_attr as of ABI_SCOPE. */
struct ruleset {
	uint64_t fs, net, scoped;
};

#define READ_FILES LANDLOCK_ACCESS_FS_READ_FILE
#define READS (READ_FILES | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define WRITES                                                                                                                                          \
	(WRITES_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER)
/* Nobody gets these. */
#define NEVER                                                                                                                                     \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

int sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0UL, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t known_to(int abi)
{
	uint64_t all = READS | WRITES | NEVER | LANDLOCK_ACCESS_FS_IOCTL_DEV;

	if (abi < ABI_REFER)
		all &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi < ABI_TRUNCATE)
		all &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi < ABI_IOCTL)
		all &= ~(uint64_t)LANDLOCK_ACCESS_FS_IOCTL_DEV;
	/* Its symbolizer. */
	if (SANDBOX_SANITIZER)
		all &= ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE;
	return all;
}

/* 1: allowed; 0: left out, since it is gone or of a kind that takes no rule. */
static int allow(int ruleset, const struct sandbox_folder *f, uint64_t known)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = open(f->path, O_PATH | O_CLOEXEC)};
	struct stat st;
	long rc = -1;

	if (rule.parent_fd < 0)
		return 0;
	if (fstat(rule.parent_fd, &st) == 0) {
		uint64_t reads = S_ISDIR(st.st_mode) ? READS : READ_FILES, writes = S_ISDIR(st.st_mode) ? WRITES : WRITES_FILE;

		rule.allowed_access = known & (f->written ? reads | writes : reads);
		rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0UL);
	}
	(void)close(rule.parent_fd);
	return rc == 0;
}

int sandbox_landlock_enter(const struct sandbox_folders *f, size_t *left_out, struct err *e)
{
	int abi = sandbox_landlock_abi();
	struct ruleset attr = {.fs = known_to(abi), .scoped = abi >= ABI_SCOPE ? LANDLOCK_SCOPE_SIGNAL : 0};
	long ruleset = syscall(SYS_landlock_create_ruleset, &attr, abi >= ABI_SCOPE ? sizeof attr : sizeof attr.fs, 0UL);
	int rc = 0;

	*left_out = 0;
	if (ruleset < 0)
		return err_set(e, ERR_OS, "%s", strerror(errno));
	for (size_t i = 0; i < f->n; i++)
		*left_out += !allow((int)ruleset, &f->at[i], attr.fs);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0UL))
		rc = err_set(e, ERR_OS, "%s", strerror(errno));
	(void)close((int)ruleset);
	return rc;
}

#else

int sandbox_landlock_abi(void)
{
	return 0;
}

int sandbox_landlock_enter(const struct sandbox_folders *f, size_t *left_out, struct err *e)
{
	(void)f;
	(void)left_out;
	return err_set(e, ERR_OS, "built without it");
}

#endif
