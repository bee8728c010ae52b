/*
 * Verdicts to libmilter calls, where libmilter fails or is asked for the
 * impossible: what a real MTA would hardly show.  Stands in for libmilter.
 */
#include "config.h"

#include "milter/apply.h"

#include <stdio.h>

#include "core/log.h"
#include "tests/lib/tap.h"

static struct {
	char calls[2048]; /* one line each */
	int fail_at;      /* this call fails, from 1; 0: none */
	int n;
} mta;

static int note(const char *fmt, ...) PRINTF_LIKE(1, 2);
static int note(const char *fmt, ...)
{
	size_t used = strlen(mta.calls);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(mta.calls + used, sizeof mta.calls - used, fmt, ap);
	va_end(ap);
	return ++mta.n == mta.fail_at ? MI_FAILURE : MI_SUCCESS;
}

int smfi_chgheader(SMFICTX *ctx, char *name, int nth, char *value)
{
	(void)ctx;
	return note("chg %s %d %s\n", name, nth, value ? value : "NULL");
}

int smfi_insheader(SMFICTX *ctx, int index, char *name, char *value)
{
	(void)ctx;
	return note("ins %d %s %s\n", index, name, value);
}

int smfi_setreply(SMFICTX *ctx, char *code, char *xcode, char *text)
{
	(void)ctx;
	return note("reply %s %s %s\n", code, xcode, text);
}

int smfi_quarantine(SMFICTX *ctx, char *reason)
{
	(void)ctx;
	return note("hold %s\n", reason);
}

int smfi_addrcpt(SMFICTX *ctx, char *rcpt)
{
	(void)ctx;
	return note("add %s\n", rcpt);
}

int smfi_delrcpt(SMFICTX *ctx, char *rcpt)
{
	(void)ctx;
	return note("del %s\n", rcpt);
}

static void reset(struct arena *a, struct transaction *t, int fail_at)
{
	memset(&mta, 0, sizeof mta);
	mta.fail_at = fail_at;
	arena_reset(a);
	memset(t, 0, sizeof *t);
	t->arena = a;
	verdict_init(&t->verdict);
}

static void add(struct arena *a, struct transaction *t, const char *name, struct span value, unsigned nth)
{
	int rc = nth ? verdict_delete(&t->verdict, a, span_cstr(name), nth) : verdict_insert(&t->verdict, a, span_cstr(name), value);

	if (rc)
		tap_bail("no memory for an edit");
	t->verdict.action = VERDICT_TAG;
}

static void test_edits(struct arena *a)
{
	struct transaction t;

	for (int fail_at = 0; fail_at <= 3; fail_at++) {
		reset(a, &t, fail_at);
		add(a, &t, "X-A", span_make(NULL, 0), 2);
		add(a, &t, "X-A", span_make(NULL, 0), 1);
		add(a, &t, "X-B", span_cstr("one\n two"), 0);
		tap_int(apply_verdict(NULL, &t, "4Q"), fail_at ? SMFIS_TEMPFAIL : SMFIS_CONTINUE, "edits, of which number %d fails, with a forged result among them", fail_at);
		tap_int(mta.n, 3, "the others are made");
		if (!fail_at)
			tap_str(mta.calls, "chg X-A 2 NULL\nchg X-A 1 NULL\nins 0 X-B one\n two\n", "in the order given");
	}
	reset(a, &t, 0);
	add(a, &t, "X-Empty", span_make(NULL, 0), 0);
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_CONTINUE, "an empty value");
	tap_str(mta.calls, "ins 0 X-Empty \n", "is a value");
	reset(a, &t, 0);
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_CONTINUE, "no edits");
	tap_int(mta.n, 0, "no calls");
	add(a, &t, "X-A", span_make(NULL, 0), 1);
	t.edits_incomplete = true;
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_TEMPFAIL, "an incomplete list, with a forged result in it");
	tap_int(mta.n, 0, "is not begun");
	tap_int((long long)apply_untaken(), 3, "what the MTA did not take is counted, each message once");
	reset(a, &t, 1);
	add(a, &t, "X-B", span_cstr("one"), 0);
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_CONTINUE, "our field is not taken, and nothing is forged: the message goes on");
}

static void test_unfit(struct arena *a)
{
	static const struct {
		const char *name, *value;
		size_t n;
	} rows[] = {
		{"X A", "v", 1}, {"X:A", "v", 1}, {"", "v", 1}, {"X\nA", "v", 1}, {"X-\xc3\xa4", "v", 1},
		{"X-A", "a\nb", 3}, {"X-A", "a\n", 2}, {"X-A", "a\r\n b", 5}, {"X-A", "a\0b", 3},
	};
	static char large[70000];
	struct transaction t;

	memset(large, 'x', sizeof large);
	for (size_t i = 0; i <= sizeof rows / sizeof rows[0]; i++) {
		bool last = i == sizeof rows / sizeof rows[0];

		reset(a, &t, 0);
		add(a, &t, "X-Good", span_cstr("v"), 0);
		add(a, &t, last ? "X-Large" : rows[i].name, last ? span_make(large, sizeof large) : span_make(rows[i].value, rows[i].n), 0);
		tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_CONTINUE, "unfit edit %zu: the message goes on", i);
		tap_int(mta.n, 0, "untouched");
	}
}

