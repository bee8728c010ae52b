/*
 * Part against part.  What is told of a part is what the walk saw in it, or, where
 * only its encoding is another, just that.
 */
#include "config.h"

#include "core/charset.h"
#include "ctl/mailbox.h"
#include "ctl/probe_head.h"
#include "ctl/probe_internal.h"
#include "ctl/probe_parts.h"
#include "ctl/probe_walk.h"

/* Of the header of a part that arrived; those of a probe have five. */
enum { PART_FIELDS_MAX = 200 };

struct compare {
	struct probe *p;
	const struct probe_make *made;
	struct probe_parts *sent, *arrived;
	struct probe_walk walk;
};

/* What a part of the probe is there for: its Content-ID says it. */
static struct span name_of(const struct probe_part *s)
{
	struct span id = span_skip(s->id, 1);

	return s->id.n ? span_take(id, span_find(id, '.')) : span_cstr("message");
}

/* --- octets ------------------------------------------------------------------------------ */

static struct span detail_of(struct compare *c, enum probe_change k)
{
	const struct probe_walk *w = &c->walk;

	if (k == PROBE_CHANGE_CUT_BLANK || k == PROBE_CHANGE_CUT_BANG || k == PROBE_CHANGE_CUT)
		return arena_printf(c->p->arena, "after octet %zu of the line", w->column);
	if (k == PROBE_CHANGE_APPENDED || k == PROBE_CHANGE_PREPENDED || k == PROBE_CHANGE_OTHERWISE)
		return span_trim(span_take(w->foreign, PROBE_DETAIL_MAX));
	return span_make(NULL, 0);
}

/* A finding for each kind that the walk saw; of a plain probe, where the first of it is. */
static void tell_walk(struct compare *c, struct span where, struct span sent)
{
	bool whole = !c->made->boundary[0];

	for (size_t k = 0; k < PROBE_CHANGES; k++) {
		size_t at = c->walk.seen[k].first;

		if (!c->walk.seen[k].count)
			continue;
		if (whole && at < sent.n)
			where = span_cstr(probe_make_name_at(c->made, at));
		else if (whole)
			where = span_cstr("message");
		probe_add_at(c->p, (enum probe_change)k, where, detail_of(c, (enum probe_change)k), sent, at, c->walk.seen[k].count);
	}
}

static void sink(void *ctx, const void *p, size_t n)
{
	buf_put(ctx, p, n);
}

/* Content as a reader gets it; of a text, without the line ends at its end, which msgc doesn't see. */
static struct span decode(struct buf *out, const struct probe_part *part)
{
	struct transfer t;
	struct span s;

	buf_init(out, MAILBOX_MESSAGE_MAX * (size_t)2);
	transfer_begin(&t, part->transfer, sink, out);
	transfer_feed(&t, part->content.p, part->content.n);
	transfer_end(&t);
	s = buf_span(out);
	while (span_starts(part->type, "text/") && s.n >= 2 && s.p[s.n - 2] == '\r' && s.p[s.n - 1] == '\n')
		s.n -= 2;
	return s;
}

static bool converts_to(struct span charset, struct span from, struct span to)
{
	struct buf b;
	bool same;

	/* No character of the fixed list of charsets takes more than three octets for one. */
	buf_init(&b, 3 * PROBE_MAKE_BODY_MAX);
	same = charset_to_utf8(&b, charset, from) == 0 && span_eq(buf_span(&b), to);
	buf_free(&b);
	return same;
}

