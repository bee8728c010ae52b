/*
 * Work whose turn comes after that of mail: to read tables of a million lines
 * again takes a processor for seconds, and messages should not feel it.
 */
#ifndef STIR_ENGINE_BACKGROUND_H
#define STIR_ENGINE_BACKGROUND_H

#include <stdbool.h>

/*
 * Runs work(arg) and gives what it gives.  aside: in a thread of lower priority,
 * for which this one waits; in this one if there can be none.
 */
int background_run(bool aside, int (*work)(void *arg), void *arg);

#endif
