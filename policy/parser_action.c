/*
 * What is to be done: verdicts, "on" a failure, thresholds.
 */
#include "config.h"

#include "policy/parser_internal.h"

enum { THRESHOLD_MAX = 1000000 /* points: every rule there may be, at its most, is less */, MILLI = 1000, CODE_DIGITS_MAX = 3 };

static const char *const verdict_words[] = {"accept", "discard", "tag", "quarantine", "redirect", "tempfail", "reject", NULL};
const struct parser_words parser_verdicts = {"an action (accept, tag, quarantine, redirect, tempfail, reject, discard)", verdict_words};

static const char *const failure_words[] = {"temperror", "internal", "timeout", "toolarge", "malformed", "overload", NULL};
const struct parser_words parser_failures = {"a failure (temperror, internal, timeout, toolarge, malformed, overload)", failure_words};

/* One of the three numbers of RFC 3463. */
static bool is_code_number(struct span s)
{
	return s.n >= 1 && s.n <= CODE_DIGITS_MAX && (s.n == 1 || s.p[0] != '0');
}

static int code(struct parser *p, struct ast_action *out)
{
	char class = out->kind == AST_REJECT ? '5' : '4';
	struct span rest = p->tok.text, first = span_cut(&rest, '.'), second = span_cut(&rest, '.');

	if (first.n != 1 || first.p[0] != class)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "%s needs a %c.x.x code", ast_action_name(out->kind), class);
	if (!is_code_number(second) || !is_code_number(rest))
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "\"%.*s\" is no reply code: its numbers have 1 to 3 figures and no 0 in front", SPAN_ARG(p->tok.text));
	out->code.text = p->tok.text;
	out->code.at = p->tok.at;
	return parser_next(p);
}

static int printable(struct parser *p, const struct ast_value *v)
{
	for (size_t i = 0; i < v->text.n; i++)
		if (v->text.p[i] < ' ' || v->text.p[i] > '~')
			return source_say(p->report, SOURCE_ERROR, v->at, "what is said to other hosts is printable ASCII");
	return 0;
}

/* [CODE] TEXT */
static int reply(struct parser *p, struct ast_action *out)
{
	if (parser_at(p, LEXER_CODE) && code(p, out))
		return -1;
	if (parser_at(p, LEXER_NUMBER))
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "%s needs a %c.x.x code", ast_action_name(out->kind), out->kind == AST_REJECT ? '5' : '4');
	return parser_text(p, "a text for the reply, in quotes", PARSER_REPLY_MAX, &out->text) || printable(p, &out->text) ? -1 : 0;
}

/* Enough to be carried to the MTA as one address; whether it exists nobody knows. */
static bool is_address(struct span s)
{
	size_t at = span_find(s, '@');

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("<>,;:\"\\()", s.p[i]))
			return false;
	return at > 0 && at + 1 < s.n && span_find(span_skip(s, at + 1), '@') == s.n - at - 1;
}

static int redirect(struct parser *p, struct ast_action *out)
{
	if (!parser_at(p, LEXER_ADDRESS)) {
		if (parser_text(p, "an address, as in abuse@example.net", PARSER_REPLY_MAX, &out->text))
			return -1;
	} else {
		out->text.kind = AST_TEXT;
		out->text.at = p->tok.at;
		out->text.text = p->tok.text;
		if (out->text.text.n > PARSER_REPLY_MAX)
			return parser_expected(p, "an address of at most 200 octets");
		if (parser_next(p))
			return -1;
	}
	if (!is_address(out->text.text))
		return source_say(p->report, SOURCE_ERROR, out->text.at, "\"%.*s\" is no address, as in abuse@example.net", SPAN_ARG(out->text.text));
	return 0;
}

int parser_verdict(struct parser *p, struct ast_action *out)
{
	size_t kind;

	memset(out, 0, sizeof *out);
	out->at = p->tok.at;
	if (parser_choice(p, &parser_verdicts, &kind))
		return -1;
	out->kind = (enum ast_action_kind)kind;
	if (out->kind == AST_REDIRECT)
		return redirect(p, out);
	if (out->kind == AST_TEMPFAIL || out->kind == AST_REJECT)
		return reply(p, out);
	return 0;
}

int parser_on(struct parser *p)
{
	struct ast_policy *a = p->ast;
	struct ast_on on = {.failure = {p->tok.text, p->tok.at}};
	size_t which;

	if (parser_choice(p, &parser_failures, &which) || parser_fresh(p, "failures", &on.failure, a->on, a->non, sizeof on))
		return -1;
	if (parser_verdict(p, &on.action))
		return -1;
	return parser_append(p, &a->on, &a->non, &on, sizeof on);
}

static int threshold(struct parser *p)
{
	static const struct parser_bounds at = {-(int64_t)THRESHOLD_MAX * MILLI, (int64_t)THRESHOLD_MAX * MILLI, false, "a score, as in \"at 4\""};
	struct ast_policy *a = p->ast;
	struct ast_threshold t;

	if (a->nthreshold >= PARSER_STATEMENTS_MAX)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "thresholds too many: at most %d are allowed", PARSER_STATEMENTS_MAX);
	if (parser_verdict(p, &t.action) || parser_eat_word(p, "at") || parser_number(p, &at, &t.at))
		return -1;
	return parser_append(p, &a->threshold, &a->nthreshold, &t, sizeof t);
}

int parser_actions(struct parser *p)
{
	struct source_pos open = p->tok.at;

	if (p->ast->actions_at.src)
		return parser_twice(p, "an actions block", p->statement, p->ast->actions_at);
	p->ast->actions_at = p->statement;
	if (parser_eat(p, LEXER_OPEN, "\"{\""))
		return -1;
	while (!parser_at(p, LEXER_CLOSE)) {
		if (parser_at(p, LEXER_END))
			return parser_unclosed(p, open);
		if (threshold(p))
			return -1;
	}
	if (!p->ast->nthreshold)
		return parser_expected(p, "an action and the score it begins at, as in \"tag at 4\"");
	return parser_next(p);
}
