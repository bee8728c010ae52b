/*
 * Field against field.  A field is found again by its name, in any case, and its
 * number among those of that name.
 */
#include "config.h"

#include <stdlib.h>

#include "core/identity.h"
#include "core/limits.h"
#include "ctl/probe_head.h"
#include "ctl/probe_internal.h"

enum {
	/* Of the message that arrived; LIMIT_HEADER_FIELDS is for those that a milter takes. */
	FIELDS_MAX = LIMIT_HEADER_FIELDS
};

const char *probe_field_state_name(enum probe_field_state s)
{
	static const char *const name[] = {"same", "refolded", "blanks", "broken with '!'", "cut", "changed", "lost"};

	return name[s];
}

/* --- two values -------------------------------------------------------------------------- */

/* The next octet that counts. Modes: line ends as they are, folds undone, no blanks at all. */
enum mode { AS_IT_IS, UNFOLDED, BARE, WITHOUT_BANG };

struct reader {
	struct span s;
	enum mode mode;
};

static bool is_blank_octet(char c)
{
	return c == ' ' || c == '\t';
}

static bool skips(struct reader *r)
{
	struct span s = r->s;

	if (s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n')
		return true;
	if (r->mode == AS_IT_IS)
		return false;
	if (s.p[0] == '\n')
		return true;
	if (r->mode == UNFOLDED)
		return false;
	if (r->mode == WITHOUT_BANG && s.p[0] == '!') {
		s = span_skip(s, s.n > 1 && s.p[1] == '\r' ? 2 : 1);
		if (s.n > 1 && s.p[0] == '\n' && is_blank_octet(s.p[1]))
			return true;
	}
	return is_blank_octet(s.p[0]);
}

/* The octet, or -1 at the end. */
static int next(struct reader *r)
{
	while (r->s.n && skips(r))
		r->s = span_skip(r->s, 1);
	if (r->s.n == 0)
		return -1;
	r->s = span_skip(r->s, 1);
	return (unsigned char)r->s.p[-1];
}

/* Equal under that mode; *prefix: the arrived one ended before the other. */
static bool equal(struct span sent, struct span arrived, enum mode mode, bool *prefix)
{
	struct reader a = {sent, mode}, b = {arrived, mode};
	int x, y;

	do {
		x = next(&a);
		y = next(&b);
	} while (x == y && x >= 0);
	*prefix = y < 0 && x >= 0;
	return x == y;
}

enum probe_field_state probe_head_compare(struct span sent, struct span arrived)
{
	bool prefix;

	if (equal(sent, arrived, AS_IT_IS, &prefix))
		return PROBE_FIELD_SAME;
	if (equal(sent, arrived, UNFOLDED, &prefix))
		return PROBE_FIELD_FOLDED;
	if (equal(sent, arrived, BARE, &prefix))
		return PROBE_FIELD_BLANKS;
	if (prefix)
		return PROBE_FIELD_CUT;
	if (equal(sent, arrived, WITHOUT_BANG, &prefix))
		return PROBE_FIELD_BANG;
	return PROBE_FIELD_CHANGED;
}

/* A continuation with nothing but blanks. */
static bool has_blank_line(struct span value)
{
	span_cut(&value, '\n');
	while (value.n) {
		struct span line = span_cut(&value, '\n');

		if (span_trim(line).n == 0)
			return true;
	}
	return false;
}

/* --- all fields --------------------------------------------------------------------------------- */

struct field {
	struct mail_field f;
	bool matched;
};

struct heads {
	struct probe *p;
	struct field *arrived; /* at most FIELDS_MAX */
	size_t n;
	struct span body;
};

static bool is_token(struct span name)
{
	return span_caseis(name, PROBE_MAKE_TYPICAL) || span_caseis(name, PROBE_MAKE_LONGEST);
}

/* What no token covers, and what filters are meant to change. */
static bool is_label(struct span name)
{
	return span_caseis(name, "Subject") || span_caseis(name, "Message-ID") || span_caseis(name, "Date") || span_caseis(name, "Content-Transfer-Encoding") ||
		span_caseis(name, "From") || span_caseis(name, "To");
}

static enum probe_change change_of(struct span name, enum probe_field_state s)
{
	bool token = is_token(name);

	switch (s) {
	case PROBE_FIELD_FOLDED:
		return PROBE_CHANGE_FIELD_FOLDED;
	case PROBE_FIELD_BLANKS:
		return PROBE_CHANGE_FIELD_BLANKS;
	case PROBE_FIELD_BANG:
		return PROBE_CHANGE_FIELD_BANG;
	case PROBE_FIELD_CUT:
		return token ? PROBE_CHANGE_TOKEN_DAMAGED : PROBE_CHANGE_FIELD_CUT;
	case PROBE_FIELD_LOST:
		return token ? PROBE_CHANGE_TOKEN_LOST : PROBE_CHANGE_FIELD_LOST;
	default:
		return token ? PROBE_CHANGE_TOKEN_DAMAGED : is_label(name) ? PROBE_CHANGE_FIELD_LABEL : PROBE_CHANGE_FIELD_CHANGED;
	}
}

/* A field that is no field any more, but stands in the body's beginning: which line? */
static bool is_in_body(const struct heads *h, struct span name)
{
	struct span rest = h->body, line;

	for (unsigned n = 0; n < 400 && rest.n; n++) {
		line = span_cut(&rest, '\n');
		if (line.n > name.n && line.p[name.n] == ':' && span_caseeq(span_take(line, name.n), name))
			return true;
		/* The body's own beginning. */
		if (span_starts(line, "--stir-probe-") || span_starts(line, "This message was made by"))
			return false;
	}
	return false;
}

static struct field *find(struct heads *h, struct span name, size_t *at)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->arrived[i].matched || !span_caseeq(h->arrived[i].f.name, name))
			continue;
		h->arrived[i].matched = true;
		*at = i;
		return &h->arrived[i];
	}
	return NULL;
}

