/* Every mistake of a policy is said at its place, and the others too. */
#include "config.h"

#include "policy/policy.h"

#include <stdio.h>

#include "tests/policy/from_text.h"

/* Line 2 of the policy, and the first line said of it. */
struct mistake {
	const char *line, *said;
};

static const char head[] = "policy 1 mode tag\n";

static void check(const struct mistake *m)
{
	struct from_text t;
	char text[4096];
	struct span said;

	(void)snprintf(text, sizeof text, "%s%s\n", head, m->line);
	tap_int(from_text(text, &t), -1, "refused: %s", m->line);
	said = buf_span(&t.report.text);
	said = span_cut(&said, '\n');
	tap_span_is(said, m->said, "%s", m->said);
	from_text_free(&t);
}

#define RULE "rule A { when "
#define END " score 1 }"

static const struct mistake conditions[] = {
	{RULE "reason == cert-untrustd" END, "p:2:25: error: \"cert-untrustd\" is not a value of reason (ok, no-identity, ppt-unsupported, …); did you mean \"cert-untrusted\"?"},
	{RULE "passport.attest in {A, D}" END, "p:2:38: error: \"D\" is not a value of passport.attest (A, B, C)"},
	{RULE "verify == 3" END, "p:2:25: error: \"verify\" is an enum: write one of its words, as in pass"},
	{RULE "passport.age > 600" END, "p:2:30: error: \"passport.age\" is a duration: write a unit, as in 60s, 5m, 2h, 7d"},
	{RULE "rcpt.count > 5m" END, "p:2:28: error: \"rcpt.count\" is a count: write a whole number, as in 0, 20"},
	{RULE "rcpt.count > 5.5" END, "p:2:28: error: \"rcpt.count\" is a count: write a whole number, as in 0, 20"},
	{RULE "rcpt.count > -1" END, "p:2:28: error: \"rcpt.count\" is a count: write a whole number, as in 0, 20"},
	{RULE "rcpt.count in {1, 2k}" END, "p:2:33: error: \"rcpt.count\" is a count: write a whole number, as in 0, 20"},
	{RULE "mms.size > \"big\"" END, "p:2:26: error: \"mms.size\" is a size: write octets, as in 160, 600k, 2M, 1G"},
	{RULE "rspamd.score > 5s" END, "p:2:30: error: \"rspamd.score\" is a number: write it without unit, as in 5, 7.5, -1"},
	{RULE "orig.tn == \"15550100001\"" END, "p:2:26: error: \"orig.tn\" is a tn: write it with +, as in +15550100001; ranges and prefixes +1888* after \"in\""},
	{RULE "orig.tn == +1888*" END, "p:2:26: error: one number is wanted here; prefixes and ranges go after \"in\""},
	{RULE "orig.tn in {+1888*, 5}" END, "p:2:35: error: \"orig.tn\" is a tn: write it with +, as in +15550100001; ranges and prefixes +1888* after \"in\""},
	{RULE "client == 192.0.2.0/24" END, "p:2:25: error: one address is wanted here; networks go after \"in\""},
	{RULE "client in \"host\"" END, "p:2:25: error: \"client\" is an address: write it as in 192.0.2.9, 2001:db8::/32"},
	{RULE "helo == 5" END, "p:2:23: error: \"helo\" is a host: write it in quotes, as in \"mms.example.net\""},
	{RULE "signer.spc == 123" END, "p:2:29: error: \"signer.spc\" is an spc: write it in quotes, as in \"123A\""},
	{RULE "subject in \"a\"" END, "p:2:26: error: \"in\" wants a set { ... } or a list @name"},
	{RULE "verify < pass" END, "p:2:22: error: \"<\" has no meaning for \"verify\" (enum); it can be asked with ==, !=, in, not in"},
	{RULE "orig.tn ~ /^1/" END, "p:2:23: error: \"~\" has no meaning for \"orig.tn\" (tn); it can be asked with ==, !=, in, not in"},
	{RULE "subject >= \"a\"" END, "p:2:23: error: \">=\" has no meaning for \"subject\" (text); it can be asked with ==, !=, in, not in, ~, !~"},
	{RULE "now == quiet" END, "p:2:19: error: \"==\" has no meaning for \"now\" (clock); it can be asked with in, not in"},
	{RULE "now in quite" END " window quiet daily 21:00..08:00", "p:2:22: error: unknown window \"quite\"; did you mean \"quiet\"?"},
	{RULE "rcpt.cuont > 20" END, "p:2:15: error: unknown fact \"rcpt.cuont\"; did you mean \"rcpt.count\"?"},
	{RULE "present(subjekt)" END, "p:2:23: error: unknown fact \"subjekt\"; did you mean \"subject\"?"},
	{RULE "url.host == \"bit.ly\"" END, "p:2:15: error: \"url.host\" is a list: say any(url.host) or all(url.host)"},
	{RULE "any(verify) == pass" END, "p:2:19: error: \"verify\" is one value: say it without any()"},
	{RULE "orig.tn in @blockt" END " list blocked tn {+15550100001}", "p:2:27: error: unknown list \"blockt\"; did you mean \"blocked\"?"},
	{RULE "orig.tn in @core" END " list core cidr {192.0.2.1}", "p:2:27: error: list \"core\" holds cidr values, but \"orig.tn\" is a tn"},
	{RULE "signer.spc in @core" END " list core cidr {192.0.2.1}", "p:2:30: error: list \"core\" holds cidr values, but \"signer.spc\" is an spc"},
	{RULE "over(tn_hours)" END " rate tn_hour key orig.tn limit 1 per 1h", "p:2:20: error: unknown rate \"tn_hours\"; did you mean \"tn_hour\"?"},
	{RULE "SHORT_URLS" END " rule SHORT_URL { when verify == pass score 1 }", "p:2:15: error: unknown rule \"SHORT_URLS\"; did you mean \"SHORT_URL\"?"},
	{RULE "peer == \"partner_b\"" END " peer partner_a { match client == 192.0.2.1 }", "p:2:23: error: unknown peer \"partner_b\"; did you mean \"partner_a\"?"},
	{RULE "peer in {\"partner_a\", \"other\"}" END " peer partner_a { match client == 192.0.2.1 }", "p:2:37: error: unknown peer \"other\""},
	{RULE "failure == timeout" END, "p:2:26: error: no rule can ask for timeout, which comes of the rules themselves; say \"on timeout\" and an action"},
	{RULE "failure not in {internal, timeout}" END, "p:2:41: error: no rule can ask for timeout, which comes of the rules themselves; say \"on timeout\" and an action"},
	{RULE "helo == \".example.net\"" END, "p:2:23: error: a host is equal only to itself; the hosts below a domain are asked for with in {\".example.net\"}"},
	{RULE "helo != \"*.example.net\"" END, "p:2:23: error: \"helo\" is never equal to this: a host has letters, digits, hyphens and dots, and xn-- in place of other letters"},
	{RULE "signer.spc == \"12 3\"" END, "p:2:29: error: \"signer.spc\" is never equal to this: a code has letters, digits and hyphens"},
	{RULE "subject ~ /a(b/" END, "p:2:29: error: regular expression: missing closing parenthesis"},
	{RULE "subject ~ /(*UTF)a/" END, "p:2:32: error: regular expression: using UTF is disabled by the application"},
};

