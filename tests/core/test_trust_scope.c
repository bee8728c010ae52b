/* Delegate certificates: what each issuer's list holds, with and without a table of providers, in which order. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/chainlists.h"
#include "core/limits.h"
#include "ctl/pki.h"
#include "tests/lib/delegates.h"
#include "tests/lib/tap.h"

/* "A" holds a block and its neighbour's middle, "B" the block between. */
static const char csv[] = "A,15551230000,1000\nB,15551231000,1000\nA,15551232000,1000\nZ,15559990000,10\n";

static struct spctable *table;

/* What trust_scope() says of a path that trust_check() accepts. */
static enum stir_reason scope_of(const struct delegates *d, const char *order, const struct spctable *spcs, bool *unchecked,
				 struct err *why)
{
	struct cert_chain *c = delegates_serve(d, order);
	enum stir_reason r;

	err_clear(why);
	if (trust_check(d->trust, c, why) != STIR_OK)
		tap_bail("trust: %s", why->text);
	r = trust_scope(c, spcs, why);
	*unchecked = cert_chain_unchecked(c);
	cert_chain_unref(c);
	return r;
}

static void expect(const struct delegates *d, const char *order, const struct spctable *spcs, enum stir_reason want, bool unchecked,
		   const char *what)
{
	struct err why;
	bool u;

	tap_str(stir_reason_name(scope_of(d, order, spcs, &u, &why)), stir_reason_name(want), "%s (%s)", what, why.text);
	tap_int(u, unchecked, "%s: is it only a provider that vouches?", what);
	tap_ok((want == STIR_OK) == !why.text[0], "a reason for a refusal only");
}

/* --- two lists --------------------------------------------------------------------- */

enum { IN, OUT, OPEN }; /* within, beyond, unchecked */

static const struct {
	const char *parent, *child;
	int alone, with_table;
} pairs[] = {
	{"tn:+15551230000+1000", "tn:+15551230100+100", IN, IN},
	{"tn:+15551230000+1000", "tn:+15551230000+1000", IN, IN},
	{"tn:+15551230000+1000", "tn:+15551230900+101", OUT, OUT},
	{"tn:+15551230000+1000", "tn:+15551229999", OUT, OUT},
	{"tn:+15551230000+1000", "spc:A", OUT, OUT},
	/* A union: two ranges that touch, and one that is in three pieces. */
	{"tn:+15551230000+500,tn:+15551230500+500", "tn:+15551230400+200", IN, IN},
	{"tn:+15551230500+500,tn:+15551230000+400,tn:+15551230400+100", "tn:+15551230000+1000", IN, IN},
	{"tn:+15551230000+500,tn:+15551230501+499", "tn:+15551230400+200", OUT, OUT},
	{"tn:*69,tn:+15551230000", "tn:*69", IN, IN},
	{"tn:+15551230000", "tn:*69", OUT, OUT},
	/* As many digits. */
	{"tn:100+100", "tn:0100+10", OUT, OUT},
	/* Providers. */
	{"spc:A", "spc:A", IN, IN},
	{"spc:A,spc:B", "spc:B", IN, IN},
	{"spc:A", "spc:A,spc:B", OUT, OUT},
	{"spc:A", "spc:a", OUT, OUT},
	{"spc:A", "tn:+15551230000", OPEN, IN},
	{"spc:A", "tn:+15551230000+1000", OPEN, IN},
	{"spc:A", "tn:+15551230000+1001", OPEN, OUT},
	{"spc:A", "tn:+15559990000", OPEN, OUT},
	{"spc:A", "tn:*69", OPEN, OUT},
	{"spc:A,spc:B", "tn:+15551230500+2000", OPEN, IN},
	{"spc:X", "tn:+15551230000", OPEN, OPEN},
	{"spc:X,spc:A", "tn:+15551230000", OPEN, IN},
	{"spc:A,spc:X", "tn:+15559990000", OPEN, OPEN},
	{"spc:A", "spc:A,tn:+15551230000", OPEN, IN},
	/* Both kinds: what the ranges hold needs no table. */
	{"spc:X,tn:+15551230000+100", "tn:+15551230050+10", IN, IN},
	{"spc:X,tn:+15551230000+100", "tn:+15551230050+100", OPEN, OPEN},
	{"spc:B,tn:+15551230500+500", "tn:+15551230900+200", OPEN, IN},
	{"spc:B,tn:+15551230500+500", "tn:+15551230400+200", OPEN, OUT},
};