static void note_token(struct probe *p, const struct mail_field *f, enum probe_field_state s)
{
	struct probe_token *t = span_caseis(f->name, PROBE_MAKE_TYPICAL) ? &p->typical : &p->longest;

	*t = (struct probe_token){.sent = true, .octets = span_trim(f->value).n, .state = s};
}

static void tell(struct probe *p, const struct mail_field *sent, const struct mail_field *arrived, enum probe_field_state s)
{
	struct span detail = arrived && s >= PROBE_FIELD_BANG ? span_trim(arrived->value) : span_make(NULL, 0);

	/* A value's place of change says more than its beginning. */
	if (arrived && s >= PROBE_FIELD_BANG && is_token(sent->name))
		detail = arena_printf(p->arena, "%zu of %zu octets came", arrived->value.n, sent->value.n);
	probe_add(p, change_of(sent->name, s), sent->name, detail);
}

/* Where it was found, or the place of the one before. */
static size_t compare_one(struct heads *h, const struct mail_field *sent, size_t before)
{
	size_t at = before;
	const struct field *a = find(h, sent->name, &at);
	enum probe_field_state s = a ? probe_head_compare(sent->value, a->f.value) : PROBE_FIELD_LOST;
	struct probe *p = h->p;

	p->fields_sent++;
	p->fields_same += s == PROBE_FIELD_SAME;
	if (is_token(sent->name))
		note_token(p, sent, s);
	if (!a && is_in_body(h, sent->name))
		probe_add(p, PROBE_CHANGE_HEADER_ENDED, sent->name, span_make(NULL, 0));
	else if (s != PROBE_FIELD_SAME)
		tell(p, sent, a ? &a->f : NULL, s);
	if (!a)
		return before;
	if (!span_eq(sent->name, a->f.name))
		probe_add(p, PROBE_CHANGE_FIELD_CASE, sent->name, a->f.name);
	if (has_blank_line(a->f.value) && !has_blank_line(sent->value))
		probe_add(p, PROBE_CHANGE_FIELD_BLANK_LINE, sent->name, span_make(NULL, 0));
	if (at < before)
		probe_add(p, PROBE_CHANGE_FIELD_ORDER, sent->name, span_make(NULL, 0));
	return at > before ? at : before;
}

/* --- what is new ------------------------------------------------------------------------------------ */

static void note_added(struct probe *p, struct span name)
{
	name = span_take(name, PROBE_DETAIL_MAX);
	for (size_t i = 0; i < p->nadded; i++)
		if (span_caseeq(p->added[i], name))
			return;
	if (p->nadded < PROBE_ADDED_MAX)
		p->added[p->nadded++] = arena_copy(p->arena, name);
}

/* Of a name that a probe has, one more. */
static bool is_sent_name(struct span sent, struct span name)
{
	struct mail_field f;

	while (mail_field_next(&sent, &f))
		if (span_caseeq(f.name, name))
			return true;
	return false;
}

static void find_added(struct heads *h, struct span sent)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct field *a = &h->arrived[i];

		if (a->matched || span_caseis(a->f.name, PROBE_IDENTITY) || span_caseis(a->f.name, "Identity"))
			continue;
		if (is_sent_name(sent, a->f.name))
			probe_add(h->p, PROBE_CHANGE_FIELD_DOUBLED, a->f.name, span_trim(a->f.value));
		else
			note_added(h->p, a->f.name);
	}
}

