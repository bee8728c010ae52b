/* Body digests: spelling, hostile spellings, the stream. */
#include "config.h"

#include "core/msgi.h"

#include "tests/lib/tap.h"

#define HEAD                                                                         \
	"--mm4b\r\nContent-Type: application/smil; charset=utf-8\r\nContent-ID: <smil>\r\n" \
	"\r\n<smil><body><par><text src=\"cid:t1\"/></par></body></smil>\r\n"               \
	"--mm4b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-ID: <t1>\r\n"

static const char body_qp[] = HEAD "Content-Transfer-Encoding: quoted-printable\r\n"
				   "\r\nCaf=C3=A9 at 8?\r\n--mm4b--\r\n";
static const char body_8bit[] = HEAD "Content-Transfer-Encoding: 8bit\r\n"
				     "\r\nCaf\xC3\xA9 at 8?\r\n--mm4b--\r\n";

#define QP256 "sha256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek="
#define QP384 "sha384-MO4tOyJkeEG0R6Cg1GGSQ2ef5PCkNioZdMKuIA/HR32O7Hgxbw8VOBN9hANE0uJS"
#define QP512 "sha512-2ot6yy9+Wuds+rqizcgamf19q41zJXNBHPtc14oSAWHl1SaVSehlxs1fJtPfgNnN8vVv7SdzmfYIOPRgYKsUrg=="

static const struct {
	const char *name;
	const char *body;
	size_t n;
	const char *value[MSGI_ALG_COUNT]; /* NULL: not known from elsewhere */
} bodies[] = {
	{"quoted-printable", body_qp, sizeof body_qp - 1, {QP256, QP384, QP512}},
	{"8bit", body_8bit, sizeof body_8bit - 1,
	 {"sha256-OeqgPDGpZaJ0gkpQcx+H3HdZhsKNrx0+r/uZjoZ9QF0=",
	  "sha384-hrCXsk67mK56ojNtXbg6eo3rl7zg/UsA1PocRbsTNJsguu+olI1wqX6iLuE6fZQv",
	  "sha512-Y0hOuGXt41AEEGjWvewuW+pPBCnTP3M5Bol1mwucLVArDAbxfCwYAXPEFtDN2dkPgpXO6FqIC40CPVfiHXuvZA=="}},
	{"empty", "", 0, {"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", NULL, NULL}},
	{"CRLF", "\r\n", 2, {"sha256-frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=", NULL, NULL}},
	/* RFC 9795, 8.3; published without padding */
	{"RFC 9795 nam", "\"Q Branch Spy Gadgets\"", 22,
	 {"sha256-sM275lTgzCte+LHOKHtU4SxG8shlOo6OS4ot8IJQImY=", NULL, NULL}},
	/* W3C Subresource Integrity */
	{"SRI sample", "alert('Hello, world.');", 23,
	 {NULL, "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO", NULL}},
};

enum { ALL = 1u << MSGI_SHA256 | 1u << MSGI_SHA384 | 1u << MSGI_SHA512 };

static void check_value(const struct msgi_value *v, const char *want, const char *name)
{
	struct msgi_value read;
	struct buf b;

	buf_init(&b, 200);
	msgi_write(&b, v);
	if (want)
		tap_span_is(buf_span(&b), want, "%s: %s", name, msgi_alg_name(v->alg));
	tap_ok(msgi_parse(buf_span(&b), &read) == 0 && msgi_eq(&read, v), "%s: read back", name);
	buf_free(&b);
}

static void test_bodies(void)
{
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct msgi_stream s;

		msgi_stream_begin(&s, ALL);
		msgi_stream_feed(&s, bodies[i].body, bodies[i].n);
		for (int a = 0; a < MSGI_ALG_COUNT; a++) {
			struct msgi_value v;

			tap_int(msgi_stream_value(&s, (enum msgi_alg)a, &v), 0, "%s: a value", bodies[i].name);
			check_value(&v, bodies[i].value[a], bodies[i].name);
			tap_int(msgi_stream_value(&s, (enum msgi_alg)a, &v), -1, "%s: only once", bodies[i].name);
		}
		msgi_stream_free(&s);
	}
}

/* The pieces a body comes in don't matter. */
static void test_pieces(void)
{
	size_t n = sizeof body_qp - 1;
	bool same = true;

	for (size_t step = 1; step <= n; step++) {
		struct msgi_stream s;
		struct msgi_value v, want;
		static const char *const values[] = {QP256, QP384, QP512};

		msgi_stream_begin(&s, ALL);
		for (size_t at = 0; at < n; at += step) {
			msgi_stream_feed(&s, body_qp + at, n - at < step ? n - at : step);
			msgi_stream_feed(&s, NULL, 0);
		}
		for (int a = 0; a < MSGI_ALG_COUNT; a++)
			same = same && msgi_parse(span_cstr(values[a]), &want) == 0 &&
			       msgi_stream_value(&s, (enum msgi_alg)a, &v) == 0 && msgi_eq(&v, &want);
		msgi_stream_free(&s);
	}
	tap_ok(same, "pieces of 1 to %zu octets give the same three digests", n);
}

