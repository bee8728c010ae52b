/* The tokens RFCs print, and the derived set: tests/vectors/official/README.md. */
#include "config.h"

#include "core/passport.h"

#include <openssl/pem.h>
#include <stdio.h>

#include "core/divchain.h"
#include "core/encoding.h"
#include "core/keys/key_pem.h"
#include "core/limits.h"
#include "core/msgi.h"
#include "tests/lib/tap.h"

#define FOLDER "tests/vectors/official/"

enum { VALID = 1, INVALID = 0, NO_KEY = -2 };

static json_t *load(const char *name)
{
	char path[512], rel[128];
	json_t *json;

	snprintf(rel, sizeof rel, FOLDER "%s", name);
	json = json_load_file(tap_srcpath(path, sizeof path, rel), 0, NULL);
	if (!json)
		tap_bail("%s can't be read", path);
	return json;
}

static FILE *open_vector(const char *name)
{
	char path[512], rel[128];
	FILE *f;

	snprintf(rel, sizeof rel, FOLDER "%s", name);
	f = fopen(tap_srcpath(path, sizeof path, rel), "rb");
	if (!f)
		tap_bail("%s can't be opened", path);
	return f;
}

/* The public half, from either kind of PEM. */
static EVP_PKEY *load_key(const char *name)
{
	FILE *f = open_vector(name);
	EVP_PKEY *key = strstr(name, "private") ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : PEM_read_PUBKEY(f, NULL, NULL, NULL);

	fclose(f);
	if (!key)
		tap_bail("%s holds no key", name);
	return key;
}

static struct span text_at(const json_t *json, const char *name)
{
	return span_cstr(json_string_value(json_object_get(json, name)));
}

static const struct vector {
	const char *file, *member; /* member: NULL for the top */
	const char *key;	   /* NULL: none fits */
	int signature;
	enum stir_reason header, claims;
	bool canonical;
} vectors[] = {
    {"rfc8225-appendix-a.json", NULL, "rfc8225-a2-public.pem", INVALID, STIR_OK, STIR_OK, true},
    {"rfc8225-appendix-a.json", NULL, "rfc8225-a1-private.pem", INVALID, STIR_OK, STIR_OK, true},
    {"rfc8225-section-7.1.json", NULL, "rfc8225-a2-public.pem", VALID, STIR_OK, STIR_CLAIMS_INVALID, true},
    {"rfc8225-section-7.1.json", NULL, "rfc8225-a1-private.pem", INVALID, STIR_OK, STIR_CLAIMS_INVALID, true},
    {"rfc8946.json", "original", "rfc8946-public.pem", VALID, STIR_OK, STIR_OK, true},
    {"rfc8946.json", "original", "rfc8946-private.pem", VALID, STIR_OK, STIR_OK, true},
    {"rfc8946.json", "original", "rfc8225-a2-public.pem", INVALID, STIR_OK, STIR_OK, true},
    {"rfc8946.json", "div", "rfc8946-public.pem", VALID, STIR_OK, STIR_OK, true},
    {"rfc8946.json", "div_o", "rfc8946-public.pem", VALID, STIR_OK, STIR_CLAIMS_INVALID, true},
    {"rfc8443-section-4.1.json", NULL, NULL, NO_KEY, STIR_OK, STIR_CLAIMS_INVALID, false},
    {"rfc8816-section-9.json", NULL, "rfc8225-a1-private.pem", INVALID, STIR_OK, STIR_CLAIMS_INVALID, true},
    {"rfc8816-section-9.json", NULL, "rfc8225-a2-public.pem", INVALID, STIR_OK, STIR_CLAIMS_INVALID, true},
    {"rfc8816-section-9.json", NULL, "rfc8946-public.pem", INVALID, STIR_OK, STIR_CLAIMS_INVALID, true},
};

/* Texts of the file, where it has them, against what was decoded. */
static void check_texts(const json_t *v, const struct passport *p, const char *what)
{
	struct span header = text_at(v, "header_json"), payload = text_at(v, "payload_json");

	if (header.n)
		tap_span(p->jws.header, header, "%s: header", what);
	if (payload.n)
		tap_span(p->jws.payload, payload, "%s: payload", what);
}

static void check_vector(const struct vector *v, struct arena *a)
{
	json_t *file = load(v->file);
	const json_t *at = v->member ? json_object_get(file, v->member) : file;
	struct passport p;
	char what[160];

	snprintf(what, sizeof what, "%s %s %s", v->file, v->member ? v->member : "", v->key ? v->key : "");
	tap_int(passport_header(text_at(at, "token"), a, &p), v->header, "%s: header reason", what);
	tap_int(passport_claims(&p, a), v->claims, "%s: claims reason", what);
	tap_int(passport_canonical(&p), v->canonical, "%s: canonical or not", what);
	check_texts(at, &p, what);
	if (v->key) {
		EVP_PKEY *key = load_key(v->key);

		tap_int(jws_verify_es256(p.jws.signing_input, p.jws.sig, key), v->signature, "%s: signature", what);
		EVP_PKEY_free(key);
	}
	json_decref(file);
}

