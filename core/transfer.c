/*
 * base64 and quoted-printable, octets to octets, in pieces of any size.
 *
 * Most octets of an MMS are a picture, so clean lines of base64 are decoded
 * where they stand; all else is staged, cleaned and decoded by the same code.
 * Knows nothing of media types.
 */
#include "config.h"

#include "core/transfer.h"

#include "core/base64_run.h"

enum {
	BLOCK = BASE64_RUN_MIN,
	LONGEST_RUN = 1024, /* decoded where it stands; a multiple of 4 */
	STAGE_WORTH = 64,   /* staged octets that are worth a decoding */
	QP_WINDOW = 256,
	DECODED = TRANSFER_BLANKS_MAX / 4 * 3
};
_Static_assert(TRANSFER_BLANKS_MAX % BLOCK == 0, "a full stage is whole blocks");

static bool is_space(char c)
{
	return span_is_blank(c) || c == '\v' || c == '\f';
}

enum transfer_kind transfer_kind(struct span value)
{
	while (value.n && is_space(value.p[0]))
		value = span_skip(value, 1);
	while (value.n && is_space(value.p[value.n - 1]))
		value.n--;
	if (span_caseis(value, "base64"))
		return TRANSFER_BASE64;
	if (span_caseis(value, "quoted-printable"))
		return TRANSFER_QP;
	return TRANSFER_IDENTITY;
}

void transfer_begin(struct transfer *t, enum transfer_kind kind, transfer_sink *sink, void *ctx)
{
	t->kind = kind;
	t->sink = sink;
	t->ctx = ctx;
	t->failed = t->odd = t->ended = t->cr = false;
	t->pad = t->rest = 0;
	t->nesc = 0;
	t->run = 0;
	t->nheld = 0;
}

static void emit(struct transfer *t, const char *p, size_t n)
{
	if (n)
		t->sink(t->ctx, p, n);
}

/* --- base64 ----------------------------------------------------------- */

