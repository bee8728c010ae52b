/*
 * Collects one message out of the front end's pushes.
 *
 * Knows limits and arenas; decides nothing.  What goes over a limit sets
 * over_limit and is otherwise ignored: the message itself goes on.
 */
#include "config.h"

#include "core/message.h"

#include <stdlib.h>

void message_init(struct mms_message *m, struct arena *a)
{
	memset(m, 0, sizeof *m);
	m->arena = a;
}

void message_begin(struct mms_message *m, const struct mms_client *client, const struct numberplan *plan, size_t header_max)
{
	m->client = client;
	m->plan = plan;
	m->header_max = header_max < LIMIT_HEADER_BYTES ? header_max : LIMIT_HEADER_BYTES;
}

void message_sender(struct mms_message *m, struct span addr)
{
	m->mail_from = arena_copy(m->arena, address_envelope(addr, m->arena));
}

/* Room for one more element of an array in the arena; the old array is left to the arena. */
static void *grow(struct arena *a, void *old, size_t n, size_t *cap, size_t size, size_t first)
{
	size_t want = *cap ? *cap * 2 : first;
	void *p;

	if (n < *cap)
		return old;
	p = arena_array(a, want, size);
	if (!p)
		return NULL;
	if (n)
		memcpy(p, old, n * size);
	*cap = want;
	return p;
}

void message_rcpt(struct mms_message *m, struct span addr)
{
	struct mms_rcpt *r;

	if (m->nrcpt >= LIMIT_RECIPIENTS) {
		m->over_limit = true;
		return;
	}
	r = grow(m->arena, m->rcpt, m->nrcpt, &m->rcpt_cap, sizeof *r, 4);
	if (!r) {
		m->over_limit = true;
		return;
	}
	m->rcpt = r;
	r = &m->rcpt[m->nrcpt++];
	r->path = arena_copy(m->arena, address_path(addr));
	r->addr = address_envelope(r->path, m->arena);
}

void message_watch(struct mms_message *m, const char *name)
{
	for (size_t i = 0; i < MESSAGE_WATCH_MAX; i++)
		if (!m->watch[i]) {
			m->watch[i] = name;
			return;
		}
}

size_t message_watched(const struct mms_message *m, const char *name)
{
	for (size_t i = 0; i < MESSAGE_WATCH_MAX && m->watch[i]; i++)
		if (span_caseis(span_cstr(name), m->watch[i]))
			return m->watch_total[i];
	return 0;
}

static bool count_watched(struct mms_message *m, struct span name)
{
	for (size_t i = 0; i < MESSAGE_WATCH_MAX && m->watch[i]; i++)
		if (span_caseis(name, m->watch[i])) {
			m->watch_total[i]++;
			return true;
		}
	return false;
}

static void add_field(struct mms_message *m, struct span name, struct span value, bool cut)
{
	struct header_field *f = grow(m->arena, m->field, m->nfield, &m->field_cap, sizeof *f, 24);

	if (!f) {
		m->over_limit = true;
		return;
	}
	m->field = f;
	f += m->nfield;
	f->name = arena_copy(m->arena, name);
	f->value = arena_copy(m->arena, value);
	f->cut = cut;
	if (arena_overflowed(m->arena))
		m->over_limit = true;
	else
		m->nfield++;
}

/* A line end that doesn't begin a fold. */
static bool has_bare_end(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\r' || (s.p[i] == '\n' && !(i + 1 < s.n && (s.p[i + 1] == ' ' || s.p[i + 1] == '\t'))))
			return true;
	return false;
}

void message_header(struct mms_message *m, struct span name, struct span value)
{
	bool watched = count_watched(m, name);

	m->bare_cr = m->bare_cr || has_bare_end(name) || has_bare_end(value);

	if (name.n > m->header_max || value.n > m->header_max || m->nfield >= LIMIT_HEADER_FIELDS ||
	    m->header_bytes + name.n + value.n > m->header_max)
		m->over_limit = true;
	if (!m->over_limit) {
		m->header_bytes += name.n + value.n;
		add_field(m, name, value, false);
	} else if (watched && m->nfield < 2 * (size_t)LIMIT_HEADER_FIELDS) {
		add_field(m, name, span_take(value, MESSAGE_WATCH_BYTES), value.n > MESSAGE_WATCH_BYTES);
	}
}

