/* The verification service: one row a reason, and what several fields make together. */
#include "config.h"

#include <stdio.h>

#include "core/identity.h"
#include "core/verify.h"
#include "tests/lib/tap.h"
#include "tests/lib/world.h"

#define A_URL "https://certs.example/a.pem"
#define SPC_URL "https://certs.example/spc.pem"
#define OTHER_URL "https://certs.example/other.pem"
#define NOLIST_URL "https://certs.example/nolist.pem"
#define OLD_URL "https://certs.example/old.pem"
#define RULES_URL "https://certs.example/rules.pem"
#define P384_URL "https://certs.example/p384.pem"

#define HEADER(url) "{\"alg\":\"ES256\",\"ppt\":\"msg\",\"typ\":\"passport\",\"x5u\":\"" url "\"}"
#define PAYLOAD "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"msgc\":\"@C@\",\"msgi\":\"@M@\",\"orig\":{\"tn\":\"15550100001\"}}"
#define MAIL_HEADER "From: +15550100001/TYPE=PLMN@a.example\nTo: +15550300001/TYPE=PLMN@b.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
#define BODY "See you at eight?\r\n"

enum { A, SPC, OTHER, NOLIST, OLD, RULES, P384, SIGNER_COUNT };
static const char *const urls[] = {A_URL, SPC_URL, OTHER_URL, NOLIST_URL, OLD_URL, RULES_URL, P384_URL};

enum { TWEAK_NONE, TWEAK_SIGNATURE, TWEAK_INFO, TWEAK_PPT, TWEAK_BANG, TWEAK_COMPACT, TWEAK_BIG, TWEAK_UNSIGNED, TWEAK_ALG_PARAM };

struct row {
	const char *what;
	enum stir_reason reason;
	int signer;
	const char *header;  /* JOSE header; NULL: the usual one of the signer */
	const char *payload; /* NULL: PAYLOAD; @M@ and @C@ are the digests of the body sent */
	const char *mail;    /* NULL: MAIL_HEADER */
	const char *body;    /* received; NULL: BODY */
	const char *rcpt;    /* NULL: +15550300001@b.example */
	long late;           /* seconds between iat and now */
	int tweak;
};

