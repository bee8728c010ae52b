/*
 * What the files of core/keys/key_pkcs11*.c share.  Only with p11-kit.
 */
#ifndef STIR_CORE_KEYS_KEY_PKCS11_INTERNAL_H
#define STIR_CORE_KEYS_KEY_PKCS11_INTERNAL_H

#ifdef HAVE_P11KIT

#include <openssl/evp.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <sys/types.h>

#include "core/key.h"

enum {
	KEY_PKCS11_POINT_BYTES = 65,
	KEY_PKCS11_SIG_BYTES = 64,
	KEY_PKCS11_PIN_MAX = 255
};

/* --- the PIN: key_pkcs11_pin.c ----------------------------------------------- */

struct key_pkcs11_pin {
	bool given;
	bool refused; /* the token said no: never again */
	size_t n;
	unsigned char octets[KEY_PKCS11_PIN_MAX + 1];
};

/* From the URI's pin-source or from pin_file; neither: not given. 0, or -1 and *e. */
int key_pkcs11_pin_read(const P11KitUri *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct key_pkcs11_pin *out, struct err *e) MUST_USE;
void key_pkcs11_pin_wipe(struct key_pkcs11_pin *pin);

/* --- token and objects: key_pkcs11_token.c ------------------------------------- */

struct key_pkcs11_token {
	CK_FUNCTION_LIST *module; /* borrowed */
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session; /* one that is logged in, to be used and closed by the caller */
	CK_OBJECT_HANDLE key;
	unsigned char point[KEY_PKCS11_POINT_BYTES];
};

/* "CKR_PIN_LOCKED" and so on, or a number in out. */
const char *key_pkcs11_rv(CK_RV rv, char out[32]);
/* What to do about rv is in the text. Returns -1. */
int key_pkcs11_failed(struct err *e, const char *name, const char *what, CK_RV rv);

/*
 * The one token among the modules that the URI names: a session, logged in if the
 * token wants that, the one key, and its public half.  name is for error texts.
 * 0, or -1 and *e.
 */
int key_pkcs11_token_open(CK_FUNCTION_LIST **modules, P11KitUri *uri, const char *name, struct key_pkcs11_pin *pin, struct key_pkcs11_token *out, struct err *e) MUST_USE;

/* --- the public half: key_pkcs11_point.c ---------------------------------------- */

/* 0, or -1 and *e. */
int key_pkcs11_point_find(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *name, unsigned char point[KEY_PKCS11_POINT_BYTES], struct err *e) MUST_USE;
/* An attribute's octets into out; 1, 0 when the object has none (or it is longer than out takes), -1 and *rv. */
int key_pkcs11_point_attribute(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, unsigned char *out, size_t cap, size_t *n, CK_RV *rv) MUST_USE;
/* Uncompressed, compressed, raw or in an OCTET STRING; must be on P-256. 0 / -1. */
int key_pkcs11_point_read(struct span octets, unsigned char point[KEY_PKCS11_POINT_BYTES]) MUST_USE;
/* Is r||s a signature of the digest with that key? */
bool key_pkcs11_point_verifies(const unsigned char point[KEY_PKCS11_POINT_BYTES], const unsigned char digest[32], const unsigned char sig[KEY_PKCS11_SIG_BYTES]);

/* --- the key itself: key_pkcs11.c ------------------------------------------------- */

/* What key_pkcs11_open() does once it has modules: loaded, initialised, borrowed, ended by NULL. For tests, too. */
int key_pkcs11_open_in(CK_FUNCTION_LIST **modules, const char *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct key **out, struct err *e) MUST_USE;

#endif
#endif
