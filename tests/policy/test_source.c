/* Reports: places, quoted lines, carets, how much is said; relative paths. */
#include "config.h"

#include <stdio.h>

#include "policy/source.h"
#include "tests/lib/tap.h"

struct say_case {
	const char *text;
	uint32_t line, col;
	const char *want; /* the whole report; the message is "m" */
};

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

static const struct say_case says[] = {
	{"one\ntwo three\nfour\n", 2, 5, "f:2:5: error: m\n    two three\n        ^\n"},
	{"one\ntwo", 2, 4, "f:2:4: error: m\n    two\n       ^\n"},
	{"one", 1, 1, "f:1:1: error: m\n    one\n    ^\n"},
	{"one  \t", 1, 6, "f:1:6: error: m\n    one\n       ^\n"},
	{"one", 1, 99, "f:1:99: error: m\n    one\n       ^\n"},
	{"one", 7, 1, "f:7:1: error: m\n"},
	{"", 1, 1, "f:1:1: error: m\n"},
	{"a\n\nb", 2, 1, "f:2:1: error: m\n"},
	{"one", 0, 0, "f: error: m\n"},
	/* Tabs stay, so that the caret stands right whatever a tab is. */
	{"\ta\tb", 1, 4, "f:1:4: error: m\n    \ta\tb\n    \t \t^\n"},
	/* Columns are octets in the place, characters in the picture. */
	{"\"\xC3\xA9\xE2\x82\xAC\" x", 1, 9, "f:1:9: error: m\n    \"\xC3\xA9\xE2\x82\xAC\" x\n         ^\n"},
	{"\xE6\xBC\xA2x", 1, 4, "f:1:4: error: m\n    \xE6\xBC\xA2x\n      ^\n"},
	/* What could play with a terminal or a reader is shown as octets. */
	{"a\x1B[2Jb", 1, 6, "f:1:6: error: m\n    a\\x1B[2Jb\n            ^\n"},
	{"a\rb", 1, 2, "f:1:2: error: m\n    a\\x0Db\n     ^\n"},
	{"\xE2\x80\xAE" "b", 1, 4, "f:1:4: error: m\n    \\xE2\\x80\\xAEb\n                ^\n"},
	{"\xC2\x9B" "b", 1, 3, "f:1:3: error: m\n    \\xC2\\x9Bb\n            ^\n"},
	{"\xFF\xC3", 1, 2, "f:1:2: error: m\n    \\xFF\\xC3\n        ^\n"},
	{"\xE2\x80\xA8" "b", 1, 4, "f:1:4: error: m\n    \\xE2\\x80\\xA8b\n                ^\n"},
	/* Long lines: 80 octets in front, 160 in all. */
	{HUNDRED FIFTY TEN "x", 1, 1, "f:1:1: error: m\n    " HUNDRED FIFTY TEN "...\n    ^\n"},
	{HUNDRED FIFTY TEN, 1, 160, "f:1:160: error: m\n    " HUNDRED FIFTY TEN "\n    "
	 "                                                                                                                                                               ^\n"},
	{HUNDRED HUNDRED HUNDRED, 1, 101, "f:1:101: error: m\n    ..." FIFTY TEN TEN TEN FIFTY TEN TEN TEN "...\n    "
	 "                                                                                   ^\n"},
	{HUNDRED HUNDRED, 1, 200, "f:1:200: error: m\n    ...9" FIFTY TEN TEN TEN "\n    "
	 "                                                                                   ^\n"},
};

static void test_say(void)
{
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
		const struct say_case *c = &says[i];
		struct source src = {"f", span_cstr(c->text)};
		struct source_pos at = {&src, c->line, c->col};
		struct source_report r;

		source_report_init(&r);
		tap_int(source_say(&r, SOURCE_ERROR, at, "m"), -1, "case %zu: -1", i);
		tap_str(r.text.p, c->want, "case %zu: report", i);
		source_report_free(&r);
	}
}

