/*
 * A key that never leaves its token: sessions, signatures, and what to do when a
 * token was away.
 *
 * One session signs one thing at a time; there are a few, handed from thread to
 * thread.  No lock is held while a module is at work: a token that hangs keeps those
 * who are in it (and their messages, until the MTA has had enough), the others wait
 * LIMIT_KEY_WAIT_MS at most.  Each belongs to a generation: when one finds the token gone, a new
 * generation is opened by whoever comes first, and sessions of the old one are
 * closed when they come back.
 */
#include "config.h"

#include "core/keys/key_pkcs11.h"

bool key_pkcs11_is_uri(struct span s)
{
	return span_casestarts(s, "pkcs11:");
}

#ifndef HAVE_P11KIT

int key_pkcs11_open(const char *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct key **out, struct err *e)
{
	(void)uri, (void)pin_file, (void)reader, (void)require_safe;
	*out = NULL;
	return err_set(e, ERR_CONFIG, "a key in a PKCS #11 token: this program was built without; build it with p11-kit (libp11-kit-dev, 'configure --with-pkcs11')");
}

#else

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/keys/key_pkcs11_internal.h"
#include "core/limits.h"
#include "core/monotonic.h"

enum {
	/* Signatures under way at one time; more wait.  Small tokens have few sessions, and a network HSM is not faster with more. */
	SESSIONS_MAX = 8,
	/* Characters of the URI that are shown. */
	NAME_BYTES = 160,
	DIGEST_BYTES = 32,
	/* A token that takes longer to say no is not asked by each message. */
	SLOW_MS = 50
};

struct key_pkcs11 {
	struct key base;
	CK_FUNCTION_LIST **modules;
	CK_FUNCTION_LIST *own[2];    /* the module of module-path; modules points here then */
	enum { BORROWED, OWN, REGISTERED } loaded;
	P11KitUri *uri;
	char name[NAME_BYTES];       /* for error texts: the URI without its query */
	unsigned char point[KEY_PKCS11_POINT_BYTES];

	pthread_mutex_t lock;        /* guards what follows */
	pthread_cond_t given_back;
	struct key_pkcs11_pin pin;
	struct key_pkcs11_token token;
	unsigned long generation;
	size_t open;                 /* sessions of this generation, idle or not */
	CK_SESSION_HANDLE idle[SESSIONS_MAX];
	size_t nidle;
	bool busy;                   /* somebody opens a session or the token; pin is his */
	bool full;                   /* the token has no more sessions just now */
	bool stuck;                  /* somebody waited in vain: the others don't, until something comes back */
	int64_t retry_ms;            /* after a failure that took long: not before then */
	struct err why;              /* of that failure */
};

/* A session in somebody's hands. */
struct loan {
	CK_FUNCTION_LIST *module;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	unsigned long generation;
};

/* --- one signature ------------------------------------------------------------------- */

static CK_RV sign_digest(const struct loan *l, unsigned char digest[DIGEST_BYTES], unsigned char sig[KEY_PKCS11_SIG_BYTES])
{
	CK_MECHANISM how = {CKM_ECDSA, NULL, 0};
	CK_ULONG n = KEY_PKCS11_SIG_BYTES;
	CK_RV rv = l->module->C_SignInit(l->session, &how, l->key);

	if (rv == CKR_OK)
		rv = l->module->C_Sign(l->session, digest, DIGEST_BYTES, sig, &n);
	return rv == CKR_OK && n != KEY_PKCS11_SIG_BYTES ? CKR_FUNCTION_FAILED : rv;
}

/* Does it tell of a session, a token or a login that is gone, so that opening anew may help? */
static bool is_gone(CK_RV rv)
{
	switch (rv) {
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_DEVICE_REMOVED:
	case CKR_DEVICE_ERROR:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_GENERAL_ERROR:
	case CKR_FUNCTION_FAILED:
		return true;
	default:
		return false;
	}
}

/* --- generations ------------------------------------------------------------------------ */

/* Does the key in the token sign what the public half verifies, and is it the one we had? */
static int try_key(const struct key_pkcs11 *k, const struct key_pkcs11_token *t, bool first, struct err *e)
{
	unsigned char digest[DIGEST_BYTES] = {1}, sig[KEY_PKCS11_SIG_BYTES];
	struct loan l = {.module = t->module, .session = t->session, .key = t->key};
	CK_RV rv = sign_digest(&l, digest, sig);

	if (rv != CKR_OK)
		return key_pkcs11_failed(e, k->name, "trying a signature", rv);
	if (!key_pkcs11_point_verifies(t->point, digest, sig))
		return err_set(e, ERR_CONFIG, "%s: the private key and the public half that the token has for it are no pair", k->name);
	if (!first && memcmp(t->point, k->point, sizeof k->point) != 0)
		return err_set(e, ERR_CONFIG, "%s: the token has another key of that name now; reload to take it, with its certificate", k->name);
	return 0;
}

