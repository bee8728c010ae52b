/*
 * The decisive line of one message: what came, what was found, what was done; as
 * text or as a JSON object, from the same facts in the same order.
 *
 * Numbers are pseudonyms unless LogNumbers says otherwise; wire text is quoted.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/log.h"
#include "core/trustset.h"
#include "engine/policy_write.h"

enum {
	VALUE_MAX = 64,
	ACTED_UPON_MAX = 200,        /* what people act upon: an address to ask, a sentence */
	JSON_VALUE_MAX = 200,
	JSON_POLICY_MAX = 4096, /* octets of words; as JSON they grow by half at most */
	HEAD_MAX = 4096         /* what stands before the policy's words, before it is cut */
};

/* Either of both. */
struct line {
	struct buf *text;
	json_t *json;
};

/* --- one fact ----------------------------------------------------------------------- */

static void put_json(struct line *l, const char *key, struct span value)
{
	json_t *j = value.n > JSON_VALUE_MAX ? NULL : json_stringn(value.n ? value.p : "", value.n);
	struct buf quoted;

	/* No UTF-8, or too long: cut, visibly. */
	if (!j) {
		buf_init(&quoted, 8 * JSON_VALUE_MAX);
		log_quote(&quoted, value, JSON_VALUE_MAX);
		j = json_stringn(quoted.n ? quoted.p : "", quoted.n);
		buf_free(&quoted);
	}
	(void)json_object_set_new(l->json, key, j);
}

static void put_key(struct line *l, const char *key)
{
	buf_putc(l->text, ' ');
	buf_puts(l->text, key);
	buf_putc(l->text, '=');
}

static void put(struct line *l, const char *key, struct span value)
{
	if (l->json) {
		put_json(l, key, value);
		return;
	}
	put_key(l, key);
	log_quote(l->text, value, VALUE_MAX);
}

/* One that is of no use when it is cut. */
static void put_whole(struct line *l, const char *key, struct span value)
{
	if (l->json) {
		put_json(l, key, value);
		return;
	}
	put_key(l, key);
	log_quote(l->text, value, ACTED_UPON_MAX);
}

/* A word of ours, which needs no quotes. */
static void put_word(struct line *l, const char *key, const char *word)
{
	if (l->json) {
		put_json(l, key, span_cstr(word));
		return;
	}
	put_key(l, key);
	buf_puts(l->text, word);
}

static void put_number(struct line *l, const char *key, int64_t n)
{
	if (l->json)
		(void)json_object_set_new(l->json, key, json_integer(n));
	else
		buf_printf(l->text, " %s=%lld", key, (long long)n);
}

/* --- who ------------------------------------------------------------------------------ */

/* hidden: never in full. */
static void put_number_of(struct line *l, const struct engine *g, const char *key, const struct tn *t, bool hidden)
{
	int how = g->settings.log_numbers == SETTINGS_NUMBERS_FULL && hidden ? SETTINGS_NUMBERS_PSEUDONYM : g->settings.log_numbers;
	char pseudonym[PSEUDONYM_BYTES];
	struct tn masked = tn_masked(t);

	if (how == SETTINGS_NUMBERS_FULL)
		put(l, key, tn_span(t));
	/* Better little than too much when there is no memory for a hash. */
	else if (how == SETTINGS_NUMBERS_MASKED || pseudonym_write(g->pseudonyms, tn_span(t), pseudonym))
		put(l, key, tn_span(&masked));
	else
		put(l, key, span_make(pseudonym, sizeof pseudonym));
}

static void put_party(struct line *l, const struct engine *g, const char *key, const struct party *p, bool hidden)
{
	if (p->kind == PARTY_TN)
		put_number_of(l, g, key, &p->tn, hidden);
	else
		put_word(l, key, p->kind == PARTY_URI ? "uri" : "none");
}

static void put_client(struct line *l, const struct mms_client *c)
{
	char text[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_storage *ss = c ? &c->addr : NULL;

	if (ss && ss->ss_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)ss)->sin_addr, text, sizeof text);
	else if (ss && ss->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr, text, sizeof text);
	put(l, "client", span_cstr(text[0] ? text : "unknown"));
	if (c && c->listener.n)
		put(l, "listener", c->listener);
}

