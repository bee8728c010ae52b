/*
 * Lists: lines and literals to entries, and which kind of list looks up what.
 *
 * Knows lines, comments and what is said about them; the entries themselves are
 * list_tn.c's, list_net.c's and list_text.c's.
 */
#include "config.h"

#include "policy/list.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/printable.h"
#include "policy/list_internal.h"

enum { SHOWN_MAX = 60 /* of an entry in an error */ };

static const struct {
	const char *name;
	enum fact_type fact;
	const char *looks; /* what an entry is */
	int (*entry)(struct list_builder *, struct span, uint32_t);
	int (*finish)(struct list_builder *);
} kinds[] = {
	[LIST_TN] = {"tn", FACT_TYPE_TN, "+15550100001, +1888* or +18005550100..+18005550199", list_tn_entry, list_tn_finish},
	[LIST_CIDR] = {"cidr", FACT_TYPE_ADDR, "192.0.2.0/24 or 2001:db8::1", list_net_entry, list_net_finish},
	[LIST_HOST] = {"host", FACT_TYPE_HOST, "example.net, or .example.net for the names below it", list_text_entry, list_text_finish},
	[LIST_SPC] = {"spc", FACT_TYPE_SPC, "a service provider code, as 123A", list_text_entry, list_text_finish},
	[LIST_TEXT] = {"text", FACT_TYPE_TEXT, "a text of at most 256 octets", list_text_entry, list_text_finish},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

int list_type_of(struct span word)
{
	for (int i = 0; i < KINDS; i++)
		if (span_is(word, kinds[i].name))
			return i;
	return -1;
}

const char *list_type_name(enum list_type t)
{
	return kinds[t].name;
}

bool list_holds(enum list_type t, enum fact_type f)
{
	return kinds[t].fact == f;
}

int list_wrong(struct list_builder *b, size_t bad, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b->why, sizeof b->why, fmt, ap);
	va_end(ap);
	b->bad = n < 0 ? 0 : bad;
	return -1;
}

/* --- made and ended */

static int builder_open(struct list_builder *b, enum list_type t)
{
	memset(b, 0, sizeof *b);
	b->l = calloc(1, sizeof *b->l);
	if (!b->l)
		return -1;
	b->l->type = t;
	return 0;
}

static void builder_close(struct list_builder *b)
{
	list_free(b->l);
	free(b->number.v);
	free(b->range.v);
	free(b->prefix.v);
	free(b->v4.v);
	free(b->v6);
	free(b->where);
}

void list_free(struct list *l)
{
	if (!l)
		return;
	list_ranges_free(&l->number);
	list_ranges_free(&l->range);
	list_ranges_free(&l->prefix);
	list_ranges_free(&l->v4);
	free(l->v6.v);
	free(l->pool.p);
	free(l->pool.slot);
	free(l);
}

/* --- a file */

struct reader {
	struct list_builder b;
	struct source src;
	struct source_report *report;
	struct span rest;
	uint32_t line; /* of the one being read */
	size_t entries, errors;
	uint32_t unsaid; /* line of the first error that was only counted */
	bool stop;
};

static int error_at(struct reader *r, size_t col, const char *why)
{
	if (r->errors++ < LIST_ERRORS_SAID)
		return source_say(r->report, SOURCE_ERROR, (struct source_pos){&r->src, r->line, (uint32_t)col}, "%s", why);
	if (r->errors == LIST_ERRORS_SAID + 1)
		r->unsaid = r->line;
	return -1;
}

static int no_memory(struct source_report *report, struct source_pos at)
{
	return source_say(report, SOURCE_ERROR, at, "no memory for the list");
}

/* The text of an error about one entry. */
static int error_entry(struct reader *r, size_t col, struct span entry)
{
	struct buf text;

	if (!r->b.why[0]) {
		r->stop = true;
		r->errors++;
		return no_memory(r->report, (struct source_pos){&r->src, r->line, (uint32_t)col});
	}
	buf_init(&text, ERR_TEXT_BYTES);
	(void)buf_putc(&text, '"');
	printable_put(&text, span_take(entry, SHOWN_MAX), "\"");
	(void)buf_printf(&text, "%s\" is no %s entry: %s; write %s", entry.n > SHOWN_MAX ? "..." : "", kinds[r->b.l->type].name, r->b.why, kinds[r->b.l->type].looks);
	error_at(r, col + r->b.bad, text.failed ? r->b.why : text.p);
	buf_free(&text);
	return -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Control characters beyond ASCII: U+0080 to U+009F. */
static const char *find_c1(struct span s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '\xC2' && (unsigned char)s.p[i + 1] < 0xA0)
			return s.p + i;
	return NULL;
}

