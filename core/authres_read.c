/*
 * The grammar of RFC 8601, 2.2, read strictly and to the end: one wrong octet
 * and there are no entries.  The opposite leaning, "could somebody take this
 * for ours?", is authres.c's.
 */
#include "config.h"

#include "core/authres_read.h"

/* What is left of the value, and where words go. */
struct reader {
	struct span s;
	struct arena *arena;
	bool broken;
};

static bool at(const struct reader *r, char c)
{
	return r->s.n && r->s.p[0] == c;
}

static bool take(struct reader *r, char c)
{
	if (!at(r, c))
		return false;
	r->s = span_skip(r->s, 1);
	return true;
}

/* Octets of a blank or a fold at the beginning of s, 0 if there is none. */
static size_t fws(struct span s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	if (n)
		return n;
	if (n < s.n && s.p[n] == '\r')
		n++;
	if (n + 1 < s.n && s.p[n] == '\n' && (s.p[n + 1] == ' ' || s.p[n + 1] == '\t'))
		return n + 2;
	return 0;
}

static bool is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7F;
}

static void skip_comment(struct reader *r)
{
	unsigned depth = 0;

	while (r->s.n) {
		char c = r->s.p[0];
		size_t n = fws(r->s);

		if (n == 0 && is_control(c))
			break;
		if (n == 0)
			n = 1;
		if (c == '\\' && r->s.n > 1 && !is_control(r->s.p[1]))
			n = 2;
		r->s = span_skip(r->s, n);
		depth += c == '(';
		if (c == ')' && --depth == 0)
			return;
	}
	r->broken = true;
}

/* CFWS; true if there was some. */
static bool blanks(struct reader *r)
{
	bool any = false;

	while (r->s.n && !r->broken) {
		size_t n = fws(r->s);

		if (n)
			r->s = span_skip(r->s, n);
		else if (at(r, '('))
			skip_comment(r);
		else
			break;
		any = true;
	}
	return any;
}

/* --- words ------------------------------------------------------------------------ */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct span lower(struct arena *a, struct span s)
{
	char *p = arena_alloc(a, s.n);

	for (size_t i = 0; p && i < s.n; i++)
		p[i] = span_lower(s.p[i]);
	return span_make(p, p ? s.n : 0);
}

/* Letters, digits and hyphens, no hyphen at the end. */
static struct span keyword(struct reader *r)
{
	size_t n = 0;
	struct span word;

	while (n < r->s.n && (is_alnum(r->s.p[n]) || r->s.p[n] == '-'))
		n++;
	word = span_take(r->s, n);
	r->s = span_skip(r->s, n);
	if (n == 0 || word.p[n - 1] == '-')
		r->broken = true;
	return word;
}

/* Octets of the quoted string at the beginning of s, or all of them. */
static size_t quoted_length(struct span s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return s.n;
}

/* The text between quotes, without backslashes and line ends. */
static struct span quoted(struct reader *r)
{
	char *p = arena_alloc(r->arena, quoted_length(r->s));
	size_t n = 0;

	r->s = span_skip(r->s, 1);
	while (r->s.n && p) {
		char c = r->s.p[0];
		size_t blank = fws(r->s);

		if (take(r, '"'))
			return span_make(p, n);
		if (blank) {
			for (size_t i = 0; i < blank; i++)
				if (r->s.p[i] == ' ' || r->s.p[i] == '\t')
					p[n++] = r->s.p[i];
			r->s = span_skip(r->s, blank);
			continue;
		}
		if (c == '\\' && r->s.n > 1) {
			r->s = span_skip(r->s, 1);
			c = r->s.p[0];
		}
		if (is_control(c))
			break;
		p[n++] = c;
		r->s = span_skip(r->s, 1);
	}
	r->broken = true;
	return span_make(NULL, 0);
}

static struct span octets_without(struct reader *r, const char *stop)
{
	size_t n = 0;
	struct span word;

	while (n < r->s.n && (unsigned char)r->s.p[n] > ' ' && r->s.p[n] != 0x7F && !strchr(stop, r->s.p[n]))
		n++;
	word = span_take(r->s, n);
	r->s = span_skip(r->s, n);
	if (n == 0)
		r->broken = true;
	return word;
}

/* A token or a quoted string (RFC 2045; RFC 8616 adds octets of UTF-8). */
static struct span value(struct reader *r)
{
	return at(r, '"') ? quoted(r) : octets_without(r, "()<>@,;:\\\"/[]?=");
}

/* Also an address, whose local part may be quoted. */
static struct span property_value(struct reader *r)
{
	struct span local, domain;
	char *p;

