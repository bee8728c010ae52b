/*
 * initgroups, setgid, setuid, in that order and each one checked, and then that
 * there is no way back.
 *
 * Asks the account database at the start only, before threads.
 */
#include "config.h"

#include "milter/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/log.h"

static int find_group(struct privilege *p, const char *name, struct err *e)
{
	const struct group *gr = getgrnam(name);

	if (!gr)
		return err_set(e, ERR_CONFIG, "UserID: no such group: %s", name);
	p->gid = gr->gr_gid;
	return 0;
}

int privilege_resolve(struct privilege *p, const char *user_id, struct err *e)
{
	const struct passwd *pw;
	const char *group;

	*p = (struct privilege){0};
	if (!user_id)
		return 0;
	group = strchr(user_id, ':');
	p->user = group ? strndup(user_id, (size_t)(group - user_id)) : strdup(user_id);
	if (!p->user)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	pw = getpwnam(p->user);
	if (!pw)
		return err_set(e, ERR_CONFIG, "UserID: no such user: %s", p->user);
	p->wanted = true;
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	return group ? find_group(p, group + 1, e) : 0;
}

int privilege_refuse_root(const char *user_id, bool run_as_root, struct err *e)
{
	struct privilege p;
	bool stays;

	if (geteuid() != 0 || run_as_root)
		return 0;
	if (privilege_resolve(&p, user_id, e)) {
		privilege_free(&p);
		return -1;
	}
	stays = !p.wanted || p.uid == 0;
	privilege_free(&p);
	return stays ? err_set(e, ERR_CONFIG, "does not run as root: set UserID to an account of its own, such as \"UserID stir-milter\" (or, in a container or a test, \"RunAsRoot yes\")") : 0;
}

void privilege_free(struct privilege *p)
{
	free(p->user);
	*p = (struct privilege){0};
}

static int become(const struct privilege *p, struct err *e)
{
	/* What no program could get back either; without CAP_SETPCAP there is nothing to take. */
	for (unsigned long cap = 0; p->uid != 0 && prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL);
	if (initgroups(p->user, p->gid))
		return err_set(e, ERR_RIGHTS, "can't take the groups of %s: %s", p->user, strerror(errno));
	if (setgid(p->gid))
		return err_set(e, ERR_RIGHTS, "can't take the group of %s: %s", p->user, strerror(errno));
	if (setuid(p->uid))
		return err_set(e, ERR_RIGHTS, "can't become %s: %s", p->user, strerror(errno));
	if (p->uid != 0 && (setuid(0) == 0 || geteuid() == 0))
		return err_set(e, ERR_RIGHTS, "became %s, but could still become root", p->user);
	return 0;
}

int privilege_drop(const struct privilege *p, struct err *e)
{
	if (p->wanted && geteuid() == 0 && become(p, e))
		return -1;
	if (p->wanted && (geteuid() != p->uid || getegid() != p->gid))
		return err_set(e, ERR_RIGHTS, "UserID: only root can become %s", p->user);
	if (geteuid() == 0)
		log_warn("running as root; set UserID to an account of its own");
	return 0;
}

void privilege_raise_nofile(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r))
		log_warn("can't raise the number of descriptors: %s", strerror(errno));
}
