/* The file of trust domains, the files it names, and lists from addresses. */
#include "config.h"

#include "engine/trust_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "core/limits.h"
#include "core/store/store_mem.h"
#include "engine/trust_file_internal.h"
#include "tests/lib/fake_fetch.h"
#include "tests/lib/list_maker.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, YEAR = 365 * DAY };

#define LIST_URL "https://pa.example/list"
#define HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\"}"

static struct pki us, ca, fr;
static EVP_PKEY *pa_key;
static const char *folder;
static int64_t now_s = T0;

static int64_t clock_s(void)
{
	return now_s;
}

/* --- reading ---------------------------------------------------------------------------- */

static const struct {
	const char *text, *want; /* the error, without the file's name; NULL: it is read */
} texts[] = {
	{"domain a\nanchors x.pem\n", NULL},
	{"# nothing\n\ndomain a # first\n\tanchors   a b.pem # second\n", NULL},
	{"", "1:1: there is no domain in it"},
	{"# only\n\n", "2:1: there is no domain in it"},
	{"anchors x.pem\n", "1:1: anchors belongs to a domain"},
	{"domain\n", "1:7: a domain needs a name"},
	{"domain a b\n", "1:8: a domain needs a name"},
	{"domain abcdefghijklmnopqrstuvwxyz0123456\n", "1:8: a domain needs a name"},
	{"domain a\n", "1:8: this domain has no anchors"},
	{"domain a\ndomain b\nanchors x\n", "1:8: this domain has no anchors"},
	{"domain a\nanchors x\ndomain b\nanchors x\ndomain A\n", "5:8: the domain A is there already, on line 1"},
	{"domain a\n  ancors x\n", "2:3: \"ancors\" is no word of a trust domain; did you mean \"anchors\"?"},
	{"domian a\n", "1:1: \"domian\" is no word of a trust domain; did you mean \"domain\"?"},
	{"domain a\nanchors x\nanchors y\n", "3:1: anchors is there for the second time; the first is on line 2"},
	{"domain a\nanchors\n", "2:8: anchors has no value"},
	{"domain a\nanchors # x\n", "2:8: anchors has no value"},
	{"domain a\nanchors \"x\"\n", "2:9: there are no quotes here"},
	{"domain a\nanchors x\r\n", "2:10: the line ends with a carriage return"},
	{"domain a\nspc-table x\n", "2:1: the table of providers' numbers is one for all domains: the setting SPCTable"},
	{"domain a\nanchors x\nauthority npc\n", "3:11: \"npc\" is no authority (tn, spc, any); did you mean \"spc\"?"},
	{"domain a\nanchors x\nrevocation off\n", "3:12: \"off\" is no kind of revocation (soft, hard)"},
	{"domain a\nanchors x\nscore-ceiling 1\n", "3:15: a score-ceiling is 0 or negative"},
	{"domain a\nanchors x\nscore-ceiling 0.01\n", "3:15: a score-ceiling is 0 or negative"},
	{"domain a\nanchors x\nscore-ceiling 0\n", NULL},
	{"domain a\nanchors x\nscore-ceiling -0.5\n", NULL},
	{"domain a\nanchors x\nscore-ceiling -100\n", NULL},
	{"domain a\nanchors x\nscore-ceiling -100.01\n", "3:15: \"-100.01\" is too far from 0"},
	{"domain a\nanchors x\nscore-ceiling -1.005\n", "3:15: \"-1.005\" is no score"},
	{"domain a\nanchors x\nscore-ceiling -1.\n", "3:15: \"-1.\" is no score"},
	{"domain a\nanchors x\nscore-ceiling -\n", "3:15: \"-\" is no score"},
	{"domain a\nanchors x\nscore-ceiling -1x\n", "3:17: \"-1x\" is no score"},
	{"domain a\nanchors x\nscore-ceiling -1000\n", "3:15: \"-1000\" is no score"},
	{"domain a\ntrust-list l.jws\n", "2:12: a trust-list needs a trust-list-signer"},
	{"domain a\nanchors x\ntrust-list-signer s\n", "3:19: a trust-list-signer without a trust-list"},
	{"domain a\nanchors x\ntrust-list-max-age 1d\n", "3:20: a trust-list-max-age without a trust-list"},
	{"domain a\ntrust-list l\ntrust-list-signer s\ntrust-list-max-age 7\n", "4:20: \"7\" is no duration"},
	{"domain a\ntrust-list l\ntrust-list-signer s\ntrust-list-max-age 0d\n", "4:20: \"0d\" is too small"},
	{"domain a\ntrust-list l\ntrust-list-signer s\ntrust-list-max-age 3651d\n", "4:20: \"3651d\" is too large"},
	{"domain a\ntrust-list l\ntrust-list-signer s\ntrust-list-max-age 12345678901d\n", "4:20: \"12345678901d\" is no duration"},
	{"domain a\ntrust-list http://x.example/l\ntrust-list-signer s\n", "2:12: an address must begin with https:"},
	{"domain a\ntrust-list https://x.example/l?a\ntrust-list-signer s\n", "2:12: this address can't be asked"},
	{"domain a\nanchors x\ncrl-urls https://x.example/a http://x.example/b\n", "3:30: this address can't be asked"},
	{"domain a\nanchors x\ncrl-urls https://x.example/a https://x.example/b\n", NULL},
};

