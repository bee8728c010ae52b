/*
 * The sample configuration, from the table.  conf/stir-milter.conf is this
 * below a header of its own; a test compares.
 */
#include "config.h"

#include "engine/settings.h"

#include "engine/settings_spec.h"

enum { WIDTH = 78 };

/* The sentence as comment lines of at most WIDTH columns. */
static void write_comment(struct buf *out, struct span text)
{
	size_t column = 0;

	while (text.n) {
		struct span word = span_cut(&text, ' ');

		if (column && column + 1 + word.n > WIDTH) {
			buf_putc(out, '\n');
			column = 0;
		}
		buf_puts(out, column ? " " : "# ");
		buf_put_span(out, word);
		column += (column ? 1 : 2) + word.n;
	}
	buf_putc(out, '\n');
}

/* Some sentences explain the words already. */
static bool names_all_words(const struct settings_spec *spec)
{
	for (const struct settings_word *w = spec->words; w && w->word; w++)
		if (!strstr(spec->row.sentence, w->word))
			return false;
	return spec->words != NULL;
}

static void write_type(struct buf *out, const struct settings_spec *spec)
{
	switch (spec->type) {
	case SETTINGS_TYPE_STRING:
	case SETTINGS_TYPE_PATH:
		break;
	case SETTINGS_TYPE_BOOL:
		buf_puts(out, " Yes or no.");
		break;
	case SETTINGS_TYPE_ENUM:
		if (names_all_words(spec))
			break;
		buf_puts(out, " One of ");
		settings_spec_write_words(out, spec);
		buf_putc(out, '.');
		break;
	case SETTINGS_TYPE_LIST:
		buf_puts(out, " A list: commas or spaces between the items.");
		break;
	case SETTINGS_TYPE_NETWORKS:
		buf_puts(out, " A list of addresses and networks; file:PATH names a file with one a line.");
		break;
	default:
		buf_puts(out, " From ");
		settings_spec_write_number(out, spec->type, spec->min);
		buf_puts(out, " to ");
		settings_spec_write_number(out, spec->type, spec->max);
		buf_putc(out, '.');
		break;
	}
}

void settings_sample(struct buf *out)
{
	struct buf text;

	buf_init(&text, 4096);
	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++) {
		const struct settings_spec *spec = settings_spec_at((enum settings_id)i);
		const char *dflt = spec->row.dflt;

		buf_reset(&text);
		buf_printf(&text, "%s: %s.", spec->row.name, spec->row.sentence);
		write_type(&text, spec);
		buf_puts(&text, dflt[0] ? " Default:" : " Not set by default, for example:");
		write_comment(out, buf_span(&text));
		buf_printf(out, "#%s %s\n\n", spec->row.name, dflt[0] ? dflt : spec->example);
	}
	buf_free(&text);
}
