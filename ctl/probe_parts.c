/*
 * Delimiter lines by memchr, one level after the other from outside in.
 *
 * Lenient: whatever a path has made of a probe is to be shown.  A multipart whose
 * delimiters aren't there is a leaf.
 */
#include "config.h"

#include "core/contenttype.h"
#include "ctl/mail.h"
#include "ctl/probe_parts.h"

struct work {
	struct probe_parts *out;
	struct arena *arena;
};

static bool all_blank(struct span s)
{
	return span_trim(s).n == 0;
}

static size_t line_length(struct span s)
{
	size_t i = span_find(s, '\n');

	return i < s.n ? i + 1 : s.n;
}

/* 0: none; 1: a delimiter; 2: the closing one. */
static int is_delimiter(struct span line, struct span boundary)
{
	struct span rest = span_skip(line, 2 + boundary.n);

	if (!span_starts(line, "--") || !span_eq(span_take(span_skip(line, 2), boundary.n), boundary))
		return 0;
	if (span_starts(rest, "--") && all_blank(span_skip(rest, 2)))
		return 2;
	return all_blank(rest) ? 1 : 0;
}

/* Without the line end before a delimiter, which is the delimiter's. */
static struct span without_last_end(struct span s)
{
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

/* Up to the next delimiter; *rest begins behind it. *kind: what it was, 0 at the end. */
static struct span to_delimiter(struct span *rest, struct span boundary, int *kind)
{
	struct span s = *rest, all = s;

	for (*kind = 0; s.n; s = span_skip(s, line_length(s))) {
		*kind = is_delimiter(span_take(s, line_length(s)), boundary);
		if (!*kind)
			continue;
		*rest = span_skip(s, line_length(s));
		return span_take(all, (size_t)(s.p - all.p));
	}
	*rest = span_make(NULL, 0);
	return all;
}

static void describe(struct work *w, struct probe_part *p)
{
	struct contenttype ct = {0};
	struct mail_field f;

	p->type = span_cstr("text/plain");
	if (mail_field_find(p->header, "Content-Type", 0, &f) && f.value.n <= LIMIT_PART_HEADER_BYTES &&
	    contenttype_parse(f.value, w->arena, &ct) == 0 && ct.type.n) {
		p->type = ct.type;
		contenttype_param(&ct, "charset", &p->charset);
		if (span_starts(p->type, "multipart/"))
			contenttype_param(&ct, "boundary", &p->boundary);
	}
	if (mail_field_find(p->header, "Content-Transfer-Encoding", 0, &f))
		p->encoding = span_trim(f.value);
	if (mail_field_find(p->header, "Content-ID", 0, &f))
		p->id = span_trim(f.value);
	p->transfer = transfer_kind(p->encoding);
	p->message = span_is(p->type, "message/rfc822") && p->transfer == TRANSFER_IDENTITY;
}

/* The new part's place, or -1. */
static int add(struct work *w, struct span whole, int parent)
{
	struct probe_parts *out = w->out;
	unsigned depth = out->part[parent].depth + 1;
	struct probe_part *p = &out->part[out->n];
	struct mail_field f;

	if (out->n == PROBE_PARTS_MAX || depth > PROBE_PARTS_DEPTH) {
		out->more = true;
		return -1;
	}
	*p = (struct probe_part){.depth = depth, .parent = parent, .match = -1, .content = whole};
	while (mail_field_next(&p->content, &f))
		;
	p->header = span_take(whole, whole.n - p->content.n);
	p->content = mail_body(p->content);
	describe(w, p);
	return (int)out->n++;
}

static void cut(struct work *w, struct probe_part *p, int at)
{
	struct span rest = p->content, piece;
	int kind;

	if (p->message) {
		add(w, p->content, at);
		return;
	}
	if (!p->boundary.n)
		return;
	p->preamble = to_delimiter(&rest, p->boundary, &kind);
	p->multipart = kind == 1;
	while (kind == 1) {
		piece = to_delimiter(&rest, p->boundary, &kind);
		if (kind)
			piece = without_last_end(piece);
		if (add(w, piece, at) < 0)
			return;
	}
	p->closed = kind == 2;
	if (p->closed)
		p->epilogue = rest;
}

void probe_parts(struct probe_parts *out, struct arena *a, struct span header, struct span body, struct span boundary)
{
	struct work w = {.out = out, .arena = a};
	struct probe_part *top = &out->part[0];

	*top = (struct probe_part){.header = header, .content = body, .parent = -1, .match = -1};
	out->n = 1;
	out->more = false;
	describe(&w, top);
	if (!top->boundary.n)
		top->boundary = boundary;
	/* Parts that cutting adds are cut in their turn. */
	for (size_t i = 0; i < out->n; i++)
		cut(&w, &out->part[i], (int)i);
	if (!top->multipart && boundary.n && !span_eq(top->boundary, boundary)) {
		top->boundary = boundary;
		cut(&w, top, 0);
		for (size_t i = 1; i < out->n; i++)
			cut(&w, &out->part[i], (int)i);
	}
}
