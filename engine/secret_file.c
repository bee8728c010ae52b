/*
 * Secret octets from a file; what is kept is their hash, and the octets are
 * wiped.
 */
#include "config.h"

#include "engine/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/keys/key_pem.h"
#include "core/limits.h"
#include "engine/file.h"

static int digest(const char *name, const char *path, struct span octets, unsigned char *out, struct err *e)
{
	if (octets.n < SECRET_FILE_MIN)
		return err_set(e, ERR_CONFIG, "%s %s: has %zu octets, and needs at least %d; make one with 'openssl rand -hex 32'", name, path, octets.n,
			       SECRET_FILE_MIN);
	if (EVP_Digest(octets.p, octets.n, out, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_UNAVAILABLE, "%s %s: SHA-256 can not be had", name, path);
	return 0;
}

/* In one piece: a buffer that grows would leave the octets in the one before. */
static int read_whole(const char *name, const char *path, int fd, struct buf *out, struct err *e)
{
	char octets[LIMIT_KEY_FILE_BYTES + 1];
	size_t n = 0;
	ssize_t got = 0;
	int rc = 0;

	do {
		n += (size_t)got;
		got = read(fd, octets + n, sizeof octets - n);
	} while (got > 0 && n + (size_t)got < sizeof octets);
	if (got < 0)
		rc = err_set(e, ERR_OS, "%s %s: cannot be read: %s", name, path, strerror(errno));
	else if (n + (size_t)got > LIMIT_KEY_FILE_BYTES)
		rc = err_set(e, ERR_DATA, "%s %s: larger than %d octets, which is all that is read of such a file", name, path, LIMIT_KEY_FILE_BYTES);
	else if (buf_put(out, octets, n))
		rc = err_set(e, ERR_UNAVAILABLE, "%s %s: no memory", name, path);
	OPENSSL_cleanse(octets, sizeof octets);
	return rc;
}

static int read_fd(const char *name, const char *path, int fd, bool require_safe, struct key_reader reader, struct buf *out, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(e, ERR_OS, "%s %s: %s", name, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_NOINPUT, "%s %s: no regular file", name, path);
	if (require_safe && key_pem_check_safe(path, &st, reader, e))
		return -1;
	return read_whole(name, path, fd, out, e);
}

void secret_file_wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

int secret_file_text(const char *name, const char *path, bool require_safe, struct key_reader reader, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc;

	if (fd < 0)
		return err_set(e, errno == EACCES ? ERR_RIGHTS : ERR_NOINPUT, "%s %s: %s", name, path, strerror(errno));
	rc = read_fd(name, path, fd, require_safe, reader, out, e);
	(void)close(fd);
	return rc;
}

int secret_file_read(const char *name, const char *path, bool require_safe, struct key_reader reader, unsigned char out[SECRET_FILE_BYTES], struct err *e)
{
	struct buf octets;
	int rc;

	buf_init(&octets, LIMIT_KEY_FILE_BYTES);
	rc = secret_file_text(name, path, require_safe, reader, &octets, e);
	if (rc == 0)
		rc = digest(name, path, buf_span(&octets), out, e);
	secret_file_wipe(&octets);
	return rc;
}

/*
 * Under another name first, and linked: who looks at the same time sees the whole
 * file or none, and the first one stays.  That name is nobody else's: one that a
 * crash left behind must not be in the way of the next process of the same number
 * (in a container there are few).
 */
int secret_file_make(const char *name, const char *path, struct err *e)
{
	unsigned char octets[SECRET_FILE_MIN];
	uint32_t random;
	char fresh[4096];
	int fd, n, rc = 0;

	if (access(path, F_OK) == 0)
		return 0;
	if (RAND_bytes(octets, sizeof octets) != 1 || RAND_bytes((unsigned char *)&random, sizeof random) != 1)
		return err_set(e, ERR_UNAVAILABLE, "%s %s: no randomness", name, path);
	n = snprintf(fresh, sizeof fresh, "%s.%08lx", path, (unsigned long)random);
	if (n < 0 || (size_t)n >= sizeof fresh)
		return err_set(e, ERR_CONFIG, "%s %s: the path is too long", name, path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, errno == EACCES ? ERR_RIGHTS : ERR_OS, "%s: can't be made: %s", fresh, strerror(errno));
	if (write(fd, octets, sizeof octets) != (ssize_t)sizeof octets || fsync(fd))
		rc = err_set(e, ERR_OS, "%s: can't be written: %s", fresh, strerror(errno));
	(void)close(fd);
	if (rc == 0 && link(fresh, path) && errno != EEXIST)
		rc = err_set(e, ERR_OS, "%s %s: can't be made: %s", name, path, strerror(errno));
	(void)unlink(fresh);
	OPENSSL_cleanse(octets, sizeof octets);
	return rc;
}
