/*
 * What an MMS message is by X-Mms-Message-Type (3GPP TS 23.140, 8.4.4), and
 * whether its sender wants to be hidden.
 *
 * Both are what the message says of itself, which anybody can write: whether it
 * came over MM4 at all is said by configuration (mms_message.mm4).
 */
#ifndef STIR_CORE_MMSPDU_H
#define STIR_CORE_MMSPDU_H

#include "core/message.h"

enum mmspdu_class {
	MMSPDU_NONE,  /* no such field, or an empty one */
	MMSPDU_OTHER, /* a value that is not known; mmspdu.value is it */
	MMSPDU_FORWARD_REQ,
	MMSPDU_FORWARD_RES,
	MMSPDU_DELIVERY_REPORT_REQ,
	MMSPDU_DELIVERY_REPORT_RES,
	MMSPDU_READ_REPLY_REPORT_REQ,
	MMSPDU_READ_REPLY_REPORT_RES,
	/* What phones write, and gateways let through. */
	MMSPDU_SEND_REQ,
	MMSPDU_RETRIEVE_CONF,
	MMSPDU_CLASS_COUNT
};
/* none other mm4_forward.req mm4_forward.res ... m-send-req m-retrieve-conf */
const char *mmspdu_name(enum mmspdu_class c);

struct mmspdu {
	enum mmspdu_class class; /* of the first field; the others count for nothing */
	struct span value;       /* as it came, trimmed; borrowed from the message; may be empty */
	bool disputed;           /* another field says something else, or one was seen only in part: somebody may read another class */
};

/* Of one value: the whole of it, in any case; nothing is taken off but blanks at both ends. */
enum mmspdu_class mmspdu_class(struct span value);
/* After the header is in. */
void mmspdu_read(const struct mms_message *m, struct mmspdu *out);

/* MM4 delivery and read-reply reports: they have a recipient, and no user wrote them. */
bool mmspdu_is_report(enum mmspdu_class c);
/* MM4 responses: from system to system. */
bool mmspdu_is_response(enum mmspdu_class c);
/* Does it claim to be of MM4, known or not? */
bool mmspdu_claims_mm4(const struct mmspdu *p);

/* Does a field X-Mms-Sender-Visibility say Hide?  Of several, one is enough. */
bool mmspdu_hides_sender(const struct mms_message *m);

#endif
