/*
 * x5u answered from a folder, without any network: https://HOST[:PORT]/PATH is
 * the file DIR/HOST/PATH, HOST in lower case.
 */
#ifndef STIR_ENGINE_FETCH_DIR_H
#define STIR_ENGINE_FETCH_DIR_H

#include "core/fetch.h"

/*
 * dir must be a readable folder.  A path with "..", an empty or hidden
 * component, or '%' is "not there"; symbolic links are followed inside dir
 * only.  What is there but can't be had is FETCH_UNREADABLE, or FETCH_LOCAL when
 * that says nothing about the file (no descriptor, no memory).
 * Gives *out (fetch_close()), or -1 and *e.
 */
int fetch_dir_open(const char *dir, struct fetch **out, struct err *e) MUST_USE;

#endif
