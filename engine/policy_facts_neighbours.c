/*
 * What other filters of this host wrote into the header.  Believed as far as
 * the settings say: TrustedResults, TrustedScores.
 */
#include "config.h"

#include "core/authres_read.h"
#include "engine/policy_facts_internal.h"

/* --- Authentication-Results ------------------------------------------------------------ */

enum { RESULT_FIELDS = 16 /* ours; a filter writes one */ };

/* The methods read, and the property that names the domain that was judged. */
static const struct method {
	const char *name;
	enum fact_id word, domain;
	const char *property[2][2]; /* type and name; the first that is there */
} methods[] = {
	{"dkim", FACT_DKIM, FACT_DKIM_DOMAIN, {{"header", "d"}, {"header", "i"}}},
	{"dmarc", FACT_DMARC, FACT_DMARC_DOMAIN, {{"header", "from"}, {NULL, NULL}}},
	{"spf", FACT_SPF, FACT_SPF_DOMAIN, {{"smtp", "mailfrom"}, {"smtp", "helo"}}},
	{"arc", FACT_ARC, FACT_N, {{NULL, NULL}, {NULL, NULL}}},
};
enum { METHODS = sizeof methods / sizeof *methods };

static bool is_trusted(const struct settings *s, const char *method)
{
	for (size_t i = 0; i < s->trusted_results.n; i++)
		if (span_caseis(span_cstr(s->trusted_results.item[i]), method))
			return true;
	return false;
}

/* "user@example.net", "@example.net" or "example.net" */
static void put_domain(struct facts *f, enum fact_id id, struct span value)
{
	struct span local, domain;

	address_split(value, &local, &domain);
	policy_facts_put_host(f, id, domain.n ? domain : value);
}

static void put_property(struct facts *f, const struct method *how, const struct authres_entry *e)
{
	if (how->domain == FACT_N)
		return;
	for (size_t k = 0; k < 2 && how->property[k][0]; k++)
		for (size_t i = 0; i < e->nproperty; i++) {
			const struct authres_property *p = &e->property[i];

			if (!span_is(p->type, how->property[k][0]) || !span_is(p->name, how->property[k][1]) || !p->value.n)
				continue;
			put_domain(f, how->domain, p->value);
			return;
		}
}

/* Any number of signatures: one that passes is enough. */
static void put_dkim(struct facts *f, const struct authres_entry *e, bool first)
{
	if (first || span_is(e->result, "pass"))
		policy_facts_put_word(f, FACT_DKIM, e->result);
	if (span_is(e->result, "pass"))
		put_property(f, &methods[0], e);
}

/* Is the domain a host below or equal to the one above? Both as they stand in facts. */
static bool is_within(struct span domain, struct span above)
{
	size_t more = domain.n - above.n;

	if (above.n == 0 || above.n > domain.n || !span_eq(span_skip(domain, more), above))
		return false;
	return more == 0 || domain.p[more - 1] == '.';
}

/*
 * A filter that reads From otherwise than we do (another of several addresses, a
 * comment taken for an address) has judged somebody else: that is "no".  Some
 * write the organisation's domain where the record stood.
 */
static void put_aligned(struct facts *f, const struct authres_entry *e)
{
	size_t n, m;
	const struct facts_value *from = facts_values(f, FACT_ORIG_DOMAIN, &n), *judged = facts_values(f, FACT_DMARC_DOMAIN, &m);
	bool yes = span_is(e->result, "pass") && n && m && is_within(from->text, judged->text);

	policy_facts_put_word(f, FACT_DMARC_ALIGNED, span_cstr(yes ? "yes" : "no"));
}

static void put_result(struct facts *f, const struct settings *s, const struct authres_entry *e, bool seen[METHODS])
{
	for (size_t k = 0; k < METHODS; k++) {
		const struct method *how = &methods[k];

		if (!span_is(e->method, how->name) || !is_trusted(s, how->name))
			continue;
		if (how->word == FACT_DKIM) {
			put_dkim(f, e, !seen[k]);
		} else if (!seen[k]) {
			policy_facts_put_word(f, how->word, e->result);
			put_property(f, how, e);
			if (how->word == FACT_DMARC)
				put_aligned(f, e);
		}
		seen[k] = true;
	}
}

/*
 * Filters write our name plainly.  One who is to delete forged fields may know no
 * other form of it, so a name in quotes or behind a comment is a stranger's.
 */
static bool is_plain(struct span value)
{
	struct span name = span_take(value, span_find(value, ';'));

	return span_find(name, '"') == name.n && span_find(name, '(') == name.n;
}

void policy_facts_results(struct facts *f, const struct settings *s, const struct mms_message *m, struct span me)
{
	bool seen[METHODS] = {false};
	size_t ours = 0;

	if (!s->trusted_results.n || m->bare_cr)
		return;
	for (size_t i = 0; i < m->nfield; i++) {
		struct authres_entry *e;
		size_t n;

		if (m->field[i].cut || !span_caseis(m->field[i].name, "Authentication-Results") || !is_plain(m->field[i].value))
			continue;
		n = authres_read(m->field[i].value, me, f->arena, &e);
		if (n && ours++ == RESULT_FIELDS) {
			policy_facts_too_large(f, "there are more Authentication-Results of our host than are looked at");
			return;
		}
		for (size_t k = 0; k < n; k++)
			put_result(f, s, &e[k], seen);
	}
}

