/*
 * Authentication-Results (RFC 8601): our own field, and who pretends to be it.
 *
 * Reading is for one question only, "does this claim to be ours?", and leans
 * to yes: a forged result that survives is worse than a deleted oddity.
 */
#include "config.h"

#include "core/authres.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/limits.h"
#include "core/trustset.h"

/* --- reading ---------------------------------------------------------------- */

/* Skips white space and nested comments (CFWS); false for an open comment. */
static bool skip_cfws(struct span *s)
{
	unsigned depth = 0;

	while (s->n) {
		char c = s->p[0];

		if (c == '\\' && depth && s->n > 1)
			*s = span_skip(*s, 1);
		else if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth && !span_is_blank(c))
			return true;
		*s = span_skip(*s, 1);
	}
	return depth == 0;
}

enum { WORD_MAX = 255 }; /* a host name has at most as many octets */

/* A word as the reader sees it: token or quoted string, in lower case. */
struct word {
	char text[WORD_MAX];
	size_t n;
};

static void word_put(struct word *w, char c)
{
	if (w->n < sizeof w->text)
		w->text[w->n] = span_lower(c);
	w->n++;
}

static bool quoted(struct span *s, struct word *w)
{
	for (*s = span_skip(*s, 1); s->n; *s = span_skip(*s, 1)) {
		if (s->p[0] == '"') {
			*s = span_skip(*s, 1);
			return true;
		}
		if (s->p[0] == '\\' && s->n > 1)
			*s = span_skip(*s, 1);
		if (!span_is_blank(s->p[0]) || s->p[0] == ' ')
			word_put(w, s->p[0]);
	}
	return false;
}

/* One token or quoted string; false where the value can't be read on. */
static bool word(struct span *s, struct word *w)
{
	w->n = 0;
	if (!skip_cfws(s))
		return false;
	if (s->n && s->p[0] == '"')
		return quoted(s, w);
	while (s->n && !span_is_blank(s->p[0]) && !memchr("();=/\"", s->p[0], 6)) {
		word_put(w, s->p[0]);
		*s = span_skip(*s, 1);
	}
	return true;
}

static bool word_is(const struct word *w, struct span text)
{
	return w->n <= sizeof w->text && span_caseeq(span_make(w->text, w->n), text);
}

/* Up to the next ';' outside comments and quoted strings; false at the end or when unreadable. */
static bool next_result(struct span *s, bool *unreadable)
{
	struct word w;

	for (;;) {
		if (!skip_cfws(s)) {
			*unreadable = true;
			return false;
		}
		if (!s->n)
			return false;
		if (s->p[0] == ';') {
			*s = span_skip(*s, 1);
			return true;
		}
		if (s->p[0] == '"') {
			if (!quoted(s, &w)) {
				*unreadable = true;
				return false;
			}
		} else {
			*s = span_skip(*s, 1);
		}
	}
}

static bool is_host_octet(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

/* Does the word stand in the text, not as a part of a longer one? */
static bool occurs(struct span hay, struct span needle)
{
	for (size_t i = 0; i + needle.n <= hay.n; i++) {
		size_t end = i + needle.n;

		bool method = needle.p[needle.n - 1] == '=' || needle.p[needle.n - 1] == '/';

		if (!span_caseeq(span_make(hay.p + i, needle.n), needle))
			continue;
		/* White space is gone, so what stands before a method says nothing. */
		if (method)
			return true;
		if (i && is_host_octet(hay.p[i - 1]))
			continue;
		/* "host." is the host, "host.example" isn't. */
		if (end < hay.n && hay.p[end] == '.')
			end++;
		if (end == hay.n || !is_host_octet(hay.p[end]) || span_casestarts(span_skip(hay, end), AUTHRES_METHOD))
			return true;
	}
	return false;
}

/* "host.example." is the same host as "host.example". */
static struct span without_dot(struct span id)
{
	if (id.n > 1 && id.p[id.n - 1] == '.')
		id.n--;
	return id;
}

/*
 * The same question of a value that isn't grammar: without comments, white space
 * and quotes, do our name and a result of our method stand in it?
 */
static bool looks_like_claim(struct span value, struct span authserv_id)
{
	struct span whole = value;
	struct buf text;
	bool claim, no_name, comments = true;

	buf_init(&text, value.n + 1);
	while (value.n) {
		struct span after = value;

		/* An open comment hides nothing, and is looked for once. */
		comments = comments && skip_cfws(&after);
		if (comments)
			value = after;
		if (value.n && value.p[0] != '"' && value.p[0] != '\\' && !span_is_blank(value.p[0]))
			buf_putc(&text, value.p[0]);
		value = span_skip(value, 1);
	}
	no_name = span_casestarts(buf_span(&text), AUTHRES_METHOD "=");
	claim = text.failed || ((no_name || occurs(buf_span(&text), authserv_id) || occurs(whole, authserv_id)) &&
		(occurs(buf_span(&text), span_cstr(AUTHRES_METHOD "=")) || occurs(buf_span(&text), span_cstr(AUTHRES_METHOD "/"))));
	buf_free(&text);
	return claim;
}

bool authres_is_claim(struct span value, struct span authserv_id)
{
	struct span s = value;
	struct span method = span_cstr(AUTHRES_METHOD);
	bool unreadable = false;
	struct word w;

	authserv_id = without_dot(authserv_id);
	if (word(&s, &w)) {
		if (w.n <= sizeof w.text)
			w.n = without_dot(span_make(w.text, w.n)).n;
		while (word_is(&w, authserv_id) && next_result(&s, &unreadable)) {
			struct word m;

			if (!word(&s, &m))
				break;
			if (word_is(&m, method))
				return true;
		}
	}
	return looks_like_claim(value, authserv_id);
}

/* --- writing ---------------------------------------------------------------- */

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || memchr("()<>@,;:\\\"/[]?=", s.p[i], 15))
			return false;
	return s.n > 0;
}