static void two_lists(void)
{
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		const struct delegates_level levels[] = {{.list = pairs[i].child}, {.list = pairs[i].parent}, {0}};
		int alone = pairs[i].alone, with_table = pairs[i].with_table;
		struct delegates d;
		char what[200];

		delegates_init(&d, levels, 3);
		snprintf(what, sizeof what, "%s below %s", pairs[i].child, pairs[i].parent);
		expect(&d, "01", NULL, alone == OUT ? STIR_CERT_UNTRUSTED : STIR_OK, alone == OPEN, what);
		snprintf(what, sizeof what, "%s below %s, with a table", pairs[i].child, pairs[i].parent);
		expect(&d, "01", table, with_table == OUT ? STIR_CERT_UNTRUSTED : STIR_OK, with_table == OPEN, what);
		delegates_free(&d);
	}
}

/* --- longer paths --------------------------------------------------------------------- */

static const struct {
	const char *list[4]; /* the signer's, ..., the anchor's */
	enum stir_reason want;
	bool unchecked;
	const char *what;
} paths[] = {
	{{"tn:+15551230000", NULL, NULL, NULL}, STIR_OK, false, "no issuer is limited"},
	{{NULL, NULL, NULL, NULL}, STIR_OK, false, "nobody is"},
	{{NULL, "tn:+15551230000+10", NULL, NULL}, STIR_CERT_UNTRUSTED, false, "a limited issuer, a signer that names none"},
	{{NULL, NULL, NULL, "spc:X"}, STIR_CERT_UNTRUSTED, false, "a limited anchor, a signer that names none"},
	{{"tn:+15551230001", "tn:+15551230000+10", "tn:+15551230000+100", "tn:+15551230000+1000"}, STIR_OK, false, "narrower and narrower"},
	{{"tn:+15551230001", NULL, "tn:+15551230000+100", NULL}, STIR_OK, false, "one without a list between"},
	{{"tn:+15551230101", NULL, "tn:+15551230000+100", NULL}, STIR_CERT_UNTRUSTED, false, "beyond its grandparent"},
	{{"tn:+15551230101", "tn:+15551230100+10", "tn:+15551230000+100", NULL}, STIR_CERT_UNTRUSTED, false, "within its parent, beyond its grandparent"},
	{{"tn:+15551230001", "tn:+15551230000+200", "tn:+15551230000+100", NULL}, STIR_CERT_UNTRUSTED, false, "a parent beyond its own"},
	{{"tn:+15551230001", "tn:+15551230000+200", NULL, "tn:+15551230000+100"}, STIR_CERT_UNTRUSTED, false, "a parent beyond the anchor"},
	{{"tn:+15551230001", "tn:+15551230000+200", "spc:X", NULL}, STIR_OK, true, "numbers, numbers, a provider"},
	{{"tn:+15551230001", "spc:X", "tn:+15551230000+200", NULL}, STIR_CERT_UNTRUSTED, true, "a provider below numbers"},
	{{"tn:+15551230001", "spc:X", "spc:X,spc:Y", NULL}, STIR_OK, true, "a provider below two"},
	{{"spc:X", "spc:X", "spc:X,spc:Y", "spc:Y,spc:X,spc:W"}, STIR_OK, false, "providers all the way"},
	{{"spc:X", "spc:X,spc:V", "spc:X,spc:Y", NULL}, STIR_CERT_UNTRUSTED, false, "a parent with a provider too many"},
};

static void longer_paths(void)
{
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct delegates_level levels[4] = {{0}};
		struct delegates d;
		struct err why;
		bool unchecked;

		for (size_t k = 0; k < 4; k++)
			levels[k].list = paths[i].list[k];
		delegates_init(&d, levels, 4);
		tap_str(stir_reason_name(scope_of(&d, "012", NULL, &unchecked, &why)), stir_reason_name(paths[i].want), "%s (%s)",
			paths[i].what, why.text);
		if (paths[i].want == STIR_OK)
			tap_int(unchecked, paths[i].unchecked, "%s: is it only a provider that vouches?", paths[i].what);
		delegates_free(&d);
	}
}

