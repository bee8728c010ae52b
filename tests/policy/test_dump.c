/* The compiled policy as JSON: everything is there, with its place. */
#include "config.h"

#include "policy/policy.h"

#include <stdlib.h>

#include "tests/policy/from_text.h"

static const char text[] =
	"policy 1 mode enforce\n"
	"list small tn file \"lists/small.tn\"\n"
	"window quiet daily 21:00..08:00 on mon..fri zone \"America/Chicago\"\n"
	"rate hour key orig.tn, client limit 60 per 1h\n"
	"peer a { match client in 192.0.2.0/24 and not helo ~ /x\\/y/i expect signed mode tag override A { score 2.5 } }\n"
	"on temperror tempfail 4.7.5 \"later\"\n"
	"rule A { when orig.tn in @small or (now in quiet and any(url.host) not in {\"a\", \"b\"}) score 3 describe \"numbers\" group g tag alpha, beta }\n"
	"rule B shadow { when A and over(hour) and present(client) score 1 per url.count max 4 absorb C }\n"
	"rule C shadow { when passport.age > 10m final reject 5.7.1 \"no\" }\n"
	"rule D { when orig.tn not in {+1888*, +15550100001..+15550100009} final discard }\n"
	"rule E { when not (verify == pass or (present(subject) and replay == new)) and (verify == none or verify == fail) score 1 }\n"
	"group g { max 5 }\n"
	"actions { tag at 4 reject \"no\" at 8.5 }\n"
	"test \"t\" { given verify none expect accept }\n";

/* What stands at a path like "rules/0/when", as JSON. */
static void at(json_t *j, const char *path, const char *want)
{
	struct span rest = span_cstr(path);
	char *got;

	while (rest.n && j) {
		struct span key = span_cut(&rest, '/');

		j = json_is_array(j) ? json_array_get(j, (size_t)(key.p[0] - '0')) : json_object_getn(j, key.p, key.n);
	}
	got = j ? json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	tap_str(got ? got : "nothing", want, "%s", path);
	free(got);
}

static const char *const want[][2] = {
	{"policy", "1"},
	{"mode", "\"enforce\""},
	{"files", "[\"p\"]"},
	{"needs", "[\"content\",\"text\"]"},
	{"facts", "[\"verify\",\"replay\",\"orig.tn\",\"subject\",\"passport.age\",\"client\",\"helo\",\"url.host\",\"url.count\",\"now\"]"},
	{"lists/0/name", "\"small\""},
	{"lists/0/at", "\"p:2:6\""},
	{"lists/0/file", "\"lists/small.tn\""},
	{"lists/0/entries", "2"},
	{"windows/0/zone", "\"America/Chicago\""},
	{"windows/0/days", "31"},
	{"rates/0", "{\"name\":\"hour\",\"at\":\"p:4:6\",\"key\":[\"orig.tn\",\"client\"],\"limit\":60,\"per_s\":3600,\"burst\":60,\"used\":true,\"shadow\":true}"},
	{"peers/0/match", "\"client in 192.0.2.0/24 and not helo ~ /x\\\\/y/i\""},
	{"peers/0/expect", "\"signed\""},
	{"peers/0/mode", "\"tag\""},
	{"peers/0/overrides/0", "{\"rule\":\"A\",\"off\":false,\"score\":2.5,\"final\":null,\"at\":\"p:5:94\"}"},
	{"on/temperror", "{\"action\":\"tempfail\",\"code\":\"4.7.5\",\"text\":\"later\",\"at\":\"p:6:14\"}"},
	{"rules/0/when", "\"orig.tn in @small or now in quiet and any(url.host) not in { \\\"a\\\", \\\"b\\\" }\""},
	{"rules/0/condition/or/0", "{\"fact\":\"orig.tn\",\"op\":\"in\",\"value\":\"@small\",\"at\":\"p:7:15\"}"},
	{"rules/0/condition/or/1/and/1/quantifier", "\"any\""},
	{"rules/0/score", "3.0"},
	{"rules/0/group", "\"g\""},
	{"rules/0/tags", "[\"alpha\",\"beta\"]"},
	{"rules/0/describe", "\"numbers\""},
	{"rules/1/condition/and", "[{\"rule\":\"A\",\"at\":\"p:8:22\"},{\"over\":\"hour\",\"at\":\"p:8:28\"},{\"present\":\"client\",\"at\":\"p:8:43\"}]"},
	{"rules/1/per", "\"url.count\""},
	{"rules/1/max", "4.0"},
	{"rules/1/absorb", "[\"C\"]"},
	{"rules/1/shadow", "true"},
	{"rules/2/final/code", "\"5.7.1\""},
	{"rules/2/can_stop", "false"},
	{"rules/3/can_stop", "true"},
	{"rules/3/when", "\"orig.tn not in { +1888*, +15550100001..+15550100009 }\""},
	{"rules/4/when", "\"not (verify == pass or present(subject) and replay == new) and (verify == none or verify == fail)\""},
	{"groups", "[{\"name\":\"g\",\"at\":\"p:12:7\",\"max\":5.0}]"},
	{"thresholds/1/at_score", "8.5"},
	{"thresholds/1/do/action", "\"reject\""},
	{"tests/0/title", "\"t\""},
};

int main(void)
{
	struct policy *p = from_text_good(text);
	json_t *j = policy_dump(p);

	tap_ok(j, "a dump");
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		at(j, want[i][0], want[i][1]);
	tap_str(json_string_value(json_object_get(j, "hash")), policy_hash(p), "the hash");
	json_decref(j);
	policy_free(p);
	return tap_done();
}
