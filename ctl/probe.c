/*
 * One message that arrived: which probe it was, what its digests are now, where
 * it begins to differ; the rest is asked of head, body and way.
 */
#include "config.h"

#include <stdlib.h>

#include "core/encoding.h"
#include "core/message.h"
#include "ctl/mailbox.h"
#include "ctl/probe_internal.h"
#include "ctl/probe_parts.h"

/* Content-Types of 128 parts at 64 KB, and the findings. */
enum { PROBE_ARENA = 16 * 1024 * 1024 };

/* --- the table -------------------------------------------------------------------- */

static const struct {
	const char *name, *sentence, *help;
	bool matters;
} changes[PROBE_CHANGES] = {
#define PROBE_CHANGE(id, name, matters, sentence, help) {name, sentence, help, matters},
#include "ctl/probe_change.def"
#undef PROBE_CHANGE
};

const char *probe_change_name(enum probe_change c)
{
	return changes[c].name;
}

const char *probe_change_sentence(enum probe_change c)
{
	return changes[c].sentence;
}

const char *probe_change_help(enum probe_change c)
{
	return changes[c].help;
}

bool probe_change_matters(enum probe_change c)
{
	return changes[c].matters;
}

const char *probe_digest_name(enum probe_digest d)
{
	static const char *const name[] = {"same", "changed", "none"};

	return name[d];
}

/* --- findings ------------------------------------------------------------------------ */

static struct probe_finding *add(struct probe *p, enum probe_change c, struct span where, struct span detail, unsigned long count)
{
	struct probe_finding *f;

	where = span_take(where, PROBE_DETAIL_MAX);
	for (size_t i = 0; i < p->nfinding; i++) {
		f = &p->finding[i];
		if (f->change == c && span_eq(f->where, where)) {
			f->count += count;
			return NULL;
		}
	}
	if (p->nfinding == PROBE_FINDINGS_MAX) {
		p->more = true;
		return NULL;
	}
	f = &p->finding[p->nfinding++];
	*f = (struct probe_finding){.change = c, .where = arena_copy(p->arena, where),
		.detail = arena_copy(p->arena, span_take(detail, PROBE_DETAIL_MAX)), .count = count};
	return f;
}

void probe_add(struct probe *p, enum probe_change c, struct span where, struct span detail)
{
	add(p, c, where, detail, 1);
}

