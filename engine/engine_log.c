/*
 * The decisive line of one message: what came, what was found, what was done.
 *
 * Numbers are masked unless LogNumbers says otherwise; wire text is quoted.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/log.h"
#include "engine/policy_write.h"

enum { VALUE_MAX = 64 };

static void put(struct buf *out, const char *key, struct span value)
{
	buf_printf(out, " %s=", key);
	log_quote(out, value, VALUE_MAX);
}

static void put_party(struct buf *out, const char *key, const struct party *p, bool full)
{
	struct tn masked;

	if (p->kind == PARTY_TN) {
		masked = full ? p->tn : tn_masked(&p->tn);
		put(out, key, tn_span(&masked));
	} else {
		put(out, key, span_cstr(p->kind == PARTY_URI ? "uri" : "none"));
	}
}

static void put_client(struct buf *out, const struct mms_client *c)
{
	char text[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_storage *ss = c ? &c->addr : NULL;

	if (ss && ss->ss_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)ss)->sin_addr, text, sizeof text);
	else if (ss && ss->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr, text, sizeof text);
	put(out, "client", span_cstr(text[0] ? text : "unknown"));
	if (c && c->listener.n)
		put(out, "listener", c->listener);
}

static void put_best(struct buf *out, const struct stir_check *c)
{
	buf_printf(out, " field=%u stage=%s", c->field, stir_stage_name(c->stage));
	if (c->has_authority)
		buf_printf(out, " authority=%s", tn_authority_name(c->authority));
	if (c->spc.n)
		put(out, "spc", c->spc);
	buf_printf(out, " integrity=%s dest=%s", stir_integrity_name(c->integrity), stir_dest_cover_name(c->dest_cover));
	if (c->has_age)
		buf_printf(out, " age=%lld", (long long)c->age_s);
	if (c->stage >= STIR_STAGE_REPLAY)
		buf_printf(out, " replay=%s", stir_replay_name(c->replay));
	if (c->content_suspect)
		buf_puts(out, " content=suspect");
	if (c->has_header)
		put(out, "x5u", c->passport.x5u);
}

static void put_verify(struct buf *out, const struct transaction *t)
{
	const struct stir_result *r = &t->result;

	if (t->scope == ENGINE_OUT_OF_SCOPE) {
		buf_puts(out, " result=out-of-scope");
		return;
	}
	buf_printf(out, " result=%s reason=%s", stir_word_name(stir_reason_word(r->reason)), stir_reason_name(r->reason));
	if (r->nfield > 1)
		buf_printf(out, " fields=%zu", r->nfield);
	if (r->best)
		put_best(out, r->best);
	if (r->detail.n)
		put(out, "detail", r->detail);
}

static void put_sign(struct buf *out, const struct transaction *t)
{
	const struct sign_result *s = &t->sign;

	buf_printf(out, " result=%s", sign_outcome_name(s->outcome));
	if (s->ndest || s->nblind)
		buf_printf(out, " dest=%zu blind=%zu", s->ndest, s->nblind);
	if (s->unsafe) {
		buf_puts(out, " unsafe=");
		content_unsafe_names(out, s->unsafe);
	}
	if (s->detail.n)
		put(out, "detail", s->detail);
}

static void put_end(struct buf *out, const struct transaction *t)
{
	buf_printf(out, " size=%llu action=%s edits=%zu", (unsigned long long)t->message.body_bytes, verdict_action_name(t->verdict.action),
		   t->verdict.nedit);
	if (t->edits_incomplete)
		buf_puts(out, " edits=incomplete");
}

/* What the policy found gets the room that is left; of long lists of rules the end is only counted. */
static void put_policy(struct buf *out, const struct engine *g, const struct transaction *t, size_t max)
{
	const struct policy_write w = {.policy = g->policy, .result = &t->policy, .facts = t->facts, .action = t->verdict.action};

	if (engine_policy_judged(t))
		policy_write_log(out, &w, max);
}

void engine_log_line(struct buf *out, const struct engine *g, const struct transaction *t, struct span queue_id)
{
	const struct settings *s = engine_settings(g);
	const struct mms_message *m = &t->message;
	size_t start = out->n, taken;
	struct buf end;

	log_quote(out, queue_id.n ? queue_id : span_cstr("NOQUEUE"), VALUE_MAX);
	buf_putc(out, ':');
	put_client(out, m->client);
	put_party(out, "from", &m->from, s->log_numbers);
	buf_printf(out, " rcpts=%zu dir=%s", m->nrcpt, direction_name(t->direction));
	if (s->log_why)
		buf_printf(out, " why=%s", t->why ? t->why : "none");
	if (t->direction == DIRECTION_VERIFY)
		put_verify(out, t);
	else if (t->direction == DIRECTION_SIGN)
		put_sign(out, t);
	buf_init(&end, VALUE_MAX * 2);
	put_end(&end, t);
	taken = out->n - start + end.n;
	if (taken < LIMIT_LOG_LINE)
		put_policy(out, g, t, LIMIT_LOG_LINE - taken);
	buf_put_span(out, buf_span(&end));
	buf_free(&end);
}
