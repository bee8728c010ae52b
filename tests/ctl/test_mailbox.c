/*
 * Reading mailboxes: where messages begin and end, what a milter would get of
 * them, and writing them back.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/mailbox.h"
#include "tests/lib/tap.h"

#define FROM_LINE "From a@b.example Tue Nov 24 16:00:05 2026\n"

static void collect(void *arg, const void *p, size_t n)
{
	buf_put(arg, p, n);
}

/* "Name=value|" of each field, then "#" and the body as pushed. */
static void describe(const struct mail *m, struct buf *out)
{
	struct span rest = m->text;
	struct mail_field f;
	struct buf value;

	buf_init(&value, 4096);
	while (mail_field_next(&rest, &f)) {
		tap_ok(mail_value(&value, &f) == 0, "a value");
		buf_printf(out, "%.*s=%.*s|", SPAN_ARG(f.name), SPAN_ARG(buf_span(&value)));
	}
	buf_putc(out, '#');
	mail_body_push(m, mail_body(rest), collect, out);
	buf_free(&value);
}

/* All messages of the text, as described, separated by "~"; "!" for one that is none. */
static void read_all(const char *text, size_t n, struct buf *out)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, n, "rb");
	struct mailbox *mb = in ? mailbox_from_stream("test", in) : NULL;
	struct mail m;
	struct err e;
	int rc;

	if (!mb)
		tap_bail("no stream");
	while ((rc = mailbox_next(mb, &m, &e)) != 0) {
		if (rc > 0)
			describe(&m, out);
		else
			buf_putc(out, '!');
		buf_putc(out, '~');
	}
	mailbox_close(mb);
	fclose(in);
}

static const struct {
	const char *what, *text, *want;
} cases[] = {
	{"one message", "A: b\nC: d\n\nbody\n", "A=b|C=d|#body\r\n~"},
	{"CRLF line ends", "A: b\r\nC: d\r\n\r\nbody\r\n", "A=b|C=d|#body\r\n~"},
	{"no space after the colon, several spaces", "A:b\nC:   d\nE:\n\n", "A=b|C=  d|E=|#~"},
	{"a tab after the colon stays", "A:\tb\n\n", "A=\tb|#~"},
	{"folds stay, with LF", "A: b\r\n\tc\r\n d\r\n\r\n", "A=b\n\tc\n d|#~"},
	{"a fold of blanks only", "A: b\n \nC: d\n\nx\n", "A=b\n |C=d|#x\r\n~"},
	{"blanks before the colon are no part of the name", "Subject \t: x\n\n", "Subject=x|#~"},
	{"From with a blank before its colon is a field", "From : x\n\ny\n", "From=x|#y\r\n~"},
	{"a line that is no field begins the body", "A: b\nhello there\nC: d\n\nx\n", "A=b|#hello there\r\nC: d\r\n\r\nx\r\n~"},
	{"no body, no empty line", "A: b\n", "A=b|#~"},
	{"no line end at all", "A: b", "A=b|#~"},
	{"the last line gets its end", "A: b\n\nx", "A=b|#x\r\n~"},
	{"lone CR stays, CR before CRLF too", "A: b\n\nx\ry\r\r\nz\n", "A=b|#x\ry\r\r\nz\r\n~"},
	{"empty lines of the body", "A: b\n\n\n\nx\n\n", "A=b|#\r\n\r\nx\r\n\r\n~"},
	{"one message: quotes are not undone", "A: b\n\n>From x\nFrom y\n", "A=b|#>From x\r\nFrom y\r\n~"},
	{"an mbox of one", FROM_LINE "A: b\n\nx\n\n", "A=b|#x\r\n~"},
	{"an mbox of two", FROM_LINE "A: b\n\nx\n\n" FROM_LINE "C: d\n\ny\n\n", "A=b|#x\r\n~C=d|#y\r\n~"},
	{"an mbox with CRLF", "From a 1:00 16:00:05\r\nA: b\r\n\r\nx\r\n\r\nFrom c 16:00:05\r\nC: d\r\n\r\ny\r\n", "A=b|#x\r\n~C=d|#y\r\n~"},
	{"only one empty line is the mbox's", FROM_LINE "A: b\n\nx\n\n\n" FROM_LINE "C: d\n\ny\n", "A=b|#x\r\n\r\n~C=d|#y\r\n~"},
	{"mboxrd quotes", FROM_LINE "A: b\n\n>From x\n>>From y\n>>>From z\n>Fromage\n> From\n", "A=b|#From x\r\n>From y\r\n>>From z\r\n>Fromage\r\n> From\r\n~"},
	{"From without an empty line before it is text", FROM_LINE "A: b\n\nx\n" FROM_LINE "y\n", "A=b|#x\r\nFrom a@b.example Tue Nov 24 16:00:05 2026\r\ny\r\n~"},
	{"From without a time is text", FROM_LINE "A: b\n\nx\n\nFrom here on\n", "A=b|#x\r\n\r\nFrom here on\r\n~"},
	{"a header without a body in an mbox", FROM_LINE "A: b\n\n" FROM_LINE "C: d\n\n", "A=b|#~C=d|#~"},
	{"a quoted From_ line on top", ">From a@b 16:00\nA: b\n\nx\n", "A=b|#x\r\n~"},
	{"one that is no message, between two", FROM_LINE "A: b\n\nx\n\n" FROM_LINE "no mail\n\n" FROM_LINE "C: d\n\ny\n", "A=b|#x\r\n~!~C=d|#y\r\n~"},
	{"text that is no mail", "hello there\n", "!~"},
	{"an empty line first", "\nA: b\n\n", "!~"},
	{"a From_ line and nothing else", FROM_LINE, "!~"},
	{"a fold first", " A: b\n\n", "!~"},
	{"a name with 8-bit octets is none", "\xc3\xa4: b\n\n", "!~"},
};

