/* A diversion is signed for: when, as whom, to whom, and what a verifier makes of it. */
#include "config.h"

#include <stdio.h>

#include "core/identity.h"
#include "core/passport.h"
#include "core/sign.h"
#include "tests/lib/tap.h"
#include "tests/lib/world.h"

#define ANN "15550100001"
#define BOB "15550200001"
#define BEN "15550200002"
#define CAROL "15550300001"
#define DAVE "15550400001"
#define TAIL "From: +" ANN "/TYPE=PLMN@a.example\nTo: +" BOB "/TYPE=PLMN@b.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"

/* Who signs: the sender, the holder of BOB and BEN, the one of CAROL, a provider. */
enum { A, B, C, P, COUNT };
static const char *const urls[COUNT] = {"https://certs.example/a.pem", "https://certs.example/b.pem", "https://certs.example/c.pem", "https://certs.example/p.pem"};
static const char *const lists[COUNT] = {"tn:+15550100000..+15550199999", "tn:+15550200000..+15550299999", "tn:+15550300000..+15550399999", "spc:1234"};

struct row {
	const char *what;
	enum sign_outcome outcome;
	int us;
	const char *orig, *dest;       /* of the msg token; dest may hold several */
	const char *div[2][2];         /* div tokens that are there: from, to */
	const char *rcpt[4];
	const char *from, *to;         /* of the new token: div, dest "n1 n2" */
	int64_t late;                  /* of the msg token's iat */
};

static const struct row rows[] = {
	{"forwarded", SIGN_DIVERTED, B, ANN, BOB, {{0}}, {CAROL}, BOB, CAROL, 0},
	{"to two", SIGN_DIVERTED, B, ANN, BOB, {{0}}, {DAVE, CAROL}, BOB, CAROL " " DAVE, 0},
	{"one of two destinations", SIGN_DIVERTED, B, ANN, BOB "\",\"" CAROL, {{0}}, {CAROL, DAVE}, BOB, DAVE, 0},
	{"once more", SIGN_DIVERTED, C, ANN, BOB, {{BOB, CAROL}}, {DAVE}, CAROL, DAVE, 0},
	{"as old as is accepted", SIGN_DIVERTED, B, ANN, BOB, {{0}}, {CAROL}, BOB, CAROL, -60},
	{"older", SIGN_DIVERT_STALE, B, ANN, BOB, {{0}}, {CAROL}, NULL, NULL, -61},
	{"from the future", SIGN_DIVERT_STALE, B, ANN, BOB, {{0}}, {CAROL}, NULL, NULL, 61},
	{"not forwarded", SIGN_NOT_DIVERTED, B, ANN, BOB, {{0}}, {BOB}, NULL, NULL, 0},
	{"one more recipient", SIGN_NOT_DIVERTED, B, ANN, BOB, {{0}}, {BOB, CAROL}, NULL, NULL, 0},
	{"signed for already", SIGN_NOT_DIVERTED, B, ANN, BOB, {{BOB, CAROL}}, {CAROL}, NULL, NULL, 0},
	{"signed for, and forwarded again by others", SIGN_DIVERT_NOT_OURS, B, ANN, BOB, {{BOB, CAROL}}, {DAVE}, NULL, NULL, 0},
	{"not from a number of ours", SIGN_DIVERT_NOT_OURS, C, ANN, BOB, {{0}}, {DAVE}, NULL, NULL, 0},
	{"a provider's certificate lists no number", SIGN_DIVERT_NOT_OURS, P, ANN, BOB, {{0}}, {CAROL}, NULL, NULL, 0},
	{"from two numbers of ours", SIGN_DIVERT_AMBIGUOUS, B, ANN, BOB "\",\"" BEN, {{0}}, {CAROL}, NULL, NULL, 0},
	{"another sender's token", SIGN_DIVERT_ORIG, B, "15550100002", BOB, {{0}}, {CAROL}, NULL, NULL, 0},
	{"a recipient nobody can name", SIGN_NO_DEST, B, ANN, BOB, {{0}}, {CAROL, "@"}, NULL, NULL, 0},
};

static struct world w;
static struct arena *a;
static struct world_signer *signer[COUNT];

static struct sign_params params_of(int us)
{
	return (struct sign_params){.key = signer[us]->key, .chain = signer[us]->chain, .x5u = span_cstr(signer[us]->url), .content_digest = true, .divert = true};
}

/* Signs; *value is the field that would be added, or empty. */
static enum sign_outcome sign(const struct sign_params *p, const char *fields, const char *const *rcpt, struct sign_result *got, struct buf *value)
{
	static const struct mms_client client;
	struct mms_message m;
	enum sign_outcome begun;

	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", rcpt, fields);
	begun = sign_begin(p, &m);
	world_push_body(&m, "See you at eight?\r\n");
	memset(got, 0, sizeof *got);
	got->outcome = begun;
	if (begun == SIGN_SIGNED)
		sign_finish(p, &m, WORLD_NOW, got);
	tap_int(got->value.n > 0, sign_outcome_ok(got->outcome), "a value if it is signed");
	if (got->value.n) {
		buf_puts(value, "Identity: ");
		identity_fold(value, got->value);
		buf_puts(value, "\n");
	}
	message_reset(&m);
	return got->outcome;
}

