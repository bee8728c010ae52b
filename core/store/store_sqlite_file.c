/*
 * The file: made, recognised, opened, closed; and what SQLite's results mean for
 * the person who has to do something about them.
 *
 * Leaves the verbs to store_sqlite.c.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/monotonic.h"
#include "core/store/store_sqlite_internal.h"

/* Macros, since they are also part of the SQL. */
#define APPLICATION_ID 1398032722 /* "STIR" in the file's header */
#define LAYOUT 1                  /* user_version */

enum {
	CACHE_KIB = 16 * 1024,
	JOURNAL_LIMIT = 64 * 1024 * 1024, /* the log is cut to that when it was larger */
	BUSY_STEP_MS = 5,
	OPEN_MS = 5000                    /* no message waits for it, and another process may just be recovering a long log */
};

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

/* Keys are hashes: rows come in random order, so the table is its own index (no
 * rowid), and a second one is kept in order of end. */
static const char make_layout[] =
	"CREATE TABLE entry (key BLOB PRIMARY KEY, value BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX entry_until ON entry (until);";

static const char *const sql[STORE_SQLITE_SQLS] = {
	[STORE_SQLITE_GET] = "SELECT value, until FROM entry WHERE key = ?1 AND until > ?2",
	[STORE_SQLITE_PUT] = "INSERT INTO entry (key, value, until) VALUES (?1, ?2, ?3) "
			     "ON CONFLICT (key) DO UPDATE SET value = excluded.value, until = excluded.until",
	[STORE_SQLITE_ADD] = "INSERT INTO entry (key, value, until) VALUES (?1, ?2, ?3) "
			     "ON CONFLICT (key) DO UPDATE SET value = excluded.value, until = excluded.until WHERE entry.until <= ?4",
	[STORE_SQLITE_REMOVE] = "DELETE FROM entry WHERE key IN (SELECT key FROM entry WHERE until <= ?1 ORDER BY until LIMIT ?2)",
	[STORE_SQLITE_BEGIN] = "BEGIN IMMEDIATE",
	[STORE_SQLITE_COMMIT] = "COMMIT",
	[STORE_SQLITE_ROLLBACK] = "ROLLBACK",
};

/* --- errors ------------------------------------------------------------------- */

static const char *system_error(sqlite3 *db)
{
	int no = db ? sqlite3_system_errno(db) : 0;

	return no ? strerror(no) : "no system error";
}

/* Results of the operator's making: rights, room, a file that was moved. */
static int fail_outside(const struct store_sqlite *s, sqlite3 *db, int rc, struct err *e)
{
	if (rc == SQLITE_READONLY_DBMOVED)
		return err_set(e, ERR_UNAVAILABLE, "%s was moved or removed while in use; start the program anew", s->path);
	switch (rc & 0xFF) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, ERR_UNAVAILABLE, "%s: another process kept it locked for %u ms", s->path, s->timeout_ms);
	case SQLITE_FULL:
		return err_set(e, ERR_UNAVAILABLE, "%s: no room for more; make room on its disk, or let the file grow larger", s->path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return err_set(e, ERR_RIGHTS, "%s can't be written (%s, %s); the file, its folder, and the files beside it that end in -wal and -shm must be this program's user's",
			       s->path, sqlite3_errstr(rc), system_error(db));
	case SQLITE_IOERR:
		return err_set(e, ERR_OS, "%s: %s (%s); look at its disk", s->path, sqlite3_errstr(rc), system_error(db));
	default:
		return 0;
	}
}

int store_sqlite_fail(const struct store_sqlite *s, sqlite3 *db, int rc, struct err *e)
{
	if (fail_outside(s, db, rc, e))
		return -1;
	switch (rc & 0xFF) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return err_set(e, ERR_DATA, "%s is damaged or no database (%s); stop the program, move the file away and start again: it is made anew, and what it remembered is lost",
			       s->path, sqlite3_errstr(rc));
	case SQLITE_NOMEM:
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", s->path);
	default:
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", s->path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	}
}

/* --- making and recognising ------------------------------------------------------ */

/*
 * SQLite would make the file with the process's umask.  An existing one is not
 * opened here: closing a second descriptor would drop the locks that this process
 * may hold on the file elsewhere.
 */
