/*
 * Trust lists from addresses: had, verified, held against the one in force, and
 * handed over in the store.
 */
#include "config.h"

#include "engine/trust_file.h"

#include <inttypes.h>

#include "core/kept.h"
#include "core/trustlist.h"
#include "engine/trust_file_internal.h"

enum {
	FETCH_MS = 30000, /* nobody waits for it */
	KEEP_S = 10 * 365 * 86400 /* a last good copy has no end */
};

struct renewing {
	const struct trust_source *s;
	struct fetch *fetch;
	struct store *keep;
	int64_t now;
	/* of the copy in the store */
	int64_t sequence, issued, had;
	unsigned char digest[TRUST_DIGEST_BYTES];
};

/* What is kept may be newer than what is in force: it was handed over, and not read again yet. */
static void look_at_kept(struct renewing *r)
{
	struct trust_file_key key;
	struct trustlist l;
	struct kept k;

	r->sequence = r->s->sequence;
	r->had = r->s->issued;
	memcpy(r->digest, r->s->in_force, sizeof r->digest);
	if (kept_get(r->keep, TRUST_FILE_KIND, trust_file_key(r->s, &key), &k, NULL) == 1 &&
	    trustlist_read(k.octets, span_cstr(r->s->signer_pem), r->sequence, r->now, &l, NULL) == 0) {
		r->sequence = l.sequence;
		r->issued = l.issued;
		r->had = k.when;
		if (trust_file_digest(&l, r->digest))
			memset(r->digest, 0, sizeof r->digest);
		trustlist_clear(&l);
	}
	kept_free(&k);
}

/* Is it one that may follow the one there is? */
static int check_order(const struct renewing *r, const struct trustlist *l, bool same, struct err *e)
{
	if (l->is_old)
		return err_set(e, ERR_DATA, "it has expired, or the certificate of its signer has");
	if (r->had && !same && l->sequence && l->sequence == r->sequence)
		return err_set(e, ERR_DATA, "it has other anchors than the one in force, but the same sequence, %" PRId64, l->sequence);
	if (!l->sequence && l->issued < r->issued)
		return err_set(e, ERR_DATA, "it is older than the one in force");
	return 0;
}

static int take(struct renewing *r, struct span jws, bool *newer, struct err *e)
{
	unsigned char digest[TRUST_DIGEST_BYTES];
	struct trust_file_key key;
	struct trustlist l;
	int rc = trustlist_read(jws, span_cstr(r->s->signer_pem), r->sequence, r->now, &l, e);

	if (rc == 0)
		rc = trust_file_digest(&l, digest) ? err_set(e, ERR_UNAVAILABLE, "no memory") : 0;
	if (rc == 0)
		rc = check_order(r, &l, memcmp(digest, r->digest, sizeof digest) == 0, e);
	if (rc == 0)
		rc = kept_put(r->keep, TRUST_FILE_KIND, trust_file_key(r->s, &key), r->now, jws, KEEP_S, e);
	if (rc == 0) {
		r->had = r->now;
		/* The same anchors again say only that they are in force still. */
		*newer = !r->s->issued || memcmp(digest, r->s->in_force, sizeof digest) != 0;
	}
	trustlist_clear(&l);
	return rc;
}

static int renew(struct renewing *r, bool *newer, struct err *e)
{
	struct fetch_answer a = {FETCH_LOCAL, -1};
	struct buf jws;
	int rc;

	if (!r->keep)
		return err_set(e, ERR_CONFIG, "there is no place to keep it");
	look_at_kept(r);
	buf_init(&jws, STORE_VALUE_MAX);
	rc = fetch_get(r->fetch, span_cstr(r->s->url), FETCH_MS, &jws, &a, e) == 1 ? 0 : -1;
	if (rc == 0)
		rc = take(r, buf_span(&jws), newer, e);
	buf_free(&jws);
	return rc;
}

int64_t trust_file_had(const struct trust_source *s, struct store *keep)
{
	struct trust_file_key key;
	int64_t had = s->issued;
	struct kept k;

	if (!s->url || !keep)
		return had;
	if (kept_get(keep, TRUST_FILE_KIND, trust_file_key(s, &key), &k, NULL) == 1 && k.when > had)
		had = k.when;
	kept_free(&k);
	return had;
}

bool trust_file_renew(const struct trust_sources *sources, struct fetch *fetch, struct store *keep, int64_t now, struct buf *said)
{
	bool any = false;

	for (size_t i = 0; i < sources->n; i++) {
		struct renewing r = {.s = &sources->at[i], .fetch = fetch, .keep = keep, .now = now};
		struct err e = {ERR_NONE, ""};
		struct trust_source at;
		bool newer = false;

		if (!r.s->url)
			continue;
		r.had = r.s->issued;
		if (renew(&r, &newer, &e))
			(void)buf_printf(said, "trust domain %s: its trust list was not renewed: %s\n", r.s->name, e.text);
		any = any || newer;
		at = *r.s;
		at.issued = r.had;
		trust_file_age(&(struct trust_sources){&at, 1}, now, said);
	}
	return any;
}