static void check_token(const struct row *r, struct span field)
{
	struct passport p;
	struct identity id;
	struct buf dest;

	if (identity_parse(span_skip(field, 10), a, &id) != STIR_OK || passport_header(id.token, a, &p) != STIR_OK || passport_claims(&p, a) != STIR_OK) {
		tap_ok(false, "%s: the token can be read", r->what);
		return;
	}
	tap_span_is(id.ppt, "div", "%s: ppt of the field", r->what);
	tap_ok(p.type == PASSPORT_DIV && passport_canonical(&p), "%s: a canonical div token", r->what);
	tap_int(p.iat, WORLD_NOW + r->late, "%s: iat is the msg token's", r->what);
	tap_span_is(party_text(&p.orig), ANN, "%s: orig, too", r->what);
	tap_span_is(party_text(&p.div), r->from, "%s: div", r->what);
	tap_ok(!p.has_msgi && !p.has_msgc, "%s: no digests", r->what);
	buf_init(&dest, 4096);
	for (size_t i = 0; i < p.ndest; i++)
		buf_printf(&dest, "%s%.*s", i ? " " : "", SPAN_ARG(party_text(&p.dest[i])));
	tap_span_is(buf_span(&dest), r->to, "%s: dest", r->what);
	buf_free(&dest);
	arena_reset(a);
}

/* What the verifier makes of both tokens, and of the msg token alone. */
static void check_verified(const struct row *r, const char *fields, struct span field, const char *const *rcpt)
{
	struct stir_result got;
	struct mms_message m;
	struct buf both;

	buf_init(&both, 65536);
	buf_put_span(&both, field);
	buf_puts(&both, fields);
	(void)world_verify(&w, &m, a, both.p, rcpt, 0, &got);
	tap_str(stir_reason_name(got.reason), "ok", "%s: verified (%.*s)", r->what, SPAN_ARG(got.detail));
	tap_int(got.best->dest_cover, STIR_DEST_DIVERTED, "%s: diverted", r->what);
	message_reset(&m);
	(void)world_verify(&w, &m, a, fields, rcpt, 0, &got);
	tap_ok(got.reason == STIR_DEST_MISMATCH || got.reason == STIR_DIV_BROKEN, "%s: not without the new token", r->what);
	message_reset(&m);
	buf_free(&both);
}

static void run(const struct row *r)
{
	static const int by[] = {B, C};
	struct sign_params p = params_of(r->us);
	const char *rcpt[5] = {NULL};
	struct sign_result got;
	struct buf fields, value;
	char addr[4][64];

	buf_init(&fields, 65536);
	buf_init(&value, 65536);
	for (int i = 0; i < 2 && r->div[i][0]; i++)
		world_div(&fields, signer[by[i]], ANN, r->div[i][0], r->div[i][1], WORLD_NOW + r->late);
	world_msg(&fields, signer[A], r->orig, r->dest, WORLD_NOW + r->late, "");
	buf_puts(&fields, TAIL);
	for (int i = 0; i < 4 && r->rcpt[i]; i++) {
		snprintf(addr[i], sizeof addr[i], "%s%s%s", r->rcpt[i][0] == '@' ? "" : "+", r->rcpt[i], r->rcpt[i][0] == '@' ? "" : "/TYPE=PLMN@b.example");
		rcpt[i] = addr[i];
	}
	tap_str(sign_outcome_name(sign(&p, fields.p, rcpt, &got, &value)), sign_outcome_name(r->outcome), "%s", r->what);
	if (r->outcome == SIGN_DIVERTED && value.n) {
		check_token(r, buf_span(&value));
		check_verified(r, fields.p, buf_span(&value), rcpt);
	}
	buf_free(&fields);
	buf_free(&value);
}

/* What the table has no columns for. */
static void test_others(void)
{
	static const char *const carol[] = {"+" CAROL "/TYPE=PLMN@b.example", NULL};
	struct sign_params p = params_of(B);
	struct sign_result got;
	struct buf fields, more, value;

	buf_init(&fields, 65536);
	buf_init(&more, 65536);
	buf_init(&value, 65536);
	world_msg(&fields, signer[A], ANN, BOB, WORLD_NOW, "");
	buf_puts(&fields, TAIL);
	p.divert = false;
	tap_str(sign_outcome_name(sign(&p, fields.p, carol, &got, &value)), "already-signed", "unless it is asked for");
	p.divert = true;
	p.divert_max_age_s = 3600;
	tap_str(sign_outcome_name(sign(&p, "Identity: rubbish\n" TAIL, carol, &got, &value)), "already-signed", "a field that can't be read");
	world_msg(&more, signer[A], ANN, BEN, WORLD_NOW, "");
	buf_put_span(&more, buf_span(&fields));
	tap_str(sign_outcome_name(sign(&p, more.p, carol, &got, &value)), "diverted-ambiguous", "two msg tokens for different recipients");
	buf_reset(&more);
	world_msg(&more, signer[A], ANN, BOB, WORLD_NOW - 3600, "");
	buf_puts(&more, TAIL);
	tap_str(sign_outcome_name(sign(&p, more.p, carol, &got, &value)), "diverted", "an hour old, where that is accepted");
	buf_reset(&more);
	world_field(&more, signer[A], "shaken", "{\"dest\":{\"tn\":[\"" BOB "\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"" ANN "\"}}");
	buf_puts(&more, TAIL);
	tap_str(sign_outcome_name(sign(&p, more.p, carol, &got, &value)), "already-signed", "a shaken token is nothing to divert");
	buf_reset(&more);
	world_msg(&more, signer[A], ANN, BOB, WORLD_NOW, "");
	buf_puts(&more, "From: a@a.example, b@a.example\n");
	tap_str(sign_outcome_name(sign(&p, more.p, carol, &got, &value)), "ambiguous-sender", "two senders");
	buf_free(&fields);
	buf_free(&more);
	buf_free(&value);
}

int main(void)
{
	a = arena_new(LIMIT_MESSAGE_ARENA);
	world_open(&w);
	for (int i = 0; i < COUNT; i++)
		signer[i] = world_signer(&w, urls[i], lists[i], (struct pki_cert_spec){0});
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		run(&rows[i]);
	test_others();
	world_close(&w);
	arena_free(a);
	return tap_done();
}
