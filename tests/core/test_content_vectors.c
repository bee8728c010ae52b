/* The vectors of msgc and msgi, made by an independent implementation; each whole, by octets and in odd pieces. */
#include "config.h"

#include "core/content.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/encoding.h"
#include "tests/lib/tap.h"

enum { HEADER_MAX = 1 << 20 };

/* Values unfolded the way a milter gets them: folds as LF and a blank, one leading space off. */
struct header {
	struct buf type, encoding;
	struct content_top top;
};

static void keep(struct buf *out, bool *has, struct span value)
{
	if (*has)
		return;
	*has = true;
	if (value.n && value.p[0] == ' ')
		value = span_skip(value, 1);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r')
			buf_putc(out, value.p[i]);
}

static void take_field(struct header *h, struct span field)
{
	struct span value = field, name = span_cut(&value, ':');

	if (span_caseis(name, "content-type"))
		keep(&h->type, &h->top.has_content_type, value);
	else if (span_caseis(name, "content-transfer-encoding"))
		keep(&h->encoding, &h->top.has_transfer_encoding, value);
	else if (span_caseis(name, "mime-version"))
		h->top.has_mime_version = true;
}

/* Reads the header, returns the body. */
static struct span split(struct span message, struct header *h)
{
	size_t begin = 0, i = 0;

	memset(h, 0, sizeof *h);
	buf_init(&h->type, HEADER_MAX);
	buf_init(&h->encoding, HEADER_MAX);
	for (; i + 1 < message.n; i++) {
		if (message.p[i] != '\r' || message.p[i + 1] != '\n')
			continue;
		if (i == begin)
			break;
		if (i + 2 < message.n && (message.p[i + 2] == ' ' || message.p[i + 2] == '\t'))
			continue;
		take_field(h, span_make(message.p + begin, i - begin));
		begin = i + 2;
		i++;
	}
	h->top.content_type = buf_span(&h->type);
	h->top.transfer_encoding = buf_span(&h->encoding);
	return span_skip(message, i + 2);
}

static bool matches(const struct header *h, struct span body, size_t step, struct span form, struct span msgc)
{
	struct content *c = content_begin(&h->top);
	struct content_result r;
	struct buf digest;
	bool ok;

	if (!c)
		tap_bail("no memory");
	for (size_t i = 0; i < body.n; i += step)
		content_feed(c, body.p + i, body.n - i < step ? body.n - i : step);
	content_end(c, &r);
	buf_init(&digest, 200);
	msgi_write(&digest, &r.msgc);
	ok = r.limit == CONTENT_WITHIN && span_eq(content_canonical(c), form) && span_eq(buf_span(&digest), msgc);
	buf_free(&digest);
	content_free(c);
	return ok;
}

static void raw_digest(struct span body, struct buf *out)
{
	struct msgi_stream s;
	struct msgi_value v;

	msgi_stream_begin(&s, 1u << MSGI_SHA256);
	msgi_stream_feed(&s, body.p, body.n);
	if (msgi_stream_value(&s, MSGI_SHA256, &v))
		tap_bail("no SHA-256");
	msgi_stream_free(&s);
	msgi_write(out, &v);
}

/* The file says canonical forms as Latin-1 text, JSON has them in UTF-8. */
static void to_latin1(struct span in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];

		if (c >= 0xC0 && i + 1 < in.n)
			c = (unsigned char)(c << 6 | (in.p[++i] & 0x3F));
		buf_putc(out, (char)c);
	}
}

static struct span member(const json_t *o, const char *name)
{
	const json_t *m = json_object_get(o, name);

	if (!json_is_string(m))
		tap_bail("a case without %s", name);
	return span_make(json_string_value(m), json_string_length(m));
}

static void one_case(const json_t *o)
{
	static const size_t step[] = {1, 2, 3, 7, 13, 61, 127, 1021, 4093};
	struct span text = member(o, "message"), name = member(o, "name"), body;
	size_t cap = encoding_decoded_max(text.n), n;
	unsigned char *octets = malloc(cap + 1);
	struct buf form, msgi;
	struct header h;
	bool pieces = true;

	if (!octets || base64_decode(text, octets, cap, &n))
		tap_bail("a message that is no base64");
	buf_init(&form, HEADER_MAX);
	buf_init(&msgi, 200);
	to_latin1(member(o, "canonical"), &form);
	body = split(span_make(octets, n), &h);
	tap_ok(matches(&h, body, body.n + 1, buf_span(&form), member(o, "msgc")), "%.*s: msgc", SPAN_ARG(name));
	for (size_t i = 0; i < sizeof step / sizeof step[0]; i++)
		pieces = pieces && matches(&h, body, step[i], buf_span(&form), member(o, "msgc"));
	tap_ok(pieces, "%.*s: the same in any pieces", SPAN_ARG(name));
	raw_digest(body, &msgi);
	tap_span(buf_span(&msgi), member(o, "msgi"), "%.*s: msgi", SPAN_ARG(name));
	buf_free(&form);
	buf_free(&msgi);
	buf_free(&h.type);
	buf_free(&h.encoding);
	free(octets);
}

int main(void)
{
	char path[4096];
	json_error_t e;
	json_t *all, *cases;

	msgi_init();
	all = json_load_file(tap_srcpath(path, sizeof path, "tests/vectors/content-digest.json"), JSON_REJECT_DUPLICATES, &e);
	cases = all ? json_object_get(all, "cases") : NULL;
	if (!json_is_array(cases))
		tap_bail("no vectors: %s", all ? "no cases" : e.text);
	tap_int((long long)json_array_size(cases), 62, "cases");
	for (size_t i = 0; i < json_array_size(cases); i++)
		one_case(json_array_get(cases, i));
	json_decref(all);
	return tap_done();
}
