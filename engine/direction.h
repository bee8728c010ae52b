/*
 * Sign, verify or leave alone: decided by listener, authentication and network,
 * in that order, and said why.
 */
#ifndef STIR_ENGINE_DIRECTION_H
#define STIR_ENGINE_DIRECTION_H

#include "core/message.h"
#include "engine/settings.h"
#include "engine/signingtable.h"

enum direction { DIRECTION_PASS, DIRECTION_SIGN, DIRECTION_VERIFY };
const char *direction_name(enum direction d); /* pass sign verify */

/*
 * VerifyMTA, then MTA, then PeerList, then the signing table (NULL: there is
 * none) or SignAuthenticated and InternalHosts; anybody else is verified.  Mode
 * takes away what it doesn't name.  *why gets a short word for the log:
 * "listener", "signing-table", "authenticated", "internal-host", "peer-list",
 * "stranger", "mode"; static.
 */
enum direction direction_of(const struct settings *s, const struct signingtable *t, const struct mms_client *c, const char **why);

/* Does the client speak MM4 (MM4MTA, MM4Peers)?  Nothing of the message says so: anybody can write its fields. */
bool direction_is_mm4(const struct settings *s, const struct mms_client *c);

#endif