/* As printed the two are no chain; with the number that was meant they are one. */
static void check_chain(const json_t *file, struct passport *div, struct arena *a)
{
	struct divchain_token t = {.p = div};
	struct passport original;
	size_t path[LIMIT_DIV_CHAIN];

	if (passport_header(text_at(json_object_get(file, "original"), "token"), a, &original) != STIR_OK || passport_claims(&original, a) != STIR_OK)
		tap_bail("RFC 8946 original can't be read");
	divchain_link(&original, &t, 1);
	tap_int(divchain_flaw(&original, &t, 1, &div->dest[0]), DIVCHAIN_UNLINKED, "RFC 8946: the tokens as printed are no chain");
	div->div = original.dest[0];
	divchain_link(&original, &t, 1);
	tap_int((long long)divchain_path(&t, 1, &div->dest[0], path), 1, "RFC 8946: with the number that was meant they are");
}

/* What can't be said in a row. */
static void check_rest(struct arena *a)
{
	json_t *file = load("rfc8225-section-7.1.json"), *msgi = load("rfc9475-example.json");
	struct msgi_value value;
	struct passport p;

	tap_int(passport_header(text_at(file, "compact"), a, &p), STIR_TOKEN_SYNTAX, "RFC 8225 7.1: compact form is refused");
	tap_int(msgi_parse(text_at(msgi, "published"), &value), -1, "RFC 9475 3.2: the printed msgi is malformed");
	json_decref(file);
	json_decref(msgi);
	file = load("rfc8946.json");
	if (passport_header(text_at(json_object_get(file, "original"), "token"), a, &p) == STIR_OK && passport_claims(&p, a) == STIR_OK) {
		tap_ok(p.orig.kind == PARTY_TN && span_is(tn_span(&p.orig.tn), "12155551212"), "RFC 8946 original: orig");
		tap_ok(p.ndest == 1 && span_is(tn_span(&p.dest[0].tn), "12155551213"), "RFC 8946 original: dest");
		tap_int(p.iat, 1443208345, "RFC 8946 original: iat");
		tap_span_is(p.x5u, "https://www.example.com/cert.cer", "RFC 8946 original: x5u");
		tap_int((long long)p.ppt.n, 0, "RFC 8946 original: no ppt");
	}
	tap_int(passport_header(text_at(json_object_get(file, "div"), "token"), a, &p), STIR_OK, "RFC 8946 div");
	tap_span_is(p.ppt, "div", "RFC 8946 div: ppt");
	tap_int(passport_claims(&p, a), STIR_OK, "RFC 8946 div: claims");
	tap_span_is(party_text(&p.div), "121555551213", "RFC 8946 div: with the digit too many that it prints");
	tap_span_is(party_text(&p.dest[0]), "12155551214", "RFC 8946 div: dest");
	check_chain(file, &p, a);
	json_decref(file);
}

/* RFC 8588 prints no signature: signed here. */
static void check_shaken(struct arena *a)
{
	json_t *file = load("rfc8588-example.json");
	struct span header = text_at(file, "header_json"), payload = text_at(file, "payload_json_corrected");
	EVP_PKEY *pub = load_key("rfc8946-public.pem");
	unsigned char sig[JWS_SIG_BYTES];
	struct key *key = NULL;
	struct passport p;
	char path[512];
	struct buf b;
	struct err e;

	if (key_pem_open(tap_srcpath(path, sizeof path, FOLDER "rfc8946-private.pem"), false, KEY_READER_SELF, &key, &e))
		tap_bail("%s", e.text);
	buf_init(&b, LIMIT_TOKEN_BYTES);
	base64url_encode(&b, header.p, header.n);
	buf_putc(&b, '.');
	base64url_encode(&b, payload.p, payload.n);
	tap_int(key_sign(key, buf_span(&b), sig, &e), 0, "RFC 8588: signed here");
	buf_putc(&b, '.');
	base64url_encode(&b, sig, sizeof sig);
	tap_int(passport_header(buf_span(&b), a, &p), STIR_OK, "RFC 8588: header");
	tap_span_is(p.ppt, "shaken", "RFC 8588: ppt");
	tap_int(passport_claims(&p, a), STIR_OK, "RFC 8588: claims");
	tap_ok(passport_canonical(&p), "RFC 8588: the corrected text is canonical");
	tap_int(jws_verify_es256(p.jws.signing_input, p.jws.sig, pub), 1, "RFC 8588: verifies");
	buf_free(&b);
	key_close(key);
	EVP_PKEY_free(pub);
	json_decref(file);
}

enum msgi_want { BODY, NO_BODY, MALFORMED, ABSENT };

