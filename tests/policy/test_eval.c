/* From facts to a verdict: every operator, every way to decide. */
#include "config.h"

#include "policy/policy.h"

#include <stdlib.h>

#include "tests/policy/from_text.h"
#include "tests/policy/given.h"

enum { NOW = 1704144600 /* 2024-01-01 21:30 UTC, a Monday */ };

static struct arena *arena;

static void put_milli(struct buf *b, int64_t v)
{
	facts_print_number(b, FACT_TYPE_NUMBER, v);
}

/* "ACTION[/WOULD] BECAUSE SCORE[(SHADOW)] [RULE=SCORE[-LOST]]..." */
static void put_result(struct buf *b, const struct policy *p, const struct policy_result *r)
{
	buf_puts(b, verdict_action_name(r->action));
	if (r->action != r->would_action)
		buf_printf(b, "/%s", verdict_action_name(r->would_action));
	buf_printf(b, " %s ", r->because);
	put_milli(b, r->score_milli);
	if (r->shadow_milli) {
		buf_putc(b, '(');
		put_milli(b, r->shadow_milli);
		buf_putc(b, ')');
	}
	for (size_t i = 0; i < r->nhit; i++) {
		buf_printf(b, " %.*s=", SPAN_ARG(policy_rule(p, r->hit[i].rule)->name.text));
		if (r->hit[i].error)
			buf_putc(b, '?');
		else
			put_milli(b, r->hit[i].score_milli);
		if (r->hit[i].lost_milli) {
			buf_putc(b, '-');
			put_milli(b, r->hit[i].lost_milli);
		}
		buf_puts(b, r->hit[i].final ? "!" : "");
	}
}

static void result_is(const struct policy *p, const struct policy_result *r, const char *want, const char *what)
{
	struct buf b;

	buf_init(&b, 4096);
	put_result(&b, p, r);
	tap_span_is(buf_span(&b), want, "%s", what);
	buf_free(&b);
}

/* --- conditions: does rule A hit? --------------------------------------------------------- */

enum outcome { MISS, HIT, ERROR };

struct condition {
	const char *when, *facts;
	enum outcome want;
};

