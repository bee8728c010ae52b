/*
 * Windows of the day: "daily 21:00..08:00 on mon..fri zone "America/Chicago"".
 * Summer time is the zone's; a window that begins on a listed day may end on the next.
 */
#ifndef STIR_POLICY_WINDOW_H
#define STIR_POLICY_WINDOW_H

#include "policy/ast.h"

struct window; /* opaque, immutable. Any thread. */

/* 0 and *out (window_free()), or -1 after saying why (no such zone). */
int window_make(const struct ast_window *w, struct window **out, struct source_report *report) MUST_USE;
void window_free(struct window *w); /* NULL is allowed */
/* now: seconds since 1970. */
bool window_contains(const struct window *w, int64_t now);

#endif
