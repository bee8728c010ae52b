/*
 * Evidence: what a line says, the chain of hashes and what breaks it, days,
 * crashes, several writers, a full disk, retention, and finding entries again.
 */
#include "config.h"

#include "engine/evidence.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/trustset.h"
#include "engine/evidence_book.h"
#include "engine/evidence_files.h"
#include "engine/evidence_read.h"
#include "engine/fetch_evidence.h"
#include "engine/file.h"
#include "tests/lib/tap.h"

#define NOW INT64_C(1793534400) /* 1 November 2026, 12:00 UTC */
#define DAY INT64_C(86400)
#define MIDNIGHT (NOW - 12 * 3600)
#define TODAY "evidence-20261101.jsonl"

enum { THREADS = 4, PROCESSES = 3, EACH = 150 };

static char top[512];

static const char *path(const char *dir, const char *name)
{
	static char text[4][700];
	static unsigned turn;
	char *p = text[turn++ & 3];

	(void)snprintf(p, sizeof text[0], "%s/%s%s%s", top, dir, name ? "/" : "", name ? name : "");
	return p;
}

static struct span content(const char *dir, const char *name)
{
	static struct buf b;
	struct err e = {0};

	if (!b.max)
		buf_init(&b, 64 * 1024 * 1024);
	if (file_read(path(dir, name), b.max, &b, &e))
		tap_bail("%s", e.text);
	return buf_span(&b);
}

static void write_text(const char *dir, const char *name, struct span text)
{
	FILE *f = fopen(path(dir, name), "w");

	if (!f || fwrite(text.p, 1, text.n, f) != text.n || fclose(f))
		tap_bail("can't write %s", name);
}

/* --- entries ------------------------------------------------------------------------- */

#define PEM_ONE "-----BEGIN CERTIFICATE-----\nMIIBone+/=\n-----END CERTIFICATE-----\n"
#define PEM_TWO "-----BEGIN CERTIFICATE-----\nMIIBtwo+/=\n-----END CERTIFICATE-----\n"
#define FINGERPRINT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct trust_rules domain = {.name = "us-shaken"};
static const struct msgi_value body = {.alg = MSGI_SHA256, .n = 32, .digest = {1, 2, 3}};

/* A check of a token whose signing input has that number in it; the text is the caller's. */
static struct stir_check check_of(char text[64], int number, const char *pem)
{
	struct stir_check c = {
		.reason = STIR_OK, .stage = STIR_STAGE_DONE, .field = 1, .has_header = true, .has_claims = true, .signed_ok = true, .has_cert = true, .has_authority = true,
		.authority = TN_AUTHORITY_TN, .integrity = STIR_INTEGRITY_RAW, .dest_cover = STIR_DEST_FULL, .replay = STIR_REPLAY_NEW, .domain = &domain,
		.cert_sha256 = span_cstr(FINGERPRINT), .chain_pem = span_cstr(pem),
	};
	int n = snprintf(text, 64, "eyJhbGciOiJFUzI1NiJ9.e%08d", number);

	c.passport.jws.signing_input = span_make(text, (size_t)n);
	memset(c.passport.jws.sig, number & 0xFF, sizeof c.passport.jws.sig);
	c.passport.x5u = span_cstr("https://cert.example.net/stir.pem");
	c.passport.orig = (struct party){.kind = PARTY_URI, .uri = span_cstr("mailto:a@b.example")};
	return c;
}

static struct evidence_entry entry_of(const struct stir_check *c, int64_t received)
{
	return (struct evidence_entry){.received = received, .queue_id = span_cstr("4QxyZ"), .message_id = span_cstr("<1@a.example>"), .client = span_cstr("192.0.2.1"),
		.from = span_cstr("15550100001"), .check = c, .reason = STIR_OK, .body = &body, .policy_hash = span_cstr("0123abcd"), .action = "accept"};
}

static int write_one(struct evidence *v, int number, const char *pem, int64_t received, struct err *e)
{
	char text[64];
	struct stir_check c = check_of(text, number, pem);
	struct evidence_entry x = entry_of(&c, received);

	return evidence_write(v, &x, e);
}

static void must_write(struct evidence *v, int number, const char *pem, int64_t received)
{
	struct err e = {0};

	if (write_one(v, number, pem, received, &e))
		tap_bail("%s", e.text);
}

static struct evidence *open_dir(const char *dir, unsigned keep)
{
	struct evidence *v = NULL;
	struct err e = {0};

	if (evidence_open(path(dir, NULL), keep, &v, &e))
		tap_bail("%s", e.text);
	return v;
}

/* --- reading back ---------------------------------------------------------------------- */

static char faults[4000];

