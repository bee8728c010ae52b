/*
 * Writes and finds recipes.  What is read comes from the path: it is checked
 * like any other input before a message is built from it.
 */
#include "config.h"

#include <inttypes.h>

#include "core/encoding.h"
#include "core/msgi.h"
#include "core/suggest.h"
#include "ctl/probe_recipe.h"

enum { CHECK_DIGITS = 12, TRIES_MAX = 16 };

#define MAGIC "[stir-probe/"
#define FORMAT "1"

static const char *const kind_names[] = {"plain", "mms", "hostile"};
enum { KINDS = sizeof(kind_names) / sizeof(*kind_names) };

const char *probe_recipe_kind_name(enum probe_recipe_kind k)
{
	return kind_names[k];
}

int probe_recipe_kind_parse(const char *text, enum probe_recipe_kind *out, struct err *e)
{
	const char *near = suggest_name(span_cstr(text), kind_names, KINDS);

	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(text, kind_names[i]) == 0) {
			*out = (enum probe_recipe_kind)i;
			return 0;
		}
	}
	if (near)
		return err_set(e, ERR_USAGE, "--kind %s: did you mean '%s'?", text, near);
	return err_set(e, ERR_USAGE, "--kind %s: give plain, mms or hostile", text);
}

static bool is_address(struct span s)
{
	size_t at = 0;

	if (s.n == 0 || s.n > PROBE_RECIPE_ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 127 || strchr("<>()[]\\,;:\"", s.p[i]))
			return false;
		at += s.p[i] == '@';
	}
	return at <= 1 && s.p[0] != '@' && s.p[s.n - 1] != '@';
}

int probe_recipe_address(struct span addr, const char *option, struct err *e)
{
	if (is_address(addr))
		return 0;
	return err_set(e, ERR_USAGE, "%s: give an address alone, without name and brackets, at most %d octets, such as +15550100001/TYPE=PLMN@mms.a.example",
		option, PROBE_RECIPE_ADDRESS_MAX);
}

static void put_check(struct buf *out, struct span text)
{
	struct msgi_stream s;
	struct msgi_value v;
	char hex[2 * MSGI_MAX_OCTETS];

	msgi_stream_begin(&s, 1u << MSGI_SHA256);
	msgi_stream_feed(&s, text.p, text.n);
	if (msgi_stream_value(&s, MSGI_SHA256, &v))
		out->failed = true;
	else
		hex_encode(hex, v.digest, v.n);
	msgi_stream_free(&s);
	if (!out->failed)
		buf_put(out, hex, CHECK_DIGITS);
}

void probe_recipe_write(struct buf *out, const struct probe_recipe *r)
{
	size_t at = out->n;
	struct buf check;

	buf_printf(out, MAGIC FORMAT ";%s;%016" PRIx64 ";%" PRId64 ";", kind_names[r->kind], r->seed, r->made);
	base64url_encode(out, r->from.p, r->from.n);
	for (size_t i = 0; i < r->nto; i++) {
		buf_putc(out, i ? ',' : ';');
		base64url_encode(out, r->to[i].p, r->to[i].n);
	}
	if (out->failed)
		return;
	buf_init(&check, CHECK_DIGITS);
	put_check(&check, span_make(out->p + at, out->n - at));
	buf_putc(out, ';');
	buf_put_span(out, buf_span(&check));
	buf_putc(out, ']');
	out->failed = out->failed || check.failed;
	buf_free(&check);
}

/* --- reading ------------------------------------------------------------------ */

static bool is_ours(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c != '\0' && strchr("-_/;,[", c) != NULL);
}

/* What stands from MAGIC to the bracket, without folds and other strangers. False when it doesn't end. */
static bool collect(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n && !out->failed; i++) {
		if (s.p[i] == ']')
			return true;
		if (is_ours(s.p[i]))
			buf_putc(out, s.p[i]);
	}
	return false;
}

static bool number(struct span s, unsigned base, size_t digits_max, uint64_t *out)
{
	*out = 0;
	if (s.n == 0 || s.n > digits_max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		unsigned d = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;

		if (d >= base)
			return false;
		*out = *out * base + d;
	}
	return true;
}

static bool address(struct span in, struct arena *a, struct span *out)
{
	unsigned char octets[PROBE_RECIPE_ADDRESS_MAX];
	size_t n;

	if (encoding_decoded_max(in.n) > sizeof(octets) || base64url_decode(in, octets, sizeof(octets), &n))
		return false;
	*out = arena_copy(a, span_make(octets, n));
	return is_address(*out);
}

static bool addresses(struct span to, struct arena *a, struct probe_recipe *r)
{
	r->nto = 0;
	while (to.n) {
		if (r->nto == PROBE_RECIPE_TO_MAX || !address(span_cut(&to, ','), a, &r->to[r->nto]))
			return false;
		r->nto++;
	}
	return r->nto > 0;
}

static bool check_holds(struct span text)
{
	struct buf want;
	bool holds;
	struct span check;

	if (text.n < CHECK_DIGITS + 1 || text.p[text.n - CHECK_DIGITS - 1] != ';')
		return false;
	check = span_skip(text, text.n - CHECK_DIGITS);
	buf_init(&want, CHECK_DIGITS);
	put_check(&want, span_take(text, text.n - CHECK_DIGITS - 1));
	holds = !want.failed && span_eq(buf_span(&want), check);
	buf_free(&want);
	return holds;
}

static bool parse(struct span text, struct arena *a, struct probe_recipe *out)
{
	struct span rest = text, kind;
	uint64_t made;
	size_t k = 0;

	if (!check_holds(text) || !span_is(span_cut(&rest, ';'), MAGIC FORMAT))
		return false;
	memset(out, 0, sizeof(*out));
	kind = span_cut(&rest, ';');
	while (k < KINDS && !span_is(kind, kind_names[k]))
		k++;
	if (k == KINDS || !number(span_cut(&rest, ';'), 16, 16, &out->seed) || !number(span_cut(&rest, ';'), 10, 15, &made) ||
	    made / 86400 >= PROBE_RECIPE_YEARS_END)
		return false;
	out->kind = (enum probe_recipe_kind)k;
	out->made = (int64_t)made;
	return address(span_cut(&rest, ';'), a, &out->from) && addresses(span_cut(&rest, ';'), a, out);
}

int probe_recipe_find(struct span text, struct arena *a, struct probe_recipe *out)
{
	struct buf one;
	int rc = 0;

	buf_init(&one, PROBE_RECIPE_TEXT_MAX);
	for (unsigned tries = 0; rc != 1 && tries < TRIES_MAX && text.n; tries++) {
		const char *at = memmem(text.p, text.n, MAGIC, sizeof(MAGIC) - 1);

		if (!at)
			break;
		text = span_skip(text, (size_t)(at - text.p));
		buf_reset(&one);
		rc = collect(&one, text) && parse(buf_span(&one), a, out) ? 1 : -1;
		text = span_skip(text, 1);
	}
	buf_free(&one);
	return rc;
}
