/*
 * Entries of evidence by their token.  For stirctl; one thread.
 *
 * A path is a file, or a folder of them; the files stay open.
 */
#ifndef STIR_ENGINE_EVIDENCE_BOOK_H
#define STIR_ENGINE_EVIDENCE_BOOK_H

#include "engine/evidence_line.h"

struct evidence_book; /* opaque */

/* Looks through all of it once. Gives *out (evidence_book_close()), or -1 and *e. */
int evidence_book_open(const char *path, struct evidence_book **out, struct err *e) MUST_USE;
void evidence_book_close(struct evidence_book *b); /* NULL is allowed */
size_t evidence_book_count(const struct evidence_book *b);
/* Lines that were passed over. */
size_t evidence_book_faults(const struct evidence_book *b);

/*
 * The entry of that token, with its chain_pem.  Of several the first with that
 * message_id (as printable_put() writes it; may be empty), else the first.
 * 1 and *out (evidence_line_free()) and how many there are; 0; -1 and *e.
 */
int evidence_book_find(struct evidence_book *b, struct span token, struct span message_id, struct evidence_line *out, size_t *several, struct err *e) MUST_USE;

#endif
