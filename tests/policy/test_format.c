/* Layout: what it looks like, that a second time changes nothing, that no token is lost. */
#include "config.h"

#include <glob.h>
#include <stdio.h>

#include "policy/format.h"
#include "policy/lexer.h"
#include "tests/lib/tap.h"

enum { FILE_MAX = 1 << 20 };

#define FORTY "a123456789b123456789c123456789d123456789"
#define HUNDRED FORTY FORTY "e123456789f123456789"

struct format_case {
	const char *what, *text, *want;
};

static const struct format_case cases[] = {
	{"nothing", "", ""},
	{"blanks", "\n\n  \t\n", ""},
	{"one blank between tokens", "policy   1\t mode\n\n enforce", "policy 1 mode enforce\n"},
	{"a statement a line", "policy 1 on internal accept on timeout tag", "policy 1\non internal accept\non timeout tag\n"},
	{"commas, parentheses, ranges", "rule A{when any ( x )in{a,b ,c}and(not ( B or over ( r ) )) score -1}window w daily 21:00 .. 08:00 on{mon .. wed,sat}on internal tag",
	 "rule A { when any(x) in { a, b, c } and (not (B or over(r))) score -1 }\nwindow w daily 21:00..08:00 on { mon..wed, sat }\non internal tag\n"},
	{"one line stays one", "rule A { when x == 1   score 1 }", "rule A { when x == 1 score 1 }\n"},
	{"several stay several, an item a line", "rule A { when x == 1\nscore 1 group g }", "rule A {\n    when x == 1\n    score 1\n    group g\n}\n"},
	{"an empty block", "list a tn {\n\n}", "list a tn { }\n"},
	{"values that look like words of the language",
	 "rule A {\nwhen tag == score and x in group or when != tag final tag tag k, x }\nrate r key peer, list limit 1 per 1h\nreplace\nrule A { when x == 1 }",
	 "rule A {\n    when tag == score and x in group or when != tag\n    final tag\n    tag k, x\n}\nrate r key peer, list limit 1 per 1h\nreplace rule A { when x == 1 }\n"},
	{"peers",
	 "peer p { match x == 1\nexpect any override A { off } mode tag override B {\nscore 1 final tag } }",
	 "peer p {\n    match x == 1\n    expect any\n    override A { off }\n    mode tag\n    override B {\n        score 1\n        final tag\n    }\n}\n"},
	{"actions and tests",
	 "actions { tag at 1\nreject \"no\" at 2 redirect a@b at 3 }\ntest \"t\" { given a 1,\nb 2 at 21:30 expect tag, hit A }",
	 "actions {\n    tag at 1\n    reject \"no\" at 2\n    redirect a@b at 3\n}\ntest \"t\" {\n    given a 1, b 2 at 21:30\n    expect tag, hit A\n}\n"},
	{"lists over several lines", "list a tn { +1*, +2*\n, +3*, }", "list a tn {\n    +1*,\n    +2*,\n    +3*,\n}\n"},
	/* comments */
	{"comments keep their place",
	 "# top\npolicy 1   # end   \n\n\n# before\nrule A { # open\n# own\nwhen x == 1 # first\n\nscore 1 # second\n# last\n} # close\n#bottom",
	 "# top\npolicy 1 # end\n\n# before\nrule A { # open\n    # own\n    when x == 1 # first\n\n    score 1 # second\n    # last\n} # close\n#bottom\n"},
	{"comments within an item",
	 "rule A { when x == 1 # one\nand y == 2\n# two\nor z == 3 score 1 }\npolicy # a\n1",
	 "rule A {\n    when x == 1 # one\n        and y == 2\n        # two\n        or z == 3\n    score 1\n}\npolicy # a\n    1\n"},
	{"comments in a set", "list a tn { +1*, # one\n+2* # two\n, # three\n}", "list a tn {\n    +1*, # one\n    +2* # two\n        , # three\n}\n"},
	{"only comments", "# a\n\n\n\n  # b\n", "# a\n\n# b\n"},
	{"a comment before the regular expression", "rule A { when x ~ # why\n /a/ }", "rule A {\n    when x ~ # why\n        /a/\n}\n"},
	{"blank lines", "\n\npolicy 1\n\n\n\non internal tag\non timeout tag\n\nrule A {\n\nwhen x == 1\n\n\nscore 1\n\n}\n\n",
	 "policy 1\n\non internal tag\non timeout tag\n\nrule A {\n    when x == 1\n\n    score 1\n}\n"},
	/* width */
	{"120 columns", "rule A { when " HUNDRED " < b }", "rule A { when " HUNDRED " < b }\n"},
	{"121 columns", "rule A { when " HUNDRED " == b }", "rule A {\n    when " HUNDRED " == b\n}\n"},
	{"columns are characters", "rule A { when x < \"" FORTY FORTY "abcdefghijklmnopq\xC3\xA9\" }", "rule A { when x < \"" FORTY FORTY "abcdefghijklmnopq\xC3\xA9\" }\n"},
	{"a long condition", "rule A { when " FORTY " == b and " FORTY " == c and (" FORTY " == d or x == y) score 1 }",
	 "rule A {\n    when " FORTY " == b and " FORTY " == c\n        and (" FORTY " == d or x == y)\n    score 1\n}\n"},
	{"a long set", "rule A { when x in { " FORTY ", " FORTY ", " FORTY " } and y == 1 }",
	 "rule A {\n    when x in {\n        " FORTY ",\n        " FORTY ",\n        " FORTY "\n    } and y == 1\n}\n"},
	{"a long given", "test \"t\" { given a \"" FORTY "\", b \"" FORTY "\", c \"" FORTY "\" expect tag }",
	 "test \"t\" {\n    given a \"" FORTY "\", b \"" FORTY "\",\n        c \"" FORTY "\"\n    expect tag\n}\n"},
	{"comments don't count", "rule A { when " HUNDRED " < b } # and much more that is said about it",
	 "rule A { when " HUNDRED " < b } # and much more that is said about it\n"},
	/* what the parser refuses can be laid out */
	{"rubbish", "policy 1 foo ( } ", NULL},
	{"half a rule", "rule\nA { score score\n, when }", "rule A {\n    score score, when\n}\n"},
};

