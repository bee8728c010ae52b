/*
 * Between the files of the probe's reader.
 */
#ifndef STIR_CTL_PROBE_INTERNAL_H
#define STIR_CTL_PROBE_INTERNAL_H

#include "ctl/probe.h"

#define PROBE_FACTS "X-STIR-Probe-Facts"
#define PROBE_IDENTITY "X-STIR-Probe-Identity"

/* One more of that kind at that place; place may be NULL. Those of one kind and place are one, counted. detail: of the first. */
void probe_add(struct probe *p, enum probe_change c, struct span where, struct span detail);
void probe_add_at(struct probe *p, enum probe_change c, struct span where, struct span detail, struct span sent, size_t offset, unsigned long count);
/* Lines before that octet, plus one. */
unsigned long probe_line_of(struct span text, size_t at);

/* The fields, header against header; arrived_body is where lost ones are looked for. */
void probe_head(struct probe *p, struct span sent, struct span arrived, struct span arrived_body);
/* The parts; heads as above, bodies with CRLF. */
void probe_body(struct probe *p, const struct probe_make *made, struct span arrived_head, struct span arrived_body);
/* From, recipients, delay. */
void probe_way(struct probe *p, const struct probe_setup *s, struct span arrived_head);

#endif
