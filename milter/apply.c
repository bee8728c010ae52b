/*
 * Verdict to smfi_*() calls: the edits in their order, then what is to become of
 * the message.
 *
 * Our own failure holds no mail back: the message goes on, and the log says what
 * is missing.  But where a forged result of ours would have to be deleted and
 * can't be, passing it on would vouch for it; and a message that is only half
 * held or redirected would reach whom it should not.  The client is then asked
 * to try again.
 */
#include "config.h"

#include "milter/apply.h"

#include <stdatomic.h>

#include "core/limits.h"
#include "core/log.h"

enum {
	/* libmilter's packet is 65535 octets, and holds name, value and index. */
	FIELD_MAX = 60000,
	REPLY_MAX = 400,
	ADDRESS_MAX = 4096 /* longer than a line of SMTP */
};

static atomic_ulong untaken;

unsigned long apply_untaken(void)
{
	return atomic_load(&untaken);
}

static bool name_fits(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':')
			return false;
	return name.n > 0;
}

/* LF only before a blank: anything else would end the field and start another. */
static bool value_fits(struct span value)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\0' || c == '\r')
			return false;
		if (c == '\n' && (i + 1 == value.n || (value.p[i + 1] != ' ' && value.p[i + 1] != '\t')))
			return false;
	}
	return true;
}

static bool edits_fit(const struct verdict *v)
{
	for (size_t i = 0; i < v->nedit; i++) {
		const struct edit *e = &v->edit[i];

		if (!name_fits(e->name) || !value_fits(e->value) || e->name.n + e->value.n > FIELD_MAX)
			return false;
		if (e->kind == EDIT_DELETE && (e->nth < 1 || e->nth > LIMIT_HEADER_BYTES))
			return false;
	}
	return true;
}

static int edit_one(SMFICTX *ctx, const struct edit *e, struct buf *name, struct buf *value)
{
	buf_reset(name);
	buf_reset(value);
	/* An empty value still needs its NUL. */
	if (buf_put_span(name, e->name) || buf_puts(value, "") || buf_put_span(value, e->value) || !value->p)
		return -1;
	if (e->kind == EDIT_DELETE)
		return smfi_chgheader(ctx, name->p, (int)e->nth, NULL) == MI_SUCCESS ? 0 : -1;
	return smfi_insheader(ctx, 0, name->p, value->p) == MI_SUCCESS ? 0 : -1;
}

/* All that can be made; -1 if one could not. */
static int edit_all(SMFICTX *ctx, const struct verdict *v)
{
	struct buf name, value;
	int rc = 0;

	buf_init(&name, FIELD_MAX);
	buf_init(&value, FIELD_MAX);
	for (size_t i = 0; i < v->nedit; i++)
		if (edit_one(ctx, &v->edit[i], &name, &value))
			rc = -1;
	buf_free(&name);
	buf_free(&value);
	return rc;
}

/* Reply texts are formats to the MTA: a lone '%' spoils them. */
static void put_text(struct buf *out, struct span text, bool reply)
{
	text = span_take(text, REPLY_MAX);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '%' && reply)
			(void)buf_puts(out, "%%");
		else
			(void)buf_putc(out, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
	}
}

static const char *code_or(const char *code, char class, const char *dflt)
{
	return code && code[0] == class ? code : dflt;
}

