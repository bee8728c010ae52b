/* Inline tests: what they force, what is there by itself, and what a failing one says. */
#include "config.h"

#include "policy/policy.h"

#include "tests/policy/from_text.h"

static const struct {
	const char *policy;
	size_t ran, failed;
	const char *said; /* the first line */
} t[] = {
	{"policy 1 rule A { when verify == none score 1 }", 0, 0, ""},
	/* defaults */
	{"policy 1 rule A { when verify == none and reason == no-identity and identity.count == 0 score 1 } test \"t\" { given rcpt.count 2 expect hit A }", 1, 0, ""},
	{"policy 1 rule A { when verify == fail and reason == stale and identity.count == 1 score 1 } test \"t\" { given reason stale expect hit A }", 1, 0, ""},
	{"policy 1 rule A { when verify == pass and reason == ok score 1 } test \"t\" { given verify pass expect hit A }", 1, 0, ""},
	{"policy 1 rule A { when present(reason) score 1 } test \"t\" { given verify fail expect miss A }", 1, 0, ""},
	{"policy 1 rule A { when orig.kind == tn and rcpt.count == 1 and message.size == 0 score 1 } test \"t\" { given orig.tn +15550100001 expect hit A }", 1, 0, ""},
	{"policy 1 rule A { when orig.kind == address score 1 } test \"t\" { given orig.address \"a@example.net\" expect hit A }", 1, 0, ""},
	{"policy 1 rule A { when rcpt.count == 3 score 1 } test \"t\" { given rcpt.address {\"a@b\", \"c@d\"}, rcpt.address \"e@f\" expect hit A }", 1, 0, ""},
	{"policy 1 rule A { when present(orig.tn) or present(client) or present(failure) score 1 } test \"t\" { given verify none expect miss A }", 1, 0, ""},
	{"policy 1 rule A { when helo ~ /^a\\.example$/ score 1 } test \"t\" { given helo \"A.Example.\" expect hit A }", 1, 0, ""},
	/* the time */
	{"policy 1 window w daily 21:00..22:00 rule A { when now in w score 1 } test \"t\" { given verify none at 21:30 expect hit A }", 1, 0, ""},
	{"policy 1 window w daily 11:59..12:01 on mon rule A { when now in w score 1 } test \"t\" { given verify none expect hit A }", 1, 0, ""},
	/* every kind of expectation, in a mode that does nothing */
	{"policy 1 mode observe peer p { match client == 192.0.2.1 } rule A { when verify == none score 4.5 } rule B { when verify == pass score 1 } actions { quarantine at 4 } "
	 "test \"t\" { given client 192.0.2.1 expect quarantine, hit A, miss B, score 4.5, peer p }", 1, 0, ""},
	/* failures */
	{"policy 1 rule A { when verify == none score 4 }\ntest \"held\" { given verify none expect quarantine }", 1, 1,
		"p:2:40: error: test \"held\": expected quarantine, and it came to accept, score 4, A 4"},
	{"policy 1 rule A { when verify == none score 4 } rule S shadow { when A score 2 }\ntest \"t\" { given verify none expect miss A }", 1, 1,
		"p:2:37: error: test \"t\": expected miss A, and it came to accept, score 4, A 4, S (shadow) 2"},
	{"policy 1 rule A { when verify == none score 4 }\ntest \"t\" { given verify pass expect hit A }", 1, 1,
		"p:2:37: error: test \"t\": expected hit A, and it came to accept, score 0, no rule"},
	{"policy 1 rule A { when verify == none score 4 }\ntest \"t\" { given verify none expect score 4.001 }", 1, 1,
		"p:2:37: error: test \"t\": expected score 4.001, and it came to accept, score 4, A 4"},
	{"policy 1 peer p { match client == 192.0.2.1 } peer q { match client == 192.0.2.2 } rule A { when verify == none score 4 }\n"
	 "test \"t\" { given client 192.0.2.2 expect peer p }", 1, 1, "p:2:42: error: test \"t\": expected peer p, and it came to accept, score 4, peer q, A 4"},
	{"policy 1 rule A { when verify == none score 4 }\ntest \"t\" { given verify none expect miss A, tag }\ntest \"u\" { given verify none expect hit A }", 2, 1,
		"p:2:37: error: test \"t\": expected miss A, and it came to accept, score 4, A 4"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct source_report report;
		struct policy *p = from_text_good(t[i].policy);
		size_t ran = 99;
		struct span said;

		source_report_init(&report);
		tap_int((long long)policy_test(p, &report, &ran), (long long)t[i].failed, "case %zu: %zu failed", i, t[i].failed);
		tap_int((long long)ran, (long long)t[i].ran, "%zu ran", t[i].ran);
		said = buf_span(&report.text);
		tap_span_is(span_cut(&said, '\n'), t[i].said, "%s", t[i].said[0] ? t[i].said : "nothing is said");
		tap_ok((report.errors != 0) == (t[i].failed != 0), "errors if something failed");
		source_report_free(&report);
		policy_free(p);
	}
	return tap_done();
}