static const struct condition conditions[] = {
	/* words */
	{"verify == pass", "verify pass", HIT},
	{"verify == pass", "verify fail", MISS},
	{"verify == pass", "", MISS},
	{"verify != pass", "verify fail", HIT},
	{"verify != pass", "", MISS},
	{"verify in {pass, none}", "verify none", HIT},
	{"verify not in {pass, none}", "verify none", MISS},
	{"verify not in {pass, none}", "verify policy", HIT},
	{"reason == cert-untrusted", "reason cert-untrusted", HIT},
	/* numbers */
	{"rcpt.count > 20", "rcpt.count 21", HIT},
	{"rcpt.count > 20", "rcpt.count 20", MISS},
	{"rcpt.count >= 20", "rcpt.count 20", HIT},
	{"rcpt.count < 20", "rcpt.count 19", HIT},
	{"rcpt.count <= 20", "rcpt.count 21", MISS},
	{"rcpt.count != 20", "rcpt.count 21", HIT},
	{"rcpt.count != 20", "verify none", MISS},
	{"rcpt.count in {1, 3, 2}", "rcpt.count 2", HIT},
	{"rcpt.count not in {1, 3, 2}", "rcpt.count 2", MISS},
	{"passport.age > 10m", "passport.age 601s", HIT},
	{"passport.age < -60s", "passport.age -61s", HIT},
	{"mms.size > 600k", "mms.size 614401", HIT},
	{"mms.size > 600k", "mms.size 600k", MISS},
	{"rspamd.score >= 7.5", "rspamd.score 7.5", HIT},
	{"rspamd.score >= 7.5", "rspamd.score 7.499", MISS},
	{"rspamd.score < -0.5", "rspamd.score -0.501", HIT},
	/* telephone numbers and addresses */
	{"orig.tn == +15550100001", "orig.tn +15550100001", HIT},
	{"orig.tn != +15550100001", "orig.tn +15550100001", MISS},
	{"orig.tn in +1888*", "orig.tn +18885550100", HIT},
	{"orig.tn in +18005550100..+18005550199", "orig.tn +18005550199", HIT},
	{"orig.tn in +18005550100..+18005550199", "orig.tn +18005550200", MISS},
	{"orig.tn not in {+1888*, +15550100001}", "orig.tn +15550100002", HIT},
	{"orig.tn in @small", "orig.tn +18885550100", HIT},
	{"orig.tn not in @small", "orig.tn +18885550100", MISS},
	{"orig.tn not in @small", "verify none", MISS},
	{"client == 192.0.2.9", "client 192.0.2.9", HIT},
	{"client in 192.0.2.0/24", "client 192.0.3.1", MISS},
	{"client in {10.0.0.0/8, 2001:db8::/32}", "client 2001:db8::9", HIT},
	/* texts */
	{"subject == \"hello\"", "subject \"hello\"", HIT},
	{"subject == \"hello\"", "subject \"Hello\"", MISS},
	{"subject in {\"a\", \"b\"}", "subject \"b\"", HIT},
	{"subject ~ /^h.*o$/", "subject \"hello\"", HIT},
	{"subject ~ /HELLO/i", "subject \"oh hello\"", HIT},
	{"subject !~ /HELLO/", "subject \"oh hello\"", HIT},
	{"subject !~ /HELLO/", "verify none", MISS},
	{"helo == \"A.Example.\"", "helo \"a.example\"", HIT},
	{"helo in @short", "helo \"bit.ly\"", HIT},
	{"helo in @short", "helo \"x.t.example\"", HIT},
	{"helo in @short", "helo \"t.example\"", MISS},
	{"signer.spc == \"12a\"", "signer.spc \"12A\"", HIT},
	{"signer.spc in {\"99\", \"12a\"}", "signer.spc \"12A\"", HIT},
	/* lists of values */
	{"any(url.host) == \"b\"", "url.host {\"a\", \"b\"}", HIT},
	{"all(url.host) == \"b\"", "url.host {\"a\", \"b\"}", MISS},
	{"all(url.host) in {\"a\", \"b\"}", "url.host {\"a\", \"b\"}", HIT},
	{"any(url.host) != \"b\"", "url.host {\"a\", \"b\"}", HIT},
	{"all(url.host) != \"b\"", "url.host {\"a\", \"b\"}", MISS},
	{"all(url.host) != \"b\"", "verify none", MISS},
	{"all(url.host) != \"b\" or rcpt.count > 5", "rcpt.count 1", MISS},
	{"not all(url.host) == \"b\"", "rcpt.count 1", HIT},
	{"any(rcpt.tn) in +1888*", "rcpt.tn {+15550100001, +18885550100}", HIT},
	/* and, or, not, present */
	{"present(orig.tn)", "orig.tn +15550100001", HIT},
	{"present(orig.tn)", "", MISS},
	{"not present(orig.tn)", "", HIT},
	{"not orig.tn == +15550100001", "", HIT},
	{"verify == pass and rcpt.count > 2", "verify pass, rcpt.count 3", HIT},
	{"verify == pass and rcpt.count > 2", "verify pass, rcpt.count 2", MISS},
	{"verify == pass or rcpt.count > 2", "verify fail, rcpt.count 3", HIT},
	{"not (verify == pass or rcpt.count > 2)", "verify fail, rcpt.count 2", HIT},
	{"verify == none or replay == new", "replay new", HIT},
	{"verify == none or verify == pass", "verify pass", HIT},
	{"orig.tn in @small or orig.tn == +15550100009", "orig.tn +15550100009", HIT},
	/* the time */
	{"now in quiet", "", HIT},
	{"now not in quiet", "", MISS},
	{"now in noon", "", MISS},
	{"now not in noon", "", HIT},
	/* pseudonyms: only that they are there */
	{"orig.tn == +15550100001", "orig.tn \"~1f\"", ERROR},
	{"orig.tn != +15550100001", "orig.tn \"~1f\"", ERROR},
	{"orig.tn in @small", "orig.tn \"~1f\"", ERROR},
	{"not orig.tn in @small", "orig.tn \"~1f\"", ERROR},
	{"present(orig.tn)", "orig.tn \"~1f\"", HIT},
	{"orig.tn in @small and verify == pass", "orig.tn \"~1f\", verify none", MISS},
	{"orig.tn in @small or verify == none", "orig.tn \"~1f\", verify none", HIT},
	{"any(rcpt.tn) in +1888*", "rcpt.tn {\"~1f\", +18885550100}", HIT},
	{"any(rcpt.tn) in +1888*", "rcpt.tn {\"~1f\", +15550100001}", ERROR},
	{"all(rcpt.tn) in +1888*", "rcpt.tn {\"~1f\", +15550100001}", MISS},
};

