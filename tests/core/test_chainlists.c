/* Number lists by reference: which addresses, which answers, how long, and what they then mean for the path. */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/certcache.h"
#include "core/chainlists.h"
#include "core/limits.h"
#include "core/stir_oid.h"
#include "ctl/pki.h"
#include "tests/lib/delegates.h"
#include "tests/lib/fake_fetch.h"
#include "tests/lib/tap.h"

#define SIGNERS "https://lists.example/signer"
#define ISSUERS "https://lists.example:8443/issuer"

static struct fake_fetch f;

struct outcome {
	enum stir_reason r;
	enum fetch_cause cause;
	int64_t lifetime_s;
	struct err why;
};

static struct cert_chain *checked(const struct delegates *d)
{
	struct cert_chain *c = delegates_serve(d, "01");
	struct err why;

	if (trust_check(d->trust, c, &why) != STIR_OK)
		tap_bail("trust: %s", why.text);
	return c;
}

static struct outcome fetch(struct cert_chain *c, int64_t lifetime_s, unsigned deadline_ms)
{
	struct outcome o = {.lifetime_s = lifetime_s, .cause = FETCH_CAUSE_COUNT};

	err_clear(&o.why);
	o.r = chainlists_fetch(c, &f.fetch, deadline_ms, &o.lifetime_s, &o.cause, &o.why);
	return o;
}

static enum tn_authority authority(const struct cert_chain *c, const char *digits)
{
	struct tn n;

	if (tn_from_claim(span_cstr(digits), &n))
		tap_bail("%s", digits);
	return tnauthlist_authority(cert_chain_tnauthlist(c), &n);
}

/* --- what they mean -------------------------------------------------------------------- */

static void none(void)
{
	const struct delegates_level levels[] = {{.list = "tn:+15551230000"}, {0}, {0}};
	unsigned calls = fake_fetch_calls(&f);
	struct cert_chain *c;
	struct delegates d;
	struct outcome o;

	delegates_init(&d, levels, 3);
	c = checked(&d);
	o = fetch(c, 77, 1000);
	tap_ok(!chainlists_any(c) && o.r == STIR_OK && o.cause == FETCH_NONE && o.lifetime_s == 77, "no reference: nothing to do");
	tap_int(fake_fetch_calls(&f), calls, "nobody is asked");
	cert_chain_unref(c);
	delegates_free(&d);
}

static const struct {
	const char *signer, *issuer; /* by value, or "@" and what the address answers */
	enum stir_reason want;
	bool unchecked;
} scopes[] = {
	{"@tn:+15551230000", "tn:+15551230000+10", STIR_OK, false},
	{"@tn:+15551230010", "tn:+15551230000+10", STIR_CERT_UNTRUSTED, false},
	{"tn:+15551230000", "@tn:+15551230000+10", STIR_OK, false},
	{"tn:+15551230010", "@tn:+15551230000+10", STIR_CERT_UNTRUSTED, false},
	{"@tn:+15551230000", "@tn:+15551230000+10", STIR_OK, false},
	{"@tn:+15551230000", "@spc:X", STIR_OK, true},
	{"@spc:X", "@spc:X", STIR_OK, false},
	{"@spc:X", "@spc:Y", STIR_CERT_UNTRUSTED, false},
	{"@tn:+15551230000", NULL, STIR_OK, false},
};

static struct delegates_level level_of(const char *list, const char *url, struct buf *page)
{
	struct delegates_level l = {.list = list};

	if (list && list[0] == '@') {
		*page = delegates_der(list + 1);
		fake_fetch_put(&f, (struct fake_page){.url = url, .body = buf_span(page), .lifetime_s = -1});
		l = (struct delegates_level){.url = url};
	}
	return l;
}

static void meaning(void)
{
	for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
		struct buf page[2] = {{0}};
		const struct delegates_level levels[] = {level_of(scopes[i].signer, SIGNERS, &page[0]),
							 level_of(scopes[i].issuer, ISSUERS, &page[1]), {0}};
		struct cert_chain *c;
		struct delegates d;
		struct outcome o;
		char what[160];

		snprintf(what, sizeof what, "%s below %s", scopes[i].signer, scopes[i].issuer ? scopes[i].issuer : "none");
		delegates_init(&d, levels, 3);
		c = checked(&d);
		tap_ok(chainlists_any(c), "%s: there are references", what);
		o = fetch(c, -1, 1000);
		tap_ok(o.r == STIR_OK && o.cause == FETCH_NONE && o.lifetime_s == -1, "%s: had (%s)", what, o.why.text);
		tap_str(stir_reason_name(trust_scope(c, NULL, &o.why)), stir_reason_name(scopes[i].want), "%s (%s)", what, o.why.text);
		tap_int(cert_chain_unchecked(c), scopes[i].unchecked, "%s: is it only a provider that vouches?", what);
		if (strstr(scopes[i].signer, "tn:+15551230000"))
			tap_int(authority(c, "15551230000"), TN_AUTHORITY_TN, "%s: the number is the signer's", what);
		cert_chain_unref(c);
		delegates_free(&d);
		buf_free(&page[0]);
		buf_free(&page[1]);
	}
}

