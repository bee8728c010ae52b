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
#include "engine/background.h"
#include "engine/clock.h"
#include "engine/file.h"

/* From when on a certificate's end is spoken of at each start. */
enum { ENGINE_ADVISE_DAYS = 14 };

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

/*
 * A daemon that starts as root and becomes UserID must be able to read its key
 * again at a reload, and root checks (-n) for one that systemd starts as UserID:
 * that user may own the file, and that user's group may read it.
 */
struct key_reader engine_future_reader(const struct settings *s)
{
	const char *colon = s->user_id ? strchr(s->user_id, ':') : NULL;
	struct key_reader reader = KEY_READER_SELF;
	const struct passwd *pw;
	const struct group *gr;
	char *user;

	if (!s->user_id || geteuid() != 0)
		return reader;
	user = colon ? strndup(s->user_id, (size_t)(colon - s->user_id)) : strdup(s->user_id);
	pw = user ? getpwnam(user) : NULL;
	free(user);
	if (pw) {
		reader.user = pw->pw_uid;
		reader.group = pw->pw_gid;
	}
	gr = colon ? getgrnam(colon + 1) : NULL;
	if (gr)
		reader.group = gr->gr_gid;
	return reader;
}

/*
 * A file is read once, but a token is asked for each signature: what root may do
 * with it says nothing of UserID.
 */
int engine_check_key(const struct engine *g, struct err *e)
{
	if (!g->signers || signers_try_tokens(g->signers, e) == 0)
		return 0;
	(void)err_prefix(e, "user %ld can not sign with this key (it is UserID who uses a token, and must be let to)", (long)geteuid());
	e->code = ERR_CONFIG;
	return -1;
}

/* A line whose numbers nobody's certificate covers would never sign anything. */
static int check_signing(const struct engine *g, const char *const *names, struct err *e)
{
	for (size_t i = 0; i < signingtable_count(g->signing); i++) {
		const struct tnauthlist *numbers;
		size_t line;
		int key;

		signingtable_at(g->signing, i, &numbers, &key, &line);
		if (numbers && key != SIGNINGTABLE_NONE && !signers_cover(g->signers, (size_t)key, numbers))
			return err_set(e, ERR_CONFIG, "%s:%zu: not all of these numbers are in a certificate of key %s", g->settings.signing_table, line, names[key]);
	}
	return 0;
}

static int read_signing(void *arg)
{
	const struct engine_opening *o = arg;
	struct engine *g = o->g;
	const char *path = g->settings.signing_table;
	const char *const *names;
	struct buf text;
	size_t n;
	int rc;

	n = signers_names(g->signers, &names);
	buf_init(&text, LIMIT_TABLE_BYTES);
	rc = file_read(path, LIMIT_TABLE_BYTES, &text, o->e);
	if (rc == 0)
		rc = signingtable_parse(path, buf_span(&text), names, n, &g->signing, o->e);
	buf_free(&text);
	return rc ? rc : check_signing(g, names, o->e);
}

static int open_signer(struct engine *g, const struct engine *old, struct err *e)
{
	struct engine_opening o = {g, NULL, e};

	if (signers_open(&g->settings, engine_future_reader(&g->settings), &g->signers, e))
		return -1;
	return g->settings.signing_table ? background_run(old != NULL, read_signing, &o) : 0;
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
	g->metrics = old ? metrics_ref(old->metrics) : metrics_new();
	if (!g->metrics) {
		engine_unref(g);
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	}
	if (engine_pseudonym_open(g, old, e) || open_plan(g, e) || open_signer(g, old, e) || engine_verify_open(g, old, e) || engine_policy_open(g, old, report, e) ||
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

bool engine_is_shared(const struct engine *g)
{
	return atomic_load_explicit(&g->refs, memory_order_acquire) > 1;
}

void engine_unref(struct engine *g)
{
	if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
		return;
	engine_policy_close(g);
	engine_verify_close(g);
	signingtable_free(g->signing);
	signers_free(g->signers);
	numberplan_free(g->plan);
	engine_pseudonym_close(g);
	metrics_unref(g->metrics);
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

static void advise_key(const struct engine *g, const struct signers_key *k, int64_t now, struct buf *out)
{
	int64_t from, until;

	cert_chain_validity(k->chain, &from, &until);
	/* The next one of a roll-over may wait for its time. */
	if (now < from && !g->settings.key_table)
		buf_printf(out, "%s is not valid yet: nothing is signed until then\n", k->certificate);
	else if (now > until)
		buf_printf(out, "%s has expired: nothing is signed until it is renewed\n", k->certificate);
	else if (now + g->settings.sign_margin_s > until)
		buf_printf(out, "%s ends within SignMargin: nothing is signed with it any more\n", k->certificate);
	else if (now + ENGINE_ADVISE_DAYS * INT64_C(86400) > until)
		buf_printf(out, "%s ends in %lld days: have it renewed\n", k->certificate, (long long)((until - now) / 86400));
}

/* Of a provider's numbers we know nothing: "certificate" is no bound then. One such line is said, not a thousand. */
static void advise_table(const struct engine *g, struct buf *out)
{
	const char *const *names;
	size_t n = g->signing ? signingtable_count(g->signing) : 0;

	(void)signers_names(g->signers, &names);
	for (size_t i = 0; i < n; i++) {
		const struct tnauthlist *numbers;
		size_t line;
		int key;

		signingtable_at(g->signing, i, &numbers, &key, &line);
		if (numbers || key == SIGNINGTABLE_NONE || !signers_name_provider(g->signers, (size_t)key))
			continue;
		buf_printf(out, "%s:%zu: a certificate of key %s names a provider, not its numbers: whom this line means may use any number at all; write the numbers instead of \"certificate\"\n",
			   g->settings.signing_table, line, names[key]);
		return;
	}
}

static void advise_signer(const struct engine *g, int64_t now, struct buf *out)
{
	const struct settings *s = &g->settings;
	struct signers_key k;

	if (!g->signers)
		return;
	if (s->mode != SETTINGS_MODE_V && !s->sign_listeners.n && !cidr_count(s->internal_hosts) && !s->sign_authenticated && !g->signing) {
		buf_puts(out, "a key is configured, but nobody's mail is to be signed: set MTA, InternalHosts or SignAuthenticated\n");
		return;
	}
	for (size_t i = 0; signers_at(g->signers, i, &k); i++)
		advise_key(g, &k, now, out);
	advise_table(g, out);
	if (s->require_clock_sync && !clock_is_synchronised())
		buf_puts(out, "the kernel does not say that the clock is synchronised: nothing is signed until it does (RequireClockSync)\n");
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
