/* The Identity value: grammar, white space, writing, folding. */
#include "config.h"

#include "core/identity.h"

#include "tests/lib/tap.h"

#define SPAN(literal)                                                                                                                                          \
	{                                                                                                                                                      \
		literal, sizeof(literal) - 1                                                                                                                   \
	}
#define INFO "info=<https://a.example/c.pem>"

static const struct {
	const char *what;
	struct span value;
	const char *token, *info, *alg, *ppt; /* alg, ppt: NULL for absent */
} good[] = {
    {"as we write it", SPAN("aa.bb.cc;" INFO ";alg=ES256;ppt=msg"), "aa.bb.cc", "https://a.example/c.pem", "ES256", "msg"},
    {"ppt in quotes (RFC 8946)", SPAN("aa.bb.cc;" INFO ";alg=ES256;ppt=\"div\""), "aa.bb.cc", "https://a.example/c.pem", "ES256", "div"},
    {"alg in quotes", SPAN("aa.bb.cc;" INFO ";alg=\"ES256\""), "aa.bb.cc", "https://a.example/c.pem", "ES256", NULL},
    {"info alone", SPAN("aa.bb.cc;" INFO), "aa.bb.cc", "https://a.example/c.pem", NULL, NULL},
    {"any order", SPAN("aa.bb.cc;ppt=msg;" INFO), "aa.bb.cc", "https://a.example/c.pem", NULL, "msg"},
    {"names in any case", SPAN("aa.bb.cc;INFO=<https://a.example/c.pem>;Alg=es256;PPT=MSG"), "aa.bb.cc", "https://a.example/c.pem", "es256", "MSG"},
    {"spaces around ; and =", SPAN(" aa.bb.cc ; info = <https://a.example/c.pem> ; alg\t=\tES256 "), "aa.bb.cc", "https://a.example/c.pem", "ES256", NULL},
    {"folded anywhere", SPAN("aa.b\r\n b.c\n\tc;in\n fo=<https://a.ex\r\n ample/c.pem>;p\n pt=m\n sg"), "aa.bb.cc", "https://a.example/c.pem", NULL, "msg"},
    {"whole base64url alphabet", SPAN("AZaz09-_.x.y;" INFO), "AZaz09-_.x.y", "https://a.example/c.pem", NULL, NULL},
    {"compact form is jws_split()'s to refuse", SPAN("..cc;" INFO), "..cc", "https://a.example/c.pem", NULL, NULL},
    {"unknown parameters", SPAN("a;" INFO ";x;y=z;host=[2001:db8::1]:80;q=\"a;b\\\"\xc3\xa9\""), "a", "https://a.example/c.pem", NULL, NULL},
    {"; and = in the URI", SPAN("a;info=<https://a.example/c;v=1?ppt=div,x!>"), "a", "https://a.example/c;v=1?ppt=div,x!", NULL, NULL},
};