/* Is the arrived text what was sent, in another character set?  Sent texts are UTF-8. */
static bool tell_charset(struct compare *c, const struct probe_part *s, const struct probe_part *a, struct span sent, struct span arrived)
{
	static const char *const guess[] = {"iso-8859-1", "iso-8859-15", "windows-1252", "utf-16be", "utf-16le"};
	struct span where = name_of(s);

	if (!span_starts(s->type, "text/") || arrived.n > 2 * sent.n + 4)
		return false;
	if (a->charset.n && !span_caseeq(a->charset, s->charset) && converts_to(a->charset, arrived, sent)) {
		probe_add(c->p, PROBE_CHANGE_CHARSET, where, arena_printf(c->p->arena, "from %.*s to %.*s, which it says", SPAN_ARG(s->charset),
			SPAN_ARG(span_take(a->charset, 40))));
		return true;
	}
	for (size_t i = 0; i < sizeof(guess) / sizeof(*guess); i++) {
		if (!converts_to(span_cstr(guess[i]), arrived, sent))
			continue;
		probe_add(c->p, PROBE_CHANGE_CHARSET, where, arena_printf(c->p->arena, "from %.*s to %s, labelled %.*s", SPAN_ARG(s->charset), guess[i],
			SPAN_ARG(span_take(a->charset, 40))));
		return true;
	}
	if (!converts_to(span_cstr("iso-8859-1"), sent, arrived))
		return false;
	probe_add(c->p, PROBE_CHANGE_CHARSET, where, span_cstr("UTF-8 twice over: taken for iso-8859-1 and converted"));
	return true;
}

/* --- one leaf ---------------------------------------------------------------------------------- */

static bool same_encoding(const struct probe_part *s, const struct probe_part *a)
{
	static const char none[] = "7bit";

	return span_caseeq(s->encoding.n ? s->encoding : span_cstr(none), a->encoding.n ? a->encoding : span_cstr(none));
}

static struct span from_to(struct compare *c, const struct probe_part *s, const struct probe_part *a)
{
	return arena_printf(c->p->arena, "from %.*s to %.*s", SPAN_ARG(s->encoding.n ? s->encoding : span_cstr("none")),
		SPAN_ARG(a->encoding.n ? span_take(a->encoding, 40) : span_cstr("none")));
}

/* The octets differ. */
static void changed_leaf(struct compare *c, const struct probe_part *s, const struct probe_part *a, struct span where)
{
	struct buf sent_text, arrived_text;
	struct span sent = decode(&sent_text, s), arrived = decode(&arrived_text, a);
	bool recoded = s->transfer != a->transfer, content = span_eq(sent, arrived);

	if (recoded)
		probe_add(c->p, PROBE_CHANGE_RECODED, where, from_to(c, s, a));
	else if (!same_encoding(s, a))
		probe_add(c->p, PROBE_CHANGE_ENCODING_LABEL, where, from_to(c, s, a));
	if (!(recoded && content) && !(!content && tell_charset(c, s, a, sent, arrived))) {
		struct span o = recoded ? sent : s->content;

		probe_walk(&c->walk, o, recoded ? arrived : a->content);
		if (content && s->transfer != TRANSFER_IDENTITY && !probe_walk_only_cuts(&c->walk))
			probe_add(c->p, PROBE_CHANGE_REWRAPPED, where, s->encoding);
		else
			tell_walk(c, where, o);
	}
	buf_free(&sent_text);
	buf_free(&arrived_text);
}

static void compare_leaf(struct compare *c, const struct probe_part *s, const struct probe_part *a, struct span where)
{
	if (!span_eq(s->content, a->content))
		changed_leaf(c, s, a, where);
	else if (!same_encoding(s, a) && s->depth)
		probe_add(c->p, PROBE_CHANGE_ENCODING_LABEL, where, from_to(c, s, a));
}

/* --- around the parts ------------------------------------------------------------------------------ */

static void compare_around(struct compare *c, struct span where, struct span sent, struct span arrived, enum probe_change added)
{
	if (span_eq(sent, arrived))
		return;
	if (sent.n == 0) {
		probe_add(c->p, added, where, span_trim(span_take(arrived, PROBE_DETAIL_MAX)));
		return;
	}
	probe_walk(&c->walk, sent, arrived);
	tell_walk(c, where, sent);
}

