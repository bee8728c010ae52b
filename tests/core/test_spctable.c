/* Tables of providers' numbers: what may stand in one, what each mistake is called, and what they answer. */
#include "config.h"

#include "core/spctable.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/lib/tap.h"

static struct spctable *table(const char *csv)
{
	struct spctable *t;
	struct err e;

	if (spctable_parse("t", span_cstr(csv), &t, &e))
		tap_bail("%s: %s", csv, e.text);
	return t;
}

static struct tn number(const char *digits)
{
	struct tn t;

	if (tn_from_claim(span_cstr(digits), &t))
		tap_bail("%s", digits);
	return t;
}

static enum spctable_answer look(const struct spctable *t, const char *spc, const char *digits, uint64_t count)
{
	struct tn n = number(digits);

	return spctable_look_range(t, span_cstr(spc), &n, count);
}

/* --- reading -------------------------------------------------------------------- */

static const struct {
	const char *csv;
	size_t rows, providers;
} good[] = {
	{"", 0, 0},
	{"# nothing\n\n  \t\n", 0, 0},
	{"spc,start,count\n", 0, 0},
	{"1234,15551230000,10000", 1, 1},
	{"1234,15551230000,10000\n", 1, 1},
	{"\xef\xbb\xbfspc,start,count\r\n1234,+15551230000,10000\r\n818H,15551240000,1\r\n", 2, 2},
	{"# first\nSPC , Start , Count\n 1234\t, 15551230000 ,10000   # a block\n", 1, 1},
	{"\"1234\",\"15551230000\",\"10000\"\n", 1, 1},
	{"\"a,b\"\"c\",15551230000,1 #x\n", 1, 1},
	{"a#b,15551230000,1#x\n", 1, 1},
	{"1,0,10\n1,10,90\n", 2, 1},
	{"1,999999999999999,1\n", 1, 1},
	{"1,000000000000000,999999999999999\n", 1, 1},
	{"1,100,10\n1,105,10\n1,100,10\n", 3, 1},
	/* As many digits, or it is another number. */
	{"1,100,10\n2,0100,10\n", 2, 2},
	{"12345678901234567890123456789012,5,1", 1, 1}, /* LIMIT_SPC_BYTES */
};

static const struct {
	const char *csv, *why;
} bad[] = {
	{"1234", "t:1:5: a line is"},
	{"1234,15551230000", "t:1:17: a line is"},
	{"1234,15551230000,10000,x", "t:1:23: more than"},
	{"\n1234;15551230000;10000", "t:2:23: a line is"},
	{",15551230000,10000", "t:1:1: the SPC is empty"},
	{"\"\",15551230000,10000", "t:1:2: the SPC is empty"},
	{"123456789012345678901234567890123,5,1", "t:1:1: the SPC is too long"}, /* and one more */
	{"12\xc3\xa9,5,1", "t:1:3: the SPC is not printable"},
	{"1,,1", "t:1:3: start is not"},
	{"1,+,1", "t:1:4: start is not"},
	{"1,1555-123,1", "t:1:7: start is not"},
	{"1,*67,1", "t:1:3: start is not"},
	{"1,1234567890123456,1", "t:1:3: start is not"},
	{"1,100,", "t:1:7: count is not"},
	{"1,100,0", "t:1:7: count is 0"},
	{"1,100,-1", "t:1:7: count is not"},
	{"1,100,1e3", "t:1:8: count is not"},
	{"1,100,1.5", "t:1:8: count is not"},
	{"1,100,9999999999999999", "t:1:7: count is not"},
	{"1,100,901", "t:1:7: the range runs past"},
	{"1,999999999999999,2", "t:1:19: the range runs past"},
	{"\"1,100,1", "t:1:1: a quote that is not closed"},
	{"\"1\"x,100,1", "t:1:4: a line is"},
	{"1\"x,100,1", "t:1:2: a quote inside"},
	{"1,100,1\rx", "t:1:8: a control character"},
	{"1,100,1\n2,\x01,1", "t:2:3: a control character"},
	/* Only the first line is a heading. */
	{"1,100,1\nspc,start,count", "t:2:5: start is not"},
	{"spc,start,count\nspc,start,count", "t:2:5: start is not"},
	/* Both lines are named, the later one first. */
	{"1,100,10\n2,109,1\n", "t:2:1: numbers of \"2\" are in a range of \"1\" too, line 1"},
	{"2,109,1\n#\n1,100,10\n", "t:3:1: numbers of \"1\" are in a range of \"2\" too, line 1"},
	{"1,100,10\n1,200,10\n1,150,100\n2,205,1\n", "t:4:1: numbers of \"2\" are in a range of \"1\" too, line 3"},
	{"1,100,100\n1,110,5\n2,150,1\n", "t:3:1: numbers of \"2\" are in a range of \"1\" too, line 1"},
	{"1,100,1\n2,100,1\n", "t:2:1: numbers of \"2\" are in a range of \"1\" too, line 1"},
};

