/*
 * The types of PASSporTs, and the claims that each adds to orig, dest and iat.
 *
 * Only msg and div are used; the others are known so that people can be told
 * what they are.
 */
#include "config.h"

#include "core/passport.h"

#include "core/limits.h"
#include "core/passport_internal.h"

static const struct {
	const char *name, *sentence;
} types[] = {
	[PASSPORT_UNKNOWN] = {"unknown", "a PASSporT of a type that is not known here"},
	[PASSPORT_PLAIN] = {"plain", "a plain PASSporT: a call (RFC 8225)"},
	[PASSPORT_MSG] = {"msg", "a msg PASSporT: a message (RFC 9475)"},
	[PASSPORT_DIV] = {"div", "a div PASSporT: a diversion (RFC 8946)"},
	[PASSPORT_DIV_O] = {"div-o", "a div-o PASSporT: a diversion with the original inside (RFC 8946); not used in mail"},
	[PASSPORT_SHAKEN] = {"shaken", "a shaken PASSporT: who calls, nothing of a message (RFC 8588)"},
	[PASSPORT_RPH] = {"rph", "an rph PASSporT: the priority of a call (RFC 8443)"},
	[PASSPORT_MSEC] = {"msec", "an msec PASSporT: keys of a media session (RFC 8862)"},
	[PASSPORT_RCD] = {"rcd", "an rcd PASSporT: what to show of a caller (RFC 9795)"},
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

const char *passport_type_name(enum passport_type t)
{
	return types[(size_t)t < TYPE_COUNT ? t : PASSPORT_UNKNOWN].name;
}

const char *passport_type_sentence(enum passport_type t)
{
	return types[(size_t)t < TYPE_COUNT ? t : PASSPORT_UNKNOWN].sentence;
}

enum passport_type passport_type_of(struct span ppt)
{
	if (ppt.n == 0)
		return PASSPORT_PLAIN;
	for (int i = PASSPORT_MSG; i < TYPE_COUNT; i++)
		if (span_is(ppt, types[i].name))
			return (enum passport_type)i;
	return PASSPORT_UNKNOWN;
}

/* In a token of another type these must be ignored (RFC 9475, 3.2). */
static int read_digests(const json_t *claims, struct arena *a, struct passport *p)
{
	int msgi = passport_member(claims, "msgi", a, &p->msgi);
	int msgc = passport_member(claims, "msgc", a, &p->msgc);

	p->has_msgi = msgi == 1;
	p->has_msgc = msgc == 1;
	return msgi < 0 || msgc < 0 ? -1 : 0;
}

/* Asked of no msg token, so whatever is no attestation is no error either. */
static void read_attest(const json_t *claims, struct arena *a, struct passport *p)
{
	struct span s;

	if (passport_text(json_object_get(claims, "attest"), &s) == 0 && (span_is(s, "A") || span_is(s, "B") || span_is(s, "C")))
		p->attest = arena_copy(a, s);
}

/*
 * One identity, and perhaps the index of History-Info beside it (RFC 8946, 8),
 * which may say more some day: other members are passed over.
 */
static int read_div(const json_t *claims, struct arena *a, struct passport *p)
{
	const json_t *div = json_object_get(claims, "div");
	const json_t *tn = json_object_get(div, "tn");
	const json_t *uri = json_object_get(div, "uri");

	if (!json_is_object(div) || !tn == !uri || passport_member(div, "hi", a, &p->hi) < 0)
		return -1;
	return tn ? passport_tn(tn, &p->div) : passport_uri(uri, a, &p->div);
}

/* The token inside, by the same rules; depth is that of p. */
static int read_opt(const json_t *claims, struct arena *a, unsigned depth, struct passport *p)
{
	struct passport *inner;

	if (depth >= LIMIT_DIV_NESTING || passport_member(claims, "opt", a, &p->opt) != 1)
		return -1;
	inner = arena_alloc(a, sizeof *inner);
	if (!inner)
		return 0; /* the caller asks the arena */
	if (passport_header(p->opt, a, inner) != STIR_OK || passport_claims_nested(inner, a, depth + 1) != STIR_OK)
		return -1;
	p->nested = inner->nested + 1;
	return 0;
}

int passport_type_claims(const json_t *claims, struct arena *a, unsigned depth, struct passport *p)
{
	read_attest(claims, a, p);
	switch (p->type) {
	case PASSPORT_MSG:
		p->has_rcd = json_object_get(claims, "rcd") != NULL;
		return read_digests(claims, a, p);
	case PASSPORT_DIV:
		return json_object_get(claims, "opt") ? -1 : read_div(claims, a, p);
	case PASSPORT_DIV_O:
		return read_div(claims, a, p) || read_opt(claims, a, depth, p) ? -1 : 0;
	default:
		return 0;
	}
}
