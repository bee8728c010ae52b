/*
 * Which hosts and ports may be asked, by name; where a name leads to is
 * fetch_https_address.c's business.
 *
 * URLs are cut by libcurl, so that it is what is judged that is asked.
 */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "core/limits.h"
#include "engine/fetch_https_internal.h"

enum { LABEL_BYTES = 63, SHOWN_MAX = 100 };

const char fetch_https_host_no_memory[] = "no memory";

/* --- host names --------------------------------------------------------------- */

static bool is_label_octet(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1 to 63 octets that DNS names are made of; also an IPv4 address. */
static bool is_name(const char *text)
{
	struct span rest = span_cstr(text);
	bool more = rest.n > 0;

	while (more) {
		struct span label;

		more = span_find(rest, '.') < rest.n;
		label = span_cut(&rest, '.');
		if (label.n == 0 || label.n > LABEL_BYTES)
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_label_octet(label.p[i]))
				return false;
	}
	return text[0] != '\0';
}

/* Its one spelling; no zone, which would name a network card. */
static bool normal_ipv6(char text[FETCH_HTTPS_HOST_BYTES])
{
	struct in6_addr a;

	return inet_pton(AF_INET6, text, &a) == 1 && inet_ntop(AF_INET6, &a, text, FETCH_HTTPS_HOST_BYTES);
}

bool fetch_https_host_normal(struct span text, char out[FETCH_HTTPS_HOST_BYTES])
{
	bool bracketed = text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';

	if (bracketed)
		text = span_make(text.p + 1, text.n - 2);
	else if (text.n && text.p[text.n - 1] == '.')
		text.n--;
	if (text.n == 0 || text.n > FETCH_HTTPS_HOST_BYTES - 3 || memchr(text.p, '\0', text.n))
		return false;
	for (size_t i = 0; i < text.n; i++)
		out[i] = span_lower(text.p[i]);
	out[text.n] = '\0';
	return bracketed || strchr(out, ':') ? normal_ipv6(out) : is_name(out);
}

/* --- rules --------------------------------------------------------------------- */

/* "host" or "*.host", in normal form. */
static char *rule_new(const char *text, struct err *e)
{
	bool below = strncmp(text, "*.", 2) == 0;
	char host[FETCH_HTTPS_HOST_BYTES], *rule;

	if (!fetch_https_host_normal(span_cstr(text + (below ? 2 : 0)), host) || (below && strchr(host, ':'))) {
		err_set(e, ERR_CONFIG, "'%.*s': a host is a name like certs.example.net (xn--... for what is not ASCII), *.example.net for all below, or an IP address",
			SHOWN_MAX, text);
		return NULL;
	}
	if (asprintf(&rule, "%s%s", below ? "*." : "", host) < 0) {
		err_set(e, ERR_UNAVAILABLE, "no memory");
		return NULL;
	}
	return rule;
}

static int rules_new(const char *const *text, size_t n, char ***out, size_t *count, struct err *e)
{
	if (n > LIMIT_FETCH_HOST_RULES)
		return err_set(e, ERR_CONFIG, "more than %d hosts", LIMIT_FETCH_HOST_RULES);
	if (n == 0)
		return 0;
	*out = calloc(n, sizeof **out);
	if (!*out)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	for (size_t i = 0; i < n; i++, ++*count) {
		(*out)[i] = rule_new(text[i], e);
		if (!(*out)[i])
			return -1;
	}
	return 0;
}

int fetch_https_hosts_init(struct fetch_https_hosts *h, const struct fetch_https_params *p, struct err *e)
{
	memset(h, 0, sizeof *h);
	h->port_443 = p->port_443;
	h->port_8443 = p->port_8443;
	if (!p->port_443 && !p->port_8443)
		return err_set(e, ERR_CONFIG, "no port may be asked");
	return rules_new(p->allow, p->n_allow, &h->allow, &h->n_allow, e) || rules_new(p->deny, p->n_deny, &h->deny, &h->n_deny, e) ? -1 : 0;
}

