/* Addresses of fields and envelopes, and the parties they stand for. */
#include "config.h"

#include "core/address.h"
#include "core/buf.h"
#include "core/limits.h"
#include "tests/lib/tap.h"

#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena *arena;
static struct numberplan *plan;

/* All addresses with '|' between them: "a@b.example|" has an empty second one. */
static const char *joined(struct span value)
{
	static char text[4096];
	struct span *addr;
	bool truncated;
	size_t n, used = 0;

	arena_reset(arena);
	n = address_list(value, arena, &addr, &truncated);
	if (!n)
		return "none";
	for (size_t i = 0; i < n && used < sizeof text; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i ? "|" : "", SPAN_ARG(addr[i]));
	return text;
}

struct text_case {
	const char *in, *want;
};

static const struct text_case lists[] = {
	/* MM4, and the shapes of consumer gateways */
	{"+15551230001/TYPE=PLMN", "+15551230001/TYPE=PLMN"},
	{"<+15551230001/TYPE=PLMN>", "+15551230001/TYPE=PLMN"},
	{"+15551230001/TYPE=PLMN@mms.mnc001.mcc001.gprs", "+15551230001/TYPE=PLMN@mms.mnc001.mcc001.gprs"},
	{"15551230001 <15551230001/TYPE=PLMN@mms.example>", "15551230001/TYPE=PLMN@mms.example"},
	{"+15551230001 <+15551230001/TYPE=PLMN@mms.example>", "+15551230001/TYPE=PLMN@mms.example"},
	{"+15551230001 <+15551230002/TYPE=PLMN>", "+15551230002/TYPE=PLMN"},
	{"\"+15551230001\" <BCDEFG@mms.example>", "BCDEFG@mms.example"},
	{"\"someone@pm.example\" <someone@pm.example>", "someone@pm.example"},
	{"\"15551230001@mms.example\"\n\t<LZvLR1Ecf2w@mms.example>", "LZvLR1Ecf2w@mms.example"},
	{"\"15551230001@mms.example\"\r\n\t<LZvLR1Ecf2w@mms.example>", "LZvLR1Ecf2w@mms.example"},
	{"  <noreply@mms.example> ", "noreply@mms.example"},
	{"\"=?utf-8?B?QW5kcmV3?=\" <2125551212@mms.example>", "2125551212@mms.example"},
	{"\"MMS Message\" <5551234@mms.example>", "5551234@mms.example"},
	{"2125551212@pix.example", "2125551212@pix.example"},
	{"15551230001", "15551230001"},
	{"MMS=+1-555-123-0001@gw.example", "MMS=+1-555-123-0001@gw.example"},
	{"/SMS=+33-1-88335215/@gw.example", "/SMS=+33-1-88335215/@gw.example"},
	{"FAX=+1.202.7653000/T33S=6377@gw.example", "FAX=+1.202.7653000/T33S=6377@gw.example"},
	{"+15551230001/TYPE=PLMN, +15551230002/TYPE=PLMN", "+15551230001/TYPE=PLMN|+15551230002/TYPE=PLMN"},
	/* plain mail */
	{"", "none"},
	{" \t ", "none"},
	{"<>", "none"},
	{"(only a comment)", "none"},
	{"a@b.example", "a@b.example"},
	{"A@B.Example", "A@B.Example"},
	{"a@b.example,\n d@e.example", "a@b.example|d@e.example"},
	{"a@b.example, , d@e.example,", "a@b.example|d@e.example"},
	{", a@b.example", "a@b.example"},
	{"a@b.example;", "a@b.example"},
	{"a@b.example; d@e.example", "a@b.example|d@e.example"},
	{"a (c) @ (d, x@y.example) b . example", "a@b.example"},
	{"a@b.example (d@e.example)", "a@b.example"},
	{"g: a@b.example, d@e.example;", "a@b.example|d@e.example"},
	{"g: a@b.example;", "a@b.example"},
	{"g: a@b.example;, x@y.example", "a@b.example|x@y.example"},
	{"undisclosed-recipients:;", "none"},
	{"undisclosed recipients: ;", "none"},
	{"=?utf-8?Q?J=C3=B6?= <a@b.example>", "a@b.example"},
	{"a@b.example (=?utf-8?Q?J=C3=B6?=)", "a@b.example"},
	{"(=?x?q?a?=) \"=?x?q?<?=\" =?x?q?a?= <a@b.example>", "a@b.example"},
	/* in an address it is nobody's grammar */
	{"=?utf-8?Q?a?=@b.example", "none"},
	{"<=?utf-8?Q?a?=@b.example>", "none"},
	{"c@d.example, \"=?utf-8?Q?a?=\"@b.example", "c@d.example|"},
	{"=?utf-8?Q?d=40e=2Eexample=2C?= <a@b.example>", "a@b.example"},
	{"J\xC3\xB6 <a@b.example>", "a@b.example"},
	{"J\xF6 <a@b.example>", "a@b.example"},
	{"j\xC3\xB6@b.example", "j\xC3\xB6@b.example"},
	{"a@b\xC3\xBC" "cher.example", "a@xn--bcher-kva.example"},
	{"a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
	{"<@r1.example,@r2.example:a@b.example>", "a@b.example"},
	{"<@r1.example:a@b.example>", "a@b.example"},
	{"< @r1.example:a@b.example>, c@d.example", "a@b.example|c@d.example"},
	{"a@b.example.", "a@b.example"},
	{"a@[192.0.2.1]", "a@[192.0.2.1]"},
	{"Who [of] (where) <a@[192.0.2.1]>", "none"},
	{"\"Who [of] (where)\" <a@[192.0.2.1]>", "a@[192.0.2.1]"},
	{"a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"},
	{"mailto:a@b.example", "a@b.example"},
	/* quotes */
	{"\"a b\"@c.example", "a b@c.example"},
	{"\"+15551230001/TYPE=PLMN\"@x.example", "+15551230001/TYPE=PLMN@x.example"},
	{"\"a@b.example\"@c.example", "a@b.example@c.example"},
	{"\"a\\\"b\\\\c\"@d.example", "a\"b\\c@d.example"},
	{"\"a\".\"b\"@c.example", "a.b@c.example"},
	{"\"a, d@e.example\" <a@b.example>", "a@b.example"},
	{"\"a@b.example\"", "\"a@b.example\""},
	{"<\"a@b.example\">", "\"a@b.example\""},
	/* one that somebody could take for two */
	{"d@e.example <a@b.example>", "a@b.example|"},
	{"a@b@c.example", "a@b|"},
	{"<a@b@c.example>", "a@b|"},
	{"a@b.example|d@e.example", "a@b.example|d|"},
	{"a@b.example [d@e.example]", "a@b.example|"},
	{"a@[d@e.example]", "a@[d@e.example]|"},
	{"a\\,b@c.example", "b@c.example|"},
	{"\\\"d@e.example, \\\" <a@b.example>", "none"},
	{"\\\"d@e.example\" <a@b.example>, x@y.example", "x@y.example|"},
	{"\"never ends <d@e.example>, a@b.example", "a@b.example|"},
	{"d@[never ends, a@b.example", "a@b.example|"},
	{"d@[1.2.3.4](never (ends), a@b.example", "a@b.example|"},
	{"(never ends, a@b.example", "a@b.example|"},
	{"d@e.example: a@b.example;", "a@b.example|"},
	{"d@e.example:a@b.example", "a@b.example|"},
	{"g: h: a@b.example;;", "a@b.example|"},
	{"g: h;, <who>: a@b.example;", "h|a@b.example"},
	{"<who>: a@b.example;", "a@b.example|"},
	{"<@d.example>, a@b.example", "a@b.example|"},
	{"5551230001, Who <a@b.example>", "5551230001|a@b.example"},
	{"+1 555 123 0001, Who <a@b.example>", "a@b.example|"},
	{"+1 (555) 123-0001@gw.example, a@b.example", "a@b.example|"},
	{"a@, d@e.example", "d@e.example|"},
	{"a@b.example, d..e@f.example", "a@b.example|"},
	{"a@b.example\n\n", "a@b.example"},
	{"a@b.\nexample", "a@b.example|"},
	{"a@b.\rexample", "a@b.example|"},
	{"a@b.example\nTo: d@e.example", "d@e.example|"},
	{"Who: 5551230001 x: a@b.example", "a@b.example|"},
	{"+15551230001: a@b.example;", "a@b.example|"},
	{"a@b.example\x01", "a@b.example|"},
	/* two */
	{"Doe, John <a@b.example>", "Doe|a@b.example"},
	{"<a@b.example> <d@e.example>", "a@b.example|d@e.example"},
	{"<a@b.example><d@e.example>", "a@b.example|d@e.example"},
	{"<a@b.example,d@e.example>", "a@b.example|d@e.example"},
	{"a@b.example d@e.example", "a@b.example|d@e.example"},
	{"a@b.example +15551230002/TYPE=PLMN", "a@b.example|+15551230002/TYPE=PLMN"},
	/* unreadable */
	{"+1 555 123 0001/TYPE=PLMN", "none"},
	{"+15551230001/TYPE=PLMN +15551230002/TYPE=PLMN", "none"},
	{"+15551230001/TYPE=PLMN a@b.example", "none"},
	{"<@d.example> a@b.example", "none"},
	{"a@", "none"},
	{"@b.example", "none"},
	{"<@b.example>", "none"},
	{"a..b@c.example", "none"},
	{"\"never ends <a@b.example>", "none"},
	{"a@b.example (never ends", "none"},
	{"\"", "none"},
	{"(", "none"},
	{"[", "none"},
	{",;:,", "none"},
};

static const struct text_case envelopes[] = {
	{"", ""},
	{"<>", ""},
	{" <> ", ""},
	{"<a@b.example>", "a@b.example"},
	{"a@b.example", "a@b.example"},
	{"<A@B.Example>", "A@B.Example"},
	{"<a@b.example", "a@b.example"},
	{"<postmaster>", "postmaster"},
	{"<+15551230001/TYPE=PLMN@mms.example>", "+15551230001/TYPE=PLMN@mms.example"},
	{"+15551230001/TYPE=PLMN", "+15551230001/TYPE=PLMN"},
	{"<@a.example,@b.example:user@c.example>", "user@c.example"},
	{"@a.example:user@c.example", "user@c.example"},
	{"<@[IPv6:::1],@b.example:user@c.example>", "user@c.example"},
	{"<@b.example>", "@b.example"},
	{"<\"a b\"@c.example>", "a b@c.example"},
	{"<\"a\\\"b\\\\\"@c.example>", "a\"b\\@c.example"},
	{"<\"a@b.example\"@c.example>", "a@b.example@c.example"},
	{"<\"a:@b\"@c.example>", "a:@b@c.example"},
	{"<user@[IPv6:2001:db8::1]>", "user@[IPv6:2001:db8::1]"},
	{"<\"\"@c.example>", "@c.example"},
	/* no clean reading: as they stand, never empty (that is the null sender) */
	{"<\"a@b.example\">", "\"a@b.example\""},
	{"<\"\"@\"\">", "\"\"@\"\""},
	{"<\"a@b.example>", "\"a@b.example"},
};

/* What it stands for, under the plan of main(). */
static const struct text_case parties[] = {
	{"", "none"},
	{"+15551230001/TYPE=PLMN@mms.example", "tn 15551230001"},
	{"+15551230001/TYPE=PLMN", "tn 15551230001"},
	{"2125551212@pix.example", "tn 12125551212"},
	{"2125551212@PIX.example.", "tn 12125551212"},
	{"2125551212@mail.example", "uri mailto:2125551212@mail.example"},
	{"442079460000/TYPE=PLMN@pix.example", "uri mailto:442079460000%2FTYPE%3DPLMN@pix.example"},
	{"Who.Ever@Example.ORG", "uri mailto:Who.Ever@example.org"},
	{"who@example.org.", "uri mailto:who@example.org"},
	{"a+b=c%d&e#f?g/h@x.example", "uri mailto:a+b%3Dc%25d%26e%23f%3Fg%2Fh@x.example"},
	{"!$'*-_~^`{|}@x.example", "uri mailto:!$'*-_~%5E%60%7B%7C%7D@x.example"},
	{"not@me@x.example", "uri mailto:%22not%40me%22@x.example"},
	{"a b@x.example", "uri mailto:%22a%20b%22@x.example"},
	{"a\"b\\c@x.example", "uri mailto:%22a%5C%22b%5C%5Cc%22@x.example"},
	{"a..b@x.example", "uri mailto:%22a..b%22@x.example"},
	{".a@x.example", "uri mailto:%22.a%22@x.example"},
	{"a@[IPv6:2001:DB8::1]", "uri mailto:a@%5Bipv6:2001:db8::1%5D"},
	{"j\xC3\xB6@x.example", "uri mailto:j%C3%B6@x.example"},
	{"j\xF6@x.example", "uri mailto:j%F6@x.example"},
	{"a@b\xC3\xBC" "cher.example", "uri mailto:a@xn--bcher-kva.example"},
	{"a@xn--bcher-kva.example", "uri mailto:a@xn--bcher-kva.example"},
	{"a@b\xFF.example", "uri mailto:a@b%FF.example"},
	{"bank", "none"},
	{"15551230001", "none"},
	{"@x.example", "none"},
	{"a@", "none"},
	{"a@.", "none"},
	{"@", "none"},
	{"\"a@b.example\"", "none"},
	{"\"+15551230001@pix.example\"", "none"},
	{"a@b c", "none"},
	{"a@b>", "none"},
	{"a@b\n", "none"},
	{"+15551230001@x y", "tn 15551230001"},
};

static const char *party_name(struct span addr)
{
	static char text[LIMIT_URI_BYTES + 16];
	struct party p;

	party_from_address(plan, addr, arena, &p);
	snprintf(text, sizeof text, "%s%.*s", p.kind == PARTY_TN ? "tn " : p.kind == PARTY_URI ? "uri " : "none", SPAN_ARG(party_text(&p)));
	return text;
}

static void check_tables(void)
{
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		tap_str(joined(span_cstr(lists[i].in)), lists[i].want, "list %s", lists[i].in);
	for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++)
		tap_span_is(address_envelope(span_cstr(envelopes[i].in), arena), envelopes[i].want, "envelope %s", envelopes[i].in);
	tap_span_is(address_path(span_cstr(" < @a.example,@b.example:\"x \\\"y\"@c.example >")), "\"x \\\"y\"@c.example", "as an MTA has it: no route, but quotes");
	tap_span_is(address_path(span_cstr("bare@c.example")), "bare@c.example", "without brackets");
	tap_span_is(address_path(span_cstr("<>")), "", "the null sender");
	for (size_t i = 0; i < sizeof parties / sizeof parties[0]; i++)
		tap_str(party_name(span_cstr(parties[i].in)), parties[i].want, "party %s", parties[i].in);
}

