/* Fact logs: what is written, with and without pseudonyms, and what is read back. */
#include "config.h"

#include "policy/factlog.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1700000000, ARENA = 64 * 1024 * 1024 };

static const unsigned char key[PSEUDONYM_KEY_BYTES] = "a key for pseudonyms in tests..";
static struct pseudonym *pseudonyms;
static struct arena *arena;

/* --- facts of every type */

static struct tn number(const char *digits)
{
	struct tn tn;

	if (tn_from_claim(span_cstr(digits), &tn) < 0)
		tap_bail("bad number in the test");
	return tn;
}

static void fill(struct facts *f)
{
	struct facts_addr v4 = {{[10] = 0xFF, [11] = 0xFF, [12] = 192, [14] = 2, [15] = 9}};
	struct tn a = number("15550100001"), b = number("15550100002");

	facts_init(f, arena);
	facts_set_num(f, FACT_VERIFY, fact_word(FACT_VERIFY, span_cstr("pass")));
	facts_set_num(f, FACT_RCPT_COUNT, 2);
	facts_set_num(f, FACT_MESSAGE_SIZE, 12345);
	facts_set_num(f, FACT_PASSPORT_AGE, -3);
	facts_set_num(f, FACT_RSPAMD_SCORE, 7512);
	facts_set_num(f, FACT_SPAMASSASSIN_SCORE, -100);
	facts_set_num(f, FACT_NOW, NOW);
	facts_set_tn(f, FACT_ORIG_TN, &a);
	facts_set_tn(f, FACT_PASSPORT_ORIG, &a);
	facts_add_tn(f, FACT_RCPT_TN, &a);
	facts_add_tn(f, FACT_RCPT_TN, &b);
	facts_empty(f, FACT_DEST_TN);
	facts_set_addr(f, FACT_CLIENT, &v4);
	facts_set_text(f, FACT_HELO, span_cstr("mm4.example.net"));
	facts_set_text(f, FACT_SIGNER_SPC, span_cstr("123A"));
	facts_set_text(f, FACT_ORIG_ADDRESS, span_cstr("alerts@example.net"));
	facts_set_text(f, FACT_MESSAGE_ID, span_cstr("<A1@example.net>"));
	facts_set_text(f, FACT_SUBJECT, span_cstr("Gr\xC3\xBC\xC3\x9F" "e \"x\"\t\\"));
	facts_add_text(f, FACT_URL, span_cstr("https://bit.ly/x"));
	facts_add_text(f, FACT_URL_HOST, span_cstr("bit.ly"));
	f->worked_out = FACT_NEED_TO | FACT_NEED_TEXT;
}

static struct factlog_context context(enum factlog_numbers numbers)
{
	return (struct factlog_context){span_cstr("4XYZ"), NOW, numbers, pseudonyms};
}

static char *line_of(const struct facts *f, enum factlog_numbers numbers)
{
	struct factlog_context c = context(numbers);
	struct buf b;
	char *copy;

	buf_init(&b, FACTLOG_LINE_MAX);
	if (factlog_write(&b, f, NULL, NULL, &c) < 0)
		tap_bail("no line");
	copy = arena_cstr(arena, buf_span(&b));
	buf_free(&b);
	return copy;
}

static bool has(const char *line, const char *what)
{
	return strstr(line, what) != NULL;
}

#define TAIL "\"score\":0.0,\"shadow\":0.0,\"action\":\"accept\",\"would\":\"accept\",\"peer\":null,\"because\":\"none\",\"rules\":[],"

static void check_full(void)
{
	struct facts f;

	fill(&f);
	tap_str(line_of(&f, FACTLOG_FULL),
		"{\"v\":1,\"time\":1700000000,\"id\":\"4XYZ\",\"policy\":\"\",\"facts\":{\"verify\":\"pass\",\"orig.tn\":\"+15550100001\",\"orig.address\":\"alerts@example.net\","
		"\"dest.tn\":[],\"rcpt.tn\":[\"+15550100001\",\"+15550100002\"],\"rcpt.count\":2,\"subject\":\"Gr\xC3\xBC\xC3\x9F" "e \\\"x\\\"\\t\\\\\",\"message.id\":\"<A1@example.net>\","
		"\"message.size\":12345,\"passport.orig\":\"+15550100001\",\"passport.age\":-3,\"signer.spc\":\"123A\",\"client\":\"192.0.2.9\",\"helo\":\"mm4.example.net\","
		"\"url\":[\"https://bit.ly/x\"],\"url.host\":[\"bit.ly\"],\"rspamd.score\":7.512,\"spamassassin.score\":-0.1},\"worked_out\":[\"to\",\"text\"]," TAIL "\"left_out\":[]}\n",
		"the whole line");
}

