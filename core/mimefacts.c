/*
 * One walk over the body: what each part is, how large it is, and its text.
 *
 * Knows the header of a part; markup and addresses are mimefacts_text.c's and
 * mimefacts_url.c's.
 */
#include "config.h"

#include "core/mimefacts.h"

#include <stdlib.h>

#include <gmime/gmime.h>

#include "core/charset.h"
#include "core/contenttype.h"
#include "core/mimefacts_internal.h"
#include "core/mimewalk.h"
#include "core/transfer.h"

enum {
	/* The Content-Type being read; the top one may be larger than a part's header. */
	SCRATCH_CAP = 2 * LIMIT_PART_HEADER_BYTES,
	/* Values with file names that GMime reads, together: its parser allocates
	 * for each parameter, 40 ms for a megabyte of them. */
	NAMES_BYTES = 256 * 1024,
	/* Texts that iconv converts: to open a conversion takes up to 0.1 ms. */
	CONVERSIONS = 100,
	/* The body goes to the walk in pieces, and stops at a limit between two. */
	PIECE = 16 * 1024
};

struct reader {
	struct mimewalk walk;
	struct transfer transfer;
	struct contenttype type;
	struct arena *scratch, *arena;
	struct mimefacts *out;
	bool digest[LIMIT_MIME_DEPTH + 1]; /* its parts are messages unless they say else */
	bool leaf[LIMIT_MIME_DEPTH + 1];
	size_t entities, names_bytes;
	bool over; /* beyond a limit of the structure */
	bool no_memory;
	bool want_text;
	/* the leaf being read */
	uint64_t size;
	bool is_text, is_html;
	struct span charset; /* in the arena */
	unsigned conversions;
	size_t raw_left;     /* of the octets of text, over all parts */
	struct buf raw, text;
};

void mimefacts_push(struct span **list, size_t *n, struct arena *a, struct span value)
{
	/* A power of two, or none: full. */
	if ((*n & (*n - 1)) == 0) {
		struct span *grown = arena_array(a, *n ? 2 * *n : 1, sizeof *grown);

		if (!grown)
			return;
		if (*n)
			memcpy(grown, *list, *n * sizeof *grown);
		*list = grown;
	}
	(*list)[(*n)++] = value;
}

static struct span lower_copy(struct arena *a, struct span s)
{
	char *p = arena_alloc(a, s.n);

	for (size_t i = 0; p && i < s.n; i++)
		p[i] = span_lower(s.p[i]);
	return span_make(p, p ? s.n : 0);
}

/* --- names ---------------------------------------------------------------------- */

static void put_name(struct reader *r, struct span name)
{
	struct mimefacts *m = r->out;
	struct span copy;

	if (!name.n)
		return;
	copy = lower_copy(r->arena, name);
	/* Type and disposition mostly say the same. */
	if (m->nname && span_eq(m->name[m->nname - 1], copy))
		return;
	mimefacts_push(&m->name, &m->nname, r->arena, copy);
}

/* A parameter that GMime decoded; it may give anything but NUL. */
static void put_parameter(struct reader *r, const char *value)
{
	struct buf text;

	if (!value)
		return;
	buf_init(&text, LIMIT_PART_HEADER_BYTES);
	if (charset_to_utf8(&text, span_make(NULL, 0), span_cstr(value)))
		r->out->incomplete = true;
	put_name(r, buf_span(&text));
	buf_free(&text);
}

/* Does the value speak of a name at all? Most don't, and cost nothing. */
static bool has_name(struct span value)
{
	for (size_t i = 0; i + 4 <= value.n; i++)
		if (span_casestarts(span_skip(value, i), "name"))
			return true;
	return false;
}

/* For GMime: no NUL to hide something behind. */
static char *one_line(struct arena *a, struct span value)
{
	char *text = arena_cstr(a, value);

	for (size_t i = 0; text && i < value.n; i++)
		if (text[i] == '\0' || text[i] == '\r' || text[i] == '\n')
			text[i] = ' ';
	return text;
}

static void read_names(struct reader *r, struct span value, bool disposition)
{
	char *text;

	if (!has_name(value))
		return;
	r->names_bytes += value.n;
	if (r->names_bytes > NAMES_BYTES) {
		r->out->incomplete = true;
		return;
	}
	text = one_line(r->scratch, value);
	if (!text)
		return; /* asked of the arena at the end */
	if (!charset_parameters_known(span_cstr(text))) {
		put_name(r, span_trim(span_skip(value, span_find(value, ';') + 1)));
	} else if (disposition) {
		GMimeContentDisposition *d = g_mime_content_disposition_parse(NULL, text);

		put_parameter(r, d ? g_mime_content_disposition_get_parameter(d, "filename") : NULL);
		g_clear_object(&d);
	} else {
		GMimeContentType *t = g_mime_content_type_parse(NULL, text);

		put_parameter(r, t ? g_mime_content_type_get_parameter(t, "name") : NULL);
		g_clear_object(&t);
	}
}