/* --- Identity ------------------------------------------------------------------------------------------ */

/* Its value on one line: as signed, if it is whole. */
static bool is_signed_value(struct span value, const struct msgi_value *digest, bool without_bang)
{
	struct reader r = {value, without_bang ? WITHOUT_BANG : BARE};
	struct msgi_stream s;
	struct msgi_value v;
	struct buf one;
	bool is = false;
	int c;

	buf_init(&one, LIMIT_IDENTITY_BYTES);
	while ((c = next(&r)) >= 0)
		buf_putc(&one, (char)c);
	msgi_stream_begin(&s, 1u << MSGI_SHA256);
	msgi_stream_feed(&s, one.p, one.n);
	if (!one.failed && msgi_stream_value(&s, MSGI_SHA256, &v) == 0)
		is = msgi_eq(&v, digest);
	msgi_stream_free(&s);
	buf_free(&one);
	return is;
}

/* "octets=900; digest=sha256-..." */
static bool read_signed(struct span head, struct probe_token *t, struct msgi_value *digest)
{
	struct mail_field f;
	struct span rest, n, d;

	if (!mail_field_find(head, PROBE_IDENTITY, 0, &f))
		return false;
	rest = f.value;
	n = span_trim(span_cut(&rest, ';'));
	d = span_trim(rest);
	if (!span_starts(n, "octets=") || !span_starts(d, "digest=") || n.n > 12 || msgi_parse(span_skip(d, 7), digest))
		return false;
	for (size_t i = 7; i < n.n; i++)
		t->octets = t->octets * 10 + (size_t)(n.p[i] >= '0' && n.p[i] <= '9' ? n.p[i] - '0' : 0);
	t->sent = digest->alg == MSGI_SHA256;
	return t->sent;
}

/* The field that was signed in when the probe was made. */
static void check_own_identity(struct heads *h, const struct msgi_value *digest)
{
	struct probe_token *t = &h->p->identity;

	t->state = PROBE_FIELD_LOST;
	for (size_t i = 0; i < h->n && i < LIMIT_IDENTITY_READ * 4; i++) {
		const struct mail_field *f = &h->arrived[i].f;

		if (!span_caseis(f->name, "Identity"))
			continue;
		if (is_signed_value(f->value, digest, false)) {
			t->state = PROBE_FIELD_SAME;
			return;
		}
		t->state = is_signed_value(f->value, digest, true) ? PROBE_FIELD_BANG : PROBE_FIELD_CHANGED;
	}
	if (t->state == PROBE_FIELD_BANG)
		probe_add(h->p, PROBE_CHANGE_FIELD_BANG, span_cstr("Identity"), span_make(NULL, 0));
	else if (t->state == PROBE_FIELD_LOST)
		probe_add(h->p, PROBE_CHANGE_TOKEN_LOST, span_cstr("Identity"), span_make(NULL, 0));
	else
		probe_add(h->p, PROBE_CHANGE_TOKEN_DAMAGED, span_cstr("Identity"), span_make(NULL, 0));
}

/* Fields that a signer on the way put in: can they be read? */
static void check_identities(struct heads *h, struct span head)
{
	struct msgi_value digest;
	struct identity id;

	for (size_t i = 0; i < h->n; i++) {
		const struct mail_field *f = &h->arrived[i].f;

		if (!span_caseis(f->name, "Identity") || h->p->identities++ >= LIMIT_IDENTITY_READ)
			continue;
		if (identity_parse(f->value, h->p->arena, &id) != STIR_OK)
			probe_add(h->p, PROBE_CHANGE_TOKEN_DAMAGED, span_cstr("Identity"), span_cstr("it can not be read"));
		if (has_blank_line(f->value))
			probe_add(h->p, PROBE_CHANGE_FIELD_BLANK_LINE, span_cstr("Identity"), span_make(NULL, 0));
	}
	if (read_signed(head, &h->p->identity, &digest))
		check_own_identity(h, &digest);
}

void probe_head(struct probe *p, struct span sent, struct span arrived, struct span arrived_body)
{
	struct heads h = {.p = p, .body = arrived_body};
	struct span rest = arrived;
	struct mail_field f;
	size_t before = 0;

	h.arrived = arena_array(p->arena, FIELDS_MAX, sizeof(*h.arrived));
	if (!h.arrived)
		return;
	while (h.n < FIELDS_MAX && mail_field_next(&rest, &f))
		h.arrived[h.n++].f = f;
	if (h.n == FIELDS_MAX && mail_field_next(&rest, &f))
		p->more = true;
	rest = sent;
	while (mail_field_next(&rest, &f))
		before = compare_one(&h, &f, before);
	find_added(&h, sent);
	check_identities(&h, arrived);
}
