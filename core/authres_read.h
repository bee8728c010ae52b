/*
 * Reading Authentication-Results (RFC 8601) of other filters of our own host:
 * dkim, dmarc, spf, arc.  Whether a field may be believed is the caller's question.
 */
#ifndef STIR_CORE_AUTHRES_READ_H
#define STIR_CORE_AUTHRES_READ_H

#include "core/arena.h"

/* Longer values than BYTES are not read; filters keep below a kilobyte. */
enum { AUTHRES_READ_METHODS = 32, AUTHRES_READ_PROPERTIES = 8, AUTHRES_READ_BYTES = 8192 };

struct authres_property {
	struct span type, name, value; /* "header", "d", "example.net"; type and name in lower case */
};
struct authres_entry {
	struct span method, result; /* lower case */
	struct authres_property property[AUTHRES_READ_PROPERTIES]; /* the first of them */
	size_t nproperty;
};

/*
 * The entries of a value whose authserv-id is that one (case ignored); comments
 * are dropped, quoted strings undone.  Returns their number, in order, at most AUTHRES_READ_METHODS (the first); 0 for
 * another host's, for "none", for one that is too long, and for a value that breaks the grammar anywhere (it is then not believed at all).
 * Methods of a version other than 1 are passed over.  Beyond the grammar, a property's value may hold '/', ':', '=',
 * '?', '[' and ']' without quotes, as filters write base64 and IPv6 addresses.
 */
size_t authres_read(struct span value, struct span authserv_id, struct arena *a, struct authres_entry **out);

#endif
