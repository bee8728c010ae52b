/* Foreign octets as a mailbox: split, walked, and written again as they were. */
#include "config.h"

#include "ctl/mailbox.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(void *arg, const void *p, size_t n)
{
	*(unsigned char *)arg ^= n ? *(const unsigned char *)p : 0;
}

static void check(const struct mail *m)
{
	unsigned char seen = 0;
	struct span rest = m->text;
	struct mail_field f;
	size_t n = 0;
	char *p = NULL;
	FILE *out = open_memstream(&p, &n);

	while (mail_field_next(&rest, &f))
		put(&seen, f.value.p, f.value.n);
	mail_body_push(m, mail_body(rest), put, &seen);
	if (!out || mail_write(m, &(struct verdict){0}, out, NULL) || fclose(out) || !span_eq(m->raw, span_make(p, n)))
		abort();
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
	struct mailbox *mb = in ? mailbox_from_stream("fuzz", in) : NULL;
	struct mail m;

	for (int rc; mb && (rc = mailbox_next(mb, &m, NULL)) != 0;)
		if (rc > 0)
			check(&m);
	mailbox_close(mb);
	return in && fclose(in);
}
