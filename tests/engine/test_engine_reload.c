/*
 * What lasts from one engine to the next, and from one process to the next:
 * rates, history, lists, the fact log; what is refused on the way; and what is
 * said to the operator.
 */
#include "config.h"

#include "engine/engine.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/file.h"
#include "tests/lib/engine_place.h"

#define RATE "policy 1 mode enforce\nrate hour key orig.tn limit 2 per 1h\nrule R { when over(hour) final reject 5.7.1 \"too many\" }\n"

static void test_rates(void)
{
	struct engine *g = open_with(RATE, ""), *next;
	struct transaction t = begin();
	struct err e;

	for (int i = 0; i < 4; i++) {
		judge(&t, g, NUMBER, NOW + i);
		tap_int(t.verdict.action, i < 2 ? VERDICT_ACCEPT : VERDICT_REJECT, "message %d of a number that may send two an hour", i + 1);
	}
	next = reopen(g, RATE "# another one\n", "", &e);
	tap_ok(next && strcmp(policy_hash(engine_policy(g)), policy_hash(engine_policy(next))) != 0, "a reload brings another policy");
	tap_ok(next && engine_counters(next) == engine_counters(g), "... and the same counters");
	engine_unref(g);
	judge(&t, next, NUMBER, NOW + 5);
	tap_int(t.verdict.action, VERDICT_REJECT, "what was used up stays used up");
	judge(&t, next, NUMBER, NOW + 7200);
	tap_int(t.verdict.action, VERDICT_ACCEPT, "... until there is something again");
	engine_unref(next);
	transaction_free(&t);
}

static void test_history(void)
{
	static const char policy[] = "policy 1 mode enforce\nrule NEW { when orig.first_seen < 1h score 1 }\nrule BAD { when orig.reputation < 45 score 2 }\n"
				     "rule STRANGE { when peer.first_seen < 1h score 4 }\nrule STOP { when subject == \"bad\" final reject \"no\" }\n";
	static const struct {
		const char *header;
		int after_s, score;
	} rows[] = {
		{NUMBER, 0, 5000},                                                    /* all is new */
		{NUMBER, 10, 5000},                                                   /* still */
		{NUMBER, 2 * 3600, 0},                                                /* known by now */
		{"From: <+15550100009/TYPE=PLMN@a.example>\n", 2 * 3600, 1000},       /* another number of a known peer */
		{NUMBER "Subject: bad\n", 2 * 3600 + 1, 0}, {NUMBER "Subject: bad\n", 2 * 3600 + 2, 0}, {NUMBER "Subject: bad\n", 2 * 3600 + 3, 0},
		{NUMBER "Subject: bad\n", 2 * 3600 + 4, 0}, {NUMBER "Subject: bad\n", 2 * 3600 + 5, 0}, {NUMBER "Subject: bad\n", 2 * 3600 + 6, 0},
		{NUMBER, 2 * 3600 + 10, 2000},                                        /* its messages were stopped */
		{NUMBER, -3600, 7000},                                                /* the clock was set back */
	};
	struct engine *g = open_with(policy, "");
	struct transaction t = begin();
	struct mms_client c = {.helo = span_cstr("x")};
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&c.addr;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(0xc0000209);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool last = i + 1 == sizeof rows / sizeof *rows, stopped = i >= 4 && i < 10;

		push(&t, g, &c, rows[i].header, "");
		engine_finish(g, &t, NOW + rows[i].after_s);
		if (!stopped)
			tap_int(t.verdict.score_milli, rows[i].score, "message %zu%s", i, last ? ", before the first" : "");
	}
	transaction_free(&t);
	engine_unref(g);
}

/* --- lists ------------------------------------------------------------------------------ */

static void write_list(unsigned from, unsigned n)
{
	struct buf text;

	buf_init(&text, 65536);
	for (unsigned i = from; i < from + n; i++)
		buf_printf(&text, "+1555010%04u\n", i * 2);
	write_text("blocked.tn", text.n ? text.p : "");
	buf_free(&text);
}