static void test_severities(void)
{
	struct source src = {"a\nb.policy", span_cstr("x")};
	struct source_pos at = {&src, 1, 1}, nowhere = {NULL, 0, 0};
	struct source_report r;

	source_report_init(&r);
	tap_int(source_say(&r, SOURCE_WARNING, at, "%s", "one\x1B[0m \xE2\x82\xAC"), 0, "a warning is no failure");
	tap_int(source_say(&r, SOURCE_NOTE, at, "two"), 0, "nor is a note");
	tap_int(source_say(&r, SOURCE_ERROR, nowhere, "three"), -1, "an error is");
	tap_int(source_say(&r, SOURCE_ERROR, at, "four"), -1, "and another");
	tap_int(r.errors, 2, "errors are counted");
	tap_int(r.warnings, 1, "warnings are counted");
	tap_str(r.first, "error: three", "the first error");
	tap_str(r.text.p, "a\\x0Ab.policy:1:1: warning: one\\x1B[0m \xE2\x82\xAC\n    x\n    ^\n"
	                  "a\\x0Ab.policy:1:1: note: two\n    x\n    ^\nerror: three\na\\x0Ab.policy:1:1: error: four\n    x\n    ^\n",
		"all of them, in order, names and messages harmless");
	source_report_free(&r);
}

static size_t count(struct span s, const char *what)
{
	size_t n = 0;

	for (; s.n; s = span_skip(s, 1))
		n += span_starts(s, what);
	return n;
}

static void test_bounds(void)
{
	static char long_text[3000];
	struct source src = {"f", span_cstr("x")};
	struct source_pos at = {&src, 1, 1};
	struct source_report r;

	memset(long_text, 'y', sizeof long_text - 1);
	source_report_init(&r);
	for (int i = 0; i < 2000; i++)
		(void)source_say(&r, SOURCE_WARNING, at, "w %s", long_text);
	tap_int(r.warnings, 2000, "all warnings are counted");
	tap_ok(r.text.n > SOURCE_REPORT_BYTES / 4 && r.text.n <= SOURCE_REPORT_BYTES / 2 + 100, "warnings fill half of it");
	tap_int((long long)count(buf_span(&r.text), "yyy...\n"), (long long)count(buf_span(&r.text), ": warning: "), "what is too long ends in dots");
	tap_int((long long)count(buf_span(&r.text), "(there is more"), 1, "that there is more is said once");
	for (int i = 0; i < 1000; i++)
		(void)source_say(&r, SOURCE_ERROR, at, "e %d", i);
	tap_int(r.errors, 1000, "all errors are counted");
	tap_int((long long)count(buf_span(&r.text), ": error: "), SOURCE_ERRORS_MAX, "so many are said");
	tap_int((long long)count(buf_span(&r.text), "(there is more"), 2, "and again that there is more");
	tap_ok(!r.text.failed && r.text.p[r.text.n - 1] == '\n', "the report is whole");
	tap_str(r.first, "f:1:1: error: e 0", "the first error");
	source_report_free(&r);

	source_report_init(&r);
	for (int i = 0; i < SOURCE_ERRORS_MAX + 10; i++)
		(void)source_say(&r, SOURCE_ERROR, at, "%s", long_text);
	tap_ok(!r.text.failed && r.text.n <= SOURCE_REPORT_BYTES, "long errors stay below the limit");
	tap_int((long long)strlen(r.first), ERR_TEXT_BYTES - 1, "a long first error is cut");
	tap_str(r.first + strlen(r.first) - 4, "y...", "and shows it");
	source_report_free(&r);
}

static void test_relative(void)
{
	static const struct {
		const char *base, *name, *want;
	} cases[] = {
		{"in.policy", "lists/x.tn", "lists/x.tn"},
		{"conf/in.policy", "lists/x.tn", "conf/lists/x.tn"},
		{"/etc/stir/in.policy", "x", "/etc/stir/x"},
		{"/in.policy", "x", "/x"},
		{"conf/in.policy", "/srv/x", "/srv/x"},
		{"conf/in.policy", "../x", "conf/../x"},
		{"", "x", "x"},
	};
	struct arena *a = arena_new(1 << 16);

	if (!a)
		tap_bail("no memory");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		tap_str(source_relative(a, cases[i].base, span_cstr(cases[i].name)), cases[i].want, "%s from %s", cases[i].name, cases[i].base);
	arena_free(a);
	a = arena_new(8);
	tap_ok(a && !source_relative(a, "conf/in.policy", span_cstr("a-name-without-room")), "NULL without memory");
	arena_free(a);
}

int main(void)
{
	test_say();
	test_severities();
	test_bounds();
	test_relative();
	return tap_done();
}
