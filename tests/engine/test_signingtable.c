/*
 * Who may use which numbers: the first line that holds decides.
 */
#include "config.h"

#include "engine/signingtable.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/lib/tap.h"

static const char *const keys[] = {"carrier-a", "carrier-b", "carrier-c"};
enum { KEYS = 3 };

static const char table[] =
	"who,numbers,key\n"
	"# a subscriber who left\n"
	"user:old@a.example,certificate,none\n"
	"user:alice@a.example,tn:+15550100001,carrier-a\n"
	"user:*@a.example,tn:+15550100000..+15550100999 tn:+15550199999,carrier-a # the rest\n"
	"net:192.0.2.0/24 listener:MM4OUT,\"tn:+15550200000+1000\",carrier-b\n"
	"user:alice@a.example,tn:+15550300000+10,carrier-c\n"
	"tls:gw.c.example net:198.51.100.7,certificate,carrier-c\n"
	"net:2001:db8::/32,tn:+15550400000,none\n"
	"user:*,tn:+15550500001,carrier-b\n";

struct who {
	const char *user, *addr, *tls, *listener;
};

static struct mms_client client(const struct who *w)
{
	struct mms_client c = {.auth_user = span_cstr(w->user), .tls_subject = span_cstr(w->tls), .listener = span_cstr(w->listener)};
	struct sockaddr_in *in = (struct sockaddr_in *)&c.addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&c.addr;

	c.addr.ss_family = AF_UNSPEC;
	if (w->addr && inet_pton(AF_INET, w->addr, &in->sin_addr) == 1)
		c.addr.ss_family = AF_INET;
	else if (w->addr && inet_pton(AF_INET6, w->addr, &in6->sin6_addr) == 1)
		c.addr.ss_family = AF_INET6;
	return c;
}

static const struct {
	struct who who;
	const char *number, *answer;
} looks[] = {
	{{0}, "15550100001", "stranger"},
	{{.user = "alice@a.example"}, "15550100001", "carrier-a"},
	{{.user = "alice@a.example"}, "15550100500", "carrier-a"},
	{{.user = "alice@a.example"}, "15550300009", "carrier-c"},
	{{.user = "alice@a.example"}, "15550300010", "number"},
	{{.user = "Alice@a.example"}, "15550300009", "number"},
	{{.user = "alice@b.example"}, "15550100001", "number"},
	{{.user = "alice@b.example"}, "15550500001", "carrier-b"},
	{{.user = "bob@A.example"}, "15550199999", "carrier-a"},
	{{.user = "@a.example"}, "15550199999", "number"},
	{{.user = "a.example"}, "15550199999", "number"},
	{{.user = "x@y@a.example"}, "15550199999", "carrier-a"},
	{{.user = "old@a.example"}, "15550100001", "never"},
	{{.user = "*@a.example"}, "15550100001", "carrier-a"},
	{{.addr = "192.0.2.9"}, "15550200000", "stranger"},
	{{.addr = "192.0.2.9", .listener = "mm4out"}, "15550200999", "carrier-b"},
	{{.addr = "192.0.2.9", .listener = "mm4out"}, "15550201000", "number"},
	{{.addr = "192.0.3.9", .listener = "MM4OUT"}, "15550200999", "stranger"},
	{{.addr = "198.51.100.7", .tls = "gw.c.example"}, "999", "carrier-c"},
	{{.addr = "198.51.100.7", .tls = "GW.c.example"}, "999", "stranger"},
	{{.addr = "198.51.100.8", .tls = "gw.c.example"}, "999", "stranger"},
	{{.addr = "2001:db8::1"}, "15550400000", "never"},
	{{.addr = "2001:db8::1"}, "15550400001", "number"},
	{{.addr = "2001:db8::1", .user = "carol"}, "15550500001", "carrier-b"},
};

/* As if each certificate had all numbers but those that end in its index. */
static bool covers(const void *arg, size_t key, const struct tn *number)
{
	struct span digits = tn_span(number);

	(void)arg;
	return digits.p[digits.n - 1] != (char)('0' + key);
}

static const struct signingtable_cover cover = {covers, NULL};

static void look_all(const struct signingtable *t)
{
	static const char *const words[] = {"stranger", "number", "never"};

	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
		struct mms_client c = client(&looks[i].who);
		enum signingtable_answer a;
		size_t key = 99;
		struct tn tn;

		if (tn_from_claim(span_cstr(looks[i].number), &tn))
			tap_bail("%s is no number", looks[i].number);
		a = signingtable_look(t, &c, &tn, &cover, &key);
		tap_str(a == SIGNINGTABLE_SIGN ? keys[key] : words[a], looks[i].answer, "%zu: %s with %s", i,
			looks[i].who.user ? looks[i].who.user : looks[i].who.addr ? looks[i].who.addr : "nobody", looks[i].number);
		tap_int(signingtable_knows(t, &c), strcmp(looks[i].answer, "stranger") != 0, "and known or not");
	}
}

