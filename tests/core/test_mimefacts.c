/* Facts of a body: parts, names, text, addresses; and what is made to be expensive. */
#include "config.h"

#include "core/mimefacts.h"

#include <stdio.h>

#include "core/address.h"
#include "core/buf.h"
#include "core/limits.h"
#include "tests/lib/tap.h"

static struct arena *arena;

static struct mimefacts read_all(const char *type, const char *encoding, struct span body)
{
	struct mimefacts m;

	arena_reset(arena);
	if (mimefacts_read(span_cstr(type), span_cstr(encoding), body, true, arena, &m))
		tap_bail("no memory");
	return m;
}

static struct mimefacts read_cstr(const char *type, const char *body)
{
	return read_all(type, "", span_cstr(body));
}

/* The values of a list, joined by '|'. */
static const char *join(const struct span *list, size_t n)
{
	static char text[8192];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && at < sizeof text; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s", i ? "|" : "", SPAN_ARG(list[i]));
	return text;
}

/* --- structure ---------------------------------------------------------------------- */

static void test_structure(void)
{
	static const char mixed[] = "preamble\r\n--b\r\n\r\nhello\r\n"
		"--b\r\nContent-Type: IMAGE/JPEG; name=\"Photo.JPG\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAwQF\r\n"
		"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\ninner\r\n"
		"--b\r\nContent-Type: application/smil\r\n\r\n<smil><a href=\"http://smil.example/\"/></smil>\r\n--b--\r\n";
	static const char digest[] = "--b\r\n\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--b--\r\n";
	struct mimefacts m = read_cstr("multipart/mixed; boundary=b", mixed);

	tap_ok(m.structure && !m.incomplete, "a structure");
	tap_int((long long)m.count, 4, "leaf parts");
	tap_int((long long)m.depth, 2, "a message in a multipart");
	tap_str(join(m.type, m.ntype), "text/plain|image/jpeg|text/plain|application/smil", "types");
	tap_str(join(m.name, m.nname), "photo.jpg", "a name, in lower case");
	tap_str(join(m.charset, m.ncharset), "iso-8859-1", "a charset");
	tap_str(join(m.text, m.ntext), "hello|inner", "text; application/smil is none");
	tap_int((long long)m.text_size, 10, "octets of text");
	tap_int((long long)m.nurl, 0, "and no address in it");
	tap_int((long long)m.largest, 45, "the largest");

	m = read_cstr("", "just text\r\n");
	tap_int((long long)m.count, 1, "no Content-Type: one part");
	tap_int((long long)m.depth, 0, "not nested");
	tap_str(join(m.type, m.ntype), "text/plain", "which is text");
	m = read_cstr("multipart/digest; boundary=b", digest);
	tap_str(join(m.type, m.ntype), "text/html", "parts of a digest are messages");
	m = read_cstr("multipart/mixed", "--b\r\n\r\nx\r\n");
	tap_str(join(m.type, m.ntype), "multipart/mixed", "a multipart without boundary is one part");
	m = read_cstr("multipart/mixed; boundary=b", "--b\nContent-Type: image/gif\n\nx\n--b\n\ny\n--b--\n");
	tap_str(join(m.type, m.ntype), "image/gif|text/plain", "lone line feeds end lines, too");
	m = read_all("image/png", "base64", span_cstr("QUJD\r\nREVG\r\n"));
	tap_int((long long)m.largest, 6, "decoded size of the top part");
	m = read_all("image/png", "quoted-printable", span_cstr("=41=42\r\n"));
	tap_int((long long)m.largest, 4, "with its line end");
	m = read_cstr("", "");
	tap_int((long long)m.count, 1, "an empty body");
	tap_int((long long)m.largest, 0, "has nothing in it");
}

