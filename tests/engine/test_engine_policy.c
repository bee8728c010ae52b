/*
 * A policy in an engine: which action and which fields come out, what is shared
 * over a reload, what is refused, and what is said.
 */
#include "config.h"

#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/lib/engine_place.h"

/* --- what becomes of a message ---------------------------------------------------- */

static const struct {
	const char *rest;
	enum verdict_action action;
	const char *code, *text;
	const char *field; /* up to policy= */
} actions[] = {
	{"rule R { when verify == pass score 9 } actions { reject 5.7.1 \"no\" at 1 }", VERDICT_ACCEPT, NULL, "", "score=0.00 action=accept would=accept rules=none policy="},
	{"rule R { when verify == none final accept }", VERDICT_ACCEPT, NULL, "", "score=0.00 action=accept would=accept rules=R(0.00) policy="},
	{"rule R { when verify == none score 2.125 } actions { tag at 2 }", VERDICT_TAG, NULL, "", "score=2.125 action=tag would=tag rules=R(2.125) policy="},
	{"rule R { when verify == none score 8 } actions { quarantine at 8 }", VERDICT_QUARANTINE, NULL, "STIR policy: score=8.00 rules=R(8.00)", "score=8.00 action=quarantine would=quarantine rules=R(8.00) policy="},
	{"rule R { when verify == none final redirect \"spam@b.example\" }", VERDICT_REDIRECT, NULL, "spam@b.example", "score=0.00 action=redirect would=redirect rules=R(0.00) policy="},
	{"rule R { when verify == none final tempfail 4.7.5 \"later, %{queue_id}\" }", VERDICT_TEMPFAIL, "4.7.5", "later, 4Q", "score=0.00 action=tempfail would=tempfail rules=R(0.00) policy="},
	{"rule R { when verify == none final reject 5.7.9 \"see %{help_url}\" }", VERDICT_REJECT, "5.7.9", "see https://help.example/", "score=0.00 action=reject would=reject rules=R(0.00) policy="},
	{"rule R { when verify == none final discard }", VERDICT_DISCARD, NULL, "", "score=0.00 action=discard would=discard rules=R(0.00) policy="},
};

static struct span said(const struct verdict *v)
{
	return v->action == VERDICT_QUARANTINE ? v->hold_reason : v->action == VERDICT_REDIRECT ? v->redirect : v->reply_text;
}

static void test_actions(void)
{
	struct transaction t = begin();

	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		for (int mode = 0; mode < 3; mode++) {
			static const char *const word[] = {"enforce", "tag", "observe"};
			enum verdict_action want = actions[i].action, most = mode == 0 ? want : mode == 1 ? VERDICT_TAG : VERDICT_ACCEPT;
			char policy[512];
			struct engine *g;

			if (want > most)
				want = most;
			(void)snprintf(policy, sizeof policy, "policy 1 mode %s\n%s\n", word[mode], actions[i].rest);
			g = open_with(policy, "HelpURL https://help.example/\n");
			judge(&t, g, NUMBER, NOW);
			tap_str(verdict_action_name(t.verdict.action), verdict_action_name(want), "mode %s: %s", word[mode], actions[i].rest);
			tap_str(verdict_action_name(t.verdict.would), verdict_action_name(actions[i].action), "... and what would have been");
			if (mode == 0) {
				tap_span_is(said(&t.verdict), actions[i].text, "... its text");
				if (actions[i].code)
					tap_str(t.verdict.reply_xcode, actions[i].code, "... its code");
				tap_ok(strncmp(field(&t), actions[i].field, strlen(actions[i].field)) == 0, "... its field: %s", field(&t));
			}
			tap_str(edits(&t), mode == 2 ? "" : "+X-STIR-Policy+Authentication-Results", "... its edits");
			engine_unref(g);
		}
	transaction_free(&t);
}