static const struct {
	const char *csv, *error;
} bad[] = {
	{"who,numbers\nuser:a,certificate\n", "t:2:1: a line is \"who,numbers,key\"; this one has 2 fields"},
	{"user:a,certificate,carrier-a,x\n", "t:1:30: a line is \"who,numbers,key\"; this one has 4 fields"},
	{",certificate,carrier-a\n", "t:1:1: who is empty: nobody could be told from anybody"},
	{"users:a,certificate,carrier-a\n", "t:1:1: \"users:a\" is no condition; they are user:NAME, net:NETWORK, tls:NAME and listener:NAME (did you mean user:?)"},
	{"alice,certificate,carrier-a\n", "t:1:1: \"alice\" is no condition; they are user:NAME, net:NETWORK, tls:NAME and listener:NAME"},
	{"user:,certificate,carrier-a\n", "t:1:1: user: without a name"},
	{"user:a user:b,certificate,carrier-a\n", "t:1:1: user: stands there twice"},
	{"user:*a,certificate,carrier-a\n", "t:1:1: \"user:*a\": a star stands alone, or for all of a domain (user:*@a.example)"},
	{"user:a*,certificate,carrier-a\n", "t:1:1: \"user:a*\": a star stands alone, or for all of a domain (user:*@a.example)"},
	{"user:a@*,certificate,none\n", "t:1:1: \"user:a@*\": a star stands alone, or for all of a domain (user:*@a.example)"},
	{"user:*@a*,certificate,none\n", "t:1:1: \"user:*@a*\": a star stands alone, or for all of a domain (user:*@a.example)"},
	{"user:*@,certificate,carrier-a\n", "t:1:1: \"user:*@\": a star stands alone, or for all of a domain (user:*@a.example)"},
	{"net:10.0.0.0/33,certificate,carrier-a\n", "t:1:1: net: 10.0.0.0/33: a prefix is at most 32"},
	{"net:!10.0.0.1,certificate,carrier-a\n", "t:1:1: net:!... takes something out of nothing; put a line with key \"none\" in front"},
	{"net:10.0.0.1 net:10.0.0.2,certificate,carrier-a\n", "t:1:1: net: stands there twice; use two lines"},
	{"user:a,certificate,carrier-d\n", "t:1:20: KeyTable has no key \"carrier-d\"; did you mean \"carrier-a\"?"},
	{"user:a,spc:1234,carrier-a\n", "t:1:8: a provider code says nothing of numbers; write the numbers, or \"certificate\""},
	{"", "t: there is no line in it, and nobody would be signed for; a line is \"who,numbers,key\""},
	{"who,numbers,key\n# soon\n", "t: there is no line in it, and nobody would be signed for; a line is \"who,numbers,key\""},
	{"user:a,,carrier-a\n", NULL},
	{"user:a,tn:+1555,tn:+1556,carrier-a\n", NULL},
	{"user:a,15550100001,carrier-a\n", NULL},
};

static void refuse_all(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct signingtable *t = NULL;
		struct err e;

		err_clear(&e);
		tap_int(signingtable_parse("t", span_cstr(bad[i].csv), keys, KEYS, &t, &e), -1, "bad %zu is refused", i);
		if (bad[i].error)
			tap_str(e.text, bad[i].error, "and why");
		else
			tap_ok(span_starts(span_cstr(e.text), "t:1:"), "and where: %s", e.text);
		tap_ok(!t, "nothing is given");
	}
}

/* "certificate" is what the certificate has; "none" is meant in any case; a tab is a blank. */
static void what_lines_say(void)
{
	static const char csv[] = "user:gone,certificate,none\nlistener:OUT,certificate,carrier-a\nlistener:OUT,certificate,carrier-b\n"
				  "user:*,certificate,carrier-c\nuser:tab\tnet:192.0.2.1,tn:+15550000001\ttn:+15550000002,none\n";
	static const struct {
		struct who who;
		const char *number, *answer;
	} rows[] = {
		{{.listener = "OUT"}, "15550000005", "carrier-a"},
		{{.listener = "OUT"}, "15550000000", "carrier-b"},
		{{.listener = "OUT", .user = "x"}, "15550000000", "carrier-b"},
		/* Nobody's certificate has it: the first is asked, who says so. */
		{{.user = "x"}, "15550000002", "carrier-c"},
		{{.user = "gone"}, "15550000001", "never"},
		{{.user = "GONE"}, "15550000001", "never"},
		{{.user = "Gone"}, "15550000002", "never"},
		{{.user = "gone2"}, "15550000001", "carrier-c"},
		{{.user = "TAB", .addr = "192.0.2.1"}, "15550000002", "never"},
		{{.user = "tab", .addr = "192.0.2.2"}, "15550000001", "carrier-c"},
	};
	struct signingtable *t = NULL;
	struct err e;

	err_clear(&e);
	if (signingtable_parse("t", span_cstr(csv), keys, KEYS, &t, &e))
		tap_bail("%s", e.text);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mms_client c = client(&rows[i].who);
		enum signingtable_answer a;
		size_t key = 99;
		struct tn tn;

		if (tn_from_claim(span_cstr(rows[i].number), &tn))
			tap_bail("%s is no number", rows[i].number);
		a = signingtable_look(t, &c, &tn, &cover, &key);
		tap_str(a == SIGNINGTABLE_SIGN ? keys[key] : a == SIGNINGTABLE_NEVER ? "never" : "?", rows[i].answer, "meaning %zu: %s", i, rows[i].number);
	}
	signingtable_free(t);
}

