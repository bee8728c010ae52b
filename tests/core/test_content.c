/* The digest of the content: the vectors, the rules one by one, the signer's check, the limits. */
#include "config.h"

#include "core/content.h"

#include <stdlib.h>

#include "core/limits.h"
#include "tests/lib/tap.h"

/* What a walk gave, the canonical form copied. */
struct seen {
	struct content_result r;
	struct buf form;
};

static void walk(const struct content_top *top, struct span body, size_t step, struct seen *s)
{
	struct content *c = content_begin(top);

	if (!c)
		tap_bail("no memory");
	for (size_t i = 0; i < body.n; i += step)
		content_feed(c, body.p + i, body.n - i < step ? body.n - i : step);
	content_end(c, &s->r);
	buf_reset(&s->form);
	buf_put_span(&s->form, content_canonical(c));
	content_free(c);
}

static bool same(const struct seen *a, const struct seen *b)
{
	return a->r.limit == b->r.limit && a->r.unsafe == b->r.unsafe && a->r.longest_line == b->r.longest_line && a->r.parts == b->r.parts &&
	       a->r.depth == b->r.depth && a->r.eightbit == b->r.eightbit && a->r.ambiguous == b->r.ambiguous &&
	       (a->r.limit || msgi_eq(&a->r.msgc, &b->r.msgc)) && span_eq(buf_span(&a->form), buf_span(&b->form));
}

static bool same_in_pieces(const struct content_top *top, struct span body, const struct seen *whole)
{
	static const size_t step[] = {1, 2, 3, 7, 13, 61, 127, 1021, 4093};
	struct seen s;
	bool ok = true;

	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	for (size_t i = 0; i < sizeof step / sizeof step[0]; i++) {
		walk(top, body, step[i], &s);
		ok = ok && same(whole, &s);
	}
	buf_free(&s.form);
	return ok;
}

/* A top header as message.c would give it. */
static struct content_top describe(const char *type, const char *encoding)
{
	struct content_top top;

	memset(&top, 0, sizeof top);
	top.has_content_type = type != NULL;
	top.content_type = span_cstr(type);
	top.has_transfer_encoding = encoding != NULL;
	top.transfer_encoding = span_cstr(encoding);
	top.has_mime_version = type != NULL;
	return top;
}

/* --- the rules, one by one --------------------------------------------------- */

#define EMPTY "D:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
#define A "D:559aead08264d5795d3909718cdd05abd49572e84fe55590eef31a88a08fdffd\n" /* "A" */
#define A_CRLF "D:26ffd5886253906a36a7ea0f6e26056fc36472626cb4894bcb100a34dc69d1db\n" /* "A" CRLF */

static const char mixed[] = "multipart/mixed; boundary=b";