static void check_pseudonyms(void)
{
	struct facts f;
	struct factlog_record rec;
	struct err e;
	char *line, *again;
	const struct facts_value *v;
	size_t n;

	fill(&f);
	line = line_of(&f, FACTLOG_PSEUDONYM);
	tap_ok(!has(line, "1555010000"), "no number");
	tap_ok(!has(line, "alerts@") && !has(line, "<A1@"), "no address, no Message-ID");
	tap_ok(!has(line, "Gr\xC3") && !has(line, "https"), "no content");
	tap_ok(has(line, "\"left_out\":[\"subject\",\"url\"]"), "what is left out is listed");
	tap_ok(has(line, "\"client\":\"192.0.2.9\"") && has(line, "\"url.host\":[\"bit.ly\"]"), "the rest is there");
	tap_int(factlog_read(span_make(line, strlen(line) - 1), arena, &f, &rec, &e), 0, "it is read back");
	tap_int((long long)rec.nleft_out, 2, "two facts are left out");
	v = facts_values(&f, FACT_ORIG_TN, &n);
	tap_ok(n == 1 && v->hidden && v->text.n == 17 && v->text.p[0] == '~', "a pseudonym");
	tap_span(facts_values(&f, FACT_PASSPORT_ORIG, &n)->text, v->text, "one number, one pseudonym");
	tap_span(facts_values(&f, FACT_RCPT_TN, &n)[0].text, v->text, "in lists too");
	tap_ok(n == 2 && !span_eq(facts_values(&f, FACT_RCPT_TN, &n)[1].text, v->text), "another number, another pseudonym");
	tap_span_is(v->text, "~bb6102d142e17b41", "as any other program makes it");
	again = line_of(&f, FACTLOG_PSEUDONYM);
	tap_ok(strncmp(again, line, (size_t)(strstr(line, "\"left_out\"") - line)) == 0, "written again it differs in what is left out only");
	facts_set_text(&f, FACT_ORIG_ADDRESS, span_cstr("ALERTS@Example.NET"));
	facts_clear(&f, FACT_SUBJECT);
	tap_ok(has(line_of(&f, FACTLOG_PSEUDONYM), "\"orig.address\":\"~"), "an address");
}

/* A certificate for one number says which; nothing is not a secret. */
static void check_names(void)
{
	static const struct {
		const char *user, *pseudonym, *full;
	} t[] = {
		{"partner-a", "\"auth.user\":\"partner-a\"", "\"auth.user\":\"partner-a\""},
		{"partner-1234", "\"auth.user\":\"partner-1234\"", "\"auth.user\":\"partner-1234\""},
		{"kim@example.net", "\"auth.user\":\"~", "\"auth.user\":\"kim@example.net\""},
		{"sms15550100001", "\"auth.user\":\"~", "\"auth.user\":\"sms15550100001\""},
		{"~abcdefabcdefabcd", "\"left_out\":[\"signer.subject\",\"auth.user\"]", "\"left_out\":[\"auth.user\"]"},
	};
	struct factlog_record rec;
	struct facts f, g;
	struct err e;
	char *line;

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		facts_init(&f, arena);
		facts_set_text(&f, FACT_SIGNER_SUBJECT, span_cstr("/CN=STIR 15550100001"));
		facts_set_text(&f, FACT_AUTH_USER, span_cstr(t[i].user));
		facts_empty(&f, FACT_URL);
		facts_empty(&f, FACT_MIME_NAME);
		facts_empty(&f, FACT_RCPT_TN);
		line = line_of(&f, FACTLOG_PSEUDONYM);
		tap_ok(has(line, t[i].pseudonym), "user %s with pseudonyms", t[i].user);
		tap_ok(has(line_of(&f, FACTLOG_FULL), t[i].full), "and without");
		tap_ok(!has(line, "15550100001") && has(line, "\"left_out\":[\"signer.subject\""), "the signer's subject is left out");
		tap_ok(has(line, "\"url\":[]") && has(line, "\"mime.name\":[]") && has(line, "\"rcpt.tn\":[]"), "lists that are empty are written");
		tap_int(factlog_read(span_make(line, strlen(line) - 1), arena, &g, &rec, &e), 0, "it is read back");
		tap_ok(g.cell[FACT_URL].set && !facts_present(&g, FACT_URL), "and they are known to be empty");
		tap_int(g.cell[FACT_AUTH_USER].one.hidden, has(t[i].pseudonym, "~"), "is the user hidden");
	}
}

