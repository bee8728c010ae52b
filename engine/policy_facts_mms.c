/*
 * The X-Mms fields of MM4 and MM3 (3GPP TS 23.140), and the fields that gateways
 * to mail make of them (RFC 4356).  A value that is none of the standard's, and a
 * field that is there twice and says two things, is as good as absent; but the
 * PDU class is that of the first field, as for everybody (core/mmspdu.h).
 */
#include "config.h"

#include "engine/policy_facts_internal.h"

static void put_word(struct facts *f, enum fact_id id, const struct mms_message *m, const char *name)
{
	struct span v;

	if (policy_facts_only(m, name, &v))
		policy_facts_put_word(f, id, v);
}

/* A type of its own is worth a rule. */
static void put_pdu(struct facts *f, const struct transaction *t)
{
	if (t->pdu.class != MMSPDU_NONE)
		policy_facts_put_word(f, FACT_MMS_PDU, span_cstr(mmspdu_name(t->pdu.class)));
}

/* Not what the header says: what the engine made of it. */
static void put_channel(struct facts *f, const struct transaction *t)
{
	if (t->message.mm4)
		policy_facts_put_word(f, FACT_MMS_CHANNEL, span_cstr("mm4"));
	if (t->scope != ENGINE_REPORT)
		return;
	policy_facts_put_word(f, FACT_MMS_KIND,
			      span_cstr(mmspdu_is_response(t->pdu.class) ? "response" : t->pdu.class == MMSPDU_DELIVERY_REPORT_REQ ? "delivery" : "read"));
	policy_facts_put_word(f, FACT_MMS_REPORT_SAYS, span_cstr(t->message.body_says ? "yes" : "no"));
}

/* A date, or seconds from now. */
static void put_expiry(struct facts *f, const struct mms_message *m, int64_t now)
{
	struct span v;
	int64_t n;

	if (!policy_facts_only(m, "X-Mms-Expiry", &v))
		return;
	if (policy_facts_digits(v, &n))
		facts_set_num(f, FACT_MMS_EXPIRY, n);
	else if (policy_facts_date(v, now, &n))
		facts_set_num(f, FACT_MMS_EXPIRY, n - now);
}

/* --- MM3: what gateways to and from mail leave (RFC 4356) ------------------------------ */

/* The next word outside comments; false at the end, at ';', and at a comment that never ends. */
static bool next_word(struct span *rest, struct span *word)
{
	unsigned depth = 0;
	size_t n = 0;

	while (rest->n && (depth || span_is_blank(rest->p[0]) || rest->p[0] == '(')) {
		depth += rest->p[0] == '(';
		depth -= depth && rest->p[0] == ')';
		*rest = span_skip(*rest, depth && rest->p[0] == '\\' && rest->n > 1 ? 2 : 1);
	}
	while (n < rest->n && !span_is_blank(rest->p[n]) && rest->p[n] != '(' && rest->p[n] != ';')
		n++;
	*word = span_take(*rest, n);
	*rest = span_skip(*rest, n);
	return n > 0;
}

static bool is_with_mms(struct span value)
{
	struct span word;
	bool with = false;

	while (next_word(&value, &word)) {
		if (with && span_caseis(word, "MMS"))
			return true;
		with = span_caseis(word, "with");
	}
	return false;
}

static void put_mm3(struct facts *f, const struct mms_message *m)
{
	int64_t n = 0;

	for (size_t i = 0; i < m->nfield; i++)
		n += span_caseis(m->field[i].name, "Received") && !m->field[i].cut && is_with_mms(m->field[i].value);
	facts_set_num(f, FACT_GATEWAY_HOPS, n);
	put_word(f, FACT_GATEWAY_IMPORTANCE, m, "Importance");
	put_word(f, FACT_GATEWAY_SENSITIVITY, m, "Sensitivity");
	if (message_field(m, "Disposition-Notification-To", 0))
		policy_facts_put_word(f, FACT_GATEWAY_READ_RECEIPT, span_cstr("yes"));
}

void policy_facts_mms(struct facts *f, const struct transaction *t, int64_t now)
{
	const struct mms_message *m = &t->message;
	struct span v;
	int64_t n;

	put_word(f, FACT_MMS_CLASS, m, "X-Mms-Message-Class");
	put_word(f, FACT_MMS_PRIORITY, m, "X-Mms-Priority");
	put_word(f, FACT_MMS_REPORT, m, "X-Mms-Delivery-Report");
	put_word(f, FACT_MMS_READ_REPLY, m, "X-Mms-Read-Reply");
	put_word(f, FACT_MMS_VISIBILITY, m, "X-Mms-Sender-Visibility");
	put_pdu(f, t);
	put_channel(f, t);
	if (policy_facts_only(m, "X-Mms-3GPP-MMS-Version", &v))
		policy_facts_put_text(f, FACT_MMS_VERSION, v);
	if (policy_facts_only(m, "X-Mms-Message-Size", &v) && policy_facts_digits(v, &n))
		facts_set_num(f, FACT_MMS_SIZE, n);
	put_expiry(f, m, now);
	put_mm3(f, m);
}