static void test_cases(void)
{
	struct buf got;

	buf_init(&got, 1 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_reset(&got);
		read_all(cases[i].text, strlen(cases[i].text), &got);
		tap_span_is(buf_span(&got), cases[i].want, "%s", cases[i].what);
	}
	buf_reset(&got);
	read_all("A: b\n\nx\0y\n", 10, &got);
	tap_span(buf_span(&got), span_make("A=b|#x\0y\r\n~", 11), "NUL in a body stays");
	buf_free(&got);
}

/* A line longer than any block, and a boundary at each place around a block's end. */
static void test_blocks(void)
{
	enum { BLOCK = 65536 };
	size_t n = 3 * BLOCK;
	char *text = malloc(n + 256);
	struct buf got;
	bool good = true;

	if (!text)
		tap_bail("out of memory");
	buf_init(&got, 1 << 20);
	memset(text, 'x', n);
	memcpy(text, "A: b\n\n", 6);
	read_all(text, n, &got);
	tap_int((long long)got.n, (long long)(5 + n - 6 + 3), "a line of three blocks is whole");
	for (size_t at = BLOCK - 60; at < BLOCK + 10; at++) {
		memset(text, 'x', at);
		memcpy(text, FROM_LINE "A: b\n\n", sizeof(FROM_LINE) - 1 + 6);
		memcpy(text + at, "\n\n" FROM_LINE "C: d\n\ny\n", sizeof("\n\n" FROM_LINE "C: d\n\ny\n"));
		buf_reset(&got);
		read_all(text, strlen(text), &got);
		good = good && got.n > 12 && memcmp(got.p + got.n - 13, "x\r\n~C=d|#y\r\n~", 13) == 0;
	}
	tap_ok(good, "boundaries around a block's end are seen");
	free(text);
	buf_free(&got);
}

static void test_too_large(void)
{
	FILE *f = tmpfile();
	struct mailbox *mb = f ? mailbox_from_stream("big", f) : NULL;
	struct mail m;
	struct err e;
	char block[65536];

	if (!mb)
		tap_bail("no file");
	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = '\n';
	fputs(FROM_LINE "A: b\n\n", f);
	for (int i = 0; i <= MAILBOX_MESSAGE_MAX / (int)sizeof(block); i++)
		fwrite(block, 1, sizeof(block), f);
	fputs("\n" FROM_LINE "C: d\n\ny\n", f);
	rewind(f);
	err_clear(&e);
	tap_int(mailbox_next(mb, &m, &e), -1, "a message over the limit is refused");
	tap_int(e.code, ERR_DATA, "as data");
	tap_int(mailbox_next(mb, &m, &e), 1, "the one after it is read");
	tap_int((long long)m.index, 2, "and counted");
	tap_int(mailbox_next(mb, &m, &e), 0, "then the end");
	mailbox_close(mb);
	fclose(f);
}

