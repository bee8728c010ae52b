/*
 * One configuration, opened.  Puts together what the settings name and hands
 * each message to the signer or the verifier; what either found becomes a
 * verdict with edits.
 *
 * Doesn't know which front end runs it, and changes no message itself.
 */
#include "config.h"

#include "engine/engine.h"

#include <grp.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "core/authres.h"
#include "core/identity.h"
#include "core/keys/key_pem.h"
#include "engine/fetch_dir.h"
#include "engine/file.h"

#define POLICY_FIELD "X-STIR-Policy"
#define RESULT_FIELD "Authentication-Results"

struct engine {
	atomic_uint refs;
	struct settings settings;
	struct numberplan *plan; /* or NULL */
	/* signing; key is NULL when this engine doesn't */
	struct key *key;
	struct cert_chain *chain;
	struct sign_params sign;
	/* verifying; trust is NULL when this engine doesn't */
	struct trust *trust;
	struct fetch *fetch;
	struct certcache *certs;
	struct verify_params verify;
};

void engine_global_init(void)
{
	/* Threads may still use OpenSSL while the process ends. */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	address_init();
	msgi_init();
	/* Seeded once: jansson would otherwise do it in whichever thread comes first. */
	json_object_seed(0);
}

/* --- opening ---------------------------------------------------------------- */

static int open_plan(struct engine *g, struct err *e)
{
	const char *path = g->settings.number_plan;
	struct buf text;
	int rc;

	if (!path)
		return 0;
	buf_init(&text, LIMIT_TABLE_BYTES);
	rc = file_read(path, LIMIT_TABLE_BYTES, &text, e);
	if (rc == 0)
		rc = numberplan_parse(path, buf_span(&text), &g->plan, e);
	buf_free(&text);
	return rc;
}

static int open_chain(struct engine *g, struct err *e)
{
	const char *path = g->settings.certificate_file;
	struct err why;
	struct buf pem;
	int rc;

	err_clear(&why);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	rc = file_read(path, LIMIT_CHAIN_BYTES, &pem, e);
	if (rc == 0 && cert_chain_parse(buf_span(&pem), &g->chain, &why) != STIR_OK)
		rc = err_set(e, ERR_CONFIG, "%s: not a chain that may sign PASSporTs: %s", path, why.text);
	buf_free(&pem);
	return rc;
}

/* A key that isn't the certificate's would make tokens nobody can verify. */
static int check_pair(struct engine *g, struct err *e)
{
	unsigned char ours[65], theirs[65];

	if (key_public_point(g->key, ours, e))
		return -1;
	cert_chain_point(g->chain, theirs);
	if (memcmp(ours, theirs, sizeof ours) != 0)
		return err_set(e, ERR_CONFIG, "%s is not the key of the first certificate in %s", g->settings.key_file, g->settings.certificate_file);
	return 0;
}

/*
 * A daemon that starts as root and becomes UserID must be able to read its key
 * again at a reload: that user's group may read the file.
 */
static gid_t future_group(const struct settings *s)
{
	const char *colon = s->user_id ? strchr(s->user_id, ':') : NULL;
	const struct passwd *pw;
	const struct group *gr;
	gid_t gid = KEY_PEM_NO_GROUP;

	if (!s->user_id || geteuid() != 0)
		return gid;
	if (colon) {
		gr = getgrnam(colon + 1);
		return gr ? gr->gr_gid : gid;
	}
	pw = getpwnam(s->user_id);
	return pw ? pw->pw_gid : gid;
}

static int open_signer(struct engine *g, struct err *e)
{
	const struct settings *s = &g->settings;

	if (!s->key_file)
		return 0;
	if (open_chain(g, e) || key_pem_open(s->key_file, s->require_safe_keys, future_group(s), &g->key, e) || check_pair(g, e))
		return -1;
	g->sign = (struct sign_params){
		.key = g->key,
		.chain = g->chain,
		.x5u = span_cstr(s->certificate_url),
		.alg = (enum msgi_alg)s->digest,
		.content_digest = s->sign_content_digest,
		.unsafe = (enum sign_unsafe)s->unsafe_body,
	};
	return 0;
}

static int open_trust(struct engine *g, struct err *e)
{
	const struct settings *s = &g->settings;
	struct buf pem;
	int rc;

	buf_init(&pem, LIMIT_ANCHOR_BYTES);
	rc = file_read(s->trust_anchors, LIMIT_ANCHOR_BYTES, &pem, e);
	if (rc == 0)
		rc = trust_open(s->trust_anchors, buf_span(&pem), &g->trust, e);
	if (rc == 0 && s->revocation_list) {
		buf_reset(&pem);
		rc = file_read(s->revocation_list, LIMIT_ANCHOR_BYTES, &pem, e);
		if (rc == 0)
			rc = trust_add_crls(g->trust, s->revocation_list, buf_span(&pem), e);
	}
	buf_free(&pem);
	return rc;
}

