/*
 * Certificates and certificate addresses of production: each row of the samples,
 * held against what its table says of it, and against a second reader of URLs.
 */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/chainlists.h"
#include "core/encoding.h"
#include "core/limits.h"
#include "core/trust.h"
#include "core/x5u.h"
#include "ctl/pki.h"
#include "tests/lib/tap.h"

enum { MAX_CAS = 100, MAX_TALLY = 40, CHECK_AFTER_S = 3600 };

/* --- counting -------------------------------------------------------------------- */

struct tally {
	char what[MAX_TALLY][100];
	unsigned long n[MAX_TALLY];
	size_t used;
};

static void count(struct tally *t, const char *what)
{
	size_t i = 0;

	while (i < t->used && strcmp(t->what[i], what) != 0)
		i++;
	if (i == MAX_TALLY)
		tap_bail("too many different outcomes");
	if (i == t->used)
		snprintf(t->what[t->used++], sizeof t->what[0], "%s", what);
	t->n[i]++;
}

static unsigned long counted(const struct tally *t, const char *what)
{
	for (size_t i = 0; i < t->used; i++)
		if (strcmp(t->what[i], what) == 0)
			return t->n[i];
	return 0;
}

static void print(const char *title, const struct tally *t)
{
	tap_note("%s:", title);
	for (size_t i = 0; i < t->used; i++)
		tap_note("  %6lu  %s", t->n[i], t->what[i]);
}

static FILE *open_sample(const char *rel, char *path, size_t n)
{
	const char *shared = tap_shared();

	snprintf(path, n, "%s/samples/stir/%s", shared ? shared : ".", rel);
	return shared ? fopen(path, "r") : NULL;
}

/* --- the CAs ----------------------------------------------------------------------- */

static X509 *ca[MAX_CAS];
static size_t n_cas;
static struct trust *roots; /* those that issued themselves */

static bool read_cas(void)
{
	char path[600];
	FILE *f = open_sample("production-certs/ca-certs.pem", path, sizeof path);
	struct buf pem;
	struct err e;

	if (!f)
		return false;
	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	while (n_cas < MAX_CAS && (ca[n_cas] = PEM_read_X509(f, NULL, NULL, NULL))) {
		X509 *x = ca[n_cas++];

		if (X509_check_issued(x, x) == X509_V_OK && pki_put_cert(&pem, x))
			tap_bail("PEM");
	}
	fclose(f);
	if (trust_open("roots", buf_span(&pem), &roots, &e))
		tap_bail("%s", e.text);
	tap_note("%zu CAs, %zu of them roots", n_cas, trust_count(roots));
	buf_free(&pem);
	return true;
}

static bool valid_at(const X509 *x, int64_t when)
{
	int64_t from, until;

	return cert_time(X509_get0_notBefore(x), &from) == 0 && cert_time(X509_get0_notAfter(x), &until) == 0 && from <= when &&
	       when <= until;
}

/*
 * Appends to pem each CA that may be on the way from x to a root.  One CA has
 * three certificates, one after the other, for one name and key: the one of that
 * time, as its signers serve it.
 */
static void put_issuers(struct buf *pem, X509 *x, int64_t when, int depth)
{
	for (size_t i = 0; i < n_cas && depth < 4; i++) {
		if (X509_check_issued(ca[i], x) != X509_V_OK || X509_check_issued(ca[i], ca[i]) == X509_V_OK || !valid_at(ca[i], when))
			continue;
		if (pki_put_cert(pem, ca[i]))
			tap_bail("PEM");
		put_issuers(pem, ca[i], when, depth + 1);
	}
}

/* --- names as the table writes them (RFC 4514), from ours -------------------------------- */

static const struct {
	const char *ours, *theirs;
} kinds[] = {{"serialNumber", "2.5.4.5"}, {"emailAddress", "1.2.840.113549.1.9.1"}};

/* "\x2f" and the like back to octets, then escaped the other way. */
static void put_value(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned v = (unsigned char)s.p[i];

		if (s.p[i] == '\\' && i + 3 < s.n && sscanf(s.p + i, "\\x%2x", &v) == 1)
			i += 3;
		if (v && (strchr(",+\"\\<>;", (int)v) || (v == ' ' && i + 1 == s.n)))
			buf_putc(out, '\\');
		buf_putc(out, (char)v);
	}
}

