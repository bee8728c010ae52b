/* Text to tree: what is understood, how it is refused, includes. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/parser.h"
#include "tests/lib/tap.h"

/* --- files in memory -------------------------------------------------------------- */

static const char *const files[][2] = {
	{"conf/main", "policy 1 mode enforce\nrule A { when x == 1 score 1 }\ninclude \"sub/more\"\nrule D { when x == 1 score 4 }\n"},
	{"conf/sub/more", "policy 1\nrule B { when x == 1 score 2 }\ninclude directory \"d\"\n"},
	{"conf/sub/d/1.policy", "rule C1 { when x == 1 score 3 }\n"},
	{"conf/sub/d/2.policy", "# nothing but this\nrule C2 { when x == 1 score 3 }\n"},
	{"loop", "policy 1\n\ninclude \"loop2\"\n"},
	{"loop2", "include \"loop\"\n"},
	{"deep", "policy 1 include \"deep1\""},
	{"deep1", "include \"deep2\""}, {"deep2", "include \"deep3\""}, {"deep3", "include \"deep4\""}, {"deep4", "include \"deep5\""},
	{"deep5", "include \"deep6\""}, {"deep6", "include \"deep7\""}, {"deep7", "include \"deep8\""}, {"deep8", "include \"deep9\""}, {"deep9", ""},
	{"missing", "policy 1\n  include \"nothing\""},
	{"nofolder", "policy 1\n  include directory \"nothing\""},
	{"mode", "policy 1 include \"mode1\""}, {"mode1", "policy 1 mode tag"},
	{"newer", "policy 1 include \"newer1\""}, {"newer1", "policy 2"},
	{"broken", "policy 1 include \"broken1\""}, {"broken1", "\nrule A {"},
	{"twice", "policy 1\nlist a tn { }\ninclude \"twice1\""}, {"twice1", "\n\nlist a tn { }"},
	{"replace", "policy 1\nrule A { when x == 1 score 1 }\nrule B { when x == 1 score 1 }\ninclude \"replace1\""},
	{"replace1", "replace rule A shadow { when y == 1 score 5 }"},
	{"many", "policy 1 include directory \"many\""}, {"many/a.policy", ""},
	{"bare", "policy 1\ninclude directory \"empty\""},
};

static int read_file(void *ctx, const char *path, size_t max, struct buf *out, struct err *e)
{
	(void)ctx;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (strcmp(files[i][0], path) == 0)
			return strlen(files[i][1]) > max ? err_set(e, ERR_DATA, "too large") : buf_puts(out, files[i][1]);
	return err_set(e, ERR_NOINPUT, "no such file");
}

static int list_files(void *ctx, const char *path, struct buf *out, struct err *e)
{
	(void)ctx;
	if (strcmp(path, "conf/sub/d") == 0)
		return buf_puts(out, "1.policy\n2.policy\n");
	if (strcmp(path, "empty") == 0)
		return 0;
	if (strcmp(path, "many") != 0)
		return err_set(e, ERR_NOINPUT, "%s: no such folder", path);
	for (int i = 0; i < PARSER_FILES_MAX; i++)
		if (buf_puts(out, "a.policy\n"))
			return -1;
	return 0;
}

enum { LIMIT = 1 << 20 };

static const struct source_loader loader = {NULL, read_file, list_files};

/* --- refused ---------------------------------------------------------------------- */

struct error_case {
	const char *text, *want; /* without "p:", "error: " */
};

#define RULE(body) "policy 1\nrule A { " body " }"
#define WHEN(expr) "policy 1\nrule A { when " expr " score 1 }"
#define TEST(body) "policy 1\ntest \"t\" { " body " }"
#define PEER(body) "policy 1\npeer p { " body " }"

