/*
 * Which addresses are those of the public internet.
 *
 * A sender chooses the name, and whoever answers for it the address; an inner
 * service must not be asked through us.  Hence not a list of what is bad in IPv6,
 * where much is unassigned, but of what is good.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "engine/fetch_https_internal.h"

/* The first that contains an address decides (IANA's registries of special addresses). */
static const char *const nets[] = {
	"!0.0.0.0/8",       /* this network; 0.0.0.0 connects to ourselves */
	"!10.0.0.0/8",      /* private */
	"!100.64.0.0/10",   /* shared: carrier-grade NAT */
	"!127.0.0.0/8",     /* loopback */
	"!169.254.0.0/16",  /* link-local; the metadata of clouds */
	"!172.16.0.0/12",   /* private */
	"!192.0.0.0/24",    /* IETF assignments */
	"!192.0.2.0/24",    /* documentation */
	"!192.88.99.0/24",  /* 6to4 relays */
	"!192.168.0.0/16",  /* private */
	"!198.18.0.0/15",   /* benchmarks */
	"!198.51.100.0/24", /* documentation */
	"!203.0.113.0/24",  /* documentation */
	"!224.0.0.0/3",     /* multicast, reserved, broadcast */
	"0.0.0.0/0",
	"!2001::/23",       /* IETF assignments: Teredo, benchmarks, ORCHID */
	"!2001:db8::/32",   /* documentation */
	"!2002::/16",       /* 6to4: any IPv4 address may be in it */
	"!3ffe::/16",       /* was 6bone */
	"!3fff::/20",       /* documentation */
	"2000::/3",         /* all of global unicast; not ::1, ::a.b.c.d, fc00::/7, fe80::/10, ff00::/8 ... */
};

struct cidr_set *fetch_https_address_public(void)
{
	struct cidr_set *s = cidr_new();

	for (size_t i = 0; s && i < sizeof nets / sizeof *nets; i++)
		if (cidr_add(s, span_cstr(nets[i]), NULL)) {
			cidr_free(s);
			return NULL;
		}
	return s;
}

/*
 * 64:ff9b::a.b.c.d is how a host without IPv4 reaches all of it (RFC 6052): what
 * counts is where that leads.  A mapped address (::ffff:a.b.c.d) is looked up as
 * IPv4 by core/cidr itself.
 */
static bool translated(const struct sockaddr *addr, struct sockaddr_in *out)
{
	static const unsigned char prefix[12] = {0x00, 0x64, 0xFF, 0x9B};
	unsigned char octet[16];

	if (addr->sa_family != AF_INET6)
		return false;
	memcpy(octet, (const char *)addr + offsetof(struct sockaddr_in6, sin6_addr), sizeof octet);
	if (memcmp(octet, prefix, sizeof prefix) != 0)
		return false;
	memset(out, 0, sizeof *out);
	out->sin_family = AF_INET;
	memcpy(&out->sin_addr, octet + sizeof prefix, 4);
	return true;
}

bool fetch_https_address_ok(const struct cidr_set *public_ones, const struct cidr_set *listed, const struct sockaddr *addr)
{
	struct sockaddr_in inner;

	if (listed && cidr_contains(listed, addr))
		return true;
	if (translated(addr, &inner))
		return cidr_contains(public_ones, (const struct sockaddr *)&inner);
	return cidr_contains(public_ones, addr);
}
