/* Authentication-Results of other filters: all of the grammar, and nothing else. */
#include "config.h"

#include "core/authres_read.h"

#include "core/buf.h"
#include "tests/lib/tap.h"

static struct arena *arena;
static struct buf text;

/* "method=result type.name=value ...; ..." of what was read, "" for nothing. */
static const char *show(struct span value)
{
	struct authres_entry *e;
	size_t n;

	arena_reset(arena);
	n = authres_read(value, span_cstr("mx.b.example"), arena, &e);
	buf_reset(&text);
	buf_puts(&text, "");
	for (size_t i = 0; i < n; i++) {
		buf_printf(&text, "%s%.*s=%.*s", i ? ";" : "", SPAN_ARG(e[i].method), SPAN_ARG(e[i].result));
		for (size_t k = 0; k < e[i].nproperty; k++)
			buf_printf(&text, " %.*s.%.*s=%.*s", SPAN_ARG(e[i].property[k].type), SPAN_ARG(e[i].property[k].name), SPAN_ARG(e[i].property[k].value));
	}
	return text.p ? text.p : "";
}

static void test_good(void)
{
	static const struct {
		const char *value, *entries;
	} cases[] = {
		{"mx.b.example; spf=pass", "spf=pass"},
		{" MX.B.Example ; SPF = Pass ", "spf=pass"},
		{"\"mx.b.example\"; spf=pass", "spf=pass"},
		{"mx.b.example 1; spf=pass", "spf=pass"},
		{"mx.b.example (x) 01 (y); spf=pass", "spf=pass"},
		{"mx.b.example; dkim=pass header.d=a.example header.i=@a.example; dkim=fail header.d=c.example",
			"dkim=pass header.d=a.example header.i=@a.example;dkim=fail header.d=c.example"},
		{"mx.b.example;\n\tdkim=pass (2048-bit key; unprotected) header.d=a.example\r\n header.b=\"ab/c=\"", "dkim=pass header.d=a.example header.b=ab/c="},
		{"mx.b.example; dkim=fail reason=\"no key; \\\"x\\\"\" header.d=a.example", "dkim=fail header.d=a.example"},
		{"mx.b.example; dkim=fail reason=nokey", "dkim=fail"},
		{"mx.b.example; dkim/1=pass; dkim / 1 = pass", "dkim=pass;dkim=pass"},
		{"mx.b.example; dkim/2=pass; spf=pass", "spf=pass"},
		{"mx.b.example; spf=pass(c)smtp.mailfrom=x@a.example", "spf=pass smtp.mailfrom=x@a.example"},
		{"mx.b.example; spf=pass smtp . mailfrom = \"x y\"@a.example", "spf=pass smtp.mailfrom=x y@a.example"},
		{"mx.b.example; spf=pass smtp.mailfrom=\"x\\\\\\\"y\"", "spf=pass smtp.mailfrom=x\\\"y"},
		{"mx.b.example; iprev=pass policy.iprev=2001:db8::1", "iprev=pass policy.iprev=2001:db8::1"},
		{"mx.b.example; dkim=pass header.b=ab/c=", "dkim=pass header.b=ab/c="},
		{"mx.b.example; spf=pass smtp.mailfrom=\xC3\xA4@a.example", "spf=pass smtp.mailfrom=\xC3\xA4@a.example"},
		{"mx.b.example; (a (nested \\) one)) spf=pass (\xC3\xA4)", "spf=pass"},
		{"mx.b.example; x=y a.a=1 a.b=2 a.c=3 a.d=4 a.e=5 a.f=6 a.g=7 a.h=8 a.i=9", "x=y a.a=1 a.b=2 a.c=3 a.d=4 a.e=5 a.f=6 a.g=7 a.h=8"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tap_str(show(span_cstr(cases[i].value)), cases[i].entries, "good value %zu", i);
}

static void test_nothing(void)
{
	static const char *const cases[] = {
		"",
		"mx.b.example",
		"mx.b.example;",
		"mx.b.example; none",
		"mx.b.example; NONE (x)",
		"mx.a.example; spf=pass",
		"mx.b.example.; spf=pass",
		"mx.b.example.org; spf=pass",
		"spf=pass",
		"mx.b.example spf=pass",
		"mx.b.example 2; spf=pass",
		"mx.b.example1; spf=pass",
		"mx.b.example; spf=pass;",
		"mx.b.example; spf=pass; none",
		"mx.b.example; none; spf=pass",
		"mx.b.example; spf",
		"mx.b.example; spf=",
		"mx.b.example; =pass",
		"mx.b.example; spf=pass;; dkim=pass",
		"mx.b.example; spf=pass, dkim=pass",
		"mx.b.example; spf=pass smtp.mailfrom",
		"mx.b.example; spf=pass smtp.mailfrom=",
		"mx.b.example; spf=pass smtp=x",
		"mx.b.example; spf=pass .x=y",
		"mx.b.example; spf=pass smtp.mailfrom=a b",
		"mx.b.example; spf=pass smtp.mailfrom=a,b",
		"mx.b.example; spf=\"pass\"",
		"mx.b.example; spf=pass- smtp.helo=x",
		"mx.b.example; spf=pa_ss",
		"mx.b.example; spf=pass reason=x reason=y",
		"mx.b.example; spf=pass smtp.helo=x reason=y",
		"mx.b.example; spf=pass smtp.helo=\"x",
		"mx.b.example; spf=pass smtp.helo=\"x\\",
		"mx.b.example; spf=pass smtp.helo=\"x\"y",
		"mx.b.example; spf=pass smtp.helo=\"x\"@",
		"mx.b.example; spf=pass smtp.mailfrom=x@",
		"mx.b.example; spf=pass (open",
		"mx.b.example; spf=pass (open\\)",
		"mx.b.example; spf=pass )",
		"mx.b.example; spf/=pass",
		"mx.b.example; spf/x=pass",
		"mx.b.example;\nspf=pass",
		"mx.b.example; spf=pass\rx",
		"mx.b.example; spf=pass (a\nb)",
		"mx.b.example; spf=pass smtp.helo=\"a\nb\"",
		"mx.b.example; spf=pass smtp.helo=a\x01",
		"mx.b.example; spf=pass; dkim=pass header.d=(a",
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tap_str(show(span_cstr(cases[i])), "", "nothing to read in %zu", i);
	tap_str(show(span_make("mx.b.example; spf=pass\0", 23)), "", "nothing with a NUL");
}

static void test_limits(void)
{
	struct authres_entry *e;
	struct buf value;

	buf_init(&value, 65536);
	buf_puts(&value, "mx.b.example");
	for (int i = 0; i <= AUTHRES_READ_METHODS; i++)
		buf_puts(&value, "; spf=pass");
	arena_reset(arena);
	tap_int((long long)authres_read(buf_span(&value), span_cstr("mx.b.example"), arena, &e), AUTHRES_READ_METHODS, "the first entries of many");
	buf_puts(&value, "; spf");
	tap_int((long long)authres_read(buf_span(&value), span_cstr("mx.b.example"), arena, &e), 0, "all of them are read, though");
	buf_reset(&value);
	buf_puts(&value, "mx.b.example; spf=pass (");
	while (value.n < AUTHRES_READ_BYTES - 1)
		buf_putc(&value, 'x');
	buf_putc(&value, ')');
	tap_int((long long)authres_read(buf_span(&value), span_cstr("mx.b.example"), arena, &e), 1, "as long as allowed");
	buf_putc(&value, ' ');
	tap_int((long long)authres_read(buf_span(&value), span_cstr("mx.b.example"), arena, &e), 0, "one octet more");
	tap_int((long long)authres_read(span_cstr("; spf=pass"), span_cstr(""), arena, &e), 0, "a host without a name has no results");
	buf_free(&value);
}

int main(void)
{
	arena = arena_new(1024 * 1024);
	buf_init(&text, 65536);
	test_good();
	test_nothing();
	test_limits();
	buf_free(&text);
	arena_free(arena);
	return tap_done();
}
