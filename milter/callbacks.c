/*
 * libmilter's calls into those of a session: arguments in, one call, status out.
 *
 * No envelope, header or body callback has an opinion, so we ask for no reply
 * to them; libmilter answers in our place where the MTA insists.  SMFIS_ACCEPT
 * is never returned: Postfix let it leak into the next message of a session.
 *
 * The private pointer may be NULL anywhere (probes that connect and hang up, no
 * memory, Sendmail's second connection after QUIT_NC).
 */
#include "config.h"

#include "milter/callbacks.h"

#include <ctype.h>
#include <libmilter/mfapi.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/limits.h"
#include "core/log.h"
#include "milter/apply.h"
#include "milter/nudge.h"
#include "milter/reload.h"
#include "milter/session.h"

/* Without these there is nothing we can do; without those a policy gets something milder. */
#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS)
#define MORE_ACTIONS (SMFIF_QUARANTINE | SMFIF_ADDRCPT | SMFIF_DELRCPT)
#define SKIPPED_STEPS (SMFIP_NODATA | SMFIP_NOUNKNOWN)
#define NO_REPLY (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

static char *macro(SMFICTX *ctx, const char *name)
{
	char buffer[32];

	/* libmilter's parameter is not const. */
	if (strlen(name) >= sizeof buffer)
		return NULL;
	memcpy(buffer, name, strlen(name) + 1);
	return smfi_getsymval(ctx, buffer);
}

static void ask_macros(SMFICTX *ctx, int stage, const char *names)
{
	char buffer[256];

	/* Failing, we'd get the MTA's usual ones, which do as well. */
	if (strlen(names) >= sizeof buffer)
		return;
	memcpy(buffer, names, strlen(names) + 1);
	(void)smfi_setsymlist(ctx, stage, buffer);
}

/* What isn't asked for isn't sent: Postfix puts macros in front of every recipient and field. */
static void ask_all_macros(SMFICTX *ctx)
{
	/* Sendmail alone has {if_name}: see login_name(). */
	ask_macros(ctx, SMFIM_CONNECT, "j {daemon_name} {if_name}");
	ask_macros(ctx, SMFIM_HELO, "");
	/* The address always comes, so that the set of the message before is replaced. */
	ask_macros(ctx, SMFIM_ENVFROM, "{auth_authen} {mail_addr} {verify} {tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer} {cn_subject} {cn_issuer}");
	ask_macros(ctx, SMFIM_ENVRCPT, "");
	ask_macros(ctx, SMFIM_DATA, "");
	ask_macros(ctx, SMFIM_EOH, "");
	/* Postfix has no queue id before the second recipient. */
	ask_macros(ctx, SMFIM_EOM, "i");
}

/* What an MTA said last: a connection after Sendmail's QUIT_NC negotiates nothing. */
static atomic_uint cannot_last;

static unsigned cannot_of(unsigned long actions)
{
	unsigned cannot = 0;

	if (!(actions & SMFIF_QUARANTINE))
		cannot |= 1u << VERDICT_QUARANTINE;
	if ((~actions & (SMFIF_ADDRCPT | SMFIF_DELRCPT)) != 0)
		cannot |= 1u << VERDICT_REDIRECT;
	return cannot;
}

/* In the log once, however many connections there are. */
static void note_cannot(unsigned cannot)
{
	static atomic_bool said;

	atomic_store(&cannot_last, cannot);
	if (!cannot || atomic_exchange(&said, true))
		return;
	log_warn("the MTA does not let us%s%s%s: a policy that says so gets the next milder action",
		 cannot & 1u << VERDICT_QUARANTINE ? " quarantine" : "", cannot == (1u << VERDICT_QUARANTINE | 1u << VERDICT_REDIRECT) ? " or" : "",
		 cannot & 1u << VERDICT_REDIRECT ? " redirect" : "");
}

static struct session *session_of(SMFICTX *ctx)
{
	return (struct session *)smfi_getpriv(ctx);
}

