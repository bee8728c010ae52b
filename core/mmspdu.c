/*
 * Reads the two X-Mms fields that decide what is done with a message.
 *
 * Strict: a class exempts from being judged, so what only looks like one is
 * another.  What follows from a class is the signer's and the engine's.
 */
#include "config.h"

#include "core/mmspdu.h"

static const char *const names[MMSPDU_CLASS_COUNT] = {
	[MMSPDU_NONE] = "none",
	[MMSPDU_OTHER] = "other",
	[MMSPDU_FORWARD_REQ] = "mm4_forward.req",
	[MMSPDU_FORWARD_RES] = "mm4_forward.res",
	[MMSPDU_DELIVERY_REPORT_REQ] = "mm4_delivery_report.req",
	[MMSPDU_DELIVERY_REPORT_RES] = "mm4_delivery_report.res",
	[MMSPDU_READ_REPLY_REPORT_REQ] = "mm4_read_reply_report.req",
	[MMSPDU_READ_REPLY_REPORT_RES] = "mm4_read_reply_report.res",
	[MMSPDU_SEND_REQ] = "m-send-req",
	[MMSPDU_RETRIEVE_CONF] = "m-retrieve-conf",
};

const char *mmspdu_name(enum mmspdu_class c)
{
	return names[c];
}

enum mmspdu_class mmspdu_class(struct span value)
{
	value = span_trim(value);
	for (unsigned c = MMSPDU_FORWARD_REQ; c < MMSPDU_CLASS_COUNT; c++)
		if (span_caseis(value, names[c]))
			return (enum mmspdu_class)c;
	return value.n ? MMSPDU_OTHER : MMSPDU_NONE;
}

void mmspdu_read(const struct mms_message *m, struct mmspdu *out)
{
	bool found = false;

	*out = (struct mmspdu){.class = MMSPDU_NONE};
	for (size_t i = 0; i < m->nfield; i++) {
		const struct header_field *f = &m->field[i];
		struct span v;

		if (!span_caseis(f->name, "X-Mms-Message-Type"))
			continue;
		v = span_trim(f->value);
		if (!found) {
			out->class = mmspdu_class(v);
			out->value = v;
		}
		out->disputed = out->disputed || f->cut || (found && !span_caseeq(v, out->value));
		found = true;
	}
}

bool mmspdu_is_report(enum mmspdu_class c)
{
	return c == MMSPDU_DELIVERY_REPORT_REQ || c == MMSPDU_READ_REPLY_REPORT_REQ;
}

bool mmspdu_is_response(enum mmspdu_class c)
{
	return c == MMSPDU_FORWARD_RES || c == MMSPDU_DELIVERY_REPORT_RES || c == MMSPDU_READ_REPLY_REPORT_RES;
}

bool mmspdu_claims_mm4(const struct mmspdu *p)
{
	return span_casestarts(p->value, "MM4_");
}

bool mmspdu_hides_sender(const struct mms_message *m)
{
	for (size_t i = 0; i < m->nfield; i++)
		if (span_caseis(m->field[i].name, "X-Mms-Sender-Visibility") && span_caseis(span_trim(m->field[i].value), "Hide"))
			return true;
	return false;
}