unsigned long probe_line_of(struct span text, size_t at)
{
	unsigned long n = 1;

	for (size_t i = 0; i < at && i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

void probe_add_at(struct probe *p, enum probe_change c, struct span where, struct span detail, struct span sent, size_t offset, unsigned long count)
{
	struct probe_finding *f = add(p, c, where, detail, count);

	if (!f)
		return;
	f->has_place = true;
	f->offset = offset;
	f->line = probe_line_of(sent, offset);
}

bool probe_well(const struct probe *p)
{
	bool well = p->recipe_from != PROBE_FROM_NOWHERE && p->msgi == PROBE_DIGEST_SAME && p->msgc != PROBE_DIGEST_CHANGED && !p->other_version && !p->more;

	for (size_t i = 0; i < p->nfinding; i++)
		well = well && !changes[p->finding[i].change].matters;
	return well;
}

/* --- digests --------------------------------------------------------------------------- */

struct digests {
	struct msgi_value msgi, msgc;
	bool has_msgi, has_msgc;
	unsigned unsafe;
};

static int push_header(struct mms_message *m, struct span head)
{
	struct mail_field f;
	struct buf value;
	int rc = 0;

	buf_init(&value, MAILBOX_MESSAGE_MAX);
	while (rc == 0 && mail_field_next(&head, &f)) {
		rc = mail_value(&value, &f);
		if (rc == 0)
			message_header(m, f.name, buf_span(&value));
	}
	buf_free(&value);
	return rc;
}

/* As signer and verifier make them. 0 / -1 without memory. */
static int digest(struct span head, struct span body, struct digests *out)
{
	static const struct mms_client nobody;
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct mms_message m;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!a)
		return -1;
	message_init(&m, a);
	message_begin(&m, &nobody, NULL, LIMIT_HEADER_BYTES);
	rc = push_header(&m, head);
	message_end_headers(&m);
	message_want(&m, 1u << MSGI_SHA256 | MESSAGE_WANT_CONTENT);
	message_body(&m, body.p, body.n);
	message_end(&m);
	out->has_msgi = msgi_stream_value(&m.raw, MSGI_SHA256, &out->msgi) == 0;
	out->has_msgc = m.content && m.content_result.limit == CONTENT_WITHIN;
	out->msgc = m.content_result.msgc;
	out->unsafe = m.content_result.unsafe;
	message_reset(&m);
	arena_free(a);
	return rc || !out->has_msgi ? -1 : 0;
}

static int put_facts(struct buf *out, const struct probe_make *made, const struct digests *d)
{
	buf_puts(out, "msgi=");
	msgi_write(out, &d->msgi);
	if (d->has_msgc) {
		buf_puts(out, ";\n msgc=");
		msgi_write(out, &d->msgc);
	}
	buf_printf(out, ";\n octets=%zu", made->body.n);
	return out->failed ? -1 : 0;
}

int probe_facts(struct buf *head, const struct probe_make *made)
{
	struct digests d;

	if (digest(buf_span(&made->head), buf_span(&made->body), &d))
		return -1;
	buf_puts(head, PROBE_FACTS ": ");
	put_facts(head, made, &d);
	return buf_putc(head, '\n');
}

int probe_facts_identity(struct buf *head, struct span value)
{
	struct msgi_stream s;
	struct msgi_value v;
	int rc;

	msgi_stream_begin(&s, 1u << MSGI_SHA256);
	msgi_stream_feed(&s, value.p, value.n);
	rc = msgi_stream_value(&s, MSGI_SHA256, &v);
	msgi_stream_free(&s);
	if (rc)
		return -1;
	buf_printf(head, PROBE_IDENTITY ": octets=%zu;\n digest=", value.n);
	msgi_write(head, &v);
	return buf_putc(head, '\n');
}

/* --- which probe is it? -------------------------------------------------------------------- */

static void sink(void *ctx, const void *p, size_t n)
{
	buf_put(ctx, p, n);
}

/* In a text that was re-encoded. */
static int find_in_parts(struct probe *p, struct span head, struct span body)
{
	struct probe_parts *parts = arena_alloc(p->arena, sizeof(*parts));
	struct transfer t;
	struct buf text;
	int rc = 0;

	if (!parts)
		return 0;
	probe_parts(parts, p->arena, head, body, span_make(NULL, 0));
	buf_init(&text, MAILBOX_MESSAGE_MAX);
	for (size_t i = 0; i < parts->n && rc != 1; i++) {
		const struct probe_part *one = &parts->part[i];

		if (one->multipart || one->transfer == TRANSFER_IDENTITY)
			continue;
		buf_reset(&text);
		transfer_begin(&t, one->transfer, sink, &text);
		transfer_feed(&t, one->content.p, one->content.n);
		transfer_end(&t);
		if (probe_recipe_find(buf_span(&text), p->arena, &p->recipe) == 1)
			rc = 1;
	}
	buf_free(&text);
	return rc;
}

static void find_recipe(struct probe *p, const struct probe_setup *s, struct span head, struct span body)
{
	struct mail_field f;
	struct span rest = head;
	int rc;

	while (mail_field_next(&rest, &f)) {
		if (!span_caseis(f.name, "X-STIR-Probe"))
			continue;
		rc = probe_recipe_find(f.value, p->arena, &p->recipe);
		p->recipe_damaged = p->recipe_damaged || rc < 0;
		if (rc == 1) {
			p->recipe_from = PROBE_FROM_FIELD;
			return;
		}
	}
	rc = probe_recipe_find(body, p->arena, &p->recipe);
	p->recipe_damaged = p->recipe_damaged || rc < 0;
	if (rc != 1)
		rc = find_in_parts(p, head, body);
	if (rc == 1) {
		p->recipe_from = PROBE_FROM_BODY;
	} else if (s->sent) {
		p->recipe = *s->sent;
		p->recipe_from = PROBE_FROM_SENT;
	}
}

/* --- comparing ---------------------------------------------------------------------------------- */

static void find_first(struct probe *p, const struct probe_make *made, struct span body)
{
	struct span sent = buf_span(&made->body), before;
	size_t n = 0;

	p->sent_octets = sent.n;
	p->arrived_octets = body.n;
	while (n < sent.n && n < body.n && sent.p[n] == body.p[n])
		n++;
	p->differs = n < sent.n || n < body.n;
	if (!p->differs)
		return;
	before = span_take(sent, n);
	p->first = n;
	p->first_line = probe_line_of(sent, n);
	while (before.n && before.p[before.n - 1] != '\n')
		before.n--;
	p->first_column = n - before.n + 1;
	p->first_part = n < sent.n ? probe_make_name_at(made, n) : "behind the end";
	p->first_sent = arena_copy(p->arena, span_take(span_skip(sent, n), PROBE_CONTEXT));
	p->first_arrived = arena_copy(p->arena, span_take(span_skip(body, n), PROBE_CONTEXT));
}

/* Is what is built here what was built there?  A facts field that is whole and says otherwise. */
static bool is_other(struct span head, const struct digests *sent)
{
	struct mail_field f;
	struct msgi_value there;
	char text[200];
	size_t n = 0;
	struct span rest;

	if (!mail_field_find(head, PROBE_FACTS, 0, &f) || f.value.n > sizeof(text))
		return false;
	for (size_t i = 0; i < f.value.n; i++)
		if (!span_is_blank(f.value.p[i]))
			text[n++] = f.value.p[i];
	rest = span_make(text, n);
	if (!span_starts(rest, "msgi="))
		return false;
	rest = span_skip(rest, 5);
	return msgi_parse(span_cut(&rest, ';'), &there) == 0 && !msgi_eq(&there, &sent->msgi);
}

static int compare_digests(struct probe *p, const struct probe_make *made, struct span head, struct span body)
{
	struct digests sent, arrived;

	if (digest(buf_span(&made->head), buf_span(&made->body), &sent) || digest(head, body, &arrived))
		return -1;
	p->unsafe = sent.unsafe;
	p->other_version = is_other(head, &sent);
	p->msgi = msgi_eq(&sent.msgi, &arrived.msgi) ? PROBE_DIGEST_SAME : PROBE_DIGEST_CHANGED;
	p->msgc = !sent.has_msgc ? PROBE_DIGEST_NONE : arrived.has_msgc && msgi_eq(&sent.msgc, &arrived.msgc) ? PROBE_DIGEST_SAME : PROBE_DIGEST_CHANGED;
	return 0;
}

static void check_line_ends(struct probe *p, struct span text)
{
	size_t lf = 0, crlf = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\n')
			continue;
		lf += i == 0 || text.p[i - 1] != '\r';
		crlf += i > 0 && text.p[i - 1] == '\r';
	}
	if (lf && crlf)
		probe_add(p, PROBE_CHANGE_LINE_ENDS, span_cstr("message"), arena_printf(p->arena, "%zu LF, %zu CRLF", lf, crlf));
}

