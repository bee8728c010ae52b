/*
 * Octets to tokens.
 *
 * Knows which characters a file may hold and how far each token reaches.  A
 * token is told by its shape alone, but for the regular expression, which needs
 * a ~ in front.  What a number is worth, and whether an address is one, is the
 * parser's (policy/parser_value.c).
 */
#include "config.h"

#include "policy/lexer.h"

#include <glib.h>

/* --- the whole text ------------------------------------------------------------ */

static struct source_pos pos_of(const struct source *src, size_t offset)
{
	struct source_pos at = {src, 1, 1};

	for (size_t i = 0; i < offset; i++) {
		if (src->text.p[i] == '\n') {
			at.line++;
			at.col = 0;
		}
		at.col++;
	}
	return at;
}

/* Characters that a reader can't see, or that make a line read as another. Joiners (200C, 200D) belong to scripts and are not among them. */
static bool is_hidden(gunichar c)
{
	static const struct {
		gunichar first, last;
	} hidden[] = {
		{0xAD, 0xAD}, {0x61C, 0x61C}, {0x180E, 0x180E}, {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
		{0xE0000, 0xE007F},
	};

	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return g_unichar_iscntrl(c);
}

/* Why the character at the front may not stand in a policy, or NULL; *n: its octets. */
static const char *forbidden(struct span s, bool first, size_t *n)
{
	unsigned char o = (unsigned char)s.p[0];
	gunichar c;

	*n = 1;
	if (o == '\r')
		return "carriage return: lines end in a plain line feed";
	if (o == '\0')
		return "NUL octet";
	if (o < 0x80)
		return (o < ' ' && o != '\t' && o != '\n') || o == 0x7F ? "control character" : NULL;
	c = g_utf8_get_char_validated(s.p, (gssize)s.n);
	if (c == (gunichar)-1 || c == (gunichar)-2)
		return "not UTF-8";
	*n = (size_t)(g_utf8_next_char(s.p) - s.p);
	if (c == 0xFEFF && first)
		return "byte order mark: save the file without";
	return is_hidden(c) ? "character that can't be seen" : NULL;
}

int lexer_open(struct lexer *l, const struct source *src, bool comments, struct source_report *report)
{
	struct span rest = src->text;

	memset(l, 0, sizeof *l);
	l->src = src;
	l->report = report;
	l->comments = comments;
	l->line = 1;
	l->end = pos_of(src, 0);
	if (rest.n > LEXER_FILE_MAX) {
		struct source_pos file = {src, 0, 0};

		return source_say(report, SOURCE_ERROR, file, "a policy file has at most %d octets; long lists have files of their own", LEXER_FILE_MAX);
	}
	while (rest.n) {
		size_t n, at = src->text.n - rest.n;
		const char *why = forbidden(rest, at == 0, &n);

		if (why)
			return source_say(report, SOURCE_ERROR, pos_of(src, at), "%s", why);
		rest = span_skip(rest, n);
	}
	return 0;
}

/* --- one token ------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of a word, but for the dot. */
static bool is_word(char c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

/* The octet at i, or NUL (which no text holds) behind the end. */
static char octet(const struct lexer *l, size_t i)
{
	return i < l->src->text.n ? l->src->text.p[i] : '\0';
}

static struct source_pos here(const struct lexer *l, size_t i)
{
	struct source_pos at = {l->src, l->line, (uint32_t)(i - l->line_start + 1)};

	return at;
}

static int bad(const struct lexer *l, size_t i, const char *why)
{
	return source_say(l->report, SOURCE_ERROR, here(l, i), "%s", why);
}

static int take(struct lexer *l, struct lexer_token *t, enum lexer_kind kind, size_t end)
{
	t->kind = kind;
	t->at = here(l, l->pos);
	t->text = span_make(l->src->text.p + l->pos, end - l->pos);
	l->pos = end;
	if (kind != LEXER_COMMENT) {
		l->end = here(l, end);
		l->after_match = kind == LEXER_MATCH || kind == LEXER_NO_MATCH;
	}
	return 0;
}

/* The end of what looks like a word from i: single dots belong to it when something follows them. */
static size_t word_end(const struct lexer *l, size_t i)
{
	while (is_word(octet(l, i)) || (octet(l, i) == '.' && is_word(octet(l, i + 1))))
		i++;
	return i;
}

static int lex_word(struct lexer *l, struct lexer_token *t)
{
	size_t end = word_end(l, l->pos);
	enum lexer_kind kind = LEXER_WORD;

	if (octet(l, end) == '@' && is_word(octet(l, end + 1))) {
		kind = LEXER_ADDRESS;
		end = word_end(l, end + 1);
	}
	if (end - l->pos > LEXER_WORD_MAX)
		return bad(l, l->pos, "a word has at most 255 characters");
	return take(l, t, kind, end);
}

/* After "/" of an address come figures. */
static int lex_net(struct lexer *l, struct lexer_token *t, size_t end)
{
	if (octet(l, end) == '/' && is_digit(octet(l, end + 1)))
		for (end++; is_digit(octet(l, end));)
			end++;
	if (is_word(octet(l, end)))
		return bad(l, l->pos, "no IPv4 or IPv6 network");
	return take(l, t, LEXER_NET, end);
}

static bool is_clock(struct span s)
{
	return s.n == 5 && is_digit(s.p[0]) && is_digit(s.p[1]) && s.p[2] == ':' && is_digit(s.p[3]) && is_digit(s.p[4]);
}

/* The kind of a run of digits, dots and perhaps a unit; LEXER_END for none. */
static enum lexer_kind number_kind(struct span s)
{
	static const enum lexer_kind plain[] = {LEXER_NUMBER, LEXER_NUMBER, LEXER_CODE, LEXER_NET};
	size_t sign = s.p[0] == '-', i = sign, dots = 0;

	while (i < s.n && (is_digit(s.p[i]) || s.p[i] == '.'))
		dots += s.p[i++] == '.';
	if (i == s.n)
		return dots > (sign ? 1 : 3) ? LEXER_END : plain[dots];
	if (i + 1 < s.n || dots > 1)
		return LEXER_END;
	if (strchr("smhd", s.p[i]))
		return LEXER_DURATION;
	return strchr("kMG", s.p[i]) ? LEXER_SIZE : LEXER_END;
}

/* Clock times before addresses: 08:00 could be the beginning of one. */
static int lex_number(struct lexer *l, struct lexer_token *t)
{
	size_t end = l->pos + (octet(l, l->pos) == '-');
	bool colon = false;
	enum lexer_kind kind;
	struct span run;

	while (is_word(octet(l, end)) || octet(l, end) == ':' || (octet(l, end) == '.' && (is_word(octet(l, end + 1)) || octet(l, end + 1) == ':')))
		colon |= octet(l, end++) == ':';
	run = span_make(l->src->text.p + l->pos, end - l->pos);
	if (run.n > LEXER_WORD_MAX)
		return bad(l, l->pos, "a number has at most 255 characters");
	if (is_clock(run))
		return take(l, t, LEXER_CLOCK, end);
	kind = colon ? LEXER_NET : number_kind(run);
	if (kind == LEXER_NET)
		return lex_net(l, t, end);
	if (kind == LEXER_END)
		return source_say(l->report, SOURCE_ERROR, here(l, l->pos),
			"\"%.*s\" is no number: units are s m h d, and k M G for octets; a code or name that begins with a digit is written in quotes", SPAN_ARG(run));
	return take(l, t, kind, end);
}

static int lex_tn(struct lexer *l, struct lexer_token *t)
{
	size_t end = l->pos + 1;

	while (is_digit(octet(l, end)))
		end++;
	if (end == l->pos + 1 || is_word(octet(l, end)) || end - l->pos > LEXER_WORD_MAX)
		return bad(l, l->pos, "a telephone number is + and digits without separators; a prefix ends in *");
	if (octet(l, end) == '*')
		return take(l, t, LEXER_TN_PREFIX, end + 1);
	return take(l, t, LEXER_TN, end);
}

static int lex_text(struct lexer *l, struct lexer_token *t)
{
	size_t i = l->pos + 1;

	for (; octet(l, i) != '"'; i++) {
		if (octet(l, i) == '\n' || octet(l, i) == '\0')
			return bad(l, l->pos, "this text has no closing \" on its line");
		if (octet(l, i) != '\\')
			continue;
		i++;
		if (octet(l, i) != '"' && octet(l, i) != '\\')
			return bad(l, i - 1, "in a text only \\\" and \\\\ are known");
	}
	if (i - l->pos - 1 > LEXER_TEXT_MAX)
		return bad(l, l->pos, "a text has at most 1024 octets");
	return take(l, t, LEXER_TEXT, i + 1);
}

static int lex_regex(struct lexer *l, struct lexer_token *t)
{
	size_t i = l->pos + 1;

	for (; octet(l, i) != '/'; i++) {
		if (octet(l, i) == '\\' && octet(l, i + 1) != '\n')
			i++;
		if (octet(l, i) == '\n' || octet(l, i) == '\0')
			return bad(l, l->pos, "this regular expression has no closing / on its line");
	}
	if (i == l->pos + 1)
		return bad(l, l->pos, "empty regular expression");
	if (i - l->pos - 1 > LEXER_TEXT_MAX)
		return bad(l, l->pos, "a regular expression has at most 1024 octets");
	i++;
	if (octet(l, i) == 'i')
		i++;
	if (is_word(octet(l, i)))
		return bad(l, i, "behind a regular expression only i (any case) is known");
	return take(l, t, LEXER_REGEX, i);
}

static int lex_list(struct lexer *l, struct lexer_token *t)
{
	size_t end = word_end(l, l->pos + 1);

	if (!is_letter(octet(l, l->pos + 1)))
		return bad(l, l->pos, "after @ comes the name of a list");
	if (end - l->pos > LEXER_WORD_MAX)
		return bad(l, l->pos, "a word has at most 255 characters");
	return take(l, t, LEXER_LIST, end);
}

/* Marks of two octets before those of one. */
static const struct {
	const char *text;
	enum lexer_kind kind;
} marks[] = {
	{"==", LEXER_EQ}, {"!=", LEXER_NE}, {"<=", LEXER_LE}, {">=", LEXER_GE}, {"!~", LEXER_NO_MATCH}, {"..", LEXER_RANGE},
	{"<", LEXER_LT}, {">", LEXER_GT}, {"~", LEXER_MATCH}, {"{", LEXER_OPEN}, {"}", LEXER_CLOSE},
	{"(", LEXER_PAREN_OPEN}, {")", LEXER_PAREN_CLOSE}, {",", LEXER_COMMA},
};

/* What other languages have. */
static const struct {
	const char *text, *why;
} strangers[] = {
	{";", "no semicolons: a blank or a new line separates"},
	{"=", "did you mean \"==\"?"},
	{"!", "did you mean \"not\"?"},
	{"&", "did you mean \"and\"?"},
	{"|", "did you mean \"or\"?"},
	{"'", "texts stand in double quotes"},
	{"/", "a regular expression stands only after ~ and !~"},
	{"[", "sets stand in braces: { a, b }"},
	{"*", "numbers that begin alike are written +1888*, hosts below a domain \".example.net\""},
	{"%", "list names begin with @, texts stand in double quotes"},
	{".", "a number has figures on both sides of its point"},
	{":", "no IPv4 or IPv6 network, and no time of day"},
};

static int lex_mark(struct lexer *l, struct lexer_token *t)
{
	struct span rest = span_skip(l->src->text, l->pos);
	size_t n = 1;

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (span_starts(rest, marks[i].text))
			return take(l, t, marks[i].kind, l->pos + strlen(marks[i].text));
	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
		if (span_starts(rest, strangers[i].text))
			return source_say(l->report, SOURCE_ERROR, here(l, l->pos), "\"%s\" is unknown here: %s", strangers[i].text, strangers[i].why);
	while (n < rest.n && ((unsigned char)rest.p[n] & 0xC0) == 0x80)
		n++;
	return source_say(l->report, SOURCE_ERROR, here(l, l->pos), "\"%.*s\" is unknown here", (int)n, rest.p);
}

static size_t line_end(const struct lexer *l)
{
	return l->pos + span_find(span_skip(l->src->text, l->pos), '\n');
}

/* Blanks, line ends and, unless they are wanted, comments. */
static void skip(struct lexer *l)
{
	for (;; l->pos++) {
		if (octet(l, l->pos) == '#' && !l->comments)
			l->pos = line_end(l);
		if (octet(l, l->pos) == '\n') {
			l->line++;
			l->line_start = l->pos + 1;
		} else if (octet(l, l->pos) != ' ' && octet(l, l->pos) != '\t') {
			return;
		}
	}
}

/* An IPv6 address begins like a word or a number, or with its colons. */
static bool is_address(const struct lexer *l)
{
	size_t i = l->pos;

	while (is_hex(octet(l, i)))
		i++;
	return octet(l, i) == ':' && (i > l->pos || octet(l, i + 1) == ':');
}

int lexer_next(struct lexer *l, struct lexer_token *t)
{
	char c;

	skip(l);
	c = octet(l, l->pos);
	if (l->pos >= l->src->text.n) {
		t->kind = LEXER_END;
		t->text = span_make(NULL, 0);
		t->at = l->end;
		return 0;
	}
	if (c == '#')
		return take(l, t, LEXER_COMMENT, line_end(l));
	if (is_digit(c) || (c == '-' && is_digit(octet(l, l->pos + 1))) || is_address(l))
		return lex_number(l, t);
	if (is_letter(c))
		return lex_word(l, t);
	if (c == '+')
		return lex_tn(l, t);
	if (c == '"')
		return lex_text(l, t);
	if (c == '/' && l->after_match)
		return lex_regex(l, t);
	if (c == '@')
		return lex_list(l, t);
	return lex_mark(l, t);
}
