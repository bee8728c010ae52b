/*
 * The throwaway PKI: what pki.c makes is what it was asked for, and stirctl pki
 * writes it where it says, readable by whom it should, over nothing.
 */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/trust.h"
#include "ctl/cmd.h"
#include "ctl/pki.h"
#include "ctl/pki_files.h"
#include "ctl/pki_records.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400 };

/* --- in memory ------------------------------------------------------------------ */

static void same_name(const X509_NAME *n, const char *want, const char *what)
{
	struct buf out;

	buf_init(&out, 1000);
	cert_name(&out, n);
	tap_str(out.p, want, "%s", what);
	buf_free(&out);
}

static void looks(X509 *x, X509 *issuer)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x), *ski = X509_get0_subject_key_id(issuer);
	BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);

	tap_int(BN_num_bits(serial), 128, "a serial of 128 bits");
	tap_ok(aki && ski && ASN1_OCTET_STRING_cmp(aki, ski) == 0, "AKI is the issuer's SKI");
	tap_ok(X509_get0_subject_key_id(x) != NULL, "it has a SKI");
	tap_int(X509_get_signature_nid(x), NID_ecdsa_with_SHA256, "ecdsa-with-SHA256");
	tap_int(X509_verify(x, X509_get0_pubkey(issuer)), 1, "signed by its issuer");
	BN_free(serial);
}