static void reading(void)
{
	struct trust_file *f = calloc(1, sizeof *f);

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct err e = {ERR_NONE, ""};
		char want[300];
		int rc = trust_file_parse("f", span_cstr(texts[i].text), f, &e);

		snprintf(want, sizeof want, "f:%s", texts[i].want ? texts[i].want : "");
		tap_ok(texts[i].want ? rc && strncmp(e.text, want, strlen(want)) == 0 : !rc, "%s", texts[i].want ? e.text : "read");
		if (texts[i].want && strncmp(e.text, want, strlen(want)) != 0)
			tap_note("wanted %s", want);
	}
	free(f);
}

static void values(void)
{
	static const char text[] = "domain us-shaken\n"
				   "    anchors            us roots.pem\n"
				   "    trust-list         https://pa.example/list\n"
				   "    trust-list-signer  sti-pa.pem\n"
				   "    trust-list-max-age 36h\n"
				   "    revocation         hard\n"
				   "    authority          tn\n"
				   "    score-ceiling      -1.05\n"
				   "domain pilot\n"
				   "    anchors            pilot.pem\n"
				   "    authority          any\n"
				   "    score-ceiling      -0.5\n";
	struct trust_file *f = calloc(1, sizeof *f);
	struct err e;

	if (trust_file_parse("f", span_cstr(text), f, &e))
		tap_bail("%s", e.text);
	const struct trust_rules *a = &f->domain[0].rules, *b = &f->domain[1].rules;
	tap_int((long long)f->n, 2, "two domains");
	tap_str(a->name, "us-shaken", "name");
	tap_ok(a->authority == TRUST_AUTHORITY_TN && a->hard_revocation && a->has_credit && a->credit == 105, "rules");
	tap_int(f->domain[0].max_age_s, 36 * 3600, "duration");
	tap_span_is(f->domain[0].value[TRUST_FILE_ANCHORS].text, "us roots.pem", "a value goes to the end of the line");
	tap_ok(b->authority == TRUST_AUTHORITY_ANY && !b->hard_revocation && b->has_credit && b->credit == 50, "the rules of the other");
	tap_int(f->domain[1].max_age_s, 7 * DAY, "what is left out");
	free(f);
}

/* --- files --------------------------------------------------------------------------------- */

static char *path_to(const char *name)
{
	static char path[600];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, struct span octets)
{
	FILE *f = fopen(path_to(name), "w");

	if (!f || fwrite(octets.p, 1, octets.n, f) != octets.n || fclose(f))
		tap_bail("%s", name);
}

static void write_cert(const char *name, X509 *x)
{
	struct buf pem;

	buf_init(&pem, 65536);
	if (pki_put_cert(&pem, x))
		tap_bail("PEM");
	write_file(name, buf_span(&pem));
	buf_free(&pem);
}

