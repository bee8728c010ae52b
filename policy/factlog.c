/*
 * Which facts name people.
 *
 * Lines are made by factlog_write.c and read by factlog_read.c.
 */
#include "config.h"

#include "policy/factlog_internal.h"

bool factlog_is_personal(enum fact_id id)
{
	switch (id) {
	case FACT_ORIG_ADDRESS:
	case FACT_DEST_ADDRESS:
	case FACT_RCPT_ADDRESS:
	case FACT_SENDER_ADDRESS:
	case FACT_MESSAGE_ID:
	case FACT_AUTH_USER:
		return true;
	default:
		return fact_row(id)->type == FACT_TYPE_TN;
	}
}

/* Seven digits are a telephone number wherever they stand. */
static bool has_number(struct span s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n && digits < TN_MIN_E164; i++)
		digits = s.p[i] >= '0' && s.p[i] <= '9' ? digits + 1 : 0;
	return digits >= TN_MIN_E164;
}

bool factlog_names_person(enum fact_id id, struct span s)
{
	if (id == FACT_AUTH_USER)
		return span_find(s, '@') < s.n || has_number(s);
	return factlog_is_personal(id);
}

bool factlog_is_content(enum fact_id id)
{
	switch (id) {
	case FACT_TEXT_BODY:
	case FACT_URL:
	case FACT_SUBJECT:
	case FACT_MIME_NAME:
	/* a certificate for one number has it in its CN */
	case FACT_SIGNER_SUBJECT:
		return true;
	default:
		return false;
	}
}

bool factlog_is_pseudonym(struct span s)
{
	if (s.n != PSEUDONYM_BYTES || s.p[0] != '~')
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}
