/*
 * What envelope and header say, which anybody can write.
 */
#include "config.h"

#include "core/charset.h"
#include "engine/policy_facts_internal.h"

/* --- the envelope ------------------------------------------------------------------- */

void policy_facts_envelope(struct facts *f, const struct mms_message *m)
{
	policy_facts_put_lower(f, FACT_SENDER_ADDRESS, m->mail_from);
	policy_facts_put_domain(f, FACT_SENDER_DOMAIN, m->mail_from);
	facts_set_num(f, FACT_RCPT_COUNT, (int64_t)m->nrcpt);
	facts_empty(f, FACT_RCPT_TN);
	facts_empty(f, FACT_RCPT_ADDRESS);
	facts_empty(f, FACT_RCPT_DOMAIN);
	if (m->nrcpt > FACTS_LIST_MAX)
		policy_facts_too_large(f, "there are more recipients than are looked at");
	for (size_t i = 0; i < m->nrcpt && i < FACTS_LIST_MAX; i++) {
		const struct mms_rcpt *r = &m->rcpt[i];

		if (r->party.kind == PARTY_TN)
			facts_add_tn(f, FACT_RCPT_TN, &r->party.tn);
		policy_facts_put_lower(f, FACT_RCPT_ADDRESS, r->addr);
		policy_facts_put_domain(f, FACT_RCPT_DOMAIN, r->addr);
	}
}

/* --- From ------------------------------------------------------------------------------ */

static const char *orig_kind(const struct mms_message *m)
{
	if (m->from_kind == MESSAGE_FROM_AMBIGUOUS)
		return "several";
	if (m->from_kind == MESSAGE_FROM_NONE || m->from.kind == PARTY_NONE)
		return "none";
	return m->from.kind == PARTY_TN ? "tn" : "address";
}

static void put_orig(struct facts *f, const struct mms_message *m)
{
	policy_facts_put_word(f, FACT_ORIG_KIND, span_cstr(orig_kind(m)));
	if (m->from_kind != MESSAGE_FROM_ONE)
		return;
	if (m->from.kind == PARTY_TN)
		facts_set_tn(f, FACT_ORIG_TN, &m->from.tn);
	policy_facts_put_lower(f, FACT_ORIG_ADDRESS, m->from_addr);
	policy_facts_put_domain(f, FACT_ORIG_DOMAIN, m->from_addr);
}

/* --- To and Cc ---------------------------------------------------------------------------- */

/* How many addresses of the field are looked at; left: of all fields. */
static size_t put_dest(struct facts *f, const struct mms_message *m, struct span value, size_t left)
{
	struct span *addr;
	bool truncated;
	size_t n = address_list(value, f->arena, &addr, &truncated), used = 0;

	if (truncated)
		policy_facts_too_large(f, "there are more addresses in To and Cc than are looked at");
	for (size_t i = 0; i < n; i++) {
		struct party p;

		if (!addr[i].n)
			continue;
		if (used == left) {
			policy_facts_too_large(f, "there are more addresses in To and Cc than are looked at");
			break;
		}
		used++;
		party_from_address(m->plan, addr[i], f->arena, &p);
		if (p.kind == PARTY_TN)
			facts_add_tn(f, FACT_DEST_TN, &p.tn);
		policy_facts_put_lower(f, FACT_DEST_ADDRESS, addr[i]);
		policy_facts_put_domain(f, FACT_DEST_DOMAIN, addr[i]);
	}
	return used;
}

void policy_facts_to(struct facts *f, const struct mms_message *m)
{
	size_t n = 0;

	f->worked_out |= FACT_NEED_TO;
	facts_empty(f, FACT_DEST_TN);
	facts_empty(f, FACT_DEST_ADDRESS);
	facts_empty(f, FACT_DEST_DOMAIN);
	for (size_t i = 0; i < m->nfield && !arena_overflowed(f->arena); i++) {
		const struct header_field *h = &m->field[i];

		if (!h->cut && (span_caseis(h->name, "To") || span_caseis(h->name, "Cc")))
			n += put_dest(f, m, h->value, FACTS_LIST_MAX - n);
	}
	facts_set_num(f, FACT_DEST_COUNT, (int64_t)n);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void put_subject(struct facts *f, const struct mms_message *m)
{
	const struct header_field *h = message_field(m, "Subject", 0);
	struct buf text;

	if (!h || h->cut)
		return;
	buf_init(&text, 4 * CHARSET_VALUE_MAX);
	if (charset_header_text(&text, h->value))
		policy_facts_too_large(f, "the subject is longer than is looked at");
	else
		policy_facts_put_text(f, FACT_SUBJECT, arena_copy(f->arena, buf_span(&text)));
	buf_free(&text);
}

void policy_facts_header(struct facts *f, const struct mms_message *m, int64_t now)
{
	const struct header_field *id = message_field(m, "Message-ID", 0);
	struct span date;
	int64_t then;

	put_orig(f, m);
	put_subject(f, m);
	if (id && !id->cut)
		policy_facts_put_text(f, FACT_MESSAGE_ID, span_trim(id->value));
	if (policy_facts_only(m, "Date", &date) && policy_facts_date(date, now, &then))
		facts_set_num(f, FACT_MESSAGE_AGE, now - then);
	facts_set_num(f, FACT_MESSAGE_SIZE, (int64_t)m->body_bytes);
	facts_set_num(f, FACT_HEADER_COUNT, (int64_t)m->nfield);
	facts_set_num(f, FACT_RECEIVED_COUNT, (int64_t)message_field_count(m, "Received"));
}
