/*
 * Inline tests: given facts, expected results.
 */
#include "config.h"

#include "policy/parser_internal.h"

/* 2024-01-01 00:00:00 UTC, a Monday. */
static const int64_t TEST_DAY = 1704067200;

static int add_given(struct parser *p, struct ast_test *t)
{
	struct ast_given g;

	if (t->ngiven >= PARSER_STATEMENTS_MAX)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "a test has at most %d facts", PARSER_STATEMENTS_MAX);
	memset(&g, 0, sizeof g);
	if (parser_name(p, PARSER_FACT, "a fact", &g.fact))
		return -1;
	if (span_is(g.fact.text, "now"))
		return source_say(p->report, SOURCE_ERROR, g.fact.at, "the time of a test is said with \"at\", as in at 21:30");
	if (parser_value(p, &g.value))
		return -1;
	return parser_append(p, &t->given, &t->ngiven, &g, sizeof g);
}

static int given_at(struct parser *p, struct ast_test *t)
{
	struct source_pos at;
	uint32_t s;

	if (t->at.at.src)
		return parser_twice(p, "at", p->tok.at, t->at.at);
	if (parser_next(p))
		return -1;
	at = p->tok.at;
	if (parser_clock(p, false, &s))
		return -1;
	t->at.kind = AST_NUMBER;
	t->at.at = at;
	t->at.num = TEST_DAY + s;
	return 0;
}

static int given(struct parser *p, struct ast_test *t)
{
	if (!parser_at_word(p, "at"))
		for (;;) {
			if (add_given(p, t))
				return -1;
			if (!parser_at(p, LEXER_COMMA))
				break;
			if (parser_next(p))
				return -1;
		}
	return parser_at_word(p, "at") ? given_at(p, t) : 0;
}

/* A verdict's word, or hit, miss, score, peer. */
static int one_expect(struct parser *p, struct ast_expect *e)
{
	static const char *const words[] = {"hit", "miss", "score", "peer", "accept", "discard", "tag", "quarantine", "redirect", "tempfail", "reject", NULL};
	static const struct parser_words what = {"an action, hit RULE, miss RULE, score NUMBER or peer NAME", words};
	static const struct parser_bounds any = {-INT64_C(1000000000), INT64_C(1000000000), false, "a score"};
	size_t i;

	e->at = p->tok.at;
	if (parser_choice(p, &what, &i))
		return -1;
	switch (i) {
	case 0:
	case 1:
		e->kind = i == 0 ? AST_EXPECT_HIT : AST_EXPECT_MISS;
		return parser_name(p, PARSER_UPPER, "a rule's name", &e->name);
	case 2:
		e->kind = AST_EXPECT_SCORE;
		return parser_number(p, &any, &e->score);
	case 3:
		e->kind = AST_EXPECT_PEER;
		return parser_name(p, PARSER_LOWER, "a peer's name", &e->name);
	default:
		e->kind = AST_EXPECT_ACTION;
		e->action = (enum ast_action_kind)(i - 4);
		return 0;
	}
}

/* The same rule may be named twice, an action, a score, a peer may not. */
static int add_expect(struct parser *p, struct ast_test *t)
{
	struct ast_expect e;

	if (t->nexpect >= PARSER_STATEMENTS_MAX)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "a test expects at most %d things", PARSER_STATEMENTS_MAX);
	memset(&e, 0, sizeof e);
	if (one_expect(p, &e))
		return -1;
	for (size_t i = 0; i < t->nexpect; i++)
		if (t->expect[i].kind == e.kind && e.kind != AST_EXPECT_HIT && e.kind != AST_EXPECT_MISS)
			return parser_twice(p, e.kind == AST_EXPECT_ACTION ? "an action" : e.kind == AST_EXPECT_SCORE ? "a score" : "a peer", e.at, t->expect[i].at);
	return parser_append(p, &t->expect, &t->nexpect, &e, sizeof e);
}

static int expect(struct parser *p, struct ast_test *t)
{
	for (;;) {
		if (add_expect(p, t))
			return -1;
		if (!parser_at(p, LEXER_COMMA))
			return 0;
		if (parser_next(p))
			return -1;
	}
}

static int body(struct parser *p, struct ast_test *t, struct source_pos open)
{
	static const char *const words[] = {"given", "expect", "at", NULL};
	static const struct parser_words what = {"given, expect, or \"}\"", words};

	while (!parser_at(p, LEXER_CLOSE)) {
		bool facts = parser_at_word(p, "given");

		if (parser_at(p, LEXER_END))
			return parser_unclosed(p, open);
		if (!facts && !parser_at_word(p, "expect"))
			return parser_unexpected(p, &what);
		if (parser_next(p) || (facts ? given(p, t) : expect(p, t)))
			return -1;
	}
	if (t->nexpect == 0)
		return parser_expected(p, "expect: a test without proves nothing");
	return parser_next(p);
}

int parser_test(struct parser *p)
{
	struct ast_policy *a = p->ast;
	struct ast_test t;
	struct source_pos open;

	memset(&t, 0, sizeof t);
	if (a->ntest >= PARSER_STATEMENTS_MAX)
		return source_say(p->report, SOURCE_ERROR, p->statement, "tests too many: at most %d are allowed", PARSER_STATEMENTS_MAX);
	if (parser_text(p, "the test's title, in quotes", LEXER_TEXT_MAX, &t.title))
		return -1;
	open = p->tok.at;
	if (parser_eat(p, LEXER_OPEN, "\"{\"") || body(p, &t, open))
		return -1;
	return parser_append(p, &a->test, &a->ntest, &t, sizeof t);
}
