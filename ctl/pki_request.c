/*
 * Makes a certificate request: subject, public key, and the TNAuthList in an
 * extensionRequest attribute (RFC 2985, 5.4.2; RFC 8226, 9).  The key may live in a
 * token, so what OpenSSL would sign is signed through core/key.h.
 */
#include "config.h"

#include "ctl/pki_request.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "core/keys/key_pem.h"
#include "core/keys/key_pkcs11.h"
#include "core/p256.h"
#include "core/stir_oid.h"
#include "ctl/pki_args.h"
#include "ctl/pki_folder.h"
#include "ctl/pki_internal.h"

static const struct option request_options[] = {
	{"tn-auth", required_argument, NULL, PKI_ARGS_TN_AUTH},
	{"out", required_argument, NULL, PKI_ARGS_OUT},
	{"key", required_argument, NULL, PKI_ARGS_KEY},
	{"pin-file", required_argument, NULL, PKI_ARGS_PIN_FILE},
	{"name", required_argument, NULL, PKI_ARGS_NAME},
	{"common-name", required_argument, NULL, PKI_ARGS_COMMON_NAME},
	{"country", required_argument, NULL, PKI_ARGS_COUNTRY},
	{"force", no_argument, NULL, PKI_ARGS_FORCE},
	{NULL, 0, NULL, 0}};
static const struct options_own request_own = {
	.name = "pki request", .synopsis = "--tn-auth LIST --out PREFIX [options]",
	.does = "Make a certificate request (PKCS #10) for a CA: PREFIX.csr, and PREFIX.key unless\n"
		"--key is given. It asks for a TNAuthList (RFC 8226) and is signed with ES256.",
	.flags = "      --tn-auth LIST    what the certificate shall speak for, separated by commas:\n"
		 "                        spc:1234, tn:+15551230001, tn:+15551230000..+15551239999\n"
		 "                        or tn:+15551230000+100 (a start and a count)\n"
		 "      --out PREFIX      where to write\n"
		 "      --key FILE|URI    a key that is there: P-256, a PEM file or a pkcs11: URI;\n"
		 "                        default: make one\n"
		 "      --pin-file FILE   the PIN of the token\n"
		 "      --name N          organisation; default: none\n"
		 "      --common-name CN  default: SHAKEN and the first spc, or STIR and the first number\n"
		 "      --country CC      two letters; default: none\n"
		 "      --force           replace a request that is there; never a key\n",
	.example = "stirctl pki request --tn-auth spc:1234 --name 'Carrier Inc.' --country US --out carrier",
	.option = request_options,
};

/* --- pieces of a request --------------------------------------------------------------- */

static int add_name(X509_NAME *name, int nid, int type, const char *text)
{
	return !text || X509_NAME_add_entry_by_NID(name, nid, type, (const unsigned char *)text, -1, -1, 0) ? 0 : -1;
}

static int set_subject(X509_REQ *req, const struct pki_request_spec *s)
{
	X509_NAME *name = X509_REQ_get_subject_name(req);

	if (add_name(name, NID_countryName, MBSTRING_ASC, s->country) || add_name(name, NID_organizationName, MBSTRING_UTF8, s->organisation))
		return -1;
	return add_name(name, NID_commonName, MBSTRING_UTF8, s->common_name);
}

static int ask_for_list(X509_REQ *req, struct span der)
{
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *ext = pki_extension(STIR_OID_TNAUTHLIST, false, der);
	int ok = all && ext && sk_X509_EXTENSION_push(all, ext) > 0 && X509_REQ_add_extensions(req, all);

	sk_X509_EXTENSION_free(all);
	X509_EXTENSION_free(ext);
	return ok ? 0 : -1;
}

/* --- its signature --------------------------------------------------------------------------- */

static int set_algorithm(X509_REQ *req)
{
	X509_ALGOR *alg = X509_ALGOR_new();
	int ok = alg && X509_ALGOR_set0(alg, OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_UNDEF, NULL) && X509_REQ_set1_signature_algo(req, alg);

	X509_ALGOR_free(alg);
	return ok ? 0 : -1;
}

/* r||s as X.509 has it. */
static int set_signature(X509_REQ *req, const unsigned char sig[64])
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	unsigned char der[P256_DER_SIG_MAX];
	size_t n = p256_sig_to_der(sig, der);

	if (!bits || !ASN1_BIT_STRING_set(bits, der, (int)n)) {
		ASN1_BIT_STRING_free(bits);
		return -1;
	}
	/* No spare bits: they would be taken off at the end. */
	bits->flags = (bits->flags & ~(ASN1_STRING_FLAG_BITS_LEFT | 7)) | ASN1_STRING_FLAG_BITS_LEFT;
	X509_REQ_set0_signature(req, bits);
	return 0;
}

static int sign(X509_REQ *req, struct key *key, struct err *e)
{
	unsigned char *tbs = NULL, sig[64];
	int n = set_algorithm(req) ? -1 : i2d_re_X509_REQ_tbs(req, &tbs), r;

	if (n <= 0)
		return pki_failed(e, "making a certificate request");
	r = key_sign(key, span_make(tbs, (size_t)n), sig, e);
	OPENSSL_free(tbs);
	if (r)
		return -1;
	return set_signature(req, sig) ? pki_failed(e, "making a certificate request") : 0;
}

