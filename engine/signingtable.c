/*
 * Reads the table and finds the first line for a client and a number.
 *
 * Lines of one user are found by name, so that a table of ten thousand
 * subscribers costs no more than one of ten; all others are tried in order.
 */
#include "config.h"

#include "engine/signingtable.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/cidr.h"
#include "core/limits.h"
#include "core/suggest.h"
#include "engine/csv.h"

enum { WHO, NUMBERS, KEY, FIELDS };

static const char *const heading[FIELDS] = {"who", "numbers", "key"};

struct row {
	/* empty or NULL: no condition; the names are in the table's arena */
	struct span user, subject, listener;
	struct cidr_set *net;
	struct tnauthlist *numbers; /* NULL: certificate */
	int key;
	size_t line;
};

struct signingtable {
	struct row *row;
	size_t n, cap;
	struct arena *names;
	/* rows of one user by name, then by line; and the rest by line */
	size_t *named, *other;
	size_t nnamed, nother;
};

/* --- reading ---------------------------------------------------------------- */

struct reader {
	struct signingtable *t;
	struct csv csv;
	const char *const *keys;
	size_t nkeys;
	size_t *by_name; /* indexes of keys: with thousands of them, each line asks */
	struct err *e;
};

static int no_memory(struct reader *r)
{
	return err_set(r->e, ERR_UNAVAILABLE, "%s: no memory", r->csv.name);
}

static int set_name(struct reader *r, struct span value, struct span *to, const char *what)
{
	if (to->n)
		return csv_fault(&r->csv, WHO, r->e, "%s stands there twice", what);
	if (!value.n)
		return csv_fault(&r->csv, WHO, r->e, "%s without a name", what);
	*to = arena_copy(r->t->names, value);
	return arena_overflowed(r->t->names) ? no_memory(r) : 0;
}

/* Blanks of both kinds: a tab must not become part of a name, which nobody would have. */
static struct span cut_word(struct span *rest)
{
	size_t n = 0;
	struct span word;

	while (n < rest->n && !span_is_blank(rest->p[n]))
		n++;
	word = span_take(*rest, n);
	*rest = span_trim(span_skip(*rest, n));
	return word;
}

static int set_user(struct reader *r, struct span value, struct row *row)
{
	struct span rest = span_skip(value, span_starts(value, "*"));

	if (memchr(rest.p, '*', rest.n) || (rest.n && rest.n < value.n && (rest.n < 2 || rest.p[0] != '@')))
		return csv_fault(&r->csv, WHO, r->e, "\"user:%.*s\": a star stands alone, or for all of a domain (user:*@a.example)", SPAN_ARG(value));
	return set_name(r, value, &row->user, "user:");
}

static int set_net(struct reader *r, struct span value, struct row *row)
{
	struct err why;

	err_clear(&why);
	if (!row->net)
		row->net = cidr_new();
	else
		return csv_fault(&r->csv, WHO, r->e, "net: stands there twice; use two lines");
	if (!row->net)
		return no_memory(r);
	if (span_starts(value, "!"))
		return csv_fault(&r->csv, WHO, r->e, "net:!... takes something out of nothing; put a line with key \"none\" in front");
	return cidr_add(row->net, value, &why) ? csv_fault(&r->csv, WHO, r->e, "net: %s", why.text) : 0;
}

static int condition(struct reader *r, struct span word, struct row *row)
{
	static const char *const kinds[] = {"user", "net", "tls", "listener"};
	size_t colon = span_find(word, ':');
	struct span kind = span_take(word, colon), value = span_skip(word, colon + 1);
	const char *near;

	if (colon < word.n && span_is(kind, "user"))
		return set_user(r, value, row);
	if (colon < word.n && span_is(kind, "tls"))
		return set_name(r, value, &row->subject, "tls:");
	if (colon < word.n && span_is(kind, "listener"))
		return set_name(r, value, &row->listener, "listener:");
	if (colon < word.n && span_is(kind, "net"))
		return set_net(r, value, row);
	near = suggest_name(kind, kinds, sizeof kinds / sizeof *kinds);
	return csv_fault(&r->csv, WHO, r->e, "\"%.*s\" is no condition; they are user:NAME, net:NETWORK, tls:NAME and listener:NAME%s%s%s",
			 SPAN_ARG(word), near ? " (did you mean " : "", near ? near : "", near ? ":?)" : "");
}

static int read_who(struct reader *r, struct row *row)
{
	struct span rest = span_trim(r->csv.field[WHO]);

	if (!rest.n)
		return csv_fault(&r->csv, WHO, r->e, "who is empty: nobody could be told from anybody");
	while (rest.n) {
		if (condition(r, cut_word(&rest), row))
			return -1;
	}
	return 0;
}