static const struct {
	const char *what, *type, *encoding, *body, *form;
} rules[] = {
	{"no Content-Type", NULL, NULL, "A", "T:text/plain\n" A_CRLF},
	{"no body", NULL, NULL, "", "T:text/plain\n" EMPTY},
	{"text of line ends only", NULL, NULL, "\r\n\r\n\n", "T:text/plain\n" EMPTY},
	{"line ends at the end of text", NULL, NULL, "A\n\r\n\n", "T:text/plain\n" A_CRLF},
	{"text in base64", "text/plain", "base64", "QQ0K", "T:text/plain\n" A_CRLF},
	{"text in quoted-printable", "TEXT/Plain", "Quoted-Printable", "=41=\r\n", "T:text/plain\n" A_CRLF},
	{"no text", "image/png", NULL, "A", "T:image/png\n" A},
	{"no text, a line end", "image/png", NULL, "A\r\n", "T:image/png\n" A_CRLF},
	{"no text in base64", "image/png", "BASE64", "Q!\r\n Q=\r\n=", "T:image/png\n" A},
	{"parameters in order", "text/plain; format=flowed; x=y; NAME=\"N\"; charset=UTF-8; start=s; delsp=d; type=t; boundary=b", NULL, "A",
	 "T:text/plain\nP:charset=utf-8\nP:name=N\nP:type=t\nP:start=s\nP:delsp=d\nP:format=flowed\n" A_CRLF},
	{"a folded Content-Type as a milter gets it", "text/plain;\n charset=x;\r\n\tname=y", NULL, "A", "T:text/plain\nP:charset=x\nP:name=y\n" A_CRLF},
	{"a parenthesis in a name", "image/png; name=\"A(1).png\"", NULL, "A", "T:image/png\nP:name=A(1).png\n" A},
	{"multipart", mixed, NULL, "preamble\r\n--b\r\n\r\nA\r\n--b\r\nContent-Type: image/png\r\n\r\nA\r\n--b--\r\nepilogue\r\n",
	 "T:multipart/mixed\nK:80\nT:text/plain\n" A_CRLF "K:79\nT:image/png\n" A},
	{"a delimiter with blanks", mixed, NULL, "--b \t\r\n\r\nA\r\n--b-- ", "T:multipart/mixed\nK:80\nT:text/plain\n" A_CRLF},
	{"what is none", mixed, NULL, "--b\r\nContent-Type: image/png\r\n\r\nQ\n--b\n--bb\r\n -b\r\n--b x\r\n--b--x\r\n--b\r\r\n-\r\n--b--",
	 "T:multipart/mixed\nK:79\nT:image/png\nD:098e08fa1f20993f2c3da73584a6b70fd543e9fdcc94f405f06b281356b2ad17\n"},
	{"the closing delimiter missing", mixed, NULL, "--b\r\nContent-Type: image/png\r\n\r\nA\r\n", "T:multipart/mixed\nK:79\nT:image/png\n" A_CRLF},
	{"an empty part", mixed, NULL, "--b\r\n--b\r\n\r\n--b--", "T:multipart/mixed\nK:80\nT:text/plain\n" EMPTY "K:80\nT:text/plain\n" EMPTY},
	{"a delimiter at the very end", mixed, NULL, "--b", "T:multipart/mixed\nK:80\nT:text/plain\n" EMPTY},
	{"a header without a body", mixed, NULL, "--b\r\nContent-ID: <x>\r\n--b--", "T:multipart/mixed\nK:97\nT:text/plain\nH:content-id:<x>\n" EMPTY},
	{"fields of a part", mixed, NULL,
	 "--b\r\nX: y\r\n z\r\ncontent-disposition: a;\r\n\t b \t c \r\nContent-Location:\r\n l\r\nCONTENT-ID:<i>\r\n\r\nA\r\n--b--",
	 "T:multipart/mixed\nK:147\nT:text/plain\nH:content-id:<i>\nH:content-location:l\nH:content-disposition:a; b c\n" A_CRLF},
	{"nested, ended by the outer delimiter", mixed, NULL,
	 "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nA\r\n--b\r\n\r\nA\r\n--c\r\n\r\n--b--",
	 "T:multipart/mixed\nK:109\nT:multipart/alternative\nK:80\nT:text/plain\n" A_CRLF
	 "K:80\nT:text/plain\nD:2328f701669d259fc2d9848dc797f473c979c6a17e40d4704a249c747483b159\n"},
	{"a message", "message/rfc822", "8bit", "Date: d\r\nSubject: s\r\n\r\nA", "T:message/rfc822\nI:subject:s\nI:date:d\nK:80\nT:text/plain\n" A_CRLF},
	{"a message without header", "message/rfc822", NULL, "\r\nA", "T:message/rfc822\nK:80\nT:text/plain\n" A_CRLF},
	{"a message in base64", "message/rfc822", "base64", "QQ==", "T:message/rfc822\n" A},
	{"message/global", "message/global", NULL, "From: x\r\nContent-ID: <i>\r\n\r\nA", "T:message/global\nK:97\nT:text/plain\nH:content-id:<i>\n" A_CRLF},
	{"a digest", "multipart/digest; boundary=b", NULL, "--b\r\n\r\nTo: t\r\n\r\nA\r\n--b--",
	 "T:multipart/digest\nK:109\nT:message/rfc822\nI:to:t\nK:80\nT:text/plain\n" A_CRLF},
	{"multipart without boundary", "multipart/mixed", NULL, "A", "T:multipart/mixed\n" A},
};

