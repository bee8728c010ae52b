/*
 * Domains as they were read, and the files they name, to a trust set.  What stands
 * at an address was put into the store by trust_file_renew.c; here nothing is
 * asked of the network.
 */
#include "config.h"

#include "engine/trust_file.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/kept.h"
#include "core/trustlist.h"
#include "engine/file.h"
#include "engine/settings_parse.h"
#include "engine/settings_value.h"
#include "engine/trust_file_internal.h"

enum { DAY_S = 86400 };

struct opening {
	const struct trust_file *f;
	const char *folder;
	struct store *keep;
	struct crlcache *crls;
	int64_t now;
	struct trust_sources *sources;
	struct buf *said;
	struct err *e;
	struct trust *trust[LIMIT_TRUST_DOMAINS]; /* of the domains so far */
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "no memory for trust domains");
}

void trust_sources_free(struct trust_sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->at[i].url);
		free(s->at[i].signer_pem);
	}
	free(s->at);
	*s = (struct trust_sources){NULL, 0};
}

/* --- ages ----------------------------------------------------------------------------- */

void trust_file_age(const struct trust_sources *sources, int64_t now, struct buf *said)
{
	for (size_t i = 0; i < sources->n; i++) {
		const struct trust_source *s = &sources->at[i];

		if (s->issued && now - s->issued > (int64_t)s->max_age_s)
			(void)buf_printf(said, "trust domain %s: its trust list %s %" PRId64 " days ago, which is more than trust-list-max-age allows\n",
					 s->name, s->url ? "was last had" : "was made", (now - s->issued) / DAY_S);
	}
}

/* --- files ------------------------------------------------------------------------------- */

static char *path_of(const struct opening *o, const struct trust_file_value *v)
{
	return settings_value_path(o->folder, v->text);
}

/* The octets of the file that v names, and how it is called; frees both on failure. */
static int read_named(const struct opening *o, const struct trust_file_value *v, size_t max, char **path, struct buf *out)
{
	int rc;

	buf_init(out, max);
	*path = path_of(o, v);
	rc = *path ? file_read(*path, max, out, o->e) : no_memory(o->e);
	if (rc == 0)
		return 0;
	free(*path);
	*path = NULL;
	buf_free(out);
	return trust_file_at(o->f, v, o->e);
}

/* Gives the file that v names to add(), if it names one. */
static int add_file(const struct opening *o, struct trust *t, const struct trust_file_value *v, size_t max,
		    int (*add)(struct trust *t, const char *name, struct span octets, struct err *e))
{
	struct buf octets;
	char *path;
	int rc;

	if (!v->line)
		return 0;
	if (read_named(o, v, max, &path, &octets))
		return -1;
	rc = add(t, path, buf_span(&octets), o->e);
	free(path);
	buf_free(&octets);
	return rc ? trust_file_at(o->f, v, o->e) : 0;
}

static int add_urls(const struct opening *o, struct trust *t, const struct trust_file_value *v)
{
	struct span rest = v->text;

	while (rest.n) {
		size_t end = 0;

		while (end < rest.n && !span_is_blank(rest.p[end]))
			end++;
		if (trust_add_crl_url(t, span_take(rest, end), o->e))
			return trust_file_at(o->f, v, o->e);
		rest = span_trim(span_skip(rest, end));
	}
	return 0;
}

/* --- trust lists ---------------------------------------------------------------------------- */

