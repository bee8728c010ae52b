/* Diversions: which chains of div tokens make up for a recipient the msg token doesn't name. */
#include "config.h"

#include <stdio.h>

#include "tests/lib/tap.h"
#include "tests/lib/world.h"

#define ANN "15550100001"
#define BOB "15550200001"
#define CAROL "15550300001"
#define DAVE "15550400001"
#define TAIL "From: +" ANN "/TYPE=PLMN@a.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"

/* Who holds the number: ANN, BOB and so on; RULED is BOB with a constraint no token meets. */
enum { A, B, C, D, RULED, COUNT };
static const char *const urls[COUNT] = {"https://certs.example/a.pem", "https://certs.example/b.pem", "https://certs.example/c.pem", "https://certs.example/d.pem", "https://certs.example/ruled.pem"};
static const char *const lists[COUNT] = {"tn:+15550100000..+15550199999", "tn:+15550200000..+15550299999", "tn:+15550300000..+15550399999", "spc:1234", "tn:+15550200000..+15550299999"};

/* What a field is: "a" the msg token to BOB; otherwise a div token. */
struct field {
	int signer;
	const char *orig, *div, *dest; /* div NULL: a msg token */
	int64_t late;                  /* its iat, seconds from now */
	char tweak;                    /* 's' signature, 'u' x5u nobody serves, 'f' a forbidden one, 'o' opt in it, 'p' ppt in the header only */
};

struct row {
	const char *what;
	enum stir_reason reason;
	enum stir_dest_cover cover;
	const char *rcpt[4];
	struct field field[12];
	unsigned in_chain;  /* bits: which fields */
	bool dest_any;
};

#define MSG {A, ANN, NULL, BOB, 0, 0}
#define MSG2(dest) {A, ANN, NULL, dest, 0, 0}
#define DIV(signer, from, to) {signer, ANN, from, to, 0, 0}
#define TWEAKED(signer, from, to, how) {signer, ANN, from, to, 0, how}

static const struct row rows[] = {
	{"diverted once", STIR_OK, STIR_DEST_DIVERTED, {CAROL}, {MSG, DIV(B, BOB, CAROL)}, 2, false},
	{"the div token first", STIR_OK, STIR_DEST_DIVERTED, {CAROL}, {DIV(B, BOB, CAROL), MSG}, 1, false},
	{"diverted twice", STIR_OK, STIR_DEST_DIVERTED, {DAVE}, {DIV(C, CAROL, DAVE), MSG, DIV(B, BOB, CAROL)}, 5, false},
	{"an alias of two, one token", STIR_OK, STIR_DEST_DIVERTED, {CAROL, DAVE}, {MSG, DIV(B, BOB, CAROL "\",\"" DAVE)}, 2, false},
	{"an alias of two, two tokens", STIR_OK, STIR_DEST_DIVERTED, {CAROL, DAVE}, {MSG, DIV(B, BOB, CAROL), DIV(B, BOB, DAVE)}, 6, false},
	{"one named, one diverted", STIR_OK, STIR_DEST_DIVERTED, {BOB, CAROL}, {MSG, DIV(B, BOB, CAROL)}, 2, false},
	{"not needed", STIR_OK, STIR_DEST_FULL, {BOB}, {MSG, DIV(B, BOB, CAROL)}, 0, false},
	{"not needed, and broken", STIR_OK, STIR_DEST_FULL, {BOB}, {TWEAKED(B, BOB, CAROL, 's'), MSG}, 0, false},
	{"no div token", STIR_DEST_MISMATCH, STIR_DEST_NONE, {CAROL}, {MSG}, 0, false},
	{"to somebody else", STIR_DIV_BROKEN, STIR_DEST_NONE, {DAVE}, {MSG, DIV(B, BOB, CAROL)}, 0, false},
	{"one of two recipients only", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL, DAVE}, {MSG, DIV(B, BOB, CAROL)}, 0, false},
	{"another originator", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, {B, "15550100002", BOB, CAROL, 0, 0}}, 0, false},
	{"a link is missing", STIR_DIV_BROKEN, STIR_DEST_NONE, {DAVE}, {MSG, DIV(C, CAROL, DAVE)}, 0, false},
	{"signed by whoever it went to", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, DIV(C, BOB, CAROL)}, 0, false},
	{"signed by the sender", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, DIV(A, BOB, CAROL)}, 0, false},
	{"signed by a provider", STIR_OK, STIR_DEST_DIVERTED, {CAROL}, {MSG, DIV(D, BOB, CAROL)}, 2, false},
	{"the signature does not hold", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 's')}, 0, false},
	{"the one in the middle does not", STIR_DIV_BROKEN, STIR_DEST_NONE, {DAVE}, {MSG, TWEAKED(B, BOB, CAROL, 's'), DIV(C, CAROL, DAVE)}, 0, false},
	{"its certificate can't be had", STIR_CERT_UNREACHABLE, STIR_DEST_NONE, {CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 'u')}, 0, false},
	{"its x5u is forbidden", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 'f')}, 0, false},
	{"its certificate's constraints", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, DIV(RULED, BOB, CAROL)}, 0, false},
	{"an opt claim in it", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 'o')}, 0, false},
	{"the outermost is stale", STIR_DIV_BROKEN, STIR_DEST_NONE, {CAROL}, {MSG, {B, ANN, BOB, CAROL, -61, 0}}, 0, false},
	{"the msg token is stale", STIR_STALE, STIR_DEST_UNKNOWN, {CAROL}, {{A, ANN, NULL, BOB, -61, 0}, DIV(B, BOB, CAROL)}, 0, false},
	{"the msg token is signed with another key", STIR_BAD_SIGNATURE, STIR_DEST_DIVERTED, {CAROL}, {{A, ANN, NULL, BOB, 0, 's'}, DIV(B, BOB, CAROL)}, 0, false},
	{"a broken one beside a good one", STIR_OK, STIR_DEST_DIVERTED, {CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 's'), DIV(C, BOB, CAROL), DIV(B, BOB, CAROL)}, 8, false},
	{"a loop beside a good one", STIR_OK, STIR_DEST_DIVERTED, {DAVE}, {MSG, DIV(B, BOB, CAROL), DIV(C, CAROL, BOB), DIV(C, CAROL, DAVE)}, 10, false},
	{"no msg token", STIR_PPT_UNSUPPORTED, STIR_DEST_UNKNOWN, {CAROL}, {DIV(B, BOB, CAROL)}, 0, false},
	{"DestCover any, and a good chain", STIR_OK, STIR_DEST_DIVERTED, {CAROL}, {MSG, DIV(B, BOB, CAROL)}, 2, true},
	{"DestCover any, and a broken one", STIR_OK, STIR_DEST_PARTIAL, {BOB, CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 's')}, 0, true},
	{"two msg tokens, one with a chain", STIR_OK, STIR_DEST_DIVERTED, {CAROL}, {MSG2(DAVE), MSG, DIV(B, BOB, CAROL)}, 4, false},
	{"seven broken ones before a good one", STIR_OK, STIR_DEST_DIVERTED, {CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'),
		TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), DIV(B, BOB, CAROL)}, 256, false},
	{"eight are more than are looked at", STIR_NO_RESOURCE, STIR_DEST_NONE, {CAROL}, {MSG, TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'),
		TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), TWEAKED(B, BOB, CAROL, 's'), DIV(B, BOB, CAROL)}, 0, false},
};

