/*
 * From the local part of a mail address to an international number.
 *
 * Knows the forms of RFC 3191 and of MM4 and the operator's table of domains.
 * Knows neither addresses (address.c cuts them) nor who owns a number.  What
 * the table doesn't say is never guessed: a wrong number here would be signed.
 */
#include "config.h"

#include "core/numberplan.h"

#include "core/limits.h"

#include <stdlib.h>

enum {
	DOMAIN_MAX = 253,      /* RFC 1035 in presentation form */
	PREFIX_MAX = 7,        /* the longest dial prefixes have 5 digits */
	KEYWORD_MAX = 16,      /* longer words are no misspelt keyword of ours */
	SHOWN_MAX = 60,        /* of a word in an error text */
	NSN_MIN = TN_MIN_E164, /* so that a short code isn't taken for a subscriber */
	NSN_FULL = 10          /* with the country code in front, a number is longer */
};

enum plan { PLAN_NANP, PLAN_INTERNATIONAL, PLAN_NATIONAL };

struct row {
	struct span domain; /* lower case; ".suffix" with its dot */
	size_t line;
	enum plan plan;
	struct span cc, trunk, idd; /* PLAN_NATIONAL; digits, may be empty but for cc */
};

struct numberplan {
	char *text; /* the table in lower case: what the spans point into */
	struct row *row;
	size_t n, cap;
	struct row any; /* "*"; its line is 0 if there is none */
};

/* Where the reader stands. */
struct place {
	const char *name;
	size_t line;
	struct span whole; /* the line */
	struct span rest;  /* of the line */
	struct err *e;
};

/* Digits ---------------------------------------------------------------- */

