/*
 * Certificates and revocation lists in files and folders, and when they end.  A
 * folder may hold anything; what is neither is passed over there, and keys are not
 * even opened.
 */
#include "config.h"

#include "ctl/pki_dates.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/cert.h"
#include "core/limits.h"
#include "core/sslerror.h"
#include "ctl/pki_folder.h"
#include "ctl/pki_records.h"
#include "engine/file.h"

enum { DEPTH_MAX = 16 };

const char *pki_dates_kind_name(enum pki_dates_kind k)
{
	static const char *const names[] = {"certificate", "crl", "trust-list"};

	return names[k];
}

static void say(const struct pki_dates *d, enum err_code code, const char *path, const char *what)
{
	struct err e;

	err_clear(&e);
	(void)err_set(&e, code, "%s: %s", path, what);
	d->say(d->arg, &e);
}

/* --- items ----------------------------------------------------------------------- */

static void item_free(struct pki_dates_item *i)
{
	for (size_t k = 0; k < i->n_files; k++)
		free(i->file[k]);
	free(i->file);
	free(i->subject);
	free(i->serial);
}

void pki_dates_free(struct pki_dates *d)
{
	for (size_t i = 0; i < d->n; i++)
		item_free(&d->at[i]);
	free(d->at);
	d->at = NULL;
	d->n = 0;
}

static int add_file(struct pki_dates_item *i, const char *name)
{
	char **grown;

	for (size_t k = 0; k < i->n_files; k++)
		if (strcmp(i->file[k], name) == 0)
			return 0;
	grown = reallocarray(i->file, i->n_files + 1, sizeof *grown);
	if (!grown)
		return -1;
	i->file = grown;
	i->file[i->n_files] = strdup(name);
	return i->file[i->n_files] && ++i->n_files ? 0 : -1;
}

static struct pki_dates_item *find(const struct pki_dates *d, const unsigned char digest[32])
{
	for (size_t i = 0; i < d->n; i++)
		if (memcmp(d->at[i].digest, digest, 32) == 0)
			return &d->at[i];
	return NULL;
}

