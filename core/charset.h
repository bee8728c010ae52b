/*
 * Character sets of mail, turned into UTF-8.
 *
 * A fixed list: a message must not choose which conversion module of the C
 * library gets loaded, nor which names GMime remembers for ever (it keeps every
 * name it was ever asked for).
 */
#ifndef STIR_CORE_CHARSET_H
#define STIR_CORE_CHARSET_H

#include "core/buf.h"

/* The name iconv knows it by, "UTF-8" for US-ASCII, too; NULL when it isn't in the list. Case is ignored. */
const char *charset_iconv_name(struct span name);

/*
 * Append the text as UTF-8.  What can't be decoded becomes U+FFFD, and so does
 * NUL; of an unknown charset (empty name: UTF-8) every octet that is not ASCII.
 * Always valid UTF-8; 0, or -1 when out is full (it then holds the beginning).
 */
int charset_to_utf8(struct buf *out, struct span name, struct span text);

/*
 * May GMime see this value with parameters (Content-Type and its like, CR and LF
 * already gone)?  True if every charset an encoded word (RFC 2047) or an extended
 * parameter (RFC 2231) could name is in the list; odd values are refused.
 */
bool charset_parameters_known(struct span value);

/*
 * A header value for people, in UTF-8: unfolded, encoded words decoded where
 * all their charsets are known, controls as spaces.  Appends to out; 0, or -1:
 * longer than CHARSET_VALUE_MAX, or out is full.
 */
enum { CHARSET_VALUE_MAX = 4096 };
int charset_header_text(struct buf *out, struct span value);

#endif