static void test_rules(void)
{
	struct seen s;

	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct content_top top = describe(rules[i].type, rules[i].encoding);
		struct span body = span_cstr(rules[i].body);

		walk(&top, body, body.n + 1, &s);
		tap_int(s.r.limit, CONTENT_WITHIN, "%s: has a form", rules[i].what);
		tap_span_is(buf_span(&s.form), rules[i].form, "%s", rules[i].what);
		tap_ok(same_in_pieces(&top, body, &s), "%s: the same in any pieces", rules[i].what);
	}
	buf_free(&s.form);
}

/* --- no form, and what the signer looks at ---------------------------------------- */

static const struct {
	const char *what, *type, *body;
	enum content_limit limit;
	unsigned unsafe;
	bool ambiguous;
} checks[] = {
	{"plain text", "text/plain", "Hello\r\n", CONTENT_WITHIN, 0, false},
	{"eight bits in MIME", "text/plain", "\xC3\xA9\r\n", CONTENT_WITHIN, 0, false},
	{"eight bits without", NULL, "\xC3\xA9\r\n", CONTENT_WITHIN, CONTENT_8BIT_NO_MIME, false},
	{"two Content-Type fields in a part", mixed, "--b\r\nContent-Type: a/b\r\nContent-type: a/b\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"two encodings in a part", mixed, "--b\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"blanks before a colon", mixed, "--b\r\nContent-Type : a/b\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a doubled parameter", "text/plain; charset=a; charset=a", "", CONTENT_NO_FORM, 0, false},
	{"a doubled parameter of no interest", "text/plain; x=a; x=a", "", CONTENT_WITHIN, 0, false},
	{"a doubled boundary", "multipart/mixed; boundary=c; boundary=b", "--b\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a boundary in the form of RFC 2231", "multipart/mixed; boundary=b; boundary*0=c", "--b\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a charset in the form of RFC 2231", "text/plain; charset=utf-8; charset*=utf-7", "", CONTENT_NO_FORM, 0, true},
	{"a name in the form of RFC 2231", "text/plain; name*=utf-8''a", "", CONTENT_NO_FORM, 0, true},
	{"a quote within a value", "multipart/mixed; x=a\"; boundary=c; y=\"; boundary=b", "--b\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a quote that is not closed", "text/plain; name=\"a", "", CONTENT_NO_FORM, 0, true},
	{"octets between parameters", "text/plain; name=\"a\" b", "", CONTENT_NO_FORM, 0, true},
	{"a semicolon at the end", "text/plain; charset=a;", "", CONTENT_WITHIN, 0, false},
	{"an encoding with a comment", mixed, "--b\r\nContent-Transfer-Encoding: base64 (x)\r\n\r\nQQ==\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a partial message", "message/partial; number=1", "", CONTENT_NO_FORM, 0, true},
	{"a delimiter in the preamble that is not ours", mixed, "--c\r\n\r\nB\r\n--c--\r\n--b\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a delimiter in the epilogue", mixed, "--b\r\n\r\n--b--\r\n--b\r\n\r\nB", CONTENT_NO_FORM, 0, true},
	{"a bare CR in the preamble", mixed, "x\r--b\r--b\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a part header line without a colon", mixed, "--b\r\nPay 666\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a fold before any field", mixed, "--b\r\n x\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a line of blanks in a part header", mixed, "--b\r\nX: y\r\n \r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a covered field twice", mixed, "--b\r\nContent-ID: x\r\nContent-Id: y\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"base64 without its padding", mixed, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"base64 with more padding than it takes", mixed, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQUI==\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"base64 with a single character left over", mixed, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJDQ\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"base64 with octets that do not belong", mixed, "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQ*Q==\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"base64 that goes on after its padding", "multipart/mixed; boundary=b", "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\nQQ==\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"padding and noise after it", "multipart/mixed; boundary=b", "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n!\r\n--b--", CONTENT_WITHIN, 0, false},
	{"an unreadable type", "text", "", CONTENT_NO_FORM, 0, false},
	{"an unreadable type of a part", mixed, "--b\r\nContent-Type: ;\r\n\r\n--b--", CONTENT_NO_FORM, 0, false},
	{"a line feed in a value", mixed, "--b\r\nContent-ID: x\nD:y\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a line feed in a parameter", mixed, "--b\r\nContent-Type: a/b; name=\"x\ny\"\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a folding line feed", mixed, "--b\r\nContent-ID: x\n y\r\n\r\n--b--", CONTENT_NO_FORM, 0, true},
	{"a multipart without parts", mixed, "Hello", CONTENT_NO_FORM, CONTENT_NOT_CLOSED, false},
	{"a multipart of nothing but its end", mixed, "--b--", CONTENT_NO_FORM, 0, false},
	{"a multipart that is not closed", mixed, "--b\r\n\r\nA", CONTENT_WITHIN, CONTENT_NOT_CLOSED, false},
	{"an inner one that is not closed", mixed, "--b\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\n--b--", CONTENT_WITHIN, CONTENT_NOT_CLOSED, false},
	{"a multipart without boundary", "multipart/mixed", "A", CONTENT_WITHIN, CONTENT_NO_BOUNDARY, false},
	{"one with an empty boundary", "multipart/mixed; boundary=\"\"", "A", CONTENT_WITHIN, CONTENT_NO_BOUNDARY, false},
	{"an inner boundary the same", mixed, "--b\r\nContent-Type: multipart/x; boundary=b\r\n\r\n\r\n--b--", CONTENT_NO_FORM, CONTENT_NOT_CLOSED, true},
	{"an inner boundary that begins the outer", "multipart/x; boundary=bc", "--bc\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n--bc--",
	 CONTENT_NO_FORM, 0, true},
	{"an inner boundary that goes on", mixed, "--b\r\nContent-Type: multipart/x; boundary=bc\r\n\r\n--bc\r\n\r\n--bc--\r\n--b--", CONTENT_WITHIN, 0, false},
};

static void test_checks(void)
{
	struct seen s;

	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		struct content_top top = describe(checks[i].type, NULL);
		struct span body = span_cstr(checks[i].body);

		walk(&top, body, body.n + 1, &s);
		tap_int(s.r.limit, checks[i].limit, "%s: limit", checks[i].what);
		tap_int(s.r.unsafe, checks[i].unsafe, "%s: unsafe", checks[i].what);
		tap_int(s.r.ambiguous, checks[i].ambiguous, "%s: ambiguous", checks[i].what);
		tap_ok(same_in_pieces(&top, body, &s), "%s: the same in any pieces", checks[i].what);
	}
	buf_free(&s.form);
}