static void note_fault(void *arg, const char *file, uint64_t line, const char *text)
{
	const char *slash = strrchr(file, '/');
	size_t n = strlen(faults);

	(void)arg;
	(void)snprintf(faults + n, sizeof faults - n, "%s:%llu: %s\n", slash ? slash + 1 : file, (unsigned long long)line, text);
}

static struct evidence_read_summary read_back(const char *dir, const char *name)
{
	const struct evidence_read_hooks h = {.fault = note_fault};
	struct evidence_read_summary s;
	struct err e = {0};

	faults[0] = '\0';
	if (evidence_read_all(path(dir, name), &h, &s, &e))
		tap_bail("%s", e.text);
	return s;
}

static void holds(const char *what, const char *dir, uint64_t entries, uint64_t torn)
{
	struct evidence_read_summary s = read_back(dir, NULL);

	tap_int((long long)s.faults, 0, "%s: the chain of hashes holds", what);
	if (s.faults)
		tap_note("%s", faults);
	tap_int((long long)s.entries, (long long)entries, "%s: entries", what);
	tap_int((long long)s.torn, (long long)torn, "%s: torn lines", what);
}

static void broken(const char *what, const char *dir, const char *where)
{
	struct evidence_read_summary s = read_back(dir, NULL);

	if (!tap_ok(s.faults > 0 && strstr(faults, where), "%s is found: %s", what, where))
		tap_note("%s", faults);
}

/* --- one line ----------------------------------------------------------------------------- */

static void test_line(void)
{
	struct evidence *v = open_dir("line", 0);
	struct evidence_line l;
	struct span text, one;
	struct err e = {0};
	struct stat st;

	must_write(v, 7, PEM_ONE, NOW);
	must_write(v, 8, PEM_ONE, NOW + 1);
	text = content("line", TODAY);
	one = span_cut(&text, '\n');
	tap_int(evidence_line_read(one, &l, &e), 0, "the first line is read %s", e.text);
	tap_span_is(l.token, "eyJhbGciOiJFUzI1NiJ9.e00000007.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw", "the token as received");
	tap_ok(l.received == NOW && l.field == 1 && l.is_signed && !l.by_table && !l.has_prev, "numbers and flags");
	tap_ok(span_is(l.id, "4QxyZ") && span_is(l.message_id, "<1@a.example>") && span_is(l.client, "192.0.2.1") && span_is(l.from, "15550100001") &&
		       span_is(l.orig, "mailto:a@b.example") && span_is(l.x5u, "https://cert.example.net/stir.pem"), "who and where");
	tap_ok(span_is(l.result, "pass") && span_is(l.reason, "ok") && span_is(l.field_reason, "ok") && span_is(l.stage, "done") && span_is(l.authority, "tn") &&
		       span_is(l.integrity, "raw") && span_is(l.dest_cover, "full") && span_is(l.replay, "new") && span_is(l.domain, "us-shaken") &&
		       span_is(l.policy, "0123abcd") && span_is(l.action, "accept"), "the result");
	tap_span_is(l.chain_pem, PEM_ONE, "the chain");
	tap_ok(span_starts(l.body, "sha256-AQID"), "the body's digest");
	evidence_line_free(&l);
	one = span_cut(&text, '\n');
	tap_int(evidence_line_read(one, &l, &e), 0, "the second line is read %s", e.text);
	tap_ok(l.chain_pem.n == 0 && l.has_prev && text.n == 0, "it has no chain of its own, and there is no third");
	evidence_line_free(&l);
	tap_ok(stat(path("line", TODAY), &st) == 0 && (st.st_mode & 0777) == 0640, "mode of the file");
	tap_ok(stat(path("line", NULL), &st) == 0 && (st.st_mode & 0777) == 0750, "mode of the folder");
	tap_note("octets of a line without a chain: %zu", one.n + 1);
	holds("two lines", "line", 2, 0);
	evidence_unref(v);
}

