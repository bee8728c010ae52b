/*
 * Opens keys and certificates, holds them against each other, and chooses.
 *
 * Knows neither who may sign (engine/signingtable.h) nor any message.
 */
#include "config.h"

#include "engine/signers.h"

#include <stdlib.h>

#include "core/keys/key_pem.h"
#include "core/keys/key_pkcs11.h"
#include "core/limits.h"
#include "engine/file.h"
#include "engine/keytable.h"

struct signer {
	const char *name;
	size_t next; /* of the same name; 0 behind the last, since the first of all is nobody's next */
	char *certificate;
	char *url;
	struct key *key;
	bool in_token;
	struct cert_chain *chain;
	struct sign_params params;
};

struct signers {
	struct signer *at;
	size_t n;
	struct keytable table; /* owns the names */
	const char **names;
	size_t *first, *last; /* of each name, an index of at */
	size_t n_names;
	uint32_t margin_s;
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "no memory for keys");
}

static int open_chain(const char *path, struct cert_chain **out, struct err *e)
{
	struct err why;
	struct buf pem;
	int rc;

	err_clear(&why);
	buf_init(&pem, LIMIT_CHAIN_BYTES);
	rc = file_read(path, LIMIT_CHAIN_BYTES, &pem, e);
	if (rc == 0 && cert_chain_parse(buf_span(&pem), out, &why) != STIR_OK)
		rc = err_set(e, ERR_CONFIG, "%s: not a chain that may sign PASSporTs: %s", path, why.text);
	buf_free(&pem);
	return rc;
}

static int open_key(const struct keytable_row *row, const struct settings *s, struct key_reader reader, struct key **out, struct err *e)
{
	if (key_pkcs11_is_uri(span_cstr(row->key)))
		return key_pkcs11_open(row->key, row->pin, reader, s->require_safe_keys, out, e);
	return key_pem_open(row->key, s->require_safe_keys, reader, out, e);
}

/* A key that isn't the certificate's would make tokens nobody can verify. */
static int check_pair(const struct signer *g, const struct keytable_row *row, struct err *e)
{
	static const char probe[] = "stir-milter: does the certificate verify what its key signs?";
	const struct span text = span_make(probe, sizeof probe - 1);
	unsigned char ours[65], theirs[65], sig[64];

	if (key_public_point(g->key, ours, e))
		return -1;
	cert_chain_point(g->chain, theirs);
	if (memcmp(ours, theirs, sizeof ours) != 0)
		return err_set(e, ERR_CONFIG, "%s is not the key of the first certificate in %s", row->key, row->certificate);
	if (key_sign(g->key, text, sig, e))
		return err_prefix(e, "%s", row->key);
	if (cert_chain_verify(g->chain, text, sig) != 1)
		return err_set(e, ERR_CONFIG, "%s: what it signs, the certificate in %s does not verify", row->key, row->certificate);
	return 0;
}

static int open_signer(struct signer *g, const struct keytable_row *row, const struct settings *s, struct key_reader reader, struct err *e)
{
	g->certificate = strdup(row->certificate);
	g->in_token = key_pkcs11_is_uri(span_cstr(row->key));
	g->url = strdup(row->url);
	if (!g->certificate || !g->url)
		return no_memory(e);
	if (open_chain(row->certificate, &g->chain, e) || open_key(row, s, reader, &g->key, e) || check_pair(g, row, e))
		return -1;
	g->params = (struct sign_params){
		.key = g->key,
		.chain = g->chain,
		.x5u = span_cstr(g->url),
		.alg = (enum msgi_alg)s->digest,
		.content_digest = s->sign_content_digest,
		.unsafe = (enum sign_unsafe)s->unsafe_body,
		.divert = s->sign_diversions,
	};
	return 0;
}

/* Puts at[i] behind those of its name. */
static void add_name(struct signers *s, size_t i)
{
	size_t k = 0;

	while (k < s->n_names && strcmp(s->names[k], s->at[i].name) != 0)
		k++;
	if (k == s->n_names) {
		s->names[s->n_names++] = s->at[i].name;
		s->first[k] = i;
	} else {
		s->at[s->last[k]].next = i;
	}
	s->last[k] = i;
}

/* Those of one name: from s->first[name] on, until NULL. */
static const struct signer *next_of(const struct signers *s, const struct signer *g)
{
	return g->next ? &s->at[g->next] : NULL;
}