static void hierarchy(void)
{
	struct pki p;
	EVP_PKEY *key, *key2;
	X509 *x, *y;
	struct err e;

	if (pki_init(&p, "Test Telecom", T0, T0 + DAY, &e))
		tap_bail("%s", e.text);
	same_name(X509_get_subject_name(p.root), "/O=Test Telecom/CN=Test Telecom SHAKEN ROOT", "the root's name");
	same_name(X509_get_subject_name(p.ca), "/O=Test Telecom/CN=Test Telecom SHAKEN CA 1", "the CA's name");
	tap_int(X509_check_ca(p.ca), 1, "the CA is one");
	tap_int(X509_get_pathlen(p.ca), -1, "with room for delegating certificates below it");
	tap_int(X509_get_key_usage(p.ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN, "its keyUsage");
	looks(p.ca, p.root);
	if (pki_issue(&p, "tn:+15551230000+10,spc:818H", "Someone", T0 + 1, T0 + 2, &key, &x, &e) ||
	    pki_issue(&p, "tn:+15551230000+10", NULL, T0, T0 + 1, &key2, &y, &e))
		tap_bail("%s", e.text);
	looks(x, p.ca);
	same_name(X509_get_subject_name(x), "/O=Someone/CN=SHAKEN 818H", "a signer with a provider code");
	same_name(X509_get_subject_name(y), "/CN=STIR 15551230000", "a signer with numbers only");
	tap_int(X509_check_private_key(x, key), 1, "the key fits");
	tap_int(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE, "its keyUsage");
	tap_ok(ASN1_INTEGER_cmp(X509_get0_serialNumber(x), X509_get0_serialNumber(y)) != 0, "serials differ");
	EVP_PKEY_free(key);
	EVP_PKEY_free(key2);
	X509_free(x);
	X509_free(y);
	tap_ok(pki_issue(&p, "15551230000", NULL, T0, T0 + 1, &key, &x, &e) && !key && !x, "a bad list: %s", e.text);
	pki_free(&p);
	tap_ok(pki_init(&p, "\xff", T0, T0 + 1, &e) && !p.root && !p.ca_key, "a name that is no UTF-8: %s", e.text);
}

static void pem_forms(void)
{
	EVP_PKEY *key = pki_key_new(PKI_KEY_P256), *back;
	struct buf pem, small;

	buf_init(&pem, 10000);
	buf_init(&small, 10);
	tap_int(pki_put_key(&pem, key), 0, "a key as PEM");
	tap_ok(span_starts(buf_span(&pem), "-----BEGIN PRIVATE KEY-----\n"), "as PKCS #8");
	back = pki_read_key(buf_span(&pem));
	tap_int(back && EVP_PKEY_eq(key, back), 1, "and back");
	tap_ok(!pki_read_key(span_cstr("x")) && !pki_read_cert(buf_span(&pem)), "other texts give none");
	tap_int(pki_put_key(&small, key), -1, "a buffer too small");
	EVP_PKEY_free(key);
	EVP_PKEY_free(back);
	buf_free(&pem);
	buf_free(&small);
}

/* --- the command ------------------------------------------------------------------ */

enum { ARGS = 20 };

/* Runs "pki" and the words of text, each %s the temporary folder; "|" stands for a space. */
static int run(const char *text)
{
	char line[2000], *args[ARGS] = {(char *)"pki"}, *word, *rest = line;
	int n = 1;

	for (size_t k = 0; *text && k + 300 < sizeof line; text++) {
		if (*text == '@')
			k += (size_t)snprintf(line + k, 256, "%s", tap_tempdir());
		else
			line[k++] = *text;
		line[k] = '\0';
	}
	while (n < ARGS - 1 && (word = strsep(&rest, " ")))
		args[n++] = word;
	for (int i = 1; i < n; i++)
		for (char *c = args[i]; *c; c++)
			*c = *c == '|' ? ' ' : *c;
	return cmd_pki(n, args);
}

static struct buf content(const char *name)
{
	char path[512], piece[4096];
	struct buf out;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", tap_tempdir(), name);
	buf_init(&out, 1 << 20);
	f = fopen(path, "r");
	while (f && (n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(&out, piece, n);
	if (f)
		fclose(f);
	return out;
}

/* -1: it isn't there. */
static int mode(const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", tap_tempdir(), name);
	return lstat(path, &st) ? -1 : (int)(st.st_mode & 0777);
}

static void init(void)
{
	struct buf before, after;

	umask(0);
	tap_int(run("init @/p --name Pilot|One --days 10"), 0, "init");
	tap_int(mode("p/root.key.pem"), 0600, "the root's key is the owner's, even with umask 0");
	tap_int(mode("p/ca.key.pem"), 0600, "the CA's too");
	tap_int(mode("p/root.pem"), 0644, "its certificate is for all");
	tap_ok(mode("p/ca.pem") == 0644 && mode("p/anchors.pem") == 0644, "the others as well");
	umask(022);
	before = content("p/ca.key.pem");
	tap_int(run("init @/p"), 65, "a second init is refused");
	after = content("p/ca.key.pem");
	tap_ok(before.n > 0 && span_eq(buf_span(&before), buf_span(&after)), "and changes nothing");
	buf_free(&after);
	tap_int(run("init @/p --force --name New"), 0, "but not with --force");
	after = content("p/ca.key.pem");
	tap_ok(after.n > 0 && !span_eq(buf_span(&before), buf_span(&after)), "which makes new keys");
	tap_int(mode("p/ca.key.pem"), 0600, "of the same mode");
	buf_free(&before);
	buf_free(&after);
}

static void verify_issued(const char *chain_name, const char *want_list, int64_t *from, int64_t *until)
{
	struct buf anchors = content("p/anchors.pem"), pem = content(chain_name), text;
	struct cert_chain *c = NULL;
	struct trust *t = NULL;
	struct err e;

	err_clear(&e);
	buf_init(&text, 1000);
	if (tap_int(trust_open("anchors", buf_span(&anchors), &t, &e), 0, "%s: anchors %s", chain_name, e.text) &&
	    tap_int(cert_chain_parse(buf_span(&pem), &c, &e), STIR_OK, "%s: chain %s", chain_name, e.text)) {
		tap_int((long long)cert_chain_count(c), 2, "%s: signer and CA", chain_name);
		tap_int(trust_check(t, c, &e), STIR_OK, "%s: trusted", chain_name);
		tnauthlist_write_text(&text, cert_chain_tnauthlist(c));
		tap_str(text.p, want_list, "%s: list", chain_name);
		cert_chain_validity(c, from, until);
	}
	cert_chain_unref(c);
	trust_free(t);
	buf_free(&anchors);
	buf_free(&pem);
	buf_free(&text);
}

static void issue(void)
{
	int64_t from, until, now = (int64_t)time(NULL);
	struct buf one, two;

	tap_int(run("issue @/p --tn-auth spc:1234,tn:+15551230000+100 --url https://Certs.Example.com/a/b/sp.pem "
		    "--certs @/served"), 0, "issue");
	tap_int(mode("p/sp.key"), 0600, "the key");
	tap_int(mode("p/sp.pem"), 0644, "the chain");
	verify_issued("p/sp.pem", "spc:1234,tn:+15551230000+100", &from, &until);
	tap_ok(from <= now && until > now + 89 * DAY && until < now + 91 * DAY, "valid from a little ago for 90 days");
	one = content("p/sp.pem");
	two = content("served/certs.example.com/a/b/sp.pem");
	tap_ok(one.n > 0 && span_eq(buf_span(&one), buf_span(&two)), "the same chain where its URL says");
	buf_free(&one);
	buf_free(&two);

	tap_int(run("issue @/p --tn-auth tn:+15551230000 --url https://h.example/x.pem --out @/named --not-before 1700000000 "
		    "--not-after 1700000100"), 0, "issue with times of its own");
	verify_issued("named.pem", "tn:+15551230000", &from, &until);
	tap_ok(mode("named.key") == 0600 && until == 1700000100, "as asked");
	tap_int(run("issue @/p --tn-auth spc:1 --url https://h.example/y --out @/named"), 65, "not over others");
	tap_int(mode("h.example"), -1, "nothing beside");
}

/* The chain's name is taken: then no key may be left behind. */
static void all_or_none(void)
{
	struct buf made;

	tap_int(run("issue @/p --tn-auth spc:1 --url https://h.example/z.pem --out @/half"), 0, "issue");
	made = content("half.pem");
	char path[512];
	snprintf(path, sizeof path, "%s/half.key", tap_tempdir());
	tap_int(unlink(path), 0, "the key goes away");
	tap_int(run("issue @/p --tn-auth spc:1 --url https://h.example/z.pem --out @/half"), 65, "the chain is in the way");
	tap_int(mode("half.key"), -1, "so no key is written");
	struct buf after = content("half.pem");
	tap_ok(span_eq(buf_span(&made), buf_span(&after)), "and the chain is as it was");
	buf_free(&made);
	buf_free(&after);
}

static const struct {
	const char *args;
	int want;
} mistakes[] = {
	{"", 64},
	{"frobnicate", 64},
	{"init", 64},
	{"init @/a @/b", 64},
	{"init @/q --days 0", 64},
	{"init @/q --days 10x", 64},
	{"init @/q --days 5 --not-after 9", 64},
	{"init @/q --name " , 64},
	{"init @/q --not-before 100 --not-after 99", 64},
	{"init @/q --url https://a.example/b.pem", 64},
	{"init @/q --bogus", 64},
	{"init @/none/below", 71},
	{"init @/named.key", 65},
	{"issue @/p --url https://a.example/b.pem", 64},
	{"issue @/p --tn-auth spc:1", 64},
	{"issue @/p --tn-auth 1234 --url https://a.example/b.pem", 64},
	{"issue @/p --tn-auth spc:1 --url http://a.example/b.pem", 64},
	{"issue @/p --tn-auth spc:1 --url https://a.example/b.pem?x", 64},
	{"issue @/p --tn-auth spc:1 --url https://a.example/", 64},
	{"issue @/p --tn-auth spc:1 --url https://a.example/ca.pem", 64},
	{"issue @/p --tn-auth spc:1 --url https://a.example/../b.pem --certs @/served", 64},
	{"issue @/p --tn-auth spc:1 --url https://a.example/a//b.pem --certs @/served", 64},
	{"issue @/p --tn-auth spc:1 --url https://a.example/.b.pem --certs @/served --out @/dot", 64},
	{"issue @/nowhere --tn-auth spc:1 --url https://a.example/b.pem", 66},
	{"--help", 0},
	{"init --help", 0},
};

static void usage(void)
{
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
		tap_int(run(mistakes[i].args), mistakes[i].want, "pki %s", mistakes[i].args);
	tap_ok(mode("q") == -1 && mode("p/b.key") == -1 && mode("dot.key") == -1, "none of them wrote anything");
}

/* A CA whose key is another's. */
static void wrong_key(void)
{
	char from[512], to[512];

	tap_int(run("init @/r"), 0, "another PKI");
	snprintf(from, sizeof from, "%s/p/ca.key.pem", tap_tempdir());
	snprintf(to, sizeof to, "%s/r/ca.key.pem", tap_tempdir());
	if (rename(from, to))
		tap_bail("rename");
	tap_int(run("issue @/r --tn-auth spc:1 --url https://a.example/b.pem"), 65, "the key of another CA");
	tap_int(mode("r/b.key"), -1, "gives nothing");
}

static void links(void)
{
	char link[512], target[512];
	struct pki_file f = {link, span_cstr("secret"), true, false};
	struct err e;

	snprintf(link, sizeof link, "%s/link", tap_tempdir());
	snprintf(target, sizeof target, "%s/target", tap_tempdir());
	if (symlink("target", link))
		tap_bail("symlink");
	tap_int(pki_files_write(&f, 1, false, &e), -1, "a symbolic link is in the way: %s", e.text);
	tap_int(mode("target"), -1, "and is not followed");
	tap_int(pki_files_write(&f, 1, true, &e), 0, "with force");
	tap_ok(mode("link") == 0600 && mode("target") == -1, "the link itself is replaced");
	f.fixed = true;
	tap_int(pki_files_write(&f, 1, true, &e), -1, "but no fixed file: %s", e.text);
}

/* Two files, of which the second may not be replaced: then the first isn't either. */
static void fixed(void)
{
	char one[512], two[512];
	struct pki_file f[] = {{one, span_cstr("new"), false, false}, {two, span_cstr("secret"), true, true}};
	struct buf after;
	struct err e;

	snprintf(one, sizeof one, "%s/one", tap_tempdir());
	snprintf(two, sizeof two, "%s/two", tap_tempdir());
	tap_int(pki_files_write(f, 2, true, &e), 0, "a fixed file is made, with force as well");
	tap_ok(mode("two") == 0600, "for its owner");
	f[0].content = span_cstr("newer");
	tap_int(pki_files_write(f, 2, true, &e), -1, "and never replaced: %s", e.text);
	after = content("one");
	tap_span_is(buf_span(&after), "new", "nor is what goes with it");
	buf_free(&after);
}

static void serials(void)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{"0a0B", "0A0B"}, {"0A:0b", "0A0B"}, {"1", "01"}, {"ffffffffffffffffffffffffffffffffffffffff", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
		{"", NULL}, {"0", NULL}, {":", NULL}, {"-1", NULL}, {"0x12", NULL}, {"12 ", NULL}, {"fffffffffffffffffffffffffffffffffffffffff", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ASN1_INTEGER *n = pki_records_serial(span_cstr(cases[i].text));
		struct buf back;

		buf_init(&back, 100);
		tap_ok(n && cases[i].want ? pki_records_put_serial(&back, n) == 0 && span_is(buf_span(&back), cases[i].want) : !n && !cases[i].want,
		       "the serial number \"%s\"", cases[i].text);
		buf_free(&back);
		ASN1_INTEGER_free(n);
	}
}

/* A subject can hold anything; a record is a line. */
static void records(void)
{
	struct pki_records all = {NULL, 0}, back;
	struct pki_record one = {.date = 1700000000, .reason = CRL_REASON_SUPERSEDED, .subject = (char *)(uintptr_t) "/CN=a # b"};
	struct err e;
	struct pki p;

	if (pki_init(&p, "Test # 1", T0, T0 + DAY, &e))
		tap_bail("%s", e.text);
	one.serial = X509_get_serialNumber(p.ca);
	one.issuer = X509_get_subject_name(p.root);
	tap_int(pki_records_add(&all, &one, &e), 0, "a record");
	tap_int(pki_records_write(tap_tempdir(), &all, &e), 0, "is written");
	if (tap_int(pki_records_read(tap_tempdir(), &back, &e), 0, "and read") && tap_int((long long)back.n, 1, "once")) {
		const struct pki_record *r = pki_records_find(&back, one.serial, one.issuer);

		tap_ok(r && r->date == one.date && r->reason == one.reason && strcmp(r->subject, one.subject) == 0, "as it was");
		tap_ok(!pki_records_find(&back, one.serial, X509_get_subject_name(p.ca)), "another issuer's is another one");
	}
	pki_records_free(&back);
	pki_records_free(&all);
	pki_free(&p);
}

int main(void)
{
	hierarchy();
	pem_forms();
	init();
	issue();
	all_or_none();
	usage();
	links();
	fixed();
	serials();
	records();
	wrong_key();
	return tap_done();
}