static bool all_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static bool begins(struct span s, struct span prefix)
{
	return prefix.n && s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

/* head and tail are digits; 1, or 0 when both together are no E.164 number. */
static int number(struct span head, struct span tail, struct tn *out)
{
	size_t n = head.n + tail.n;

	if (n < TN_MIN_E164 || n > TN_MAX_DIGITS)
		return 0;
	if (head.n)
		memcpy(out->digits, head.p, head.n);
	if (tail.n)
		memcpy(out->digits + head.n, tail.p, tail.n);
	out->digits[n] = '\0';
	out->n = (unsigned char)n;
	if (out->digits[0] != '0')
		return 1;
	memset(out, 0, sizeof *out);
	return 0;
}

/* NXXNXXXXXX, N being 2 to 9. */
static bool is_nanp(struct span s)
{
	return s.n == 10 && s.p[0] >= '2' && s.p[3] >= '2';
}

static int apply_nanp(struct span s, struct tn *out)
{
	if (s.n == 11 && s.p[0] == '1')
		s = span_skip(s, 1);
	return is_nanp(s) ? number(span_cstr("1"), s, out) : 0;
}

static int apply_national(const struct row *r, struct span s, struct tn *out)
{
	bool trunk;

	if (begins(s, r->idd))
		return number(span_make(NULL, 0), span_skip(s, r->idd.n), out);
	trunk = begins(s, r->trunk);
	if (!trunk && begins(s, r->cc) && s.n > NSN_FULL)
		return number(span_make(NULL, 0), s, out);
	if (trunk)
		s = span_skip(s, r->trunk.n);
	/* A 0 that is left is a dial prefix the table doesn't tell of, except
	 * where numbers themselves begin with it (Italy: no trunk prefix). */
	if (s.n < NSN_MIN || (s.p[0] == '0' && (r->trunk.n || s.p[1] == '0')))
		return 0;
	return number(r->cc, s, out);
}

static int apply(const struct row *r, struct span s, struct tn *out)
{
	switch (r->plan) {
	case PLAN_NANP:
		return apply_nanp(s, out);
	case PLAN_INTERNATIONAL:
		return number(span_make(NULL, 0), s, out);
	case PLAN_NATIONAL:
		return apply_national(r, s, out);
	}
	return 0;
}

/* The local part -------------------------------------------------------- */

enum type { TYPE_NONE, TYPE_PLMN, TYPE_OTHER };

static struct span without_pair(struct span s, char c)
{
	if (s.n >= 2 && s.p[0] == c && s.p[s.n - 1] == c)
		return span_make(s.p + 1, s.n - 2);
	return s;
}

static struct span without_selector(struct span s)
{
	static const char *const selector[] = {"MMS=", "SMS=", "VOICE=", "FAX=", "TEL="};

	for (size_t i = 0; i < sizeof selector / sizeof selector[0]; i++)
		if (span_casestarts(s, selector[i]))
			return span_skip(s, strlen(selector[i]));
	return s;
}

/* params is what follows the first '/': "TYPE=PLMN", "T33S=6377/TYPE=PLMN". */
static enum type find_type(struct span params)
{
	enum type t = TYPE_NONE;

	while (params.n) {
		struct span p = span_cut(&params, '/');

		if (!span_casestarts(p, "TYPE="))
			continue;
		if (!span_caseis(p, "TYPE=PLMN"))
			return TYPE_OTHER;
		t = TYPE_PLMN;
	}
	return t;
}

/* Looking up ------------------------------------------------------------ */

static int by_domain(const void *key, const void *row)
{
	return span_order(*(const struct span *)key, ((const struct row *)row)->domain);
}

/* Rows of one domain stay in the order of the table. */
static int by_domain_and_line(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;
	int c = span_order(a->domain, b->domain);

	return c ? c : (a->line > b->line) - (a->line < b->line);
}

static const struct row *search(const struct numberplan *p, struct span domain)
{
	if (!p->n)
		return NULL;
	return bsearch(&domain, p->row, p->n, sizeof *p->row, by_domain);
}

static const struct row *find_row(const struct numberplan *p, struct span domain)
{
	char lower[DOMAIN_MAX];
	const struct row *r = NULL;

	if (!p)
		return NULL;
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (domain.n > DOMAIN_MAX)
		return NULL;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = span_lower(domain.p[i]);
	/* A ".x" of a message must not be the row ".x" itself. */
	if (domain.n && lower[0] != '.')
		r = search(p, span_make(lower, domain.n));
	for (size_t i = 1; !r && i < domain.n; i++)
		if (lower[i] == '.')
			r = search(p, span_make(lower + i, domain.n - i));
	if (!r && p->any.line)
		r = &p->any;
	return r;
}

int numberplan_number(const struct numberplan *plan, struct span local, struct span domain, struct tn *out)
{
	const struct row *r;
	struct span dial;
	enum type type;

	memset(out, 0, sizeof *out);
	local = without_pair(local, '"');
	local = without_pair(local, '/');
	local = without_selector(local);
	dial = span_cut(&local, '/');
	type = find_type(local);
	if (type == TYPE_OTHER || !dial.n)
		return 0;
	if (dial.p[0] == '+')
		return tn_from_global(dial, out) == 0;
	if (!all_digits(dial))
		return 0;
	r = find_row(plan, domain);
	if (r)
		return apply(r, dial, out);
	return type == TYPE_PLMN ? number(span_make(NULL, 0), dial, out) : 0;
}

/* Reading the table ----------------------------------------------------- */

static struct span shown(struct span word)
{
	return span_take(word, SHOWN_MAX);
}

/* Puts the place of word in front of the error; -1. */
static int fail_at(const struct place *at, struct span word)
{
	return err_prefix(at->e, "%s:%zu:%zu", at->name, at->line, (size_t)(word.p - at->whole.p) + 1);
}

/* The next word of the line; an empty one, which has a place too, at its end. */
static struct span next_word(struct place *at)
{
	struct span s = at->rest;
	size_t n = 0;

	while (s.n && span_is_blank(s.p[0]))
		s = span_skip(s, 1);
	if (s.n && s.p[0] == '#')
		s.n = 0;
	while (n < s.n && !span_is_blank(s.p[n]))
		n++;
	at->rest = span_skip(s, n);
	return span_make(s.p, n);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* How many letters to change, put or drop (Levenshtein); both are short. */
static size_t distance(struct span a, const char *b)
{
	size_t row[KEYWORD_MAX + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a.p[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

/* "X is no WHAT; did you mean Y?" */
static int unknown_word(const struct place *at, struct span word, const char *what, const char *const *known)
{
	const char *best = NULL;
	size_t least = 3;

	for (; *known && word.n <= KEYWORD_MAX; known++) {
		size_t d = distance(word, *known);

		if (d < least && d < word.n) {
			least = d;
			best = *known;
		}
	}
	if (best)
		err_set(at->e, ERR_CONFIG, "\"%.*s\" is no %s; did you mean \"%s\"?", SPAN_ARG(shown(word)), what, best);
	else
		err_set(at->e, ERR_CONFIG, "\"%.*s\" is no %s", SPAN_ARG(shown(word)), what);
	return fail_at(at, word);
}

static bool is_domain_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A name, or a name with a dot in front; A-labels, no dot at the end. */
static bool is_domain(struct span s)
{
	char before = '.';

	if (s.n && s.p[0] == '.')
		s = span_skip(s, 1);
	if (!s.n || s.n > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? before == '.' : !is_domain_char(s.p[i]))
			return false;
		before = s.p[i];
	}
	return before != '.';
}

/*
 * Whether s has the shape of an assigned country code (ITU-T E.164, annex):
 * "3" or "331" would put numbers of other countries together.
 */
static bool is_country_code(struct span s)
{
	/* By the first digit, the second digits of codes of two and of three. */
	static const char *const two[10] = {"", "", "07", "0123469", "013456789", "12345678", "0123456", "", "1246", "0123458"};
	static const char *const three[10] = {"", "", "1234569", "578", "2", "09", "789", "", "0578", "679"};
	unsigned first;

	if (!all_digits(s) || s.n > 3)
		return false;
	first = (unsigned)(s.p[0] - '0');
	if (first == 1 || first == 7)
		return s.n == 1;
	if (s.n == 1)
		return false;
	return strchr(s.n == 2 ? two[first] : three[first], s.p[1]) != NULL;
}

static int read_prefix(struct place *at, const char *keyword, struct span *out)
{
	struct span word = next_word(at);

	if (!all_digits(word) || word.n > PREFIX_MAX) {
		err_set(at->e, ERR_CONFIG, "%s needs a prefix of 1 to %d digits, not \"%.*s\"", keyword, PREFIX_MAX, SPAN_ARG(shown(word)));
		return fail_at(at, word);
	}
	*out = word;
	return 0;
}

static int read_national(struct place *at, struct row *r)
{
	static const char *const options[] = {"trunk", "idd", NULL};

	r->cc = next_word(at);
	if (!is_country_code(r->cc)) {
		err_set(at->e, ERR_CONFIG, "national needs a country code, not \"%.*s\"", SPAN_ARG(shown(r->cc)));
		return fail_at(at, r->cc);
	}
	for (struct span word = next_word(at); word.n; word = next_word(at)) {
		bool trunk = span_is(word, "trunk");
		struct span *prefix = trunk ? &r->trunk : &r->idd;

		if (!trunk && !span_is(word, "idd"))
			return unknown_word(at, word, "option of national", options);
		if (prefix->n) {
			err_set(at->e, ERR_CONFIG, "a second %.*s", SPAN_ARG(word));
			return fail_at(at, word);
		}
		if (read_prefix(at, trunk ? "trunk" : "idd", prefix) < 0)
			return -1;
	}
	return 0;
}

static int read_plan(struct place *at, struct row *r)
{
	static const char *const plans[] = {"nanp", "international", "national", NULL};
	struct span word = next_word(at), more;

	if (!word.n) {
		err_set(at->e, ERR_CONFIG, "no numbering plan for \"%.*s\"", SPAN_ARG(shown(r->domain)));
		return fail_at(at, word);
	}
	if (span_is(word, "national")) {
		r->plan = PLAN_NATIONAL;
		return read_national(at, r);
	}
	if (span_is(word, "nanp"))
		r->plan = PLAN_NANP;
	else if (span_is(word, "international"))
		r->plan = PLAN_INTERNATIONAL;
	else
		return unknown_word(at, word, "numbering plan", plans);
	more = next_word(at);
	if (!more.n)
		return 0;
	err_set(at->e, ERR_CONFIG, "nothing may follow %.*s, but \"%.*s\" does", SPAN_ARG(word), SPAN_ARG(shown(more)));
	return fail_at(at, more);
}

static int add_row(struct numberplan *p, const struct row *r, struct err *e)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 64;
		struct row *grown = reallocarray(p->row, cap, sizeof *grown);

		if (!grown)
			return err_set(e, ERR_UNAVAILABLE, "no memory for %zu numbering plans", cap);
		p->row = grown;
		p->cap = cap;
	}
	p->row[p->n++] = *r;
	return 0;
}

static int doubled(const struct place *at, struct span domain, size_t first)
{
	err_set(at->e, ERR_CONFIG, "\"%.*s\" is already on line %zu", SPAN_ARG(shown(domain)), first);
	return fail_at(at, domain);
}

static int read_line(struct place *at, struct numberplan *p)
{
	struct row r = {.line = at->line};

	r.domain = next_word(at);
	if (!r.domain.n)
		return 0;
	if (!span_is(r.domain, "*") && !is_domain(r.domain)) {
		err_set(at->e, ERR_CONFIG, "\"%.*s\" is no domain, \".domain\" or \"*\"", SPAN_ARG(shown(r.domain)));
		return fail_at(at, r.domain);
	}
	if (read_plan(at, &r) < 0)
		return -1;
	if (!span_is(r.domain, "*"))
		return add_row(p, &r, at->e);
	if (p->any.line)
		return doubled(at, r.domain, p->any.line);
	p->any = r;
	return 0;
}

/* Sorts the rows; a domain that stands twice is refused where it stands again. */
static int finish(struct numberplan *p, struct place *at)
{
	const struct row *again = NULL, *first = NULL;

	if (p->n)
		qsort(p->row, p->n, sizeof *p->row, by_domain_and_line);
	for (size_t i = 1; i < p->n; i++) {
		if (!span_eq(p->row[i - 1].domain, p->row[i].domain))
			continue;
		if (again && again->line < p->row[i].line)
			continue;
		first = &p->row[i - 1];
		again = &p->row[i];
	}
	if (!again)
		return 0;
	at->line = again->line;
	/* The columns count from the start of that line. */
	at->whole.p = again->domain.p;
	while (at->whole.p > p->text && at->whole.p[-1] != '\n')
		at->whole.p--;
	return doubled(at, again->domain, first->line);
}

static int read_table(struct numberplan *p, struct place *at, struct span text)
{
	while (text.n) {
		at->line++;
		at->whole = at->rest = span_cut(&text, '\n');
		if (read_line(at, p) < 0)
			return -1;
	}
	return finish(p, at);
}

int numberplan_parse(const char *name, struct span text, struct numberplan **out, struct err *e)
{
	struct place at = {.name = name, .e = e};
	struct numberplan *p;

	*out = NULL;
	if (text.n > LIMIT_TABLE_BYTES)
		return err_set(e, ERR_CONFIG, "%s:1:1: larger than %d octets", name, LIMIT_TABLE_BYTES);
	p = calloc(1, sizeof *p);
	if (!p || !(p->text = malloc(text.n + 1))) {
		free(p);
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory for a table of %zu octets", name, text.n);
	}
	for (size_t i = 0; i < text.n; i++)
		p->text[i] = span_lower(text.p[i]);
	p->text[text.n] = '\0';
	if (read_table(p, &at, span_make(p->text, text.n)) < 0) {
		numberplan_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void numberplan_free(struct numberplan *p)
{
	if (!p)
		return;
	free(p->row);
	free(p->text);
	free(p);
}
