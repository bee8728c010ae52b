/*
 * What the parts of the verifier share: verify.c (fields in, one result out),
 * verify_read.c, verify_steps.c, verify_content.c, verify_div.c and
 * verify_replay.c.  For these only.
 */
#ifndef STIR_CORE_VERIFY_INTERNAL_H
#define STIR_CORE_VERIFY_INTERNAL_H

#include "core/divchain.h"
#include "core/verify.h"

struct verify {
	const struct verify_params *params;
	struct stir_check *check;
	size_t n, nfield;
	/* raw digests, made once whatever the number of tokens */
	struct msgi_value raw[MSGI_ALG_COUNT];
	bool have_raw[MSGI_ALG_COUNT];
	bool broken; /* the arena was full while reading */

	/* div tokens whose claims were read: their fields, and what divchain knows */
	struct divchain_token *div;
	size_t *div_field;
	bool *div_looked; /* its own checks were done; its reason says how they ended */
	size_t ndiv;
	bool any_div;     /* also one that could not be read */

	/* how many may still cost a certificate and a signature */
	unsigned budget, div_budget;

	struct replay_delivery delivery;
	bool have_delivery;
};

/* What one field's checks need, handed down. */
struct verify_look {
	struct verify *v;
	struct mms_message *m;
	struct stir_check *c;
	struct cert_chain *chain; /* owned by whoever made the look */
	bool renewed;             /* a newer chain was asked for already */
	struct certcache_time t;
};

static inline void verify_say(struct verify_look *l, const char *text)
{
	l->c->detail = span_cstr(text);
}

/* --- verify_read.c: what needs only the field ------------------------------------- */
void verify_read(const struct header_field *f, struct arena *a, struct stir_check *c);

/* --- verify_steps.c: STIR_OK, or the reason the token stops at --------------------- */
enum stir_reason verify_steps_time(struct verify_look *l);
enum stir_reason verify_steps_parties(struct verify_look *l);
enum stir_reason verify_steps_x5u(struct verify_look *l); /* its form alone */
enum stir_reason verify_steps_cert(struct verify_look *l);
enum stir_reason verify_steps_authority(struct verify_look *l);
enum stir_reason verify_steps_signature(struct verify_look *l);
/* What a token gets that may cost no certificate any more. */
enum stir_reason verify_steps_over_budget(struct verify_look *l);

/* --- verify_content.c ---------------------------------------------------------------- */
/* The body's own digest for one algorithm, or NULL. */
const struct msgi_value *verify_content_digest(struct verify *v, struct mms_message *m, enum msgi_alg alg);
enum stir_reason verify_content(struct verify_look *l);
/* Of a token that passed: the name it gives the sender. */
void verify_content_rcd(struct verify_look *l);

/* --- verify_div.c ---------------------------------------------------------------------- */
/* Gather the div tokens, after all fields were read. -1: the arena is full. */
int verify_div_gather(struct verify *v, struct arena *a);
/*
 * The base token in hand does not name all recipients: do div tokens, by what they
 * say and without any cost, lead to the others?
 */
bool verify_div_planned(struct verify_look *l);
/* Why not, as a static text. */
const char *verify_div_flaw(struct verify_look *l);
/* The chains planned (dest_cover diverted): certificates, authority, signatures. */
enum stir_reason verify_div_chains(struct verify_look *l);
/* For each token that verify_div_planned() found to be needed. */
void verify_div_each(struct verify_look *l, void (*one)(struct verify_look *base, struct stir_check *div));
/* What became of the div fields, for the result. */
void verify_div_conclude(struct verify *v, struct mms_message *m, struct certcache_time t, const struct stir_check *best);

/* --- verify_replay.c --------------------------------------------------------------------- */
enum stir_reason verify_replay(struct verify_look *l);

/* --- verify.c ------------------------------------------------------------------------------- */
void verify_conclude(struct verify *v, struct mms_message *m, struct certcache_time t, struct stir_result *out);

#endif
