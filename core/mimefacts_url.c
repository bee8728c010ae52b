/*
 * Addresses of the web in a text, and their hosts.
 *
 * Each word is looked at once.  A host is read the way browsers read it, who
 * forgive what g_uri_parse() refuses; it decides nothing but what a policy sees.
 */
#include "config.h"

#include "core/mimefacts_internal.h"

#include <glib.h>

enum { HOST_MAX = 255 };

/* --- hosts ---------------------------------------------------------------------- */

static size_t scheme_length(struct span s)
{
	if (span_casestarts(s, "http://"))
		return 7;
	return span_casestarts(s, "https://") ? 8 : span_starts(s, "//") ? 2 : 0;
}

/* "user:password@host:port/path" from behind the scheme: the host as it stands. */
static struct span authority_host(struct span s)
{
	size_t end = 0, at = 0;

	while (end < s.n && !memchr("/?#\\", s.p[end], 4))
		end++;
	s.n = end;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '@')
			at = i + 1;
	s = span_skip(s, at);
	if (s.n && s.p[0] == '[')
		return span_take(span_skip(s, 1), span_find(span_skip(s, 1), ']'));
	return span_take(s, span_find(s, ':'));
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool is_host(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!g_ascii_isalnum(s.p[i]) && !memchr("-._:", s.p[i], 4))
			return false;
	return s.n > 0 && s.n <= HOST_MAX;
}

/* Percent signs undone, A-labels, lower case, no dot at the end; in the arena, empty if it is none. */
static struct span canonical_host(struct span s, struct arena *a)
{
	struct span result = {NULL, 0};
	char *text, *host;

	if (!s.n || s.n > 3 * HOST_MAX)
		return result;
	text = g_uri_unescape_segment(s.p, s.p + s.n, NULL);
	host = text && is_ascii(text) ? g_ascii_strdown(text, -1) : NULL;
	if (text && !host && g_utf8_validate(text, -1, NULL))
		host = g_hostname_to_ascii(text);
	if (host) {
		result = span_cstr(host);
		while (result.n && result.p[result.n - 1] == '.')
			result.n--;
		result = is_host(result) ? arena_copy(a, result) : span_make(NULL, 0);
	}
	g_free(host);
	g_free(text);
	return result;
}

void mimefacts_url(struct span address, struct mimefacts *out, struct arena *a)
{
	size_t n_url = out->nurl, n_host = out->nurl;
	struct span host;

	for (size_t i = 0; i < out->nurl; i++)
		if (span_eq(out->url[i], address))
			return;
	if (address.n > MIMEFACTS_URL_BYTES || out->nurl == MIMEFACTS_URLS_MAX) {
		out->incomplete = true;
		return;
	}
	host = canonical_host(authority_host(span_skip(address, scheme_length(address))), a);
	if (!host.n)
		return;
	mimefacts_push(&out->url, &n_url, a, arena_copy(a, address));
	mimefacts_push(&out->host, &n_host, a, host);
	if (n_url == n_host)
		out->nurl = n_url;
}

/* --- words ----------------------------------------------------------------------- */

/* Does a word end here?  *len: octets of the character. */
static bool ends_word(const char *p, size_t *len)
{
	gunichar c;

	*len = 1;
	if ((unsigned char)*p < 0x80)
		return (unsigned char)*p <= ' ' || *p == 0x7F || memchr("<>\"`", *p, 4);
	*len = (size_t)(g_utf8_next_char(p) - p);
	c = g_utf8_get_char(p);
	return !g_unichar_isalnum(c) && !g_unichar_ismark(c);
}

static struct span without_punctuation(struct span s)
{
	int open = 0;

	for (size_t i = 0; i < s.n; i++)
		open += (memchr("([{", s.p[i], 3) != NULL) - (memchr(")]}", s.p[i], 3) != NULL);
	for (; s.n; s.n--) {
		char c = s.p[s.n - 1];

		if (memchr(")]}", c, 3)) {
			if (open++ >= 0)
				break;
		} else if (!memchr(".,;:!?'", c, 7)) {
			break;
		}
	}
	return s;
}

/* Where "http://" or "https://" begins, or s.n. */
static size_t find_scheme(struct span s)
{
	for (size_t i = 4; i + 3 <= s.n; i++) {
		if (memcmp(s.p + i, "://", 3) != 0)
			continue;
		if (span_casestarts(span_skip(s, i - 4), "http"))
			return i - 4;
		if (i >= 5 && span_casestarts(span_skip(s, i - 5), "https"))
			return i - 5;
	}
	return s.n;
}

static bool is_name(char c)
{
	return g_ascii_isalnum(c) || (unsigned char)c >= 0x80;
}

/* Where "www." begins, not within a longer name. */
static size_t find_www(struct span s)
{
	for (size_t i = 0; i + 4 < s.n; i++)
		if (span_casestarts(span_skip(s, i), "www.") && is_name(s.p[i + 4]) && (i == 0 || (!g_ascii_isalnum(s.p[i - 1]) && !memchr("-.@_", s.p[i - 1], 4))))
			return i;
	return s.n;
}

static bool ends_in_letters(struct span host)
{
	size_t n = 0;

	while (n < host.n && g_ascii_isalpha(host.p[host.n - 1 - n]))
		n++;
	return n >= 2 && n <= 24 && n + 1 < host.n && host.p[host.n - 1 - n] == '.';
}

/* Where "host.example/" begins: at the beginning, or behind a letter that is none of a host's, as Chinese has no blanks. */
static size_t find_bare(struct span s)
{
	size_t slash = span_find(s, '/'), i = slash;

	if (slash == s.n)
		return s.n;
	while (i > 0 && (g_ascii_isalnum(s.p[i - 1]) || s.p[i - 1] == '-' || s.p[i - 1] == '.'))
		i--;
	if (i > 0 && (unsigned char)s.p[i - 1] < 0x80 && !memchr("(['*", s.p[i - 1], 4))
		return s.n;
	if (i < slash && !g_ascii_isalnum(s.p[i]))
		return s.n;
	return ends_in_letters(span_make(s.p + i, slash - i)) ? i : s.n;
}

static void look_at_word(struct span word, struct mimefacts *out, struct arena *a)
{
	size_t at = find_scheme(word);

	if (at == word.n)
		at = find_www(word);
	if (at == word.n)
		at = find_bare(word);
	word = without_punctuation(span_skip(word, at));
	if (word.n)
		mimefacts_url(word, out, a);
}

void mimefacts_urls(struct span text, struct mimefacts *out, struct arena *a)
{
	size_t begin = 0, len;

	for (size_t i = 0; i < text.n; i += len) {
		if (!ends_word(text.p + i, &len))
			continue;
		if (i - begin >= 5)
			look_at_word(span_make(text.p + begin, i - begin), out, a);
		begin = i + len;
		/* All that there is room for; more than that was said. */
		if (out->nurl == MIMEFACTS_URLS_MAX && out->incomplete)
			return;
	}
	if (text.n - begin >= 5)
		look_at_word(span_make(text.p + begin, text.n - begin), out, a);
}