/* Without the lock, but nobody else does the same. */
static int open_token(struct key_pkcs11 *k, bool first, struct key_pkcs11_token *out, struct err *e)
{
	if (key_pkcs11_token_open(k->modules, k->uri, k->name, &k->pin, out, e))
		return -1;
	if (try_key(k, out, first, e) == 0)
		return 0;
	(void)out->module->C_CloseSession(out->session);
	return -1;
}

static void close_sessions(CK_FUNCTION_LIST *m, const CK_SESSION_HANDLE *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)m->C_CloseSession(s[i]);
}

/* With the lock held: sessions that nobody has are handed out to be closed, those in use are when they come back. */
static size_t end_generation(struct key_pkcs11 *k, CK_SESSION_HANDLE old[SESSIONS_MAX])
{
	size_t n = k->nidle;

	memcpy(old, k->idle, n * sizeof old[0]);
	k->nidle = 0;
	k->open = 0;
	if (k->generation)
		k->generation++;
	return n;
}

/*
 * With the lock held, which is let go of meanwhile: a module may take its time, or
 * never come back.  After a failure that took long the others fail at once for
 * some time, instead of taking as long one after the other.
 */
static int next_generation(struct key_pkcs11 *k, struct err *e)
{
	CK_FUNCTION_LIST *m = k->token.module;
	CK_SESSION_HANDLE old[SESSIONS_MAX];
	struct key_pkcs11_token fresh;
	size_t n = end_generation(k, old);
	bool first = k->generation == 0;
	int64_t took = monotonic_ms();
	int rc;

	k->busy = true;
	pthread_mutex_unlock(&k->lock);
	close_sessions(m, old, n);
	rc = open_token(k, first, &fresh, e);
	pthread_mutex_lock(&k->lock);
	k->busy = k->stuck = false;
	took = monotonic_ms() - took;
	k->retry_ms = rc && took >= SLOW_MS ? monotonic_ms() + 10 * took : 0;
	if (rc) {
		k->why = *e;
		return -1;
	}
	k->token = fresh;
	if (first)
		memcpy(k->point, fresh.point, sizeof k->point);
	k->generation += first;
	k->idle[k->nidle++] = fresh.session;
	k->open = 1;
	return 0;
}

/* One session more, if the token has it. With the lock held, which is let go of meanwhile. */
static void grow(struct key_pkcs11 *k)
{
	unsigned long generation = k->generation;
	const struct key_pkcs11_token t = k->token;
	CK_SESSION_HANDLE s;
	CK_RV rv;

	k->busy = true;
	pthread_mutex_unlock(&k->lock);
	rv = t.module->C_OpenSession(t.slot, CKF_SERIAL_SESSION, NULL, NULL, &s);
	pthread_mutex_lock(&k->lock);
	k->busy = k->stuck = false;
	if (generation != k->generation) {
		if (rv == CKR_OK)
			(void)t.module->C_CloseSession(s);
	} else if (rv == CKR_OK) {
		k->idle[k->nidle++] = s;
		k->open++;
	} else if (is_gone(rv)) {
		k->open = 0;
	} else {
		/* As many as there can be: one comes back soon. */
		k->full = true;
	}
}

static int no_turn(struct key_pkcs11 *k, struct err *e)
{
	k->stuck = true;
	return err_set(e, ERR_UNAVAILABLE, "%s: the token does not answer: no session came free in %d ms", k->name, LIMIT_KEY_WAIT_MS);
}

/* A loan of a generation that is not known to be gone. With the lock held. */
static int lend(struct key_pkcs11 *k, struct loan *out, struct err *e)
{
	int64_t deadline = monotonic_ms() + LIMIT_KEY_WAIT_MS;

	k->full = false;
	while (k->nidle == 0) {
		if (k->open == 0 && !k->busy && monotonic_ms() < k->retry_ms) {
			*e = k->why;
			return -1;
		}
		if (k->open == 0 && !k->busy) {
			if (next_generation(k, e))
				return -1;
		} else if (k->open < SESSIONS_MAX && !k->busy && !k->full) {
			grow(k);
		} else if (k->stuck || (!monotonic_wait(&k->given_back, &k->lock, deadline) && k->nidle == 0)) {
			return no_turn(k, e);
		}
	}
	*out = (struct loan){k->token.module, k->idle[--k->nidle], k->token.key, k->generation};
	return 0;
}

