/*
 * Tables of the operator's: what is a field, what a comment, and where it is wrong.
 */
#include "config.h"

#include "engine/csv.h"

#include "core/buf.h"
#include "tests/lib/tap.h"

static void expect(const char *text, const char *fields)
{
	struct csv c;
	struct err e;
	struct buf got;
	int rc;

	err_clear(&e);
	buf_init(&got, 4096);
	csv_init(&c, "t", span_cstr(text));
	while ((rc = csv_next(&c, &e)) == 1) {
		for (size_t i = 0; i < c.n; i++)
			(void)buf_printf(&got, "%s[%.*s]", i ? "" : got.n ? " " : "", SPAN_ARG(c.field[i]));
	}
	if (rc == -1)
		(void)buf_printf(&got, "%s%s", got.n ? " " : "", e.text);
	tap_span_is(buf_span(&got), fields, "%.*s", (int)strcspn(text, "\n"), text);
	buf_free(&got);
}

static void heading(void)
{
	static const char *const names[] = {"who", "numbers"};
	struct csv c;
	struct err e;

	csv_init(&c, "t", span_cstr("Who, NUMBERS\nwho,other\nwho,numbers,more\n"));
	tap_ok(csv_next(&c, &e) == 1 && csv_is_heading(&c, names, 2), "a heading in any case");
	tap_ok(csv_next(&c, &e) == 1 && !csv_is_heading(&c, names, 2), "another name");
	tap_ok(csv_next(&c, &e) == 1 && !csv_is_heading(&c, names, 2), "one field more");
	tap_int(csv_next(&c, &e), 0, "the end");
	tap_int(csv_next(&c, &e), 0, "and again");
}

/* A heading in front of the first row is no row; after that it is one. */
static void rows(void)
{
	static const char *const names[] = {"who", "numbers"};
	struct csv c;
	struct err e;

	csv_init(&c, "t", span_cstr("# x\nWho, NUMBERS\na,b\nwho,numbers\n"));
	tap_ok(csv_next_row(&c, names, 2, &e) == 1 && span_is(c.field[0], "a"), "the heading is passed over");
	tap_ok(csv_next_row(&c, names, 2, &e) == 1 && c.line == 4, "the same words further down are a row");
	tap_int(csv_next_row(&c, names, 2, &e), 0, "the end");
}

int main(void)
{
	static char wide[CSV_FIELD_BYTES + 32];

	expect("", "");
	expect("a,b\n", "[a][b]");
	expect("\xef\xbb\xbf" "a,b\r\nc,d", "[a][b] [c][d]");
	expect("  # nothing\n\n\t\n a , b\t,\n", "[a][b][]");
	expect("a#b,c # no more, at all\n", "[a#b][c]");
	expect("\"a, b\",\"say \"\"no\"\"\" , c", "[a, b][say \"no\"][c]");
	expect("\"\",x", "[][x]");
	expect("a,b\nc,\"d", "[a][b] t:2:4: the closing quote is missing");
	expect("\"a\" b,c", "t:1:5: a comma is missing");
	expect("1,2,3,4,5,6,7,8", "[1][2][3][4][5][6][7][8]");
	expect("1,2,3,4,5,6,7,8,9", "t:1:17: too many fields");
	memset(wide, 'w', CSV_FIELD_BYTES + 1);
	expect(wide, "t:1:1: the field is too long");
	wide[0] = '"';
	memcpy(wide + CSV_FIELD_BYTES + 1, "w\"", 3);
	expect(wide, "t:1:2: the field is too long");
	heading();
	rows();
	return tap_done();
}
