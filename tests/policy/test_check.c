/* What is odd is warned of; what a policy needs, asks and holds is known. */
#include "config.h"

#include "policy/policy.h"

#include <stdio.h>

#include "tests/policy/from_text.h"

#define RULE "rule A { when "
#define END " score 1 }"

static const struct {
	const char *line, *said;
} warnings[] = {
	{RULE "not orig.tn == +15550100001" END, "p:2:15: warning: this \"not\" also holds when \"orig.tn\" is absent; if that is not meant, say present(orig.tn) and ..."},
	{RULE "present(orig.tn) and not orig.tn == +15550100001" END, ""},
	{RULE "not verify == pass" END, ""},
	{RULE "not (verify == pass or (replay == new and verify == none))" END, "p:2:15: warning: this \"not\" also holds when \"replay\" is absent; if that is not meant, say present(replay) and ..."},
	{"list l tn { +15550100001 }", "p:2:6: warning: list \"l\" is not used"},
	{"window w daily 21:00..08:00", "p:2:8: warning: window \"w\" is not used"},
	{"rate r key orig.tn limit 1 per 1h", "p:2:6: warning: rate \"r\" is not used"},
	{"group g { max 5 }", "p:2:7: warning: group \"g\" is not used"},
	{"peer a { match client in 192.0.2.1 } peer b { match client  in  192.0.2.1 }", "p:2:43: warning: this peer is never reached: \"a\" has the same match"},
	{"peer a { match client in 192.0.2.0/24 } peer b { match client == 192.0.2.1 and helo == \"x\" }", "p:2:46: warning: this peer is never reached: \"a\" has all its networks"},
	{"peer a { match client in {10.0.0.0/9, 192.0.2.0/24} } peer b { match client in {10.127.0.0/16, 192.0.2.128/25} }",
		"p:2:60: warning: this peer is never reached: \"a\" has all its networks"},
	{"peer a { match client in {10.0.0.0/9, 192.0.2.0/24} } peer b { match client in {10.128.0.0/16, 192.0.2.128/25} }", ""},
	{"peer a { match client in 192.0.2.0/24 and helo == \"x\" } peer b { match client == 192.0.2.1 }", ""},
	{"peer a { match client in 192.0.2.0/24 } peer b { match client not in 192.0.2.0/25 }", ""},
	{"peer a { match client in ::/0 } peer b { match client in 192.0.2.0/24 }", ""},
	{"peer a { match present(verify) or helo == \"x\" } peer b { match helo == \"y\" }", "p:2:54: warning: this peer is never reached: \"a\" matches every message"},
	{"rule A { when verify == pass score -1 }", "p:2:36: warning: a bare pass earns nothing: \"A\" is only about the result of verification"},
	{"rule A { when verify == pass and reason == ok score -1 }", "p:2:53: warning: a bare pass earns nothing: \"A\" is only about the result of verification"},
	{"rule A { when verify == pass and signer.reputation > 90 score -1 }", ""},
	{"rule A { when verify == none }", "p:2:6: warning: rule \"A\" does nothing: it has no score and no final, and no rule names it"},
	{"rule A { when verify == none score 0 }", "p:2:36: warning: score 0 does nothing, and no rule names \"A\""},
	{"rule A { when verify == none } rule B { when A score 1 }", ""},
	{"rule A { when verify == none score 1 absorb B } rule B { when verify == none score 1 }", "p:2:45: warning: \"B\" is absorbed, but the condition does not name it"},
	{"rule A { when B score 1 } rule B shadow { when verify == none score 1 }", "p:2:15: warning: \"B\" is a shadow rule, and decides here all the same"},
	{RULE "signer.cert == \"ab:cd\"" END, "p:2:30: warning: \"signer.cert\" is 64 hexadecimal digits and nothing between them, so this is never equal"},
	{RULE "signer.cert in {\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}" END, ""},
	{RULE "orig.address in @l" END " list l text { \"A@example.net\" }", "p:2:58: warning: \"orig.address\" is in lower case, so this is never equal"},
	{RULE "helo == \"[192.0.2.1]\" or helo == \"[IPv6:2001:db8::1]\"" END, ""},
	{RULE "verify in {pass, none, pass}" END, "p:2:25: warning: a value is in this set twice"},
	{RULE "rcpt.count in {1, 2, 1}" END, "p:2:29: warning: a value is in this set twice"},
	{RULE "rcpt.count < 0" END, "p:2:28: warning: this never holds: \"rcpt.count\" is not below 0"},
	{RULE "orig.reputation > 100" END, "p:2:33: warning: this never holds: \"orig.reputation\" is 0 to 100"},
	{RULE "orig.reputation >= 100 or passport.age < 0s" END, ""},
	{RULE "orig.tn in @l" END " list l tn { }", "p:2:44: warning: the list is empty: nothing is ever in it"},
	{RULE "orig.address == \"A@example.net\"" END, "p:2:31: warning: \"orig.address\" is in lower case, so this is never equal"},
};


