/*
 * What -V prints: our version and those of the libraries at work, which is what
 * people paste into reports.
 */
#ifndef STIR_MILTER_VERSION_H
#define STIR_MILTER_VERSION_H

#include "core/buf.h"

void version_write(struct buf *out);

#endif
