/*
 * One address: of the envelope, its halves, and the party it stands for.
 *
 * Lists of them are read in address_list.c.  Knows canonical forms only, not
 * which address may speak for whom.
 */
#include "config.h"

#include "core/address.h"

#include "core/limits.h"
#include "core/address_internal.h"

#include <gmime/gmime.h>

/* Quotes ---------------------------------------------------------------- */

size_t address_after_quoted(struct span s, size_t i)
{
	for (i++; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return s.n + 1;
}

/* The index of the last '@' outside quotes, s.n if there is none; -1 if a quote has no end. */
static int last_at(struct span s, size_t *at)
{
	*at = s.n;
	for (size_t i = 0; i < s.n;) {
		if (s.p[i] == '"') {
			i = address_after_quoted(s, i);
			if (i > s.n)
				return -1;
			continue;
		}
		if (s.p[i] == '@')
			*at = i;
		i++;
	}
	return 0;
}

/*
 * The address without the quotes of its local part.  Where their loss would
 * give another address ("a@b" in quotes and without a domain), they stay: a
 * domain with a quote in it is then no party.
 */
static struct span without_quotes(struct span s, struct arena *a)
{
	size_t at, n = 0;
	bool quoted = false;
	char *p;

	if (span_find(s, '"') == s.n || last_at(s, &at) < 0 || span_find(span_skip(s, at), '"') < s.n - at)
		return s;
	p = arena_alloc(a, s.n);
	if (!p)
		return span_make(NULL, 0);
	for (size_t i = 0; i < at; i++) {
		if (s.p[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && s.p[i] == '\\' && i + 1 < at)
			i++;
		if (s.p[i] == '@' && at == s.n)
			return s;
		p[n++] = s.p[i];
	}
	memcpy(p + n, s.p + at, s.n - at);
	return span_make(p, n + s.n - at);
}

/* The envelope ---------------------------------------------------------- */

/* "@a,@b:user@c" without its route. */
static struct span without_route(struct span s)
{
	bool literal = false;

	if (!s.n || s.p[0] != '@')
		return s;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '[')
			literal = true;
		else if (s.p[i] == ']')
			literal = false;
		else if (s.p[i] == ':' && !literal)
			return span_skip(s, i + 1);
	}
	return s;
}

struct span address_path(struct span s)
{
	s = span_trim(s);
	if (s.n && s.p[0] == '<') {
		s = span_skip(s, 1);
		if (s.n && s.p[s.n - 1] == '>')
			s.n--;
		s = span_trim(s);
	}
	return without_route(s);
}

struct span address_envelope(struct span s, struct arena *a)
{
	return without_quotes(address_path(s), a);
}

void address_split(struct span addr, struct span *local, struct span *domain)
{
	size_t i = addr.n;

	while (i > 0 && addr.p[i - 1] != '@')
		i--;
	*local = i ? span_take(addr, i - 1) : addr;
	*domain = i ? span_skip(addr, i) : span_make(NULL, 0);
}

/* Parties --------------------------------------------------------------- */

struct uri {
	char text[LIMIT_URI_BYTES];
	size_t n;
	bool failed;
};

static void put(struct uri *u, char c)
{
	if (u->n == sizeof u->text)
		u->failed = true;
	else
		u->text[u->n++] = c;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 6068, 2: what needn't be encoded, and nothing else, so that there is one form. */
static void put_encoded(struct uri *u, char c)
{
	static const char hex[] = "0123456789ABCDEF";

	if (is_alnum(c) || (c && strchr("-._~!$'*+:", c))) {
		put(u, c);
		return;
	}
	put(u, '%');
	put(u, hex[(unsigned char)c >> 4]);
	put(u, hex[(unsigned char)c & 15]);
}

/* Whether the local part can stand without quotes (RFC 5322 and 6532). */
static bool is_dot_atom(struct span s)
{
	char before = '.';

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.' ? before == '.' : !(is_alnum(c) || (unsigned char)c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c))))
			return false;
		before = c;
	}
	return before != '.';
}

static void put_local(struct uri *u, struct span local)
{
	bool quote = !is_dot_atom(local);

	if (quote)
		put_encoded(u, '"');
	for (size_t i = 0; i < local.n && !u->failed; i++) {
		if (quote && (local.p[i] == '"' || local.p[i] == '\\'))
			put_encoded(u, '\\');
		put_encoded(u, local.p[i]);
	}
	if (quote)
		put_encoded(u, '"');
}

static bool is_plain_domain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7F || strchr("\"<>()\\,;", s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* A domain in UTF-8 with A-labels, as the list gives it; others as they are. */
static struct span to_alabels(struct span domain, struct arena *a)
{
	InternetAddress *ia;
	struct span result = domain;
	char text[LIMIT_URI_BYTES + 3];

	if (is_ascii(domain) || domain.n > LIMIT_URI_BYTES || !g_utf8_validate(domain.p, (gssize)domain.n, NULL))
		return domain;
	memcpy(text, "x@", 2);
	memcpy(text + 2, domain.p, domain.n);
	text[domain.n + 2] = '\0';
	ia = internet_address_mailbox_new(NULL, text);
	if (ia) {
		struct span addr = span_cstr(internet_address_mailbox_get_idn_addr((InternetAddressMailbox *)ia));

		if (span_starts(addr, "x@"))
			result = arena_copy(a, span_skip(addr, 2));
		g_object_unref(ia);
	}
	return result;
}

static int make_uri(struct span local, struct span domain, struct arena *a, struct span *out)
{
	struct uri u = {.n = 0};

	if (!local.n || !is_plain_domain(domain))
		return -1;
	domain = to_alabels(domain, a);
	for (const char *p = "mailto:"; *p; p++)
		put(&u, *p);
	put_local(&u, local);
	put(&u, '@');
	for (size_t i = 0; i < domain.n && !u.failed; i++)
		put_encoded(&u, span_lower(domain.p[i]));
	if (u.failed)
		return -1;
	*out = arena_copy(a, span_make(u.text, u.n));
	return out->n ? 0 : -1;
}

void party_from_address(const struct numberplan *plan, struct span addr, struct arena *a, struct party *out)
{
	struct span local, domain;

	memset(out, 0, sizeof *out);
	address_split(addr, &local, &domain);
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (numberplan_number(plan, local, domain, &out->tn))
		out->kind = PARTY_TN;
	else if (make_uri(local, domain, a, &out->uri) == 0)
		out->kind = PARTY_URI;
}

bool party_eq(const struct party *a, const struct party *b)
{
	/* Nobody is no one's equal, not even nobody's. */
	if (a->kind != b->kind || a->kind == PARTY_NONE)
		return false;
	return a->kind == PARTY_TN ? tn_eq(&a->tn, &b->tn) : span_eq(a->uri, b->uri);
}

struct span party_text(const struct party *p)
{
	switch (p->kind) {
	case PARTY_TN:
		return tn_span(&p->tn);
	case PARTY_URI:
		return p->uri;
	case PARTY_NONE:
		break;
	}
	return span_make(NULL, 0);
}

int party_order(const void *pa, const void *pb)
{
	const struct party *a = *(const struct party *const *)pa, *b = *(const struct party *const *)pb;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return span_order(party_text(a), party_text(b));
}
