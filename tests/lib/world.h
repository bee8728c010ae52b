/*
 * A small world at a fixed date for tests of signer and verifier: a PKI and its
 * trust domain, signers, a fetcher that serves their chains, a store that knows
 * used tokens, and tokens of any shape.
 */
#ifndef STIR_TESTS_LIB_WORLD_H
#define STIR_TESTS_LIB_WORLD_H

#include "core/key.h"
#include "core/store/store_mem.h"
#include "core/verify.h"
#include "ctl/pki.h"
#include "tests/lib/fake_fetch.h"

enum { WORLD_SIGNERS = 12 };

/* Now, in this world: 1 November 2026, 12:00 UTC. */
#define WORLD_NOW INT64_C(1793534400)
#define WORLD_DAY INT64_C(86400)

struct world_signer {
	const char *url;
	struct buf pem;     /* as served */
	struct key *key;
	struct cert_chain *chain; /* for signing; NULL if no signer may have it */
};

struct world {
	struct pki pki;
	struct trustset *trust;   /* one domain, "test" */
	struct fake_fetch fetch;  /* at hand */
	struct spctable *spcs;    /* or NULL; borrowed */
	struct certcache *certs;
	struct replay replay;     /* world_replay() */
	struct verify_params params;
	struct world_signer signer[WORLD_SIGNERS];
	size_t n;
};

/* Bails out of the test when anything fails. */
void world_open(struct world *w);
void world_close(struct world *w);
/* Another trust domain over the same root, and an empty cache, from now on. */
void world_rules(struct world *w, enum trust_authority authority, bool hard_revocation);
/* An empty cache from now on, and by the same rules; spcs (or NULL) is borrowed. */
void world_forget(struct world *w, struct spctable *spcs);
/* An empty store of used tokens from now on; closed with the world. */
void world_replay(struct world *w);
/* What the store and the cache take for the time; WORLD_NOW at first.  One for all worlds. */
void world_set_time(int64_t now);
/* The time to hand to verify_begin() and verify_finish(): some seconds from WORLD_NOW, and real milliseconds. */
struct certcache_time world_time(int64_t late);
/* A signer of the intermediate CA; the spec's key, issuer and dates may be left zero. tn_auth text or NULL. */
struct world_signer *world_signer(struct world *w, const char *url, const char *tn_auth, struct pki_cert_spec spec);
/* A token with any header and payload text. */
void world_token(struct buf *out, struct key *key, const char *header, const char *payload);
/* The JOSE header a signer writes for that type; ppt NULL: none. */
void world_header(struct buf *out, const struct world_signer *s, const char *ppt);
/* A whole folded Identity field of that type, with its line end, signed: payload as it is. */
void world_field(struct buf *out, const struct world_signer *s, const char *ppt, const char *payload);
/* The same for a div token. */
void world_div(struct buf *out, const struct world_signer *s, const char *orig, const char *div, const char *dest, int64_t iat);
/* The same for a msg token without digests; more is put between iat and orig (",..." or ""). */
void world_msg(struct buf *out, const struct world_signer *s, const char *orig, const char *dest, int64_t iat, const char *more);

/*
 * A short text with these header fields in front, through the verifier: begin, body, end,
 * finish.  m is made here; message_reset(m) ends it and the result.
 */
struct verify *world_verify(struct world *w, struct mms_message *m, struct arena *a, const char *fields, const char *const *rcpt, int64_t late, struct stir_result *out);

/* Pushes a whole message, header and body separated by CRLF CRLF, LF folds as a milter gives them. */
void world_push_header(struct mms_message *m, const char *from, const char *const *rcpt, const char *text);
void world_push_body(struct mms_message *m, const char *text);

#endif
