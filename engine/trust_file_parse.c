/*
 * Text to domains: words and values, with a place in every error.  Opens no file.
 */
#include "config.h"

#include <stdarg.h>

#include "core/suggest.h"
#include "core/x5u.h"
#include "engine/settings_line.h"
#include "engine/trust_file_internal.h"

enum {
	DAY_S = 86400,
	DEFAULT_MAX_AGE_S = 7 * DAY_S,
	MAX_AGE_DIGITS = 9,
	MAX_CEILING = 100 /* points; no rule of a policy gives or takes more */
};

struct parser {
	struct trust_file *f;
	unsigned line;
	struct span whole, rest; /* of the line */
	struct err *e;
};

static const char *const words[TRUST_FILE_WORDS] = {
	[TRUST_FILE_ANCHORS] = "anchors",
	[TRUST_FILE_LIST] = "trust-list",
	[TRUST_FILE_LIST_SIGNER] = "trust-list-signer",
	[TRUST_FILE_LIST_MAX_AGE] = "trust-list-max-age",
	[TRUST_FILE_CRLS] = "crls",
	[TRUST_FILE_CRL_ISSUERS] = "crl-issuers",
	[TRUST_FILE_CRL_URLS] = "crl-urls",
	[TRUST_FILE_REVOCATION] = "revocation",
	[TRUST_FILE_AUTHORITY] = "authority",
	[TRUST_FILE_CEILING] = "score-ceiling",
};

/* --- errors ----------------------------------------------------------------------- */

int trust_file_at(const struct trust_file *f, const struct trust_file_value *v, struct err *e)
{
	return err_prefix(e, "%s:%u:%zu", f->path, v->line, v->column);
}

static int PRINTF_LIKE(3, 4) wrong(const struct parser *p, const char *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(p->e, ERR_CONFIG, fmt, ap);
	va_end(ap);
	return err_prefix(p->e, "%s:%u:%zu", p->f->path, p->line, settings_line_column(p->whole, at));
}

static int wrong_word(const struct parser *p, struct span word, const char *what, const char *const *names, size_t n)
{
	const char *near = suggest_name(word, names, n);

	return wrong(p, word.p, "\"%.*s\" is no %s%s%s%s", SPAN_ARG(settings_line_short(word)), what, near ? "; did you mean \"" : "",
		     near ? near : "", near ? "\"?" : "");
}

/* --- values ------------------------------------------------------------------------- */

static int one_of(const struct parser *p, struct span v, const char *what, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_is(v, names[i]))
			return (int)i;
	return wrong_word(p, v, what, names, n);
}

static int put_revocation(struct parser *p, struct trust_file_domain *d, struct span v)
{
	static const char *const names[] = {"soft", "hard"};
	int i = one_of(p, v, "kind of revocation (soft, hard)", names, sizeof names / sizeof *names);

	d->rules.hard_revocation = i == 1;
	return i < 0 ? -1 : 0;
}

static int put_authority(struct parser *p, struct trust_file_domain *d, struct span v)
{
	static const char *const names[] = {
		[TRUST_AUTHORITY_TN] = "tn", [TRUST_AUTHORITY_SPC] = "spc", [TRUST_AUTHORITY_ANY] = "any"};
	int i = one_of(p, v, "authority (tn, spc, any)", names, sizeof names / sizeof *names);

	if (i < 0)
		return -1;
	d->rules.authority = (enum trust_authority)i;
	return 0;
}

/* Digits in front of *rest, at most max of them; false: there are none, or more. */
static bool cut_digits(struct span *rest, size_t max, long *out)
{
	size_t n = 0;

	for (*out = 0; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++)
		if (n < max)
			*out = *out * 10 + (rest->p[n] - '0');
	*rest = span_skip(*rest, n);
	return n >= 1 && n <= max;
}

static int put_max_age(struct parser *p, struct trust_file_domain *d, struct span v)
{
	static const struct {
		const char *word;
		long size;
	} units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", DAY_S}};
	struct span rest = v;
	long n, size = 0;
	bool digits = cut_digits(&rest, MAX_AGE_DIGITS, &n);

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (span_is(rest, units[i].word))
			size = units[i].size;
	if (!digits || !size)
		return wrong(p, v.p, "\"%.*s\" is no duration; write a number and one of s, m, h and d", SPAN_ARG(settings_line_short(v)));
	if (n < 1 || n > 3650L * DAY_S / size)
		return wrong(p, v.p, "\"%.*s\" is too %s; a list may be 1s to 3650d old", SPAN_ARG(settings_line_short(v)), n < 1 ? "small" : "large");
	d->max_age_s = (unsigned)(n * size);
	return 0;
}

