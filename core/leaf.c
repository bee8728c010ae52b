/*
 * From the lines of a leaf to its digest.  Small pieces are gathered, since a
 * call of OpenSSL costs more than hashing a line.
 *
 * Knows no header and no nesting.
 */
#include "config.h"

#include "core/leaf.h"

enum { LARGE_PIECE = 1024 }; /* not worth copying */

static void flush(struct leaf *l)
{
	msgi_stream_feed(&l->hash, l->out, l->n);
	l->n = 0;
}

static void put(struct leaf *l, const char *p, size_t n)
{
	if (n > sizeof l->out - l->n || n >= LARGE_PIECE)
		flush(l);
	if (n >= LARGE_PIECE) {
		msgi_stream_feed(&l->hash, p, n);
		return;
	}
	memcpy(l->out + l->n, p, n);
	l->n += n;
}

/* Octets of text whose line ends are all CRLF.  Those at the end wait. */
static void put_text(struct leaf *l, const char *p, size_t n)
{
	unsigned long eols = 0;

	for (; n >= 2 && p[n - 2] == '\r' && p[n - 1] == '\n'; n -= 2)
		eols++;
	if (n) {
		for (; l->eols; l->eols--)
			put(l, "\r\n", 2);
		put(l, p, n);
		l->any = true;
	}
	l->eols += eols;
}

/* Every LF ends a line, with its CR or without. */
static void text_octets(struct leaf *l, const char *p, size_t n)
{
	const char *end = p + n, *from = p, *lf;

	if (n == 0)
		return;
	if (l->cr && *p != '\n')
		put_text(l, "\r", 1);
	while (p < end && (lf = memchr(p, '\n', (size_t)(end - p)))) {
		p = lf + 1;
		if (lf > from && lf[-1] == '\r')
			continue;
		put_text(l, from, (size_t)(lf - from));
		l->eols++;
		from = p;
	}
	l->cr = end[-1] == '\r';
	put_text(l, from, (size_t)(end - from) - l->cr);
}

static void sink(void *ctx, const void *p, size_t n)
{
	struct leaf *l = ctx;

	if (l->text)
		text_octets(l, p, n);
	else
		put(l, p, n);
}

void leaf_begin(struct leaf *l, enum transfer_kind kind, bool text)
{
	transfer_begin(&l->transfer, kind, sink, l);
	leaf_free(l);
	msgi_stream_begin(&l->hash, 1u << MSGI_SHA256);
	l->text = text;
	l->cr = l->any = false;
	l->eols = 0;
	l->n = 0;
}

void leaf_data(struct leaf *l, const char *p, size_t n)
{
	transfer_feed(&l->transfer, p, n);
}

void leaf_eol(struct leaf *l)
{
	/* Outside the alphabet of base64 anyway. */
	if (l->transfer.kind != TRANSFER_BASE64)
		transfer_feed(&l->transfer, "\r\n", 2);
}

int leaf_end(struct leaf *l, struct msgi_value *out)
{
	int rc;

	transfer_end(&l->transfer);
	if (l->cr)
		put_text(l, "\r", 1);
	if (l->any)
		put(l, "\r\n", 2);
	flush(l);
	rc = msgi_stream_value(&l->hash, MSGI_SHA256, out);
	leaf_free(l);
	return rc;
}

void leaf_free(struct leaf *l)
{
	msgi_stream_free(&l->hash);
}
