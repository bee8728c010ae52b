/*
 * What goes into the evidence log: the token that speaks for the message, and any
 * other one whose certificates were had.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <netdb.h>
#include <sys/socket.h>

static struct span client_text(const struct mms_client *c, char *out, size_t size)
{
	const struct sockaddr *sa = (const struct sockaddr *)&c->addr;

	if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
		return span_make(NULL, 0);
	if (getnameinfo(sa, sizeof c->addr, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST))
		return span_make(NULL, 0);
	return span_cstr(out);
}

int engine_evidence(struct engine *g, const struct transaction *t, struct span queue_id, int64_t now, struct err *e)
{
	const struct header_field *id = message_field(&t->message, "Message-ID", 0);
	char client[INET6_ADDRSTRLEN + 32];
	struct evidence_entry x = {.received = now, .queue_id = queue_id, .reason = t->result.reason};
	int rc = 0;

	if (!g->evidence || t->direction != DIRECTION_VERIFY || t->scope != ENGINE_IN_SCOPE)
		return 0;
	x.message_id = id ? span_trim(id->value) : span_make(NULL, 0);
	x.client = t->message.client ? client_text(t->message.client, client, sizeof client) : span_make(NULL, 0);
	x.policy_hash = g->policy ? span_cstr(policy_hash(g->policy)) : span_make(NULL, 0);
	x.action = verdict_action_name(t->verdict.action);
	for (size_t i = 0; i < t->result.ncheck; i++) {
		x.check = &t->result.check[i];
		if (x.check->chain_pem.n && evidence_write(g->evidence, &x, e))
			rc = -1;
	}
	return rc;
}
