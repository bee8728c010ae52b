/*
 * Uses of tokens: what they are kept under, and what an earlier one means.
 *
 * A key is HMAC-SHA256, cut to 16 octets, over parts with their lengths in front;
 * the value is the delivery's id and when it was.  Leaves keeping to the store,
 * and what a replay costs to the verifier and policy.
 */
#include "config.h"

#include "core/replay.h"

#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

enum {
	KEY_BYTES = 16,
	MAC_BYTES = 32,
	TIME_BYTES = 5, /* seconds since 1970, the highest octet first: 34,000 years */
	ID_BYTES = sizeof((struct replay_delivery *)0)->id,
	VALUE_BYTES = ID_BYTES + TIME_BYTES
};

/* --- keyed hashes over framed parts ------------------------------------------------ */

static EVP_MAC_CTX *mac_begin(const struct replay *r)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *c = hmac ? EVP_MAC_CTX_new(hmac) : NULL;

	EVP_MAC_free(hmac);
	if (c && EVP_MAC_init(c, r->secret, sizeof r->secret, params) == 1)
		return c;
	EVP_MAC_CTX_free(c);
	return NULL;
}

/* The length stands in front of each part, so that no two rows of parts look alike. */
static bool mac_part(EVP_MAC_CTX *c, struct span part)
{
	unsigned char n[8];

	for (unsigned i = 0; i < sizeof n; i++)
		n[i] = (unsigned char)((uint64_t)part.n >> (56 - 8 * i));
	return EVP_MAC_update(c, n, sizeof n) == 1 && (part.n == 0 || EVP_MAC_update(c, (const unsigned char *)part.p, part.n) == 1);
}

/* The first n octets of the result. */
static bool mac_end(EVP_MAC_CTX *c, unsigned char *out, size_t n)
{
	unsigned char mac[MAC_BYTES];
	size_t got = 0;

	if (EVP_MAC_final(c, mac, &got, sizeof mac) != 1 || got != sizeof mac)
		return false;
	memcpy(out, mac, n);
	return true;
}

/* --- which delivery -------------------------------------------------------------------- */

static struct span client_address(const struct mms_message *m)
{
	const struct sockaddr_storage *a = m->client ? &m->client->addr : NULL;

	if (a && a->ss_family == AF_INET)
		return span_make(&((const struct sockaddr_in *)a)->sin_addr, sizeof(struct in_addr));
	if (a && a->ss_family == AF_INET6)
		return span_make(&((const struct sockaddr_in6 *)a)->sin6_addr, sizeof(struct in6_addr));
	return span_make(NULL, 0);
}

int replay_delivery_of(const struct replay *r, const struct mms_message *m, const struct msgi_value *raw, struct replay_delivery *out)
{
	EVP_MAC_CTX *c = mac_begin(r);
	bool ok = c && mac_part(c, span_cstr("delivery")) && mac_part(c, span_make(raw->digest, raw->n)) && mac_part(c, client_address(m));

	memset(out, 0, sizeof *out);
	for (size_t i = 0; ok && i < m->nfield; i++)
		if (span_caseis(m->field[i].name, "Message-ID"))
			ok = mac_part(c, span_trim(m->field[i].value));
	ok = ok && mac_end(c, out->id, sizeof out->id);
	EVP_MAC_CTX_free(c);
	return ok ? 0 : -1;
}

/* The digest is still open for those who come after us, so a copy of it is ended. */
int replay_delivery(const struct replay *r, const struct mms_message *m, struct replay_delivery *out)
{
	struct msgi_stream copy = {.want = 1u << MSGI_SHA256, .failed = m->raw.failed};
	struct msgi_value raw;
	int rc = -1;

	memset(out, 0, sizeof *out);
	if (m->raw.ctx[MSGI_SHA256]) {
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		copy.ctx[MSGI_SHA256] = ctx;
		if (!ctx || EVP_MD_CTX_copy_ex(ctx, m->raw.ctx[MSGI_SHA256]) != 1)
			copy.failed = true;
		rc = msgi_stream_value(&copy, MSGI_SHA256, &raw);
		msgi_stream_free(&copy);
	}
	return rc ? -1 : replay_delivery_of(r, m, &raw, out);
}

