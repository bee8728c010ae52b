/*
 * The order in which the facts of a message are filled, what its client and our
 * own failures add, and the small tools of the pieces.
 *
 * What each fact means is in policy/fact.def; what follows from it is the
 * policy's.
 */
#include "config.h"

#include "engine/policy_facts.h"

#include <netinet/in.h>

#include <gmime/gmime.h>

#include "engine/policy_facts_internal.h"

enum { DATE_MAX = 100 /* octets; with comments most have 40 */, HOST_MAX = 255, DIGITS_MAX = 12 };

/* --- setting ---------------------------------------------------------------------- */

static void put(struct facts *f, enum fact_id id, struct span text)
{
	if (fact_row(id)->list)
		facts_add_text(f, id, text);
	else
		facts_set_text(f, id, text);
}

static bool lower(struct facts *f, struct span s, struct span *out)
{
	char *p = arena_alloc(f->arena, s.n);

	if (!p) {
		facts_incomplete(f, "no memory for a text");
		return false;
	}
	for (size_t i = 0; i < s.n; i++)
		p[i] = span_lower(s.p[i]);
	*out = span_make(p, s.n);
	return true;
}

void policy_facts_too_large(struct facts *f, const char *why)
{
	facts_incomplete(f, why);
	policy_facts_put_word(f, FACT_FAILURE, span_cstr("toolarge"));
}

void policy_facts_put_text(struct facts *f, enum fact_id id, struct span text)
{
	if (text.n)
		put(f, id, text);
}

void policy_facts_put_lower(struct facts *f, enum fact_id id, struct span text)
{
	if (text.n && lower(f, text, &text))
		put(f, id, text);
}

void policy_facts_put_host(struct facts *f, enum fact_id id, struct span host)
{
	while (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n && host.n <= HOST_MAX && lower(f, host, &host))
		put(f, id, host);
}

void policy_facts_put_domain(struct facts *f, enum fact_id id, struct span address)
{
	struct span local, domain;

	address_split(address, &local, &domain);
	policy_facts_put_host(f, id, domain);
}

void policy_facts_put_word(struct facts *f, enum fact_id id, struct span word)
{
	const char *const *w = fact_row(id)->word;

	for (int i = 0; w[i]; i++)
		if (span_caseis(word, w[i]))
			facts_set_num(f, id, i);
}

/* --- reading ---------------------------------------------------------------------- */

bool policy_facts_only(const struct mms_message *m, const char *name, struct span *value)
{
	bool found = false;

	for (size_t i = 0; i < m->nfield; i++) {
		struct span v = span_trim(m->field[i].value);

		if (!span_caseis(m->field[i].name, name))
			continue;
		if (m->field[i].cut || (found && !span_caseeq(v, *value)))
			return false;
		*value = v;
		found = true;
	}
	return found && value->n;
}

bool policy_facts_digits(struct span s, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.n && i < DIGITS_MAX; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*out = *out * 10 + (s.p[i] - '0');
	}
	return s.n > 0 && s.n <= DIGITS_MAX;
}

bool policy_facts_date(struct span s, int64_t now, int64_t *out)
{
	static const int64_t century = INT64_C(36525) * 86400;
	char text[DATE_MAX + 1];
	GDateTime *date;

	if (s.n > DATE_MAX || !s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		text[i] = (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i];
	text[s.n] = '\0';
	date = g_mime_utils_header_decode_date(text);
	if (!date)
		return false;
	*out = g_date_time_to_unix(date);
	g_date_time_unref(date);
	return *out > 0 && *out - now < century;
}

/* --- who brought it ----------------------------------------------------------------- */

static void put_address(struct facts *f, const struct sockaddr_storage *ss)
{
	struct facts_addr a = {{0}};

	if (ss->ss_family == AF_INET6) {
		memcpy(a.b, &((const struct sockaddr_in6 *)(const void *)ss)->sin6_addr, sizeof a.b);
	} else if (ss->ss_family == AF_INET) {
		a.b[10] = a.b[11] = 0xFF;
		memcpy(a.b + 12, &((const struct sockaddr_in *)(const void *)ss)->sin_addr, 4);
	} else {
		return;
	}
	facts_set_addr(f, FACT_CLIENT, &a);
}

static void put_client(struct facts *f, const struct mms_client *c)
{
	int64_t bits;

	if (!c)
		return;
	put_address(f, &c->addr);
	/* "[192.0.2.1]" is what an MTA says of a client without a name, "unknown" what Postfix does. */
	if (c->name.n && c->name.p[0] != '[' && !span_caseis(c->name, "unknown"))
		policy_facts_put_host(f, FACT_CLIENT_NAME, c->name);
	policy_facts_put_host(f, FACT_HELO, c->helo);
	policy_facts_put_text(f, FACT_LISTENER, c->listener);
	policy_facts_put_text(f, FACT_AUTH_USER, c->auth_user);
	policy_facts_put_text(f, FACT_TLS_VERSION, c->tls_version);
	policy_facts_put_text(f, FACT_TLS_CIPHER, c->tls_cipher);
	policy_facts_put_text(f, FACT_TLS_SUBJECT, c->tls_subject);
	policy_facts_put_text(f, FACT_TLS_ISSUER, c->tls_issuer);
	if (policy_facts_digits(c->tls_bits, &bits))
		facts_set_num(f, FACT_TLS_BITS, bits);
}

/* --- what failed ---------------------------------------------------------------------- */

static bool kept_too_large(const struct mms_message *m)
{
	return m->kept.failed && m->body_bytes > LIMIT_KEPT_BODY;
}

/* What a message over a limit makes of the verification is no failure of ours. */
static bool is_internal(const struct transaction *t)
{
	const struct mms_message *m = &t->message;

	return arena_overflowed(t->arena) || (t->result.reason == STIR_NO_RESOURCE && !m->over_limit) || (m->kept.failed && !kept_too_large(m));
}

/* The most serious one; timeout is the policy's to set. */
static void put_failure(struct facts *f, const struct transaction *t, bool too_large)
{
	enum stir_word word = stir_reason_word(t->result.reason);
	const struct {
		bool there;
		const char *word;
	} table[] = {
		{is_internal(t), "internal"},
		{t->overloaded, "overload"},
		{too_large || t->message.over_limit || kept_too_large(&t->message) || facts_present(f, FACT_FAILURE), "toolarge"},
		{word == STIR_WORD_TEMPERROR, "temperror"},
		{word == STIR_WORD_PERMERROR, "malformed"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].there) {
			policy_facts_put_word(f, FACT_FAILURE, span_cstr(table[i].word));
			return;
		}
}

void policy_facts_fill(struct facts *f, const struct settings *s, const struct transaction *t, unsigned needs, int64_t now)
{
	const struct mms_message *m = &t->message;
	bool too_large = false;

	policy_facts_verification(f, t, now);
	put_client(f, m->client);
	policy_facts_envelope(f, m);
	policy_facts_header(f, m, now);
	policy_facts_mms(f, t, now);
	policy_facts_results(f, s, m, s->authserv_id ? span_cstr(s->authserv_id) : t->mta_name);
	policy_facts_scores(f, s, m);
	if (needs & FACT_NEED_TO)
		policy_facts_to(f, m);
	if (needs & (FACT_NEED_CONTENT | FACT_NEED_TEXT))
		too_large = !policy_facts_content(f, m, (needs & FACT_NEED_TEXT) != 0);
	put_failure(f, t, too_large);
	if (m->over_limit)
		facts_incomplete(f, "the header or the envelope is larger than is looked at");
	if (arena_overflowed(t->arena))
		facts_incomplete(f, "no memory for all facts");
}