/* What the wire brings is data, whatever it is. */
static void test_octets(void)
{
	static const char odd_pem[] = "Gr\xFC\xDF" "e\x01\r\n\"{[\\\"" PEM_ONE "\t\x7F";
	struct evidence *v = open_dir("octets", 0);
	char text[64], longer[2000], huge[LIMIT_CHAIN_BYTES + 1];
	struct stir_check c = check_of(text, 1, odd_pem);
	struct evidence_entry x = entry_of(&c, NOW);
	struct evidence_stats stats;
	struct evidence_line l;
	struct span all;
	struct err e = {0};

	memset(longer, 'm', sizeof longer);
	x.message_id = span_make(longer, sizeof longer);
	x.queue_id = span_make("a\0b\xFF\"\\\n", 7);
	x.client = x.policy_hash = x.from = span_make(NULL, 0);
	x.body = NULL;
	x.action = NULL;
	tap_int(evidence_write(v, &x, &e), 0, "odd octets are written %s", e.text);
	all = content("octets", TODAY);
	tap_int(evidence_line_read(span_cut(&all, '\n'), &l, &e), 0, "and read %s", e.text);
	tap_span_is(l.id, "a\\x00b\\xff\"\\x5c\\x0a", "an id as printable text");
	tap_ok(l.message_id.n == LIMIT_EVIDENCE_TEXT && json_array_size(json_object_get(l.json, "cut")) == 1, "a long one is cut, and that is said");
	tap_span_is(l.chain_pem, "Gr  e \r\n\"{[\\\"" PEM_ONE "\t ", "a chain with blanks where no text was");
	tap_ok(l.client.n == 0 && l.policy.n == 0 && l.body.n == 0 && l.action.n == 0, "what is not known is not there");
	evidence_line_free(&l);
	memset(huge, '\n', LIMIT_CHAIN_BYTES);
	huge[LIMIT_CHAIN_BYTES] = '\0';
	c.chain_pem = span_cstr(huge);
	tap_int(evidence_write(v, &x, &e), 0, "the largest chain that there is fits into a line %s", e.text);
	evidence_stats(v, &stats);
	tap_ok(stats.lines == 2 && stats.lost == 0, "both were written");
	c.chain_pem = span_make(NULL, 0);
	tap_int(evidence_write(v, &x, &e), 0, "without a chain there is nothing to write");
	evidence_stats(v, &stats);
	tap_int((long long)stats.lines, 2, "and nothing is");
	holds("odd octets", "octets", 2, 0);
	evidence_unref(v);
}

static void test_bad_lines(void)
{
	static const char *const bad[] = {"", "{", "[]", "{}", "null", "{\"v\":2}", "{\"v\":1,\"received\":-1}", "{\"v\":1,\"received\":1,\"field\":\"1\"}"};
	static const struct {
		const char *from, *to;
	} change[] = {
		{"\"token\":\"ey", "\"token\":1,\"x\":\"ey"}, {"\"token\"", "\"tokem\""}, {"\"signed\":true", "\"signed\":1"}, {"MIIB", "MIIC"}, {"\"reason\":\"ok\"", "\"reason\":\"okay\""},
		{"\"cert\":\"00", "\"cert\":\"0"}, {"\"cert\":\"00", "\"cert\":\"0G"}, {"\"v\":1", "\"v\":1,\"v\":1"}, {"\"chain\"", "\"chein\""},
	};
	struct span line = content("line", TODAY);
	struct evidence_line l;
	struct err e;
	char text[4000];

	line = span_cut(&line, '\n');
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err_clear(&e);
		tap_ok(evidence_line_read(span_cstr(bad[i]), &l, &e) == -1 && e.text[0] && !l.json, "refused: %s: %s", bad[i], e.text);
	}
	for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
		const char *at;
		int n;

		(void)snprintf(text, sizeof text, "%.*s", SPAN_ARG(line));
		at = strstr(text, change[i].from);
		if (!at)
			tap_bail("%s is not there", change[i].from);
		char *changed = NULL;
		n = asprintf(&changed, "%.*s%s%s", (int)(at - text), text, change[i].to, at + strlen(change[i].from));
		err_clear(&e);
		tap_ok(n > 0 && evidence_line_read(span_cstr(changed), &l, &e) == -1 && e.text[0], "refused: %s: %s", change[i].to, e.text);
		free(changed);
	}
}

/* --- the chain of hashes ------------------------------------------------------------------ */

static void fill(const char *dir, int n)
{
	struct evidence *v = open_dir(dir, 0);

	for (int i = 0; i < n; i++)
		must_write(v, i, i % 2 ? PEM_TWO : PEM_ONE, NOW + i);
	evidence_unref(v);
}

/* Without the nth line (from 0), or with it changed. */
static void without(struct buf *out, struct span text, int nth, bool change)
{
	buf_reset(out);
	for (int i = 0; text.n; i++) {
		struct span line = span_cut(&text, '\n');

		if (i == nth && !change)
			continue;
		buf_put_span(out, line);
		if (i == nth)
			out->p[out->n - 20] ^= 1;
		buf_putc(out, '\n');
	}
}