static void order(void)
{
	const struct delegates_level limited[] = {{.list = "tn:+15551230000"}, {.list = "tn:+15551230000+10"}, {0}, {0}};
	const struct delegates_level free_of_it[] = {{.list = "tn:+15551230000"}, {0}, {0}, {0}};
	struct delegates d;

	delegates_init(&d, limited, 4);
	expect(&d, "012", NULL, STIR_OK, false, "in the order of the path");
	expect(&d, "0123", NULL, STIR_OK, false, "with the anchor");
	expect(&d, "021", NULL, STIR_CERT_UNTRUSTED, false, "parents changed places");
	expect(&d, "0312", NULL, STIR_CERT_UNTRUSTED, false, "the anchor before them");
	expect(&d, "0012", NULL, STIR_CERT_UNTRUSTED, false, "the signer twice");
	expect(&d, "0122", NULL, STIR_CERT_UNTRUSTED, false, "an issuer where the anchor would be");
	delegates_free(&d);
	delegates_init(&d, free_of_it, 4);
	expect(&d, "021", NULL, STIR_OK, false, "no delegate: any order");
	delegates_free(&d);
}

static void faults(void)
{
	const struct delegates_level no_ca[] = {{.list = "tn:+15551230000"}, {0}, {.list = "tn:+15551230000+10", .flaws = PKI_FLAW_NO_BASIC}};
	const struct delegates_level twice[] = {{.list = "tn:+15551230000"}, {.list = "tn:+15551230000+10", .flaws = PKI_FLAW_LIST_TWICE}, {0}};
	const struct delegates_level other_key[] = {{.list = "tn:+15551230000", .flaws = PKI_FLAW_WRONG_AKI}, {.list = "tn:+15551230000+10"}, {0}};
	const struct delegates_level both[] = {{.list = "tn:+15551230000"}, {.list = "tn:+15551230000+10", .url = "https://l.example/x"}, {0}};
	const struct delegates_level elsewhere[] = {{.url = "https://l.example/x"}, {0}, {0}};
	struct cert_chain *c;
	struct delegates d;
	struct err why;

	delegates_init(&d, no_ca, 3);
	expect(&d, "01", NULL, STIR_CERT_UNTRUSTED, false, "a limited anchor that is no CA by its basicConstraints");
	delegates_free(&d);
	delegates_init(&d, twice, 3);
	expect(&d, "01", NULL, STIR_CERT_INVALID, false, "an issuer with two lists");
	delegates_free(&d);
	delegates_init(&d, other_key, 3);
	c = delegates_serve(&d, "01");
	tap_int(trust_check(d.trust, c, &why), STIR_CERT_UNTRUSTED, "an AKI that is not its issuer's SKI: %s", why.text);
	tap_int(trust_scope(c, NULL, &why), STIR_CERT_UNTRUSTED, "no path: %s", why.text);
	cert_chain_unref(c);
	delegates_free(&d);
	delegates_init(&d, both, 3);
	expect(&d, "01", NULL, STIR_CERT_UNTRUSTED, false, "a reference nobody followed");
	delegates_free(&d);
	delegates_init(&d, elsewhere, 3);
	expect(&d, "01", NULL, STIR_CERT_UNTRUSTED, false, "the signer's reference, nobody followed it");
	delegates_free(&d);
}

/* --- large ------------------------------------------------------------------------------- */

/* Lists as large as they may be by reference, against each other: each question is a search, not a walk. */
static void large(void)
{
	struct tnauthlist *child, *parent;
	struct buf text;
	size_t n = LIMIT_TNAUTHLIST_ENTRIES;

	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%stn:+1555%06zu0+10", i ? "," : "", (i * 7919) % n);
	if (tnauthlist_from_text(buf_span(&text), &parent, NULL))
		tap_bail("parent");
	buf_reset(&text);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%stn:+1555%06zu5+%d", i ? "," : "", (i * 7907) % n, i + 1 < n ? 9 : 2);
	if (tnauthlist_from_text(buf_span(&text), &child, NULL))
		tap_bail("child");
	tap_ok(!tnauthlist_within(child, parent), "10,000 ranges that overlap their neighbours: the last goes beyond");
	tap_ok(tnauthlist_within(parent, parent), "10,000 ranges in themselves");
	tnauthlist_free(child);
	tnauthlist_free(parent);
	buf_free(&text);
}

int main(void)
{
	struct err e;

	if (spctable_parse("table", span_cstr(csv), &table, &e))
		tap_bail("%s", e.text);
	two_lists();
	longer_paths();
	order();
	faults();
	large();
	spctable_unref(table);
	return tap_done();
}