static void give_back(struct key_pkcs11 *k, const struct loan *l, bool gone)
{
	CK_SESSION_HANDLE old[SESSIONS_MAX];
	size_t n = 0;
	bool keep;

	pthread_mutex_lock(&k->lock);
	keep = !gone && l->generation == k->generation;
	if (keep)
		k->idle[k->nidle++] = l->session;
	/* The first one who finds it gone ends the generation. */
	if (gone && l->generation == k->generation)
		n = end_generation(k, old);
	k->stuck = k->full = false;
	pthread_cond_broadcast(&k->given_back);
	pthread_mutex_unlock(&k->lock);
	if (!keep)
		(void)l->module->C_CloseSession(l->session);
	close_sessions(l->module, old, n);
}

static int borrow(struct key_pkcs11 *k, struct loan *out, struct err *e)
{
	int rc;

	pthread_mutex_lock(&k->lock);
	rc = lend(k, out, e);
	pthread_cond_broadcast(&k->given_back);
	pthread_mutex_unlock(&k->lock);
	return rc;
}

/* --- a key's own functions ----------------------------------------------------------------- */

static int p11_sign(struct key *base, struct span data, unsigned char sig[64], struct err *e)
{
	struct key_pkcs11 *k = (struct key_pkcs11 *)base;
	unsigned char digest[DIGEST_BYTES];
	struct loan l;
	CK_RV rv;

	if (EVP_Digest(data.n ? data.p : "", data.n, digest, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_UNAVAILABLE, "%s: SHA-256 can not be had", k->name);
	/* Twice: what was lost between two messages costs none of them. */
	for (int i = 0; i < 2; i++) {
		if (borrow(k, &l, e))
			return -1;
		rv = sign_digest(&l, digest, sig);
		give_back(k, &l, is_gone(rv));
		if (rv == CKR_OK)
			return 0;
		if (!is_gone(rv))
			break;
	}
	return key_pkcs11_failed(e, k->name, "signing", rv);
}

static int p11_public_point(struct key *base, unsigned char point[65], struct err *e)
{
	const struct key_pkcs11 *k = (const struct key_pkcs11 *)base;

	(void)e;
	memcpy(point, k->point, sizeof k->point);
	return 0;
}

static void unload(struct key_pkcs11 *k)
{
	if (k->loaded == OWN) {
		(void)p11_kit_module_finalize(k->own[0]);
		p11_kit_module_release(k->own[0]);
	} else if (k->loaded == REGISTERED) {
		p11_kit_modules_finalize_and_release(k->modules);
	}
}

/* No C_Logout: another key of the same token, after a reload, is logged in by the same. */
static void p11_close(struct key *base)
{
	struct key_pkcs11 *k = (struct key_pkcs11 *)base;

	for (; k->nidle; k->nidle--)
		(void)k->token.module->C_CloseSession(k->idle[k->nidle - 1]);
	unload(k);
	p11_kit_uri_free(k->uri);
	key_pkcs11_pin_wipe(&k->pin);
	(void)pthread_cond_destroy(&k->given_back);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}

static const struct key_ops p11_ops = {p11_sign, p11_public_point, p11_close};

/* --- opening ----------------------------------------------------------------------------------- */

static struct key_pkcs11 *make(void)
{
	struct key_pkcs11 *k = calloc(1, sizeof *k);

	if (!k || pthread_mutex_init(&k->lock, NULL)) {
		free(k);
		return NULL;
	}
	if (monotonic_cond_init(&k->given_back)) {
		(void)pthread_mutex_destroy(&k->lock);
		free(k);
		return NULL;
	}
	k->base.ops = &p11_ops;
	return k;
}

/* The URI up to its query, where a PIN might be. */
static void set_name(struct key_pkcs11 *k, const char *uri)
{
	size_t n = strcspn(uri, "?"), i;

	if (n >= sizeof k->name)
		n = sizeof k->name - 1;
	for (i = 0; i < n; i++)
		k->name[i] = (char)(uri[i] > 0x20 && uri[i] < 0x7F ? uri[i] : '?');
	k->name[n] = '\0';
}

static int read_uri(struct key_pkcs11 *k, const char *uri, struct err *e)
{
	const CK_ATTRIBUTE *class;
	int rc;

	set_name(k, uri);
	k->uri = p11_kit_uri_new();
	if (!k->uri)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", k->name);
	rc = p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, k->uri);
	if (rc != P11_KIT_URI_OK)
		return err_set(e, ERR_CONFIG, "%s: is no PKCS #11 URI (RFC 7512): %s; write for example pkcs11:token=mms;object=stir?module-path=/usr/lib/softhsm/libsofthsm2.so",
			       k->name, p11_kit_uri_message(rc));
	if (p11_kit_uri_any_unrecognized(k->uri))
		return err_set(e, ERR_CONFIG, "%s: there is a word in it that no PKCS #11 URI has (RFC 7512); of the key it may name token, serial, manufacturer, model, "
			       "slot-id, object and id", k->name);
	class = p11_kit_uri_get_attribute(k->uri, CKA_CLASS);
	if (class && (class->ulValueLen != sizeof(CK_OBJECT_CLASS) || memcmp(class->pValue, &(CK_OBJECT_CLASS){CKO_PRIVATE_KEY}, sizeof(CK_OBJECT_CLASS)) != 0))
		return err_set(e, ERR_CONFIG, "%s: names something else than a private key; write type=private, or leave it out", k->name);
	return 0;
}

