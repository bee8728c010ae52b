/*
 * One message as it is pushed to us: envelope, header fields in order, body by
 * the piece.  The front ends push; verify and sign read.
 *
 * Order of calls: message_begin, message_sender, message_rcpt*,
 * message_header*, message_end_headers, (message_want), message_body*,
 * message_end; message_reset at any point.  The body is not kept unless
 * somebody asks for it: what is wanted of it is said by message_want() before
 * its first octet.
 *
 * Everything a struct mms_message points to is in its arena and ends with
 * message_reset(); digests in progress and a kept body are freed there as well.
 */
#ifndef STIR_CORE_MESSAGE_H
#define STIR_CORE_MESSAGE_H

#include <stdint.h>
#include <sys/socket.h>

#include "core/address.h"
#include "core/arena.h"
#include "core/content.h"
#include "core/limits.h"
#include "core/msgi.h"

/* Who brought it; the front end fills it, all spans outlive the message. */
struct mms_client {
	struct sockaddr_storage addr; /* ss_family AF_UNSPEC when unknown */
	struct span name;             /* as the MTA gave it */
	struct span helo;             /* may be empty */
	struct span listener;         /* {daemon_name}; may be empty */
	struct span auth_user;        /* {auth_authen}; empty: not authenticated */
	struct span tls_version, tls_cipher, tls_bits, tls_subject, tls_issuer; /* {tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}; may be empty */
};

struct header_field {
	struct span name;  /* as it came */
	struct span value; /* one leading space removed, folds kept as LF + blank */
	bool cut;          /* beyond a limit: only the value's beginning is here */
};

/* Names whose fields are kept (cut) even when the header is over its limit,
 * since somebody must be able to delete them all. */
enum { MESSAGE_WATCH_MAX = 4, MESSAGE_WATCH_BYTES = 1024 };

struct mms_rcpt {
	struct span addr;   /* without angle brackets, source route and quotes */
	struct span path;   /* the same with its quotes: who removes a recipient has to say it so */
	struct party party; /* after message_end_headers() */
};

enum message_from {
	MESSAGE_FROM_ONE,      /* exactly one From field with one address */
	MESSAGE_FROM_NONE,     /* no From field, or no address in it */
	MESSAGE_FROM_AMBIGUOUS /* several fields or several addresses, or one that some reader may see */
};

/* Beside 1u << enum msgi_alg.  KEEP: the body's octets, at most LIMIT_KEPT_BODY. */
enum { MESSAGE_WANT_CONTENT = 1u << 8, MESSAGE_WANT_KEEP = 1u << 9 };

struct mms_message {
	struct arena *arena;           /* owned by whoever made the message */
	const struct mms_client *client;
	const struct numberplan *plan; /* may be NULL */
	size_t header_max;             /* bytes of names and values accepted */

	struct span mail_from;         /* without brackets; empty for the null sender */
	struct mms_rcpt *rcpt;         /* an array in the arena */
	size_t nrcpt, rcpt_cap;
	struct header_field *field;    /* in order */
	size_t nfield, field_cap;
	size_t header_bytes;
	bool bare_cr;                  /* a header value with a CR, or an LF that is no fold: readers differ in where fields end */
	bool over_limit;               /* header, recipients or memory: nothing may be promised */
	bool mm4;                      /* the client speaks MM4, by configuration; set by who knows it, before signing or verifying begins */
	const char *watch[MESSAGE_WATCH_MAX];      /* message_watch() */
	size_t watch_total[MESSAGE_WATCH_MAX];     /* fields of that name, also those not kept */

	/* set by message_end_headers() */
	enum message_from from_kind;
	struct party from;             /* MESSAGE_FROM_ONE */
	struct span from_addr;         /* the address behind it */

	/* set by message_want() and the body */
	unsigned want;
	struct msgi_stream raw;
	struct content *content;       /* NULL unless wanted */
	struct content_result content_result; /* after message_end(), if wanted */
	struct buf kept;               /* MESSAGE_WANT_KEEP: the body as it came; empty and failed when it was larger */
	uint64_t body_bytes;
	bool body_says;                /* an octet of it is no white space */
	bool ended;
};

/* m may be uninitialised; takes the arena (already empty) and keeps the pointers. */
void message_init(struct mms_message *m, struct arena *a);
/* Starts a message; whatever was there before must have been reset. */
void message_begin(struct mms_message *m, const struct mms_client *client, const struct numberplan *plan, size_t header_max);
void message_sender(struct mms_message *m, struct span addr);
void message_rcpt(struct mms_message *m, struct span addr);
/* Keep and count fields of this name beyond the limits; name is static. Before the header; at most MESSAGE_WATCH_MAX names. */
void message_watch(struct mms_message *m, const char *name);
/* How many fields of a watched name the message has, kept or not. */
size_t message_watched(const struct mms_message *m, const char *name);
/* name and value as a milter gets them; the value's single leading space is already off. Copies. */
void message_header(struct mms_message *m, struct span name, struct span value);
/* Parses From and the recipients. */
void message_end_headers(struct mms_message *m);
/* What to make of the body: 1u << enum msgi_alg bits, MESSAGE_WANT_CONTENT, MESSAGE_WANT_KEEP. May be called several times before the body. */
void message_want(struct mms_message *m, unsigned want);
void message_body(struct mms_message *m, const void *p, size_t n);
void message_end(struct mms_message *m);
/* Forget everything, at any point, any number of times; resets the arena. */
void message_reset(struct mms_message *m);

/* The nth (from 0) field of that name, or NULL. */
const struct header_field *message_field(const struct mms_message *m, const char *name, size_t nth);
size_t message_field_count(const struct mms_message *m, const char *name);

#endif