int pki_request_new(const struct pki_request_spec *s, X509_REQ **out, struct err *e)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char point[65];
	EVP_PKEY *pub = NULL;
	int r;

	*out = NULL;
	ERR_clear_error();
	r = key_public_point(s->key, point, e);
	if (r == 0 && (!req || !(pub = p256_public_key(span_make(point, sizeof point))) || !X509_REQ_set_version(req, X509_REQ_VERSION_1) || !X509_REQ_set_pubkey(req, pub) ||
		       set_subject(req, s) || ask_for_list(req, s->tn_auth)))
		r = pki_failed(e, "making a certificate request");
	if (r == 0)
		r = sign(req, s->key, e);
	if (r == 0 && X509_REQ_verify(req, pub) != 1)
		r = pki_failed(e, "the signature of the request does not verify");
	EVP_PKEY_free(pub);
	if (r)
		X509_REQ_free(req);
	else
		*out = req;
	return r;
}

/* --- files ------------------------------------------------------------------------------------- */

static int put_request(struct buf *out, X509_REQ *req)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return pki_drain(out, bio, bio && PEM_write_bio_X509_REQ(bio, req));
}

static int new_key(struct buf *secret, struct key **out, struct err *e)
{
	EVP_PKEY *pkey = pki_key_new(PKI_KEY_P256);
	int r = pkey ? pki_put_key(secret, pkey) : -1;

	EVP_PKEY_free(pkey);
	if (r)
		return err_set(e, ERR_UNAVAILABLE, "no key could be made");
	return key_pem_parse("the new key", buf_span(secret), out, e);
}

/* secret stays empty when the key is there already. */
static int open_key(const struct pki_args *a, struct buf *secret, struct key **out, struct err *e)
{
	if (!a->key)
		return new_key(secret, out, e);
	if (key_pkcs11_is_uri(span_cstr(a->key)))
		return key_pkcs11_open(a->key, a->pin_file, KEY_READER_SELF, true, out, e);
	return key_pem_open(a->key, true, KEY_READER_SELF, out, e);
}

static int write_request(const struct pki_args *a, X509_REQ *req, const struct buf *secret, struct err *e)
{
	char key_path[PATH_MAX], csr_path[PATH_MAX];
	struct buf pem;
	int r;

	if (pki_folder_join(key_path, a->out, ".", "key", e) || pki_folder_join(csr_path, a->out, ".", "csr", e))
		return -1;
	buf_init(&pem, LIMIT_TNLIST_REFERENCE_BYTES);
	if (put_request(&pem, req)) {
		r = err_set(e, ERR_DATA, "the request is too large; list less numbers");
	} else {
		struct pki_file files[] = {{csr_path, buf_span(&pem), false, false}, {key_path, buf_span(secret), true, true}};

		r = pki_folder_write(files, a->key ? 1 : 2, a->force, e);
	}
	buf_free(&pem);
	return r;
}

/* --- the command ----------------------------------------------------------------------------------- */

static int make(const struct pki_args *a, struct span list, const char *common_name, struct err *e)
{
	struct pki_request_spec s = {.tn_auth = list, .country = a->country, .organisation = a->name, .common_name = common_name};
	struct buf secret;
	X509_REQ *req = NULL;
	int r;

	buf_init(&secret, LIMIT_KEY_FILE_BYTES);
	r = open_key(a, &secret, &s.key, e);
	if (r == 0)
		r = pki_request_new(&s, &req, e);
	if (r == 0)
		r = write_request(a, req, &secret, e);
	X509_REQ_free(req);
	key_close(s.key);
	pki_folder_wipe(&secret);
	return r;
}

static int request(const struct pki_args *a, struct err *e)
{
	char common_name[PKI_NAME_BYTES];
	struct buf list;
	int r;

	if (!a->tn_auth)
		return err_set(e, ERR_USAGE, "--tn-auth is wanted: what shall the certificate speak for?");
	if (!a->out)
		return err_set(e, ERR_USAGE, "--out is wanted: the files' name without .csr and .key");
	if (a->pin_file && !(a->key && key_pkcs11_is_uri(span_cstr(a->key))))
		return err_set(e, ERR_USAGE, "--pin-file goes with --key pkcs11:...");
	buf_init(&list, LIMIT_TNLIST_REFERENCE_BYTES);
	r = pki_issue_list(a->tn_auth, &list, common_name, e);
	if (r == 0)
		r = make(a, buf_span(&list), a->common_name ? a->common_name : common_name, e);
	buf_free(&list);
	return r;
}

int pki_request(int argc, char **argv, struct err *e)
{
	struct pki_args a;
	int r = pki_args_parse(&a, &request_own, "no argument", 0, 0, argc, argv, e);

	if (r == 0)
		r = request(&a, e);
	pki_args_free(&a);
	return r;
}
