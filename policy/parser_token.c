/*
 * What every part of the parser needs: the next token, names, what to say when
 * something else stands there, and arrays that grow in the arena.
 */
#include "config.h"

#include "core/suggest.h"
#include "policy/parser_internal.h"

enum { SHOWN_MAX = 60 /* octets of a token in an error */, FIRST_ROOM = 4 };

/* Words of the language; none of them names anything. */
static const char *const reserved[] = {
	"policy", "mode", "include", "directory", "list", "file", "window", "daily", "on", "zone", "rate", "key", "limit", "per", "burst", "peer",
	"match", "expect", "override", "rule", "replace", "shadow", "when", "score", "max", "final", "describe", "group", "absorb", "tag", "actions",
	"at", "test", "given", "hit", "miss", "off", "accept", "discard", "quarantine", "redirect", "tempfail", "reject", "and", "or", "not", "in",
	"any", "all", "over", "present", NULL,
};

int parser_next(struct parser *p)
{
	return lexer_next(&p->lex, &p->tok);
}

struct lexer_token parser_peek(const struct parser *p)
{
	struct source_report unread;
	struct lexer look = p->lex;
	struct lexer_token t;

	source_report_init(&unread);
	look.report = &unread;
	if (lexer_next(&look, &t)) {
		memset(&t, 0, sizeof t);
		t.kind = LEXER_END;
	}
	source_report_free(&unread);
	return t;
}

bool parser_at(const struct parser *p, enum lexer_kind k)
{
	return p->tok.kind == k;
}

bool parser_at_word(const struct parser *p, const char *word)
{
	return p->tok.kind == LEXER_WORD && span_is(p->tok.text, word);
}

/* Says what tok is, in front of a suggestion or nothing. */
static int say_found(struct parser *p, const char *what, const char *near)
{
	struct span t = span_take(p->tok.text, SHOWN_MAX);
	const char *mark = p->tok.kind == LEXER_TEXT ? "" : "\"", *more = t.n < p->tok.text.n ? "..." : "";

	if (p->tok.kind == LEXER_END)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "expected %s, found the end of the file", what);
	if (near)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "expected %s, found \"%.*s%s\"; did you mean \"%s\"?", what, SPAN_ARG(t), more, near);
	return source_say(p->report, SOURCE_ERROR, p->tok.at, "expected %s, found %s%.*s%s%s", what, mark, SPAN_ARG(t), more, mark);
}

int parser_expected(struct parser *p, const char *what)
{
	return say_found(p, what, NULL);
}

int parser_unclosed(struct parser *p, struct source_pos open)
{
	return source_say(p->report, SOURCE_ERROR, p->tok.at, "expected \"}\": the block at %s:%u is still open", open.src->name, open.line);
}

static size_t count(const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

int parser_unexpected(struct parser *p, const struct parser_words *w)
{
	const char *near = NULL;

	if (p->tok.kind == LEXER_WORD)
		near = suggest_name(p->tok.text, w->word, count(w->word));
	return say_found(p, w->what, near);
}

int parser_eat(struct parser *p, enum lexer_kind k, const char *what)
{
	return parser_at(p, k) ? parser_next(p) : parser_expected(p, what);
}

int parser_eat_word(struct parser *p, const char *word)
{
	char what[PARSER_NAME_MAX];
	const char *const only[] = {word, NULL};
	struct parser_words w = {what, only};
	size_t n = strlen(word);

	if (parser_at_word(p, word))
		return parser_next(p);
	what[0] = '"';
	memcpy(what + 1, word, n);
	memcpy(what + 1 + n, "\"", 2);
	return parser_unexpected(p, &w);
}

int parser_which(const struct parser *p, const char *const *words)
{
	if (p->tok.kind == LEXER_WORD)
		for (int i = 0; words[i]; i++)
			if (span_is(p->tok.text, words[i]))
				return i;
	return -1;
}

int parser_choice(struct parser *p, const struct parser_words *w, size_t *index)
{
	int i = parser_which(p, w->word);

	if (i < 0)
		return parser_unexpected(p, w);
	*index = (size_t)i;
	return parser_next(p);
}

/* --- names ------------------------------------------------------------------------ */

bool parser_is_name(struct span s, enum parser_name_kind k)
{
	char low = k == PARSER_UPPER ? 'A' : 'a', high = k == PARSER_UPPER ? 'Z' : 'z';

	if (s.n == 0 || s.n > PARSER_NAME_MAX || s.p[0] < low || s.p[0] > high)
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if ((c < low || c > high) && (c < '0' || c > '9') && c != '_' && !(k == PARSER_FACT && c == '.'))
			return false;
	}
	return true;
}

