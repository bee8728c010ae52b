/*
 * The PIN of a token: from a file, and nowhere else.
 *
 * Knows files; nothing of tokens.  Kept in the key's own memory for as long as
 * the key is open, since a session that was lost takes it again, and wiped then.
 */
#include "config.h"

#ifdef HAVE_P11KIT

#include "core/keys/key_pkcs11_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "core/keys/key_pem.h"

void key_pkcs11_pin_wipe(struct key_pkcs11_pin *pin)
{
	OPENSSL_cleanse(pin, sizeof *pin);
}

/* Up to the end of the first line; how long it is, or -1 when it does not end in what was read. */
static int first_line(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != '\n' && p[i] != '\r')
		i++;
	return i <= KEY_PKCS11_PIN_MAX ? (int)i : -1;
}

static int read_fd(const char *path, int fd, struct key_pkcs11_pin *out, struct err *e)
{
	/* One more than a PIN may have, so that too much is seen as such. */
	const size_t cap = sizeof out->octets;
	size_t n = 0;
	int line;

	while (n < cap) {
		ssize_t got = read(fd, out->octets + n, cap - n);

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
		n += got > 0 ? (size_t)got : 0;
	}
	line = first_line(out->octets, n);
	if (line < 0)
		return err_set(e, ERR_CONFIG, "%s: its first line has more than %d octets, and a PIN has not", path, KEY_PKCS11_PIN_MAX);
	if (line == 0)
		return err_set(e, ERR_CONFIG, "%s: its first line, which is to be the PIN, is empty", path);
	out->n = (size_t)line;
	OPENSSL_cleanse(out->octets + line, cap - (size_t)line);
	out->given = true;
	return 0;
}

static int read_path(const char *path, struct key_reader reader, bool require_safe, struct key_pkcs11_pin *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc = 0;
	struct stat st;

	if (fd < 0)
		return err_set(e, errno == EACCES ? ERR_RIGHTS : ERR_NOINPUT, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st))
		rc = err_set(e, ERR_OS, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, ERR_NOINPUT, "%s: not a regular file", path);
	else if (require_safe)
		rc = key_pem_check_safe(path, &st, reader, e);
	if (rc == 0)
		rc = read_fd(path, fd, out, e);
	(void)close(fd);
	return rc;
}

int key_pkcs11_pin_read(const P11KitUri *uri, const char *pin_file, struct key_reader reader, bool require_safe, struct key_pkcs11_pin *out, struct err *e)
{
	const char *source = p11_kit_uri_get_pin_source(uri);
	int rc;

	memset(out, 0, sizeof *out);
	if (p11_kit_uri_get_pin_value(uri))
		return err_set(e, ERR_CONFIG, "pin-value in a PKCS #11 URI: a configuration is no place for a PIN; put it into a file of its own and name that with KeyPINFile or pin-source=file:PATH");
	if (source && pin_file)
		return err_set(e, ERR_CONFIG, "the PIN is named twice, by KeyPINFile and by pin-source; leave one of them out");
	if (!source && !pin_file)
		return 0;
	if (source && strncmp(source, "file:", 5) == 0)
		source += strncmp(source, "file:///", 8) == 0 ? 7 : 5;
	if (source && source[0] != '/')
		return err_set(e, ERR_CONFIG, "pin-source of a PKCS #11 URI: write file: and the whole path of a file, from / on; a program is not started");
	rc = read_path(source ? source : pin_file, reader, require_safe, out, e);
	if (rc)
		key_pkcs11_pin_wipe(out);
	return rc;
}

#endif
