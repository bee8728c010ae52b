/*
 * Number lists by reference: asks for them and puts them beside the path.  What
 * they mean for it is trust_scope.c's question.
 */
#include "config.h"

#include "core/chainlists.h"

#include "core/cert_internal.h"
#include "core/certcache.h"
#include "core/limits.h"
#include "core/x5u.h"

struct asking {
	struct fetch *f;
	unsigned deadline_ms; /* of one list */
	int64_t *lifetime_s;
	enum fetch_cause *cause;
	struct err *why;
};

bool chainlists_any(const struct cert_chain *c)
{
	return c->by_reference;
}

static enum stir_reason may_ask(struct asking *a, struct span url)
{
	const char *rule;
	struct x5u parts;

	if (x5u_check(url, &parts, &rule) != STIR_OK) {
		(void)err_set(a->why, ERR_DATA, "the address of a number list: %s", rule);
		return STIR_X5U_FORBIDDEN;
	}
	if (!fetch_may(a->f, url)) {
		*a->cause = FETCH_HOST;
		(void)err_set(a->why, ERR_DATA, "the address of a number list: %s", fetch_cause_sentence(FETCH_HOST));
		return STIR_X5U_FORBIDDEN;
	}
	return STIR_OK;
}

/* Nothing said about the chain is the cache's default; a list makes that no longer. */
static void shorten(int64_t *lifetime_s, int64_t of_list)
{
	int64_t limit = *lifetime_s < 0 ? CERTCACHE_DEFAULT_LIFETIME_S : *lifetime_s;

	if (of_list >= 0 && of_list < limit)
		*lifetime_s = of_list;
}

static enum stir_reason ask(struct asking *a, struct span url, struct buf *body)
{
	struct fetch_answer answer = {FETCH_NONE, -1};

	if (fetch_get(a->f, url, a->deadline_ms, body, &answer, a->why) != 1) {
		*a->cause = answer.cause;
		(void)err_prefix(a->why, "a number list");
		return STIR_CERT_UNREACHABLE;
	}
	shorten(a->lifetime_s, answer.lifetime_s);
	return STIR_OK;
}

static enum stir_reason read_list(struct asking *a, struct span body, struct tnauthlist **out)
{
	enum stir_reason r = tnauthlist_parse_reference(body, out, a->why);

	if (r == STIR_CERT_INVALID)
		(void)err_prefix(a->why, "what stands at the address of a number list");
	return r;
}

/* x's list into *out, if it is by reference. */
static enum stir_reason fetch_list(struct asking *a, const X509 *x, struct tnauthlist **out)
{
	struct buf url, body;
	enum stir_reason r;

	buf_init(&url, LIMIT_X5U_BYTES);
	buf_init(&body, LIMIT_TNLIST_REFERENCE_BYTES);
	r = cert_list_reference(x, &url, a->why);
	if (r == STIR_OK && url.n) {
		r = may_ask(a, buf_span(&url));
		if (r == STIR_OK)
			r = ask(a, buf_span(&url), &body);
		if (r == STIR_OK)
			r = read_list(a, buf_span(&body), out);
	}
	buf_free(&url);
	buf_free(&body);
	return r;
}

enum stir_reason chainlists_fetch(struct cert_chain *c, struct fetch *f, unsigned deadline_ms, int64_t *lifetime_s,
				  enum fetch_cause *cause, struct err *why)
{
	struct asking a = {.f = f, .lifetime_s = lifetime_s, .cause = cause, .why = why};
	enum stir_reason r = STIR_OK;
	unsigned lists = 0;

	*cause = FETCH_NONE;
	for (size_t i = 0; c->by_reference && i < c->n_path; i++)
		lists += cert_list_by_reference(c->path[i]);
	if (lists == 0)
		return STIR_OK;
	/* There is no clock here to see how much the first ones left. */
	a.deadline_ms = deadline_ms / lists;
	for (size_t i = 0; r == STIR_OK && i < c->n_path; i++) {
		tnauthlist_free(c->fetched[i]);
		c->fetched[i] = NULL;
		r = fetch_list(&a, c->path[i], &c->fetched[i]);
	}
	return r;
}
