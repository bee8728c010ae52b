/*
 * The digest of one leaf's content (profile.md "msgc", rule 5): transfer
 * decoding, the rule for the line ends of text, SHA-256.
 */
#ifndef STIR_CORE_LEAF_H
#define STIR_CORE_LEAF_H

#include "core/msgi.h"
#include "core/transfer.h"

/* Plain, about 8 KB; zeroed before its first use. */
struct leaf {
	struct transfer transfer; /* transfer.failed: too many blanks in a row */
	/* private from here */
	struct msgi_stream hash;
	bool text;
	bool cr;            /* a CR whose next octet is not known */
	bool any;           /* the text has octets beside line ends */
	unsigned long eols; /* line ends not given: they go at the end of the text */
	size_t n;
	char out[4096];
};

void leaf_begin(struct leaf *l, enum transfer_kind kind, bool text);
/* Octets of the content, and a CRLF in it. */
void leaf_data(struct leaf *l, const char *p, size_t n);
void leaf_eol(struct leaf *l);
/* 0 / -1 (OpenSSL refused). */
int leaf_end(struct leaf *l, struct msgi_value *out) MUST_USE;
/* Safe on a zeroed struct and twice. */
void leaf_free(struct leaf *l);

#endif
