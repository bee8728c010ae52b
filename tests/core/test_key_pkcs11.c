/*
 * Keys in a token: which URI means which key, what is refused and said, PINs
 * that are never tried twice, and tokens that go and come back.  With SoftHSM;
 * what a module can answer besides is played by a list of functions in front of it.
 */
#include "config.h"

#include "core/keys/key_pkcs11.h"

#include "tests/lib/softhsm.h"
#include "tests/lib/tap.h"

#ifdef HAVE_P11KIT

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/jws.h"
#include "core/keys/key_pem.h"
#include "core/keys/key_pkcs11_internal.h"
#include "core/limits.h"

enum { THREADS = 8, EACH = 60 };

static char dir[4096]; /* whole */
static const char *module_path;
static EVP_PKEY *pkey;
static CK_FUNCTION_LIST *real; /* SoftHSM, for making things and to play the module */

static const char *path(const char *name)
{
	static char text[2][4200];
	static unsigned turn;
	char *p = text[turn++ & 1];

	(void)snprintf(p, sizeof text[0], "%s/%s", dir, name);
	return p;
}

static const char *file(const char *name, const char *text, mode_t mode)
{
	const char *p = path(name);
	FILE *f = fopen(p, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) || chmod(p, mode))
		tap_bail("%s can't be written", p);
	return p;
}

static const char *uri_of(const char *rest)
{
	static char text[2][4500];
	static unsigned turn;
	char *p = text[turn++ & 1];

	(void)snprintf(p, sizeof text[0], "pkcs11:%s%cmodule-path=%s", rest, strchr(rest, '?') ? '&' : '?', module_path);
	return p;
}

static int open_at(const char *uri, const char *pin, struct key **key, struct err *e)
{
	err_clear(e);
	return key_pkcs11_open(uri, pin, KEY_READER_SELF, true, key, e);
}

static void works(struct key *key, const char *what)
{
	unsigned char sig[64];
	struct err e;

	err_clear(&e);
	tap_ok(key_sign(key, span_cstr("data"), sig, &e) == 0 && jws_verify_es256(span_cstr("data"), sig, pkey) == 1, "%s: signs %s", what, e.text);
}

static void good(const char *what, const char *uri, const char *pin)
{
	struct key *key = NULL;
	struct err e;

	if (tap_int(open_at(uri, pin, &key, &e), 0, "%s: opens %s", what, e.text))
		works(key, what);
	key_close(key);
}

static void refused(const char *what, const char *uri, const char *pin, const char *hint)
{
	struct key *key = NULL;
	struct err e;

	tap_int(open_at(uri, pin, &key, &e), -1, "refused: %s", what);
	if (!tap_ok(!key && strstr(e.text, hint), "refused: %s: says %s", what, hint))
		tap_note("%s", e.text);
	tap_ok(!strstr(e.text, SOFTHSM_PIN), "refused: %s: and never the PIN", what);
}

/* --- what is in the tokens ------------------------------------------------------------- */

static struct span certificate(unsigned char out[2048])
{
	X509 *x = X509_new();
	unsigned char *p = out;
	int n;

	if (!x || !X509_set_version(x, 2) || !X509_set_pubkey(x, pkey) || !ASN1_INTEGER_set(X509_get_serialNumber(x), 1) || !X509_gmtime_adj(X509_getm_notBefore(x), 0) ||
	    !X509_gmtime_adj(X509_getm_notAfter(x), 86400) || !X509_sign(x, pkey, EVP_sha256()) || (n = i2d_X509(x, &p)) <= 0 || n > 2048)
		tap_bail("no certificate");
	X509_free(x);
	return span_make(out, (size_t)n);
}

static void fill(void)
{
	EVP_PKEY *other = EVP_EC_gen("P-256"), *large = EVP_EC_gen("P-384");
	unsigned char der[2048];
	CK_SESSION_HANDLE s;

	s = softhsm_session(real, "one");
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = pkey, .label = "stir", .id = "A1"});
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = pkey, .label = "no id"});
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = pkey, .label = "only a certificate", .id = "C1", .no_public = true, .cert = certificate(der)});
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = other, .label = "alone", .id = "D1", .no_public = true});
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = large, .label = "P-384", .id = "E1"});
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = other, .label = "not for signatures", .id = "F1", .no_sign = true});
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = other, .label = "double", .id = "G1"});
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = pkey, .label = "double", .id = "G2"});
	/* a public key that belongs to another one, found by the label */
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = other, .label = "no pair", .id = "H1", .no_public = true, .cert = certificate(der)});
	softhsm_make_rsa(real, s, "RSA");
	(void)real->C_CloseSession(s);
	EVP_PKEY_free(other);
	EVP_PKEY_free(large);
}

