/* Transfer decoders: table of texts, each in every way to cut it in two, and by single octets. */
#include "config.h"

#include "core/transfer.h"

#include <stdlib.h>

#include "core/buf.h"
#include "tests/lib/tap.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}

static void sink(void *ctx, const void *p, size_t n)
{
	buf_put(ctx, p, n);
}

/* Pieces of first, then of step octets. */
static void decode(enum transfer_kind kind, struct span in, size_t first, size_t step, struct buf *out, bool *failed)
{
	struct transfer t;

	buf_reset(out);
	transfer_begin(&t, kind, sink, out);
	for (size_t i = 0; i < in.n;) {
		size_t n = i ? step : first;

		if (n > in.n - i)
			n = in.n - i;
		transfer_feed(&t, in.p + i, n);
		i += n;
	}
	transfer_end(&t);
	*failed = t.failed;
}

static void check(enum transfer_kind kind, struct span in, struct span want, const char *what, size_t i)
{
	struct buf out;
	bool failed, same = true;

	buf_init(&out, 1 << 24);
	decode(kind, in, in.n, 1, &out, &failed);
	tap_span(buf_span(&out), want, "%s %zu", what, i);
	for (size_t cut = 1; cut < in.n && cut < 200; cut++) {
		decode(kind, in, cut, in.n, &out, &failed);
		same = same && span_eq(buf_span(&out), want);
		decode(kind, in, 1, cut, &out, &failed);
		same = same && span_eq(buf_span(&out), want);
	}
	tap_ok(same, "%s %zu: the same in any pieces", what, i);
	buf_free(&out);
}

