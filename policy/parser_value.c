/*
 * Literals: what a number, a duration, a telephone number, a network is worth.
 *
 * Knows the bounds of each.  Whether a value suits a fact is the checker's.
 */
#include "config.h"

#include "core/cidr.h"
#include "policy/parser_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
	WHOLE_DIGITS_MAX = 9,
	DECIMALS_MAX = 3,
	ADDRESS_MAX = 64, /* octets of an address as written, NUL too */
	V4_OFFSET = 96    /* bits in front of an IPv4 address in its mapped form */
};

static int refuse(struct parser *p, const char *why)
{
	return source_say(p->report, SOURCE_ERROR, p->tok.at, "\"%.*s\": %s", SPAN_ARG(p->tok.text), why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Thousandths of "-12.5" at the front of s; *n: octets used. -1 after saying why. */
static int thousandths(struct parser *p, struct span s, int64_t *out, bool *whole, size_t *n)
{
	size_t i = s.n && s.p[0] == '-', digits = 0, decimals = 0;
	bool minus = i == 1;
	int64_t v = 0;

	for (; i < s.n && is_digit(s.p[i]); i++, digits++) {
		if (digits == WHOLE_DIGITS_MAX)
			return refuse(p, "a number has at most 9 figures before its point; a telephone number begins with +");
		v = v * 10 + (s.p[i] - '0');
	}
	*whole = i >= s.n || s.p[i] != '.';
	for (i += !*whole; !*whole && i < s.n && is_digit(s.p[i]); i++, decimals++) {
		if (decimals == DECIMALS_MAX)
			return refuse(p, "a number has at most 3 figures behind its point");
		v = v * 10 + (s.p[i] - '0');
	}
	if (digits == 0 || (!*whole && decimals == 0))
		return refuse(p, "a number has figures on both sides of its point");
	for (; decimals < DECIMALS_MAX; decimals++)
		v *= 10;
	*out = minus ? -v : v;
	*n = i;
	return 0;
}

static int number(struct parser *p, struct ast_value *out)
{
	size_t n;

	out->kind = AST_NUMBER;
	return thousandths(p, p->tok.text, &out->num, &out->whole, &n);
}

/* Durations and sizes: a whole number and one letter. */
static int with_unit(struct parser *p, enum ast_value_kind kind, struct ast_value *out)
{
	static const struct {
		char letter;
		int64_t factor;
	} unit[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'k', 1 << 10}, {'M', 1 << 20}, {'G', 1 << 30}};
	struct span s = p->tok.text;
	bool whole;
	size_t n, u = 0;

	out->kind = kind;
	if (thousandths(p, s, &out->num, &whole, &n))
		return -1;
	if (!whole)
		return refuse(p, "in front of a unit stands a whole number; 90m is an hour and a half");
	if (kind == AST_SIZE && s.p[0] == '-')
		return refuse(p, "a size is not negative");
	while (unit[u].letter != s.p[n])
		u++;
	out->num = out->num / 1000 * unit[u].factor;
	out->whole = true;
	return 0;
}

/* --- telephone numbers ------------------------------------------------------------ */

static int tn_prefix(struct parser *p, struct ast_value *out)
{
	struct span digits = span_make(p->tok.text.p + 1, p->tok.text.n - 2);

	out->kind = AST_TN_PREFIX;
	if (digits.n > TN_MAX_DIGITS)
		return refuse(p, "a telephone number has at most 15 figures");
	if (digits.p[0] == '0')
		return refuse(p, "an international number does not begin with 0");
	memcpy(out->tn.digits, digits.p, digits.n);
	out->tn.n = (unsigned char)digits.n;
	return 0;
}

static int tn_number(struct parser *p, struct tn *out)
{
	return tn_from_global(p->tok.text, out) ? refuse(p, "a telephone number is + and 7 to 15 figures, the first not 0; a prefix ends in *") : 0;
}

static int tn_or_range(struct parser *p, struct ast_value *out)
{
	out->kind = AST_TN;
	if (tn_number(p, &out->tn) || parser_next(p))
		return -1;
	if (!parser_at(p, LEXER_RANGE))
		return 0;
	out->kind = AST_TN_RANGE;
	if (parser_next(p))
		return -1;
	if (!parser_at(p, LEXER_TN))
		return parser_expected(p, "the range's last telephone number");
	if (tn_number(p, &out->tn2))
		return -1;
	if (out->tn.n != out->tn2.n)
		return refuse(p, "both ends of a range have equally many figures");
	if (memcmp(out->tn.digits, out->tn2.digits, out->tn.n) > 0)
		return refuse(p, "the lower end of a range comes first");
	return parser_next(p);
}

/* --- networks --------------------------------------------------------------------- */

static int net(struct parser *p, struct ast_value *out)
{
	static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
	struct span rest = p->tok.text, address = span_cut(&rest, '/');
	struct cidr_set *check = cidr_new();
	char text[ADDRESS_MAX];
	struct err e;
	int rc;

	if (!check)
		return parser_no_room(p);
	rc = cidr_add(check, p->tok.text, &e);
	cidr_free(check);
	if (rc)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "%s", e.text);
	if (address.n >= sizeof text)
		return refuse(p, "no IPv4 or IPv6 address");
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	out->kind = AST_NET;
	out->bits = rest.n ? (unsigned)strtoul(rest.p, NULL, 10) : 128;
	if (span_find(address, ':') < address.n)
		return inet_pton(AF_INET6, text, out->addr.b) == 1 ? 0 : refuse(p, "no IPv6 address");
	if (rest.n)
		out->bits += V4_OFFSET;
	memcpy(out->addr.b, mapped, sizeof mapped);
	return inet_pton(AF_INET, text, out->addr.b + sizeof mapped) == 1 ? 0 : refuse(p, "no IPv4 address");
}

