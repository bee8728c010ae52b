/*
 * The parts of the sandbox.  For milter/sandbox*.c and their test only.
 */
#ifndef STIR_MILTER_SANDBOX_INTERNAL_H
#define STIR_MILTER_SANDBOX_INTERNAL_H

#include "core/buf.h"
#include "core/err.h"

/* A sanitizer traces its own process and runs a symbolizer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_SANITIZER 1
#endif
#endif
#ifndef SANDBOX_SANITIZER
#define SANDBOX_SANITIZER 0
#endif

/* Folders, each once, by their real paths. */
struct sandbox_folder {
	char *path;
	bool written;
};
struct sandbox_folders {
	struct sandbox_folder *at;
	size_t n;
	bool failed; /* no memory */
};

/* One that is not there is left out. */
void sandbox_folders_add(struct sandbox_folders *f, const char *path, bool written);
/* The folder a file is in, and where that leads if it is a link. */
void sandbox_folders_add_of(struct sandbox_folders *f, const char *path, bool written);
void sandbox_folders_free(struct sandbox_folders *f);
/* Is a file there within? One whose folder is not there is: another error is for that. */
bool sandbox_folders_hold(const struct sandbox_folders *f, const char *path, bool is_folder, bool written);

/* Version of Landlock of this kernel; 0: none. */
int sandbox_landlock_abi(void);
/*
 * Files within these folders only, and no program started, for this thread and those
 * it starts.  How many of the folders the kernel refused is in *left_out.  The caller
 * has set no_new_privs.  0, or -1 and *e.
 */
int sandbox_landlock_enter(const struct sandbox_folders *f, size_t *left_out, struct err *e) MUST_USE;

/* Was it built with it? */
bool sandbox_seccomp_built(void);
/*
 * System calls on a list only; others fail with EPERM or ENOSYS, and the kernel's
 * audit log names them.  Of all threads.  0, or -1 and *e.
 */
int sandbox_seccomp_enter(struct err *e) MUST_USE;

/* No new rights by exec, for this thread and those it starts. 0, or -1 and *e. */
int sandbox_no_new_rights(struct err *e) MUST_USE;
/* No capability, of this thread and those it starts. 0, or -1 and *e. */
int sandbox_drop_capabilities(struct err *e) MUST_USE;

#endif
