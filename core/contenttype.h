/*
 * A Content-Type value: type, subtype and parameters (RFC 2045, 5.1), read the
 * way doc/profile.md "msgc" says, which forgives what mail forgives.
 */
#ifndef STIR_CORE_CONTENTTYPE_H
#define STIR_CORE_CONTENTTYPE_H

#include "core/arena.h"
#include "core/limits.h"

enum { CONTENTTYPE_PARAMS_MAX = 64 }; /* more are ignored and flagged */

struct contenttype {
	struct span type; /* "type/subtype" in lower case; "text/plain" if unreadable is the caller's rule: n == 0 then */
	size_t nparam;
	struct contenttype_param {
		struct span name;  /* lower case */
		struct span value; /* unquoted */
	} param[CONTENTTYPE_PARAMS_MAX];
	bool overflow;      /* parameters beyond the maximum */
	bool doubled;       /* one name twice: the last value counts, as in the profile's reference */
	bool loose;         /* quotes or octets where the grammar has none: readers differ in what they make of it */
	bool long_param;    /* a parameter over 1000 octets */
};

/* Comments outside quoted strings are removed, folding too. All texts in arena. 0 / -1 (arena full). */
int contenttype_parse(struct span value, struct arena *a, struct contenttype *out) MUST_USE;
/* The parameter's value; false if absent. */
bool contenttype_param(const struct contenttype *ct, const char *name, struct span *value);

#endif
