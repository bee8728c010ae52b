/*
 * Joins the walk over the body, the digests of the leaves and the canonical
 * form; and collects what the signer's check wants to know.
 *
 * Decides what an entity is from its header, by the profile alone.  Says what
 * it found, never what follows from it.
 */
#include "config.h"

#include "core/content.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/canonical.h"
#include "core/leaf.h"
#include "core/mimewalk.h"

/* The copy of one value; the top one may be larger than a part's header. */
enum { ARENA_CAP = 2 * LIMIT_PART_HEADER_BYTES };

struct level {
	size_t at;      /* where its text begins */
	enum mimewalk_kind kind;
	bool digest;    /* multipart/digest: its parts are messages unless they say else */
	bool rfc822;
	bool ignored;   /* beyond LIMIT_MIME_PARTS: only its end is looked for */
	unsigned kids;
};

struct content {
	struct mimewalk walk;
	struct leaf leaf;
	struct canonical form;
	struct contenttype type;
	struct arena *arena; /* of the Content-Type being read */
	struct level level[LIMIT_MIME_DEPTH + 1];
	enum content_limit limit;
	unsigned unsafe, parts, depth;
	bool has_content_type, has_mime_version;
	bool eightbit, header_8bit, nul, ambiguous;
};

/* What an entity's header says, wherever it stood. */
struct description {
	struct span content_type, transfer_encoding;
	bool has_content_type, has_transfer_encoding;
};

static void set_limit(struct content *c, enum content_limit limit)
{
	if (c->limit == CONTENT_WITHIN)
		c->limit = limit;
}

/* --- one entity ------------------------------------------------------------- */

static void read_type(struct content *c, const struct description *d, bool in_digest)
{
	arena_reset(c->arena);
	memset(&c->type, 0, sizeof c->type);
	if (!d->has_content_type) {
		c->type.type = span_cstr(in_digest ? "message/rfc822" : "text/plain");
	} else if (d->content_type.n > LIMIT_PART_HEADER_BYTES) {
		set_limit(c, CONTENT_TOO_LARGE);
	} else if (contenttype_parse(d->content_type, c->arena, &c->type)) {
		set_limit(c, CONTENT_NO_MEMORY);
		memset(&c->type, 0, sizeof c->type);
	} else if (!c->type.type.n) {
		set_limit(c, CONTENT_NO_FORM);
	}
	if (c->type.overflow)
		set_limit(c, CONTENT_TOO_LARGE);
	if (c->type.long_param)
		c->unsafe |= CONTENT_LONG_PARAMETER;
}

static bool boundary_doubled(const struct contenttype *ct)
{
	unsigned n = 0;

	for (size_t i = 0; ct->doubled && i < ct->nparam; i++)
		n += span_is(ct->param[i].name, "boundary");
	return n > 1;
}

/*
 * RFC 2231 lets "charset*=..." or "boundary*0=..." say what charset and boundary
 * say, and readers differ in which they follow.
 */
static bool has_extended(const struct contenttype *ct)
{
	static const char *const decisive[] = {"boundary*", "charset*", "type*", "start*", "delsp*", "format*", "name*"};

	for (size_t i = 0; i < ct->nparam; i++)
		for (size_t k = 0; k < sizeof decisive / sizeof *decisive; k++)
			if (span_starts(ct->param[i].name, decisive[k]))
				return true;
	return false;
}

/*
 * An encoding that we take for none may be one to somebody else, and parts of a
 * multipart have their own.
 */
static bool odd_encoding(const struct contenttype *ct, struct span value)
{
	static const char *const known[] = {"", "7bit", "8bit", "binary", "quoted-printable", "base64"};
	size_t n = span_starts(ct->type, "multipart/") ? 4 : 6;

	for (size_t i = 0; i < n; i++)
		if (span_caseis(span_trim(value), known[i]))
			return false;
	return true;
}

/* Types whose parameters, not their content, say what is shown. */
static bool elsewhere(const struct contenttype *ct)
{
	return span_is(ct->type, "message/partial") || span_is(ct->type, "message/external-body");
}

static bool opens_message(const struct contenttype *ct, const struct description *d)
{
	struct span e = span_trim(d->transfer_encoding);

	if (!span_is(ct->type, "message/rfc822") && !span_is(ct->type, "message/global"))
		return false;
	/* An empty field says as much as none. */
	return d->transfer_encoding.n == 0 || span_caseis(e, "7bit") || span_caseis(e, "8bit") || span_caseis(e, "binary");
}

/* By its type, what is this entity? */
static void classify(struct content *c, const struct description *d, struct mimewalk_entity *e)
{
	memset(e, 0, sizeof *e);
	if (has_extended(&c->type) || c->type.loose || elsewhere(&c->type) || odd_encoding(&c->type, d->transfer_encoding))
		c->ambiguous = true;
	if (span_starts(c->type.type, "multipart/")) {
		if (boundary_doubled(&c->type))
			c->ambiguous = true;
		if (contenttype_param(&c->type, "boundary", &e->boundary) && e->boundary.n)
			e->kind = MIMEWALK_MULTIPART;
		else
			c->unsafe |= CONTENT_NO_BOUNDARY;
	} else if (opens_message(&c->type, d)) {
		e->kind = MIMEWALK_MESSAGE;
	}
	if (e->kind != MIMEWALK_LEAF && c->walk.depth == LIMIT_MIME_DEPTH) {
		set_limit(c, CONTENT_TOO_DEEP);
		e->kind = MIMEWALK_LEAF;
	}
}

