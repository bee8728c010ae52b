/*
 * What became of a probe, as a table for people and as JSON for programs.
 */
#ifndef STIR_CTL_PROBE_PRINT_H
#define STIR_CTL_PROBE_PRINT_H

#include "ctl/probe.h"

void probe_print(FILE *f, const struct probe *p, const struct mail *m);
/* One line of JSON. 0 / -1 without memory. */
int probe_print_json(FILE *f, const struct probe *p, const struct mail *m) MUST_USE;

#endif
