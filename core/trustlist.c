/*
 * Signature first: what is not signed by the configured certificate is not even
 * read as JSON (but for the wrapping around it).
 */
#include "config.h"

#include "core/trustlist.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/cert_internal.h"
#include "core/encoding.h"
#include "core/jws.h"
#include "core/sslerror.h"

enum {
	SKEW_S = 300,         /* how far iat may lie ahead of our clock */
	SEQUENCE_DIGITS = 18, /* fits an int64_t */
	/* PEM of what came as base64 within LIMIT_TRUSTLIST_BYTES, line ends and frames included. */
	PEM_BYTES = 2 * LIMIT_TRUSTLIST_BYTES,
	/* Header and payload decoded, for each of two readings. */
	ARENA_BYTES = 2 * LIMIT_TRUSTLIST_BYTES
};

static int refuse(struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, "%s", what);
}

static int no_memory(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "out of memory");
}

static int json(struct span text, const char *what, json_t **out, struct err *e)
{
	switch (jws_json(text, out)) {
	case 0:
		return 0;
	case -2:
		return no_memory(e);
	default:
		return err_set(e, ERR_DATA, "%s is no JSON object, or has a member twice", what);
	}
}

static struct span text_of(const json_t *value)
{
	return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value)) : span_make(NULL, 0);
}

/* --- the signer ------------------------------------------------------------------ */

struct signer {
	X509 *x;
	int64_t not_after;
};

static enum stir_reason take_signer(void *arg, const unsigned char *der, long n, struct err *why)
{
	return cert_from_der(der, n, arg, why);
}

static int check_signer(struct signer *s, int64_t now, struct err *e)
{
	int64_t from;

	if (X509_get_extension_flags(s->x) & EXFLAG_INVALID)
		return refuse(e, "the signer's certificate has a broken or doubled extension");
	if (!(X509_get_key_usage(s->x) & KU_DIGITAL_SIGNATURE))
		return refuse(e, "the keyUsage of the signer's certificate lacks digitalSignature");
	if (cert_time(X509_get0_notBefore(s->x), &from) || cert_time(X509_get0_notAfter(s->x), &s->not_after))
		return refuse(e, "the validity of the signer's certificate can't be read");
	return from > now ? refuse(e, "the signer's certificate is not valid yet") : 0;
}

static int open_signer(struct span pem, struct signer *s, int64_t now, struct err *e)
{
	if (cert_pem_each(pem, PEM_STRING_X509, 1, take_signer, &s->x, e) != STIR_OK)
		return err_prefix(e, "the signer's certificate");
	return check_signer(s, now, e);
}

/* --- the envelope -------------------------------------------------------------------- */

/* {"caList": "..."}: the JWS is in it. */
static int unwrap(struct span text, struct arena *a, struct span *jws, struct err *e)
{
	json_t *outer;
	struct span inner;

	*jws = text;
	if (text.n == 0 || text.p[0] != '{')
		return 0;
	if (json(text, "it", &outer, e))
		return -1;
	inner = text_of(json_object_get(outer, "caList"));
	*jws = arena_copy(a, span_trim(inner));
	json_decref(outer);
	if (arena_overflowed(a))
		return no_memory(e);
	return jws->n ? 0 : refuse(e, "it is JSON without the text caList");
}

static int check_header(struct span text, struct err *e)
{
	json_t *header;
	int rc = 0;

	if (json(text, "the header", &header, e))
		return -1;
	if (!span_is(text_of(json_object_get(header, "alg")), "ES256"))
		rc = refuse(e, "its alg is not ES256");
	else if (json_object_get(header, "crit") || json_object_get(header, "b64"))
		rc = refuse(e, "its header has something critical");
	json_decref(header);
	return rc;
}