static const struct {
	const char *what;
	struct span value;
} bad[] = {
    {"empty", SPAN("")},
    {"blank", SPAN(" \r\n ")},
    {"no token", SPAN(";" INFO)},
    {"no info", SPAN("aa.bb.cc")},
    {"no info but others", SPAN("aa.bb.cc;alg=ES256;ppt=msg")},
    {"info twice", SPAN("a;" INFO ";" INFO)},
    {"info twice in other case", SPAN("a;" INFO ";Info=<https://b.example/>")},
    {"alg twice", SPAN("a;" INFO ";alg=ES256;alg=ES256")},
    {"ppt twice", SPAN("a;" INFO ";ppt=msg;PPT=\"msg\"")},
    {"an unknown one twice", SPAN("a;" INFO ";x=1;x=2")},
    {"17 parameters", SPAN("a;" INFO ";a;b;c;d;e;f;g;h;i;j;k;l;m;n;o;p")},
    {"info empty", SPAN("a;info=<>")},
    {"info without value", SPAN("a;info")},
    {"info without brackets", SPAN("a;info=https://a.example/")},
    {"info in quotes", SPAN("a;info=\"https://a.example/\"")},
    {"info not closed", SPAN("a;info=<https://a.example/")},
    {"info nested", SPAN("a;info=<<https://a.example/>>")},
    {"info with a quote", SPAN("a;info=<https://a.example/\">")},
    {"info with an octet above 127", SPAN("a;info=<https://a.example/\xc3\xa9>")},
    {"text behind info", SPAN("a;" INFO "x")},
    {"alg without value", SPAN("a;" INFO ";alg")},
    {"alg with empty value", SPAN("a;" INFO ";alg=")},
    {"alg with empty quotes", SPAN("a;" INFO ";alg=\"\"")},
    {"alg in brackets", SPAN("a;" INFO ";alg=<ES256>")},
    {"ppt that is no token", SPAN("a;" INFO ";ppt=\"ms\\g\"")},
    {"ppt with a colon", SPAN("a;" INFO ";ppt=m:g")},
    {"quote not closed", SPAN("a;" INFO ";ppt=\"msg")},
    {"quote closed by an escape", SPAN("a;" INFO ";x=\"msg\\\"")},
    {"backslash at the end", SPAN("a;" INFO ";x=\"\\")},
    {"control in quotes", SPAN("a;" INFO ";x=\"\x01\"")},
    {"NUL escaped in quotes", SPAN("a;" INFO ";x=\"\\\0\"")},
    {"text behind quotes", SPAN("a;" INFO ";ppt=\"msg\"x")},
    {"unknown one in brackets", SPAN("a;" INFO ";x=<y>")},
    {"parameter without name", SPAN("a;" INFO ";=x")},
    {"semicolon at the end", SPAN("a;" INFO ";")},
    {"two semicolons", SPAN("a;;" INFO)},
    {"two fields in one", SPAN("a;" INFO ",b;" INFO)},
    {"what Sendmail's line breaking leaves", SPAN("aaa!\r\n bbb.cc.dd;" INFO)},
    {"slash in the token", SPAN("aa/a.bb.cc;" INFO)},
    {"plus in the token", SPAN("aa+a.bb.cc;" INFO)},
    {"padding in the token", SPAN("aaa=.bb.cc;" INFO)},
    {"NUL in the token", SPAN("aa\0a.bb.cc;" INFO)},
    {"NUL at the end", SPAN("a;" INFO "\0")},
    {"vertical tab is no white space here", SPAN("a;\v" INFO)},
    {"token in quotes", SPAN("\"a\";" INFO)},
};

static void check_word(bool has, struct span got, const char *want, const char *what, const char *which)
{
	tap_ok(has == (want != NULL) && span_is(got, want ? want : ""), "%s: %s", what, which);
}

static void parse_all(struct arena *a)
{
	struct identity id;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		tap_int(identity_parse(good[i].value, a, &id), STIR_OK, "%s", good[i].what);
		tap_span_is(id.token, good[i].token, "%s: token", good[i].what);
		tap_span_is(id.info, good[i].info, "%s: info", good[i].what);
		check_word(id.has_alg, id.alg, good[i].alg, good[i].what, "alg");
		check_word(id.has_ppt, id.ppt, good[i].ppt, good[i].what, "ppt");
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		tap_int(identity_parse(bad[i].value, a, &id), STIR_IDENTITY_SYNTAX, "bad: %s", bad[i].what);
}

static void sizes(struct arena *a)
{
	static char value[LIMIT_IDENTITY_BYTES + 1];
	static const char tail[] = ";" INFO;
	struct arena *small = arena_new(4);
	struct identity id;

	memset(value, 'a', sizeof value);
	memcpy(value + LIMIT_IDENTITY_BYTES - (sizeof tail - 1), tail, sizeof tail - 1);
	tap_int(identity_parse(span_make(value, LIMIT_IDENTITY_BYTES), a, &id), STIR_OK, "a value of LIMIT_IDENTITY_BYTES");
	value[LIMIT_IDENTITY_BYTES] = ' ';
	tap_int(identity_parse(span_make(value, sizeof value), a, &id), STIR_TOKEN_TOO_LARGE, "one blank more is too large");
	tap_int(identity_parse(span_cstr("aa.bb.cc;" INFO), small, &id), STIR_NO_RESOURCE, "arena full");
	arena_free(small);
}