static const struct mistake statements[] = {
	{"rule A { when verify == none score 1 per orig.tn max 4 }", "p:2:42: error: \"per\" wants a count, and \"orig.tn\" is a tn"},
	{"rule A { when verify == none score 1 per url.cnt max 4 }", "p:2:42: error: unknown fact \"url.cnt\"; did you mean \"url.count\"?"},
	{"rule A { when verify == none score 1 per url.count max 0 }", "p:2:56: error: the most of a score is less than the score of one"},
	{"rule A { when verify == none score -5 per url.count max 4 }", "p:2:57: error: the most of a score is less than the score of one"},
	{"rule A { when verify == none score 1 per url.count max 100.5 }", "p:2:56: error: a score has at most 100 points"},
	{"rule A { when verify == none score 5 per url.count max 4 }", "p:2:56: error: the most of a score is less than the score of one"},
	{"rule A { when verify == none score 1 group contents } group content { max 5 }", "p:2:44: error: unknown group \"contents\"; did you mean \"content\"?"},
	{"rule A { when A score 1 }", "p:2:15: error: rule \"A\" names itself"},
	{"rule A { when B score 1 } rule B { when A score 1 }", "p:2:41: error: rule \"B\" names \"A\", which depends on it"},
	{"rule A { when verify == none score 1 absorb A }", "p:2:45: error: a rule can't absorb itself"},
	{"rule A shadow { when B score 1 absorb B } rule B { when verify == none score 1 }", "p:2:39: error: a shadow rule can't absorb \"B\", which is live"},
	{"rule A { when verify == none score 1 absorb BB } rule B { when verify == none score 1 }", "p:2:45: error: unknown rule \"BB\"; did you mean \"B\"?"},
	{"rule A { when verify == none final reject 4.7.1 \"x\" }", "p:2:43: error: reject needs a 5.x.x code"},
	{"rule A { when verify == none final tempfail 5.7.1 \"x\" }", "p:2:45: error: tempfail needs a 4.x.x code"},
	{"rule A { when verify == none final reject 5.7.1 \"100% bad\" }", "p:2:53: error: \"%\" is written \"%%\"; templates are %{rules} %{queue_id} %{help_url}"},
	{"rule A { when verify == none final reject 5.7.1 \"%{from}\" }", "p:2:50: error: \"%\" is written \"%%\"; templates are %{rules} %{queue_id} %{help_url}"},
	{"rule A { when verify == none final redirect \"a@b..example\" }", "p:2:45: error: redirect wants a plain address, as in abuse@example.net"},
	{"rule A { when verify == none final redirect \".a@example.net\" }", "p:2:45: error: redirect wants a plain address, as in abuse@example.net"},
	{"rule A { when verify == none final redirect \"a@-x.example\" }", "p:2:45: error: redirect wants a plain address, as in abuse@example.net"},
	{"actions { tag at 4 quarantine at 3 }", "p:2:34: error: threshold 3 must be above 4"},
	{"actions { tag at 4.5 quarantine at 4.5 }", "p:2:36: error: threshold 4.5 must be above 4.5"},
	{"peer a { match client in 192.0.2.0/24 mode enforce }", "p:2:44: error: a peer's mode can only be less than the file's: enforce is more than tag"},
	{"peer a { match peer == \"b\" }", "p:2:16: error: \"peer\" is known only once the peer is, so a peer's match can't ask for it"},
	{"peer a { match orig.reputation > 5 }", "p:2:16: error: \"orig.reputation\" is known only once the peer is, so a peer's match can't ask for it"},
	{"peer a { match A } rule A { when verify == none score 1 }", "p:2:16: error: a peer's match can't ask for a rule: rules are looked at once the peer is known"},
	{"peer a { match over(r) } rate r key orig.tn limit 1 per 1h", "p:2:16: error: a peer's match can't ask for a rate"},
	{"peer a { match client in 192.0.2.1 override B { score 1 } } rule A { when verify == none score 1 }", "p:2:45: error: unknown rule \"B\""},
	{"peer a { match client in 192.0.2.1 override A { score 1 } } rule A { when verify == none score 1 }", "p:2:45: error: this override of \"A\" changes nothing"},
	{"peer a { match client in 192.0.2.1 override A { score 1 } } rule A { when verify == none final tag }", "p:2:55: error: \"A\" has no score that could be overridden"},
	{"peer a { match client in 192.0.2.1 override A { final tag } } rule A { when verify == none score 1 }", "p:2:55: error: \"A\" has no final that could be overridden"},
	{"rate r key url.host limit 1 per 1h rule A { when over(r) score 1 }", "p:2:12: error: \"url.host\" is a list, which can't be the key of a rate"},
	{"list l tn file \"lists/none.tn\" rule A { when orig.tn in @l score 1 }", "p:2:16: error: lists/none.tn: no such file"},
	{"list l tn file \"lists/bad.tn\" rule A { when orig.tn in @l score 1 }", "lists/bad.tn:2:1: error: \"number\" is no tn entry: a number begins with +; write +15550100001, +1888* or +18005550100..+18005550199"},
	{"window w daily 21:00..08:00 zone \"Mars/Base\" rule A { when now in w score 1 }", "p:2:34: error: no such time zone: \"Mars/Base\"; names are as in America/Chicago"},
};

