/* Why a rule hit or did not, in a sentence. */
#include "config.h"

#include "policy/policy.h"

#include "tests/policy/from_text.h"
#include "tests/policy/given.h"

enum { NOW = 1704144600 /* 2024-01-01 21:30 UTC, a Monday */ };

#define E "policy 1 mode enforce "

static struct arena *arena;

static const struct {
	const char *when, *facts, *why;
} traces[] = {
	{"passport.age > 10m", "passport.age 700s", "passport.age is 700s, > 10m"},
	{"passport.age > 10m", "passport.age 3s", "passport.age is 3s, <= 10m"},
	{"orig.tn == +15550100001", "", "orig.tn is absent"},
	{"verify != pass", "verify pass", "verify is pass, == pass"},
	{"any(url.host) in {\"a\", \"b\"}", "url.host {\"c\", \"b\"}", "url.host has \"b\", in { \"a\", \"b\" }"},
	{"any(url.host) in {\"a\", \"b\"}", "url.host {\"c\", \"d\"}", "none of 2 url.host in { \"a\", \"b\" }"},
	{"all(url.host) in {\"a\", \"b\"}", "url.host {\"a\", \"b\"}", "each of 2 url.host in { \"a\", \"b\" }"},
	{"all(url.host) in {\"a\", \"b\"}", "url.host {\"a\", \"d\"}", "url.host has \"d\", not in { \"a\", \"b\" }"},
	{"verify == none and rcpt.count > 2", "verify none, rcpt.count 3", "verify is none, == none and rcpt.count is 3, > 2"},
	{"verify == none and rcpt.count > 2", "verify none, rcpt.count 2", "rcpt.count is 2, <= 2"},
	{"verify == none or rcpt.count > 2", "verify pass, rcpt.count 3", "rcpt.count is 3, > 2"},
	{"verify == none or rcpt.count > 2", "verify pass", "verify is pass, != none; rcpt.count is absent"},
	{"not present(orig.tn)", "", "orig.tn is absent"},
	{"B", "verify none", "B hit"},
	{"B", "", "B did not hit"},
	{"over(r)", "orig.tn +15550100001", "r is within 1 per 1h"},
	{"over(r)", "", "orig.tn, the key of r, is absent"},
	{"orig.tn in +1*", "orig.tn \"~1f\"", "orig.tn is ~1f, a pseudonym: nothing is known of it"},
	{"subject ~ /x/", "subject \"line\\\\end\"", "subject is \"line\\\\end\", !~ /x/"},
};

static void test_traces(void)
{
	for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
		char text[1024];
		struct policy *p;
		struct policy_env env = {.now = NOW, .trace = true};
		struct policy_result r;
		struct facts f;

		(void)snprintf(text, sizeof text, E "rate r key orig.tn limit 1 per 1h rule A { when %s score 1 } rule B { when verify == none score 1 }", traces[i].when);
		p = from_text_good(text);
		given(&f, arena, traces[i].facts);
		if (policy_eval(p, &f, &env, NULL, arena, &r))
			tap_bail("no memory");
		tap_int((long long)r.nhit, 2, "every rule");
		tap_span_is(r.hit[0].why, traces[i].why, "%s", traces[i].when);
		policy_free(p);
		arena_reset(arena);
	}
}

static void test_long_trace(void)
{
	static char subject[3000];
	struct policy *p = from_text_good(E "rule A { when subject ~ /x/ score 1 }");
	struct policy_env env = {.now = NOW, .trace = true};
	struct policy_result r;
	struct facts f;

	memset(subject, '\x1b', sizeof subject);
	given(&f, arena, "");
	facts_set_text(&f, FACT_SUBJECT, span_make(subject, sizeof subject));
	if (policy_eval(p, &f, &env, NULL, arena, &r))
		tap_bail("no memory");
	tap_ok(r.hit[0].why.n < 200 && !memchr(r.hit[0].why.p, '\x1b', r.hit[0].why.n), "a long, wild value is quoted and cut");
	policy_free(p);
	arena_reset(arena);
}

int main(void)
{
	arena = arena_new((size_t)1024 * 1024);
	test_traces();
	test_long_trace();
	arena_free(arena);
	return tap_done();
}
