/*
 * The walk over two texts, and recipes: what stands beside what a path is known to
 * do (tests/ctl/test_probe.py has that), such as texts with nothing in common.
 */
#include "config.h"

#include <stdlib.h>

#include "core/msgi.h"
#include "ctl/probe_walk.h"
#include "tests/lib/tap.h"

/* "name=count@first ..." */
static void describe(const struct probe_walk *w, struct buf *out)
{
	buf_reset(out);
	for (size_t c = 0; c < PROBE_CHANGES; c++)
		if (w->seen[c].count)
			buf_printf(out, "%s%s=%lu@%zu", out->n ? " " : "", probe_change_name((enum probe_change)c), w->seen[c].count, w->seen[c].first);
}

static void test_walk(void)
{
	static const struct {
		const char *sent, *arrived, *want;
	} row[] = {
		{"", "", ""},
		{"a\r\n", "a\r\n", ""},
		{"", "a\r\n", "appended=1@0"},
		{"a\r\n", "", "cut-off=1@0"},
		{"\r\n", "", "empty-lines=1@0"},
		{"", " \r\n", "trailing-blanks=1@0 empty-lines=1@0"},
		{"aaaa\r\nbbbb\r\ncccc\r\n", "aaaa\r\nxxxx\r\ncccc\r\n", "changed=1@6"},
		{"aaaa\r\nbbbb\r\ncccc\r\n", "cccc\r\n", "changed=1@0"},
		{"aaaa\r\nbbbb\r\n", "zz\r\naaaa\r\nbbbb\r\nzz\r\n", "appended=1@12 prepended=1@0"},
		{"abcd\r\n", "ab\r\n cd\r\n", "line-cut=1@2"},
		{"abcdef\r\n", "ab!\r\n cd!\r\n ef\r\n", "line-cut-with-bang=2@2"},
		{"ab cd\r\n", "ab\r\ncd\r\n", "line-wrapped=1@2"},
		{"a \r\nb\t \r\n", "a\r\nb\r\n", "trailing-blanks=2@1"},
		{"\xc3\xa9\xc3\xa9?\r\n", "????\?\r\n", "eightbit-replaced=1@0"},
		{"\xc3\xa9\xc3\xa9?\r\n", "??\?\r\n", "eightbit-replaced=1@0"},
		{"\xc3\xa9\r\n", "C)\r\n", "bit8-stripped=2@0"},
		{"...\r\n", "..\r\n", "dots=1@2"},
		{">>x\r\n", ">>>x\r\n", "from-quoted=1@2"},
		{"a\rb\r\n", "a\r\nb\r\n", "bare-cr=1@2"},
		{"nothing\r\n", "in common", "changed=1@0"},
	};
	struct probe_walk w;
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		probe_walk(&w, span_cstr(row[i].sent), span_cstr(row[i].arrived));
		describe(&w, &out);
		tap_span_is(buf_span(&out), row[i].want, "row %zu", i);
	}
	buf_free(&out);
}

/* All that is random ends, and is accounted for: both texts were walked to their ends. */
static void test_random(void)
{
	char a[600], b[600];
	struct probe_walk w;
	bool all = true;

	srand(9475);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)rand() % sizeof(a), m = (size_t)rand() % sizeof(b);

		for (size_t i = 0; i < n; i++)
			a[i] = "ab \r\n.!>?\xc3\xa9"[rand() % 11];
		for (size_t i = 0; i < m; i++)
			b[i] = rand() % 8 && i < n ? a[i] : "ab \r\n.!>?C\0"[rand() % 11];
		probe_walk(&w, span_make(a, n), span_make(b, m));
		all = all && w.i == n && w.j == m;
	}
	tap_ok(all, "twenty thousand pairs of texts are walked to their ends");
}

static void test_recipe(void)
{
	struct probe_recipe r = {.kind = PROBE_RECIPE_HOSTILE, .seed = 0xfedcba9876543210, .made = 1795536100, .from = span_cstr("+1@a"), .nto = 2}, back;
	struct arena *a = arena_new(65536);
	struct buf text, folded;

	r.to[0] = span_cstr("+2@b");
	r.to[1] = span_cstr("c/d=e@f");
	msgi_init();
	buf_init(&text, 4096);
	buf_init(&folded, 4096);
	probe_recipe_write(&text, &r);
	tap_int(probe_recipe_find(buf_span(&text), a, &back), 1, "what was written is found");
	tap_ok(back.kind == r.kind && back.seed == r.seed && back.made == r.made && span_eq(back.from, r.from) && back.nto == 2 && span_eq(back.to[1], r.to[1]),
		"and is the same");
	buf_puts(&folded, "junk [stir-probe/1;mms;x] [stir");
	for (size_t i = 5; i < text.n; i++)
		buf_printf(&folded, "%c%s", text.p[i], i > 14 && i % 7 == 0 ? "!\r\n \t" : "");
	tap_int(probe_recipe_find(buf_span(&folded), a, &back), 1, "folded anywhere behind its first word, and behind one that is none");
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		text.p[i] = c == 'A' ? 'B' : 'A';
		if (probe_recipe_find(buf_span(&text), a, &back) == 1)
			tap_ok(false, "octet %zu changed: not believed", i);
		text.p[i] = c;
		if (probe_recipe_find(span_take(buf_span(&text), i), a, &back) == 1)
			tap_ok(false, "cut at %zu: not believed", i);
	}
	tap_int(probe_recipe_find(span_cstr("[stir-probe/2;x]"), a, &back), -1, "another version is not believed, and told");
	tap_int(probe_recipe_find(span_cstr("no probe"), a, &back), 0, "none");
	buf_free(&text);
	buf_free(&folded);
	arena_free(a);
}

int main(void)
{
	test_walk();
	test_random();
	test_recipe();
	return tap_done();
}