static void reading(void)
{
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct spctable *t = table(good[i].csv);

		tap_int((long long)spctable_count(t), (long long)good[i].rows, "good %zu: ranges", i);
		tap_int((long long)spctable_providers(t), (long long)good[i].providers, "good %zu: providers", i);
		spctable_unref(t);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct spctable *t = (struct spctable *)&t;
		struct err e;

		err_clear(&e);
		tap_ok(spctable_parse("t", span_cstr(bad[i].csv), &t, &e) == -1 && !t, "bad %zu is refused", i);
		tap_ok(strncmp(e.text, bad[i].why, strlen(bad[i].why)) == 0 && e.code == ERR_DATA, "%s (want: %s)", e.text, bad[i].why);
	}
	spctable_unref(NULL);
}

static void octets(void)
{
	struct spctable *t;
	struct err e;

	tap_int(spctable_parse("t", span_make("1\0,5,1", 6), &t, &e), -1, "NUL: %s", e.text);
	tap_int(spctable_parse("t", span_make(NULL, 0), &t, &e), 0, "no octets at all");
	tap_int(spctable_look(t, span_cstr("1"), &(struct tn){.digits = "5", .n = 1}), SPCTABLE_UNKNOWN, "an empty table knows nobody");
	spctable_unref(t);
}

/* --- asking ------------------------------------------------------------------------ */

static void asking(void)
{
	struct spctable *t = table("A,15551230000,10000\nA,15551240000,10\nB,15551240010,10\na,0,5\nA,100,900\nB,99,1");

	tap_int(look(t, "A", "15551230000", 1), SPCTABLE_COVERS, "the first");
	tap_int(look(t, "A", "15551239999", 1), SPCTABLE_COVERS, "the last");
	tap_int(look(t, "A", "15551229999", 1), SPCTABLE_OUTSIDE, "one below");
	tap_int(look(t, "A", "15551240009", 1), SPCTABLE_COVERS, "the last of the range that touches");
	tap_int(look(t, "A", "15551240010", 1), SPCTABLE_OUTSIDE, "another provider's");
	tap_int(look(t, "B", "15551240010", 1), SPCTABLE_COVERS, "which has it");
	tap_int(look(t, "A", "15551239990", 20), SPCTABLE_COVERS, "a stretch over two ranges that touch");
	tap_int(look(t, "A", "15551230000", 10010), SPCTABLE_COVERS, "all of both");
	tap_int(look(t, "A", "15551230000", 10011), SPCTABLE_OUTSIDE, "one more");
	tap_int(look(t, "A", "15551230000", UINT64_MAX), SPCTABLE_OUTSIDE, "far too many");
	tap_int(look(t, "A", "15551230000", 0), SPCTABLE_OUTSIDE, "none at all");
	tap_int(look(t, "A", "999", 1), SPCTABLE_COVERS, "the last number of three digits");
	tap_int(look(t, "A", "999", 2), SPCTABLE_OUTSIDE, "there is no next one");
	tap_int(look(t, "A", "0999", 1), SPCTABLE_OUTSIDE, "four digits are other numbers");
	tap_int(look(t, "A", "#99", 1), SPCTABLE_OUTSIDE, "no number of digits");
	tap_int(look(t, "C", "15551230000", 1), SPCTABLE_UNKNOWN, "a stranger");
	tap_int(look(t, "", "15551230000", 1), SPCTABLE_UNKNOWN, "no SPC");
	tap_int(look(t, "a", "4", 1), SPCTABLE_COVERS, "case counts");
	tap_int(look(t, "a", "15551230000", 1), SPCTABLE_OUTSIDE, "in both directions");
	tap_int(look(NULL, "A", "15551230000", 1), SPCTABLE_UNKNOWN, "no table");
	spctable_unref(t);
}

