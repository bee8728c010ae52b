/*
 * What one signature and one verification cost, beside OpenSSL's own ECDSA in
 * the same run: keys parsed once, the chain's verdict kept, everything else as
 * for a real message.
 *
 * Prints CPU microseconds (medians over rounds) and the ratios to OpenSSL; the
 * ratios are what to compare between machines.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/identity.h"
#include "core/sign.h"
#include "core/verify.h"
#include "tests/lib/bench.h"
#include "tests/lib/world.h"

enum { ROUNDS = 9, CALLS = 2000 };

#define HEADER "From: +15550100001/TYPE=PLMN@a.example\nTo: +15550300001/TYPE=PLMN@b.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
#define TEXT "See you at eight?\r\n"

struct bench {
	const char *name;
	void (*call)(void *);
	void *arg;
	double us[ROUNDS];
};

/* --- OpenSSL alone ----------------------------------------------------------- */

struct raw {
	EVP_PKEY_CTX *sign, *verify;
	unsigned char digest[32], sig[80];
	size_t n;
};

static void raw_sign(void *arg)
{
	struct raw *r = arg;

	r->n = sizeof r->sig;
	if (EVP_PKEY_sign(r->sign, r->sig, &r->n, r->digest, sizeof r->digest) != 1)
		abort();
}

static void raw_verify(void *arg)
{
	struct raw *r = arg;

	if (EVP_PKEY_verify(r->verify, r->sig, r->n, r->digest, sizeof r->digest) != 1)
		abort();
}

/* --- ours -------------------------------------------------------------------- */

struct ours {
	struct arena *arena;
	struct world *w;
	struct sign_params sign;
	struct span field; /* an Identity value */
	struct mms_message m;
};

static const char *const rcpt[] = {"+15550300001/TYPE=PLMN@b.example", NULL};

static void push(struct ours *o, struct span identity)
{
	static struct mms_client client;

	message_reset(&o->m);
	message_begin(&o->m, &client, NULL, LIMIT_HEADER_BYTES);
	if (identity.n)
		message_header(&o->m, span_cstr("Identity"), identity);
	world_push_header(&o->m, "x@a.example", rcpt, HEADER);
}

static void our_sign(void *arg)
{
	struct ours *o = arg;
	struct sign_result r;

	push(o, span_make(NULL, 0));
	if (sign_begin(&o->sign, &o->m) != SIGN_SIGNED)
		abort();
	world_push_body(&o->m, TEXT);
	sign_finish(&o->sign, &o->m, WORLD_NOW, &r);
	if (r.outcome != SIGN_SIGNED)
		abort();
	o->field = r.value;
}

static void our_verify(void *arg)
{
	struct ours *o = arg;
	struct stir_result r;
	struct verify *v;

	push(o, o->field);
	v = verify_begin(&o->w->params, &o->m, world_time(0));
	world_push_body(&o->m, TEXT);
	verify_finish(v, &o->m, world_time(0), &r);
	if (r.reason != STIR_OK)
		abort();
}

/* The token alone: claims to a signed token, and back to a verified one. */
static void token_sign(void *arg)
{
	struct ours *o = arg;
	struct passport_new n = {.x5u = o->sign.x5u, .iat = WORLD_NOW, .msgi = span_cstr("sha256-frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="), .ndest = 1};
	struct party who = {.kind = PARTY_TN};
	struct buf token;
	struct err e;

	if (tn_from_claim(span_cstr("15550100001"), &who.tn))
		abort();
	n.orig = who;
	n.dest = &who;
	buf_init(&token, LIMIT_TOKEN_BYTES);
	if (passport_write(&n, o->sign.key, &token, &e))
		abort();
	buf_free(&token);
}

static void token_verify(void *arg)
{
	struct ours *o = arg;
	struct passport p;
	struct identity id;

	arena_reset(o->arena);
	if (identity_parse(o->field, o->arena, &id) != STIR_OK || passport_header(id.token, o->arena, &p) != STIR_OK || passport_claims(&p, o->arena) != STIR_OK ||
	    cert_chain_verify(o->sign.chain, p.jws.signing_input, p.jws.sig) != 1)
		abort();
}

static void measure(struct bench *b, size_t n)
{
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n; i++) {
			double t = bench_cpu_us();

			for (int k = 0; k < CALLS; k++)
				b[i].call(b[i].arg);
			b[i].us[round] = (bench_cpu_us() - t) / CALLS;
		}
}

static void open_raw(struct raw *r, EVP_PKEY *key)
{
	memset(r->digest, 7, sizeof r->digest);
	r->sign = EVP_PKEY_CTX_new(key, NULL);
	r->verify = EVP_PKEY_CTX_new(key, NULL);
	if (EVP_PKEY_sign_init(r->sign) != 1 || EVP_PKEY_verify_init(r->verify) != 1)
		abort();
	raw_sign(r);
}

int main(void)
{
	struct world w;
	struct raw raw = {0};
	struct ours ours = {0};
	EVP_PKEY *key = pki_key_new(PKI_KEY_P256);
	struct world_signer *s;
	struct bench b[] = {{"OpenSSL ECDSA P-256 sign", raw_sign, &raw, {0}}, {"a token signed", token_sign, &ours, {0}},
		{"a message signed", our_sign, &ours, {0}}, {"OpenSSL ECDSA P-256 verify", raw_verify, &raw, {0}},
		{"a token verified", token_verify, &ours, {0}}, {"a message verified", our_verify, &ours, {0}}};
	double us[6];
	char *field;

	world_open(&w);
	s = world_signer(&w, "https://certs.example/a.pem", "tn:+15550100000..+15550199999", (struct pki_cert_spec){0});
	ours.w = &w;
	ours.arena = arena_new(LIMIT_MESSAGE_ARENA);
	ours.sign = (struct sign_params){.key = s->key, .chain = s->chain, .x5u = span_cstr(s->url), .content_digest = true};
	message_init(&ours.m, ours.arena);
	open_raw(&raw, key);
	our_sign(&ours);
	field = strndup(ours.field.p, ours.field.n);
	/* the signer overwrites o->field with its own; verification reads the kept copy */
	struct ours verifier = ours;
	verifier.arena = arena_new(LIMIT_MESSAGE_ARENA);
	message_init(&verifier.m, verifier.arena);
	verifier.field = span_cstr(field);
	struct ours reader = verifier;
	reader.arena = arena_new(LIMIT_MESSAGE_ARENA);
	b[4].arg = &reader;
	b[5].arg = &verifier;
	measure(b, 6);
	printf("%-28s %10s %22s\n", "", "CPU us", "OpenSSL's part of it");
	for (int i = 0; i < 6; i++) {
		us[i] = bench_median(b[i].us, ROUNDS);
		printf("%-28s %10.1f", b[i].name, us[i]);
		if (i % 3)
			printf(" %21.2f", us[i - i % 3] / us[i]);
		putchar('\n');
	}
	printf("{\"token_sign\":%.3f,\"message_sign\":%.3f,\"token_verify\":%.3f,\"message_verify\":%.3f}\n", us[0] / us[1], us[0] / us[2], us[3] / us[4], us[3] / us[5]);
	arena_free(reader.arena);
	message_reset(&ours.m);
	message_reset(&verifier.m);
	arena_free(ours.arena);
	arena_free(verifier.arena);
	EVP_PKEY_CTX_free(raw.sign);
	EVP_PKEY_CTX_free(raw.verify);
	EVP_PKEY_free(key);
	free(field);
	world_close(&w);
	return 0;
}
