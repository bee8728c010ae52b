/* Networks: what is written, and what is in them. */
#include "config.h"

#include "core/cidr.h"
#include "tests/lib/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

struct entry_case {
	const char *text, *error; /* NULL: accepted */
};

static const struct entry_case entries[] = {
	{"192.0.2.0/24", NULL},
	{"192.0.2.1", NULL},
	{" 192.0.2.1\t", NULL},
	{"!192.0.2.1/32", NULL},
	{"0.0.0.0/0", NULL},
	{"::/0", NULL},
	{"2001:DB8::1", NULL},
	{"2001:db8::/32", NULL},
	{"2001:db8:8000::/33", NULL},
	{"::ffff:0:0/95", "::ffff:0:0/95: bits beyond the prefix are set; did you mean ::fffe:0:0/95?"},
	{"10.0.0.0/99", "10.0.0.0/99: a prefix is at most 32"},
	{"10.0.0.0/33", "10.0.0.0/33: a prefix is at most 32"},
	{"2001:db8::/129", "2001:db8::/129: a prefix is at most 128"},
	{"10.0.0.1/8", "10.0.0.1/8: bits beyond the prefix are set; did you mean 10.0.0.0/8?"},
	{"10.0.0.1/0", "10.0.0.1/0: bits beyond the prefix are set; did you mean 0.0.0.0/0?"},
	{"2001:db8::1/64", "2001:db8::1/64: bits beyond the prefix are set; did you mean 2001:db8::/64?"},
	{"10.0.0.0/", "10.0.0.0/: a prefix is a plain number"},
	{"10.0.0.0/08", "10.0.0.0/08: a prefix is a plain number"},
	{"10.0.0.0/+8", "10.0.0.0/+8: a prefix is a plain number"},
	{"10.0.0.0/-8", "10.0.0.0/-8: a prefix is a plain number"},
	{"10.0.0.0/8/8", "10.0.0.0/8/8: a prefix is a plain number"},
	{"10.0.0.0/255.0.0.0", "10.0.0.0/255.0.0.0: a prefix is a plain number"},
	{"10.0.0.0/4294967304", "10.0.0.0/4294967304: a prefix is a plain number"},
	{"::ffff:192.0.2.0/120", "::ffff:192.0.2.0/120: write an IPv4-mapped network as IPv4"},
	{"::ffff:192.0.2.1", "::ffff:192.0.2.1: write an IPv4-mapped network as IPv4"},
	{"010.0.0.0/8", "010.0.0.0/8: no IPv4 or IPv6 address"},
	{"10/8", "10/8: no IPv4 or IPv6 address"},
	{"10.0.0", "10.0.0: no IPv4 or IPv6 address"},
	{"0x7f.0.0.1", "0x7f.0.0.1: no IPv4 or IPv6 address"},
	{"10.0.0.256", "10.0.0.256: no IPv4 or IPv6 address"},
	{"localhost", "localhost: no IPv4 or IPv6 address"},
	{"[::1]", "[::1]: no IPv4 or IPv6 address"},
	{"fe80::1%lo", "fe80::1%lo: no IPv4 or IPv6 address"},
	{"!!10.0.0.0/8", "!!10.0.0.0/8: no IPv4 or IPv6 address"},
	{"! 10.0.0.0/8", "! 10.0.0.0/8: no IPv4 or IPv6 address"},
	{"10.0.0.0 /8", "10.0.0.0 /8: no IPv4 or IPv6 address"},
	{"", ": no IPv4 or IPv6 address"},
	{"!", "!: no IPv4 or IPv6 address"},
	{"/8", "/8: no IPv4 or IPv6 address"},
	{"1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9: no IPv4 or IPv6 address"},
};

static bool contains(const struct cidr_set *s, const char *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return cidr_contains(s, (const struct sockaddr *)&v4);
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		tap_bail("bad address in the test: %s", address);
	return cidr_contains(s, (const struct sockaddr *)&v6);
}

static struct cidr_set *set_of(const char *const *text)
{
	struct cidr_set *s = cidr_new();
	struct err e;

	if (!s)
		tap_bail("no memory");
	for (; *text; text++)
		if (cidr_add(s, span_cstr(*text), &e) < 0)
			tap_bail("%s", e.text);
	return s;
}

struct lookup_case {
	const char *address;
	bool want;
};

static void check_lookups(const char *what, const char *const *text, const struct lookup_case *c, size_t n)
{
	struct cidr_set *s = set_of(text);

	for (size_t i = 0; i < n; i++)
		tap_int(contains(s, c[i].address), c[i].want, "%s: %s", what, c[i].address);
	cidr_free(s);
}

static void check_entries(void)
{
	struct cidr_set *s = cidr_new();
	size_t good = 0;

	if (!s)
		tap_bail("no memory");
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		struct err e = {ERR_NONE, ""};
		int rc = cidr_add(s, span_cstr(entries[i].text), &e);

		good += rc == 0;
		tap_str(e.text, entries[i].error ? entries[i].error : "", "entry \"%s\"", entries[i].text);
		if (rc != (entries[i].error ? -1 : 0))
			tap_ok(false, "entry \"%s\" returns %d", entries[i].text, rc);
	}
	tap_int(cidr_add(s, span_make("10.0.0.0\0", 9), NULL), -1, "NUL");
	tap_int((long long)cidr_count(s), (long long)good, "only good entries are added");
	cidr_free(s);
	cidr_free(NULL);
}

int main(void)
{
	static const char *const first[] = {"!192.0.2.7", "192.0.2.0/24", "198.51.100.128/25", "2001:db8::/33", "!203.0.113.0/24", "203.0.113.1", "10.11.12.13", NULL};
	static const struct lookup_case in_first[] = {
		{"192.0.2.0", true}, {"192.0.2.255", true}, {"192.0.2.7", false}, {"192.0.3.0", false},
		{"192.0.1.255", false}, {"198.51.100.127", false}, {"198.51.100.128", true},
		{"::ffff:192.0.2.1", true}, {"::ffff:192.0.2.7", false}, {"::192.0.2.1", false},
		{"2001:db8::1", true}, {"2001:db8:7fff:ffff::", true}, {"2001:db8:8000::", false},
		{"203.0.113.1", false}, {"10.11.12.13", true}, {"10.11.12.12", false},
	};
	static const char *const v6_all[] = {"::/0", NULL};
	static const struct lookup_case in_v6_all[] = {{"2001:db8::1", true}, {"192.0.2.1", false}, {"::ffff:192.0.2.1", false}};
	static const char *const v4_all[] = {"!127.0.0.0/8", "0.0.0.0/0", NULL};
	static const struct lookup_case in_v4_all[] = {{"192.0.2.1", true}, {"127.0.0.1", false}, {"::1", false}};
	static const char *const nothing[] = {NULL};
	static const struct lookup_case in_nothing[] = {{"192.0.2.1", false}, {"::1", false}};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct cidr_set *s;

	check_entries();
	check_lookups("first match", first, in_first, sizeof in_first / sizeof in_first[0]);
	check_lookups("::/0", v6_all, in_v6_all, sizeof in_v6_all / sizeof in_v6_all[0]);
	check_lookups("0.0.0.0/0", v4_all, in_v4_all, sizeof in_v4_all / sizeof in_v4_all[0]);
	check_lookups("empty", nothing, in_nothing, sizeof in_nothing / sizeof in_nothing[0]);
	s = set_of(v4_all);
	tap_ok(!cidr_contains(s, (const struct sockaddr *)&un), "a local socket is in no network");
	tap_ok(!cidr_contains(s, NULL), "no address is in no network");
	cidr_free(s);
	return tap_done();
}