static const struct error_case errors[] = {
	/* the head */
	{"", "1:1: a policy must begin with \"policy 1\""},
	{"# only\n", "1:1: a policy must begin with \"policy 1\""},
	{"rule A { }", "1:1: a policy must begin with \"policy 1\""},
	{"policy", "1:7: expected the number of the language: policy 1, found the end of the file"},
	{"policy 2", "1:8: this program knows policy 1; 2 needs a newer stir-milter"},
	{"policy 0", "1:8: there is no policy 0; this program knows policy 1"},
	{"policy 1.0", "1:8: expected the number of the language: policy 1, found \"1.0\""},
	{"policy 1 mode loud", "1:15: expected a mode (observe, tag, enforce), found \"loud\""},
	{"policy 1 mode enfore", "1:15: expected a mode (observe, tag, enforce), found \"enfore\"; did you mean \"enforce\"?"},
	{"policy 1 policy 1", "1:10: \"policy\" stands only at the beginning: policy 1 mode enforce"},
	{"policy 1 on internal accept mode tag", "1:29: \"mode\" stands only at the beginning: policy 1 mode enforce"},
	{"policy 1 rul A", "1:10: expected a statement (include, list, window, rate, peer, on, rule, replace rule, group, actions, test), found \"rul\"; did you mean \"rule\"?"},
	{"policy 1 ruel A", "1:10: expected a statement (include, list, window, rate, peer, on, rule, replace rule, group, actions, test), found \"ruel\"; did you mean \"rule\"?"},
	/* rules */
	{"policy 1\nrule a { }", "2:6: expected the rule's name (UPPER_CASE), found \"a\": rules are UPPER_CASE letters, figures and _, at most 64"},
	{"policy 1\nrule A shadw { }", "2:8: expected shadow or \"{\", found \"shadw\"; did you mean \"shadow\"?"},
	{RULE("score 1"), "2:10: expected \"when\", found \"score\""},
	{RULE("wen x == 1"), "2:10: expected \"when\", found \"wen\"; did you mean \"when\"?"},
	{RULE("when x == 1 when y == 2"), "2:22: when is given already, at p:2"},
	{RULE("when x == 1 score 1 score 2"), "2:30: score is given already, at p:2"},
	{RULE("when x == 1 final accept final tag"), "2:35: final is given already, at p:2"},
	{RULE("when x == 1 describe \"a\" describe \"b\""), "2:35: describe is given already, at p:2"},
	{RULE("when x == 1 group a group b"), "2:30: group is given already, at p:2"},
	{RULE("when x == 1 scoer 1"), "2:22: expected score, final, describe, group, absorb, tag, or \"}\", found \"scoer\"; did you mean \"score\"?"},
	{RULE("when x == 1 adn y == 1"), "2:22: expected score, final, describe, group, absorb, tag, or \"}\", found \"adn\"; did you mean \"and\"?"},
	{RULE("when x == 1 absorb B, B"), "2:32: \"B\" is named twice"},
	{RULE("when x == 1 score"), "2:28: expected a number from -100 to 100, found \"}\""},
	{RULE("when x == 1 score 100.001"), "2:28: expected a number from -100 to 100, found \"100.001\""},
	{RULE("when x == 1 score 1.0001"), "2:28: \"1.0001\": a number has at most 3 figures behind its point"},
	{RULE("when x == 1 score 1234567890"), "2:28: \"1234567890\": a number has at most 9 figures before its point; a telephone number begins with +"},
	{RULE("when x == 1 score 1 per c"), "2:36: expected \"max\", found \"}\""},
	{RULE("when x == 1 group Content"), "2:28: expected a group's name, found \"Content\": names are lower_case letters, figures and _, at most 64"},
	{RULE("when x == 1 group score"), "2:28: expected a group's name, found \"score\", which is a word of the language"},
	{RULE("when x == 1 describe \"\""), "2:31: this text is empty: expected a sentence in quotes"},
	{"policy 1\nrule A {\n when x == 1\n", "3:13: expected \"}\": the block at p:2 is still open"},
	{WHEN("x == 1") "\nrule A { when y == 1 }", "3:6: \"A\" is defined already, at p:2"},
	{"policy 1\nreplace rule A { when x == 1 }", "2:14: there is no rule \"A\" before, to be replaced"},
	{"policy 1\nreplace list a tn { }", "2:9: expected \"rule\", found \"list\""},
	/* verdicts */
	{RULE("when x == 1 final reject 4.7.1 \"no\""), "2:35: reject needs a 5.x.x code"},
	{RULE("when x == 1 final reject 550 \"no\""), "2:35: reject needs a 5.x.x code"},
	{RULE("when x == 1 final reject 15.7.1 \"no\""), "2:35: reject needs a 5.x.x code"},
	{RULE("when x == 1 final tempfail 5.7.1 \"no\""), "2:37: tempfail needs a 4.x.x code"},
	{RULE("when x == 1 final reject 5.07.1 \"no\""), "2:35: \"5.07.1\" is no reply code: its numbers have 1 to 3 figures and no 0 in front"},
	{RULE("when x == 1 final reject 5.7.1000 \"no\""), "2:35: \"5.7.1000\" is no reply code: its numbers have 1 to 3 figures and no 0 in front"},
	{RULE("when x == 1 final reject"), "2:35: expected a text for the reply, in quotes, found \"}\""},
	{RULE("when x == 1 final reject \"caf\xC3\xA9\""), "2:35: what is said to other hosts is printable ASCII"},
	{RULE("when x == 1 final redirect nobody"), "2:37: expected an address, as in abuse@example.net, found \"nobody\""},
	{RULE("when x == 1 final redirect \"nobody\""), "2:37: \"nobody\" is no address, as in abuse@example.net"},
	{RULE("when x == 1 final redirect \"a b@example.net\""), "2:37: \"a b@example.net\" is no address, as in abuse@example.net"},
	{RULE("when x == 1 final redirect \"a@b@example.net\""), "2:37: \"a@b@example.net\" is no address, as in abuse@example.net"},
	{RULE("when x == 1 final refuse"), "2:28: expected an action (accept, tag, quarantine, redirect, tempfail, reject, discard), found \"refuse\""},
	{"policy 1\non temperor accept", "2:4: expected a failure (temperror, internal, timeout, toolarge, malformed, overload), found \"temperor\"; did you mean \"temperror\"?"},
	{"policy 1\non internal accept\non internal tag", "3:4: \"internal\" is defined already, at p:2"},
	{"policy 1\nactions { tag at 1 }\nactions { }", "3:1: an actions block is given already, at p:2"},
	{"policy 1\nactions { }", "2:11: expected an action and the score it begins at, as in \"tag at 4\", found \"}\""},
	{"policy 1\ninclude directry \"x\"", "2:9: expected directory or the file's name, in quotes, found \"directry\"; did you mean \"directory\"?"},
	{"policy 1\ntest \"t\" { given now 10:00 expect tag }", "2:18: the time of a test is said with \"at\", as in at 21:30"},
	{"policy 1\nwindow w daily 21:00..08:00 on monday", "2:32: expected a day (mon, tue, wed, thu, fri, sat, sun), found \"monday\""},
	{"policy 1\nwindow w daily 21:00..08:00 on mon, tue", "2:35: several days stand in braces: on {mon, wed..fri}"},
	{"policy 1\nwindow w daily 21:00..08:00 zone \"UTC\" on mon", "2:40: the days of a window stand in front of its zone, and once"},
	{"policy 1\nactions { tag 4 }", "2:15: expected \"at\", found \"4\""},
	{"policy 1\nactions { tag at 4", "2:19: expected \"}\": the block at p:2 is still open"},
	/* definitions */
	{"policy 1\nlist a tnn { }", "2:8: expected the list's type (tn, cidr, host, spc, text), found \"tnn\"; did you mean \"tn\"?"},
	{"policy 1\nlist in tn { }", "2:6: expected the list's name, found \"in\", which is a word of the language"},
	{"policy 1\nlist A tn { }", "2:6: expected the list's name, found \"A\": names are lower_case letters, figures and _, at most 64"},
	{"policy 1\nlist a tn { bit.ly }", "2:13: list \"a\" holds tn values: +15550100001, +1888*, +18005550100..+18005550199"},
	{"policy 1\nlist a cidr { +1888* }", "2:15: list \"a\" holds cidr values: 192.0.2.0/24, 2001:db8::/32"},
	{"policy 1\nlist a spc { 1234 }", "2:14: list \"a\" holds spc values: words, or texts in quotes"},
	{"policy 1\nlist a tn { +1888* +1889* }", "2:20: expected \",\" or \"}\", found \"+1889*\""},
	{"policy 1\nlist a tn { +1888*", "2:19: expected \"}\": the block at p:2 is still open"},
	{"policy 1\nlist a tn { , }", "2:13: expected a value, found \",\""},
	{"policy 1\nlist a tn \"x\"", "2:11: expected file \"NAME\", or the entries in braces, found \"x\""},
	{"policy 1\nlist a tn file x", "2:16: expected the file's name, in quotes, found \"x\""},
	{"policy 1\nlist a tn file \"\"", "2:16: this text is empty: expected the file's name, in quotes"},
	{"policy 1\nwindow w 21:00..08:00", "2:10: expected \"daily\", found \"21:00\""},
	{"policy 1\nwindow w daily 21:00..25:00", "2:23: \"25:00\": a time of day is 00:00 to 24:00"},
	{"policy 1\nwindow w daily 24:00..08:00", "2:16: \"24:00\": a time of day is 00:00 to 23:59"},
	{"policy 1\nwindow w daily 23:60..08:00", "2:16: \"23:60\": a time of day is 00:00 to 23:59"},
	{"policy 1\nwindow w daily 08:00..08:00", "2:16: this window has no width; the whole day is 00:00..24:00"},
	{"policy 1\nwindow w daily 8:00..09:00", "2:16: expected a time of day, as in 08:00, found \"8:00\""},
	{"policy 1\nwindow w daily 08:00..09:00 on fro", "2:32: expected a day (mon, tue, wed, thu, fri, sat, sun), found \"fro\"; did you mean \"fri\"?"},
	{"policy 1\nwindow w daily 08:00..09:00 on {sat sun}", "2:37: expected \",\" or \"}\", found \"sun\""},
	{"policy 1\nwindow w daily 08:00..09:00 on {}", "2:32: this set is empty"},
	{"policy 1\nwindow w daily 08:00..09:00 on {sat", "2:36: expected \"}\": the block at p:2 is still open"},
	{"policy 1\nrate r key a limit 0 per 1h", "2:20: expected a whole number from 1 to 1000000, found \"0\""},
	{"policy 1\nrate r key a limit 1.5 per 1h", "2:20: expected a whole number from 1 to 1000000, found \"1.5\""},
	{"policy 1\nrate r key a limit 1000001 per 1h", "2:20: expected a whole number from 1 to 1000000, found \"1000001\""},
	{"policy 1\nrate r key a limit 1 per 31d", "2:26: a rate is per 1s to 30d"},
	{"policy 1\nrate r key a limit 1 per 0s", "2:26: a rate is per 1s to 30d"},
	{"policy 1\nrate r key a limit 1 per 60", "2:26: expected a duration from 1s to 30d, found \"60\""},
	{"policy 1\nrate r key a, a limit 1 per 1h", "2:15: \"a\" is named twice"},
	{"policy 1\nrate r limit 1 per 1h", "2:8: expected \"key\", found \"limit\""},
	{"policy 1\ngroup g { max 0 }", "2:15: expected a number above 0, found \"0\""},
	{"policy 1\ngroup g { max 1 max 2 }", "2:17: expected \"}\", found \"max\""},
	{"policy 1\ninclude x", "2:9: expected directory or the file's name, in quotes, found \"x\""},
	/* peers */
	{PEER(""), "2:11: expected match and a condition: a peer without matches nobody, found \"}\""},
	{PEER("match a == 1 match b == 1"), "2:23: match is given already, at p:2"},
	{PEER("match a == 1 expct signed"), "2:23: expected match, expect, mode, override, or \"}\", found \"expct\"; did you mean \"expect\"?"},
	{PEER("match a == 1 expect sined"), "2:30: expected what the peer does (signed, unsigned, any), found \"sined\"; did you mean \"signed\"?"},
	{PEER("match a == 1 override A { }"), "2:36: expected score, final or off, found \"}\""},
	{PEER("match a == 1 override A { off score 1 }"), "2:36: a rule that is off has neither a score nor a final"},
	{PEER("match a == 1 override A { score 1 score 2 }"), "2:44: score is given already, at p:2"},
	{PEER("match a == 1 override A { off } override A { off }"), "2:51: \"A\" is defined already, at p:2"},
	{PEER("match a == 1 override A { of }"), "2:36: expected score, final, off, or \"}\", found \"of\"; did you mean \"off\"?"},
	/* tests */
	{TEST("given a 1"), "2:22: expected expect: a test without proves nothing, found \"}\""},
	{TEST("given a 1,"), "2:23: expected a fact, found \"}\""},
	{TEST("given a"), "2:20: expected a value, found \"}\""},
	{TEST("given a 1 at 24:00"), "2:25: \"24:00\": a time of day is 00:00 to 23:59"},
	{TEST("given at 10:00 given at 11:00 expect tag"), "2:33: at is given already, at p:2"},
	{TEST("expect hit a"), "2:23: expected a rule's name, found \"a\": rules are UPPER_CASE letters, figures and _, at most 64"},
	{TEST("expect hut A"), "2:19: expected an action, hit RULE, miss RULE, score NUMBER or peer NAME, found \"hut\"; did you mean \"hit\"?"},
	{TEST("expect tag, accept"), "2:24: an action is given already, at p:2"},
	{TEST("expects tag"), "2:12: expected given, expect, or \"}\", found \"expects\"; did you mean \"expect\"?"},
	/* conditions */
	{WHEN(""), "2:16: expected a condition: a fact, a rule's name, not, (, any, all, over or present, found \"score\""},
	{WHEN("x"), "2:17: expected an operator (== != < <= > >= in, not in, ~ !~); is the fact there is asked by present(FACT), found \"score\""},
	{WHEN("x =="), "2:20: expected a value, found \"score\""},
	{WHEN("x not y"), "2:21: expected \"in\" behind \"not\", found \"y\""},
	{WHEN("Verify == pass"), "2:15: expected a fact (lower_case) or a rule (UPPER_CASE), found \"Verify\": facts are lower_case words with dots"},
	{WHEN("x == pass and and y == z"), "2:29: expected a condition: a fact, a rule's name, not, (, any, all, over or present, found \"and\""},
	{WHEN("(x == 1"), "2:23: expected \")\", and, or, found \"score\""},
	{WHEN("any x == 1"), "2:19: expected \"(\", found \"x\""},
	{WHEN("over(R)"), "2:20: expected a rate's name, found \"R\": names are lower_case letters, figures and _, at most 64"},
	{WHEN("x ~ \"a\""), "2:19: expected a regular expression, /.../ or /.../i, found \"a\""},
	{WHEN("x == @a"), "2:17: sets and lists are asked by \"in\" and \"not in\", not by \"==\""},
	{WHEN("x != {a}"), "2:17: sets and lists are asked by \"in\" and \"not in\", not by \"!=\""},
	{WHEN("x in {}"), "2:20: this set is empty"},
	{WHEN("x in (a, b)"), "2:20: \"(\": sets stand in braces: { a, b }"},
	{WHEN("x == 15550100001"), "2:20: \"15550100001\": a number has at most 9 figures before its point; a telephone number begins with +"},
	{WHEN("x in 1555*"), "2:24: \"*\" is unknown here: numbers that begin alike are written +1888*, hosts below a domain \".example.net\""},
	{WHEN("x in {{a}}"), "2:21: expected a value, found \"{\""},
	{WHEN("x in @A"), "2:20: \"@A\": names are lower_case letters, figures and _, at most 64"},
	{WHEN("x == 08:00"), "2:20: \"08:00\": a time of day is asked for by a window: now in NAME"},
	{WHEN("x == 5.7.1"), "2:20: \"5.7.1\": a reply code stands only behind reject and tempfail, and an address has four numbers"},
	{WHEN("x == a@b"), "2:20: \"a@b\": an address is written in quotes"},
	/* literals */
	{WHEN("x > 1.5h"), "2:19: \"1.5h\": in front of a unit stands a whole number; 90m is an hour and a half"},
	{WHEN("x > -1k"), "2:19: \"-1k\": a size is not negative"},
	{WHEN("x == +12"), "2:20: \"+12\": a telephone number is + and 7 to 15 figures, the first not 0; a prefix ends in *"},
	{WHEN("x == +0123456789"), "2:20: \"+0123456789\": a telephone number is + and 7 to 15 figures, the first not 0; a prefix ends in *"},
	{WHEN("x == +1234567890123456"), "2:20: \"+1234567890123456\": a telephone number is + and 7 to 15 figures, the first not 0; a prefix ends in *"},
	{WHEN("x == +1234567890123456*"), "2:20: \"+1234567890123456*\": a telephone number has at most 15 figures"},
	{WHEN("x == +0*"), "2:20: \"+0*\": an international number does not begin with 0"},
	{WHEN("x in +15550100..+155501000"), "2:31: \"+155501000\": both ends of a range have equally many figures"},
	{WHEN("x in +15550101..+15550100"), "2:31: \"+15550100\": the lower end of a range comes first"},
	{WHEN("x in +15550101.."), "2:32: expected the range's last telephone number, found \"score\""},
	{WHEN("x in 1..2"), "2:21: expected score, final, describe, group, absorb, tag, or \"}\", found \"..\""},
	{WHEN("x in 10.0.0.1/8"), "2:20: 10.0.0.1/8: bits beyond the prefix are set; did you mean 10.0.0.0/8?"},
	{WHEN("x in 10.0.0.0/33"), "2:20: 10.0.0.0/33: a prefix is at most 32"},
	{WHEN("x in 10.0.0.256"), "2:20: 10.0.0.256: no IPv4 or IPv6 address"},
	{WHEN("x in 2001:db8::1/32"), "2:20: 2001:db8::1/32: bits beyond the prefix are set; did you mean 2001:db8::/32?"},
	{WHEN("x in mon:"), "2:23: \":\" is unknown here: no IPv4 or IPv6 network, and no time of day"},
};

