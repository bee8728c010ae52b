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
void cidr_free(struct cidr_set *s); /* NULL is allowed */
/*
 * Add one entry; host bits beyond the prefix must be zero, numbers must be
 * plain.  0, or -1 and *e ("10.0.0.0/99: a prefix is at most 32").
 */
int cidr_add(struct cidr_set *s, struct span text, struct err *e) MUST_USE;
/* The first entry that contains the address decides; an IPv4-mapped address is looked up as IPv4. */
bool cidr_contains(const struct cidr_set *s, const struct sockaddr *addr);
size_t cidr_count(const struct cidr_set *s);

#endif
