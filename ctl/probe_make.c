/*
 * Writes the header and the body of a probe.  Each part of the body has one thing
 * in it that some hop is known to change, and is named after it.
 */
#include "config.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "ctl/probe_make.h"

enum { SAFE_LINE = 990, BASE64_LINE = 76, RECIPE_LINE = 64 };

/* --- small things ----------------------------------------------------------- */

/* splitmix64 (Vigna, public domain): the same octets on every machine. */
static uint64_t next_random(struct probe_make *m)
{
	uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void random_word(struct probe_make *m, struct buf *out, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	while (n--)
		buf_putc(out, alphabet[next_random(m) & 63]);
}

/* Words of four letters, n octets in all: a line that looks like text. */
static void random_line(struct probe_make *m, struct buf *out, size_t n)
{
	for (size_t i = 1; i <= n; i++)
		buf_putc(out, i % 5 == 0 && i != n ? ' ' : (char)('a' + next_random(m) % 26));
}

static void random_octets(struct probe_make *m, unsigned char *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)next_random(m);
}

/* n octets as base64, in lines of the given length. */
static void random_base64(struct probe_make *m, struct buf *out, size_t n, size_t line)
{
	unsigned char octets[1500];
	struct buf text;

	buf_init(&text, 4096);
	random_octets(m, octets, n);
	base64_encode(&text, octets, n);
	for (struct span rest = buf_span(&text); rest.n; rest = span_skip(rest, line)) {
		buf_put_span(out, span_take(rest, line));
		buf_puts(out, "\r\n");
	}
	if (text.failed)
		out->failed = true;
	buf_free(&text);
}

static void mark(struct probe_make *m, const char *name)
{
	if (m->nmark == PROBE_MAKE_MARKS) {
		m->body.failed = true;
		return;
	}
	m->mark[m->nmark++] = (struct probe_make_mark){name, m->body.n};
}

const char *probe_make_name_at(const struct probe_make *m, size_t at)
{
	const char *name = "body";

	for (size_t i = 0; i < m->nmark && m->mark[i].at <= at; i++)
		name = m->mark[i].name;
	return name;
}

/* --- what is probed ----------------------------------------------------------- */

/* What ISO 8859-1 has, too, and what it hasn't. */
#define TEXT_8BIT "Gr\xc3\xbc\xc3\x9f" "e aus K\xc3\xb6ln, \xc3\xa7" "a va\xc2\xa0?\r\n"
#define TEXT_UNICODE "\xce\x9a\xce\xb1\xce\xbb\xce\xb7\xce\xbc\xce\xad\xcf\x81\xce\xb1 \xe2\x80\x93 \xf0\x9f\x93\xb1\r\n"
#define TEXT_BLANKS "two blanks at the end  \r\na tab at the end\t\r\nthree   blanks\tand a tab inside\r\n"
#define TEXT_DOTS ".one dot\r\n..two dots\r\n.\r\nno dot\r\n"
#define TEXT_FROM "From the beginning of a line\r\n>From the quoted kind\r\n"
#define TEXT_EMPTY "two empty lines\r\n\r\n\r\nbetween, and three at the end\r\n\r\n\r\n\r\n"

/* Cut into short lines, in words that every hop lets pass. */
static void put_recipe(struct buf *out, struct span recipe)
{
	buf_puts(out, "This message was made by 'stirctl probe make', to see what its way does to it.\r\n"
		"Save it as it arrived and give it to 'stirctl probe read'. It was made from\r\n");
	for (; recipe.n; recipe = span_skip(recipe, RECIPE_LINE)) {
		buf_put_span(out, span_take(recipe, RECIPE_LINE));
		buf_puts(out, "\r\n");
	}
}

static void put_line(struct probe_make *m, size_t n)
{
	random_line(m, &m->body, n);
	buf_puts(&m->body, "\r\n");
}

struct part {
	const char *name, *type, *encoding;
	const char *text;   /* NULL: something else is put there */
	const char *fields; /* more of its header, or NULL */
};