/* What it says it is, and whether the client is one that may say so. */
static void put_pdu(struct line *l, const struct transaction *t)
{
	if (t->message.mm4)
		put_word(l, "channel", "mm4");
	if (t->pdu.class != MMSPDU_NONE)
		put_word(l, "pdu", mmspdu_name(t->pdu.class));
	if (t->pdu.class == MMSPDU_OTHER)
		put(l, "type", t->pdu.value);
	if (t->pdu.disputed)
		put_word(l, "types", "differ");
	if (t->hidden)
		put_word(l, "sender", "hidden");
}

/* --- what was found ------------------------------------------------------------------- */

/* The div tokens that a diverted pass rests on, by field: "2,3". */
static void put_chain(struct line *l, const struct stir_result *r)
{
	struct buf fields;

	buf_init(&fields, VALUE_MAX);
	for (size_t i = 0; i < r->ncheck; i++)
		if (r->check[i].in_chain)
			buf_printf(&fields, "%s%u", fields.n ? "," : "", r->check[i].field);
	if (fields.n)
		put_word(l, "chain", fields.p);
	buf_free(&fields);
}

static void put_best(struct line *l, const struct stir_check *c)
{
	put_number(l, "field", c->field);
	put_word(l, "stage", stir_stage_name(c->stage));
	if (c->domain)
		put_word(l, "domain", c->domain->name);
	if (c->has_authority)
		put_word(l, "authority", tn_authority_name(c->authority));
	if (c->spc.n)
		put(l, "spc", c->spc);
	if (c->revocation_unknown)
		put_word(l, "revocation", "unknown");
	put_word(l, "integrity", stir_integrity_name(c->integrity));
	put_word(l, "dest", stir_dest_cover_name(c->dest_cover));
}

static void put_more(struct line *l, const struct stir_check *c)
{
	if (c->has_age)
		put_number(l, "age", c->age_s);
	if (c->stage >= STIR_STAGE_REPLAY)
		put_word(l, "replay", stir_replay_name(c->replay));
	if (c->content_suspect)
		put_word(l, "content", "suspect");
	if (c->has_header)
		put_whole(l, "x5u", c->passport.x5u);
}

static void put_verify(struct line *l, const struct transaction *t)
{
	const struct stir_result *r = &t->result;

	if (t->scope == ENGINE_OUT_OF_SCOPE) {
		put_word(l, "result", "out-of-scope");
		return;
	}
	if (t->scope == ENGINE_REPORT) {
		put_word(l, "result", "report");
		put_word(l, "content", t->message.body_says ? "yes" : "no");
		return;
	}
	put_word(l, "result", stir_word_name(stir_reason_word(r->reason)));
	put_word(l, "reason", stir_reason_name(r->reason));
	if (r->nfield > 1)
		put_number(l, "fields", (int64_t)r->nfield);
	if (r->best) {
		put_best(l, r->best);
		put_chain(l, r);
		put_more(l, r->best);
	}
	if (r->detail.n)
		put_whole(l, "detail", r->detail);
}

static void put_sign(struct line *l, const struct transaction *t)
{
	const struct sign_result *s = &t->sign;
	struct buf names;

	put_word(l, "result", sign_outcome_name(s->outcome));
	if (s->ndest || s->nblind) {
		put_number(l, "dest", (int64_t)s->ndest);
		put_number(l, "blind", (int64_t)s->nblind);
	}
	if (s->unsafe) {
		buf_init(&names, HEAD_MAX);
		content_unsafe_names(&names, s->unsafe);
		put_word(l, "unsafe", names.n ? names.p : "");
		buf_free(&names);
	}
	if (s->detail.n)
		put_whole(l, "detail", s->detail);
}

static void put_head(struct line *l, const struct engine *g, const struct transaction *t)
{
	const struct mms_message *m = &t->message;

	if (t->session_id.n)
		put(l, "sid", t->session_id);
	put_client(l, m->client);
	put_party(l, g, "from", &m->from, t->hidden);
	put_number(l, "rcpts", (int64_t)m->nrcpt);
	put_word(l, "dir", direction_name(t->direction));
	put_pdu(l, t);
	if (g->settings.log_why)
		put_word(l, "why", t->why ? t->why : "none");
	if (t->direction == DIRECTION_VERIFY)
		put_verify(l, t);
	else if (t->direction == DIRECTION_SIGN)
		put_sign(l, t);
}