static void test_top_flags(void)
{
	struct content_top top = describe("text/plain", NULL);
	struct seen s;

	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	top.header_8bit = true;
	walk(&top, span_cstr("A"), 1, &s);
	tap_ok(s.r.unsafe == 0 && !s.r.eightbit, "eight bits in the header of a MIME message");
	top.has_mime_version = false;
	walk(&top, span_cstr("A"), 1, &s);
	tap_int(s.r.unsafe, CONTENT_8BIT_NO_MIME, "the same without MIME-Version");
	top.header_8bit = false;
	walk(&top, span_cstr("A"), 1, &s);
	tap_int(s.r.unsafe, 0, "seven bits need none");
	walk(&top, span_cstr("\xFF"), 1, &s);
	tap_ok(s.r.unsafe == CONTENT_8BIT_NO_MIME && s.r.eightbit, "eight bits in the body do");
	walk(&top, span_make("A\0\r\n", 4), 4, &s);
	tap_int(s.r.unsafe, CONTENT_NUL, "a NUL");
	top.doubled = true;
	walk(&top, span_cstr("A"), 1, &s);
	tap_ok(s.r.limit == CONTENT_NO_FORM && s.r.ambiguous, "doubled fields at the top");
	buf_free(&s.form);
}

/* --- lengths ------------------------------------------------------------------------ */