int parser_name(struct parser *p, enum parser_name_kind k, const char *what, struct ast_name *out)
{
	static const char *const shape[] = {
		"names are lower_case letters, figures and _, at most 64",
		"rules are UPPER_CASE letters, figures and _, at most 64",
		"facts are lower_case words with dots",
	};
	struct span t = p->tok.text;

	if (p->tok.kind != LEXER_WORD)
		return parser_expected(p, what);
	if (!parser_is_name(t, k))
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "expected %s, found \"%.*s%s\": %s", what, SPAN_ARG(span_take(t, SHOWN_MAX)),
			t.n > SHOWN_MAX ? "..." : "", shape[k]);
	if (k == PARSER_LOWER && parser_which(p, reserved) >= 0)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "expected %s, found \"%.*s\", which is a word of the language", what, SPAN_ARG(t));
	out->text = t;
	out->at = p->tok.at;
	return parser_next(p);
}

static int twice_named(struct parser *p, const struct ast_name *name, const struct ast_name *before, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(before[i].text, name->text))
			return source_say(p->report, SOURCE_ERROR, name->at, "\"%.*s\" is named twice", SPAN_ARG(name->text));
	if (n >= PARSER_STATEMENTS_MAX)
		return source_say(p->report, SOURCE_ERROR, name->at, "at most %d names are allowed here", PARSER_STATEMENTS_MAX);
	return 0;
}

int parser_names(struct parser *p, enum parser_name_kind k, const char *what, struct ast_name **out, size_t *n)
{
	for (;;) {
		struct ast_name name;

		if (parser_name(p, k, what, &name) || twice_named(p, &name, *out, *n))
			return -1;
		if (parser_append(p, out, n, &name, sizeof name))
			return -1;
		if (!parser_at(p, LEXER_COMMA))
			return 0;
		if (parser_next(p))
			return -1;
	}
}

/* --- room ------------------------------------------------------------------------- */

int parser_no_room(struct parser *p)
{
	return source_say(p->report, SOURCE_ERROR, p->tok.at, "no memory for more of this policy");
}

/* Capacities are powers of two from FIRST_ROOM, so that n alone tells when one is used up. */
int parser_append(struct parser *p, void *array, size_t *n, const void *item, size_t size)
{
	void *old, *grown;

	/* array is the address of a pointer of any type */
	memcpy(&old, array, sizeof old);
	grown = old;
	if (*n == 0 || (*n >= FIRST_ROOM && (*n & (*n - 1)) == 0)) {
		grown = arena_array(p->arena, *n ? 2 * *n : FIRST_ROOM, size);
		if (!grown)
			return parser_no_room(p);
		if (*n)
			memcpy(grown, old, *n * size);
		memcpy(array, &grown, sizeof grown);
	}
	memcpy((char *)grown + *n * size, item, size);
	++*n;
	return 0;
}

int parser_twice(struct parser *p, const char *what, struct source_pos at, struct source_pos before)
{
	return source_say(p->report, SOURCE_ERROR, at, "%s is given already, at %s:%u", what, before.src->name, before.line);
}

int parser_fresh(struct parser *p, const char *what, const struct ast_name *name, const void *array, size_t n, size_t size)
{
	const char *first = array;

	for (size_t i = 0; i < n; i++) {
		const struct ast_name *old = (const void *)(first + i * size);

		if (span_eq(old->text, name->text))
			return source_say(p->report, SOURCE_ERROR, name->at, "\"%.*s\" is defined already, at %s:%u", SPAN_ARG(name->text),
				old->at.src->name, old->at.line);
	}
	if (n >= PARSER_STATEMENTS_MAX)
		return source_say(p->report, SOURCE_ERROR, name->at, "%s too many: at most %d are allowed", what, PARSER_STATEMENTS_MAX);
	return 0;
}
