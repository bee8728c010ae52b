/*
 * From a URI to the one key it means: token, session, PIN, object.
 *
 * Everything here happens when a key is opened or opened again, never for a
 * signature, and each refusal says what the operator can do.
 */
#include "config.h"

#ifdef HAVE_P11KIT

#include "core/keys/key_pkcs11_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOTS_MAX = 256, PARAMS_MAX = 64, KEYS_MAX = 2 };

/* --- what a module says ---------------------------------------------------------------- */

const char *key_pkcs11_rv(CK_RV rv, char out[32])
{
	static const struct {
		CK_RV rv;
		const char *name;
	} names[] = {
		{CKR_HOST_MEMORY, "CKR_HOST_MEMORY"},
		{CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"},
		{CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
		{CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD"},
		{CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
		{CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY"},
		{CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
		{CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID"},
		{CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED"},
		{CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID"},
		{CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID"},
		{CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT"},
		{CKR_PIN_INVALID, "CKR_PIN_INVALID"},
		{CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE"},
		{CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED"},
		{CKR_PIN_LOCKED, "CKR_PIN_LOCKED"},
		{CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED"},
		{CKR_SESSION_COUNT, "CKR_SESSION_COUNT"},
		{CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID"},
		{CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID"},
		{CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"},
		{CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED"},
		{CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN"},
		{CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED"},
		{CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].rv == rv)
			return names[i].name;
	(void)snprintf(out, 32, "CKR 0x%lx", (unsigned long)rv);
	return out;
}

int key_pkcs11_failed(struct err *e, const char *name, const char *what, CK_RV rv)
{
	char text[32];

	return err_set(e, ERR_UNAVAILABLE, "%s: %s: the token's module says %s", name, what, key_pkcs11_rv(rv, text));
}

/* Texts of a token are padded with blanks, and not ended. Printable ASCII only. */
static const char *padded(char *out, size_t cap, const unsigned char *p, size_t n)
{
	size_t k = 0;

	while (n > 0 && p[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < n && k + 1 < cap; i++)
		out[k++] = p[i] >= 0x20 && p[i] < 0x7F ? (char)p[i] : '?';
	out[k] = '\0';
	return out;
}

/* --- which token -------------------------------------------------------------------------- */

struct found {
	CK_FUNCTION_LIST *module;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	size_t n, seen;      /* that match; that there are */
	char labels[200];    /* of those that match, for a person to choose from */
};

static void note_label(struct found *f, const CK_TOKEN_INFO *info)
{
	size_t n = strlen(f->labels);
	char label[40];

	if (n < sizeof f->labels - 1)
		(void)snprintf(f->labels + n, sizeof f->labels - n, "%s\"%s\"", n ? ", " : "", padded(label, sizeof label, info->label, sizeof info->label));
}

static void look_at_slot(CK_FUNCTION_LIST *m, CK_SLOT_ID slot, P11KitUri *uri, struct found *f)
{
	CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
	CK_TOKEN_INFO info;

	if ((wanted != (CK_SLOT_ID)-1 && wanted != slot) || m->C_GetTokenInfo(slot, &info) != CKR_OK)
		return;
	/* SoftHSM always shows an empty one besides. */
	if (!(info.flags & CKF_TOKEN_INITIALIZED))
		return;
	f->seen++;
	if (!p11_kit_uri_match_token_info(uri, &info))
		return;
	note_label(f, &info);
	if (f->n++ == 0) {
		f->module = m;
		f->slot = slot;
		f->info = info;
	}
}

static void look_at_module(CK_FUNCTION_LIST *m, P11KitUri *uri, struct found *f)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_INFO info;

	if (m->C_GetInfo(&info) != CKR_OK || !p11_kit_uri_match_module_info(uri, &info))
		return;
	/* The first call makes a module look which tokens have come or gone. */
	if (m->C_GetSlotList(CK_TRUE, NULL, &n) != CKR_OK)
		return;
	n = SLOTS_MAX;
	if (m->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		return;
	for (CK_ULONG i = 0; i < n; i++)
		look_at_slot(m, slots[i], uri, f);
}

static int find_token(CK_FUNCTION_LIST **modules, P11KitUri *uri, const char *name, struct found *f, struct err *e)
{
	size_t n = 0;

	memset(f, 0, sizeof *f);
	for (; modules[n]; n++)
		look_at_module(modules[n], uri, f);
	if (n == 0)
		return err_set(e, ERR_CONFIG, "%s: there is no PKCS #11 module; add module-path=/PATH/OF/MODULE.so to the URI ('?module-path=...'), or register one with p11-kit", name);
	if (f->n == 0 && f->seen)
		return err_set(e, ERR_CONFIG, "%s: none of the %zu tokens that are there matches; 'pkcs11-tool -L' or 'p11tool --list-tokens' lists them", name, f->seen);
	if (f->n == 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: no token is there; is it plugged in, and initialised?", name);
	if (f->n > 1)
		return err_set(e, ERR_CONFIG, "%s: %zu tokens match (%s); name one with token= or serial=", name, f->n, f->labels);
	return 0;
}

/* --- login ----------------------------------------------------------------------------------- */

static int refused(const char *name, struct key_pkcs11_pin *pin, CK_RV rv, struct err *e)
{
	char text[32];

	/* Also when it is locked: every further try is one too many. */
	pin->refused = true;
	if (rv == CKR_PIN_LOCKED)
		return err_set(e, ERR_CONFIG, "%s: the token is locked after too many wrong PINs; its security officer must set a new one", name);
	return err_set(e, ERR_CONFIG, "%s: the token refuses the PIN (%s); it is not tried again before the next start or reload: correct the file with the PIN first", name,
		       key_pkcs11_rv(rv, text));
}

static int login(const struct found *f, CK_SESSION_HANDLE s, const char *name, struct key_pkcs11_pin *pin, struct err *e)
{
	CK_RV rv;

	if (!pin->given && !(f->info.flags & CKF_LOGIN_REQUIRED))
		return 0;
	if (!pin->given)
		return err_set(e, ERR_CONFIG, "%s: the token wants a PIN; set KeyPINFile, or add pin-source=file:/PATH to the URI", name);
	if (pin->refused)
		return err_set(e, ERR_CONFIG, "%s: the token refused the PIN before, and it is not tried again; correct the file with the PIN and reload", name);
	if (f->info.flags & CKF_USER_PIN_LOCKED)
		return refused(name, pin, CKR_PIN_LOCKED, e);
	if (f->info.flags & CKF_USER_PIN_FINAL_TRY)
		return err_set(e, ERR_CONFIG, "%s: one more wrong PIN locks the token, so it is not tried from here; log in by hand once ('pkcs11-tool --login -O')", name);
	rv = f->module->C_Login(s, CKU_USER, pin->octets, pin->n);
	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return 0;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_EXPIRED:
	case CKR_PIN_LOCKED:
		return refused(name, pin, rv, e);
	default:
		return key_pkcs11_failed(e, name, "login", rv);
	}
}

/* --- which key ------------------------------------------------------------------------------- */

/* The URI's object and id, and our class. How many attributes there are. */
static CK_ULONG make_template(P11KitUri *uri, CK_OBJECT_CLASS *class, CK_ATTRIBUTE out[3])
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_ID, CKA_LABEL};
	CK_ULONG n = 0;

	out[n++] = (CK_ATTRIBUTE){CKA_CLASS, class, sizeof *class};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(uri, types[i]);

		if (a)
			out[n++] = *a;
	}
	return n;
}

static int find_key(const struct found *f, CK_SESSION_HANDLE s, P11KitUri *uri, const char *name, CK_OBJECT_HANDLE *out, struct err *e)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE template[3];
	CK_ULONG n = make_template(uri, &class, template), found = 0;
	CK_OBJECT_HANDLE keys[KEYS_MAX];
	CK_RV rv = f->module->C_FindObjectsInit(s, template, n);

	if (rv == CKR_OK) {
		rv = f->module->C_FindObjects(s, keys, KEYS_MAX, &found);
		(void)f->module->C_FindObjectsFinal(s);
	}
	if (rv != CKR_OK)
		return key_pkcs11_failed(e, name, "looking for the key", rv);
	if (found == 0)
		return err_set(e, ERR_CONFIG, "%s: no private key matches in that token; 'pkcs11-tool --login -O' lists what is there", name);
	if (found > 1)
		return err_set(e, ERR_CONFIG, "%s: more than one private key matches in that token; name one with object= or id=", name);
	*out = keys[0];
	return 0;
}

/* A flag of the key; assumed when the object doesn't say. 0, or -1 and *e. */
static int flag_of(const struct found *f, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *name, CK_ATTRIBUTE_TYPE type, bool assumed, bool *out, struct err *e)
{
	unsigned char value = 0;
	size_t n;
	CK_RV rv;

	switch (key_pkcs11_point_attribute(f->module, s, key, type, &value, sizeof value, &n, &rv)) {
	case 1:
		*out = n == 1 ? value != 0 : assumed;
		return 0;
	case 0:
		*out = assumed;
		return 0;
	default:
		return key_pkcs11_failed(e, name, "looking at the key", rv);
	}
}

static int check_curve(const struct found *f, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *name, struct err *e)
{
	static const unsigned char p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
	unsigned char params[PARAMS_MAX];
	CK_KEY_TYPE type = 0;
	size_t n;
	CK_RV rv;

	if (key_pkcs11_point_attribute(f->module, s, key, CKA_KEY_TYPE, (unsigned char *)&type, sizeof type, &n, &rv) < 0)
		return key_pkcs11_failed(e, name, "looking at the key", rv);
	if (n != sizeof type || type != CKK_EC)
		return err_set(e, ERR_CONFIG, "%s: is no key of an elliptic curve; ES256 takes one of P-256 ('pkcs11-tool --keypairgen --key-type EC:prime256v1')", name);
	if (key_pkcs11_point_attribute(f->module, s, key, CKA_EC_PARAMS, params, sizeof params, &n, &rv) < 0)
		return key_pkcs11_failed(e, name, "looking at the key", rv);
	if (n != sizeof p256 || memcmp(params, p256, n) != 0)
		return err_set(e, ERR_CONFIG, "%s: the key is not of the curve P-256, the only one for ES256", name);
	return 0;
}

static int check_key(const struct found *f, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *name, struct err *e)
{
	CK_MECHANISM_INFO info;
	bool may_sign, asks;

	if (check_curve(f, s, key, name, e) || flag_of(f, s, key, name, CKA_SIGN, true, &may_sign, e) ||
	    flag_of(f, s, key, name, CKA_ALWAYS_AUTHENTICATE, false, &asks, e))
		return -1;
	if (!may_sign)
		return err_set(e, ERR_CONFIG, "%s: the token does not let this key sign (CKA_SIGN is false)", name);
	if (asks)
		return err_set(e, ERR_CONFIG, "%s: the token wants the PIN before each signature (CKA_ALWAYS_AUTHENTICATE), which is not for a daemon", name);
	if (f->module->C_GetMechanismInfo(f->slot, CKM_ECDSA, &info) != CKR_OK || !(info.flags & CKF_SIGN))
		return err_set(e, ERR_CONFIG, "%s: the token can't sign with CKM_ECDSA", name);
	return 0;
}

int key_pkcs11_token_open(CK_FUNCTION_LIST **modules, P11KitUri *uri, const char *name, struct key_pkcs11_pin *pin, struct key_pkcs11_token *out,
			  struct err *e)
{
	struct found f;
	CK_RV rv;

	memset(out, 0, sizeof *out);
	if (find_token(modules, uri, name, &f, e))
		return -1;
	out->module = f.module;
	out->slot = f.slot;
	rv = f.module->C_OpenSession(f.slot, CKF_SERIAL_SESSION, NULL, NULL, &out->session);
	if (rv != CKR_OK)
		return key_pkcs11_failed(e, name, "opening a session", rv);
	if (login(&f, out->session, name, pin, e) || find_key(&f, out->session, uri, name, &out->key, e) ||
	    check_key(&f, out->session, out->key, name, e) || key_pkcs11_point_find(f.module, out->session, out->key, name, out->point, e)) {
		(void)f.module->C_CloseSession(out->session);
		return -1;
	}
	return 0;
}

#endif