/* Delimiter and header; what follows is its content. */
static void begin_part(struct probe_make *m, const struct probe_recipe *r, const char *boundary, const struct part *p)
{
	mark(m, p->name);
	buf_printf(&m->body, "--%s\r\nContent-Type: %s\r\nContent-ID: <%s.%016" PRIx64 "@stir-probe.invalid>\r\n", boundary, p->type, p->name, r->seed);
	if (p->encoding)
		buf_printf(&m->body, "Content-Transfer-Encoding: %s\r\n", p->encoding);
	if (p->fields)
		buf_puts(&m->body, p->fields);
	buf_puts(&m->body, "\r\n");
	if (p->text)
		buf_puts(&m->body, p->text);
}

static void put_smil(struct probe_make *m, const struct probe_recipe *r)
{
	static const struct part smil = {"smil", "application/smil; charset=utf-8", "7bit", NULL, NULL};

	begin_part(m, r, m->boundary, &smil);
	buf_printf(&m->body, "<smil><body><par dur=\"5s\"><text src=\"cid:text.%016" PRIx64 "@stir-probe.invalid\"/>\r\n"
		"<img src=\"cid:image.%016" PRIx64 "@stir-probe.invalid\"/></par></body></smil>\r\n", r->seed, r->seed);
}

static void put_alternative(struct probe_make *m, const struct probe_recipe *r)
{
	char boundary[40], type[80];
	struct part p = {"alternative", type, NULL, NULL, NULL};
	static const struct part text = {"alternative-text", "text/plain; charset=utf-8", "8bit", TEXT_8BIT, NULL};
	static const struct part html = {"alternative-html", "text/html; charset=utf-8", "8bit", "<p>" TEXT_8BIT "</p>\r\n", NULL};

	snprintf(boundary, sizeof(boundary), "stir-probe-alt-%016" PRIx64, r->seed);
	snprintf(type, sizeof(type), "multipart/alternative; boundary=\"%s\"", boundary);
	begin_part(m, r, m->boundary, &p);
	begin_part(m, r, boundary, &text);
	begin_part(m, r, boundary, &html);
	buf_printf(&m->body, "--%s--\r\n", boundary);
}

static void put_message(struct probe_make *m, const struct probe_recipe *r)
{
	static const struct part outer = {"message", "message/rfc822", NULL, NULL, NULL};

	begin_part(m, r, m->boundary, &outer);
	buf_printf(&m->body, "From: inner@stir-probe.invalid\r\nSubject: inner\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
		"Content-ID: <message-text.%016" PRIx64 "@stir-probe.invalid>\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" TEXT_8BIT, r->seed);
}

static void put_mms(struct probe_make *m, const struct probe_recipe *r, struct span recipe)
{
	static const struct part text = {"text", "text/plain; charset=us-ascii", "7bit", NULL, NULL},
		image = {"image", "image/jpeg; name=\"image.jpg\"", "base64", NULL, "Content-Location: image.jpg\r\n"},
		one_line = {"image-on-one-line", "image/png; name=\"line.png\"", "base64", NULL, NULL},
		line = {"line-of-990", "text/plain; charset=us-ascii", "7bit", NULL, NULL},
		texts[] = {
			{"8bit", "text/plain; charset=utf-8", "8bit", TEXT_8BIT, NULL},
			{"unicode", "text/plain; charset=utf-8", "8bit", TEXT_UNICODE, NULL},
			{"quoted-printable", "text/plain; charset=utf-8", "quoted-printable", "Gr=C3=BC=C3=9Fe aus K=C3=B6ln, at =\r\neight=20\r\n", NULL},
			{"base64-text", "text/plain; charset=utf-8", "base64", "R3LDvMOfZSBhdXMgS8O2bG4NCg==\r\n", NULL},
			{"blanks", "text/plain; charset=us-ascii", "7bit", TEXT_BLANKS, NULL},
			{"dots", "text/plain; charset=us-ascii", "7bit", TEXT_DOTS, NULL},
			{"from", "text/plain; charset=us-ascii", "7bit", TEXT_FROM, NULL},
			{"empty-lines", "text/plain; charset=us-ascii", "7bit", TEXT_EMPTY, NULL},
		};

	put_smil(m, r);
	begin_part(m, r, m->boundary, &text);
	put_recipe(&m->body, recipe);
	begin_part(m, r, m->boundary, &image);
	random_base64(m, &m->body, 1200, BASE64_LINE);
	begin_part(m, r, m->boundary, &one_line);
	random_base64(m, &m->body, 1200, 4096);
	begin_part(m, r, m->boundary, &line);
	put_line(m, SAFE_LINE);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		begin_part(m, r, m->boundary, &texts[i]);
	put_alternative(m, r);
	put_message(m, r);
}