static void put_many(struct buf *b, char c, size_t n)
{
	while (n--)
		buf_putc(b, c);
}

static void check_length(const char *what, const char *before, char fill, size_t n, const char *after, enum content_limit limit, unsigned unsafe, size_t longest)
{
	struct content_top top = describe(mixed, NULL);
	struct buf body;
	struct seen s;

	buf_init(&body, 1 << 20);
	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	buf_puts(&body, before);
	put_many(&body, fill, n);
	buf_puts(&body, after);
	walk(&top, buf_span(&body), body.n, &s);
	tap_int(s.r.limit, limit, "%s: limit", what);
	tap_int(s.r.unsafe, unsafe, "%s: unsafe", what);
	tap_int((long long)s.r.longest_line, (long long)longest, "%s: longest line", what);
	tap_ok(same_in_pieces(&top, buf_span(&body), &s), "%s: the same in any pieces", what);
	buf_free(&body);
	buf_free(&s.form);
}

static void test_lengths(void)
{
	static const char base64[] = "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n";

	check_length("a line of 990", "--b\r\n\r\n", 'x', 990, "\r\n--b--", CONTENT_WITHIN, 0, 990);
	check_length("a line of 991", "--b\r\n\r\n", 'x', 991, "\r\n--b--", CONTENT_WITHIN, CONTENT_LONG_LINE, 991);
	check_length("a last line of 991", "--b\r\n\r\n--b--\r\n", 'x', 991, "", CONTENT_WITHIN, CONTENT_LONG_LINE, 991);
	check_length("one of 5000 in base64", base64, 'x', 5000, "\r\n--b--", CONTENT_WITHIN, 0, 5000);
	check_length("one of 991 in the preamble", "", 'x', 991, "\r\n--b\r\n--b--", CONTENT_WITHIN, CONTENT_LONG_LINE, 991);
	check_length("a part's header line of 900", "--b\r\nX: ", 'x', 897, "\r\n\r\n--b--", CONTENT_WITHIN, 0, 900);
	check_length("one of 901", "--b\r\nX: ", 'x', 898, "\r\n\r\n--b--", CONTENT_WITHIN, CONTENT_LONG_PART_LINE, 901);
	check_length("one of 901 in an inner message", "--b\r\nContent-Type: message/rfc822\r\n\r\nX: ", 'x', 898, "\r\n\r\n--b--", CONTENT_WITHIN, CONTENT_LONG_PART_LINE, 901);
	check_length("a part's parameter of 1001", "--b\r\nContent-Type: a/b; x=", 'x', 1001, "\r\n\r\n--b--", CONTENT_WITHIN,
		     CONTENT_LONG_LINE | CONTENT_LONG_PART_LINE | CONTENT_LONG_PARAMETER, 1022);
	check_length("a delimiter line of 1024", "--b\r\n\r\n--b--", ' ', LIMIT_DELIMITER_LINE - 5, "", CONTENT_WITHIN, CONTENT_LONG_LINE, LIMIT_DELIMITER_LINE);
	check_length("one of 1025 is none", "--b\r\n\r\n--b--", ' ', LIMIT_DELIMITER_LINE - 4, "", CONTENT_WITHIN, CONTENT_LONG_LINE | CONTENT_NOT_CLOSED,
		     LIMIT_DELIMITER_LINE + 1);
	check_length("a field too large", "--b\r\nContent-ID: ", 'x', LIMIT_PART_HEADER_BYTES, "\r\n\r\n--b--", CONTENT_TOO_LARGE,
		     CONTENT_LONG_LINE | CONTENT_LONG_PART_LINE, LIMIT_PART_HEADER_BYTES + 12);
	check_length("a field too large of no interest", "--b\r\nX: ", 'x', LIMIT_PART_HEADER_BYTES, "\r\n\r\n--b--", CONTENT_WITHIN,
		     CONTENT_LONG_LINE | CONTENT_LONG_PART_LINE, LIMIT_PART_HEADER_BYTES + 3);
	check_length("too many blanks", "--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", ' ', LIMIT_QP_BLANKS + 1, "x\r\n--b--", CONTENT_TOO_LARGE,
		     CONTENT_LONG_LINE, LIMIT_QP_BLANKS + 2);
}