static void test_peer_mode(void)
{
	static const char policy[] = "policy 1 mode enforce\npeer quiet { match helo == \"q.example\" mode observe }\npeer half { match helo == \"h.example\" mode tag }\n"
				     "rule R { when verify == none final discard }\n";
	static const struct {
		const char *helo, *edits;
		enum verdict_action action;
	} rows[] = {{"q.example", "-X-STIR-Policy", VERDICT_ACCEPT},
		{"h.example", "-X-STIR-Policy+X-STIR-Policy+Authentication-Results", VERDICT_TAG},
		{"x.example", "-X-STIR-Policy+X-STIR-Policy+Authentication-Results", VERDICT_DISCARD}};
	struct engine *g = open_with(policy, "");
	struct transaction t = begin();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct mms_client c = {.helo = span_cstr(rows[i].helo)};

		push(&t, g, &c, NUMBER "X-STIR-Policy: score=-9\n", "");
		engine_finish(g, &t, NOW);
		tap_int(t.verdict.action, rows[i].action, "%s: the peer's mode", rows[i].helo);
		tap_str(edits(&t), rows[i].edits, "... a forged field goes in any mode");
		tap_ok((strstr(field(&t), " peer=half") != NULL) == (i == 1), "... and the field names the peer: %s", field(&t));
	}
	transaction_free(&t);
	engine_unref(g);
}

static void test_scope(void)
{
	struct engine *g = open_with("policy 1 mode enforce\nrule R { when rcpt.count > 0 final discard }\n", "");
	struct transaction t = begin();
	struct buf header;

	judge(&t, g, LETTER, NOW);
	tap_str(edits(&t), "", "ordinary mail is not touched");
	tap_int(t.verdict.action, VERDICT_ACCEPT, "... nor discarded");
	tap_ok(!t.facts && !t.policy.because, "... nor asked about");

	buf_init(&header, 1024 * 1024);
	buf_puts(&header, NUMBER);
	for (int i = 0; i <= LIMIT_DELETIONS; i++)
		buf_puts(&header, "X-STIR-Policy: score=0\n");
	judge(&t, g, header.p, NOW);
	tap_int(t.verdict.action, VERDICT_REJECT, "a flood of forged fields is refused whatever the policy says");
	tap_str(t.verdict.reply_code, "550", "... for good");
	buf_free(&header);
	transaction_free(&t);
	engine_unref(g);
}

/* --- how it reads -------------------------------------------------------------------- */