/* --- what a signer's check would refuse ------------------------------------------ */

static void put_long_lines(struct probe_make *m, const struct probe_recipe *r)
{
	static const struct {
		struct part part;
		size_t n;
	} line[] = {
		{{"line-of-991", "text/plain; charset=us-ascii", "7bit", NULL, NULL}, 991},
		{{"line-of-998", "text/plain; charset=us-ascii", "7bit", NULL, NULL}, 998},
		{{"line-of-999", "text/plain; charset=us-ascii", "7bit", NULL, NULL}, 999},
		{{"line-of-2100", "text/plain; charset=us-ascii", "7bit", NULL, NULL}, 2100},
	};

	for (size_t i = 0; i < sizeof(line) / sizeof(*line); i++) {
		begin_part(m, r, m->boundary, &line[i].part);
		put_line(m, line[i].n);
	}
}

/* Every octet from 1 to 255 but CR and LF, twice: a picture sent as it is. */
static void put_binary(struct probe_make *m, const struct probe_recipe *r)
{
	static const struct part binary = {"binary", "image/gif", "binary", NULL, NULL};

	begin_part(m, r, m->boundary, &binary);
	for (int i = 1; i < 256; i++)
		if (i != '\r' && i != '\n')
			buf_putc(&m->body, (char)i);
	buf_puts(&m->body, "\r\n");
}

static void put_long_header(struct probe_make *m, const struct probe_recipe *r)
{
	struct buf fields;
	struct part p = {"part-header-line", "text/plain; charset=us-ascii", "7bit", "the header of this part has a line of 1000 octets\r\n", NULL};

	buf_init(&fields, 2048);
	buf_puts(&fields, "Content-Description: ");
	random_word(m, &fields, 1000 - sizeof("Content-Description: ") + 1);
	buf_puts(&fields, "\r\n");
	p.fields = fields.p;
	begin_part(m, r, m->boundary, &p);
	if (fields.failed)
		m->body.failed = true;
	buf_free(&fields);
}

/* A multipart of one part, without its closing delimiter. */
static void put_nested(struct probe_make *m, const struct probe_recipe *r, const struct part *outer, const struct part *inner)
{
	char boundary[48], type[100];
	struct part p = *outer;

	snprintf(boundary, sizeof(boundary), "stir-probe-%s-%016" PRIx64, outer->name, r->seed);
	snprintf(type, sizeof(type), "multipart/mixed; boundary=\"%s\"", boundary);
	p.type = type;
	begin_part(m, r, m->boundary, &p);
	begin_part(m, r, boundary, inner);
}

static void put_hostile(struct probe_make *m, const struct probe_recipe *r)
{
	static const char nul[] = "a NUL between the hashes: #\0# and more\r\n", cr[] = "a lone CR between the hashes: #\r# and more\r\n";
	static const struct part nul_part = {"nul", "text/plain; charset=us-ascii", "8bit", NULL, NULL},
		cr_part = {"bare-cr", "text/plain; charset=us-ascii", "7bit", NULL, NULL},
		undeclared = {"8bit-undeclared", "text/plain; charset=utf-8", NULL, TEXT_8BIT, NULL},
		closed = {"closed", NULL, NULL, NULL, NULL},
		closed_text = {"closed-text", "text/plain; charset=us-ascii", "7bit", "an epilogue follows\r\n", NULL},
		unclosed = {"unclosed", NULL, NULL, NULL, NULL},
		unclosed_text = {"unclosed-text", "text/plain; charset=us-ascii", "7bit", "no delimiter closes this multipart\r\n", NULL};

	put_long_lines(m, r);
	begin_part(m, r, m->boundary, &nul_part);
	buf_put(&m->body, nul, sizeof(nul) - 1);
	begin_part(m, r, m->boundary, &cr_part);
	buf_put(&m->body, cr, sizeof(cr) - 1);
	begin_part(m, r, m->boundary, &undeclared);
	put_binary(m, r);
	put_long_header(m, r);
	put_nested(m, r, &closed, &closed_text);
	buf_printf(&m->body, "--stir-probe-closed-%016" PRIx64 "--\r\nan epilogue with 8 bits: \xc3\xa9\r\n", r->seed);
	/* The last one: Sendmail takes whatever follows into a multipart that is open. */
	put_nested(m, r, &unclosed, &unclosed_text);
}

