/*
 * Which certificate addresses are acceptable at all (ATIS-1000074 and -1000080,
 * as the field practises them): https, port 443 or 8443, a host name, a path;
 * no user, no query, no fragment (not even an empty one), no odd octets.
 */
#ifndef STIR_CORE_X5U_H
#define STIR_CORE_X5U_H

#include "core/limits.h"
#include "core/stir_reason.h"

struct x5u {
	struct span host; /* views into the URL; case as it came */
	struct span port; /* empty, "443" or "8443" */
	struct span path; /* begins with '/' */
};

/* STIR_OK or STIR_X5U_FORBIDDEN; *why (or NULL) names the rule, a static text. */
enum stir_reason x5u_check(struct span url, struct x5u *out, const char **why);

#endif
