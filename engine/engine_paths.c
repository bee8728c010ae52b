/*
 * Which files and folders a configuration uses, for who confines the process to
 * them.  What a table or a policy names in turn is read from the engine; what a
 * module of a token opens is not known to anybody but that module.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <stdlib.h>

#include "core/keys/key_pkcs11.h"
#include "engine/file.h"
#include "engine/keytable.h"
#include "engine/settings_networks.h"
#include "engine/settings_parse.h"
#include "engine/settings_spec.h"
#include "engine/settings_value.h"
#include "engine/trust_file_internal.h"

struct telling {
	engine_path_use *each;
	void *arg;
};

static void tell(const struct telling *t, enum engine_path_kind kind, const char *name, const char *path)
{
	if (path && *path && !key_pkcs11_is_uri(span_cstr(path)))
		t->each(t->arg, kind, name, path);
}

static enum engine_path_kind kind_of(enum settings_id id)
{
	switch (id) {
	case SETTINGS_ID_pid_file:
	case SETTINGS_ID_cache_file:
	case SETTINGS_ID_state_file:
	case SETTINGS_ID_fact_log:
		return ENGINE_PATH_WRITTEN;
	case SETTINGS_ID_evidence_dir:
		return ENGINE_PATH_FOLDER_WRITTEN;
	case SETTINGS_ID_certificate_dir:
		return ENGINE_PATH_FOLDER_READ;
	default:
		return ENGINE_PATH_READ;
	}
}

/* "file:PATH" among networks, as the settings keep them. */
static void tell_networks(const struct telling *t, const char *name, const char *given)
{
	struct span rest = span_cstr(given ? given : ""), item;

	while (settings_networks_item(&rest, &item)) {
		char *path = span_starts(item, "file:") ? strndup(item.p + strlen("file:"), item.n - strlen("file:")) : NULL;

		tell(t, ENGINE_PATH_READ, name, path);
		free(path);
	}
}

/* local:PATH, unix:PATH, sqlite:PATH: where a file is made. */
static void tell_place(const struct telling *t, const char *name, const char *spec)
{
	static const char *const kinds[] = {"local:", "unix:", "sqlite:"};

	for (size_t i = 0; spec && i < sizeof kinds / sizeof *kinds; i++)
		if (strncmp(spec, kinds[i], strlen(kinds[i])) == 0)
			tell(t, ENGINE_PATH_WRITTEN, name, spec + strlen(kinds[i]));
}

void engine_settings_paths(const struct settings *settings, engine_path_use *each, void *arg)
{
	/* The table gives places to write to as well; nothing here does. */
	struct settings *s = (struct settings *)(uintptr_t)settings;
	const struct telling t = {each, arg};

	tell(&t, ENGINE_PATH_READ, "the configuration", s->origin);
	for (size_t i = 0; i < s->included.n; i++)
		tell(&t, ENGINE_PATH_READ, "Include", s->included.item[i]);
	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++) {
		const struct settings_spec *spec = settings_spec_at((enum settings_id)i);

		if (spec->type == SETTINGS_TYPE_PATH)
			tell(&t, kind_of((enum settings_id)i), spec->row.name, *(char **)settings_spec_value(s, spec));
		else if (spec->type == SETTINGS_TYPE_NETWORKS)
			tell_networks(&t, spec->row.name, *settings_spec_given(s, spec));
	}
	tell_place(&t, "Socket", s->socket);
	tell_place(&t, "MetricsSocket", s->metrics_socket);
	tell_place(&t, "ReplayStore", s->replay_store);
	for (size_t i = 0; i < s->sandbox_paths.n; i++)
		tell(&t, ENGINE_PATH_FOLDER_WRITTEN, "SandboxPaths", s->sandbox_paths.item[i]);
}

static void tell_keys(const struct telling *t, const struct keytable *keys)
{
	for (size_t i = 0; keys && i < keys->n; i++) {
		tell(t, ENGINE_PATH_READ, "KeyTable", keys->row[i].key);
		tell(t, ENGINE_PATH_READ, "KeyTable", keys->row[i].certificate);
		tell(t, ENGINE_PATH_READ, "KeyTable", keys->row[i].pin);
	}
}

static void tell_policy(const struct telling *t, const struct engine *g)
{
	for (struct span rest = buf_span(&g->policy_files), line; rest.n;) {
		char *path;

		line = span_cut(&rest, '\n');
		path = strndup(line.p, line.n);
		tell(t, ENGINE_PATH_READ, "Policy", path);
		free(path);
	}
}

static void tell_domain(const struct telling *t, const char *folder, const struct trust_file_domain *d)
{
	static const enum trust_file_word files[] = {TRUST_FILE_ANCHORS, TRUST_FILE_LIST, TRUST_FILE_LIST_SIGNER, TRUST_FILE_CRLS, TRUST_FILE_CRL_ISSUERS};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const struct trust_file_value *v = &d->value[files[i]];
		char *path = v->line && !trust_file_is_address(v->text) ? settings_value_path(folder, v->text) : NULL;

		tell(t, ENGINE_PATH_READ, "TrustDomains", path);
		free(path);
	}
}

/* It was read a moment ago, and was well then. */
static void tell_domains(const struct telling *t, const char *path)
{
	struct trust_file *f = path ? calloc(1, sizeof *f) : NULL;
	char *folder = path ? settings_parse_folder(path) : NULL;
	struct buf text;
	struct err e;

	buf_init(&text, LIMIT_TABLE_BYTES);
	if (f && folder && file_read(path, LIMIT_TABLE_BYTES, &text, &e) == 0 && trust_file_parse(path, buf_span(&text), f, &e) == 0)
		for (size_t i = 0; i < f->n; i++)
			tell_domain(t, folder, &f->domain[i]);
	buf_free(&text);
	free(folder);
	free(f);
}

void engine_paths(const struct engine *g, engine_path_use *each, void *arg)
{
	const struct telling t = {each, arg};

	engine_settings_paths(&g->settings, each, arg);
	tell_keys(&t, signers_table(g->signers));
	tell_policy(&t, g);
	tell_domains(&t, g->settings.trust_domains);
}

bool engine_uses_tokens(const struct engine *g)
{
	const struct keytable *keys = signers_table(g->signers);

	if (g->settings.key_file && key_pkcs11_is_uri(span_cstr(g->settings.key_file)))
		return true;
	for (size_t i = 0; keys && i < keys->n; i++)
		if (key_pkcs11_is_uri(span_cstr(keys->row[i].key)))
			return true;
	return false;
}
