/* PASSporTs: reading strictly, freshness, writing what can be read again. */
#include "config.h"

#include "core/passport.h"

#include <stdio.h>

#include "core/encoding.h"
#include "core/keys/key_pem.h"
#include "core/limits.h"
#include "tests/lib/tap.h"

#define SPAN(literal)                                                                                                                                          \
	{                                                                                                                                                      \
		literal, sizeof(literal) - 1                                                                                                                   \
	}
#define HEADER "{\"alg\":\"ES256\",\"ppt\":\"msg\",\"typ\":\"passport\",\"x5u\":\"https://a.example/c.pem\"}"
#define DEST "\"dest\":{\"tn\":[\"12125551212\"]}"
#define IAT "\"iat\":1700000000"
#define ORIG "\"orig\":{\"tn\":\"12125551000\"}"

/* A key nobody uses elsewhere: RFC 8946, App. A. */
static const char key_text[] = "-----BEGIN EC PRIVATE KEY-----\n"
			       "MHcCAQEEIFKCsFZ4Wsw3ZpBxgc4Z0sOjaXDdMk07Ny1fKg6OntAkoAoGCCqGSM49\n"
			       "AwEHoUQDQgAEmzGM1VsO+3IqbMF54rQMaYKQftO4hUYm9wv5wutLgEd9FsiTy3+4\n"
			       "+Wa2O7pffOXPC0QzO+yD8hGEXGP/2mZo6w==\n"
			       "-----END EC PRIVATE KEY-----\n";