static void test_errors(void)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct ast_policy *p;
		struct source_report r;
		char want[ERR_TEXT_BYTES];
		const char *c = strchr(strchr(errors[i].want, ':') + 1, ':');

		(void)snprintf(want, sizeof want, "p:%.*s: error%s", (int)(c - errors[i].want), errors[i].want, c);
		source_report_init(&r);
		tap_ok(parser_parse("p", span_cstr(errors[i].text), NULL, &p, &r) == -1 && !p, "error %zu is refused", i);
		tap_str(r.first, want, "in these words");
		tap_int(r.errors, 1, "which are the only ones");
		source_report_free(&r);
		ast_free(p);
	}
}

/* --- understood -------------------------------------------------------------------- */

static struct ast_policy *parse(const char *text)
{
	struct ast_policy *p;
	struct source_report r;

	source_report_init(&r);
	if (parser_parse("p", span_cstr(text), NULL, &p, &r))
		tap_bail("%s", r.text.p);
	source_report_free(&r);
	return p;
}

/* A condition as Lisp would have it. */
static void show(struct buf *out, const struct ast_expr *e)
{
	static const char *const quantifier[] = {"", "any ", "all "};

	switch (e->kind) {
	case AST_OR: case AST_AND: case AST_NOT:
		buf_puts(out, e->kind == AST_OR ? "(or" : e->kind == AST_AND ? "(and" : "(not");
		for (size_t i = 0; i < e->nchild; i++)
			buf_putc(out, ' '), show(out, &e->child[i]);
		buf_putc(out, ')');
		break;
	case AST_COMPARE:
		buf_printf(out, "[%s%.*s %s %.*s", quantifier[e->quantifier], SPAN_ARG(e->name.text), ast_op_name(e->op), SPAN_ARG(e->value.text));
		for (size_t i = 0; i < e->value.nitem; i++)
			buf_printf(out, "%s%.*s", i ? "," : "", SPAN_ARG(e->value.item[i].text));
		buf_putc(out, ']');
		break;
	case AST_RULE: buf_printf(out, "%.*s", SPAN_ARG(e->name.text)); break;
	case AST_OVER: buf_printf(out, "over:%.*s", SPAN_ARG(e->name.text)); break;
	case AST_PRESENT: buf_printf(out, "present:%.*s", SPAN_ARG(e->name.text)); break;
	}
}