static int open_jws(struct span text, struct arena *a, X509 *signer, struct jws *out, struct err *e)
{
	switch (jws_split_max(text, LIMIT_TRUSTLIST_BYTES, a, out)) {
	case STIR_OK:
		break;
	case STIR_NO_RESOURCE:
		return no_memory(e);
	default:
		return refuse(e, "it is no compact JWS");
	}
	if (check_header(out->header, e))
		return -1;
	switch (jws_verify_es256(out->signing_input, out->sig, X509_get0_pubkey(signer))) {
	case 1:
		return 0;
	case 0:
		return refuse(e, "its signature is not that of the configured certificate");
	default:
		return refuse(e, "the configured certificate's key is not on P-256, or can't be used");
	}
}

/* --- numbers --------------------------------------------------------------------------- */

/* An integer that is not negative; *out stays if it isn't there. */
static int get_time(const json_t *payload, const char *name, int64_t *out, struct err *e)
{
	const json_t *v = json_object_get(payload, name);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return err_set(e, ERR_DATA, "its %s is no whole number of seconds", name);
	*out = json_integer_value(v);
	return 0;
}

static int get_sequence(const json_t *payload, int64_t *out, struct err *e)
{
	const json_t *v = json_object_get(payload, "sequence");
	struct span digits = text_of(v);
	int64_t n = 0;

	if (!v)
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= 0) {
		*out = json_integer_value(v);
		return 0;
	}
	if (digits.n < 1 || digits.n > SEQUENCE_DIGITS)
		return refuse(e, "its sequence is no number");
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return refuse(e, "its sequence is no number");
		n = 10 * n + (digits.p[i] - '0');
	}
	*out = n;
	return 0;
}

/* What another version means is not known. */
static int check_version(const json_t *payload, struct err *e)
{
	const json_t *v = json_object_get(payload, "version");
	struct span text = text_of(v);

	if (!v)
		return 0;
	if (json_is_number(v) && json_number_value(v) >= 1 && json_number_value(v) < 2)
		return 0;
	return span_is(text, "1") || span_starts(text, "1.") ? 0 : refuse(e, "its version is none that is known here");
}

static int get_numbers(const json_t *payload, int64_t last_sequence, int64_t now, struct trustlist *l, struct err *e)
{
	if (check_version(payload, e) || get_sequence(payload, &l->sequence, e) || get_time(payload, "iat", &l->issued, e) ||
	    get_time(payload, "exp", &l->expires, e))
		return -1;
	if (l->issued > now + SKEW_S)
		return refuse(e, "it was issued in the future");
	if (l->sequence < last_sequence)
		return err_set(e, ERR_DATA, "its sequence %lld is lower than that of the list in force, %lld", (long long)l->sequence, (long long)last_sequence);
	return 0;
}

/* --- anchors ------------------------------------------------------------------------------ */

struct anchors {
	STACK_OF(X509) *seen;
	BIO *pem;
};

static bool is_known(const struct anchors *a, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(a->seen); i++)
		if (X509_cmp(sk_X509_value(a->seen, i), x) == 0)
			return true;
	return false;
}

static enum stir_reason add_anchor(void *arg, const unsigned char *der, long n, struct err *why)
{
	struct anchors *a = arg;
	X509 *x;
	enum stir_reason r = cert_from_der(der, n, &x, why);

	if (r != STIR_OK)
		return r;
	if (X509_get_version(x) != X509_VERSION_3 || (X509_get_extension_flags(x) & EXFLAG_INVALID) || X509_check_ca(x) != 1) {
		(void)err_set(why, ERR_DATA, "it is no certificate of a CA");
		r = STIR_CERT_INVALID;
	} else if (is_known(a, x)) {
		X509_free(x);
		return STIR_OK;
	} else if (!PEM_write_bio_X509(a->pem, x) || sk_X509_push(a->seen, x) <= 0) {
		(void)err_set(why, ERR_UNAVAILABLE, "out of memory");
		r = STIR_NO_RESOURCE;
	}
	if (r != STIR_OK)
		X509_free(x);
	return r;
}

