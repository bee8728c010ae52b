/*
 * Who brought a stored message: what --env says the SMTP session would have
 * said, else what Postfix wrote into the topmost Received field.
 */
#ifndef STIR_CTL_POLICY_SESSION_H
#define STIR_CTL_POLICY_SESSION_H

#include "core/message.h"
#include "ctl/mail.h"

struct policy_session {
	struct mms_client given; /* spans are borrowed from the command line */
	bool client, name, helo; /* given by --env */
};

void policy_session_init(struct policy_session *s);
/*
 * "client=192.0.2.9,helo=x,tls.subject=CN=a,O=b": a comma ends a value only
 * before another lower-case key and its '='.  May be called several times; a key
 * twice is an error.  0, or -1 and *e.
 */
int policy_session_parse(struct policy_session *s, const char *text, struct err *e) MUST_USE;
/*
 * Without a client of --env: "from HELO (NAME [ADDRESS])" of the topmost
 * Received tells address, name and HELO, as far as they are not given; a
 * Received of any other form tells nothing.  Strings are in the arena.
 */
void policy_session_client(const struct policy_session *s, const struct mail *m, struct arena *a, struct mms_client *out);

#endif
