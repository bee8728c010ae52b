/*
 * Claim constraints of a certificate, held against a token's payload.
 *
 * The decoded ASN.1 itself is what is kept: it is small, and reading it changes
 * nothing.  Knows no certificate and no token; the payload is only JSON here.
 */
#include "config.h"

#include "core/claimrules.h"

#include <jansson.h>
#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/asn1t.h>
#include <stdlib.h>

#include "core/jws.h"
#include "core/limits.h"
#include "core/printable.h"
#include "core/sslerror.h"

/* The template macros of OpenSSL want type names. */
typedef struct claimrules_values {
	ASN1_IA5STRING *claim;
	STACK_OF(ASN1_UTF8STRING) *permitted;
} CLAIMRULES_VALUES;
DEFINE_STACK_OF(CLAIMRULES_VALUES)

typedef struct claimrules_der {
	STACK_OF(ASN1_IA5STRING) *must_include;
	STACK_OF(CLAIMRULES_VALUES) *permitted_values;
	STACK_OF(ASN1_IA5STRING) *must_exclude;
} CLAIMRULES_DER;

/* asn1.h declares stacks of UTF8String only; IA5String is the same struct. */
DEFINE_STACK_OF(ASN1_IA5STRING)

ASN1_SEQUENCE(CLAIMRULES_VALUES) = {
	ASN1_SIMPLE(CLAIMRULES_VALUES, claim, ASN1_IA5STRING),
	ASN1_SEQUENCE_OF(CLAIMRULES_VALUES, permitted, ASN1_UTF8STRING),
} static_ASN1_SEQUENCE_END(CLAIMRULES_VALUES)

ASN1_SEQUENCE(CLAIMRULES_DER) = {
	ASN1_EXP_SEQUENCE_OF_OPT(CLAIMRULES_DER, must_include, ASN1_IA5STRING, 0),
	ASN1_EXP_SEQUENCE_OF_OPT(CLAIMRULES_DER, permitted_values, CLAIMRULES_VALUES, 1),
	ASN1_EXP_SEQUENCE_OF_OPT(CLAIMRULES_DER, must_exclude, ASN1_IA5STRING, 2),
} static_ASN1_SEQUENCE_END(CLAIMRULES_DER)

struct claimrules {
	CLAIMRULES_DER *der;
};