static void test_conditions(void)
{
	static const char *const cases[][2] = {
		{"a == x", "[a == x]"},
		{"a == x and b != y or c < z", "(or (and [a == x] [b != y]) [c < z])"},
		{"a == x or b != y and c <= z", "(or [a == x] (and [b != y] [c <= z]))"},
		{"(a == x or b > y) and c >= z", "(and (or [a == x] [b > y]) [c >= z])"},
		{"A and B and C and D and E and F", "(and A B C D E F)"},
		{"A or B or C or D or E", "(or A B C D E)"},
		{"not A and not not B", "(and (not A) (not (not B)))"},
		{"not (A or B)", "(not (or A B))"},
		{"((A))", "A"},
		{"a in { x, y, } and b not in @l", "(and [a in x,y] [b not in l])"},
		{"a ~ /x\\/y/i or b !~ /z/", "(or [a ~ x\\/y] [b !~ z])"},
		{"any(u.h) in @s and all(u.h) == \"q\\\"\"", "(and [any u.h in s] [all u.h == q\"])"},
		{"over(r) or present(peer.expect) and peer == \"p\"", "(or over:r (and present:peer.expect [peer == p]))"},
		{"now in quiet", "[now in quiet]"},
		{"a == A and A", "(and [a == A] A)"},
		{"v == policy or e == any or m == tag", "(or [v == policy] [e == any] [m == tag])"},
		{"text == \"\"", "[text == ]"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[200];
		struct ast_policy *p;
		struct buf out;

		(void)snprintf(text, sizeof text, "policy 1 rule R { when %s }", cases[i][0]);
		p = parse(text);
		buf_init(&out, 1 << 16);
		show(&out, p->rule[0].when);
		tap_str(out.p, cases[i][1], "%s", cases[i][0]);
		buf_free(&out);
		ast_free(p);
	}
}

struct value_case {
	const char *text;
	enum ast_value_kind kind;
	int64_t num;
	bool whole;
	const char *string; /* text, or digits of the number, first and last of a range */
	unsigned bits;
	unsigned char octet[4]; /* the last four of the address */
};

static const struct value_case values[] = {
	{"pass", AST_WORD, 0, false, "pass", 0, {0}},
	{"mm4_forward.req", AST_WORD, 0, false, "mm4_forward.req", 0, {0}},
	{"12", AST_NUMBER, 12000, true, "", 0, {0}},
	{"-1.5", AST_NUMBER, -1500, false, "", 0, {0}},
	{"0.125", AST_NUMBER, 125, false, "", 0, {0}},
	{"-0.5", AST_NUMBER, -500, false, "", 0, {0}},
	{"999999999.999", AST_NUMBER, 999999999999, false, "", 0, {0}},
	{"60s", AST_DURATION, 60, true, "", 0, {0}},
	{"-5m", AST_DURATION, -300, true, "", 0, {0}},
	{"2h", AST_DURATION, 7200, true, "", 0, {0}},
	{"7d", AST_DURATION, 604800, true, "", 0, {0}},
	{"999999999d", AST_DURATION, 86399999913600, true, "", 0, {0}},
	{"600k", AST_SIZE, 614400, true, "", 0, {0}},
	{"2M", AST_SIZE, 2097152, true, "", 0, {0}},
	{"999999999G", AST_SIZE, 1073741822926258176, true, "", 0, {0}},
	{"+15550100001", AST_TN, 0, false, "15550100001", 0, {0}},
	{"+123456789012345", AST_TN, 0, false, "123456789012345", 0, {0}},
	{"+1*", AST_TN_PREFIX, 0, false, "1", 0, {0}},
	{"+123456789012345*", AST_TN_PREFIX, 0, false, "123456789012345", 0, {0}},
	{"+15550100..+15550199", AST_TN_RANGE, 0, false, "15550100-15550199", 0, {0}},
	{"+15550100 .. +15550100", AST_TN_RANGE, 0, false, "15550100-15550100", 0, {0}},
	{"192.0.2.9", AST_NET, 0, false, "", 128, {192, 0, 2, 9}},
	{"192.0.2.0/24", AST_NET, 0, false, "", 120, {192, 0, 2, 0}},
	{"0.0.0.0/0", AST_NET, 0, false, "", 96, {0}},
	{"2001:db8::1:2", AST_NET, 0, false, "", 128, {0, 1, 0, 2}},
	{"2001:db8::/32", AST_NET, 0, false, "", 32, {0}},
	{"\"a \\\"b\\\\\"", AST_TEXT, 0, false, "a \"b\\", 0, {0}},
	{"\"caf\xC3\xA9\"", AST_TEXT, 0, false, "caf\xC3\xA9", 0, {0}},
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		const struct value_case *c = &values[i];
		const struct ast_value *v;
		struct ast_policy *p;
		char text[200], got[80] = "";

		(void)snprintf(text, sizeof text, "policy 1\nrule R { when x == %s }", c->text);
		p = parse(text);
		v = &p->rule[0].when->value;
		if (v->kind == AST_TN || v->kind == AST_TN_PREFIX)
			(void)snprintf(got, sizeof got, "%s", v->tn.digits);
		else if (v->kind == AST_TN_RANGE)
			(void)snprintf(got, sizeof got, "%s-%s", v->tn.digits, v->tn2.digits);
		else
			(void)snprintf(got, sizeof got, "%.*s", SPAN_ARG(v->text));
		tap_int(v->kind, c->kind, "kind of %s", c->text);
		tap_int(v->num, c->num, "its number");
		tap_int(v->whole, c->whole, "is it whole");
		tap_str(got, c->string, "its text");
		tap_int(v->bits, c->bits, "its bits");
		tap_ok(memcmp(v->addr.b + 12, c->octet, 4) == 0, "its octets");
		tap_ok(c->octet[0] == 0 || (v->addr.b[10] == 0xFF && v->addr.b[11] == 0xFF && v->addr.b[0] == 0), "IPv4 is mapped");
		tap_ok(v->at.line == 2 && v->at.col == 20, "its place");
		ast_free(p);
	}
}

