/*
 * Rules and peers.
 */
#include "config.h"

#include "policy/parser_internal.h"

enum { MILLI = 1000, MAX_POINTS = 1000000 };

static const char *const mode_words[] = {"observe", "tag", "enforce", NULL};
const struct parser_words parser_modes = {"a mode (observe, tag, enforce)", mode_words};

static int score(struct parser *p, struct ast_value *out)
{
	static const struct parser_bounds bounds = {-(int64_t)PARSER_SCORE_MAX * MILLI, (int64_t)PARSER_SCORE_MAX * MILLI, false, "a number from -100 to 100"};

	return parser_number(p, &bounds, out);
}

/* --- rules ------------------------------------------------------------------------ */

/* The items of a rule, and what may go on in front of one; parser_rule() tells where each began. */
enum item { SCORE, FINAL, DESCRIBE, GROUP, ABSORB, TAG, WHEN, N_ITEMS };
static const char *const item_words[] = {"score", "final", "describe", "group", "absorb", "tag", "when", "and", "or", NULL};
static const struct parser_words items = {"score, final, describe, group, absorb, tag, or \"}\"", item_words};

static int rule_score(struct parser *p, struct ast_rule *r)
{
	static const struct parser_bounds cap = {0, (int64_t)MAX_POINTS * MILLI, false, "a number, not below 0"};

	r->has_score = true;
	if (score(p, &r->score))
		return -1;
	if (!parser_at_word(p, "per"))
		return 0;
	if (parser_next(p) || parser_name(p, PARSER_FACT, "a fact", &r->per) || parser_eat_word(p, "max"))
		return -1;
	return parser_number(p, &cap, &r->max);
}

static int rule_item(struct parser *p, struct ast_rule *r, enum item i)
{
	switch (i) {
	case SCORE:
		return rule_score(p, r);
	case FINAL:
		r->has_final = true;
		return parser_verdict(p, &r->final);
	case DESCRIBE:
		return parser_text(p, "a sentence in quotes", LEXER_TEXT_MAX, &r->describe);
	case GROUP:
		return parser_name(p, PARSER_LOWER, "a group's name", &r->group);
	case ABSORB:
		return parser_names(p, PARSER_UPPER, "a rule's name", &r->absorb, &r->nabsorb);
	case TAG:
		return parser_names(p, PARSER_LOWER, "a label", &r->tag, &r->ntag);
	default:
		return parser_expr(p, &r->when);
	}
}

static int rule_body(struct parser *p, struct ast_rule *r, struct source_pos open)
{
	struct source_pos given[N_ITEMS];

	memset(given, 0, sizeof given);
	given[WHEN] = p->tok.at;
	if (parser_eat_word(p, "when") || parser_expr(p, &r->when))
		return -1;
	while (!parser_at(p, LEXER_CLOSE)) {
		int i = parser_which(p, item_words);
		struct source_pos at = p->tok.at;

		if (parser_at(p, LEXER_END))
			return parser_unclosed(p, open);
		if (i < 0 || i >= N_ITEMS)
			return parser_unexpected(p, &items);
		if (given[i].src && i != ABSORB && i != TAG)
			return parser_twice(p, item_words[i], at, given[i]);
		given[i] = at;
		if (parser_next(p) || rule_item(p, r, (enum item)i))
			return -1;
	}
	return parser_next(p);
}

/* The rule of that name, or NULL. */
static struct ast_rule *find_rule(const struct ast_policy *a, struct span name)
{
	for (size_t i = 0; i < a->nrule; i++)
		if (span_eq(a->rule[i].name.text, name))
			return &a->rule[i];
	return NULL;
}

int parser_rule(struct parser *p, bool replace)
{
	static const char *const shadow[] = {"shadow", NULL};
	static const struct parser_words shadow_or_body = {"shadow or \"{\"", shadow};
	struct ast_policy *a = p->ast;
	struct source_pos open;
	struct ast_rule r;

	memset(&r, 0, sizeof r);
	r.replace = replace;
	if (parser_name(p, PARSER_UPPER, "the rule's name (UPPER_CASE)", &r.name))
		return -1;
	if (replace && !find_rule(a, r.name.text))
		return source_say(p->report, SOURCE_ERROR, r.name.at, "there is no rule \"%.*s\" before, to be replaced", SPAN_ARG(r.name.text));
	if (!replace && parser_fresh(p, "rules", &r.name, a->rule, a->nrule, sizeof r))
		return -1;
	if (parser_at_word(p, "shadow")) {
		r.shadow = true;
		if (parser_next(p))
			return -1;
	}
	open = p->tok.at;
	if (!r.shadow && parser_at(p, LEXER_WORD))
		return parser_unexpected(p, &shadow_or_body);
	if (parser_eat(p, LEXER_OPEN, r.shadow ? "\"{\"" : "shadow or \"{\"") || rule_body(p, &r, open))
		return -1;
	if (!replace)
		return parser_append(p, &a->rule, &a->nrule, &r, sizeof r);
	*find_rule(a, r.name.text) = r;
	return 0;
}

