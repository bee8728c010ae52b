/*
 * stirctl pki: a throwaway STI PKI on disk, for pilots and tests.  Options,
 * file names and the clock are here; certificates are made in pki.c, files in
 * pki_files.c.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/cert.h"
#include "core/limits.h"
#include "core/x5u.h"
#include "ctl/cmd.h"
#include "ctl/pki.h"
#include "ctl/pki_files.h"
#include "engine/file.h"

enum {
	SECONDS_A_DAY = 86400,
	/* A CA for a whole pilot; a signer's certificate for a while. */
	DAYS_CA = 3650,
	DAYS_SIGNER = 90,
	DAYS_MAX = 36500,
	/* Hosts whose clocks are behind should not refuse what was made just now. */
	BACKDATE_CA_S = SECONDS_A_DAY,
	BACKDATE_SIGNER_S = 3600,
	/* X.520's bound on an organisation is 64; our common names add to it. */
	NAME_BYTES = 40
};

struct pki_options {
	const char *dir;
	const char *name;    /* NULL: not given */
	const char *tn_auth;
	const char *url;
	const char *out;
	const char *certs;
	long days;           /* 0: not given */
	int64_t not_before, not_after;
	bool has_not_before, has_not_after;
	bool force;
};

static const char usage[] =
	"Usage: stirctl pki init DIR [--name N] [--days N] [--force]\n"
	"       stirctl pki issue DIR --tn-auth LIST --url URL [--name N] [--days N]\n"
	"                             [--out PREFIX] [--certs DIR] [--force]\n"
	"\n"
	"init   makes a root and an intermediate CA in DIR: root.pem, root.key.pem, ca.pem,\n"
	"       ca.key.pem, and anchors.pem for the verifiers' TrustAnchors.\n"
	"issue  makes a signer's key and certificate chain: PREFIX.key and PREFIX.pem.\n"
	"\n"
	"  --tn-auth LIST   what the signer may speak for, separated by commas: spc:1234,\n"
	"                   tn:+15551230001, tn:+15551230000..+15551239999 or\n"
	"                   tn:+15551230000+100 (a start and a count)\n"
	"  --url URL        where verifiers will find the chain (x5u)\n"
	"  --certs DIR      also write the chain to DIR/HOST/PATH of the URL, for the --certs\n"
	"                   of stirctl and for CertificateDir\n"
	"  --out PREFIX     default: DIR and the last part of the URL\n"
	"  --name N         organisation; default: Pilot\n"
	"  --days N         how long it is valid; default: 3650 (init), 90 (issue)\n"
	"  --not-before T   from then, seconds since 1970; default: a little before now\n"
	"  --not-after T    until then, instead of --days\n"
	"  --force          replace files that are there\n";

/* --- options ------------------------------------------------------------------ */

static int read_number(const char *text, const char *option, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || errno || v < min || v > max)
		return err_set(e, ERR_USAGE, "%s %.40s: a number from %lld to %lld is wanted", option, text,
			       (long long)min, (long long)max);
	*out = v;
	return 0;
}

enum { OPT_NAME = 256, OPT_DAYS, OPT_TN_AUTH, OPT_URL, OPT_OUT, OPT_CERTS, OPT_NOT_BEFORE, OPT_NOT_AFTER, OPT_FORCE };

static const struct option long_options[] = {{"name", required_argument, NULL, OPT_NAME},
					     {"days", required_argument, NULL, OPT_DAYS},
					     {"not-before", required_argument, NULL, OPT_NOT_BEFORE},
					     {"not-after", required_argument, NULL, OPT_NOT_AFTER},
					     {"force", no_argument, NULL, OPT_FORCE},
					     {"help", no_argument, NULL, 'h'},
					     {"tn-auth", required_argument, NULL, OPT_TN_AUTH},
					     {"url", required_argument, NULL, OPT_URL},
					     {"out", required_argument, NULL, OPT_OUT},
					     {"certs", required_argument, NULL, OPT_CERTS},
					     {NULL, 0, NULL, 0}};
/* The year 9999 ends: the last time RFC 5280 knows. */
static const int64_t last_time = 253402300799;

static int take_name(struct pki_options *o, const char *name, struct err *e)
{
	if (!*name || strlen(name) > NAME_BYTES)
		return err_set(e, ERR_USAGE, "--name: 1 to %d octets are wanted", NAME_BYTES);
	o->name = name;
	return 0;
}

