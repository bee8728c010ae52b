/* The parts of fetch_https that need no server: addresses, hosts, URLs, breakers, parameters. */
#include "config.h"

#include "engine/fetch_https.h"
#include "engine/fetch_https_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/limits.h"
#include "tests/lib/tap.h"

/* --- addresses ------------------------------------------------------------------- */

/* Each net that is refused by its first and last address, and their neighbours. */
static const struct {
	const char *address;
	bool ok;
} addresses[] = {
	{"0.0.0.0", false},         {"0.255.255.255", false},   {"1.0.0.0", true},
	{"9.255.255.255", true},    {"10.0.0.0", false},        {"10.255.255.255", false},  {"11.0.0.0", true},
	{"100.63.255.255", true},   {"100.64.0.0", false},      {"100.127.255.255", false}, {"100.128.0.0", true},
	{"126.255.255.255", true},  {"127.0.0.0", false},       {"127.0.0.1", false},       {"127.255.255.255", false}, {"128.0.0.0", true},
	{"169.253.255.255", true},  {"169.254.0.0", false},     {"169.254.169.254", false}, {"169.254.255.255", false}, {"169.255.0.0", true},
	{"172.15.255.255", true},   {"172.16.0.0", false},      {"172.31.255.255", false},  {"172.32.0.0", true},
	{"191.255.255.255", true},  {"192.0.0.0", false},       {"192.0.0.255", false},     {"192.0.1.0", true},
	{"192.0.1.255", true},      {"192.0.2.0", false},       {"192.0.2.255", false},     {"192.0.3.0", true},
	{"192.88.98.255", true},    {"192.88.99.0", false},     {"192.88.99.255", false},   {"192.88.100.0", true},
	{"192.167.255.255", true},  {"192.168.0.0", false},     {"192.168.255.255", false}, {"192.169.0.0", true},
	{"198.17.255.255", true},   {"198.18.0.0", false},      {"198.19.255.255", false},  {"198.20.0.0", true},
	{"198.51.99.255", true},    {"198.51.100.0", false},    {"198.51.100.255", false},  {"198.51.101.0", true},
	{"203.0.112.255", true},    {"203.0.113.0", false},     {"203.0.113.255", false},   {"203.0.114.0", true},
	{"223.255.255.255", true},  {"224.0.0.0", false},       {"239.255.255.255", false}, {"240.0.0.0", false}, {"255.255.255.255", false},
	{"8.8.8.8", true},
	/* mapped: as the IPv4 address */
	{"::ffff:8.8.8.8", true},   {"::ffff:0.0.0.0", false},  {"::ffff:10.0.0.1", false}, {"::ffff:127.0.0.1", false}, {"::ffff:169.254.169.254", false},
	{"::ffff:172.16.0.1", false}, {"::ffff:192.168.0.1", false}, {"::ffff:100.64.0.1", false}, {"::ffff:224.0.0.1", false}, {"::ffff:255.255.255.255", false},
	/* translated: as the IPv4 address behind it */
	{"64:ff9b::8.8.8.8", true}, {"64:ff9b::10.0.0.1", false}, {"64:ff9b::127.0.0.1", false}, {"64:ff9b::192.168.255.255", false}, {"64:ff9b::0.0.0.0", false},
	{"64:ff9b::1:8.8.8.8", false}, {"64:ff9b:1::8.8.8.8", false}, {"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", false}, {"64:ff9a::8.8.8.8", false},
	/* compatible, 6to4, Teredo and the like: never, whatever is inside */
	{"::", false},              {"::1", false},             {"::2", false},             {"::8.8.8.8", false},       {"::127.0.0.1", false},
	{"::ffff:0:8.8.8.8", false},
	{"2002::", false},          {"2002:808:808::1", false}, {"2002:7f00:1::", false},   {"2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
	{"2001::", false},          {"2001:0:1234::1", false},  {"2001:2::1", false},       {"2001:10::1", false},      {"2001:20::1", false},
	{"2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", false},      {"2001:200::", true},       {"2001:4860:4860::8888", true},
	{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", true},       {"2001:db8::", false},      {"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", false}, {"2001:db9::", true},
	{"2003::", true},           {"3ffd:ffff::", true},      {"3ffe::1", false},         {"3fff::", false},          {"3fff:fff:ffff::1", false},
	{"3fff:1000::", true},
	/* outside global unicast */
	{"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},     {"2000::", true},           {"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true}, {"4000::", false},
	{"100::1", false},          {"5f00::1", false},         {"fbff::1", false},         {"fc00::", false},          {"fd00::1", false},
	{"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},     {"fe00::1", false},         {"fe80::1", false},         {"febf::1", false},
	{"fec0::1", false},         {"ff00::", false},          {"ff02::1", false},         {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
};

static const struct sockaddr *address_of(const char *text)
{
	static struct sockaddr_in6 six;
	static struct sockaddr_in four;

	six = (struct sockaddr_in6){.sin6_family = AF_INET6};
	four = (struct sockaddr_in){.sin_family = AF_INET};
	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, &six.sin6_addr) != 1)
			tap_bail("%s", text);
		return (struct sockaddr *)&six;
	}
	if (inet_pton(AF_INET, text, &four.sin_addr) != 1)
		tap_bail("%s", text);
	return (struct sockaddr *)&four;
}

static void test_addresses(void)
{
	struct cidr_set *all = fetch_https_address_public(), *listed = cidr_new();
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	size_t wrong = 0;

	if (!all || !listed || cidr_add(listed, span_cstr("!127.0.0.9"), NULL) || cidr_add(listed, span_cstr("127.0.0.0/24"), NULL) ||
	    cidr_add(listed, span_cstr("::1"), NULL) || cidr_add(listed, span_cstr("!8.8.8.8"), NULL) || cidr_add(listed, span_cstr("10.0.0.0/8"), NULL))
		tap_bail("no memory");
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		if (!tap_ok(fetch_https_address_ok(all, NULL, address_of(addresses[i].address)) == addresses[i].ok, "%s %s", addresses[i].address,
			    addresses[i].ok ? "may be asked" : "may not"))
			wrong++;
	tap_int((long long)wrong, 0, "addresses");
	tap_ok(!fetch_https_address_ok(all, NULL, (struct sockaddr *)&local), "no socket of this host");
	tap_ok(fetch_https_address_ok(all, listed, address_of("127.0.0.1")), "what is listed may be asked");
	tap_ok(fetch_https_address_ok(all, listed, address_of("::ffff:127.0.0.1")), "mapped too");
	tap_ok(fetch_https_address_ok(all, listed, address_of("::1")), "one of IPv6");
	tap_ok(!fetch_https_address_ok(all, listed, address_of("127.0.0.9")), "but not what is taken out");
	tap_ok(!fetch_https_address_ok(all, listed, address_of("127.0.1.0")), "nor the one behind");
	tap_ok(!fetch_https_address_ok(all, listed, address_of("64:ff9b::10.0.0.1")), "nor by way of a translator");
	tap_ok(fetch_https_address_ok(all, listed, address_of("8.8.8.8")), "nothing is taken out of the public ones");
	cidr_free(all);
	cidr_free(listed);
}

/* --- hosts and URLs ------------------------------------------------------------------ */

static struct fetch_https_params params(void)
{
	return (struct fetch_https_params){.port_443 = true, .port_8443 = true, .connect_timeout_ms = 200, .stall_timeout_ms = 200, .breaker_failures = 2, .breaker_s = 60};
}

static struct fetch *open_or_bail(const struct fetch_https_params *p)
{
	struct fetch *f;
	struct err e;

	if (fetch_https_open(p, &f, &e))
		tap_bail("%s", e.text);
	return f;
}

static const char *const no_urls[] = {
	"", "https", "https:", "https:/", "https://", "https:///x", "http://a.example/", "ftp://a.example/", "file:///etc/passwd", "//a.example/", "a.example",
	"https://user@a.example/", "https://user:pw@a.example/", "https://@a.example/", "https://:@a.example/", "https://:pw@a.example/", "https://a.example/#x", "https://a.example/#",
	"https://a.example#", "https://a.example /", "https://a.example/ ", " https://a.example/", "https://a.example/\r\nX: y", "https://a.example/\x7F",
	"https://\xC3\xA4.example/", "https://a.example/\xC3\xA4", "https://a.example:444/", "https://a.example:80/", "https://a.example:0/", "https://a.example:65536/",
	"https://a.example:99999999999/", "https://a.example:-443/", "https://a.example:443x/", "https://a..example/", "https://.example/", "https://./", "https://a.example../",
	"https://*.example/", "https://a%00.example/", "https://a%20b.example/", "https://a%2fb.example/", "https://%61%40b.example/", "https://a!b.example/",
	"https://[::1/", "https://::1/", "https://[::1]x/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[::g]/", "https://[]/", "https://[127.0.0.1]/",
	"https://a.example\\b/", "https:\\\\a.example\\b",
	"https://a234567890123456789012345678901234567890123456789012345678901234.example/",
};

static const struct {
	const char *url, *host, *port;
} urls[] = {
	{"https://a.example", "a.example", "443"},
	{"HTTPS://A.Example/X", "a.example", "443"},
	{"https://a.example./x", "a.example", "443"},
	{"https://a.example:443/x", "a.example", "443"},
	{"https://a.example:8443/x?y=z&a", "a.example", "8443"},
	{"https://a.example:/x", "a.example", "443"},
	{"https://xn--bcher-kva.example/x", "xn--bcher-kva.example", "443"},
	{"https://_a.b-c.example/", "_a.b-c.example", "443"},
	{"https://a%2Dc.example/", "a-c.example", "443"},
	{"https://127.0.0.1/", "127.0.0.1", "443"},
	{"https://0x7f.1/", "127.0.0.1", "443"},
	{"https://2130706433/", "127.0.0.1", "443"},
	{"https://017700000001/", "127.0.0.1", "443"},
	{"https://[::1]:8443/", "::1", "8443"},
	{"https://[0:0:0:0:0:0:0:1]/", "::1", "443"},
	{"https://[2001:DB8::A]/", "2001:db8::a", "443"},
	{"https://a.example/../../x", "a.example", "443"},
	{"https://a.example/@b.example:80/", "a.example", "443"},
};

static void test_urls(void)
{
	const struct fetch_https_params p = params();
	char text[LIMIT_X5U_BYTES + 2] = "https://a.example/";
	struct fetch *f = open_or_bail(&p);
	struct fetch_https_url u;
	struct fetch_answer a;
	struct buf b;
	struct err e;

	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof no_urls / sizeof *no_urls; i++) {
		struct span url = span_cstr(no_urls[i]);

		e.text[0] = '\0';
		tap_ok(!fetch_may(f, url) && fetch_get(f, url, 1000, &b, &a, &e) == -1 && a.cause == FETCH_HOST, "%zu: %s", i, e.text);
	}
	tap_ok(!fetch_may(f, span_make("https://a.example/\0x", 20)), "a NUL");
	tap_ok(!fetch_may(f, span_make("https://a.example\0.b.example/", 29)), "a NUL in the host");
	memset(text + strlen(text), 'x', sizeof text - strlen(text));
	tap_ok(fetch_may(f, span_make(text, LIMIT_X5U_BYTES)), "the longest");
	tap_ok(!fetch_may(f, span_make(text, LIMIT_X5U_BYTES + 1)), "longer than that");
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		const char *why = fetch_https_url_read(&u, span_cstr(urls[i].url));

		tap_ok(!why && strcmp(u.host, urls[i].host) == 0 && strcmp(u.port, urls[i].port) == 0, "%s: %s", urls[i].url, why ? why : u.host);
		fetch_https_url_free(&u);
	}
	buf_free(&b);
	fetch_close(f);
}

