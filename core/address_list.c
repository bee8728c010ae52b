/*
 * The addresses of a From, To or Cc value.
 *
 * GMime reads each address.  The list itself is cut into its members here,
 * because GMime goes down one level of the stack for each "group:" (a short
 * field ends the process), takes quadratic time for bare words, loses memory
 * where a comment has no end, and silently drops what it can't read
 * ("a@b@c.example" becomes a@b).  One sender must not be made of two, as in
 * CVE-2019-16378: whatever could be a further address to another reader (an
 * '@' or a number outside quotes and comments that came to no address, an '@'
 * in an unquoted display name, a quote that never ends, NUL, a bare line end, a
 * backslash outside quotes) makes one address two; the second is then the empty
 * text, which stands for no party.
 */
#include "config.h"

#include "core/address.h"

#include "core/limits.h"
#include "core/address_internal.h"

#include <gmime/gmime.h>

enum {
	/* GMime's recursion in one member; a colon is needed for each level. */
	MEMBER_COLONS = 256
};

/* A walk over a list's text, member by member. */
struct scanner {
	struct span s;
	size_t i;
	bool group; /* within one */
	bool doubt; /* something that readers read differently */
	/* One that has no end was met: later ones are plain characters. */
	bool no_quotes, no_comments, no_literals;
};

/* What one member shows to somebody who reads it otherwise than GMime. */
struct member {
	struct span text;
	size_t ats;       /* '@' of addresses */
	size_t route_ats; /* those of a source route that isn't at its end yet */
	size_t digits;
	bool slash, bracket;
	bool angle, route; /* within "<", within "<@a,@b:" */
	bool group;        /* it is the name of a group */
	bool broken;       /* GMime must not see it */
};

struct reader {
	struct arena *arena;
	GMimeParserOptions *options;
	bool warned; /* by GMime, on this member */
	struct span *addr;
	size_t n, cap;
	bool truncated, doubt;
};

void address_init(void)
{
	g_mime_init();
}

/* The index after the comment that begins at i; s.n + 1 if it has no end. */
static size_t after_comment(struct span s, size_t i)
{
	size_t depth = 0;

	for (; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.n + 1;
}

static size_t after_literal(struct span s, size_t i)
{
	size_t k = span_find(span_skip(s, i), ']');

	return i + k + 1;
}

/*
 * Steps over what hides separators, if it begins here; false if it doesn't.
 * The '@' in a literal still count.
 */
static bool skip_hidden(struct scanner *sc, struct member *m)
{
	struct span s = sc->s;
	size_t end;
	bool *none;

	if (s.p[sc->i] == '"' && !sc->no_quotes) {
		end = address_after_quoted(s, sc->i);
		none = &sc->no_quotes;
	} else if (s.p[sc->i] == '(' && !sc->no_comments) {
		end = after_comment(s, sc->i);
		none = &sc->no_comments;
	} else if (s.p[sc->i] == '[' && !sc->no_literals) {
		end = after_literal(s, sc->i);
		none = &sc->no_literals;
		for (size_t i = sc->i; i < end && i < s.n; i++)
			m->ats += s.p[i] == '@';
	} else {
		return false;
	}
	if (end > s.n) {
		*none = true;
		return false;
	}
	sc->i = end;
	return true;
}

static void open_angle(struct scanner *sc, struct member *m)
{
	size_t i = sc->i + 1;

	while (i < sc->s.n && span_is_blank(sc->s.p[i]))
		i++;
	m->angle = m->bracket = true;
	m->route = i < sc->s.n && sc->s.p[i] == '@';
}

static void close_angle(struct member *m)
{
	m->ats += m->route_ats;
	m->route_ats = 0;
	m->angle = m->route = false;
}

/* Takes one plain character into account; true if the member ends at it. */
static bool is_end(struct scanner *sc, struct member *m)
{
	char c = sc->s.p[sc->i];

	switch (c) {
	case ',':
		return !m->route;
	case ';':
		sc->group = false;
		return true;
	case ':':
		if (m->route) {
			m->route_ats = 0;
			m->route = false;
			return false;
		}
		if (m->angle)
			return false;
		/* Groups within groups, and names that aren't words, are nobody's grammar. */
		sc->doubt = sc->doubt || sc->group || m->bracket;
		return sc->group = m->group = true;
	case '<':
		open_angle(sc, m);
		break;
	case '>':
		m->bracket = true;
		close_angle(m);
		break;
	case '@':
		m->ats += !m->route;
		m->route_ats += m->route;
		break;
	case '\\':
	case '"':
	case '(':
	case '[':
		m->broken = true;
		break;
	case '/':
		m->slash = true;
		break;
	default:
		m->digits += c >= '0' && c <= '9';
	}
	return false;
}

/* The next member of the list, or the name of a group; false at the end. */
static bool next_member(struct scanner *sc, struct member *m)
{
	size_t start = sc->i;

	memset(m, 0, sizeof *m);
	if (sc->i >= sc->s.n)
		return false;
	while (sc->i < sc->s.n) {
		if (skip_hidden(sc, m))
			continue;
		if (is_end(sc, m))
			break;
		sc->i++;
	}
	close_angle(m);
	m->text = span_make(sc->s.p + start, sc->i - start);
	sc->i++;
	return true;
}

/* How many addresses somebody could see in the member. */
static size_t seen_addresses(const struct member *m)
{
	return m->ats ? m->ats : m->slash || m->digits >= TN_MIN_E164;
}

static void note_warning(gint64 offset, GMimeParserWarning what, const gchar *item, gpointer reader)
{
	(void)offset;
	(void)item;
	if (what == GMIME_WARN_INVALID_ADDRESS_LIST)
		((struct reader *)reader)->warned = true;
}

static void push(struct reader *r, struct span addr)
{
	if (r->n == LIMIT_FIELD_ADDRESSES) {
		r->truncated = true;
		return;
	}
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 8;
		struct span *grown = arena_array(r->arena, cap, sizeof *grown);

		if (!grown)
			return;
		if (r->n)
			memcpy(grown, r->addr, r->n * sizeof *grown);
		r->addr = grown;
		r->cap = cap;
	}
	r->addr[r->n++] = addr;
}

