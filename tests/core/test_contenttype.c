/* Content-Type values, good, bad and strange. */
#include "config.h"

#include "core/contenttype.h"

#include "core/buf.h"
#include "tests/lib/tap.h"

#define SPAN(literal) {literal, sizeof(literal) - 1}

/* "type|name=value|name=value" */
static void show(const struct contenttype *ct, struct buf *out)
{
	buf_reset(out);
	buf_put_span(out, ct->type);
	for (size_t i = 0; i < ct->nparam; i++) {
		buf_putc(out, '|');
		buf_put_span(out, ct->param[i].name);
		buf_putc(out, '=');
		buf_put_span(out, ct->param[i].value);
	}
}

static void test_values(void)
{
	static const struct {
		struct span in, want;
	} t[] = {
		{SPAN("text/plain"), SPAN("text/plain")},
		{SPAN("  Text / PLAIN  "), SPAN("text/plain")},
		{SPAN("text/plain; charset=UTF-8"), SPAN("text/plain|charset=UTF-8")},
		{SPAN("text/plain;charset = \"us-ascii\" ;format=flowed;"), SPAN("text/plain|charset=us-ascii|format=flowed")},
		{SPAN("multipart/related;\r\n boundary=\"a b\";\n\ttype=\"image/gif\""), SPAN("multipart/related|boundary=a b|type=image/gif")},
		{SPAN("text/plain; name=\"a \\\"b\\\" \\\\\""), SPAN("text/plain|name=a \"b\" \\")},
		{SPAN("text/plain; NAME=x; name=y"), SPAN("text/plain|name=x|name=y")},
		{SPAN("text/plain (a comment); charset=x (another)"), SPAN("text/plain|charset=x")},
		{SPAN("text/(c)plain"), SPAN("text/plain")},
		{SPAN("text/plain; a=b (nested (one) \\) two); c=d"), SPAN("text/plain|a=b|c=d")},
		{SPAN("image/jpeg; name=\"Photo(1).jpg\""), SPAN("image/jpeg|name=Photo(1).jpg")},
		{SPAN("image/jpeg; name=(c)\"Photo(1).jpg\"(d); x=y"), SPAN("image/jpeg|name=Photo(1).jpg|x=y")},
		{SPAN("image/jpeg; name=Photo(1).jpg"), SPAN("image/jpeg|name=Photo.jpg")},
		{SPAN("image/jpeg; name=Photo(1.jpg"), SPAN("image/jpeg|name=Photo(1.jpg")},
		{SPAN("image/jpeg; name=\"unclosed; x=y"), SPAN("image/jpeg|name=\"unclosed|x=y")},
		{SPAN("image/jpeg; name=it\"s (c); x=\"(\"; y=z"), SPAN("image/jpeg|name=it\"s|x=(|y=z")},
		{SPAN("image/jpeg; name=\"a\\\n\"; x=y"), SPAN("image/jpeg|name=\"a\\|x=y")},
		{SPAN("image/jpeg; name="), SPAN("image/jpeg|name=")},
		{SPAN("image/jpeg; name=\"\"; x=y"), SPAN("image/jpeg|name=|x=y")},
		{SPAN("image/jpeg; name; x=y"), SPAN("image/jpeg|x=y")},
		{SPAN("image/jpeg; a b=c; x=y"), SPAN("image/jpeg|x=y")},
		{SPAN("image/jpeg junk; x=\"y\"junk; z=1"), SPAN("image/jpeg|x=y|z=1")},
		{SPAN("image/jpeg;; x=y"), SPAN("image/jpeg|x=y")},
		{SPAN("image/jpeg/x;a==b"), SPAN("image/jpeg/x|a==b")},
		{SPAN("image/jpeg; a=b\0c; d=\"\0\""), SPAN("image/jpeg|a=b\0c|d=\0")},
		{SPAN("application/x; name*0=a; name*1=b"), SPAN("application/x|name*0=a|name*1=b")},
		{SPAN(""), SPAN("")},
		{SPAN(" "), SPAN("")},
		{SPAN("text"), SPAN("")},
		{SPAN("text/"), SPAN("")},
		{SPAN("/plain"), SPAN("")},
		{SPAN("text/;charset=x"), SPAN("")},
		{SPAN("; name=\"\""), SPAN("")},
		{SPAN("(all of it)"), SPAN("")},
	};
	struct arena *a = arena_new(1 << 20);
	struct contenttype ct;
	struct buf out;

	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		tap_int(contenttype_parse(t[i].in, a, &ct), 0, "value %zu is read", i);
		show(&ct, &out);
		tap_span(buf_span(&out), t[i].want, "value %zu", i);
	}
	buf_free(&out);
	arena_free(a);
}

