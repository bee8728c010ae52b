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

enum { SHOWN_MAX = 60 /* of an entry in an error text */ };

struct cidr_set {
	struct cidr_network *net;
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

static int read_address(struct span s, struct cidr_address *out)
{
	char text[INET6_ADDRSTRLEN];

	if (!s.n || s.n >= sizeof text || memchr(s.p, '\0', s.n))
		return -1;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	out->bytes = strchr(text, ':') ? CIDR_V6_BYTES : CIDR_V4_BYTES;
	return inet_pton(out->bytes == CIDR_V6_BYTES ? AF_INET6 : AF_INET, text, out->octet) == 1 ? 0 : -1;
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

struct cidr_address cidr_address_cut(const struct cidr_address *a, unsigned bits)
{
	struct cidr_address cut = *a;

	for (size_t i = 0; i < a->bytes; i++)
		cut.octet[i] &= mask(i, bits);
	return cut;
}

/* "10.0.0.1/8" is more likely a slip than meant: say what it could have been. */
static int check_host_bits(const struct cidr_network *net, struct span text, struct err *e)
{
	struct cidr_address clean = cidr_address_cut(&net->first, net->bits);
	char shown[INET6_ADDRSTRLEN];

	if (memcmp(clean.octet, net->first.octet, clean.bytes) == 0)
		return 0;
	if (!inet_ntop(clean.bytes == CIDR_V6_BYTES ? AF_INET6 : AF_INET, clean.octet, shown, sizeof shown))
		shown[0] = '\0';
	return err_set(e, ERR_CONFIG, "%.*s: bits beyond the prefix are set; did you mean %s/%u?", SPAN_ARG(text), shown, net->bits);
}

int cidr_network_read(struct span text, struct cidr_network *net, struct err *e)
{
	struct span rest = span_trim(text), shown = span_take(rest, SHOWN_MAX), address;
	unsigned max, bits;
	bool has_prefix;

	memset(net, 0, sizeof *net);
	net->out = rest.n && rest.p[0] == '!';
	if (net->out)
		rest = span_skip(rest, 1);
	has_prefix = span_find(rest, '/') < rest.n;
	address = span_cut(&rest, '/');
	if (read_address(address, &net->first) < 0)
		return err_set(e, ERR_CONFIG, "%.*s: no IPv4 or IPv6 address", SPAN_ARG(shown));
	max = bits = (unsigned)net->first.bytes * 8;
	if (has_prefix && cidr_prefix(rest, &bits) < 0)
		return err_set(e, ERR_CONFIG, "%.*s: a prefix is a plain number", SPAN_ARG(shown));
	if (bits > max)
		return err_set(e, ERR_CONFIG, "%.*s: a prefix is at most %u", SPAN_ARG(shown), max);
	net->bits = (unsigned char)bits;
	/* It could never match: such addresses are looked up as IPv4. */
	if (net->first.bytes == CIDR_V6_BYTES && bits >= 96 && cidr_is_mapped(net->first.octet))
		return err_set(e, ERR_CONFIG, "%.*s: write an IPv4-mapped network as IPv4", SPAN_ARG(shown));
	return check_host_bits(net, shown, e);
}

int cidr_add(struct cidr_set *s, struct span text, struct err *e)
{
	struct cidr_network net;

	if (cidr_network_read(text, &net, e) < 0)
		return -1;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 8;
		struct cidr_network *grown = reallocarray(s->net, cap, sizeof *grown);

		if (!grown)
			return err_set(e, ERR_UNAVAILABLE, "no memory for %zu networks", cap);
		s->net = grown;
		s->cap = cap;
	}
	s->net[s->n++] = net;
	return 0;
}

bool cidr_network_has(const struct cidr_network *net, const struct cidr_address *a)
{
	if (net->first.bytes != a->bytes)
		return false;
	for (size_t i = 0; i < a->bytes; i++)
		if ((a->octet[i] & mask(i, net->bits)) != net->first.octet[i])
			return false;
	return true;
}

bool cidr_address_of(const struct sockaddr *addr, struct cidr_address *out)
{
	memset(out, 0, sizeof *out);
	if (!addr)
		return false;
	if (addr->sa_family == AF_INET) {
		out->bytes = CIDR_V4_BYTES;
		memcpy(out->octet, (const char *)addr + offsetof(struct sockaddr_in, sin_addr), out->bytes);
	} else if (addr->sa_family == AF_INET6) {
		unsigned char octet[CIDR_V6_BYTES];
		size_t skip;

		memcpy(octet, (const char *)addr + offsetof(struct sockaddr_in6, sin6_addr), sizeof octet);
		out->bytes = cidr_is_mapped(octet) ? CIDR_V4_BYTES : CIDR_V6_BYTES;
		skip = sizeof octet - out->bytes;
		memcpy(out->octet, octet + skip, out->bytes);
	} else {
		return false;
	}
	return true;
}

bool cidr_contains(const struct cidr_set *s, const struct sockaddr *addr)
{
	struct cidr_address a;

	if (!cidr_address_of(addr, &a))
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (cidr_network_has(&s->net[i], &a))
			return !s->net[i].out;
	return false;
}