static void test_hosts(void)
{
	static const struct {
		const char *allow, *deny, *host;
		bool may;
	} rows[] = {
		{NULL, NULL, "a.example", true},
		{"a.example", NULL, "a.example", true},
		{"a.example", NULL, "A.EXAMPLE", true},
		{"A.Example.", NULL, "a.example", true},
		{"a.example", NULL, "a.example.", true},
		{"a.example", NULL, "b.a.example", false},
		{"a.example", NULL, "ba.example", false},
		{"*.a.example", NULL, "a.example", false},
		{"*.a.example", NULL, "b.a.example", true},
		{"*.a.example", NULL, "c.b.a.example", true},
		{"*.a.example", NULL, "ba.example", false},
		{"*.a.example", NULL, "a.example.b", false},
		{"*.A.example.", NULL, "B.a.EXAMPLE.", true},
		{"*.example", NULL, "example", false},
		{"*.xn--bcher-kva.example", NULL, "a.xn--bcher-kva.example", true},
		{NULL, "a.example", "a.example", false},
		{NULL, "a.example", "a.example.", false},
		{NULL, "a.example", "b.example", true},
		{NULL, "*.example", "A.Example", false},
		{"a.example", "a.example", "a.example", false},
		{"a.example", "*.example", "a.example", false},
		{"*.example", "a.example", "b.example", true},
		{"127.0.0.1", NULL, "127.0.0.1", true},
		{"127.0.0.1", NULL, "2130706433", true},
		{"127.0.0.1", NULL, "127.0.0.2", false},
		{NULL, "127.0.0.1", "0x7f000001", false},
		{"::1", NULL, "[::1]", true},
		{"[0:0::1]", NULL, "[::1]", true},
		{NULL, "::1", "[0::1]", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fetch_https_params p = params();
		struct fetch *f;
		char url[200];

		p.allow = &rows[i].allow;
		p.n_allow = rows[i].allow != NULL;
		p.deny = &rows[i].deny;
		p.n_deny = rows[i].deny != NULL;
		f = open_or_bail(&p);
		snprintf(url, sizeof url, "https://%s/x", rows[i].host);
		tap_ok(fetch_may(f, span_cstr(url)) == rows[i].may, "allow %s, deny %s: %s %s", rows[i].allow ? rows[i].allow : "all", rows[i].deny ? rows[i].deny : "none",
		       rows[i].host, rows[i].may ? "may" : "may not");
		fetch_close(f);
	}
}

static void test_ports(void)
{
	for (int i = 1; i <= 3; i++) {
		struct fetch_https_params p = params();
		struct fetch *f;

		p.port_443 = i & 1;
		p.port_8443 = i & 2;
		f = open_or_bail(&p);
		tap_int(fetch_may(f, span_cstr("https://a.example/")), (i & 1) != 0, "port 443");
		tap_int(fetch_may(f, span_cstr("https://a.example:8443/")), (i & 2) != 0, "port 8443");
		fetch_close(f);
	}
}

/* --- parameters -------------------------------------------------------------------------- */

static void refuses(const struct fetch_https_params *p, enum err_code code, const char *part)
{
	struct err e = {ERR_NONE, ""};
	struct fetch *f;

	tap_ok(fetch_https_open(p, &f, &e) == -1 && !f && e.code == code && strstr(e.text, part), "refused: %s", e.text);
}

static void test_open(void)
{
	static const char *const bad[] = {"", ".", "*", "*.", "a*.example", "*a.example", "a.*.example", "**.example", "https://a.example", "a.example:443", "a.example/x", "a..example", ".example",
					  "\xC3\xA4.example", "a b", "[::1", "::g", "*.::1", "10.0.0.0/8"};
	struct fetch_https_params p = params();
	char path[500];
	FILE *out;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		p = params();
		*(i % 2 ? &p.allow : &p.deny) = &bad[i];
		*(i % 2 ? &p.n_allow : &p.n_deny) = 1;
		refuses(&p, ERR_CONFIG, "a host is a name");
	}
	p = params();
	p.port_443 = p.port_8443 = false;
	refuses(&p, ERR_CONFIG, "no port");
	p = params();
	p.ca_file = "/nonexistent/ca.pem";
	refuses(&p, ERR_NOINPUT, "/nonexistent/ca.pem");
	snprintf(path, sizeof path, "%s/ca.pem", tap_tempdir());
	out = fopen(path, "w");
	if (!out || fputs("no certificate\n", out) < 0 || fclose(out))
		tap_bail("%s", path);
	p.ca_file = path;
	refuses(&p, ERR_DATA, "no certificate (PEM)");
}