static int read_numbers(struct reader *r, struct row *row)
{
	struct span rest = span_trim(r->csv.field[NUMBERS]);
	struct err why;
	struct buf list;
	int rc;

	if (span_is(rest, "certificate"))
		return 0;
	err_clear(&why);
	buf_init(&list, CSV_FIELD_BYTES + 1);
	while (rest.n) {
		struct span word = cut_word(&rest);

		(void)buf_printf(&list, "%s%.*s", list.n ? "," : "", SPAN_ARG(word));
	}
	rc = list.failed ? no_memory(r) : tnauthlist_from_text(buf_span(&list), &row->numbers, &why);
	if (rc && why.text[0])
		rc = csv_fault(&r->csv, NUMBERS, r->e, "numbers: %s", why.text);
	else if (rc == 0 && tnauthlist_spc(row->numbers).n)
		rc = csv_fault(&r->csv, NUMBERS, r->e, "a provider code says nothing of numbers; write the numbers, or \"certificate\"");
	buf_free(&list);
	return rc;
}

static int key_order(const void *va, const void *vb, void *arg)
{
	const char *const *keys = arg;

	return strcmp(keys[*(const size_t *)va], keys[*(const size_t *)vb]);
}

static int sort_keys(struct reader *r)
{
	r->by_name = calloc(r->nkeys + 1, sizeof *r->by_name);
	if (!r->by_name)
		return no_memory(r);
	for (size_t i = 0; i < r->nkeys; i++)
		r->by_name[i] = i;
	qsort_r(r->by_name, r->nkeys, sizeof *r->by_name, key_order, (void *)(uintptr_t)r->keys);
	return 0;
}

