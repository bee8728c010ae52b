/*
 * A policy from its first line to its last: the head, statements, includes.
 *
 * One token of look-ahead, one more where "on" needs it; the first error ends
 * it.  The statements are in parser_define.c, parser_action.c, parser_rule.c and
 * parser_test.c.
 */
#include "config.h"

#include "policy/parser_internal.h"

enum {
	KNOWN_VERSION = 1,
	MILLI = 1000,
	/* 64 files of 1 MiB, and trees that take a good deal more than their text. */
	TREE_MAX = 512 * 1024 * 1024
};

static const char *const statement_words[] = {
	"include", "list", "window", "rate", "peer", "on", "rule", "replace", "group", "actions", "test", "policy", "mode", NULL,
};
static const struct parser_words statements = {
	"a statement (include, list, window, rate, peer, on, rule, replace rule, group, actions, test)", statement_words,
};

static int read_file(struct parser *p, struct source *src) MUST_USE;

/* --- includes ----------------------------------------------------------------------- */

static int refuse_cycle(struct parser *p, struct source_pos at, const char *name)
{
	for (const struct parser_file *f = p->file; f; f = f->outer)
		if (strcmp(f->src->name, name) == 0)
			return source_say(p->report, SOURCE_ERROR, at, "%s includes itself", name);
	if (p->depth >= PARSER_INCLUDE_DEPTH)
		return source_say(p->report, SOURCE_ERROR, at, "files include one another at most %d deep", PARSER_INCLUDE_DEPTH);
	return 0;
}

static int no_file(struct parser *p, struct source_pos at, const char *name, const struct err *e)
{
	/* Some loaders name the file, some don't. */
	if (strstr(e->text, name))
		return source_say(p->report, SOURCE_ERROR, at, "%s", e->text);
	return source_say(p->report, SOURCE_ERROR, at, "%s: %s", name, e->text);
}

/* The text of a file, in the arena. */
static int load(struct parser *p, struct source_pos at, const char *name, struct source *src)
{
	struct buf text;
	struct err e;
	int rc = 0;

	err_clear(&e);
	buf_init(&text, LEXER_FILE_MAX);
	if (p->loader->read(p->loader->ctx, name, LEXER_FILE_MAX, &text, &e)) {
		rc = no_file(p, at, name, &e);
	} else {
		src->name = name;
		src->text = arena_copy(p->arena, buf_span(&text));
		if (arena_overflowed(p->arena))
			rc = source_say(p->report, SOURCE_ERROR, at, "no memory for %s", name);
	}
	buf_free(&text);
	return rc;
}

/* Reads a file in the middle of another one, and comes back. */
static int include_file(struct parser *p, struct source_pos at, const char *name)
{
	struct lexer lex = p->lex;
	struct lexer_token tok = p->tok;
	struct source *src = arena_alloc(p->arena, sizeof *src);
	int rc;

	if (!src)
		return parser_no_room(p);
	if (refuse_cycle(p, at, name) || load(p, at, name, src))
		return -1;
	p->depth++;
	rc = read_file(p, src);
	p->depth--;
	p->lex = lex;
	p->tok = tok;
	return rc;
}

static int include_all(struct parser *p, struct source_pos at, const char *dir, struct span names)
{
	while (names.n) {
		struct span name = span_cut(&names, '\n');
		struct span path = arena_printf(p->arena, "%s/%.*s", dir, SPAN_ARG(name));

		if (!path.p)
			return parser_no_room(p);
		if (name.n && include_file(p, at, path.p))
			return -1;
	}
	return 0;
}

static int include_directory(struct parser *p, struct source_pos at, const char *dir)
{
	struct buf names;
	struct err e;
	int rc;

	if (!p->loader->list)
		return source_say(p->report, SOURCE_ERROR, at, "folders can't be included here");
	err_clear(&e);
	buf_init(&names, LEXER_FILE_MAX);
	if (p->loader->list(p->loader->ctx, dir, &names, &e))
		rc = no_file(p, at, dir, &e);
	else if (!names.n)
		rc = source_say(p->report, SOURCE_WARNING, at, "%s: there is no *.policy file in this folder", dir);
	else
		rc = include_all(p, at, dir, buf_span(&names));
	buf_free(&names);
	return rc;
}

static int include(struct parser *p)
{
	static const char *const words[] = {"directory", NULL};
	static const struct parser_words what = {"directory or the file's name, in quotes", words};
	bool directory = parser_at_word(p, words[0]);
	struct ast_value v;
	const char *path;

	if (directory && parser_next(p))
		return -1;
	if (!directory && parser_at(p, LEXER_WORD))
		return parser_unexpected(p, &what);
	if (parser_text(p, directory ? "the folder's name, in quotes" : what.what, LEXER_TEXT_MAX, &v))
		return -1;
	if (!p->loader)
		return source_say(p->report, SOURCE_ERROR, v.at, "files can't be included here");
	path = source_relative(p->arena, v.at.src->name, v.text);
	if (!path)
		return parser_no_room(p);
	return directory ? include_directory(p, v.at, path) : include_file(p, v.at, path);
}

/* --- the head ----------------------------------------------------------------------- */

