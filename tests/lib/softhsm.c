/* A SoftHSM of the test's own; see softhsm.h. */
#include "config.h"

#include "tests/lib/softhsm.h"

#ifdef HAVE_P11KIT

#include <openssl/core_names.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/tap.h"

extern char **environ;

const char *softhsm_place(const char *dir)
{
	static const char *const places[] = {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
					     "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"};
	char conf[600], tokens[600];
	FILE *f;

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (access(places[i], R_OK))
			continue;
		(void)snprintf(conf, sizeof conf, "%s/softhsm2.conf", dir);
		(void)snprintf(tokens, sizeof tokens, "%s/tokens", dir);
		f = fopen(conf, "w");
		if (mkdir(tokens, 0700) || !f || fprintf(f, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tokens) < 0 || fclose(f) ||
		    setenv("SOFTHSM2_CONF", conf, 1))
			tap_bail("no place for SoftHSM");
		return places[i];
	}
	return NULL;
}

void softhsm_token(const char *label)
{
	char name[] = "softhsm2-util", init[] = "--init-token", free_one[] = "--free", l[] = "--label", p[] = "--pin", so[] = "--so-pin", pin[] = SOFTHSM_PIN;
	char *text = strdup(label), *argv[] = {name, init, free_one, l, text, p, pin, so, pin, NULL};
	posix_spawn_file_actions_t quiet;
	int status = -1;
	pid_t pid;

	if (!text || posix_spawn_file_actions_init(&quiet) || posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", 1 /* O_WRONLY */, 0) ||
	    posix_spawnp(&pid, name, &quiet, NULL, argv, environ) || waitpid(pid, &status, 0) != pid || status != 0)
		tap_bail("softhsm2-util makes no token");
	posix_spawn_file_actions_destroy(&quiet);
	free(text);
}

CK_FUNCTION_LIST *softhsm_load(const char *module)
{
	CK_FUNCTION_LIST *m = p11_kit_module_load(module, 0);

	if (!m || p11_kit_module_initialize(m) != CKR_OK)
		tap_bail("SoftHSM can't be loaded");
	return m;
}

void softhsm_unload(CK_FUNCTION_LIST *m)
{
	(void)p11_kit_module_finalize(m);
	p11_kit_module_release(m);
}

CK_SESSION_HANDLE softhsm_session(CK_FUNCTION_LIST *m, const char *label)
{
	CK_SESSION_HANDLE s;
	CK_SLOT_ID slots[16];
	CK_ULONG n = 0;
	CK_TOKEN_INFO info;
	CK_RV rv;

	(void)m->C_GetSlotList(CK_TRUE, NULL, &n);
	n = 16;
	if (m->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		tap_bail("no slots");
	for (CK_ULONG i = 0; i < n; i++) {
		if (m->C_GetTokenInfo(slots[i], &info) != CKR_OK || memcmp(info.label, label, strlen(label)) != 0 || info.label[strlen(label)] != ' ')
			continue;
		if (m->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK)
			tap_bail("no session");
		rv = m->C_Login(s, CKU_USER, (unsigned char *)(uintptr_t)SOFTHSM_PIN, strlen(SOFTHSM_PIN));
		if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
			tap_bail("no login: %lx", (unsigned long)rv);
		return s;
	}
	tap_bail("no token %s", label);
}

/* --- objects ------------------------------------------------------------------------ */

struct template {
	CK_ATTRIBUTE at[16];
	CK_ULONG n;
};

static void add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	t->at[t->n++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)p, n};
}

static void add_names(struct template *t, const char *label, const char *id)
{
	static const CK_BBOOL yes = CK_TRUE;

	add(t, CKA_TOKEN, &yes, sizeof yes);
	add(t, CKA_LABEL, label, strlen(label));
	if (id)
		add(t, CKA_ID, id, strlen(id));
}

static void create(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, struct template *t)
{
	CK_OBJECT_HANDLE o;
	CK_RV rv = m->C_CreateObject(s, t->at, t->n, &o);

	if (rv != CKR_OK)
		tap_bail("no object: %lx", (unsigned long)rv);
}

/* OCTET STRING with the uncompressed point; how long. */
static size_t wrapped_point(EVP_PKEY *pkey, unsigned char out[200])
{
	size_t n = 0;

	EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, out + 2, 198, &n) != 1 || n > 127)
		tap_bail("no point");
	out[0] = 4;
	out[1] = (unsigned char)n;
	return n + 2;
}

void softhsm_put_key(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, const struct softhsm_key *k)
{
	static const unsigned char p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
	static const unsigned char p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
	static const CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY, public_key = CKO_PUBLIC_KEY, certificate = CKO_CERTIFICATE;
	static const CK_CERTIFICATE_TYPE x509 = CKC_X_509;
	static const CK_KEY_TYPE ec = CKK_EC;
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	bool small = EVP_PKEY_get_bits(k->pkey) == 256;
	struct template key = {.n = 0}, pub = {.n = 0}, cert = {.n = 0};
	unsigned char scalar[64], point[200];
	BIGNUM *d = NULL;
	int n = small ? 32 : 48;

	if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1 || BN_bn2binpad(d, scalar, n) != n)
		tap_bail("no scalar");
	BN_free(d);
	add(&key, CKA_CLASS, &private_key, sizeof private_key);
	add(&key, CKA_KEY_TYPE, &ec, sizeof ec);
	add_names(&key, k->label, k->id);
	add(&key, CKA_PRIVATE, &yes, sizeof yes);
	add(&key, CKA_SENSITIVE, &yes, sizeof yes);
	add(&key, CKA_SIGN, k->no_sign ? &no : &yes, sizeof yes);
	add(&key, CKA_EC_PARAMS, small ? p256 : p384, small ? sizeof p256 : sizeof p384);
	add(&key, CKA_VALUE, scalar, (size_t)n);
	create(m, s, &key);
	if (!k->no_public) {
		add(&pub, CKA_CLASS, &public_key, sizeof public_key);
		add(&pub, CKA_KEY_TYPE, &ec, sizeof ec);
		add_names(&pub, k->label, k->id);
		add(&pub, CKA_EC_PARAMS, small ? p256 : p384, small ? sizeof p256 : sizeof p384);
		add(&pub, CKA_EC_POINT, point, wrapped_point(k->pkey, point));
		create(m, s, &pub);
	}
	if (k->cert.n) {
		add(&cert, CKA_CLASS, &certificate, sizeof certificate);
		add(&cert, CKA_CERTIFICATE_TYPE, &x509, sizeof x509);
		add_names(&cert, k->label, k->id);
		add(&cert, CKA_SUBJECT, "", 0);
		add(&cert, CKA_VALUE, k->cert.p, k->cert.n);
		create(m, s, &cert);
	}
}

void softhsm_make_rsa(CK_FUNCTION_LIST *m, CK_SESSION_HANDLE s, const char *label)
{
	static const CK_BBOOL yes = CK_TRUE;
	static const CK_ULONG bits = 2048;
	CK_MECHANISM how = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
	struct template key = {.n = 0}, pub = {.n = 0};
	CK_OBJECT_HANDLE a, b;

	add_names(&key, label, NULL);
	add(&key, CKA_PRIVATE, &yes, sizeof yes);
	add(&key, CKA_SIGN, &yes, sizeof yes);
	add_names(&pub, label, NULL);
	add(&pub, CKA_MODULUS_BITS, &bits, sizeof bits);
	if (m->C_GenerateKeyPair(s, &how, pub.at, pub.n, key.at, key.n, &a, &b) != CKR_OK)
		tap_bail("no RSA key");
}

#endif