/* A list is another one after the next fetch. */
static void again(void)
{
	const struct delegates_level levels[] = {{.url = SIGNERS}, {0}, {0}};
	struct buf first = delegates_der("tn:+15551230000"), second = delegates_der("tn:+15551230001");
	struct cert_chain *c;
	struct delegates d;
	struct outcome o;

	delegates_init(&d, levels, 3);
	c = checked(&d);
	tap_int(authority(c, "15551230000"), TN_AUTHORITY_NONE, "before the fetch: none");
	fake_fetch_put(&f, (struct fake_page){.url = SIGNERS, .body = buf_span(&first)});
	tap_int(fetch(c, -1, 1000).r, STIR_OK, "the first");
	tap_int(authority(c, "15551230000"), TN_AUTHORITY_TN, "after it: listed");
	fake_fetch_put(&f, (struct fake_page){.url = SIGNERS, .body = buf_span(&second)});
	tap_int(fetch(c, -1, 1000).r, STIR_OK, "the second");
	tap_int(authority(c, "15551230000"), TN_AUTHORITY_OUTSIDE, "the number is gone");
	fake_fetch_put(&f, (struct fake_page){.url = SIGNERS, .cause = FETCH_CONNECT});
	o = fetch(c, -1, 1000);
	tap_int(o.r, STIR_CERT_UNREACHABLE, "the third can't be had");
	tap_int(authority(c, "15551230001"), TN_AUTHORITY_NONE, "what was is not kept");
	tap_int(trust_scope(c, NULL, &o.why), STIR_CERT_UNTRUSTED, "and does not pass: %s", o.why.text);
	cert_chain_unref(c);
	delegates_free(&d);
	buf_free(&first);
	buf_free(&second);
}

/* --- addresses -------------------------------------------------------------------------- */

static const struct {
	const char *url;
	enum stir_reason want;
	enum fetch_cause cause;
} addresses[] = {
	{"http://lists.example/signer", STIR_X5U_FORBIDDEN, FETCH_NONE},
	{"https://lists.example:444/signer", STIR_X5U_FORBIDDEN, FETCH_NONE},
	{"https://192.0.2.1/signer", STIR_X5U_FORBIDDEN, FETCH_NONE},
	{"https://lists.example/signer?all", STIR_X5U_FORBIDDEN, FETCH_NONE},
	{"ldap://lists.example/signer", STIR_X5U_FORBIDDEN, FETCH_NONE},
	{"https://denied.example/signer", STIR_X5U_FORBIDDEN, FETCH_HOST},
	{"https://lists.example/nothing", STIR_CERT_UNREACHABLE, FETCH_NOT_FOUND},
	{"https://lists.example/down", STIR_CERT_UNREACHABLE, FETCH_CONNECT},
	{"https://lists.example/broken", STIR_CERT_INVALID, FETCH_NONE},
	{"https://lists.example/empty", STIR_CERT_INVALID, FETCH_NONE},
};

static void refused_addresses(void)
{
	f.denied = "https://denied.";
	fake_fetch_put(&f, (struct fake_page){.url = "https://lists.example/down", .cause = FETCH_CONNECT});
	fake_fetch_add(&f, "https://lists.example/broken", span_cstr("<html>"));
	fake_fetch_add(&f, "https://lists.example/empty", span_cstr(""));
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		const struct delegates_level levels[] = {{.url = addresses[i].url}, {0}, {0}};
		unsigned calls = fake_fetch_calls(&f);
		struct cert_chain *c;
		struct delegates d;
		struct outcome o;

		delegates_init(&d, levels, 3);
		c = checked(&d);
		o = fetch(c, 100, 1000);
		tap_str(stir_reason_name(o.r), stir_reason_name(addresses[i].want), "%s (%s)", addresses[i].url, o.why.text);
		tap_str(fetch_cause_name(o.cause), fetch_cause_name(addresses[i].cause), "and why");
		tap_ok(o.why.text[0] != '\0', "a sentence for it");
		tap_int(fake_fetch_calls(&f) > calls, addresses[i].want != STIR_X5U_FORBIDDEN, "asked, if it may be");
		tap_int(cert_chain_tnauthlist(c) != NULL, false, "no list comes of it");
		cert_chain_unref(c);
		delegates_free(&d);
	}
	f.denied = NULL;
}