#define NAMES "list small tn file \"lists/small.tn\" list short host file \"lists/short.host\" window quiet daily 21:00..08:00 window noon daily 12:00..13:00\n"

static void test_conditions(void)
{
	for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
		const struct condition *c = &conditions[i];
		char text[2048];
		struct policy *p;
		struct policy_result r;
		struct policy_env env = {.now = NOW, .now_ms = (int64_t)NOW * 1000};
		struct facts f;

		(void)snprintf(text, sizeof text, "policy 1 mode enforce\n" NAMES "rule A { when %s score 1 }", c->when);
		p = from_text_good(text);
		/* Without and with a trace, in which no rule is passed over. */
		for (int trace = 0; trace < 2; trace++) {
			given(&f, arena, c->facts);
			env.trace = trace;
			if (policy_eval(p, &f, &env, NULL, arena, &r))
				tap_bail("no memory");
			tap_int(r.nhit && r.hit[0].hit ? HIT : r.nhit && r.hit[0].error ? ERROR : MISS, c->want, "%s (%s)%s", c->when, c->facts, trace ? ", traced" : "");
			tap_ok(!r.error && !facts_present(&f, FACT_FAILURE), "nothing failed");
			arena_reset(arena);
		}
		policy_free(p);
	}
}

/* --- verdicts ------------------------------------------------------------------------------- */

#define ACTIONS "actions { tag at 4 quarantine at 8 reject 5.7.1 \"no\" at 15 } "
#define E "policy 1 mode enforce "