static void many_rules(struct buf *policy, size_t n, const char *name)
{
	buf_reset(policy);
	buf_puts(policy, "policy 1 mode enforce\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(policy, "rule %s_%zu%s { when verify == none score 0.5 }\n", name, i, i % 3 ? "" : " shadow");
	buf_puts(policy, "actions { quarantine at 3 }\n");
}

/* Rules in "rules=A(1.00),B(1.00),+7". */
static long long listed(const char *text)
{
	const char *p = strstr(text, "rules=");
	long long n = 0;

	for (; p && *p && *p != ' '; p++) {
		n += *p == '(';
		if (*p == '+')
			n += strtoll(p, NULL, 10);
	}
	return n;
}

static void test_long(void)
{
	static const char *const names[] = {"R", "A_RULE_WITH_A_RATHER_LONG_NAME_OF_FIFTY_OCTETS_SO_THAT"};
	struct transaction t = begin();
	struct buf policy, line;

	buf_init(&policy, 1024 * 1024);
	buf_init(&line, LIMIT_LOG_LINE);
	for (size_t i = 0; i < 2; i++)
		for (size_t n = 1; n < 400; n = n * 2 + 1) {
			struct engine *g;
			size_t lines = 0;
			struct span value;
			char first[2 * LIMIT_RESULT_FIELD];

			many_rules(&policy, n, names[i]);
			g = open_with(policy.p, "");
			judge(&t, g, NUMBER, NOW);
			value = t.verdict.edit[0].value;
			tap_ok(value.n <= LIMIT_RESULT_FIELD, "%zu rules: a field of %zu octets", n, value.n);
			for (struct span rest = value; rest.n; lines++)
				if (span_cut(&rest, '\n').n > 998)
					lines = 1000;
			tap_ok(lines < 1000, "... no line over 998");
			tap_ok(strstr(field(&t), " policy=") != NULL, "... with the hash at the end");
			tap_int(listed(field(&t)), (long long)(n - (n + 2) / 3), "... every live rule is listed or counted");
			memcpy(first, field(&t), sizeof first);
			judge(&t, g, NUMBER, NOW);
			tap_str(field(&t), first, "... the same again");
			buf_reset(&line);
			engine_log_line(&line, g, &t, span_cstr("4Q"));
			tap_ok(!line.failed && line.n <= LIMIT_LOG_LINE && strstr(line.p, " because=") && strstr(line.p, " edits=2 ms="), "... a log line of %zu octets, whole", line.n);
			engine_unref(g);
		}
	buf_free(&policy);
	buf_free(&line);
	transaction_free(&t);
}

static void test_words(void)
{
	static const char policy[] = "policy 1 mode enforce\n"
				     "rule A { when verify == none score 2 }\nrule B { when rcpt.count == 1 score 3 }\nrule C { when A and B score 4 absorb A }\n"
				     "rule S shadow { when verify == none score -1.5 }\nrule F { when subject == \"x\" final quarantine }\n";
	struct engine *g = open_with(policy, "");
	struct transaction t = begin();
	struct buf line;
	char want[512];

	judge(&t, g, NUMBER "Subject: x\n", NOW);
	(void)snprintf(want, sizeof want, "score=7.00 action=quarantine would=quarantine rules=A(0.00),B(3.00),C(4.00),F(0.00) policy=%s final=F shadow=S(-1.50) lost=A(2.00)",
		policy_hash(engine_policy(g)));
	tap_str(field(&t), want, "everything the field can say");
	tap_int(t.verdict.score_milli, 7000, "the score");
	buf_init(&line, LIMIT_LOG_LINE);
	engine_log_line(&line, g, &t, span_cstr("4Q"));
	(void)snprintf(want, sizeof want, " reason=no-identity score=7.00 would=quarantine rules=A(0.00),B(3.00),C(4.00),F(0.00) policy=%s final=F shadow=S(-1.50) lost=A(2.00) because=final size=8 action=quarantine edits=2",
		policy_hash(engine_policy(g)));
	tap_ok(strstr(line.p, want) != NULL, "the log says the same: %s", line.p);
	buf_free(&line);
	transaction_free(&t);
	engine_unref(g);
}

/* --- what can't be done ---------------------------------------------------------------- */

static void test_cannot(void)
{
	static const struct {
		const char *action;
		unsigned cannot;
		enum verdict_action want;
	} rows[] = {{"quarantine", 1u << VERDICT_QUARANTINE, VERDICT_TAG},
		{"redirect \"x@b.example\"", 1u << VERDICT_REDIRECT, VERDICT_QUARANTINE},
		{"redirect \"x@b.example\"", 1u << VERDICT_REDIRECT | 1u << VERDICT_QUARANTINE, VERDICT_TAG},
		{"reject \"no\"", 1u << VERDICT_REDIRECT | 1u << VERDICT_QUARANTINE, VERDICT_REJECT}};
	static const struct mms_client nobody;
	struct transaction t = begin();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char policy[256];
		struct engine *g;

		(void)snprintf(policy, sizeof policy, "policy 1 mode enforce\nrule R { when rcpt.count > 0 final %s }\n", rows[i].action);
		g = open_with(policy, "");
		push(&t, g, &nobody, NUMBER, "");
		t.cannot = rows[i].cannot;
		engine_finish(g, &t, NOW);
		tap_str(verdict_action_name(t.verdict.action), verdict_action_name(rows[i].want), "%s, which the MTA does not let us", rows[i].action);
		tap_ok((strstr(field(&t), " cannot=") != NULL) == (rows[i].want != t.policy.action), "... the field says so: %s", field(&t));
		if (i == 1) {
			push(&t, g, &nobody, NUMBER, "");
			t.message.over_limit = true;
			engine_finish(g, &t, NOW);
			tap_int(t.verdict.action, VERDICT_QUARANTINE, "a message whose recipients may not all be known is held, not redirected");
		}
		engine_unref(g);
	}
	transaction_free(&t);
}