static void compare_multipart(struct compare *c, const struct probe_part *s, const struct probe_part *a, struct span where)
{
	struct arena *arena = c->p->arena;
	bool top = s->depth == 0;

	if (s->closed && !a->closed)
		probe_add(c->p, PROBE_CHANGE_DELIMITER_LOST, where, span_make(NULL, 0));
	if (!s->closed && a->closed)
		probe_add(c->p, PROBE_CHANGE_DELIMITER_ADDED, where, span_make(NULL, 0));
	if (!span_eq(s->boundary, a->boundary))
		probe_add(c->p, PROBE_CHANGE_BOUNDARY, where, span_make(NULL, 0));
	compare_around(c, top ? span_cstr("preamble") : arena_printf(arena, "%.*s: preamble", SPAN_ARG(where)), s->preamble, a->preamble, PROBE_CHANGE_PREPENDED);
	/* One that is closed behind the probe's end has room for no epilogue. */
	if (s->closed && a->closed)
		compare_around(c, top ? span_cstr("epilogue") : arena_printf(arena, "%.*s: epilogue", SPAN_ARG(where)), s->epilogue, a->epilogue,
			PROBE_CHANGE_APPENDED);
}

static bool is_encoding(struct span name)
{
	return span_caseis(name, "Content-Transfer-Encoding");
}

static void compare_part_header(struct compare *c, const struct probe_part *s, const struct probe_part *a, struct span where)
{
	struct span rest = s->header;
	struct mail_field f, g;

	while (mail_field_next(&rest, &f)) {
		if (is_encoding(f.name))
			continue;
		if (!mail_field_find(a->header, arena_cstr(c->p->arena, f.name), 0, &g))
			probe_add(c->p, PROBE_CHANGE_PART_FIELD, where, arena_printf(c->p->arena, "%.*s is gone", SPAN_ARG(f.name)));
		else if (!span_eq(f.raw, g.raw))
			probe_add(c->p, PROBE_CHANGE_PART_FIELD, where, arena_printf(c->p->arena, "%.*s: %s", SPAN_ARG(f.name),
				probe_field_state_name(probe_head_compare(f.value, g.value))));
	}
	rest = a->header;
	for (unsigned n = 0; n < PART_FIELDS_MAX && mail_field_next(&rest, &f); n++) {
		char *name = f.name.n <= PROBE_DETAIL_MAX ? arena_cstr(c->p->arena, f.name) : NULL;

		if (is_encoding(f.name) || (name && mail_field_find(s->header, name, 0, &g)))
			continue;
		probe_add(c->p, PROBE_CHANGE_PART_FIELD, where, arena_printf(c->p->arena, "new: %.*s", SPAN_ARG(span_take(span_trim(f.raw), PROBE_DETAIL_MAX))));
		return;
	}
}

/* --- which is which --------------------------------------------------------------------------------- */

static int find_arrived(const struct compare *c, const struct probe_part *s)
{
	for (size_t i = 0; i < c->arrived->n; i++) {
		const struct probe_part *a = &c->arrived->part[i];

		if (a->match < 0 && s->id.n && span_eq(a->id, s->id))
			return (int)i;
	}
	return -1;
}

/* The probe's own multipart: on top, or wrapped into another. */
static int find_top(const struct compare *c)
{
	const struct probe_part *s = &c->sent->part[0];

	for (size_t i = 0; s->multipart && i < c->arrived->n; i++)
		if (c->arrived->part[i].multipart && span_eq(c->arrived->part[i].boundary, s->boundary))
			return (int)i;
	return 0;
}

static void match(struct compare *c)
{
	for (size_t i = 0; i < c->sent->n; i++) {
		int at = i ? find_arrived(c, &c->sent->part[i]) : find_top(c);

		c->sent->part[i].match = at;
		if (at >= 0)
			c->arrived->part[at].match = (int)i;
	}
}

