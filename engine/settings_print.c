/*
 * The settings in force, in the form they are read in.
 */
#include "config.h"

#include "engine/settings.h"

#include "engine/settings_spec.h"

/* '#' would begin a comment, and blanks would make two values of one. */
static bool needs_quotes(const struct settings_spec *spec, const char *text)
{
	if (spec->type == SETTINGS_TYPE_LIST || spec->type == SETTINGS_TYPE_NETWORKS)
		return strchr(text, '#') != NULL;
	return strpbrk(text, "# \t") != NULL;
}

/* An ENUM may have been settled by settings_check(); the others are as the row says. */
static const char *text_in_force(struct settings *s, const struct settings_spec *spec)
{
	const char *given = *settings_spec_given(s, spec);

	if (!given && spec->type == SETTINGS_TYPE_ENUM)
		for (const struct settings_word *w = spec->words; w->word; w++)
			if (w->value == *(int *)settings_spec_value(s, spec))
				return w->word;
	return given ? given : spec->row.dflt;
}

void settings_print(struct buf *out, const struct settings *s)
{
	/* A copy of the pointers, so that the table's accessors can be used; nothing is changed. */
	struct settings view = *s;

	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++) {
		const struct settings_spec *spec = settings_spec_at((enum settings_id)i);
		const char *text = text_in_force(&view, spec);
		const char *quote = needs_quotes(spec, text) ? "\"" : "";

		if (text[0])
			buf_printf(out, "%s %s%s%s\n", spec->row.name, quote, text, quote);
		else
			buf_printf(out, "# %s is not set\n", spec->row.name);
	}
}