static void put_field(struct world *w, struct buf *out, const struct field *f)
{
	struct world_signer s = w->signer[f->signer];
	int64_t iat = WORLD_NOW + f->late;
	size_t before = out->n;
	char payload[512];

	if (f->tweak == 'u')
		s.url = "https://certs.example/gone.pem";
	if (f->tweak == 'f')
		s.url = "http://certs.example/b.pem";
	snprintf(payload, sizeof payload, "{\"dest\":{\"tn\":[\"%s\"]},\"div\":{\"tn\":\"%s\"},\"iat\":%lld,\"opt\":\"x\",\"orig\":{\"tn\":\"%s\"}}", f->dest, f->div ? f->div : "1",
		 (long long)iat, f->orig);
	if (!f->div)
		world_msg(out, &s, f->orig, f->dest, iat, "");
	else if (f->tweak == 'o')
		world_field(out, &s, "div", payload);
	else
		world_div(out, &s, f->orig, f->div, f->dest, iat);
	if (f->tweak == 's') {
		/* in the signature, some octets before the parameters */
		char *p = strstr(out->p + before, ";info=") - 20;

		while (*p == '\n' || *p == ' ')
			p--;
		*p = *p == 'A' ? 'B' : 'A';
	}
}

static void address(char *out, size_t n, const char *number)
{
	snprintf(out, n, "+%s/TYPE=PLMN@b.example", number);
}

