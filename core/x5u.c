/*
 * A strict reading of certificate URLs: the small part of RFC 3986 that the
 * STIR profiles leave.  What passes here is read alike by every URL library
 * (the fuzz target holds it against libcurl, which does the fetching).
 *
 * Doesn't resolve names: where a name leads to is judged when connecting.
 */
#include "config.h"

#include "core/x5u.h"

enum { HOST_BYTES = 253, LABEL_BYTES = 63 };

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0..15, or -1. */
static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool label_ok(struct span l)
{
	if (l.n == 0 || l.n > LABEL_BYTES || l.p[0] == '-' || l.p[l.n - 1] == '-')
		return false;
	for (size_t i = 0; i < l.n; i++)
		if (!is_alpha(l.p[i]) && !is_digit(l.p[i]) && l.p[i] != '-')
			return false;
	return true;
}

/* inet_aton() takes "1", "0x7f.1" and the like for addresses; no top-level domain looks so. */
static bool is_numeric(struct span l)
{
	bool hex = span_casestarts(l, "0x");

	for (size_t i = hex ? 2 : 0; i < l.n; i++)
		if (hex ? hex_value(l.p[i]) < 0 : !is_digit(l.p[i]))
			return false;
	return true;
}

static const char *check_host(struct span host)
{
	struct span rest = host, label = host;
	size_t dots = 0;

	if (host.n == 0)
		return "no host";
	if (host.p[0] == '[')
		return "the host is an IP address";
	if (host.n > HOST_BYTES)
		return "the host name is too long";
	if (host.p[host.n - 1] == '.')
		return "the host name ends in a dot";
	for (size_t i = 0; i < host.n; i++)
		dots += host.p[i] == '.';
	for (size_t i = 0; i <= dots; i++) {
		label = span_cut(&rest, '.');
		if (!label_ok(label))
			return "the host is no DNS name";
	}
	return is_numeric(label) ? "the host is an IP address" : NULL;
}

/* Cuts authority into host and port. */
static const char *check_authority(struct span authority, struct x5u *out)
{
	size_t colon;

	if (span_find(authority, '@') < authority.n)
		return "user information is not allowed";
	out->host = authority;
	out->port = span_make(NULL, 0);
	if (authority.n && authority.p[0] == '[')
		return "the host is an IP address";
	colon = span_find(authority, ':');
	if (colon < authority.n) {
		out->host = span_take(authority, colon);
		out->port = span_skip(authority, colon + 1);
		if (!span_is(out->port, "443") && !span_is(out->port, "8443"))
			return "the port is neither 443 nor 8443";
	}
	return check_host(out->host);
}

/* Octets that stand in a path as themselves (RFC 3986, pchar and '/'). */
static bool is_path_octet(char c)
{
	return is_alpha(c) || is_digit(c) || (c && strchr("/-._~!$&'()*+,;=:@", c));
}

/* "." or "..", however the dots are spelled. */
static bool is_dot_segment(struct span s)
{
	size_t dots = 0;

	while (s.n) {
		size_t k = s.p[0] == '.' ? 1 : span_casestarts(s, "%2e") ? 3 : 0;

		if (k == 0)
			return false;
		s = span_skip(s, k);
		dots++;
	}
	return dots == 1 || dots == 2;
}

static const char *check_path(struct span path)
{
	struct span rest = path;

	if (path.n == 0)
		return "no path";
	for (size_t i = 0; i < path.n; i++) {
		int high, low;

		if (path.p[i] != '%') {
			if (!is_path_octet(path.p[i]))
				return "an octet that may not stand in a path";
			continue;
		}
		if (path.n - i < 3)
			return "an incomplete percent escape";
		high = hex_value(path.p[i + 1]);
		low = hex_value(path.p[i + 2]);
		if (high < 0 || low < 0)
			return "an incomplete percent escape";
		if (high < 2 || (high == 7 && low == 15))
			return "an escaped control character";
		i += 2;
	}
	while (rest.n)
		if (is_dot_segment(span_cut(&rest, '/')))
			return "a dot component in the path";
	return NULL;
}

static const char *check(struct span url, struct x5u *out)
{
	static const char scheme[] = "https://";
	const char *why;
	size_t slash;

	if (url.n > LIMIT_X5U_BYTES)
		return "the address is too long";
	if (!span_casestarts(url, scheme))
		return "the scheme is not https";
	if (span_find(url, '?') < url.n)
		return "a query is not allowed";
	if (span_find(url, '#') < url.n)
		return "a fragment is not allowed";
	url = span_skip(url, sizeof scheme - 1);
	slash = span_find(url, '/');
	why = check_authority(span_take(url, slash), out);
	if (why)
		return why;
	out->path = span_skip(url, slash);
	return check_path(out->path);
}

enum stir_reason x5u_check(struct span url, struct x5u *out, const char **why)
{
	const char *rule = check(url, out);

	if (why)
		*why = rule;
	if (!rule)
		return STIR_OK;
	memset(out, 0, sizeof *out);
	return STIR_X5U_FORBIDDEN;
}