/* NULL, or what is wrong with the octets of a line, and *col. */
static const char *bad_octet(struct span s, size_t *col)
{
	const char *bad;
	bool ascii = true;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		ascii = ascii && c < 0x80;
		if ((c >= ' ' && c != 0x7F) || c == '\t')
			continue;
		*col = i + 1;
		return c == '\0' ? "NUL in a list" : c == '\r' ? "a carriage return that does not end the line" : "a control character in a list";
	}
	if (ascii)
		return NULL;
	if (!g_utf8_validate_len(s.p, s.n, &bad)) {
		*col = (size_t)(bad - s.p) + 1;
		return "this is not UTF-8";
	}
	bad = find_c1(s);
	*col = bad ? (size_t)(bad - s.p) + 1 : 0;
	return bad ? "a control character in a list" : NULL;
}

/* What stands before a comment; '#' begins one at the start of a line or behind a blank. */
static struct span without_comment(struct span s)
{
	for (size_t i = span_find(s, '#'); i < s.n; i += 1 + span_find(span_skip(s, i + 1), '#'))
		if (!i || is_blank(s.p[i - 1]))
			return span_take(s, i);
	return s;
}

static struct span trim(struct span s, size_t *before)
{
	*before = 0;
	while (s.n && is_blank(s.p[0])) {
		s = span_skip(s, 1);
		++*before;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct span next_line(struct span *rest)
{
	size_t n = span_find(*rest, '\n');
	bool ended = n < rest->n;
	struct span line = span_cut(rest, '\n');

	if (ended && line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static void read_line(struct reader *r, struct span line)
{
	enum list_type t = r->b.l->type;
	size_t col = 0;
	const char *why;
	struct span s;

	if (line.n > LIST_LINE_MAX) {
		error_at(r, LIST_LINE_MAX + 1, "a line of a list has at most 1024 octets");
		return;
	}
	why = bad_octet(line, &col);
	if (why) {
		error_at(r, col, why);
		return;
	}
	s = trim(without_comment(line), &col);
	if (!s.n)
		return;
	if (r->entries++ == LIST_ENTRIES_MAX) {
		r->stop = true;
		error_at(r, col + 1, "a list has at most 10000000 entries");
		return;
	}
	r->b.why[0] = '\0';
	if (memchr(s.p, '\t', s.n) && t == LIST_TEXT)
		error_at(r, col + 1 + span_find(s, '\t'), "a control character in a list");
	else if (kinds[t].entry(&r->b, s, r->line) < 0)
		error_entry(r, col + 1, s);
}

static void read_lines(struct reader *r)
{
	if (r->rest.n > LIST_FILE_BYTES_MAX) {
		r->line = 1;
		error_at(r, 1, "a list has at most 512 MB");
		return;
	}
	if (span_starts(r->rest, "\xEF\xBB\xBF")) {
		r->line = 1;
		error_at(r, 1, "the list begins with a byte order mark; save it without one");
		r->rest = span_skip(r->rest, 3);
	}
	while (r->rest.n && !r->stop) {
		r->line++;
		read_line(r, next_line(&r->rest));
	}
	if (r->errors > LIST_ERRORS_SAID)
		source_say(r->report, SOURCE_NOTE, (struct source_pos){&r->src, r->unsaid, 1}, "and %zu more errors from here on", r->errors - LIST_ERRORS_SAID);
}

/* Of the entry in that line. */
static struct source_pos place(const struct source *src, uint32_t line)
{
	struct span rest = src->text, s = rest;
	size_t col;

	for (uint32_t i = 0; i < line; i++)
		s = next_line(&rest);
	trim(s, &col);
	return (struct source_pos){src, line, (uint32_t)col + 1};
}

static void warn(struct source_report *report, size_t entries, const struct list_redundant *r, struct source_pos at)
{
	if (!entries)
		source_say(report, SOURCE_WARNING, at, "the list is empty: nothing is ever in it");
	else if (r->n == 1)
		source_say(report, SOURCE_WARNING, at, "this entry is listed twice or within another");
	else if (r->n)
		source_say(report, SOURCE_WARNING, at, "%zu entries are listed twice or within another; this is the first", r->n);
}

int list_parse(const char *name, enum list_type t, struct span text, struct list **out, struct source_report *report)
{
	struct reader r = {.src = {name, text}, .report = report, .rest = text};
	struct source_pos at = {&r.src, 1, 1};

	*out = NULL;
	if (builder_open(&r.b, t) < 0)
		return no_memory(report, at);
	read_lines(&r);
	if (r.errors || kinds[t].finish(&r.b) < 0) {
		builder_close(&r.b);
		return r.errors ? -1 : no_memory(report, at);
	}
	warn(report, r.entries, &r.b.redundant, r.b.redundant.n ? place(&r.src, r.b.redundant.first) : at);
	r.b.l->count = r.entries - r.b.redundant.n;
	*out = r.b.l;
	r.b.l = NULL;
	builder_close(&r.b);
	return 0;
}

/* --- literals */

static int add_value(struct list_builder *b, const struct ast_value *v, uint32_t i)
{
	switch (b->l->type) {
	case LIST_TN:
		if (v->kind == AST_TN || v->kind == AST_TN_PREFIX || v->kind == AST_TN_RANGE)
			return list_tn_value(b, v, i);
		break;
	case LIST_CIDR:
		if (v->kind == AST_NET)
			return list_net_value(b, v, i);
		break;
	case LIST_HOST:
	case LIST_SPC:
	case LIST_TEXT:
		if (v->kind == AST_TEXT)
			return list_text_entry(b, v->text, i);
		return list_wrong(b, 0, "write it in quotes");
	}
	return list_wrong(b, 0, "write %s", kinds[b->l->type].looks);
}

int list_from_values(enum list_type t, const struct ast_value *item, size_t n, struct list **out, struct source_report *report)
{
	struct source_pos at = n ? item[0].at : (struct source_pos){NULL, 0, 0};
	struct list_builder b;
	size_t errors = 0;

	*out = NULL;
	if (n > LIST_ENTRIES_MAX)
		return source_say(report, SOURCE_ERROR, at, "a list has at most %d entries", LIST_ENTRIES_MAX);
	if (builder_open(&b, t) < 0)
		return no_memory(report, at);
	for (size_t i = 0; i < n && errors < LIST_ERRORS_SAID; i++) {
		b.why[0] = '\0';
		if (add_value(&b, &item[i], (uint32_t)i) == 0)
			continue;
		errors++;
		if (!b.why[0]) {
			no_memory(report, item[i].at);
			break;
		}
		source_say(report, SOURCE_ERROR, item[i].at, "this is no entry of a list of %s: %s", kinds[t].name, b.why);
	}
	if (errors || kinds[t].finish(&b) < 0) {
		builder_close(&b);
		return errors ? -1 : no_memory(report, at);
	}
	if (n)
		warn(report, n, &b.redundant, b.redundant.n ? item[b.redundant.first].at : at);
	b.l->count = n - b.redundant.n;
	*out = b.l;
	b.l = NULL;
	builder_close(&b);
	return 0;
}

/* --- looking */

enum list_type list_type(const struct list *l)
{
	return l->type;
}

size_t list_count(const struct list *l)
{
	return l->count;
}

size_t list_bytes(const struct list *l)
{
	return sizeof *l + list_ranges_bytes(&l->number) + list_ranges_bytes(&l->range) + list_ranges_bytes(&l->prefix) + list_ranges_bytes(&l->v4) +
	       l->v6.n * sizeof *l->v6.v + l->pool.cap + l->pool.nslot * sizeof *l->pool.slot;
}

bool list_contains(const struct list *l, enum fact_type f, const struct facts_value *v)
{
	if (v->hidden || !list_holds(l->type, f))
		return false;
	if (f == FACT_TYPE_TN)
		return list_contains_tn(l, &v->tn);
	if (f == FACT_TYPE_ADDR)
		return list_contains_addr(l, &v->addr);
	return list_contains_text(l, v->text);
}