/* That a rule failed follows from the rules: another policy may have none of it. */
static void check_timeout(void)
{
	struct factlog_record rec;
	struct facts f, g;
	struct err e;

	for (int i = 0; i < 2; i++) {
		facts_init(&f, arena);
		facts_set_num(&f, FACT_FAILURE, fact_word(FACT_FAILURE, span_cstr(i ? "timeout" : "malformed")));
		tap_int(factlog_read(span_cstr(line_of(&f, FACTLOG_FULL)), arena, &g, &rec, &e), 0, "a failure is read back");
		tap_int(facts_present(&g, FACT_FAILURE), !i, "as a fact, unless it is timeout");
	}
}

/* --- back */

static void check_back(void)
{
	struct facts f, g;
	struct factlog_record rec;
	struct err e;
	char *line;
	size_t n;

	fill(&f);
	f.incomplete = true;
	f.incomplete_why = span_cstr("a cap");
	line = line_of(&f, FACTLOG_FULL);
	tap_int(factlog_read(span_cstr(line), arena, &g, &rec, &e), 0, "a full line is read");
	tap_ok(rec.time == NOW && span_is(rec.id, "4XYZ") && span_is(rec.policy, "") && span_is(rec.action, "accept") && span_is(rec.would, "accept") && span_is(rec.because, "none") && rec.peer.n == 0, "its head");
	tap_int((long long)rec.nrule + rec.score_milli + (long long)rec.nleft_out, 0, "no rules, no score, nothing left out");
	tap_ok(g.incomplete && span_is(g.incomplete_why, "a cap"), "incomplete, and why");
	tap_int(g.worked_out, FACT_NEED_TO | FACT_NEED_TEXT, "what was worked out");
	tap_int((long long)facts_values(&g, FACT_RSPAMD_SCORE, &n)->num, 7512, "thousandths");
	tap_int((long long)facts_values(&g, FACT_SPAMASSASSIN_SCORE, &n)->num, -100, "below zero");
	tap_ok(g.cell[FACT_DEST_TN].set && !facts_present(&g, FACT_DEST_TN), "an empty list is known to be empty");
	tap_ok(!g.cell[FACT_NOW].set, "the time is no fact");
	tap_ok(memcmp(&facts_values(&g, FACT_CLIENT, &n)->addr, &f.cell[FACT_CLIENT].one.addr, 16) == 0, "an address");
	tap_str(line_of(&g, FACTLOG_FULL), line, "written again it is the same");
}