static void check_octets(void)
{
	static const char two[] = "a@b.example,\0d@e.example", end[] = "a@b.example\0x";
	char name[LIMIT_URI_BYTES + 2];

	tap_str(joined(span_make(two, sizeof two - 1)), "a@b.example|d@e.example", "NUL before the second");
	tap_str(joined(span_make(end, sizeof end - 1)), "a@b.example|x", "NUL after the only one");
	tap_str(joined(span_make("a@b.example\0", 12)), "a@b.example|", "NUL at the end");
	tap_str(joined(span_make(NULL, 0)), "none", "no value");
	memset(name, 'a', sizeof name);
	memcpy(name + LIMIT_URI_BYTES - 7 - 2, "@b", 3);
	arena_reset(arena);
	tap_int((int)strlen(party_name(span_make(name, LIMIT_URI_BYTES - 7))), LIMIT_URI_BYTES + 4, "the longest URI");
	name[LIMIT_URI_BYTES - 7] = 'b';
	tap_str(party_name(span_make(name, LIMIT_URI_BYTES - 6)), "none", "a longer one");
}

static void check_party_eq(void)
{
	struct party n, a, b, u, v;

	arena_reset(arena);
	party_from_address(plan, span_cstr(""), arena, &n);
	party_from_address(plan, span_cstr("+12125551212"), arena, &a);
	party_from_address(plan, span_cstr("2125551212@pix.example"), arena, &b);
	party_from_address(plan, span_cstr("a@B.example"), arena, &u);
	party_from_address(plan, span_cstr("A@b.example"), arena, &v);
	tap_ok(party_eq(&a, &b), "one number in two forms");
	tap_ok(!party_eq(&a, &u), "a number is no URI");
	tap_ok(party_eq(&u, &u), "a URI is itself");
	tap_ok(!party_eq(&u, &v), "local parts have case");
	tap_ok(!party_eq(&n, &n), "nobody isn't equal to nobody");
	tap_ok(!party_eq(&n, &a), "nobody isn't a number");
}

