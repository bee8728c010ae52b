/*
 * Networks in a list.
 *
 * IPv4 and IPv6 are kept apart: an IPv6 network never holds an IPv4 address,
 * not even ::/0 (as in core/cidr.h), though facts write IPv4 as ::ffff:a.b.c.d.
 */
#include "config.h"

#include "policy/list_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "core/cidr.h"

enum { V4_BITS = 32, V6_BITS = 128, MAPPED_BITS = V6_BITS - V4_BITS };

#define MAPPED_LOW ((uint64_t)0xFFFF << V4_BITS) /* lower half of ::ffff:0:0 */

static uint64_t read64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static struct list_addr from_octets(const unsigned char *p)
{
	return (struct list_addr){read64(p), read64(p + 8)};
}

static bool is_mapped(struct list_addr a)
{
	return a.hi == 0 && a.lo >> V4_BITS == MAPPED_LOW >> V4_BITS;
}

static int compare(struct list_addr a, struct list_addr b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return (a.lo > b.lo) - (a.lo < b.lo);
}

/* The bits of an address behind the prefix. */
static struct list_addr host_mask(unsigned bits)
{
	struct list_addr m = {0, 0};

	if (bits < 64)
		m.hi = UINT64_MAX >> bits;
	if (bits < 128)
		m.lo = bits <= 64 ? UINT64_MAX : UINT64_MAX >> (bits - 64);
	return m;
}

static int add(struct list_builder *b, struct list_addr a, unsigned bits, uint32_t where)
{
	struct list_addr mask = host_mask(bits);

	if (is_mapped(a) && bits >= MAPPED_BITS) {
		uint64_t from = a.lo & UINT32_MAX;

		return list_items_add(&b->v4, (struct list_item){from, from | mask.lo, where});
	}
	if (list_grow(&b->v6, b->n6, &b->cap6, sizeof *b->v6) < 0)
		return -1;
	b->v6[b->n6++] = (struct list_net6){{a, {a.hi | mask.hi, a.lo | mask.lo}}, where};
	return 0;
}

/* --- as text */

/* v4: as ::ffff:a.b.c.d. */
static int read_address(struct span s, bool v4, struct list_addr *out)
{
	unsigned char octet[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (!s.n || s.n >= sizeof text || memchr(s.p, '\0', s.n))
		return -1;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(v4 ? AF_INET : AF_INET6, text, octet) != 1)
		return -1;
	*out = from_octets(octet);
	if (v4)
		*out = (struct list_addr){0, MAPPED_LOW | out->hi >> V4_BITS};
	return 0;
}

static int say_host_bits(struct list_builder *b, size_t at, struct list_addr a, unsigned bits, bool v4)
{
	struct list_addr mask = host_mask(bits), clean = {a.hi & ~mask.hi, a.lo & ~mask.lo};
	unsigned char octet[sizeof(struct in6_addr)];
	char shown[INET6_ADDRSTRLEN];

	for (int i = 0; i < 8; i++) {
		octet[i] = (unsigned char)(clean.hi >> (56 - 8 * i));
		octet[8 + i] = (unsigned char)(clean.lo >> (56 - 8 * i));
	}
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, octet + (v4 ? MAPPED_BITS / 8 : 0), shown, sizeof shown))
		shown[0] = '\0';
	return list_wrong(b, at, "bits beyond the prefix are set; did you mean %s/%u?", shown, v4 ? bits - MAPPED_BITS : bits);
}

int list_net_entry(struct list_builder *b, struct span s, uint32_t where)
{
	bool v4 = span_find(s, ':') == s.n;
	unsigned max = v4 ? V4_BITS : V6_BITS, bits = max;
	size_t slash = span_find(s, '/');
	struct list_addr a, mask;

	if (read_address(span_take(s, slash), v4, &a) < 0)
		return list_wrong(b, 0, "this is no IPv4 or IPv6 address");
	if (slash < s.n && cidr_prefix(span_skip(s, slash + 1), &bits) < 0)
		return list_wrong(b, slash + 1, "a prefix is a plain number");
	if (bits > max)
		return list_wrong(b, slash + 1, "a prefix is at most %u", max);
	if (v4)
		bits += MAPPED_BITS;
	else if (is_mapped(a) && bits >= MAPPED_BITS)
		return list_wrong(b, 0, "write an IPv4-mapped network as IPv4");
	mask = host_mask(bits);
	if ((a.hi & mask.hi) || (a.lo & mask.lo))
		return say_host_bits(b, 0, a, bits, v4);
	return add(b, a, bits, where);
}

/* --- as literals of a policy, and as facts */

int list_net_value(struct list_builder *b, const struct ast_value *v, uint32_t where)
{
	struct list_addr a = from_octets(v->addr.b), mask;

	if (v->bits > V6_BITS)
		return list_wrong(b, 0, "a prefix is at most %d", V6_BITS);
	mask = host_mask(v->bits);
	if ((a.hi & mask.hi) || (a.lo & mask.lo))
		return say_host_bits(b, 0, a, v->bits, is_mapped(a) && v->bits >= MAPPED_BITS);
	return add(b, a, v->bits, where);
}

static int by_place(const void *x, const void *y)
{
	const struct list_net6 *a = x, *b = y;
	int c = compare(a->net.from, b->net.from);

	if (!c)
		c = compare(b->net.to, a->net.to);
	return c ? c : (a->where > b->where) - (a->where < b->where);
}

static int finish_v6(struct list_builder *b)
{
	struct list_nets *out = &b->l->v6;

	if (!b->n6)
		return 0;
	qsort(b->v6, b->n6, sizeof *b->v6, by_place);
	out->v = reallocarray(NULL, b->n6, sizeof *out->v);
	if (!out->v)
		return -1;
	/* Two networks are apart, or one is in the other, which then comes first. */
	for (size_t i = 0; i < b->n6; i++) {
		if (out->n && compare(b->v6[i].net.to, out->v[out->n - 1].to) <= 0)
			list_redundant_count(&b->redundant, b->v6[i].where);
		else
			out->v[out->n++] = b->v6[i].net;
	}
	list_shrink(&out->v, out->n, sizeof *out->v);
	return 0;
}

int list_net_finish(struct list_builder *b)
{
	if (list_ranges_make(&b->l->v4, &b->v4, false, &b->redundant) < 0)
		return -1;
	return finish_v6(b);
}

static bool in_v6(const struct list_nets *s, struct list_addr a)
{
	const struct list_net *base = s->v;
	size_t n = s->n;

	if (!n)
		return false;
	while (n > 1) {
		size_t half = n / 2;

		base += compare(base[half].from, a) <= 0 ? half : 0;
		n -= half;
	}
	return compare(base->from, a) <= 0 && compare(a, base->to) <= 0;
}

bool list_contains_addr(const struct list *l, const struct facts_addr *a)
{
	struct list_addr addr = from_octets(a->b);

	if (l->type != LIST_CIDR)
		return false;
	if (is_mapped(addr))
		return list_ranges_find(&l->v4, addr.lo & UINT32_MAX) >= 0;
	return in_v6(&l->v6, addr);
}