static void test_names(void)
{
	static const struct {
		const char *header, *names;
	} cases[] = {
		{"Content-Disposition: attachment; filename=\"A B.Exe\"", "a b.exe"},
		{"Content-Disposition: attachment; filename*=utf-8''%C3%A4.exe", "\xC3\xA4.exe"},
		{"Content-Disposition: attachment; filename*0=\"a\"; filename*1=\"b.exe\"", "ab.exe"},
		{"Content-Disposition: attachment; filename=\"=?utf-8?Q?a=2Eexe?=\"", "a.exe"},
		{"Content-Type: image/gif; name=x.gif\r\nContent-Disposition: inline; filename=x.gif", "x.gif"},
		{"Content-Type: image/gif; name=x.apk\r\nContent-Disposition: inline; filename=x.gif", "x.gif|x.apk"},
		{"Content-Type: image/gif;\r\n name=x.gif", "x.gif"},
		{"Content-Disposition: attachment; filename*=x-none''a.apk", "filename*=x-none''a.apk"},
		{"Content-Disposition: attachment; filename=\"=?x-none?Q?a.apk?=\"", "filename=\"=?x-none?q?a.apk?=\""},
		{"Content-Disposition: attachment", ""},
		{"Content-Type: image/gif; name=", ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char body[500];
		struct mimefacts m;

		snprintf(body, sizeof body, "--b\r\n%s\r\n\r\nx\r\n--b--\r\n", cases[i].header);
		m = read_cstr("multipart/mixed; boundary=b", body);
		tap_str(join(m.name, m.nname), cases[i].names, "names of header %zu", i);
	}
}

/* --- text ----------------------------------------------------------------------------- */

static void test_charsets(void)
{
	static const struct {
		const char *type, *body, *text;
	} cases[] = {
		{"text/plain; charset=utf-8", "\xE2\x82\xAC", "\xE2\x82\xAC"},
		{"text/plain", "\xE2\x82\xAC", "\xE2\x82\xAC"},
		{"text/plain; charset=us-ascii", "a\xFF" "b", "a\xEF\xBF\xBD" "b"},
		{"text/plain; charset=ISO-8859-1", "\xE4", "\xC3\xA4"},
		{"text/plain; charset=\"windows-1252\"", "\x80", "\xE2\x82\xAC"},
		{"text/plain; charset=shift_jis", "\x83\x65", "\xE3\x83\x86"},
		{"text/plain; charset=gb2312", "\xD6\xD0", "\xE4\xB8\xAD"},
		{"text/plain; charset=iso-2022-jp", "\x1B$B$F\x1B(B!", "\xE3\x81\xA6!"},
		{"text/plain; charset=utf-7", "+IKw-", "\xE2\x82\xAC"},
		{"text/plain; charset=utf-8", "a\xE2\x82", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"text/plain; charset=euc-jp", "a\xA4", "a\xEF\xBF\xBD"},
		{"text/plain; charset=windows-1255", "\xF9", "\xD7\xA9"},
		{"text/plain; charset=x-unknown", "a\xE4", "a\xEF\xBF\xBD"},
		{"text/plain; charset=\"iso-8859-1//translit\"", "\xE4", "\xEF\xBF\xBD"},
		{"text/x-vcard; charset=utf-8", "BEGIN:VCARD", "BEGIN:VCARD"},
	};
	struct mimefacts m;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		m = read_cstr(cases[i].type, cases[i].body);
		tap_str(join(m.text, m.ntext), cases[i].text, "%s: %s", cases[i].type, cases[i].text);
	}
	m = read_all("text/plain; charset=utf-16", "", span_make("\0h\0i", 4));
	tap_str(join(m.text, m.ntext), "hi", "UTF-16 is big-endian");
	m = read_all("text/plain; charset=utf-16", "", span_make("\xFF\xFEh\0i\0", 6));
	tap_str(join(m.text, m.ntext), "hi", "unless its mark says else");
	m = read_all("text/plain", "", span_make("a\0b", 3));
	tap_str(join(m.text, m.ntext), "a\xEF\xBF\xBD" "b", "NUL hides nothing");
	m = read_all("text/plain", "base64", span_cstr("aGVsbG8="));
	tap_str(join(m.text, m.ntext), "hello", "base64");
	arena_reset(arena);
	if (mimefacts_read(span_cstr(""), span_cstr(""), span_cstr("http://a.example/"), false, arena, &m))
		tap_bail("no memory");
	tap_ok(m.count == 1 && !m.ntext && !m.nurl, "no text unless asked for");
}

