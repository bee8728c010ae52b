/*
 * The content of a message, read as MIME while the body streams by: the digest
 * msgc over its decoded form, and the signer's check whether the body will
 * survive the way (doc/profile.md, "msgc").
 *
 * The walk follows the project's own profile octet for octet, never a MIME
 * library's idea of a message: signer and verifier must agree.  Nothing of a
 * part's content is kept; memory is bounded by core/limits.h.
 */
#ifndef STIR_CORE_CONTENT_H
#define STIR_CORE_CONTENT_H

#include "core/buf.h"
#include "core/msgi.h"

/* Why a body may not reach the other side as it left (bits of content_result.unsafe). */
enum content_unsafe {
	CONTENT_LONG_LINE = 1u << 0,      /* over 990 octets outside a base64 part */
	CONTENT_NUL = 1u << 1,            /* a NUL octet */
	CONTENT_NO_BOUNDARY = 1u << 2,    /* multipart without boundary */
	CONTENT_NOT_CLOSED = 1u << 3,     /* multipart without closing delimiter */
	CONTENT_8BIT_NO_MIME = 1u << 4,   /* 8-bit octets without MIME-Version and Content-Type */
	CONTENT_LONG_PART_LINE = 1u << 5, /* a part-header line over 900 */
	CONTENT_LONG_PARAMETER = 1u << 6  /* a Content-Type parameter over 1000, the top one too */
};

/* Where no digest can be promised or checked. */
enum content_limit {
	CONTENT_WITHIN,
	CONTENT_TOO_DEEP,   /* LIMIT_MIME_DEPTH */
	CONTENT_TOO_MANY,   /* LIMIT_MIME_PARTS */
	CONTENT_TOO_LARGE,  /* a part header, a line's blanks or the canonical form */
	CONTENT_NO_MEMORY,  /* memory, or OpenSSL refused */
	CONTENT_NO_FORM     /* there is no canonical form (profile.md "msgc", rule 2): two Content-Type or
	                     * Content-Transfer-Encoding fields, a doubled listed parameter, a type that can't be
	                     * read, a line feed inside a listed value, a multipart without any part */
};

/* What the walk needs of the message's own header. All spans: unfolded or not, as they came. */
struct content_top {
	struct span content_type;      /* first Content-Type value */
	struct span transfer_encoding; /* first Content-Transfer-Encoding value */
	bool has_content_type;
	bool has_transfer_encoding;
	bool has_mime_version;
	bool doubled;     /* two Content-Type or two Content-Transfer-Encoding fields */
	bool header_8bit; /* a header value holds octets over 0x7F */
};

struct content_result {
	enum content_limit limit; /* not CONTENT_WITHIN: msgc is not set */
	struct msgi_value msgc;   /* always SHA-256 */
	unsigned unsafe;          /* enum content_unsafe, or-ed */
	unsigned long longest_line; /* octets, without CRLF */
	unsigned parts;           /* entities, the top one included */
	unsigned depth;           /* deepest entity; 0 is the top one */
	bool eightbit;            /* an octet over 0x7F in the body */
	/* Two readers may see two messages (profile.md Q6): a header with two
	 * Content-Type or two Content-Transfer-Encoding fields in a part, a
	 * doubled boundary parameter, a decisive parameter in RFC 2231's form, one of these fields with blanks before its
	 * colon, an inner boundary that is also an outer one or a prefix of it, or
	 * base64 that goes on after its padding.  Such content has no form. */
	bool ambiguous;
};

struct content;

/* Gives a walk (content_free() ends it, also half-way), or NULL without memory. Copies what it needs of top. */
struct content *content_begin(const struct content_top *top) MUST_USE;
/* Any number of pieces of any size; body octets with CRLF line ends. */
void content_feed(struct content *c, const void *p, size_t n);
/* After the last octet; once. */
void content_end(struct content *c, struct content_result *out);
/* The canonical form that was hashed, after content_end(); borrowed. For explain and tests. */
struct span content_canonical(const struct content *c);
void content_free(struct content *c); /* NULL is allowed */

/* Names of the bits for logs, "long-line,nul"; "" for 0. */
void content_unsafe_names(struct buf *out, unsigned unsafe);

#endif