static void test_kind(void)
{
	static const struct {
		struct span text;
		enum transfer_kind kind;
	} t[] = {
		{SPAN("base64"), TRANSFER_BASE64}, {SPAN(" BASE64\t"), TRANSFER_BASE64}, {SPAN("\r\n base64"), TRANSFER_BASE64},
		{SPAN("Quoted-Printable"), TRANSFER_QP}, {SPAN("7bit"), TRANSFER_IDENTITY}, {SPAN(""), TRANSFER_IDENTITY},
		{SPAN("base64;"), TRANSFER_IDENTITY}, {SPAN("base 64"), TRANSFER_IDENTITY}, {SPAN("x-uuencode"), TRANSFER_IDENTITY},
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		tap_int(transfer_kind(t[i].text), t[i].kind, "kind %zu", i);
}

static void test_base64(void)
{
	static const struct {
		struct span in, want;
	} t[] = {
		{SPAN(""), SPAN("")},
		{SPAN("QUJD"), SPAN("ABC")},
		{SPAN("QUI="), SPAN("AB")},
		{SPAN("QQ=="), SPAN("A")},
		{SPAN("QUI"), SPAN("AB")},
		{SPAN("QQ"), SPAN("A")},
		{SPAN("QUJDR"), SPAN("ABC")},
		{SPAN("QR=="), SPAN("A")},
		{SPAN("QUJD\r\nREVG\r\n"), SPAN("ABCDEF")},
		{SPAN("QUJ!\r\n D"), SPAN("ABC")},
		{SPAN("QUI=QUJD"), SPAN("AB")},
		{SPAN("=QUJD"), SPAN("")},
		{SPAN("\0Q\xFFU-J_D.[`{@"), SPAN("ABC")},
		{SPAN("+/+/"), SPAN("\xFB\xFF\xBF")},
		{SPAN("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
		 SPAN("\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51\x55\x97\x61\x96\x9b\x71\xd7\x9f"
		      "\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf")},
		{SPAN("VGhpcyBpcyBhIGxpbmUgdGhhdCBpcyBsb25n\r\nVGhpcyBpcyBhIGxpbmUgdGhhdCBpcyBsb25n\r\nQQ==\r\n"),
		 SPAN("This is a line that is longThis is a line that is longA")},
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		check(TRANSFER_BASE64, t[i].in, t[i].want, "base64", i);
}

/* Every octet alone, in the middle of a run long enough for the fast way. */
static void test_base64_alphabet(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[33];
	unsigned wrong = 0;
	struct buf out;
	bool failed;

	buf_init(&out, 1024);
	for (unsigned c = 0; c < 256; c++) {
		const char *at = c ? strchr(alphabet, (int)c) : NULL;
		size_t want = at ? 24 : c == '=' ? 13 : 23;

		memset(text, 'A', sizeof text);
		text[18] = (char)c;
		decode(TRANSFER_BASE64, span_make(text, 32), 32, 32, &out, &failed);
		if (out.n != want || (at && (unsigned char)out.p[13] != (unsigned)(at - alphabet) << 6 >> 8))
			wrong++;
		if (at && (unsigned char)out.p[14] != ((unsigned)(at - alphabet) << 6 & 0xFF))
			wrong++;
	}
	tap_int(wrong, 0, "all 256 octets, each in its class");
	buf_free(&out);
}

/* One character after the other; what test_base64_random() compares with. */
static void plain_decode(const char *p, size_t n, struct buf *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, nbits = 0;

	for (size_t i = 0; i < n && p[i] != '='; i++) {
		const char *at = p[i] ? strchr(alphabet, p[i]) : NULL;

		if (!at)
			continue;
		bits = (bits << 6 | (unsigned)(at - alphabet)) & 0xFFFF;
		nbits += 6;
		if (nbits >= 8) {
			nbits -= 8;
			buf_putc(out, (char)(bits >> nbits & 0xFF));
		}
	}
}

static void test_base64_random(void)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static char text[20000];
	struct buf want, got;
	unsigned wrong = 0;
	bool failed;

	srand(1);
	buf_init(&want, 1 << 20);
	buf_init(&got, 1 << 20);
	for (int round = 0; round < 300; round++) {
		size_t n = 0, line = 1 + (size_t)rand() % 120, junk = (size_t)rand() % 3 ? 0 : 1 + (size_t)rand() % 200;

		while (n < sizeof text - 2) {
			text[n++] = junk && (size_t)rand() % (junk * 4) == 0 ? "!\n\r -"[rand() % 5] : chars[rand() % 64];
			if (n % (line + 2) == line) {
				memcpy(text + n, "\r\n", 2);
				n += 2;
			}
		}
		buf_reset(&want);
		plain_decode(text, n, &want);
		decode(TRANSFER_BASE64, span_make(text, n), 1 + (size_t)rand() % n, 1 + (size_t)rand() % 5000, &got, &failed);
		wrong += !span_eq(buf_span(&want), buf_span(&got));
	}
	tap_int(wrong, 0, "300 random texts as a plain decoder reads them");
	buf_free(&want);
	buf_free(&got);
}

static void test_qp(void)
{
	static const struct {
		struct span in, want;
	} t[] = {
		{SPAN(""), SPAN("")},
		{SPAN("plain text"), SPAN("plain text")},
		{SPAN("a=3Db=c3=A9"), SPAN("a=b\xC3\xA9")},
		{SPAN("soft=\r\nbreak"), SPAN("softbreak")},
		{SPAN("soft= \t \r\nbreak"), SPAN("softbreak")},
		{SPAN("blanks \t \r\nnext  "), SPAN("blanks\r\nnext")},
		{SPAN("kept =20\r\n"), SPAN("kept  \r\n")},
		{SPAN("a =\r\nb"), SPAN("a b")},
		{SPAN("at the end ="), SPAN("at the end ")},
		{SPAN("crlf=0D=0A="), SPAN("crlf\r\n")},
		{SPAN("=4"), SPAN("=4")},
		{SPAN("=4\r\n"), SPAN("=4\r\n")},
		{SPAN("=4 \r\n"), SPAN("=4\r\n")},
		{SPAN("=ZZ=4Z==41="), SPAN("=ZZ=4Z=A")},
		{SPAN("==\r\nx"), SPAN("=x")},
		{SPAN("= x"), SPAN("= x")},
		{SPAN("=4=41"), SPAN("=4A")},
		{SPAN("=\rx=\r\r\n"), SPAN("=\rx=\r\r\n")},
		{SPAN("a \r b \n c \r"), SPAN("a \r b \n c \r")},
		{SPAN("=\n"), SPAN("=\n")},
		{SPAN("=\r"), SPAN("=\r")},
		{SPAN("\r\n \r\n=00\xFF"), SPAN("\r\n\r\n\0\xFF")},
	};

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
		check(TRANSFER_QP, t[i].in, t[i].want, "quoted-printable", i);
}

static void test_qp_blanks(void)
{
	static char text[LIMIT_QP_BLANKS + 4];
	struct buf out;
	bool failed;

	buf_init(&out, 1 << 20);
	memset(text, ' ', sizeof text);
	memcpy(text + LIMIT_QP_BLANKS, "\r\nx", 3);
	decode(TRANSFER_QP, span_make(text, LIMIT_QP_BLANKS + 3), 1000, 77, &out, &failed);
	tap_ok(!failed, "as many blanks as can be held");
	tap_span_is(buf_span(&out), "\r\nx", "are dropped before a line end");
	memset(text, ' ', sizeof text);
	memcpy(text + LIMIT_QP_BLANKS + 1, "\r\n", 2);
	decode(TRANSFER_QP, span_make(text, LIMIT_QP_BLANKS + 3), 1000, 77, &out, &failed);
	tap_ok(failed, "one more is a failure");
	buf_free(&out);
}

static void test_identity(void)
{
	struct span s = SPAN("a\0\r\n=41 \xFF");

	check(TRANSFER_IDENTITY, s, s, "identity", 0);
}

int main(void)
{
	test_kind();
	test_base64();
	test_base64_alphabet();
	test_base64_random();
	test_qp();
	test_qp_blanks();
	test_identity();
	return tap_done();
}