static void test_html(void)
{
	static const struct {
		const char *html, *text;
	} cases[] = {
		{"<b>a</b>b", "ab"},
		{"a<br>b<P>c</p>", "a\nb\nc\n"},
		{"a<!-- x > y -->b", "ab"},
		{"a<!-->b", "ab"},
		{"a<!--->b-->c", "ab-->c"},
		{"a<!-- x --!>b", "ab"},
		{"a<!-- x", "a"},
		{"a<!DOCTYPE html>b<?php x?>c</ >d", "abcd"},
		{"a<script>if (a<b) x</scripty></SCRIPT >b", "ab"},
		{"a<style>x", "a"},
		{"a<i title='>'>b", "ab"},
		{"a<i title=\">\" x=y>b", "ab"},
		{"a<i title=\"", "a"},
		{"a < b &amp; c &lt;d&gt; &quot;&#65;&#x42;&#x43", "a < b & c <d> \"ABC"},
		{"&nope; &amp &euro;&#0;&#x110000;&#99999999999999999999;", "&nope; &amp \xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
		{"<", "<"}, {"a</", "a"}, {"<a", ""}, {"<a =", ""}, {"<a b=", ""}, {"&", "&"}, {"&#", "&#"}, {"&#x", "&#x"}, {"<!", ""}, {"<!--", ""}, {"<style", ""},
	};
	struct mimefacts m;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		m = read_cstr("text/html", cases[i].html);
		tap_str(join(m.text, m.ntext), cases[i].text, "%s", cases[i].html);
	}
	m = read_cstr("text/html", "<a HREF=\"https://a.example/?x=1&amp;y\">go</a> <img src=//b.example/i.gif> <a href='mailto:x@y.example'>"
		"<a href=\" http://c.exa\nmple/\"> <a\thref = http://d.example/>text http://a.example");
	tap_str(join(m.url, m.nurl), "https://a.example/?x=1&y|//b.example/i.gif|http://c.example/|http://d.example/|http://a.example", "addresses of tags and text");
}

/* --- addresses --------------------------------------------------------------------------- */