static bool in_alphabet(char c)
{
	char l = span_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* What is no data: padding, white space, the '!' of a mailer that cuts lines, or something odd. */
static void notice(struct transfer *t, char c)
{
	if (c == '=') {
		t->ended = true;
		t->pad++;
	} else if (!is_space(c) && c != '!') {
		t->odd = true;
	}
}

/* Takes out of the stage what is not in the alphabet, and all from the first '='. */
static void clean_stage(struct transfer *t)
{
	size_t k = 0;

	for (size_t i = 0; i < t->nheld; i++) {
		if (in_alphabet(t->held[i]) && !t->ended)
			t->held[k++] = t->held[i];
		else
			notice(t, t->held[i]);
	}
	t->nheld = k;
}

/* Decodes what is staged; at most three characters stay, none at the end. */
static void base64_flush(struct transfer *t, bool end)
{
	char out[DECODED + BASE64_RUN_SLACK];
	size_t n, rest;

	clean_stage(t);
	n = t->nheld;
	rest = n % 4;
	end = end || t->ended;
	memset(t->held + n, 'A', (BLOCK - n % BLOCK) % BLOCK);
	if (n)
		base64_run(out, t->held, (n + BLOCK - 1) / BLOCK * BLOCK);
	/* Two characters give one octet, three give two, a single one none. */
	emit(t, out, n / 4 * 3 + (end && rest ? rest - 1 : 0));
	if (end && n)
		t->rest = (unsigned)rest;
	t->nheld = end ? 0 : rest;
	memmove(t->held, t->held + n - rest, t->nheld);
}

/* After the padding nothing is decoded, only noticed. */
static void base64_after(struct transfer *t, const char *p, size_t n)
{
	for (size_t i = 0; i < n && !t->odd; i++)
		notice(t, p[i]);
}

/* How many octets to stage, then decodes if that is worth it. */
static size_t base64_stage(struct transfer *t, const char *p, size_t n)
{
	size_t room = sizeof t->held - t->nheld, take = n < room ? n : room;
	const char *lf = memchr(p, '\n', take);

	if (lf)
		take = (size_t)(lf + 1 - p);
	memcpy(t->held + t->nheld, p, take);
	t->nheld += take;
	if (t->nheld == sizeof t->held || (lf && t->nheld >= STAGE_WORTH))
		base64_flush(t, false);
	return take;
}

/*
 * Characters from p to the line end, in whole groups of four.  Lines are mostly
 * of one length, so the last one is tried before it is looked for; were that
 * wrong, the line end found inside is no character of the alphabet.
 */
static size_t next_run(struct transfer *t, const char *p, size_t n)
{
	if (t->run >= n || p[t->run] != '\r')
		t->run = span_find(span_make(p, n < LONGEST_RUN ? n : LONGEST_RUN), '\r');
	return t->run / 4 * 4;
}

static void base64_feed(struct transfer *t, const char *p, size_t n)
{
	char out[DECODED + BASE64_RUN_SLACK];
	size_t k = 0;

	while (n && !t->ended) {
		size_t run = t->nheld ? 0 : next_run(t, p, n);

		if (run >= BLOCK && base64_run(out + k, p, run)) {
			k += run / 4 * 3;
			/* A line end that is passed over needn't be staged. */
			run += run == t->run && n >= run + 2 && p[run + 1] == '\n' && p[run] == '\r' ? 2 : 0;
		} else {
			emit(t, out, k);
			k = 0;
			run = base64_stage(t, p, n);
		}
		p += run;
		n -= run;
		if (k + LONGEST_RUN > DECODED) {
			emit(t, out, k);
			k = 0;
		}
	}
	base64_after(t, p, n);
	emit(t, out, k);
}

/* --- quoted-printable --------------------------------------------------- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = span_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What was held back turned out to be plain octets. */
static void qp_release(struct transfer *t)
{
	if (t->nesc)
		emit(t, "=", 1);
	if (t->nesc == 2)
		emit(t, &t->digit, 1);
	t->nesc = 0;
	emit(t, t->held, t->nheld);
	t->nheld = 0;
}

static void qp_hold_blank(struct transfer *t, char c)
{
	if (t->nesc == 2)
		qp_release(t);
	if (t->nheld == sizeof t->held) {
		t->failed = true;
		qp_release(t);
	}
	t->held[t->nheld++] = c;
}

/* At the end of a line its blanks go, and after them a lone '='. */
static bool qp_end_line(struct transfer *t)
{
	bool soft = t->nesc == 1;

	if (soft)
		t->nesc = 0;
	t->nheld = 0;
	qp_release(t);
	return soft;
}

/* Does the octet go on with the escape begun? */
static bool qp_escape(struct transfer *t, char c)
{
	char octet;

	if (t->nheld || hex_value(c) < 0)
		return false;
	if (t->nesc == 1) {
		t->digit = c;
		t->nesc = 2;
		return true;
	}
	octet = (char)(hex_value(t->digit) << 4 | hex_value(c));
	t->nesc = 0;
	emit(t, &octet, 1);
	return true;
}

static void qp_octet(struct transfer *t, char c)
{
	if (t->cr) {
		t->cr = false;
		if (c == '\n') {
			if (!qp_end_line(t))
				emit(t, "\r\n", 2);
			return;
		}
		qp_release(t);
		emit(t, "\r", 1);
	}
	if (c == '\r') {
		t->cr = true;
	} else if (c == ' ' || c == '\t') {
		qp_hold_blank(t, c);
	} else if (!t->nesc || !qp_escape(t, c)) {
		qp_release(t);
		if (c == '=')
			t->nesc = 1;
		else
			emit(t, &c, 1);
	}
}

/* Octets from p that mean themselves, whatever follows; of a window, so that none is looked at too often. */
static size_t plain_run(const char *p, size_t n)
{
	size_t i = span_find(span_make(p, n < QP_WINDOW ? n : QP_WINDOW), '=');

	i = span_find(span_make(p, i), '\r');
	while (i && (p[i - 1] == ' ' || p[i - 1] == '\t'))
		i--;
	return i;
}

static void qp_feed(struct transfer *t, const char *p, size_t n)
{
	while (n) {
		size_t run = t->cr || t->nesc || t->nheld ? 0 : plain_run(p, n);

		emit(t, p, run);
		p += run;
		n -= run;
		if (n) {
			qp_octet(t, *p++);
			n--;
		}
	}
}

static void qp_end(struct transfer *t)
{
	if (t->cr) {
		t->cr = false;
		qp_release(t);
		emit(t, "\r", 1);
	}
	qp_end_line(t);
}

/* ------------------------------------------------------------------------ */

void transfer_feed(struct transfer *t, const void *p, size_t n)
{
	switch (t->kind) {
	case TRANSFER_IDENTITY:
		emit(t, p, n);
		break;
	case TRANSFER_BASE64:
		base64_feed(t, p, n);
		break;
	case TRANSFER_QP:
		qp_feed(t, p, n);
		break;
	}
}

void transfer_end(struct transfer *t)
{
	if (t->kind == TRANSFER_QP)
		qp_end(t);
	if (t->kind != TRANSFER_BASE64)
		return;
	base64_flush(t, true);
	/* Two characters left over take two '=', three take one. */
	if (t->rest == 1 || t->pad != (t->rest ? 4u - t->rest : 0u))
		t->odd = true;
}