/* --- breakers ------------------------------------------------------------------------------- */

static enum fetch_https_turn ask(struct fetch_https_breaker *b, const char *host, enum fetch_https_outcome outcome, int64_t now_ms)
{
	enum fetch_https_turn turn = fetch_https_breaker_begin(b, host, now_ms);

	if (turn != FETCH_HTTPS_ALONE)
		fetch_https_breaker_end(b, host, turn, outcome, now_ms);
	return turn;
}

static void test_breaker(void)
{
	enum { FAILED = FETCH_HTTPS_FAILED, ANSWERED = FETCH_HTTPS_ANSWERED, UNKNOWN = FETCH_HTTPS_UNKNOWN, TURN = FETCH_HTTPS_TURN, PROBE = FETCH_HTTPS_PROBE, ALONE = FETCH_HTTPS_ALONE };
	static const struct {
		const char *host;
		int outcome;
		int64_t now_ms;
		int want;
		size_t open;
	} rows[] = {
		{"a", FAILED, 0, TURN, 0},      {"a", FAILED, 1, TURN, 0},      {"a", ANSWERED, 2, TURN, 0},    {"a", FAILED, 3, TURN, 0},
		{"a", UNKNOWN, 4, TURN, 0},     {"a", FAILED, 5, TURN, 0},      {"b", FAILED, 6, TURN, 0},      {"a", FAILED, 7, TURN, 1},
		{"a", FAILED, 8, ALONE, 1},     {"b", ANSWERED, 9, TURN, 1},    {"a", FAILED, 10006, ALONE, 1}, {"a", FAILED, 10007, PROBE, 1},
		{"a", ANSWERED, 20006, ALONE, 1}, {"a", UNKNOWN, 20007, PROBE, 0}, {"a", ANSWERED, 20008, PROBE, 0}, {"a", FAILED, 20009, TURN, 0},
		{"a", FAILED, 20010, TURN, 0},  {"a", FAILED, 20011, TURN, 1},
	};
	struct fetch_https_breaker *b = fetch_https_breaker_new(3, 10);
	char name[20];

	if (!b)
		tap_bail("no memory");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int turn = (int)ask(b, rows[i].host, (enum fetch_https_outcome)rows[i].outcome, rows[i].now_ms);

		tap_ok(turn == rows[i].want && fetch_https_breaker_open(b, rows[i].now_ms) == rows[i].open, "step %zu: turn %d, open %zu", i, turn,
		       fetch_https_breaker_open(b, rows[i].now_ms));
	}
	tap_int((int)fetch_https_breaker_begin(b, "a", 40000), PROBE, "one tries");
	tap_int((int)fetch_https_breaker_begin(b, "a", 40001), ALONE, "and no other meanwhile");
	fetch_https_breaker_end(b, "a", FETCH_HTTPS_TURN, FETCH_HTTPS_FAILED, 40002);
	tap_int((int)fetch_https_breaker_begin(b, "a", 40003), ALONE, "also when one from before comes back");
	fetch_https_breaker_end(b, "a", FETCH_HTTPS_PROBE, FETCH_HTTPS_ANSWERED, 40004);
	tap_int((int)fetch_https_breaker_begin(b, "a", 40005), TURN, "it works again");
	/* The table is bounded: who failed longest ago is forgotten. */
	for (int i = 0; i <= LIMIT_FETCH_HOSTS; i++)
		for (int k = 0; k < 3; k++) {
			snprintf(name, sizeof name, "h%d", i);
			(void)ask(b, name, FETCH_HTTPS_FAILED, 50000 + i);
		}
	tap_int((long long)fetch_https_breaker_open(b, 51001), LIMIT_FETCH_HOSTS, "as many as fit");
	tap_int((int)fetch_https_breaker_begin(b, "h1", 51002), ALONE, "the second is known");
	tap_int((int)fetch_https_breaker_begin(b, "h0", 51002), TURN, "the first is forgotten");
	fetch_https_breaker_free(b);
	b = fetch_https_breaker_new(0, 10);
	if (!b)
		tap_bail("no memory");
	for (int i = 0; i < 5; i++)
		tap_int((int)ask(b, "a", FETCH_HTTPS_FAILED, i), TURN, "0 failures: never opens");
	fetch_https_breaker_free(b);
	fetch_https_breaker_free(NULL);
}