static void test_lists(void)
{
	static const char policy[] = "policy 1 mode enforce\nlist blocked tn file \"blocked.tn\"\nlist few tn { +15550100001, +15550100003, +15550100005 }\n"
				     "rule R { when orig.tn in @blocked or orig.tn in @few score 1 }\n";
	static const char fewer[] = "policy 1 mode enforce\nlist blocked tn file \"blocked.tn\"\nlist few tn { +15550100001 }\n"
				    "rule R { when orig.tn in @blocked or orig.tn in @few score 1 }\n";
	struct engine *g, *next;
	struct err e;

	write_list(0, 100);
	g = open_with(policy, "");
	write_list(0, 49);
	tap_ok(!reopen(g, policy, "", &e), "a list that lost 51 of 100 entries is refused");
	tap_ok(strstr(e.text, "\"blocked\" had 100 entries and has 49") && strstr(e.text, "AllowListShrink"), "... with the numbers: %s", e.text);
	next = reopen(g, policy, "AllowListShrink yes\n", &e);
	tap_ok(next != NULL, "... and taken when that was meant");
	engine_unref(next);
	write_list(0, 50);
	next = reopen(g, fewer, "", &e);
	tap_ok(next != NULL, "one that lost half is taken, and what is written in the policy itself was meant");
	engine_unref(next);
	write_text("blocked.tn", "+15550100000\n+1555x\n");
	tap_ok(!reopen(g, policy, "", &e) && strstr(e.text, "blocked.tn:2:"), "a bad line is refused with its place: %s", e.text);
	write_list(0, 49);
	next = reopen(NULL, policy, "", &e);
	tap_ok(next != NULL, "a start knows of no list before");
	engine_unref(next);
	engine_unref(g);
}

/* --- what is said ------------------------------------------------------------------------ */

static void test_report(void)
{
	struct engine *g;
	struct settings s;
	struct buf said;
	struct err e;

	buf_init(&said, SOURCE_REPORT_BYTES);
	g = reopen(NULL, "policy 1\nrule R { when verify == untrustd score 1 }\n", "", &e);
	tap_ok(!g && e.code == ERR_CONFIG && strstr(e.text, "p.policy:2:25: error: "), "a broken policy: %s", e.text);
	tap_ok(!g && !strchr(e.text, '\n'), "... on one line");

	write_text("p.policy", "policy 1\nrule R { when verify == none score 1 }\nrule Q { when verify == nun score 1 }\nrule P { when urll == \"x\" score 1 }\n");
	settings_of(&s, "");
	tap_int(engine_open_saying(&s, &g, &said, &e), -1, "two mistakes");
	tap_ok(strstr(said.p, ":3:") && strstr(said.p, ":4:") && strchr(said.p, '^'), "... both are said, with the lines: %s", said.p);

	write_text("p.policy", "policy 1 mode enforce\nrule R { when verify == none score 1 }\ntest \"one\" { given verify none expect hit R }\ntest \"two\" { given verify none expect miss R }\n");
	buf_reset(&said);
	settings_of(&s, "");
	tap_int(engine_open_saying(&s, &g, &said, &e), -1, "a test of the policy that fails");
	tap_ok(strstr(e.text, "1 of its 2 tests failed") && strstr(said.p, "p.policy:4:"), "... %s; %s", e.text, said.p);
	tap_ok(!g, "... and no engine");

	write_text("p.policy", "policy 1 mode enforce\nrule R { when verify == none score 1 }\ntest \"one\" { given verify none expect hit R }\n");
	buf_reset(&said);
	settings_of(&s, "");
	tap_int(engine_open_saying(&s, &g, &said, &e), 0, "all is well");
	engine_unref(g);
	buf_free(&said);
}

static void test_advice(void)
{
	static const struct {
		const char *policy, *more, *want;
	} rows[] = {
		{"rule R { when verify == none score 1 }", "", ""},
		{"rule R { when dkim == fail score 1 }", "", " asks for dkim, which is never there: TrustedResults does not name it\n"},
		{"rule R { when dmarc.aligned == yes score 1 }", "TrustedResults dkim\n", " asks for dmarc, which is never there: TrustedResults does not name it\n"},
		{"rule R { when any(dkim.domain) == \"a.example\" score 1 }", "TrustedResults spf\n", " asks for dkim, which is never there: TrustedResults does not name it\n"},
		{"rule R { when dkim == fail score 1 }", "TrustedResults spf DKIM\n", ""},
		{"rule R shadow { when rspamd.score > 5 score 1 }", "", " asks for rspamd.score, which is never there: TrustedScores names no client\n"},
		{"rule R shadow { when rspamd.score > 5 score 1 }", "TrustedScores 192.0.2.0/24\n", ""},
		{"rule R { when orig.first_seen < 1d score 1 }", "", " asks for history, which ends with this process: StateFile is not set\n"},
		{"list few tn { +15550100001 }\nrule R { when verify == none score 1 }", "", "p.policy:2:6: warning: "},
	};
	struct buf out;

	buf_init(&out, 65536);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char policy[512];
		struct engine *g;

		(void)snprintf(policy, sizeof policy, "policy 1 mode enforce\n%s\n", rows[i].policy);
		g = open_with(policy, rows[i].more);
		buf_reset(&out);
		engine_advice(g, NOW, &out);
		tap_ok(rows[i].want[0] ? out.n && strstr(out.p, rows[i].want) != NULL : out.n == 0, "%s %s: %s", rows[i].policy, rows[i].more, out.n ? out.p : "nothing");
		engine_unref(g);
	}
	buf_free(&out);
}