/* What pki.h has no word for: an AIA made of OpenSSL's own text. */
static enum stir_reason parse_with_aia(const char *aia, const char *list, struct err *why)
{
	const struct delegates_level levels[] = {{.list = list}, {0}};
	struct cert_chain *c = NULL;
	struct delegates d;
	X509_EXTENSION *ext;
	enum stir_reason r;
	struct buf pem;

	delegates_init(&d, levels, 2);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_info_access, aia);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (!ext || !X509_add_ext(d.cert[0], ext, -1) || !X509_sign(d.cert[0], d.key[1], EVP_sha256()) || pki_put_cert(&pem, d.cert[0]))
		tap_bail("AIA %s", aia);
	err_clear(why);
	r = cert_chain_parse(buf_span(&pem), &c, why);
	cert_chain_unref(c);
	X509_EXTENSION_free(ext);
	buf_free(&pem);
	delegates_free(&d);
	return r;
}

static void forms(void)
{
	static const struct {
		const char *aia, *list, *why;
	} cases[] = {
		{STIR_OID_AD_TNAUTHLIST ";URI:" SIGNERS, NULL, NULL},
		{"OCSP;URI:http://ocsp.example/," STIR_OID_AD_TNAUTHLIST ";URI:" SIGNERS ",caIssuers;URI:http://ca.example/", NULL, NULL},
		{"caIssuers;URI:http://ca.example/", "spc:1", NULL},
		/* One complete list (RFC 8226, 10.1): neither two places nor a value beside it. */
		{STIR_OID_AD_TNAUTHLIST ";URI:" SIGNERS "," STIR_OID_AD_TNAUTHLIST ";URI:" ISSUERS, NULL, "more than one place"},
		{STIR_OID_AD_TNAUTHLIST ";URI:" SIGNERS "," STIR_OID_AD_TNAUTHLIST ";URI:" SIGNERS, NULL, "more than one place"},
		{STIR_OID_AD_TNAUTHLIST ";URI:" SIGNERS, "spc:1", "both by value and by reference"},
		{STIR_OID_AD_TNAUTHLIST ";DNS:lists.example", NULL, "no URI"},
		{STIR_OID_AD_TNAUTHLIST ";email:a@lists.example", NULL, "no URI"},
	};
	char longest[LIMIT_X5U_BYTES + 100];
	struct err why;

	snprintf(longest, sizeof longest, "%s;URI:%0*d", STIR_OID_AD_TNAUTHLIST, LIMIT_X5U_BYTES, 0);
	tap_int(parse_with_aia(longest, NULL, &why), STIR_OK, "as long as allowed (the rules of x5u come later)");
	snprintf(longest, sizeof longest, "%s;URI:%0*d", STIR_OID_AD_TNAUTHLIST, LIMIT_X5U_BYTES + 1, 0);
	tap_int(parse_with_aia(longest, NULL, &why), STIR_CERT_INVALID, "longer: %s", why.text);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum stir_reason r = parse_with_aia(cases[i].aia, cases[i].list, &why);

		if (cases[i].why)
			tap_ok(r == STIR_CERT_INVALID && strstr(why.text, cases[i].why), "%s: refused (%s)", cases[i].aia, why.text);
		else
			tap_int(r, STIR_OK, "%s: taken %s", cases[i].aia, why.text);
	}
}

/* An issuer's faults are found when its list would be asked for. */
static void issuer_forms(void)
{
	const struct delegates_level levels[] = {{.list = "tn:+15551230000"}, {.list = "tn:+15551230000", .url = ISSUERS}, {0}};
	struct cert_chain *c;
	struct delegates d;
	struct outcome o;

	delegates_init(&d, levels, 3);
	c = checked(&d);
	o = fetch(c, -1, 1000);
	tap_int(o.r, STIR_CERT_INVALID, "an issuer with a list by value and by reference: %s", o.why.text);
	cert_chain_unref(c);
	delegates_free(&d);
}

