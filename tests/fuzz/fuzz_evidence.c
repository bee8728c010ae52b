/* A file of evidence: every line that is read has what it must have, and its chain has its hash; faults are said. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evidence_read_summary s;
	uint64_t n = 0;
	struct err e;

	if (evidence_read_text(span_make(data, size), &(struct evidence_read_hooks){.entry = entry, .arg = &n}, &s, &e))
		abort();
	if (n != s.entries || s.entries > s.lines || s.octets > size || (s.lines > s.entries && !s.faults && !s.torn && !s.open_end))
		abort();
	return 0;
}
