/*
 * What the files of store_sqlite share: the connection, who has it, errors.
 */
#ifndef STIR_CORE_STORE_STORE_SQLITE_INTERNAL_H
#define STIR_CORE_STORE_STORE_SQLITE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "core/store/store_sqlite.h"

enum store_sqlite_sql {
	STORE_SQLITE_GET,
	STORE_SQLITE_PUT,
	STORE_SQLITE_ADD,    /* writes unless there and alive */
	STORE_SQLITE_REMOVE, /* so many of those that end first, up to a time */
	STORE_SQLITE_BEGIN,
	STORE_SQLITE_COMMIT,
	STORE_SQLITE_ROLLBACK,
	STORE_SQLITE_SQLS
};

struct store_sqlite {
	struct store store;
	char *path;
	store_clock now;
	unsigned timeout_ms;

	pthread_mutex_t lock;
	pthread_cond_t freed;
	bool busy; /* somebody has what follows; by lock */
	struct store_sqlite_stats stats; /* by lock */

	sqlite3 *db;
	sqlite3_stmt *stmt[STORE_SQLITE_SQLS];
	int64_t deadline_ms; /* of the verb that has it */
	unsigned writes;     /* since something was removed */

	pthread_mutex_t tick_lock; /* one housekeeper at a time; holds what follows */
	sqlite3 *keeper;     /* moves the log into the file beside the verbs */
};

/* Opens the file of s->path, both connections, the layout, the statements; 0 / -1. */
int store_sqlite_file_open(struct store_sqlite *s, uint64_t max_bytes, struct err *e) MUST_USE;
void store_sqlite_file_close(struct store_sqlite *s);

/* What an SQLite result means and what to do about it; -1. */
int store_sqlite_fail(const struct store_sqlite *s, sqlite3 *db, int rc, struct err *e);

#endif
