/* Lists: what an entry is, what is in a list, what is said about bad lines. */
#include "config.h"

#include "core/buf.h"
#include "policy/list.h"
#include "tests/lib/tap.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static struct source_report report;

static void fresh(void)
{
	source_report_free(&report);
	source_report_init(&report);
}

static struct list *parse(enum list_type t, struct span text)
{
	struct list *l;

	fresh();
	if (list_parse("x.list", t, text, &l, &report) < 0)
		return NULL;
	return l;
}

static struct list *must(enum list_type t, const char *text)
{
	struct list *l = parse(t, span_cstr(text));

	if (!l)
		tap_bail("%s", report.first);
	return l;
}

/* As a fact would carry it. */
static bool contains(const struct list *l, const char *what)
{
	struct facts_value v = {.hidden = false};
	struct in_addr v4;

	switch (list_type(l)) {
	case LIST_TN:
		if (tn_from_claim(span_cstr(what), &v.tn) < 0)
			tap_bail("bad number in the test: %s", what);
		return list_contains(l, FACT_TYPE_TN, &v);
	case LIST_CIDR:
		if (inet_pton(AF_INET6, what, v.addr.b) != 1) {
			if (inet_pton(AF_INET, what, &v4) != 1)
				tap_bail("bad address in the test: %s", what);
			memcpy(v.addr.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
			memcpy(v.addr.b + 12, &v4, 4);
		}
		return list_contains(l, FACT_TYPE_ADDR, &v);
	case LIST_HOST:
		v.text = span_cstr(what);
		return list_contains(l, FACT_TYPE_HOST, &v);
	case LIST_SPC:
		v.text = span_cstr(what);
		return list_contains(l, FACT_TYPE_SPC, &v);
	case LIST_TEXT:
		v.text = span_cstr(what);
		return list_contains(l, FACT_TYPE_TEXT, &v);
	}
	return false;
}

/* --- what is in a list */

struct lookup_case {
	enum list_type type;
	const char *text, *in, *out; /* words, cut at '|' */
	size_t count;
};

static const struct lookup_case lookups[] = {
	{LIST_TN, "+15550100001\n+15550100003\n", "15550100001|15550100003", "15550100002|155501000011|5550100001|1555010000|15550100001#|0", 2},
	{LIST_TN, "+15550100001\r\n  +15550100003 \t# one\r\n# all\n\n\t\n+15550100005", "15550100001|15550100003|15550100005", "15550100002", 3},
	{LIST_TN, "+1888*\n", "1888|18885550100|188800000000000|188899999999999", "1887|1889|188|1|18|188|1#88|1888#", 1},
	{LIST_TN, "+1*\n", "1|19|100000000000000|199999999999999", "2|21|99|999999999999999", 1},
	{LIST_TN, "+123456789012345*\n", "123456789012345", "12345678901234|123456789012346", 1},
	{LIST_TN, "+10*\n+1888*\n", "10|100|101|1099", "1|11|12|188|19", 2},
	{LIST_TN, "+18005550100..+18005550199\n", "18005550100|18005550150|18005550199", "18005550099|18005550200|180055501500|1800555015", 1},
	{LIST_TN, "+18005550100..+18005550199\n+18005550150..+18005550250\n+18005550251..+18005550260\n", "18005550100|18005550200|18005550250|18005550255|18005550260", "18005550099|18005550261", 3},
	{LIST_TN, "+1000000..+9999999\n", "1000000|5000000|9999999", "10000000|999999", 1},
	{LIST_TN, "+999999999999999\n+100000000000000\n", "999999999999999|100000000000000", "999999999999998", 2},
	{LIST_CIDR, "192.0.2.0/24\n198.51.100.7\n", "192.0.2.0|192.0.2.255|::ffff:192.0.2.9|198.51.100.7", "192.0.1.255|192.0.3.0|198.51.100.6|198.51.100.8|::192.0.2.1|2001:db8::1", 2},
	{LIST_CIDR, "0.0.0.0/0\n", "0.0.0.0|255.255.255.255", "::|::1|2001:db8::1|::fffe:ffff:ffff|::1:0:0:0", 1},
	{LIST_CIDR, "::/0\n", "::|2001:db8::1|ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "192.0.2.1", 1},
	{LIST_CIDR, "2001:db8::/33\n2001:db8:8000::1\nfe80::/10\n::/128\n", "2001:db8::1|2001:db8:7fff:ffff:ffff:ffff:ffff:ffff|2001:db8:8000::1|fe80::1|febf:ffff::1|::", "2001:db8:8000::|2001:db8:8000::2|fec0::|::1", 4},
	{LIST_CIDR, "2001:db8::/63\n2001:db8:0:2::/64\n2001:db8:0:4::/65\n", "2001:db8:0:1:ffff::|2001:db8:0:2::1|2001:db8:0:4:7fff::", "2001:db8:0:3::|2001:db8:0:4:8000::", 3},
	{LIST_CIDR, "10.0.0.0/8\n10.1.0.0/16\n10.1.2.3\n11.0.0.0/8\n", "10.0.0.0|10.1.2.3|10.255.255.255|11.0.0.0|11.255.255.255", "9.255.255.255|12.0.0.0", 2},
	{LIST_HOST, "bit.ly\n.example.net\nT.co\n", "bit.ly|BIT.LY|bit.ly.|a.example.net|A.b.Example.NET|a.example.net.|t.co", "xbit.ly|a.bit.ly|example.net|.example.net|..example.net|a.example.net..|net|.|..|co", 3},
	{LIST_HOST, ".net\nxn--bcher-kva.example\n_dmarc.a-b.example\n", "a.net|b.a.net|xn--bcher-kva.example|_dmarc.a-b.example", "net|a.network|.net", 3},
	{LIST_HOST, "a.example\n", "a.example", "b.a.example|example|aaexample|aaexample.", 1},
	{LIST_SPC, "123a\nZZ-9\n0123\n", "123A|123a|zz-9|0123", "123|123AB|123", 3},
	{LIST_TEXT, "Free money\n#no\n a#b # c\nGrüße\n##\n", "Free money|a#b|Grüße", "free money|Free money |a#b # c|Gr|no|#no|#|##", 3},
	{LIST_TEXT, "\"quoted\"\n", "\"quoted\"", "quoted", 1},
};

static void each(const struct list *l, const char *words, bool want, size_t number)
{
	struct span rest = span_cstr(words);

	while (rest.n) {
		struct span w = span_cut(&rest, '|');
		char text[300];

		snprintf(text, sizeof text, "%.*s", SPAN_ARG(w));
		tap_int(contains(l, text), want, "list %zu: %s is %s", number, text, want ? "in" : "not in");
	}
}

static void check_lookups(void)
{
	for (size_t i = 0; i < sizeof lookups / sizeof lookups[0]; i++) {
		const struct lookup_case *c = &lookups[i];
		struct list *l = must(c->type, c->text);

		each(l, c->in, true, i);
		each(l, c->out, false, i);
		tap_int((long long)list_count(l), (long long)c->count, "list %zu: its entries", i);
		tap_int(list_type(l), c->type, "list %zu: its type", i);
		list_free(l);
	}
	list_free(NULL);
}

/* --- what is said */

struct said_case {
	enum list_type type;
	const char *text, *error; /* the first error's line */
};

#define TN_LOOKS "; write +15550100001, +1888* or +18005550100..+18005550199"
#define NET_LOOKS "; write 192.0.2.0/24 or 2001:db8::1"
#define HOST_LOOKS "; write example.net, or .example.net for the names below it"
#define SPC_LOOKS "; write a service provider code, as 123A"

static const struct said_case said[] = {
	{LIST_TN, "+15550100001\n15550100001\n", "x.list:2:1: error: \"15550100001\" is no tn entry: a number begins with +" TN_LOOKS},
	{LIST_TN, "  +1555a\n", "x.list:1:8: error: \"+1555a\" is no tn entry: this is neither a digit nor the end of the number" TN_LOOKS},
	{LIST_TN, "+\n", "x.list:1:2: error: \"+\" is no tn entry: there is no digit behind the +" TN_LOOKS},
	{LIST_TN, "+*\n", "x.list:1:2: error: \"+*\" is no tn entry: there is no digit behind the +" TN_LOOKS},
	{LIST_TN, "+05550100001\n", "x.list:1:2: error: \"+05550100001\" is no tn entry: an international number does not begin with 0" TN_LOOKS},
	{LIST_TN, "+1234567890123456\n", "x.list:1:17: error: \"+1234567890123456\" is no tn entry: a number has at most 15 digits" TN_LOOKS},
	{LIST_TN, "+123456\n", "x.list:1:1: error: \"+123456\" is no tn entry: an international number has at least 7 digits" TN_LOOKS},
	{LIST_TN, "+1 555 010 0001\n", "x.list:1:3: error: \"+1 555 010 0001\" is no tn entry: this is neither a digit nor the end of the number" TN_LOOKS},
	{LIST_TN, "+1888**\n", "x.list:1:6: error: \"+1888**\" is no tn entry: this is neither a digit nor the end of the number" TN_LOOKS},
	{LIST_TN, "+1888*5\n", "x.list:1:6: error: \"+1888*5\" is no tn entry: this is neither a digit nor the end of the number" TN_LOOKS},
	{LIST_TN, "+18005550199..+18005550100\n", "x.list:1:15: error: \"+18005550199..+18005550100\" is no tn entry: the first number of a range is the lower one" TN_LOOKS},
	{LIST_TN, "+1800555010..+18005550100\n", "x.list:1:14: error: \"+1800555010..+18005550100\" is no tn entry: both ends of a range have the same number of digits, these have 10 and 11" TN_LOOKS},
	{LIST_TN, "+18005550100..\n", "x.list:1:15: error: \"+18005550100..\" is no tn entry: a number begins with +" TN_LOOKS},
	{LIST_TN, "+18005550100..18005550199\n", "x.list:1:15: error: \"+18005550100..18005550199\" is no tn entry: a number begins with +" TN_LOOKS},
	{LIST_TN, "+18005550100..+18005550199*\n", "x.list:1:27: error: \"+18005550100..+18005550199*\" is no tn entry: the range ends before this" TN_LOOKS},
	{LIST_TN, "+123456..+123457\n", "x.list:1:10: error: \"+123456..+123457\" is no tn entry: an international number has at least 7 digits" TN_LOOKS},
	{LIST_TN, "+18005550100.+18005550199\n", "x.list:1:13: error: \"+18005550100.+18005550199\" is no tn entry: this is neither a digit nor the end of the number" TN_LOOKS},
	{LIST_TN, "+15550100001#x\n", "x.list:1:13: error: \"+15550100001#x\" is no tn entry: this is neither a digit nor the end of the number" TN_LOOKS},
	{LIST_TN, "\xEF\xBB\xBF+15550100001\n", "x.list:1:1: error: the list begins with a byte order mark; save it without one"},
	{LIST_TN, "# a\x01\n", "x.list:1:4: error: a control character in a list"},
	{LIST_TN, "+15550100001\r+15550100002\n", "x.list:1:13: error: a carriage return that does not end the line"},
	{LIST_TN, "+15550100001\r", "x.list:1:13: error: a carriage return that does not end the line"},
	{LIST_TN, "# \xC3\n", "x.list:1:3: error: this is not UTF-8"},
	{LIST_TN, "# \xED\xA0\x80\n", "x.list:1:3: error: this is not UTF-8"},
	{LIST_TEXT, "a\xC2\x85\n", "x.list:1:2: error: a control character in a list"},
	{LIST_TEXT, "a\tb\n", "x.list:1:2: error: a control character in a list"},
	{LIST_TEXT, "a\x7F\n", "x.list:1:2: error: a control character in a list"},
	{LIST_CIDR, "10.0.0.1/8\n", "x.list:1:1: error: \"10.0.0.1/8\" is no cidr entry: bits beyond the prefix are set; did you mean 10.0.0.0/8?" NET_LOOKS},
	{LIST_CIDR, "2001:db8::1/64\n", "x.list:1:1: error: \"2001:db8::1/64\" is no cidr entry: bits beyond the prefix are set; did you mean 2001:db8::/64?" NET_LOOKS},
	{LIST_CIDR, "10.0.0.0/33\n", "x.list:1:10: error: \"10.0.0.0/33\" is no cidr entry: a prefix is at most 32" NET_LOOKS},
	{LIST_CIDR, "2001:db8::/129\n", "x.list:1:12: error: \"2001:db8::/129\" is no cidr entry: a prefix is at most 128" NET_LOOKS},
	{LIST_CIDR, "10.0.0.0/08\n", "x.list:1:10: error: \"10.0.0.0/08\" is no cidr entry: a prefix is a plain number" NET_LOOKS},
	{LIST_CIDR, "10.0.0.0/\n", "x.list:1:10: error: \"10.0.0.0/\" is no cidr entry: a prefix is a plain number" NET_LOOKS},
	{LIST_CIDR, "10.0.0.0/8/8\n", "x.list:1:10: error: \"10.0.0.0/8/8\" is no cidr entry: a prefix is a plain number" NET_LOOKS},
	{LIST_CIDR, "10/8\n", "x.list:1:1: error: \"10/8\" is no cidr entry: this is no IPv4 or IPv6 address" NET_LOOKS},
	{LIST_CIDR, "010.0.0.0/8\n", "x.list:1:1: error: \"010.0.0.0/8\" is no cidr entry: this is no IPv4 or IPv6 address" NET_LOOKS},
	{LIST_CIDR, "::ffff:192.0.2.0/120\n", "x.list:1:1: error: \"::ffff:192.0.2.0/120\" is no cidr entry: write an IPv4-mapped network as IPv4" NET_LOOKS},
	{LIST_CIDR, "!10.0.0.0/8\n", "x.list:1:1: error: \"!10.0.0.0/8\" is no cidr entry: this is no IPv4 or IPv6 address" NET_LOOKS},
	{LIST_HOST, "a..b\n", "x.list:1:3: error: \"a..b\" is no host entry: there is nothing between two dots" HOST_LOOKS},
	{LIST_HOST, ".\n", "x.list:1:1: error: \".\" is no host entry: a host name has no dot at its end" HOST_LOOKS},
	{LIST_HOST, "a.example.\n", "x.list:1:10: error: \"a.example.\" is no host entry: a host name has no dot at its end" HOST_LOOKS},
	{LIST_HOST, "*.example\n", "x.list:1:1: error: \"*.example\" is no host entry: a host name has letters, digits, hyphens and dots" HOST_LOOKS},
	{LIST_HOST, "https://bit.ly\n", "x.list:1:6: error: \"https://bit.ly\" is no host entry: a host name has letters, digits, hyphens and dots" HOST_LOOKS},
	{LIST_HOST, "b\xC3\xBC" "cher.example\n", "x.list:1:2: error: \"b\\xc3\\xbccher.example\" is no host entry: an internationalised name is written in its xn-- form" HOST_LOOKS},
	{LIST_SPC, "12 3\n", "x.list:1:3: error: \"12 3\" is no spc entry: a service provider code has letters, digits and hyphens" SPC_LOOKS},
	{LIST_SPC, "123456789012345678901234567890123\n", "x.list:1:33: error: \"123456789012345678901234567890123\" is no spc entry: a service provider code has at most 32 octets" SPC_LOOKS},
};

static void check_said(void)
{
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		struct list *l = parse(said[i].type, span_cstr(said[i].text));

		tap_ok(!l, "refused, case %zu", i);
		tap_str(report.first, said[i].error, "what is said, case %zu", i);
		tap_int(report.errors, 1, "said once, case %zu", i);
		list_free(l);
	}
	tap_ok(!parse(LIST_TEXT, span_make("ab\0c\n", 5)), "NUL is refused");
	tap_str(report.first, "x.list:1:3: error: NUL in a list", "NUL and its place");
}

/* n octets c, then the end. */
static bool accepts(enum list_type t, const char *begin, char c, size_t n, const char *end)
{
	struct list *l;
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_puts(&b, begin);
	while (n--)
		buf_putc(&b, c);
	buf_puts(&b, end);
	l = parse(t, buf_span(&b));
	list_free(l);
	buf_free(&b);
	return l != NULL;
}

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void check_lengths(void)
{
	tap_ok(accepts(LIST_TN, "#", 'x', LIST_LINE_MAX - 1, "\r\n"), "a line of %d octets", LIST_LINE_MAX);
	tap_ok(!accepts(LIST_TN, "#", 'x', LIST_LINE_MAX, "\r\n"), "a longer one");
	tap_str(report.first, "x.list:1:1025: error: a line of a list has at most 1024 octets", "its place");
	tap_ok(accepts(LIST_TEXT, "", 'x', 256, ""), "a text of 256 octets");
	tap_ok(!accepts(LIST_TEXT, "", 'x', 257, ""), "a longer one");
	tap_ok(accepts(LIST_HOST, ".", 'x', 63, ".example"), "a label of 63 octets");
	tap_ok(!accepts(LIST_HOST, ".", 'x', 64, ".example"), "a longer one");
	tap_ok(accepts(LIST_HOST, "." X63 "." X63 "." X63 ".", 'x', 61, ""), "a host of 253 octets and a dot");
	tap_ok(!accepts(LIST_HOST, "." X63 "." X63 "." X63 ".", 'x', 62, ""), "a longer one");
	tap_ok(accepts(LIST_SPC, "", 'x', 32, ""), "a code of 32 octets");
}

static size_t occurrences(const char *what)
{
	size_t n = 0;

	for (const char *p = report.text.p; p && (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void check_many(void)
{
	struct list *l;
	struct buf b;

	buf_init(&b, 1 << 16);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "+15550100001\nno%d\n", i);
	l = parse(LIST_TN, buf_span(&b));
	tap_ok(!l, "a hundred bad lines");
	tap_int((long long)occurrences(": error: "), 20, "twenty of them are said");
	tap_int((long long)occurrences("x.list:42:1: note: and 80 more errors"), 1, "and how many more");
	buf_free(&b);
}

struct warned_case {
	enum list_type type;
	const char *text, *warning; /* NULL: none */
	size_t count;
};

static const struct warned_case warned[] = {
	{LIST_TN, "", "x.list:1:1: warning: the list is empty", 0},
	{LIST_HOST, "# nothing\n\n", "x.list:1:1: warning: the list is empty", 0},
	{LIST_TN, "+15550100001\n  +15550100001\n", "x.list:2:3: warning: this entry is listed twice or within another", 1},
	{LIST_TN, "+15550100009\n+15550100001\n+15550100009\n+15550100001\n+15550100001\n", "x.list:3:1: warning: 3 entries are listed twice or within another; this is the first", 2},
	{LIST_TN, "+18885550100\n+1777*\n+1888*\n", "x.list:1:1: warning: this entry", 2},
	{LIST_TN, "+18885550100..+18885550199\n+1888*\n+18887*\n", "x.list:1:1: warning: 2 entries", 1},
	{LIST_TN, "+18885550100..+18885550199\n+18885550150\n+18885550150..+18885550199\n", "x.list:2:1: warning: 2 entries", 1},
	{LIST_TN, "+18885550100..+18885550199\n+18885550150..+18885550299\n", NULL, 2},
	{LIST_TN, "+18879999999..+18880000001\n+1888*\n", NULL, 2},
	{LIST_CIDR, "10.1.0.0/16\n10.0.0.0/8\n", "x.list:1:1: warning: this entry", 1},
	{LIST_CIDR, "2001:db8:1::/48\n2001:db8::/32\n2001:db8::/32\n", "x.list:1:1: warning: 2 entries", 1},
	{LIST_CIDR, "::/0\n192.0.2.1\n", NULL, 2},
	{LIST_HOST, "b.example\nA.Example\na.example\n", "x.list:3:1: warning: this entry", 2},
	{LIST_HOST, "example.net\na.example.net\n.b.example.net\n.example.net\n", "x.list:2:1: warning: 2 entries", 2},
	{LIST_SPC, "123a\n123A\n", "x.list:2:1: warning: this entry", 1},
	{LIST_TEXT, "a\nA\nb\na\n", "x.list:4:1: warning: this entry", 3},
};

static void check_warned(void)
{
	for (size_t i = 0; i < sizeof warned / sizeof warned[0]; i++) {
		const struct warned_case *c = &warned[i];
		struct list *l = must(c->type, c->text);

		tap_int(report.warnings, c->warning != NULL, "warnings, case %zu", i);
		if (c->warning)
			tap_ok(occurrences(c->warning) == 1, "what is said, case %zu", i);
		tap_int((long long)list_count(l), (long long)c->count, "entries left, case %zu", i);
		list_free(l);
	}
}

/* --- literals, types */

static struct ast_value literal_of(enum ast_value_kind kind, const char *a, const char *b)
{
	struct ast_value v = {.kind = kind};

	if (tn_from_claim(span_cstr(a), &v.tn) < 0 || (b && tn_from_claim(span_cstr(b), &v.tn2) < 0))
		tap_bail("bad number in the test");
	return v;
}

static struct ast_value net_value(const char *a, unsigned bits)
{
	struct ast_value v = {.kind = AST_NET, .bits = bits};

	if (inet_pton(AF_INET6, a, v.addr.b) != 1)
		tap_bail("bad address in the test");
	return v;
}

static void check_values(void)
{
	struct source src = {"a.policy", span_cstr("list a spc { 12 }\n")};
	struct ast_value tn[] = {literal_of(AST_TN, "15550100001", NULL), literal_of(AST_TN_PREFIX, "1888", NULL), literal_of(AST_TN_RANGE, "18005550100", "18005550199")};
	struct ast_value net[] = {net_value("::ffff:192.0.2.0", 120), net_value("2001:db8::", 32), net_value("::ffff:192.0.2.7", 128)};
	struct ast_value text[] = {{.kind = AST_TEXT, .text = span_cstr("bit.ly")}, {.kind = AST_TEXT, .text = span_cstr(".Example.net")}};
	struct ast_value bad = {.kind = AST_NUMBER, .at = {&src, 1, 14}}, signs = literal_of(AST_TN, "*123#", NULL);
	struct list *l;

	fresh();
	tap_int(list_from_values(LIST_TN, tn, 3, &l, &report), 0, "numbers as literals");
	each(l, "15550100001|18885550100|18005550150", true, 100);
	each(l, "15550100002|18005550200", false, 100);
	list_free(l);
	tap_int(list_from_values(LIST_CIDR, net, 3, &l, &report), 0, "networks as literals");
	each(l, "192.0.2.7|2001:db8::1", true, 101);
	each(l, "192.0.3.7|2001:db9::1", false, 101);
	tap_int(report.warnings, 1, "one is in another");
	list_free(l);
	tap_int(list_from_values(LIST_HOST, text, 2, &l, &report), 0, "hosts as literals");
	each(l, "bit.ly|a.example.net", true, 102);
	list_free(l);
	tap_int(list_from_values(LIST_SPC, &bad, 1, &l, &report), -1, "a number is no code");
	tap_str(report.first, "a.policy:1:14: error: this is no entry of a list of spc: write it in quotes", "what is said");
	tap_int(list_from_values(LIST_CIDR, tn, 1, &l, &report), -1, "a number is no network");
	tap_int(list_from_values(LIST_TN, net, 1, &l, &report), -1, "a network is no number");
	tap_int(list_from_values(LIST_TN, &signs, 1, &l, &report), -1, "a number with signs is in no list");
	tap_ok(!l, "nothing is made");
}

static void check_types(void)
{
	struct list *l = must(LIST_TEXT, "15550100001\n");
	struct facts_value v = {.text = span_cstr("15550100001")};

	tap_int(list_type_of(span_cstr("tn")), LIST_TN, "tn");
	tap_int(list_type_of(span_cstr("text")), LIST_TEXT, "text");
	tap_int(list_type_of(span_cstr("TN")), -1, "words are lower case");
	tap_int(list_type_of(span_cstr("")), -1, "no word");
	tap_str(list_type_name(LIST_CIDR), "cidr", "cidr");
	tap_ok(list_holds(LIST_CIDR, FACT_TYPE_ADDR) && !list_holds(LIST_CIDR, FACT_TYPE_TN), "a list of networks holds addresses");
	tap_ok(list_contains(l, FACT_TYPE_TEXT, &v), "a text");
	tap_ok(!list_contains(l, FACT_TYPE_SPC, &v), "a fact of another type is in no list");
	v.hidden = true;
	tap_ok(!list_contains(l, FACT_TYPE_TEXT, &v), "nor is a pseudonym");
	list_free(l);
}

/* Enough to grow every table, each second number. */
static void check_large(void)
{
	enum { N = 20000 };
	struct list *l;
	struct buf b;
	size_t wrong = 0;

	buf_init(&b, 1 << 20);
	for (int i = N; i > 0; i--)
		buf_printf(&b, "+1555%07d\n", 2 * i);
	l = parse(LIST_TN, buf_span(&b));
	for (int i = 2; i <= 2 * N + 1; i++) {
		char n[16];

		snprintf(n, sizeof n, "1555%07d", i);
		wrong += contains(l, n) != (i % 2 == 0);
	}
	tap_int((long long)wrong, 0, "%d numbers, found or not", 2 * N);
	tap_ok(list_bytes(l) < 9 * N, "each takes 8 octets");
	list_free(l);
	buf_reset(&b);
	for (int i = 0; i < N; i++)
		buf_printf(&b, "%sh%d.example\n", i % 3 ? "" : ".", i);
	l = parse(LIST_HOST, buf_span(&b));
	wrong = 0;
	for (int i = 0; i < N; i++) {
		char n[32];

		snprintf(n, sizeof n, "%sh%d.example", i % 3 ? "" : "a.", i);
		wrong += !contains(l, n);
		wrong += contains(l, i % 3 ? n + 1 : n + 2);
	}
	tap_int((long long)wrong, 0, "%d hosts, found or not", 2 * N);
	list_free(l);
	buf_free(&b);
}

int main(void)
{
	check_lookups();
	check_said();
	check_lengths();
	check_many();
	check_warned();
	check_values();
	check_types();
	check_large();
	source_report_free(&report);
	return tap_done();
}