static void test_which(void)
{
	const char *pin = file("pin", SOFTHSM_PIN "\n", 0600);
	char whole[4300];

	good("by label", uri_of("token=one;object=stir"), pin);
	good("by id", uri_of("token=one;id=A1"), pin);
	good("by id in hexadecimal, with the type", uri_of("token=one;id=%41%31;type=private"), pin);
	good("one of two of a label, by its id", uri_of("token=one;object=double;id=G2"), pin);
	good("the public half by label", uri_of("token=one;object=no%20id"), pin);
	good("the public half from a certificate", uri_of("token=one;object=only%20a%20certificate"), pin);
	(void)snprintf(whole, sizeof whole, "token=one;object=stir?pin-source=file:%s", pin);
	good("PIN by pin-source", uri_of(whole), NULL);
	(void)snprintf(whole, sizeof whole, "token=one;object=stir?pin-source=file://%s", pin);
	good("PIN by pin-source as a whole URL", uri_of(whole), NULL);
	good("a PIN file without line end", uri_of("token=one;object=stir"), file("pin2", SOFTHSM_PIN, 0400));
	good("a PIN file with CR LF, and more lines", uri_of("token=one;object=stir"), file("pin2", SOFTHSM_PIN "\r\nremark\n", 0600));
}

static void test_refused(void)
{
	const char *pin = path("pin");
	char text[4300];

	refused("no such token", uri_of("token=three;object=stir"), pin, "none of the 2 tokens");
	refused("no token named, where there are two", uri_of("object=stir"), pin, "token=");
	refused("an empty token", uri_of("token=two;object=stir"), pin, "no private key");
	refused("no such key", uri_of("token=one;object=steer"), pin, "no private key");
	refused("no such id", uri_of("token=one;id=Z9"), pin, "no private key");
	refused("two keys of that label", uri_of("token=one;object=double"), pin, "more than one");
	refused("no key named", uri_of("token=one"), pin, "more than one");
	refused("RSA", uri_of("token=one;object=RSA"), pin, "P-256");
	refused("P-384", uri_of("token=one;object=P-384"), pin, "P-256");
	refused("a key that must not sign", uri_of("token=one;object=not%20for%20signatures"), pin, "CKA_SIGN");
	refused("no public half anywhere", uri_of("token=one;object=alone"), pin, "certificate");
	refused("the public half is another key's", uri_of("token=one;object=no%20pair"), pin, "no pair");
	refused("a public key", uri_of("token=one;object=stir;type=public"), pin, "type=private");
	refused("a word that no such URI has", uri_of("token=one;objekt=stir"), pin, "RFC 7512");
	refused("a broken escape", uri_of("token=%zz"), pin, "RFC 7512");
	refused("a PIN in the URI", uri_of("token=one;object=stir?pin-value=" SOFTHSM_PIN), NULL, "pin-value");
	refused("two PINs", uri_of("token=one;object=stir?pin-source=file:/etc/pin"), pin, "twice");
	refused("a program as PIN source", uri_of("token=one;object=stir?pin-source=%7C/bin/echo"), NULL, "program");
	refused("no PIN", uri_of("token=one;object=stir"), NULL, "KeyPINFile");
	(void)snprintf(text, sizeof text, "pkcs11:token=one;object=stir?module-path=%s", path("no-such-module.so"));
	refused("no such module", text, pin, "can't be loaded");
	refused("a module without a whole path", "pkcs11:token=one;object=stir?module-path=libsofthsm2.so", pin, "whole path");
	refused("a module that nobody registered", "pkcs11:token=one;object=stir?module-name=no-such-module", pin, "no-such-module");
}