enum { WHOLE_DIGITS = 7 };

/* --- scores ------------------------------------------------------------------------------- */

/* The digits at the beginning of *s. */
static struct span take_digits(struct span *s)
{
	struct span digits = *s;
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	*s = span_skip(*s, n);
	return span_take(digits, n);
}

/* A decimal number at the beginning of *s, in thousandths; more decimals are dropped. */
static bool take_number(struct span *s, int64_t *out)
{
	bool minus = s->n && s->p[0] == '-';
	struct span whole, decimals = {NULL, 0};
	int64_t v;

	if (s->n && (s->p[0] == '-' || s->p[0] == '+'))
		*s = span_skip(*s, 1);
	whole = take_digits(s);
	if (whole.n > WHOLE_DIGITS || !policy_facts_digits(whole, &v))
		return false;
	if (s->n && s->p[0] == '.') {
		*s = span_skip(*s, 1);
		decimals = take_digits(s);
	}
	for (size_t i = 0; i < 3; i++)
		v = v * 10 + (i < decimals.n ? decimals.p[i] - '0' : 0);
	*out = minus ? -v : v;
	return true;
}

/* "7.5", and nothing behind it */
static bool read_score(struct span s, int64_t *out)
{
	return take_number(&s, out) && span_trim(s).n == 0;
}

/* "default: False [7.50 / 15.00]; SYMBOL(1.00)..." */
static bool read_rspamd(struct span s, int64_t *out)
{
	size_t i = span_find(s, '[');

	if (i == s.n || span_find(s, ';') < i)
		return false;
	s = span_skip(s, i + 1);
	return take_number(&s, out) && (s = span_trim(s)).n && s.p[0] == '/';
}

static bool read_yes(struct span s, int64_t *out)
{
	*out = span_caseis(s, "yes");
	return *out || span_caseis(s, "no");
}

/* "Yes, score=5.1 required=5.0 tests=..." */
static bool read_status_flag(struct span s, int64_t *out)
{
	return read_yes(span_trim(span_take(s, span_find(s, ','))), out);
}

static bool read_status_score(struct span s, int64_t *out)
{
	for (size_t i = span_find(s, ','); i < s.n; i++) {
		struct span t = span_skip(s, i);

		if (!span_starts(t, "score="))
			continue;
		t = span_skip(t, 6);
		return span_is_blank(s.p[i - 1]) && take_number(&t, out);
	}
	return false;
}

/* What every field of that name says; false if there is none, one can't be read, or they disagree. */
static bool agreed(const struct mms_message *m, const char *name, bool (*read)(struct span, int64_t *), int64_t *out)
{
	bool found = false;

	for (size_t i = 0; i < m->nfield; i++) {
		int64_t v = 0;

		if (!span_caseis(m->field[i].name, name))
			continue;
		if (m->field[i].cut || !read(span_trim(m->field[i].value), &v) || (found && v != *out))
			return false;
		*out = v;
		found = true;
	}
	return found;
}

/* Two names for one thing: the first that is there, and it alone. */
static void put_number(struct facts *f, enum fact_id id, const struct mms_message *m, const char *const name[2],
	bool (*const read[2])(struct span, int64_t *))
{
	int64_t v = 0;
	size_t k = message_field(m, name[0], 0) ? 0 : 1;

	if (agreed(m, name[k], read[k], &v))
		facts_set_num(f, id, v);
}

void policy_facts_scores(struct facts *f, const struct settings *s, const struct mms_message *m)
{
	static const char *const rspamd[] = {"X-Spamd-Result", "X-Rspamd-Score"}, *const status[] = {"X-Spam-Status", "X-Spam-Score"},
		*const flag[] = {"X-Spam-Flag", "X-Spam-Status"};
	static bool (*const read_result[])(struct span, int64_t *) = {read_rspamd, read_score};
	static bool (*const read_status[])(struct span, int64_t *) = {read_status_score, read_score};
	static bool (*const read_flag[])(struct span, int64_t *) = {read_yes, read_status_flag};
	struct span action;

	if (!m->client || m->bare_cr || !cidr_contains(s->trusted_scores, (const struct sockaddr *)(const void *)&m->client->addr))
		return;
	put_number(f, FACT_RSPAMD_SCORE, m, rspamd, read_result);
	put_number(f, FACT_SPAMASSASSIN_SCORE, m, status, read_status);
	put_number(f, FACT_SPAMASSASSIN_FLAG, m, flag, read_flag);
	if (policy_facts_only(m, message_field(m, "X-Rspamd-Action", 0) ? "X-Rspamd-Action" : "X-Spamd-Action", &action))
		policy_facts_put_text(f, FACT_RSPAMD_ACTION, action);
}
