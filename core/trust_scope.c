/*
 * Delegate certificates: does each issuer's TNAuthList hold what is below it
 * (RFC 8226, 9; RFC 9060, 4 to 7)?  Lists by value and by reference count alike.
 * What only data of the industry can say is asked of the table of providers.
 *
 * Every list on the path limits it, so the signer's is held against all of them,
 * and each issuer's against the next one above it.
 */
#include "config.h"

#include <openssl/x509v3.h>

#include "core/cert_internal.h"
#include "core/chainlists.h"

struct scope {
	struct cert_chain *c;
	const struct spctable *spcs;
	struct err *why;
	/* Of each certificate of the path; NULL: it has none. */
	const struct tnauthlist *list[CERT_PATH_MAX];
	/* Those among them that were read here. */
	struct tnauthlist *owned[CERT_PATH_MAX];
};

static enum stir_reason distrust(struct scope *s, const char *what)
{
	(void)err_set(s->why, ERR_DATA, "%s", what);
	return STIR_CERT_UNTRUSTED;
}

/* --- the lists of the path -------------------------------------------------- */

static enum stir_reason find_list(struct scope *s, size_t i)
{
	struct cert_chain *c = s->c;
	enum stir_reason r = STIR_OK;

	if (c->fetched[i]) {
		s->list[i] = c->fetched[i];
	} else if (cert_list_by_reference(c->path[i])) {
		return distrust(s, "a number list is by reference, and was not looked up");
	} else if (i == 0) {
		s->list[i] = c->list;
	} else {
		r = cert_tnauthlist(c->path[i], &s->owned[i], s->why);
		s->list[i] = s->owned[i];
	}
	return r;
}

/* The first list of an issuer from i upwards, or n_path. */
static size_t next_limit(const struct scope *s, size_t i)
{
	while (i < s->c->n_path && !s->list[i])
		i++;
	return i;
}

/* --- one list within another -------------------------------------------------- */

struct piece {
	const struct tnauthlist *parent;
	const struct spctable *spcs;
	bool unknown, outside;
};

/* Does a provider the parent names hold the stretch, or several of them one after the other? */
static bool look_at_piece(void *arg, const struct tn *start, uint64_t count)
{
	struct piece *p = arg;

	switch (spctable_look_list(p->spcs, p->parent, start, count)) {
	case SPCTABLE_COVERS:
		return true;
	case SPCTABLE_UNKNOWN:
		/* The parent names a provider that is not in the table, so no other
		 * stretch can be known to be outside. */
		p->unknown = true;
		return false;
	case SPCTABLE_OUTSIDE:
		break;
	}
	p->outside = true;
	return false;
}

/* *unknown: only the table could say it, and does not. */
static bool encompasses(const struct scope *s, const struct tnauthlist *child, const struct tnauthlist *parent, bool *unknown)
{
	struct piece p = {.parent = parent, .spcs = s->spcs};

	if (!tnauthlist_spcs_within(child, parent))
		return false;
	(void)tnauthlist_beyond(child, parent, look_at_piece, &p);
	*unknown = p.unknown;
	return !p.outside;
}

/* --- the path ------------------------------------------------------------------- */

/*
 * As RFC 9060, 7 wants it served: the signer first, each followed by its parent.
 * That key identifiers pair, where they are there, OpenSSL has seen to.
 */
static enum stir_reason check_order(struct scope *s)
{
	const struct cert_chain *c = s->c;

	for (size_t i = 0; i < c->n && i < c->n_path; i++)
		if (X509_cmp(c->certs[i], c->path[i]) != 0)
			return distrust(s, "the certificates of a delegate are not in the order of its path (RFC 9060, 7)");
	return STIR_OK;
}

static enum stir_reason check_limit(struct scope *s, size_t limit)
{
	size_t above = next_limit(s, limit + 1);
	bool unknown = false, ignored = false;

	/* An anchor may be what it likes, but not vouch for delegates without this. */
	if (X509_check_ca(s->c->path[limit]) != 1)
		return distrust(s, "the issuer of a delegate is no CA by its basicConstraints (RFC 9060, 4)");
	if (!encompasses(s, s->list[0], s->list[limit], &unknown))
		return distrust(s, "the TNAuthList goes beyond that of an issuer (RFC 9060, 4)");
	if (above < s->c->n_path && !encompasses(s, s->list[limit], s->list[above], &ignored))
		return distrust(s, "an issuer's TNAuthList goes beyond that of its own issuer (RFC 9060, 4)");
	s->c->unchecked = s->c->unchecked || unknown;
	return STIR_OK;
}

static enum stir_reason check_limits(struct scope *s)
{
	size_t limit = next_limit(s, 1);
	enum stir_reason r;

	if (limit >= s->c->n_path)
		return STIR_OK;
	/* Otherwise a CA of a few numbers could vouch for anybody who names none. */
	if (!s->list[0])
		return distrust(s, "an issuer is limited to some numbers, and the certificate names none (RFC 9060, 4)");
	r = check_order(s);
	for (; r == STIR_OK && limit < s->c->n_path; limit = next_limit(s, limit + 1))
		r = check_limit(s, limit);
	return r;
}

enum stir_reason trust_scope(struct cert_chain *c, const struct spctable *spcs, struct err *why)
{
	struct scope s = {.c = c, .spcs = spcs, .why = why};
	enum stir_reason r = STIR_OK;

	c->unchecked = false;
	if (c->n_path == 0)
		r = distrust(&s, "it leads to no anchor");
	for (size_t i = 0; r == STIR_OK && i < c->n_path; i++)
		r = find_list(&s, i);
	if (r == STIR_OK)
		r = check_limits(&s);
	for (size_t i = 0; i < CERT_PATH_MAX; i++)
		tnauthlist_free(s.owned[i]);
	/* Chains are kept, and these may be large. */
	for (size_t i = 1; i < c->n_path; i++) {
		tnauthlist_free(c->fetched[i]);
		c->fetched[i] = NULL;
	}
	return r;
}
