/* Certificate addresses: own cases; those of production are in test_samples_certs.c. */
#include "config.h"

#include "core/x5u.h"

#include "tests/lib/tap.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}
#define LABEL63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
	struct span url;
	const char *host, *port, *path;
} good[] = {
	{SPAN("https://cert.example.org/msg.pem"), "cert.example.org", "", "/msg.pem"},
	{SPAN("https://cert.example.org:443/msg.pem"), "cert.example.org", "443", "/msg.pem"},
	{SPAN("https://cert.example.org:8443/a/b/c.pem"), "cert.example.org", "8443", "/a/b/c.pem"},
	{SPAN("HTTPS://Cert.Example.ORG/Msg.pem"), "Cert.Example.ORG", "", "/Msg.pem"},
	{SPAN("https://cert.example.org/"), "cert.example.org", "", "/"},
	{SPAN("https://localhost/x"), "localhost", "", "/x"},
	{SPAN("https://1.2.3.example/x"), "1.2.3.example", "", "/x"},
	{SPAN("https://123.4a/x"), "123.4a", "", "/x"},
	{SPAN("https://xn--bcher-kva.example/x"), "xn--bcher-kva.example", "", "/x"},
	{SPAN("https://a--b.example/x"), "a--b.example", "", "/x"},
	{SPAN("https://" LABEL63 ".example/x"), LABEL63 ".example", "", "/x"},
	{SPAN("https://a.example/-._~!$&'()*+,;=:@"), "a.example", "", "/-._~!$&'()*+,;=:@"},
	{SPAN("https://a.example/%41%7e%2F%C3%A9"), "a.example", "", "/%41%7e%2F%C3%A9"},
	{SPAN("https://a.example//x//y"), "a.example", "", "//x//y"},
	{SPAN("https://a.example/..."), "a.example", "", "/..."},
	{SPAN("https://a.example/.well-known/x"), "a.example", "", "/.well-known/x"},
	{SPAN("https://a.example/a..b/.c"), "a.example", "", "/a..b/.c"},
	{SPAN("https://a.example/@user:8080"), "a.example", "", "/@user:8080"},
	{SPAN("https://a.example:8443//evil.example/x"), "a.example", "8443", "//evil.example/x"},
};

