/*
 * PASSporTs (RFC 8225): reading one strictly, and writing one of the types msg
 * (RFC 9475) and div (RFC 8946) in the deterministic form of RFC 8225, 9.
 */
#ifndef STIR_CORE_PASSPORT_H
#define STIR_CORE_PASSPORT_H

#include "core/address.h"
#include "core/buf.h"
#include "core/jws.h"
#include "core/key.h"

/* What the header's ppt says. Only msg speaks for a message (profile.md Q12). */
enum passport_type {
	PASSPORT_UNKNOWN, /* a ppt nobody here knows */
	PASSPORT_PLAIN,   /* none: RFC 8225 alone */
	PASSPORT_MSG,
	PASSPORT_DIV,
	PASSPORT_DIV_O,
	PASSPORT_SHAKEN,
	PASSPORT_RPH,
	PASSPORT_MSEC,
	PASSPORT_RCD
};
const char *passport_type_name(enum passport_type t); /* unknown plain msg div div-o shaken rph msec rcd */
/* What a token of that type is, for people: "a div PASSporT: a diversion (RFC 8946)". */
const char *passport_type_sentence(enum passport_type t);

struct passport {
	struct jws jws;
	/* JOSE header */
	struct span ppt; /* empty if absent */
	enum passport_type type;
	struct span x5u;
	struct span alg;
	/* claims, after passport_claims() */
	int64_t iat;
	struct party orig;
	struct party *dest; /* as listed, tn before uri */
	size_t ndest;
	struct span msgi; /* the text; see has_msgi */
	struct span msgc;
	bool has_msgi, has_msgc;
	struct span attest; /* "A", "B" or "C" (RFC 8588); empty if absent or anything else */
	bool has_rcd;       /* an rcd claim is there (core/rcd.h reads it) */
	struct party div;   /* div and div-o: diverted from; PARTY_NONE for other types */
	struct span hi;     /* its History-Info index; empty if absent */
	struct span opt;    /* div-o: the token it was made from, as text */
	unsigned nested;    /* div-o: how many tokens stand in each other below this one */
};

/*
 * Split and read the JOSE header.  typ must be "passport", alg a string, x5u a
 * string, ppt a string if there; "crit" is refused (RFC 7515, 4.1.11).  alg is
 * not judged here: a ppt we don't support makes the field absent first.
 * STIR_OK, or a reason of jws_split(), or STIR_TOKEN_SYNTAX.
 */
enum stir_reason passport_header(struct span token, struct arena *a, struct passport *out) MUST_USE;

/*
 * Read the claims of a token whose header was read: alg must be ES256; iat an
 * integer; orig one identity, a string; dest at least one, arrays, at most
 * LIMIT_DEST entries; tn values of digits, '#' and '*'; msgi and msgc strings.
 * A div token has one div and no opt, a div-o token also an opt: a whole token
 * read by the same rules, at most LIMIT_DIV_NESTING of them in each other.
 * STIR_OK, STIR_ALG_UNSUPPORTED, STIR_CLAIMS_INVALID, STIR_NO_RESOURCE.
 */
enum stir_reason passport_claims(struct passport *p, struct arena *a) MUST_USE;

/*
 * Is the token written as RFC 8225, 9 says: members sorted, no white space?  A
 * lint, never a failure: what is verified are the octets received.  Only after
 * passport_header(); reads the JSON once more, so not for the mail path.
 */
bool passport_canonical(const struct passport *p);

/*
 * The token's time against ours (RFC 8224, 6.2; RFC 8225, 5.1.1).
 * now in seconds since 1970; an age of exactly max_age_s is fresh.
 * STIR_OK, STIR_STALE or STIR_FROM_FUTURE.
 */
enum stir_reason passport_fresh(const struct passport *p, int64_t now, uint32_t max_age_s, uint32_t max_skew_s);

/* What a new token says. Parties in canonical form; dest in any order, doubles allowed. */
struct passport_new {
	struct span x5u;
	int64_t iat;
	struct party orig;
	const struct party *dest;
	size_t ndest;
	struct span msgi; /* empty: not written */
	struct span msgc; /* empty: not written */
	struct span jti;  /* what no other token of ours has (RFC 7519, 4.1.7); empty: not written */
	const struct party *div; /* a div token, diverted from this one; NULL: a msg token */
};

/*
 * Make and sign a token: dest sorted, doubles removed.
 * 0 and the token in out, or -1 and *e (no destination, too many, the key failed).
 */
int passport_write(const struct passport_new *n, struct key *key, struct buf *out, struct err *e) MUST_USE;

#endif
