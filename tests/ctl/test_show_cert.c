/* Certificates in words: where lists of numbers and of revoked certificates are. */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "ctl/pki.h"
#include "ctl/show.h"
#include "tests/lib/delegates.h"
#include "tests/lib/tap.h"

/* What is shown of the signer's certificate, with an extension of OpenSSL's text form more. */
static char *shown(const struct delegates_level *level, int nid, const char *conf)
{
	static const char sections[] = "[sti]\nfullname=URI:https://crl.example/pa\nCRLissuer=dirName:pa\n[pa]\nO=STI-PA\nCN=STI-PA CRL\n"
				       "[two]\nfullname=URI:https://crl.example/a,URI:https://crl.example/b\nreasons=keyCompromise\n";
	const struct delegates_level levels[] = {*level, {0}};
	X509_EXTENSION *ext = NULL;
	struct delegates d;
	struct buf pem;
	char *text = NULL;
	size_t n = 0;
	X509V3_CTX ctx;
	BIO *in = BIO_new_mem_buf(sections, -1);
	CONF *c = NCONF_new(NULL);
	FILE *f = open_memstream(&text, &n);

	delegates_init(&d, levels, 2);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	if (!c || !in || !f || NCONF_load_bio(c, in, NULL) <= 0)
		tap_bail("no memory");
	X509V3_set_ctx(&ctx, d.cert[1], d.cert[0], NULL, NULL, 0);
	X509V3_set_nconf(&ctx, c);
	if (conf && (!(ext = X509V3_EXT_nconf_nid(c, &ctx, nid, conf)) || !X509_add_ext(d.cert[0], ext, -1) ||
		     !X509_sign(d.cert[0], d.key[1], EVP_sha256())))
		tap_bail("%s", conf);
	if (pki_put_cert(&pem, d.cert[0]))
		tap_bail("PEM");
	(void)!show_pem(f, buf_span(&pem));
	fclose(f);
	X509_EXTENSION_free(ext);
	BIO_free(in);
	NCONF_free(c);
	buf_free(&pem);
	delegates_free(&d);
	return text;
}

static const struct {
	struct delegates_level level;
	int nid;
	const char *conf, *want;
} cases[] = {
	{{.list = "spc:1234"}, 0, NULL, "  speaks for    spc:1234\n"},
	{{.list = NULL}, 0, NULL, "  speaks for    nothing: no TNAuthList\n"},
	{{.url = "https://lists.example/1"}, 0, NULL, "  speaks for    what is listed at https://lists.example/1\n"},
	{{.list = "spc:1", .url = "https://lists.example/1"}, 0, NULL, "what is listed at https://lists.example/1\n  speaks for    spc:1\n"},
	{{.url = "https://lists.example/1"}, 0, NULL, "may sign PASSporTs"},
	{{.list = "spc:1", .url = "https://lists.example/1"}, 0, NULL, "may not sign PASSporTs: it gives its numbers both by value and by reference"},
	{{.list = "spc:1"}, NID_crl_distribution_points, "sti", "  revocation    https://crl.example/pa, of /O=STI-PA/CN=STI-PA CRL\n"},
	{{.list = "spc:1"}, NID_crl_distribution_points, "two", "  revocation    https://crl.example/a or https://crl.example/b, for some reasons only\n"},
	{{.list = "spc:1"}, NID_crl_distribution_points, "URI:https://crl.example/x,URI:https://crl.example/y",
	 "  revocation    https://crl.example/x\n                https://crl.example/y\n"},
	/* Foreign text is one line. */
	{{.list = "spc:1"}, NID_crl_distribution_points, "URI:https://crl.example/\x1b[2J", "https://crl.example/\\x1b[2J\n"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char *text = shown(&cases[i].level, cases[i].nid, cases[i].conf);

		if (!tap_ok(strstr(text, cases[i].want) != NULL, "case %zu shows what it should", i))
			tap_note("%s", text);
		free(text);
	}
	return tap_done();
}