static int order_of(const struct party *a, const struct party *b)
{
	int back = party_order(&b, &a), there = party_order(&a, &b);

	return (there > 0) - (there < 0) == (back < 0) - (back > 0) ? there : 99;
}

static void check_party_order(void)
{
	struct party a, longer, later, u, upper;
	/* No address stands for this one. */
	struct party umlaut = {.kind = PARTY_URI, .uri = span_cstr("mailto:\303\244@b.example")};

	arena_reset(arena);
	party_from_address(plan, span_cstr("+12125551212"), arena, &a);
	party_from_address(plan, span_cstr("+121255512121"), arena, &longer);
	party_from_address(plan, span_cstr("+22125551212"), arena, &later);
	party_from_address(plan, span_cstr("a@B.example"), arena, &u);
	party_from_address(plan, span_cstr("A@b.example"), arena, &upper);
	tap_ok(order_of(&a, &a) == 0 && order_of(&u, &u) == 0, "each is its own equal");
	tap_ok(order_of(&a, &longer) < 0, "a number before one that begins with it");
	tap_ok(order_of(&longer, &later) < 0, "digits before length");
	tap_ok(order_of(&later, &upper) < 0, "numbers before URIs");
	tap_ok(order_of(&upper, &u) < 0, "URIs by their octets");
	tap_ok(order_of(&u, &umlaut) < 0, "which have no sign");
}