static void check_left_out(void)
{
	struct facts f, g;
	struct factlog_record rec;
	struct factlog_context c = context(FACTLOG_FULL);
	char *big = calloc(1, 200000), *line;
	struct buf b;
	struct err e;

	if (!big)
		tap_bail("no memory");
	memset(big, 'x', 200000);
	fill(&f);
	facts_set_text(&f, FACT_HELO, span_cstr("\xFF"));
	facts_set_text(&f, FACT_ORIG_ADDRESS, span_cstr("~0123456789abcdef"));
	facts_set_text(&f, FACT_SUBJECT, span_make(big, 33 * 1024));
	facts_set_text(&f, FACT_LISTENER, span_make("a\0b", 3));
	line = line_of(&f, FACTLOG_FULL);
	tap_ok(has(line, "\"left_out\":[\"orig.address\",\"subject\",\"helo\"]"), "no UTF-8, too long, or like a pseudonym");
	tap_int(factlog_read(span_cstr(line), arena, &g, &rec, &e), 0, "it is read back");
	tap_span(g.cell[FACT_LISTENER].one.text, span_make("a\0b", 3), "NUL is kept");
	/* as much as there can be */
	memset(big, '\x01', 200000);
	for (int i = 0; i < FACT_N; i++) {
		const struct fact_row *row = fact_row((enum fact_id)i);
		struct tn tn = number("155501000012345");

		for (int k = 0; row->list && k < FACTS_LIST_MAX; k++) {
			if (row->type == FACT_TYPE_TN)
				facts_add_tn(&f, (enum fact_id)i, &tn);
			else
				facts_add_text(&f, (enum fact_id)i, span_make(big, (size_t)k % 5));
		}
		if (!row->list && (row->type == FACT_TYPE_TEXT || row->type == FACT_TYPE_HOST))
			facts_set_text(&f, (enum fact_id)i, span_make(big, 5000));
	}
	c.id = span_make(big, 4096);
	f.incomplete = true;
	f.incomplete_why = span_make(big, 200);
	buf_init(&b, 1 << 20);
	tap_int(factlog_write(&b, &f, NULL, NULL, &c), 0, "a message with too much of all");
	tap_ok(b.n <= FACTLOG_LINE_MAX && b.n > 100000, "fits the line: %zu", b.n);
	tap_int(factlog_read(buf_span(&b), arena, &g, &rec, &e), 0, "it is read back");
	tap_ok(rec.nleft_out > 5, "with what was left out");
	buf_reset(&b);
	c.id = span_cstr("a\xFF/b");
	tap_ok(factlog_write(&b, &f, NULL, NULL, &c) == 0 && has(b.p, "\"id\":\"a\\\\xff/b\""), "a name that is no UTF-8");
	buf_reset(&b);
	c.id = span_make(big, 200000);
	tap_ok(factlog_write(&b, &f, NULL, NULL, &c) == 0 && has(b.p, "\"id\":\"\"") && has(b.p, "\"left_out\":[\"id\","), "one that is too long");
	tap_int(factlog_read(buf_span(&b), arena, &g, &rec, &e), 0, "it is read back");
	buf_free(&b);
	free(big);
}

/* --- what is refused */

#define HEAD "{\"v\":1,\"time\":1,\"id\":\"\",\"policy\":\"\",\"worked_out\":[]," TAIL "\"left_out\":[],"
struct refused_case {
	const char *facts; /* what stands behind "facts": */
	const char *error; /* NULL: accepted */
};

static const struct refused_case refused[] = {
	{"{}}", NULL},
	{"{\"verify\":\"pass\"}}", NULL},
	{"{\"orig.tn\":\"~0123456789abcdef\",\"message.id\":\"~0123456789abcdef\"}}", NULL},
	{"{\"helo\":\"~0123456789abcdef\",\"orig.address\":\"~x\"}}", NULL},
	{"{\"orig.tm\":\"+1\"}}", "unknown fact \"orig.tm\"; did you mean \"orig.tn\"?"},
	{"{\"x\\u001by\":1}}", "unknown fact \"x\\x1by\""},
	{"{\"verify\":\"pas\"}}", "\"verify\": unknown verify \"pas\"; did you mean \"pass\"?"},
	{"{\"verify\":1}}", "\"verify\": this is a word"},
	{"{\"verify\":null}}", "\"verify\": this is a word"},
	{"{\"rcpt.count\":1.5}}", "\"rcpt.count\": this is a whole number"},
	{"{\"rcpt.count\":\"1\"}}", "\"rcpt.count\": this is a whole number"},
	{"{\"rcpt.count\":-1}}", "\"rcpt.count\": this number is not below zero"},
	{"{\"message.size\":-1}}", "\"message.size\": this number is not below zero"},
	{"{\"message.age\":-1}}", NULL},
	{"{\"rspamd.score\":7}}", NULL},
	{"{\"rspamd.score\":1e300}}", "\"rspamd.score\": this number is too large"},
	{"{\"rspamd.score\":\"7\"}}", "\"rspamd.score\": this is a number"},
	{"{\"orig.tn\":\"15550100001\"}}", "\"orig.tn\": this is a number, as \"+15550100001\", or a pseudonym"},
	{"{\"orig.tn\":\"+\"}}", "\"orig.tn\": this is a number, as \"+15550100001\", or a pseudonym"},
	{"{\"orig.tn\":\"~0123456789ABCDEF\"}}", "\"orig.tn\": this is a number, as \"+15550100001\", or a pseudonym"},
	{"{\"orig.tn\":[\"+15550100001\"]}}", "\"orig.tn\": this is a text"},
	{"{\"rcpt.tn\":\"+15550100001\"}}", "\"rcpt.tn\": this is a list"},
	{"{\"rcpt.tn\":[[]]}}", "\"rcpt.tn\": this is a text"},
	{"{\"client\":\"host\"}}", "\"client\": this is an address, as \"192.0.2.9\""},
	{"{\"client\":\"1.2.3.4\\u0000\"}}", "\"client\": NUL in an address"},
	{"{\"helo\":7}}", "\"helo\": this is a text"},
	{"{\"now\":1}}", "\"now\": the time is not among the facts"},
	{"[]}", "\"facts\": this is an object"},
	{"{\"verify\":\"pass\",\"verify\":\"pass\"}}", "this is no JSON, at octet 199: duplicate object key near '\\x22verify\\x22'"},
	{"{},\"fact\":{}}", "unknown name \"fact\"; did you mean \"facts\"?"},
	{"{},\"time\\u0000\":1}", "this is no JSON, at octet 189: NUL byte in object key not supported near '\\x22time\\x5cu0000\\x22'"},
	{"{}", "this is no JSON, at octet 176: '}' expected near end of file"},
	{"{}}{}", "this is no JSON, at octet 178: end of file expected near '{'"},
};