static int take_option(struct pki_options *o, int opt, struct err *e)
{
	int64_t v = 0;
	int r = 0;

	switch (opt) {
	case OPT_NAME:
		return take_name(o, optarg, e);
	case OPT_DAYS:
		r = read_number(optarg, "--days", 1, DAYS_MAX, &v, e);
		o->days = (long)v;
		return r;
	case OPT_NOT_BEFORE:
		o->has_not_before = true;
		return read_number(optarg, "--not-before", 0, last_time, &o->not_before, e);
	case OPT_NOT_AFTER:
		o->has_not_after = true;
		return read_number(optarg, "--not-after", 0, last_time, &o->not_after, e);
	case OPT_FORCE:
		o->force = true;
		return 0;
	case OPT_TN_AUTH:
		o->tn_auth = optarg;
		return 0;
	case OPT_URL:
		o->url = optarg;
		return 0;
	case OPT_OUT:
		o->out = optarg;
		return 0;
	case OPT_CERTS:
		o->certs = optarg;
		return 0;
	default:
		return err_set(e, ERR_USAGE, "stirctl pki --help shows the options");
	}
}

/* 0; 1 help was asked for; -1 and *e. */
static int parse(struct pki_options *o, int argc, char **argv, struct err *e)
{
	int opt;

	memset(o, 0, sizeof *o);
	optind = 0; /* glibc: start afresh */
	while ((opt = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (opt == 'h')
			return 1;
		if (take_option(o, opt, e))
			return -1;
	}
	if (argc - optind != 1)
		return err_set(e, ERR_USAGE, "one folder is wanted after %s", argv[0]);
	o->dir = argv[optind];
	if (o->days && o->has_not_after)
		return err_set(e, ERR_USAGE, "--days and --not-after exclude each other");
	return 0;
}

static int fill_validity(struct pki_options *o, int64_t backdate, long days, int64_t now, struct err *e)
{
	if (!o->has_not_before)
		o->not_before = now - backdate;
	if (!o->has_not_after) {
		int64_t from = o->has_not_before ? o->not_before : now;

		o->not_after = from + (o->days ? o->days : days) * SECONDS_A_DAY;
	}
	if (o->not_after > last_time)
		o->not_after = last_time;
	if (o->not_after <= o->not_before)
		return err_set(e, ERR_USAGE, "it would end (%lld) before it begins (%lld)", (long long)o->not_after,
			       (long long)o->not_before);
	return 0;
}

/* --- files ---------------------------------------------------------------------- */

static int join(char out[PATH_MAX], const char *a, const char *sep, const char *b, struct err *e)
{
	int n = snprintf(out, PATH_MAX, "%s%s%s", a, sep, b);

	return n < PATH_MAX ? 0 : err_set(e, ERR_USAGE, "%s: the name is too long", a);
}

static void wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}