/* Messages inside each other: depth entities below the top one. */
static void check_depth(unsigned depth, enum content_limit limit)
{
	struct content_top top = describe("message/rfc822", NULL);
	struct buf body;
	struct seen s;

	buf_init(&body, 1 << 20);
	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	for (unsigned i = 1; i < depth; i++)
		buf_puts(&body, "Content-Type: message/rfc822\r\n\r\n");
	buf_puts(&body, "\r\nA");
	walk(&top, buf_span(&body), body.n, &s);
	tap_int(s.r.limit, limit, "depth %u", depth);
	tap_ok(same_in_pieces(&top, buf_span(&body), &s), "depth %u: the same in any pieces", depth);
	buf_free(&body);
	buf_free(&s.form);
}

static void check_parts(size_t parts, enum content_limit limit)
{
	struct content_top top = describe(mixed, NULL);
	struct buf body;
	struct seen s;

	buf_init(&body, 1 << 20);
	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	for (size_t i = 1; i < parts; i++)
		buf_puts(&body, "--b\r\n");
	buf_puts(&body, "--b--");
	walk(&top, buf_span(&body), body.n, &s);
	tap_int(s.r.limit, limit, "%zu entities", parts);
	tap_int(s.r.parts, (long long)parts, "%zu are counted", parts);
	tap_int(s.r.unsafe, 0, "%zu entities, closed", parts);
	buf_free(&body);
	buf_free(&s.form);
}

static void test_large_form(void)
{
	struct content_top top = describe(mixed, NULL);
	struct buf body;
	struct seen s;

	buf_init(&body, 2 * LIMIT_CANONICAL_BYTES);
	buf_init(&s.form, LIMIT_CANONICAL_BYTES);
	while (body.n < LIMIT_CANONICAL_BYTES) {
		buf_puts(&body, "--b\r\nContent-ID: ");
		put_many(&body, 'x', 60000);
		buf_puts(&body, "\r\n\r\n");
	}
	buf_puts(&body, "--b--");
	walk(&top, buf_span(&body), 65535, &s);
	tap_int(s.r.limit, CONTENT_TOO_LARGE, "a canonical form over the limit");
	buf_free(&body);
	buf_free(&s.form);
}

static void test_half_way(void)
{
	struct content_top top = describe(mixed, NULL);
	struct content *c = content_begin(&top);
	struct buf names;

	content_feed(c, "--b\r\nContent-Type: a", 20);
	content_free(c);
	c = content_begin(&top);
	content_feed(c, "--b\r\n\r\nA", 8);
	content_free(c);
	content_free(NULL);
	tap_ok(true, "a walk may end half-way");

	buf_init(&names, 200);
	content_unsafe_names(&names, 0);
	tap_int((long long)names.n, 0, "no names");
	content_unsafe_names(&names, CONTENT_LONG_LINE | CONTENT_NUL | CONTENT_LONG_PARAMETER);
	tap_span_is(buf_span(&names), "long-line,nul,long-parameter", "names");
	buf_free(&names);
}

int main(void)
{
	msgi_init();
	test_rules();
	test_checks();
	test_top_flags();
	test_lengths();
	check_depth(LIMIT_MIME_DEPTH, CONTENT_WITHIN);
	check_depth(LIMIT_MIME_DEPTH + 1, CONTENT_TOO_DEEP);
	check_parts(LIMIT_MIME_PARTS, CONTENT_WITHIN);
	check_parts(LIMIT_MIME_PARTS + 1, CONTENT_TOO_MANY);
	test_large_form();
	test_half_way();
	return tap_done();
}