/* --- keys and values ---------------------------------------------------------------------- */

static EVP_MAC_CTX *token_begin(const struct replay *r, struct span signing_input)
{
	EVP_MAC_CTX *c = mac_begin(r);

	if (c && mac_part(c, span_cstr("use")) && mac_part(c, signing_input))
		return c;
	EVP_MAC_CTX_free(c);
	return NULL;
}

/* What is no party keeps its address, so that two of those are two recipients. */
static struct span rcpt_text(const struct mms_rcpt *to)
{
	return to->party.kind == PARTY_NONE ? to->addr : party_text(&to->party);
}

static bool use_key(const EVP_MAC_CTX *token, const struct mms_rcpt *to, unsigned char out[KEY_BYTES])
{
	unsigned char kind = (unsigned char)to->party.kind;
	EVP_MAC_CTX *c = EVP_MAC_CTX_dup(token);
	bool ok = c && mac_part(c, span_make(&kind, 1)) && mac_part(c, rcpt_text(to)) && mac_end(c, out, KEY_BYTES);

	EVP_MAC_CTX_free(c);
	return ok;
}

static bool same_rcpt(const struct mms_rcpt *a, const struct mms_rcpt *b)
{
	return a->party.kind == b->party.kind && span_eq(rcpt_text(a), rcpt_text(b));
}

/* Is recipient i named before already? Asked only after one was found in the store. */
static bool named_before(const struct mms_rcpt *rcpt, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_rcpt(&rcpt[k], &rcpt[i]))
			return true;
	return false;
}

static struct span write_value(unsigned char out[VALUE_BYTES], const struct replay_delivery *d, int64_t now)
{
	memcpy(out, d->id, ID_BYTES);
	for (unsigned i = 0; i < TIME_BYTES; i++)
		out[ID_BYTES + i] = (unsigned char)((uint64_t)now >> (8 * (TIME_BYTES - 1 - i)));
	return span_make(out, VALUE_BYTES);
}

/* What an earlier use means for this delivery. */
static enum stir_replay judge(struct span value, const struct replay_delivery *d, int64_t now, struct err *e)
{
	int64_t then = 0, between;

	if (value.n != VALUE_BYTES) {
		(void)err_set(e, ERR_DATA, "the store holds something else where the use of a token should be; give it a prefix or a file of its own");
		return STIR_REPLAY_UNKNOWN;
	}
	for (unsigned i = 0; i < TIME_BYTES; i++)
		then = then << 8 | (unsigned char)value.p[ID_BYTES + i];
	between = now > then ? now - then : then - now;
	return CRYPTO_memcmp(value.p, d->id, ID_BYTES) == 0 && between <= REPLAY_DUPLICATE_S ? STIR_REPLAY_DUPLICATE : STIR_REPLAY_REPLAYED;
}

static int rank(enum stir_replay r)
{
	switch (r) {
	case STIR_REPLAY_REPLAYED:
		return 3;
	case STIR_REPLAY_UNKNOWN:
		return 2;
	case STIR_REPLAY_DUPLICATE:
		return 1;
	default:
		return 0;
	}
}

static enum stir_replay worse(enum stir_replay a, enum stir_replay b)
{
	return rank(b) > rank(a) ? b : a;
}

/* --- looking and recording ------------------------------------------------------------------- */

/* One message may have many recipients and several tokens, and a store may take nearly its timeout for each of them. */
static int64_t begin_wait(const struct replay *r)
{
	return r->clock_ms ? r->clock_ms() : 0;
}

static bool is_patient(const struct replay *r, const struct replay_delivery *d, int64_t since, struct err *e)
{
	if (!r->clock_ms || d->waited_ms + (r->clock_ms() - since) < r->patience_ms)
		return true;
	(void)err_set(e, ERR_UNAVAILABLE, "the store is slow: the message has waited for it for %lld ms, and has more to ask", (long long)r->patience_ms);
	return false;
}

