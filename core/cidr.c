/*
 * Sets of networks, looked through in the order they were given.
 *
 * Knows only addresses in figures; names are never resolved.  The sets are an
 * operator's few lines, so a lookup simply tries them all.
 */
#include "config.h"

#include "core/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	V4_BYTES = 4,
	V6_BYTES = 16,
	SHOWN_MAX = 60 /* of an entry in an error text */
};

struct network {
	uint8_t octet[V6_BYTES];
	size_t bytes;  /* V4_BYTES or V6_BYTES: the family */
	unsigned bits; /* of the prefix */
	bool out;      /* "!" */
};

struct cidr_set {
	struct network *net;
	size_t n, cap;
};

struct cidr_set *cidr_new(void)
{
	return calloc(1, sizeof(struct cidr_set));
}

struct cidr_set *cidr_copy(const struct cidr_set *s)
{
	struct cidr_set *c = cidr_new();

	if (!c || !s->n)
		return c;
	c->net = malloc(s->n * sizeof *c->net);
	if (!c->net) {
		free(c);
		return NULL;
	}
	memcpy(c->net, s->net, s->n * sizeof *c->net);
	c->n = c->cap = s->n;
	return c;
}

void cidr_free(struct cidr_set *s)
{
	if (!s)
		return;
	free(s->net);
	free(s);
}

size_t cidr_count(const struct cidr_set *s)
{
	return s->n;
}

/* The mask of the octet with this index in a prefix of so many bits. */
static uint8_t mask(size_t index, unsigned bits)
{
	if (bits >= 8 * (index + 1))
		return 0xFF;
	if (bits <= 8 * index)
		return 0;
	return (uint8_t)(0xFF << (8 * (index + 1) - bits));
}

static int read_address(struct span s, struct network *net)
{
	char text[INET6_ADDRSTRLEN];

	if (!s.n || s.n >= sizeof text || memchr(s.p, '\0', s.n))
		return -1;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	net->bytes = strchr(text, ':') ? V6_BYTES : V4_BYTES;
	return inet_pton(net->bytes == V6_BYTES ? AF_INET6 : AF_INET, text, net->octet) == 1 ? 0 : -1;
}

int cidr_prefix(struct span s, unsigned *bits)
{
	*bits = 0;
	if (!s.n || s.n > 3 || (s.n > 1 && s.p[0] == '0'))
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		*bits = 10 * *bits + (unsigned)(s.p[i] - '0');
	}
	return 0;
}

bool cidr_is_mapped(const unsigned char octet[16])
{
	static const uint8_t prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

	return memcmp(octet, prefix, sizeof prefix) == 0;
}

/* "10.0.0.1/8" is more likely a slip than meant: say what it could have been. */
static int check_host_bits(const struct network *net, struct span text, struct err *e)
{
	uint8_t clean[V6_BYTES];
	char shown[INET6_ADDRSTRLEN];
	bool same = true;

	for (size_t i = 0; i < net->bytes; i++) {
		clean[i] = net->octet[i] & mask(i, net->bits);
		same = same && clean[i] == net->octet[i];
	}
	if (same)
		return 0;
	if (!inet_ntop(net->bytes == V6_BYTES ? AF_INET6 : AF_INET, clean, shown, sizeof shown))
		shown[0] = '\0';
	return err_set(e, ERR_CONFIG, "%.*s: bits beyond the prefix are set; did you mean %s/%u?", SPAN_ARG(text), shown, net->bits);
}

static int parse(struct span text, struct network *net, struct err *e)
{
	struct span rest = text, shown = span_take(text, SHOWN_MAX), address;
	bool has_prefix;
	unsigned max;

	memset(net, 0, sizeof *net);
	net->out = rest.n && rest.p[0] == '!';
	if (net->out)
		rest = span_skip(rest, 1);
	has_prefix = span_find(rest, '/') < rest.n;
	address = span_cut(&rest, '/');
	if (read_address(address, net) < 0)
		return err_set(e, ERR_CONFIG, "%.*s: no IPv4 or IPv6 address", SPAN_ARG(shown));
	max = (unsigned)net->bytes * 8;
	net->bits = max;
	if (has_prefix && cidr_prefix(rest, &net->bits) < 0)
		return err_set(e, ERR_CONFIG, "%.*s: a prefix is a plain number", SPAN_ARG(shown));
	if (net->bits > max)
		return err_set(e, ERR_CONFIG, "%.*s: a prefix is at most %u", SPAN_ARG(shown), max);
	/* It could never match: such addresses are looked up as IPv4. */
	if (net->bytes == V6_BYTES && net->bits >= 96 && cidr_is_mapped(net->octet))
		return err_set(e, ERR_CONFIG, "%.*s: write an IPv4-mapped network as IPv4", SPAN_ARG(shown));
	return check_host_bits(net, shown, e);
}

int cidr_add(struct cidr_set *s, struct span text, struct err *e)
{
	struct network net;

	if (parse(span_trim(text), &net, e) < 0)
		return -1;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 8;
		struct network *grown = reallocarray(s->net, cap, sizeof *grown);

		if (!grown)
			return err_set(e, ERR_UNAVAILABLE, "no memory for %zu networks", cap);
		s->net = grown;
		s->cap = cap;
	}
	s->net[s->n++] = net;
	return 0;
}

static bool matches(const struct network *net, const uint8_t *octet, size_t bytes)
{
	if (net->bytes != bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((octet[i] & mask(i, net->bits)) != net->octet[i])
			return false;
	return true;
}

bool cidr_contains(const struct cidr_set *s, const struct sockaddr *addr)
{
	uint8_t octet[V6_BYTES];
	size_t bytes;

	if (!addr)
		return false;
	if (addr->sa_family == AF_INET) {
		bytes = V4_BYTES;
		memcpy(octet, (const char *)addr + offsetof(struct sockaddr_in, sin_addr), bytes);
	} else if (addr->sa_family == AF_INET6) {
		bytes = V6_BYTES;
		memcpy(octet, (const char *)addr + offsetof(struct sockaddr_in6, sin6_addr), bytes);
		if (cidr_is_mapped(octet)) {
			bytes = V4_BYTES;
			memmove(octet, octet + V6_BYTES - V4_BYTES, bytes);
		}
	} else {
		return false;
	}
	for (size_t i = 0; i < s->n; i++)
		if (matches(&s->net[i], octet, bytes))
			return !s->net[i].out;
	return false;
}
