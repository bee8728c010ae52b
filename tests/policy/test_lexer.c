/* Tokens: how far each reaches, and what is none. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/lexer.h"
#include "tests/lib/tap.h"

/* One letter for each kind, in the order of enum lexer_kind. */
static const char letters[] = "$wanuscktpNTRL=!<l>g~x{}(),-#";

struct token_case {
	const char *text, *want; /* each token as its letter and its text, '|' between */
};

static const struct token_case tokens[] = {
	{"", "$"},
	{" \t\n ", "$"},
	{"# only this", "$"},
	{"policy 1 mode enforce", "wpolicy|n1|wmode|wenforce|$"},
	{"a#b\nc", "wa|wc|$"},
	/* words */
	{"bad-signature mm4_forward.req A msgi-mismatch", "wbad-signature|wmm4_forward.req|wA|wmsgi-mismatch|$"},
	{"mon..fri a.b..c", "wmon|-..|wfri|wa.b|-..|wc|$"},
	{"any(url.host)", "wany|((|wurl.host|))|$"},
	{"abuse@example.net a.b-c@x", "aabuse@example.net|aa.b-c@x|$"},
	{"in @blocked x@", "win|L@blocked|wx|?"},
	{"facade add dead-beef", "wfacade|wadd|wdead-beef|$"},
	/* numbers */
	{"12 -1.5 0.125 -7", "n12|n-1.5|n0.125|n-7|$"},
	{"60s 5m 2h 7d -60s", "u60s|u5m|u2h|u7d|u-60s|$"},
	{"600k 2M 1G", "s600k|s2M|s1G|$"},
	{"1..2", "n1|-..|n2|$"},
	{"1 .. 2", "n1|-..|n2|$"},
	{"4.7.5\"x\"", "c4.7.5|T\"x\"|$"},
	{"12{3", "n12|{{|n3|$"},
	{"1.", "n1|?"},
	{"1.5.", "n1.5|?"},
	{"5K", "?"},
	{"60sec", "?"},
	{"1.2.3.4.5", "?"},
	{"-1.2.3", "?"},
	{"1_000", "?"},
	{"123A", "?"},
	{"- 1", "?"},
	/* clock times before addresses */
	{"21:00..08:00", "k21:00|-..|k08:00|$"},
	{"08:00", "k08:00|$"},
	{"08:00::", "N08:00::|$"},
	{"08:00:1::", "N08:00:1::|$"},
	{"8:00", "N8:00|$"},
	{"08:000", "N08:000|$"},
	/* networks */
	{"192.0.2.0/24 192.0.2.9", "N192.0.2.0/24|N192.0.2.9|$"},
	{"2001:db8:20::/48, ::1 :: fe80::1 abcd:ef01::", "N2001:db8:20::/48|,,|N::1|N::|Nfe80::1|Nabcd:ef01::|$"},
	{"::ffff:192.0.2.1", "N::ffff:192.0.2.1|$"},
	{"192.0.2.0/", "N192.0.2.0|?"},
	{"192.0.2.0/24x", "?"},
	{"2001:db8::/32/4", "N2001:db8::/32|?"},
	/* telephone numbers */
	{"+18005550100..+18005550199,+1888*", "t+18005550100|-..|t+18005550199|,,|p+1888*|$"},
	{"+", "?"},
	{"+1-800", "?"},
	{"+1a", "?"},
	{"+1*2", "p+1*|n2|$"},
	/* texts */
	{"\"a b\" \"\" \"\\\"\\\\\"", "T\"a b\"|T\"\"|T\"\\\"\\\\\"|$"},
	{"\"# no comment\"", "T\"# no comment\"|$"},
	{"\"caf\xC3\xA9\"", "T\"caf\xC3\xA9\"|$"},
	{"\"open", "?"},
	{"\"open\n\"", "?"},
	{"\"\\n\"", "?"},
	{"\"\\", "?"},
	/* regular expressions only after ~ */
	{"~ /a b/i", "~~|R/a b/i|$"},
	{"!~/\\/#\"/ x", "x!~|R/\\/#\"/|wx|$"},
	{"~ # why\n /x/", "~~|R/x/|$"},
	{"~ /x/I", "~~|?"},
	{"~ /x/ii", "~~|?"},
	{"~ //", "~~|?"},
	{"~ /x", "~~|?"},
	{"~ /x\\", "~~|?"},
	{"~ /x\\\n/", "~~|?"},
	{"== /x/", "===|?"},
	{"~ a /x/", "~~|wa|?"},
	/* marks */
	{"==!=<<=>>=~!~", "===|!!=|<<|l<=|>>|g>=|~~|x!~|$"},
	{"{}(),..", "{{|}}|((|))|,,|-..|$"},
	{"=", "?"}, {"!", "?"}, {";", "?"}, {"&&", "?"}, {"||", "?"}, {"'", "?"}, {".", "?"}, {"*", "?"}, {"@", "?"}, {"@1", "?"}, {"[", "?"}, {"$", "?"},
	{"\xC3\xA9", "?"},
};