static struct span string_span(const ASN1_STRING *s)
{
	return span_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static struct span name_at(const STACK_OF(ASN1_IA5STRING) *names, int i)
{
	return string_span(sk_ASN1_IA5STRING_value(names, i));
}

/* --- reading -------------------------------------------------------------- */

static const char *name_fault(struct span name)
{
	if (name.n == 0)
		return "a claim name is empty";
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return "a claim name is not printable ASCII";
	return NULL;
}

/* Counts into *rules what an (absent or present) list of names holds. */
static const char *names_fault(const STACK_OF(ASN1_IA5STRING) *names, int *rules)
{
	const char *fault = NULL;
	int n = names ? sk_ASN1_IA5STRING_num(names) : 0;

	if (names && n == 0)
		return "a list of claim names is empty";
	*rules += n;
	if (*rules > LIMIT_CLAIM_RULES)
		return "too many rules";
	for (int i = 0; !fault && i < n; i++)
		fault = name_fault(name_at(names, i));
	return fault;
}

static bool is_utf8(struct span s)
{
	json_t *j = json_stringn(s.p, s.n);
	bool ok = j != NULL;

	json_decref(j);
	return ok;
}

static const char *values_fault(const CLAIMRULES_VALUES *v)
{
	const char *fault = name_fault(string_span(v->claim));
	int n = sk_ASN1_UTF8STRING_num(v->permitted);

	if (n < 1)
		return "a claim has no permitted value";
	if (n > LIMIT_CLAIM_RULES)
		return "too many permitted values";
	for (int i = 0; !fault && i < n; i++)
		if (!is_utf8(string_span(sk_ASN1_UTF8STRING_value(v->permitted, i))))
			fault = "a permitted value is not UTF-8";
	return fault;
}

static const char *rules_fault(const CLAIMRULES_DER *d, bool enhanced)
{
	int rules = 0, n = d->permitted_values ? sk_CLAIMRULES_VALUES_num(d->permitted_values) : 0;
	const char *fault;

	if (!d->must_include && !d->permitted_values && !d->must_exclude)
		return "they hold no rule";
	if (d->must_exclude && !enhanced)
		return "mustExclude stands in the extension of RFC 8226";
	if (d->permitted_values && n == 0)
		return "the list of permitted values is empty";
	if (n > LIMIT_CLAIM_RULES)
		return "too many rules";
	rules = n;
	fault = names_fault(d->must_include, &rules);
	if (!fault)
		fault = names_fault(d->must_exclude, &rules);
	for (int i = 0; !fault && i < n; i++)
		fault = values_fault(sk_CLAIMRULES_VALUES_value(d->permitted_values, i));
	return fault;
}

static bool excludes(const CLAIMRULES_DER *d, struct span claim)
{
	int n = d->must_exclude ? sk_ASN1_IA5STRING_num(d->must_exclude) : 0;

	for (int i = 0; i < n; i++)
		if (span_eq(name_at(d->must_exclude, i), claim))
			return true;
	return false;
}

static bool excludes_baseline(const CLAIMRULES_DER *d)
{
	return excludes(d, span_cstr("iat")) || excludes(d, span_cstr("orig")) || excludes(d, span_cstr("dest"));
}

bool claimrules_excludes(const struct claimrules *r, struct span claim)
{
	return r && excludes(r->der, claim);
}

/* NULL unless der is exactly one value, in DER (what OpenSSL would write itself). */
static CLAIMRULES_DER *decode(struct span der)
{
	const ASN1_ITEM *item = ASN1_ITEM_rptr(CLAIMRULES_DER);
	const unsigned char *p = (const unsigned char *)der.p;
	unsigned char *again = NULL;
	CLAIMRULES_DER *d;
	int n;

	if (der.n == 0 || der.n > INT_MAX)
		return NULL;
	d = (CLAIMRULES_DER *)ASN1_item_d2i(NULL, &p, (long)der.n, item);
	n = d ? ASN1_item_i2d((const ASN1_VALUE *)d, &again, item) : -1;
	if (n <= 0 || !span_eq(span_make(again, (size_t)n), der)) {
		ASN1_item_free((ASN1_VALUE *)d, item);
		d = NULL;
	}
	OPENSSL_free(again);
	return d;
}

enum stir_reason claimrules_parse(struct span der, bool enhanced, struct claimrules **out, struct err *why)
{
	struct claimrules *r = calloc(1, sizeof *r);
	const char *fault;

	*out = NULL;
	sslerror_clear();
	if (r)
		r->der = decode(der);
	if (!r || sslerror_no_memory()) {
		claimrules_free(r);
		(void)err_set(why, ERR_UNAVAILABLE, "claim constraints: out of memory");
		return STIR_NO_RESOURCE;
	}
	fault = r->der ? rules_fault(r->der, enhanced) : "they are not DER of the right form";
	if (fault) {
		(void)err_set(why, ERR_DATA, "claim constraints: %s", fault);
		claimrules_free(r);
		return STIR_CERT_INVALID;
	}
	if (excludes_baseline(r->der))
		claimrules_free(r);
	else
		*out = r;
	return STIR_OK;
}

void claimrules_free(struct claimrules *r)
{
	if (!r)
		return;
	ASN1_item_free((ASN1_VALUE *)r->der, ASN1_ITEM_rptr(CLAIMRULES_DER));
	free(r);
}

/* --- holding a payload against them ---------------------------------------- */

static const json_t *member(const json_t *payload, struct span name)
{
	return json_object_getn(payload, name.p, name.n);
}

/* Is there one among names that is there (or not there), against the rule? */
static bool breaks_names(const STACK_OF(ASN1_IA5STRING) *names, const json_t *payload, bool wanted, struct span *claim)
{
	int n = names ? sk_ASN1_IA5STRING_num(names) : 0;

	for (int i = 0; i < n; i++) {
		*claim = name_at(names, i);
		if ((member(payload, *claim) != NULL) != wanted)
			return true;
	}
	return false;
}

/*
 * A permitted value is a text; of a claim that is no string it is the JSON of the
 * value, however it is written: order of members, blanks and escapes are not part
 * of a value.  1 equal, 0 not, -1 no memory.
 */
static int is_json_of(struct span text, const json_t *value)
{
	json_error_t error;
	json_t *permitted = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	int equal;

	if (!permitted)
		return json_error_code(&error) == json_error_out_of_memory ? -1 : 0;
	equal = json_equal(permitted, value);
	json_decref(permitted);
	return equal;
}

static enum stir_reason check_value(const CLAIMRULES_VALUES *v, const json_t *value)
{
	for (int i = 0; i < sk_ASN1_UTF8STRING_num(v->permitted); i++) {
		struct span text = string_span(sk_ASN1_UTF8STRING_value(v->permitted, i));
		int equal;

		if (json_is_string(value))
			equal = span_eq(text, span_make(json_string_value(value), json_string_length(value)));
		else
			equal = is_json_of(text, value);
		if (equal)
			return equal > 0 ? STIR_OK : STIR_NO_RESOURCE;
	}
	return STIR_CONSTRAINT_VIOLATED;
}

static enum stir_reason check_values(const CLAIMRULES_DER *d, const json_t *payload, struct span *claim)
{
	int n = d->permitted_values ? sk_CLAIMRULES_VALUES_num(d->permitted_values) : 0;
	enum stir_reason r = STIR_OK;