static void test_wanted(void)
{
	struct msgi_stream s;
	struct msgi_value v;

	msgi_stream_begin(&s, 1u << MSGI_SHA384);
	msgi_stream_feed(&s, "x", 1);
	tap_int(msgi_stream_value(&s, MSGI_SHA256, &v), -1, "not wanted, not had");
	tap_int(msgi_stream_value(&s, MSGI_ALG_COUNT, &v), -1, "no such algorithm");
	tap_int(msgi_stream_value(&s, MSGI_SHA384, &v), 0, "wanted, had");
	msgi_stream_feed(&s, "y", 1);
	msgi_stream_free(&s);
	msgi_stream_free(&s);
	msgi_stream_begin(&s, 0);
	msgi_stream_feed(&s, "x", 1);
	tap_ok(!s.failed, "nothing wanted is no failure");
	msgi_stream_free(&s);
	msgi_stream_begin(&s, ALL);
	msgi_stream_free(&s);
	memset(&s, 0, sizeof s);
	msgi_stream_free(&s);
	tap_int(msgi_stream_value(&s, MSGI_SHA256, &v), -1, "a freed stream has no value");
	s.failed = true;
	msgi_stream_feed(&s, "x", 1);
	tap_int(msgi_stream_value(&s, MSGI_SHA256, &v), -1, "a failed one neither");
}

#define SPAN(literal) {literal, sizeof(literal) - 1}

static const struct {
	struct span text;
	bool ok;
	const char *about;
} values[] = {
	{SPAN(QP256), true, "sha256, padded"},
	{SPAN(QP384), true, "sha384"},
	{SPAN(QP512), true, "sha512, padded"},
	{SPAN("sha256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek"), true, "sha256, padding left out"},
	{SPAN("sha512-2ot6yy9+Wuds+rqizcgamf19q41zJXNBHPtc14oSAWHl1SaVSehlxs1fJtPfgNnN8vVv7SdzmfYIOPRgYKsUrg"), true,
	 "sha512, padding left out"},
	{SPAN("sha256-H8BRh8j48O9oYatfu5AZzq6A9RINQZngK7T62em8MUt1FLm52t+eX6xO"), false, "the example of RFC 9475"},
	{SPAN("sha256-MO4tOyJkeEG0R6Cg1GGSQ2ef5PCkNioZdMKuIA/HR32O7Hgxbw8VOBN9hANE0uJS"), false, "48 octets under sha256"},
	{SPAN("sha384-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek="), false, "32 octets under sha384"},
	{SPAN("sha512-MO4tOyJkeEG0R6Cg1GGSQ2ef5PCkNioZdMKuIA/HR32O7Hgxbw8VOBN9hANE0uJS"), false, "48 octets under sha512"},
	{SPAN("sha256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5_-Ek="), false, "the URL-safe alphabet"},
	{SPAN("SHA256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek="), false, "upper case"},
	{SPAN("sha-256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek="), false, "sha-256"},
	{SPAN("md5-ZInaEHgrxrt6X2ij3JOJ6w=="), false, "md5"},
	{SPAN("sha1-ZInaEHgrxrt6X2ij3JOJ670msKc="), false, "sha1"},
	{SPAN("sha224-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXg=="), false, "sha224"},
	{SPAN("sha256ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek="), false, "no hyphen"},
	{SPAN("sha256--ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek="), false, "two hyphens"},
	{SPAN("-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek="), false, "no algorithm"},
	{SPAN("sha256-"), false, "no digest"},
	{SPAN("sha256"), false, "a name only"},
	{SPAN("-"), false, "a hyphen only"},
	{SPAN(""), false, "nothing"},
	{SPAN(" " QP256), false, "a space in front"},
	{SPAN(QP256 " "), false, "a space behind"},
	{SPAN(QP256 "\n"), false, "a line end behind"},
	{SPAN(QP256 "="), false, "padding too long"},
	{SPAN("sha256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+El="), false, "a spare bit set"},
	{SPAN("sha256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+E"), false, "one character short"},
	{SPAN("sha256-ZInaEHgrxrt6X2ij3JOJ670msKfu9pLHB6dwXj5/+Ek\0"), false, "a NUL"},
	{SPAN("sha512-" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), false, "longer than any digest"},
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct msgi_value v;

		memset(&v, 0x5A, sizeof v);
		tap_int(msgi_parse(values[i].text, &v), values[i].ok ? 0 : -1, "value: %s", values[i].about);
	}
}

static void test_equal(void)
{
	struct msgi_value padded, bare, other, alg;

	if (msgi_parse(span_cstr(QP256), &padded) || msgi_parse(span_take(span_cstr(QP256), 50), &bare) ||
	    msgi_parse(span_cstr(QP512), &other))
		tap_bail("a good value is refused");
	tap_ok(msgi_eq(&padded, &bare), "padding doesn't count");
	tap_ok(!msgi_eq(&padded, &other), "another algorithm");
	alg = padded;
	alg.alg = MSGI_SHA384;
	tap_ok(!msgi_eq(&padded, &alg), "the same octets under another name");
	bare.digest[31] ^= 1;
	tap_ok(!msgi_eq(&padded, &bare), "one bit");
}

int main(void)
{
	enum msgi_alg a;

	msgi_init();
	msgi_init();
	tap_ok(msgi_alg_by_name(span_cstr("sha384"), &a) == 0 && a == MSGI_SHA384, "by name");
	tap_int(msgi_alg_by_name(span_cstr("sha"), &a), -1, "no such name");
	test_bodies();
	test_pieces();
	test_wanted();
	test_values();
	test_equal();
	return tap_done();
}