static void compare_places(struct compare *c)
{
	int before = -1, parent = -1;

	if (c->sent->part[0].match > 0)
		probe_add(c->p, PROBE_CHANGE_PART_MOVED, span_cstr("message"), arena_printf(c->p->arena, "inside a %.*s now", SPAN_ARG(span_take(c->arrived->part[0].type, 40))));
	for (size_t i = 1; i < c->sent->n; i++) {
		const struct probe_part *s = &c->sent->part[i];

		if (s->parent != parent)
			before = -1;
		parent = s->parent;
		if (s->match < 0)
			continue;
		if (s->match < before || c->arrived->part[s->match].parent != c->sent->part[s->parent].match)
			probe_add(c->p, PROBE_CHANGE_PART_MOVED, name_of(s), span_make(NULL, 0));
		before = s->match;
	}
}

static void find_new_parts(struct compare *c)
{
	for (size_t i = 1; i < c->arrived->n; i++) {
		const struct probe_part *a = &c->arrived->part[i], *parent = &c->arrived->part[a->parent];

		/* Parts of a new part, and the wrapping of the probe, are no news. */
		if (a->match >= 0 || (a->parent && parent->match < 0))
			continue;
		probe_add(c->p, PROBE_CHANGE_PART_ADDED, arena_printf(c->p->arena, "%.*s", SPAN_ARG(span_take(a->type, 60))),
			span_trim(span_take(a->content, PROBE_DETAIL_MAX)));
	}
}

static void compare_part(struct compare *c, const struct probe_part *s)
{
	struct span where = name_of(s);
	const struct probe_part *a;
	bool leaf = !s->multipart && !s->message;

	c->p->parts_sent += leaf;
	if (s->match < 0) {
		if (c->sent->part[s->parent].match >= 0)
			probe_add(c->p, PROBE_CHANGE_PART_LOST, where, span_make(NULL, 0));
		return;
	}
	a = &c->arrived->part[s->match];
	c->p->parts_same += leaf && span_eq(s->content, a->content) && (s->depth == 0 || span_eq(s->header, a->header));
	if (s->depth)
		compare_part_header(c, s, a, where);
	if (s->multipart && a->multipart)
		compare_multipart(c, s, a, where);
	else if (s->multipart)
		probe_add(c->p, PROBE_CHANGE_PART_LOST, s->depth ? where : span_cstr("every part"), arena_printf(c->p->arena, "it is a %.*s now", SPAN_ARG(span_take(a->type, 40))));
	else if (!s->message || !a->message)
		compare_leaf(c, s, a, where);
}

void probe_body(struct probe *p, const struct probe_make *made, struct span arrived_head, struct span arrived_body)
{
	struct compare c = {.p = p, .made = made};
	size_t before = p->nfinding;
	struct span boundary = span_cstr(made->boundary);
	bool parts;

	c.sent = arena_alloc(p->arena, sizeof(*c.sent));
	c.arrived = arena_alloc(p->arena, sizeof(*c.arrived));
	if (!c.sent || !c.arrived)
		return;
	probe_parts(c.sent, p->arena, buf_span(&made->head), buf_span(&made->body), boundary);
	probe_parts(c.arrived, p->arena, arrived_head, arrived_body, boundary);
	if (c.arrived->more)
		probe_add(p, PROBE_CHANGE_TOO_MUCH, span_cstr("message"), span_make(NULL, 0));
	match(&c);
	parts = !c.sent->part[0].multipart || c.arrived->part[c.sent->part[0].match].multipart;
	for (size_t i = 0; i < c.sent->n; i++)
		if (parts || i == 0)
			compare_part(&c, &c.sent->part[i]);
		else
			p->parts_sent += !c.sent->part[i].multipart && !c.sent->part[i].message;
	if (parts)
		compare_places(&c);
	find_new_parts(&c);
	if (p->differs && p->nfinding == before)
		probe_add_at(p, PROBE_CHANGE_BETWEEN, span_cstr(p->first_part), span_make(NULL, 0), buf_span(&made->body), p->first, 1);
}