static void test_tokens(void)
{
	for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
		struct source src = {"f", span_cstr(tokens[i].text)};
		struct source_report r;
		struct lexer l;
		struct lexer_token t;
		struct buf got;

		source_report_init(&r);
		buf_init(&got, 4096);
		if (lexer_open(&l, &src, false, &r))
			tap_bail("%s", r.text.p);
		for (;;) {
			if (lexer_next(&l, &t)) {
				buf_putc(&got, '?');
				break;
			}
			buf_putc(&got, letters[t.kind]);
			buf_put_span(&got, t.text);
			if (t.kind == LEXER_END)
				break;
			buf_putc(&got, '|');
		}
		tap_str(got.p, tokens[i].want, "tokens %zu", i);
		tap_int(r.errors, strchr(tokens[i].want, '?') != NULL, "and what was said");
		buf_free(&got);
		source_report_free(&r);
	}
}

struct error_case {
	const char *text;
	size_t n; /* 0: the C string */
	const char *want; /* first error */
};

static const struct error_case errors[] = {
	{"a\r\nb", 0, "f:1:2: error: carriage return: lines end in a plain line feed"},
	{"a\nb\0c", 5, "f:2:2: error: NUL octet"},
	{"\xEF\xBB\xBFpolicy 1", 0, "f:1:1: error: byte order mark: save the file without"},
	{"a\xEF\xBB\xBF", 0, "f:1:2: error: character that can't be seen"},
	{"# a\x0C", 0, "f:1:4: error: control character"},
	{"# a\x7F", 0, "f:1:4: error: control character"},
	{"# \xC2\x85", 0, "f:1:3: error: character that can't be seen"},
	{"# \xE2\x80\xAE", 0, "f:1:3: error: character that can't be seen"},
	{"# \xE2\x80\x8B", 0, "f:1:3: error: character that can't be seen"},
	{"# \xE2\x80\x8F", 0, "f:1:3: error: character that can't be seen"},
	{"# \xC2\xAD", 0, "f:1:3: error: character that can't be seen"},
	{"# \xE2\x81\xA9", 0, "f:1:3: error: character that can't be seen"},
	{"# \xF3\xA0\x81\xA1", 0, "f:1:3: error: character that can't be seen"},
	{"# \xE2\x80\xA8", 0, "f:1:3: error: character that can't be seen"},
	{"\"\xE9\"", 0, "f:1:2: error: not UTF-8"},
	{"\"\xC3", 0, "f:1:2: error: not UTF-8"},
	{"\"\xED\xA0\x80\"", 0, "f:1:2: error: not UTF-8"},
	{"\"\xC0\x80\"", 0, "f:1:2: error: not UTF-8"},
	{"\"\xF5\x80\x80\x80\"", 0, "f:1:2: error: not UTF-8"},
	{"a\n\t;", 0, "f:2:2: error: \";\" is unknown here: no semicolons: a blank or a new line separates"},
	{"a = b", 0, "f:1:3: error: \"=\" is unknown here: did you mean \"==\"?"},
	{"\"a\n", 0, "f:1:1: error: this text has no closing \" on its line"},
	{"\"ab\\c\"", 0, "f:1:4: error: in a text only \\\" and \\\\ are known"},
	{"a < 60x", 0, "f:1:5: error: \"60x\" is no number: units are s m h d, and k M G for octets; a code or name that begins with a digit is written in quotes"},
	{"\xE2\x82\xAC", 0, "f:1:1: error: \"\xE2\x82\xAC\" is unknown here"},
};

