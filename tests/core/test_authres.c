/* Authentication-Results: which values are taken for ours, and what we write. */
#include "config.h"

#include "core/authres.h"
#include "core/limits.h"
#include "core/trustset.h"
#include "tests/lib/tap.h"

static const struct {
	const char *value;
	bool claim;
	const char *what;
} claims[] = {
	{"mx.b.example; x-stir=pass", true, "plain"},
	{" mx.b.example; x-stir=pass", true, "leading space"},
	{"MX.B.Example; X-Stir=pass", true, "other case"},
	{"mx.b.example;x-stir=pass", true, "no space"},
	{"mx.b.example 1; x-stir=pass", true, "version"},
	{"mx.b.example. ; x-stir=pass", true, "trailing dot of the host name"},
	{"\"mx.b.example\"; x-stir=pass", true, "quoted authserv-id"},
	{"\"m\\x.b.example\"; x-stir=pass", true, "quoted pair in the authserv-id"},
	{"(c) mx.b.example (d);\n\tx-stir (e (f)) = pass", true, "comments and folding"},
	{"mx.b.example;\n x-stir\n =\n pass", true, "folded inside the result"},
	{"mx.b.example; dkim=pass; x-stir=pass", true, "second result"},
	{"mx.b.example; dkim=pass reason=\"a;b\"; x-stir=pass", true, "a semicolon in a quoted string"},
	{"mx.b.example; dkim=pass (;) ; x-stir=pass", true, "a semicolon in a comment"},
	{"mx.b.example; x-stir/1=pass", true, "method version"},
	{"mx.b.example; (open x-stir=pass", true, "open comment: unreadable, both words occur"},
	{"mx.b.example; dkim=pass reason=\"open x-stir=pass", true, "open quote: unreadable"},
	{"(open mx.b.example; x-stir=pass", true, "open comment in front"},
	{"mx.b.example; dkim=pass", false, "our host, another method: a neighbour's result"},
	{"mx.b.example; none", false, "no result"},
	{"mx.a.example; x-stir=pass", false, "another host"},
	{"mx.b.example.evil.example; x-stir=pass", false, "longer host"},
	{"x.mx.b.example; x-stir=pass", false, "a host below"},
	{"mx.b.example; dkim=pass header.i=x-stir", false, "the word as a value only"},
	{"mx.b.example; dkim=pass (x-stir=pass)", false, "in a comment only"},
	{"mx.b.example; x-stir-other=pass", false, "a longer method"},
	{"mx.b.example x-stir=pass", true, "no semicolon"},
	{"mx.b.example; dkim=none x-stir=pass", true, "no semicolon between results"},
	{"mx.b.example; dkim=pass, x-stir=pass", true, "a comma"},
	{"<mx.b.example>; x-stir=pass", true, "angle brackets"},
	{"x-stir=pass", true, "no authserv-id at all"},
	{"mx.b.\n example; x-stir=pass", true, "folded within the name"},
	{"mx.b.example; x-s(c)tir=pass", true, "a comment within the method"},
	{"\xc2\xa0mx.b.example; x-stir=pass", true, "a space that is none"},
	{"", false, "empty"},
};

static void test_claims(void)
{
	for (size_t i = 0; i < sizeof claims / sizeof *claims; i++)
		tap_int(authres_is_claim(span_cstr(claims[i].value), span_cstr("mx.b.example")), claims[i].claim, "%s", claims[i].what);
}

static void wrote(const struct stir_result *r, const char *want, const char *what)
{
	struct buf out;

	buf_init(&out, 4096);
	authres_write(&out, span_cstr("mx.b.example"), r);
	tap_span_is(buf_span(&out), want, "%s", what);
	tap_ok(out.n <= LIMIT_RESULT_FIELD, "%s: within the field's limit", what);
	buf_free(&out);
}

static void test_write(void)
{
	struct stir_check c = {.reason = STIR_OK, .signed_ok = true, .authority = TN_AUTHORITY_TN, .has_authority = true,
		.integrity = STIR_INTEGRITY_RAW, .dest_cover = STIR_DEST_FULL, .age_s = 3, .has_age = true};
	struct stir_result r = {.reason = STIR_OK, .best = &c, .check = &c, .ncheck = 1, .nfield = 1};
	const struct trust_rules rules = {.name = "us-shaken"};
	struct stir_result none = {.reason = STIR_NO_IDENTITY};
	char uri[LIMIT_URI_BYTES];

	tap_int(tn_from_claim(span_cstr("15551230001"), &c.passport.orig.tn), 0, "a number");
	c.passport.orig.kind = PARTY_TN;
	wrote(&r, "mx.b.example; x-stir=pass reason=ok\n policy.orig-tn=15551230001 policy.authority=tn policy.msgi=raw\n policy.dest=full policy.age=3", "pass");
	r.hide_orig = true;
	wrote(&r, "mx.b.example; x-stir=pass reason=ok\n policy.authority=tn policy.msgi=raw policy.dest=full policy.age=3", "a hidden sender is not named");
	r.hide_orig = false;
	c.dest_cover = STIR_DEST_DIVERTED;
	c.replay = STIR_REPLAY_UNKNOWN;
	c.domain = &rules;
	wrote(&r, "mx.b.example; x-stir=pass reason=ok\n policy.orig-tn=15551230001 policy.authority=tn policy.msgi=raw\n policy.dest=diverted policy.age=3 policy.replay=unknown\n policy.domain=us-shaken",
		"diverted, with a store that does not answer, and the trust domain");
	wrote(&none, "mx.b.example; x-stir=none reason=no-identity", "none");
	c.signed_ok = false;
	r.reason = STIR_BAD_SIGNATURE;
	wrote(&r, "mx.b.example; x-stir=fail reason=bad-signature", "claims of a bad token are not repeated");
	c.signed_ok = true;
	memset(uri, 'x', sizeof uri);
	c.passport.orig.kind = PARTY_URI;
	c.passport.orig.uri = span_make(uri, sizeof uri);
	r.reason = STIR_MSGI_MISMATCH;
	c.integrity = STIR_INTEGRITY_MISMATCH;
	struct buf out;
	buf_init(&out, 4096);
	authres_write(&out, span_cstr("mx.b.example"), &r);
	tap_ok(out.n <= LIMIT_RESULT_FIELD, "the longest URI stays within the field's limit");
	buf_free(&out);
}

static void test_value(void)
{
	static const struct {
		const char *in, *want;
	} t[] = {{"15551230001", "15551230001"}, {"a b", "\"a b\""}, {"a\"b\\", "\"a\\\"b\\\\\""}, {"", "\"\""}, {"a\nb", "\"ab\""}, {"mailto:a@b", "\"mailto:a@b\""}};
	struct buf out;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_init(&out, 100);
		authres_value(&out, span_cstr(t[i].in));
		tap_span_is(buf_span(&out), t[i].want, "value %zu", i);
		buf_free(&out);
	}
}

int main(void)
{
	test_claims();
	test_write();
	test_value();
	return tap_done();
}
