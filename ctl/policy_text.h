/*
 * The commands of "stirctl policy" that read policy files and no mail.
 * argv[0] is the command's name; each returns the exit status.
 */
#ifndef STIR_CTL_POLICY_TEXT_H
#define STIR_CTL_POLICY_TEXT_H

int policy_text_check(int argc, char **argv);
int policy_text_test(int argc, char **argv);
int policy_text_dump(int argc, char **argv);

#endif