static const struct row rows[] = {
	{"all in order", STIR_OK, A, NULL, NULL, NULL, NULL, NULL, 0, 0},
	{"provider certificate", STIR_OK, SPC, NULL, NULL, NULL, NULL, NULL, 0, 0},
	{"exactly as old as allowed", STIR_OK, A, NULL, NULL, NULL, NULL, NULL, 60, 0},
	{"one second too old", STIR_STALE, A, NULL, NULL, NULL, NULL, NULL, 61, 0},
	{"as far ahead as allowed", STIR_OK, A, NULL, NULL, NULL, NULL, NULL, -60, 0},
	{"one second too far ahead", STIR_FROM_FUTURE, A, NULL, NULL, NULL, NULL, NULL, -61, 0},
	{"no Identity field", STIR_NO_IDENTITY, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_UNSIGNED},
	{"another type of token", STIR_PPT_UNSUPPORTED, A, "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"" A_URL "\"}", NULL, NULL, NULL, NULL, 0, TWEAK_PPT},
	{"signature changed", STIR_BAD_SIGNATURE, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_SIGNATURE},
	{"signed with another key", STIR_BAD_SIGNATURE, OTHER, HEADER(A_URL), NULL, NULL, NULL, NULL, 0, 0},
	{"another sender", STIR_ORIG_MISMATCH, A, NULL, NULL, "From: +15550100002/TYPE=PLMN@a.example\nContent-Type: text/plain; charset=utf-8\n", NULL, NULL, 0, 0},
	{"sender without a number", STIR_ORIG_MISMATCH, A, NULL, NULL, "From: ann@a.example\nContent-Type: text/plain; charset=utf-8\n", NULL, NULL, 0, 0},
	{"another recipient", STIR_DEST_MISMATCH, A, NULL, NULL, NULL, NULL, "+15550300002@b.example", 0, 0},
	{"recipient without a number", STIR_DEST_MISMATCH, A, NULL, NULL, NULL, NULL, "ben@b.example", 0, 0},
	{"body changed", STIR_MSGI_MISMATCH, A, NULL, NULL, NULL, "See you at  nine?\r\n", NULL, 0, 0},
	{"Content-Type changed", STIR_MSGC_MISMATCH, A, NULL, NULL, "From: +15550100001/TYPE=PLMN@a.example\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n", NULL, NULL, 0, 0},
	{"re-encoded on the way", STIR_OK, A, NULL, NULL, "From: +15550100001/TYPE=PLMN@a.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n", "U2VlIHlvdSBhdCBlaWdodD8NCg==\r\n", NULL, 0, 0},
	{"msgi of a wrong length", STIR_MSGI_MALFORMED, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"msgi\":\"sha256-H8BRh8j48O9oYatfu5AZzq6A9RINQZngK7T62em8MUt1FLm52t+eX6xO\",\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 0, 0},
	{"msgc of another algorithm", STIR_MSGI_MALFORMED, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"msgc\":\"sha384-MO4tOyJkeEG0R6Cg1GGSQ2ef5PCkNioZdMKuIA/HR32O7Hgxbw8VOBN9hANE0uJS\",\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 0, 0},
	{"no digest", STIR_OK, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 0, 0},
	{"number outside the list", STIR_NUMBER_NOT_AUTHORISED, OTHER, NULL, NULL, NULL, NULL, NULL, 0, 0},
	{"certificate without a list", STIR_NUMBER_NOT_AUTHORISED, NOLIST, NULL, NULL, NULL, NULL, NULL, 0, 0},
	{"certificate expired at iat", STIR_CERT_EXPIRED, OLD, NULL, NULL, NULL, NULL, NULL, 0, 0},
	{"claim constraints broken", STIR_CONSTRAINT_VIOLATED, RULES, NULL, NULL, NULL, NULL, NULL, 0, 0},
	{"certificate of another curve", STIR_CERT_INVALID, A, HEADER(P384_URL), NULL, NULL, NULL, NULL, 0, 0},
	{"certificate not there", STIR_CERT_UNREACHABLE, A, HEADER("https://certs.example/gone.pem"), NULL, NULL, NULL, NULL, 0, 0},
	{"x5u by http", STIR_X5U_FORBIDDEN, A, HEADER("http://certs.example/a.pem"), NULL, NULL, NULL, NULL, 0, 0},
	{"x5u with a query", STIR_X5U_FORBIDDEN, A, HEADER("https://certs.example/a.pem?x"), NULL, NULL, NULL, NULL, 0, 0},
	{"info is not x5u", STIR_INFO_MISMATCH, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_INFO},
	{"alg parameter is not the token's", STIR_INFO_MISMATCH, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_ALG_PARAM},
	{"alg none", STIR_ALG_UNSUPPORTED, A, "{\"alg\":\"none\",\"ppt\":\"msg\",\"typ\":\"passport\",\"x5u\":\"" A_URL "\"}", NULL, NULL, NULL, NULL, 0, 0},
	{"alg HS256", STIR_ALG_UNSUPPORTED, A, "{\"alg\":\"HS256\",\"ppt\":\"msg\",\"typ\":\"passport\",\"x5u\":\"" A_URL "\"}", NULL, NULL, NULL, NULL, 0, 0},
	{"not a passport", STIR_TOKEN_SYNTAX, A, "{\"alg\":\"ES256\",\"ppt\":\"msg\",\"typ\":\"jwt\",\"x5u\":\"" A_URL "\"}", NULL, NULL, NULL, NULL, 0, 0},
	{"a critical extension", STIR_TOKEN_SYNTAX, A, "{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"ppt\":\"msg\",\"typ\":\"passport\",\"x5u\":\"" A_URL "\"}", NULL, NULL, NULL, NULL, 0, 0},
	{"compact form", STIR_TOKEN_SYNTAX, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_COMPACT},
	{"a field of rubbish", STIR_IDENTITY_SYNTAX, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_BANG},
	{"a field over its limit", STIR_TOKEN_TOO_LARGE, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_BIG},
	{"iat a string", STIR_CLAIMS_INVALID, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":\"1793534400\",\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 0, 0},
	{"a claim twice", STIR_CLAIMS_INVALID, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"15550100009\"},\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 0, 0},
	{"two From fields", STIR_AMBIGUOUS_SENDER, A, NULL, NULL, "From: +15550100001@a.example\nFrom: +15550100001@a.example\n", NULL, NULL, 0, 0},
	{"two addresses in From", STIR_AMBIGUOUS_SENDER, A, NULL, NULL, "From: +15550100001@a.example, +15550100002@a.example\n", NULL, NULL, 0, 0},
	{"no From field", STIR_AMBIGUOUS_SENDER, A, NULL, NULL, "To: ben@b.example\n", NULL, NULL, 0, 0},
};

static void replace(struct buf *out, const char *text, const char *msgi, const char *msgc)
{
	for (; *text; text++) {
		if (strncmp(text, "@M@", 3) == 0 || strncmp(text, "@C@", 3) == 0) {
			buf_puts(out, text[1] == 'M' ? msgi : msgc);
			text += 2;
		} else {
			buf_putc(out, *text);
		}
	}
}

/* The digests of BODY under MAIL_HEADER, as a signer would write them. */
static void digests(struct arena *a, struct buf *msgi, struct buf *msgc)
{
	static const char *const rcpt[] = {"x@b.example", NULL};
	struct mms_client client = {0};
	struct mms_message m;
	struct msgi_value v;

	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", rcpt, MAIL_HEADER);
	message_want(&m, 1u << MSGI_SHA256 | MESSAGE_WANT_CONTENT);
	world_push_body(&m, BODY);
	if (msgi_stream_value(&m.raw, MSGI_SHA256, &v))
		tap_bail("no digest");
	msgi_write(msgi, &v);
	msgi_write(msgc, &m.content_result.msgc);
	message_reset(&m);
}

static void write_field(struct buf *out, const struct row *r, struct span token, const char *url)
{
	struct buf value;

	buf_init(&value, 65536);
	identity_write(&value, token, span_cstr(url), r->tweak == TWEAK_PPT ? "shaken" : "msg");
	if (r->tweak == TWEAK_COMPACT)
		buf_reset(&value), buf_printf(&value, "..%.*s;info=<%s>", 86, token.p + token.n - 86, url);
	if (r->tweak == TWEAK_BANG)
		value.p[40] = '!';
	if (r->tweak == TWEAK_SIGNATURE)
		value.p[token.n - 20] = value.p[token.n - 20] == 'A' ? 'B' : 'A';
	if (r->tweak == TWEAK_INFO)
		*strchr(value.p, '<') = '<', value.p[strchr(value.p, '>') - value.p - 1] = 'x';
	if (r->tweak == TWEAK_ALG_PARAM)
		memcpy(strstr(value.p, "alg=ES256"), "alg=ES512", 9);
	buf_puts(out, "Identity: ");
	identity_fold(out, buf_span(&value));
	for (int i = 0; r->tweak == TWEAK_BIG && i < 9000; i++)
		buf_putc(out, 'A');
	buf_puts(out, "\n");
	buf_free(&value);
}

static const char *json_x5u(const char *header, char *out, size_t n)
{
	const char *p = strstr(header, "\"x5u\":\"");
	size_t len;

	if (!p)
		return "https://none.example/";
	p += 7;
	len = strcspn(p, "\"");
	if (len >= n)
		len = n - 1;
	memcpy(out, p, len);
	out[len] = '\0';
	return out;
}

static void make_field(struct world *w, struct arena *a, struct buf *out, const struct row *r)
{
	char usual[256], url[256];
	struct buf msgi, msgc, payload, token;

	if (r->tweak == TWEAK_UNSIGNED)
		return;
	buf_init(&msgi, 200), buf_init(&msgc, 200), buf_init(&payload, 4096), buf_init(&token, 8192);
	digests(a, &msgi, &msgc);
	replace(&payload, r->payload ? r->payload : PAYLOAD, msgi.p, msgc.p);
	snprintf(usual, sizeof usual, HEADER("%s"), urls[r->signer]);
	world_token(&token, w->signer[r->signer].key, r->header ? r->header : usual, payload.p);
	write_field(out, r, buf_span(&token), json_x5u(r->header ? r->header : usual, url, sizeof url));
	buf_free(&msgi), buf_free(&msgc), buf_free(&payload), buf_free(&token);
}

/* back: so many seconds the clock is set back while the body comes. */
static void judge_back(struct world *w, struct arena *a, const struct row *r, struct span fields, long back, struct stir_result *out)
{
	const char *rcpt[] = {r->rcpt ? r->rcpt : "+15550300001/TYPE=PLMN@b.example", NULL};
	static struct mms_client client;
	static struct mms_message m;
	struct verify *v;
	struct buf text;

	buf_init(&text, 200000);
	buf_put_span(&text, fields);
	buf_puts(&text, r->mail ? r->mail : MAIL_HEADER);
	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", rcpt, text.p);
	v = verify_begin(&w->params, &m, world_time(r->late));
	world_push_body(&m, r->body ? r->body : BODY);
	verify_finish(v, &m, world_time(r->late - back), out);
	buf_free(&text);
	/* the result lives in the arena; the digests don't */
	msgi_stream_free(&m.raw);
	content_free(m.content);
	m.content = NULL;
}

static void judge(struct world *w, struct arena *a, const struct row *r, struct span fields, struct stir_result *out)
{
	judge_back(w, a, r, fields, 0, out);
}

static void test_rows(struct world *w, struct arena *a)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stir_result got;
		struct buf fields;

		buf_init(&fields, 65536);
		make_field(w, a, &fields, &rows[i]);
		judge(w, a, &rows[i], buf_span(&fields), &got);
		tap_str(stir_reason_name(got.reason), stir_reason_name(rows[i].reason), "%s", rows[i].what);
		arena_reset(a);
		buf_free(&fields);
	}
}

static const struct row good = {"good", STIR_OK, A, NULL, NULL, NULL, NULL, NULL, 0, 0};

static void test_settings(struct world *w, struct arena *a)
{
	static const struct row spc = {"spc", STIR_OK, SPC, NULL, NULL, NULL, NULL, NULL, 0, 0};
	static const struct row bare = {"bare", STIR_OK, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 70, 0};
	static const struct row nolist = {"nolist", STIR_OK, NOLIST, NULL, NULL, NULL, NULL, NULL, 0, 0};
	static const struct row elsewhere = {"elsewhere", STIR_OK, A, NULL, NULL, NULL, NULL, "+15550300002@b.example", 0, 0};
	static const struct row retyped = {"retyped", STIR_OK, A, NULL, NULL, "From: +15550100001/TYPE=PLMN@a.example\nContent-Type: text/html\n", NULL, NULL, 0, 0};
	const struct {
		const char *what;
		const struct row *row;
		enum trust_authority authority;
		bool hard;
		struct verify_params p;
		enum stir_reason reason;
	} t[] = {
		{"authority tn refuses a provider's certificate", &spc, TRUST_AUTHORITY_TN, false, {.max_age_s = 60}, STIR_SPC_NOT_AUTHORISED},
		{"authority any takes one without a list", &nolist, TRUST_AUTHORITY_ANY, false, {.max_age_s = 60}, STIR_OK},
		{"RequireMsgi refuses a token without digest", &bare, TRUST_AUTHORITY_SPC, false, {.require_msgi = true, .max_age_s = 3600}, STIR_STALE},
		{"a token without digest is good for 60 s, whatever MaxAge", &bare, TRUST_AUTHORITY_SPC, false, {.max_age_s = 3600}, STIR_STALE},
		{"DestCover any only reports", &elsewhere, TRUST_AUTHORITY_SPC, false, {.dest_any = true, .max_age_s = 60}, STIR_OK},
		{"ContentDigest fallback does not look at msgc when msgi holds", &retyped, TRUST_AUTHORITY_SPC, false, {.content = VERIFY_CONTENT_FALLBACK, .max_age_s = 60}, STIR_OK},
		{"hard revocation without a list", &good, TRUST_AUTHORITY_SPC, true, {.max_age_s = 60}, STIR_REVOCATION_UNKNOWN},
	};
	struct verify_params saved = w->params;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct stir_result got;
		struct buf fields;

		buf_init(&fields, 65536);
		make_field(w, a, &fields, t[i].row);
		w->params = t[i].p;
		world_rules(w, t[i].authority, t[i].hard);
		judge(w, a, t[i].row, buf_span(&fields), &got);
		tap_str(stir_reason_name(got.reason), stir_reason_name(t[i].reason), "%s", t[i].what);
		arena_reset(a);
		buf_free(&fields);
	}
	w->params = saved;
	world_rules(w, TRUST_AUTHORITY_SPC, false);
}

/* For the policy: what else is wrong with a token that is stale, for others or beyond its signer's authority. */
static void test_goes_on(struct world *w, struct arena *a)
{
	static const struct {
		const char *what;
		struct row row;
		bool go_on, signed_ok;
		enum stir_integrity integrity;
	} t[] = {
		{"stale, not asked for more", {"", STIR_STALE, A, NULL, NULL, NULL, NULL, NULL, 61, 0}, false, false, STIR_INTEGRITY_UNKNOWN},
		{"stale, signed", {"", STIR_STALE, A, NULL, NULL, NULL, NULL, NULL, 61, 0}, true, true, STIR_INTEGRITY_RAW},
		{"stale, not signed", {"", STIR_STALE, A, NULL, NULL, NULL, NULL, NULL, 61, TWEAK_SIGNATURE}, true, false, STIR_INTEGRITY_UNKNOWN},
		{"stale, body changed", {"", STIR_STALE, A, NULL, NULL, NULL, "nine?\r\n", NULL, 61, 0}, true, true, STIR_INTEGRITY_MISMATCH},
		{"stale and for another", {"", STIR_STALE, A, NULL, NULL, NULL, NULL, "+15550300002@b.example", 61, 0}, true, true, STIR_INTEGRITY_RAW},
		{"for another, signed", {"", STIR_DEST_MISMATCH, A, NULL, NULL, NULL, NULL, "+15550300002@b.example", 0, 0}, true, true, STIR_INTEGRITY_RAW},
		{"of another number, signed", {"", STIR_ORIG_MISMATCH, A, NULL, NULL, "From: +15550100002@a.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n", NULL, NULL, 0, 0}, true, true, STIR_INTEGRITY_RAW},
		{"of another number, with msgc only", {"", STIR_ORIG_MISMATCH, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"msgc\":\"@C@\",\"orig\":{\"tn\":\"15550100009\"}}", NULL, NULL, NULL, 0, 0},
			true, true, STIR_INTEGRITY_DECODED},
		{"number outside the list, signed", {"", STIR_NUMBER_NOT_AUTHORISED, OTHER, NULL, NULL, NULL, NULL, NULL, 0, 0}, true, true, STIR_INTEGRITY_RAW},
		{"stale, certificate gone", {"", STIR_STALE, A, HEADER("https://certs.example/gone.pem"), NULL, NULL, NULL, NULL, 61, 0}, true, false, STIR_INTEGRITY_UNKNOWN},
		{"body changed is the end", {"", STIR_MSGI_MISMATCH, A, NULL, NULL, NULL, "nine?\r\n", NULL, 0, 0}, true, true, STIR_INTEGRITY_MISMATCH},
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct stir_result got;
		struct buf fields;

		buf_init(&fields, 65536);
		make_field(w, a, &fields, &t[i].row);
		w->params.go_on = t[i].go_on;
		judge(w, a, &t[i].row, buf_span(&fields), &got);
		w->params.go_on = false;
		tap_str(stir_reason_name(got.reason), stir_reason_name(t[i].row.reason), "%s", t[i].what);
		tap_int(got.best->signed_ok, t[i].signed_ok, "... is the signature known to hold");
		tap_int(got.best->integrity, t[i].integrity, "... and the content");
		arena_reset(a);
		buf_free(&fields);
	}
}

static void test_requires_digest(struct world *w, struct arena *a)
{
	static const struct row bare = {"bare", STIR_OK, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 0, 0};
	struct stir_result got;
	struct buf fields;

	buf_init(&fields, 65536);
	make_field(w, a, &fields, &bare);
	w->params.require_msgi = true;
	judge(w, a, &bare, buf_span(&fields), &got);
	w->params.require_msgi = false;
	tap_str(stir_reason_name(got.reason), "msgi-missing", "RequireMsgi: a fresh token without digest");
	tap_int(got.best->integrity, STIR_INTEGRITY_NONE, "... its integrity is none");
	arena_reset(a);
	buf_free(&fields);
}

static void test_chain_used(struct world *w, struct arena *a)
{
	static const struct row gone = {"gone", 0, A, HEADER("https://certs.example/gone.pem"), NULL, NULL, NULL, NULL, 0, 0};
	struct stir_result got;
	struct buf fields;

	buf_init(&fields, 65536);
	make_field(w, a, &fields, &good);
	judge(w, a, &good, buf_span(&fields), &got);
	tap_ok(got.best->has_cert, "the chain that was used is described");
	tap_span(got.best->cert_sha256, cert_chain_fingerprint(w->signer[A].chain), "its fingerprint");
	tap_span(got.best->cert_subject, cert_chain_subject(w->signer[A].chain), "its subject");
	tap_ok(got.best->cert_not_after > WORLD_NOW, "its end");
	arena_reset(a);
	buf_reset(&fields);
	make_field(w, a, &fields, &gone);
	judge(w, a, &gone, buf_span(&fields), &got);
	tap_ok(!got.best->has_cert && !got.best->cert_sha256.n, "one that can't be had isn't");
	arena_reset(a);
	buf_free(&fields);
}

/* What was too old when the header came is not, in the end; then nobody has looked at the content. */
static void test_clock_back(struct world *w, struct arena *a)
{
	static const char msgc[] = "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"msgc\":\"@C@\",\"orig\":{\"tn\":\"15550100001\"}}";
	static const char bare[] = "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"15550100001\"}}";
	static const struct {
		struct row row;
		long back;
	} list[] = {
		{{"with both digests", STIR_NO_RESOURCE, A, NULL, NULL, NULL, NULL, NULL, 70, 0}, 20},
		{{"with msgc", STIR_NO_RESOURCE, A, NULL, msgc, NULL, NULL, NULL, 70, 0}, 20},
		{{"without a digest", STIR_NO_RESOURCE, A, NULL, bare, NULL, NULL, NULL, 70, 0}, 20},
		{{"not by enough", STIR_STALE, A, NULL, NULL, NULL, NULL, NULL, 70, 0}, 5},
		{{"one that was in time", STIR_OK, A, NULL, NULL, NULL, NULL, NULL, 50, 0}, 20},
	};
	struct stir_result got;
	struct buf fields;

	buf_init(&fields, 65536);
	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		buf_reset(&fields);
		make_field(w, a, &fields, &list[i].row);
		judge_back(w, a, &list[i].row, buf_span(&fields), list[i].back, &got);
		tap_str(stir_reason_name(got.reason), stir_reason_name(list[i].row.reason), "a clock set back: %s", list[i].row.what);
		arena_reset(a);
	}
	buf_free(&fields);
}

