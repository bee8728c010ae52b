/* Several trust domains: whose is a chain, and by which rules. */
#include "config.h"

#include "core/trustset.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/lib/list_maker.h"
#include "tests/lib/tap.h"

enum { T0 = 1700000000, DAY = 86400, YEAR = 365 * DAY };

static struct pki a, b, c;

static struct trust *trust_of(X509 *anchor)
{
	struct trust *t;
	struct buf pem;
	struct err e;

	if (trust_open_empty(&t, &e))
		tap_bail("%s", e.text);
	buf_init(&pem, 65536);
	if (anchor && (pki_put_cert(&pem, anchor) || trust_add_anchors(t, "anchors", buf_span(&pem), &e)))
		tap_bail("%s", e.text);
	buf_free(&pem);
	return t;
}

static int add(struct trustset *s, const char *name, X509 *anchor, bool hard, struct err *e)
{
	struct trust_rules rules = {.authority = TRUST_AUTHORITY_SPC, .hard_revocation = hard};

	snprintf(rules.name, sizeof rules.name, "%s", name);
	return trustset_add(s, &rules, trust_of(anchor), e);
}

static struct cert_chain *chain_of(const struct pki *p, const struct pki *says)
{
	struct cert_chain *chain;
	EVP_PKEY *key;
	X509 *leaf;
	struct buf pem;
	struct err e;

	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (pki_issue(p, "spc:1234", "Test", T0, T0 + DAY, &key, &leaf, &e) || pki_put_chain(&pem, says, leaf) ||
	    cert_chain_parse(buf_span(&pem), &chain, &e) != STIR_OK)
		tap_bail("chain: %s", e.text);
	EVP_PKEY_free(key);
	X509_free(leaf);
	buf_free(&pem);
	return chain;
}

static void adding(void)
{
	struct trustset *s = trustset_new();
	struct err e;

	if (!s)
		tap_bail("no memory");
	tap_int(add(s, "one", a.root, true, &e), 0, "a domain");
	tap_int(add(s, "two", b.root, false, &e), 0, "another one");
	tap_ok(add(s, "ONE", c.root, false, &e), "a name in use: %s", e.text);
	tap_ok(add(s, "three", b.root, false, &e) && strstr(e.text, "two"), "an anchor of another domain: %s", e.text);
	tap_int(add(s, "empty", NULL, false, &e), 0, "one without anchors");
	tap_int((long long)trustset_count(s), 3, "three are there");
	tap_str(trustset_rules(s, 1)->name, "two", "in order");
	tap_ok(!trustset_rules(s, 3) && !trustset_at(s, 3) && trust_count(trustset_at(s, 2)) == 0, "and no more");
	for (int i = 3; i < LIMIT_TRUST_DOMAINS; i++) {
		char name[32];

		snprintf(name, sizeof name, "more-%d", i);
		if (add(s, name, NULL, false, &e))
			tap_bail("%s", e.text);
	}
	tap_ok(add(s, "last", NULL, false, &e), "too many: %s", e.text);
	trustset_unref(trustset_ref(s));
	trustset_unref(s);
	trustset_unref(NULL);
}

static void checking(void)
{
	struct trustset *s = trustset_new();
	struct cert_chain *chain = chain_of(&a, &a);
	struct err e, why;
	bool unknown;

	if (!s)
		tap_bail("no memory");
	err_clear(&why);
	tap_int(trustset_check(s, chain, &why), STIR_CERT_UNTRUSTED, "no domain at all: %s", why.text);
	tap_ok(!trustset_rules_of(s, chain), "then it has no rules");
	tap_int(trustset_revocation(s, chain, T0, T0, &unknown), STIR_REVOCATION_UNKNOWN, "and nothing is known of it");
	if (add(s, "b", b.root, false, &e) || add(s, "a", a.root, true, &e))
		tap_bail("%s", e.text);
	tap_int(trustset_check(s, chain, &why), STIR_OK, "the second domain has it");
	tap_str(trustset_rules_of(s, chain)->name, "a", "and it knows");
	tap_int(cert_chain_domain(chain), 1, "by number");
	tap_ok(trustset_revocation(s, chain, T0, T0, &unknown) == STIR_REVOCATION_UNKNOWN && unknown, "hard by its rules");
	cert_chain_unref(chain);
	chain = chain_of(&b, &b);
	tap_int(trustset_check(s, chain, &why), STIR_OK, "the first domain has another one");
	tap_ok(trustset_revocation(s, chain, T0, T0, &unknown) == STIR_OK && unknown, "soft by its rules, but not known");
	cert_chain_unref(chain);
	chain = chain_of(&c, &c);
	tap_int(trustset_check(s, chain, &why), STIR_CERT_UNTRUSTED, "nobody has this one: %s", why.text);
	tap_int(cert_chain_domain(chain), -1, "nor does it say so");
	cert_chain_unref(chain);
	trustset_unref(s);
}

/* The reason of the domain to whose anchors it does lead, not that of the first. */
static void furthest(void)
{
	struct pki_cert_spec s = {.issuer = a.root,
				  .issuer_key = a.root_key,
				  .common_name = "no CA",
				  .not_before = T0 - DAY,
				  .not_after = T0 + YEAR,
				  .flaws = PKI_FLAW_NO_BASIC,
				  .ca = true,
				  .path_len = -1};
	struct pki broken = a;
	struct trustset *set = trustset_new();
	struct cert_chain *chain;
	struct err e, why, first, second;

	err_clear(&first), err_clear(&second), err_clear(&why);
	s.key = a.ca_key;
	if (!set || pki_cert_new(&s, &broken.ca, &e) || add(set, "b", b.root, false, &e) || add(set, "a", a.root, false, &e))
		tap_bail("%s", e.text);
	chain = chain_of(&broken, &broken);
	tap_ok(trust_check(trustset_at(set, 0), chain, &first) != STIR_OK && trust_check(trustset_at(set, 1), chain, &second) != STIR_OK, "neither has it");
	tap_int(trustset_check(set, chain, &why), STIR_CERT_UNTRUSTED, "nobody has it");
	tap_ok(strcmp(first.text, second.text) != 0, "the reasons differ: \"%s\"", first.text);
	tap_str(why.text, second.text, "the better one is told");
	cert_chain_unref(chain);
	X509_free(broken.ca);
	trustset_unref(set);
}

int main(void)
{
	struct err e;

	if (pki_init(&a, "A", T0 - YEAR, T0 + YEAR, &e) || pki_init(&b, "B", T0 - YEAR, T0 + YEAR, &e) || pki_init(&c, "C", T0 - YEAR, T0 + YEAR, &e))
		tap_bail("%s", e.text);
	adding();
	checking();
	furthest();
	pki_free(&a);
	pki_free(&b);
	pki_free(&c);
	return tap_done();
}