static const struct mistake tests[] = {
	{"rule A { when verify == none score 1 } test \"t\" { given rcpt.count 5m expect accept }", "p:2:68: error: \"rcpt.count\" is a count: write a whole number, as in 0, 20"},
	{"rule A { when verify == none score 1 } test \"t\" { given rcpt.cont 5 expect accept }", "p:2:57: error: unknown fact \"rcpt.cont\"; did you mean \"rcpt.count\"?"},
	{"rule A { when verify == none score 1 } test \"t\" { given verify none, verify pass expect accept }", "p:2:70: error: \"verify\" is given twice"},
	{"rule A { when verify == none score 1 } test \"t\" { given verify pass, reason stale expect accept }", "p:2:45: error: reason stale goes with verify fail, not with pass"},
	{"rule A { when verify == none score 1 } test \"t\" { given subject {\"a\"} expect accept }", "p:2:65: error: one value is wanted here; sets and lists go after \"in\""},
	{"rule A { when verify == none score 1 } test \"t\" { given peer \"a\" expect accept }", "p:2:57: error: \"peer\" follows from a peer's match: give what that asks for"},
	{"rule A { when verify == none score 1 } test \"t\" { given verify none expect hit AA }", "p:2:80: error: unknown rule \"AA\"; did you mean \"A\"?"},
	{"rule A { when verify == none score 1 } test \"t\" { given verify none expect peer b }", "p:2:81: error: unknown peer \"b\""},
};

