/*
 * "stirctl policy run" and "stirctl policy diff": policies over stored mail.
 * argv[0] is the command's name; each returns the exit status.
 */
#ifndef STIR_CTL_POLICY_RUN_H
#define STIR_CTL_POLICY_RUN_H

int policy_run_main(int argc, char **argv);
int policy_run_diff(int argc, char **argv);

#endif
