/*
 * Sets of networks: "192.0.2.0/24", "2001:db8::1", and "!" in front to take out.
 */
#ifndef STIR_CORE_CIDR_H
#define STIR_CORE_CIDR_H

#include <sys/socket.h>

#include "core/err.h"
#include "core/span.h"

struct cidr_set; /* opaque; immutable once filled. Any thread. */

struct cidr_set *cidr_new(void) MUST_USE;
struct cidr_set *cidr_copy(const struct cidr_set *s) MUST_USE; /* NULL without memory */
void cidr_free(struct cidr_set *s); /* NULL is allowed */
/*
 * Add one entry; host bits beyond the prefix must be zero, numbers must be
 * plain.  0, or -1 and *e ("10.0.0.0/99: a prefix is at most 32").
 */
int cidr_add(struct cidr_set *s, struct span text, struct err *e) MUST_USE;
/* The first entry that contains the address decides; an IPv4-mapped address is looked up as IPv4. */
bool cidr_contains(const struct cidr_set *s, const struct sockaddr *addr);
size_t cidr_count(const struct cidr_set *s);

/* --- one network, for those who keep many and look them up by themselves ----- */
enum { CIDR_V4_BYTES = 4, CIDR_V6_BYTES = 16 };
struct cidr_address {
	unsigned char octet[CIDR_V6_BYTES];
	unsigned char bytes; /* CIDR_V4_BYTES or CIDR_V6_BYTES: the family; the octets behind are 0 */
};
struct cidr_network {
	struct cidr_address first;
	unsigned char bits; /* of the prefix */
	bool out;           /* "!" */
};
/* As cidr_add() reads it. */
int cidr_network_read(struct span text, struct cidr_network *out, struct err *e) MUST_USE;
bool cidr_network_has(const struct cidr_network *net, const struct cidr_address *a);
/* An IPv4-mapped address is IPv4. False: of another family, or NULL. */
bool cidr_address_of(const struct sockaddr *addr, struct cidr_address *out);
/* The first address of the network of that prefix that has it. */
struct cidr_address cidr_address_cut(const struct cidr_address *a, unsigned bits);

/* The length of a prefix as it is written: 1 to 3 digits without a leading zero. 0 / -1; whether it suits the address is the caller's question. */
int cidr_prefix(struct span text, unsigned *bits) MUST_USE;
/* Do these 16 octets stand for an IPv4 address (::ffff:a.b.c.d)? */
bool cidr_is_mapped(const unsigned char octet[16]);

#endif
