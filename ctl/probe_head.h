/*
 * Two values of one field: what happened to the first on the way to be the second?
 */
#ifndef STIR_CTL_PROBE_HEAD_H
#define STIR_CTL_PROBE_HEAD_H

#include "ctl/probe.h"

/* Values as they stand, with their folds, LF or CRLF. */
enum probe_field_state probe_head_compare(struct span sent, struct span arrived);

#endif
