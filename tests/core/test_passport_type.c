/* The types of PASSporTs, and the claims that only some have. */
#include "config.h"

#include <stdio.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/passport.h"
#include "tests/lib/tap.h"

#define BASE "\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"15550100001\"}"
#define DIV "\"div\":{\"tn\":\"15550200001\"}"

static void token(struct buf *out, const char *ppt, const char *payload)
{
	static const char sig[JWS_SIG_BYTES];
	char header[256];

	if (ppt)
		snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"ppt\":\"%s\",\"typ\":\"passport\",\"x5u\":\"u\"}", ppt);
	else
		snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"u\"}");
	base64url_encode(out, header, strlen(header));
	buf_putc(out, '.');
	base64url_encode(out, payload, strlen(payload));
	buf_putc(out, '.');
	base64url_encode(out, sig, sizeof sig);
}

static enum stir_reason read_one(struct arena *a, const char *ppt, const char *payload, struct passport *p)
{
	struct buf b;
	enum stir_reason r;

	buf_init(&b, 65536);
	token(&b, ppt, payload);
	/* what p keeps is in the arena, its signing input is not asked for */
	r = passport_header(buf_span(&b), a, p);
	if (r == STIR_OK)
		r = passport_claims(p, a);
	buf_free(&b);
	return r;
}

static void test_types(struct arena *a)
{
	static const struct {
		const char *ppt, *name;
	} t[] = {{NULL, "plain"}, {"msg", "msg"}, {"shaken", "shaken"}, {"rph", "rph"}, {"msec", "msec"}, {"rcd", "rcd"}, {"Msg", "unknown"}, {"divo", "unknown"}, {"plain", "unknown"}, {"unknown", "unknown"}};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct passport p;

		tap_int(read_one(a, t[i].ppt, "{" BASE "}", &p), STIR_OK, "ppt %s", t[i].ppt ? t[i].ppt : "(none)");
		tap_str(passport_type_name(p.type), t[i].name, "... is of the type %s", t[i].name);
		tap_ok(strlen(passport_type_sentence(p.type)) > 0, "... which is told");
		arena_reset(a);
	}
}

static void test_claims(struct arena *a)
{
	static const struct {
		const char *what, *ppt, *payload;
		enum stir_reason reason;
	} t[] = {
		{"a diversion", "div", "{" BASE "," DIV "}", STIR_OK},
		{"of an address", "div", "{" BASE ",\"div\":{\"uri\":\"mailto:ben@b.example\"}}", STIR_OK},
		{"with its index", "div", "{" BASE ",\"div\":{\"hi\":\"1.2.1\",\"tn\":\"15550200001\"}}", STIR_OK},
		{"no div", "div", "{" BASE "}", STIR_CLAIMS_INVALID},
		{"div a string", "div", "{" BASE ",\"div\":\"15550200001\"}", STIR_CLAIMS_INVALID},
		{"div a list", "div", "{" BASE ",\"div\":{\"tn\":[\"15550200001\"]}}", STIR_CLAIMS_INVALID},
		{"two identities", "div", "{" BASE ",\"div\":{\"tn\":\"15550200001\",\"uri\":\"mailto:ben@b.example\"}}", STIR_CLAIMS_INVALID},
		{"hi alone", "div", "{" BASE ",\"div\":{\"hi\":\"1\"}}", STIR_CLAIMS_INVALID},
		{"hi a number", "div", "{" BASE ",\"div\":{\"hi\":1,\"tn\":\"15550200001\"}}", STIR_CLAIMS_INVALID},
		{"not a number", "div", "{" BASE ",\"div\":{\"tn\":\"+1\"}}", STIR_CLAIMS_INVALID},
		{"with opt", "div", "{" BASE "," DIV ",\"opt\":\"a.b.c\"}", STIR_CLAIMS_INVALID},
		{"digests are ignored", "div", "{" BASE "," DIV ",\"msgi\":1}", STIR_OK},
		{"div in a msg token says nothing", "msg", "{" BASE ",\"div\":1}", STIR_OK},
		{"div-o without opt", "div-o", "{" BASE "," DIV "}", STIR_CLAIMS_INVALID},
		{"opt no token", "div-o", "{" BASE "," DIV ",\"opt\":\"a.b.c\"}", STIR_CLAIMS_INVALID},
		{"opt compact", "div-o", "{" BASE "," DIV ",\"opt\":\"..AAAA\"}", STIR_CLAIMS_INVALID},
		{"opt an object", "div-o", "{" BASE "," DIV ",\"opt\":{}}", STIR_CLAIMS_INVALID},
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct passport p;

		tap_int(read_one(a, t[i].ppt, t[i].payload, &p), t[i].reason, "%s", t[i].what);
		tap_ok(!p.has_msgi && !p.has_msgc, "... and no digest");
		arena_reset(a);
	}
}

static void test_read(struct arena *a)
{
	struct passport p;

	tap_int(read_one(a, "div", "{" BASE ",\"div\":{\"hi\":\"1.2.1\",\"tn\":\"15550200001\"}}", &p), STIR_OK, "a div token");
	tap_span_is(party_text(&p.div), "15550200001", "div");
	tap_span_is(p.hi, "1.2.1", "hi");
	tap_int(read_one(a, "msg", "{" BASE ",\"rcd\":{}}", &p), STIR_OK, "rcd in a msg token");
	tap_ok(p.has_rcd && p.div.kind == PARTY_NONE, "is noticed");
	tap_int(read_one(a, "shaken", "{\"attest\":\"B\"," BASE "}", &p), STIR_OK, "a shaken token");
	tap_span_is(p.attest, "B", "attest");
	arena_reset(a);
}

/* n tokens in each other below a div-o token. */
static void nest(struct buf *out, unsigned n)
{
	struct buf inner, payload;

	if (n == 0) {
		token(out, "msg", "{" BASE "}");
		return;
	}
	buf_init(&inner, 65536);
	buf_init(&payload, 65536);
	nest(&inner, n - 1);
	buf_printf(&payload, "{" BASE "," DIV ",\"opt\":\"%s\"}", inner.p);
	token(out, "div-o", payload.p);
	buf_free(&inner);
	buf_free(&payload);
}

static void test_nesting(struct arena *a)
{
	for (unsigned n = 1; n <= LIMIT_DIV_NESTING + 1; n++) {
		struct passport p;
		enum stir_reason r;
		struct buf b;

		buf_init(&b, 65536);
		nest(&b, n);
		r = passport_header(buf_span(&b), a, &p);
		if (r == STIR_OK)
			r = passport_claims(&p, a);
		tap_int(r, n <= LIMIT_DIV_NESTING ? STIR_OK : STIR_CLAIMS_INVALID, "%u tokens in each other (%zu octets)", n, b.n);
		if (r == STIR_OK)
			tap_int(p.nested, n, "are counted");
		buf_free(&b);
		arena_reset(a);
	}
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);

	test_types(a);
	test_claims(a);
	test_read(a);
	test_nesting(a);
	arena_free(a);
	return tap_done();
}