void authres_value(struct buf *out, struct span s)
{
	if (is_token(s)) {
		buf_put_span(out, s);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < ' ' || s.p[i] > '~')
			continue;
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, s.p[i]);
	}
	buf_putc(out, '"');
}

enum { LINE_OCTETS = 76 };

/* Appends " word", or folds before it when the line would get too long. */
static void put_folded(struct buf *out, size_t *line, struct span word_text)
{
	bool fold = *line + 1 + word_text.n > LINE_OCTETS;

	if (out->n + 2 + word_text.n > LIMIT_RESULT_FIELD)
		return;
	buf_puts(out, fold ? "\n " : " ");
	buf_put_span(out, word_text);
	*line = (fold ? 1 : *line + 1) + word_text.n;
}

struct writer {
	struct buf *out;
	struct buf item;
	size_t line;
};

static void put_item(struct writer *w, const char *name, struct span value)
{
	buf_reset(&w->item);
	buf_printf(&w->item, "%s=", name);
	authres_value(&w->item, value);
	if (w->item.failed)
		w->out->failed = true;
	put_folded(w->out, &w->line, buf_span(&w->item));
}

static void put_number(struct writer *w, const char *name, int64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%lld", (long long)value);

	put_item(w, name, span_make(text, (size_t)n));
}

static void put_claims(struct writer *w, const struct stir_check *c, bool hidden)
{
	if (!hidden)
		put_item(w, c->passport.orig.kind == PARTY_TN ? "policy.orig-tn" : "policy.orig-uri", party_text(&c->passport.orig));
	put_item(w, "policy.authority", span_cstr(tn_authority_name(c->authority)));
	if (c->integrity != STIR_INTEGRITY_UNKNOWN)
		put_item(w, "policy.msgi", span_cstr(stir_integrity_name(c->integrity)));
	if (c->content_suspect)
		put_item(w, "policy.content", span_cstr("suspect"));
	put_item(w, "policy.dest", span_cstr(stir_dest_cover_name(c->dest_cover)));
	put_number(w, "policy.age", c->age_s);
	if (c->replay != STIR_REPLAY_OFF)
		put_item(w, "policy.replay", span_cstr(stir_replay_name(c->replay)));
	if (c->domain)
		put_item(w, "policy.domain", span_cstr(c->domain->name));
}

void authres_write(struct buf *out, struct span authserv_id, const struct stir_result *r)
{
	struct writer w = {.out = out, .line = sizeof "Authentication-Results: " - 1};
	size_t before = out->n;

	buf_init(&w.item, LIMIT_RESULT_FIELD);
	authres_value(out, authserv_id);
	buf_putc(out, ';');
	w.line += out->n - before;
	put_item(&w, AUTHRES_METHOD, span_cstr(stir_word_name(stir_reason_word(r->reason))));
	put_item(&w, "reason", span_cstr(stir_reason_name(r->reason)));
	if (r->best && r->best->signed_ok)
		put_claims(&w, r->best, r->hide_orig);
	buf_free(&w.item);
}
