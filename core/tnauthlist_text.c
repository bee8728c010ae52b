/*
 * TNAuthList for people and for issuers: the text form of the command line, and
 * DER out.  The rules an entry must hold are tnauthlist_add()'s.
 */
#include "config.h"

#include <inttypes.h>

#include "core/limits.h"
#include "core/printable.h"
#include "core/tnauthlist_internal.h"

/* --- text in -------------------------------------------------------------- */

/* A number that could be a full one must say so with its '+'. */
static bool looks_global(const struct tn *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->digits[i] < '0' || t->digits[i] > '9')
			return false;
	return t->n >= TN_MIN_E164 && t->digits[0] != '0';
}

static int read_number(struct span s, struct tn *out, struct err *e)
{
	if (s.n && s.p[0] == '+') {
		if (tn_from_global(s, out) == 0)
			return 0;
		return err_set(e, ERR_USAGE, "\"%.*s\" is no international number (+ and 7 to 15 digits)",
			       SPAN_ARG(span_take(s, 40)));
	}
	if (tn_from_claim(s, out))
		return err_set(e, ERR_USAGE, "\"%.*s\" is no telephone number", SPAN_ARG(span_take(s, 40)));
	if (looks_global(out))
		return err_set(e, ERR_USAGE, "\"%.*s\": write the number with + and its country code", SPAN_ARG(s));
	return 0;
}

static int read_count(struct span s, uint64_t *out, struct err *e)
{
	*out = 0;
	for (size_t i = 0; i < s.n && s.n <= TN_MAX_DIGITS; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			break;
		*out = *out * 10 + (uint64_t)(s.p[i] - '0');
		if (i + 1 == s.n)
			return 0;
	}
	return err_set(e, ERR_USAGE, "\"%.*s\" is no count of numbers", SPAN_ARG(span_take(s, 40)));
}

/* Digits only, so that no '#' or '*' gets a value. */
static uint64_t value_of(const struct tn *t)
{
	uint64_t v = 0;

	(void)read_count(tn_span(t), &v, NULL);
	return v;
}

static int read_last(struct span s, struct tnauthlist_entry *out, struct err *e)
{
	uint64_t first = value_of(&out->start), last;
	struct tn end;

	if (read_number(s, &end, e))
		return -1;
	last = value_of(&end);
	if (end.n != out->start.n || last <= first)
		return err_set(e, ERR_USAGE, "\"%.*s\": a range must end above its start, with as many digits",
			       SPAN_ARG(span_take(s, 40)));
	out->count = last - first + 1;
	return 0;
}

/* "+1555", "+1555..+1556" or "+1555+10". */
static int read_numbers(struct span s, struct tnauthlist_entry *out, struct err *e)
{
	struct span first = s, rest;
	size_t i;

	for (i = 1; i < s.n; i++)
		if (s.p[i] == '+' || (s.p[i] == '.' && i + 1 < s.n && s.p[i + 1] == '.'))
			break;
	if (i >= s.n) {
		out->kind = TNENTRY_ONE;
		return read_number(s, &out->start, e);
	}
	out->kind = TNENTRY_RANGE;
	first = span_take(s, i);
	rest = span_skip(s, i);
	if (read_number(span_trim(first), &out->start, e))
		return -1;
	if (rest.p[0] == '.')
		return read_last(span_trim(span_skip(rest, 2)), out, e);
	return read_count(span_trim(span_skip(rest, 1)), &out->count, e);
}

static int read_spc(struct span s, struct tnauthlist_entry *out, struct err *e)
{
	out->kind = TNENTRY_SPC;
	out->spc = s;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == '\\')
			return err_set(e, ERR_USAGE, "a service provider code can't hold white space or a backslash");
	return 0;
}

static int read_entry(struct span s, struct tnauthlist_entry *out, struct err *e)
{
	memset(out, 0, sizeof *out);
	if (span_casestarts(s, "spc:"))
		return read_spc(span_skip(s, 4), out, e);
	if (span_casestarts(s, "tn:"))
		return read_numbers(span_trim(span_skip(s, 3)), out, e);
	return err_set(e, ERR_USAGE, "\"%.*s\": an entry begins with \"spc:\" or \"tn:\"", SPAN_ARG(span_take(s, 40)));
}

static int usage_of(enum stir_reason r, struct err *e)
{
	if (e && r == STIR_CERT_INVALID)
		e->code = ERR_USAGE;
	return r == STIR_OK ? 0 : -1;
}

static int read_list(struct span text, struct tnauthlist *l, struct err *e)
{
	struct tnauthlist_entry entry;

	/* A comma at the end is a forgotten entry, not an empty one. */
	for (bool more = true; more;) {
		struct span one;

		more = span_find(text, ',') < text.n;
		one = span_trim(span_cut(&text, ','));
		if (read_entry(one, &entry, e) || usage_of(tnauthlist_add(l, &entry, e), e))
			return -1;
	}
	return usage_of(tnauthlist_seal(l, e), e);
}