static const struct {
	const char *policy, *facts, *want;
} verdicts[] = {
	/* thresholds */
	{E ACTIONS "rule A { when verify == none score 3.999 }", "verify none", "accept none 3.999 A=3.999"},
	{E ACTIONS "rule A { when verify == none score 4 }", "verify none", "tag score 4 A=4"},
	{E ACTIONS "rule A { when verify == none score 100 }", "verify none", "reject score 100 A=100"},
	{E ACTIONS "rule A { when verify == none score 9 } rule B { when replay == new score -1.5 }", "verify none, replay new", "tag score 7.5 A=9 B=-1.5"},
	{E "rule A { when verify == none score 100 }", "verify none", "accept none 100 A=100"},
	{E "actions { tag at -2 accept at 1 } rule A { when verify == none score 1 }", "", "tag score 0"},
	{E "actions { tag at -2 accept at 1 } rule A { when verify == none score 1 }", "verify none", "accept score 1 A=1"},
	/* modes */
	{"policy 1 mode observe " ACTIONS "rule A { when verify == none score 9 }", "verify none", "accept/quarantine score 9 A=9"},
	{"policy 1 " ACTIONS "rule A { when verify == none score 9 }", "verify none", "tag/quarantine score 9 A=9"},
	{"policy 1 rule A { when verify == none final discard }", "verify none", "tag/discard final 0 A=0!"},
	{"policy 1 rule A { when verify == none final accept }", "verify none", "accept final 0 A=0!"},
	/* finals: the first in the file, whatever the score */
	{E ACTIONS "rule A { when verify == none score 50 } rule B { when verify == none final accept } rule C { when verify == none final discard }", "verify none",
		"accept final 50 A=50 B=0! C=0!"},
	{E ACTIONS "rule B shadow { when verify == none final reject \"x\" } rule C { when verify == none final tag }", "verify none", "tag final 0 B=0! C=0!"},
	{E ACTIONS "rule B shadow { when verify == none final reject \"x\" }", "verify none", "accept none 0 B=0!"},
	/* shadow has a sum of its own */
	{E ACTIONS "rule A { when verify == none score 2 } rule B shadow { when verify == none score 9 }", "verify none", "accept none 2(9) A=2 B=9"},
	/* absorb */
	{E "rule A { when verify == none score 2 } rule B { when A score 3 absorb A }", "verify none", "accept none 3 A=2-2 B=3"},
	{E "rule A { when verify == none score 2 } rule B { when A and replay == new score 3 absorb A }", "verify none", "accept none 2 A=2"},
	{E "rule A { when verify == none score 2 } rule B { when A score 3 absorb A } rule C { when A and B score 4 absorb A, B }", "verify none",
		"accept none 4 A=2-2 B=3-3 C=4"},
	{E "rule B { when A score 3 absorb A } rule A { when verify == none score -2 }", "verify none", "accept none 3 B=3 A=-2--2"},
	{E "rule A shadow { when verify == none score 2 } rule B shadow { when A score 3 absorb A }", "verify none", "accept none 0(3) A=2-2 B=3"},
	/* groups */
	{E "group g { max 5 } rule A { when verify == none score 4 group g } rule B { when verify == none score 3 group g } rule C { when verify == none score 1 }", "verify none",
		"accept none 6 A=4 B=3 C=1"},
	{E "group g { max 5 } rule A { when verify == none score -4 group g } rule B { when verify == none score -3 group g } rule C { when verify == none score 7 group g }",
		"verify none", "accept none 0 A=-4 B=-3 C=7"},
	{E "group g { max 5 } rule A { when verify == none score 4 group g } rule B { when A score 3 group g absorb A }", "verify none", "accept none 3 A=4-4 B=3"},
	{E "group g { max 5 } rule A { when verify == none score 4 group g } rule B shadow { when verify == none score 8 group g }", "verify none", "accept none 4(8) A=4 B=8"},
	/* per */
	{E "rule A { when present(url) score 1.5 per url.count max 4 }", "url \"u\", url.count 2", "accept none 3 A=3"},
	{E "rule A { when present(url) score 1.5 per url.count max 4 }", "url \"u\", url.count 3", "accept none 4 A=4"},
	{E "rule A { when present(url) score 1.5 per url.count max 4 }", "url \"u\"", "accept none 0 A=0"},
	{E "rule A { when present(url) score -1 per url.count max 4 }", "url \"u\", url.count 999999999", "accept none -4 A=-4"},
	/* rules that name rules, before and behind */
	{E "rule C { when A and not B score 1 } rule A { when verify == none score 2 } rule B { when verify == pass score 4 }", "verify none", "accept none 3 C=1 A=2"},
	/* failures */
	{E ACTIONS "on temperror tempfail \"later\" rule A { when verify == none score 50 }", "verify none, failure temperror", "tempfail failure 50 A=50"},
	{E ACTIONS "on temperror tempfail \"later\" rule A { when verify == none final tag }", "verify none, failure temperror", "tag final 0 A=0!"},
	{E ACTIONS "on internal accept rule A { when verify == none score 50 }", "verify none, failure internal", "accept failure 50 A=50"},
	{E ACTIONS "on internal accept rule A { when verify == none score 5 }", "verify none, failure temperror", "tag score 5 A=5"},
	/* peers */
	{E ACTIONS "peer a { match client in 10.0.0.0/8 mode tag } rule A { when verify == none score 9 }", "verify none, client 10.0.0.1", "tag/quarantine score 9 A=9"},
	{E ACTIONS "peer a { match client in 10.0.0.0/8 mode tag } rule A { when verify == none score 9 }", "verify none, client 11.0.0.1", "quarantine score 9 A=9"},
	{E "peer a { match client in 10.0.0.0/8 } peer b { match client == 10.0.0.1 } rule A { when peer == \"a\" score 1 }", "client 10.0.0.1", "accept none 1 A=1"},
	{E "peer a { match client in 10.0.0.0/8 expect signed } rule A { when peer.expect == signed and verify == none score 1 }", "client 10.0.0.1, verify none",
		"accept none 1 A=1"},
	{E "peer a { match client in 10.0.0.0/8 expect signed } rule A { when peer.expect == signed score 1 }", "client 11.0.0.1, peer.expect signed", "accept none 0"},
	{E "peer a { match client == 10.0.0.1 override A { score -1 } } rule A { when verify == none score 1 }", "client 10.0.0.1, verify none", "accept none -1 A=-1"},
	{E "peer a { match client == 10.0.0.1 override A { off } } rule A { when verify == none score 1 } rule B { when A score 2 } rule C { when not A score 4 }",
		"client 10.0.0.1, verify none", "accept none 4 C=4"},
	{E "peer a { match client == 10.0.0.1 override C { off } } rule A { when verify == none score 1 } rule C { when A score 2 } rule D { when C score 4 }",
		"client 10.0.0.1, verify none", "accept none 1 A=1"},
	{E "peer a { match client == 10.0.0.1 override A { final tag } } rule A { when verify == none final discard }", "client 10.0.0.1, verify none", "tag final 0 A=0!"},
	{E "peer a { match client == 10.0.0.1 override A { score 2 } } rule A { when present(url) score 1 per url.count max 4 }", "client 10.0.0.1, url \"u\", url.count 3",
		"accept none 4 A=4"},
	/* what can't be known is no hit */
	{E "rule A { when orig.tn in +1* score 1 } rule B { when not A score 2 } rule C { when B or verify == none score 4 }", "orig.tn \"~1f\", verify none",
		"accept none 4 A=? B=? C=4"},
};

