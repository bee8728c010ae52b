/*
 * The public half of a key in a token: from whichever object has it.
 *
 * Modules disagree: CKA_EC_POINT is an OCTET STRING with the point in it, or the
 * point itself; some have it in the private key's object, some keep only a
 * certificate.
 */
#include "config.h"

#ifdef HAVE_P11KIT

#include "core/keys/key_pkcs11_internal.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "core/p256.h"

/* pkcs11.h of p11-kit 0.23 doesn't have it (PKCS #11 2.40). */
#ifndef CKA_PUBLIC_KEY_INFO
#define CKA_PUBLIC_KEY_INFO 0x129UL
#endif

enum { OBJECT_MAX = 16 * 1024, ID_MAX = 256, OCTET_STRING = 4, OBJECTS_MAX = 8 };

static int take(EVP_PKEY *pkey, unsigned char point[KEY_PKCS11_POINT_BYTES])
{
	int rc = pkey ? p256_point(pkey, point) : -1;

	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return rc;
}

int key_pkcs11_point_read(struct span octets, unsigned char point[KEY_PKCS11_POINT_BYTES])
{
	/* A point begins with 2, 3 or 4 and has an odd length; the OCTET STRING of one begins with 4 and its length. */
	if (octets.n > 2 && octets.p[0] == OCTET_STRING && (size_t)(unsigned char)octets.p[1] == octets.n - 2)
		octets = span_skip(octets, 2);
	return take(p256_public_key(octets), point);
}

bool key_pkcs11_point_verifies(const unsigned char point[KEY_PKCS11_POINT_BYTES], const unsigned char digest[32], const unsigned char sig[KEY_PKCS11_SIG_BYTES])
{
	EVP_PKEY *pkey = p256_public_key(span_make(point, KEY_PKCS11_POINT_BYTES));
	EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
	unsigned char der[P256_DER_SIG_MAX];
	size_t n = p256_sig_to_der(sig, der);
	bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, der, n, digest, 32) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}

/* --- asking the token ------------------------------------------------------------- */

int key_pkcs11_point_attribute(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, unsigned char *out, size_t cap,
			       size_t *n, CK_RV *rv)
{
	CK_ATTRIBUTE a = {type, out, cap};

	*n = 0;
	*rv = m->C_GetAttributeValue(s, o, &a, 1);
	switch (*rv) {
	case CKR_OK:
		if (a.ulValueLen == (CK_ULONG)-1 || a.ulValueLen > cap)
			return 0;
		*n = a.ulValueLen;
		return 1;
	case CKR_ATTRIBUTE_TYPE_INVALID:
	case CKR_ATTRIBUTE_SENSITIVE:
	case CKR_BUFFER_TOO_SMALL:
		return 0;
	default:
		return -1;
	}
}

/* Objects of the class with the same id, or the same label when there is no id; how many, at most OBJECTS_MAX. */
static size_t find(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, CK_ATTRIBUTE_TYPE by, struct span value, CK_OBJECT_HANDLE out[OBJECTS_MAX])
{
	CK_ATTRIBUTE template[2] = {{CKA_CLASS, &class, sizeof class}, {by, (void *)(uintptr_t)value.p, value.n}};
	CK_ULONG n = 0;

	if (value.n == 0 || m->C_FindObjectsInit(s, template, 2) != CKR_OK)
		return 0;
	if (m->C_FindObjects(s, out, OBJECTS_MAX, &n) != CKR_OK)
		n = 0;
	(void)m->C_FindObjectsFinal(s);
	return n;
}

/* What an object says of a public key. 0 / -1. */
static int read_object(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, unsigned char point[KEY_PKCS11_POINT_BYTES])
{
	unsigned char octets[OBJECT_MAX];
	const unsigned char *p = octets;
	EVP_PKEY *pkey;
	size_t n;
	X509 *x;
	CK_RV rv;

	if (key_pkcs11_point_attribute(m, s, o, type, octets, sizeof octets, &n, &rv) != 1 || n == 0)
		return -1;
	if (type == CKA_EC_POINT)
		return key_pkcs11_point_read(span_make(octets, n), point);
	if (type == CKA_PUBLIC_KEY_INFO)
		return take(d2i_PUBKEY(NULL, &p, (long)n), point);
	x = d2i_X509(NULL, &p, (long)n);
	pkey = x ? X509_get_pubkey(x) : NULL;
	X509_free(x);
	return take(pkey, point);
}

static int find_by(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE by, struct span value, unsigned char point[KEY_PKCS11_POINT_BYTES])
{
	static const struct {
		CK_OBJECT_CLASS class;
		CK_ATTRIBUTE_TYPE type;
	} places[] = {{CKO_PUBLIC_KEY, CKA_EC_POINT}, {CKO_PUBLIC_KEY, CKA_PUBLIC_KEY_INFO}, {CKO_CERTIFICATE, CKA_VALUE}};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		CK_OBJECT_HANDLE o[OBJECTS_MAX];
		size_t n = find(m, s, places[i].class, by, value, o);

		for (size_t k = 0; k < n; k++)
			if (read_object(m, s, o[k], places[i].type, point) == 0)
				return 0;
	}
	return -1;
}

int key_pkcs11_point_find(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *name, unsigned char point[KEY_PKCS11_POINT_BYTES],
			  struct err *e)
{
	static const CK_ATTRIBUTE_TYPE by[] = {CKA_ID, CKA_LABEL};
	unsigned char value[ID_MAX];
	size_t n;
	CK_RV rv;

	if (read_object(m, s, key, CKA_PUBLIC_KEY_INFO, point) == 0 || read_object(m, s, key, CKA_EC_POINT, point) == 0)
		return 0;
	for (size_t i = 0; i < sizeof by / sizeof *by; i++)
		if (key_pkcs11_point_attribute(m, s, key, by[i], value, sizeof value, &n, &rv) == 1 &&
		    find_by(m, s, by[i], span_make(value, n), point) == 0)
			return 0;
	ERR_clear_error();
	return err_set(e, ERR_CONFIG, "%s: the token has the private key but neither its public key nor its certificate; write one of them to it, with the same id "
		       "('pkcs11-tool --write-object CERT.der --type cert --id ID')", name);
}

#endif