static bool same_tokens(struct span a, struct span b)
{
	struct source one = {"a", a}, two = {"b", b};
	struct source_report r;
	struct lexer l, m;
	struct lexer_token t = {.kind = LEXER_COMMA}, u;
	bool same = true;

	source_report_init(&r);
	if (lexer_open(&l, &one, true, &r) || lexer_open(&m, &two, true, &r))
		same = false;
	while (same && t.kind != LEXER_END)
		same = lexer_next(&l, &t) == 0 && lexer_next(&m, &u) == 0 && t.kind == u.kind && span_eq(span_trim(t.text), span_trim(u.text));
	source_report_free(&r);
	return same;
}

static void check_twice(const char *what, struct span text, const char *want)
{
	struct source_report r;
	struct buf one, two;

	buf_init(&one, FILE_MAX);
	buf_init(&two, FILE_MAX);
	source_report_init(&r);
	if (tap_int(format_policy("f", text, &one, &r), want ? 0 : -1, "%s", what) && want) {
		if (*want || one.n == 0)
			tap_span_is(buf_span(&one), want, "how it looks");
		tap_int(format_policy("f", buf_span(&one), &two, &r), 0, "once more");
		tap_span(buf_span(&two), buf_span(&one), "changes nothing");
		tap_ok(same_tokens(text, buf_span(&one)), "all tokens and comments are there");
	}
	tap_int(r.errors, want ? 0 : 1, "what was said");
	buf_free(&one);
	buf_free(&two);
	source_report_free(&r);
}

static void check_file(const char *path)
{
	struct buf text;
	char piece[1024];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (!f)
		tap_bail("%s", path);
	buf_init(&text, FILE_MAX);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(&text, piece, n);
	(void)fclose(f);
	/* Any look will do. */
	check_twice(path, buf_span(&text), "");
	buf_free(&text);
}

static void test_samples(void)
{
	static const char *const patterns[] = {"tests/policy/*.policy", "conf/*.policy"};

	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		char pattern[4096];
		glob_t g;

		if (glob(tap_srcpath(pattern, sizeof pattern, patterns[i]), 0, NULL, &g))
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++)
			check_file(g.gl_pathv[k]);
		globfree(&g);
	}
}

static void test_errors(void)
{
	static const char *const errors[][2] = {
		{"a { b", "f:1:3: error: this \"{\" is never closed"},
		{"a { { } b", "f:1:3: error: this \"{\" is never closed"},
		{"a } b", "f:1:3: error: this \"}\" closes nothing"},
		{"a = b", "f:1:3: error: \"=\" is unknown here: did you mean \"==\"?"},
		{"a\r\n", "f:1:2: error: carriage return: lines end in a plain line feed"},
		{"{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{", "f:1:33: error: blocks nest at most 32 deep"},
	};

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct source_report r;
		struct buf out;

		source_report_init(&r);
		buf_init(&out, FILE_MAX);
		tap_int(format_policy("f", span_cstr(errors[i][0]), &out, &r), -1, "error %zu", i);
		tap_str(r.first, errors[i][1], "what was said");
		tap_int((long long)out.n, 0, "nothing was written");
		buf_free(&out);
		source_report_free(&r);
	}
}

static void test_no_room(void)
{
	struct source_report r;
	struct buf out;

	source_report_init(&r);
	buf_init(&out, 8);
	tap_int(format_policy("f", span_cstr("policy 1 mode enforce"), &out, &r), -1, "a result without room");
	tap_str(r.first, "error: f: no memory for the result", "and it is said");
	buf_free(&out);
	source_report_free(&r);
}

int main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check_twice(cases[i].what, span_cstr(cases[i].text), cases[i].want);
	test_samples();
	test_errors();
	test_no_room();
	return tap_done();
}