static int make_file(const struct store_sqlite *s, struct err *e)
{
	struct stat st;
	int fd = open(s->path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(e, ERR_NOINPUT, "%s: its folder is not there; make it, and give it to this program's user", s->path);
	if (errno == EACCES || errno == EROFS || errno == EPERM)
		return err_set(e, ERR_RIGHTS, "%s can't be made (%s); its folder must be writable by this program's user", s->path, strerror(errno));
	if (errno != EEXIST)
		return err_set(e, ERR_OS, "%s: %s", s->path, strerror(errno));
	if (stat(s->path, &st))
		return err_set(e, ERR_OS, "%s: %s", s->path, strerror(errno));
	return S_ISREG(st.st_mode) ? 0 : err_set(e, ERR_CONFIG, "%s is no file; name one that may be made", s->path);
}

/* The integer a statement gives, e.g. a pragma. */
static int ask(const struct store_sqlite *s, const char *text, int64_t *out, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, text, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_OK ? 0 : store_sqlite_fail(s, s->db, rc, e);
}

static int run(const struct store_sqlite *s, sqlite3 *db, const char *text, struct err *e)
{
	int rc = sqlite3_exec(db, text, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_sqlite_fail(s, db, rc, e);
}

/* 1: empty, to be made; 0: ours; -1. */
static int recognise(const struct store_sqlite *s, struct err *e)
{
	int64_t id = 0, layout = 0, tables = 0;

	if (ask(s, "PRAGMA application_id", &id, e) || ask(s, "PRAGMA user_version", &layout, e) || ask(s, "SELECT count(*) FROM sqlite_master", &tables, e))
		return -1;
	if (id == 0 && layout == 0 && tables == 0)
		return 1;
	if (id != APPLICATION_ID)
		return err_set(e, ERR_CONFIG, "%s is the database of another program; name another file", s->path);
	if (layout != LAYOUT)
		return err_set(e, ERR_CONFIG, "%s has layout %lld, and this version knows %d only; move the file away and start again: it is made anew, and what it remembered is lost",
			       s->path, (long long)layout, LAYOUT);
	return 0;
}

/* Two processes may find the same new file: one makes the layout. */
static int make_once(const struct store_sqlite *s, struct err *e)
{
	int rc = recognise(s, e);

	if (rc <= 0)
		return rc;
	if (run(s, s->db, "BEGIN IMMEDIATE", e))
		return -1;
	rc = recognise(s, e);
	if (rc == 1)
		rc = run(s, s->db, make_layout, e) || run(s, s->db, "PRAGMA application_id = " TEXT(APPLICATION_ID) "; PRAGMA user_version = " TEXT(LAYOUT), e) ? -1 : 0;
	if (rc == 0 && run(s, s->db, "COMMIT", e) == 0)
		return 0;
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* --- opening ----------------------------------------------------------------------- */

/* Called while another process has the lock; nonzero: wait on. */
static int wait_busy(void *arg, int count)
{
	struct store_sqlite *s = arg;

	if (monotonic_ms() >= s->deadline_ms)
		return 0;
	monotonic_sleep_ms(count < 5 ? 1 : BUSY_STEP_MS);
	return 1;
}

static int open_one(const struct store_sqlite *s, sqlite3 **db, struct err *e)
{
	int rc = sqlite3_open_v2(s->path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	if (rc != SQLITE_OK)
		return store_sqlite_fail(s, *db, *db ? sqlite3_extended_errcode(*db) : rc, e);
	sqlite3_extended_result_codes(*db, 1);
	return 0;
}

/* SQLite does not call the busy handler for this one. */
static int set_wal(const struct store_sqlite *s, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
	bool wal = false;

	while (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			const unsigned char *mode = sqlite3_column_text(st, 0);

			wal = mode && strcmp((const char *)mode, "wal") == 0;
		} else if ((rc & 0xFF) == SQLITE_BUSY && monotonic_ms() < s->deadline_ms) {
			sqlite3_reset(st);
			monotonic_sleep_ms(BUSY_STEP_MS);
			rc = SQLITE_OK;
		}
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW)
		return store_sqlite_fail(s, s->db, rc, e);
	return wal ? 0 : err_set(e, ERR_CONFIG, "%s: its file system has no shared memory, which the write-ahead log needs; put it on a local disk", s->path);
}

static int set_size(const struct store_sqlite *s, uint64_t max_bytes, struct err *e)
{
	int64_t page = 0;
	char text[64];

	if (ask(s, "PRAGMA page_size", &page, e))
		return -1;
	if (page < 512 || page > 65536)
		return store_sqlite_fail(s, s->db, SQLITE_CORRUPT, e);
	max_bytes /= (uint64_t)page;
	if (max_bytes < 1)
		max_bytes = 1;
	if (max_bytes > UINT32_MAX - 1)
		max_bytes = UINT32_MAX - 1;
	snprintf(text, sizeof text, "PRAGMA max_page_count = %llu", (unsigned long long)max_bytes);
	return run(s, s->db, text, e);
}

static int prepare(struct store_sqlite *s, struct err *e)
{
	for (int i = 0; i < STORE_SQLITE_SQLS; i++) {
		int rc = sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL);

		if (rc != SQLITE_OK)
			return store_sqlite_fail(s, s->db, rc, e);
	}
	return 0;
}

int store_sqlite_file_open(struct store_sqlite *s, uint64_t max_bytes, struct err *e)
{
	char text[160];

	s->deadline_ms = monotonic_ms() + (s->timeout_ms > OPEN_MS ? s->timeout_ms : OPEN_MS);
	if (make_file(s, e) || open_one(s, &s->db, e))
		return -1;
	sqlite3_busy_handler(s->db, wait_busy, s);
	if (make_once(s, e) || set_wal(s, e) || set_size(s, max_bytes, e))
		return -1;
	snprintf(text, sizeof text, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -%d; PRAGMA journal_size_limit = %d; PRAGMA wal_autocheckpoint = %d", CACHE_KIB,
		 JOURNAL_LIMIT, LIMIT_STORE_WAL_PAGES);
	if (run(s, s->db, text, e) || prepare(s, e) || open_one(s, &s->keeper, e))
		return -1;
	sqlite3_busy_timeout(s->keeper, (int)s->timeout_ms);
	return run(s, s->keeper, "PRAGMA synchronous = NORMAL", e);
}

void store_sqlite_file_close(struct store_sqlite *s)
{
	for (int i = 0; i < STORE_SQLITE_SQLS; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->keeper);
	/* The last one of all processes moves the log into the file. */
	sqlite3_close(s->db);
}