static int load_path(struct key_pkcs11 *k, const char *path, struct err *e)
{
	CK_RV rv;

	if (path[0] != '/')
		return err_set(e, ERR_CONFIG, "%s: module-path=%s: write the whole path of the module, from / on", k->name, path);
	k->own[0] = p11_kit_module_load(path, 0);
	if (!k->own[0]) {
		const char *why = p11_kit_message();

		return err_set(e, ERR_CONFIG, "%s: the module %s can't be loaded: %s", k->name, path, why ? why : "no reason is given");
	}
	rv = p11_kit_module_initialize(k->own[0]);
	if (rv != CKR_OK) {
		p11_kit_module_release(k->own[0]);
		k->own[0] = NULL;
		return key_pkcs11_failed(e, path, "the module can't be started", rv);
	}
	k->loaded = OWN;
	k->modules = k->own;
	return 0;
}

/* Only that one of the registered is left in the list; the others are let go of. */
static int choose_named(struct key_pkcs11 *k, const char *wanted, struct err *e)
{
	CK_FUNCTION_LIST *m = p11_kit_module_for_name(k->modules, wanted);

	if (!m)
		return err_set(e, ERR_CONFIG, "%s: no module called %s is registered with p11-kit; 'p11-kit list-modules' lists them, and module-path= needs no registration",
			       k->name, wanted);
	for (size_t i = 0; k->modules[i]; i++) {
		if (k->modules[i] == m)
			continue;
		(void)p11_kit_module_finalize(k->modules[i]);
		p11_kit_module_release(k->modules[i]);
	}
	k->modules[0] = m;
	k->modules[1] = NULL;
	return 0;
}

static int load(struct key_pkcs11 *k, struct err *e)
{
	const char *path = p11_kit_uri_get_module_path(k->uri), *name = p11_kit_uri_get_module_name(k->uri);

	if (path)
		return load_path(k, path, e);
	k->modules = p11_kit_modules_load_and_initialize(0);
	if (!k->modules) {
		const char *why = p11_kit_message();

		return err_set(e, ERR_UNAVAILABLE, "%s: p11-kit can't start its modules: %s", k->name, why ? why : "no reason is given");
	}
	k->loaded = REGISTERED;
	return name ? choose_named(k, name, e) : 0;
}

static int open_key(struct key_pkcs11 *k, const char *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct err *e)
{
	int rc;

	if (read_uri(k, uri, e) || key_pkcs11_pin_read(k->uri, pin_file, reader, require_safe, &k->pin, e) || (!k->modules && load(k, e)))
		return -1;
	pthread_mutex_lock(&k->lock);
	rc = next_generation(k, e);
	pthread_mutex_unlock(&k->lock);
	return rc;
}

int key_pkcs11_open_in(CK_FUNCTION_LIST **modules, const char *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct key **out, struct err *e)
{
	struct key_pkcs11 *k = make();

	*out = NULL;
	if (!k)
		return err_set(e, ERR_UNAVAILABLE, "no memory for a key");
	k->modules = modules;
	if (open_key(k, uri, pin_file, reader, require_safe, e)) {
		p11_close(&k->base);
		return -1;
	}
	*out = &k->base;
	return 0;
}

int key_pkcs11_open(const char *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct key **out, struct err *e)
{
	return key_pkcs11_open_in(NULL, uri, pin_file, reader, require_safe, out, e);
}

#endif