static void end_wait(const struct replay *r, struct replay_delivery *d, int64_t since)
{
	if (r->clock_ms)
		d->waited_ms += r->clock_ms() - since;
}

static void tell(const struct replay *r, const struct err *why)
{
	if (r->unknown)
		r->unknown(r->arg, why);
}

static enum stir_replay no_hash(const struct replay *r, struct err *e)
{
	(void)err_set(e, ERR_UNAVAILABLE, "no hash of a token's use could be made");
	tell(r, e);
	return STIR_REPLAY_UNKNOWN;
}

/* ttl_s 0: look only. One recipient. */
static enum stir_replay one(const struct replay *r, const EVP_MAC_CTX *token, const struct mms_rcpt *to, const struct replay_delivery *d, int64_t now,
			    uint32_t ttl_s, struct err *e)
{
	unsigned char key[KEY_BYTES], value[VALUE_BYTES];
	enum stir_replay result = STIR_REPLAY_NEW;
	struct buf there;
	int64_t since;
	int found;

	if (!use_key(token, to, key)) {
		(void)err_set(e, ERR_UNAVAILABLE, "no hash of a token's use could be made");
		return STIR_REPLAY_UNKNOWN;
	}
	buf_init(&there, STORE_VALUE_MAX);
	since = r->asked ? r->clock_us() : 0;
	if (ttl_s)
		found = store_add_once(r->store, span_make(key, sizeof key), write_value(value, d, now), ttl_s, &there, e);
	else
		found = store_get(r->store, span_make(key, sizeof key), &there, e);
	if (r->asked)
		r->asked(r->arg, r->clock_us() - since);
	if (found < 0)
		result = STIR_REPLAY_UNKNOWN;
	else if (found == (ttl_s ? 0 : 1))
		result = judge(buf_span(&there), d, now, e);
	buf_free(&there);
	return result;
}

enum stir_replay replay_look(const struct replay *r, struct span signing_input, const struct mms_rcpt *rcpt, size_t n, struct replay_delivery *d,
			     int64_t now, struct err *e)
{
	EVP_MAC_CTX *token = token_begin(r, signing_input);
	enum stir_replay result = STIR_REPLAY_NEW;
	int64_t since = begin_wait(r);

	if (!token)
		return no_hash(r, e);
	for (size_t i = 0; i < n && rank(result) < rank(STIR_REPLAY_UNKNOWN); i++)
		result = worse(result, is_patient(r, d, since, e) ? one(r, token, &rcpt[i], d, now, 0, e) : STIR_REPLAY_UNKNOWN);
	end_wait(r, d, since);
	EVP_MAC_CTX_free(token);
	if (result == STIR_REPLAY_UNKNOWN)
		tell(r, e);
	return result;
}

enum stir_replay replay_record(const struct replay *r, struct span signing_input, const struct mms_rcpt *rcpt, size_t n, struct replay_delivery *d,
			       int64_t now, uint32_t ttl_s, struct err *e)
{
	EVP_MAC_CTX *token = token_begin(r, signing_input);
	enum stir_replay result = STIR_REPLAY_NEW, this = STIR_REPLAY_NEW;
	int64_t since = begin_wait(r);

	if (!token)
		return no_hash(r, e);
	for (size_t i = 0; i < n && this != STIR_REPLAY_UNKNOWN; i++) {
		this = is_patient(r, d, since, e) ? one(r, token, &rcpt[i], d, now, ttl_s ? ttl_s : 1, e) : STIR_REPLAY_UNKNOWN;
		/* Found because we have just recorded it: no earlier delivery's. */
		if (this == STIR_REPLAY_DUPLICATE && named_before(rcpt, i))
			continue;
		result = worse(result, this);
	}
	end_wait(r, d, since);
	EVP_MAC_CTX_free(token);
	if (this == STIR_REPLAY_UNKNOWN)
		tell(r, e);
	return result;
}