/* -1.00: how much better than 0 a score may get, in hundredths. */
static int put_ceiling(struct parser *p, struct trust_file_domain *d, struct span v)
{
	struct span rest = v;
	bool minus = v.p[0] == '-';
	long whole, part = 0;

	rest = span_skip(rest, minus);
	if (!cut_digits(&rest, 3, &whole))
		return wrong(p, v.p, "\"%.*s\" is no score; write one as -1.00", SPAN_ARG(settings_line_short(v)));
	if (rest.n && rest.p[0] == '.') {
		struct span decimals = rest = span_skip(rest, 1);

		if (!cut_digits(&rest, 2, &part))
			return wrong(p, v.p, "\"%.*s\" is no score; write one as -1.00, with two decimals at most", SPAN_ARG(settings_line_short(v)));
		part *= decimals.n - rest.n == 1 ? 10 : 1;
	}
	if (rest.n)
		return wrong(p, rest.p, "\"%.*s\" is no score; write one as -1.00", SPAN_ARG(settings_line_short(v)));
	if (whole * 100 + part > MAX_CEILING * 100)
		return wrong(p, v.p, "\"%.*s\" is too far from 0; at most -%d", SPAN_ARG(settings_line_short(v)), MAX_CEILING);
	if (!minus && whole + part > 0)
		return wrong(p, v.p, "a score-ceiling is 0 or negative: messages this domain vouches for get no better score than that");
	d->rules.has_credit = true;
	d->rules.credit = (int32_t)(whole * 100 + part);
	return 0;
}

bool trust_file_is_address(struct span v)
{
	return span_casestarts(v, "https:");
}

static int check_address(const struct parser *p, struct span v)
{
	const char *why = "it is too long";
	struct x5u parts;

	if (v.n > LIMIT_X5U_BYTES || x5u_check(v, &parts, &why) != STIR_OK)
		return wrong(p, v.p, "this address can't be asked: %s", why);
	return 0;
}

static int put_urls(const struct parser *p, struct span v)
{
	size_t n = 0;

	while (v.n) {
		size_t end = 0;

		while (end < v.n && !span_is_blank(v.p[end]))
			end++;
		if (++n > LIMIT_CRL_URLS)
			return wrong(p, v.p, "more than %d addresses", LIMIT_CRL_URLS);
		if (check_address(p, span_take(v, end)))
			return -1;
		v = span_trim(span_skip(v, end));
	}
	return 0;
}

static int put_list(const struct parser *p, struct span v)
{
	if (trust_file_is_address(v))
		return check_address(p, v);
	if (span_find(v, ':') + 2 < v.n && span_starts(span_skip(v, span_find(v, ':')), "://"))
		return wrong(p, v.p, "an address must begin with https:");
	return 0;
}

static int put_value(struct parser *p, struct trust_file_domain *d, enum trust_file_word w, struct span v)
{
	switch (w) {
	case TRUST_FILE_REVOCATION:
		return put_revocation(p, d, v);
	case TRUST_FILE_AUTHORITY:
		return put_authority(p, d, v);
	case TRUST_FILE_LIST_MAX_AGE:
		return put_max_age(p, d, v);
	case TRUST_FILE_CEILING:
		return put_ceiling(p, d, v);
	case TRUST_FILE_CRL_URLS:
		return put_urls(p, v);
	case TRUST_FILE_LIST:
		return put_list(p, v);
	default:
		return 0;
	}
}

/* --- domains -------------------------------------------------------------------------- */

static struct trust_file_value value_at(const struct parser *p, struct span text)
{
	return (struct trust_file_value){.text = text, .line = p->line, .column = settings_line_column(p->whole, text.p)};
}

/* What must go together; the place is that of the word there is, or of the domain's name. */
static int check_domain(struct parser *p, const struct trust_file_domain *d)
{
	const struct trust_file_value *list = &d->value[TRUST_FILE_LIST], *signer = &d->value[TRUST_FILE_LIST_SIGNER];
	const struct trust_file_value *age = &d->value[TRUST_FILE_LIST_MAX_AGE], *at = &d->name;
	const char *fault = NULL;

	if (list->line && !signer->line) {
		at = list;
		fault = "a trust-list needs a trust-list-signer: the certificate of who signs it";
	} else if (signer->line && !list->line) {
		at = signer;
		fault = "a trust-list-signer without a trust-list";
	} else if (age->line && !list->line) {
		at = age;
		fault = "a trust-list-max-age without a trust-list";
	} else if (!d->value[TRUST_FILE_ANCHORS].line && !list->line) {
		fault = "this domain has no anchors: name some with anchors, or with trust-list";
	}
	if (!fault)
		return 0;
	(void)err_set(p->e, ERR_CONFIG, "%s", fault);
	return trust_file_at(p->f, at, p->e);
}

