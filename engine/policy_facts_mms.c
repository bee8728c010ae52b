/*
 * The X-Mms fields of MM4 and MM3 (3GPP TS 23.140).  A value that is none of
 * the standard's, and a field that is there twice and says two things, is as
 * good as absent.
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
static void put_pdu(struct facts *f, const struct mms_message *m)
{
	struct span v;

	if (!policy_facts_only(m, "X-Mms-Message-Type", &v))
		return;
	policy_facts_put_word(f, FACT_MMS_PDU, span_cstr("other"));
	policy_facts_put_word(f, FACT_MMS_PDU, v);
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

void policy_facts_mms(struct facts *f, const struct mms_message *m, int64_t now)
{
	struct span v;
	int64_t n;

	put_word(f, FACT_MMS_CLASS, m, "X-Mms-Message-Class");
	put_word(f, FACT_MMS_PRIORITY, m, "X-Mms-Priority");
	put_word(f, FACT_MMS_REPORT, m, "X-Mms-Delivery-Report");
	put_word(f, FACT_MMS_READ_REPLY, m, "X-Mms-Read-Reply");
	put_word(f, FACT_MMS_VISIBILITY, m, "X-Mms-Sender-Visibility");
	put_pdu(f, m);
	if (policy_facts_only(m, "X-Mms-3GPP-MMS-Version", &v))
		policy_facts_put_text(f, FACT_MMS_VERSION, v);
	if (policy_facts_only(m, "X-Mms-Message-Size", &v) && policy_facts_digits(v, &n))
		facts_set_num(f, FACT_MMS_SIZE, n);
	put_expiry(f, m, now);
}