static void test_verdicts(void)
{
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		struct policy *p = from_text_good(verdicts[i].policy);
		struct policy_env env = {.now = NOW, .now_ms = (int64_t)NOW * 1000};
		struct policy_result r;
		struct facts f;

		given(&f, arena, verdicts[i].facts);
		if (policy_eval(p, &f, &env, NULL, arena, &r))
			tap_bail("no memory");
		result_is(p, &r, verdicts[i].want, verdicts[i].policy);
		tap_ok(!r.error, "nothing failed");
		policy_free(p);
		arena_reset(arena);
	}
}

/* --- replies ---------------------------------------------------------------------------------- */

static void reply_is(const char *action, const char *want, const char *code)
{
	char text[1024];
	struct policy *p;
	struct policy_reply reply = {span_cstr("4Abc\x01\xff"), span_cstr("https://help.example/100%25")};
	struct policy_env env = {.now = NOW};
	struct policy_result r;
	struct facts f;

	(void)snprintf(text, sizeof text, E "rule ONE { when verify == none score 1 } rule S shadow { when verify == none score 1 } rule TWO { when verify == none final %s }", action);
	p = from_text_good(text);
	given(&f, arena, "verify none");
	if (policy_eval(p, &f, &env, &reply, arena, &r))
		tap_bail("no memory");
	tap_span_is(r.text, want, "%s", action);
	tap_str(r.code ? r.code : "", code, "its code");
	policy_free(p);
	arena_reset(arena);
}

static void test_replies(void)
{
	char text[250], want[250];

	reply_is("reject \"no %{rules}\"", "no ONE,TWO", "");
	reply_is("tempfail 4.7.1 \"%{queue_id}: see %{help_url}, 100%%\"", "4Abc: see https://help.example/100%25, 100%", "4.7.1");
	reply_is("redirect abuse@example.net", "abuse@example.net", "");
	reply_is("quarantine", "", "");
	(void)snprintf(text, sizeof text, "reject 5.7.9 \"%-190s%%{rules}\"", "x");
	(void)snprintf(want, sizeof want, "%-190sONE,TWO", "x");
	reply_is(text, want, "5.7.9");
	(void)snprintf(text, sizeof text, "reject 5.7.9 \"%-185s%%{help_url}\"", "x");
	(void)snprintf(want, sizeof want, "%-185shttps://help...", "x");
	reply_is(text, want, "5.7.9");
}

/* --- rates ------------------------------------------------------------------------------------- */

