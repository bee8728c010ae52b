/*
 * One connection of the MTA, and the message it has in hand.
 *
 * Between messages a session is a few strings; arena and engine come with MAIL
 * and go with the message's end.  Every call may come at any time and any
 * number of times: what makes no sense then is ignored.
 *
 * Threads: libmilter calls for one connection from changing threads, never two
 * at once.
 */
#ifndef STIR_MILTER_SESSION_H
#define STIR_MILTER_SESSION_H

#include "engine/engine.h"

enum { SESSION_ID_BYTES = 32 };

struct session {
	struct engine *engine; /* of the message in hand; NULL between messages */
	struct transaction t;  /* valid while engine is set */
	bool in_body;          /* engine_headers() was called */
	bool lacking;          /* a fact of the client was lost for want of memory */
	unsigned cannot;       /* what the MTA does not let us do: bits 1u << enum verdict_action */
	struct mms_client client;
	char id[SESSION_ID_BYTES];
	/* owned, behind client and mta_name */
	char *name, *helo, *listener, *mta, *auth_user;
	char *tls_version, *tls_cipher, *tls_bits, *tls_subject, *tls_issuer;
};

/* What the MTA knows of the client when a message begins; each may be NULL. */
struct session_login {
	const char *auth_user;
	const char *tls_version, *tls_cipher, *tls_bits;
	const char *tls_subject, *tls_issuer; /* of a certificate that the MTA has verified */
};

/* NULL without memory. */
struct session *session_new(void) MUST_USE;
/* For the log: when the process started and which connection since, in hexadecimal. */
struct span session_id(const struct session *s);
/* Ends the message in hand, too. NULL is allowed. */
void session_free(struct session *s);

/* Who is there; each may be NULL. */
void session_connect(struct session *s, const char *name, const struct sockaddr *addr, const char *listener, const char *mta);

/* May come again, after STARTTLS. */
void session_helo(struct session *s, const char *helo);

/* Starts a message, ending one that was still in hand. 0, or -1: no memory, or stopping. */
int session_mail(struct session *s, const char *from, const struct session_login *login) MUST_USE;
void session_rcpt(struct session *s, const char *addr);
void session_header(struct session *s, const char *name, const char *value);
void session_eoh(struct session *s);
void session_body(struct session *s, const void *p, size_t n);
/* The verdict is then in t.verdict. now: seconds since 1970; queue_id outlives the message. */
void session_eom(struct session *s, const char *queue_id, int64_t now);
/* Forgets the message in hand. */
void session_end(struct session *s);

bool session_in_message(const struct session *s);

/* Of the whole process, for draining and statistics; any thread. */
struct session_count {
	unsigned connections; /* open now */
	unsigned in_hand;     /* messages between MAIL and their end */
	unsigned long begun;  /* messages since the start */
};
struct session_count session_count(void);

#endif