static bool is_name(struct span v)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = span_lower(v.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return v.n > 0 && v.n <= TRUST_NAME_MAX;
}

static int begin_domain(struct parser *p, struct span name)
{
	struct trust_file *f = p->f;
	struct trust_file_domain *d = &f->domain[f->n];

	if (f->n && check_domain(p, &f->domain[f->n - 1]))
		return -1;
	if (!is_name(name))
		return wrong(p, name.p, "a domain needs a name of 1 to %d letters, digits, '-' and '_'", TRUST_NAME_MAX);
	for (size_t i = 0; i < f->n; i++)
		if (span_caseeq(f->domain[i].name.text, name))
			return wrong(p, name.p, "the domain %.*s is there already, on line %u", SPAN_ARG(name), f->domain[i].name.line);
	if (f->n == LIMIT_TRUST_DOMAINS)
		return wrong(p, name.p, "more than %d domains", LIMIT_TRUST_DOMAINS);
	memset(d, 0, sizeof *d);
	memcpy(d->rules.name, name.p, name.n);
	d->rules.authority = TRUST_AUTHORITY_SPC;
	d->max_age_s = DEFAULT_MAX_AGE_S;
	d->name = value_at(p, name);
	f->n++;
	return 0;
}

static int unknown_word(const struct parser *p, struct span word)
{
	const char *known[TRUST_FILE_WORDS + 1];

	memcpy(known, words, sizeof words);
	known[TRUST_FILE_WORDS] = "domain";
	if (span_caseis(word, "spc-table") || span_caseis(word, "SPCTable"))
		return wrong(p, word.p, "the table of providers' numbers is one for all domains: the setting SPCTable");
	return wrong_word(p, word, "word of a trust domain", known, TRUST_FILE_WORDS + 1);
}

static int put_word(struct parser *p, struct span word, struct span v)
{
	struct trust_file *f = p->f;
	size_t w = 0;

	while (w < TRUST_FILE_WORDS && !span_is(word, words[w]))
		w++;
	if (w == TRUST_FILE_WORDS)
		return unknown_word(p, word);
	if (f->n == 0)
		return wrong(p, word.p, "%s belongs to a domain; write a line \"domain NAME\" above it", words[w]);
	if (f->domain[f->n - 1].value[w].line)
		return wrong(p, word.p, "%s is there for the second time; the first is on line %u", words[w], f->domain[f->n - 1].value[w].line);
	if (v.n == 0)
		return wrong(p, v.p, "%s has no value", words[w]);
	f->domain[f->n - 1].value[w] = value_at(p, v);
	return put_value(p, &f->domain[f->n - 1], (enum trust_file_word)w, v);
}

static int read_line(struct parser *p)
{
	struct span content = settings_line_content(p->whole), word = content, v;
	const char *at, *fault = settings_line_fault(p->whole, &at);

	if (fault)
		return wrong(p, at, "%s", fault);
	if (content.n == 0)
		return 0;
	for (size_t n = 0; n < content.n; n++) {
		if (span_is_blank(content.p[n])) {
			word.n = n;
			break;
		}
	}
	v = span_trim(span_skip(content, word.n));
	if (span_find(v, '"') < v.n)
		return wrong(p, v.p + span_find(v, '"'), "there are no quotes here; a value goes to the end of its line");
	return span_is(word, "domain") ? begin_domain(p, v) : put_word(p, word, v);
}

int trust_file_parse(const char *path, struct span text, struct trust_file *out, struct err *e)
{
	struct parser p = {.f = out, .e = e};
	struct span rest = text;

	out->path = path;
	out->n = 0;
	while (settings_line_next(&rest, &p.whole)) {
		p.line++;
		if (read_line(&p))
			return -1;
	}
	if (out->n == 0)
		return err_set(e, ERR_CONFIG, "%s:%u:1: there is no domain in it; the first line of one is \"domain NAME\"", path, p.line ? p.line : 1);
	return check_domain(&p, &out->domain[out->n - 1]);
}