static void test_warnings(void)
{
	for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++) {
		struct from_text t;
		char text[4096];
		struct span said;

		(void)snprintf(text, sizeof text, "policy 1 mode tag\n%s\n", warnings[i].line);
		tap_int(from_text(text, &t), 0, "accepted: %s", warnings[i].line);
		said = buf_span(&t.report.text);
		said = span_cut(&said, '\n');
		tap_span_is(said, warnings[i].said, "%s", warnings[i].said[0] ? warnings[i].said : "nothing is said");
		tap_int(t.report.warnings, warnings[i].said[0] != '\0', "and nothing else");
		from_text_free(&t);
	}
}

static void test_needs(void)
{
	static const struct {
		const char *text;
		unsigned needs;
		enum fact_id asks;
	} t[] = {
		{"policy 1 rule A { when verify == none score 1 }", FACT_NEED_FREE, FACT_VERIFY},
		{"policy 1 rule A { when any(dest.tn) == +15550100001 score 1 }", FACT_NEED_TO, FACT_DEST_TN},
		{"policy 1 rule A { when mime.count > 3 score 1 }", FACT_NEED_CONTENT, FACT_MIME_COUNT},
		{"policy 1 rule A { when present(url) score 1 }", FACT_NEED_TEXT | FACT_NEED_CONTENT, FACT_URL},
		{"policy 1 rule A shadow { when orig.first_seen < 1d score 1 }", FACT_NEED_HISTORY, FACT_ORIG_FIRST_SEEN},
		{"policy 1 rule A { when verify == none score 1 per url.count max 4 }", FACT_NEED_TEXT | FACT_NEED_CONTENT, FACT_URL_COUNT},
		{"policy 1 rate r key subject, text.size limit 1 per 1h rule A { when over(r) score 1 }", FACT_NEED_TEXT | FACT_NEED_CONTENT, FACT_TEXT_SIZE},
		{"policy 1 rate r key text.size limit 1 per 1h", FACT_NEED_FREE, FACT_N},
		{"policy 1 peer a { match dest.count > 1 }", FACT_NEED_TO, FACT_DEST_COUNT},
		{"policy 1 rule A { when verify == none score 1 } test \"t\" { given url.count 3 expect accept }", FACT_NEED_FREE, FACT_VERIFY},
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct policy *p = from_text_good(t[i].text);

		tap_int(policy_needs(p), t[i].needs, "what is needed: %s", t[i].text);
		if (t[i].asks != FACT_N)
			tap_ok(policy_asks(p, t[i].asks), "it asks for %s", fact_row(t[i].asks)->name);
		tap_ok(!policy_asks(p, FACT_SPF), "and not for spf");
		policy_free(p);
	}
}

#define LISTS "policy 1 list a tn file \"lists/small.tn\" list b host { \"x.example\" } rule A { when orig.tn in @a or helo in @b score 1 }"

static void test_lists(void)
{
	struct policy *p = from_text_good(LISTS);
	const char *name;

	tap_int((long long)policy_lists(p, 0, &name), 2, "entries of the first list");
	tap_str(name, "a", "and its name");
	tap_int((long long)policy_lists(p, 1, &name), 1, "of the second");
	tap_int((long long)policy_lists(p, 2, &name), 0, "there is no third");
	tap_ok(!name, "and it has no name");
	tap_int((long long)policy_rule_count(p), 1, "one rule");
	tap_span_is(policy_rule(p, 0)->name.text, "A", "this one");
	tap_int(policy_mode(p), AST_MODE_TAG, "the mode when none is given");
	policy_free(p);
}

static void test_hash(void)
{
	static const char *const text[] = {
		LISTS,
		LISTS " ",
		"policy 1 list a tn file \"lists/small.tn\" list b host { \"y.example\" } rule A { when orig.tn in @a or helo in @b score 1 }",
	};
	char first[POLICY_HASH_BYTES];

	for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
		struct policy *p = from_text_good(text[i]), *again = from_text_good(text[i]);

		tap_int((long long)strlen(policy_hash(p)), 16, "16 figures");
		tap_str(policy_hash(p), policy_hash(again), "the same text, the same hash");
		if (i)
			tap_ok(strcmp(policy_hash(p), first) != 0, "another text, another hash");
		else
			memcpy(first, policy_hash(p), sizeof first);
		policy_free(p);
		policy_free(again);
	}
}

static int changed_read(void *ctx, const char *path, size_t max, struct buf *out, struct err *e)
{
	(void)path;
	(void)max;
	(void)e;
	return buf_puts(out, ctx);
}

static void test_list_hash(void)
{
	char hash[2][POLICY_HASH_BYTES];
	static const char *const content[] = {"+15550100001\n", "+15550100002\n"};

	for (int i = 0; i < 2; i++) {
		struct source_loader loader = {(void *)(size_t)content[i], changed_read, NULL};
		struct source_report report;
		struct ast_policy *tree;
		struct policy *p;

		source_report_init(&report);
		if (parser_parse("p", span_cstr(LISTS), &loader, &tree, &report) || policy_compile(tree, &loader, &p, &report))
			tap_bail("the policy: %.*s", (int)report.text.n, report.text.p);
		memcpy(hash[i], policy_hash(p), sizeof hash[i]);
		policy_free(p);
		source_report_free(&report);
	}
	tap_ok(strcmp(hash[0], hash[1]) != 0, "another list, another hash");
}

int main(void)
{
	test_warnings();
	test_needs();
	test_lists();
	test_hash();
	test_list_hash();
	return tap_done();
}