static const char rates[] = E "rate live key orig.tn limit 2 per 1h rate watched key orig.tn, client limit 1 per 1h "
	"rule A { when over(live) score 1 } rule B { when verify == pass and over(live) score 2 } rule S shadow { when over(live) score 4 } rule W shadow { when over(watched) score 8 }";

static void send_one(const struct policy *p, struct counters *c, const char *facts, bool take, const char *want)
{
	struct policy_env env = {.now = NOW, .now_ms = (int64_t)NOW * 1000, .counters = c, .take = take};
	struct policy_result r;
	struct facts f;

	given(&f, arena, facts);
	if (policy_eval(p, &f, &env, NULL, arena, &r))
		tap_bail("no memory");
	result_is(p, &r, want, facts);
	arena_reset(arena);
}

static void test_rates(void)
{
	struct policy *p = from_text_good(rates);
	struct counters *c = counters_new(1000);
	const char *one = "orig.tn +15550100001, verify pass, client 192.0.2.1";

	send_one(p, NULL, one, true, "accept none 0");
	send_one(p, c, one, false, "accept none 0");
	send_one(p, c, one, true, "accept none 0");
	send_one(p, c, one, true, "accept none 0(8) W=8");
	send_one(p, c, one, true, "accept none 3(12) A=1 B=2 S=4 W=8");
	send_one(p, c, one, false, "accept none 3(12) A=1 B=2 S=4 W=8");
	send_one(p, c, "orig.tn +15550100002", true, "accept none 0");
	send_one(p, c, "verify pass", true, "accept none 0");
	send_one(p, c, "orig.tn +15550100001, client 192.0.2.2", true, "accept none 1(4) A=1 S=4");
	counters_free(c);
	policy_free(p);
}

/* The same rate, first watched, then live: what was watched is not used up. */
static void test_shadow_rate(void)
{
	struct policy *watched = from_text_good(E "rate r key orig.tn limit 1 per 1h rule A shadow { when over(r) score 1 }");
	struct policy *live = from_text_good(E "rate r key orig.tn limit 1 per 1h rule A { when over(r) score 1 }");
	struct counters *c = counters_new(1000);

	send_one(watched, c, "orig.tn +15550100001", true, "accept none 0");
	send_one(watched, c, "orig.tn +15550100001", true, "accept none 0(1) A=1");
	send_one(live, c, "orig.tn +15550100001", true, "accept none 0");
	send_one(live, c, "orig.tn +15550100001", true, "accept none 1 A=1");
	counters_free(c);
	policy_free(watched);
	policy_free(live);
}

/* "a","bc" is not "ab","c". */
static void test_key(void)
{
	struct policy *p = from_text_good(E "rate r key helo, listener limit 1 per 1h rule A { when over(r) score 1 }");
	struct counters *c = counters_new(1000);

	send_one(p, c, "helo \"a\", listener \"bc\"", true, "accept none 0");
	send_one(p, c, "helo \"ab\", listener \"c\"", true, "accept none 0");
	send_one(p, c, "helo \"a\", listener \"bc\"", true, "accept none 1 A=1");
	send_one(p, c, "helo \"a\"", true, "accept none 0");
	send_one(p, c, "helo \"A\", listener \"bc\"", true, "accept none 1 A=1");
	send_one(p, c, "helo \"a\", listener \"BC\"", true, "accept none 0");
	counters_free(c);
	policy_free(p);
}

/* Wherever a rule stands among others that do not hit. */
static void test_places(void)
{
	enum { RULES = 41 };
	struct policy_env env = {.now = NOW};
	struct policy *p;
	struct buf text;
	size_t right = 0;

	buf_init(&text, 64 * 1024);
	buf_puts(&text, E);
	for (int i = 0; i < RULES; i++)
		buf_printf(&text, "rule R%d { when rcpt.count in {%d, %d} score 1 }\n", i, i, (i + 7) % RULES);
	p = from_text_good(text.p);
	for (int i = 0; i < RULES; i++) {
		size_t first = (size_t)((i + RULES - 7) % RULES), second = (size_t)i;
		struct policy_result r;
		struct facts f;

		facts_init(&f, arena);
		facts_set_num(&f, FACT_RCPT_COUNT, i);
		if (policy_eval(p, &f, &env, NULL, arena, &r))
			tap_bail("no memory");
		right += r.nhit == 2 && r.hit[0].rule == (first < second ? first : second) && r.hit[1].rule == (first < second ? second : first);
		arena_reset(arena);
	}
	tap_int((long long)right, RULES, "both rules are found, in file order");
	policy_free(p);
	buf_free(&text);
}