static void test_broken(void)
{
	struct buf b;
	struct span text;

	buf_init(&b, 1024 * 1024);
	fill("broken", 6);
	holds("six lines", "broken", 6, 0);
	without(&b, content("broken", TODAY), 3, false);
	write_text("broken", TODAY, buf_span(&b));
	broken("a line taken away", "broken", ":4:");
	fill("changed", 6);
	without(&b, content("changed", TODAY), 3, true);
	write_text("changed", TODAY, buf_span(&b));
	broken("a line changed", "changed", ":5:");
	fill("first", 6);
	without(&b, content("first", TODAY), 0, false);
	write_text("first", TODAY, buf_span(&b));
	broken("the first line taken away, and with it a chain", "first", ":2: its chain");
	fill("doubled", 2);
	text = content("doubled", TODAY);
	buf_reset(&b);
	buf_put_span(&b, text);
	buf_put_span(&b, text);
	write_text("doubled", TODAY, buf_span(&b));
	broken("lines doubled", "doubled", ":3:");
	fill("rubbish", 2);
	text = content("rubbish", TODAY);
	buf_reset(&b);
	buf_put_span(&b, span_take(text, span_find(text, '\n') + 1));
	buf_puts(&b, "rubbish\n");
	buf_put_span(&b, span_skip(text, span_find(text, '\n') + 1));
	write_text("rubbish", TODAY, buf_span(&b));
	broken("rubbish put in between", "rubbish", ":2: it is no JSON");
	buf_reset(&b);
	while (b.n <= LIMIT_EVIDENCE_LINE)
		buf_puts(&b, "a long line without an end ");
	write_text("rubbish", TODAY, buf_span(&b));
	tap_ok(read_back("rubbish", NULL).open_end, "a line without an end, longer than any of ours");
	buf_puts(&b, "\nnext\n");
	write_text("rubbish", TODAY, buf_span(&b));
	broken("a line longer than any of ours", "rubbish", ":1: it is longer");
	buf_free(&b);
}

static void test_torn(void)
{
	struct evidence *v;
	struct span text;
	struct buf b;

	buf_init(&b, 1024 * 1024);
	fill("torn", 3);
	text = content("torn", TODAY);
	buf_put_span(&b, span_take(text, text.n - 100));
	write_text("torn", TODAY, buf_span(&b));
	tap_ok(read_back("torn", NULL).open_end && read_back("torn", NULL).faults == 0, "a crash within a line: said, and no fault");
	v = open_dir("torn", 0);
	must_write(v, 9, PEM_TWO, NOW + 9);
	evidence_unref(v);
	holds("the next start begins a line of its own", "torn", 3, 1);
	/* Only the line end is missing: nothing was lost. */
	text = content("torn", TODAY);
	buf_reset(&b);
	buf_put_span(&b, span_take(text, text.n - 1));
	write_text("torn", TODAY, buf_span(&b));
	fill("torn", 1);
	holds("torn just before its end", "torn", 4, 1);
	/* The day ends with a torn line. */
	text = content("torn", TODAY);
	buf_reset(&b);
	buf_put_span(&b, span_take(text, text.n - 10));
	write_text("torn", TODAY, buf_span(&b));
	v = open_dir("torn", 0);
	must_write(v, 10, PEM_TWO, NOW + DAY);
	evidence_unref(v);
	holds("a day that ended in a crash", "torn", 4, 2);
	buf_free(&b);
}

/* --- days --------------------------------------------------------------------------------- */

static void test_days(void)
{
	struct evidence *v = open_dir("days", 0);
	struct evidence_read_summary s;

	must_write(v, 1, PEM_ONE, MIDNIGHT - 2);
	must_write(v, 2, PEM_ONE, MIDNIGHT - 1);
	must_write(v, 3, PEM_ONE, MIDNIGHT);
	must_write(v, 4, PEM_ONE, MIDNIGHT - 1);
	must_write(v, 5, PEM_ONE, MIDNIGHT + 1);
	must_write(v, 6, PEM_ONE, MIDNIGHT + 2 * DAY);
	holds("three days", "days", 6, 0);
	s = read_back("days", NULL);
	tap_ok(s.files == 3 && s.late == 0 && !s.bound && s.first == MIDNIGHT - 2 && s.last == MIDNIGHT + 2 * DAY, "three files, from when to when");
	s = read_back("days", TODAY);
	tap_ok(s.faults == 0 && s.entries == 3 && s.bound, "a file alone: it has its chains, and names a line before it");
	/* A clock set back by more than what a message may wait. */
	must_write(v, 7, PEM_ONE, MIDNIGHT + DAY - 7200);
	s = read_back("days", NULL);
	tap_ok(s.faults == 0 && s.late == 1, "a line written late to an older file is no fault %s", faults);
	must_write(v, 8, PEM_ONE, MIDNIGHT + 2 * DAY + 1);
	holds("and back", "days", 8, 0);
	evidence_unref(v);
	(void)unlink(path("days", "evidence-20261031.jsonl"));
	s = read_back("days", NULL);
	tap_ok(s.faults == 0 && s.bound, "the oldest file deleted, as by retention");
	fill("middle", 1);
	v = open_dir("middle", 0);
	must_write(v, 1, PEM_ONE, NOW + DAY);
	must_write(v, 2, PEM_ONE, NOW + 2 * DAY);
	evidence_unref(v);
	(void)unlink(path("middle", "evidence-20261102.jsonl"));
	broken("a file in the middle taken away", "middle", "evidence-20261103.jsonl:1:");
}

