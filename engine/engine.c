/*
 * One configuration, opened.  Puts together what the settings name; what is done
 * with a message is in engine_message.c.
 *
 * Doesn't know which front end runs it.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "core/keys/key_pem.h"
#include "core/keys/key_pkcs11.h"
#include "engine/file.h"

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
gid_t engine_future_group(const struct settings *s)
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

static int open_key(const struct settings *s, struct key **out, struct err *e)
{
	gid_t group = engine_future_group(s);

	if (key_pkcs11_is_uri(span_cstr(s->key_file)))
		return key_pkcs11_open(s->key_file, s->key_pin_file, group, s->require_safe_keys, out, e);
	return key_pem_open(s->key_file, s->require_safe_keys, group, out, e);
}

static int open_signer(struct engine *g, struct err *e)
{
	const struct settings *s = &g->settings;

	if (!s->key_file)
		return 0;
	if (open_chain(g, e) || open_key(s, &g->key, e) || check_pair(g, e))
		return -1;
	g->sign = (struct sign_params){
		.key = g->key,
		.chain = g->chain,
		.x5u = span_cstr(s->certificate_url),
		.alg = (enum msgi_alg)s->digest,
		.content_digest = s->sign_content_digest,
		.unsafe = (enum sign_unsafe)s->unsafe_body,
		.divert = s->sign_diversions,
	};
	return 0;
}

static int open_all(struct settings *s, const struct engine *old, struct engine **out, struct source_report *report, struct err *e)
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
	if (open_plan(g, e) || open_signer(g, e) || engine_verify_open(g, old, e) || engine_policy_open(g, old, report, e) ||
	    (old && engine_verify_begin(g, old, false, e))) {
		engine_unref(g);
		return -1;
	}
	*out = g;
	return 0;
}

int engine_reopen(struct settings *s, struct engine *old, struct engine **out, struct err *e)
{
	struct source_report report;
	int rc;

	source_report_init(&report);
	rc = open_all(s, old, out, &report, e);
	source_report_free(&report);
	return rc;
}

int engine_open(struct settings *s, struct engine **out, struct err *e)
{
	return engine_reopen(s, NULL, out, e);
}

int engine_begin(struct engine *g, bool in_private, struct err *e)
{
	return engine_verify_begin(g, NULL, in_private, e);
}

int engine_open_saying(struct settings *s, struct engine **out, struct buf *said, struct err *e)
{
	struct source_report report;
	size_t failed = 0, ran = 0;
	int rc;

	source_report_init(&report);
	rc = open_all(s, NULL, out, &report, e);
	if (rc == 0 && (*out)->policy)
		failed = policy_test((*out)->policy, &report, &ran);
	if (failed) {
		rc = err_set(e, ERR_CONFIG, "%s: %zu of its %zu tests failed", (*out)->settings.policy, failed, ran);
		engine_unref(*out);
		*out = NULL;
	}
	(void)buf_put_span(said, buf_span(&report.text));
	source_report_free(&report);
	return rc;
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
	engine_policy_close(g);
	engine_verify_close(g);
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

static void advise_signer(const struct engine *g, int64_t now, struct buf *out)
{
	const struct settings *s = &g->settings;
	int64_t from, until;

	if (!g->chain)
		return;
	if (s->mode != SETTINGS_MODE_V && !s->sign_listeners.n && !cidr_count(s->internal_hosts) && !s->sign_authenticated) {
		buf_puts(out, "a key is configured, but nobody's mail is to be signed: set MTA, InternalHosts or SignAuthenticated\n");
		return;
	}
	cert_chain_validity(g->chain, &from, &until);
	if (now < from)
		buf_printf(out, "%s is not valid yet: nothing is signed until then\n", g->settings.certificate_file);
	else if (now > until)
		buf_printf(out, "%s has expired: nothing is signed until it is renewed\n", g->settings.certificate_file);
}

void engine_advice(const struct engine *g, int64_t now, struct buf *out)
{
	advise_signer(g, now, out);
	engine_verify_advice(g, out);
	engine_policy_advice(g, out);
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
	message_watch(&t->message, ENGINE_RESULT_FIELD);
	message_watch(&t->message, ENGINE_POLICY_FIELD);
	/* A rule about a sender must not be escaped by rubbish in front of his name. */
	message_watch(&t->message, "From");
	verdict_init(&t->verdict);
}