static void test_write(void)
{
	static const char raw[] = FROM_LINE "A: 1\r\nB: 2\r\n x\r\nA: 3\r\nC: 4\r\na: 5\r\nA: 6\r\nc: 7\r\n\r\n>From y\r\n\r\n";
	struct edit edit[] = {
		{EDIT_DELETE, span_cstr("a"), span_cstr(""), 4},
		{EDIT_DELETE, span_cstr("a"), span_cstr(""), 2},
		{EDIT_DELETE, span_cstr("C"), span_cstr(""), 2},
		{EDIT_INSERT, span_cstr("Low"), span_cstr("v"), 0},
		{EDIT_INSERT, span_cstr("Top"), span_cstr("one\n two"), 0},
	};
	struct verdict v = {.edit = edit, .nedit = 5}, none = {0};
	struct mail m = {.file = "t", .index = 1, .raw = span_cstr(raw), .mbox = true};
	char *p = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&p, &n);
	struct err e;

	if (!out)
		tap_bail("no stream");
	mail_set_text(&m);
	tap_ok(mail_write(&m, &v, out, &e) == 0 && fflush(out) == 0, "written");
	tap_span_is(span_make(p, n), FROM_LINE "Top: one\r\n two\r\nLow: v\r\nA: 1\r\nB: 2\r\n x\r\nC: 4\r\na: 5\r\n\r\n>From y\r\n\r\n",
		"below the From_ line, with the message's line ends, the rest as it came");
	rewind(out);
	tap_ok(mail_write(&m, &none, out, &e) == 0 && fclose(out) == 0, "written without edits");
	tap_span_is(span_make(p, n), raw, "octet for octet");
	free(p);
}

static int count_folder(const char *rel, enum mailbox_kind kind)
{
	char path[4096];
	struct mailbox *mb;
	struct mail m;
	struct err e;
	int n = 0, rc;

	err_clear(&e);
	if (mailbox_open(tap_srcpath(path, sizeof(path), rel), &mb, &e)) {
		tap_note("%s", e.text);
		return -1;
	}
	tap_int(mailbox_kind(mb), kind, "%s: its kind", rel);
	while ((rc = mailbox_next(mb, &m, &e)) != 0) {
		n += rc > 0;
		if (rc < 0)
			tap_note("%s", e.text);
	}
	mailbox_close(mb);
	return n;
}

static void test_places(void)
{
	struct mailbox *mb;
	struct mail m;
	struct err e;
	char path[4096];

	tap_int(count_folder("tests/mailboxes/three.mbox", MAILBOX_FILE), 3, "an mbox of three");
	tap_int(count_folder("tests/mailboxes/mm4-related.eml", MAILBOX_FILE), 1, "a message");
	tap_int(count_folder("tests/mailboxes/maildir", MAILBOX_MAILDIR), 2, "a Maildir of two");
	tap_int(count_folder("tests/mailboxes", MAILBOX_FOLDER), 9, "a folder of messages and mboxes");
	tap_int(mailbox_open("no/such/file", &mb, &e), -1, "a file that isn't there");
	tap_int(e.code, ERR_NOINPUT, "is no input");
	tap_int(mailbox_open(tap_srcpath(path, sizeof(path), "tests/mailboxes/maildir/tmp"), &mb, &e), -1, "a folder without messages");
	tap_int(e.code, ERR_NOINPUT, "is no input either");
	if (mailbox_open(tap_srcpath(path, sizeof(path), "tests/mailboxes/rubbish.mbox"), &mb, &e))
		tap_bail("%s", e.text);
	tap_int(mailbox_next(mb, &m, &e), -1, "binary data is no mail");
	tap_int(e.code, ERR_DATA, "but bad data");
	tap_ok(strstr(e.text, "rubbish.mbox") && strstr(e.text, "binary data"), "and it is said which file, and what was found: %s", e.text);
	tap_int(mailbox_next(mb, &m, &e), 0, "then the end");
	mailbox_close(mb);
}

int main(void)
{
	test_cases();
	test_blocks();
	test_too_large();
	test_write();
	test_places();
	return tap_done();
}
