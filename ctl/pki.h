/*
 * A small STI PKI in memory: root, intermediate CA, signers' certificates, CRLs,
 * at any date.  For pilots (stirctl pki) and for tests, which also ask for
 * certificates no verifier may accept.
 */
#ifndef STIR_CTL_PKI_H
#define STIR_CTL_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

/* --- keys ---------------------------------------------------------------------- */

enum pki_key_kind { PKI_KEY_P256, PKI_KEY_P384, PKI_KEY_RSA2048 };

/* A new private key (EVP_PKEY_free()), or NULL. */
EVP_PKEY *pki_key_new(enum pki_key_kind kind) MUST_USE;

/* --- certificates --------------------------------------------------------------- */

/* What may be wrong with a certificate on purpose; bits. */
enum pki_flaw {
	PKI_FLAW_KEY_USAGE = 1 << 0,        /* keyUsage without digitalSignature (a CA: without keyCertSign) */
	PKI_FLAW_SHA1 = 1 << 1,             /* signed with SHA-1 */
	PKI_FLAW_UNKNOWN_CRITICAL = 1 << 2, /* an extension nobody knows, critical */
	PKI_FLAW_WRONG_AKI = 1 << 3,        /* authorityKeyIdentifier of another key */
	PKI_FLAW_LIST_TWICE = 1 << 4,       /* two TNAuthLists */
	PKI_FLAW_VERSION_1 = 1 << 5,        /* no extensions at all, version 1 */
	PKI_FLAW_NO_BASIC = 1 << 6          /* no basicConstraints */
};

struct pki_cert_spec {
	EVP_PKEY *key;        /* the subject's; only its public half is used, unless self-signed */
	X509 *issuer;         /* NULL: self-signed with key */
	EVP_PKEY *issuer_key; /* with issuer */
	const char *common_name;
	const char *organisation; /* NULL: none */
	int64_t not_before, not_after; /* seconds since 1970, both inclusive */
	bool ca;
	bool crl_signer;            /* no CA, and its keyUsage is cRLSign alone */
	int path_len;               /* CA: below it so many more CAs; -1 without limit */
	struct span tn_auth;        /* DER of tnauthlist_write_der(); empty: none */
	struct span rules;          /* DER of JWTClaimConstraints; empty: none */
	struct span enhanced_rules; /* DER of EnhancedJWTClaimConstraints; empty: none */
	const char *list_url;       /* TNAuthList by reference in AIA; NULL: none */
	const char *crl_url;        /* distribution point: where its revocation list is; NULL: none */
	const X509_NAME *crl_issuer; /* who makes that list, if not the issuer; NULL: the issuer */
	unsigned flaws;             /* enum pki_flaw */
};

/*
 * A random serial of 128 bits, SKI, AKI, critical basicConstraints and keyUsage,
 * SHA-256.  Gives *out (X509_free()); 0, or -1 and *e.
 */
int pki_cert_new(const struct pki_cert_spec *spec, X509 **out, struct err *e) MUST_USE;

/* --- revocation ------------------------------------------------------------------ */

struct pki_revoked {
	const ASN1_INTEGER *serial;
	const X509_NAME *issuer; /* of the certificate; only an indirect list says it */
	int64_t date;
	int reason; /* CRL_REASON_*; CRL_REASON_UNSPECIFIED: none given, as RFC 5280, 5.3.1 wants it */
};

struct pki_crl_spec {
	X509 *issuer;
	EVP_PKEY *issuer_key;
	int64_t this_update, next_update;
	int64_t number;
	const struct pki_revoked *revoked;
	size_t n_revoked;
	bool indirect; /* a critical issuingDistributionPoint that says so, each entry with its certificateIssuer */
};

/* Gives *out (X509_CRL_free()); 0, or -1 and *e. */
int pki_crl_new(const struct pki_crl_spec *spec, X509_CRL **out, struct err *e) MUST_USE;

/* --- a ready-made hierarchy -------------------------------------------------------- */

/* Root and intermediate CA; zero it before use. */
struct pki {
	EVP_PKEY *root_key, *ca_key;
	X509 *root, *ca;
};

/* "CN=<name> SHAKEN ROOT" and "CN=<name> SHAKEN CA 1". 0, or -1 and *e (p is then empty). */
int pki_init(struct pki *p, const char *name, int64_t not_before, int64_t not_after, struct err *e) MUST_USE;
/* The same; the CA's certificate says that the root's revocation list is at crl_url (NULL: it doesn't). */
int pki_init_listed(struct pki *p, const char *name, int64_t not_before, int64_t not_after, const char *crl_url, struct err *e) MUST_USE;
void pki_free(struct pki *p);

/*
 * A signer's certificate of p's intermediate CA.  tn_auth is the text form of
 * tnauthlist_from_text(), NULL for none.  Gives a new key and the certificate:
 * "CN=SHAKEN <first SPC>", or "CN=STIR <first number>".
 */
int pki_issue(const struct pki *p, const char *tn_auth, const char *organisation, int64_t not_before,
	      int64_t not_after, EVP_PKEY **key, X509 **cert, struct err *e) MUST_USE;

struct pki_issue_spec {
	X509 *issuer;
	EVP_PKEY *issuer_key;
	const char *tn_auth, *organisation; /* NULL: none */
	int64_t not_before, not_after;
	bool delegating; /* a CA of its own, which may issue delegates (RFC 9060), and sign no PASSporTs */
	const char *crl_url;
	const X509_NAME *crl_issuer;
};
/* The same from anybody's key. 0, or -1 and *e. */
int pki_issue_from(const struct pki_issue_spec *spec, EVP_PKEY **key, X509 **cert, struct err *e) MUST_USE;

enum { PKI_NAME_BYTES = 128 };
/* DER of a list in text form, and the common name that goes with it. NULL text: nothing, and "SHAKEN". 0, or -1 and *e. */
int pki_issue_list(const char *tn_auth, struct buf *der, char common_name[PKI_NAME_BYTES], struct err *e) MUST_USE;

/* --- PEM --------------------------------------------------------------------------- */

/* Append; 0, or -1 (also when out is full). */
int pki_put_cert(struct buf *out, X509 *x) MUST_USE;
int pki_put_crl(struct buf *out, X509_CRL *crl) MUST_USE;
int pki_put_crl_der(struct buf *out, X509_CRL *crl) MUST_USE;
int pki_put_key(struct buf *out, EVP_PKEY *key) MUST_USE; /* PKCS #8, not encrypted */
/* The certificate and then the intermediate, as x5u serves it. */
int pki_put_chain(struct buf *out, const struct pki *p, X509 *leaf) MUST_USE;
/* The first block of the kind in a PEM text, or NULL; no passphrase is asked for. */
X509 *pki_read_cert(struct span pem) MUST_USE;
EVP_PKEY *pki_read_key(struct span pem) MUST_USE;

#endif