/* Each case of msg-derived.json, by name, in its order. */
static const struct derived {
	const char *name;
	enum stir_reason claims;
	bool canonical;
	size_t ndest;
	enum msgi_want msgi; /* matches msg-body.bin; not; ... */
} derived[] = {
    {"msgi-sha256", STIR_OK, true, 1, BODY},
    {"msgi-sha384", STIR_OK, true, 1, BODY},
    {"msgi-sha512", STIR_OK, true, 1, BODY},
    {"msgi-sha256-unpadded", STIR_OK, true, 1, BODY},
    {"msgi-alg-length-mismatch", STIR_OK, true, 1, MALFORMED},
    {"msgi-urlsafe-alphabet", STIR_OK, true, 1, MALFORMED},
    {"msgi-uppercase-alg", STIR_OK, true, 1, MALFORMED},
    {"msgi-absent", STIR_OK, true, 1, ABSENT},
    {"msgi-in-shaken", STIR_OK, true, 1, ABSENT},
    {"dest-two-tn", STIR_OK, true, 2, BODY},
    {"non-canonical-order", STIR_OK, false, 1, BODY},
    {"iat-string", STIR_CLAIMS_INVALID, true, 0, ABSENT},
    {"dup-orig", STIR_CLAIMS_INVALID, true, 0, ABSENT},
    {"orig-two-identities", STIR_CLAIMS_INVALID, true, 0, ABSENT},
    {"malleated-signature", STIR_OK, true, 1, BODY},
};

static bool body_matches(const char *name, const struct msgi_value *want)
{
	FILE *f = open_vector(name);
	struct msgi_stream s;
	struct msgi_value got;
	char body[4096];
	size_t n = fread(body, 1, sizeof body, f);
	bool same;

	fclose(f);
	msgi_stream_begin(&s, 1u << want->alg);
	msgi_stream_feed(&s, body, n);
	same = msgi_stream_value(&s, want->alg, &got) == 0 && msgi_eq(&got, want);
	msgi_stream_free(&s);
	return same;
}

static void check_msgi(const struct derived *d, const struct passport *p)
{
	struct msgi_value value;

	if (!tap_int(p->has_msgi, d->msgi != ABSENT, "%s: msgi there or not", d->name) || !p->has_msgi)
		return;
	if (!tap_int(msgi_parse(p->msgi, &value), d->msgi == MALFORMED ? -1 : 0, "%s: msgi well formed or not", d->name) || d->msgi == MALFORMED)
		return;
	tap_int(body_matches("msg-body.bin", &value), d->msgi == BODY, "%s: msg-body.bin", d->name);
	tap_ok(!body_matches("msg-body-8bit.bin", &value), "%s: not msg-body-8bit.bin", d->name);
}

static void check_derived(struct arena *a)
{
	json_t *file = load("msg-derived.json");
	const json_t *cases = json_object_get(file, "cases");
	EVP_PKEY *key = load_key("rfc8946-public.pem");
	size_t n = sizeof derived / sizeof derived[0];

	tap_int((long long)json_array_size(cases), (long long)n, "msg-derived.json has as many cases as are known here");
	for (size_t i = 0; i < n; i++) {
		const json_t *c = json_array_get(cases, i);
		const struct derived *d = &derived[i];
		struct passport p;

		tap_span_is(text_at(c, "name"), d->name, "%s: the case", d->name);
		tap_int(passport_header(text_at(c, "token"), a, &p), STIR_OK, "%s: header", d->name);
		tap_int(passport_claims(&p, a), d->claims, "%s: claims", d->name);
		tap_int(jws_verify_es256(p.jws.signing_input, p.jws.sig, key), 1, "%s: signature", d->name);
		check_texts(c, &p, d->name);
		if (d->claims != STIR_OK)
			continue;
		tap_int(passport_canonical(&p), d->canonical, "%s: canonical or not", d->name);
		tap_int((long long)p.ndest, (long long)d->ndest, "%s: destinations", d->name);
		check_msgi(d, &p);
	}
	EVP_PKEY_free(key);
	json_decref(file);
}

/* Written with the same key, the first case comes out octet for octet but for its signature. */
static void check_written(struct arena *a)
{
	json_t *file = load("msg-derived.json");
	struct span token = text_at(json_array_get(json_object_get(file, "cases"), 0), "token");
	struct passport_new n = {.ndest = 1};
	struct passport p, again;
	struct key *key = NULL;
	char path[512];
	struct buf out;
	struct err e;

	if (key_pem_open(tap_srcpath(path, sizeof path, FOLDER "rfc8946-private.pem"), false, KEY_READER_SELF, &key, &e))
		tap_bail("%s", e.text);
	if (passport_header(token, a, &p) != STIR_OK || passport_claims(&p, a) != STIR_OK)
		tap_bail("the first case is not read");
	n.x5u = p.x5u;
	n.iat = p.iat;
	n.orig = p.orig;
	n.dest = p.dest;
	n.msgi = p.msgi;
	buf_init(&out, LIMIT_TOKEN_BYTES);
	tap_int(passport_write(&n, key, &out, &e), 0, "the first case written anew");
	tap_int(passport_header(buf_span(&out), a, &again), STIR_OK, "and read");
	tap_span(again.jws.signing_input, p.jws.signing_input, "octet for octet");
	buf_free(&out);
	key_close(key);
	json_decref(file);
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);

	if (!a)
		tap_bail("no arena");
	msgi_init();
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
		check_vector(&vectors[i], a);
	check_rest(a);
	check_shaken(a);
	check_derived(a);
	check_written(a);
	arena_free(a);
	return tap_done();
}