static void put_part(struct buf *out, struct span part)
{
	struct span kind = span_cut(&part, '=');

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (span_is(kind, kinds[i].ours))
			kind = span_cstr(kinds[i].theirs);
	buf_put_span(out, kind);
	buf_putc(out, '=');
	put_value(out, part);
}

/* The last part first. */
static void put_name(struct buf *out, struct span ours)
{
	while (ours.n) {
		size_t i = ours.n;

		while (i && ours.p[i - 1] != '/')
			i--;
		buf_puts(out, out->n ? "," : "");
		put_part(out, span_skip(ours, i));
		ours = span_take(ours, i ? i - 1 : 0);
	}
}

static bool name_is(const X509_NAME *name, const char *want)
{
	struct buf ours, out;
	bool same;

	buf_init(&ours, 4096);
	buf_init(&out, 4096);
	cert_name(&ours, name);
	put_name(&out, buf_span(&ours));
	same = !out.failed && span_is(buf_span(&out), want);
	if (!same)
		tap_note("name: %.*s, want %s", SPAN_ARG(buf_span(&out)), want);
	buf_free(&ours);
	buf_free(&out);
	return same;
}

/* --- the signers -------------------------------------------------------------------------- */

enum column { FINGERPRINT, CA_GROUP, SUBJECT, ISSUER, X5U, NOT_BEFORE, NOT_AFTER, TNAUTH, CHAIN, LINT, CERTIFICATE, COLUMNS };

static struct tally parsed, trusted, lists;
static unsigned long rows, wrong;

static void expect(bool holds, char *const *row, const char *what)
{
	if (holds)
		return;
	wrong++;
	tap_note("%.12s: %s is not what the table says", row[FINGERPRINT], what);
}

static bool time_is(const ASN1_TIME *t, const char *want)
{
	struct tm tm = {0};
	char text[40];
	int64_t s;
	time_t at;

	if (cert_time(t, &s))
		return false;
	at = (time_t)s;
	gmtime_r(&at, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	return strcmp(text, want) == 0;
}

static X509 *decode(char *const *row)
{
	unsigned char der[8192];
	const unsigned char *p = der;
	X509 *x = NULL;
	size_t n;

	if (base64_decode(span_cstr(row[CERTIFICATE]), der, sizeof der, &n) == 0)
		x = d2i_X509(NULL, &p, (long)n);
	if (!x)
		tap_bail("%s: no certificate", row[FINGERPRINT]);
	return x;
}

static void check_list(const struct cert_chain *c, char *const *row)
{
	struct buf text;

	buf_init(&text, 1000);
	tnauthlist_write_text(&text, cert_chain_tnauthlist(c));
	expect(text.n > 0 && strcmp(text.p, row[TNAUTH]) == 0, row, "the TNAuthList");
	count(&lists, tnauthlist_spc(cert_chain_tnauthlist(c)).n ? "one provider" : "something else");
	buf_free(&text);
}

/* As the table did: at not_before and an hour, and with the roots as anchors only. */
static void check_chain(struct cert_chain *c, char *const *row)
{
	int64_t from, until, begin;
	enum stir_reason r;
	struct err why;
	char what[200];
	bool ok;

	err_clear(&why);
	cert_chain_validity(c, &begin, &until);
	r = trust_check(roots, c, &why);
	if (r == STIR_OK)
		r = trust_scope(c, NULL, &why);
	cert_chain_validity(c, &from, &until);
	ok = r == STIR_OK && begin + CHECK_AFTER_S >= from && begin + CHECK_AFTER_S <= until;
	snprintf(what, sizeof what, "%s for us, \"%s\" in the table", ok ? "trusted" : stir_reason_name(r), row[CHAIN]);
	count(&trusted, what);
	expect(ok == (strcmp(row[CHAIN], "OK") == 0), row, "the chain");
	expect(!cert_chain_unchecked(c), row, "that no CA has a list");
}

static void check_row(char *const *row)
{
	X509 *x = decode(row);
	struct cert_chain *c = NULL;
	struct buf pem;
	struct err why;
	int64_t begin;

	rows++;
	err_clear(&why);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_put_cert(&pem, x))
		tap_bail("PEM");
	if (cert_time(X509_get0_notBefore(x), &begin))
		tap_bail("%s: notBefore", row[FINGERPRINT]);
	put_issuers(&pem, x, begin + CHECK_AFTER_S, 0);
	expect(name_is(X509_get_subject_name(x), row[SUBJECT]), row, "the subject");
	expect(name_is(X509_get_issuer_name(x), row[ISSUER]), row, "the issuer");
	expect(time_is(X509_get0_notBefore(x), row[NOT_BEFORE]), row, "not before");
	expect(time_is(X509_get0_notAfter(x), row[NOT_AFTER]), row, "not after");
	if (cert_chain_parse(buf_span(&pem), &c, &why) == STIR_OK) {
		count(&parsed, "ok");
		expect(span_is(cert_chain_fingerprint(c), row[FINGERPRINT]), row, "the fingerprint");
		check_list(c, row);
		check_chain(c, row);
	} else {
		count(&parsed, why.text);
		/* The table calls these lists bad too, or of another type; one has none. */
		expect(strncmp(row[TNAUTH], "spc:", 4) != 0, row, "that it is refused");
	}
	cert_chain_unref(c);
	buf_free(&pem);
	X509_free(x);
}

