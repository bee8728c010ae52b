/*
 * What a configuration names that ends: its own certificate, trust anchors,
 * certificates and lists in files.  What is had from the network renews itself,
 * and is not looked at.
 */
#include "config.h"

#include "ctl/pki_dates.h"

#include <limits.h>
#include <stdlib.h>

#include "core/trustlist.h"
#include "ctl/pki_folder.h"
#include "engine/file.h"
#include "engine/keytable.h"
#include "engine/settings.h"
#include "engine/trust_file_internal.h"

struct domains {
	struct pki_dates *d;
	const char *path; /* of the file */
	int64_t now;
};

/* Relative names are relative to the file's folder. */
static int path_of(const struct domains *s, struct span name, char out[PATH_MAX], struct err *e)
{
	const char *slash = strrchr(s->path, '/');
	char text[PATH_MAX];
	int n = snprintf(text, sizeof text, "%.*s", SPAN_ARG(name));

	if (n >= (int)sizeof text)
		return err_set(e, ERR_CONFIG, "%s: a path in it is too long", s->path);
	if (!slash || text[0] == '/')
		return pki_folder_join(out, text, "", "", e);
	n = snprintf(out, PATH_MAX, "%.*s%s", (int)(slash + 1 - s->path), s->path, text);
	return n < PATH_MAX ? 0 : err_set(e, ERR_CONFIG, "%s: a path in it is too long", s->path);
}

/* --- trust lists ------------------------------------------------------------------ */

static int add_list(const struct domains *s, const char *path, struct span jws, struct span signer, struct err *e)
{
	struct pki_dates_item item = {.kind = PKI_DATES_TRUST_LIST, .subject = (char *)(uintptr_t) "", .serial = (char *)(uintptr_t) ""};
	struct trustlist l;
	int r;

	if (trustlist_read(jws, signer, 0, s->now, &l, e))
		return err_prefix(e, "%s", path);
	item.ends = l.expires;
	r = l.expires ? pki_dates_add(s->d, path, jws, &item, e) : 0;
	pki_dates_octets(s->d, path, buf_span(&l.anchors));
	trustlist_clear(&l);
	return r;
}

static int trust_list(const struct domains *s, const struct trust_file_domain *domain, struct err *e)
{
	struct span list = domain->value[TRUST_FILE_LIST].text, by = domain->value[TRUST_FILE_LIST_SIGNER].text;
	char path[PATH_MAX], by_path[PATH_MAX];
	struct buf jws, signer;
	int r;

	if (trust_file_is_address(list) || by.n == 0)
		return 0;
	if (path_of(s, list, path, e) || path_of(s, by, by_path, e))
		return -1;
	buf_init(&jws, LIMIT_TRUSTLIST_BYTES);
	buf_init(&signer, LIMIT_ANCHOR_BYTES);
	r = file_read(path, LIMIT_TRUSTLIST_BYTES, &jws, e);
	if (r == 0)
		r = file_read(by_path, LIMIT_ANCHOR_BYTES, &signer, e);
	if (r == 0)
		r = add_list(s, path, buf_span(&jws), buf_span(&signer), e);
	buf_free(&jws);
	buf_free(&signer);
	return r;
}

/* --- trust domains ------------------------------------------------------------------- */

static void one_domain(const struct domains *s, const struct trust_file_domain *domain)
{
	static const enum trust_file_word files[] = {TRUST_FILE_ANCHORS, TRUST_FILE_LIST_SIGNER, TRUST_FILE_CRLS, TRUST_FILE_CRL_ISSUERS};
	char path[PATH_MAX];
	struct err e;

	err_clear(&e);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const struct trust_file_value *v = &domain->value[files[i]];

		if (v->line == 0)
			continue;
		if (path_of(s, v->text, path, &e))
			s->d->say(s->d->arg, &e);
		else
			pki_dates_path(s->d, path);
	}
	if (domain->value[TRUST_FILE_LIST].line && trust_list(s, domain, &e))
		s->d->say(s->d->arg, &e);
}

static void trust_domains(const struct domains *s)
{
	struct trust_file *f = calloc(1, sizeof *f);
	struct buf text;
	struct err e;

	err_clear(&e);
	buf_init(&text, LIMIT_TABLE_BYTES);
	if (!f)
		(void)err_set(&e, ERR_UNAVAILABLE, "out of memory");
	else if (file_read(s->path, LIMIT_TABLE_BYTES, &text, &e) == 0 && trust_file_parse(s->path, buf_span(&text), f, &e) == 0)
		for (size_t i = 0; i < f->n; i++)
			one_domain(s, &f->domain[i]);
	if (e.code != ERR_NONE)
		s->d->say(s->d->arg, &e);
	buf_free(&text);
	free(f);
}

/* --- the keys of several tenants ---------------------------------------------------------- */

static void key_table(struct pki_dates *d, const char *path)
{
	struct keytable t = {.n = 0};
	struct buf text;
	struct err e;

	err_clear(&e);
	buf_init(&text, LIMIT_TABLE_BYTES);
	if (file_read(path, LIMIT_TABLE_BYTES, &text, &e) || keytable_parse(path, buf_span(&text), &t, &e))
		d->say(d->arg, &e);
	for (size_t i = 0; i < t.n; i++)
		pki_dates_path(d, t.row[i].certificate);
	keytable_free(&t);
	buf_free(&text);
}

/* --- the configuration ------------------------------------------------------------------ */

void pki_dates_conf(struct pki_dates *d, const char *conf, int64_t now)
{
	struct settings s;
	struct err e;

	err_clear(&e);
	if (settings_init(&s, &e) || settings_read(&s, conf, &e)) {
		d->say(d->arg, &e);
	} else {
		const char *const named[] = {s.certificate_file, s.trust_anchors, s.certificate_dir, s.revocation_list};

		for (size_t i = 0; i < sizeof named / sizeof *named; i++)
			if (named[i])
				pki_dates_path(d, named[i]);
		if (s.key_table)
			key_table(d, s.key_table);
		if (s.trust_domains)
			trust_domains(&(struct domains){d, s.trust_domains, now});
	}
	settings_free(&s);
}