int tnauthlist_from_text(struct span text, struct tnauthlist **out, struct err *e)
{
	struct tnauthlist *l = tnauthlist_new(LIMIT_TNAUTHLIST_ENTRIES);

	*out = NULL;
	if (!l)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (read_list(text, l, e)) {
		tnauthlist_free(l);
		return -1;
	}
	*out = l;
	return 0;
}

/* --- text out ------------------------------------------------------------- */

static void put_number(struct buf *out, const struct tn *t)
{
	if (looks_global(t))
		buf_putc(out, '+');
	buf_put_span(out, tn_span(t));
}

void tnauthlist_write_text(struct buf *out, const struct tnauthlist *l)
{
	for (size_t i = 0; i < tnauthlist_count(l); i++) {
		struct tnauthlist_entry e = tnauthlist_at(l, i);

		buf_puts(out, i ? "," : "");
		buf_puts(out, e.kind == TNENTRY_SPC ? "spc:" : "tn:");
		/* A code with a comma must not read like two entries. */
		if (e.kind == TNENTRY_SPC)
			printable_put(out, e.spc, " ,");
		else
			put_number(out, &e.start);
		if (e.kind == TNENTRY_RANGE)
			buf_printf(out, "+%" PRIu64, e.count);
	}
}

/* --- DER out -------------------------------------------------------------- */

static ASN1_IA5STRING *ia5(struct span s)
{
	ASN1_IA5STRING *a = ASN1_IA5STRING_new();

	if (a && !ASN1_STRING_set(a, s.p, (int)s.n)) {
		ASN1_IA5STRING_free(a);
		a = NULL;
	}
	return a;
}

/* Takes value, also when it fails; NULL value fails. */
static int push_any(STACK_OF(ASN1_TYPE) *members, int type, ASN1_STRING *value)
{
	ASN1_TYPE *any = value ? ASN1_TYPE_new() : NULL;

	if (!any) {
		ASN1_STRING_free(value);
		return -1;
	}
	ASN1_TYPE_set(any, type, value);
	if (sk_ASN1_TYPE_push(members, any) > 0)
		return 0;
	ASN1_TYPE_free(any);
	return -1;
}

static int fill_range(TNAUTHLIST_DER_ENTRY *d, const struct tnauthlist_entry *e)
{
	ASN1_INTEGER *count = ASN1_INTEGER_new();

	d->type = TNAUTHLIST_DER_RANGE;
	d->d.range = sk_ASN1_TYPE_new_null();
	if (!count || !d->d.range || !ASN1_INTEGER_set_uint64(count, e->count) ||
	    push_any(d->d.range, V_ASN1_IA5STRING, ia5(tn_span(&e->start)))) {
		ASN1_INTEGER_free(count);
		return -1;
	}
	return push_any(d->d.range, V_ASN1_INTEGER, count);
}

static int fill_entry(TNAUTHLIST_DER_ENTRY *d, const struct tnauthlist_entry *e)
{
	if (e->kind == TNENTRY_RANGE)
		return fill_range(d, e);
	if (e->kind == TNENTRY_SPC) {
		d->type = TNAUTHLIST_DER_SPC;
		d->d.spc = ia5(e->spc);
		return d->d.spc ? 0 : -1;
	}
	d->type = TNAUTHLIST_DER_ONE;
	d->d.one = ia5(tn_span(&e->start));
	return d->d.one ? 0 : -1;
}

static int push_entry(TNAUTHLIST_DER *list, const struct tnauthlist_entry *e)
{
	TNAUTHLIST_DER_ENTRY *d = (TNAUTHLIST_DER_ENTRY *)ASN1_item_new(tnauthlist_der_entry_item());

	if (d && fill_entry(d, e) == 0 && sk_TNAUTHLIST_DER_ENTRY_push(list, d) > 0)
		return 0;
	ASN1_item_free((ASN1_VALUE *)d, tnauthlist_der_entry_item());
	return -1;
}

int tnauthlist_write_der(struct buf *out, const struct tnauthlist *l)
{
	TNAUTHLIST_DER *list = sk_TNAUTHLIST_DER_ENTRY_new_null();
	unsigned char *der = NULL;
	int n = list ? 0 : -1;

	for (size_t i = 0; n == 0 && i < tnauthlist_count(l); i++) {
		struct tnauthlist_entry e = tnauthlist_at(l, i);

		n = push_entry(list, &e);
	}
	if (n == 0)
		n = ASN1_item_i2d((const ASN1_VALUE *)list, &der, tnauthlist_der_item());
	if (n > 0)
		buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	ASN1_item_free((ASN1_VALUE *)list, tnauthlist_der_item());
	return n > 0 && !out->failed ? 0 : -1;
}