struct flood_case {
	const char *piece, *tail;
	size_t bytes;
};

/* Long values of one piece: no crash, no waiting, at most the limit. */
static void check_floods(void)
{
	static const struct flood_case floods[] = {
		{"a:", "x@y.example", 1000000}, {"<a:", "x@y.example", 1000000}, {"a,", "", 1000000},
		{"a@b ", "", 400000}, {"<a@b>", "", 400000}, {"(", "", 1000000}, {"\"", "", 1000000},
		{"\"\\", "", 1000000}, {"[", "", 1000000}, {"<", "", 1000000}, {"@", "", 1000000},
		{"<@a,", "x@y.example>", 1000000}, {"<@a:", "x@y.example>", 1000000}, {"\\", "", 1000000},
		{"g:;", "", 900000}, {"a@b@", "", 1000000}, {"(a)", "x@y.example", 900000},
		{"=?utf-8?q?a?= ", "<x@y.example>", 1000000}, {"a.", "a@y.example", 1000000},
		{"\"a\".", "a@y.example", 1000000}, {"\"a\" ", "<x@y.example>", 1000000},
		{"<a,", "", 900000}, {"a@[", "", 900000}, {"<\n ", "", 900000}, {"(\\", "", 900000},
	};
	for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
		const struct flood_case *f = &floods[i];
		size_t n = strlen(f->piece), tail = strlen(f->tail), got;
		char *text = malloc(f->bytes + n + tail);
		struct span *addr;
		bool truncated;

		if (!text)
			tap_bail("no memory");
		for (size_t k = 0; k < f->bytes; k++)
			text[k] = f->piece[k % n];
		memcpy(text + f->bytes, f->tail, tail);
		arena_reset(arena);
		got = address_list(span_make(text, f->bytes + tail), arena, &addr, &truncated);
		tap_ok(got <= LIMIT_FIELD_ADDRESSES, "many %s: %zu%s", f->piece, got, truncated ? ", truncated" : "");
		free(text);
	}
}

