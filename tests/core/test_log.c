/* Log lines: what reaches standard error, and how wire text is shown. */
#include "config.h"

#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "core/limits.h"
#include "tests/lib/tap.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}

static const struct {
	struct span text;
	size_t max;
	const char *want;
} quotes[] = {
	{SPAN("plain"), 100, "plain"},
	{SPAN(""), 100, "\"\""},
	{SPAN("two words"), 100, "\"two words\""},
	{SPAN(" "), 100, "\" \""},
	{SPAN("a=b"), 100, "a\\x3db"},
	{SPAN("a\"b"), 100, "a\\x22b"},
	{SPAN("a\\b"), 100, "a\\x5cb"},
	{SPAN("a\nb c"), 100, "\"a\\x0ab c\""},
	{SPAN("\r\n\t\x1B\x7F"), 100, "\\x0d\\x0a\\x09\\x1b\\x7f"},
	{SPAN("\0"), 100, "\\x00"},
	{SPAN("Zo\xC3\xAB"), 100, "Zo\\xc3\\xab"},
	{SPAN("abcdef"), 6, "abcdef"},
	{SPAN("abcdefg"), 6, "abcdef..."},
	{SPAN("abc def"), 3, "abc..."},
	{SPAN("abc def"), 4, "\"abc ...\""},
	{SPAN("abc"), 0, "\"...\""},
	{SPAN("<+1555@x;y>"), 100, "<+1555@x;y>"},
};

static void test_quote(void)
{
	for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
		struct buf b;

		buf_init(&b, 1000);
		log_quote(&b, quotes[i].text, quotes[i].max);
		tap_span_is(buf_span(&b), quotes[i].want, "quote %zu", i);
		buf_free(&b);
	}
}

/* Every octet: never a control, a second '=' or a quote in the output. */
static void test_quote_octets(void)
{
	bool ok = true;

	for (int c = 0; c < 256; c++) {
		char octet = (char)c;
		struct buf b;

		buf_init(&b, 100);
		log_quote(&b, span_make(&octet, 1), 1);
		for (size_t i = 0; i < b.n; i++)
			ok = ok && b.p[i] >= 0x20 && b.p[i] < 0x7F && b.p[i] != '=' && (b.p[i] != '"' || c == ' ');
		buf_free(&b);
	}
	tap_ok(ok, "no octet writes anything but printable ASCII");
}

static int saved_stderr, captured;

static void capture_begin(void)
{
	char path[512];

	snprintf(path, sizeof path, "%s/log", tap_tempdir());
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	captured = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
	if (saved_stderr < 0 || captured < 0 || dup2(captured, STDERR_FILENO) < 0)
		tap_bail("can't redirect standard error");
}

static struct span capture_end(char *out, size_t size)
{
	ssize_t n;

	if (dup2(saved_stderr, STDERR_FILENO) < 0)
		tap_bail("can't restore standard error");
	close(saved_stderr);
	n = pread(captured, out, size, 0);
	close(captured);
	return span_make(out, n > 0 ? (size_t)n : 0);
}

static void test_lines(void)
{
	char out[4096];
	struct span s;

	capture_begin();
	log_to_stderr("prog");
	log_info("one %d", 1);
	log_debug("not at this level");
	log_error("first\nsecond\x1B");
	errno = ENOENT;
	log_warn("%m");
	tap_int(errno, ENOENT, "errno survives");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("dropped");
	log_error("kept");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("now");
	log_notice("%s", "");
	log_set_level(LOG_LEVEL_INFO);
	s = capture_end(out, sizeof out);
	tap_span_is(s,
		    "prog: one 1\nprog: first second \nprog: No such file or directory\n"
		    "prog: kept\nprog: now\nprog: \n",
		    "lines on standard error");
}

static void test_long_line(void)
{
	char out[4096];
	struct span s;

	capture_begin();
	log_info("%*d", LIMIT_LOG_LINE, 7);
	log_info("%*d", LIMIT_LOG_LINE + 1, 7);
	s = capture_end(out, sizeof out);
	tap_int((long long)s.n, 2 * (6 + LIMIT_LOG_LINE + 1), "both at the limit");
	tap_ok(s.n > 10 && s.p[s.n / 2 - 2] == '7', "the first is whole");
	tap_ok(s.n > 10 && memcmp(s.p + s.n - 4, "...\n", 4) == 0, "the second is cut, visibly");
}

enum { THREADS = 4, LINES = 200 };

static void *write_lines(void *arg)
{
	(void)arg;
	for (int i = 0; i < LINES; i++)
		log_info("%s", "0123456789");
	return NULL;
}

static void test_threads(void)
{
	static char out[THREADS * LINES * 32];
	pthread_t t[THREADS];
	struct span s, l;
	size_t whole = 0;

	capture_begin();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, write_lines, NULL))
			tap_bail("no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	s = capture_end(out, sizeof out);
	while (s.n) {
		l = span_cut(&s, '\n');
		whole += span_is(l, "prog: 0123456789");
	}
	tap_int((long long)whole, THREADS * LINES, "lines of %d threads stay whole", THREADS);
}