static void test_names(void)
{
	static const char *const no[] = {"evidence-20261101.jsonl.gz", "evidence-2026110.jsonl", "evidence-20260231.jsonl", "evidence-20261301.jsonl", "evidence-19691231.jsonl",
					 "Evidence-20261101.jsonl", "evidence-20261101.JSONL", "xevidence-20261101.jsonl", "evidence-2026110a.jsonl", "", ".", "evidence-20261100.jsonl"};
	char name[EVIDENCE_FILES_NAME];
	int64_t day;

	tap_ok(evidence_files_name(evidence_files_day(NOW), name) == 0 && strcmp(name, TODAY) == 0, "the name of a day");
	tap_ok(evidence_files_is(TODAY, &day) && day == NOW / DAY, "and back");
	tap_ok(evidence_files_is("evidence-20280229.jsonl", &day), "a leap day");
	tap_ok(evidence_files_name(-1, name) == -1 && evidence_files_name(INT64_C(1) << 40, name) == -1, "days without a name");
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		tap_ok(!evidence_files_is(no[i], &day), "not ours: \"%s\"", no[i]);
}

static void test_retention(void)
{
	static const char *const stay[] = {"evidence-20261029.jsonl.gz", "evidence-old.jsonl", "evidence-20200231.jsonl", "notes"};
	struct evidence *v = open_dir("keep", 2);
	struct evidence_stats stats;
	struct err e = {0};

	for (int i = 5; i >= 0; i--)
		must_write(v, i, PEM_ONE, NOW - i * DAY);
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
		write_text("keep", stay[i], span_cstr("x\n"));
	tap_ok(symlink("notes", path("keep", "evidence-20200101.jsonl")) == 0, "a link with the name of an old file");
	evidence_tick(v, NOW);
	evidence_stats(v, &stats);
	/* 27, 28 and 29 October ended more than two days ago, and the link. */
	tap_int((long long)stats.deleted, 4, "files of days that ended more than two days ago are deleted");
	tap_ok(access(path("keep", "evidence-20261030.jsonl"), F_OK) == 0 && access(path("keep", "evidence-20261029.jsonl"), F_OK) != 0, "the right ones");
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
		tap_int(access(path("keep", stay[i]), F_OK), 0, "%s stays", stay[i]);
	evidence_tick(v, NOW + DAY);
	evidence_stats(v, &stats);
	tap_int((long long)stats.deleted, 5, "a day later one more");
	must_write(v, 9, PEM_ONE, NOW + DAY);
	evidence_unref(v);
	v = open_dir("keep", 0);
	evidence_tick(v, NOW + 1000 * DAY);
	evidence_stats(v, &stats);
	tap_int((long long)stats.deleted, 0, "0 days is for ever");
	tap_int(write_one(v, 10, PEM_ONE, NOW + DAY, &e), 0, "nothing to say");
	evidence_unref(v);
	/* A folder of that name is not deleted, and that is said by the next line. */
	v = open_dir("keep", 1);
	(void)mkdir(path("keep", "evidence-20200101.jsonl"), 0700);
	evidence_tick(v, NOW);
	tap_ok(write_one(v, 11, PEM_ONE, NOW + DAY, &e) == -1 && strstr(e.text, "EvidenceKeep"), "what can't be deleted is said: %s", e.text);
	tap_int(write_one(v, 12, PEM_ONE, NOW + DAY, &e), 0, "once");
	evidence_unref(v);
}

/* --- trouble ------------------------------------------------------------------------------- */

static void test_folders(void)
{
	struct evidence *v = NULL;
	struct err e;

	err_clear(&e);
	tap_ok(evidence_open(path("no/such", NULL), 0, &v, &e) == -1 && !v && e.text[0], "no folder to make it in: %s", e.text);
	write_text("", "file", span_cstr("x"));
	tap_ok(evidence_open(path("file", NULL), 0, &v, &e) == -1 && strstr(e.text, "no folder"), "a file: %s", e.text);
	(void)mkdir(path("wide", NULL), 0777);
	(void)chmod(path("wide", NULL), 0777);
	tap_ok(evidence_open(path("wide", NULL), 0, &v, &e) == -1 && strstr(e.text, "chmod"), "a folder anybody may write to: %s", e.text);
	(void)mkdir(path("link", NULL), 0700);
	tap_ok(symlink("../file", path("link", TODAY)) == 0, "a link with the name of today's file");
	v = open_dir("link", 0);
	tap_ok(write_one(v, 1, PEM_ONE, NOW, &e) == -1 && strstr(e.text, "not written: 1"), "a link in place of a file is not followed: %s", e.text);
	evidence_unref(v);
	tap_span_is(content("", "file"), "x", "and what it leads to stays");
	evidence_unref(NULL);
}