static void test_statements(void)
{
	struct ast_policy *p = parse("policy 1\n"
		"window a daily 21:00..08:00\non internal accept\nwindow b daily 00:00..24:00 on fri..mon zone \"Europe/Berlin\" window c daily 10:30..11:00 on { sat, mon..tue, }\n"
		"rate r key orig.tn, client limit 60 per 1h burst 90 rate q key peer limit 1 per 30d\n"
		"list x host { bit.ly, \".example.net\", } list y tn file \"y.tn\" list z spc { }\n"
		"rule R shadow { when A score -1.5 per c max 4 final redirect a@example.net describe \"d\" group g absorb A, B tag k, l absorb C tag m }\n"
		"peer p { override R { score 1 final tag } match R mode observe expect unsigned override S { off } }\n"
		"actions { tag at 4 reject \"no\" at 15.5 }\n"
		"test \"t\" { given a 1, b { x, y } at 21:30 expect tag, hit A given c +1888* expect miss B, score -1, peer p, miss C }\n");
	const struct ast_rule *r = &p->rule[0];
	const struct ast_test *t = &p->test[0];

	tap_ok(p->version == 1 && p->mode == AST_MODE_NONE, "no mode");
	tap_ok(p->window[0].from_s == 75600 && p->window[0].to_s == 28800 && p->window[0].days == 0x7F && p->window[0].zone.text.n == 0, "a window");
	tap_int((long long)p->non, 1, "\"on\" behind a window may be the next statement");
	tap_ok(p->window[1].to_s == 86400 && p->window[1].days == 0x71, "days over Sunday");
	tap_span_is(p->window[1].zone.text, "Europe/Berlin", "a zone");
	tap_int(p->window[2].days, 0x23, "a set of days");
	tap_ok(p->rate[0].nkey == 2 && p->rate[0].limit.num == 60000 && p->rate[0].per.num == 3600 && p->rate[0].burst.num == 90000, "a rate");
	tap_ok(!p->rate[1].burst.at.src && p->rate[1].per.num == PARSER_RATE_PERIOD_MAX, "a rate without burst");
	tap_ok(p->list[0].nitem == 2 && p->list[0].file.text.n == 0 && p->list[0].item[1].kind == AST_TEXT, "a list of items");
	tap_span_is(p->list[1].file.text, "y.tn", "a list from a file");
	tap_ok(p->list[2].nitem == 0 && span_is(p->list[2].type.text, "spc"), "an empty list");
	tap_ok(r->shadow && r->has_score && r->score.num == -1500 && r->max.num == 4000 && span_is(r->per.text, "c"), "a score");
	tap_ok(r->has_final && r->final.kind == AST_REDIRECT && r->final.text.kind == AST_TEXT && span_is(r->final.text.text, "a@example.net"), "a final");
	tap_ok(r->nabsorb == 3 && r->ntag == 3 && span_is(r->absorb[2].text, "C") && span_is(r->tag[2].text, "m"), "absorb and tag add up");
	tap_ok(span_is(r->describe.text, "d") && span_is(r->group.text, "g"), "describe and group");
	tap_ok(p->peer[0].mode == AST_MODE_OBSERVE && span_is(p->peer[0].expect.text, "unsigned") && p->peer[0].match->kind == AST_RULE, "a peer");
	tap_ok(p->peer[0].noverride == 2 && p->peer[0].override[0].has_final && p->peer[0].override[0].score.num == 1000 && p->peer[0].override[1].off, "its overrides");
	tap_ok(p->nthreshold == 2 && p->threshold[1].at.num == 15500 && p->threshold[1].action.code.text.n == 0 && p->actions_at.line == 9, "thresholds");
	tap_ok(t->ngiven == 3 && t->given[1].value.kind == AST_SET && t->given[1].value.nitem == 2 && t->at.num == 1704067200 + 77400, "what a test gives");
	tap_ok(t->nexpect == 6 && t->expect[0].kind == AST_EXPECT_ACTION && t->expect[0].action == AST_TAG && t->expect[3].score.num == -1000, "what it expects");
	ast_free(p);
}