static void test_about(void)
{
	char out[4096];
	struct span s;

	capture_begin();
	log_about(LOG_LEVEL_INFO, span_cstr("4Q"), span_cstr("6a-1"), "said %d", 1);
	log_about(LOG_LEVEL_INFO, span_cstr(NULL), span_cstr("6a-1"), "said");
	log_about(LOG_LEVEL_INFO, span_cstr("4 Q\n="), span_cstr(NULL), "said");
	log_about(LOG_LEVEL_DEBUG, span_cstr("4Q"), span_cstr(NULL), "not said");
	log_about(LOG_LEVEL_INFO, span_cstr("4Q"), span_cstr("6a-1"), "%*d", LIMIT_LOG_LINE, 7);
	s = capture_end(out, sizeof out);
	tap_span_is(span_take(s, 82), "prog: 4Q: sid=6a-1 said 1\nprog: sid=6a-1 said\nprog: \"4 Q\\x0a\\x3d\": said\nprog: 4Q: ", "whose message it is about");
	tap_ok(s.n > 10 && memcmp(s.p + s.n - 4, "...\n", 4) == 0, "and a long one is cut");
}

static int64_t fixed(void)
{
	return 1234;
}

static void test_json(void)
{
	char out[4096];
	struct span s;

	log_use_json(fixed);
	capture_begin();
	log_info("one \"two\" \\ three\nfour");
	log_error("Zo\xC3\xAB, and \xFF");
	log_about(LOG_LEVEL_WARN, span_cstr("4Q"), span_cstr("6a-1"), "said");
	log_object(LOG_LEVEL_INFO, span_cstr("{\"a\":1}"));
	log_object(LOG_LEVEL_INFO, span_cstr("{}"));
	log_object(LOG_LEVEL_DEBUG, span_cstr("{\"b\":1}"));
	s = capture_end(out, sizeof out);
	tap_ok(log_is_json(), "JSON from now on");
	tap_span_is(s,
		    "{\"time\":1234,\"level\":\"info\",\"message\":\"one \\\"two\\\" \\\\ three four\"}\n"
		    "{\"time\":1234,\"level\":\"error\",\"message\":\"Zo??, and ?\"}\n"
		    "{\"time\":1234,\"level\":\"warning\",\"queue_id\":\"4Q\",\"sid\":\"6a-1\",\"message\":\"said\"}\n"
		    "{\"time\":1234,\"level\":\"info\",\"a\":1}\n"
		    "{\"time\":1234,\"level\":\"info\"}\n",
		    "one object a line");
	log_use_json(NULL);
}

/* A reader that has stopped, and a pipe with room for a part of the line. */
static void test_stopped_reader(void)
{
	static char object[8000], room[PIPE_BUF];
	static char out[1024 * 1024];
	int saved = dup(STDERR_FILENO), p[2];
	unsigned long before = log_lost();
	ssize_t n;

	memset(object, 'x', sizeof object - 1);
	memcpy(object, "{\"a\":\"", 6);
	memcpy(object + sizeof object - 3, "\"}", 2);
	if (saved < 0 || pipe(p) || fcntl(p[1], F_SETFL, O_NONBLOCK) || fcntl(p[0], F_SETFL, O_NONBLOCK))
		tap_bail("no pipe");
	while (write(p[1], room, sizeof room) > 0)
		;
	if (read(p[0], room, sizeof room) != sizeof room || fcntl(p[1], F_SETFL, 0) || dup2(p[1], STDERR_FILENO) < 0)
		tap_bail("can't redirect standard error");
	log_to_stderr("");
	log_use_json(fixed);
	(void)alarm(20);
	log_object(LOG_LEVEL_INFO, span_cstr(object));
	log_object(LOG_LEVEL_INFO, span_cstr(object));
	(void)alarm(0);
	tap_ok(true, "nobody waits for it");
	tap_int((long long)(log_lost() - before), 2, "lines that nobody took are counted");
	while (read(p[0], out, sizeof out) > 0)
		;
	log_info("again");
	n = read(p[0], out, sizeof out);
	if (dup2(saved, STDERR_FILENO) < 0)
		tap_bail("can't restore standard error");
	tap_span_is(span_make(out, n > 0 ? (size_t)n : 0),
		    "{\"time\":1234,\"level\":\"warning\",\"message\":\"2 log lines were lost: nobody read them\"}\n"
		    "{\"time\":1234,\"level\":\"info\",\"message\":\"again\"}\n",
		    "it is told how many it missed, as an object too");
	log_use_json(NULL);
	close(saved);
	close(p[0]);
	close(p[1]);
}

/* A disk that is full, and a reader that is gone. */
static void test_no_reader(void)
{
	int full = open("/dev/full", O_WRONLY), p[2];
	unsigned long before = log_lost();

	(void)signal(SIGPIPE, SIG_IGN);
	capture_begin();
	if (full < 0 || pipe(p) || close(p[0]) || dup2(full, STDERR_FILENO) < 0)
		tap_bail("can't redirect standard error");
	log_to_stderr("");
	log_info("one");
	if (dup2(p[1], STDERR_FILENO) < 0)
		tap_bail("can't redirect standard error");
	log_to_stderr("");
	log_info("two");
	(void)capture_end(NULL, 0);
	tap_int((long long)(log_lost() - before), 2, "a full disk, and a reader that is gone: nobody waits, and both are counted");
	close(p[1]);
	close(full);
}

int main(void)
{
	test_quote();
	test_quote_octets();
	test_lines();
	test_long_line();
	test_threads();
	test_about();
	test_json();
	test_stopped_reader();
	test_no_reader();
	return tap_done();
}