static void run(struct world *w, struct arena *a, const struct row *r)
{
	char addr[4][64];
	const char *rcpt[5] = {NULL};
	struct stir_result got;
	struct mms_message m;
	unsigned in_chain = 0;
	struct buf text;

	buf_init(&text, 200000);
	for (size_t i = 0; i < 12 && r->field[i].orig; i++)
		put_field(w, &text, &r->field[i]);
	buf_puts(&text, TAIL);
	for (size_t i = 0; i < 4 && r->rcpt[i]; i++) {
		address(addr[i], sizeof addr[i], r->rcpt[i]);
		rcpt[i] = addr[i];
	}
	w->params.dest_any = r->dest_any;
	(void)world_verify(w, &m, a, text.p, rcpt, 0, &got);
	tap_str(stir_reason_name(got.reason), stir_reason_name(r->reason), "%s", r->what);
	tap_str(stir_dest_cover_name(got.best ? got.best->dest_cover : STIR_DEST_UNKNOWN), stir_dest_cover_name(r->cover), "%s: dest", r->what);
	for (size_t i = 0; i < got.ncheck; i++)
		in_chain |= (unsigned)got.check[i].in_chain << i;
	tap_int(in_chain, r->in_chain, "%s: the fields it rests on", r->what);
	if (r->reason == STIR_DIV_BROKEN)
		tap_ok(got.detail.n > 0, "%s: the rule is named (%.*s)", r->what, SPAN_ARG(got.detail));
	tap_ok(!got.best || got.best->passport.type == PASSPORT_MSG, "%s: no div token speaks for the message", r->what);
	message_reset(&m);
	buf_free(&text);
}

/* Chains of five and six, each number held by the same provider. */
static void test_length(struct world *w, struct arena *a)
{
	for (int n = LIMIT_DIV_CHAIN; n <= LIMIT_DIV_CHAIN + 1; n++) {
		char from[32], to[32] = "", addr[64];
		const char *rcpt[] = {addr, NULL};
		struct stir_result got;
		struct mms_message m;
		struct buf text;

		buf_init(&text, 200000);
		world_msg(&text, &w->signer[A], ANN, "15550500000", WORLD_NOW, "");
		for (int i = 0; i < n; i++) {
			snprintf(from, sizeof from, "1555050000%d", i);
			snprintf(to, sizeof to, "1555050000%d", i + 1);
			world_div(&text, &w->signer[D], ANN, from, to, WORLD_NOW);
		}
		buf_puts(&text, TAIL);
		address(addr, sizeof addr, to);
		(void)world_verify(w, &m, a, text.p, rcpt, 0, &got);
		tap_str(stir_reason_name(got.reason), n > LIMIT_DIV_CHAIN ? "div-broken" : "ok", "%d diversions one after the other (%.*s)", n, SPAN_ARG(got.detail));
		message_reset(&m);
		buf_free(&text);
	}
}

/* Junk of div tokens in front of the one that is needed: so many may cost a certificate, and one more. */
static void test_junk(struct world *w, struct arena *a)
{
	static const char *const rcpt[] = {"+" CAROL "@b.example", NULL};

	for (int n = LIMIT_DIV_FIELDS - 1; n <= LIMIT_DIV_FIELDS; n++) {
		struct stir_result got;
		struct mms_message m;
		struct buf text;

		buf_init(&text, 200000);
		world_msg(&text, &w->signer[A], ANN, BOB, WORLD_NOW, "");
		for (int i = 0; i < n; i++)
			world_div(&text, &w->signer[C], ANN, BOB, CAROL, WORLD_NOW);
		world_div(&text, &w->signer[B], ANN, BOB, CAROL, WORLD_NOW);
		buf_puts(&text, TAIL);
		(void)world_verify(w, &m, a, text.p, rcpt, 0, &got);
		tap_str(stir_reason_name(got.reason), n < LIMIT_DIV_FIELDS ? "ok" : "no-resource", "%d div tokens of others before the good one (%.*s)", n, SPAN_ARG(got.detail));
		message_reset(&m);
		buf_free(&text);
	}
}

/*
 * Where anything is accepted (pilots), a certificate without a list may sign for
 * itself, but not send on what others signed, perhaps in a stricter domain.
 */
static void test_pilot(struct world *w, struct arena *a)
{
	static const char *const rcpt[] = {"+" CAROL "@b.example", NULL}, *const bob[] = {"+" BOB "@b.example", NULL};
	const struct world_signer *pilot = world_signer(w, "https://certs.example/pilot.pem", NULL, (struct pki_cert_spec){0});
	struct stir_result got;
	struct mms_message m;
	struct buf text;

	buf_init(&text, 65536);
	world_rules(w, TRUST_AUTHORITY_ANY, false);
	world_msg(&text, pilot, ANN, BOB, WORLD_NOW, "");
	buf_puts(&text, TAIL);
	(void)world_verify(w, &m, a, text.p, bob, 0, &got);
	tap_str(stir_reason_name(got.reason), "ok", "authority any: who has no list may sign");
	message_reset(&m);
	buf_reset(&text);
	world_msg(&text, &w->signer[A], ANN, BOB, WORLD_NOW, "");
	world_div(&text, pilot, ANN, BOB, CAROL, WORLD_NOW);
	buf_puts(&text, TAIL);
	(void)world_verify(w, &m, a, text.p, rcpt, 0, &got);
	tap_str(stir_reason_name(got.reason), "div-broken", "but not divert (%.*s)", SPAN_ARG(got.detail));
	message_reset(&m);
	buf_free(&text);
	world_rules(w, TRUST_AUTHORITY_SPC, false);
}