static void signers(void)
{
	char path[600], *line = NULL;
	size_t cap = 0;
	FILE *f = open_sample("production-certs/leaf-certs.tsv", path, sizeof path);

	if (!f || !read_cas() || getline(&line, &cap, f) < 0) {
		tap_skip("no certificates of production here");
		return;
	}
	while (getline(&line, &cap, f) > 0) {
		char *rest = line, *row[COLUMNS];
		int n = 0;

		while (n < COLUMNS && rest)
			row[n++] = strsep(&rest, "\t\n");
		if (n < COLUMNS)
			tap_bail("%s has other columns", path);
		check_row(row);
	}
	free(line);
	fclose(f);
	print("certificates of production", &parsed);
	print("their lists", &lists);
	print("their chains", &trusted);
	tap_int((long long)wrong, 0, "%lu rows are what the table says: names, dates, list, fingerprint, chain", rows);
	tap_int((long long)counted(&parsed, "TNAuthList: it is not DER of the right form"), 4, "refused for a list that is none, or with another string type");
	tap_int((long long)counted(&parsed, "it is not of version 3"), 1, "refused for version 1");
	tap_int((long long)counted(&parsed, "ok"), (long long)rows - 5, "all others are taken");
	trust_free(roots);
	for (size_t i = 0; i < n_cas; i++)
		X509_free(ca[i]);
}

/* --- certificates of other people's tests ------------------------------------------------- */

/* The lists that are no DER are texts: a URL, "n/a", a line of OpenSSL's configuration. */
static const struct {
	const char *file, *why; /* NULL: taken */
} others[] = {
	{"libstirshaken__examples__ca__ca.pem", "CA"},
	{"libstirshaken__examples__cache__sp.pem", "not DER"},
	{"libstirshaken__test__ref__ca__ca.pem", "CA"},
	{"libstirshaken__test__ref__pa__pa.pem", "CA"},
	{"libstirshaken__test__ref__sp__sp.pem", "not DER"},
	{"libstirshaken__test__ref__sp__wrongsp.pem", "not DER"},
	{"libstirshaken__test__ref__sp__csr.pem", "another kind"},
	{"libstirshaken__test__ref__sp__sp.priv", "another kind"},
	{"libstirshaken__test__ref__sp__sp.pub", "another kind"},
	{"libstirshaken__test__ref__sp__spc_token.txt", "no PEM block"},
	{"freeswitch__src__mod__endpoints__mod_sofia__test__stir-shaken__www__cert.pem", "CA"},
	{"sems__unit_tests__test.pem", "CA"},
	{"testsuite__SPAST1__SPAST1-cert.pem", NULL},
	{"testsuite__SPAST1-caexp__SPAST1-caexp-cert.pem", "not DER"},
	{"testsuite__SPAST2__SPAST2-cert.pem", NULL},
	{"testsuite__SPAST2-caexp__SPAST2-caexp-cert.pem", "not DER"},
	{"testsuite__astdev-ca.crt", "CA"},
	{"testsuite__astdev-ca-expired.crt", "CA"},
	{"rfc8225-appendix-a.pem", "another kind"},
};