/* n fields of junk before the good one: the result is the good one's, while the budget lasts. */
static void test_several(struct world *w, struct arena *a)
{
	static const struct row junk[] = {
		{"rubbish", 0, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_BANG},
		{"wrong sender", 0, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1793534400,\"orig\":{\"tn\":\"15550100007\"}}", NULL, NULL, NULL, 0, 0},
		{"old", 0, A, NULL, "{\"dest\":{\"tn\":[\"15550300001\"]},\"iat\":1693534400,\"orig\":{\"tn\":\"15550100001\"}}", NULL, NULL, NULL, 0, 0},
		{"other type", 0, A, "{\"alg\":\"ES256\",\"ppt\":\"div\",\"typ\":\"passport\",\"x5u\":\"" A_URL "\"}", NULL, NULL, NULL, NULL, 0, TWEAK_PPT},
	};
	static const struct row bad = {"bad signature", 0, A, NULL, NULL, NULL, NULL, NULL, 0, TWEAK_SIGNATURE};
	struct stir_result got;
	struct buf fields;

	buf_init(&fields, 200000);
	for (int go_on = 0; go_on <= 1; go_on++) {
		buf_reset(&fields);
		for (size_t i = 0; i < 20; i++)
			make_field(w, a, &fields, &junk[i % 4]);
		make_field(w, a, &fields, &good);
		w->params.go_on = go_on;
		judge(w, a, &good, buf_span(&fields), &got);
		w->params.go_on = false;
		tap_str(stir_reason_name(got.reason), "ok", "20 fields of junk before a good one%s", go_on ? ", whatever is asked of stale ones" : "");
		tap_int((long long)got.nfield, 21, "all are counted");
		arena_reset(a);
	}

	buf_reset(&fields);
	for (size_t i = 0; i < LIMIT_IDENTITY_FIELDS - 1; i++)
		make_field(w, a, &fields, &bad);
	make_field(w, a, &fields, &good);
	judge(w, a, &good, buf_span(&fields), &got);
	tap_str(stir_reason_name(got.reason), "ok", "the good one is the last that may cost a signature");
	arena_reset(a);

	buf_reset(&fields);
	for (size_t i = 0; i < LIMIT_IDENTITY_FIELDS; i++)
		make_field(w, a, &fields, &bad);
	make_field(w, a, &fields, &good);
	judge(w, a, &good, buf_span(&fields), &got);
	tap_str(stir_reason_name(got.reason), "bad-signature", "one more than the limit: the good one is not looked at");
	tap_str(stir_reason_name(got.check[LIMIT_IDENTITY_FIELDS].reason), "no-resource", "... and its own reason says so");
	arena_reset(a);

	for (size_t n = LIMIT_IDENTITY_READ - 1; n <= LIMIT_IDENTITY_READ; n++) {
		buf_reset(&fields);
		for (size_t i = 0; i < n; i++)
			make_field(w, a, &fields, &junk[i % 4]);
		make_field(w, a, &fields, &good);
		judge(w, a, &good, buf_span(&fields), &got);
		tap_int(got.reason == STIR_OK, n < LIMIT_IDENTITY_READ, "a good one behind %zu of junk (%s)", n, stir_reason_name(got.reason));
		tap_ok(got.nfield == n + 1 && got.ncheck == LIMIT_IDENTITY_READ, "... all are counted, %zu are read", got.ncheck);
		arena_reset(a);
	}
	buf_free(&fields);
}