static void put_end(struct line *l, const struct transaction *t)
{
	put_number(l, "size", (int64_t)t->message.body_bytes);
	put_word(l, "action", verdict_action_name(t->verdict.action));
	put_number(l, "edits", (int64_t)t->verdict.nedit);
	if (t->edits_incomplete)
		put_word(l, "missing", "edits");
	put_number(l, "ms", t->took_us / 1000);
}

/* --- what the policy found --------------------------------------------------------------- */

/* " score=... would=..." of at most max octets; of long lists of rules the end is only counted. */
static void policy_words(struct buf *out, const struct engine *g, const struct transaction *t, size_t max)
{
	const struct policy_write w = {.policy = g->policy, .result = &t->policy, .facts = t->facts, .action = t->verdict.action};

	if (engine_policy_judged(t))
		policy_write_log(out, &w, max);
}

static json_t *list_of(struct span words)
{
	json_t *list = json_array();

	while (words.n) {
		struct span one = span_cut(&words, ',');

		(void)json_array_append_new(list, json_stringn(one.p, one.n));
	}
	return list;
}

static bool is_list(struct span key)
{
	return span_is(key, "rules") || span_is(key, "shadow") || span_is(key, "lost") || span_is(key, "error");
}

/* The same words, of which none has a blank or a quote in it. */
static void put_policy(json_t *o, const struct engine *g, const struct transaction *t)
{
	struct buf words;
	struct span rest;

	buf_init(&words, JSON_POLICY_MAX);
	policy_words(&words, g, t, JSON_POLICY_MAX);
	rest = span_trim(buf_span(&words));
	while (rest.n) {
		struct span value = span_cut(&rest, ' '), key = span_cut(&value, '=');
		json_t *j = span_is(key, "score") ? json_real((double)t->policy.score_milli / 1000) : is_list(key) ? list_of(value) : json_stringn(value.p, value.n);

		(void)json_object_setn_new(o, key.p, key.n, j);
	}
	buf_free(&words);
}

/* --- the whole ------------------------------------------------------------------------------ */

/* So that the end is there whatever came before it. */
static void put_cut(struct buf *out, struct span head, size_t max)
{
	static const char mark[] = "...";

	if (head.n <= max) {
		buf_put_span(out, head);
		return;
	}
	buf_put_span(out, span_take(head, max - (sizeof mark - 1)));
	buf_puts(out, mark);
}

void engine_log_line(struct buf *out, const struct engine *g, const struct transaction *t, struct span queue_id)
{
	struct buf head, end;
	struct line first = {.text = &head}, last = {.text = &end};
	size_t room;

	buf_init(&head, HEAD_MAX);
	buf_init(&end, VALUE_MAX * 2);
	log_quote(&head, queue_id.n ? queue_id : span_cstr("NOQUEUE"), VALUE_MAX);
	buf_putc(&head, ':');
	put_head(&first, g, t);
	put_end(&last, t);
	room = LIMIT_LOG_LINE - end.n;
	put_cut(out, buf_span(&head), room);
	if (head.n < room)
		policy_words(out, g, t, room - head.n);
	buf_put_span(out, buf_span(&end));
	buf_free(&head);
	buf_free(&end);
}

void engine_log_json(struct buf *out, const struct engine *g, const struct transaction *t, struct span queue_id)
{
	struct line l = {.json = json_object()};
	char *octets;

	put(&l, "queue_id", queue_id.n ? queue_id : span_cstr("NOQUEUE"));
	put_head(&l, g, t);
	put_policy(l.json, g, t);
	put_end(&l, t);
	octets = json_dumps(l.json, JSON_COMPACT | JSON_REAL_PRECISION(12));
	if (!octets || buf_puts(out, octets))
		out->failed = true;
	free(octets);
	json_decref(l.json);
}