static void begin_leaf(struct content *c, const struct description *d, struct mimewalk_entity *e)
{
	struct span type = c->type.type;
	enum transfer_kind kind = transfer_kind(d->transfer_encoding);

	e->dense = kind == TRANSFER_BASE64;
	leaf_begin(&c->leaf, kind, !type.n || span_starts(type, "text/"));
}

/* "T:" and "P:" lines of the entity at walk.depth. */
static void begin_entity(struct content *c, const struct description *d)
{
	struct level *l = &c->level[c->walk.depth];
	bool in_digest = c->walk.depth && l[-1].digest;

	memset(l, 0, sizeof *l);
	l->at = c->form.text.n;
	c->parts++;
	if (c->walk.depth > c->depth)
		c->depth = c->walk.depth;
	read_type(c, d, in_digest);
	canonical_type(&c->form, c->type.type);
	if (canonical_params(&c->form, &c->type))
		set_limit(c, CONTENT_NO_FORM);
}

static void open_entity(struct content *c, const struct description *d, struct mimewalk_entity *e)
{
	struct level *l = &c->level[c->walk.depth];

	classify(c, d, e);
	l->kind = e->kind;
	l->digest = span_is(c->type.type, "multipart/digest");
	l->rfc822 = span_is(c->type.type, "message/rfc822");
	if (e->kind == MIMEWALK_LEAF)
		begin_leaf(c, d, e);
}

/* --- what the walk tells ------------------------------------------------------ */

static void put_fields(struct content *c, const struct partheader *h, char kind, enum partheader_field from, enum partheader_field to)
{
	struct span value;

	for (enum partheader_field f = from; f <= to; f++)
		if (partheader_get(h, f, &value))
			canonical_field(&c->form, kind, partheader_name(f), value);
}

static void check_header(struct content *c, const struct partheader *h)
{
	if (h->text.failed)
		set_limit(c, CONTENT_TOO_LARGE);
	if (h->loose)
		c->ambiguous = true;
	if (h->count[PARTHEADER_CONTENT_TYPE] > 1 || h->count[PARTHEADER_TRANSFER_ENCODING] > 1) {
		c->ambiguous = true;
		set_limit(c, CONTENT_NO_FORM);
	}
}

/* One too many: cheap, since a body can be nothing but delimiters. */
static void ignore(struct content *c)
{
	struct level *l = &c->level[c->walk.depth];

	memset(l, 0, sizeof *l);
	l->ignored = true;
	c->parts++;
	set_limit(c, CONTENT_TOO_MANY);
}

static void on_enter(void *ctx, const struct partheader *h, struct mimewalk_entity *e)
{
	struct content *c = ctx;
	struct level *parent = &c->level[c->walk.depth - 1];
	struct description d;

	if (c->parts >= LIMIT_MIME_PARTS) {
		ignore(c);
		return;
	}
	memset(&d, 0, sizeof d);
	d.has_content_type = partheader_get(h, PARTHEADER_CONTENT_TYPE, &d.content_type);
	d.has_transfer_encoding = partheader_get(h, PARTHEADER_TRANSFER_ENCODING, &d.transfer_encoding);
	check_header(c, h);
	if (parent->rfc822)
		put_fields(c, h, 'I', PARTHEADER_FROM, PARTHEADER_MESSAGE_ID);
	begin_entity(c, &d);
	put_fields(c, h, 'H', PARTHEADER_CONTENT_ID, PARTHEADER_CONTENT_DISPOSITION);
	open_entity(c, &d, e);
}

static void on_data(void *ctx, const char *p, size_t n)
{
	struct content *c = ctx;

	if (!c->level[c->walk.depth].ignored)
		leaf_data(&c->leaf, p, n);
}

static void on_eol(void *ctx)
{
	struct content *c = ctx;

	if (!c->level[c->walk.depth].ignored)
		leaf_eol(&c->leaf);
}

static void end_leaf(struct content *c)
{
	struct msgi_value digest;

	if (leaf_end(&c->leaf, &digest))
		set_limit(c, CONTENT_NO_MEMORY);
	if (c->leaf.transfer.failed)
		set_limit(c, CONTENT_TOO_LARGE);
	if (c->leaf.transfer.odd)
		c->ambiguous = true;
	canonical_digest(&c->form, &digest);
}

static void on_leave(void *ctx, bool closed)
{
	struct content *c = ctx;
	struct level *l = &c->level[c->walk.depth];

	if (l->ignored)
		return;
	if (l->kind == MIMEWALK_LEAF)
		end_leaf(c);
	if (l->kind == MIMEWALK_MULTIPART) {
		if (!closed)
			c->unsafe |= CONTENT_NOT_CLOSED;
		/* Neither content nor parts: the form has no words for it. */
		if (!l->kids)
			set_limit(c, CONTENT_NO_FORM);
	}
	if (c->walk.depth) {
		canonical_kid(&c->form, l->at);
		l[-1].kids++;
	}
}

