/* A chain as a stranger serves it; what is taken is shown, and checked with itself as anchors. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/certrecord.h"
#include "core/chainlists.h"
#include "core/p256.h"
#include "core/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(struct buf *out, const struct cert_chain *c)
{
	out->n = 0;
	tnauthlist_write_text(out, cert_chain_tnauthlist(c));
	claimrules_write_text(out, cert_chain_claimrules(c));
	buf_put_span(out, cert_chain_subject(c));
	buf_put_span(out, cert_chain_fingerprint(c));
}

/* What is opened from its record says the same. */
static void check_record(const struct cert_chain *c)
{
	struct certshare *s = certshare_new();
	unsigned char point[65];
	struct certrecord *r;
	struct cert_chain *o;
	struct buf a, b;
	EVP_PKEY *like;

	cert_chain_point(c, point);
	like = p256_public_key(span_make(point, sizeof point));
	r = s && like ? certrecord_new(s, c, false) : NULL;
	o = r ? certrecord_open(r, like) : NULL;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	if (!o)
		abort();
	show(&a, c);
	show(&b, o);
	if (!span_eq(buf_span(&a), buf_span(&b)) || chainlists_any(c) != chainlists_any(o) || cert_chain_path_count(c) != cert_chain_path_count(o))
		abort();
	buf_free(&a);
	buf_free(&b);
	cert_chain_unref(o);
	certrecord_unref(r);
	EVP_PKEY_free(like);
	if (certshare_count(s))
		abort();
	certshare_unref(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span pem = span_make(data, size);
	struct trust *t = NULL;
	struct cert_chain *c;
	struct buf out;
	bool unknown;

	buf_init(&out, 1 << 16);
	if (cert_chain_parse(pem, &c, NULL) == STIR_OK && trust_open("anchors", pem, &t, NULL) == 0) {
		tnauthlist_write_text(&out, cert_chain_tnauthlist(c));
		claimrules_write_text(&out, cert_chain_claimrules(c));
		cert_name(&out, X509_get_subject_name(cert_chain_at(c, 0)));
		if (cert_chain_pem(c).n != size || cert_chain_path_count(c))
			abort();
		if (trust_check(t, c, NULL) == STIR_OK) {
			/* No list of numbers is at hand, and none of revocations. */
			if (trust_scope(c, NULL, NULL) == STIR_OK && chainlists_any(c))
				abort();
			check_record(c);
			if (trust_revocation(t, c, 0, 0, &unknown) != STIR_OK)
				abort();
		}
	}
	trust_free(t);
	cert_chain_unref(c);
	buf_free(&out);
	return 0;
}