static void check_limit(size_t n)
{
	struct buf b;
	struct span *addr;
	bool truncated;
	size_t got;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%su%zu@b.example", i ? ", " : "", i);
	arena_reset(arena);
	got = address_list(buf_span(&b), arena, &addr, &truncated);
	tap_int((long long)got, n < LIMIT_FIELD_ADDRESSES ? (long long)n : LIMIT_FIELD_ADDRESSES, "a list of %zu", n);
	tap_int(truncated, n > LIMIT_FIELD_ADDRESSES, "a list of %zu: truncated", n);
	tap_span_is(addr[got - 1], got == 999 ? "u998@b.example" : "u999@b.example", "the last of %zu", n);
	buf_free(&b);
}

static void check_overflow(void)
{
	struct span value = span_cstr("\"a b\"@c.example, d@e.example");
	bool full = false, calm = true;

	for (size_t cap = 1; cap < 2000 && !full; cap++) {
		struct arena *small = arena_new(cap);
		struct span *addr, env;
		struct party p;
		bool truncated;
		size_t n;

		if (!small)
			tap_bail("no memory");
		n = address_list(value, small, &addr, &truncated);
		env = address_envelope(span_cstr("<\"a b\"@c.example>"), small);
		party_from_address(NULL, span_cstr("a@b.example"), small, &p);
		full = n == 2 && env.n && p.kind == PARTY_URI && !arena_overflowed(small);
		if (!full)
			calm = calm && arena_overflowed(small) && (n == 0 || n == 2);
		arena_free(small);
	}
	tap_ok(full && calm, "a small arena gives nothing, or all");
}