static int open_verifier(struct engine *g, struct err *e)
{
	const struct settings *s = &g->settings;

	if (!s->trust_anchors)
		return 0;
	if (open_trust(g, e) || fetch_dir_open(s->certificate_dir, &g->fetch, e))
		return -1;
	g->certs = certcache_new(g->fetch, g->trust, LIMIT_CERTCACHE_ENTRIES, s->certificate_ttl_s);
	if (!g->certs)
		return err_set(e, ERR_UNAVAILABLE, "no memory for the certificate cache");
	g->verify = (struct verify_params){
		.certs = g->certs,
		.trust = g->trust,
		.max_age_s = s->max_age_s,
		.max_skew_s = s->max_skew_s,
		.fetch_wait_ms = s->fetch_wait_ms,
		.dest_any = s->dest_cover != 0,
		.require_msgi = s->require_msgi,
		.hard_revocation = s->revocation_policy != 0,
		.authority = (enum verify_authority)s->authority,
		.content = (enum verify_content)s->content_digest,
	};
	return 0;
}

int engine_open(struct settings *s, struct engine **out, struct err *e)
{
	struct engine *g = calloc(1, sizeof *g);

	*out = NULL;
	if (!g) {
		settings_free(s);
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	atomic_init(&g->refs, 1);
	g->settings = *s;
	memset(s, 0, sizeof *s);
	if (open_plan(g, e) || open_signer(g, e) || open_verifier(g, e)) {
		engine_unref(g);
		return -1;
	}
	*out = g;
	return 0;
}

struct engine *engine_ref(struct engine *g)
{
	atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
	return g;
}

void engine_unref(struct engine *g)
{
	if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
		return;
	certcache_free(g->certs);
	fetch_close(g->fetch);
	trust_free(g->trust);
	key_close(g->key);
	cert_chain_unref(g->chain);
	numberplan_free(g->plan);
	settings_free(&g->settings);
	free(g);
}

const struct settings *engine_settings(const struct engine *g)
{
	return &g->settings;
}

const struct numberplan *engine_numberplan(const struct engine *g)
{
	return g->plan;
}

void engine_advice(const struct engine *g, int64_t now, struct buf *out)
{
	int64_t from, until;

	const struct settings *s = &g->settings;

	if (!g->chain)
		return;
	if (s->mode != SETTINGS_MODE_V && !s->sign_listeners.n && !cidr_count(s->internal_hosts) && !s->sign_authenticated) {
		buf_puts(out, "a key is configured, but nobody's mail is to be signed: set MTA, InternalHosts or SignAuthenticated");
		return;
	}
	cert_chain_validity(g->chain, &from, &until);
	if (now < from)
		buf_printf(out, "%s is not valid yet: nothing is signed until then", g->settings.certificate_file);
	else if (now > until)
		buf_printf(out, "%s has expired: nothing is signed until it is renewed", g->settings.certificate_file);
}

/* --- one message ------------------------------------------------------------ */

int transaction_init(struct transaction *t)
{
	memset(t, 0, sizeof *t);
	t->arena = arena_new(LIMIT_MESSAGE_ARENA);
	if (!t->arena)
		return -1;
	message_init(&t->message, t->arena);
	return 0;
}

void transaction_free(struct transaction *t)
{
	if (!t->arena)
		return;
	message_reset(&t->message);
	arena_free(t->arena);
	memset(t, 0, sizeof *t);
}

void transaction_begin(struct transaction *t, const struct engine *g, const struct mms_client *client)
{
	struct arena *a = t->arena;

	message_reset(&t->message);
	memset(t, 0, sizeof *t);
	t->arena = a;
	message_init(&t->message, a);
	message_begin(&t->message, client, g->plan, g->settings.maximum_headers);
	message_watch(&t->message, RESULT_FIELD);
	message_watch(&t->message, POLICY_FIELD);
	verdict_init(&t->verdict);
}

/* Ordinary mail passes untouched (profile.md Q17). */
static bool verify_concerns(const struct transaction *t)
{
	const struct mms_message *m = &t->message;

	if (t->forced || message_field_count(m, "Identity") || m->from.kind == PARTY_TN)
		return true;
	for (size_t i = 0; i < m->nrcpt; i++)
		if (m->rcpt[i].party.kind == PARTY_TN)
			return true;
	return m->over_limit || span_is(span_cstr(t->why), "listener");
}

static void begin_sign(struct engine *g, struct transaction *t)
{
	t->sign_begun = g->key ? sign_begin(&g->sign, &t->message) : SIGN_KEY_FAILED;
	t->scope = t->sign_begun == SIGN_SIGNED ? ENGINE_IN_SCOPE : ENGINE_OUT_OF_SCOPE;
}

static void begin_verify(struct engine *g, struct transaction *t)
{
	t->scope = verify_concerns(t) ? ENGINE_IN_SCOPE : ENGINE_OUT_OF_SCOPE;
	if (t->scope == ENGINE_IN_SCOPE && g->trust)
		t->verify = verify_begin(&g->verify, &t->message);
}

void engine_headers(struct engine *g, struct transaction *t)
{
	message_end_headers(&t->message);
	if (t->forced)
		t->why = "command-line";
	else
		t->direction = direction_of(&g->settings, t->message.client, &t->why);
	if (t->direction == DIRECTION_SIGN)
		begin_sign(g, t);
	else if (t->direction == DIRECTION_VERIFY)
		begin_verify(g, t);
}

static struct span our_name(const struct engine *g, const struct transaction *t)
{
	return g->settings.authserv_id ? span_cstr(g->settings.authserv_id) : t->mta_name;
}

/* Is the nth field of that name one that only we may write? */
static bool is_forged(const struct header_field *f, struct span me)
{
	/* Seen only in part: better gone than trusted. */
	if (f->cut)
		return true;
	return span_caseis(f->name, POLICY_FIELD) || authres_is_claim(f->value, me);
}

/*
 * From the last field to the first, so that the numbers of those still to go
 * stay right.  Fields beyond what was kept of the header were the last ones.
 */
static int delete_forged(struct transaction *t, const char *name, struct span me)
{
	const struct mms_message *m = &t->message;
	size_t nth = message_watched(m, name), kept = message_field_count(m, name);

	for (; nth > kept; nth--)
		if (verdict_delete(&t->verdict, t->arena, span_cstr(name), (unsigned)nth))
			return -1;
	for (size_t i = m->nfield; i-- > 0 && nth > 0;) {
		if (!span_caseis(m->field[i].name, name))
			continue;
		if (is_forged(&m->field[i], me) && verdict_delete(&t->verdict, t->arena, span_cstr(name), (unsigned)nth))
			return -1;
		nth--;
	}
	return 0;
}

/*
 * A flood of fields that pretend to be ours must not leave us without the memory
 * to delete them and to put ours on top.
 */
static void make_room(struct transaction *t)
{
	size_t n = message_watched(&t->message, RESULT_FIELD) + message_watched(&t->message, POLICY_FIELD);

	if (n > 8 || arena_overflowed(t->arena))
		arena_spare(t->arena, LIMIT_VERDICT_SPARE);
	if (verdict_reserve(&t->verdict, t->arena, (n < LIMIT_DELETIONS ? n : LIMIT_DELETIONS) + 1))
		t->edits_incomplete = true;
}

/* The one refusal nobody has to ask for: letting it through would vouch for a forgery. */
static bool refuse_flood(struct transaction *t)
{
	if (message_watched(&t->message, RESULT_FIELD) + message_watched(&t->message, POLICY_FIELD) <= LIMIT_DELETIONS)
		return false;
	t->verdict.action = VERDICT_REJECT;
	t->verdict.reply_code = "550";
	t->verdict.reply_xcode = "5.7.1";
	t->verdict.reply_text = span_cstr("too many Authentication-Results fields");
	return true;
}

static void insert_result(struct transaction *t, struct span me)
{
	struct buf value;

	buf_init(&value, 2 * LIMIT_RESULT_FIELD);
	authres_write(&value, me, &t->result);
	if (value.failed || verdict_insert(&t->verdict, t->arena, span_cstr(RESULT_FIELD), buf_span(&value)))
		t->edits_incomplete = true;
	buf_free(&value);
}

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void finish_verify(struct engine *g, struct transaction *t, int64_t now)
{
	struct span me = our_name(g, t);

	if (t->scope == ENGINE_IN_SCOPE)
		verify_finish(t->verify, &t->message, now, monotonic_ms(), &t->result);
	if (refuse_flood(t))
		return;
	make_room(t);
	if (delete_forged(t, RESULT_FIELD, me) || delete_forged(t, POLICY_FIELD, me))
		t->edits_incomplete = true;
	if (t->scope == ENGINE_IN_SCOPE)
		insert_result(t, me);
}

static void insert_identity(struct transaction *t)
{
	struct buf value;

	buf_init(&value, 2 * LIMIT_IDENTITY_BYTES);
	identity_fold(&value, t->sign.value);
	if (value.failed || verdict_insert(&t->verdict, t->arena, span_cstr("Identity"), buf_span(&value)))
		t->edits_incomplete = true;
	buf_free(&value);
}

static void finish_sign(struct engine *g, struct transaction *t, int64_t now)
{
	t->sign.outcome = t->sign_begun;
	if (t->sign_begun == SIGN_SIGNED)
		sign_finish(&g->sign, &t->message, now, &t->sign);
	if (sign_outcome_ok(t->sign.outcome))
		insert_identity(t);
	if (t->sign.outcome == SIGN_UNSAFE) {
		t->verdict.action = VERDICT_REJECT;
		t->verdict.reply_code = "550";
		t->verdict.reply_xcode = "5.6.0";
		t->verdict.reply_text = span_cstr("message body can not be signed so that it survives the way");
	}
}

void engine_finish(struct engine *g, struct transaction *t, int64_t now)
{
	message_end(&t->message);
	if (t->direction == DIRECTION_SIGN)
		finish_sign(g, t, now);
	else if (t->direction == DIRECTION_VERIFY)
		finish_verify(g, t, now);
	if (t->verdict.action == VERDICT_ACCEPT && t->verdict.nedit)
		t->verdict.action = VERDICT_TAG;
	t->verdict.would = t->verdict.action;
}