/* Nothing is fetched for a token that fails a free check. */
static void test_no_fetch(struct world *w, struct arena *a)
{
	static const struct row wanting[] = {
		{"stale", 0, A, HEADER("https://fresh.example/1.pem"), NULL, NULL, NULL, NULL, 1000, 0},
		{"other sender", 0, A, HEADER("https://fresh.example/2.pem"), NULL, "From: +15550100002@a.example\n", NULL, NULL, 0, 0},
		{"other recipient", 0, A, HEADER("https://fresh.example/3.pem"), NULL, NULL, NULL, "+15550300002@b.example", 0, 0},
		{"alg", 0, A, "{\"alg\":\"RS256\",\"ppt\":\"msg\",\"typ\":\"passport\",\"x5u\":\"https://fresh.example/4.pem\"}", NULL, NULL, NULL, NULL, 0, 0},
		{"forbidden", 0, A, HEADER("https://127.0.0.1/5.pem"), NULL, NULL, NULL, NULL, 0, 0},
	};

	for (size_t i = 0; i < sizeof wanting / sizeof *wanting; i++) {
		unsigned before = w->fetch.calls;
		struct stir_result got;
		struct buf fields;

		buf_init(&fields, 65536);
		make_field(w, a, &fields, &wanting[i]);
		judge(w, a, &wanting[i], buf_span(&fields), &got);
		tap_int(w->fetch.calls, before, "%s: nothing is fetched (%s)", wanting[i].what, stir_reason_name(got.reason));
		arena_reset(a);
		buf_free(&fields);
	}
}