static void test_flags(void)
{
	struct arena *a = arena_new(1 << 20);
	struct contenttype ct;
	struct span value;
	struct buf b;

	buf_init(&b, 1 << 16);
	tap_int(contenttype_parse(span_cstr("a/b; x=1; y=2; X=3"), a, &ct), 0, "doubled");
	tap_ok(ct.doubled && !ct.overflow && !ct.long_param, "is said");
	tap_ok(contenttype_param(&ct, "x", &value), "and found");
	tap_span_is(value, "3", "the last value counts");
	tap_ok(!contenttype_param(&ct, "z", &value), "an absent one isn't");

	buf_puts(&b, "a/b; name=\"");
	for (int i = 0; i < 1000; i++)
		buf_putc(&b, 'x');
	buf_puts(&b, "\"");
	tap_ok(contenttype_parse(buf_span(&b), a, &ct) == 0 && !ct.long_param, "a parameter of 1000");
	b.p[b.n - 1] = 'x';
	buf_puts(&b, "\"");
	tap_ok(contenttype_parse(buf_span(&b), a, &ct) == 0 && ct.long_param, "a parameter of 1001 is long");

	buf_reset(&b);
	buf_puts(&b, "a/b");
	for (int i = 0; i < CONTENTTYPE_PARAMS_MAX; i++)
		buf_printf(&b, "; p%d=x", i);
	tap_ok(contenttype_parse(buf_span(&b), a, &ct) == 0 && !ct.overflow, "as many parameters as there may be");
	buf_puts(&b, "; one=more");
	tap_ok(contenttype_parse(buf_span(&b), a, &ct) == 0 && ct.overflow, "one more");
	tap_int((long long)ct.nparam, CONTENTTYPE_PARAMS_MAX, "is left out");
	buf_free(&b);
	arena_free(a);
}

static void test_full_arena(void)
{
	struct arena *a = arena_new(8);
	struct contenttype ct;

	tap_int(contenttype_parse(span_cstr("text/plain; charset=x"), a, &ct), -1, "a full arena");
	arena_free(a);
}

/* None of these may take more than linear time: 1 MB each would not end otherwise. */
static void test_hostile(void)
{
	static const char *const unit[] = {"(", "=\"", "(\\", ";a=\"", "\"", ";", ";a", "((a)", "=\"\\\n", "\r\n ", ";a=(", ")"};
	struct arena *a = arena_new(4 << 20);
	struct contenttype ct;
	struct buf b;

	buf_init(&b, 2 << 20);
	for (size_t i = 0; i < sizeof unit / sizeof unit[0]; i++) {
		buf_reset(&b);
		buf_puts(&b, "a/b;");
		while (b.n < 1 << 20)
			buf_puts(&b, unit[i]);
		arena_reset(a);
		tap_int(contenttype_parse(buf_span(&b), a, &ct), 0, "hostile %zu", i);
	}
	buf_free(&b);
	arena_free(a);
}

int main(void)
{
	test_values();
	test_flags();
	test_full_arena();
	test_hostile();
	return tap_done();
}