/* Thousands of tenants: each line finds its key without looking at all of them. */
static void many_keys(void)
{
	enum { MANY = 5000 };
	static char name[MANY][8];
	static const char *many_names[MANY];
	const struct tnauthlist *numbers;
	struct signingtable *t = NULL;
	struct err e;
	struct buf csv;
	bool all = true;
	size_t line;
	int key;

	buf_init(&csv, 1 << 20);
	for (int i = 0; i < MANY; i++) {
		snprintf(name[i], sizeof name[i], "k%d", i);
		many_names[i] = name[i];
		(void)buf_printf(&csv, "user:u%d,certificate,k%d\n", i, (i * 7) % MANY);
	}
	err_clear(&e);
	tap_int(signingtable_parse("t", buf_span(&csv), many_names, MANY, &t, &e), 0, "five thousand keys");
	for (int i = 0; t && i < MANY; i++) {
		signingtable_at(t, (size_t)i, &numbers, &key, &line);
		all = all && key == (i * 7) % MANY;
	}
	tap_ok(all, "each line has its key");
	signingtable_free(t);
	buf_free(&csv);
}

/* Ten thousand subscribers, each with a number of his own. */
static void many(void)
{
	struct signingtable *t;
	struct err e;
	struct buf csv;
	bool all = true;

	buf_init(&csv, 1 << 20);
	for (int i = 9999; i >= 0; i--)
		(void)buf_printf(&csv, "user:u%d,tn:+1555010%04d,carrier-b\n", i, i);
	tap_int(signingtable_parse("t", buf_span(&csv), keys, KEYS, &t, &e), 0, "ten thousand lines");
	for (int i = 0; i < 10000; i++) {
		struct mms_client c = {0};
		char user[16], digits[24];
		size_t key = 0;
		struct tn tn;

		snprintf(user, sizeof user, "u%d", i);
		snprintf(digits, sizeof digits, "1555010%04d", i);
		c.auth_user = span_cstr(user);
		all = all && tn_from_claim(span_cstr(digits), &tn) == 0 && signingtable_look(t, &c, &tn, &cover, &key) == SIGNINGTABLE_SIGN && key == 1;
		digits[10] = (char)(digits[10] == '9' ? '0' : digits[10] + 1);
		all = all && tn_from_claim(span_cstr(digits), &tn) == 0 && signingtable_look(t, &c, &tn, &cover, &key) == SIGNINGTABLE_NUMBER;
	}
	tap_ok(all, "each user has his number, and no other");
	signingtable_free(t);
	buf_free(&csv);
}

/* As many lines as there may be, and one more. */
static void most(void)
{
	struct signingtable *t;
	struct err e;
	struct buf csv;

	err_clear(&e);
	buf_init(&csv, LIMIT_TABLE_BYTES);
	for (int i = 0; i < LIMIT_SIGNING_ROWS; i++)
		(void)buf_printf(&csv, "user:u%d,certificate,none\n", i);
	tap_int(signingtable_parse("t", buf_span(&csv), keys, KEYS, &t, &e), 0, "as many lines as allowed: %s", e.text);
	tap_int((long long)signingtable_count(t), LIMIT_SIGNING_ROWS, "are there");
	signingtable_free(t);
	(void)buf_puts(&csv, "user:v,certificate,none\n");
	tap_int(signingtable_parse("t", buf_span(&csv), keys, KEYS, &t, &e), -1, "one more");
	tap_str(e.text, "t:1000001:1: more than 1000000 lines", "is refused");
	buf_free(&csv);
}

int main(void)
{
	const struct tnauthlist *numbers;
	struct signingtable *t;
	struct err e;
	size_t line;
	int key;

	err_clear(&e);
	if (signingtable_parse("t", span_cstr(table), keys, KEYS, &t, &e))
		tap_bail("%s", e.text);
	tap_int((long long)signingtable_count(t), 8, "eight lines");
	signingtable_at(t, 0, &numbers, &key, &line);
	tap_ok(!numbers && key == SIGNINGTABLE_NONE && line == 3, "the first");
	signingtable_at(t, 7, &numbers, &key, &line);
	tap_ok(numbers && key == 1 && line == 10, "the last");
	look_all(t);
	signingtable_free(t);
	refuse_all();
	what_lines_say();
	many_keys();
	many();
	most();
	signingtable_free(NULL);
	return tap_done();
}
