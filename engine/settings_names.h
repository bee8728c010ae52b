/*
 * Names of settings that operators know from elsewhere (OpenDKIM, OpenDMARC,
 * rspamd), and what to say when they write them here.
 */
#ifndef STIR_ENGINE_SETTINGS_NAMES_H
#define STIR_ENGINE_SETTINGS_NAMES_H

#include "core/buf.h"

/* Puts what follows "unknown setting "Name"" (with its separator, or nothing) into out. */
void settings_names_hint(struct buf *out, struct span name);

#endif