int trust_file_digest(const struct trustlist *l, unsigned char out[TRUST_DIGEST_BYTES])
{
	return EVP_Digest(l->anchors.p, l->anchors.n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

struct span trust_file_key(const struct trust_source *s, struct trust_file_key *out)
{
	(void)snprintf(out->text, sizeof out->text, "%s %s", s->name, s->url);
	return span_cstr(out->text);
}

/* The domain that has the anchor, if it is another one than that of t; or NULL. */
static const struct trust_file_domain *owner_of(const struct opening *o, const struct trust *t, const X509 *anchor)
{
	for (size_t i = 0; i < o->f->n; i++)
		for (size_t k = 0; o->trust[i] && o->trust[i] != t && k < trust_count(o->trust[i]); k++)
			if (X509_cmp(trust_at(o->trust[i], k), anchor) == 0)
				return &o->f->domain[i];
	return NULL;
}

/*
 * Who publishes a list does not know our other domains, and nobody can take an
 * anchor out of it: what another domain has stays there, and is no error, which
 * would keep the last list in force for ever, and us from starting.
 */
static int add_listed(const struct opening *o, struct trust *t, const struct trust_source *s, const struct trust *listed)
{
	const struct trust_file_domain *first = NULL;
	struct buf name;
	size_t shared = 0;
	int rc = 0;

	buf_init(&name, ERR_TEXT_BYTES);
	for (size_t i = 0; rc == 0 && i < trust_count(listed); i++) {
		const struct trust_file_domain *other = owner_of(o, t, trust_at(listed, i));

		if (!other) {
			rc = trust_add_anchor(t, trust_at(listed, i), o->e);
			continue;
		}
		if (shared++ == 0)
			cert_name(&name, X509_get_subject_name(trust_at(listed, i)));
		first = first ? first : other;
	}
	if (first)
		(void)buf_printf(o->said, "trust domain %s: %zu of the anchors in its trust list belong to other domains, and stay there; the first to %s: %.*s\n",
				 s->name, shared, first->rules.name, SPAN_ARG(span_take(buf_span(&name), 80)));
	buf_free(&name);
	return rc;
}

/* The anchors of l, which is in force from now on. */
static int use_list(const struct opening *o, struct trust *t, struct trust_source *s, const struct trustlist *l, int64_t issued)
{
	struct trust *listed;
	int rc;

	s->sequence = l->sequence;
	s->issued = issued;
	if (l->is_old)
		(void)buf_printf(o->said, "trust domain %s: its trust list, or the certificate of its signer, has expired; it is used until there is another one\n",
				 s->name);
	if (trust_file_digest(l, s->in_force))
		return no_memory(o->e);
	if (trust_open("trust-list", buf_span(&l->anchors), &listed, o->e))
		return -1;
	rc = add_listed(o, t, s, listed);
	trust_free(listed);
	return rc;
}

/* The last good copy. */
static int use_kept(const struct opening *o, struct trust *t, struct trust_source *s)
{
	struct err why = {ERR_NONE, ""};
	struct trust_file_key key;
	struct trustlist l;
	struct kept k;
	int rc = o->keep ? kept_get(o->keep, TRUST_FILE_KIND, trust_file_key(s, &key), &k, &why) : 0;

	if (rc == 1)
		rc = trustlist_read(k.octets, span_cstr(s->signer_pem), 0, o->now, &l, &why) ? -1 : 1;
	if (rc == 1) {
		rc = use_list(o, t, s, &l, k.when);
		trustlist_clear(&l);
	} else {
		(void)buf_printf(o->said, "trust domain %s: there is no copy of its trust list yet%s%s; %s\n", s->name, rc < 0 ? ": " : "", why.text,
				 trust_count(t) ? "only its own anchors are trusted" : "nothing is trusted in it");
		rc = 0;
	}
	if (o->keep)
		kept_free(&k);
	return rc;
}

/* When it was made, by what it says, or else by its file. */
static int64_t made(const struct trustlist *l, const char *path, int64_t now)
{
	struct stat st;

	if (l->issued)
		return l->issued;
	return stat(path, &st) == 0 ? (int64_t)st.st_mtime : now;
}

static int use_file(const struct opening *o, struct trust *t, struct trust_source *s, const struct trust_file_value *v)
{
	struct trustlist l;
	struct buf jws;
	char *path;
	int rc;

	if (read_named(o, v, LIMIT_TRUSTLIST_BYTES, &path, &jws))
		return -1;
	rc = trustlist_read(buf_span(&jws), span_cstr(s->signer_pem), 0, o->now, &l, o->e);
	if (rc)
		(void)err_prefix(o->e, "%s", path);
	else
		rc = use_list(o, t, s, &l, made(&l, path, o->now));
	trustlist_clear(&l);
	buf_free(&jws);
	free(path);
	return rc ? trust_file_at(o->f, v, o->e) : 0;
}

static struct trust_source *new_source(const struct opening *o, const struct trust_file_domain *d)
{
	struct trust_sources *all = o->sources;
	struct trust_source *grown = reallocarray(all->at, all->n + 1, sizeof *grown), *s;

	if (!grown)
		return NULL;
	all->at = grown;
	s = &all->at[all->n++];
	memset(s, 0, sizeof *s);
	memcpy(s->name, d->rules.name, sizeof s->name);
	s->max_age_s = d->max_age_s;
	return s;
}

static int add_list(const struct opening *o, struct trust *t, const struct trust_file_domain *d)
{
	const struct trust_file_value *v = &d->value[TRUST_FILE_LIST], *signer = &d->value[TRUST_FILE_LIST_SIGNER];
	struct trust_source *s;
	struct buf pem;
	char *path;

	if (!v->line)
		return 0;
	s = new_source(o, d);
	if (!s)
		return no_memory(o->e);
	if (read_named(o, signer, LIMIT_CHAIN_BYTES, &path, &pem))
		return -1;
	free(path);
	s->signer_pem = pem.p;
	if (!trust_file_is_address(v->text))
		return use_file(o, t, s, v);
	s->url = strndup(v->text.p, v->text.n);
	return s->url ? use_kept(o, t, s) : no_memory(o->e);
}

/* --- domains ----------------------------------------------------------------------------------- */

static int set_crlcache(const struct opening *o, struct trust *t, const struct trust_file_domain *d)
{
	const struct trust_file_value *urls = &d->value[TRUST_FILE_CRL_URLS];

	if (o->crls && trust_set_crlcache(t, o->crls)) {
		(void)err_set(o->e, ERR_CONFIG, "revocation lists of trust domain %s can't be had: no memory, too many of them, or an address of crl-urls may not be asked",
			      d->rules.name);
		return trust_file_at(o->f, urls->line ? urls : &d->name, o->e);
	}
	if (!o->crls && urls->line)
		(void)buf_printf(o->said, "trust domain %s: the lists of its crl-urls are not had, since nothing may be had from the network\n", d->rules.name);
	return 0;
}

/* All but the trust list, and what comes after it. */
static int fill(const struct opening *o, struct trust *t, const struct trust_file_domain *d)
{
	const struct trust_file_value *v = d->value;

	if (add_file(o, t, &v[TRUST_FILE_ANCHORS], LIMIT_ANCHOR_BYTES, trust_add_anchors) || add_file(o, t, &v[TRUST_FILE_CRLS], LIMIT_CRL_FILE_BYTES, trust_add_crls))
		return -1;
	if (add_file(o, t, &v[TRUST_FILE_CRL_ISSUERS], LIMIT_CHAIN_BYTES, trust_add_crl_issuers))
		return -1;
	return add_urls(o, t, &v[TRUST_FILE_CRL_URLS]);
}

/* Hands the domain over to the set. */
static int add_domain(struct opening *o, size_t i, struct trustset *set)
{
	const struct trust_file_domain *d = &o->f->domain[i];
	struct trust *t = o->trust[i];

	if (set_crlcache(o, t, d))
		return -1;
	o->trust[i] = NULL;
	return trustset_add(set, &d->rules, t, o->e) ? trust_file_at(o->f, &d->name, o->e) : 0;
}

/* First what the operator names: before a list can claim an anchor it is known whose it is. */
static int fill_all(struct opening *o)
{
	const struct trust_file *f = o->f;

	for (size_t i = 0; i < f->n; i++)
		if (trust_open_empty(&o->trust[i], o->e) || fill(o, o->trust[i], &f->domain[i]))
			return -1;
	for (size_t i = 0; i < f->n; i++)
		if (add_list(o, o->trust[i], &f->domain[i]))
			return -1;
	return 0;
}

static int open_all(struct opening *o, struct trustset **set)
{
	int rc;

	*set = trustset_new();
	if (!*set)
		return no_memory(o->e);
	rc = fill_all(o);
	for (size_t i = 0; rc == 0 && i < o->f->n; i++)
		rc = add_domain(o, i, *set);
	for (size_t i = 0; i < o->f->n; i++)
		trust_free(o->trust[i]);
	if (rc == 0)
		trust_file_age(o->sources, o->now, o->said);
	return rc;
}

static int open_text(struct opening *o, const char *path, struct span text, struct trustset **set)
{
	struct trust_file *f = calloc(1, sizeof *f);
	char *folder = settings_parse_folder(path);
	int rc;

	o->f = f;
	o->folder = folder;
	if (!f || !folder)
		rc = no_memory(o->e);
	else
		rc = trust_file_parse(path, text, f, o->e) ? -1 : open_all(o, set);
	free(folder);
	free(f);
	return rc;
}

int trust_file_open(const char *path, struct store *keep, struct crlcache *crls, int64_t now, struct trustset **set, struct trust_sources *sources, struct buf *said,
		    struct err *e)
{
	struct opening o = {.keep = keep, .crls = crls, .now = now, .sources = sources, .said = said, .e = e};
	struct buf text;
	int rc;

	*set = NULL;
	*sources = (struct trust_sources){NULL, 0};
	buf_init(&text, LIMIT_CONF_BYTES);
	rc = file_read(path, LIMIT_CONF_BYTES, &text, e);
	if (rc == 0)
		rc = open_text(&o, path, buf_span(&text), set);
	buf_free(&text);
	if (rc) {
		trustset_unref(*set);
		trust_sources_free(sources);
		*set = NULL;
	}
	return rc;
}
