/*
 * The canonical form of a content (profile.md "msgc"): writes its lines.
 *
 * Entities are written in order, one inside the other, into one text; the
 * length of an entity is put before it when it ends.
 */
#ifndef STIR_CORE_CANONICAL_H
#define STIR_CORE_CANONICAL_H

#include "core/buf.h"
#include "core/contenttype.h"
#include "core/msgi.h"

struct canonical {
	struct buf text;
	bool too_large; /* over LIMIT_CANONICAL_BYTES; the text is cut */
	bool no_memory; /* the text is cut */
	bool unclear;   /* a value with a line feed in it could pass for lines of the form */
};

void canonical_init(struct canonical *c);
void canonical_free(struct canonical *c);

/* "T:" type; an empty type is text/plain. */
void canonical_type(struct canonical *c, struct span type);
/* The "P:" lines; true if one of the parameters written is there twice. */
bool canonical_params(struct canonical *c, const struct contenttype *ct);
/* kind, ":" name ":" value, the value unfolded, its blanks made one, trimmed. */
void canonical_field(struct canonical *c, char kind, const char *name, struct span value);
/* "D:" digest. */
void canonical_digest(struct canonical *c, const struct msgi_value *digest);
/* The entity written from at on has ended: puts "K:" length before it. */
void canonical_kid(struct canonical *c, size_t at);

#endif