static void collect(struct reader *r, InternetAddressList *list)
{
	int n = list ? internet_address_list_length(list) : 0;

	for (int i = 0; i < n && !r->truncated; i++) {
		InternetAddress *ia = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(ia)) {
			collect(r, internet_address_group_get_members((InternetAddressGroup *)ia));
		} else {
			/* GMime turns A-labels into UTF-8; this turns them back. */
			const char *text = internet_address_mailbox_get_idn_addr((InternetAddressMailbox *)ia);
			struct span addr = arena_copy(r->arena, span_cstr(text));

			/* Without brackets and route already; the quotes have to go. */
			push(r, address_envelope(addr, r->arena));
		}
	}
}

/*
 * Whether GMime bears this text.  It looks for addresses within quotes too once
 * it has met an error, so the two cases are looked for everywhere.
 */
static bool is_safe(struct span s)
{
	size_t colons = 0;
	bool at = false;
	char before = '\0';

	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= ' ')
			continue;
		/* A comment without end after a domain literal: lost memory. */
		if (at && before == ']' && s.p[i] == '(')
			return false;
		before = s.p[i];
		at = at || before == '@';
		colons += before == ':';
	}
	return colons <= MEMBER_COLONS;
}

/* Behind what hides a separator at i, else i. */
static size_t behind_hidden(struct span s, size_t i, bool *comment)
{
	size_t end = i;

	*comment = s.p[i] == '(';
	if (*comment)
		end = after_comment(s, i);
	else if (s.p[i] == '"')
		end = address_after_quoted(s, i);
	return end > s.n ? i : end;
}

/* The first "<" outside quotes and comments; 0 when there is none, then nothing is a display name. */
static size_t display_name_end(struct span s)
{
	size_t i = 0;
	bool comment;

	while (i < s.n && s.p[i] != '<') {
		size_t next = behind_hidden(s, i, &comment);

		i = next > i ? next : i + 1;
	}
	return i < s.n ? i : 0;
}

/*
 * Encoded words make GMime remember every name of a charset for ever, and we
 * want no display name: in these and in comments they become plain characters.
 * False where one stands in an address.
 */
