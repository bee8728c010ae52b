/*
 * Becoming somebody with fewer rights, and the number of descriptors.
 */
#ifndef STIR_MILTER_PRIVILEGE_H
#define STIR_MILTER_PRIVILEGE_H

#include <sys/types.h>

#include "core/err.h"

struct privilege {
	bool wanted; /* UserID is set */
	char *user;  /* owned, for the supplementary groups */
	uid_t uid;
	gid_t gid;
};

/* "USER" or "USER:GROUP", or NULL. 0, or -1 and *e. privilege_free(). */
int privilege_resolve(struct privilege *p, const char *user_id, struct err *e) MUST_USE;
void privilege_free(struct privilege *p);

/*
 * Would we stay root, without being told to (RunAsRoot)?  An error then, which says
 * what to set.  0 / -1 and *e.
 */
int privilege_refuse_root(const char *user_id, bool run_as_root, struct err *e) MUST_USE;

/*
 * Become it, for good.  Nothing to do when it is what we are; an error when we
 * can't.  Warns when we stay root.
 */
int privilege_drop(const struct privilege *p, struct err *e) MUST_USE;

/* As many descriptors as the system allows us: out of them, libmilter spins. */
void privilege_raise_nofile(void);

#endif