/* The From of one sample; one address, and only one. */
static int check_sample(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char head[16384];
	struct span text, value = span_make(NULL, 0), *addr;
	bool truncated, found = false;
	size_t n;
	FILE *f;

	(void)st;
	if (type != FTW_F || !(f = fopen(path, "rb")))
		return 0;
	n = fread(head, 1, sizeof head, f);
	fclose(f);
	text = span_make(head, n);
	while (text.n && !found) {
		struct span line = span_cut(&text, '\n');

		if (!span_trim(line).n)
			break;
		found = span_casestarts(line, "From:");
		value = span_skip(line, 5);
	}
	if (!found)
		return 0;
	while (text.n && (text.p[0] == ' ' || text.p[0] == '\t')) {
		struct span more = span_cut(&text, '\n');

		value.n = (size_t)(more.p + more.n - value.p);
	}
	arena_reset(arena);
	n = address_list(value, arena, &addr, &truncated);
	tap_int((long long)n, 1, "%s", path + at->base);
	return 0;
}

static void check_samples(void)
{
	const char *shared = tap_shared();
	char path[4096];

	if (!shared) {
		tap_skip("no shared samples");
		return;
	}
	snprintf(path, sizeof path, "%s/samples/mms-email", shared);
	tap_int(nftw(path, check_sample, 16, FTW_PHYS), 0, "the samples are there");
}

/* GMime keeps the name of every charset it is shown; names of senders' making must not add up. */
static void check_charset_names(void)
{
	size_t before = 0;
	char text[80];

	for (int i = 0; i < 40000; i++) {
		if (i == 1000)
			before = mallinfo2().uordblks;
		snprintf(text, sizeof text, "=?x%d-unknown?q?Ann?= <a@b.example>", i);
		if (strcmp(joined(span_cstr(text)), "a@b.example") != 0) {
			tap_ok(false, "an address behind a made-up charset");
			return;
		}
	}
	tap_ok(mallinfo2().uordblks < before + 200000, "made-up charsets leave nothing behind");
}

static size_t put_words(char *p, size_t room, const char *chars, const char *between, unsigned *seed)
{
	size_t n = 0, most = (size_t)rand_r(seed) % room;

	do {
		bool parted = n && n + 1 < most && rand_r(seed) % 7 == 0;

		p[n++] = parted ? between[(size_t)rand_r(seed) % strlen(between)] : chars[(size_t)rand_r(seed) % strlen(chars)];
		if (parted)
			p[n++] = chars[(size_t)rand_r(seed) % strlen(chars)];
	} while (n < most);
	return n;
}

/* What is read without GMime is read as by GMime, which sees all that has brackets. */
static void check_plain(void)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789", all[] = "abcXYZ0123456789+/=_-";
	char text[400], bracketed[402], plain[400];
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		size_t n = put_words(text, 70, all, ".", &seed);

		text[n++] = '@';
		n += put_words(text + n, i % 4 ? 40 : 280, lower, ".-", &seed);
		text[n] = '\0';
		snprintf(bracketed, sizeof bracketed, "<%s>", text);
		snprintf(plain, sizeof plain, "%s", joined(span_cstr(text)));
		if (strcmp(plain, joined(span_cstr(bracketed))) != 0) {
			tap_ok(false, "%s is %s, with brackets %s", text, plain, joined(span_cstr(bracketed)));
			return;
		}
	}
	tap_ok(true, "20000 plain addresses are read as GMime reads them");
}

int main(void)
{
	struct err e;

	address_init();
	arena = arena_new(8 * 1024 * 1024);
	if (!arena || numberplan_parse("t", span_cstr("pix.example nanp\n"), &plan, &e) < 0)
		tap_bail("no arena or no plan");
	check_tables();
	check_octets();
	check_party_eq();
	check_party_order();
	check_floods();
	check_charset_names();
	check_plain();
	for (size_t n = LIMIT_FIELD_ADDRESSES - 1; n <= LIMIT_FIELD_ADDRESSES + 1; n++)
		check_limit(n);
	check_overflow();
	check_samples();
	numberplan_free(plan);
	arena_free(arena);
	return tap_done();
}
