/*
 * A PASSporT, or the Identity field around it, in words.  Nothing is verified.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "core/identity.h"
#include "core/msgi.h"
#include "core/passport.h"
#include "core/rcd.h"
#include "core/x5u.h"
#include "ctl/print.h"
#include "ctl/show.h"

enum { SHOWN_MAX = 2000 };

static void line(FILE *f, const char *what, struct span s)
{
	fprintf(f, "  %-12s  ", what);
	print_quoted(f, s, SHOWN_MAX);
	fputc('\n', f);
}

static void put_json(FILE *f, const char *what, struct span octets)
{
	json_t *j = NULL;
	char *text = NULL;

	fprintf(f, "%s\n", what);
	if (jws_json(octets, &j) == 0)
		text = json_dumps(j, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (text) {
		fprintf(f, "%s\n", text);
	} else {
		fputs("  no strict JSON object: ", f);
		print_quoted(f, octets, SHOWN_MAX);
		fputc('\n', f);
	}
	free(text);
	json_decref(j);
}

static void digest_line(FILE *f, const char *what, struct span text)
{
	struct msgi_value v;

	fprintf(f, "  %-12s  ", what);
	if (msgi_parse(text, &v))
		fputs("malformed: not sha256-, sha384- or sha512- and base64 of that length\n", f);
	else
		fprintf(f, "%s, %u octets\n", msgi_alg_name(v.alg), v.n);
}

static void time_line(FILE *f, int64_t iat)
{
	char t[PRINT_TIME_BYTES], age[PRINT_AGE_BYTES];
	struct timespec now = {0};
	int64_t diff;

	clock_gettime(CLOCK_REALTIME, &now);
	diff = iat < 0 ? 0 : (int64_t)now.tv_sec - iat;
	fprintf(f, "  %-12s  %s, %s %s\n", "made", print_time(t, iat), print_age(age, diff), diff < 0 ? "in the future" : "ago");
}

static void party_line(FILE *f, const char *what, const struct party *p)
{
	fprintf(f, "  %-12s  ", what);
	print_party(f, p);
	fputc('\n', f);
}

static void put_rcd(FILE *f, const struct passport *p, struct arena *a)
{
	static const char *const words[] = {
		[STIR_RCD_NONE] = "",
		[STIR_RCD_PRESENT] = "no digest over it",
		[STIR_RCD_VERIFIED] = "the digests (rcdi) of what is inside match",
		[STIR_RCD_MISMATCH] = "broken, or a digest (rcdi) does not match: not to be shown",
		[STIR_RCD_UNCHECKED] = "digests (rcdi) only of what stands elsewhere, which is not fetched",
	};
	enum stir_rcd found;
	struct span name;

	if (!p->has_rcd)
		return;
	msgi_init();
	found = rcd_read(p->jws.payload, a, &name);
	if (name.n)
		line(f, "name (rcd)", name);
	line(f, name.n ? "" : "name (rcd)", span_cstr(words[found]));
}

static void put_content(FILE *f, const struct passport *p)
{
	if (p->has_msgi)
		digest_line(f, "msgi", p->msgi);
	if (p->has_msgc)
		digest_line(f, "msgc", p->msgc);
	if (!p->has_msgi && !p->has_msgc)
		line(f, "content", span_cstr("not protected: neither msgi nor msgc"));
}

static void put_claims(FILE *f, const struct passport *p, struct arena *a)
{
	time_line(f, p->iat);
	party_line(f, "originator", &p->orig);
	if (p->div.kind != PARTY_NONE)
		party_line(f, "diverted by", &p->div);
	if (p->hi.n)
		line(f, "hi", p->hi);
	if (p->attest.n)
		line(f, "attestation", p->attest);
	for (size_t i = 0; i < p->ndest; i++) {
		fprintf(f, "  %-12s  ", i ? "" : p->ndest == 1 ? "destination" : "destinations");
		print_party(f, &p->dest[i]);
		fputc('\n', f);
	}
	if (p->type == PASSPORT_MSG)
		put_content(f, p);
	put_rcd(f, p, a);
	line(f, "written", span_cstr(passport_canonical(p) ? "in the deterministic form of RFC 8225, 9" :
		"not in the deterministic form of RFC 8225, 9 (members sorted, no blanks); no fault"));
}

static void put_header(FILE *f, const struct passport *p)
{
	const char *why = NULL;
	struct x5u where;

	fputs("In words\n", f);
	line(f, "type (ppt)", p->ppt.n ? p->ppt : span_cstr("none"));
	line(f, "", span_cstr(passport_type_sentence(p->type)));
	line(f, "certificate", p->x5u);
	if (x5u_check(p->x5u, &where, &why) != STIR_OK)
		line(f, "", span_cstr(why ? why : "an address that is not allowed"));
	if (!span_is(p->alg, "ES256"))
		line(f, "", span_cstr("alg is not ES256: no verifier accepts it"));
}

static int put_reason(FILE *f, enum stir_reason r)
{
	const struct stir_reason_info *i = stir_reason_info(r);

	fprintf(f, "  %s: %s (%s)\n", i->name, i->sentence, i->section);
	return -1;
}

static int put_token(FILE *f, struct span token, struct arena *a)
{
	struct passport p;
	enum stir_reason r;

	memset(&p, 0, sizeof(p));
	r = jws_split(token, a, &p.jws);
	if (r != STIR_OK) {
		fputs("Token\n", f);
		return put_reason(f, r);
	}
	put_json(f, "Header", p.jws.header);
	put_json(f, "Claims", p.jws.payload);
	fprintf(f, "Signature  %d octets, not verified here\n", JWS_SIG_BYTES);
	r = passport_header(token, a, &p);
	if (r != STIR_OK)
		return put_reason(f, r);
	put_header(f, &p);
	r = passport_claims(&p, a);
	if (r != STIR_OK)
		return put_reason(f, r);
	put_claims(f, &p, a);
	if (!p.opt.n)
		return 0;
	/* At most LIMIT_DIV_NESTING, or the claims could not be read. */
	fputs("\nThe original inside (opt)\n", f);
	return put_token(f, p.opt, a);
}

int show_token(FILE *f, struct span text, struct arena *a)
{
	struct identity id;
	enum stir_reason r;

	text = span_trim(text);
	if (span_casestarts(text, "Identity:"))
		text = span_skip(text, sizeof("Identity:") - 1);
	if (span_find(text, ';') == text.n)
		return put_token(f, span_trim(text), a);
	r = identity_parse(text, a, &id);
	fprintf(f, "Identity field of %zu octets\n", text.n);
	if (r != STIR_OK)
		return put_reason(f, r);
	line(f, "info", id.info);
	line(f, "alg", id.has_alg ? id.alg : span_cstr("(left out: ES256)"));
	line(f, "ppt", id.has_ppt ? id.ppt : span_cstr("(left out)"));
	return put_token(f, id.token, a);
}
