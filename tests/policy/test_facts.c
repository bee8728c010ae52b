/* Values of facts: set, listed, hidden, printed. */
#include "config.h"

#include "policy/facts.h"

#include <stdio.h>

#include "core/buf.h"
#include "tests/lib/tap.h"

static struct arena *arena;

static void printed(enum fact_id id, const struct facts_value *v, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	facts_print_value(&b, id, v);
	tap_span_is(buf_span(&b), want, "%s is written %s", fact_row(id)->name, want);
	buf_free(&b);
}

static void test_one(void)
{
	struct facts f;
	size_t n;

	facts_init(&f, arena);
	for (unsigned i = 0; i < FACT_N; i++)
		if (facts_present(&f, (enum fact_id)i))
			tap_ok(false, "%s is absent at first", fact_row((enum fact_id)i)->name);
	facts_set_num(&f, FACT_RCPT_COUNT, 3);
	facts_set_num(&f, FACT_RCPT_COUNT, 4);
	tap_int(facts_values(&f, FACT_RCPT_COUNT, &n)->num, 4, "setting again replaces");
	tap_int((long long)n, 1, "one value");
	facts_set_num(&f, FACT_PASSPORT_AGE, -5);
	tap_int(facts_values(&f, FACT_PASSPORT_AGE, &n)->num, -5, "a duration may be negative");
	tap_ok(!f.incomplete, "nothing is missing");
	facts_set_num(&f, FACT_RCPT_COUNT, -1);
	tap_ok(!facts_present(&f, FACT_RCPT_COUNT) && f.incomplete, "a count may not");
	facts_set_num(&f, FACT_VERIFY, 6);
	tap_ok(!facts_present(&f, FACT_VERIFY), "nor is there a seventh word of verify");
	facts_set_num(&f, FACT_VERIFY, -1);
	tap_ok(!facts_present(&f, FACT_VERIFY), "nor one before the first");
	facts_set_text(&f, FACT_SUBJECT, span_cstr(""));
	tap_ok(facts_present(&f, FACT_SUBJECT), "an empty text is there");
	facts_clear(&f, FACT_SUBJECT);
	tap_ok(!facts_present(&f, FACT_SUBJECT), "and can be taken away");
	facts_incomplete(&f, "second");
	tap_span_is(f.incomplete_why, "a value is none of its fact", "the first why stays");
}

static void test_list(void)
{
	struct facts f;
	size_t n;
	char text[FACTS_LIST_MAX + 1][8];

	facts_init(&f, arena);
	facts_empty(&f, FACT_URL_HOST);
	tap_ok(!facts_present(&f, FACT_URL_HOST) && f.cell[FACT_URL_HOST].set, "known to have none");
	for (int i = 0; i <= FACTS_LIST_MAX; i++) {
		int k = snprintf(text[i], sizeof text[i], "h%d", i);

		facts_add_text(&f, FACT_URL_HOST, span_make(text[i], (size_t)k));
		if (i == FACTS_LIST_MAX - 1)
			tap_ok(!f.incomplete, "room for as many as are allowed");
	}
	tap_ok(f.incomplete, "one more is said");
	(void)facts_values(&f, FACT_URL_HOST, &n);
	tap_int((long long)n, FACTS_LIST_MAX, "and not kept");
	tap_span_is(facts_values(&f, FACT_URL_HOST, &n)[999].text, "h999", "in order");
	facts_empty(&f, FACT_URL_HOST);
	tap_ok(!facts_present(&f, FACT_URL_HOST), "emptied");
}

static void test_hidden(void)
{
	struct facts f;
	size_t n;

	facts_init(&f, arena);
	facts_set_hidden(&f, FACT_ORIG_TN, span_cstr("~00ff"));
	facts_set_hidden(&f, FACT_RCPT_TN, span_cstr("~01"));
	facts_set_hidden(&f, FACT_RCPT_TN, span_cstr("~02"));
	tap_ok(facts_present(&f, FACT_ORIG_TN) && facts_values(&f, FACT_ORIG_TN, &n)->hidden, "a pseudonym is there");
	tap_span_is(facts_values(&f, FACT_RCPT_TN, &n)[1].text, "~02", "lists of them");
	printed(FACT_ORIG_TN, facts_values(&f, FACT_ORIG_TN, &n), "~00ff");
}

static void test_no_memory(void)
{
	struct arena *small = arena_new(64);
	struct facts f;

	facts_init(&f, small);
	for (int i = 0; i < 100; i++)
		facts_add_text(&f, FACT_URL, span_cstr("x"));
	tap_ok(f.incomplete, "without memory the facts are incomplete");
	arena_free(small);
}

static void test_print(void)
{
	static const struct {
		enum fact_id id;
		int64_t num;
		const char *want;
	} t[] = {
		{FACT_VERIFY, 1, "pass"}, {FACT_RCPT_COUNT, 0, "0"}, {FACT_RCPT_COUNT, 3000, "3000"}, {FACT_RSPAMD_SCORE, 7500, "7.5"},
		{FACT_RSPAMD_SCORE, -10, "-0.01"}, {FACT_RSPAMD_SCORE, 1001, "1.001"}, {FACT_RSPAMD_SCORE, INT64_MIN, "-9223372036854775.808"},
		{FACT_PASSPORT_AGE, 0, "0s"}, {FACT_PASSPORT_AGE, 700, "700s"}, {FACT_PASSPORT_AGE, -60, "-1m"}, {FACT_PASSPORT_AGE, 7200, "2h"},
		{FACT_PASSPORT_AGE, 604800, "7d"}, {FACT_MMS_SIZE, 0, "0"}, {FACT_MMS_SIZE, 1000, "1000"}, {FACT_MMS_SIZE, 600 * 1024, "600k"},
		{FACT_MMS_SIZE, 1 << 30, "1G"}, {FACT_NOW, 1704144600, "21:30"}, {FACT_NOW, -60, "23:59"},
	};
	struct facts_value v = {.num = 0};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		v.num = t[i].num;
		printed(t[i].id, &v, t[i].want);
	}
	v = (struct facts_value){.tn = {"15550100001", 11}};
	printed(FACT_ORIG_TN, &v, "+15550100001");
	v = (struct facts_value){.addr = {{[10] = 0xff, 0xff, 192, 0, 2, 9}}};
	printed(FACT_CLIENT, &v, "192.0.2.9");
	v = (struct facts_value){.addr = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};
	printed(FACT_CLIENT, &v, "2001:db8::1");
	v = (struct facts_value){.text = span_cstr("a \"b\\\n\xc3\xa4\x7f")};
	printed(FACT_SUBJECT, &v, "\"a \\\"b\\\\\\x0A\\xC3\\xA4\\x7F\"");
}

int main(void)
{
	arena = arena_new(1024 * 1024);
	test_one();
	test_list();
	test_hidden();
	test_no_memory();
	test_print();
	arena_free(arena);
	return tap_done();
}