static void test_settings(void)
{
	static const struct {
		const char *more, *want;
	} rows[] = {
		{"TrustedResults dkim, spff\n", "TrustedResults: \"spff\" is not one of dkim, dmarc, spf, arc; did you mean \"spf\"?"},
		{"FactLogNumbers full\n", "FactLogNumbers has no effect without FactLog"},
		{"FactLog f\nFactLogNumbers full\nLogNumbers masked\nPseudonymKey k\n", "PseudonymKey has no effect: neither"},
		{"LogNumbers full\nShowHiddenSenders yes\nPseudonymKey k\n", "PseudonymKey has no effect: neither"},
		{"LogNumbers full\nPseudonymKey k\n", NULL},
		{"FactLog f\nLogNumbers full\nPseudonymKey k\n", NULL},
		{"FactLog f\nFactLogNumbers full\nPseudonymKey k\n", NULL},
		{"FactLog f\nStateFile f\n", "FactLog and StateFile are one file"},
		{"FactLog f\nPseudonymKey f\n", "FactLog and PseudonymKey are one file"},
		{"StateFile certs\nRevocationList certs\n", "StateFile and RevocationList are one file"},
		{"HelpURL http://x.example/\n", "\"http://x.example/\" is no https address with a host"},
		{"HelpURL https://\n", "\"https://\" is no https address with a host"},
		{"HelpURL https://x.example/ö\n", "may hold printable ASCII only"},
		{"StateEntries 999\n", "is too small; at least 1000"},
		{"HelpURL https://x.example/a?b=c\nOverload 100000\nStateEntries 1000\nTrustedScores ::1\n", NULL},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct settings s;
		struct err e = {0};
		struct buf text;
		int rc;

		buf_init(&text, 65536);
		buf_printf(&text, "TrustAnchors %s\nCertificateDir %s\nPolicy p\n%s", path("anchors.pem"), path("certs"), rows[i].more);
		rc = settings_init(&s, &e) || settings_parse(&s, "conf", buf_span(&text), &e) || settings_check(&s, &e);
		tap_int(rc, rows[i].want != NULL, "%s", rows[i].more);
		tap_ok(!rows[i].want || strstr(e.text, rows[i].want), "... %s", e.text);
		settings_free(&s);
		buf_free(&text);
	}
}

/* --- files ---------------------------------------------------------------------------------- */

static void test_state(void)
{
	char more[700];
	struct engine *g, *next;
	struct transaction t = begin();
	struct err e = {0};

	(void)snprintf(more, sizeof more, "StateFile %s\n", path("state"));
	g = open_with(RATE, more);
	tap_int(engine_load_state(g, &e), 0, "no file yet");
	tap_int(engine_save_state(g, &e), 0, "nothing happened");
	tap_int(access(path("state"), F_OK), -1, "... so nothing is written");
	for (int i = 0; i < 2; i++)
		judge(&t, g, NUMBER, NOW);
	tap_int(engine_save_state(g, &e), 0, "something happened");
	engine_unref(g);
	next = open_with(RATE, more);
	tap_int(engine_load_state(next, &e), 0, "the next process reads it");
	judge(&t, next, NUMBER, NOW + 1);
	tap_int(t.verdict.action, VERDICT_REJECT, "... and a rate stays used up");
	engine_unref(next);
	write_text("state", "rubbish");
	next = open_with(RATE, more);
	tap_int(engine_load_state(next, &e), -1, "a broken one: %s", e.text);
	judge(&t, next, NUMBER, NOW + 1);
	tap_int(t.verdict.action, VERDICT_ACCEPT, "... is a start without a past");
	tap_int(access(path("state.broken"), F_OK), 0, "... and is kept");
	engine_unref(next);
	transaction_free(&t);
}

static void read_log(struct buf *out, const char *name)
{
	struct err e = {0};

	if (file_read(path(name), 1024 * 1024, out, &e))
		tap_bail("%s", e.text);
}