static void check_refused(void)
{
	struct factlog_record rec;
	struct facts f;
	struct err e;

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct span line = arena_printf(arena, HEAD "\"facts\":%s", refused[i].facts);

		e.text[0] = '\0';
		tap_int(factlog_read(line, arena, &f, &rec, &e), refused[i].error ? -1 : 0, "facts %s", refused[i].facts);
		tap_str(e.text, refused[i].error ? refused[i].error : "", "and what is said, case %zu", i);
	}
	tap_int(factlog_read(span_cstr(""), arena, &f, &rec, &e), -1, "nothing");
	tap_int(factlog_read(span_cstr("[]"), arena, &f, &rec, &e), -1, "a list");
	tap_int(factlog_read(span_cstr("{\"v\":2}"), arena, &f, &rec, &e), -1, "another version");
	tap_str(e.text, "\"v\": this is no line of a fact log, or of another version", "which is said");
}

/* One change of a good line each. */
static void check_members(void)
{
	static const struct {
		const char *from, *to, *error;
	} change[] = {
		{"\"time\":1,", "", "\"time\": is missing"},
		{"\"time\":1,", "\"time\":\"1\",", "\"time\": this is a whole number"},
		{"\"id\":\"\"", "\"id\":1", "\"id\": this is a text"},
		{"\"worked_out\":[]", "\"worked_out\":[\"to\",\"texts\"]", "unknown kind of work \"texts\"; did you mean \"text\"?"},
		{"\"worked_out\":[]", "\"worked_out\":1", "\"worked_out\": this is a list"},
		{"\"score\":0.0", "\"score\":true", "\"score\": this is a number"},
		{"\"score\":0.0", "\"score\":3000000", "\"score\": this number is too large"},
		{"\"action\":\"accept\"", "\"action\":\"acept\"", "\"action\": unknown action \"acept\"; did you mean \"accept\"?"},
		{"\"would\":\"accept\"", "\"would\":\"\"", "\"would\": unknown action \"\""},
		{"\"peer\":null", "\"peer\":0", "\"peer\": this is a text"},
		{"\"because\":\"none\"", "\"because\":\"nine\"", "\"because\": unknown reason \"nine\"; did you mean \"none\"?"},
		{"\"rules\":[]", "\"rules\":[1]", "\"rules\": this is a list of objects"},
		{"\"rules\":[]", "\"rules\":[{}]", "\"rules\": a rule has a name, and shadow, final and error are true or false"},
		{"\"rules\":[]", "\"rules\":[{\"nam\":\"A\"}]", "unknown member of a rule \"nam\"; did you mean \"name\"?"},
		{"\"rules\":[]", "\"rules\":[{\"name\":\"A\",\"shadow\":false,\"final\":false,\"error\":false}]", "\"score\": this is a number"},
		{"\"left_out\":[]", "\"left_out\":[\"urls\"]", "unknown fact \"urls\"; did you mean \"url\"?"},
		{"\"left_out\":[]", "\"left_out\":[\"url\",\"rules\",\"id\"]", NULL},
		{"\"left_out\":[]", "\"left_out\":[3]", "\"left_out\": this is a list of names"},
		{"\"v\":1", "\"v\":1,\"incomplete\":true", "\"incomplete\": this is a text"},
	};
	struct factlog_record rec;
	struct facts f;
	struct err e;

	for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
		const char *good = HEAD "\"facts\":{}}", *at = strstr(good, change[i].from);
		struct span line;

		if (!at)
			tap_bail("bad change in the test: %s", change[i].from);
		line = arena_printf(arena, "%.*s%s%s", (int)(at - good), good, change[i].to, at + strlen(change[i].from));
		e.text[0] = '\0';
		tap_int(factlog_read(line, arena, &f, &rec, &e), change[i].error ? -1 : 0, "%s", change[i].to[0] ? change[i].to : "no time");
		tap_str(e.text, change[i].error ? change[i].error : "", "and what is said, change %zu", i);
	}
}