static void rules_free(char **rule, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(rule[i]);
	free(rule);
}

void fetch_https_hosts_free(struct fetch_https_hosts *h)
{
	rules_free(h->allow, h->n_allow);
	rules_free(h->deny, h->n_deny);
	memset(h, 0, sizeof *h);
}

static bool matches(const char *rule, const char *host)
{
	size_t n, below;

	if (strncmp(rule, "*.", 2) != 0)
		return strcmp(rule, host) == 0;
	n = strlen(host);
	below = strlen(rule + 1); /* with the dot */
	return n > below && strcmp(host + n - below, rule + 1) == 0;
}

static bool any_matches(char *const *rule, size_t n, const char *host)
{
	for (size_t i = 0; i < n; i++)
		if (matches(rule[i], host))
			return true;
	return false;
}

const char *fetch_https_host_forbidden(const struct fetch_https_hosts *h, const struct fetch_https_url *u)
{
	if (!(strcmp(u->port, "443") == 0 && h->port_443) && !(strcmp(u->port, "8443") == 0 && h->port_8443))
		return "its port may not be asked";
	if (any_matches(h->deny, h->n_deny, u->host))
		return "this host is denied";
	if (h->n_allow && !any_matches(h->allow, h->n_allow, u->host))
		return "this host is not among those that may be asked";
	return NULL;
}

/* --- URLs ----------------------------------------------------------------------- */

/* Is there such a part (which is then not wanted)? */
static bool has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool found = curl_url_get(u, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return found;
}

static const char *read_host(struct fetch_https_url *u)
{
	char *host = NULL, *port = NULL;
	const char *why = NULL;

	if (curl_url_get(u->handle, CURLUPART_HOST, &host, 0) != CURLUE_OK || !fetch_https_host_normal(span_cstr(host), u->host))
		why = "its host is none that can be asked";
	else if (curl_url_get(u->handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK || strlen(port) >= sizeof u->port)
		why = "its port is none that can be asked";
	else
		memcpy(u->port, port, strlen(port) + 1);
	curl_free(host);
	curl_free(port);
	return why;
}

static const char *url_fault(struct span url)
{
	if (url.n > LIMIT_X5U_BYTES)
		return "it is too long";
	if (!span_casestarts(url, "https://"))
		return "the scheme is not https";
	/* libcurl passes over a third slash. */
	if (span_starts(span_skip(url, strlen("https://")), "/"))
		return "no host";
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= 0x20 || url.p[i] >= 0x7F)
			return "an octet that may not stand in a URL";
	if (span_find(url, '#') < url.n)
		return "a fragment is not allowed";
	return NULL;
}

const char *fetch_https_url_read(struct fetch_https_url *u, struct span url)
{
	const char *why = url_fault(url);
	char text[LIMIT_X5U_BYTES + 1];
	CURLUcode rc;

	memset(u, 0, sizeof *u);
	if (why)
		return why;
	memcpy(text, url.p, url.n);
	text[url.n] = '\0';
	u->handle = curl_url();
	if (!u->handle)
		return fetch_https_host_no_memory;
	rc = curl_url_set(u->handle, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	if (rc == CURLUE_OUT_OF_MEMORY)
		return fetch_https_host_no_memory;
	if (rc == CURLUE_USER_NOT_ALLOWED)
		return "user information is not allowed";
	if (rc != CURLUE_OK)
		return "it can't be read";
	if (has_part(u->handle, CURLUPART_USER) || has_part(u->handle, CURLUPART_PASSWORD))
		return "user information is not allowed";
	if (has_part(u->handle, CURLUPART_ZONEID))
		return "its host is none that can be asked";
	return read_host(u);
}

void fetch_https_url_free(struct fetch_https_url *u)
{
	curl_url_cleanup(u->handle);
	u->handle = NULL;
}
