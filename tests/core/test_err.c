/* Errors: texts, prefixes, cutting, exit statuses. */
#include "config.h"

#include "core/err.h"

#include <sysexits.h>

#include "tests/lib/tap.h"

static void test_text(void)
{
	struct err e = {0};

	tap_int(err_set(&e, ERR_DATA, "%s: line %d", "a.conf", 3), -1, "set returns -1");
	tap_int(e.code, ERR_DATA, "code");
	tap_str(e.text, "a.conf: line 3", "text");
	tap_int(err_prefix(&e, "while reading %s", "x"), -1, "prefix returns -1");
	tap_str(e.text, "while reading x: a.conf: line 3", "prefix and text");
	tap_int(e.code, ERR_DATA, "code stays");
	err_set(&e, ERR_OS, "again: %s", e.text);
	tap_str(e.text, "again: while reading x: a.conf: line 3", "its own text as argument");
	err_prefix(&e, "%s", e.text);
	tap_ok(span_starts(span_cstr(e.text), "again: while"), "its own text as prefix");
	err_clear(&e);
	tap_ok(e.code == ERR_NONE && !e.text[0], "clear");
	err_set(&e, ERR_DATA, "a\nb\rc\td\x7F\x1B[1m");
	tap_str(e.text, "a b c d  [1m", "no control characters");
	err_set(&e, ERR_DATA, "Zo\xC3\xAB");
	tap_str(e.text, "Zo\xC3\xAB", "UTF-8 stays");
}

static void test_none(void)
{
	tap_int(err_set(NULL, ERR_DATA, "x"), -1, "no err to fill");
	tap_int(err_prefix(NULL, "x"), -1, "no err to prefix");
	err_clear(NULL);
}

static void test_cut(void)
{
	struct err e = {0};

	err_set(&e, ERR_DATA, "%*d", ERR_TEXT_BYTES - 1, 7);
	tap_int((long long)strlen(e.text), ERR_TEXT_BYTES - 1, "as long as there is room");
	tap_ok(e.text[ERR_TEXT_BYTES - 2] == '7', "not cut");
	err_set(&e, ERR_DATA, "%*d", ERR_TEXT_BYTES, 7);
	tap_int((long long)strlen(e.text), ERR_TEXT_BYTES - 1, "one more");
	tap_str(e.text + ERR_TEXT_BYTES - 4, "...", "is cut, visibly");
	err_prefix(&e, "%*d", 2 * ERR_TEXT_BYTES, 7);
	tap_int((long long)strlen(e.text), ERR_TEXT_BYTES - 1, "a prefix too long");
	tap_str(e.text + ERR_TEXT_BYTES - 4, "...", "is cut, visibly");
}

static void test_status(void)
{
	static const struct {
		enum err_code code;
		int status;
	} t[] = {
		{ERR_NONE, 0}, {ERR_USAGE, 64}, {ERR_DATA, 65}, {ERR_NOINPUT, 66}, {ERR_UNAVAILABLE, 69},
		{ERR_BUG, 70}, {ERR_OS, 71}, {ERR_RIGHTS, 77}, {ERR_CONFIG, 78},
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		tap_int(err_exit_status(t[i].code), t[i].status, "status of code %d", (int)t[i].code);
}

int main(void)
{
	test_text();
	test_none();
	test_cut();
	test_status();
	return tap_done();
}
