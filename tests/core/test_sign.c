/* The authentication service: what is signed, what isn't and why, whom dest names. */
#include "config.h"

#include <stdio.h>

#include "core/identity.h"
#include "core/passport.h"
#include "core/sign.h"
#include "tests/lib/tap.h"
#include "tests/lib/world.h"

#define FROM "From: +15550100001/TYPE=PLMN@a.example\n"
#define TO "To: +15550300001/TYPE=PLMN@b.example\n"
#define PLAIN "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
#define BOB "+15550300001/TYPE=PLMN@b.example"
#define CAROL "+15550300002/TYPE=PLMN@b.example"

struct row {
	const char *what;
	enum sign_outcome outcome;
	const char *mail_from; /* NULL: a sender */
	const char *header;
	const char *body;      /* NULL: a line */
	const char *rcpt[4];   /* empty: BOB */
	const char *dest;      /* what the token names, "n1 n2"; NULL: not looked at */
	enum sign_unsafe unsafe;
	int64_t late;
	bool mm4;
};

#define LONG10 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG1000 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10

static const struct row rows[] = {
	{"an MMS", SIGN_SIGNED, NULL, FROM TO PLAIN, NULL, {0}, "15550300001", SIGN_UNSAFE_OMIT, 0, false},
	{"forward.REQ", SIGN_SIGNED, NULL, "X-Mms-Message-Type: MM4_forward.REQ\n" FROM TO PLAIN, NULL, {0}, "15550300001", 0, 0, false},
	{"another case", SIGN_SIGNED, NULL, "X-MMS-Message-Type: mm4_FORWARD.req\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"a handset's value", SIGN_SIGNED, NULL, "X-Mms-Message-Type: m-send-req\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"a delivery report", SIGN_NOT_FORWARD, NULL, "X-Mms-Message-Type: MM4_delivery_report.REQ\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"a response", SIGN_NOT_FORWARD, NULL, "X-Mms-Message-Type: MM4_forward.RES\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"an unknown PDU of MM4", SIGN_NOT_FORWARD, NULL, "X-Mms-Message-Type: MM4_new.REQ\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"two types", SIGN_NOT_FORWARD, NULL, "X-Mms-Message-Type: MM4_forward.REQ\nX-Mms-Message-Type: m-send-req\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"one type, twice", SIGN_SIGNED, NULL, "X-Mms-Message-Type: MM4_forward.REQ\nX-Mms-Message-Type: mm4_forward.req\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"MM4: forward.REQ", SIGN_SIGNED, NULL, "X-Mms-Message-Type: MM4_forward.REQ\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, true},
	{"MM4: no type", SIGN_NOT_FORWARD, NULL, FROM TO PLAIN, NULL, {0}, NULL, 0, 0, true},
	{"MM4: a handset's value", SIGN_NOT_FORWARD, NULL, "X-Mms-Message-Type: m-send-req\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, true},
	{"MM4: a delivery report", SIGN_NOT_FORWARD, NULL, "X-Mms-Message-Type: MM4_delivery_report.REQ\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, true},
	{"MM4: a response", SIGN_NOT_FORWARD, NULL, "X-Mms-Message-Type: MM4_read_reply_report.RES\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, true},
	{"MM4: a hidden sender", SIGN_SIGNED, NULL, "X-Mms-Message-Type: MM4_forward.REQ\nX-Mms-Sender-Visibility: Hide\n" FROM TO PLAIN, NULL, {0}, "15550300001", 0, 0, true},
	{"a hidden sender", SIGN_HIDDEN, NULL, "X-Mms-Message-Type: MM4_forward.REQ\nX-Mms-Sender-Visibility: Hide\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"a sender that may be shown", SIGN_SIGNED, NULL, "X-Mms-Sender-Visibility: Show\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"the null sender", SIGN_NOT_FORWARD, "<>", FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"no number", SIGN_NO_NUMBER, NULL, "From: ann@a.example\n" TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"no From", SIGN_NO_NUMBER, NULL, TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"a number in the display name only", SIGN_NO_NUMBER, NULL, "From: \"+15550100001\" <ann@a.example>\n" TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"ten digits without a plan", SIGN_NO_NUMBER, NULL, "From: 5550100001@a.example\n" TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"two senders", SIGN_AMBIGUOUS, NULL, "From: +15550100001@a.example, +15550100002@a.example\n" TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"two From fields", SIGN_AMBIGUOUS, NULL, FROM FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"not our number", SIGN_NOT_COVERED, NULL, "From: +15550200001@a.example\n" TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"already signed", SIGN_ALREADY, NULL, "Identity: x\n" FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false},
	{"a group, all disclosed", SIGN_SIGNED, NULL, FROM "To: " BOB ", " CAROL "\n" PLAIN, NULL, {CAROL, BOB}, "15550300001 15550300002", 0, 0, false},
	{"dest is the envelope, not To", SIGN_SIGNED, NULL, FROM "To: " BOB ", " CAROL "\n" PLAIN, NULL, {BOB}, "15550300001", 0, 0, false},
	{"a blind copy is not named", SIGN_SIGNED, NULL, FROM TO PLAIN, NULL, {BOB, CAROL}, "15550300001", 0, 0, false},
	{"a lone blind recipient is", SIGN_SIGNED, NULL, FROM "To: undisclosed-recipients:;\n" PLAIN, NULL, {CAROL}, "15550300002", 0, 0, false},
	{"only blind copies", SIGN_NO_DEST, NULL, FROM PLAIN, NULL, {BOB, CAROL}, NULL, 0, 0, false},
	{"in Cc", SIGN_SIGNED, NULL, FROM TO "Cc: " CAROL "\n" PLAIN, NULL, {BOB, CAROL}, "15550300001 15550300002", 0, 0, false},
	{"a recipient without a number", SIGN_SIGNED, NULL, FROM "To: Ben@B.Example\n" PLAIN, NULL, {"Ben@b.example"}, "mailto:Ben@b.example", 0, 0, false},
	{"a long line: without digests", SIGN_SIGNED_UNBOUND, NULL, FROM TO PLAIN, LONG1000 "\r\n", {0}, NULL, SIGN_UNSAFE_OMIT, 0, false},
	{"a long line: with them all the same", SIGN_SIGNED, NULL, FROM TO PLAIN, LONG1000 "\r\n", {0}, NULL, SIGN_UNSAFE_SIGN, 0, false},
	{"a long line: refused", SIGN_UNSAFE, NULL, FROM TO PLAIN, LONG1000 "\r\n", {0}, NULL, SIGN_UNSAFE_REJECT, 0, false},
	{"the certificate has expired", SIGN_CERT_DATES, NULL, FROM TO PLAIN, NULL, {0}, NULL, 0, 31 * WORLD_DAY, false},
	{"the certificate is not valid yet", SIGN_CERT_DATES, NULL, FROM TO PLAIN, NULL, {0}, NULL, 0, -2 * WORLD_DAY, false},
};

static void check_token(const struct row *r, const struct sign_result *got, struct arena *a)
{
	struct passport p;
	struct identity id;
	struct buf dest;

	if (identity_parse(got->value, a, &id) != STIR_OK || passport_header(id.token, a, &p) != STIR_OK || passport_claims(&p, a) != STIR_OK) {
		tap_ok(false, "%s: the token can be read", r->what);
		return;
	}
	tap_ok(passport_canonical(&p) && p.iat == WORLD_NOW + r->late, "%s: canonical, and of now", r->what);
	tap_int(p.has_msgi && p.has_msgc, r->outcome == SIGN_SIGNED, "%s: digests", r->what);
	buf_init(&dest, 4096);
	for (size_t i = 0; i < p.ndest; i++)
		buf_printf(&dest, "%s%.*s", i ? " " : "", SPAN_ARG(party_text(&p.dest[i])));
	if (r->dest)
		tap_span_is(buf_span(&dest), r->dest, "%s: dest", r->what);
	buf_free(&dest);
}

static void run(const struct world_signer *signer, const struct row *r, struct arena *a)
{
	static const char *const bob[] = {BOB, NULL};
	struct sign_params p = {.key = signer->key, .chain = signer->chain, .x5u = span_cstr(signer->url), .content_digest = true, .unsafe = r->unsafe};
	struct mms_client client = {0};
	struct sign_result got = {0};
	struct mms_message m;
	enum sign_outcome begun;

	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(&m, r->mail_from ? r->mail_from : "x@a.example", r->rcpt[0] ? r->rcpt : bob, r->header);
	m.mm4 = r->mm4;
	begun = sign_begin(&p, &m);
	world_push_body(&m, r->body ? r->body : "See you at eight?\r\n");
	got.outcome = begun;
	if (begun == SIGN_SIGNED)
		sign_finish(&p, &m, WORLD_NOW + r->late, &got);
	tap_str(sign_outcome_name(got.outcome), sign_outcome_name(r->outcome), "%s", r->what);
	if (sign_outcome_ok(r->outcome) && sign_outcome_ok(got.outcome))
		check_token(r, &got, a);
	else
		tap_int((long long)got.value.n, 0, "%s: no value", r->what);
	message_reset(&m);
}

/* The claims of the token for one and the same message. */
static void claims_for(const struct world_signer *signer, struct arena *a, struct buf *out)
{
	struct sign_params p = {.key = signer->key, .chain = signer->chain, .x5u = span_cstr(signer->url)};
	static const char *const bob[] = {BOB, NULL};
	struct mms_client client = {0};
	struct sign_result got = {0};
	struct mms_message m;
	struct passport token = {0};
	struct identity id;

	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", bob, FROM TO PLAIN);
	if (sign_begin(&p, &m) == SIGN_SIGNED) {
		world_push_body(&m, "OK\r\n");
		sign_finish(&p, &m, WORLD_NOW, &got);
	}
	if (identity_parse(got.value, a, &id) != STIR_OK || passport_header(id.token, a, &token) != STIR_OK)
		tap_bail("no token");
	buf_init(out, 4096);
	buf_put(out, token.jws.payload.p, token.jws.payload.n);
	message_reset(&m);
}

static bool has_jti(const struct buf *claims)
{
	return strstr(claims->p, "\"jti\":\"") != NULL;
}

/* The same text twice within a second: the second is no replay of the first. */
static void test_unique(struct world *w, const struct world_signer *signer, struct arena *a)
{
	/* mustExclude "jti" */
	static const unsigned char none[] = {0x30, 0x09, 0xa2, 0x07, 0x30, 0x05, 0x16, 0x03, 'j', 't', 'i'};
	const struct world_signer *plain = world_signer(w, "https://certs.example/nojti.pem", "tn:+15550100000..+15550199999",
							(struct pki_cert_spec){.enhanced_rules = span_make((const char *)none, sizeof none)});
	struct buf first, second, third;

	claims_for(signer, a, &first);
	claims_for(signer, a, &second);
	claims_for(plain, a, &third);
	tap_ok(!span_eq(buf_span(&first), buf_span(&second)), "two equal messages have tokens that differ");
	tap_ok(has_jti(&first) && has_jti(&second), "by a jti");
	tap_ok(!has_jti(&third), "which is left out where the certificate excludes it");
	buf_free(&first);
	buf_free(&second);
	buf_free(&third);
}

/* A certificate for calls: whoever verifies would refuse what it signs. */
static void test_constraints(struct world *w, struct arena *a)
{
	/* mustInclude "attest", as certificates for calls have it; mustInclude "msgi" */
	static const unsigned char calls[] = {0x30, 0x0c, 0xa0, 0x0a, 0x30, 0x08, 0x16, 0x06, 'a', 't', 't', 'e', 's', 't'};
	static const unsigned char texts[] = {0x30, 0x0a, 0xa0, 0x08, 0x30, 0x06, 0x16, 0x04, 'm', 's', 'g', 'i'};
	const struct row caller = {"a certificate for calls", SIGN_CONSTRAINED, NULL, FROM TO PLAIN, NULL, {0}, NULL, 0, 0, false};
	const struct row texter = {"one for messages", SIGN_SIGNED, NULL, FROM TO PLAIN, NULL, {0}, "15550300001", 0, 0, false};
	const struct row unsafe = {"a message without the digest it asks for", SIGN_CONSTRAINED, NULL, FROM TO PLAIN, LONG1000 "\r\n", {0}, NULL, SIGN_UNSAFE_OMIT, 0, false};
	const char *list = "tn:+15550100000..+15550199999";

	run(world_signer(w, "https://certs.example/calls.pem", list, (struct pki_cert_spec){.rules = span_make((const char *)calls, sizeof calls)}), &caller, a);
	const struct world_signer *s = world_signer(w, "https://certs.example/texts.pem", list, (struct pki_cert_spec){.rules = span_make((const char *)texts, sizeof texts)});
	run(s, &texter, a);
	run(s, &unsafe, a);
}

/* 101 recipients are one more than a token names. */
static void test_too_many(const struct world_signer *signer, struct arena *a)
{
	for (int n = LIMIT_DEST; n <= LIMIT_DEST + 1; n++) {
		struct sign_params p = {.key = signer->key, .chain = signer->chain, .x5u = span_cstr(signer->url), .content_digest = true};
		static const char *const none[] = {NULL};
		struct mms_client client = {0};
		struct sign_result got;
		struct mms_message m;
		struct buf to;

		buf_init(&to, 65536);
		message_init(&m, a);
		message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
		buf_puts(&to, FROM "To: ");
		for (int i = 0; i < n; i++) {
			char addr[64];
			snprintf(addr, sizeof addr, "+1555030%04d@b.example", i);
			message_rcpt(&m, span_cstr(addr));
			buf_printf(&to, "%s%s", i ? ",\n " : "", addr);
		}
		buf_puts(&to, "\n");
		world_push_header(&m, "x@a.example", none, to.p);
		sign_begin(&p, &m);
		world_push_body(&m, "x\r\n");
		sign_finish(&p, &m, WORLD_NOW, &got);
		tap_str(sign_outcome_name(got.outcome), n > LIMIT_DEST ? "no-destination" : "signed", "%d recipients", n);
		buf_free(&to);
		message_reset(&m);
	}
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct world_signer *signer;
	struct world w;

	world_open(&w);
	signer = world_signer(&w, "https://certs.example/a.pem", "tn:+15550100000..+15550199999", (struct pki_cert_spec){0});
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		run(signer, &rows[i], a);
	test_too_many(signer, a);
	test_unique(&w, signer, a);
	test_constraints(&w, a);
	world_close(&w);
	arena_free(a);
	return tap_done();
}
