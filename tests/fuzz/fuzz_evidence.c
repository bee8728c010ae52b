/*
 * A file of evidence: every line that is read has what it must have, and its chain has
 * its hash; faults are said.  With a NUL it is a folder of two files.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/evidence_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int entry(void *arg, const struct evidence_line *l, const char *path, uint64_t line, struct err *e)
{
	struct evidence_line_hash h;

	(void)path, (void)line, (void)e;
	++*(uint64_t *)arg;
	if (l->token.n == 0 || l->received < 0 || (l->chain_pem.n && (evidence_line_hash(l->chain_pem, &h) || !evidence_line_hash_eq(&h, &l->chain))))
		abort();
	return 0;
}

static void fault(void *arg, const char *path, uint64_t line, const char *text)
{
	(void)arg, (void)line;
	if (!path[0] || !text[0])
		abort();
}

static void write_day(const char *dir, int day, struct span text, char path[64])
{
	FILE *f;

	snprintf(path, 64, "%s/evidence-202611%d.jsonl", dir, day);
	f = fopen(path, "wb");
	if (!f || (text.n && fwrite(text.p, 1, text.n, f) != text.n) || fclose(f))
		abort();
}

static int read_folder(struct span all, const struct evidence_read_hooks *h, struct evidence_read_summary *s, struct err *e)
{
	struct span first = span_cut(&all, '\0');
	char dir[] = "/tmp/stir-fuzz-XXXXXX", path[2][64];
	int rc;

	if (!mkdtemp(dir))
		abort();
	write_day(dir, 24, first, path[0]);
	write_day(dir, 25, all, path[1]);
	rc = evidence_read_all(dir, h, s, e);
	if (unlink(path[0]) || unlink(path[1]) || rmdir(dir) || s->files != 2)
		abort();
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence_read_summary s;
	uint64_t n = 0;
	struct err e;
	struct evidence_read_hooks h = {.entry = entry, .fault = fault, .arg = &n};
	struct span text = span_make(data, size);

	if (span_find(text, '\0') < size ? read_folder(text, &h, &s, &e) : evidence_read_text(text, &h, &s, &e))
		abort();
	if (n != s.entries || s.entries > s.lines || s.octets > size || (s.lines > s.entries && !s.faults && !s.torn && !s.open_end))
		abort();
	return 0;
}
