/*
 * "stirctl policy facts": the words a policy can use.  argv[0] is the command's
 * name; returns the exit status.
 */
#ifndef STIR_CTL_POLICY_WORDS_H
#define STIR_CTL_POLICY_WORDS_H

int policy_words_facts(int argc, char **argv);

#endif