static void test_pin_files(void)
{
	const char *uri = uri_of("token=one;object=stir");
	char longer[400];

	memset(longer, '1', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	refused("no PIN file", uri, path("no-such-pin"), "no-such-pin");
	refused("an empty one", uri, file("pin3", "", 0600), "empty");
	refused("an empty first line", uri, file("pin3", "\n" SOFTHSM_PIN "\n", 0600), "empty");
	refused("a line that is too long", uri, file("pin3", longer, 0600), "255");
	refused("others may read it", uri, file("pin3", SOFTHSM_PIN "\n", 0644), "chmod");
	refused("others may write it", uri, file("pin3", SOFTHSM_PIN "\n", 0602), "chmod");
	refused("a folder", uri, dir, "regular file");
}

/* --- a module in front of the module ------------------------------------------------------ */

static CK_FUNCTION_LIST played, *played_list[2] = {&played, NULL};
static atomic_int logins, opens, fail_sign, fail_every, calls, hits, fail_open, no_token, no_login, sessions, hang, slow_ms;
static CK_RV sign_rv, login_rv;
static CK_FLAGS more_flags;

static CK_RV play_login(CK_SESSION_HANDLE s, CK_USER_TYPE u, unsigned char *pin, CK_ULONG n)
{
	atomic_fetch_add(&logins, 1);
	return login_rv == CKR_OK ? real->C_Login(s, u, pin, n) : login_rv;
}

static CK_RV play_open(CK_SLOT_ID slot, CK_FLAGS f, void *a, CK_NOTIFY n, CK_SESSION_HANDLE *out)
{
	CK_RV rv;

	if (atomic_load(&fail_open) && atomic_fetch_sub(&fail_open, 1) > 0)
		return CKR_SESSION_COUNT;
	if (atomic_load(&no_token))
		return CKR_TOKEN_NOT_PRESENT;
	rv = real->C_OpenSession(slot, f, a, n, out);
	if (rv == CKR_OK) {
		atomic_fetch_add(&opens, 1);
		atomic_fetch_add(&sessions, 1);
	}
	return rv;
}

static CK_RV play_close(CK_SESSION_HANDLE s)
{
	atomic_fetch_sub(&sessions, 1);
	return real->C_CloseSession(s);
}

static CK_RV play_sign_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE k)
{
	while (atomic_load(&hang))
		usleep(1000);
	if (atomic_load(&no_token))
		return CKR_DEVICE_REMOVED;
	if (atomic_load(&fail_sign) && atomic_fetch_sub(&fail_sign, 1) > 0)
		return sign_rv;
	if (atomic_load(&fail_every) && (atomic_fetch_add(&calls, 1) + 1) % atomic_load(&fail_every) == 0) {
		atomic_fetch_add(&hits, 1);
		return sign_rv;
	}
	return real->C_SignInit(s, m, k);
}

static CK_RV play_slots(unsigned char present, CK_SLOT_ID *slots, CK_ULONG *n)
{
	usleep(1000 * (unsigned)atomic_load(&slow_ms));
	if (atomic_load(&no_token)) {
		*n = 0;
		return CKR_OK;
	}
	return real->C_GetSlotList(present, slots, n);
}

static CK_RV play_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = real->C_GetTokenInfo(slot, info);

	info->flags |= more_flags;
	if (atomic_load(&no_login))
		info->flags &= ~(CK_FLAGS)CKF_LOGIN_REQUIRED;
	return rv;
}

static void play(void)
{
	played = *real;
	played.C_Login = play_login;
	played.C_OpenSession = play_open;
	played.C_CloseSession = play_close;
	played.C_SignInit = play_sign_init;
	played.C_GetSlotList = play_slots;
	played.C_GetTokenInfo = play_token_info;
	sign_rv = login_rv = CKR_OK;
	more_flags = 0;
	atomic_store(&logins, 0);
	atomic_store(&opens, 0);
	atomic_store(&fail_sign, 0);
	atomic_store(&fail_every, 0);
	atomic_store(&calls, 0);
	atomic_store(&hits, 0);
	atomic_store(&fail_open, 0);
	atomic_store(&no_token, 0);
	atomic_store(&no_login, 0);
	atomic_store(&hang, 0);
	atomic_store(&slow_ms, 0);
}

static int open_played(const char *pin, struct key **key, struct err *e)
{
	err_clear(e);
	return key_pkcs11_open_in(played_list, "pkcs11:token=one;object=stir", pin, KEY_READER_SELF, true, key, e);
}

static struct key *must_open(void)
{
	struct key *key = NULL;
	struct err e;

	if (open_played(path("pin"), &key, &e))
		tap_bail("%s", e.text);
	return key;
}