static const struct {
	const char *what;
	struct span header;
	enum stir_reason want;
} headers[] = {
    {"plain", SPAN(HEADER), STIR_OK},
    {"no ppt", SPAN("{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_OK},
    {"another alg is judged later", SPAN("{\"alg\":\"none\",\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_OK},
    {"unknown member", SPAN("{\"alg\":\"ES256\",\"kid\":\"1\",\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_OK},
    {"crit", SPAN("{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"crit null", SPAN("{\"alg\":\"ES256\",\"crit\":null,\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"no typ", SPAN("{\"alg\":\"ES256\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"typ in capitals", SPAN("{\"alg\":\"ES256\",\"typ\":\"PASSporT\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"typ JWT", SPAN("{\"alg\":\"ES256\",\"typ\":\"JWT\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"typ a number", SPAN("{\"alg\":\"ES256\",\"typ\":1,\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"no alg", SPAN("{\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"alg null", SPAN("{\"alg\":null,\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"alg twice", SPAN("{\"alg\":\"ES256\",\"alg\":\"none\",\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"no x5u", SPAN("{\"alg\":\"ES256\",\"typ\":\"passport\"}"), STIR_TOKEN_SYNTAX},
    {"x5u empty", SPAN("{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"\"}"), STIR_TOKEN_SYNTAX},
    {"x5u an array", SPAN("{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":[\"u\"]}"), STIR_TOKEN_SYNTAX},
    {"x5u with a line end", SPAN("{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"u\\n\"}"), STIR_TOKEN_SYNTAX},
    {"ppt empty", SPAN("{\"alg\":\"ES256\",\"ppt\":\"\",\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"ppt a list", SPAN("{\"alg\":\"ES256\",\"ppt\":[\"msg\"],\"typ\":\"passport\",\"x5u\":\"u\"}"), STIR_TOKEN_SYNTAX},
    {"no object", SPAN("[\"ES256\"]"), STIR_TOKEN_SYNTAX},
    {"no JSON", SPAN("alg=ES256"), STIR_TOKEN_SYNTAX},
};

static const struct {
	const char *what;
	struct span claims;
	enum stir_reason want;
} claims_cases[] = {
    {"plain", SPAN("{" DEST "," IAT "," ORIG "}"), STIR_OK},
    {"any order, blanks", SPAN("{ " ORIG " , " IAT ",\n" DEST " }"), STIR_OK},
    {"unknown claim", SPAN("{" DEST "," IAT "," ORIG ",\"rcd\":{\"nam\":\"A\\nB\"}}"), STIR_OK},
    {"iat 1", SPAN("{" DEST ",\"iat\":1," ORIG "}"), STIR_OK},
    {"iat 2^53 - 1", SPAN("{" DEST ",\"iat\":9007199254740991," ORIG "}"), STIR_OK},
    {"iat 2^53", SPAN("{" DEST ",\"iat\":9007199254740992," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat too big for 64 bits", SPAN("{" DEST ",\"iat\":99999999999999999999," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat 0", SPAN("{" DEST ",\"iat\":0," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat negative", SPAN("{" DEST ",\"iat\":-1," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat real", SPAN("{" DEST ",\"iat\":1700000000.0," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat with exponent", SPAN("{" DEST ",\"iat\":1.7e9," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat string", SPAN("{" DEST ",\"iat\":\"1700000000\"," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat true", SPAN("{" DEST ",\"iat\":true," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat null", SPAN("{" DEST ",\"iat\":null," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat array", SPAN("{" DEST ",\"iat\":[1700000000]," ORIG "}"), STIR_CLAIMS_INVALID},
    {"no iat", SPAN("{" DEST "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"iat twice", SPAN("{" DEST "," IAT "," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"no orig", SPAN("{" DEST "," IAT "}"), STIR_CLAIMS_INVALID},
    {"orig string", SPAN("{" DEST "," IAT ",\"orig\":\"12125551000\"}"), STIR_CLAIMS_INVALID},
    {"orig array", SPAN("{" DEST "," IAT ",\"orig\":[{\"tn\":\"12125551000\"}]}"), STIR_CLAIMS_INVALID},
    {"orig empty", SPAN("{" DEST "," IAT ",\"orig\":{}}"), STIR_CLAIMS_INVALID},
    {"orig of two", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":\"1\",\"uri\":\"a:b\"}}"), STIR_CLAIMS_INVALID},
    {"orig with another member", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":\"1\",\"x\":1}}"), STIR_CLAIMS_INVALID},
    {"orig of another type", SPAN("{" DEST "," IAT ",\"orig\":{\"x\":\"1\"}}"), STIR_CLAIMS_INVALID},
    {"orig TN in capitals", SPAN("{" DEST "," IAT ",\"orig\":{\"TN\":\"1\"}}"), STIR_CLAIMS_INVALID},
    {"orig.tn array", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":[\"12125551000\"]}}"), STIR_CLAIMS_INVALID},
    {"orig.tn number", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":12125551000}}"), STIR_CLAIMS_INVALID},
    {"orig.tn with +", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":\"+12125551000\"}}"), STIR_CLAIMS_INVALID},
    {"orig.tn empty", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":\"\"}}"), STIR_CLAIMS_INVALID},
    {"orig.tn of 16", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":\"1234567890123456\"}}"), STIR_CLAIMS_INVALID},
    {"orig.tn of 15 with # and *", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":\"123456789012#*3\"}}"), STIR_OK},
    {"orig.tn with space", SPAN("{" DEST "," IAT ",\"orig\":{\"tn\":\"1 2\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"mailto:a@b.example\"}}"), STIR_OK},
    {"orig.uri without scheme", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"a@b.example\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri with odd scheme", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"1x:a\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri with empty scheme", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\":a\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri empty", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri with control", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"mailto:a\\u0007@b\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri with space", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"mailto:a @b\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri not ASCII", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"mailto:\xc3\xa9@b\"}}"), STIR_CLAIMS_INVALID},
    {"orig.uri with NUL", SPAN("{" DEST "," IAT ",\"orig\":{\"uri\":\"mailto:a\\u0000@b\"}}"), STIR_CLAIMS_INVALID},
    {"no dest", SPAN("{" IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest array", SPAN("{\"dest\":[{\"tn\":[\"1\"]}]," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest empty", SPAN("{\"dest\":{}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.tn string", SPAN("{\"dest\":{\"tn\":\"1\"}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.tn empty", SPAN("{\"dest\":{\"tn\":[]}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.tn empty beside uri", SPAN("{\"dest\":{\"tn\":[],\"uri\":[\"a:b\"]}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.tn null", SPAN("{\"dest\":{\"tn\":null,\"uri\":[\"a:b\"]}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.tn object", SPAN("{\"dest\":{\"tn\":{\"a\":\"1\"}}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.tn of numbers", SPAN("{\"dest\":{\"tn\":[12125551212]}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.tn second bad", SPAN("{\"dest\":{\"tn\":[\"1\",\"x\"]}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest.uri second bad", SPAN("{\"dest\":{\"uri\":[\"a:b\",\"\"]}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest of a future type beside tn", SPAN("{\"dest\":{\"tn\":[\"1\"],\"x\":7}," IAT "," ORIG "}"), STIR_OK},
    {"dest of a future type alone", SPAN("{\"dest\":{\"x\":[\"1\"]}," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"dest twice", SPAN("{" DEST "," DEST "," IAT "," ORIG "}"), STIR_CLAIMS_INVALID},
    {"msgi number", SPAN("{" DEST "," IAT ",\"msgi\":1," ORIG "}"), STIR_CLAIMS_INVALID},
    {"msgi null", SPAN("{" DEST "," IAT ",\"msgi\":null," ORIG "}"), STIR_CLAIMS_INVALID},
    {"msgi empty", SPAN("{" DEST "," IAT ",\"msgi\":\"\"," ORIG "}"), STIR_CLAIMS_INVALID},
    {"msgi odd, a string", SPAN("{" DEST "," IAT ",\"msgi\":\"md5-x\"," ORIG "}"), STIR_OK},
    {"msgc object", SPAN("{" DEST "," IAT ",\"msgc\":{}," ORIG "}"), STIR_CLAIMS_INVALID},
    {"msgc with control", SPAN("{" DEST "," IAT ",\"msgc\":\"a\\tb\"," ORIG "}"), STIR_CLAIMS_INVALID},
    {"array", SPAN("[]"), STIR_CLAIMS_INVALID},
    {"no JSON", SPAN("hello"), STIR_CLAIMS_INVALID},
    {"text behind", SPAN("{" DEST "," IAT "," ORIG "}x"), STIR_CLAIMS_INVALID},
    {"too deep", SPAN("{" DEST "," IAT "," ORIG ",\"x\":[[[[[[[[]]]]]]]]}"), STIR_CLAIMS_INVALID},
};

/* An unsigned token of the two texts, in the arena. */
static struct span make_token(struct span header, struct span claims, struct arena *a)
{
	static const char zeros[JWS_SIG_BYTES];
	struct buf b;
	struct span s;

	buf_init(&b, 65536);
	base64url_encode(&b, header.p, header.n);
	buf_putc(&b, '.');
	base64url_encode(&b, claims.p, claims.n);
	buf_putc(&b, '.');
	base64url_encode(&b, zeros, sizeof zeros);
	s = arena_copy(a, buf_span(&b));
	buf_free(&b);
	return s;
}

static enum stir_reason read_claims(const char *header, struct span claims, struct arena *a, struct passport *p)
{
	enum stir_reason r = passport_header(make_token(span_cstr(header), claims, a), a, p);

	return r == STIR_OK ? passport_claims(p, a) : r;
}

static void read_all(struct arena *a)
{
	struct passport p;

	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		enum stir_reason got = passport_header(make_token(headers[i].header, span_cstr("{}"), a), a, &p);

		tap_str(stir_reason_name(got), stir_reason_name(headers[i].want), "header: %s", headers[i].what);
	}
	for (size_t i = 0; i < sizeof claims_cases / sizeof claims_cases[0]; i++) {
		enum stir_reason got = read_claims(HEADER, claims_cases[i].claims, a, &p);

		tap_str(stir_reason_name(got), stir_reason_name(claims_cases[i].want), "claims: %s", claims_cases[i].what);
		tap_ok((got == STIR_OK) == (p.ndest > 0), "claims: %s: destinations only if good", claims_cases[i].what);
	}
}

static void algs(struct arena *a)
{
	static const char *const others[] = {"none", "ES384", "es256", "ES256 ", "HS256", "RS256"};
	struct passport p;
	char header[200];

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"passport\",\"x5u\":\"u\"}", others[i]);
		tap_int(read_claims(header, span_cstr("no JSON"), a, &p), STIR_ALG_UNSUPPORTED, "alg '%s'", others[i]);
	}
}

static const struct {
	const char *uri, *party;
} uris[] = {
    {"mailto:User@Example.COM", "mailto:User@example.com"},
    {"MailTo:User@Example.COM?Subject=A@B.C", "mailto:User@example.com?Subject=A@B.C"},
    {"mailto:A%40B@C@D.Example", "mailto:A%40B@C@d.example"},
    {"mailto:NoDomain", "mailto:NoDomain"},
    {"mailto:", "mailto:"},
    {"mailto:?To=A@B", "mailto:?To=A@B"},
    {"SIP:Alice@Example.COM", "SIP:Alice@Example.COM"},
    {"mailtox:A@B", "mailtox:A@B"},
};

static void parties(struct arena *a)
{
	struct passport p;
	char claims[400];

	for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
		snprintf(claims, sizeof claims, "{\"dest\":{\"uri\":[\"%s\"],\"tn\":[\"2\",\"1\"]}," IAT ",\"orig\":{\"uri\":\"%s\"}}", uris[i].uri,
			 uris[i].uri);
		tap_int(read_claims(HEADER, span_cstr(claims), a, &p), STIR_OK, "%s is read", uris[i].uri);
		tap_ok(p.orig.kind == PARTY_URI && span_is(p.orig.uri, uris[i].party), "%s as originator", uris[i].uri);
		if (!tap_int((long long)p.ndest, 3, "three destinations"))
			continue;
		tap_ok(p.dest[2].kind == PARTY_URI && span_is(p.dest[2].uri, uris[i].party), "%s as the last destination", uris[i].uri);
		tap_ok(p.dest[0].kind == PARTY_TN && span_is(tn_span(&p.dest[0].tn), "2"), "numbers first, as listed");
	}
}

static void many_dest(size_t ntn, size_t nuri, enum stir_reason want, struct arena *a)
{
	struct passport p;
	struct buf b;

	buf_init(&b, 65536);
	buf_puts(&b, "{\"dest\":{\"tn\":[\"1\"");
	for (size_t i = 1; i < ntn; i++)
		buf_puts(&b, ",\"2\"");
	buf_puts(&b, "],\"uri\":[\"a:b\"");
	for (size_t i = 1; i < nuri; i++)
		buf_puts(&b, ",\"a:c\"");
	buf_puts(&b, "]}," IAT "," ORIG "}");
	tap_int(read_claims(HEADER, buf_span(&b), a, &p), want, "%zu numbers and %zu URIs", ntn, nuri);
	buf_free(&b);
}

static void long_uri(size_t n, enum stir_reason want, struct arena *a)
{
	struct passport p;
	struct buf b;

	buf_init(&b, 65536);
	buf_puts(&b, "{" DEST "," IAT ",\"orig\":{\"uri\":\"mailto:");
	for (size_t i = 7; i < n; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, "\"}}");
	tap_int(read_claims(HEADER, buf_span(&b), a, &p), want, "a URI of %zu octets", n);
	buf_free(&b);
}

static void digests(struct arena *a)
{
	struct span claims = span_cstr("{" DEST "," IAT ",\"msgc\":\"c\",\"msgi\":\"i\"," ORIG "}");
	struct span odd = span_cstr("{" DEST "," IAT ",\"msgi\":7," ORIG "}");
	static const char shaken[] = "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"u\"}";
	struct passport p;

	tap_int(read_claims(HEADER, claims, a, &p), STIR_OK, "msgi and msgc in msg");
	tap_ok(p.has_msgi && span_is(p.msgi, "i") && p.has_msgc && span_is(p.msgc, "c"), "both are given");
	tap_int(read_claims(shaken, claims, a, &p), STIR_OK, "msgi and msgc in shaken");
	tap_ok(!p.has_msgi && !p.has_msgc && p.msgi.n == 0, "both are ignored (RFC 9475, 3.2)");
	tap_int(read_claims(shaken, odd, a, &p), STIR_OK, "an odd msgi in shaken is ignored too");
}

static void attest(struct arena *a)
{
	static const struct {
		const char *claim, *want;
	} cases[] = {
	    {"\"attest\":\"A\",", "A"},   {"\"attest\":\"B\",", "B"}, {"\"attest\":\"C\",", "C"}, {"", ""},
	    {"\"attest\":\"a\",", ""},    {"\"attest\":\"D\",", ""},  {"\"attest\":\"\",", ""},  {"\"attest\":7,", ""},
	    {"\"attest\":[\"A\"],", ""},  {"\"attest\":null,", ""},   {"\"attest\":\"A\\n\",", ""},
	};
	struct passport p;
	char claims[400];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(claims, sizeof claims, "{%s" DEST "," IAT "," ORIG "}", cases[i].claim);
		tap_int(read_claims(HEADER, span_cstr(claims), a, &p), STIR_OK, "%s no attestation is an error", cases[i].claim);
		tap_span_is(p.attest, cases[i].want, "attestation '%s'", cases[i].want);
	}
}

static void canonical(struct arena *a)
{
	static const struct {
		const char *what, *header, *claims;
		bool want;
	} cases[] = {
	    {"sorted, no blanks", HEADER, "{" DEST "," IAT "," ORIG "}", true},
	    {"order of claims", HEADER, "{" IAT "," DEST "," ORIG "}", false},
	    {"order of header", "{\"typ\":\"passport\",\"alg\":\"ES256\",\"x5u\":\"u\"}", "{" DEST "," IAT "," ORIG "}", false},
	    {"order inside dest", HEADER, "{\"dest\":{\"uri\":[\"a:b\"],\"tn\":[\"1\"]}," IAT "," ORIG "}", false},
	    {"blank", HEADER, "{" DEST ", " IAT "," ORIG "}", false},
	    {"line end behind", HEADER, "{" DEST "," IAT "," ORIG "}\n", false},
	    {"escaped slash", HEADER, "{\"dest\":{\"uri\":[\"a:\\/\"]}," IAT "," ORIG "}", false},
	    {"plain slash", HEADER, "{\"dest\":{\"uri\":[\"a:/\"]}," IAT "," ORIG "}", true},
	};
	struct passport p;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		tap_int(read_claims(cases[i].header, span_cstr(cases[i].claims), a, &p), STIR_OK, "%s: is read", cases[i].what);
		tap_int(passport_canonical(&p), cases[i].want, "%s: canonical or not", cases[i].what);
	}
}

static void no_room(void)
{
	struct arena *big = arena_new(LIMIT_MESSAGE_ARENA), *small;
	struct span token;
	int finished = 0, wrong = 0;

	if (!big)
		tap_bail("no arena");
	token = make_token(span_cstr(HEADER), span_cstr("{" DEST "," IAT ",\"msgi\":\"i\",\"orig\":{\"uri\":\"mailto:a@b\"}}"), big);
	for (size_t cap = 1; cap < 4096 && finished < 5; cap += 3) {
		struct passport p;
		enum stir_reason r;

		small = arena_new(cap);
		if (!small)
			tap_bail("no arena");
		r = passport_header(token, small, &p);
		if (r == STIR_OK)
			r = passport_claims(&p, small);
		finished += r == STIR_OK;
		wrong += r != STIR_OK && r != STIR_NO_RESOURCE;
		arena_free(small);
	}
	tap_int(wrong, 0, "an arena too small is no-resource, at any size");
	tap_ok(finished > 0, "and a large one does");
	arena_free(big);
}

static void fresh(void)
{
	static const struct {
		int64_t iat, now;
		uint32_t age, skew;
		enum stir_reason want;
	} cases[] = {
	    {1000, 1000, 0, 0, STIR_OK},
	    {1000, 1060, 60, 0, STIR_OK},
	    {1000, 1061, 60, 0, STIR_STALE},
	    {1000, 970, 60, 30, STIR_OK},
	    {1000, 969, 60, 30, STIR_FROM_FUTURE},
	    {1000, 999, 60, 0, STIR_FROM_FUTURE},
	    {1, INT64_MAX, UINT32_MAX, 0, STIR_STALE},
	    {(INT64_C(1) << 53) - 1, INT64_MIN, 60, UINT32_MAX, STIR_FROM_FUTURE},
	    {1, -1, 60, 2, STIR_OK},
	    {1, INT64_C(1) + UINT32_MAX, UINT32_MAX, 0, STIR_OK},
	};
	struct passport p = {.iat = 0};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		p.iat = cases[i].iat;
		tap_int(passport_fresh(&p, cases[i].now, cases[i].age, cases[i].skew), cases[i].want, "iat %lld at %lld, age %u, skew %u",
			(long long)cases[i].iat, (long long)cases[i].now, cases[i].age, cases[i].skew);
	}
}

static struct party tn_party(const char *digits)
{
	struct party p = {.kind = PARTY_TN};

	if (tn_from_claim(span_cstr(digits), &p.tn))
		tap_bail("%s is no number", digits);
	return p;
}

static struct party uri_party(const char *uri)
{
	struct party p = {.kind = PARTY_URI, .uri = span_cstr(uri)};

	return p;
}

static void write_good(struct key *key, struct arena *a)
{
	struct party dest[] = {uri_party("mailto:b@x.example"), tn_party("12125551213"),	 tn_party("999"),
			       tn_party("12125551212"),		uri_party("mailto:a@x.example"), tn_party("12125551213"),
			       uri_party("mailto:b@x.example")};
	struct passport_new n = {.x5u = span_cstr("https://a.example/c.pem"),
				 .iat = 1700000000,
				 .orig = tn_party("12125551000"),
				 .dest = dest,
				 .ndest = sizeof dest / sizeof dest[0],
				 .msgi = span_cstr("sha256-/+="),
				 .msgc = span_cstr("sha256-c"),
				 .jti = span_cstr("once")};
	struct err e = {.code = ERR_NONE};
	struct passport p;
	struct buf out;

	buf_init(&out, LIMIT_TOKEN_BYTES);
	if (!tap_int(passport_write(&n, key, &out, &e), 0, "a token is written")) {
		tap_note("%s", e.text);
		return;
	}
	tap_int(passport_header(buf_span(&out), a, &p), STIR_OK, "its header is read");
	tap_span_is(p.jws.header, HEADER, "header in the deterministic form");
	tap_int(passport_claims(&p, a), STIR_OK, "its claims are read");
	tap_span_is(p.jws.payload,
		    "{\"dest\":{\"tn\":[\"12125551212\",\"12125551213\",\"999\"],\"uri\":[\"mailto:a@x.example\",\"mailto:b@x.example\"]},"
		    "\"iat\":1700000000,\"jti\":\"once\",\"msgc\":\"sha256-c\",\"msgi\":\"sha256-/+=\",\"orig\":{\"tn\":\"12125551000\"}}",
		    "claims in the deterministic form, dest sorted, doubles gone");
	tap_ok(passport_canonical(&p), "and said to be canonical");
	n.msgi = n.msgc = n.jti = span_make(NULL, 0);
	n.ndest = 1;
	n.orig = uri_party("mailto:me@x.example");
	buf_reset(&out);
	tap_int(passport_write(&n, key, &out, &e), 0, "a token without digests");
	tap_ok(passport_header(buf_span(&out), a, &p) == STIR_OK && passport_claims(&p, a) == STIR_OK && !p.has_msgi && !p.has_msgc, "has none");
	tap_span_is(p.jws.payload, "{\"dest\":{\"uri\":[\"mailto:b@x.example\"]},\"iat\":1700000000,\"orig\":{\"uri\":\"mailto:me@x.example\"}}",
		    "and no empty tn");
	n.orig = uri_party("x:\"\\/{}<>");
	buf_reset(&out);
	tap_int(passport_write(&n, key, &out, &e), 0, "an address of odd characters");
	tap_ok(passport_header(buf_span(&out), a, &p) == STIR_OK && passport_claims(&p, a) == STIR_OK && span_eq(p.orig.uri, n.orig.uri), "is read as it was");
	tap_ok(passport_canonical(&p), "in the form that jansson gives it");
	buf_free(&out);
}

static void write_refused(struct passport_new n, struct key *key, size_t room, const char *what)
{
	struct err e = {.code = ERR_NONE};
	struct buf out;

	buf_init(&out, room);
	tap_int(passport_write(&n, key, &out, &e), -1, "not written: %s", what);
	tap_ok(e.code != ERR_NONE && e.text[0] && out.n == 0, "a reason, and nothing put: %s", e.text);
	buf_free(&out);
}

static void write_bad(struct key *key)
{
	static char long_text[2000];
	static struct party many[LIMIT_DEST + 1];
	struct party one = tn_party("1"), odd = uri_party("no scheme"), none = {.kind = PARTY_NONE};
	struct passport_new good = {.x5u = span_cstr("https://a.example/c.pem"), .iat = 1, .orig = one, .dest = &one, .ndest = 1}, n;
	struct buf out;
	char digits[16];

	memset(long_text, 'a', sizeof long_text - 1);
#define REFUSED(what, change) (n = good, change, write_refused(n, key, LIMIT_TOKEN_BYTES, what))
	REFUSED("no destination", n.ndest = 0);
	REFUSED("x5u empty", n.x5u.n = 0);
	REFUSED("x5u long", n.x5u = span_cstr(long_text));
	REFUSED("x5u with a line end", n.x5u = span_cstr("https://a.example/\n"));
	REFUSED("x5u no UTF-8", n.x5u = span_cstr("https://a.example/\xff"));
	REFUSED("iat 0", n.iat = 0);
	REFUSED("iat 2^53", n.iat = INT64_C(1) << 53);
	REFUSED("orig nobody", n.orig = none);
	REFUSED("orig odd", n.orig = odd);
	REFUSED("dest nobody", n.dest = &none);
	REFUSED("dest odd", n.dest = &odd);
	REFUSED("msgi with control", n.msgi = span_cstr("a\n"));
	REFUSED("jti with control", n.jti = span_cstr("a\n"));
	REFUSED("a div token with a jti", (n.div = &n.orig, n.msgi = n.msgc = span_make(NULL, 0), n.jti = span_cstr("a")));
	for (size_t i = 0; i <= LIMIT_DEST; i++) {
		snprintf(digits, sizeof digits, "1212555%04zu", i);
		many[i] = tn_party(digits);
	}
	REFUSED("one destination too many", (n.dest = many, n.ndest = LIMIT_DEST + 1));
	REFUSED("token too large", (n.msgi = n.msgc = span_make(long_text, 1999), n.orig = uri_party("a:b"), n.dest = many, n.ndest = 100,
				    many[0] = uri_party("mailto:x"), n.x5u = span_make(long_text, 1024), n.msgi.n = 1999));
#undef REFUSED
	write_refused(good, key, 20, "no room in the caller's buffer");
	buf_init(&out, LIMIT_TOKEN_BYTES);
	many[LIMIT_DEST] = many[1];
	good.dest = many;
	good.ndest = LIMIT_DEST + 1;
	tap_int(passport_write(&good, key, &out, NULL), 0, "a hundred, and one of them twice");
	buf_free(&out);
}

static int broken_sign(struct key *k, struct span data, unsigned char sig[64], struct err *e)
{
	(void)k, (void)data, (void)sig;
	return err_set(e, ERR_UNAVAILABLE, "the token was pulled out");
}

static void write_all(struct arena *a)
{
	static const struct key_ops broken_ops = {.sign = broken_sign};
	struct key broken = {&broken_ops}, *key;
	struct party one = tn_party("1");
	struct passport_new n = {.x5u = span_cstr("https://a.example/c.pem"), .iat = 1, .orig = one, .dest = &one, .ndest = 1};
	struct err e;

	if (key_pem_parse("RFC 8946", span_cstr(key_text), &key, &e))
		tap_bail("%s", e.text);
	write_good(key, a);
	write_bad(key);
	write_refused(n, &broken, LIMIT_TOKEN_BYTES, "the key fails");
	key_close(key);
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);

	if (!a)
		tap_bail("no arena");
	read_all(a);
	algs(a);
	parties(a);
	many_dest(50, 50, STIR_OK, a);
	many_dest(50, 51, STIR_CLAIMS_INVALID, a);
	many_dest(101, 1, STIR_CLAIMS_INVALID, a);
	long_uri(LIMIT_URI_BYTES, STIR_OK, a);
	long_uri(LIMIT_URI_BYTES + 1, STIR_CLAIMS_INVALID, a);
	digests(a);
	attest(a);
	canonical(a);
	no_room();
	fresh();
	write_all(a);
	arena_free(a);
	return tap_done();
}
