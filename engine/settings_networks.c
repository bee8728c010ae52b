/*
 * Lists of networks, in the configuration itself or in a file beside it.
 *
 * What a network looks like is core/cidr's business.
 */
#include "config.h"

#include "engine/settings_networks.h"

#include <stdlib.h>

#include "core/limits.h"
#include "engine/file.h"
#include "engine/settings_line.h"

static bool separates(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

bool settings_networks_item(struct span *rest, struct span *item)
{
	size_t n = 0;

	while (rest->n && separates(rest->p[0]))
		*rest = span_skip(*rest, 1);
	while (n < rest->n && !separates(rest->p[n]))
		n++;
	*item = span_take(*rest, n);
	*rest = span_skip(*rest, n);
	return n > 0;
}

static int read_line(struct cidr_set *set, struct span line, const char **at, struct err *e)
{
	const char *fault = settings_line_fault(line, at);
	struct span entry = settings_line_content(line);

	if (fault)
		return err_set(e, ERR_CONFIG, "%s", fault);
	if (entry.n == 0)
		return 0;
	*at = entry.p;
	for (size_t i = 0; i < entry.n; i++)
		if (separates(entry.p[i])) {
			*at = entry.p + i;
			return err_set(e, ERR_CONFIG, "one entry a line");
		}
	return cidr_add(set, entry, e);
}

static int read_lines(struct cidr_set *set, const char *path, struct span text, struct err *e)
{
	struct span line;
	const char *at = NULL;

	for (unsigned no = 1; settings_line_next(&text, &line); no++)
		if (read_line(set, line, &at, e))
			return err_prefix(e, "%s:%u:%zu", path, no, settings_line_column(line, at));
	return 0;
}

static int read_file(struct settings_value *v, struct span path, struct cidr_set *set, struct buf *text)
{
	char *name = settings_value_path(v->folder, path);
	struct buf content;
	int rc;

	if (!name)
		return err_set(v->e, ERR_UNAVAILABLE, "no memory");
	buf_init(&content, LIMIT_TABLE_BYTES);
	rc = file_read(name, LIMIT_TABLE_BYTES, &content, v->e);
	if (rc && v->e && (v->e->code == ERR_NOINPUT || v->e->code == ERR_DATA)) {
		v->e->code = ERR_CONFIG; /* it's the file that names it that can't be used */
	} else if (!rc) {
		v->at = NULL;
		rc = read_lines(set, name, buf_span(&content), v->e);
	}
	buf_free(&content);
	buf_puts(text, "file:");
	buf_puts(text, name);
	free(name);
	return rc;
}

/* How OpenDKIM would write a list that stands in a file. */
static bool foreign_file(struct span item)
{
	static const char *const kinds[] = {"/", "./", "../", "refile:", "csl:", "db:", "lmdb:", "mdb:", "dsn:", "ldap:"};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (span_casestarts(item, kinds[i]))
			return true;
	return false;
}

int settings_networks_read(struct settings_value *v, struct cidr_set *set, struct buf *text)
{
	struct span rest = v->text, item;
	size_t n;

	for (n = 0; settings_networks_item(&rest, &item); n++) {
		v->at = item.p;
		if (n)
			buf_puts(text, ", ");
		if (span_starts(item, "file:") && item.n > strlen("file:")) {
			if (read_file(v, span_skip(item, strlen("file:")), set, text))
				return -1;
			continue;
		}
		if (foreign_file(item))
			return err_set(v->e, ERR_CONFIG, "\"%.*s\" is no network; a list in a file, one entry a line, is file:PATH",
				       SPAN_ARG(settings_line_short(item)));
		if (cidr_add(set, item, v->e))
			return -1;
		buf_put_span(text, item);
	}
	v->at = v->text.p;
	return n ? 0 : err_set(v->e, ERR_CONFIG, "no network in it");
}
