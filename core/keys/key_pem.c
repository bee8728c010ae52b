/*
 * A key in this process's memory, read from a PEM file.
 *
 * Knows OpenSSL and files; nothing of what is signed.  Encrypted keys are
 * refused: there is nobody to ask for a password when a daemon starts.
 */
#include "config.h"

#include "core/keys/key_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/p256.h"

enum { GROUPS_MAX = 256 };

struct key_pem {
	struct key base;
	EVP_PKEY *pkey;
	/* Ready to sign; only ever copied, which saves the set-up of each signature. */
	EVP_PKEY_CTX *ready;
	EVP_MD *sha256;
};

/* --- signing ---------------------------------------------------------------------- */

/* Sets e from OpenSSL's queue and empties that. */
static int openssl_error(struct err *e, enum err_code code, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return err_set(e, code, "%s: %s", what, reason ? reason : "OpenSSL gives no reason");
}

/* SEQUENCE { r, s } to r||s. 0 / -1. */
static int der_to_sig(const unsigned char *der, size_t n, unsigned char sig[64])
{
	ECDSA_SIG *es = d2i_ECDSA_SIG(NULL, &der, (long)n);
	int ok;

	if (!es)
		return -1;
	ok = BN_bn2binpad(ECDSA_SIG_get0_r(es), sig, P256_COORDINATE_BYTES) == P256_COORDINATE_BYTES &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(es), sig + P256_COORDINATE_BYTES, P256_COORDINATE_BYTES) == P256_COORDINATE_BYTES;
	ECDSA_SIG_free(es);
	return ok ? 0 : -1;
}

static int pem_sign(struct key *k, struct span data, unsigned char sig[64], struct err *e)
{
	const struct key_pem *key = (const struct key_pem *)k;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->ready);
	unsigned char der[P256_DER_SIG_MAX], digest[EVP_MAX_MD_SIZE];
	size_t n = sizeof der;
	unsigned digest_n = 0;
	int failed = !ctx || EVP_Digest(data.p, data.n, digest, &digest_n, key->sha256, NULL) != 1 || EVP_PKEY_sign(ctx, der, &n, digest, digest_n) != 1 ||
		     der_to_sig(der, n, sig);

	EVP_PKEY_CTX_free(ctx);
	return failed ? openssl_error(e, ERR_UNAVAILABLE, "signing") : 0;
}

static int pem_public_point(struct key *k, unsigned char point[65], struct err *e)
{
	const struct key_pem *key = (const struct key_pem *)k;
	return p256_point(key->pkey, point) == 0 ? 0 : openssl_error(e, ERR_UNAVAILABLE, "public key");
}

static void pem_close(struct key *k)
{
	struct key_pem *key = (struct key_pem *)k;

	EVP_PKEY_CTX_free(key->ready);
	EVP_MD_free(key->sha256);
	EVP_PKEY_free(key->pkey);
	free(key);
}

static const struct key_ops pem_ops = {pem_sign, pem_public_point, pem_close};

/* --- PEM -------------------------------------------------------------------------- */