static void test_urls(void)
{
	static const struct {
		const char *text, *urls, *hosts;
	} cases[] = {
		{"go to http://bit.ly/x now", "http://bit.ly/x", "bit.ly"},
		{"HTTPS://Bit.LY./x", "HTTPS://Bit.LY./x", "bit.ly"},
		{"see www.example.net.", "www.example.net", "www.example.net"},
		{"(http://a.example/b)", "http://a.example/b", "a.example"},
		{"http://a.example/b_(c)", "http://a.example/b_(c)", "a.example"},
		{"http://a.example/b!?), x", "http://a.example/b", "a.example"},
		{"<http://a.example/>x", "http://a.example/", "a.example"},
		{"\"http://a.example\"", "http://a.example", "a.example"},
		{"http://user:pw@evil.example:8080/", "http://user:pw@evil.example:8080/", "evil.example"},
		{"http://good.example@evil.example", "http://good.example@evil.example", "evil.example"},
		{"http://evil.example\\@good.example/", "http://evil.example\\@good.example/", "evil.example"},
		{"http://evil.example?@good.example/", "http://evil.example?@good.example/", "evil.example"},
		{"http://[2001:DB8::1]:80/", "http://[2001:DB8::1]:80/", "2001:db8::1"},
		{"http://192.0.2.1/x", "http://192.0.2.1/x", "192.0.2.1"},
		{"http://b%69t.ly/", "http://b%69t.ly/", "bit.ly"},
		{"http://b\xC3\xBC" "cher.example/", "http://b\xC3\xBC" "cher.example/", "xn--bcher-kva.example"},
		{"http://B\xC3\x9C" "CHER.example/", "http://B\xC3\x9C" "CHER.example/", "xn--bcher-kva.example"},
		{"bit.ly/abc", "bit.ly/abc", "bit.ly"},
		{"tap bit.ly/abc, quick", "bit.ly/abc", "bit.ly"},
		{"\xE7\x82\xB9t.cn/abc\xE3\x80\x82", "t.cn/abc", "t.cn"},
		{"xhttp://a.example/", "http://a.example/", "a.example"},
		{"ftp://a.example/ http:// https:///x http://%/", "", ""},
		{"and/or 1/2 12.5/3 a.b/c .com/x +1555/TYPE=PLMN@a.example x@a.example/y", "", ""},
		{"www. www www.. xwww.a.example", "", ""},
		{"http://a.example http://a.example\thttp://b.example", "http://a.example|http://b.example", "a.example|b.example"},
		{"http://a.example\xC2\xA0x http://b.example\xE2\x80\x8Bx", "http://a.example|http://b.example", "a.example|b.example"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mimefacts m = read_cstr("text/plain", cases[i].text);

		tap_str(join(m.url, m.nurl), cases[i].urls, "%s", cases[i].text);
		tap_str(join(m.host, m.nurl), cases[i].hosts, "its hosts");
	}
}

/* --- limits --------------------------------------------------------------------------------- */

static struct buf big;

static void repeat(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_puts(&big, text);
}

static struct mimefacts read_big(const char *type)
{
	if (big.failed)
		tap_bail("no memory");
	return read_all(type, "", buf_span(&big));
}

static void test_structure_limits(void)
{
	static const char *const mixed = "multipart/mixed; boundary=b";
	struct mimefacts m;
	char text[100];

	buf_init(&big, 16 * 1024 * 1024);
	repeat("--b\r\n\r\n", LIMIT_MIME_PARTS - 1);
	m = read_big(mixed);
	tap_ok(m.structure && m.count == LIMIT_MIME_PARTS - 1, "as many parts as allowed");
	repeat("--b\r\n\r\n", 1);
	m = read_big(mixed);
	tap_ok(!m.structure && m.incomplete && !m.count && !m.ntype, "one more, and there is no structure");
	for (unsigned depth = LIMIT_MIME_DEPTH - 1; depth <= LIMIT_MIME_DEPTH; depth++) {
		buf_reset(&big);
		for (unsigned i = 0; i < depth; i++) {
			snprintf(text, sizeof text, "--%s%u\r\nContent-Type: multipart/mixed; boundary=b%u\r\n\r\n", i ? "b" : "a", i ? i - 1 : 0, i);
			buf_puts(&big, text);
		}
		snprintf(text, sizeof text, "--b%u\r\n\r\nx", depth - 1);
		buf_puts(&big, text);
		m = read_big("multipart/mixed; boundary=a0");
		tap_int(m.structure, depth < LIMIT_MIME_DEPTH, "multiparts %u deep", depth);
	}
	buf_reset(&big);
	repeat("Content-Type: message/rfc822\r\n\r\n", 10000);
	m = read_big("message/rfc822");
	tap_ok(!m.structure && m.incomplete, "messages in messages without end");
	buf_reset(&big);
	buf_puts(&big, "--b\r\nContent-Type: text/plain; name=");
	repeat("x", LIMIT_PART_HEADER_BYTES);
	buf_puts(&big, "\r\n\r\nx");
	m = read_big(mixed);
	tap_ok(!m.structure, "a part's header that is too large");
	buf_reset(&big);
	buf_puts(&big, "To: ");
	repeat("a:", LIMIT_PART_HEADER_BYTES / 2 - 100);
	buf_puts(&big, "\r\nSubject: =?x?q?y?=\r\n\r\nhello");
	m = read_big("message/rfc822");
	tap_str(join(m.text, m.ntext), "hello", "groups within groups in an attached message are nobody's concern");
	buf_free(&big);
}

static void test_text_limits(void)
{
	struct mimefacts m;
	char text[100];

	buf_init(&big, 16 * 1024 * 1024);
	repeat("x", MIMEFACTS_TEXT_MAX);
	m = read_big("text/plain");
	tap_ok(!m.incomplete && m.text_size == MIMEFACTS_TEXT_MAX, "as much text as allowed");
	repeat("y", 1);
	m = read_big("text/plain");
	tap_ok(m.structure && m.incomplete && m.text_size == MIMEFACTS_TEXT_MAX && m.largest == MIMEFACTS_TEXT_MAX + 1, "more is said to be more");
	buf_reset(&big);
	repeat("\xFF", MIMEFACTS_TEXT_MAX / 2);
	m = read_big("text/plain");
	tap_ok(m.incomplete && m.text_size <= MIMEFACTS_TEXT_MAX, "also when it grows on the way to UTF-8");
	buf_reset(&big);
	repeat("--b\r\n\r\n", 3);
	repeat("x", MIMEFACTS_TEXT_MAX);
	buf_puts(&big, "\r\n--b\r\n\r\ny\r\n--b--");
	m = read_big("multipart/mixed; boundary=b");
	tap_ok(m.incomplete && m.ntext == 4 && m.text_size == MIMEFACTS_TEXT_MAX, "of all parts together");
	buf_reset(&big);
	repeat("--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\xE4\r\n", 100);
	m = read_big("multipart/mixed; boundary=b");
	tap_ok(!m.incomplete && m.ntext == 100, "as many conversions as allowed");
	tap_span_is(m.text[99], "\xC3\xA4\r\n", "the last one");
	repeat("--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\xE4\r\n--b\r\n\r\n\xC3\xA4\r\n", 1);
	m = read_big("multipart/mixed; boundary=b");
	tap_ok(m.incomplete && m.ntext == 102, "one more");
	tap_span_is(m.text[100], "\xEF\xBF\xBD", "is not converted");
	tap_span_is(m.text[101], "\xC3\xA4\r\n", "what is UTF-8 costs nothing");
	buf_reset(&big);
	for (unsigned i = 0; i < MIMEFACTS_URLS_MAX; i++) {
		snprintf(text, sizeof text, "http://a.example/%u http://a.example/%u ", i, i);
		buf_puts(&big, text);
	}
	m = read_big("text/plain");
	tap_ok(!m.incomplete && m.nurl == MIMEFACTS_URLS_MAX, "as many addresses as allowed, twice");
	repeat("http://b.example/", 1);
	m = read_big("text/plain");
	tap_ok(m.incomplete && m.nurl == MIMEFACTS_URLS_MAX, "one more");
	buf_reset(&big);
	repeat("http://a.example/", 1);
	repeat("x", MIMEFACTS_URL_BYTES);
	m = read_big("text/plain");
	tap_ok(m.incomplete && !m.nurl, "an address that is too long");
	m = read_big("text/html");
	tap_ok(m.incomplete && !m.nurl, "also in HTML");
	buf_free(&big);
}

static void test_memory(void)
{
	struct arena *small = arena_new(64);
	struct mimefacts m;

	struct span text = span_cstr("a text that is longer than an arena of 64 octets can hold, surely");

	tap_int(mimefacts_read(span_cstr("text/plain"), span_cstr(""), text, true, small, &m), -1, "no memory is said");
	tap_ok(!m.structure && m.incomplete && !m.ntext, "and nothing is given then");
	arena_free(small);
}

int main(void)
{
	address_init();
	arena = arena_new(LIMIT_MESSAGE_ARENA);
	test_structure();
	test_names();
	test_charsets();
	test_html();
	test_urls();
	test_structure_limits();
	test_text_limits();
	test_memory();
	arena_free(arena);
	return tap_done();
}
