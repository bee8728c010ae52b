/* Messages from files: header fields and body apart, addresses of the envelope out of From and To. */
#include "config.h"

#include "tests/bench/client_mail.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MOST = 4096 };

static void *need(void *p)
{
	if (!p)
		err(2, "memory");
	return p;
}

static void read_file(const char *path, struct client_mail *m)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (!f || fstat(fileno(f), &st))
		err(2, "%s", path);
	m->n = (size_t)st.st_size;
	m->octets = need(malloc(m->n + 1));
	if (fread(m->octets, 1, m->n, f) != m->n)
		err(2, "%s", path);
	m->octets[m->n] = '\0';
	fclose(f);
}

static void add_field(struct client_mail *m, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	struct client_mail_field *f;
	size_t name_n, at;

	if (!colon)
		errx(2, "%s: a header line without colon", m->name);
	if (m->fields % 64 == 0)
		m->field = need(reallocarray(m->field, m->fields + 64, sizeof *m->field));
	f = &m->field[m->fields++];
	f->data = need(malloc(n + 2));
	name_n = (size_t)(colon - line);
	memcpy(f->data, line, name_n);
	f->data[name_n] = '\0';
	f->n = name_n + 1;
	for (at = name_n + 1 + (name_n + 1 < n && colon[1] == ' '); at < n; at++)
		if (line[at] != '\r')
			f->data[f->n++] = line[at];
	f->data[f->n++] = '\0';
}

/* The end of the field that begins at p: the next line that does not go on with it. */
static const char *field_end(const char *p)
{
	const char *end = strstr(p, "\r\n");

	while (end && (end[2] == ' ' || end[2] == '\t'))
		end = strstr(end + 2, "\r\n");
	return end;
}

static char *address_of(const struct client_mail *m, const char *name)
{
	for (size_t i = 0; i < m->fields; i++) {
		const char *value, *open, *close;

		if (strcasecmp(m->field[i].data, name) != 0)
			continue;
		value = m->field[i].data + strlen(m->field[i].data) + 1;
		open = strchr(value, '<');
		close = open ? strchr(open, '>') : NULL;
		return need(close ? strndup(open + 1, (size_t)(close - open) - 1) : strndup(value, strcspn(value, ", \n")));
	}
	errx(2, "%s: no %s", m->name, name);
}

static void split(struct client_mail *m)
{
	const char *p = m->octets, *end;

	while (*p && strncmp(p, "\r\n", 2) != 0 && (end = field_end(p)) != NULL) {
		add_field(m, p, (size_t)(end - p));
		p = end + 2;
	}
	if (strncmp(p, "\r\n", 2) != 0)
		errx(2, "%s: the header does not end", m->name);
	m->body = p + 2;
	m->body_n = m->n - (size_t)(m->body - m->octets);
	m->sender = address_of(m, "From");
	m->rcpt = address_of(m, "To");
}

static void add_more(struct client_mail *m, unsigned more)
{
	char line[128];

	for (unsigned i = 0; i < more; i++) {
		int n = snprintf(line, sizeof line, "X-Bench-Field-%u: one of many, of a length that fields of this kind have", i);

		add_field(m, line, (size_t)n);
	}
}

static int is_mail(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && strcmp(d->d_name + n - 4, ".eml") == 0;
}

struct client_mail *client_mail_read(const char *folder, unsigned more, size_t *n)
{
	struct client_mail *mail;
	struct dirent **name;
	int found = scandir(folder, &name, is_mail, alphasort);

	if (found < 0)
		err(2, "%s", folder);
	if (found == 0 || found > MOST)
		errx(2, "%s: %d messages", folder, found);
	mail = need(calloc((size_t)found, sizeof *mail));
	for (int i = 0; i < found; i++) {
		char path[4096];

		if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name[i]->d_name) >= sizeof path)
			errx(2, "%s: too long", folder);
		mail[i].name = need(strdup(name[i]->d_name));
		read_file(path, &mail[i]);
		split(&mail[i]);
		add_more(&mail[i], more);
		free(name[i]);
	}
	free(name);
	*n = (size_t)found;
	return mail;
}

void client_mail_free(struct client_mail *mail, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < mail[i].fields; k++)
			free(mail[i].field[k].data);
		free(mail[i].field);
		free(mail[i].name);
		free(mail[i].octets);
		free(mail[i].sender);
		free(mail[i].rcpt);
	}
	free(mail);
}
