/*
 * Content-Type values, read the lenient way that mail needs: junk between
 * parameters is passed over, an unquoted value goes to the next blank or
 * semicolon.  All work is done in one copy of the value, which only shrinks.
 *
 * Knows no RFC 2231 and no RFC 2047: the octets of a parameter are compared,
 * never shown.
 */
#include "config.h"

#include "core/contenttype.h"

enum { LONG_PARAM = 1000 };

static bool is_space(char c)
{
	return span_is_blank(c) || c == '\v' || c == '\f';
}

/* In place, CRLF or LF before a blank goes; the new length. */
static size_t unfold(char *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		size_t lf = p[i] == '\r' && i + 1 < n ? i + 1 : i;

		if (p[lf] == '\n' && lf + 1 < n && (p[lf + 1] == ' ' || p[lf + 1] == '\t'))
			i = lf;
		else
			p[k++] = p[i];
	}
	return k;
}

/* Index of the quote that ends the string begun at i, or n. */
static size_t quoted_end(const char *p, size_t n, size_t i)
{
	while (++i < n && p[i] != '"') {
		if (p[i] != '\\')
			continue;
		if (++i >= n || p[i] == '\n')
			return n;
	}
	return i < n ? i : n;
}

/* Index of the parenthesis that ends the comment begun at i, or n. */
static size_t comment_end(const char *p, size_t n, size_t i)
{
	unsigned depth = 0;

	for (; i < n; i++) {
		if (p[i] == '\\')
			i++;
		else if (p[i] == '(')
			depth++;
		else if (p[i] == ')' && --depth == 0)
			return i;
	}
	return n;
}

/*
 * In place, comments go; the new length.  A quote opens a string only where a
 * value begins, so that a stray one elsewhere can't hide a comment.  What is
 * opened and never closed is no comment; then there are no further ones, which
 * also keeps this linear.
 */
static size_t drop_comments(char *p, size_t n)
{
	bool at_value = false, comments = true;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		size_t end = n;

		if (p[i] == '(' && comments) {
			end = comment_end(p, n, i);
			comments = end < n;
			if (comments) {
				i = end;
				continue;
			}
		} else if (p[i] == '"' && at_value) {
			end = quoted_end(p, n, i);
		}
		if (!is_space(p[i]))
			at_value = p[i] == '=';
		if (end == n)
			end = i;
		while (i < end)
			p[k++] = p[i++];
		p[k++] = p[i];
	}
	return k;
}

static void lower(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = span_lower(p[i]);
}

static size_t skip_space(const char *p, size_t n, size_t i)
{
	while (i < n && is_space(p[i]))
		i++;
	return i;
}

/* Index of the first octet from i that is a space or one of stop. */
static size_t token_end(const char *p, size_t n, size_t i, const char *stop)
{
	while (i < n && !is_space(p[i]) && !(p[i] && strchr(stop, p[i])))
		i++;
	return i;
}

/* type "/" subtype, blanks about the slash taken out; returns what follows, or 0 if there is none. */
static size_t parse_type(char *p, size_t n, struct span *type)
{
	size_t at = skip_space(p, n, 0), end = token_end(p, n, at, ";/");
	size_t slash = skip_space(p, n, end), sub, sub_end;

	if (end == at || slash == n || p[slash] != '/')
		return 0;
	sub = skip_space(p, n, slash + 1);
	sub_end = token_end(p, n, sub, ";");
	if (sub_end == sub)
		return 0;
	p[end] = '/';
	memmove(p + end + 1, p + sub, sub_end - sub);
	*type = span_make(p + at, end + 1 - at + (sub_end - sub));
	lower(p + at, type->n);
	return sub_end;
}

/* A value at i, in quotes (taken off in place) or not; returns what follows. */
static size_t parse_value(char *p, size_t n, size_t i, struct contenttype *ct, struct span *value)
{
	size_t end = i < n && p[i] == '"' ? quoted_end(p, n, i) : n, k;

	if (end == n) {
		end = token_end(p, n, i, ";");
		*value = span_make(p + i, end - i);
		ct->loose = ct->loose || span_find(*value, '"') < value->n;
		return end;
	}
	k = ++i;
	*value = span_make(p + i, 0);
	for (; i < end; i++) {
		if (p[i] == '\\')
			i++;
		p[k++] = p[i];
	}
	value->n = (size_t)(p + k - value->p);
	return end + 1;
}

static void add(struct contenttype *ct, struct span name, struct span value)
{
	for (size_t i = 0; i < ct->nparam; i++)
		if (span_eq(ct->param[i].name, name))
			ct->doubled = true;
	if (value.n > LONG_PARAM)
		ct->long_param = true;
	if (ct->nparam == CONTENTTYPE_PARAMS_MAX) {
		ct->overflow = true;
		return;
	}
	ct->param[ct->nparam].name = name;
	ct->param[ct->nparam++].value = value;
}

static void parse_params(char *p, size_t n, size_t i, struct contenttype *ct)
{
	struct span value;

	while (i < n) {
		size_t name, end, equals;

		if (p[i++] != ';') {
			ct->loose = ct->loose || !is_space(p[i - 1]);
			continue;
		}
		name = skip_space(p, n, i);
		end = token_end(p, n, name, "=;");
		equals = skip_space(p, n, end);
		if (end == name || equals == n || p[equals] != '=') {
			ct->loose = ct->loose || end > name;
			continue;
		}
		lower(p + name, end - name);
		i = parse_value(p, n, skip_space(p, n, equals + 1), ct, &value);
		add(ct, span_make(p + name, end - name), value);
	}
}

int contenttype_parse(struct span value, struct arena *a, struct contenttype *out)
{
	struct span copy = arena_copy(a, value);
	char *p = (char *)copy.p;
	size_t n = copy.n, i;

	memset(out, 0, sizeof *out);
	if (arena_overflowed(a))
		return -1;
	if (n == 0)
		return 0;
	n = drop_comments(p, unfold(p, n));
	i = parse_type(p, n, &out->type);
	if (i)
		parse_params(p, n, i, out);
	return 0;
}

bool contenttype_param(const struct contenttype *ct, const char *name, struct span *value)
{
	for (size_t i = ct->nparam; i-- > 0;) {
		if (span_is(ct->param[i].name, name)) {
			*value = ct->param[i].value;
			return true;
		}
	}
	return false;
}