static void put_multipart(struct probe_make *m, const struct probe_recipe *r, struct span recipe)
{
	bool hostile = r->kind == PROBE_RECIPE_HOSTILE;

	if (hostile) {
		mark(m, "preamble");
		buf_puts(&m->body, "a preamble with 8 bits: \xc3\xa9\r\n");
	}
	put_mms(m, r, recipe);
	if (hostile)
		put_hostile(m, r);
	mark(m, "closing-delimiter");
	buf_printf(&m->body, "--%s--\r\n", m->boundary);
}

static void put_plain(struct probe_make *m, struct span recipe)
{
	static const struct part text[] = {
		{"8bit", NULL, NULL, TEXT_8BIT TEXT_UNICODE, NULL}, {"blanks", NULL, NULL, TEXT_BLANKS, NULL}, {"dots", NULL, NULL, TEXT_DOTS, NULL},
		{"from", NULL, NULL, TEXT_FROM, NULL},
	};

	mark(m, "text");
	put_recipe(&m->body, recipe);
	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
		mark(m, text[i].name);
		buf_puts(&m->body, text[i].text);
	}
	mark(m, "line-of-990");
	put_line(m, SAFE_LINE);
	mark(m, "empty-lines");
	buf_puts(&m->body, TEXT_EMPTY);
}

/* --- the header -------------------------------------------------------------------- */

static void put_date(struct buf *out, int64_t t)
{
	static const char *const day[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	GDateTime *d = g_date_time_new_from_unix_utc(t);

	if (!d) {
		out->failed = true;
		return;
	}
	buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\n", day[g_date_time_get_day_of_week(d) - 1], g_date_time_get_day_of_month(d),
		month[g_date_time_get_month(d) - 1], g_date_time_get_year(d), g_date_time_get_hour(d), g_date_time_get_minute(d), g_date_time_get_second(d));
	g_date_time_unref(d);
}

/* A token that is none, around the x5u of nobody: what it looks like is all a hop knows. */
static void put_token_value(struct probe_make *m, struct buf *out, size_t n)
{
	random_word(m, out, 120);
	buf_putc(out, '.');
	random_word(m, out, n);
	buf_putc(out, '.');
	random_word(m, out, 86);
	buf_puts(out, ";info=<https://certs.stir-probe.invalid/2026/signer.pem>;alg=ES256;ppt=msg");
}

/* Folded as the signer folds; n octets of token between its dots. */
static void put_token(struct probe_make *m, const char *name, size_t n, size_t folded_max)
{
	struct buf value, folded;

	buf_init(&value, 2 * LIMIT_IDENTITY_BYTES);
	buf_init(&folded, 2 * LIMIT_IDENTITY_BYTES);
	put_token_value(m, &value, n);
	identity_fold(&folded, buf_span(&value));
	/* The longest that fits: shortened in the middle, where nothing depends on it, by halves of what is too much. */
	while (!folded.failed && folded_max && folded.n > folded_max) {
		size_t cut = 130, less = (folded.n - folded_max + 1) / 2;

		memmove(value.p + cut, value.p + cut + less, value.n - cut - less);
		value.n -= less;
		buf_reset(&folded);
		identity_fold(&folded, buf_span(&value));
	}
	buf_printf(&m->head, "%s: ", name);
	buf_put_span(&m->head, buf_span(&folded));
	buf_putc(&m->head, '\n');
	if (value.failed || folded.failed)
		m->head.failed = true;
	buf_free(&value);
	buf_free(&folded);
}