static void limit(rlim_t n)
{
	const struct rlimit r = {n, RLIM_INFINITY};

	if (setrlimit(RLIMIT_FSIZE, &r))
		tap_bail("no limit");
}

static void test_full(void)
{
	struct evidence *v = open_dir("full", 0);
	struct evidence_stats stats;
	struct err e = {0};
	struct stat st;
	off_t size;

	must_write(v, 1, PEM_ONE, NOW);
	must_write(v, 2, PEM_ONE, NOW);
	(void)stat(path("full", TODAY), &st);
	size = st.st_size;
	limit((rlim_t)size + 100);
	tap_ok(write_one(v, 3, PEM_ONE, NOW, &e) == -1 && strstr(e.text, "not written: 1"), "a full disk: %s", e.text);
	(void)stat(path("full", TODAY), &st);
	tap_int(st.st_size, size, "what was written of the line is taken back");
	tap_int(write_one(v, 4, PEM_ONE, NOW + 1, &e), 0, "it is said once");
	tap_int(write_one(v, 5, PEM_ONE, NOW + 59, &e), 0, "... in a minute");
	tap_ok(write_one(v, 6, PEM_ONE, NOW + 60, &e) == -1 && strstr(e.text, "not written: 3"), "and then how many: %s", e.text);
	tap_int(write_one(v, 7, PEM_ONE, NOW + 61, &e), 0, "one more");
	limit(RLIM_INFINITY);
	tap_int(write_one(v, 8, PEM_ONE, NOW + 62, &e), 0, "there is room again");
	tap_ok(write_one(v, 9, PEM_ONE, NOW + 121, &e) == -1 && strstr(e.text, "can be written again"), "and that is said, with the last one: %s", e.text);
	evidence_stats(v, &stats);
	tap_ok(stats.lines == 4 && stats.lost == 5, "lines and losses are counted");
	evidence_unref(v);
	holds("after a full disk", "full", 4, 0);
}

static void test_moved(void)
{
	struct evidence *v = open_dir("moved", 0);

	must_write(v, 1, PEM_ONE, NOW);
	(void)rename(path("moved", TODAY), path("moved", "away"));
	must_write(v, 2, PEM_ONE, NOW + 1);
	holds("a file moved away is begun anew, with its chain", "moved", 1, 0);
	/* Cut to nothing behind our back: what it had is written again. */
	tap_ok(truncate(path("moved", TODAY), 0) == 0, "today's file is emptied");
	must_write(v, 3, PEM_ONE, NOW + 1);
	holds("a file that was emptied", "moved", 1, 0);
	evidence_unref(v);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void test_locked(void)
{
	struct evidence *v = open_dir("locked", 0);
	struct err e = {0};
	long before;
	int fd;

	must_write(v, 1, PEM_ONE, NOW);
	fd = open(path("locked", TODAY), O_RDONLY);
	if (fd < 0 || flock(fd, LOCK_EX))
		tap_bail("no lock");
	before = now_ms();
	tap_ok(write_one(v, 2, PEM_ONE, NOW + 1, &e) == -1 && strstr(e.text, "locked"), "somebody keeps the lock: %s", e.text);
	tap_ok(now_ms() - before >= EVIDENCE_LOCK_MS, "it was waited for");
	before = now_ms();
	for (int i = 0; i < 10; i++)
		(void)write_one(v, 3 + i, PEM_ONE, NOW + 2, &e);
	tap_ok(now_ms() - before < 5 * EVIDENCE_LOCK_MS, "but not again by each message: %ld ms for ten", now_ms() - before);
	(void)close(fd);
	tap_int(write_one(v, 20, PEM_ONE, NOW + 3, &e), 0, "it is free again");
	evidence_unref(v);
	holds("after the lock", "locked", 2, 0);
}

/* --- several at a time ------------------------------------------------------------------------ */

struct worker {
	struct evidence *v;
	int from, bad;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct err e;

	for (int i = 0; i < EACH; i++)
		w->bad += write_one(w->v, w->from + i, i % 7 ? PEM_ONE : PEM_TWO, MIDNIGHT - EACH / 2 + i, &e) != 0;
	return NULL;
}

static int run_threads(struct evidence *v, int from)
{
	struct worker w[THREADS];
	pthread_t t[THREADS];
	int bad = 0;

	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){v, from + i * EACH, 0};
		if (pthread_create(&t[i], NULL, work, &w[i]))
			tap_bail("no thread");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		bad += w[i].bad;
	}
	return bad;
}

