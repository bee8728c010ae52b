/*
 * Octets by reference: a pointer and a length, passed by value.
 *
 * A span never owns and never writes what it points at, and is not
 * NUL-terminated.  Comparisons are of octets; "case" variants fold ASCII only,
 * which is what mail and STIR grammars ask for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef STIR_CORE_SPAN_H
#define STIR_CORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

struct span {
	const char *p; /* first octet; may be NULL when n is 0 */
	size_t n;      /* number of octets */
};

/* For printf's "%.*s". */
#define SPAN_ARG(s) (int)(s).n, ((s).n ? (s).p : "")

static inline struct span span_make(const void *p, size_t n)
{
	struct span s = {(const char *)p, n};
	return s;
}

/* From a C string; NULL gives the empty span. */
static inline struct span span_cstr(const char *s)
{
	return span_make(s, s ? strlen(s) : 0);
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* By octets, a beginning before what it begins: below 0, 0 or above, as memcmp(). */
static inline int span_order(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static inline bool span_is(struct span a, const char *s)
{
	return span_eq(a, span_cstr(s));
}

static inline char span_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool span_caseeq(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (span_lower(a.p[i]) != span_lower(b.p[i]))
			return false;
	return true;
}

static inline bool span_caseis(struct span a, const char *s)
{
	return span_caseeq(a, span_cstr(s));
}

static inline bool span_starts(struct span a, const char *s)
{
	size_t n = strlen(s);
	return a.n >= n && memcmp(a.p, s, n) == 0;
}

static inline bool span_casestarts(struct span a, const char *s)
{
	size_t n = strlen(s);
	return a.n >= n && span_caseeq(span_make(a.p, n), span_make(s, n));
}

/* The span without its first k octets (all of them if k is larger). */
static inline struct span span_skip(struct span a, size_t k)
{
	if (k > a.n)
		k = a.n;
	return span_make(a.n ? a.p + k : a.p, a.n - k);
}

/* The first k octets (all of them if k is larger). */
static inline struct span span_take(struct span a, size_t k)
{
	return span_make(a.p, k < a.n ? k : a.n);
}

/* Index of the first c, or a.n if there is none. */
static inline size_t span_find(struct span a, char c)
{
	const void *q = a.n ? memchr(a.p, c, a.n) : NULL;
	return q ? (size_t)((const char *)q - a.p) : a.n;
}

static inline bool span_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without leading and trailing SP, HTAB, CR and LF. */
static inline struct span span_trim(struct span a)
{
	while (a.n && span_is_blank(a.p[0]))
		a = span_skip(a, 1);
	while (a.n && span_is_blank(a.p[a.n - 1]))
		a.n--;
	return a;
}

/*
 * Cut *rest at the first sep: returns what stands before it and leaves in
 * *rest what follows.  Without a sep returns all and empties *rest.
 */
static inline struct span span_cut(struct span *rest, char sep)
{
	size_t i = span_find(*rest, sep);
	struct span head = span_take(*rest, i);
	*rest = span_skip(*rest, i + 1);
	return head;
}

#endif
