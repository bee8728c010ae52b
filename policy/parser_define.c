/*
 * Statements that give something a name to be used by conditions: lists,
 * windows, rates, groups.
 */
#include "config.h"

#include "core/suggest.h"
#include "policy/parser_internal.h"

enum { MILLI = 1000, ZONE_MAX = 64, WEEK = 7, EVERY_DAY = 0x7F };

static const char *const type_words[] = {"tn", "cidr", "host", "spc", "text", NULL};
static const char *const day_words[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
static const struct parser_words days = {"a day (mon, tue, wed, thu, fri, sat, sun)", day_words};

/* --- lists ------------------------------------------------------------------------ */

static bool suits(const char *type, enum ast_value_kind k)
{
	if (strcmp(type, "tn") == 0)
		return k == AST_TN || k == AST_TN_PREFIX || k == AST_TN_RANGE;
	if (strcmp(type, "cidr") == 0)
		return k == AST_NET;
	return k == AST_WORD || k == AST_TEXT;
}

static int list_items(struct parser *p, struct ast_list *l, const char *type)
{
	struct source_pos open = p->tok.at;

	if (parser_next(p) || parser_items(p, open, &l->item, &l->nitem))
		return -1;
	for (size_t i = 0; i < l->nitem; i++)
		if (!suits(type, l->item[i].kind))
			return source_say(p->report, SOURCE_ERROR, l->item[i].at, "list \"%.*s\" holds %s values: %s", SPAN_ARG(l->name.text), type,
				strcmp(type, "tn") == 0 ? "+15550100001, +1888*, +18005550100..+18005550199"
				: strcmp(type, "cidr") == 0 ? "192.0.2.0/24, 2001:db8::/32"
				                            : "words, or texts in quotes");
	return 0;
}

int parser_list(struct parser *p)
{
	static const struct parser_words types = {"the list's type (tn, cidr, host, spc, text)", type_words};
	struct ast_policy *a = p->ast;
	struct ast_list l;
	size_t type;

	memset(&l, 0, sizeof l);
	if (parser_name(p, PARSER_LOWER, "the list's name", &l.name) || parser_fresh(p, "lists", &l.name, a->list, a->nlist, sizeof l))
		return -1;
	l.type.text = p->tok.text;
	l.type.at = p->tok.at;
	if (parser_choice(p, &types, &type))
		return -1;
	if (parser_at(p, LEXER_OPEN)) {
		if (list_items(p, &l, type_words[type]))
			return -1;
	} else if (parser_at_word(p, "file")) {
		if (parser_next(p) || parser_text(p, "the file's name, in quotes", LEXER_TEXT_MAX, &l.file))
			return -1;
	} else {
		return parser_expected(p, "file \"NAME\", or the entries in braces");
	}
	return parser_append(p, &a->list, &a->nlist, &l, sizeof l);
}

/* --- windows ---------------------------------------------------------------------- */

/* "fri" or "fri..mon", which goes over Sunday. */
static int day_range(struct parser *p, unsigned *bits)
{
	size_t from, to;

	if (parser_choice(p, &days, &from))
		return -1;
	to = from;
	if (parser_at(p, LEXER_RANGE) && (parser_next(p) || parser_choice(p, &days, &to)))
		return -1;
	for (size_t d = from;; d = (d + 1) % WEEK) {
		*bits |= 1U << d;
		if (d == to)
			return 0;
	}
}

static int window_days(struct parser *p, unsigned *bits)
{
	struct source_pos open = p->tok.at;

	*bits = 0;
	if (!parser_at(p, LEXER_OPEN)) {
		if (day_range(p, bits))
			return -1;
		return parser_at(p, LEXER_COMMA) ? source_say(p->report, SOURCE_ERROR, p->tok.at, "several days stand in braces: on {mon, wed..fri}") : 0;
	}
	if (parser_next(p))
		return -1;
	while (!parser_at(p, LEXER_CLOSE)) {
		if (day_range(p, bits))
			return -1;
		if (parser_at(p, LEXER_CLOSE))
			break;
		if (parser_at(p, LEXER_END))
			return parser_unclosed(p, open);
		if (parser_eat(p, LEXER_COMMA, "\",\" or \"}\""))
			return -1;
	}
	if (*bits == 0)
		return source_say(p->report, SOURCE_ERROR, open, "this set is empty");
	return parser_next(p);
}

/* "mon", what was meant to be one, "monday". */
static bool is_like_a_day(struct span word)
{
	for (size_t i = 0; i < WEEK; i++)
		if (span_caseeq(span_take(word, strlen(day_words[i])), span_cstr(day_words[i])))
			return true;
	return suggest_name(word, day_words, WEEK);
}

/* "on" may also begin the next statement: then a failure follows, or what looks like one. */
static bool at_days(const struct parser *p)
{
	struct lexer_token next;

	if (!parser_at_word(p, "on"))
		return false;
	next = parser_peek(p);
	return next.kind == LEXER_OPEN || (next.kind == LEXER_WORD && is_like_a_day(next.text));
}

/* [on DAYS] [zone "NAME"] */
static int days_and_zone(struct parser *p, struct ast_window *w)
{
	if (at_days(p) && (parser_next(p) || window_days(p, &w->days)))
		return -1;
	if (!parser_at_word(p, "zone"))
		return 0;
	if (parser_next(p) || parser_text(p, "the zone's name, as in \"America/Chicago\"", ZONE_MAX, &w->zone))
		return -1;
	return at_days(p) ? source_say(p->report, SOURCE_ERROR, p->tok.at, "the days of a window stand in front of its zone, and once") : 0;
}

int parser_window(struct parser *p)
{
	struct ast_policy *a = p->ast;
	struct ast_window w;
	struct source_pos at;

	memset(&w, 0, sizeof w);
	w.days = EVERY_DAY;
	if (parser_name(p, PARSER_LOWER, "the window's name", &w.name) || parser_fresh(p, "windows", &w.name, a->window, a->nwindow, sizeof w))
		return -1;
	if (parser_eat_word(p, "daily"))
		return -1;
	at = p->tok.at;
	if (parser_clock(p, false, &w.from_s) || parser_eat(p, LEXER_RANGE, "\"..\"") || parser_clock(p, true, &w.to_s))
		return -1;
	if (w.from_s == w.to_s)
		return source_say(p->report, SOURCE_ERROR, at, "this window has no width; the whole day is 00:00..24:00");
	if (days_and_zone(p, &w))
		return -1;
	return parser_append(p, &a->window, &a->nwindow, &w, sizeof w);
}

/* --- rates and groups ------------------------------------------------------------- */

int parser_rate(struct parser *p)
{
	static const struct parser_bounds number = {MILLI, (int64_t)PARSER_RATE_MAX * MILLI, true, "a whole number from 1 to 1000000"};
	struct ast_policy *a = p->ast;
	struct ast_rate r;

	memset(&r, 0, sizeof r);
	if (parser_name(p, PARSER_LOWER, "the rate's name", &r.name) || parser_fresh(p, "rates", &r.name, a->rate, a->nrate, sizeof r))
		return -1;
	if (parser_eat_word(p, "key") || parser_names(p, PARSER_FACT, "a fact", &r.key, &r.nkey))
		return -1;
	if (parser_eat_word(p, "limit") || parser_number(p, &number, &r.limit) || parser_eat_word(p, "per"))
		return -1;
	if (parser_duration(p, "a duration from 1s to 30d", &r.per))
		return -1;
	if (r.per.num < 1 || r.per.num > PARSER_RATE_PERIOD_MAX)
		return source_say(p->report, SOURCE_ERROR, r.per.at, "a rate is per 1s to 30d");
	if (parser_at_word(p, "burst") && (parser_next(p) || parser_number(p, &number, &r.burst)))
		return -1;
	return parser_append(p, &a->rate, &a->nrate, &r, sizeof r);
}

int parser_group(struct parser *p)
{
	static const struct parser_bounds cap = {1, (int64_t)PARSER_RATE_MAX * MILLI, false, "a number above 0"};
	struct ast_policy *a = p->ast;
	struct ast_group g;
	struct source_pos open;

	memset(&g, 0, sizeof g);
	if (parser_name(p, PARSER_LOWER, "the group's name", &g.name) || parser_fresh(p, "groups", &g.name, a->group, a->ngroup, sizeof g))
		return -1;
	open = p->tok.at;
	if (parser_eat(p, LEXER_OPEN, "\"{\"") || parser_eat_word(p, "max") || parser_number(p, &cap, &g.max))
		return -1;
	if (parser_at(p, LEXER_END))
		return parser_unclosed(p, open);
	if (parser_eat(p, LEXER_CLOSE, "\"}\""))
		return -1;
	return parser_append(p, &a->group, &a->ngroup, &g, sizeof g);
}
