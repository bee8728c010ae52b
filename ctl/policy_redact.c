/*
 * Masks what tells who wrote to whom.  Works on the value as it is written, so
 * that nothing of another form slips through.
 */
#include "config.h"

#include "ctl/policy_redact.h"

enum {
	VALUE_BYTES = 16 * 1024,
	/* A shorter run of digits is a year, a size, a version. */
	NUMBER_DIGITS = 7,
	SEPARATORS = 2, /* in a row: "(555) 010" */
	DIGITS_SHOWN = 2,
	SUFFIX_SHOWN = 6 /* ".jpeg" and the quote */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_separator(char c)
{
	return c == '-' || c == '.' || c == ' ' || c == '(' || c == ')';
}

/* What may stand in the local part of an address, as it is written in running text. */
static bool is_local(char c)
{
	return c > ' ' && c != '<' && c != '>' && c != ',' && c != '"' && c != '\\' && c != ';' && c != '@';
}

static void mask_locals(char *p, size_t n)
{
	for (size_t at = 0; at < n; at++) {
		if (p[at] != '@')
			continue;
		for (size_t i = at; i-- > 0 && is_local(p[i]);)
			p[i] = '*';
	}
}

static size_t digits_left(const char *p, size_t n)
{
	size_t d = 0;

	for (size_t i = 0; i < n; i++)
		d += is_digit(p[i]);
	return d;
}

/* Digits with separators between them, as people write numbers: how far they go, and how many digits. */
static size_t run(const char *p, size_t n, size_t *digits)
{
	size_t end = 0;

	*digits = 0;
	for (size_t i = 0; i < n && (is_digit(p[i]) || (is_separator(p[i]) && i < end + SEPARATORS)); i++) {
		if (is_digit(p[i])) {
			(*digits)++;
			end = i + 1;
		}
	}
	return end;
}

static void mask_numbers(char *p, size_t n, size_t least)
{
	for (size_t i = 0; i < n;) {
		size_t digits = 0, len = is_digit(p[i]) ? run(p + i, n - i, &digits) : 0;

		for (size_t k = 0; digits >= least && k < len; k++)
			if (is_digit(p[i + k]) && digits_left(p + i + k, len - k) > DIGITS_SHOWN)
				p[i + k] = '*';
		i += len ? len : 1;
	}
}

/* An address alone, quoted: all of it up to the last '@', or all of it. */
static void mask_address(char *p, size_t n)
{
	size_t at = n;

	for (size_t i = 0; i < n; i++)
		if (p[i] == '@')
			at = i;
	for (size_t i = 0; i < at; i++)
		if (p[i] != '"' && p[i] != '<' && p[i] != '>')
			p[i] = '*';
}

/* The name of a file, quoted: what kind it is may stay, its last suffix. */
static void mask_name(char *p, size_t n)
{
	size_t dot = n;

	for (size_t i = n > SUFFIX_SHOWN ? n - SUFFIX_SHOWN : 0; i < n; i++)
		if (p[i] == '.')
			dot = i;
	for (size_t i = 0; i < dot; i++)
		if (p[i] != '"')
			p[i] = '*';
}

static bool is_address(enum fact_id id)
{
	return id == FACT_ORIG_ADDRESS || id == FACT_DEST_ADDRESS || id == FACT_RCPT_ADDRESS || id == FACT_SENDER_ADDRESS || id == FACT_MESSAGE_ID ||
		id == FACT_AUTH_USER;
}

/* Neither a person nor a number can be in it. */
static bool is_harmless(enum fact_id id)
{
	switch (fact_row(id)->type) {
	case FACT_TYPE_TN:
	case FACT_TYPE_TEXT:
	case FACT_TYPE_HOST:
		return id == FACT_SIGNER_CERT;
	default:
		return true;
	}
}

void policy_redact_value(struct buf *out, enum fact_id id, const struct facts_value *v, bool full)
{
	struct buf b;

	if (!full && (id == FACT_SUBJECT || id == FACT_TEXT_BODY || id == FACT_URL)) {
		buf_puts(out, "(left out)");
		return;
	}
	buf_init(&b, VALUE_BYTES);
	facts_print_value(&b, id, v);
	if (b.failed) {
		buf_puts(out, "(too long to be shown)");
	} else {
		if (!full && !v->hidden && !is_harmless(id)) {
			if (is_address(id))
				mask_address(b.p, b.n);
			if (id == FACT_MIME_NAME)
				mask_name(b.p, b.n);
			mask_locals(b.p, b.n);
			mask_numbers(b.p, b.n, fact_row(id)->type == FACT_TYPE_TN ? DIGITS_SHOWN + 1 : NUMBER_DIGITS);
		}
		buf_put_span(out, buf_span(&b));
	}
	buf_free(&b);
}