static void put_field_probes(struct probe_make *m, const struct probe_recipe *r)
{
	buf_puts(&m->head, "X-STIR-Probe-Fold: folded before a blank,\n and before\n\ta tab, and\n   before three blanks\n"
		"x-sTIR-pROBE-cASE: the name of this field is written oddly\n"
		"X-STIR-Probe-Blanks: two  blanks,\ta tab, and a \"quoted  string\"\n"
		"X-STIR-Probe-Twice: the first of two\n"
		"X-STIR-Probe-Twice: the second of two\n");
	put_token(m, PROBE_MAKE_TYPICAL, PROBE_MAKE_TYPICAL_TOKEN, 0);
	put_token(m, PROBE_MAKE_LONGEST, LIMIT_IDENTITY_BYTES, LIMIT_IDENTITY_BYTES);
	if (r->kind != PROBE_RECIPE_HOSTILE)
		return;
	buf_puts(&m->head, "X-STIR-Probe-8bit: Gr\xc3\xbc\xc3\x9f" "e\nX-STIR-Probe-Line: ");
	random_word(m, &m->head, 1100);
	buf_putc(&m->head, '\n');
}

static void put_addressing(struct probe_make *m, const struct probe_recipe *r)
{
	size_t at = span_find(r->from, '@');

	put_date(&m->head, r->made);
	buf_printf(&m->head, "From: %.*s\nTo: ", SPAN_ARG(r->from));
	for (size_t i = 0; i < r->nto; i++)
		buf_printf(&m->head, "%s%.*s", i ? ",\n " : "", SPAN_ARG(r->to[i]));
	buf_printf(&m->head, "\nSubject: STIR path probe %016" PRIx64 "\nMessage-ID: <stir-probe.%016" PRIx64 "@", r->seed, r->seed);
	if (at < r->from.n)
		buf_put_span(&m->head, span_skip(r->from, at + 1));
	else
		buf_puts(&m->head, "stir-probe.invalid");
	buf_puts(&m->head, ">\n");
	if (r->kind != PROBE_RECIPE_PLAIN)
		buf_printf(&m->head, "X-Mms-3GPP-MMS-Version: 6.10.0\nX-Mms-Message-Type: MM4_forward.REQ\nX-Mms-Transaction-ID: \"%016" PRIx64 "\"\n"
			"X-Mms-Message-ID: \"stir-probe.%016" PRIx64 "\"\n", r->seed, r->seed);
}

static void put_head(struct probe_make *m, const struct probe_recipe *r, struct span recipe)
{
	put_addressing(m, r);
	buf_puts(&m->head, "X-STIR-Probe: ");
	for (bool first = true; recipe.n; recipe = span_skip(recipe, RECIPE_LINE), first = false) {
		buf_puts(&m->head, first ? "" : "\n ");
		buf_put_span(&m->head, span_take(recipe, RECIPE_LINE));
	}
	buf_putc(&m->head, '\n');
	put_field_probes(m, r);
	buf_puts(&m->head, "MIME-Version: 1.0\n");
	if (r->kind == PROBE_RECIPE_PLAIN)
		buf_puts(&m->head, "Content-Type: text/plain; charset=utf-8\n");
	else
		buf_printf(&m->head, "Content-Type: multipart/related; type=\"application/smil\";\n start=\"<smil.%016" PRIx64
			"@stir-probe.invalid>\"; boundary=\"%s\"\n", r->seed, m->boundary);
	buf_puts(&m->head, "Content-Transfer-Encoding: 8bit\n");
}

int probe_make(struct probe_make *m, const struct probe_recipe *r)
{
	struct buf recipe;
	bool failed;

	memset(m, 0, sizeof(*m));
	buf_init(&m->head, PROBE_MAKE_HEAD_MAX);
	buf_init(&m->body, PROBE_MAKE_BODY_MAX);
	buf_init(&recipe, PROBE_RECIPE_TEXT_MAX);
	probe_recipe_write(&recipe, r);
	m->random = r->seed;
	if (r->kind != PROBE_RECIPE_PLAIN)
		snprintf(m->boundary, sizeof(m->boundary), "stir-probe-%016" PRIx64, r->seed);
	put_head(m, r, buf_span(&recipe));
	if (r->kind == PROBE_RECIPE_PLAIN)
		put_plain(m, buf_span(&recipe));
	else
		put_multipart(m, r, buf_span(&recipe));
	failed = recipe.failed || m->head.failed || m->body.failed;
	buf_free(&recipe);
	if (!failed)
		return 0;
	probe_make_free(m);
	return -1;
}

void probe_make_free(struct probe_make *m)
{
	buf_free(&m->head);
	buf_free(&m->body);
}