static void make_list(struct buf *jws, const char *more, EVP_PKEY *key, X509 *const *certs)
{
	struct buf payload;

	buf_init(&payload, LIMIT_TRUSTLIST_BYTES);
	buf_init(jws, LIMIT_TRUSTLIST_BYTES);
	list_maker_payload(&payload, more, certs);
	list_maker_jws(jws, key, HEADER, payload.p);
	buf_free(&payload);
}

#define CERTS(...) ((X509 *const[]){__VA_ARGS__, NULL})

struct opened {
	struct trustset *set;
	struct trust_sources sources;
	struct buf said;
	struct err e;
	int rc;
};

static struct opened open_text(const char *text, struct store *keep, struct crlcache *crls)
{
	struct opened o = {0};

	buf_init(&o.said, 65536);
	write_file("domains", span_cstr(text));
	o.rc = trust_file_open(path_to("domains"), keep, crls, now_s, &o.set, &o.sources, &o.said, &o.e);
	return o;
}

static void close_opened(struct opened *o)
{
	trustset_unref(o->set);
	trust_sources_free(&o->sources);
	buf_free(&o->said);
}

static bool says(const struct opened *o, const char *what)
{
	return o->said.p && strstr(o->said.p, what);
}

/* On one line. */
static const char *said(struct opened *o)
{
	for (size_t i = 0; i < o->said.n; i++)
		if (o->said.p[i] == '\n')
			o->said.p[i] = ';';
	return o->said.p ? o->said.p : "";
}

static void opening(void)
{
	struct list_maker_crl s = {.issuer = us.ca, .key = us.ca_key, .this_update = T0, .next_update = T0 + DAY};
	struct opened o;
	struct buf pem, jws;

	buf_init(&pem, 65536);
	list_maker_put(&pem, &s, false);
	write_file("us.crl", buf_span(&pem));
	make_list(&jws, "\"sequence\":7,\"iat\":1699999000,", pa_key, CERTS(ca.root, ca.ca));
	write_file("ca.jws", buf_span(&jws));
	o = open_text("domain us\n anchors us.pem\n crls us.crl\n crl-issuers crl-pa.pem\n crl-urls https://pa.example/crl\n"
		      "domain ca\n trust-list ca.jws\n trust-list-signer pa.pem\n authority tn\n",
		      NULL, NULL);
	tap_int(o.rc, 0, "two domains and all they name %s", o.e.text);
	tap_int((long long)trustset_count(o.set), 2, "are there");
	tap_int((long long)trust_count(trustset_at(o.set, 0)), 1, "one anchor from a file");
	tap_int((long long)trust_count(trustset_at(o.set, 1)), 2, "two from a list");
	tap_int(trustset_rules(o.set, 1)->authority, TRUST_AUTHORITY_TN, "with its rules");
	tap_ok(o.sources.n == 1 && !o.sources.at[0].url && o.sources.at[0].sequence == 7 && o.sources.at[0].issued == 1699999000, "the list is a source");
	tap_ok(says(&o, "crl-urls") && !says(&o, "trust list"), "without network crl-urls are of no use: %s", said(&o));
	buf_reset(&o.said);
	trust_file_age(&o.sources, 1699999000 + 7 * DAY + 1, &o.said);
	tap_ok(says(&o, "trust domain ca: its trust list was made 7 days ago"), "it gets old: %s", said(&o));
	close_opened(&o);
	buf_free(&pem);
	buf_free(&jws);
}

