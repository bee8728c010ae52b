/*
 * The key of pseudonyms, one for log and FactLog: what stands in one can be
 * looked for in the other.
 */
#include "config.h"

#include "engine/engine_internal.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "engine/secret_file.h"

static bool is_wanted(const struct settings *s)
{
	/* A sender who asks to be hidden is never in full. */
	bool log = s->log_numbers == SETTINGS_NUMBERS_PSEUDONYM || (s->log_numbers == SETTINGS_NUMBERS_FULL && !s->show_hidden);

	return log || (s->fact_log && s->fact_log_numbers == FACTLOG_PSEUDONYM);
}

static int have_key(struct engine *g, const struct engine *old, struct err *e)
{
	const struct settings *s = &g->settings;

	if (s->pseudonym_key)
		return secret_file_read("PseudonymKey", s->pseudonym_key, s->require_safe_keys, engine_future_reader(s), g->pseudonym_key, e);
	g->pseudonym_key_is_random = true;
	if (old && old->pseudonym_key_is_random)
		memcpy(g->pseudonym_key, old->pseudonym_key, sizeof g->pseudonym_key);
	else if (RAND_bytes(g->pseudonym_key, sizeof g->pseudonym_key) != 1)
		return err_set(e, ERR_UNAVAILABLE, "no randomness for pseudonyms");
	return 0;
}

int engine_pseudonym_open(struct engine *g, const struct engine *old, struct err *e)
{
	if (!is_wanted(&g->settings))
		return 0;
	if (have_key(g, old, e))
		return -1;
	g->pseudonyms = pseudonym_new(g->pseudonym_key);
	return g->pseudonyms ? 0 : err_set(e, ERR_UNAVAILABLE, "no memory for pseudonyms");
}

void engine_pseudonym_close(struct engine *g)
{
	pseudonym_free(g->pseudonyms);
	OPENSSL_cleanse(g->pseudonym_key, sizeof g->pseudonym_key);
}
