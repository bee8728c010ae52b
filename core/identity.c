/*
 * The Identity value: white space dropped, then the grammar of RFC 8224, 4;
 * and the other way round.
 *
 * The token's inside is jws.c's.  Whether info, alg and ppt agree with it is
 * asked by the verifier.
 */
#include "config.h"

#include "core/identity.h"

enum {
	/* info, alg, ppt, and a few of a future we don't know; all names are compared. */
	PARAMS_MAX = 16,
	FOLD_COLUMNS = 72,	/* a whole line, its leading space or name counted */
	FOLD_NAME_COLUMNS = 10, /* "Identity: " */
	FOLD_LOOK_BACK = 8	/* how far a cut may move to stand behind '.' or ';' */
};

struct param {
	struct span name;
	struct span value; /* quotes or angle brackets off */
	enum { VALUE_NONE, VALUE_PLAIN, VALUE_QUOTED, VALUE_ANGLE } form;
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (span_lower(c) >= 'a' && span_lower(c) <= 'z');
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

/* base64url and '.'; the ABNF's '/' and '+' are a slip, no token has them. */
static bool is_token_part(char c)
{
	return is_alnum(c) || is_one_of(c, "-_.");
}

/* "token" of RFC 3261, 25.1. */
static bool is_name_part(char c)
{
	return is_alnum(c) || is_one_of(c, "-.!%*_+`'~");
}

/* Also what a host may have: an IPv6 address in brackets, a port. */
static bool is_value_part(char c)
{
	return is_name_part(c) || is_one_of(c, "[]:");
}

/* What a URI is written with (RFC 3986, 2). */
static bool is_uri_part(char c)
{
	return is_alnum(c) || is_one_of(c, "-._~:/?#[]@!$&'()*+,;=%");
}

static struct span take_while(struct span *rest, bool (*is_part)(char))
{
	size_t n = 0;
	struct span s;

	while (n < rest->n && is_part(rest->p[n]))
		n++;
	s = span_take(*rest, n);
	*rest = span_skip(*rest, n);
	return s;
}

static bool take_char(struct span *rest, char c)
{
	if (rest->n == 0 || rest->p[0] != c)
		return false;
	*rest = span_skip(*rest, 1);
	return true;
}

/* After the opening quote; what stands inside, escapes as they are. */
static int take_quoted(struct span *rest, struct span *out)
{
	for (size_t i = 0; i < rest->n; i++) {
		unsigned char c = (unsigned char)rest->p[i];

		if (c == '"') {
			*out = span_take(*rest, i);
			*rest = span_skip(*rest, i + 1);
			return 0;
		}
		if (c == '\\')
			c = ++i < rest->n ? (unsigned char)rest->p[i] : '\0';
		if (c < 0x20 || c == 0x7f)
			return -1;
	}
	return -1;
}

static int take_value(struct span *rest, struct param *p)
{
	if (take_char(rest, '<')) {
		p->form = VALUE_ANGLE;
		p->value = take_while(rest, is_uri_part);
		return p->value.n && take_char(rest, '>') ? 0 : -1;
	}
	if (take_char(rest, '"')) {
		p->form = VALUE_QUOTED;
		return take_quoted(rest, &p->value);
	}
	p->form = VALUE_PLAIN;
	p->value = take_while(rest, is_value_part);
	return p->value.n ? 0 : -1;
}

/* name [ "=" value ], up to the next ';' or the end. */
static int take_param(struct span *rest, struct param *p)
{
	memset(p, 0, sizeof *p);
	p->name = take_while(rest, is_name_part);
	if (p->name.n == 0 || (take_char(rest, '=') && take_value(rest, p)))
		return -1;
	return rest->n == 0 || rest->p[0] == ';' ? 0 : -1;
}

static bool is_name(struct span s)
{
	return take_while(&s, is_name_part).n > 0 && s.n == 0;
}

/* alg and ppt: a token, or one in quotes. */
static int read_word(const struct param *p, bool *has, struct span *out)
{
	if ((p->form != VALUE_PLAIN && p->form != VALUE_QUOTED) || !is_name(p->value))
		return -1;
	*has = true;
	*out = p->value;
	return 0;
}

static int use_param(const struct param *p, struct identity *out)
{
	if (span_caseis(p->name, "info")) {
		out->info = p->value;
		return p->form == VALUE_ANGLE ? 0 : -1;
	}
	if (span_caseis(p->name, "alg"))
		return read_word(p, &out->has_alg, &out->alg);
	if (span_caseis(p->name, "ppt"))
		return read_word(p, &out->has_ppt, &out->ppt);
	return p->form == VALUE_ANGLE ? -1 : 0;
}

static int read_params(struct span rest, struct identity *out)
{
	struct param seen[PARAMS_MAX];
	size_t n = 0;

	while (take_char(&rest, ';')) {
		if (n == PARAMS_MAX || take_param(&rest, &seen[n]))
			return -1;
		for (size_t i = 0; i < n; i++)
			if (span_caseeq(seen[i].name, seen[n].name))
				return -1;
		if (use_param(&seen[n++], out))
			return -1;
	}
	return rest.n == 0 && out->info.n ? 0 : -1;
}

enum stir_reason identity_parse(struct span value, struct arena *a, struct identity *out)
{
	struct span rest;
	size_t n = 0;
	char *p;

	memset(out, 0, sizeof *out);
	if (value.n > LIMIT_IDENTITY_BYTES)
		return STIR_TOKEN_TOO_LARGE;
	p = arena_alloc(a, value.n);
	if (!p)
		return STIR_NO_RESOURCE;
	for (size_t i = 0; i < value.n; i++)
		if (!span_is_blank(value.p[i]))
			p[n++] = value.p[i];
	rest = span_make(p, n);
	out->token = take_while(&rest, is_token_part);
	if (out->token.n == 0 || read_params(rest, out))
		return STIR_IDENTITY_SYNTAX;
	return STIR_OK;
}

void identity_write(struct buf *out, struct span token, struct span x5u, const char *ppt)
{
	buf_put_span(out, token);
	buf_puts(out, ";info=<");
	buf_put_span(out, x5u);
	buf_puts(out, ">;alg=ES256");
	if (ppt) {
		buf_puts(out, ";ppt=");
		buf_puts(out, ppt);
	}
}

/* How much of rest goes on a line with that much room. */
static size_t line_cut(struct span rest, size_t room)
{
	if (rest.n <= room)
		return rest.n;
	for (size_t n = room; n > room - FOLD_LOOK_BACK; n--)
		if (is_one_of(rest.p[n - 1], ".;"))
			return n;
	return room;
}

void identity_fold(struct buf *out, struct span value)
{
	size_t room = FOLD_COLUMNS - FOLD_NAME_COLUMNS;

	while (value.n) {
		size_t n = line_cut(value, room);

		buf_put_span(out, span_take(value, n));
		value = span_skip(value, n);
		if (value.n)
			buf_puts(out, "\n ");
		room = FOLD_COLUMNS - 1;
	}
}