static const struct {
	const char *text, *want; /* parts of the error, '|' between them */
} faults[] = {
	{"domain a\nanchors none.pem\n", "domains:2:9: |none.pem: there is no such file"},
	{"domain a\nanchors us.crl\n", "domains:2:9: |us.crl: |another kind than CERTIFICATE"},
	{"domain a\nanchors us.pem\ncrls us.pem\n", "domains:3:6: |us.pem: |another kind than X509 CRL"},
	{"domain a\nanchors us.pem\ncrl-issuers pa.pem\n", "domains:3:13: |cRLSign"},
	{"domain a\nanchors us.pem\ndomain b\nanchors us.pem\n", "domains:3:8: |trust domain b is also one of a"},
	{"domain a\ntrust-list ca.jws\ntrust-list-signer us.pem\n", "domains:2:12: |ca.jws: "},
	{"domain a\ntrust-list us.pem\ntrust-list-signer pa.pem\n", "domains:2:12: |us.pem: it is no compact JWS"},
	{"domain a\ntrust-list ca.jws\ntrust-list-signer none.pem\n", "domains:3:19: |none.pem: there is no such file"},
};

static void bad_files(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct opened o = open_text(faults[i].text, NULL, NULL);
		struct span rest = span_cstr(faults[i].want);
		bool all = o.rc && !o.set && o.sources.n == 0;

		while (rest.n) {
			struct span part = span_cut(&rest, '|');

			all = all && memmem(o.e.text, strlen(o.e.text), part.p, part.n);
		}
		tap_ok(all, "%s", o.e.text);
		close_opened(&o);
	}
	struct opened o = {0};
	buf_init(&o.said, 1000);
	tap_ok(trust_file_open("/nonexistent/domains", NULL, NULL, T0, &o.set, &o.sources, &o.said, &o.e), "%s", o.e.text);
	close_opened(&o);
}

/* A list in a file that has expired is used, and said. */
static void expired_file(void)
{
	struct opened o;
	struct buf jws;

	make_list(&jws, "\"exp\":1699999999,", pa_key, CERTS(ca.root));
	write_file("old.jws", buf_span(&jws));
	o = open_text("domain ca\ntrust-list old.jws\ntrust-list-signer pa.pem\n", NULL, NULL);
	tap_ok(o.rc == 0 && says(&o, "has expired"), "an expired list: %s", o.rc ? o.e.text : said(&o));
	tap_ok(o.sources.at[0].issued > T0, "without iat its age is that of its file");
	close_opened(&o);
	buf_free(&jws);
}

/* Who signs a list does not know our other domains: what one of them has, stays there. */
static void shared_anchor(void)
{
	struct store *keep = store_mem_open(4 << 20, clock_s);
	struct fake_fetch f;
	struct opened o;
	struct buf jws;
	static const char text[] = "domain ca\ntrust-list ca2.jws\ntrust-list-signer pa.pem\nauthority any\n"
				   "domain fr\ntrust-list " LIST_URL "\ntrust-list-signer pa.pem\n"
				   "domain us\nanchors us.pem\nauthority tn\n";

	make_list(&jws, "", pa_key, CERTS(us.root, ca.root));
	write_file("ca2.jws", buf_span(&jws));
	buf_free(&jws);
	fake_fetch_init(&f);
	o = open_text(text, keep, NULL);
	tap_ok(o.rc == 0, "a list with an anchor of another domain %s", o.e.text);
	if (o.rc)
		tap_bail("%s", o.e.text);
	tap_int((long long)trust_count(trustset_at(o.set, 0)), 1, "is taken without it");
	tap_ok(X509_cmp(trust_at(trustset_at(o.set, 0), 0), ca.root) == 0 && X509_cmp(trust_at(trustset_at(o.set, 2), 0), us.root) == 0, "it stays where it was, whatever the order");
	tap_ok(says(&o, "trust domain ca: 1 of the anchors in its trust list belong to other domains, and stay there; the first to us: /"), "and that is said: %s", said(&o));
	make_list(&jws, "\"sequence\":1,", pa_key, CERTS(ca.root, us.root, fr.root));
	fake_fetch_add(&f, LIST_URL, buf_span(&jws));
	buf_reset(&o.said);
	tap_ok(trust_file_renew(&o.sources, &f.fetch, keep, now_s, &o.said), "a list from an address may name them too");
	close_opened(&o);
	o = open_text(text, keep, NULL);
	tap_ok(o.rc == 0 && trust_count(trustset_at(o.set, 1)) == 1, "which keeps nobody from starting %s", o.e.text);
	tap_ok(says(&o, "trust domain fr: 2 of the anchors"), "but is said: %s", said(&o));
	close_opened(&o);
	o = open_text(text, keep, NULL);
	tap_ok(!trust_file_renew(&o.sources, &f.fetch, keep, now_s, &o.said), "nor is it news again and again");
	close_opened(&o);
	store_close(keep);
	buf_free(&jws);
}

