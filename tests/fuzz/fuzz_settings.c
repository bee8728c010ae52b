/*
 * Any text as configuration: refused with a place, or what is printed reads the same.
 * As a file it is as good; what stands behind a NUL is the file that "Include 99" names.
 */
#include "config.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/settings.h"
#include "engine/settings_parse.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { OTHER = 99 };

/* Does it name no other file than ours? */
static bool is_ours(struct span text)
{
	size_t all = 0, ours = 0;

	for (; text.n; text = span_skip(text, 1)) {
		all += span_casestarts(text, "include");
		ours += span_starts(text, "Include 99\n") || span_starts(text, "Include none\n");
	}
	return all == ours;
}

static int parse_file(struct settings *s, struct span all, struct err *e)
{
	struct span text = span_cut(&all, '\0');
	int fd = memfd_create("fuzz", 0), rc;

	if (fd < 0 || write(fd, all.n ? all.p : "", all.n) != (ssize_t)all.n || dup2(fd, OTHER) < 0)
		abort();
	rc = settings_parse_file(s, "/proc/self/fd/conf", text, e);
	close(OTHER);
	close(fd);
	return rc;
}

/* What is taken as text is taken as a file; only its paths are others. */
static void check_file(struct span all, bool good)
{
	struct settings s;
	struct err e = {ERR_NONE, ""};
	int rc;

	if (!is_ours(all))
		return;
	if (settings_init(&s, NULL))
		abort();
	rc = parse_file(&s, all, &e);
	if (rc && (good || !e.text[0]))
		abort();
	settings_free(&s);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct settings s, t;
	struct buf a, b;
	struct err e = {ERR_NONE, ""};

	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	if (settings_init(&s, NULL) || settings_init(&t, NULL))
		abort();
	if (settings_parse(&s, "conf", span_make(data, size), &e) == 0) {
		settings_print(&a, &s);
		if (settings_parse(&t, "printed", buf_span(&a), &e) == 0)
			settings_print(&b, &t);
		if (!span_eq(buf_span(&a), buf_span(&b)) || (settings_check(&s, &e) && !e.text[0]))
			abort();
	} else if (strncmp(e.text, "conf:", 5) != 0)
		abort();
	check_file(span_make(data, size), a.n > 0);
	buf_free(&a), buf_free(&b), settings_free(&s), settings_free(&t);
	return 0;
}