/* That of this connection, made when there is none yet. NULL without memory. */
static struct session *session_needed(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	if (s)
		return s;
	s = session_new();
	if (s && smfi_setpriv(ctx, s) != MI_SUCCESS) {
		session_free(s);
		s = NULL;
	}
	if (!s) {
		log_error("no memory for a connection");
		return NULL;
	}
	s->cannot = atomic_load(&cannot_last);
	nudge_wake();
	return s;
}

/*
 * What the MTA needn't send: one command less is five system calls less.  A policy
 * that asks for HELO from a reload on gets it of the connections that come then.
 * An MTA that isn't asked for its macros sends those of TLS with HELO, or not at all.
 */
static unsigned long steps_without(unsigned long offered, bool asks_macros)
{
	unsigned long skip = offered & SKIPPED_STEPS;
	struct engine *g = reload_engine();

	if (asks_macros && g && !engine_wants_helo(g))
		skip |= offered & SMFIP_NOHELO;
	engine_unref(g);
	return skip;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
			     unsigned long *want_actions, unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
	struct session *s;

	(void)f2;
	(void)f3;
	if ((actions & ACTIONS) != ACTIONS) {
		log_error("the MTA does not let us add and delete header fields; connection refused");
		return SMFIS_REJECT;
	}
	note_cannot(cannot_of(actions));
	/* Another MTA may negotiate before this one connects. */
	s = session_needed(ctx);
	if (s)
		s->cannot = cannot_of(actions);
	*want_actions = ACTIONS | (actions & (MORE_ACTIONS | SMFIF_SETSYMLIST));
	*want_steps = steps_without(steps, actions & SMFIF_SETSYMLIST) | NO_REPLY;
	*want_f2 = 0;
	*want_f3 = 0;
	if (actions & SMFIF_SETSYMLIST)
		ask_all_macros(ctx);
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *addr)
{
	struct session *s = session_needed(ctx);

	if (s)
		session_connect(s, name, addr, macro(ctx, "{daemon_name}"), macro(ctx, "j"));
	return SMFIS_NOREPLY;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	struct session *s = session_needed(ctx);

	if (s)
		session_helo(s, name);
	return SMFIS_NOREPLY;
}

/* Sendmail writes a blank and other odd octets of a name as "+20". NULL for what is no name or does not fit. */
static const char *plain_name(const char *in, char *out, size_t room)
{
	size_t n = 0;

	while (*in && n + 1 < room) {
		char hex[3] = "";

		if (in[0] == '+' && isxdigit((unsigned char)in[1]) && isxdigit((unsigned char)in[2])) {
			memcpy(hex, in + 1, 2);
			in += 2;
		}
		in++;
		out[n] = hex[0] ? (char)strtoul(hex, NULL, 16) : in[-1];
		if (out[n++] == '\0')
			return NULL;
	}
	out[n] = '\0';
	return *in ? NULL : out;
}

/* As long as session.c keeps any. */
enum { NAME_ROOM = 1025 };

/*
 * The common name of a verified certificate's subject or issuer: {cert_subject} of
 * Postfix, which names nobody else; {cn_subject} of Sendmail, which names whoever
 * the certificate names, and says in {verify} whether that is true.  Its
 * {cert_subject} is the whole name ("/O=Partner/CN=mm4.partner.example"), and comes
 * without {verify} from one that does not ask us which macros we want.
 */
static const char *common_name(SMFICTX *ctx, const char *sendmail, const char *postfix, char *room)
{
	const char *name = macro(ctx, sendmail), *verify = macro(ctx, "{verify}");
	bool verified = verify && strcmp(verify, "OK") == 0;

	if (name)
		return verified ? plain_name(name, room, NAME_ROOM) : NULL;
	name = macro(ctx, postfix);
	return name && name[0] != '/' && (verified || !verify) ? name : NULL;
}