/* The MTA has words of its own when ours don't get through. */
static sfsistat reply(SMFICTX *ctx, const struct transaction *t, const char *qid)
{
	const struct verdict *v = &t->verdict;
	bool reject = v->action == VERDICT_REJECT;
	char class = reject ? '5' : '4';
	struct buf code, xcode, text;

	buf_init(&code, 16);
	buf_init(&xcode, 16);
	buf_init(&text, 2 * REPLY_MAX + 1);
	(void)buf_puts(&code, code_or(v->reply_code, class, reject ? "550" : "451"));
	(void)buf_puts(&xcode, code_or(v->reply_xcode, class, reject ? "5.7.1" : "4.7.1"));
	put_text(&text, v->reply_text.n ? v->reply_text : span_cstr("message refused by policy"), true);
	if (code.failed || xcode.failed || text.failed || smfi_setreply(ctx, code.p, xcode.p, text.p) != MI_SUCCESS) {
		atomic_fetch_add(&untaken, 1);
		log_about(LOG_LEVEL_WARN, span_cstr(qid), t->session_id, "the MTA's own reply text is used");
	}
	buf_free(&code);
	buf_free(&xcode);
	buf_free(&text);
	return reject ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static bool has_deletions(const struct verdict *v)
{
	for (size_t i = 0; i < v->nedit; i++)
		if (v->edit[i].kind == EDIT_DELETE)
			return true;
	return false;
}

static sfsistat missing(const struct transaction *t, const char *qid, const char *what)
{
	bool forged = has_deletions(&t->verdict);

	/* Those of which we had no memory for all edits are counted with their verdict. */
	if (!t->edits_incomplete)
		atomic_fetch_add(&untaken, 1);
	log_about(LOG_LEVEL_ERROR, span_cstr(qid), t->session_id, "%s; %s", what, forged ? "with a forged result in it the client is asked to try again" : "the message goes on without");
	return forged ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat edit(SMFICTX *ctx, const struct transaction *t, const char *queue_id)
{
	const struct verdict *v = &t->verdict;

	if (t->edits_incomplete)
		return missing(t, queue_id, "no memory for all header edits");
	if (!edits_fit(v))
		return missing(t, queue_id, "header edits that can't be made");
	if (edit_all(ctx, v))
		return missing(t, queue_id, "the MTA did not take a header edit");
	return SMFIS_CONTINUE;
}

/* The reason stands in the log of the MTA. */
static sfsistat hold(SMFICTX *ctx, const struct transaction *t, const char *queue_id)
{
	const struct verdict *v = &t->verdict;
	struct buf reason;
	int rc;

	buf_init(&reason, REPLY_MAX + 1);
	put_text(&reason, v->hold_reason.n ? v->hold_reason : span_cstr("STIR policy"), false);
	rc = reason.failed ? MI_FAILURE : smfi_quarantine(ctx, reason.p);
	buf_free(&reason);
	if (rc == MI_SUCCESS)
		return SMFIS_CONTINUE;
	atomic_fetch_add(&untaken, 1);
	log_about(LOG_LEVEL_ERROR, span_cstr(queue_id), t->session_id, "the MTA did not take a quarantine; the client is asked to try again");
	return SMFIS_TEMPFAIL;
}

/* "<address>"; -1 for what is none. */
static int put_address(struct buf *out, struct span addr)
{
	buf_reset(out);
	for (size_t i = 0; i < addr.n; i++)
		if ((unsigned char)addr.p[i] < ' ' || addr.p[i] == 0x7f)
			return -1;
	(void)buf_putc(out, '<');
	(void)buf_put_span(out, addr);
	return buf_putc(out, '>');
}

/*
 * An MTA does not say whether it knew whom it should delete, so each is said as
 * the MTA has it: without its quotes, <"a b"@example.net> would stay a recipient,
 * and so would one with a source route that the MTA took off.
 */
static int replace_rcpts(SMFICTX *ctx, const struct transaction *t, struct buf *text)
{
	const struct mms_message *m = &t->message;
	struct span to = t->verdict.redirect, same = address_envelope(to, t->arena);
	bool there = false;

	if (!same.n)
		return -1;
	for (size_t i = 0; i < m->nrcpt; i++)
		there |= span_caseeq(m->rcpt[i].addr, same);
	/* Who is a recipient already stays one: added and deleted again it would get nothing, added alone it would get two. */
	if (!there && (put_address(text, to) || smfi_addrcpt(ctx, text->p) != MI_SUCCESS))
		return -1;
	for (size_t i = 0; i < m->nrcpt; i++) {
		if (span_caseeq(m->rcpt[i].addr, same))
			continue;
		if (put_address(text, m->rcpt[i].path) || smfi_delrcpt(ctx, text->p) != MI_SUCCESS)
			return -1;
	}
	return 0;
}

static sfsistat redirect(SMFICTX *ctx, const struct transaction *t, const char *queue_id)
{
	struct buf text;
	int rc;

	buf_init(&text, ADDRESS_MAX);
	/* The MTA forgets what was changed of a message that is not accepted. */
	rc = t->message.over_limit ? -1 : replace_rcpts(ctx, t, &text);
	buf_free(&text);
	if (rc == 0)
		return SMFIS_CONTINUE;
	atomic_fetch_add(&untaken, 1);
	log_about(LOG_LEVEL_ERROR, span_cstr(queue_id), t->session_id, "the MTA did not take all new recipients; the client is asked to try again");
	return SMFIS_TEMPFAIL;
}

sfsistat apply_verdict(SMFICTX *ctx, const struct transaction *t, const char *queue_id)
{
	const struct verdict *v = &t->verdict;
	sfsistat status;

	if (v->action == VERDICT_REJECT || v->action == VERDICT_TEMPFAIL)
		return reply(ctx, t, queue_id);
	if (v->action == VERDICT_DISCARD)
		return SMFIS_DISCARD;
	status = edit(ctx, t, queue_id);
	if (status == SMFIS_CONTINUE && v->action == VERDICT_QUARANTINE)
		status = hold(ctx, t, queue_id);
	if (status == SMFIS_CONTINUE && v->action == VERDICT_REDIRECT)
		status = redirect(ctx, t, queue_id);
	return status;
}
