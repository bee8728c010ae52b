/*
 * A SoftHSM of the test's own: a folder with a token or two, and objects of any
 * shape in them.  Only where p11-kit and SoftHSM are.
 */
#ifndef STIR_TESTS_LIB_SOFTHSM_H
#define STIR_TESTS_LIB_SOFTHSM_H

#ifdef HAVE_P11KIT

#include <openssl/evp.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "core/span.h"

#define SOFTHSM_PIN "98765"

/*
 * Sets SOFTHSM2_CONF to a folder below dir. NULL when SoftHSM is not
 * installed here; else the path of its module.
 */
const char *softhsm_place(const char *dir);
/* A token of that name, with SOFTHSM_PIN. Bails out of the test when it can't be had. */
void softhsm_token(const char *label);

/* The module itself, loaded and started a second time beside whoever else has it. */
CK_FUNCTION_LIST *softhsm_load(const char *module);
void softhsm_unload(CK_FUNCTION_LIST *m);
/* A session of that token in which objects can be made. */
CK_SESSION_HANDLE softhsm_session(CK_FUNCTION_LIST *m, const char *label);

/* What an object of a key pair is to be like. */
struct softhsm_key {
	EVP_PKEY *pkey;     /* of an elliptic curve */
	const char *label;
	const char *id;     /* NULL: none */
	bool no_sign;       /* CKA_SIGN false */
	bool no_public;     /* without the public key's object */
	struct span cert;   /* DER; empty: no certificate's object */
};
void softhsm_put_key(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, const struct softhsm_key *k);
/* An RSA pair, made there. */
void softhsm_make_rsa(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, const char *label);

#endif
#endif