static int write_files(const struct pki_file *files, size_t n, bool force, struct err *e)
{
	if (pki_files_write(files, n, force, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		printf("wrote %s\n", files[i].path);
	return 0;
}

/* --- init ------------------------------------------------------------------------- */

enum { INIT_ROOT_KEY, INIT_ROOT, INIT_CA_KEY, INIT_CA, INIT_ANCHORS, INIT_FILES };

static int init_contents(const struct pki *p, struct buf content[INIT_FILES], struct err *e)
{
	if (pki_put_key(&content[INIT_ROOT_KEY], p->root_key) || pki_put_cert(&content[INIT_ROOT], p->root) ||
	    pki_put_key(&content[INIT_CA_KEY], p->ca_key) || pki_put_cert(&content[INIT_CA], p->ca) ||
	    pki_put_cert(&content[INIT_ANCHORS], p->root))
		return err_set(e, ERR_UNAVAILABLE, "no memory for the certificates");
	return 0;
}

static int init_write(const struct pki_options *o, const struct pki *p, struct err *e)
{
	static const char *const names[INIT_FILES] = {"root.key.pem", "root.pem", "ca.key.pem", "ca.pem",
						      "anchors.pem"};
	char paths[INIT_FILES][PATH_MAX];
	struct pki_file files[INIT_FILES];
	struct buf content[INIT_FILES];
	int r = 0;

	for (int i = 0; i < INIT_FILES; i++)
		buf_init(&content[i], LIMIT_CHAIN_BYTES);
	if (init_contents(p, content, e))
		r = -1;
	for (int i = 0; r == 0 && i < INIT_FILES; i++) {
		r = join(paths[i], o->dir, "/", names[i], e);
		files[i].path = paths[i];
		files[i].content = buf_span(&content[i]);
		files[i].secret = i == INIT_ROOT_KEY || i == INIT_CA_KEY;
	}
	if (r == 0)
		r = pki_files_folder(o->dir, e);
	if (r == 0)
		r = write_files(files, INIT_FILES, o->force, e);
	for (int i = 0; i < INIT_FILES; i++)
		wipe(&content[i]);
	return r;
}

static int run_init(struct pki_options *o, int64_t now, struct err *e)
{
	struct pki p;
	int r;

	if (o->tn_auth || o->url || o->out || o->certs)
		return err_set(e, ERR_USAGE, "--tn-auth, --url, --out and --certs belong to \"pki issue\"");
	if (fill_validity(o, BACKDATE_CA_S, DAYS_CA, now, e))
		return -1;
	if (pki_init(&p, o->name ? o->name : "Pilot", o->not_before, o->not_after, e))
		return -1;
	r = init_write(o, &p, e);
	pki_free(&p);
	return r;
}

/* --- issue -------------------------------------------------------------------------- */

static int read_ca(const char *dir, struct pki *p, struct err *e)
{
	char path[PATH_MAX];
	struct buf pem;
	int r;

	memset(p, 0, sizeof *p);
	buf_init(&pem, LIMIT_KEY_FILE_BYTES);
	r = join(path, dir, "/", "ca.pem", e);
	if (r == 0)
		r = file_read(path, LIMIT_KEY_FILE_BYTES, &pem, e);
	if (r == 0 && !(p->ca = pki_read_cert(buf_span(&pem))))
		r = err_set(e, ERR_DATA, "%s: no certificate in it", path);
	if (r == 0)
		r = join(path, dir, "/", "ca.key.pem", e);
	if (r == 0)
		r = file_read(path, LIMIT_KEY_FILE_BYTES, &pem, e);
	if (r == 0 && !(p->ca_key = pki_read_key(buf_span(&pem))))
		r = err_set(e, ERR_DATA, "%s: no private key in it, or an encrypted one", path);
	if (r == 0 && X509_check_private_key(p->ca, p->ca_key) != 1)
		r = err_set(e, ERR_DATA, "%s: is not the key of ca.pem beside it", path);
	wipe(&pem);
	if (r)
		pki_free(p);
	return r;
}

/* What the folder of certificates can answer (engine/fetch_dir.h). */
static int check_path(struct span path, struct err *e)
{
	struct span rest = span_skip(path, 1);

	for (bool more = true; more;) {
		struct span part;

		more = span_find(rest, '/') < rest.n;
		part = span_cut(&rest, '/');
		if (part.n == 0 || part.p[0] == '.' || span_find(part, '%') < part.n || span_find(part, ':') < part.n ||
		    span_find(part, '@') < part.n)
			return err_set(e, ERR_USAGE,
				       "--url: a path for --certs has no empty or hidden part, and none of %%:@ in it");
	}
	return 0;
}

static int check_issue(const struct pki_options *o, struct x5u *u, struct err *e)
{
	const char *why = NULL;

	if (!o->tn_auth)
		return err_set(e, ERR_USAGE, "--tn-auth is wanted: what may the signer speak for?");
	if (!o->url)
		return err_set(e, ERR_USAGE, "--url is wanted: where will verifiers find the certificate?");
	if (x5u_check(span_cstr(o->url), u, &why) != STIR_OK)
		return err_set(e, ERR_USAGE, "--url %.200s: %s", o->url, why ? why : "not a certificate's address");
	return o->certs ? check_path(u->path, e) : 0;
}

/* DIR and the last part of the URL, without .pem. */
static int default_prefix(const struct pki_options *o, const struct x5u *u, char out[PATH_MAX], struct err *e)
{
	struct span name = u->path;
	char text[LIMIT_X5U_BYTES + 1];

	while (span_find(name, '/') < name.n)
		(void)span_cut(&name, '/');
	if (name.n > 4 && span_caseis(span_skip(name, name.n - 4), ".pem"))
		name.n -= 4;
	if (name.n == 0 || name.p[0] == '.' || name.n > LIMIT_X5U_BYTES || span_is(name, "root") ||
	    span_is(name, "ca") || span_is(name, "anchors"))
		return err_set(e, ERR_USAGE, "the URL gives no fitting file name; choose one with --out");
	snprintf(text, sizeof text, "%.*s", SPAN_ARG(name));
	return join(out, o->dir, "/", text, e);
}

struct issue_paths {
	char key[PATH_MAX], chain[PATH_MAX], served[PATH_MAX];
};

static int served_path(const struct pki_options *o, const struct x5u *u, char out[PATH_MAX], struct err *e)
{
	char rel[LIMIT_X5U_BYTES + 1];

	snprintf(rel, sizeof rel, "%.*s%.*s", SPAN_ARG(u->host), SPAN_ARG(u->path));
	for (size_t i = 0; i < u->host.n; i++)
		rel[i] = span_lower(rel[i]);
	if (join(out, o->certs, "/", rel, e))
		return -1;
	return pki_files_folders(o->certs, rel, e);
}

static int issue_paths(const struct pki_options *o, const struct x5u *u, struct issue_paths *p, struct err *e)
{
	char prefix[PATH_MAX];

	if (o->out ? join(prefix, o->out, "", "", e) : default_prefix(o, u, prefix, e))
		return -1;
	if (join(p->key, prefix, ".", "key", e) || join(p->chain, prefix, ".", "pem", e))
		return -1;
	return o->certs ? served_path(o, u, p->served, e) : 0;
}

static int issue_write(const struct pki_options *o, const struct issue_paths *path, const struct pki *p, EVP_PKEY *key,
		       X509 *cert, struct err *e)
{
	struct buf secret, chain;
	int r;

	buf_init(&secret, LIMIT_KEY_FILE_BYTES);
	buf_init(&chain, LIMIT_CHAIN_BYTES);
	if (pki_put_key(&secret, key) || pki_put_chain(&chain, p, cert)) {
		r = err_set(e, ERR_DATA, "the certificate is larger than verifiers accept; list less numbers");
	} else {
		struct pki_file files[] = {{path->key, buf_span(&secret), true},
					   {path->chain, buf_span(&chain), false},
					   {path->served, buf_span(&chain), false}};

		r = write_files(files, o->certs ? 3 : 2, o->force, e);
	}
	wipe(&secret);
	buf_free(&chain);
	return r;
}

static void warn_outside(const struct pki_options *o, const struct pki *p)
{
	int64_t from, until;

	if (cert_time(X509_get0_notBefore(p->ca), &from) || cert_time(X509_get0_notAfter(p->ca), &until) ||
	    o->not_before < from || o->not_after > until)
		fprintf(stderr, "stirctl pki: the signer's certificate is valid when its CA is not; "
				"verifiers want both to be\n");
}

static int run_issue(struct pki_options *o, int64_t now, struct err *e)
{
	struct issue_paths paths;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	struct pki p;
	struct x5u u;
	int r;

	if (check_issue(o, &u, e) || fill_validity(o, BACKDATE_SIGNER_S, DAYS_SIGNER, now, e) || read_ca(o->dir, &p, e))
		return -1;
	r = pki_issue(&p, o->tn_auth, o->name ? o->name : "Pilot", o->not_before, o->not_after, &key, &cert, e);
	if (r == 0)
		r = issue_paths(o, &u, &paths, e);
	if (r == 0)
		r = issue_write(o, &paths, &p, key, cert, e);
	if (r == 0)
		warn_outside(o, &p);
	EVP_PKEY_free(key);
	X509_free(cert);
	pki_free(&p);
	return r;
}

/* --- the command ---------------------------------------------------------------------- */

static int run(int argc, char **argv, struct err *e)
{
	struct pki_options o;
	bool init = argc > 1 && strcmp(argv[1], "init") == 0;
	int r;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return 1;
	if (argc < 2 || (!init && strcmp(argv[1], "issue") != 0))
		return err_set(e, ERR_USAGE, "\"init\" or \"issue\" is wanted; stirctl pki --help tells more");
	r = parse(&o, argc - 1, argv + 1, e);
	if (r)
		return r;
	return init ? run_init(&o, (int64_t)time(NULL), e) : run_issue(&o, (int64_t)time(NULL), e);
}

int cmd_pki(int argc, char **argv)
{
	struct err e;
	int r;

	err_clear(&e);
	r = run(argc, argv, &e);
	if (r > 0)
		fputs(usage, stdout);
	if (r < 0)
		fprintf(stderr, "stirctl pki: %s\n", e.text);
	if (r >= 0 && fflush(stdout)) {
		fprintf(stderr, "stirctl pki: standard output cannot be written\n");
		return err_exit_status(ERR_OS);
	}
	return r < 0 ? err_exit_status(e.code) : 0;
}
