/* What only the SQLite store promises: it survives kill -9, stays in its bounds, and says what is wrong with a file. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/store/store_sqlite.h"
#include "tests/lib/tap.h"

enum { TIMEOUT_MS = 300, SLACK_MS = 50, BIG = 64 << 20, ENTRIES_MAX = 100000 };

static atomic_llong clock_s = 1700000000;

static int64_t fake_now(void)
{
	return atomic_load(&clock_s);
}

static struct err err;
static char path[256];

static const char *at(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", tap_tempdir(), name);
	return path;
}

static struct store *open_at(const char *name, uint64_t max_bytes)
{
	struct store *s;

	if (store_sqlite_open(at(name), TIMEOUT_MS, max_bytes, fake_now, &s, &err))
		tap_bail("%s", err.text);
	return s;
}

static struct span key_of(unsigned i, char *out)
{
	snprintf(out, 24, "key-%08x-0123456", i * 2654435761u);
	return span_cstr(out);
}

static int add(struct store *s, unsigned i, uint32_t ttl)
{
	char key[24];

	return store_add_once(s, key_of(i, key), span_make("\0value of some use", 18), ttl, NULL, &err);
}

static int has(struct store *s, unsigned i)
{
	char key[24];
	struct buf b;
	int rc;

	buf_init(&b, 100);
	rc = store_get(s, key_of(i, key), &b, &err);
	if (rc == 1 && b.n != 18)
		rc = -1;
	buf_free(&b);
	return rc;
}

static double ms_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static long long file_size(const char *name)
{
	struct stat st;

	return stat(at(name), &st) ? 0 : (long long)st.st_size;
}

/* --- kill -9 ------------------------------------------------------------------------ */

/* Tells through fd what the store acknowledged, the four octets of its number each, until it is killed. */
static void write_until_killed(int fd, unsigned first)
{
	struct store *s = open_at("killed", BIG);

	for (unsigned i = first;; i++) {
		int64_t n;

		if (add(s, i, 100000) != 1 || store_incr(s, span_cstr("count"), 1, 100000, &n, &err) || write(fd, &i, sizeof i) != sizeof i)
			_exit(1);
		if (i % 500 == 499)
			store_tick(s);
	}
}