static void test_wrong_pin(void)
{
	struct key *key = NULL;
	CK_SESSION_HANDLE s;
	struct err e;

	play();
	tap_int(open_played(file("pin4", "12345\n", 0600), &key, &e), -1, "a wrong PIN: %s", e.text);
	tap_ok(strstr(e.text, "refuses the PIN") && !strstr(e.text, "12345"), "it says so, and not which");
	tap_int(atomic_load(&logins), 1, "it was tried once");

	more_flags = CKF_USER_PIN_FINAL_TRY;
	tap_ok(open_played(path("pin"), &key, &e) == -1 && strstr(e.text, "one more wrong PIN"), "the last try is not used up: %s", e.text);
	more_flags = CKF_USER_PIN_LOCKED;
	tap_ok(open_played(path("pin"), &key, &e) == -1 && strstr(e.text, "locked"), "a locked token: %s", e.text);
	tap_int(atomic_load(&logins), 1, "neither was tried");
	more_flags = 0;
	login_rv = CKR_PIN_LOCKED;
	tap_ok(open_played(path("pin"), &key, &e) == -1 && strstr(e.text, "locked"), "a token that locks just now");
	login_rv = CKR_OK;
	s = softhsm_session(real, "one");
	tap_int(open_played(path("pin"), &key, &e), 0, "somebody else of this process is logged in already: %s", e.text);
	(void)real->C_CloseSession(s);
	key_close(key);
	tap_int(atomic_load(&sessions), 0, "no session is left over");
}

/* The PIN was right once and is not any more, when the token is back. */
static void test_pin_changed(void)
{
	struct key *key;
	unsigned char sig[64];
	struct err e;
	int before;

	play();
	key = must_open();
	before = atomic_load(&logins);
	login_rv = CKR_PIN_INCORRECT;
	sign_rv = CKR_DEVICE_REMOVED;
	for (int i = 0; i < 5; i++) {
		atomic_store(&fail_sign, 1);
		tap_ok(key_sign(key, span_cstr("data"), sig, &e) == -1 && strstr(e.text, "not tried again"), "the PIN was changed meanwhile: %s", e.text);
	}
	tap_int(atomic_load(&logins) - before, 1, "five messages try it once");
	key_close(key);
	tap_int(atomic_load(&sessions), 0, "no session is left over");
}

static void test_lost(void)
{
	static const CK_RV lost[] = {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED, CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_TOKEN_NOT_PRESENT};
	unsigned char sig[64];
	struct key *key;
	struct err e;
	char text[32];
	int before;

	play();
	key = must_open();
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
		sign_rv = lost[i];
		atomic_store(&fail_sign, 1);
		works(key, key_pkcs11_rv(lost[i], text));
	}
	before = atomic_load(&opens);
	sign_rv = CKR_MECHANISM_INVALID;
	atomic_store(&fail_sign, 1);
	tap_ok(key_sign(key, span_cstr("data"), sig, &e) == -1 && strstr(e.text, "CKR_MECHANISM_INVALID"), "what opening anew doesn't help: %s", e.text);
	works(key, "the next one");
	tap_int(atomic_load(&opens), before, "nothing was opened for it");

	atomic_store(&no_token, 1);
	for (int i = 0; i < 3; i++)
		tap_ok(key_sign(key, span_cstr("data"), sig, &e) == -1 && strstr(e.text, "no token is there"), "token away: %s", e.text);
	atomic_store(&no_token, 0);
	works(key, "and back");
	works(key, "and again");
	key_close(key);
	tap_int(atomic_load(&sessions), 0, "no session is left over");
}

/* --- a token that takes its time ------------------------------------------------------------ */

enum { HUNG = 12, WAIT_SLACK_MS = 500, HUNG_AT_ONCE_MS = 50 };

static double clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static atomic_int gave_up;

static void *sign_hung(void *arg)
{
	unsigned char sig[64];
	struct err e;
	double t0 = clock_ms();

	err_clear(&e);
	if (key_sign(arg, span_cstr("data"), sig, &e) == -1 && strstr(e.text, "does not answer") && clock_ms() - t0 < LIMIT_KEY_WAIT_MS + WAIT_SLACK_MS)
		atomic_fetch_add(&gave_up, 1);
	return NULL;
}