/* Nothing is fetched for div tokens that are not needed, or lead nowhere. */
static void test_no_fetch(struct world *w, struct arena *a)
{
	static const struct row wanting[] = {
		{"not needed", STIR_OK, 0, {BOB}, {MSG, TWEAKED(B, BOB, CAROL, 'u')}, 0, false},
		{"another originator", STIR_DIV_BROKEN, 0, {CAROL}, {{B, "15550100002", BOB, CAROL, 0, 'u'}, MSG}, 0, false},
		{"stale", STIR_DIV_BROKEN, 0, {CAROL}, {{B, ANN, BOB, CAROL, -61, 'u'}, MSG}, 0, false},
		{"stale msg token", STIR_STALE, 0, {CAROL}, {TWEAKED(B, BOB, CAROL, 'u'), {A, ANN, NULL, BOB, -61, 0}}, 0, false},
	};

	for (size_t i = 0; i < sizeof wanting / sizeof *wanting; i++) {
		const char *rcpt[] = {i ? "+" CAROL "@b.example" : "+" BOB "@b.example", NULL};
		struct stir_result got;
		struct mms_message m;
		struct buf text;
		unsigned before;

		buf_init(&text, 65536);
		put_field(w, &text, &wanting[i].field[0]);
		put_field(w, &text, &wanting[i].field[1]);
		buf_puts(&text, TAIL);
		before = w->fetch.calls;
		(void)world_verify(w, &m, a, text.p, rcpt, 0, &got);
		tap_str(stir_reason_name(got.reason), stir_reason_name(wanting[i].reason), "%s", wanting[i].what);
		tap_int(w->fetch.calls, before, "%s: nothing is fetched", wanting[i].what);
		message_reset(&m);
		buf_free(&text);
	}
}

/* Types of tokens that say nothing of a message are told apart, and count as absent. */
static void test_other_types(struct world *w, struct arena *a)
{
	static const char *const ppts[] = {"shaken", "rph", "msec", "rcd", "div-o", "new", NULL};
	static const char *const names[] = {"shaken", "rph", "msec", "rcd", "div-o", "unknown", "plain"};
	static const char *const rcpt[] = {"+" BOB "@b.example", NULL};
	struct stir_result got;
	struct mms_message m;
	struct buf text;

	buf_init(&text, 200000);
	for (size_t i = 0; i < sizeof ppts / sizeof *ppts; i++)
		world_field(&text, &w->signer[A], ppts[i], "{\"attest\":\"A\",\"dest\":{\"tn\":[\"" BOB "\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"" ANN "\"}}");
	buf_puts(&text, TAIL);
	(void)world_verify(w, &m, a, text.p, rcpt, 0, &got);
	tap_str(stir_reason_name(got.reason), "ppt-unsupported", "none of them speaks for a message");
	for (size_t i = 0; i < got.ncheck; i++) {
		tap_str(passport_type_name(got.check[i].passport.type), names[i], "field %zu", i + 1);
		tap_str(stir_reason_name(got.check[i].reason), "ppt-unsupported", "... counts as absent");
		tap_ok(got.check[i].detail.n > 0 && !got.check[i].signed_ok, "... and is told about: %.*s", SPAN_ARG(got.check[i].detail));
	}
	message_reset(&m);
	world_msg(&text, &w->signer[A], ANN, BOB, WORLD_NOW, "");
	(void)world_verify(w, &m, a, text.p, rcpt, 0, &got);
	tap_str(stir_reason_name(got.reason), "ok", "beside a msg token they change nothing");
	message_reset(&m);
	buf_free(&text);
}

int main(void)
{
	/* mustInclude "attest": no div token has it */
	static const unsigned char rules[] = {0x30, 0x0c, 0xa0, 0x0a, 0x30, 0x08, 0x16, 0x06, 'a', 't', 't', 'e', 's', 't'};
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct world w;

	world_open(&w);
	for (int i = 0; i < COUNT; i++)
		world_signer(&w, urls[i], lists[i], (struct pki_cert_spec){.rules = i == RULED ? span_make(rules, sizeof rules) : span_make(NULL, 0)});
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		run(&w, a, &rows[i]);
	w.params.dest_any = false;
	test_length(&w, a);
	test_junk(&w, a);
	test_no_fetch(&w, a);
	test_pilot(&w, a);
	test_other_types(&w, a);
	world_close(&w);
	arena_free(a);
	return tap_done();
}