/* What the child says it has; it ends when the child does. */
static void listen_to(int fd, pid_t pid, unsigned kill_after, bool *acknowledged)
{
	unsigned i, n = 0;

	while (read(fd, &i, sizeof i) == sizeof i && i < ENTRIES_MAX) {
		acknowledged[i] = true;
		if (++n == kill_after)
			kill(pid, SIGKILL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

static void test_kill(void)
{
	enum { KILLS = 8 };
	static bool acknowledged[ENTRIES_MAX];
	unsigned next = 0, lost = 0, entries = 0;
	int64_t n = 0;

	for (unsigned round = 0; round < KILLS; round++) {
		struct store *s;
		int p[2];
		pid_t pid;

		if (pipe(p))
			tap_bail("pipe");
		fflush(NULL);
		pid = fork();
		if (pid == 0) {
			close(p[0]);
			write_until_killed(p[1], next);
		}
		close(p[1]);
		listen_to(p[0], pid, 300 + 177 * round, acknowledged);
		if (store_sqlite_open(at("killed"), TIMEOUT_MS, BIG, fake_now, &s, &err))
			tap_bail("killed for the %uth time, the file does not open: %s", round + 1, err.text);
		for (unsigned i = 0; i < ENTRIES_MAX; i++) {
			lost += acknowledged[i] && has(s, i) != 1;
			next = acknowledged[i] ? i + 1 : next;
		}
		if (store_incr(s, span_cstr("count"), 0, 100000, &n, &err))
			tap_bail("%s", err.text);
		store_close(s);
		/* One may have been written and not acknowledged. */
		next++;
	}
	for (unsigned i = 0; i < ENTRIES_MAX; i++)
		entries += acknowledged[i];
	tap_ok(entries > 300 * KILLS, "killed in the middle of writing, eight times (%u entries)", entries);
	tap_int(lost, 0, "all that was acknowledged is there at the next start");
	tap_ok(n >= entries && n <= entries + KILLS, "and counted (%lld)", (long long)n);
}

/* --- bounds ---------------------------------------------------------------------------- */

static void test_size(void)
{
	enum { MAX = 1 << 20, ENTRIES = 20000 };
	struct store *s = open_at("bounded", MAX);
	struct store_sqlite_stats st;
	unsigned early = 0, late = 0;
	bool written = true;
	char *big = calloc(1, 400000);
	struct buf b;

	for (unsigned i = 0; i < ENTRIES; i++)
		written = written && add(s, i, i < ENTRIES / 2 ? 1000 + i % 77 : 5000) == 1;
	tap_ok(written, "a store that is full goes on: %s", err.text);
	store_tick(s);
	tap_ok(file_size("bounded") <= MAX, "and stays within its size (%lld)", file_size("bounded"));
	for (unsigned i = 0; i < ENTRIES; i++)
		*(i < ENTRIES / 2 ? &early : &late) += has(s, i) == 1;
	store_sqlite_stats(s, &st);
	tap_ok(late == ENTRIES / 2 && early < ENTRIES / 4, "what ends first went first: %u of the early ones are left, %u of the late ones", early, late);
	tap_int((long long)st.evicted, ENTRIES - early - late, "what went is counted");
	tap_ok(store_put(s, span_cstr("big"), span_make(big, 400000), 9000, &err) == 0, "room is made for a large value: %s", err.text);
	buf_init(&b, 400000);
	tap_ok(store_get(s, span_cstr("big"), &b, &err) == 1 && b.n == 400000, "which is there");
	buf_reset(&b);
	tap_ok(store_put(s, span_cstr("big2"), span_make(big, 400000), 9000, &err) == 0 && store_put(s, span_cstr("big3"), span_make(big, 400000), 9001, &err) == 0, "several: %s", err.text);
	tap_ok(file_size("bounded") <= MAX, "within its size");
	store_close(s);
	buf_free(&b);
	s = open_at("tiny", 4096 * 3);
	tap_ok(store_put(s, span_cstr("big"), span_make(big, 400000), 9000, &err) == -1 && strstr(err.text, "no room"), "a value that does not fit even alone: %s", err.text);
	tap_ok(add(s, 1, 9) == 1 && has(s, 1) == 1, "and the store goes on");
	store_close(s);
	free(big);
}

static long long rows(const char *name)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	long long n = -1;

	if (sqlite3_open_v2(at(name), &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK && sqlite3_prepare_v2(db, "SELECT count(*) FROM entry", -1, &st, NULL) == SQLITE_OK) {
		if (sqlite3_step(st) == SQLITE_ROW)
			n = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return n;
}

static void test_expiry(void)
{
	enum { ENTRIES = 3000 };
	struct store *s = open_at("expiry", BIG);
	struct store_sqlite_stats st;
	long long before, after;

	for (unsigned i = 0; i < ENTRIES; i++)
		if (add(s, i, 10) != 1)
			tap_bail("%s", err.text);
	atomic_fetch_add(&clock_s, 10);
	for (unsigned i = ENTRIES; i < 2 * ENTRIES; i++)
		if (add(s, i, 10) != 1)
			tap_bail("%s", err.text);
	tap_ok(rows("expiry") <= ENTRIES + 64, "writes clear away what ended, without housekeeping (%lld rows)", rows("expiry"));
	atomic_fetch_add(&clock_s, 10);
	before = file_size("expiry-wal");
	store_tick(s);
	tap_int(rows("expiry"), 0, "housekeeping does all of it");
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 500; i++)
			(void)!add(s, i + round * 500, 10);
		store_tick(s);
	}
	after = file_size("expiry-wal");
	tap_ok(after <= before + (4 << 20), "and the log begins anew after it (%lld, then %lld octets)", before, after);
	store_sqlite_stats(s, &st);
	tap_ok(st.failures == 0 && st.calls == 2 * ENTRIES + 20 * 500, "calls are counted (%lu)", st.calls);
	store_close(s);
}

/* A batch must not hold up a verb. */
struct ticker {
	struct store *s;
	atomic_bool end;
};

static void *tick_on(void *arg)
{
	struct ticker *t = arg;

	while (!atomic_load(&t->end))
		store_tick(t->s);
	return NULL;
}

static void test_stall(void)
{
	enum { ENTRIES = 40000 };
	struct store *s = open_at("stall", BIG);
	struct ticker t = {.s = s};
	double worst = 0;
	pthread_t thread;
	bool ok = true;

	for (unsigned i = 0; i < ENTRIES; i++)
		ok = ok && add(s, i, 10) == 1;
	atomic_fetch_add(&clock_s, 10);
	if (pthread_create(&thread, NULL, tick_on, &t))
		tap_bail("no thread");
	for (unsigned i = 0; i < 2000; i++) {
		double t0 = ms_now();

		ok = ok && add(s, ENTRIES + i, 1000) == 1;
		worst = ms_now() - t0 > worst ? ms_now() - t0 : worst;
	}
	atomic_store(&t.end, true);
	pthread_join(thread, NULL);
	tap_ok(ok, "writing beside housekeeping of 40,000 entries");
	tap_ok(worst < TIMEOUT_MS, "no call was held up (the longest took %.1f ms)", worst);
	store_close(s);
}

/* --- another process has the file ---------------------------------------------------------- */

static void test_locked(void)
{
	struct store *s = open_at("locked", BIG);
	sqlite3 *db;
	double t0, took;
	struct store_sqlite_stats st;

	if (add(s, 1, 100) != 1 || sqlite3_open(at("locked"), &db) != SQLITE_OK || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		tap_bail("no second connection");
	t0 = ms_now();
	tap_int(add(s, 2, 100), -1, "another process keeps the file locked");
	took = ms_now() - t0;
	/* Deadlines are of whole milliseconds. */
	tap_ok(took >= TIMEOUT_MS - 1 && took < TIMEOUT_MS + SLACK_MS, "a call waits its time and no longer (%.0f ms)", took);
	tap_ok(strstr(err.text, "another process"), "and says so: %s", err.text);
	tap_int(add(s, 1, 100), 0, "reading goes on meanwhile, also for add_once of what is there");
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	tap_int(add(s, 2, 100), 1, "then all is well");
	store_sqlite_stats(s, &st);
	tap_ok(st.calls == 4 && st.failures == 1, "the failure is counted");
	store_close(s);
}

/* --- files that can't be used ----------------------------------------------------------------- */

static void refuses(const char *name, enum err_code code, const char *word, const char *what)
{
	struct store *s;

	memset(&err, 0, sizeof err);
	tap_int(store_sqlite_open(at(name), TIMEOUT_MS, BIG, fake_now, &s, &err), -1, "%s is refused", what);
	tap_ok(s == NULL && err.code == code && strstr(err.text, word), "%s: %s", what, err.text);
}

static void write_file(const char *name, const void *p, size_t n)
{
	int fd = open(at(name), O_CREAT | O_TRUNC | O_WRONLY, 0600);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		tap_bail("%s", path);
	close(fd);
}

static void run_sql(const char *name, const char *sql)
{
	sqlite3 *db;

	if (sqlite3_open(at(name), &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		tap_bail("%s: %s", name, sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void test_files(void)
{
	static char rubbish[9000], after[9000];
	struct store *s;
	struct stat st;
	int fd;

	for (size_t i = 0; i < sizeof rubbish; i++)
		rubbish[i] = (char)(i * 31);
	write_file("rubbish", rubbish, sizeof rubbish);
	refuses("rubbish", ERR_DATA, "move the file away", "a file of rubbish");
	fd = open(at("rubbish"), O_RDONLY);
	tap_ok(read(fd, after, sizeof after) == sizeof after && memcmp(after, rubbish, sizeof after) == 0, "and left as it was");
	close(fd);
	run_sql("foreign", "CREATE TABLE t (x)");
	refuses("foreign", ERR_CONFIG, "another program", "the database of another program");
	store_close(open_at("layout", BIG));
	run_sql("layout", "PRAGMA user_version = 2");
	refuses("layout", ERR_CONFIG, "layout 2", "one of a later layout");
	refuses("none/store", ERR_NOINPUT, "folder", "a folder that is not there");
	mkdir(at("folder"), 0700);
	refuses("folder", ERR_CONFIG, "no file", "a folder in place of the file");
	write_file("empty", "", 0);
	s = open_at("empty", BIG);
	tap_ok(add(s, 1, 10) == 1, "an empty file is made a store (somebody was killed just then)");
	store_close(s);
	umask(0);
	store_close(open_at("mode", BIG));
	tap_ok(stat(at("mode"), &st) == 0 && (st.st_mode & 0777) == 0600, "a new file is for its user only, whatever the umask");
	umask(022);
}

/* The middle of a file that was good is overwritten. */
static void test_damage(void)
{
	struct store *s = open_at("damaged", BIG);
	char noise[4096];
	int failures = 0, fd;

	for (unsigned i = 0; i < 2000; i++)
		(void)!add(s, i, 1000);
	store_close(s);
	memset(noise, 0xA5, sizeof noise);
	fd = open(at("damaged"), O_WRONLY);
	for (int page = 3; page < 25; page++)
		if (pwrite(fd, noise, sizeof noise, page * 4096) != sizeof noise)
			tap_bail("pwrite");
	close(fd);
	if (store_sqlite_open(at("damaged"), TIMEOUT_MS, BIG, fake_now, &s, &err)) {
		tap_ok(strstr(err.text, "damaged"), "a damaged file: %s", err.text);
		return;
	}
	for (unsigned i = 0; i < 2000; i++)
		failures += has(s, i) < 0;
	tap_ok(failures > 0 && err.code == ERR_DATA && strstr(err.text, "damaged"), "a file damaged inside (%d of 2000 reads fail): %s", failures, err.text);
	store_close(s);
}

static int move(const char *name, const char *to)
{
	char from[512];

	snprintf(from, sizeof from, "%s", at(name));
	return rename(from, at(to));
}

/* SQLite does not notice it while it writes a log of its own: what is open serves on, a restart makes another. */
static void test_moved(void)
{
	struct store *s = open_at("moving", BIG);

	if (add(s, 1, 1000) != 1 || move("moving", "moved"))
		tap_bail("%s", err.text);
	tap_ok(has(s, 1) == 1 && add(s, 2, 1000) == 1 && add(s, 2, 1000) == 0, "a file that is moved away serves on");
	store_close(s);
	s = open_at("moving", BIG);
	tap_int(has(s, 1), 0, "after a restart what it had is not known");
	store_close(s);
}

/* Runs test in a child; true when it says so. */
static bool in_child(bool (*test)(void))
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		bool ok = test();

		fflush(NULL);
		_exit(ok ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool read_only_folder(void)
{
	struct store *s;

	/* Rights do not count for root. */
	if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
		return false;
	if (store_sqlite_open("new", TIMEOUT_MS, BIG, fake_now, &s, &err) != -1 || err.code != ERR_RIGHTS)
		return false;
	printf("# %s\n", err.text);
	if (store_sqlite_open("there", TIMEOUT_MS, BIG, fake_now, &s, &err) != -1 || err.code != ERR_RIGHTS)
		return false;
	printf("# %s\n", err.text);
	return strstr(err.text, "this program's user") != NULL;
}

static bool read_only_folder_from_inside(void)
{
	return chdir(at("readonly")) == 0 && read_only_folder();
}

static void test_read_only(void)
{
	mkdir(at("readonly"), 0755);
	store_close(open_at("readonly/there", BIG));
	chmod(at("readonly/there"), 0444);
	chmod(at("readonly"), 0555);
	tap_ok(in_child(read_only_folder_from_inside), "a folder that can't be written: each says so");
	chmod(at("readonly"), 0755);
}

/* --- a full disk ------------------------------------------------------------------------------- */

static bool full_disk(void)
{
	struct store *s = open_at("disk/store", BIG);
	char filler[4096] = {1};
	unsigned i = 0, n;
	bool ok;
	int fd;

	while (i < 100 && add(s, i, 1000) == 1)
		i++;
	fd = open(at("disk/filler"), O_CREAT | O_WRONLY, 0600);
	while (write(fd, filler, sizeof filler) == sizeof filler)
		;
	close(fd);
	for (n = i; n < i + 3000 && add(s, n, 1000) == 1; n++)
		;
	ok = n < i + 3000 && err.code == ERR_UNAVAILABLE && strstr(err.text, "make room on its disk");
	printf("# after %u more: %s\n", n - i, err.text);
	ok = ok && add(s, n, 1000) == -1 && has(s, 0) == 1;
	unlink(at("disk/filler"));
	ok = ok && add(s, n, 1000) == 1 && has(s, n) == 1;
	for (unsigned k = 0; k <= n; k++)
		ok = ok && has(s, k) == 1;
	store_close(s);
	return ok;
}

static bool mounted(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("tmpfs", at("disk"), "tmpfs", 0, "size=1m") == 0;
}

static bool full_disk_in_a_space_of_its_own(void)
{
	return mounted() && full_disk();
}

static void test_full_disk(void)
{
	mkdir(at("disk"), 0700);
	if (!in_child(mounted))
		tap_skip("no file system of our own can be mounted here");
	else
		tap_ok(in_child(full_disk_in_a_space_of_its_own), "a full disk: writing says so, reading goes on, and it heals when there is room");
}

int main(void)
{
	/* Now, so that children have the same one. */
	(void)tap_tempdir();
	test_kill();
	test_size();
	test_expiry();
	test_stall();
	test_locked();
	test_files();
	test_damage();
	test_moved();
	test_read_only();
	test_full_disk();
	return tap_done();
}