const struct header_field *message_field(const struct mms_message *m, const char *name, size_t nth)
{
	struct span want = span_cstr(name);

	for (size_t i = 0; i < m->nfield; i++)
		if (span_caseeq(m->field[i].name, want) && nth-- == 0)
			return &m->field[i];
	return NULL;
}

size_t message_field_count(const struct mms_message *m, const char *name)
{
	struct span want = span_cstr(name);
	size_t n = 0;

	for (size_t i = 0; i < m->nfield; i++)
		n += span_caseeq(m->field[i].name, want);
	return n;
}

static void read_from(struct mms_message *m)
{
	size_t fields = message_field_count(m, "From"), n;
	struct span *addr;
	bool truncated;

	m->from_kind = MESSAGE_FROM_NONE;
	if (fields > 1 || m->bare_cr)
		m->from_kind = MESSAGE_FROM_AMBIGUOUS;
	if (fields != 1 || m->bare_cr)
		return;
	n = address_list(message_field(m, "From", 0)->value, m->arena, &addr, &truncated);
	truncated = truncated || message_field(m, "From", 0)->cut;
	if (n > 1 || truncated)
		m->from_kind = MESSAGE_FROM_AMBIGUOUS;
	if (n != 1 || truncated)
		return;
	m->from_kind = MESSAGE_FROM_ONE;
	m->from_addr = addr[0];
	party_from_address(m->plan, addr[0], m->arena, &m->from);
}

void message_end_headers(struct mms_message *m)
{
	read_from(m);
	for (size_t i = 0; i < m->nrcpt; i++)
		party_from_address(m->plan, m->rcpt[i].addr, m->arena, &m->rcpt[i].party);
	if (arena_overflowed(m->arena))
		m->over_limit = true;
}

static void describe_top(const struct mms_message *m, struct content_top *top)
{
	const struct header_field *f;

	memset(top, 0, sizeof *top);
	f = message_field(m, "Content-Type", 0);
	if (f) {
		top->has_content_type = true;
		top->content_type = f->value;
	}
	f = message_field(m, "Content-Transfer-Encoding", 0);
	if (f) {
		top->has_transfer_encoding = true;
		top->transfer_encoding = f->value;
	}
	top->doubled = message_field(m, "Content-Type", 1) || message_field(m, "Content-Transfer-Encoding", 1);
	top->has_mime_version = message_field(m, "MIME-Version", 0) != NULL;
	for (size_t i = 0; i < m->nfield && !top->header_8bit; i++)
		for (size_t k = 0; k < m->field[i].value.n; k++)
			if ((unsigned char)m->field[i].value.p[k] > 0x7F) {
				top->header_8bit = true;
				break;
			}
}

void message_want(struct mms_message *m, unsigned want)
{
	struct content_top top;

	want &= ~m->want;
	m->want |= want;
	if (want & ((1u << MSGI_ALG_COUNT) - 1)) {
		msgi_stream_free(&m->raw);
		msgi_stream_begin(&m->raw, m->want & ((1u << MSGI_ALG_COUNT) - 1));
	}
	if (want & MESSAGE_WANT_KEEP)
		buf_init(&m->kept, LIMIT_KEPT_BODY);
	if (want & MESSAGE_WANT_CONTENT) {
		describe_top(m, &top);
		m->content = content_begin(&top);
		if (!m->content)
			m->over_limit = true;
	}
}

/* What is too large is not kept at all: half a body says nothing. */
static void keep(struct mms_message *m, const void *p, size_t n)
{
	if (m->kept.failed || buf_put(&m->kept, p, n) == 0)
		return;
	buf_free(&m->kept);
	m->kept.failed = true;
}

/* Ends at the first octet that is none, which in most bodies is the first of all. */
static bool is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!span_is_blank(p[i]))
			return false;
	return true;
}

void message_body(struct mms_message *m, const void *p, size_t n)
{
	m->body_bytes += n;
	m->body_says = m->body_says || !is_blank(p, n);
	if (m->want & MESSAGE_WANT_KEEP)
		keep(m, p, n);
	if (m->raw.want)
		msgi_stream_feed(&m->raw, p, n);
	if (m->content)
		content_feed(m->content, p, n);
}

void message_end(struct mms_message *m)
{
	if (m->content && !m->ended)
		content_end(m->content, &m->content_result);
	m->ended = true;
}

void message_reset(struct mms_message *m)
{
	struct arena *a = m->arena;

	msgi_stream_free(&m->raw);
	content_free(m->content);
	buf_free(&m->kept);
	arena_reset(a);
	message_init(m, a);
}