/* The policy of the manual, with its lines where they are told of elsewhere. */
static void test_example(void)
{
	char path[4096];
	struct buf text;
	struct ast_policy *p;
	FILE *f = fopen(tap_srcpath(path, sizeof path, "tests/policy/example.policy"), "rb");
	char piece[1024];
	size_t n;

	if (!f)
		tap_bail("%s", path);
	buf_init(&text, LIMIT);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(&text, piece, n);
	(void)fclose(f);
	p = parse(text.p ? text.p : "");
	tap_ok(p->nlist == 4 && p->nwindow == 1 && p->nrate == 2 && p->npeer == 1 && p->non == 2 && p->ngroup == 1 && p->nthreshold == 3 && p->ntest == 1, "all statements");
	tap_int((long long)p->nrule, 17, "all rules");
	tap_int(p->rule[1].name.at.line, 18, "UNTRUSTED stands in line 18");
	tap_ok(p->rule[1].when->child[0].value.at.col == 36, "and its first value in column 36");
	tap_ok(p->rule[6].final.code.at.line == 24 && p->rule[6].final.code.at.col == 88, "a code");
	tap_ok(p->rule[6].when->child[0].value.at.col == 38, "a list's name");
	tap_ok(p->rule[14].absorb[0].at.line == 32 && p->rule[14].absorb[0].at.col == 92, "an absorbed rule");
	tap_ok(p->threshold[1].at.at.line == 36 && p->threshold[1].at.at.col == 35, "a threshold");
	ast_free(p);
	buf_free(&text);
}