static void open_signers(struct world *w)
{
	/* mustInclude "attest": no msg token has it */
	static const unsigned char rules[] = {0x30, 0x0c, 0xa0, 0x0a, 0x30, 0x08, 0x16, 0x06, 'a', 't', 't', 'e', 's', 't'};

	world_signer(w, A_URL, "tn:+15550100000..+15550199999", (struct pki_cert_spec){0});
	world_signer(w, SPC_URL, "spc:1234", (struct pki_cert_spec){0});
	world_signer(w, OTHER_URL, "tn:+15550200000..+15550299999", (struct pki_cert_spec){0});
	world_signer(w, NOLIST_URL, NULL, (struct pki_cert_spec){0});
	world_signer(w, OLD_URL, "spc:1234", (struct pki_cert_spec){.not_before = WORLD_NOW - 3 * WORLD_DAY, .not_after = WORLD_NOW - 1});
	world_signer(w, RULES_URL, "spc:1234", (struct pki_cert_spec){.rules = span_make(rules, sizeof rules)});
	w->signer[P384].url = P384_URL;
	struct buf *pem = &w->signer[P384].pem;
	struct pki_cert_spec spec = {.key = pki_key_new(PKI_KEY_P384), .issuer = w->pki.ca, .issuer_key = w->pki.ca_key, .common_name = "P-384",
		.not_before = WORLD_NOW - WORLD_DAY, .not_after = WORLD_NOW + WORLD_DAY};
	struct err e = {0};
	X509 *cert = NULL;
	buf_init(pem, 65536);
	if (pki_cert_new(&spec, &cert, &e) || pki_put_chain(pem, &w->pki, cert))
		tap_bail("P-384 certificate: %s", e.text);
	w->n++;
	fake_fetch_add(&w->fetch, P384_URL, buf_span(pem));
	X509_free(cert);
	EVP_PKEY_free(spec.key);
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct world w;

	world_open(&w);
	open_signers(&w);
	test_rows(&w, a);
	test_settings(&w, a);
	test_goes_on(&w, a);
	test_requires_digest(&w, a);
	test_chain_used(&w, a);
	test_clock_back(&w, a);
	test_several(&w, a);
	test_no_fetch(&w, a);
	world_close(&w);
	arena_free(a);
	return tap_done();
}
