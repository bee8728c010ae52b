/*
 * Reads those who sign.  What they may sign is judged where they are used.
 */
#include "config.h"

#include "ctl/pki_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/sslerror.h"
#include "core/stir_oid.h"
#include "ctl/pki.h"
#include "engine/file.h"

int pki_folder_join(char out[PATH_MAX], const char *a, const char *sep, const char *b, struct err *e)
{
	int n = snprintf(out, PATH_MAX, "%s%s%s", a, sep, b);

	return n < PATH_MAX ? 0 : err_set(e, ERR_USAGE, "%.100s...: the name is too long", a);
}

void pki_folder_wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

/* --- certificates -------------------------------------------------------------------- */

void pki_folder_certs_free(struct pki_folder_certs *c)
{
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->at[i]);
	c->n = 0;
}

/* Instead of OpenSSL's, which would ask at the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static int read_certs(BIO *in, struct pki_folder_certs *out, struct err *e)
{
	X509 *x;

	while ((x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL)) != NULL) {
		if (out->n == LIMIT_CHAIN_CERTS) {
			X509_free(x);
			return err_set(e, ERR_DATA, "more than %d certificates in it", LIMIT_CHAIN_CERTS);
		}
		out->at[out->n++] = x;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return err_set(e, ERR_DATA, "a certificate in it can't be read");
	return out->n ? 0 : err_set(e, ERR_DATA, "no certificate (PEM) in it");
}

int pki_folder_certs(const char *path, struct pki_folder_certs *out, struct err *e)
{
	struct buf pem;
	BIO *in = NULL;
	int r;

	out->n = 0;
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	r = file_read(path, LIMIT_CHAIN_BYTES, &pem, e);
	if (r == 0) {
		sslerror_clear();
		in = BIO_new_mem_buf(pem.p, (int)pem.n);
		r = in ? read_certs(in, out, e) : err_set(e, ERR_UNAVAILABLE, "out of memory");
		if (r)
			(void)err_prefix(e, "%s", path);
	}
	BIO_free(in);
	sslerror_clear();
	buf_free(&pem);
	if (r)
		pki_folder_certs_free(out);
	return r;
}

int pki_folder_list(X509 *x, struct tnauthlist **out, struct err *e)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(STIR_OID_TNAUTHLIST, 1);
	int at = oid ? X509_get_ext_by_OBJ(x, oid, -1) : -1;
	const ASN1_OCTET_STRING *s;

	*out = NULL;
	ASN1_OBJECT_free(oid);
	if (at < 0)
		return 0;
	s = X509_EXTENSION_get_data(X509_get_ext(x, at));
	if (tnauthlist_parse(span_make(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)), out, e) != STIR_OK)
		return -1;
	return 1;
}

/* --- with a key -------------------------------------------------------------------------- */

static int read_key(const char *path, EVP_PKEY **out, struct err *e)
{
	struct buf pem;
	int r;

	buf_init(&pem, LIMIT_KEY_FILE_BYTES);
	r = file_read(path, LIMIT_KEY_FILE_BYTES, &pem, e);
	if (r == 0 && !(*out = pki_read_key(buf_span(&pem))))
		r = err_set(e, ERR_DATA, "%s: no private key in it, or an encrypted one", path);
	pki_folder_wipe(&pem);
	return r;
}

int pki_folder_issuer(const char *cert_path, const char *key_path, struct pki_folder_issuer *out, struct err *e)
{
	int r;

	memset(out, 0, sizeof *out);
	r = pki_folder_certs(cert_path, &out->chain, e);
	if (r == 0)
		r = read_key(key_path, &out->key, e);
	if (r == 0 && X509_check_private_key(out->chain.at[0], out->key) != 1)
		r = err_set(e, ERR_DATA, "%s: is not the key of the first certificate in %s", key_path, cert_path);
	sslerror_clear();
	if (r)
		pki_folder_issuer_free(out);
	return r;
}

void pki_folder_issuer_free(struct pki_folder_issuer *i)
{
	pki_folder_certs_free(&i->chain);
	EVP_PKEY_free(i->key);
	i->key = NULL;
}

int pki_folder_issuer_in(const char *dir, const char *name, struct pki_folder_issuer *out, struct err *e)
{
	char base[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];

	memset(out, 0, sizeof *out);
	if (pki_folder_join(base, dir, "/", name, e) || pki_folder_join(cert, base, ".", "pem", e) ||
	    pki_folder_join(key, base, ".", "key.pem", e))
		return -1;
	return pki_folder_issuer(cert, key, out, e);
}

int pki_folder_prefix(const char *name, char out[PATH_MAX], struct err *e)
{
	size_t n = strlen(name);

	if (pki_folder_join(out, name, "", "", e))
		return -1;
	if (n > 4 && strcmp(name + n - 4, ".pem") == 0)
		out[n - 4] = '\0';
	return 0;
}

int pki_folder_parent(const char *name, struct pki_folder_issuer *out, struct err *e)
{
	char prefix[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];

	memset(out, 0, sizeof *out);
	if (pki_folder_prefix(name, prefix, e) || pki_folder_join(cert, prefix, ".", "pem", e) ||
	    pki_folder_join(key, prefix, ".", "key", e))
		return -1;
	return pki_folder_issuer(cert, key, out, e);
}

/* --- the folder ------------------------------------------------------------------------------ */

int pki_folder_lock(const char *dir, int *fd, struct err *e)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return err_set(e, ERR_NOINPUT, "%s: %s; 'stirctl pki init' makes such a folder", dir, strerror(errno));
	while (flock(*fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		(void)err_set(e, ERR_OS, "%s: can't be locked: %s", dir, strerror(errno));
		close(*fd);
		return -1;
	}
	return 0;
}

int pki_folder_write(const struct pki_file *files, size_t n, bool replace, struct err *e)
{
	if (pki_files_write(files, n, replace, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		printf("wrote %s\n", files[i].path);
	return 0;
}