/* Rules, and values in a set: one too many. */
static void test_counts(void)
{
	for (int how = 0; how < 4; how++) {
		bool rules = how & 2, more = how & 1;
		int n = (rules ? PARSER_RULES_MAX : PARSER_ITEMS_MAX) + more;
		struct ast_policy *p;
		struct source_report r;
		struct buf b;

		buf_init(&b, LIMIT);
		source_report_init(&r);
		buf_puts(&b, rules ? "policy 1 " : "policy 1 list l text { ");
		for (int i = 0; i < n; i++)
			if (rules)
				buf_printf(&b, "rule R%d { when A }\n", i);
			else
				buf_puts(&b, "a,\n");
		buf_puts(&b, rules ? "" : "}");
		tap_int(parser_parse("p", buf_span(&b), NULL, &p, &r), more ? -1 : 0, "%d %s", n, rules ? "rules" : "values");
		tap_ok(!more || strstr(r.first, rules ? "rules too many: at most 4096" : "at most 65536 values"), "and what was said");
		ast_free(p);
		buf_free(&b);
		source_report_free(&r);
	}
}

static void test_nesting(void)
{
	for (int how = 0; how < 4; how++) {
		int n = PARSER_NEST_MAX + (how & 1);
		const char *word = how & 2 ? "not " : "(";
		struct ast_policy *p;
		struct source_report r;
		struct buf b;

		buf_init(&b, 4096);
		source_report_init(&r);
		buf_puts(&b, "policy 1 rule R { when ");
		for (int i = 0; i < n; i++)
			buf_puts(&b, word);
		buf_puts(&b, "A");
		for (int i = 0; i < n && !(how & 2); i++)
			buf_puts(&b, ")");
		buf_puts(&b, " }");
		tap_int(parser_parse("p", buf_span(&b), NULL, &p, &r), how & 1 ? -1 : 0, "%d times %s", n, word);
		tap_ok(!(how & 1) || strstr(r.first, "conditions nest at most 32 deep"), "and what was said");
		ast_free(p);
		buf_free(&b);
		source_report_free(&r);
	}
}

