/*
 * Field names are compared, values copied; what a value means is for others.
 * A line without a colon is passed over together with its folded lines, and
 * said to be loose.
 */
#include "config.h"

#include "core/partheader.h"

#include "core/limits.h"

static const char *const names[PARTHEADER_FIELD_COUNT] = {
	[PARTHEADER_CONTENT_TYPE] = "content-type",
	[PARTHEADER_TRANSFER_ENCODING] = "content-transfer-encoding",
	[PARTHEADER_CONTENT_ID] = "content-id",
	[PARTHEADER_CONTENT_LOCATION] = "content-location",
	[PARTHEADER_CONTENT_DISPOSITION] = "content-disposition",
	[PARTHEADER_FROM] = "from",
	[PARTHEADER_TO] = "to",
	[PARTHEADER_CC] = "cc",
	[PARTHEADER_SUBJECT] = "subject",
	[PARTHEADER_DATE] = "date",
	[PARTHEADER_MESSAGE_ID] = "message-id",
};

const char *partheader_name(enum partheader_field f)
{
	return names[f];
}

void partheader_init(struct partheader *h)
{
	memset(h, 0, sizeof *h);
	buf_init(&h->text, LIMIT_PART_HEADER_BYTES);
	h->current = -1;
}

void partheader_free(struct partheader *h)
{
	buf_free(&h->text);
}

void partheader_reset(struct partheader *h)
{
	struct buf text = h->text;

	buf_reset(&text);
	memset(h, 0, sizeof *h);
	h->text = text;
	h->current = -1;
}

static int lookup(struct span name)
{
	for (int i = 0; i < PARTHEADER_FIELD_COUNT; i++)
		if (span_caseis(name, names[i]))
			return i;
	return -1;
}

/* The colon came. */
static void begin_value(struct partheader *h)
{
	struct span name = span_make(h->name, h->nname);
	int f = h->nname <= sizeof h->name ? lookup(name) : -1;

	h->in_name = false;
	h->any = true;
	h->current = -1;
	if (h->nname == 0)
		h->loose = true;
	if (f < 0)
		return;
	if (h->count[f]++) {
		h->loose = true;
		return;
	}
	h->current = f;
	h->at[f] = h->text.n;
}

/* Octets of the name, up to and with the colon; how many were taken. */
static size_t take_name(struct partheader *h, const char *p, size_t n)
{
	size_t colon = span_find(span_make(p, n), ':');

	for (size_t i = 0; i < colon; i++)
		if (p[i] <= ' ' || p[i] > '~')
			h->loose = true;
	/* A name that doesn't fit is none of ours; the length says so. */
	if (h->nname > sizeof h->name || colon > sizeof h->name - h->nname) {
		h->nname = sizeof h->name + 1;
	} else {
		memcpy(h->name + h->nname, p, colon);
		h->nname += colon;
	}
	if (colon == n)
		return n;
	begin_value(h);
	return colon + 1;
}

static void keep(struct partheader *h, const char *p, size_t n)
{
	if (n == 0 || h->current < 0)
		return;
	if (buf_put(&h->text, p, n) == 0) {
		h->len[h->current] += n;
	} else {
		/* A piece of a value is none, or it would depend on the pieces. */
		h->len[h->current] = 0;
		h->current = -1;
	}
}

static void begin_line(struct partheader *h, char first)
{
	h->line_begun = true;
	h->in_name = first != ' ' && first != '\t';
	h->blank_line = !h->in_name;
	if (!h->in_name && !h->any)
		h->loose = true;
	if (h->in_name) {
		h->current = -1;
		h->nname = 0;
	} else {
		keep(h, "\r\n", 2);
	}
}

void partheader_data(struct partheader *h, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (!h->line_begun)
		begin_line(h, p[0]);
	/* Line ends are taken off: what is left of them stands alone. */
	if (memchr(p, '\r', n) || memchr(p, '\n', n))
		h->loose = true;
	for (size_t i = 0; i < n && h->blank_line; i++)
		h->blank_line = p[i] == ' ' || p[i] == '\t';
	if (h->in_name) {
		size_t taken = take_name(h, p, n);

		p += taken;
		n -= taken;
	}
	keep(h, p, n);
}

void partheader_end_line(struct partheader *h)
{
	if (h->in_name)
		h->current = -1;
	if (h->in_name || (h->line_begun && h->blank_line))
		h->loose = true;
	h->in_name = false;
	h->line_begun = false;
}

bool partheader_get(const struct partheader *h, enum partheader_field f, struct span *value)
{
	if (!h->count[f])
		return false;
	*value = span_make(h->len[f] ? h->text.p + h->at[f] : NULL, h->len[f]);
	return true;
}