static size_t lines(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

/* What stands behind "orig.tn":" in the last line. */
static void pseudonym(const struct buf *log, char out[32])
{
	const char *p = log->p, *q;

	out[0] = '\0';
	while ((q = strstr(p, "\"orig.tn\":\"")) != NULL) {
		p = q + 11;
		(void)snprintf(out, 32, "%.17s", p);
	}
}

static void test_record(void)
{
	char more[1500], first[32], second[32];
	struct engine *g, *next, *third;
	struct transaction t = begin();
	struct buf log;
	struct err e = {0};

	buf_init(&log, 1024 * 1024);
	(void)snprintf(more, sizeof more, "FactLog %s\n", path("facts"));
	g = open_with(RATE, more);
	judge(&t, g, NUMBER "Subject: secret\n", NOW);
	tap_int(engine_record(g, &t, span_cstr("4Q"), NOW, &e), 0, "one message");
	judge(&t, g, LETTER, NOW);
	tap_int(engine_record(g, &t, span_cstr("4R"), NOW, &e), 0, "ordinary mail");
	read_log(&log, "facts");
	tap_int((long long)lines(&log), 1, "one line");
	tap_ok(strstr(log.p, "\"id\":\"4Q\"") && strstr(log.p, policy_hash(engine_policy(g))), "... with the queue id and the policy: %s", log.p);
	tap_ok(!strstr(log.p, "15550100001") && !strstr(log.p, "secret"), "... and without number or text");
	pseudonym(&log, first);
	next = reopen(g, RATE, more, &e);
	judge(&t, next, NUMBER, NOW);
	tap_int(engine_record(next, &t, span_cstr("4S"), NOW, &e), 0, "after a reload");
	read_log(&log, "facts");
	pseudonym(&log, second);
	tap_int((long long)lines(&log), 2, "two lines");
	tap_ok(first[0] == '~' && strcmp(first, second) == 0, "a reload keeps the key: %s %s", first, second);
	third = open_with(RATE, more);
	judge(&t, third, NUMBER, NOW);
	tap_int(engine_record(third, &t, span_cstr("4T"), NOW, &e), 0, "another start");
	read_log(&log, "facts");
	pseudonym(&log, second);
	tap_ok(strcmp(first, second) != 0, "... has another key: %s %s", first, second);
	engine_unref(g);
	engine_unref(next);
	engine_unref(third);
	buf_free(&log);
	transaction_free(&t);
}

static void test_key(void)
{
	char more[2000], first[32], second[32];
	struct transaction t = begin();
	struct engine *g;
	struct buf log;
	struct err e = {0};

	buf_init(&log, 1024 * 1024);
	(void)snprintf(more, sizeof more, "FactLog %s\nPseudonymKey %s\n", path("keyed"), path("key"));
	tap_ok(!reopen(NULL, RATE, more, &e), "no such key: %s", e.text);
	write_text("key", "0123456789012345678901234567890");
	tap_int(chmod(path("key"), 0600), 0, "a short one");
	tap_ok(!reopen(NULL, RATE, more, &e) && strstr(e.text, "has 31 octets"), "... is refused: %s", e.text);
	write_text("key", "01234567890123456789012345678901");
	tap_int(chmod(path("key"), 0644), 0, "one that everybody may read");
	tap_ok(!reopen(NULL, RATE, more, &e) && strstr(e.text, "everybody may read it"), "... is refused: %s", e.text);
	tap_int(chmod(path("key"), 0600), 0, "a good one");
	for (int i = 0; i < 2; i++) {
		g = open_with(RATE, more);
		judge(&t, g, NUMBER, NOW);
		tap_int(engine_record(g, &t, span_cstr("4Q"), NOW, &e), 0, "start %d", i + 1);
		read_log(&log, "keyed");
		pseudonym(&log, i ? second : first);
		engine_unref(g);
	}
	tap_ok(first[0] == '~' && strcmp(first, second) == 0, "the key joins two starts: %s %s", first, second);
	(void)snprintf(more, sizeof more, "FactLog %s\nFactLogNumbers full\n", path("full"));
	g = open_with(RATE, more);
	judge(&t, g, NUMBER, NOW);
	tap_int(engine_record(g, &t, span_cstr("4Q"), NOW, &e), 0, "in full");
	read_log(&log, "full");
	tap_ok(strstr(log.p, "+15550100001"), "... with the number: %s", log.p);
	engine_unref(g);
	buf_free(&log);
	transaction_free(&t);
}

int main(void)
{
	engine_global_init();
	make_place();
	test_rates();
	test_history();
	test_lists();
	test_report();
	test_advice();
	test_settings();
	test_state();
	test_record();
	test_key();
	return tap_done();
}
