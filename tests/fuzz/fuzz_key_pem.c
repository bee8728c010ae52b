/* A key that is read can sign, and has a public half; in a file that others may not read it is one, too. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/keys/key_pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is it read from a file of that mode? */
static bool is_read(const uint8_t *data, size_t size, mode_t mode, const char *slash)
{
	struct key_reader reader = {.user = geteuid(), .group = getegid()};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct key *key = NULL;
	char path[64];
	struct err e;
	bool ok;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fchmod(fd, mode))
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d%s", fd, slash);
	ok = key_pem_open(path, true, reader, &key, &e) == 0;
	if (ok != (key != NULL) || (!ok && !e.text[0]))
		abort();
	key_close(key);
	close(fd);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char sig[64], point[65];
	struct key *key = NULL;
	struct err e;

	if (key_pem_parse("fuzz", span_make(data, size), &key, &e) == 0 && (key_sign(key, span_make(data, size), sig, &e) || key_public_point(key, point, &e)))
		abort();
	if (is_read(data, size, 0600, "") != (key != NULL) || is_read(data, size, 0604, "") || is_read(data, size, 0620, "") || is_read(data, size, 0600, "/none"))
		abort();
	key_close(key);
	return 0;
}