static void test_replies(struct arena *a)
{
	static const struct {
		enum verdict_action action;
		const char *code, *xcode, *text;
		int status;
		const char *want;
	} rows[] = {
		{VERDICT_REJECT, "550", "5.7.1", "no", SMFIS_REJECT, "reply 550 5.7.1 no\n"},
		{VERDICT_TEMPFAIL, "450", "4.7.1", "100% %s", SMFIS_TEMPFAIL, "reply 450 4.7.1 100%% %%s\n"},
		{VERDICT_REJECT, NULL, NULL, "a\r\nb\x80", SMFIS_REJECT, "reply 550 5.7.1 a??b?\n"},
		{VERDICT_TEMPFAIL, "550", "5.7.1", "class differs", SMFIS_TEMPFAIL, "reply 451 4.7.1 class differs\n"},
		{VERDICT_REJECT, "550", "5.7.1", "", SMFIS_REJECT, "reply 550 5.7.1 message refused by policy\n"},
	};
	struct transaction t;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int fail_at = 0; fail_at <= 1; fail_at++) {
			reset(a, &t, fail_at);
			/* Edits of a message that is refused make no sense. */
			add(a, &t, "X-A", span_cstr("v"), 0);
			t.verdict.action = rows[i].action;
			t.verdict.reply_code = rows[i].code;
			t.verdict.reply_xcode = rows[i].xcode;
			t.verdict.reply_text = span_cstr(rows[i].text);
			tap_int(apply_verdict(NULL, &t, "4Q"), rows[i].status, "reply %zu%s", i, fail_at ? ", not taken" : "");
			tap_str(mta.calls, rows[i].want, "its text");
		}
}

static void test_hold(struct arena *a)
{
	struct transaction t;

	for (int fail_at = 0; fail_at <= 2; fail_at++) {
		reset(a, &t, fail_at);
		add(a, &t, "X-A", span_cstr("v"), 0);
		t.verdict.action = VERDICT_QUARANTINE;
		t.verdict.hold_reason = span_cstr("100%\nsure");
		/* Our own field may be missing; the message is held all the same. */
		tap_int(apply_verdict(NULL, &t, "4Q"), fail_at == 2 ? SMFIS_TEMPFAIL : SMFIS_CONTINUE, "held; call %d fails", fail_at);
		tap_str(mta.calls, "ins 0 X-A v\nhold 100%?sure\n", "after the edits");
	}
	reset(a, &t, 1);
	add(a, &t, "X-A", span_make(NULL, 0), 1);
	t.verdict.action = VERDICT_QUARANTINE;
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_TEMPFAIL, "a forged result that stays is not held, but refused");
	tap_int(mta.n, 1, "at once");
	reset(a, &t, 0);
	t.verdict.action = VERDICT_QUARANTINE;
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_CONTINUE, "no reason given");
	tap_str(mta.calls, "hold STIR policy\n", "is one all the same");
}

static void test_redirect(struct arena *a)
{
	static const struct {
		const char *rcpt[4], *to;
		const char *want;
	} rows[] = {
		{{"a@x", "b@x"}, "spam@x", "add <spam@x>\ndel <a@x>\ndel <b@x>\n"},
		{{"a@x"}, "a@x", ""},
		{{"a@x", "Spam@X", "b@x"}, "spam@x", "del <a@x>\ndel <b@x>\n"},
		{{"a@x", "a@x"}, "\"odd one\"@x", "add <\"odd one\"@x>\ndel <a@x>\ndel <a@x>\n"},
		{{"+1555/TYPE=PLMN@x"}, "spam@x", "add <spam@x>\ndel <+1555/TYPE=PLMN@x>\n"},
		{{"<\"a\\\"b\"@x>", "<\"c d\"@x>", "< e@x >"}, "spam@x", "add <spam@x>\ndel <\"a\\\"b\"@x>\ndel <\"c d\"@x>\ndel <e@x>\n"},
		{{"<@relay:a@x>"}, "spam@x", "add <spam@x>\ndel <a@x>\n"},
		{{"<\"odd one\"@x>", "b@x"}, "\"odd one\"@x", "del <b@x>\n"},
		{{"<spam@x>", "b@x"}, "\"spam\"@x", "del <b@x>\n"},
	};
	struct transaction t;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int calls = 0;

		for (const char *p = rows[i].want; *p; p++)
			calls += *p == '\n';
		for (int fail_at = 0; fail_at <= calls; fail_at++) {
			reset(a, &t, fail_at);
			t.message.arena = a;
			for (size_t k = 0; k < 4 && rows[i].rcpt[k]; k++)
				message_rcpt(&t.message, span_cstr(rows[i].rcpt[k]));
			t.verdict.action = VERDICT_REDIRECT;
			t.verdict.redirect = span_cstr(rows[i].to);
			tap_int(apply_verdict(NULL, &t, "4Q"), fail_at ? SMFIS_TEMPFAIL : SMFIS_CONTINUE, "redirect %zu; call %d fails", i, fail_at);
			if (!fail_at)
				tap_str(mta.calls, rows[i].want, "the new one, and nobody else");
		}
	}
	reset(a, &t, 0);
	t.verdict.action = VERDICT_REDIRECT;
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_TEMPFAIL, "to nobody");
	t.verdict.redirect = span_cstr("a\n@x");
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_TEMPFAIL, "to what is no address");
	t.verdict.redirect = span_cstr("a@x");
	t.message.over_limit = true;
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_TEMPFAIL, "when there may be more recipients than we know");
	tap_int(mta.n, 0, "no calls");
	reset(a, &t, 0);
	add(a, &t, "X-A", span_make(NULL, 0), 1);
	t.verdict.action = VERDICT_DISCARD;
	tap_int(apply_verdict(NULL, &t, "4Q"), SMFIS_DISCARD, "discarded");
	tap_int(mta.n, 0, "without edits");
}

int main(void)
{
	struct arena *a = arena_new(1024 * 1024);

	if (!a)
		tap_bail("no memory");
	log_to_stderr("test_apply");
	test_edits(a);
	test_unfit(a);
	test_replies(a);
	test_hold(a);
	test_redirect(a);
	arena_free(a);
	return tap_done();
}
