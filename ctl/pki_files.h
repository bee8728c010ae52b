/*
 * A set of files written together: all of them, or none and an error; never
 * over one that is there unless told so; secrets for the owner's eyes only.
 */
#ifndef STIR_CTL_PKI_FILES_H
#define STIR_CTL_PKI_FILES_H

#include "core/err.h"
#include "core/span.h"

struct pki_file {
	const char *path;
	struct span content;
	bool secret; /* mode 0600 whatever the umask; others 0644 less the umask */
	bool fixed;  /* never replaced: what is there can't be had again */
};

/*
 * Without replace, a file that exists (or a symbolic link of that name) is an
 * error and nothing is written.  With it, each file but a fixed one is replaced in
 * one step.
 * 0, or -1 and *e.
 */
int pki_files_write(const struct pki_file *files, size_t n, bool replace, struct err *e) MUST_USE;

/* Make dir if it is not there. 0, or -1 and *e. */
int pki_files_folder(const char *dir, struct err *e) MUST_USE;
/* Make the folders below dir that path (relative to dir, a file's) needs, and dir. 0, or -1 and *e. */
int pki_files_folders(const char *dir, const char *path, struct err *e) MUST_USE;

#endif
