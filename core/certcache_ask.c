/*
 * One fetch and what it is worth: octets at a URL, judged as every verifier must.
 * No lock is held here.
 */
#include "config.h"

#include "core/certcache_internal.h"

#include "core/chainlists.h"
#include "core/limits.h"

void certcache_fail(struct certcache_answer *a, enum stir_reason r, enum fetch_cause cause)
{
	a->reason = r;
	a->cause = cause;
	a->chain = NULL;
	if (!a->why.text[0])
		(void)err_set(&a->why, ERR_UNAVAILABLE, "%s", fetch_cause_sentence(cause));
}

/* The server can not be had, or is in trouble; it did not say that the chain is gone or another one. */
static bool is_trouble(enum fetch_cause cause)
{
	switch (cause) {
	case FETCH_UNREADABLE:
	case FETCH_HTTP_STATUS:
	case FETCH_DNS:
	case FETCH_CONNECT:
	case FETCH_TLS:
	case FETCH_TIMEOUT:
	case FETCH_BREAKER:
	case FETCH_BUSY:
	case FETCH_LOCAL:
	case FETCH_STOPPED:
		return true;
	case FETCH_NONE:
	case FETCH_NOT_FOUND:
	case FETCH_REDIRECT:
	case FETCH_TOO_LARGE:
	case FETCH_ENCODING:
	case FETCH_HOST:
	case FETCH_ADDRESS:
	case FETCH_CAUSE_COUNT:
		break;
	}
	return false;
}

/* Fills in what a failure means for the next ones. */
static void classify(struct certcache_answer *a)
{
	switch (a->reason) {
	case STIR_CERT_UNREACHABLE:
		a->remembered = fetch_cause_remembered(a->cause);
		a->stale_will_do = is_trouble(a->cause);
		break;
	case STIR_NO_RESOURCE:
		a->stale_will_do = true;
		break;
	default:
		a->remembered = true;
		break;
	}
}

enum stir_reason certcache_judge(struct certcache *c, struct span pem, int64_t *lifetime_s, enum fetch_cause *cause,
				 struct cert_chain **out, struct err *why)
{
	enum stir_reason r;

	*out = NULL;
	r = cert_chain_parse_with(c->share, pem, out, why);
	if (r == STIR_OK)
		r = trustset_check(c->p.trust, *out, why);
	if (r == STIR_OK && chainlists_any(*out)) {
		if (lifetime_s)
			r = chainlists_fetch(*out, c->p.fetch, c->p.fetch_timeout_ms, lifetime_s, cause, why);
		else
			r = STIR_CERT_UNREACHABLE;
	}
	if (r == STIR_OK)
		r = trust_scope(*out, c->p.spcs, why);
	if (r == STIR_OK && !c->p.keep_pem)
		cert_chain_drop_pem(*out);
	if (r != STIR_OK) {
		cert_chain_unref(*out);
		*out = NULL;
	}
	return r;
}

bool certcache_complete(struct certcache *c, const struct cert_chain *chain, int64_t now, unsigned deadline_ms)
{
	return !c->p.validated || c->p.validated(c->p.validated_arg, chain, now, deadline_ms);
}

/* The same octets keep their verdict, unless a part of it stands elsewhere. */
static bool is_known(const struct cert_chain *known, struct span pem)
{
	return known && !chainlists_any(known) && cert_chain_is_served(known, pem);
}

static void judge_answer(struct certcache *c, struct span pem, int64_t begun, int64_t lifetime_s, struct cert_chain *known, struct certcache_answer *a)
{
	int64_t now = certcache_now(c, begun);

	if (is_known(known, pem)) {
		a->reason = STIR_OK;
		a->chain = cert_chain_ref(known);
		a->known = true;
	} else {
		a->reason = certcache_judge(c, pem, &lifetime_s, &a->cause, &a->chain, &a->why);
	}
	if (a->reason != STIR_OK) {
		certcache_fail(a, a->reason, a->cause);
		classify(a);
		return;
	}
	/* Lists may have taken a while, but the octets are as old as this. */
	a->fetched = now;
	a->until = certcache_until(c, a->chain, now, lifetime_s);
}

void certcache_ask(struct certcache *c, struct span url, int64_t begun, struct cert_chain *known, struct buf *pem, struct certcache_answer *a)
{
	struct fetch_answer got = {.cause = FETCH_LOCAL, .lifetime_s = -1};
	int rc;

	memset(a, 0, sizeof *a);
	rc = fetch_get(c->p.fetch, url, c->p.fetch_timeout_ms, pem, &got, &a->why);
	a->cause = got.cause;
	if (rc == 1) {
		judge_answer(c, buf_span(pem), begun, got.lifetime_s, known, a);
	} else {
		certcache_fail(a, STIR_CERT_UNREACHABLE, got.cause);
		classify(a);
	}
}