/* Lines within 72 columns, all octets there, none blank. */
static void fold_one(size_t length, const char *dots, struct arena *a)
{
	size_t first = strlen("Identity: "), longest = 0, lines = 0, ndots = strlen(dots);
	struct buf value, folded;
	struct span rest, line;
	struct identity id;
	bool blank = false;

	buf_init(&value, 8192);
	buf_init(&folded, 16384);
	for (size_t i = 0; i < length; i++)
		buf_putc(&value, ndots ? dots[i % ndots] : 'a');
	buf_puts(&value, ";info=<https://cert.example.org/msg.pem>;alg=ES256;ppt=msg");
	identity_fold(&folded, buf_span(&value));
	for (rest = buf_span(&folded); rest.n; lines++) {
		line = span_cut(&rest, '\n');
		longest = line.n + first > longest ? line.n + first : longest;
		blank |= span_trim(line).n == 0 || (lines > 0 && line.p[0] != ' ');
		first = 0;
	}
	tap_ok(longest <= 72 && !blank, "token of %zu folds into %zu lines, the longest of %zu columns", length, lines, longest);
	tap_ok(identity_parse(buf_span(&folded), a, &id) == STIR_OK && id.token.n == length, "token of %zu comes back", length);
	buf_free(&value);
	buf_free(&folded);
}

static void write_and_fold(struct arena *a)
{
	struct buf out;

	buf_init(&out, 4096);
	identity_write(&out, span_cstr("aa.bb.cc"), span_cstr("https://a.example/c.pem"), "msg");
	tap_span_is(buf_span(&out), "aa.bb.cc;" INFO ";alg=ES256;ppt=msg", "written");
	buf_reset(&out);
	identity_write(&out, span_cstr("aa.bb.cc"), span_cstr("https://a.example/c.pem"), NULL);
	tap_span_is(buf_span(&out), "aa.bb.cc;" INFO ";alg=ES256", "written without ppt");
	buf_reset(&out);
	identity_fold(&out, span_cstr("short"));
	tap_span_is(buf_span(&out), "short", "a short value is not cut");
	buf_reset(&out);
	identity_fold(&out, span_make(NULL, 0));
	tap_int((long long)out.n, 0, "an empty value gives nothing");
	identity_fold(&out, span_cstr("0123456789012345678901234567890123456789012345678901234567.bc"));
	tap_span_is(buf_span(&out), "0123456789012345678901234567890123456789012345678901234567.bc", "61 octets fit the first line");
	buf_reset(&out);
	identity_fold(&out, span_cstr("0123456789012345678901234567890123456789012345678901234567.bcde"));
	tap_span_is(buf_span(&out), "0123456789012345678901234567890123456789012345678901234567.\n bcde", "63 do not; cut behind the dot");
	buf_free(&out);
	for (size_t n = 1; n < 400; n += 13)
		fold_one(n, "", a);
	fold_one(2500, "abcdefghij.klmnop", a);
	fold_one(2500, ".", a);
}

/* RFC 8224, 4.1.1 prints an info that is not the x5u of its token. */
static void rfc8224_example(struct arena *a)
{
	struct identity id;
	enum stir_reason r = identity_parse(span_cstr("eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9j\n"
						      " ZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9.eyJkZXN0Ijp7InVyaSI6WyJz\n"
						      " aXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6IjE0NDMyMDgzNDUiLCJvcmlnI\n"
						      " jp7InRuIjoiMTIxNTU1NTEyMTIifX0.rq3pjT1hoRwakEGjHCnWSwUnshd0-zJ6F1V\n"
						      " OgFWSjHBr8Qjpjlk-cpFYpFYsojNCpTzO3QfPOlckGaS6hEck7w;info=<https://b\n"
						      " iloxi.example.org/biloxi.cert>"),
					    a, &id);

	tap_int(r, STIR_OK, "RFC 8224 4.1.1 is read");
	tap_span_is(id.info, "https://biloxi.example.org/biloxi.cert", "its info");
	tap_ok(!id.has_alg && !id.has_ppt, "it has neither alg nor ppt");
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);

	if (!a)
		tap_bail("no arena");
	parse_all(a);
	sizes(a);
	write_and_fold(a);
	rfc8224_example(a);
	arena_free(a);
	return tap_done();
}