static void put_file(struct buf *out, FILE *f)
{
	char piece[4096];
	size_t n;

	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(out, piece, n);
}

static void other_tests(void)
{
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		char rel[200], path[800];
		struct cert_chain *c = NULL;
		struct buf pem;
		struct err why;
		FILE *f;

		snprintf(rel, sizeof rel, "test-certs/%s", others[i].file);
		f = open_sample(rel, path, sizeof path);
		if (!f) {
			tap_skip("no %s here", others[i].file);
			continue;
		}
		buf_init(&pem, LIMIT_CHAIN_BYTES);
		put_file(&pem, f);
		fclose(f);
		err_clear(&why);
		if (cert_chain_parse(buf_span(&pem), &c, &why) == STIR_OK)
			tap_ok(!others[i].why, "%s: taken (want: %s)", others[i].file, others[i].why ? others[i].why : "taken");
		else
			tap_ok(others[i].why && strstr(why.text, others[i].why), "%s: refused, %s", others[i].file, why.text);
		cert_chain_unref(c);
		buf_free(&pem);
	}
}

/* --- addresses ------------------------------------------------------------------------------- */

/* Our reasons, and the word for each of tests/lib/x5u_oracle.py. */
static const struct {
	const char *rule, *word;
} words[] = {
	{"the address is too long", "long"},
	{"the scheme is not https", "scheme"},
	{"a query is not allowed", "query"},
	{"a fragment is not allowed", "fragment"},
	{"user information is not allowed", "user"},
	{"the port is neither 443 nor 8443", "port"},
	{"no host", "nohost"},
	{"the host is an IP address", "address"},
	{"the host name is too long", "name"},
	{"the host is no DNS name", "name"},
	{"the host name ends in a dot", "dot"},
	{"no path", "nopath"},
	{"an octet that may not stand in a path", "octet"},
	{"an incomplete percent escape", "octet"},
	{"an escaped control character", "control"},
	{"a dot component in the path", "dots"},
};

static bool among(const char *rule, struct span said)
{
	const char *word = "ok";

	for (size_t i = 0; rule && i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i].rule, rule) == 0)
			word = words[i].word;
	while (said.n)
		if (span_is(span_cut(&said, ' '), word))
			return true;
	return false;
}

/* Both readers, line by line. */
static void judge(FILE *urls, FILE *oracle)
{
	char *line = NULL, *answer = NULL;
	size_t cap = 0, answer_cap = 0;
	unsigned long n = 0, differ = 0;
	struct tally rules = {.used = 0};
	ssize_t len;

	while ((len = getline(&line, &cap, urls)) > 0) {
		ssize_t said = getline(&answer, &answer_cap, oracle);
		struct span url = span_trim(span_make(line, (size_t)len));
		const char *rule = NULL;
		struct x5u u;

		n++;
		(void)x5u_check(url, &u, &rule);
		count(&rules, rule ? rule : "allowed");
		if (said <= 0 || !among(rule, span_trim(span_make(answer, (size_t)said)))) {
			differ++;
			tap_note("%.*s: we say %s, Python %s", SPAN_ARG(url), rule ? rule : "ok", said > 0 ? answer : "nothing");
		}
	}
	print("addresses of production", &rules);
	tap_int((long long)differ, 0, "%lu addresses: both readers agree about each, and about a rule", n);
	tap_ok(counted(&rules, "allowed") * 10 > n * 9, "the rules fit nine of ten");
	free(line);
	free(answer);
}

static void addresses(void)
{
	char path[600], script[600], command[1400];
	FILE *urls = open_sample("production-certs/x5u-urls.txt", path, sizeof path), *oracle;

	if (!urls) {
		tap_skip("no addresses of production here");
		return;
	}
	snprintf(command, sizeof command, "python3 '%s' < '%s'", tap_srcpath(script, sizeof script, "tests/lib/x5u_oracle.py"), path);
	oracle = popen(command, "r");
	if (!oracle)
		tap_bail("popen");
	judge(urls, oracle);
	tap_int(pclose(oracle), 0, "the second reader read them all");
	fclose(urls);
}

int main(void)
{
	signers();
	other_tests();
	addresses();
	return tap_done();
}
