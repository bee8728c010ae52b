/*
 * Shows the table of facts (policy/fact.def), as a table, at length, or as JSON.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "ctl/policy_words.h"
#include "ctl/run.h"
#include "policy/fact.h"

enum { OWN_JSON = OPTIONS_OWN_FIRST };

static int take(void *arg, int c, char *value, struct err *e)
{
	bool *json = arg;

	(void)value;
	(void)e;
	*json = *json || c == OWN_JSON;
	return 0;
}

static void table(void)
{
	printf("%-23s %-9s %-5s %-8s %-36s %-34s %s\n", "NAME", "TYPE", "LIST", "NEED", "FROM", "EXAMPLE", "MEANING");
	for (enum fact_id id = 0; id < FACT_N; id++) {
		const struct fact_row *r = fact_row(id);

		printf("%-23s %-9s %-5s %-8s %-36s %-34s %s\n", r->name, fact_type_name(r->type), r->list ? "list" : "-", fact_need_name(r->need),
			r->source, r->example, r->sentence);
	}
}

static const char *cost(enum fact_need need)
{
	switch (need) {
	case FACT_NEED_TO:
		return "To and Cc are only read when a policy asks";
	case FACT_NEED_CONTENT:
		return "the body is only kept and looked at when a policy asks";
	case FACT_NEED_TEXT:
		return "text is only decoded and searched when a policy asks";
	case FACT_NEED_HISTORY:
		return "history is only kept when a policy asks";
	case FACT_NEED_FREE:
		break;
	}
	return "always at hand";
}

static void at_length(enum fact_id id)
{
	const struct fact_row *r = fact_row(id);
	const char *op = r->type == FACT_TYPE_CLOCK ? "in quiet" : r->example;

	printf("%s\n  %s\n", r->name, r->sentence);
	printf("  Type     %s%s\n", fact_type_name(r->type), r->list ? ", a list: say any(...) or all(...)" : "");
	printf("  Written  %s\n", fact_type_hint(r->type));
	printf("  From     %s\n", r->source);
	printf("  Need     %s: %s\n", fact_need_name(r->need), cost(r->need));
	printf("  Absent   %s\n", r->always ? "never" : "possible; a comparison is false then, also with != and not in");
	if (r->list)
		printf("  Example  when any(%s) == %s\n", r->name, op);
	else
		printf("  Example  when %s %s%s\n", r->name, r->type == FACT_TYPE_CLOCK ? "" : "== ", op);
	if (!r->word)
		return;
	fputs("  Words    ", stdout);
	for (size_t i = 0; r->word[i]; i++)
		printf("%s%s", i ? " " : "", r->word[i]);
	putchar('\n');
}

static json_t *fact_json(enum fact_id id)
{
	const struct fact_row *r = fact_row(id);
	json_t *words = r->word ? json_array() : json_null();

	for (size_t i = 0; words && r->word && r->word[i]; i++) {
		if (json_array_append_new(words, json_string(r->word[i]))) {
			json_decref(words);
			words = NULL;
		}
	}
	return json_pack("{ss ss sb ss ss ss ss sb so}", "name", r->name, "type", fact_type_name(r->type), "list", r->list, "need",
		fact_need_name(r->need), "from", r->source, "example", r->example, "sentence", r->sentence, "always", r->always, "words", words);
}

static int print_json(bool one, enum fact_id id)
{
	json_t *j = one ? fact_json(id) : json_array();
	int bad;

	for (enum fact_id i = 0; j && !one && i < FACT_N; i++) {
		if (json_array_append_new(j, fact_json(i))) {
			json_decref(j);
			j = NULL;
		}
	}
	bad = !j || json_dumpf(j, stdout, JSON_INDENT(2));
	json_decref(j);
	putchar('\n');
	return bad ? EX_UNAVAILABLE : 0;
}

static int show(const struct options *o, bool json, struct err *e)
{
	const char *near;
	enum fact_id id = FACT_N;

	if (o->nfile > 1)
		return run_complain(o, (err_set(e, ERR_USAGE, "give one FACT, or none for all of them"), e));
	if (o->nfile == 1) {
		struct span name = span_cstr(o->file[0]);

		id = fact_find(name);
		near = id == FACT_N ? fact_suggest(name) : NULL;
		if (near)
			return run_complain(o, (err_set(e, ERR_USAGE, "no fact '%s'; did you mean '%s'?", o->file[0], near), e));
		if (id == FACT_N)
			return run_complain(o, (err_set(e, ERR_USAGE, "no fact '%s'; 'stirctl policy facts' lists them", o->file[0]), e));
	}
	if (json)
		return print_json(o->nfile == 1, id);
	if (o->nfile == 1)
		at_length(id);
	else
		table();
	return 0;
}

int policy_words_facts(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, OWN_JSON}, {NULL, 0, NULL, 0}};
	static const struct options_own own = {
		.name = "policy facts", .synopsis = "[--json] [FACT]",
		.does = "The facts a policy can ask for; with FACT, all that is to be known of that one.",
		.flags = "      --json            as JSON\n", .example = "stirctl policy facts passport.age", .option = options, .fileless = true, .take = take,
	};
	bool json = false;
	struct options o;
	struct err e;
	int rc, status;

	err_clear(&e);
	rc = options_parse_own(&o, &own, &json, argc, argv, &e);
	status = rc < 0 ? run_complain(&o, &e) : rc > 0 ? 0 : show(&o, json, &e);
	options_free(&o);
	return status;
}