static int open_rows(struct signers *g, const struct keytable_row *row, size_t n, const struct settings *s, struct key_reader reader, struct err *e)
{
	g->at = calloc(n, sizeof *g->at);
	g->names = calloc(n, sizeof *g->names);
	g->first = calloc(n, sizeof *g->first);
	g->last = calloc(n, sizeof *g->last);
	if (!g->at || !g->names || !g->first || !g->last)
		return no_memory(e);
	for (size_t i = 0; i < n; i++) {
		struct signer *to = &g->at[g->n++];

		to->name = row[i].name;
		add_name(g, i);
		if (open_signer(to, &row[i], s, reader, e))
			return s->key_table ? err_prefix(e, "%s:%zu", s->key_table, row[i].line) : -1;
	}
	return 0;
}

static int open_table(struct signers *g, const struct settings *s, struct key_reader reader, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, LIMIT_TABLE_BYTES);
	rc = file_read(s->key_table, LIMIT_TABLE_BYTES, &text, e);
	if (rc == 0)
		rc = keytable_parse(s->key_table, buf_span(&text), &g->table, e);
	buf_free(&text);
	return rc ? rc : open_rows(g, g->table.row, g->table.n, s, reader, e);
}

int signers_open(const struct settings *s, struct key_reader reader, struct signers **out, struct err *e)
{
	const struct keytable_row one = {"", s->key_file, s->certificate_file, s->certificate_url, s->key_pin_file, 0};
	struct signers *g;
	int rc;

	*out = NULL;
	if (!s->key_file && !s->key_table)
		return 0;
	g = calloc(1, sizeof *g);
	if (!g)
		return no_memory(e);
	g->margin_s = (uint32_t)s->sign_margin_s;
	rc = s->key_table ? open_table(g, s, reader, e) : open_rows(g, &one, 1, s, reader, e);
	if (rc) {
		signers_free(g);
		return -1;
	}
	*out = g;
	return 0;
}

const struct keytable *signers_table(const struct signers *s)
{
	return s ? &s->table : NULL;
}

void signers_free(struct signers *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->at[i].certificate);
		free(s->at[i].url);
		key_close(s->at[i].key);
		cert_chain_unref(s->at[i].chain);
	}
	free(s->at);
	free(s->names);
	free(s->first);
	free(s->last);
	keytable_free(&s->table);
	free(s);
}

int signers_try_tokens(const struct signers *s, struct err *e)
{
	unsigned char sig[64];

	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].in_token && key_sign(s->at[i].key, span_cstr("trial"), sig, e))
			return err_prefix(e, "the key of %s", s->at[i].certificate);
	return 0;
}

size_t signers_names(const struct signers *s, const char *const **names)
{
	*names = s->names;
	return s->n_names;
}

const struct sign_params *signers_choose(const struct signers *s, size_t name, const struct tn *number, int64_t now)
{
	const struct signer *best = NULL;
	bool best_covers = false;
	int64_t best_from = 0;

	for (const struct signer *g = &s->at[s->first[name]]; g; g = next_of(s, g)) {
		bool this_covers = number && sign_covers(g->chain, number);
		int64_t from, until;

		cert_chain_validity(g->chain, &from, &until);
		if (now < from || now + s->margin_s > until)
			continue;
		/* A new certificate without a number that the old one has does not take it away before its end. */
		if (best && (best_covers != this_covers ? best_covers : from <= best_from))
			continue;
		best = g;
		best_covers = this_covers;
		best_from = from;
	}
	return best ? &best->params : NULL;
}

bool signers_cover_number(const struct signers *s, size_t name, const struct tn *number)
{
	for (const struct signer *g = &s->at[s->first[name]]; g; g = next_of(s, g))
		if (sign_covers(g->chain, number))
			return true;
	return false;
}

bool signers_name_provider(const struct signers *s, size_t name)
{
	for (const struct signer *g = &s->at[s->first[name]]; g; g = next_of(s, g)) {
		const struct tnauthlist *list = cert_chain_tnauthlist(g->chain);

		if (list && tnauthlist_spc(list).n)
			return true;
	}
	return false;
}

bool signers_cover(const struct signers *s, size_t name, const struct tnauthlist *numbers)
{
	for (const struct signer *g = &s->at[s->first[name]]; g; g = next_of(s, g)) {
		const struct tnauthlist *list = cert_chain_tnauthlist(g->chain);

		if (list && tnauthlist_within(numbers, list))
			return true;
	}
	return false;
}

bool signers_at(const struct signers *s, size_t i, struct signers_key *out)
{
	if (i >= s->n)
		return false;
	*out = (struct signers_key){s->at[i].name, s->at[i].certificate, s->at[i].params.x5u, s->at[i].chain};
	return true;
}