/* --- with a policy */

static int one_file(void *ctx, const char *path, size_t max, struct buf *out, struct err *e)
{
	(void)path;
	(void)max;
	return buf_puts(out, ctx) ? err_set(e, ERR_UNAVAILABLE, "no memory") : 0;
}

static void check_policy(void)
{
	static char text[] = "policy 1 mode tag\n"
			     "rule MANY { when rcpt.count > 1 score 2.5 }\n"
			     "rule HELLO shadow { when helo == \"mm4.example.net\" score 1 }\n"
			     "rule NEVER { when rcpt.count > 5 score 9 }\n"
			     "actions { quarantine at 2 }\n";
	struct source_loader loader = {text, one_file, NULL};
	struct policy_env env = {.now = NOW, .now_ms = NOW * INT64_C(1000), .trace = true};
	struct factlog_context c = context(FACTLOG_FULL);
	struct policy_reply reply = {span_cstr("4XYZ"), span_cstr("")};
	struct source_report report;
	struct policy_result result;
	struct factlog_record rec;
	struct policy *p;
	struct facts f;
	struct buf b;
	struct err e;

	source_report_init(&report);
	if (policy_open("a.policy", &loader, &p, &report) < 0)
		tap_bail("%s", report.first);
	fill(&f);
	buf_init(&b, FACTLOG_LINE_MAX);
	tap_int(policy_eval(p, &f, &env, &reply, arena, &result), 0, "a policy");
	tap_int(factlog_write(&b, &f, p, &result, &c), 0, "and what it made of the facts");
	tap_ok(has(b.p, "\"score\":2.5,\"shadow\":1.0,\"action\":\"tag\",\"would\":\"quarantine\",\"peer\":null,\"because\":\"score\",\"rules\":["
		"{\"name\":\"MANY\",\"score\":2.5,\"lost\":0.0,\"shadow\":false,\"final\":false,\"error\":false},"
		"{\"name\":\"HELLO\",\"score\":1.0,\"lost\":0.0,\"shadow\":true,\"final\":false,\"error\":false}],"), "score, verdict, rules that hit");
	tap_int(factlog_read(buf_span(&b), arena, &f, &rec, &e), 0, "it is read back");
	tap_span_is(rec.policy, policy_hash(p), "the policy's hash");
	tap_ok(rec.score_milli == 2500 && span_is(rec.action, "tag") && span_is(rec.would, "quarantine") && span_is(rec.because, "score"), "score and verdict");
	tap_ok(rec.nrule == 2 && span_is(rec.rule[0].name, "MANY") && rec.rule[0].score_milli == 2500 && !rec.rule[0].shadow && span_is(rec.rule[1].name, "HELLO") && rec.rule[1].shadow, "two rules");
	buf_free(&b);
	policy_free(p);
	source_report_free(&report);
}

int main(void)
{
	arena = arena_new(ARENA);
	pseudonyms = pseudonym_new(key);
	if (!arena || !pseudonyms)
		tap_bail("no memory");
	check_full();
	check_pseudonyms();
	check_names();
	check_timeout();
	check_back();
	check_left_out();
	check_refused();
	check_members();
	check_policy();
	arena_free(arena);
	pseudonym_free(pseudonyms);
	return tap_done();
}