/* Those that are in it can't be helped; nobody else may be held up with them. */
static void test_hangs(void)
{
	pthread_t t[HUNG];
	unsigned char sig[64];
	struct key *key;
	struct err e;
	double t0;
	int given_up;

	play();
	key = must_open();
	atomic_store(&gave_up, 0);
	atomic_store(&hang, 1);
	for (int i = 0; i < HUNG; i++)
		if (pthread_create(&t[i], NULL, sign_hung, key))
			tap_bail("no thread");
	usleep((LIMIT_KEY_WAIT_MS + WAIT_SLACK_MS) * 1000);
	given_up = atomic_load(&gave_up);
	tap_ok(given_up == HUNG - 8, "a token hangs: %d of twelve messages give up in time, eight are in it", given_up);
	t0 = clock_ms();
	tap_ok(key_sign(key, span_cstr("data"), sig, &e) == -1 && clock_ms() - t0 < HUNG_AT_ONCE_MS, "the next ones at once: %s", e.text);
	atomic_store(&hang, 0);
	for (int i = 0; i < HUNG; i++)
		pthread_join(t[i], NULL);
	works(key, "it goes on");
	key_close(key);
	tap_int(atomic_load(&sessions), 0, "no session is left over");
}

/* A network HSM that is away may take long to say so. */
static void test_slow_away(void)
{
	struct key *key;
	unsigned char sig[64];
	struct err e;
	double t0, first;

	play();
	key = must_open();
	atomic_store(&no_token, 1);
	atomic_store(&slow_ms, 60);
	t0 = clock_ms();
	tap_int(key_sign(key, span_cstr("data"), sig, &e), -1, "away, and slow to say so: %s", e.text);
	first = clock_ms() - t0;
	t0 = clock_ms();
	tap_ok(key_sign(key, span_cstr("data"), sig, &e) == -1 && clock_ms() - t0 < first / 2 && strstr(e.text, "no token is there"),
	       "%.0f ms the first time, the next at once: %s", first, e.text);
	atomic_store(&no_token, 0);
	atomic_store(&slow_ms, 0);
	usleep(3000 * 1000);
	works(key, "it comes back by itself");
	key_close(key);
}

/* Logged in by nobody, in truth: all sessions are closed, which logs out. */
static void test_closed_behind(void)
{
	struct key *key;
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;

	play();
	key = must_open();
	(void)real->C_GetSlotList(CK_TRUE, slots, &n);
	for (CK_ULONG i = 0; i < n; i++)
		(void)real->C_CloseAllSessions(slots[i]);
	works(key, "all sessions closed behind its back");
	key_close(key);
}

/* Another key under the same name, when the token is back. */
static void test_replaced(void)
{
	struct key *key = NULL;
	EVP_PKEY *other = EVP_EC_gen("P-256");
	CK_SESSION_HANDLE s = softhsm_session(real, "two");
	CK_OBJECT_HANDLE o[4];
	CK_ULONG n = 0;
	unsigned char sig[64];
	struct err e;

	play();
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = pkey, .label = "swap", .id = "S1"});
	if (key_pkcs11_open_in(played_list, "pkcs11:token=two;object=swap", path("pin"), KEY_READER_SELF, true, &key, &e))
		tap_bail("%s", e.text);
	if (real->C_FindObjectsInit(s, &(CK_ATTRIBUTE){CKA_LABEL, (void *)(uintptr_t)"swap", 4}, 1) || real->C_FindObjects(s, o, 4, &n) || real->C_FindObjectsFinal(s))
		tap_bail("not found");
	for (CK_ULONG i = 0; i < n; i++)
		(void)real->C_DestroyObject(s, o[i]);
	softhsm_put_key(real, s, &(struct softhsm_key){.pkey = other, .label = "swap", .id = "S1"});
	sign_rv = CKR_DEVICE_REMOVED;
	atomic_store(&fail_sign, 1);
	tap_ok(key_sign(key, span_cstr("data"), sig, &e) == -1 && strstr(e.text, "another key"), "the key was replaced: %s", e.text);
	key_close(key);
	(void)real->C_CloseSession(s);
	EVP_PKEY_free(other);
}

struct worker {
	struct key *key;
	int bad;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned char sig[64];
	struct err e;

	for (int i = 0; i < EACH; i++)
		w->bad += key_sign(w->key, span_cstr("data"), sig, &e) != 0 || jws_verify_es256(span_cstr("data"), sig, pkey) != 1;
	return NULL;
}

static int run_threads(struct key *key)
{
	struct worker w[THREADS];
	pthread_t t[THREADS];
	int bad = 0;

	for (size_t i = 0; i < THREADS; i++) {
		w[i] = (struct worker){key, 0};
		if (pthread_create(&t[i], NULL, work, &w[i]))
			tap_bail("no thread");
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		bad += w[i].bad;
	}
	return bad;
}

