/*
 * Domains in the order in which they were added; the first that accepts a chain
 * has it.
 */
#include "config.h"

#include "core/trustset.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/trust_internal.h"

struct domain {
	struct trust_rules rules;
	struct trust *trust;
};

struct trustset {
	atomic_uint refs;
	struct domain domain[LIMIT_TRUST_DOMAINS];
	size_t n;
};

struct trustset *trustset_new(void)
{
	struct trustset *s = calloc(1, sizeof *s);

	if (s)
		atomic_init(&s->refs, 1);
	return s;
}

/* Who is trusted for two things is trusted for the wrong one of them some day. */
static const struct domain *owner_of(const struct trustset *s, const X509 *anchor)
{
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < trust_count(s->domain[i].trust); k++)
			if (X509_cmp(trust_at(s->domain[i].trust, k), anchor) == 0)
				return &s->domain[i];
	return NULL;
}

static int check_new(const struct trustset *s, const struct trust_rules *rules, const struct trust *t, struct err *e)
{
	if (s->n == LIMIT_TRUST_DOMAINS)
		return err_set(e, ERR_CONFIG, "more than %d trust domains", LIMIT_TRUST_DOMAINS);
	for (size_t i = 0; i < s->n; i++)
		if (span_caseis(span_cstr(s->domain[i].rules.name), rules->name))
			return err_set(e, ERR_CONFIG, "there are two trust domains called %s", rules->name);
	for (size_t k = 0; k < trust_count(t); k++) {
		const X509 *anchor = trust_at(t, k);
		const struct domain *other = owner_of(s, anchor);
		struct buf name;

		if (!other)
			continue;
		buf_init(&name, ERR_TEXT_BYTES);
		cert_name(&name, X509_get_subject_name(anchor));
		(void)err_set(e, ERR_CONFIG, "an anchor of trust domain %s is also one of %s: %.*s", rules->name, other->rules.name,
			      SPAN_ARG(span_take(buf_span(&name), 80)));
		buf_free(&name);
		return -1;
	}
	return 0;
}

int trustset_add(struct trustset *s, const struct trust_rules *rules, struct trust *t, struct err *e)
{
	if (check_new(s, rules, t, e)) {
		trust_free(t);
		return -1;
	}
	s->domain[s->n++] = (struct domain){.rules = *rules, .trust = t};
	return 0;
}

struct trustset *trustset_ref(struct trustset *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void trustset_unref(struct trustset *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->n; i++)
		trust_free(s->domain[i].trust);
	free(s);
}

size_t trustset_count(const struct trustset *s)
{
	return s->n;
}

const struct trust_rules *trustset_rules(const struct trustset *s, size_t i)
{
	return i < s->n ? &s->domain[i].rules : NULL;
}

struct trust *trustset_at(const struct trustset *s, size_t i)
{
	return i < s->n ? s->domain[i].trust : NULL;
}

/* How far a chain got with a domain whose answer was r. */
static int rank(enum stir_reason r, bool anchored)
{
	return r == STIR_CERT_INVALID ? 2 : anchored;
}

enum stir_reason trustset_check(const struct trustset *s, struct cert_chain *c, struct err *why)
{
	enum stir_reason best = STIR_CERT_UNTRUSTED;
	int far = -1;

	if (s->n == 0)
		(void)err_set(why, ERR_DATA, "no trust domain is configured");
	for (size_t i = 0; i < s->n; i++) {
		bool anchored = false;
		struct err here;
		enum stir_reason r;

		err_clear(&here);
		r = trust_check_far(s->domain[i].trust, c, &anchored, &here);
		if (r == STIR_OK) {
			cert_chain_set_domain(c, (int)i);
			return r;
		}
		if (r == STIR_NO_RESOURCE || rank(r, anchored) > far) {
			far = rank(r, anchored);
			best = r;
			(void)err_set(why, here.code, "%s", here.text);
		}
		/* It may be this one's: another one, perhaps less strict, must not have it. */
		if (r == STIR_NO_RESOURCE)
			break;
	}
	return best;
}

const struct trust_rules *trustset_rules_of(const struct trustset *s, const struct cert_chain *c)
{
	int i = cert_chain_domain(c);

	return i < 0 ? NULL : trustset_rules(s, (size_t)i);
}

enum stir_reason trustset_revocation(const struct trustset *s, const struct cert_chain *c, int64_t iat, int64_t now, bool *unknown)
{
	int i = cert_chain_domain(c);
	enum stir_reason r;

	*unknown = true;
	if (i < 0 || (size_t)i >= s->n)
		return STIR_REVOCATION_UNKNOWN;
	r = trust_revocation(s->domain[i].trust, c, iat, now, unknown);
	return r == STIR_OK && *unknown && s->domain[i].rules.hard_revocation ? STIR_REVOCATION_UNKNOWN : r;
}