/* --- the fetcher ------------------------------------------------------------------------------ */

static void test_get(void)
{
	const struct fetch_https_params p = params();
	struct fetch *f = open_or_bail(&p);
	struct fetch_https_stats s;
	struct fetch_answer a;
	struct err e = {ERR_NONE, ""};
	struct buf b;

	buf_init(&b, 100);
	tap_ok(!f->at_hand, "only asked from a pool");
	(void)buf_puts(&b, "old");
	tap_int(fetch_get(f, span_cstr("https://10.0.0.1/"), 1000, &b, &a, &e), -1, "an inner address");
	tap_ok(a.cause == FETCH_ADDRESS && a.lifetime_s == -1 && b.n == 0 && e.code == ERR_UNAVAILABLE, "cause %s: %s", fetch_cause_name(a.cause), e.text);
	tap_int(fetch_get(f, span_cstr("https://10.0.0.1/"), 0, &b, &a, &e), -1, "without any time");
	tap_int((int)a.cause, FETCH_TIMEOUT, "is a timeout");
	fetch_https_stop(f);
	tap_int(fetch_get(f, span_cstr("https://10.0.0.1/"), 1000, &b, &a, NULL), -1, "stopped");
	tap_int((int)a.cause, FETCH_STOPPED, "says so");
	fetch_https_stats(f, &s);
	tap_ok(s.cause[FETCH_ADDRESS] == 1 && s.cause[FETCH_TIMEOUT] == 1 && s.cause[FETCH_STOPPED] == 1 && s.cause[FETCH_NONE] == 0 && s.octets == 0 && s.hosts_open == 0,
	       "all of that is counted");
	buf_free(&b);
	fetch_close(f);
}