static void lists(void)
{
	static const struct {
		const char *list, *start;
		uint64_t count;
		enum spctable_answer want;
	} cases[] = {
		{"spc:A", "15551230000", 100, SPCTABLE_COVERS},
		{"spc:A", "15551230000", 101, SPCTABLE_OUTSIDE},
		{"spc:A,spc:B", "15551230000", 101, SPCTABLE_COVERS},
		{"spc:B,spc:A", "15551230000", 300, SPCTABLE_COVERS},
		{"spc:B,spc:A", "15551230000", 301, SPCTABLE_OUTSIDE},
		{"spc:A,spc:C", "15551230000", 200, SPCTABLE_OUTSIDE},
		{"spc:A,spc:B,spc:X", "15551230000", 301, SPCTABLE_UNKNOWN},
		{"spc:X,spc:A", "15551230000", 1, SPCTABLE_COVERS},
		{"spc:X", "15551230000", 1, SPCTABLE_UNKNOWN},
		{"tn:+15551230000", "15551230000", 1, SPCTABLE_OUTSIDE},
		{"spc:A", "*67", 1, SPCTABLE_OUTSIDE},
	};
	struct spctable *t = table("A,15551230000,100\nB,15551230100,100\nA,15551230200,100\nC,15551230300,9\n");

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tn n = number(cases[i].start);
		struct tnauthlist *l;

		if (tnauthlist_from_text(span_cstr(cases[i].list), &l, NULL))
			tap_bail("%s", cases[i].list);
		tap_int(spctable_look_list(t, l, &n, cases[i].count), cases[i].want, "%s: %s and %llu on", cases[i].list, cases[i].start,
			(unsigned long long)cases[i].count);
		tap_int(spctable_look_list(NULL, l, &n, cases[i].count), tnauthlist_spc(l).n ? SPCTABLE_UNKNOWN : SPCTABLE_OUTSIDE,
			"without a table");
		tnauthlist_free(l);
	}
	tap_int(spctable_look_list(t, NULL, &(struct tn){.digits = "5", .n = 1}, 1), SPCTABLE_OUTSIDE, "no list");
	spctable_unref(t);
}

/* --- many ------------------------------------------------------------------------------ */

enum { SPACE = 5000, RANGES = 1000, PROVIDERS = 40 };

/* A disordered table against a plain array. */
static void model(void)
{
	static int owner[SPACE];
	struct buf csv;
	struct spctable *t;
	unsigned seed = 7;
	int wrong = 0;

	memset(owner, -1, sizeof owner);
	buf_init(&csv, 1 << 20);
	for (int i = 0; i < RANGES; i++) {
		unsigned start, count, who;
		bool free_for = true;

		seed = seed * 1103515245 + 12345;
		start = (seed >> 8) % (SPACE - 40);
		count = 1 + (seed >> 3) % 40;
		who = (seed >> 20) % PROVIDERS;
		for (unsigned k = start; k < start + count; k++)
			free_for = free_for && (owner[k] < 0 || owner[k] == (int)who);
		if (!free_for)
			continue;
		for (unsigned k = start; k < start + count; k++)
			owner[k] = (int)who;
		buf_printf(&csv, "P%u,1555%04u,%u\n", who, start, count);
	}
	t = table(csv.p);
	for (unsigned k = 0; k < SPACE; k++) {
		char digits[16], spc[8];

		snprintf(digits, sizeof digits, "1555%04u", k);
		for (int who = 0; who < PROVIDERS; who++) {
			snprintf(spc, sizeof spc, "P%d", who);
			wrong += (look(t, spc, digits, 1) == SPCTABLE_COVERS) != (owner[k] == who);
		}
	}
	tap_int(wrong, 0, "%zu ranges answer as a plain array does", spctable_count(t));
	spctable_unref(t);
	buf_free(&csv);
}

/* As many providers as ranges; and one range more than is allowed. */
static void limits(void)
{
	struct spctable *t;
	struct buf csv;
	struct err e;

	buf_init(&csv, LIMIT_TABLE_BYTES);
	for (int i = 0; i < LIMIT_SPC_RANGES; i++)
		buf_printf(&csv, "%x,1%07d,1\n", i, LIMIT_SPC_RANGES - i);
	if (csv.failed)
		tap_bail("no memory");
	tap_int(spctable_parse("t", buf_span(&csv), &t, &e), 0, "as many ranges as allowed");
	tap_int((long long)spctable_providers(t), LIMIT_SPC_RANGES, "each of another provider");
	tap_int(look(t, "1e847f", "10000001", 1), SPCTABLE_COVERS, "the last one");
	tap_int(look(t, "0", "12000000", 1), SPCTABLE_COVERS, "the first one");
	tap_int(look(t, "1", "12000000", 1), SPCTABLE_OUTSIDE, "not the second");
	spctable_unref(t);
	buf_puts(&csv, "x,0,1\n");
	tap_int(spctable_parse("t", buf_span(&csv), &t, &e), -1, "one more is refused: %s", e.text);
	tap_str(e.text, "t:2000001:1: too many ranges", "and says so");
	buf_free(&csv);
}

int main(void)
{
	reading();
	octets();
	asking();
	lists();
	model();
	limits();
	return tap_done();
}