/* --- addresses -------------------------------------------------------------------------------- */

static const char remote[] = "domain us\n trust-list " LIST_URL "\n trust-list-signer pa.pem\n trust-list-max-age 2d\n";

static bool renew(struct opened *o, struct fake_fetch *f, struct store *keep)
{
	buf_reset(&o->said);
	return trust_file_renew(&o->sources, &f->fetch, keep, now_s, &o->said);
}

static void serve(struct fake_fetch *f, const char *more, EVP_PKEY *key, X509 *const *certs)
{
	static struct buf pages[16];
	static size_t n;

	if (n == sizeof pages / sizeof *pages)
		tap_bail("too many pages");
	make_list(&pages[n], more, key, certs);
	fake_fetch_add(f, LIST_URL, buf_span(&pages[n++]));
}

static void first_time(struct fake_fetch *f, struct store *keep)
{
	struct opened o = open_text(remote, keep, NULL);
	bool news;

	tap_ok(o.rc == 0 && trust_count(trustset_at(o.set, 0)) == 0, "a list that was never had: an empty domain");
	tap_ok(says(&o, "trust domain us: there is no copy of its trust list yet; nothing is trusted in it"), "and a line: %s", said(&o));
	tap_ok(o.sources.n == 1 && o.sources.at[0].issued == 0, "it is to be had");
	news = renew(&o, f, keep);
	tap_ok(!news && says(&o, "was not renewed: there is nothing at its address"), "not there yet: %s", said(&o));
	serve(f, "\"sequence\":5,", pa_key, CERTS(us.root));
	news = renew(&o, f, NULL);
	tap_ok(!news && says(&o, "no place to keep it"), "no store: %s", said(&o));
	tap_ok(renew(&o, f, keep) && o.said.n == 0, "had: the configuration wants to be read again");
	close_opened(&o);
	o = open_text(remote, keep, NULL);
	tap_ok(o.rc == 0 && o.said.n == 0 && trust_count(trustset_at(o.set, 0)) == 1, "then it is in force");
	tap_ok(o.sources.at[0].sequence == 5 && o.sources.at[0].issued == T0, "with its sequence, and when it was had");
	close_opened(&o);
}

static void next_times(struct fake_fetch *f, struct store *keep)
{
	struct opened o = open_text(remote, keep, NULL);
	bool news;

	now_s += DAY;
	tap_ok(!renew(&o, f, keep) && o.said.n == 0, "the same again: nothing new, and no complaint");
	serve(f, "\"sequence\":4,", pa_key, CERTS(us.root, fr.root));
	news = renew(&o, f, keep);
	tap_ok(!news && says(&o, "sequence 4 is lower"), "roll-back: %s", said(&o));
	serve(f, "\"sequence\":5,", pa_key, CERTS(us.root, fr.root));
	news = renew(&o, f, keep);
	tap_ok(!news && says(&o, "but the same sequence, 5"), "other anchors under the same sequence: %s", said(&o));
	serve(f, "\"sequence\":6,", us.root_key, CERTS(us.root, fr.root));
	news = renew(&o, f, keep);
	tap_ok(!news && says(&o, "signature"), "forged: %s", said(&o));
	serve(f, "\"sequence\":6,\"exp\":1700000000,", pa_key, CERTS(us.root, fr.root));
	news = renew(&o, f, keep);
	tap_ok(!news && says(&o, "expired"), "expired: %s", said(&o));
	now_s += 2 * DAY + 1;
	news = renew(&o, f, keep);
	tap_ok(!news && says(&o, "was last had 2 days ago"), "for too long: %s", said(&o));
	close_opened(&o);
	o = open_text(remote, keep, NULL);
	tap_ok(o.rc == 0 && trust_count(trustset_at(o.set, 0)) == 1 && says(&o, "was last had"), "the last good copy stays in force, with an alarm");
	serve(f, "\"sequence\":6,\"exp\":1800000000,", pa_key, CERTS(us.root, fr.root));
	news = renew(&o, f, keep);
	tap_ok(news && o.said.n == 0, "a newer one at last %s", said(&o));
	tap_ok(renew(&o, f, keep), "as long as it was not read again, it is news");
	close_opened(&o);
	o = open_text(remote, keep, NULL);
	tap_ok(trust_count(trustset_at(o.set, 0)) == 2 && o.sources.at[0].sequence == 6, "it is in force");
	close_opened(&o);
	now_s = INT64_C(1800000001);
	o = open_text(remote, keep, NULL);
	tap_ok(o.rc == 0 && trust_count(trustset_at(o.set, 0)) == 2 && says(&o, "has expired"), "even when it has expired, with an alarm");
	close_opened(&o);
}