	local = at(r, '"') ? quoted(r) : span_make(NULL, 0);
	if (local.p && !at(r, '@'))
		return local;
	domain = octets_without(r, "()<>,;\\\"");
	if (domain.n && domain.p[domain.n - 1] == '@')
		r->broken = true;
	if (!local.p)
		return domain;
	p = arena_alloc(r->arena, local.n + domain.n);
	if (!p)
		return span_make(NULL, 0);
	if (local.n)
		memcpy(p, local.p, local.n);
	if (domain.n)
		memcpy(p + local.n, domain.p, domain.n);
	return span_make(p, local.n + domain.n);
}

/* A version number; is it 1? */
static bool version_1(struct reader *r)
{
	size_t n = 0, zeros = 0;
	struct span digits;

	while (n < r->s.n && r->s.p[n] >= '0' && r->s.p[n] <= '9')
		n++;
	digits = span_take(r->s, n);
	r->s = span_skip(r->s, n);
	if (n == 0)
		r->broken = true;
	while (zeros < digits.n && digits.p[zeros] == '0')
		zeros++;
	return span_is(span_skip(digits, zeros), "1");
}

/* --- results ----------------------------------------------------------------------- */

static void expect(struct reader *r, char c)
{
	(void)blanks(r);
	if (!take(r, c))
		r->broken = true;
	(void)blanks(r);
}

/* What follows a result: reason=, then properties. */
static void read_properties(struct reader *r, struct authres_entry *e)
{
	bool first = true;

	while (blanks(r) && r->s.n && !at(r, ';') && !r->broken) {
		struct authres_property p = {.type = keyword(r)};

		(void)blanks(r);
		if (first && span_caseis(p.type, "reason") && at(r, '=')) {
			expect(r, '=');
			(void)value(r);
			first = false;
			continue;
		}
		first = false;
		expect(r, '.');
		p.name = keyword(r);
		expect(r, '=');
		p.value = property_value(r);
		if (e->nproperty < AUTHRES_READ_PROPERTIES)
			e->property[e->nproperty++] = p;
	}
	if (r->s.n && !at(r, ';'))
		r->broken = true;
}

/* Behind a ';'. True if it is one of version 1. */
static bool read_result(struct reader *r, struct authres_entry *e)
{
	bool ours = true;

	memset(e, 0, sizeof *e);
	e->method = keyword(r);
	(void)blanks(r);
	if (take(r, '/')) {
		(void)blanks(r);
		ours = version_1(r);
	}
	expect(r, '=');
	e->result = keyword(r);
	read_properties(r, e);
	return ours;
}

/* The authserv-id and its version; true if what follows is for us. */
static bool is_for(struct reader *r, struct span authserv_id)
{
	bool ours;

	(void)blanks(r);
	ours = span_caseeq(value(r), authserv_id);
	if (r->broken || !ours)
		return false;
	if (blanks(r) && !at(r, ';') && r->s.n && !version_1(r))
		return false;
	(void)blanks(r);
	return !r->broken && at(r, ';');
}

/* "; none", and nothing else */
static bool is_none(const struct reader *r)
{
	struct reader copy = *r;

	(void)take(&copy, ';');
	(void)blanks(&copy);
	if (!span_casestarts(copy.s, "none"))
		return false;
	copy.s = span_skip(copy.s, 4);
	(void)blanks(&copy);
	return !copy.broken && copy.s.n == 0;
}

/* To the end, also beyond what there is room for. */
static size_t read_results(struct reader *r, struct authres_entry entry[AUTHRES_READ_METHODS])
{
	struct authres_entry spare;
	size_t n = 0;

	while (r->s.n && !r->broken) {
		struct authres_entry *e = n < AUTHRES_READ_METHODS ? &entry[n] : &spare;

		expect(r, ';');
		if (!r->broken && read_result(r, e) && e != &spare)
			n++;
	}
	return n;
}

/* Views into the value become texts of their own. */
static void settle(struct authres_entry *e, struct arena *a)
{
	e->method = lower(a, e->method);
	e->result = lower(a, e->result);
	for (size_t i = 0; i < e->nproperty; i++) {
		e->property[i].type = lower(a, e->property[i].type);
		e->property[i].name = lower(a, e->property[i].name);
		e->property[i].value = arena_copy(a, e->property[i].value);
	}
}

size_t authres_read(struct span text, struct span authserv_id, struct arena *a, struct authres_entry **out)
{
	struct reader r = {.s = span_trim(text), .arena = a};
	struct authres_entry entry[AUTHRES_READ_METHODS];
	size_t n;

	*out = NULL;
	if (!authserv_id.n || text.n > AUTHRES_READ_BYTES || !is_for(&r, authserv_id) || is_none(&r))
		return 0;
	n = read_results(&r, entry);
	if (r.broken || arena_overflowed(a) || n == 0)
		return 0;
	*out = arena_array(a, n, sizeof **out);
	if (!*out)
		return 0;
	memcpy(*out, entry, n * sizeof **out);
	for (size_t i = 0; i < n; i++)
		settle(&(*out)[i], a);
	return arena_overflowed(a) ? 0 : n;
}