/* --- one part -------------------------------------------------------------------- */

static bool is_identity(struct span encoding)
{
	encoding = span_trim(encoding);
	return !encoding.n || span_caseis(encoding, "7bit") || span_caseis(encoding, "8bit") || span_caseis(encoding, "binary");
}

/* The type of the entity at walk.depth. */
static void read_type(struct reader *r, struct span value)
{
	unsigned depth = r->walk.depth;

	arena_reset(r->scratch);
	memset(&r->type, 0, sizeof r->type);
	if (value.n > LIMIT_PART_HEADER_BYTES)
		r->over = true;
	else if (value.n && contenttype_parse(value, r->scratch, &r->type))
		r->no_memory = true;
	if (!r->type.type.n)
		r->type.type = span_cstr(!value.n && depth && r->digest[depth - 1] ? "message/rfc822" : "text/plain");
}

static void classify(struct reader *r, struct span encoding, struct mimewalk_entity *e)
{
	struct span type = r->type.type;

	memset(e, 0, sizeof *e);
	if (span_starts(type, "multipart/") && contenttype_param(&r->type, "boundary", &e->boundary) && e->boundary.n)
		e->kind = MIMEWALK_MULTIPART;
	else if ((span_is(type, "message/rfc822") || span_is(type, "message/global")) && is_identity(encoding))
		e->kind = MIMEWALK_MESSAGE;
	if (e->kind != MIMEWALK_LEAF && r->walk.depth == LIMIT_MIME_DEPTH) {
		r->over = true;
		e->kind = MIMEWALK_LEAF;
	}
}

static void count_octets(void *ctx, const void *p, size_t n)
{
	struct reader *r = ctx;
	size_t room = r->raw.max - r->raw.n;

	r->size += n;
	if (!r->is_text)
		return;
	if (n > room)
		r->out->incomplete = true;
	n = n < room ? n : room;
	r->raw_left -= n;
	if (buf_put(&r->raw, p, n))
		r->no_memory = true;
}

static void begin_leaf(struct reader *r, struct span encoding, struct mimewalk_entity *e)
{
	struct mimefacts *m = r->out;
	struct span charset = span_make(NULL, 0);
	enum transfer_kind kind = transfer_kind(encoding);

	m->count++;
	mimefacts_push(&m->type, &m->ntype, r->arena, arena_copy(r->arena, r->type.type));
	r->is_text = span_starts(r->type.type, "text/");
	r->is_html = span_is(r->type.type, "text/html");
	r->charset = charset;
	if (r->is_text && contenttype_param(&r->type, "charset", &charset) && charset.n) {
		r->charset = lower_copy(r->arena, charset);
		mimefacts_push(&m->charset, &m->ncharset, r->arena, r->charset);
	}
	r->is_text = r->is_text && r->want_text;
	r->size = 0;
	buf_reset(&r->raw);
	r->raw.max = r->raw_left;
	e->dense = kind == TRANSFER_BASE64;
	transfer_begin(&r->transfer, kind, count_octets, r);
}

static void begin_entity(struct reader *r, struct span type, struct span encoding, struct span disposition, struct mimewalk_entity *e)
{
	unsigned depth = r->walk.depth;

	read_type(r, type);
	classify(r, encoding, e);
	r->digest[depth] = span_is(r->type.type, "multipart/digest");
	r->leaf[depth] = e->kind == MIMEWALK_LEAF;
	if (depth > r->out->depth)
		r->out->depth = depth;
	if (!r->leaf[depth])
		return;
	begin_leaf(r, encoding, e);
	read_names(r, disposition, true);
	read_names(r, type, false);
}

/* The text's charset, as long as it may be converted. */
static struct span affordable_charset(struct reader *r)
{
	const char *name = r->charset.n ? charset_iconv_name(r->charset) : NULL;

	if (!name || strcmp(name, "UTF-8") == 0 || r->conversions++ < CONVERSIONS)
		return r->charset;
	r->out->incomplete = true;
	return span_cstr("unknown");
}