static int add_base64(struct anchors *a, struct span text, struct arena *arena, struct err *e)
{
	size_t cap = encoding_decoded_max(text.n), n;
	unsigned char *der = arena_alloc(arena, cap);

	if (!der)
		return no_memory(e);
	if (base64_decode(text, der, cap, &n) || n == 0)
		return refuse(e, "it is neither PEM nor base64");
	return add_anchor(a, der, (long)n, e) == STIR_OK ? 0 : -1;
}

static int add_text(struct anchors *a, const json_t *item, struct arena *arena, struct err *e)
{
	struct span text = span_trim(text_of(item));

	if (text.n == 0)
		return refuse(e, "it is no text, or an empty one");
	if (span_starts(text, "-----"))
		return cert_pem_each(text, PEM_STRING_X509, 1, add_anchor, a, e) == STIR_OK ? 0 : -1;
	return add_base64(a, text, arena, e);
}

static int add_all(struct anchors *a, const json_t *list, struct arena *arena, struct err *e)
{
	size_t n = json_array_size(list);

	if (n == 0)
		return refuse(e, "it has no trustList, or an empty one");
	if (n > LIMIT_TRUSTLIST_ANCHORS)
		return err_set(e, ERR_DATA, "it has more than %d anchors", LIMIT_TRUSTLIST_ANCHORS);
	for (size_t i = 0; i < n; i++)
		if (add_text(a, json_array_get(list, i), arena, e))
			return err_prefix(e, "anchor %zu", i + 1);
	return 0;
}

static int get_anchors(const json_t *payload, struct arena *arena, struct trustlist *l, struct err *e)
{
	struct anchors a = {sk_X509_new_null(), BIO_new(BIO_s_mem())};
	char *pem = NULL;
	long n = 0;
	int rc;

	rc = a.seen && a.pem ? add_all(&a, json_object_get(payload, "trustList"), arena, e) : no_memory(e);
	if (rc == 0)
		n = BIO_get_mem_data(a.pem, &pem);
	if (rc == 0 && buf_put(&l->anchors, pem, (size_t)n))
		rc = no_memory(e);
	l->count = a.seen ? (size_t)sk_X509_num(a.seen) : 0;
	sk_X509_pop_free(a.seen, X509_free);
	BIO_free(a.pem);
	return rc;
}

/* --- all ------------------------------------------------------------------------------------ */

static int read_payload(struct span text, const struct signer *s, int64_t last_sequence, int64_t now, struct arena *a, struct trustlist *l, struct err *e)
{
	json_t *payload;
	int rc;

	if (json(text, "the payload", &payload, e))
		return -1;
	rc = get_numbers(payload, last_sequence, now, l, e) || get_anchors(payload, a, l, e) ? -1 : 0;
	json_decref(payload);
	l->is_old = (l->expires && l->expires <= now) || s->not_after < now;
	return rc;
}

int trustlist_read(struct span text, struct span signer, int64_t last_sequence, int64_t now, struct trustlist *out, struct err *e)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct signer s = {NULL, 0};
	struct jws jws;
	int rc = 0;

	memset(out, 0, sizeof *out);
	buf_init(&out->anchors, PEM_BYTES);
	text = span_trim(text);
	if (!a)
		rc = no_memory(e);
	else if (text.n > LIMIT_TRUSTLIST_BYTES)
		rc = err_set(e, ERR_DATA, "it has more than %d octets", LIMIT_TRUSTLIST_BYTES);
	if (rc == 0)
		rc = open_signer(signer, &s, now, e);
	if (rc == 0)
		rc = unwrap(text, a, &text, e);
	if (rc == 0)
		rc = open_jws(text, a, s.x, &jws, e);
	if (rc == 0)
		rc = read_payload(jws.payload, &s, last_sequence, now, a, out, e);
	X509_free(s.x);
	arena_free(a);
	sslerror_clear();
	if (rc)
		trustlist_clear(out);
	return rc;
}

void trustlist_clear(struct trustlist *l)
{
	buf_free(&l->anchors);
	memset(l, 0, sizeof *l);
}