/* --- texts ------------------------------------------------------------------------ */

/* Without marks; \" and \\ undone. */
static int text(struct parser *p, struct ast_value *out)
{
	struct span s = span_make(p->tok.text.p + 1, p->tok.text.n - 2);
	char *copy;
	size_t n = 0;

	out->kind = AST_TEXT;
	out->text = s;
	if (span_find(s, '\\') == s.n)
		return 0;
	copy = arena_alloc(p->arena, s.n);
	if (!copy)
		return parser_no_room(p);
	for (size_t i = 0; i < s.n; i++) {
		i += s.p[i] == '\\';
		copy[n++] = s.p[i];
	}
	out->text = span_make(copy, n);
	return 0;
}

int parser_text(struct parser *p, const char *what, size_t max, struct ast_value *out)
{
	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	if (!parser_at(p, LEXER_TEXT))
		return parser_expected(p, what);
	if (text(p, out))
		return -1;
	if (out->text.n == 0)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "this text is empty: expected %s", what);
	if (out->text.n > max)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "this text has %zu octets; at most %zu are allowed here", out->text.n, max);
	return parser_next(p);
}

int parser_regex(struct parser *p, struct ast_value *out)
{
	struct span s = p->tok.text;

	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	out->kind = AST_REGEX;
	if (!parser_at(p, LEXER_REGEX))
		return parser_expected(p, "a regular expression, /.../ or /.../i");
	out->icase = s.p[s.n - 1] == 'i';
	out->text = span_make(s.p + 1, s.n - 2 - out->icase);
	return parser_next(p);
}

/* --- any literal ------------------------------------------------------------------- */

/* Words that can't be a value, so that a forgotten one is seen where it is missing. */
static const char *const no_value[] = {
	"and", "or", "not", "in", "when", "score", "final", "describe", "group", "absorb", "match", "expect", "override", "given", "at", NULL,
};

static int word(struct parser *p, struct ast_value *out)
{
	if (parser_which(p, no_value) >= 0)
		return parser_expected(p, "a value");
	out->kind = AST_WORD;
	out->text = p->tok.text;
	return 0;
}