static void test_all_found(void)
{
	struct from_text t;

	tap_int(from_text("policy 1\nrule A { when verify == pas or rcpt.count > x score 100 per x max 2 }\nrule B { when C score 1 }\nactions { tag at 2 tag at 1 }\n", &t), -1, "many mistakes");
	tap_int(t.report.errors, 6, "each is said");
	tap_str(t.report.first, "p:2:25: error: \"pas\" is not a value of verify (none, pass, fail, …); did you mean \"pass\"?", "the first is for logs");
	from_text_free(&t);
	tap_int(from_text("policy 1\nrule A { when B and C score 1 }\nrule B { when A score 1 }\nrule C { when verify == none score 1 }\n", &t), -1, "a cycle");
	tap_ok(t.report.text.p && strstr(t.report.text.p, "p:3:15: error: rule \"B\" names \"A\", which depends on it\n"), "the place that closes it");
	tap_ok(t.report.text.p && strstr(t.report.text.p, "p:2:15: note: \"A\" begins to depend on others here\n"), "and the other one");
	from_text_free(&t);
}

static void test_long_cycle(void)
{
	struct from_text t;
	struct buf text;

	buf_init(&text, 1024 * 1024);
	buf_puts(&text, "policy 1\n");
	for (int i = 0; i < 4096; i++)
		buf_printf(&text, "rule R%d { when R%d score 1 }\n", i, (i + 1) % 4096);
	tap_int(from_text(text.p, &t), -1, "a cycle through all rules there can be");
	tap_int(t.report.errors, 1, "is said once");
	from_text_free(&t);
	buf_free(&text);
}

#define EACH(table) \
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) \
		check(&table[i])

int main(void)
{
	EACH(conditions);
	EACH(statements);
	EACH(tests);
	test_all_found();
	test_long_cycle();
	return tap_done();
}