/* --- time and size ------------------------------------------------------------------------ */

static void lifetimes(void)
{
	static const struct {
		int64_t chain, signers, issuers, want;
	} cases[] = {
		{-1, -1, -1, -1},
		{-1, 100, -1, 100},
		{-1, 100, 50, 50},
		{-1, 0, 50, 0},
		{60, 100, -1, 60},
		{60, 100, 50, 50},
		{0, 100, 50, 0},
		{-1, CERTCACHE_DEFAULT_LIFETIME_S + 1, -1, -1},
		{CERTCACHE_MAX_LIFETIME_S, CERTCACHE_DEFAULT_LIFETIME_S + 1, -1, CERTCACHE_DEFAULT_LIFETIME_S + 1},
	};
	const struct delegates_level levels[] = {{.url = SIGNERS}, {.url = ISSUERS}, {0}};
	struct buf page = delegates_der("tn:+15551230000");
	struct cert_chain *c;
	struct delegates d;

	delegates_init(&d, levels, 3);
	c = checked(&d);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct outcome o;

		fake_fetch_put(&f, (struct fake_page){.url = SIGNERS, .body = buf_span(&page), .lifetime_s = cases[i].signers});
		fake_fetch_put(&f, (struct fake_page){.url = ISSUERS, .body = buf_span(&page), .lifetime_s = cases[i].issuers});
		o = fetch(c, cases[i].chain, 1000);
		tap_int(o.r, STIR_OK, "lifetimes %zu: had", i);
		tap_int(o.lifetime_s, cases[i].want, "lifetimes %zu", i);
	}
	/* Two lists, so each has half of the time: one that needs 30 ms of 40 is late. */
	fake_fetch_put(&f, (struct fake_page){.url = SIGNERS, .body = buf_span(&page), .delay_ms = 30});
	tap_int(fetch(c, -1, 40).cause, FETCH_TIMEOUT, "the deadline is for all lists together");
	tap_int(fetch(c, -1, 2000).r, STIR_OK, "with more time it is had");
	cert_chain_unref(c);
	delegates_free(&d);
	buf_free(&page);
}

/* SEQUENCE of n single numbers of nine digits: 13 octets each. */
static void many_numbers(struct buf *out, size_t n)
{
	size_t bytes = n * 13;

	buf_reset(out);
	buf_put(out, (const char[]){0x30, (char)0x83, (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes}, 5);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%c%c%c%c%09zu", 0xa2, 11, 0x16, 9, i * 2);
}

static void sizes(void)
{
	enum { FITS = (LIMIT_TNLIST_REFERENCE_BYTES - 5) / 13 };
	const struct delegates_level levels[] = {{.url = SIGNERS}, {.url = ISSUERS}, {0}};
	struct cert_chain *c;
	struct delegates d;
	struct outcome o;
	struct buf page;

	buf_init(&page, 2 * LIMIT_TNLIST_REFERENCE_BYTES);
	delegates_init(&d, levels, 3);
	c = checked(&d);
	many_numbers(&page, FITS);
	fake_fetch_put(&f, (struct fake_page){.url = SIGNERS, .body = buf_span(&page)});
	fake_fetch_put(&f, (struct fake_page){.url = ISSUERS, .body = buf_span(&page)});
	o = fetch(c, -1, 1000);
	tap_int(o.r, STIR_OK, "%d numbers in a MiB: %s", (int)FITS, o.why.text);
	tap_int(authority(c, "000161316"), TN_AUTHORITY_TN, "the last one is there");
	tap_int(authority(c, "000161315"), TN_AUTHORITY_OUTSIDE, "no odd one is");
	tap_int(trust_scope(c, NULL, &o.why), STIR_OK, "each within the same list of the issuer");
	many_numbers(&page, FITS + 1);
	fake_fetch_put(&f, (struct fake_page){.url = SIGNERS, .body = buf_span(&page)});
	o = fetch(c, -1, 1000);
	tap_ok(o.r == STIR_CERT_UNREACHABLE && o.cause == FETCH_TOO_LARGE, "more octets are not read (%s)", o.why.text);
	cert_chain_unref(c);
	delegates_free(&d);
	buf_free(&page);
}

int main(void)
{
	fake_fetch_init(&f);
	none();
	meaning();
	again();
	refused_addresses();
	forms();
	issuer_forms();
	lifetimes();
	sizes();
	return tap_done();
}
