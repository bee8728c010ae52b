/*
 * What is in a body: types, names, charsets, text, URLs.  For policy only;
 * nothing of it is hashed or verified.
 *
 * The body is cut into its parts by core/mimewalk.h, since GMime's parser takes
 * seconds and gigabytes for a small body made for that, and ends the process
 * for an address field made for that; GMime reads file names, iconv the text.
 *
 * Bounded: LIMIT_MIME_DEPTH, LIMIT_MIME_PARTS, LIMIT_PART_HEADER_BYTES (beyond
 * them the structure isn't read at all), MIMEFACTS_TEXT_MAX octets of text,
 * MIMEFACTS_URLS_MAX addresses; whatever is beyond sets incomplete.
 */
#ifndef STIR_CORE_MIMEFACTS_H
#define STIR_CORE_MIMEFACTS_H

#include <stdint.h>

#include "core/arena.h"

enum { MIMEFACTS_TEXT_MAX = 256 * 1024, MIMEFACTS_URLS_MAX = 200, MIMEFACTS_URL_BYTES = 2048 };

struct mimefacts {
	bool structure;           /* the body was within the limits of a structure; else nothing below is set */
	size_t count, depth;      /* leaf parts; nesting, 0 for a body that is one part */
	uint64_t largest;         /* octets of the largest leaf, decoded */
	struct span *type, *name, *charset; /* lower case; names decoded (RFC 2231, 2047) where their charset is known, else as they came;
	                                     * charset only of text parts that say one */
	size_t ntype, nname, ncharset;
	/* with text */
	struct span *text;        /* each text part in UTF-8, HTML without markup */
	size_t ntext;
	uint64_t text_size;       /* octets of all of them */
	struct span *url, *host;  /* each address once, as it stands in text or HTML; one host for each, lower case, A-labels */
	size_t nurl;
	bool incomplete;
};

/*
 * content_type, transfer_encoding: the top header's values, empty when absent.
 * text: also decode text and look for URLs: http://, https://, "www." and
 * words like host.example/path.
 * Everything is in the arena. 0 / -1 without memory.
 */
int mimefacts_read(struct span content_type, struct span transfer_encoding, struct span body, bool text, struct arena *a, struct mimefacts *out) MUST_USE;

#endif