int pki_dates_add(struct pki_dates *d, const char *name, struct span octets, const struct pki_dates_item *item, struct err *e)
{
	struct pki_dates_item one = {.kind = item->kind, .ends = item->ends}, *there, *grown;

	if (EVP_Digest(octets.p, octets.n, one.digest, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	there = find(d, one.digest);
	if (there)
		return add_file(there, name) ? err_set(e, ERR_UNAVAILABLE, "out of memory") : 0;
	grown = reallocarray(d->at, d->n + 1, sizeof *grown);
	if (grown)
		d->at = grown;
	one.subject = strdup(item->subject);
	one.serial = strdup(item->serial);
	if (!grown || !one.subject || !one.serial || add_file(&one, name)) {
		item_free(&one);
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	d->at[d->n++] = one;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct pki_dates_item *x = a, *y = b;

	if (x->ends != y->ends)
		return x->ends < y->ends ? -1 : 1;
	return strcmp(x->file[0], y->file[0]);
}

void pki_dates_sort(struct pki_dates *d)
{
	if (d->n)
		qsort(d->at, d->n, sizeof *d->at, compare);
}

/* --- one certificate, one list ---------------------------------------------------------- */

struct file {
	struct pki_dates *d;
	const char *name;
	size_t found; /* certificates and lists, also those that can't be read */
};

static void add(struct file *f, struct span der, enum pki_dates_kind kind, const ASN1_TIME *end, const X509_NAME *who, const ASN1_INTEGER *number)
{
	struct pki_dates_item item = {.kind = kind};
	struct buf subject, serial;
	struct err e;

	err_clear(&e);
	if (!end || cert_time(end, &item.ends)) {
		say(f->d, ERR_DATA, f->name, kind == PKI_DATES_CRL ? "a revocation list says no nextUpdate that can be read" : "a certificate says no notAfter that can be read");
		return;
	}
	buf_init(&subject, 4096);
	buf_init(&serial, 4096);
	cert_name(&subject, who);
	for (size_t i = 0; i < subject.n; i++)
		if (subject.p[i] < ' ' || subject.p[i] > '~')
			subject.p[i] = '?';
	if (number && pki_records_put_serial(&serial, number))
		buf_reset(&serial);
	item.subject = subject.n ? subject.p : (char *)(uintptr_t) "";
	item.serial = serial.n ? serial.p : (char *)(uintptr_t) "";
	if (pki_dates_add(f->d, f->name, der, &item, &e))
		f->d->say(f->d->arg, &e);
	buf_free(&subject);
	buf_free(&serial);
}

static bool add_certificate(struct file *f, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	bool whole = x && p == (const unsigned char *)der.p + der.n;

	if (whole)
		add(f, der, PKI_DATES_CERTIFICATE, X509_get0_notAfter(x), X509_get_subject_name(x), X509_get0_serialNumber(x));
	X509_free(x);
	f->found += whole;
	return whole;
}

static bool add_crl(struct file *f, struct span der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der.n);
	bool whole = x && p == (const unsigned char *)der.p + der.n;
	ASN1_INTEGER *number = whole ? X509_CRL_get_ext_d2i(x, NID_crl_number, NULL, NULL) : NULL;

	if (whole)
		add(f, der, PKI_DATES_CRL, X509_CRL_get0_nextUpdate(x), X509_CRL_get_issuer(x), number);
	ASN1_INTEGER_free(number);
	X509_CRL_free(x);
	f->found += whole;
	return whole;
}

/* --- files --------------------------------------------------------------------------------- */

static void add_block(struct file *f, const char *kind, struct span der)
{
	bool cert = strcmp(kind, PEM_STRING_X509) == 0 || strcmp(kind, PEM_STRING_X509_OLD) == 0 || strcmp(kind, PEM_STRING_X509_TRUSTED) == 0;

	if (cert && !add_certificate(f, der)) {
		f->found++;
		say(f->d, ERR_DATA, f->name, "a certificate in it can't be read");
	}
	if (strcmp(kind, PEM_STRING_X509_CRL) == 0 && !add_crl(f, der)) {
		f->found++;
		say(f->d, ERR_DATA, f->name, "a revocation list in it can't be read");
	}
}

static void add_pem(struct file *f, struct span text)
{
	BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
	char *kind, *header;
	unsigned char *der;
	long n;

	while (in && PEM_read_bio(in, &kind, &header, &der, &n)) {
		add_block(f, kind, span_make(der, (size_t)n));
		OPENSSL_free(kind);
		OPENSSL_free(header);
		/* A private key, perhaps. */
		OPENSSL_clear_free(der, (size_t)n);
	}
	if (!in || (f->found && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		say(f->d, ERR_DATA, f->name, "a PEM block in it is broken; what follows was not looked at");
	BIO_free(in);
}

static void look_at(struct file *f, struct span octets)
{
	sslerror_clear();
	if (octets.n == 0 || octets.n > INT_MAX)
		return;
	if (octets.p[0] != 0x30)
		add_pem(f, octets);
	else if (!add_certificate(f, octets))
		(void)add_crl(f, octets);
	sslerror_clear();
}

void pki_dates_octets(struct pki_dates *d, const char *name, struct span octets)
{
	struct file f = {d, name, 0};

	look_at(&f, octets);
}

/* must: it was named, so there should be something in it. */
static void one_file(struct pki_dates *d, const char *path, bool must)
{
	struct file f = {d, path, 0};
	struct buf octets;
	struct err e;

	err_clear(&e);
	buf_init(&octets, LIMIT_CRL_FILE_BYTES);
	if (file_read(path, LIMIT_CRL_FILE_BYTES, &octets, &e))
		d->say(d->arg, &e);
	else
		look_at(&f, buf_span(&octets));
	if (must && e.code == ERR_NONE && f.found == 0)
		say(d, ERR_DATA, path, "neither a certificate nor a revocation list (PEM or DER) is in it");
	pki_folder_wipe(&octets);
}

/* --- folders ---------------------------------------------------------------------------------- */

static bool is_key(const char *name)
{
	struct span s = span_cstr(name);

	return s.n > 4 && (span_is(span_skip(s, s.n - 4), ".key") || (s.n > 8 && span_is(span_skip(s, s.n - 8), ".key.pem")));
}

/* The folders that lead to one: a link back to any of them is not followed. */
struct way {
	const struct way *up;
	unsigned depth;
	dev_t dev;
	ino_t ino;
};

static void one_folder(struct pki_dates *d, const char *path, const struct stat *st, const struct way *up);

static void one_entry(struct pki_dates *d, const char *folder, const char *name, const struct way *way)
{
	char path[PATH_MAX];
	struct stat st;
	struct err e;

	err_clear(&e);
	if (pki_folder_join(path, folder, "/", name, &e))
		d->say(d->arg, &e);
	else if (stat(path, &st))
		say(d, ERR_NOINPUT, path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		one_folder(d, path, &st, way);
	else if (S_ISREG(st.st_mode) && !is_key(name))
		one_file(d, path, false);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool leads_back(const struct way *w)
{
	for (const struct way *u = w->up; u; u = u->up)
		if (u->dev == w->dev && u->ino == w->ino)
			return true;
	return false;
}

static void one_folder(struct pki_dates *d, const char *path, const struct stat *st, const struct way *up)
{
	const struct way way = {up, up ? up->depth + 1 : 0, st->st_dev, st->st_ino};
	struct dirent **entries = NULL;
	int n;

	if (leads_back(&way))
		return;
	if (way.depth > DEPTH_MAX) {
		say(d, ERR_DATA, path, "folders are too deep here; it was not looked into");
		return;
	}
	n = scandir(path, &entries, is_visible, alphasort);
	if (n < 0)
		say(d, ERR_NOINPUT, path, strerror(errno));
	for (int i = 0; i < n; i++) {
		one_entry(d, path, entries[i]->d_name, &way);
		free(entries[i]);
	}
	free(entries);
}

void pki_dates_path(struct pki_dates *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		one_folder(d, path, &st, NULL);
	else
		one_file(d, path, true);
}