static int version(struct parser *p)
{
	static const struct parser_bounds any = {0, INT64_MAX, true, "the number of the language: policy 1"};
	struct ast_value v;

	if (parser_number(p, &any, &v))
		return -1;
	if (v.num > KNOWN_VERSION * MILLI)
		return source_say(p->report, SOURCE_ERROR, v.at, "this program knows policy %d; %lld needs a newer stir-milter", KNOWN_VERSION, (long long)(v.num / MILLI));
	if (v.num != KNOWN_VERSION * MILLI)
		return source_say(p->report, SOURCE_ERROR, v.at, "there is no policy %lld; this program knows policy %d", (long long)(v.num / MILLI), KNOWN_VERSION);
	p->ast->version = KNOWN_VERSION;
	return 0;
}

static int mode(struct parser *p)
{
	size_t which;

	if (p->file->outer)
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "the mode is said in the first file, not in one that is included");
	if (parser_next(p) || parser_choice(p, &parser_modes, &which))
		return -1;
	p->ast->mode = (enum ast_mode)(which + 1);
	return 0;
}

/* "policy 1 mode enforce"; an included file needs none of it. */
static int head(struct parser *p)
{
	if (!parser_at_word(p, "policy")) {
		if (p->file->outer)
			return 0;
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "a policy must begin with \"policy %d\"", KNOWN_VERSION);
	}
	if (parser_next(p) || version(p))
		return -1;
	return parser_at_word(p, "mode") ? mode(p) : 0;
}

/* --- statements --------------------------------------------------------------------- */

static int replace_rule(struct parser *p)
{
	return parser_eat_word(p, "rule") ? -1 : parser_rule(p, true);
}

static int new_rule(struct parser *p)
{
	return parser_rule(p, false);
}

static int statement(struct parser *p)
{
	static int (*const parse[])(struct parser *) = {
		include, parser_list, parser_window, parser_rate, parser_peer, parser_on, new_rule, replace_rule, parser_group, parser_actions, parser_test,
	};
	int i = parser_which(p, statement_words);

	if (i < 0)
		return parser_unexpected(p, &statements);
	if ((size_t)i >= sizeof parse / sizeof parse[0])
		return source_say(p->report, SOURCE_ERROR, p->tok.at, "\"%s\" stands only at the beginning: policy 1 mode enforce", statement_words[i]);
	p->statement = p->tok.at;
	return parser_next(p) || parse[i](p) ? -1 : 0;
}

static int add_file(struct parser *p, struct source *src)
{
	struct ast_policy *a = p->ast;

	if (a->nfile >= PARSER_FILES_MAX) {
		struct source_pos file = {src, 0, 0};

		return source_say(p->report, SOURCE_ERROR, file, "a policy has at most %d files", PARSER_FILES_MAX);
	}
	return parser_append(p, &a->file, &a->nfile, &src, sizeof src);
}

static int read_file(struct parser *p, struct source *src)
{
	struct parser_file file = {src, p->file};
	int rc = -1;

	p->file = &file;
	if (add_file(p, src) == 0 && lexer_open(&p->lex, src, false, p->report) == 0 && parser_next(p) == 0)
		rc = head(p);
	while (rc == 0 && !parser_at(p, LEXER_END))
		rc = statement(p);
	p->file = file.outer;
	return rc;
}

/* --- the whole ---------------------------------------------------------------------- */

static int begin(struct parser *p, const char *name, const struct source_loader *loader, struct source_report *report)
{
	struct source_pos nowhere = {NULL, 0, 0};

	memset(p, 0, sizeof *p);
	p->loader = loader;
	p->report = report;
	p->arena = arena_new(TREE_MAX);
	p->ast = p->arena ? arena_alloc(p->arena, sizeof *p->ast) : NULL;
	if (p->ast)
		return 0;
	arena_free(p->arena);
	return source_say(report, SOURCE_ERROR, nowhere, "%s: no memory", name);
}

/* src->text is in memory, or null when the loader must be asked. */
static int whole(struct parser *p, const char *name, const struct span *text, struct ast_policy **out)
{
	struct source_pos nowhere = {NULL, 0, 0};
	struct source *src = arena_alloc(p->arena, sizeof *src);
	int rc = -1;

	p->ast->arena = p->arena;
	name = arena_cstr(p->arena, span_cstr(name));
	if (src && name) {
		src->name = name;
		if (text)
			src->text = arena_copy(p->arena, *text);
		rc = text ? 0 : load(p, nowhere, name, src);
	}
	if (rc == 0 && !arena_overflowed(p->arena))
		rc = read_file(p, src);
	else if (rc == 0 || !src || !name)
		rc = source_say(p->report, SOURCE_ERROR, nowhere, "no memory for this policy");
	if (rc)
		ast_free(p->ast);
	*out = rc ? NULL : p->ast;
	return rc;
}

int parser_read(const char *path, const struct source_loader *loader, struct ast_policy **out, struct source_report *report)
{
	struct parser p;

	*out = NULL;
	return begin(&p, path, loader, report) ? -1 : whole(&p, path, NULL, out);
}

int parser_parse(const char *name, struct span text, const struct source_loader *loader, struct ast_policy **out, struct source_report *report)
{
	struct parser p;

	*out = NULL;
	return begin(&p, name, loader, report) ? -1 : whole(&p, name, &text, out);
}