/* Who authenticated: Postfix says it as it is, and there "a+20b" is another account than "a b". */
static const char *login_name(SMFICTX *ctx, char *room)
{
	const char *name = macro(ctx, "{auth_authen}");

	return name && macro(ctx, "{if_name}") ? plain_name(name, room, NAME_ROOM) : name;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	struct session *s = session_needed(ctx);
	char user[NAME_ROOM], subject[NAME_ROOM], issuer[NAME_ROOM];
	const struct session_login login = {
		.auth_user = login_name(ctx, user),
		.tls_version = macro(ctx, "{tls_version}"),
		.tls_cipher = macro(ctx, "{cipher}"),
		.tls_bits = macro(ctx, "{cipher_bits}"),
		.tls_subject = common_name(ctx, "{cn_subject}", "{cert_subject}", subject),
		.tls_issuer = common_name(ctx, "{cn_issuer}", "{cert_issuer}", issuer),
	};

	if (s && session_mail(s, argv ? argv[0] : NULL, &login))
		log_about(LOG_LEVEL_ERROR, span_cstr(NULL), session_id(s), "no memory for a message, or stopping");
	return SMFIS_NOREPLY;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *s = session_of(ctx);

	if (s && argv)
		session_rcpt(s, argv[0]);
	return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = session_of(ctx);

	if (s)
		session_header(s, name, value);
	return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	if (s)
		session_eoh(s);
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	struct session *s = session_of(ctx);

	if (s)
		session_body(s, p, n);
	return SMFIS_NOREPLY;
}

static void log_message(const struct session *s, const char *queue_id)
{
	struct buf line;

	buf_init(&line, LIMIT_LOG_JSON);
	if (log_is_json())
		engine_log_json(&line, s->engine, &s->t, span_cstr(queue_id));
	else
		engine_log_line(&line, s->engine, &s->t, span_cstr(queue_id));
	if (line.failed || !line.n)
		log_about(LOG_LEVEL_ERROR, span_cstr(queue_id), session_id(s), "no memory for the line about this message");
	else if (log_is_json())
		log_object(LOG_LEVEL_INFO, buf_span(&line));
	else
		log_info("%.*s", SPAN_ARG(buf_span(&line)));
	buf_free(&line);
}

static void record_message(const struct session *s, const char *queue_id, int64_t now)
{
	struct err e;

	err_clear(&e);
	if (engine_record(s->engine, &s->t, span_cstr(queue_id), now, &e))
		log_error("%s", e.text);
	err_clear(&e);
	if (engine_evidence(s->engine, &s->t, span_cstr(queue_id), now, &e))
		log_error("%s", e.text);
}

static void count_unseen(void)
{
	struct metrics *m = reload_metrics();

	if (m)
		metrics_count(m, METRICS_UNSEEN, 0, 0);
}

static sfsistat on_eom(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);
	const char *queue_id = macro(ctx, "i");
	int64_t now = (int64_t)time(NULL);
	sfsistat status;

	if (!queue_id)
		queue_id = "NOQUEUE";
	/* Not looked at (no memory, or stopping): it can't be marked, and a forged result would go on unseen. */
	if (!s || !session_in_message(s)) {
		log_about(LOG_LEVEL_ERROR, span_cstr(queue_id), s ? session_id(s) : span_cstr(NULL), "a message that was not looked at: no memory for it, or stopping; the client is asked to try again");
		count_unseen();
		return SMFIS_TEMPFAIL;
	}
	session_eom(s, queue_id, now);
	status = apply_verdict(ctx, &s->t, queue_id);
	log_message(s, queue_id);
	record_message(s, queue_id, now);
	session_end(s);
	return status;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	if (s)
		session_end(s);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	session_free(session_of(ctx));
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

int callbacks_register(struct err *e)
{
	static char name[] = "stir-milter";
	struct smfiDesc d = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS | MORE_ACTIONS,
		.xxfi_negotiate = on_negotiate,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
	};

	if (smfi_register(d) != MI_SUCCESS)
		return err_set(e, ERR_UNAVAILABLE, "libmilter does not take our callbacks");
	return 0;
}