static int compare(struct probe *p, const struct mail *m, const struct probe_setup *s, struct span head, struct span body)
{
	struct probe_make made;
	struct buf sent;
	int rc = -1;

	if (probe_make(&made, &p->recipe))
		return -1;
	buf_init(&sent, 2 * PROBE_MAKE_HEAD_MAX);
	buf_put_span(&sent, buf_span(&made.head));
	if (probe_facts(&sent, &made) == 0 && compare_digests(p, &made, head, body) == 0) {
		find_first(p, &made, body);
		check_line_ends(p, m->text);
		probe_way(p, s, head);
		probe_head(p, buf_span(&sent), head, body);
		probe_body(p, &made, head, body);
		rc = 0;
	}
	buf_free(&sent);
	probe_make_free(&made);
	return rc;
}

int probe_init(struct probe *p)
{
	memset(p, 0, sizeof(*p));
	p->arena = arena_new(PROBE_ARENA);
	return p->arena ? 0 : -1;
}

void probe_free(struct probe *p)
{
	arena_free(p->arena);
	p->arena = NULL;
}

static void put_body(void *arg, const void *p, size_t n)
{
	buf_put(arg, p, n);
}

int probe_read(struct probe *p, const struct mail *m, const struct probe_setup *s, struct err *e)
{
	struct arena *a = p->arena;
	struct span rest = m->text, head;
	struct mail_field f;
	struct buf body;
	int rc = 0;

	arena_reset(a);
	memset(p, 0, sizeof(*p));
	p->arena = a;
	p->finding = arena_array(a, PROBE_FINDINGS_MAX, sizeof(*p->finding));
	while (mail_field_next(&rest, &f))
		;
	head = span_take(m->text, m->text.n - rest.n);
	/* Each LF may become two octets. */
	buf_init(&body, 2 * (size_t)MAILBOX_MESSAGE_MAX);
	mail_body_push(m, mail_body(rest), put_body, &body);
	if (!body.failed)
		find_recipe(p, s, head, buf_span(&body));
	if (body.failed || !p->finding)
		rc = -1;
	else if (p->recipe_from != PROBE_FROM_NOWHERE)
		rc = compare(p, m, s, head, buf_span(&body));
	buf_free(&body);
	if (rc || arena_overflowed(a))
		return err_set(e, ERR_UNAVAILABLE, "%s: out of memory for message %lu", m->file, m->index);
	return 0;
}
