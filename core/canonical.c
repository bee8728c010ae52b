/*
 * Writes, never decides what is written.  A value is copied octet for octet
 * but for its white space; only a line feed, which ends the lines of the form,
 * is noted.
 */
#include "config.h"

#include "core/canonical.h"

#include <stdio.h>

/* In the order of the form. */
static const char *const params[] = {"charset", "name", "type", "start", "delsp", "format"};

void canonical_init(struct canonical *c)
{
	memset(c, 0, sizeof *c);
	buf_init(&c->text, LIMIT_CANONICAL_BYTES);
}

void canonical_free(struct canonical *c)
{
	buf_free(&c->text);
}

/* Tells a full text from a lack of memory, which buf doesn't. */
static void put(struct canonical *c, const char *p, size_t n)
{
	if (c->too_large || c->no_memory)
		return;
	if (n > c->text.max - c->text.n)
		c->too_large = true;
	else if (buf_put(&c->text, p, n))
		c->no_memory = true;
}

static void put_str(struct canonical *c, const char *s)
{
	put(c, s, strlen(s));
}

static void put_value(struct canonical *c, struct span value)
{
	if (span_find(value, '\n') < value.n)
		c->unclear = true;
	put(c, value.p, value.n);
}

void canonical_type(struct canonical *c, struct span type)
{
	put_str(c, "T:");
	put_value(c, type.n ? type : span_cstr("text/plain"));
	put(c, "\n", 1);
}

static void put_lower(struct canonical *c, struct span value)
{
	size_t at = c->text.n;

	put_value(c, value);
	for (; at < c->text.n; at++)
		c->text.p[at] = span_lower(c->text.p[at]);
}

static unsigned times(const struct contenttype *ct, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < ct->nparam; i++)
		n += span_is(ct->param[i].name, name);
	return n;
}

bool canonical_params(struct canonical *c, const struct contenttype *ct)
{
	bool doubled = false;
	struct span value;

	for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
		if (!contenttype_param(ct, params[i], &value))
			continue;
		if (times(ct, params[i]) > 1)
			doubled = true;
		put_str(c, "P:");
		put_str(c, params[i]);
		put(c, "=", 1);
		if (i == 0)
			put_lower(c, value);
		else
			put_value(c, value);
		put(c, "\n", 1);
	}
	return doubled;
}

static bool is_space(char c)
{
	return span_is_blank(c) || c == '\v' || c == '\f';
}

static bool is_blank(const struct span *s, size_t i)
{
	return i < s->n && (s->p[i] == ' ' || s->p[i] == '\t');
}

/* Octets of white space at i that become one SP: a blank, or a line end before one. */
static size_t blank_at(const struct span *s, size_t i)
{
	if (is_blank(s, i))
		return 1;
	if (i < s->n && s->p[i] == '\n' && is_blank(s, i + 1))
		return 1;
	if (i + 1 < s->n && s->p[i] == '\r' && s->p[i + 1] == '\n' && is_blank(s, i + 2))
		return 2;
	return 0;
}

static void put_squashed(struct canonical *c, struct span s)
{
	size_t i = 0, k;

	while (s.n && is_space(s.p[0]))
		s = span_skip(s, 1);
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	while (i < s.n) {
		size_t begin = i;

		while (i < s.n && !blank_at(&s, i))
			i++;
		put_value(c, span_make(s.p + begin, i - begin));
		if (i < s.n)
			put(c, " ", 1);
		while ((k = blank_at(&s, i)) > 0)
			i += k;
	}
}

void canonical_field(struct canonical *c, char kind, const char *name, struct span value)
{
	put(c, &kind, 1);
	put(c, ":", 1);
	put_str(c, name);
	put(c, ":", 1);
	put_squashed(c, value);
	put(c, "\n", 1);
}

void canonical_digest(struct canonical *c, const struct msgi_value *digest)
{
	static const char hex[] = "0123456789abcdef";

	put_str(c, "D:");
	for (size_t i = 0; i < digest->n; i++) {
		char two[2] = {hex[digest->digest[i] >> 4], hex[digest->digest[i] & 15]};

		put(c, two, 2);
	}
	put(c, "\n", 1);
}

void canonical_kid(struct canonical *c, size_t at)
{
	char line[32];
	int k = snprintf(line, sizeof line, "K:%zu\n", c->text.n - at);
	size_t n = c->text.n - at;

	if (k < 0 || (size_t)k >= sizeof line) {
		c->no_memory = true;
		return;
	}
	put(c, line, (size_t)k);
	if (c->too_large || c->no_memory)
		return;
	memmove(c->text.p + at + k, c->text.p + at, n);
	memcpy(c->text.p + at, line, (size_t)k);
}
