/*
 * A store in an SQLite file (write-ahead log): for the processes of one host;
 * survives kill -9.  (The last second before a power cut may be lost; the file
 * is whole all the same.)
 *
 * tick does what would hold up verbs otherwise: removes what ended, by the batch,
 * and moves the log ("path-wal") into the file.  Without it verbs do both, in
 * small portions, and the log may grow to 256 MB.
 */
#ifndef STIR_CORE_STORE_STORE_SQLITE_H
#define STIR_CORE_STORE_STORE_SQLITE_H

#include "core/store.h"

/*
 * Opens or makes path (mode 0600).  A file that is no database, or one of another
 * layout, is an error, never overwritten.
 * timeout_ms: how long a verb may wait for another thread or process; opening may
 * take 5 s.
 * max_bytes: how large the file may grow, its log apart; then what ends first
 * goes first.  A file that is larger already is used, and does not grow.
 * Gives *out, or -1 and *e (which says what to do).
 */
int store_sqlite_open(const char *path, unsigned timeout_ms, uint64_t max_bytes, store_clock now, struct store **out, struct err *e) MUST_USE;

struct store_sqlite_stats {
	unsigned long calls, failures; /* verbs; those that gave -1 */
	unsigned long evicted;         /* went before their time, by this process */
};
void store_sqlite_stats(struct store *s, struct store_sqlite_stats *out);

#endif
