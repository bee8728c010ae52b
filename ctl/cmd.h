/*
 * The subcommands of stirctl, one file each.
 *
 * argv[0] is the subcommand's name.  Each returns the exit status: 0 all is
 * well, 1 some message was not, else a status of sysexits.h.
 */
#ifndef STIR_CTL_CMD_H
#define STIR_CTL_CMD_H

enum { CMD_SOME_FAILED = 1 };

int cmd_sign(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_evidence(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_pki(int argc, char **argv);

#endif