static const struct {
	struct span url;
	const char *about;
} bad[] = {
	{SPAN(""), "nothing"},
	{SPAN("https:"), "a scheme only"},
	{SPAN("https://"), "no host"},
	{SPAN("https:///x"), "no host, a path"},
	{SPAN("https:/a.example/x"), "one slash"},
	{SPAN("http://a.example/x"), "http"},
	{SPAN("ftp://a.example/x"), "ftp"},
	{SPAN("file:///etc/passwd"), "file"},
	{SPAN("//a.example/x"), "no scheme"},
	{SPAN("a.example/x"), "no scheme, no slashes"},
	{SPAN("/usr/share/cert.pem"), "a file path"},
	{SPAN(" https://a.example/x"), "a space in front"},
	{SPAN("https://a.example/x "), "a space behind"},
	{SPAN("https://a.example/x\r\nHost: b"), "a line end"},
	{SPAN("https://a.example/x\0"), "a NUL behind"},
	{SPAN("https://a\0.example/x"), "a NUL in the host"},
	{SPAN("https://a.example/\xC3\xA9"), "8-bit octets"},
	{SPAN("https://\xC3\xA9.example/x"), "8-bit octets in the host"},
	{SPAN("https://a.example"), "no path"},
	{SPAN("https://a.example:443"), "port, no path"},
	{SPAN("https://a.example/x?y=z"), "a query"},
	{SPAN("https://a.example/x?"), "an empty query"},
	{SPAN("https://a.example?x"), "a query without a path"},
	{SPAN("https://a.example/x#y"), "a fragment"},
	{SPAN("https://a.example/x#"), "an empty fragment"},
	{SPAN("https://a.example#/x"), "a fragment without a path"},
	{SPAN("https://user@a.example/x"), "a user"},
	{SPAN("https://user:pw@a.example/x"), "user and password"},
	{SPAN("https://@a.example/x"), "an empty user"},
	{SPAN("https://a.example@b.example/x"), "a host as user"},
	{SPAN("https://a.example:/x"), "an empty port"},
	{SPAN("https://a.example:80/x"), "port 80"},
	{SPAN("https://a.example:8080/x"), "port 8080"},
	{SPAN("https://a.example:0443/x"), "port 0443"},
	{SPAN("https://a.example:443:443/x"), "two ports"},
	{SPAN("https://a.example:+443/x"), "port +443"},
	{SPAN("https://a.example:65979/x"), "443 plus 65536"},
	{SPAN("https://192.0.2.1/x"), "an IPv4 address"},
	{SPAN("https://2130706433/x"), "an IPv4 address as one number"},
	{SPAN("https://0x7f000001/x"), "the same in hex"},
	{SPAN("https://0x7F.1/x"), "mixed"},
	{SPAN("https://127.0x1/x"), "hex at the end"},
	{SPAN("https://a.0x/x"), "an empty hex number"},
	{SPAN("https://0177.0.0.01/x"), "octal"},
	{SPAN("https://[2001:db8::1]/x"), "an IPv6 address"},
	{SPAN("https://[2001:db8::1]:443/x"), "an IPv6 address and port"},
	{SPAN("https://[::1/x"), "half an IPv6 address"},
	{SPAN("https://a_b.example/x"), "an underscore"},
	{SPAN("https://-a.example/x"), "a hyphen in front"},
	{SPAN("https://a-.example/x"), "a hyphen behind"},
	{SPAN("https://a..example/x"), "an empty label"},
	{SPAN("https://.example/x"), "an empty first label"},
	{SPAN("https://a.example./x"), "a dot at the end"},
	{SPAN("https://a.exa%6dple/x"), "an escape in the host"},
	{SPAN("https://a.example\\@b.example/x"), "a backslash"},
	{SPAN("https://a.example;b/x"), "a semicolon in the host"},
	{SPAN("https://a" LABEL63 ".example/x"), "a label of 64"},
	{SPAN("https://" LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 "/x"), "a host of 255"},
	{SPAN("https://a.example/.."), "two dots"},
	{SPAN("https://a.example/../x"), "two dots and more"},
	{SPAN("https://a.example/x/../y"), "two dots inside"},
	{SPAN("https://a.example/x/./y"), "one dot inside"},
	{SPAN("https://a.example/x/%2e%2E/y"), "two escaped dots"},
	{SPAN("https://a.example/x/.%2e"), "one escaped dot of two"},
	{SPAN("https://a.example/%2E"), "one escaped dot"},
	{SPAN("https://a.example/x\\y"), "a backslash in the path"},
	{SPAN("https://a.example/x y"), "a space in the path"},
	{SPAN("https://a.example/<x>"), "angle brackets"},
	{SPAN("https://a.example/\"x\""), "quotes"},
	{SPAN("https://a.example/x|y"), "a bar"},
	{SPAN("https://a.example/{x}"), "braces"},
	{SPAN("https://a.example/[1-9]"), "brackets, a range for some clients"},
	{SPAN("https://a.example/x^y`"), "circumflex and backtick"},
	{SPAN("https://a.example/%"), "a percent sign"},
	{SPAN("https://a.example/%4"), "half an escape"},
	{SPAN("https://a.example/%4g"), "no escape"},
	{SPAN("https://a.example/%00"), "an escaped NUL"},
	{SPAN("https://a.example/%0d%0A"), "an escaped line end"},
	{SPAN("https://a.example/%7F"), "an escaped DEL"},
};

static void test_good(void)
{
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		const char *why = "";
		struct x5u u;

		tap_int(x5u_check(good[i].url, &u, &why), STIR_OK, "%.*s", SPAN_ARG(good[i].url));
		tap_ok(why == NULL, "no rule broken");
		tap_span_is(u.host, good[i].host, "host");
		tap_span_is(u.port, good[i].port, "port");
		tap_span_is(u.path, good[i].path, "path");
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *why = NULL;
		struct x5u u;

		tap_int(x5u_check(bad[i].url, &u, &why), STIR_X5U_FORBIDDEN, "forbidden: %s", bad[i].about);
		tap_ok(why && *why && u.host.n == 0 && u.path.n == 0, "because: %s", why ? why : "?");
		tap_int(x5u_check(bad[i].url, &u, NULL), STIR_X5U_FORBIDDEN, "nobody asks why");
	}
}

static void test_length(void)
{
	static char url[LIMIT_X5U_BYTES + 1];
	struct x5u u;

	memset(url, 'x', sizeof url);
	memcpy(url, "https://a.example/", 18);
	tap_int(x5u_check(span_make(url, LIMIT_X5U_BYTES), &u, NULL), STIR_OK, "as long as allowed");
	tap_int(x5u_check(span_make(url, LIMIT_X5U_BYTES + 1), &u, NULL), STIR_X5U_FORBIDDEN, "one more");
}

int main(void)
{
	test_good();
	test_bad();
	test_length();
	return tap_done();
}