static void other_signer(struct store *keep)
{
	struct opened o;

	write_cert("pa.pem", us.ca);
	o = open_text(remote, keep, NULL);
	tap_ok(o.rc == 0 && trust_count(trustset_at(o.set, 0)) == 0 && says(&o, "there is no copy of its trust list yet: "), "what another signed is no copy: %s",
	       said(&o));
	close_opened(&o);
}

static void addresses(void)
{
	struct store *keep = store_mem_open(4 << 20, clock_s);
	struct fake_fetch f;

	now_s = T0;
	fake_fetch_init(&f);
	first_time(&f, keep);
	next_times(&f, keep);
	now_s = T0;
	other_signer(keep);
	store_close(keep);
}

static void network(void)
{
	struct fake_fetch f;
	struct crlcache_params p = {.fetch = &f.fetch, .max_lists = 10, .fetch_timeout_ms = 100, .clock = clock_s};
	struct crlcache *c;
	struct opened o;

	fake_fetch_init(&f);
	c = crlcache_new(&p);
	o = open_text("domain us\nanchors us.pem\ncrl-urls https://pa.example/crl\n", NULL, c);
	tap_ok(o.rc == 0 && o.said.n == 0, "crl-urls with a network %s", o.e.text);
	crlcache_tick(c, T0);
	tap_int(fake_fetch_calls_of(&f, "https://pa.example/crl") + fake_fetch_calls(&f), 1, "are asked for");
	close_opened(&o);
	f.denied = "https://pa.example/";
	o = open_text("domain us\nanchors us.pem\ncrl-urls https://pa.example/crl2\n", NULL, c);
	tap_ok(o.rc && strstr(o.e.text, "domains:3:10: "), "unless they may not be: %s", o.e.text);
	close_opened(&o);
	crlcache_unref(c);
}

int main(void)
{
	struct pki_cert_spec s = {.common_name = "STI-PA", .not_before = T0 - DAY, .not_after = T0 + 20 * (int64_t)YEAR};
	X509 *crl_pa, *pa;
	struct err e;

	folder = tap_tempdir();
	s.key = pa_key = pki_key_new(PKI_KEY_P256);
	if (!pa_key || pki_init(&us, "US", T0 - YEAR, T0 + YEAR, &e) || pki_init(&ca, "CA", T0 - YEAR, T0 + YEAR, &e) ||
	    pki_init(&fr, "FR", T0 - YEAR, T0 + YEAR, &e) || pki_cert_new(&s, &pa, &e))
		tap_bail("%s", e.text);
	crl_pa = list_maker_signer(pa_key, "STI-PA CRL", T0 - DAY, T0 + YEAR);
	write_cert("us.pem", us.root);
	write_cert("pa.pem", pa);
	write_cert("crl-pa.pem", crl_pa);
	reading();
	values();
	opening();
	bad_files();
	expired_file();
	shared_anchor();
	network();
	addresses();
	X509_free(crl_pa);
	X509_free(pa);
	EVP_PKEY_free(pa_key);
	pki_free(&us);
	pki_free(&ca);
	pki_free(&fr);
	return tap_done();
}