static void test_several(void)
{
	struct evidence *v, *second;
	pid_t pid[PROCESSES];
	int status, bad = 0;

	v = open_dir("several", 0);
	evidence_unref(v);
	for (int i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			v = open_dir("several", 0);
			bad = run_threads(v, i * 10000);
			evidence_unref(v);
			_exit(bad ? 1 : 0);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
		bad += pid[i] < 0 || waitpid(pid[i], &status, 0) != pid[i] || status != 0;
	tap_int(bad, 0, "%d processes with %d threads write over midnight", PROCESSES, THREADS);
	holds("several processes", "several", PROCESSES * THREADS * EACH, 0);

	v = open_dir("two", 0);
	second = open_dir("two", 0);
	for (int i = 0; i < 20; i++)
		must_write(i % 3 ? v : second, i, PEM_ONE, NOW + i);
	evidence_unref(v);
	evidence_unref(second);
	holds("two writers in one process, as after a changed setting", "two", 20, 0);
}

/* Until the writer has begun, or again: a busy machine takes its time. */
static void wait_for_more(void)
{
	struct stat st = {0};
	off_t before = 0;

	if (stat(path("killed", TODAY), &st) == 0)
		before = st.st_size;
	for (int i = 0; i < 20000 && (stat(path("killed", TODAY), &st) || st.st_size < before + 20000); i++)
		(void)usleep(1000);
}

static void test_killed(void)
{
	struct evidence *v = open_dir("killed", 0);
	struct evidence_read_summary s;
	struct err e;

	evidence_unref(v);
	for (int round = 0; round < 5; round++) {
		pid_t pid = fork();

		if (pid == 0) {
			v = open_dir("killed", 0);
			for (int i = 0;; i++)
				(void)write_one(v, i, PEM_ONE, NOW, &e);
		}
		wait_for_more();
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	v = open_dir("killed", 0);
	must_write(v, 1, PEM_ONE, NOW);
	evidence_unref(v);
	s = read_back("killed", NULL);
	tap_ok(s.faults == 0 && s.entries > 5 && !s.open_end, "kill -9, five times: %llu entries, %llu torn, %llu faults", (unsigned long long)s.entries,
	       (unsigned long long)s.torn, (unsigned long long)s.faults);
}

/* --- finding -------------------------------------------------------------------------------------- */

static void token_of(char out[200], int number)
{
	char text[64];
	struct stir_check c = check_of(text, number, PEM_ONE);
	struct buf sig;

	buf_init(&sig, 200);
	base64url_encode(&sig, c.passport.jws.sig, sizeof c.passport.jws.sig);
	(void)snprintf(out, 200, "%s.%.*s", text, SPAN_ARG(buf_span(&sig)));
	buf_free(&sig);
}

static void test_book(void)
{
	struct evidence *v = open_dir("book", 0);
	struct evidence_book *b = NULL;
	struct evidence_line l;
	char token[200], text[64];
	struct stir_check c = check_of(text, 5, PEM_TWO);
	struct evidence_entry x = entry_of(&c, NOW + 2 * DAY);
	struct err e = {0};
	size_t n;

	for (int i = 0; i < 10; i++)
		must_write(v, i, i % 2 ? PEM_ONE : PEM_TWO, NOW + i * 3600 * 6);
	x.message_id = span_cstr("<2@a.example>");
	if (evidence_write(v, &x, &e))
		tap_bail("%s", e.text);
	evidence_unref(v);
	tap_int(evidence_book_open(path("book", NULL), &b, &e), 0, "a folder is looked through %s", e.text);
	tap_ok(evidence_book_count(b) == 11 && evidence_book_faults(b) == 0, "eleven entries");
	token_of(token, 4);
	tap_int(evidence_book_find(b, span_cstr(token), span_make(NULL, 0), &l, &n, &e), 1, "one of them %s", e.text);
	tap_ok(n == 1 && l.received == NOW + 4 * 3600 * 6, "by its token");
	tap_span_is(l.chain_pem, PEM_TWO, "with its chain, which stands elsewhere");
	evidence_line_free(&l);
	token_of(token, 5);
	tap_int(evidence_book_find(b, span_cstr(token), span_make(NULL, 0), &l, &n, &e), 1, "one that came twice");
	tap_ok(n == 2 && l.received == NOW + 5 * 3600 * 6, "the first");
	evidence_line_free(&l);
	tap_int(evidence_book_find(b, span_cstr(token), span_cstr("<2@a.example>"), &l, &n, &e), 1, "the same with a Message-ID");
	tap_ok(n == 2 && l.received == NOW + 2 * DAY && span_is(l.chain_pem, PEM_TWO), "that one");
	evidence_line_free(&l);
	token_of(token, 99);
	tap_int(evidence_book_find(b, span_cstr(token), span_make(NULL, 0), &l, &n, &e), 0, "one that is not there");
	evidence_book_close(b);
	tap_ok(evidence_book_open(path("empty", NULL), &b, &e) == -1 && !b, "no folder: %s", e.text);
	(void)mkdir(path("empty", NULL), 0700);
	tap_ok(evidence_book_open(path("empty", NULL), &b, &e) == -1 && strstr(e.text, "evidence-"), "nothing in it: %s", e.text);
	tap_int(evidence_book_open(path("book", TODAY), &b, &e), 0, "one file");
	tap_ok(evidence_book_count(b) < 11, "has a part of them");
	evidence_book_close(b);
}

static void test_fetch(void)
{
	struct fetch *inner = fetch_evidence_new(NULL), *f = fetch_evidence_new(inner);
	struct fetch_answer a;
	struct err e = {0};
	struct buf out;
	int rc = 0;

	buf_init(&out, 10);
	if (!f || fetch_evidence_put(inner, span_cstr("https://b/"), span_cstr("list")) || fetch_evidence_put(inner, span_cstr("https://d/"), span_cstr("chain")) ||
	    fetch_evidence_put(f, span_cstr("https://a/"), span_cstr("chain")) || fetch_evidence_put(f, span_cstr("https://large/"), span_cstr("more than ten octets")) ||
	    fetch_evidence_put(f, span_cstr("https://d/"), span_make(NULL, 0)))
		tap_bail("no memory");
	tap_ok(f->at_hand && fetch_get(f, span_cstr("https://a/"), 0, &out, &a, &e) == 1 && span_is(buf_span(&out), "chain") && a.cause == FETCH_NONE, "what was put");
	tap_int(fetch_evidence_put(f, span_cstr("https://a/"), span_cstr("chain")), 0, "the same again");
	tap_int(fetch_evidence_put(f, span_cstr("https://a/"), span_cstr("other")), 1, "another answer takes another fetcher");
	tap_ok(fetch_get(f, span_cstr("https://b/"), 0, &out, &a, &e) == 1 && span_is(buf_span(&out), "list"), "what only the other one has");
	tap_ok(fetch_get(f, span_cstr("https://d/"), 0, &out, &a, &e) == 0 && a.cause == FETCH_NOT_FOUND, "what it must not be asked for");
	tap_ok(fetch_get(f, span_cstr("https://c/"), 0, &out, &a, &e) == 0 && a.cause == FETCH_NOT_FOUND && e.text[0], "what nobody has: %s", e.text);
	tap_ok(fetch_get(f, span_cstr("https://large/"), 0, &out, &a, &e) == -1 && a.cause == FETCH_TOO_LARGE, "what is too large");
	buf_free(&out);
	for (int i = 0; rc == 0 && i < 1000; i++) {
		char url[32];

		(void)snprintf(url, sizeof url, "https://%d/", i);
		rc = fetch_evidence_put(f, span_cstr(url), span_cstr("x"));
	}
	tap_int(rc, 1, "there is an end to it");
	fetch_close(f);
}

/* How much a day takes: a chain as carriers have it, 3 KB, and a token with two numbers. */
static void test_size(void)
{
	struct evidence *v = open_dir("size", 0);
	struct evidence_stats stats;
	static char pem[3001], input[461];
	char text[64];
	struct stir_check c;
	struct evidence_entry x;
	struct timespec from, until;
	struct err e = {0};

	memset(pem, 'M', sizeof pem - 1);
	memset(input, 'e', sizeof input - 1);
	c = check_of(text, 1, pem);
	c.passport.jws.signing_input = span_cstr(input);
	c.passport.orig = (struct party){.kind = PARTY_URI, .uri = span_cstr("15550100001")};
	x = entry_of(&c, NOW);
	x.policy_hash = span_cstr("0123456789abcdef");
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 10000; i++)
		if (evidence_write(v, &x, &e))
			tap_bail("%s", e.text);
	clock_gettime(CLOCK_MONOTONIC, &until);
	evidence_stats(v, &stats);
	tap_ok(stats.octets / stats.lines < 1600, "octets of an entry, on average of 10000: %llu", (unsigned long long)(stats.octets / stats.lines));
	tap_note("microseconds of an entry: %.1f", ((double)(until.tv_sec - from.tv_sec) * 1e6 + (double)(until.tv_nsec - from.tv_nsec) / 1e3) / 10000);
	evidence_unref(v);
}

int main(void)
{
	(void)snprintf(top, sizeof top, "%s", tap_tempdir());
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)umask(022);
	test_line();
	test_octets();
	test_bad_lines();
	test_broken();
	test_torn();
	test_names();
	test_days();
	test_retention();
	test_folders();
	test_full();
	test_moved();
	test_locked();
	test_several();
	test_killed();
	test_book();
	test_fetch();
	test_size();
	return tap_done();
}