/* --- peers ------------------------------------------------------------------------ */

enum override_item { O_SCORE, O_FINAL, O_OFF, N_OVERRIDE_ITEMS };

static int override_item(struct parser *p, struct ast_override *o, enum override_item i)
{
	switch (i) {
	case O_SCORE:
		o->has_score = true;
		return score(p, &o->score);
	case O_FINAL:
		o->has_final = true;
		return parser_verdict(p, &o->final);
	default:
		o->off = true;
		return 0;
	}
}

static int override_body(struct parser *p, struct ast_override *o, struct source_pos open)
{
	static const char *const words[] = {"score", "final", "off", NULL};
	static const struct parser_words what = {"score, final, off, or \"}\"", words};
	struct source_pos given[N_OVERRIDE_ITEMS];

	memset(given, 0, sizeof given);
	while (!parser_at(p, LEXER_CLOSE)) {
		int i = parser_which(p, words);
		struct source_pos at = p->tok.at;

		if (parser_at(p, LEXER_END))
			return parser_unclosed(p, open);
		if (i < 0)
			return parser_unexpected(p, &what);
		if (given[i].src)
			return parser_twice(p, words[i], at, given[i]);
		given[i] = at;
		if (parser_next(p) || override_item(p, o, (enum override_item)i))
			return -1;
	}
	if (o->off && (o->has_score || o->has_final))
		return source_say(p->report, SOURCE_ERROR, given[O_OFF], "a rule that is off has neither a score nor a final");
	if (!o->off && !o->has_score && !o->has_final)
		return parser_expected(p, "score, final or off");
	return parser_next(p);
}

static int override(struct parser *p, struct ast_peer *peer)
{
	struct ast_override o;
	struct source_pos open;

	memset(&o, 0, sizeof o);
	if (parser_name(p, PARSER_UPPER, "a rule's name", &o.rule) || parser_fresh(p, "overrides", &o.rule, peer->override, peer->noverride, sizeof o))
		return -1;
	open = p->tok.at;
	if (parser_eat(p, LEXER_OPEN, "\"{\"") || override_body(p, &o, open))
		return -1;
	return parser_append(p, &peer->override, &peer->noverride, &o, sizeof o);
}

static int peer_expect(struct parser *p, struct ast_peer *peer)
{
	static const char *const words[] = {"signed", "unsigned", "any", NULL};
	static const struct parser_words what = {"what the peer does (signed, unsigned, any)", words};
	size_t which;

	peer->expect.text = p->tok.text;
	peer->expect.at = p->tok.at;
	return parser_choice(p, &what, &which);
}

static int peer_mode(struct parser *p, struct ast_peer *peer)
{
	size_t which;

	peer->mode_at = p->tok.at;
	if (parser_choice(p, &parser_modes, &which))
		return -1;
	peer->mode = (enum ast_mode)(which + 1);
	return 0;
}

enum peer_item { MATCH, EXPECT, MODE, OVERRIDE, N_PEER_ITEMS };

static int peer_item(struct parser *p, struct ast_peer *peer, enum peer_item i)
{
	switch (i) {
	case MATCH: return parser_expr(p, &peer->match);
	case EXPECT: return peer_expect(p, peer);
	case MODE: return peer_mode(p, peer);
	default: return override(p, peer);
	}
}

static int peer_body(struct parser *p, struct ast_peer *peer, struct source_pos open)
{
	static const char *const words[] = {"match", "expect", "mode", "override", "and", "or", NULL};
	static const struct parser_words what = {"match, expect, mode, override, or \"}\"", words};
	struct source_pos given[N_PEER_ITEMS];

	memset(given, 0, sizeof given);
	while (!parser_at(p, LEXER_CLOSE)) {
		int i = parser_which(p, words);
		struct source_pos at = p->tok.at;

		if (parser_at(p, LEXER_END))
			return parser_unclosed(p, open);
		if (i < 0 || i >= N_PEER_ITEMS)
			return parser_unexpected(p, &what);
		if (given[i].src && i != OVERRIDE)
			return parser_twice(p, words[i], at, given[i]);
		given[i] = at;
		if (parser_next(p) || peer_item(p, peer, (enum peer_item)i))
			return -1;
	}
	if (!peer->match)
		return parser_expected(p, "match and a condition: a peer without matches nobody");
	return parser_next(p);
}

int parser_peer(struct parser *p)
{
	struct ast_policy *a = p->ast;
	struct ast_peer peer;
	struct source_pos open;

	memset(&peer, 0, sizeof peer);
	if (parser_name(p, PARSER_LOWER, "the peer's name", &peer.name) || parser_fresh(p, "peers", &peer.name, a->peer, a->npeer, sizeof peer))
		return -1;
	open = p->tok.at;
	if (parser_eat(p, LEXER_OPEN, "\"{\"") || peer_body(p, &peer, open))
		return -1;
	return parser_append(p, &a->peer, &a->npeer, &peer, sizeof peer);
}
