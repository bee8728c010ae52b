/*
 * The files of an evidence folder: their names, one for each day, and their last
 * lines.  For engine/evidence*.c.
 */
#ifndef STIR_ENGINE_EVIDENCE_FILES_H
#define STIR_ENGINE_EVIDENCE_FILES_H

#include "engine/evidence_line.h"

enum { EVIDENCE_FILES_NAME = 32, EVIDENCE_FILES_DAY_S = 86400 };

/* Days since 1970 (UTC) of a time. */
int64_t evidence_files_day(int64_t t);
/* "evidence-20261101.jsonl". 0, or -1 for a day that has no such name (before 1970, after 9999). */
int evidence_files_name(int64_t day, char out[EVIDENCE_FILES_NAME]) MUST_USE;
/* Exactly a name of that form, and which day's. */
bool evidence_files_is(const char *name, int64_t *day);

/* Days of which the folder has a file, in order. */
struct evidence_files {
	int64_t *day;
	size_t n;
};
/* 0 (evidence_files_free()), or -1 and *e. */
int evidence_files_list(const char *dir, struct evidence_files *out, struct err *e) MUST_USE;
void evidence_files_free(struct evidence_files *f);
/* "DIR/evidence-20261101.jsonl", malloced; NULL without memory. */
char *evidence_files_path(const char *dir, int64_t day) MUST_USE;

struct evidence_files_end {
	bool any;  /* there is a line, whole or not */
	bool torn; /* it has no line end */
	struct evidence_line_hash last;
};
/* How a file of that size ends. 0, or -1 and *e (name is for its text). */
int evidence_files_end(int fd, int64_t size, const char *name, struct evidence_files_end *out, struct err *e) MUST_USE;

#endif