static const struct mimewalk_handler handler = {on_enter, on_data, on_eol, on_leave};

/* --- the interface -------------------------------------------------------------- */

struct content *content_begin(const struct content_top *top)
{
	struct content *c = calloc(1, sizeof *c);
	struct mimewalk_entity e;
	struct description d = {
		.content_type = top->content_type,
		.transfer_encoding = top->transfer_encoding,
		.has_content_type = top->has_content_type,
		.has_transfer_encoding = top->has_transfer_encoding,
	};

	if (!c)
		return NULL;
	c->arena = arena_new(ARENA_CAP);
	if (!c->arena) {
		free(c);
		return NULL;
	}
	canonical_init(&c->form);
	c->has_content_type = top->has_content_type;
	c->has_mime_version = top->has_mime_version;
	c->header_8bit = top->header_8bit;
	if (top->doubled) {
		c->ambiguous = true;
		set_limit(c, CONTENT_NO_FORM);
	}
	begin_entity(c, &d);
	open_entity(c, &d, &e);
	mimewalk_begin(&c->walk, &handler, c, &e);
	return c;
}

/* GCC and clang make this what the machine has, or plain code. */
typedef unsigned char vec __attribute__((vector_size(16)));
typedef uint64_t vec64 __attribute__((vector_size(16)));

/* Octets over 0x7F and NULs, in one pass. */
static void look_at_octets(struct content *c, const char *p, size_t n)
{
	vec x, bits = {0}, nul = {0};
	vec64 b, z;
	unsigned char all = 0;

	for (; n >= sizeof x; p += sizeof x, n -= sizeof x) {
		memcpy(&x, p, sizeof x);
		bits |= x;
		nul |= (vec)(x == 0);
	}
	for (; n; p++, n--) {
		all |= (unsigned char)*p;
		c->nul |= *p == '\0';
	}
	b = (vec64)bits;
	z = (vec64)nul;
	c->nul |= (z[0] | z[1]) != 0;
	c->eightbit |= ((b[0] | b[1]) & 0x8080808080808080u) != 0 || all > 0x7F;
}

void content_feed(struct content *c, const void *p, size_t n)
{
	if (n == 0)
		return;
	look_at_octets(c, p, n);
	mimewalk_feed(&c->walk, p, n);
}

static unsigned unsafe_bits(const struct content *c)
{
	unsigned u = c->unsafe;

	if (c->walk.long_line)
		u |= CONTENT_LONG_LINE;
	if (c->walk.long_header_line)
		u |= CONTENT_LONG_PART_LINE;
	if (c->nul)
		u |= CONTENT_NUL;
	if ((c->eightbit || c->header_8bit) && !(c->has_content_type && c->has_mime_version))
		u |= CONTENT_8BIT_NO_MIME;
	return u;
}

static int hash_form(struct content *c, struct msgi_value *out)
{
	struct msgi_stream s;
	struct span text = content_canonical(c);
	int rc;

	msgi_stream_begin(&s, 1u << MSGI_SHA256);
	msgi_stream_feed(&s, text.p, text.n);
	rc = msgi_stream_value(&s, MSGI_SHA256, out);
	msgi_stream_free(&s);
	return rc;
}

void content_end(struct content *c, struct content_result *out)
{
	memset(out, 0, sizeof *out);
	mimewalk_end(&c->walk);
	if (c->walk.failed || c->form.no_memory)
		set_limit(c, CONTENT_NO_MEMORY);
	if (c->form.too_large)
		set_limit(c, CONTENT_TOO_LARGE);
	/* What two readers may read in two ways has no form that both agree on. */
	if (c->form.unclear || c->ambiguous || c->walk.ambiguous)
		set_limit(c, CONTENT_NO_FORM);
	if (c->limit == CONTENT_WITHIN && hash_form(c, &out->msgc))
		set_limit(c, CONTENT_NO_MEMORY);
	out->limit = c->limit;
	out->unsafe = unsafe_bits(c);
	out->longest_line = c->walk.longest_line;
	out->parts = c->parts;
	out->depth = c->depth;
	out->eightbit = c->eightbit;
	out->ambiguous = c->ambiguous || c->walk.ambiguous;
}

struct span content_canonical(const struct content *c)
{
	return buf_span(&c->form.text);
}

void content_free(struct content *c)
{
	if (!c)
		return;
	mimewalk_free(&c->walk);
	leaf_free(&c->leaf);
	canonical_free(&c->form);
	arena_free(c->arena);
	free(c);
}

void content_unsafe_names(struct buf *out, unsigned unsafe)
{
	static const char *const names[] = {
		"long-line", "nul", "no-boundary", "not-closed", "8bit-no-mime", "long-part-line", "long-parameter",
	};
	bool first = true;

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!(unsafe & 1u << i))
			continue;
		if (!first)
			buf_putc(out, ',');
		buf_puts(out, names[i]);
		first = false;
	}
}