int parser_literal(struct parser *p, struct ast_value *out)
{
	int rc;

	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	switch (p->tok.kind) {
	case LEXER_WORD: rc = word(p, out); break;
	case LEXER_NUMBER: rc = number(p, out); break;
	case LEXER_DURATION: rc = with_unit(p, AST_DURATION, out); break;
	case LEXER_SIZE: rc = with_unit(p, AST_SIZE, out); break;
	case LEXER_TN: return tn_or_range(p, out);
	case LEXER_TN_PREFIX: rc = tn_prefix(p, out); break;
	case LEXER_NET: rc = net(p, out); break;
	case LEXER_TEXT: rc = text(p, out); break;
	case LEXER_CLOCK: return refuse(p, "a time of day is asked for by a window: now in NAME");
	case LEXER_CODE: return refuse(p, "a reply code stands only behind reject and tempfail, and an address has four numbers");
	case LEXER_ADDRESS: return refuse(p, "an address is written in quotes");
	case LEXER_REGEX: return refuse(p, "a regular expression stands only after ~ and !~");
	case LEXER_PAREN_OPEN: return refuse(p, "sets stand in braces: { a, b }");
	default: return parser_expected(p, "a value");
	}
	return rc ? -1 : parser_next(p);
}

int parser_items(struct parser *p, struct source_pos open, struct ast_value **item, size_t *n)
{
	while (!parser_at(p, LEXER_CLOSE)) {
		struct ast_value v;

		if (*n >= PARSER_ITEMS_MAX)
			return source_say(p->report, SOURCE_ERROR, p->tok.at, "at most %d values are allowed here; longer lists have files of their own", PARSER_ITEMS_MAX);
		if (parser_literal(p, &v))
			return -1;
		if (parser_append(p, item, n, &v, sizeof v))
			return -1;
		if (parser_at(p, LEXER_CLOSE))
			break;
		if (parser_at(p, LEXER_END))
			return parser_unclosed(p, open);
		if (parser_eat(p, LEXER_COMMA, "\",\" or \"}\""))
			return -1;
	}
	return parser_next(p);
}

static int set(struct parser *p, struct ast_value *out)
{
	out->kind = AST_SET;
	if (parser_next(p) || parser_items(p, out->at, &out->item, &out->nitem))
		return -1;
	if (out->nitem == 0)
		return source_say(p->report, SOURCE_ERROR, out->at, "this set is empty");
	return 0;
}

int parser_value(struct parser *p, struct ast_value *out)
{
	if (!parser_at(p, LEXER_OPEN) && !parser_at(p, LEXER_LIST))
		return parser_literal(p, out);
	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	if (parser_at(p, LEXER_OPEN))
		return set(p, out);
	out->kind = AST_LIST_REF;
	out->text = span_skip(p->tok.text, 1);
	out->at.col++; /* the name, not its @ */
	if (!parser_is_name(out->text, PARSER_LOWER))
		return refuse(p, "names are lower_case letters, figures and _, at most 64");
	return parser_next(p);
}

/* --- values at a place that knows what it wants ------------------------------------- */

int parser_number(struct parser *p, const struct parser_bounds *b, struct ast_value *out)
{
	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	if (!parser_at(p, LEXER_NUMBER))
		return parser_expected(p, b->what);
	if (number(p, out))
		return -1;
	if (out->num < b->low || out->num > b->high || (b->whole && !out->whole))
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "expected %s, found \"%.*s\"", b->what, SPAN_ARG(p->tok.text));
	return parser_next(p);
}

int parser_duration(struct parser *p, const char *what, struct ast_value *out)
{
	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	if (!parser_at(p, LEXER_DURATION))
		return parser_expected(p, what);
	if (with_unit(p, AST_DURATION, out))
		return -1;
	return parser_next(p);
}

int parser_clock(struct parser *p, bool end, uint32_t *out)
{
	const char *s = p->tok.text.p;
	uint32_t hour, minute;

	if (!parser_at(p, LEXER_CLOCK))
		return parser_expected(p, "a time of day, as in 08:00");
	hour = (uint32_t)(s[0] - '0') * 10 + (uint32_t)(s[1] - '0');
	minute = (uint32_t)(s[3] - '0') * 10 + (uint32_t)(s[4] - '0');
	if (minute > 59 || hour > 24 || (hour == 24 && (minute || !end)))
		return refuse(p, end ? "a time of day is 00:00 to 24:00" : "a time of day is 00:00 to 23:59");
	*out = hour * 3600 + minute * 60;
	return parser_next(p);
}
