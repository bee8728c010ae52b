/*
 * What mimefacts.c, mimefacts_text.c and mimefacts_url.c share; nobody else
 * includes this.
 */
#ifndef STIR_CORE_MIMEFACTS_INTERNAL_H
#define STIR_CORE_MIMEFACTS_INTERNAL_H

#include "core/buf.h"
#include "core/mimefacts.h"

/* One more value; lists double, so n alone says where the room ends. Memory is asked of the arena at the end. */
void mimefacts_push(struct span **list, size_t *n, struct arena *a, struct span value);

/*
 * HTML without its markup, appended to text: tags, comments, scripts and styles
 * go, entities are decoded.  Addresses in href and src are added to out.
 */
void mimefacts_html(struct span html, struct buf *text, struct mimefacts *out, struct arena *a);

/* Addresses of the web in UTF-8 text. */
void mimefacts_urls(struct span text, struct mimefacts *out, struct arena *a);
/* One address, if it is one; scheme: one of http: or https: must be there. */
void mimefacts_url(struct span address, struct mimefacts *out, struct arena *a);

#endif