static void test_threads(void)
{
	struct key *key;
	int bad;

	play();
	key = must_open();
	tap_int(run_threads(key), 0, "%d threads, more than there are sessions", THREADS);
	tap_ok(atomic_load(&sessions) <= 8, "at most eight sessions, %d", atomic_load(&sessions));
	key_close(key);

	play();
	atomic_store(&fail_open, 0);
	key = must_open();
	atomic_store(&fail_open, 1000000);
	tap_int(run_threads(key), 0, "a token with one session only");
	tap_int(atomic_load(&sessions), 1, "and one it is");
	key_close(key);

	play();
	key = must_open();
	sign_rv = CKR_SESSION_HANDLE_INVALID;
	atomic_store(&fail_every, 30);
	bad = run_threads(key);
	/* A message is lost only if both its tries are hit. */
	tap_ok(bad <= atomic_load(&hits) / 2 && atomic_load(&hits) >= THREADS * EACH / 30, "sessions lost %d times: %d of %d signatures", atomic_load(&hits), bad,
	       THREADS * EACH);
	atomic_store(&fail_every, 0);
	works(key, "afterwards");
	key_close(key);
	tap_int(atomic_load(&sessions), 0, "no session is left over");
}

/* A reload opens the key again before it closes the old one. */
static void test_reload(void)
{
	struct key *old = NULL, *fresh = NULL;
	struct err e;

	if (open_at(uri_of("token=one;object=stir"), path("pin"), &old, &e) || open_at(uri_of("token=one;object=stir"), path("pin"), &fresh, &e))
		tap_bail("%s", e.text);
	works(old, "the old one");
	key_close(old);
	works(fresh, "the new one, after the old one was closed");
	key_close(fresh);
}

static void test_points(void)
{
	static const char *const bad[] = {"", "\x04", "\x04\x41\x04", "\x02nothing of that length"};
	unsigned char point[65], want[65], packed[70];
	size_t n = 0;

	EVP_PKEY_set_utf8_string_param(pkey, "point-format", "uncompressed");
	EVP_PKEY_get_octet_string_param(pkey, "pub", want, sizeof want, &n);
	tap_ok(key_pkcs11_point_read(span_make(want, 65), point) == 0 && memcmp(point, want, 65) == 0, "a bare point");
	packed[0] = 4;
	packed[1] = 65;
	memcpy(packed + 2, want, 65);
	tap_ok(key_pkcs11_point_read(span_make(packed, 67), point) == 0 && memcmp(point, want, 65) == 0, "an OCTET STRING");
	EVP_PKEY_set_utf8_string_param(pkey, "point-format", "compressed");
	EVP_PKEY_get_octet_string_param(pkey, "pub", packed + 2, 68, &n);
	packed[1] = 33;
	tap_ok(n == 33 && key_pkcs11_point_read(span_make(packed + 2, 33), point) == 0 && memcmp(point, want, 65) == 0, "compressed");
	tap_ok(key_pkcs11_point_read(span_make(packed, 35), point) == 0 && memcmp(point, want, 65) == 0, "compressed in an OCTET STRING");
	want[64] ^= 1;
	tap_int(key_pkcs11_point_read(span_make(want, 65), point), -1, "a point that is not on the curve");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		tap_int(key_pkcs11_point_read(span_cstr(bad[i]), point), -1, "no point %zu", i);
}

int main(void)
{
	if (!realpath(tap_tempdir(), dir))
		tap_bail("no folder");
	module_path = softhsm_place(dir);
	if (!module_path) {
		tap_skip("SoftHSM is not installed");
		return tap_done();
	}
	pkey = EVP_EC_gen("P-256");
	/* Before the module starts: it doesn't look for new ones. */
	softhsm_token("one");
	softhsm_token("two");
	real = softhsm_load(module_path);
	fill();
	test_which();
	test_refused();
	test_pin_files();
	test_points();
	test_wrong_pin();
	test_pin_changed();
	test_lost();
	test_closed_behind();
	test_hangs();
	test_slow_away();
	test_replaced();
	test_threads();
	test_reload();
	softhsm_unload(real);
	EVP_PKEY_free(pkey);
	return tap_done();
}

#else

int main(void)
{
	tap_skip("built without PKCS #11");
	return tap_done();
}

#endif