static int span_order(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* The index of the key with that name, or SIGNINGTABLE_NONE. */
static int find_key(const struct reader *r, struct span name)
{
	size_t low = 0, high = r->nkeys;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = span_order(span_cstr(r->keys[r->by_name[mid]]), name);

		if (c == 0)
			return (int)r->by_name[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return SIGNINGTABLE_NONE;
}

static int read_key(struct reader *r, struct row *row)
{
	struct span name = r->csv.field[KEY];
	const char *near;

	row->key = SIGNINGTABLE_NONE;
	if (span_is(name, "none"))
		return 0;
	row->key = find_key(r, name);
	if (row->key != SIGNINGTABLE_NONE)
		return 0;
	near = suggest_name(name, r->keys, r->nkeys);
	return csv_fault(&r->csv, KEY, r->e, "KeyTable has no key \"%.*s\"%s%s%s", SPAN_ARG(name), near ? "; did you mean \"" : "", near ? near : "",
			 near ? "\"?" : "");
}

static int read_row(struct reader *r)
{
	struct row *row;

	if (r->csv.n != FIELDS)
		return csv_fault(&r->csv, r->csv.n > FIELDS ? FIELDS : 0, r->e, "a line is \"who,numbers,key\"; this one has %zu fields", r->csv.n);
	if (r->t->n == LIMIT_SIGNING_ROWS)
		return csv_fault(&r->csv, 0, r->e, "more than %d lines", LIMIT_SIGNING_ROWS);
	if (r->t->n == r->t->cap) {
		size_t cap = r->t->cap ? 2 * r->t->cap : 64;
		struct row *grown = reallocarray(r->t->row, cap, sizeof *grown);

		if (!grown)
			return no_memory(r);
		r->t->row = grown;
		r->t->cap = cap;
	}
	row = &r->t->row[r->t->n++];
	memset(row, 0, sizeof *row);
	row->line = r->csv.line;
	return read_who(r, row) || read_numbers(r, row) || read_key(r, row) ? -1 : 0;
}

/* --- order ------------------------------------------------------------------ */

static bool is_named(const struct row *r)
{
	return r->user.n && r->user.p[0] != '*';
}

/* Without case, so that all lines of a user stand together however they write him. */
static int name_order(struct span a, struct span b)
{
	size_t i = 0;

	while (i < a.n && i < b.n && span_lower(a.p[i]) == span_lower(b.p[i]))
		i++;
	if (i < a.n && i < b.n)
		return (unsigned char)span_lower(a.p[i]) < (unsigned char)span_lower(b.p[i]) ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

static int row_order(const void *va, const void *vb, void *arg)
{
	const struct row *row = arg;
	size_t a = *(const size_t *)va, b = *(const size_t *)vb;
	int c = name_order(row[a].user, row[b].user);

	return c ? c : (a > b) - (a < b);
}

static int put_in_order(struct reader *r)
{
	struct signingtable *t = r->t;

	t->named = calloc(t->n + 1, sizeof *t->named);
	t->other = calloc(t->n + 1, sizeof *t->other);
	if (!t->named || !t->other)
		return no_memory(r);
	for (size_t i = 0; i < t->n; i++) {
		if (is_named(&t->row[i]))
			t->named[t->nnamed++] = i;
		else
			t->other[t->nother++] = i;
	}
	qsort_r(t->named, t->nnamed, sizeof *t->named, row_order, t->row);
	return 0;
}

static int read_all(struct reader *r)
{
	int rc;

	while ((rc = csv_next_row(&r->csv, heading, FIELDS, r->e)) == 1)
		if (read_row(r))
			return -1;
	/* A file that is just being written must not take signing away from all. */
	if (rc == 0 && r->t->n == 0)
		return err_set(r->e, ERR_CONFIG, "%s: there is no line in it, and nobody would be signed for; a line is \"who,numbers,key\"", r->csv.name);
	return rc ? rc : put_in_order(r);
}

int signingtable_parse(const char *name, struct span csv, const char *const *keys, size_t nkeys, struct signingtable **out, struct err *e)
{
	struct reader r = {.keys = keys, .nkeys = nkeys, .e = e};
	int rc;

	*out = NULL;
	csv_init(&r.csv, name, csv);
	r.t = calloc(1, sizeof *r.t);
	if (!r.t)
		return no_memory(&r);
	r.t->names = arena_new(LIMIT_TABLE_BYTES);
	if (!r.t->names)
		rc = no_memory(&r);
	else
		rc = sort_keys(&r) || read_all(&r) ? -1 : 0;
	free(r.by_name);
	if (rc)
		signingtable_free(r.t);
	else
		*out = r.t;
	return rc;
}

void signingtable_free(struct signingtable *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		cidr_free(t->row[i].net);
		tnauthlist_free(t->row[i].numbers);
	}
	free(t->row);
	free(t->named);
	free(t->other);
	arena_free(t->names);
	free(t);
}

size_t signingtable_count(const struct signingtable *t)
{
	return t->n;
}

void signingtable_at(const struct signingtable *t, size_t i, const struct tnauthlist **numbers, int *key, size_t *line)
{
	*numbers = t->row[i].numbers;
	*key = t->row[i].key;
	*line = t->row[i].line;
}

/* --- looking ---------------------------------------------------------------- */

static bool user_is(const struct row *r, struct span user)
{
	size_t at;

	if (!user.n)
		return false;
	/* Some user databases know a name in any case: who must not be signed for would come as "OLD". */
	if (is_named(r))
		return r->key == SIGNINGTABLE_NONE ? span_caseeq(r->user, user) : span_eq(r->user, user);
	if (r->user.n == 1)
		return true;
	/* "*@domain": the domain is what follows the last '@'. */
	for (at = user.n; at > 0 && user.p[at - 1] != '@'; at--)
		;
	return at > 1 && r->user.p[1] == '@' && span_caseeq(span_skip(user, at), span_skip(r->user, 2));
}

static bool holds(const struct row *r, const struct mms_client *c)
{
	if (r->user.n && !user_is(r, c->auth_user))
		return false;
	if (r->subject.n && !span_eq(r->subject, c->tls_subject))
		return false;
	if (r->listener.n && !span_caseeq(r->listener, c->listener))
		return false;
	if (!r->net)
		return true;
	return (c->addr.ss_family == AF_INET || c->addr.ss_family == AF_INET6) && cidr_contains(r->net, (const struct sockaddr *)&c->addr);
}

/* The first of this user's lines in named, whatever their case. */
static size_t first_named(const struct signingtable *t, struct span user)
{
	size_t low = 0, high = t->nnamed;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (name_order(t->row[t->named[mid]].user, user) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Lines that may be the client's, in the file's order. */
struct walk {
	const struct signingtable *t;
	const struct mms_client *c;
	size_t named, other;
};

static struct walk begin(const struct signingtable *t, const struct mms_client *c)
{
	return (struct walk){t, c, c->auth_user.n ? first_named(t, c->auth_user) : t->nnamed, 0};
}

static const struct row *next(struct walk *w)
{
	const struct signingtable *t = w->t;

	for (;;) {
		bool have_named = w->named < t->nnamed && span_caseeq(t->row[t->named[w->named]].user, w->c->auth_user);
		const struct row *r;

		if (!have_named && w->other == t->nother)
			return NULL;
		if (have_named && (w->other == t->nother || t->named[w->named] < t->other[w->other]))
			r = &t->row[t->named[w->named++]];
		else
			r = &t->row[t->other[w->other++]];
		if (holds(r, w->c))
			return r;
	}
}

bool signingtable_knows(const struct signingtable *t, const struct mms_client *c)
{
	struct walk w = begin(t, c);

	return next(&w) != NULL;
}

static bool has_number(const struct row *r, const struct tn *number, const struct signingtable_cover *cover)
{
	if (r->numbers)
		return tnauthlist_authority(r->numbers, number) == TN_AUTHORITY_TN;
	return r->key == SIGNINGTABLE_NONE || cover->covers(cover->arg, (size_t)r->key, number);
}

enum signingtable_answer signingtable_look(const struct signingtable *t, const struct mms_client *c, const struct tn *number,
					   const struct signingtable_cover *cover, size_t *key)
{
	enum signingtable_answer answer = SIGNINGTABLE_STRANGER;
	struct walk w = begin(t, c);
	const struct row *r;

	while ((r = next(&w))) {
		if (!has_number(r, number, cover)) {
			if (!r->numbers && answer != SIGNINGTABLE_SIGN) {
				*key = (size_t)r->key;
				answer = SIGNINGTABLE_SIGN;
			} else if (answer == SIGNINGTABLE_STRANGER) {
				answer = SIGNINGTABLE_NUMBER;
			}
			continue;
		}
		if (r->key == SIGNINGTABLE_NONE)
			return SIGNINGTABLE_NEVER;
		*key = (size_t)r->key;
		return SIGNINGTABLE_SIGN;
	}
	return answer;
}