static void put_text(struct reader *r)
{
	struct mimefacts *m = r->out;
	struct span text;

	buf_reset(&r->text);
	r->text.max = MIMEFACTS_TEXT_MAX - (size_t)m->text_size;
	if (charset_to_utf8(&r->text, affordable_charset(r), buf_span(&r->raw)))
		m->incomplete = true;
	if (r->is_html) {
		/* Never longer than what it is made of. */
		buf_reset(&r->raw);
		r->raw.max = r->text.n;
		mimefacts_html(buf_span(&r->text), &r->raw, m, r->arena);
		r->no_memory = r->no_memory || r->raw.failed;
	}
	text = arena_copy(r->arena, buf_span(r->is_html ? &r->raw : &r->text));
	mimefacts_push(&m->text, &m->ntext, r->arena, text);
	m->text_size += text.n;
	mimefacts_urls(text, m, r->arena);
}

static void end_leaf(struct reader *r)
{
	transfer_end(&r->transfer);
	if (r->transfer.failed)
		r->out->incomplete = true;
	if (r->size > r->out->largest)
		r->out->largest = r->size;
	if (r->is_text)
		put_text(r);
}

/* --- what the walk tells ----------------------------------------------------------- */

static void on_enter(void *ctx, const struct partheader *h, struct mimewalk_entity *e)
{
	struct reader *r = ctx;
	struct span type = {NULL, 0}, encoding = {NULL, 0}, disposition = {NULL, 0};

	if (++r->entities > LIMIT_MIME_PARTS || h->text.failed)
		r->over = true;
	if (r->over)
		return;
	(void)partheader_get(h, PARTHEADER_CONTENT_TYPE, &type);
	(void)partheader_get(h, PARTHEADER_TRANSFER_ENCODING, &encoding);
	(void)partheader_get(h, PARTHEADER_CONTENT_DISPOSITION, &disposition);
	begin_entity(r, type, encoding, disposition, e);
}

static void on_data(void *ctx, const char *p, size_t n)
{
	struct reader *r = ctx;

	if (!r->over)
		transfer_feed(&r->transfer, p, n);
}

static void on_eol(void *ctx)
{
	on_data(ctx, "\r\n", 2);
}

static void on_leave(void *ctx, bool closed)
{
	struct reader *r = ctx;

	(void)closed;
	if (!r->over && r->leaf[r->walk.depth])
		end_leaf(r);
}

static const struct mimewalk_handler handler = {on_enter, on_data, on_eol, on_leave};

/* --- the interface ------------------------------------------------------------------- */

/*
 * Nothing is hashed here, so a lone LF may end a line, as it does for those who
 * show the message.
 */
static void feed(struct reader *r, struct span body)
{
	char piece[2 * PIECE];
	bool after_cr = false;

	while (body.n && !r->over) {
		struct span s = span_take(body, PIECE);
		size_t n = 0;

		body = span_skip(body, s.n);
		while (s.n) {
			size_t lf = span_find(s, '\n');

			memcpy(piece + n, s.p, lf);
			n += lf;
			if (lf)
				after_cr = s.p[lf - 1] == '\r';
			if (lf < s.n) {
				if (!after_cr)
					piece[n++] = '\r';
				piece[n++] = '\n';
				after_cr = false;
			}
			s = span_skip(s, lf + 1);
		}
		mimewalk_feed(&r->walk, piece, n);
	}
}

static void read_body(struct reader *r, struct span type, struct span encoding, struct span body)
{
	struct mimewalk_entity top;

	r->entities = 1;
	begin_entity(r, type, encoding, span_make(NULL, 0), &top);
	mimewalk_begin(&r->walk, &handler, r, &top);
	feed(r, body);
	mimewalk_end(&r->walk);
	r->no_memory = r->no_memory || r->walk.failed || arena_overflowed(r->arena) || arena_overflowed(r->scratch);
	mimewalk_free(&r->walk);
}

int mimefacts_read(struct span content_type, struct span transfer_encoding, struct span body, bool text, struct arena *a, struct mimefacts *out)
{
	struct reader *r = calloc(1, sizeof *r);
	int rc = -1;

	memset(out, 0, sizeof *out);
	if (!r)
		return -1;
	r->arena = a;
	r->out = out;
	r->want_text = text;
	r->raw_left = MIMEFACTS_TEXT_MAX;
	r->scratch = arena_new(SCRATCH_CAP);
	if (r->scratch) {
		read_body(r, content_type, transfer_encoding, body);
		rc = r->no_memory ? -1 : 0;
		if (rc || r->over)
			memset(out, 0, sizeof *out);
		out->structure = rc == 0 && !r->over;
		out->incomplete = out->incomplete || !out->structure;
	}
	buf_free(&r->raw);
	buf_free(&r->text);
	arena_free(r->scratch);
	free(r);
	return rc;
}