/* OpenSSL's question for a password: noted, and not answered. */
static int no_password(char *out, int size, int writing, void *asked)
{
	(void)out, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static int read_pem(const char *name, struct span pem, EVP_PKEY **out, struct err *e)
{
	BIO *bio = pem.n <= LIMIT_KEY_FILE_BYTES ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	bool asked = false;
	EVP_PKEY *second = NULL;

	*out = NULL;
	if (!bio)
		return err_set(e, ERR_CONFIG, "%s: empty, or more than %d octets", name, LIMIT_KEY_FILE_BYTES);
	*out = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
	if (*out)
		second = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
	BIO_free(bio);
	ERR_clear_error();
	EVP_PKEY_free(second);
	if (second)
		return err_set(e, ERR_CONFIG, "%s: more than one private key; keep one in a file", name);
	if (asked)
		return err_set(e, ERR_CONFIG, "%s: the key is encrypted; take the password off with 'openssl pkey' and protect the file", name);
	if (!*out)
		return err_set(e, ERR_CONFIG, "%s: no private key in PEM form; make one with 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'",
			       name);
	return 0;
}

/* Of the curve ES256 is for, and whole: both halves there and a pair. */
static int check_pkey(const char *name, EVP_PKEY *pkey, struct err *e)
{
	EVP_PKEY_CTX *ctx;
	int ok;

	if (!p256_is(pkey)) {
		ERR_clear_error();
		return err_set(e, ERR_CONFIG, "%s: the key is not of the curve P-256, the only one for ES256", name);
	}
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	ok = ctx && EVP_PKEY_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (ok)
		return 0;
	ERR_clear_error();
	return err_set(e, ERR_CONFIG, "%s: the private and the public half of the key are no pair", name);
}

int key_pem_parse(const char *name, struct span pem, struct key **out, struct err *e)
{
	struct key_pem *key;

	*out = NULL;
	key = calloc(1, sizeof *key);
	if (!key)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", name);
	key->base.ops = &pem_ops;
	if (read_pem(name, pem, &key->pkey, e) || check_pkey(name, key->pkey, e)) {
		pem_close(&key->base);
		return -1;
	}
	key->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	key->ready = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (!key->sha256 || !key->ready || EVP_PKEY_sign_init(key->ready) != 1) {
		pem_close(&key->base);
		return openssl_error(e, ERR_UNAVAILABLE, name);
	}
	*out = &key->base;
	return 0;
}

/* --- a file ----------------------------------------------------------------------- */

static bool own_group(gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	int n = getgroups(GROUPS_MAX, groups);

	if (gid == getegid())
		return true;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

int key_pem_check_safe(const char *path, const struct stat *st, struct key_reader reader, struct err *e)
{
	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != reader.user)
		return err_set(e, ERR_RIGHTS, "%s: belongs to user %lu, neither root nor who reads it (UserID); chown it to root, chgrp it to UserID's group, chmod 640", path,
			       (unsigned long)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, ERR_RIGHTS, "%s: others than its owner may write it; chmod go-w", path);
	if (st->st_mode & S_IROTH)
		return err_set(e, ERR_RIGHTS, "%s: everybody may read it; chmod o-rwx", path);
	if ((st->st_mode & S_IRGRP) && st->st_gid != reader.group && !own_group(st->st_gid))
		return err_set(e, ERR_RIGHTS, "%s: group %lu may read it, and is not ours; chmod g-r or chgrp it", path, (unsigned long)st->st_gid);
	return 0;
}

/* Up to cap octets; how many, or -1 and errno. */
static ssize_t read_all(int fd, char *p, size_t cap)
{
	size_t n = 0;

	while (n < cap) {
		ssize_t got = read(fd, p + n, cap - n);

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return -1;
		n += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)n;
}

static int open_fd(const char *path, int fd, bool require_safe, struct key_reader reader, struct key **out, struct err *e)
{
	/* One more than allowed, so that too much is seen as such. */
	const size_t cap = LIMIT_KEY_FILE_BYTES + 1;
	struct stat st;
	char *text;
	ssize_t n;
	int r;

	if (fstat(fd, &st))
		return err_set(e, ERR_OS, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_NOINPUT, "%s: not a regular file", path);
	if (require_safe && key_pem_check_safe(path, &st, reader, e))
		return -1;
	text = malloc(cap);
	if (!text)
		return err_set(e, ERR_UNAVAILABLE, "%s: no memory", path);
	n = read_all(fd, text, cap);
	if (n < 0)
		r = err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
	else
		r = key_pem_parse(path, span_make(text, (size_t)n), out, e);
	OPENSSL_cleanse(text, cap);
	free(text);
	return r;
}

int key_pem_open(const char *path, bool require_safe, struct key_reader reader, struct key **out, struct err *e)
{
	/* Not to wait for the other end of a pipe; regular files don't mind. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	*out = NULL;
	if (fd < 0)
		return errno == EACCES ? err_set(e, ERR_RIGHTS, "%s: user %lu may not read it; chgrp it to a group of that user, chmod 640, and let the group into the folder",
						 path, (unsigned long)geteuid())
				       : err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
	r = open_fd(path, fd, require_safe, reader, out, e);
	close(fd);
	return r;
}
