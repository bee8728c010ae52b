/*
 * What was found, as a line for people and as JSON for programs.
 */
#ifndef STIR_CTL_PRINT_H
#define STIR_CTL_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "ctl/run.h"

enum { PRINT_TIME_BYTES = 40, PRINT_AGE_BYTES = 40 };

/* "2026-11-24 16:57:24 UTC", or the bare number when it is no date. */
const char *print_time(char out[PRINT_TIME_BYTES], int64_t t);
/* "3 s", "2 min", "5 h", "16 days"; the sign is dropped. */
const char *print_age(char out[PRINT_AGE_BYTES], int64_t seconds);
/* Wire text on one line: everything but printable ASCII as \xHH, at most max octets. */
void print_quoted(FILE *f, struct span s, size_t max);
/* "+15551230001", or the URI. */
void print_party(FILE *f, const struct party *p);

/* Column titles, for a terminal. */
void print_titles(FILE *f);
/* One verified message. */
void print_line(FILE *f, const struct run *r, const struct mail *m, bool colour);
/* The same as one line of JSON (design: verify --json). 0 / -1 without memory. */
int print_json(FILE *f, const struct run *r, const struct mail *m) MUST_USE;
/* With one member more; takes over value, which may be NULL (then it fails). */
int print_json_with(FILE *f, const struct run *r, const struct mail *m, const char *key, json_t *value) MUST_USE;

#endif