static bool drop_encoded_words(struct span s, char *text)
{
	size_t name = display_name_end(s), i = 0;
	bool comment;

	while (i < s.n) {
		size_t next = behind_hidden(s, i, &comment);

		next = next > i ? next : i + 1;
		for (; i < next; i++) {
			if (s.p[i] != '=' || i + 1 == s.n || s.p[i + 1] != '?')
				continue;
			if (!comment && i >= name)
				return false;
			text[i] = '-';
		}
	}
	return true;
}

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_local_char(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '=' || c == '_' || c == '-';
}

/* Words of such characters, with one of the others between two of them. */
static bool is_words(struct span s, bool (*is_char)(char c), const char *between)
{
	bool word = false;

	for (size_t i = 0; i < s.n; i++) {
		bool part = is_char(s.p[i]);

		if (!part && (!word || !strchr(between, s.p[i]) || s.p[i] == '\0'))
			return false;
		word = part;
	}
	return word;
}

/* A domain that IDNA leaves as it is. */
static bool is_plain_domain(struct span s)
{
	enum { LABEL_MAX = 63, DOMAIN_MAX = 253 };

	if (s.n > DOMAIN_MAX || !is_words(s, is_lower_alnum, ".-"))
		return false;
	while (s.n)
		if (span_cut(&s, '.').n > LABEL_MAX)
			return false;
	return true;
}

/* Is it an address and nothing else, which all readers read as it stands? GMime takes 15 us for that. */
static bool is_plain(struct span s)
{
	size_t at = span_find(s, '@');

	return at > 0 && at < s.n && is_words(span_take(s, at), is_local_char, ".") && is_plain_domain(span_skip(s, at + 1));
}

static void ask_gmime(struct reader *r, const struct member *m)
{
	InternetAddressList *list;

	if (!r->options) {
		r->options = g_mime_parser_options_new();
		g_mime_parser_options_set_warning_callback(r->options, note_warning, r);
	}
	list = internet_address_list_parse(r->options, m->text.p);
	collect(r, list);
	if (list)
		g_object_unref(list);
}

/* m->text has a NUL behind it; text is the same, to be written to. */
static void read_member(struct reader *r, const struct member *m, char *text)
{
	size_t before = r->n;

	r->warned = false;
	if (!m->group && is_plain(span_trim(m->text)))
		push(r, span_trim(m->text));
	else if (m->broken || !is_safe(m->text) || !drop_encoded_words(m->text, text))
		r->doubt = true;
	else if (!m->group)
		ask_gmime(r, m);
	if (seen_addresses(m) > r->n - before || (r->warned && r->n > before))
		r->doubt = true;
}

/* Copies to p without folding and NUL, and gives the length; *odd if there was what isn't folding. */
static size_t unfold(struct span s, char *p, bool *odd)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : '\0';

		if (c == '\n' && (next == ' ' || next == '\t'))
			continue;
		if (c == '\r' && next == '\n')
			continue;
		if (c == '\0' || c == '\n' || c == '\r') {
			*odd = true;
			c = ' ';
		}
		p[n++] = c;
	}
	return n;
}

size_t address_list(struct span value, struct arena *a, struct span **out, bool *truncated)
{
	struct reader r = {.arena = a};
	struct scanner sc = {.i = 0};
	struct member m;
	char *text;

	*out = NULL;
	*truncated = false;
	value = span_trim(value);
	/* One octet to spare: every member gets a NUL behind it. */
	text = arena_alloc(a, value.n + 1);
	if (!text)
		return 0;
	sc.s = span_make(text, unfold(value, text, &r.doubt));
	while (!r.truncated && next_member(&sc, &m)) {
		size_t start = (size_t)(m.text.p - text);

		text[start + m.text.n] = '\0';
		read_member(&r, &m, text + start);
	}
	if (r.options)
		g_mime_parser_options_free(r.options);
	if (r.n == 1 && (r.doubt || sc.doubt))
		push(&r, span_make(NULL, 0));
	if (arena_overflowed(a))
		return 0;
	*out = r.addr;
	*truncated = r.truncated;
	return r.n;
}
