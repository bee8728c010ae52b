/*
 * Socket addresses, users, host names and certificate addresses, by their look
 * only: no name is resolved and no user looked up.
 */
#include "config.h"

#include "engine/settings_syntax.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <glib.h>

#include "core/x5u.h"

enum { MAX_HOST = 253, MAX_USER = 32, MAX_PORT = 65535, MAX_FD = 65535, MIN_FD = 3, MAX_HELP = 120 /* a reply text has 200 */ };

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (span_lower(c) >= 'a' && span_lower(c) <= 'z');
}

static bool made_of(struct span v, const char *others)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_alnum(v.p[i]) && (!v.p[i] || !strchr(others, v.p[i])))
			return false;
	return v.n > 0;
}

/* A plain decimal number, no sign and no leading zero. */
static bool number_within(struct span v, long lo, long hi)
{
	long n = 0;

	if (v.n == 0 || v.n > 6 || (v.n > 1 && v.p[0] == '0'))
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (v.p[i] - '0');
	}
	return n >= lo && n <= hi;
}

static const char *local_socket(struct span path)
{
	if (path.n < 2 || path.p[0] != '/' || path.p[path.n - 1] == '/')
		return "local: wants the whole path of the socket, from / on";
	if (path.n >= sizeof((struct sockaddr_un *)0)->sun_path)
		return "the path of a local socket is at most 107 octets long";
	return NULL;
}

static bool address_ok(struct span host, int family)
{
	char text[MAX_HOST + 1];
	unsigned char addr[sizeof(struct in6_addr)];
	bool numeric = family == AF_INET6 ? span_find(host, ':') < host.n : true;

	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = span_make(host.p + 1, host.n - 2);
	if (host.n > MAX_HOST || !made_of(host, family == AF_INET6 ? ".-:" : ".-"))
		return false;
	for (size_t i = 0; family == AF_INET && i < host.n; i++)
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			numeric = false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return !numeric || inet_pton(family, text, addr) == 1;
}

static const char *inet_socket(struct span v, int family)
{
	struct span port = span_cut(&v, '@');

	if (!number_within(port, 1, MAX_PORT))
		return "the port comes first, as a number from 1 to 65535: inet:PORT@ADDRESS (Postfix writes it the other way round)";
	if (v.n == 0)
		return "say on which address to listen: inet:PORT@ADDRESS; inet:PORT@127.0.0.1 when the MTA is on this host";
	if (!address_ok(v, family))
		return family == AF_INET6 ? "what follows the @ is neither an IPv6 address nor a host name"
		                          : "what follows the @ is neither an IPv4 address nor a host name";
	return NULL;
}

const char *settings_syntax_socket(struct span v)
{
	struct span rest = v, kind = span_cut(&rest, ':');

	if (kind.n < v.n) {
		if (span_is(kind, "local") || span_is(kind, "unix"))
			return local_socket(rest);
		if (span_is(kind, "inet"))
			return inet_socket(rest, AF_INET);
		if (span_is(kind, "inet6"))
			return inet_socket(rest, AF_INET6);
		if (span_is(kind, "fd"))
			return number_within(rest, MIN_FD, MAX_FD) ? NULL : "fd: wants the number of an open descriptor, 3 or more";
	}
	if (span_starts(v, "/"))
		return "write local: in front of the path";
	return "is not one of local:PATH, unix:PATH, inet:PORT@ADDRESS, inet6:PORT@ADDRESS, fd:NUMBER";
}

static bool is_loopback(struct span host, int family)
{
	/* A name may begin with 127, too; an address has no letters. */
	for (size_t i = 0; family == AF_INET && span_starts(host, "127.") && i < host.n; i++)
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			return false;
	if (family == AF_INET)
		return span_is(host, "localhost") || span_starts(host, "127.");
	return span_is(host, "::1") || span_is(host, "[::1]");
}

const char *settings_syntax_metrics_socket(struct span v)
{
	const char *why = settings_syntax_socket(v);
	struct span rest = v, kind = span_cut(&rest, ':');

	(void)span_cut(&rest, '@');
	if (!why && ((span_is(kind, "inet") && !is_loopback(rest, AF_INET)) || (span_is(kind, "inet6") && !is_loopback(rest, AF_INET6))))
		return "is not an address of this host alone: write 127.0.0.1 (or ::1), and let a web server that asks who is there pass on what others shall see";
	return why;
}

static bool user_ok(struct span v)
{
	return v.n <= MAX_USER && made_of(v, "_.-") && v.p[0] != '-' && v.p[0] != '.';
}

const char *settings_syntax_user(struct span v)
{
	struct span rest = v, user = span_cut(&rest, ':');

	if (!user_ok(user) || (user.n < v.n && !user_ok(rest)))
		return "is not of the form USER or USER:GROUP";
	return NULL;
}

const char *settings_syntax_authserv_id(struct span v)
{
	if (v.n > MAX_HOST || !made_of(v, ".-_") || v.p[0] == '.' || v.p[v.n - 1] == '.')
		return "is no host name (letters, digits, '.', '-' and '_')";
	return NULL;
}

const char *settings_syntax_certificate_url(struct span v)
{
	const char *why = NULL;
	struct x5u url;

	if (x5u_check(v, &url, &why) == STIR_OK)
		return NULL;
	return why ? why : "is no address that verifiers accept";
}

const char *settings_syntax_help_url(struct span v)
{
	const char *why = NULL, *host;
	char text[MAX_HELP + 1];
	GUri *uri;

	if (v.n > MAX_HELP)
		return "is longer than 120 octets";
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~')
			return "may hold printable ASCII only, and no space";
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	uri = g_uri_parse(text, G_URI_FLAGS_ENCODED, NULL);
	host = uri ? g_uri_get_host(uri) : NULL;
	if (!uri)
		why = "is no address of the web";
	else if (strcmp(g_uri_get_scheme(uri), "https") != 0 || !host || !host[0])
		why = "is no https address with a host";
	if (uri)
		g_uri_unref(uri);
	return why;
}

/* host:port or [v6]:port */
static const char *redis_address(struct span v)
{
	struct span rest = v, host;
	size_t colon = v.n;

	while (colon > 0 && v.p[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return "redis: wants HOST:PORT or the whole path of a socket, from / on";
	host = span_take(v, colon - 1);
	rest = span_skip(v, colon);
	if (!number_within(rest, 1, MAX_PORT))
		return "the port of redis: is a number from 1 to 65535";
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return address_ok(span_make(host.p + 1, host.n - 2), AF_INET6) ? NULL : "what stands in [ ] is an IPv6 address";
	return host.n <= MAX_HOST && made_of(host, "-.") ? NULL : "the host of redis: is a name, an IPv4 address, or an IPv6 address in [ ]";
}

const char *settings_syntax_replay_store(struct span v)
{
	if (span_is(v, "memory"))
		return NULL;
	if (span_starts(v, "sqlite:")) {
		struct span path = span_skip(v, strlen("sqlite:"));

		if (span_is(path, "~") || span_starts(path, "~/"))
			return "sqlite: takes no ~; write the whole path";
		return path.n && path.p[path.n - 1] != '/' ? NULL : "sqlite: wants the path of a file";
	}
	if (span_starts(v, "redis:/"))
		return local_socket(span_skip(v, strlen("redis:"))) ? "redis:/ wants the whole path of the socket, at most 107 octets" : NULL;
	if (span_starts(v, "redis:"))
		return redis_address(span_skip(v, strlen("redis:")));
	return "is no store; write memory, sqlite:PATH, redis:HOST:PORT or redis:/SOCKET";
}
