/*
 * A small world at a fixed date for tests of signer and verifier: a PKI, two
 * signers, a fetcher that serves their chains, and tokens of any shape.
 */
#ifndef STIR_TESTS_LIB_WORLD_H
#define STIR_TESTS_LIB_WORLD_H

#include "core/key.h"
#include "core/verify.h"
#include "ctl/pki.h"
#include "tests/lib/fake_fetch.h"

enum { WORLD_SIGNERS = 8 };

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
	struct trust *trust;
	struct fake_fetch fetch;
	struct certcache *certs;
	struct verify_params params;
	struct world_signer signer[WORLD_SIGNERS];
	size_t n;
};

/* Bails out of the test when anything fails. */
void world_open(struct world *w);
void world_close(struct world *w);
/* A signer of the intermediate CA; the spec's key, issuer and dates may be left zero. tn_auth text or NULL. */
struct world_signer *world_signer(struct world *w, const char *url, const char *tn_auth, struct pki_cert_spec spec);
/* A token with any header and payload text. */
void world_token(struct buf *out, struct key *key, const char *header, const char *payload);

/* Pushes a whole message, header and body separated by CRLF CRLF, LF folds as a milter gives them. */
void world_push_header(struct mms_message *m, const char *from, const char *const *rcpt, const char *text);
void world_push_body(struct mms_message *m, const char *text);

#endif