/* --- includes ---------------------------------------------------------------------- */

static void test_includes(void)
{
	static const char *const cases[][2] = {
		{"conf/main", NULL},
		{"replace", NULL},
		{"loop", "loop2:1:9: error: loop includes itself"},
		{"deep", "deep8:1:9: error: files include one another at most 8 deep"},
		{"missing", "missing:2:11: error: nothing: no such file"},
		{"nofolder", "nofolder:2:21: error: nothing: no such folder"},
		{"mode", "mode1:1:10: error: the mode is said in the first file, not in one that is included"},
		{"newer", "newer1:1:8: error: this program knows policy 1; 2 needs a newer stir-milter"},
		{"broken", "broken1:2:9: error: expected \"when\", found the end of the file"},
		{"twice", "twice1:3:6: error: \"a\" is defined already, at twice:2"},
		{"many", "many/a.policy: error: a policy has at most 64 files"},
		{"none", "error: none: no such file"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ast_policy *p;
		struct source_report r;

		source_report_init(&r);
		tap_int(parser_read(cases[i][0], &loader, &p, &r), cases[i][1] ? -1 : 0, "%s is read", cases[i][0]);
		tap_str(r.first, cases[i][1] ? cases[i][1] : "", "with these words");
		ast_free(p);
		source_report_free(&r);
	}
}

static void test_include_order(void)
{
	static const char *const want[] = {"A", "B", "C1", "C2", "D"};
	struct source_loader no_folders = {NULL, read_file, NULL};
	struct ast_policy *p;
	struct source_report r;

	source_report_init(&r);
	if (parser_read("conf/main", &loader, &p, &r))
		tap_bail("%s", r.text.p);
	tap_int((long long)p->nrule, 5, "rules of all files");
	for (size_t i = 0; i < p->nrule; i++)
		tap_span_is(p->rule[i].name.text, want[i], "in the order of the text");
	tap_int((long long)p->nfile, 4, "the files are known");
	tap_str(p->file[0]->name, "conf/main", "the policy first");
	tap_str(p->file[3]->name, "conf/sub/d/2.policy", "paths begin at the file that names them");
	tap_int(p->mode, AST_MODE_ENFORCE, "the mode");
	tap_ok(p->rule[3].name.at.src == p->file[3] && p->rule[3].name.at.line == 2, "places are in the included file");
	ast_free(p);
	if (parser_read("replace", &loader, &p, &r))
		tap_bail("%s", r.text.p);
	tap_int((long long)p->nrule, 2, "a replaced rule is one rule");
	tap_ok(p->rule[0].replace && p->rule[0].shadow && p->rule[0].score.num == 5000, "in the place of the first");
	tap_str(p->rule[0].name.at.src->name, "replace1", "and says where it is from");
	ast_free(p);
	tap_int(parser_read("bare", &loader, &p, &r), 0, "a folder without policies is allowed");
	ast_free(p);
	tap_ok(r.warnings == 1 && strstr(r.text.p, "bare:2:19: warning: empty: there is no *.policy file in this folder\n"), "and warned of");
	tap_int(parser_read("nofolder", &no_folders, &p, &r), -1, "no folders without a lister");
	tap_int(parser_parse("p", span_cstr("policy 1 include \"a\""), NULL, &p, &r), -1, "no includes without a loader");
	tap_ok(strstr(r.text.p, "p:1:18: error: files can't be included here") != NULL, "and it is said");
	source_report_free(&r);
}

int main(void)
{
	test_errors();
	test_conditions();
	test_values();
	test_statements();
	test_example();
	test_counts();
	test_nesting();
	test_includes();
	test_include_order();
	return tap_done();
}
