/* Charsets: which are known, header values as people read them, and what GMime must not see. */
#include "config.h"

#include "core/charset.h"

#include "core/address.h"
#include "tests/lib/tap.h"

static void test_names(void)
{
	tap_str(charset_iconv_name(span_cstr(" ISO-8859-1 ")), "ISO-8859-1", "case and blanks do not matter");
	tap_str(charset_iconv_name(span_cstr("US-ASCII")), "UTF-8", "ASCII is UTF-8");
	tap_ok(!charset_iconv_name(span_cstr("")), "no name is none");
	tap_ok(!charset_iconv_name(span_cstr("utf-8//translit")), "iconv's own suffixes are none");
	tap_ok(!charset_iconv_name(span_cstr("iso-2022-cn-ext")), "what the C library knows besides is none");
}

static void test_known(void)
{
	static const struct {
		const char *value;
		bool known;
	} cases[] = {
		{"", true},
		{"plain = ? text", true},
		{"=?utf-8?q?a?= =?ISO-8859-1*de?b?YQ==?=", true},
		{"=?utf-8?q?a?= =?x-1?b?YQ==?=", false},
		{"=?=?utf-8?q?a?=", false},
		{"=??q?a?=", false},
		{"=?x-1", true},
		{"a; filename*=utf-8''b", true},
		{"a; filename*=''b", true},
		{"a; filename*0*=utf-8'en'b; filename*1=c", true},
		{"a; filename*=x-1''b", false},
		{"a; filename*0*=\"x-1'en'b\"", false},
		{"a; filename*(c)= x-1''b", false},
		{"a; filename*=\"utf-8''b\"; x=y", true},
		{"a; filename=\"b\"; filename*=UTF-8''%C3%A4.gif", true},
		{"a; filename*0=\"utf-8''b\"", true},
		{"a; filename* =x-1''b", false},
		{"a; filename*= x-1''b", false},
		{"a; filename*= utf-8''b", false},
		{"a; filename*=\"x-1 utf-8''b\"", false},
		{"a; filename*=\"x-1=utf-8''b\"", false},
		{"a; filename*=\"x-1*=utf-8''b\"", false},
		{"a; filename*=!utf-8''b", false},
		{"a; filename*=x-1 y=\"8''b\"", false},
		{"a; filename*=%75tf-8''b", false},
		{"a; x=b\"c; filename*=x-1''\"", false},
		{"a; x=\"b\"c; filename*=x-1''", false},
		{"a; x=\"b; filename*=x-1''", false},
		{"a; x=\\\"; filename*=x-1''\"", false},
		{"x=\"a; filename*=x-1''b\"", false},
		{"a; filename=\"=\\?x-1?q?b?=\"", false},
		{"a; filename*0=\"=\"; filename*1=\"?x-1?q?b?=\"", false},
		{"a; filename=\"=?utf-8?q?b?=\"; filename*=utf-8''b", true},
		{"=? utf-8?q?b?=", false},
		{"=?utf-8\t?q?b?=", false},
		{"a; filename=\"it's\"", true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tap_int(charset_parameters_known(span_cstr(cases[i].value)), cases[i].known, "known or not, %zu", i);
}

static void test_header(void)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{" plain ", "plain"},
		{"=?utf-8?q?a_b?=\n =?utf-8?b?Yw==?=", "a bc"},
		{"folded\n text\r\n\tmore", "folded text more"},
		{"=?iso-8859-1?q?=E4=0A=00x?=", "\xC3\xA4"},
		{"=?x-1?q?a?=", "=?x-1?q?a?="},
		{"*don't* \"=?utf-8?q?b?=\" (", "*don't* \"b\" ("},
		{"\xE4 =?utf-8?q?b?=", "\xEF\xBF\xBD b"},
		{"\x01tab\there", "tab here"},
	};
	char big[CHARSET_VALUE_MAX + 1];
	struct buf out;

	buf_init(&out, 4 * CHARSET_VALUE_MAX);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_reset(&out);
		tap_int(charset_header_text(&out, span_cstr(cases[i].value)), 0, "value %zu is read", i);
		tap_span_is(span_trim(buf_span(&out)), cases[i].text, "value %zu", i);
	}
	memset(big, 'x', sizeof big);
	buf_reset(&out);
	tap_int(charset_header_text(&out, span_make(big, CHARSET_VALUE_MAX)), 0, "as long as allowed");
	tap_int((long long)out.n, CHARSET_VALUE_MAX, "all of it");
	tap_int(charset_header_text(&out, span_make(big, sizeof big)), -1, "one octet more");
	buf_free(&out);
}

static void test_full(void)
{
	struct buf out;

	buf_init(&out, 4);
	tap_int(charset_to_utf8(&out, span_cstr("iso-8859-1"), span_cstr("a\xE4\xE4")), -1, "no room");
	tap_span_is(buf_span(&out), "a\xC3\xA4", "the beginning, no half character");
	buf_free(&out);
	buf_init(&out, 5);
	tap_int(charset_to_utf8(&out, span_cstr("iso-8859-1"), span_cstr("a\xE4\xE4")), 0, "just room");
	buf_free(&out);
	buf_init(&out, 100);
	tap_int(charset_to_utf8(&out, span_cstr("windows-1258"), span_cstr("a")), 0, "a charset that waits for an accent");
	tap_span_is(buf_span(&out), "a", "nothing is held back at the end");
	buf_free(&out);
}

int main(void)
{
	address_init();
	test_names();
	test_known();
	test_header();
	test_full();
	return tap_done();
}