	for (int i = 0; r == STIR_OK && i < n; i++) {
		const CLAIMRULES_VALUES *v = sk_CLAIMRULES_VALUES_value(d->permitted_values, i);
		const json_t *value;

		*claim = string_span(v->claim);
		value = member(payload, *claim);
		if (value)
			r = check_value(v, value);
	}
	return r;
}

enum stir_reason claimrules_check(const struct claimrules *r, struct span payload, struct span *claim)
{
	struct span name = {NULL, 0};
	enum stir_reason reason;
	json_t *j;

	if (claim)
		*claim = name;
	if (!r)
		return STIR_OK;
	/* The token's parser has accepted this text already: only memory can fail. */
	if (jws_json(payload, &j))
		return STIR_NO_RESOURCE;
	if (breaks_names(r->der->must_include, j, true, &name) || breaks_names(r->der->must_exclude, j, false, &name))
		reason = STIR_CONSTRAINT_VIOLATED;
	else
		reason = check_values(r->der, j, &name);
	json_decref(j);
	if (claim && reason == STIR_CONSTRAINT_VIOLATED)
		*claim = name;
	return reason;
}

/* --- showing --------------------------------------------------------------- */

static void put_names(struct buf *out, const char *label, const STACK_OF(ASN1_IA5STRING) *names, const char **sep)
{
	if (!names)
		return;
	buf_printf(out, "%s%s ", *sep, label);
	for (int i = 0; i < sk_ASN1_IA5STRING_num(names); i++) {
		buf_puts(out, i ? ", " : "");
		printable_put(out, name_at(names, i), ",;{} ");
	}
	*sep = "; ";
}

void claimrules_write_text(struct buf *out, const struct claimrules *r)
{
	const char *sep = "";
	int n;

	if (!r)
		return;
	put_names(out, "mustInclude", r->der->must_include, &sep);
	n = r->der->permitted_values ? sk_CLAIMRULES_VALUES_num(r->der->permitted_values) : 0;
	for (int i = 0; i < n; i++) {
		const CLAIMRULES_VALUES *v = sk_CLAIMRULES_VALUES_value(r->der->permitted_values, i);

		buf_puts(out, sep);
		printable_put(out, string_span(v->claim), ",;{} ");
		buf_puts(out, " in {");
		for (int k = 0; k < sk_ASN1_UTF8STRING_num(v->permitted); k++) {
			buf_puts(out, k ? ", " : "");
			printable_put(out, string_span(sk_ASN1_UTF8STRING_value(v->permitted, k)), ",;{}");
		}
		buf_puts(out, "}");
		sep = "; ";
	}
	put_names(out, "mustExclude", r->der->must_exclude, &sep);
}