static void test_causes(void)
{
	for (size_t i = 0; i < FETCH_CAUSE_COUNT; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(fetch_cause_name((enum fetch_cause)i), fetch_cause_name((enum fetch_cause)k)) == 0)
				tap_ok(false, "two causes are called %s", fetch_cause_name((enum fetch_cause)i));
	tap_str(fetch_cause_name(FETCH_BREAKER), "breaker-open", "the name of a cause");
	tap_ok(strstr(fetch_cause_sentence(FETCH_TLS), "TLS") != NULL, "its sentence");
	tap_ok(fetch_cause_remembered(FETCH_NOT_FOUND) && !fetch_cause_remembered(FETCH_LOCAL) && !fetch_cause_remembered(FETCH_NONE), "whether it is remembered");
	tap_str(fetch_cause_name(FETCH_CAUSE_COUNT), "unknown", "one that there is not");
}

/* As many hosts in a list as there may be, and one more. */
static void many_hosts(void)
{
	static const char *list[LIMIT_FETCH_HOST_RULES + 1];

	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		list[i] = "certs.example.net";
	for (size_t n = LIMIT_FETCH_HOST_RULES; n <= LIMIT_FETCH_HOST_RULES + 1; n++) {
		const struct fetch_https_params p = {.allow = list, .n_allow = n, .port_443 = true};
		struct fetch *f = NULL;
		struct err e;

		err_clear(&e);
		tap_int(fetch_https_open(&p, &f, &e), n > LIMIT_FETCH_HOST_RULES ? -1 : 0, "a list of %zu hosts: %s", n, e.text);
		fetch_close(f);
	}
}

int main(void)
{
	test_addresses();
	test_urls();
	test_hosts();
	many_hosts();
	test_ports();
	test_open();
	test_breaker();
	test_get();
	test_causes();
	return tap_done();
}