static void test_errors(void)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct source src = {"f", span_make(errors[i].text, errors[i].n ? errors[i].n : strlen(errors[i].text))};
		struct source_report r;
		struct lexer l;
		struct lexer_token t = {.kind = LEXER_COMMA};
		int rc;

		source_report_init(&r);
		rc = lexer_open(&l, &src, false, &r);
		while (rc == 0 && t.kind != LEXER_END)
			rc = lexer_next(&l, &t);
		tap_int(rc, -1, "error %zu", i);
		tap_str(r.first, errors[i].want, "what was said");
		source_report_free(&r);
	}
}

static void test_places(void)
{
	struct source src = {"f", span_cstr("one\n\t two # c\n# d\n\n three\n\n")};
	static const struct {
		enum lexer_kind kind;
		uint32_t line, col;
	} want[] = {{LEXER_WORD, 1, 1}, {LEXER_WORD, 2, 3}, {LEXER_COMMENT, 2, 7}, {LEXER_COMMENT, 3, 1}, {LEXER_WORD, 5, 2}, {LEXER_END, 5, 7}, {LEXER_END, 5, 7}};
	struct source_report r;
	struct lexer l;
	struct lexer_token t;

	source_report_init(&r);
	if (lexer_open(&l, &src, true, &r))
		tap_bail("%s", r.text.p);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		if (lexer_next(&l, &t))
			tap_bail("%s", r.text.p);
		tap_int(t.kind, want[i].kind, "kind of token %zu", i);
		tap_ok(t.at.src == &src && t.at.line == want[i].line && t.at.col == want[i].col, "it stands at %u:%u", t.at.line, t.at.col);
	}
	source_report_free(&r);
}

/* One octet less than too many, and too many. */
static void check_bound(const char *what, char fill, size_t n, const char *before, const char *after)
{
	for (size_t more = 0; more < 2; more++) {
		struct source_report r;
		struct lexer l;
		struct lexer_token t = {.kind = LEXER_COMMA};
		struct buf b;
		struct source src = {"f", {NULL, 0}};
		int rc;

		source_report_init(&r);
		buf_init(&b, 4 * LEXER_FILE_MAX);
		buf_puts(&b, before);
		for (size_t i = 0; i < n + more; i++)
			buf_putc(&b, fill);
		buf_puts(&b, after);
		src.text = buf_span(&b);
		rc = lexer_open(&l, &src, false, &r);
		while (rc == 0 && t.kind != LEXER_END)
			rc = lexer_next(&l, &t);
		tap_int(rc, more ? -1 : 0, "%s: %zu %s", what, n + more, more ? "are too many" : "are allowed");
		buf_free(&b);
		source_report_free(&r);
	}
}

int main(void)
{
	test_tokens();
	test_errors();
	test_places();
	check_bound("word", 'w', LEXER_WORD_MAX, "", "");
	check_bound("list", 'w', LEXER_WORD_MAX - 1, "@", "");
	check_bound("number", '1', LEXER_WORD_MAX, "", "");
	check_bound("text", 'x', LEXER_TEXT_MAX, "\"", "\"");
	check_bound("regular expression", 'x', LEXER_TEXT_MAX, "~ /", "/");
	check_bound("telephone number", '1', LEXER_WORD_MAX - 1, "+", "");
	check_bound("file", ' ', LEXER_FILE_MAX, "", "");
	check_bound("comment", 'c', LEXER_FILE_MAX - 1, "#", "");
	return tap_done();
}