/* --- regular expressions at their limit ----------------------------------------------------------- */

static const struct {
	const char *regex;
	char fill;
	size_t n;
} hard[] = {
	{"(a+)+$", 'a', 100}, {"(a|a)*$", 'a', 200000}, {"(?:a?){25}[bc]", 'a', 5000}, {"[a-z]{3,}[0-9]", 'a', 200000}, {"(?:[a-z]+ )*foo", 'a', 200000}, {"(.*)(.*)(.*)(.*)[bc][yz]", 'a', 5000},
};

static void test_hard_regex(void)
{
	static char subject[200001];

	for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
		char text[1024];
		struct policy *p;
		struct policy_env env = {.now = NOW};
		struct policy_result r;
		struct facts f;

		(void)snprintf(text, sizeof text, E "on timeout tempfail \"later\" rule A { when subject ~ /%s/ score 1 } rule B { when subject !~ /%s/ score 2 } rule C { when subject ~ /Xb/ score 4 }",
			hard[i].regex, hard[i].regex);
		memset(subject, hard[i].fill, hard[i].n);
		memcpy(subject + hard[i].n - 5, "Xb fo", 5);
		p = from_text_good(text);
		given(&f, arena, "verify none");
		facts_set_text(&f, FACT_SUBJECT, span_make(subject, hard[i].n));
		if (policy_eval(p, &f, &env, NULL, arena, &r))
			tap_bail("no memory");
		result_is(p, &r, "tempfail failure 4 A=? B=? C=4", hard[i].regex);
		tap_ok(r.error, "that is a failure");
		tap_int(facts_present(&f, FACT_FAILURE) ? f.cell[FACT_FAILURE].one.num : -1, fact_word(FACT_FAILURE, span_cstr("timeout")), "of the class timeout");
		policy_free(p);
		arena_reset(arena);
	}
}

/* Judged with a subject that takes (a+)+$ to its limit. */
static void eval_hard_subject(const struct policy *p, const char *text, struct facts *f, struct policy_result *r)
{
	static char subject[100];
	struct policy_env env = {.now = NOW};

	memset(subject, 'a', sizeof subject);
	subject[99] = 'X';
	given(f, arena, text);
	facts_set_text(f, FACT_SUBJECT, span_make(subject, sizeof subject));
	if (policy_eval(p, f, &env, NULL, arena, r))
		tap_bail("no memory");
}

/* What a shadow rule can't do in time changes nothing of what is done, unless a live rule asks for it. */
static void test_watched_limit(void)
{
	static const struct {
		const char *rule, *want;
		bool error;
	} t[] = {
		{"rule B { when verify == none score 5 }", "tag score 5 A=? B=5", false},
		{"rule B { when A or verify == none score 5 }", "tag score 5 A=? B=5", false},
		{"rule B { when A or verify == pass score 5 }", "tempfail failure 0 A=? B=?", true},
	};
	struct policy_result r;
	struct policy *p;
	struct facts f;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char text[1024];

		(void)snprintf(text, sizeof text, E ACTIONS "on timeout tempfail \"later\" rule A shadow { when subject ~ /(a+)+$/ score 1 } %s", t[i].rule);
		p = from_text_good(text);
		eval_hard_subject(p, "verify none", &f, &r);
		result_is(p, &r, t[i].want, t[i].rule);
		tap_ok(r.error == t[i].error && facts_present(&f, FACT_FAILURE) == t[i].error, "is it a failure, and a fact");
		policy_free(p);
		arena_reset(arena);
	}
}

