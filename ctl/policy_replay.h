/*
 * "stirctl policy replay": recorded facts (FactLog) judged anew; and what diff
 * does with a fact log instead of mail.
 */
#ifndef STIR_CTL_POLICY_REPLAY_H
#define STIR_CTL_POLICY_REPLAY_H

#include "ctl/policy_args.h"
#include "ctl/policy_changes.h"

/* argv[0] is the command's name; the exit status. */
int policy_replay_main(int argc, char **argv);

/* Does the file begin as a fact log does? False when it can't be read. */
bool policy_replay_is_log(const char *path);
/* diff over fact logs: both policies judge what was recorded. The exit status. */
int policy_replay_diff(const struct options *o, const struct policy_args *a, const char *old_policy, const char *new_policy);

#endif
