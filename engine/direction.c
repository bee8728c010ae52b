/*
 * The order in which listener, network and authentication decide, in one
 * function, so that it can be read and tested as a list.
 *
 * Looks at nothing of the message itself.
 */
#include "config.h"

#include "engine/direction.h"

const char *direction_name(enum direction d)
{
	switch (d) {
	case DIRECTION_PASS:
		return "pass";
	case DIRECTION_SIGN:
		return "sign";
	case DIRECTION_VERIFY:
		return "verify";
	}
	return "pass";
}

static bool listed(const struct settings_list *list, struct span name)
{
	for (size_t i = 0; name.n && i < list->n; i++)
		if (span_caseis(name, list->item[i]))
			return true;
	return false;
}

static bool within(const struct cidr_set *set, const struct mms_client *c)
{
	if (!set || (c->addr.ss_family != AF_INET && c->addr.ss_family != AF_INET6))
		return false;
	return cidr_contains(set, (const struct sockaddr *)&c->addr);
}

static enum direction wanted(const struct settings *s, const struct signingtable *t, const struct mms_client *c, const char **why)
{
	*why = "listener";
	if (listed(&s->verify_listeners, c->listener))
		return DIRECTION_VERIFY;
	if (listed(&s->sign_listeners, c->listener))
		return DIRECTION_SIGN;
	*why = "peer-list";
	if (within(s->peer_list, c))
		return DIRECTION_PASS;
	*why = "signing-table";
	if (t && signingtable_knows(t, c))
		return DIRECTION_SIGN;
	*why = "authenticated";
	if (s->sign_authenticated && c->auth_user.n)
		return DIRECTION_SIGN;
	*why = "internal-host";
	if (within(s->internal_hosts, c))
		return DIRECTION_SIGN;
	*why = "stranger";
	return DIRECTION_VERIFY;
}

bool direction_is_mm4(const struct settings *s, const struct mms_client *c)
{
	return listed(&s->mm4_listeners, c->listener) || within(s->mm4_peers, c);
}

enum direction direction_of(const struct settings *s, const struct signingtable *t, const struct mms_client *c, const char **why)
{
	const char *word;
	enum direction d = wanted(s, t, c, &word);

	if ((d == DIRECTION_SIGN && s->mode == SETTINGS_MODE_V) ||
	    (d == DIRECTION_VERIFY && s->mode == SETTINGS_MODE_S)) {
		d = DIRECTION_PASS;
		word = "mode";
	}
	if (why)
		*why = word;
	return d;
}