/* A limit that decided nothing is no failure, nor does it make one of a pseudonym. */
static void test_limit_beside(void)
{
	struct policy *p = from_text_good(E "rule A { when subject ~ /(a+)+$/ and rcpt.count > 5 score 1 } rule B { when orig.tn in +1* score 2 }");
	struct policy_result r;
	struct facts f;

	eval_hard_subject(p, "rcpt.count 1, orig.tn \"~1f\"", &f, &r);
	result_is(p, &r, "accept none 0 B=?", "a limit beside a pseudonym");
	tap_ok(!r.error, "nothing failed");
	tap_span_is(r.nhit ? r.hit[0].why : span_cstr(""), "orig.tn is ~1f, a pseudonym: nothing is known of it", "why a rule is unknown is said without a trace");
	policy_free(p);
	arena_reset(arena);
}

static void test_failure_beside(void)
{
	struct policy *p = from_text_good(E "on timeout tempfail \"later\" on malformed accept rule A { when subject ~ /(a+)+$/ score 1 }");
	struct policy_result r;
	struct facts f;

	eval_hard_subject(p, "failure malformed", &f, &r);
	tap_int(r.action, VERDICT_TEMPFAIL, "a failure the sender may cause does not hide that a rule failed");
	policy_free(p);
	arena_reset(arena);
}

/* --- the rest -------------------------------------------------------------------------------------- */

static void test_memory(void)
{
	struct policy *p = from_text_good(E "on internal accept rule A { when verify == none final reject \"x\" }");
	struct arena *small = arena_new(64);
	struct policy_env env = {.now = NOW};
	struct policy_result r;
	struct facts f;

	given(&f, arena, "verify none");
	while (arena_alloc(small, 1))
		;
	tap_int(policy_eval(p, &f, &env, NULL, small, &r), -1, "without memory there is no verdict");
	tap_int(r.action, VERDICT_ACCEPT, "so the message is accepted");
	tap_str(r.because, "failure", "because of a failure");
	tap_ok(!r.would && r.nhit == 0, "and no rule did it");
	arena_free(small);
	policy_free(p);
	arena_reset(arena);
}

static void test_peer(void)
{
	struct policy *p = from_text_good(E "peer a { match client in 10.0.0.0/8 and helo ~ /^mm4\\./ } peer b { match client in 10.0.0.0/8 }");
	struct policy_env env = {.now = NOW};
	struct policy_result r;
	struct facts f;

	given(&f, arena, "client 10.1.1.1, helo \"mm4.example\"");
	tap_str(policy_peer(p, &f, arena), "a", "the first block that matches");
	tap_int(policy_eval(p, &f, &env, NULL, arena, &r), 0, "a message of it");
	tap_str(r.peer, "a", "is told");
	tap_span_is(f.cell[FACT_PEER].one.text, "a", "and is a fact");
	tap_int(f.cell[FACT_NOW].one.num, NOW, "as the time is");
	given(&f, arena, "client 10.1.1.1");
	tap_str(policy_peer(p, &f, arena), "b", "the second");
	given(&f, arena, "client 11.1.1.1");
	tap_ok(!policy_peer(p, &f, arena), "none");
	policy_free(p);
	p = from_text_good(E "peer a { match client in 10.0.0.0/8 and orig.tn in +1555* } peer b { match client in 10.0.0.0/8 }");
	for (int i = 0; i < 2; i++) {
		given(&f, arena, i ? "client 11.1.1.1, orig.tn \"~1f\"" : "client 10.1.1.1, orig.tn \"~1f\"");
		tap_ok(policy_eval(p, &f, &env, NULL, arena, &r) == 0 && r.peer_in_doubt == !i, "is its peer in doubt, case %d", i);
	}
	policy_free(p);
	arena_reset(arena);
}

int main(void)
{
	arena = arena_new((size_t)4 * 1024 * 1024);
	test_conditions();
	test_verdicts();
	test_replies();
	test_rates();
	test_shadow_rate();
	test_key();
	test_places();
	test_hard_regex();
	test_watched_limit();
	test_limit_beside();
	test_failure_beside();
	test_memory();
	test_peer();
	arena_free(arena);
	return tap_done();
}
