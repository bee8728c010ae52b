/* Foreign octets as a mailbox: split, walked, and written again as they were; the file has as many messages as the stream. */
#include "config.h"

#include "ctl/mailbox.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* Without its first field, and with another one on top. */
static void edit(const struct mail *m)
{
	struct edit e[] = {{.kind = EDIT_DELETE, .nth = 1}, {.kind = EDIT_INSERT, .name = span_cstr("X-A"), .value = span_cstr("b\n c")}};
	struct span rest = m->text;
	struct mail_field f;
	bool any = mail_field_next(&rest, &f);
	struct verdict v = {.edit = any ? e : e + 1, .nedit = any ? 2 : 1};
	size_t n = 0, left = m->raw.n - (any ? f.raw.n : 0);
	char *p = NULL;
	FILE *out = open_memstream(&p, &n);

	e[0].name = any ? f.name : span_cstr("");
	if (!out || mail_write(m, &v, out, NULL) || fclose(out) || (n != left + 10 && n != left + 12))
		abort();
	free(p);
}

static int count_of(struct mailbox *mb, bool *mbox)
{
	struct mail m;
	int n = 0;

	for (int rc; mb && (rc = mailbox_next(mb, &m, NULL)) != 0; *mbox = mailbox_is_mbox(mb))
		if (rc > 0) {
			check(&m);
			edit(&m);
			n++;
		}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "rb") : NULL;
	struct mailbox *mb = in ? mailbox_from_stream("fuzz", in) : NULL;
	int n, fd = memfd_create("fuzz", MFD_CLOEXEC);
	bool one = false, other = false;
	struct mailbox *file;
	char path[64];
	struct err e;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || mailbox_open(path, &file, &e) || mailbox_kind(file) != MAILBOX_FILE)
		abort();
	n = count_of(mb, &one);
	if (n != count_of(file, &other) || one != other)
		abort();
	mailbox_close(file);
	close(fd);
	mailbox_close(mb);
	return in && fclose(in);
}