static void test_memory(void)
{
	static const struct mms_client nobody;
	struct engine *g = open_with("policy 1 mode enforce\non internal quarantine\nrule R { when verify == none final discard }\n", "");
	struct engine *plain = open_with("policy 1 mode enforce\nrule R { when present(orig.tn) score 1 }\n", "");
	struct transaction t = begin();

	push(&t, g, &nobody, NUMBER, "");
	engine_examine(g, &t, NOW);
	while (arena_alloc(t.arena, 4096))
		;
	engine_judge(g, &t, NOW);
	tap_ok(t.verdict.action == VERDICT_DISCARD || t.verdict.action == VERDICT_QUARANTINE, "no memory for the rules: what is at hand decides");
	tap_str(edits(&t), "+X-STIR-Policy+Authentication-Results", "... and is written");
	tap_ok(strstr(field(&t), " failure=internal") != NULL, "... with the failure: %s", field(&t));
	push(&t, plain, &nobody, NUMBER, "");
	while (arena_alloc(t.arena, 4096))
		;
	engine_finish(plain, &t, NOW);
	tap_int(t.verdict.action, VERDICT_ACCEPT, "no memory, and no \"on internal\": it goes on");
	tap_ok(strstr(field(&t), " failure=internal") != NULL, "... with a mark: %s", field(&t));
	transaction_free(&t);
	engine_unref(g);
	engine_unref(plain);
}

/* More header than is looked at, in front of what a rule asks for. */
static void test_flood(void)
{
	struct engine *g = open_with("policy 1 mode enforce\nrule R { when orig.tn == +15550100001 final reject \"no\" }\n", "");
	struct transaction t = begin();
	struct buf header;

	buf_init(&header, 1024 * 1024);
	for (int i = 0; i < 6000; i++)
		buf_printf(&header, "X-Rubbish: %060d\n", i);
	buf_puts(&header, NUMBER);
	judge(&t, g, header.p, NOW);
	tap_int(t.verdict.action, VERDICT_REJECT, "rubbish in front of From hides no sender");
	tap_ok(t.message.over_limit && facts_present(t.facts, FACT_FAILURE), "... and is said");
	buf_puts(&header, NUMBER);
	judge(&t, g, header.p, NOW);
	tap_int(t.verdict.action, VERDICT_ACCEPT, "two of them are two");
	buf_reset(&header);
	for (int i = 0; i < 6000; i++)
		buf_printf(&header, "X-Rubbish: %060d\n", i);
	buf_printf(&header, "From: <+15550100001/TYPE=PLMN@a.example>,%2000s <+15550100002/TYPE=PLMN@a.example>\n", "");
	judge(&t, g, header.p, NOW);
	tap_int(t.verdict.action, VERDICT_ACCEPT, "a part of one is none");
	buf_free(&header);
	transaction_free(&t);
	engine_unref(g);
}

static void test_overload(void)
{
	static const char policy[] = "policy 1 mode enforce\non overload tempfail 4.3.2 \"busy\"\nrule R { when any(mime.type) == \"text/plain\" score 3 }\n";
	static const struct mms_client nobody;
	struct engine *g = open_with(policy, "");
	struct transaction t = begin();

	for (int busy = 0; busy < 2; busy++) {
		transaction_begin(&t, g, &nobody);
		t.overloaded = busy;
		message_rcpt(&t.message, span_cstr("bob@b.example"));
		message_header(&t.message, span_cstr("From"), span_cstr("<+15550100001/TYPE=PLMN@a.example>"));
		engine_headers(g, &t, NOW);
		message_body(&t.message, "Hello.\r\n", 8);
		engine_finish(g, &t, NOW);
		tap_int(t.verdict.score_milli, busy ? 0 : 3000, busy ? "overloaded: content is not looked at" : "content is looked at when a rule asks");
		tap_int(t.verdict.action, busy ? VERDICT_TEMPFAIL : VERDICT_ACCEPT, "... and the failure is a fact");
	}
	transaction_free(&t);
	engine_unref(g);
}

int main(void)
{
	engine_global_init();
	make_place();
	test_actions();
	test_peer_mode();
	test_scope();
	test_long();
	test_words();
	test_cannot();
	test_memory();
	test_flood();
	test_overload();
	return tap_done();
}
