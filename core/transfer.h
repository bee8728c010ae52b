/*
 * Streaming decoders of MIME transfer encodings, lenient by rule
 * (doc/profile.md "msgc", rule 5): what two MTAs made of the same part must
 * decode to the same octets.
 *
 * base64            octets outside the alphabet are skipped, the first '=' ends
 *                   the data, a single left-over character is dropped
 * quoted-printable  blanks at the end of a line go, soft line breaks go, a '='
 *                   that is no valid escape stays as it is
 * identity          7bit, 8bit, binary, and anything unknown
 */
#ifndef STIR_CORE_TRANSFER_H
#define STIR_CORE_TRANSFER_H

#include "core/limits.h"
#include "core/span.h"

enum transfer_kind { TRANSFER_IDENTITY, TRANSFER_BASE64, TRANSFER_QP };

/* From a Content-Transfer-Encoding value (blanks around it and case ignored). */
enum transfer_kind transfer_kind(struct span value);

typedef void transfer_sink(void *ctx, const void *p, size_t n);

enum { TRANSFER_BLANKS_MAX = LIMIT_QP_BLANKS };

/* Plain; about 4 KB, because of the blanks held back. */
struct transfer {
	enum transfer_kind kind;
	transfer_sink *sink;
	void *ctx;
	bool odd;    /* base64 with octets that don't belong, wrong padding, or more after it: readers differ in what they decode */
	bool failed; /* more than TRANSFER_BLANKS_MAX blanks before a line end */
	/* private from here */
	bool ended;         /* base64: the first '=' was seen */
	unsigned rest;      /* base64: characters after the last whole group */
	size_t pad;         /* base64: how many '=' came */
	bool cr;            /* quoted-printable: a CR whose next octet is not known */
	unsigned char nesc; /* octets of an escape begun: '=', '=' and a digit */
	char digit;
	size_t run;         /* base64: how far it was to the last line end */
	size_t nheld;
	char held[TRANSFER_BLANKS_MAX]; /* blanks, or base64 not yet decoded */
};

void transfer_begin(struct transfer *t, enum transfer_kind kind, transfer_sink *sink, void *ctx);
void transfer_feed(struct transfer *t, const void *p, size_t n);
void transfer_end(struct transfer *t);

#endif
