/* The decisive line: what it says of trust domain, revocation and diversions, what of it is always there, and its other form. */
#include "config.h"

#include "engine/engine.h"

#include <jansson.h>

#include "core/limits.h"
#include "core/trustset.h"
#include "tests/lib/engine_place.h"

#define POLICY "policy 1 mode tag\nrule A { when verify == none score 3 }\nrule B { when verify == none score 1.5 }\nactions { tag at 4 }\n"

static void line_of(struct buf *out, const struct engine *g, const struct transaction *t)
{
	buf_reset(out);
	engine_log_line(out, g, t, span_cstr("4Q"));
	tap_ok(!out->failed && out->n <= LIMIT_LOG_LINE, "a line of %zu octets", out->n);
}

static json_t *object_of(const struct engine *g, const struct transaction *t)
{
	struct buf text;
	json_t *o;

	buf_init(&text, LIMIT_LOG_JSON);
	engine_log_json(&text, g, t, span_cstr("4Q"));
	o = text.failed ? NULL : json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	tap_ok(o != NULL, "an object of %zu octets, no name twice", text.n);
	buf_free(&text);
	return o;
}

/* As the verifier would leave it for a message that was diverted twice. */
static void divert(struct transaction *t, struct stir_check check[4], const struct trust_rules *rules)
{
	for (unsigned i = 0; i < 4; i++)
		check[i] = (struct stir_check){.field = i + 1, .stage = STIR_STAGE_DONE, .in_chain = i == 1 || i == 3};
	check[0].domain = rules;
	check[0].revocation_unknown = true;
	check[0].dest_cover = STIR_DEST_DIVERTED;
	t->result = (struct stir_result){.reason = STIR_OK, .best = &check[0], .check = check, .ncheck = 4, .nfield = 4};
	t->session_id = span_cstr("6a-1");
	t->took_us = 12999;
}

static void test_facts(void)
{
	struct trust_rules rules = {.name = "us-shaken"};
	struct engine *g = open_with(POLICY, "");
	struct transaction t = begin();
	struct stir_check check[4];
	struct buf line;
	json_t *o;

	judge(&t, g, NUMBER, NOW);
	divert(&t, check, &rules);
	buf_init(&line, LIMIT_LOG_LINE);
	line_of(&line, g, &t);
	tap_ok(strncmp(line.p, "4Q: sid=6a-1 client=", 20) == 0, "queue id and session first: %s", line.p);
	tap_ok(strstr(line.p, " fields=4 field=1 stage=done domain=us-shaken revocation=unknown integrity=unknown dest=diverted chain=2,4 "), "domain, revocation and chain");
	tap_ok(strstr(line.p, " edits=2 ms=12") && line.p[line.n - 1] == '2', "and the end");
	o = object_of(g, &t);
	tap_str(json_string_value(json_object_get(o, "chain")), "2,4", "the same in JSON");
	tap_str(json_string_value(json_object_get(o, "domain")), "us-shaken", "domain");
	tap_int(json_integer_value(json_object_get(o, "ms")), 12, "numbers are numbers");
	tap_ok(json_real_value(json_object_get(o, "score")) == 4.5, "the score");
	tap_int((long long)json_array_size(json_object_get(o, "rules")), 2, "lists are arrays");
	json_decref(o);
	check[0].domain = NULL;
	check[0].revocation_unknown = check[1].in_chain = check[3].in_chain = false;
	check[0].has_header = true;
	check[0].passport.x5u = span_cstr("https://certificates.carrier.example/3f9a1f0c-6f7e-4f43-8d2a-0f6c1e7b9a55.pem");
	line_of(&line, g, &t);
	tap_ok(strstr(line.p, "-0f6c1e7b9a55.pem "), "an address is whole, to be asked by hand");
	tap_ok(!strstr(line.p, "domain=") && !strstr(line.p, "revocation=") && !strstr(line.p, "chain="), "nothing of it where there is nothing to say");
	buf_free(&line);
	transaction_free(&t);
	engine_unref(g);
}

/* What is quoted takes four octets for one. */
static void test_long(void)
{
	static char rubbish[4096], detail[4096];
	struct engine *g = open_with(POLICY, "LogWhy yes\n");
	struct transaction t = begin();
	struct stir_check check[4];
	struct trust_rules rules = {.name = "d"};
	struct mms_client client;
	struct buf line;

	memset(rubbish, '\x01', sizeof rubbish);
	memset(detail, 0xC3, sizeof detail);
	judge(&t, g, NUMBER, NOW);
	divert(&t, check, &rules);
	client = *t.message.client;
	client.listener = span_make(rubbish, sizeof rubbish);
	t.message.client = &client;
	t.session_id = span_make(rubbish, sizeof rubbish);
	check[0].spc = span_make(rubbish, sizeof rubbish);
	check[0].has_header = true;
	check[0].passport.x5u = span_make(rubbish, sizeof rubbish);
	t.result.detail = span_make(detail, sizeof detail);
	buf_init(&line, LIMIT_LOG_LINE);
	line_of(&line, g, &t);
	tap_ok(strstr(line.p, "... size=") && strstr(line.p, " action=tag edits=2 ms=12"), "one that is cut has its end: %s", line.p);
	json_decref(object_of(g, &t));
	memset(detail, 'a', sizeof detail);
	json_t *o = object_of(g, &t);
	const char *shown = json_string_value(json_object_get(o, "detail"));
	tap_ok(shown && strlen(shown) == 200 + 3 && strcmp(shown + 200, "...") == 0, "a long value of an object is cut, visibly");
	json_decref(o);
	buf_free(&line);
	transaction_free(&t);
	engine_unref(g);
}

static void from_of(char out[64], const char *more, bool hidden)
{
	struct engine *g = open_with(POLICY, more);
	struct transaction t = begin();
	struct buf line;
	const char *at;

	judge(&t, g, NUMBER, NOW);
	t.hidden = hidden;
	buf_init(&line, LIMIT_LOG_LINE);
	line_of(&line, g, &t);
	at = strstr(line.p, " from=");
	(void)snprintf(out, 64, "%.*s", at ? (int)strcspn(at + 6, " ") : 0, at ? at + 6 : "");
	buf_free(&line);
	transaction_free(&t);
	engine_unref(g);
}

static void test_numbers(void)
{
	char text[64], again[64];

	from_of(text, "LogNumbers full\n", false);
	tap_str(text, "15550100001", "in full");
	from_of(text, "LogNumbers full\n", true);
	tap_ok(text[0] == '~' && !strstr(text, "5550100"), "but not of a sender who asks to be hidden: %s", text);
	from_of(again, "LogNumbers full\n", true);
	tap_ok(again[0] == '~' && strcmp(text, again) != 0, "whose pseudonym has a key, and another one with each start");
	from_of(text, "LogNumbers masked\n", false);
	tap_ok(strstr(text, "01") && !strstr(text, "5550100"), "masked: %s", text);
	from_of(text, "", false);
	tap_ok(text[0] == '~' && strlen(text) == 17, "a pseudonym: %s", text);
	from_of(again, "", false);
	tap_ok(strcmp(text, again) != 0, "another one with each start");
}

int main(void)
{
	engine_global_init();
	make_place();
	test_facts();
	test_long();
	test_numbers();
	return tap_done();
}
