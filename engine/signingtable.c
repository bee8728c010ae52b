/*
 * Reads the table and finds the first line for a client and a number.
 *
 * Each line is filed under one of its conditions, the one that most likely tells
 * clients apart; for a client the few places where his lines can be are looked
 * up, and what is found there is tried in the file's order, all conditions of it.
 * So a million lines cost no more than ten.  Only a line that holds for anybody
 * ("user:*") is tried for each client.
 */
#include "config.h"

#include "engine/signingtable.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/cidr.h"
#include "core/limits.h"
#include "core/sortedkeys.h"
#include "core/suggest.h"
#include "engine/csv.h"

enum { WHO, NUMBERS, KEY, FIELDS };

static const char *const heading[FIELDS] = {"who", "numbers", "key"};

struct row {
	/* empty or NULL: no condition; the names are in the table's arena */
	struct span user, subject, listener;
	const struct cidr_network *net;
	struct tnauthlist *numbers; /* NULL: certificate */
	int key;
	size_t line;
};

/* Lengths of prefixes. */
enum { PREFIXES = 8 * CIDR_V6_BYTES + 1 };

struct signingtable {
	struct row *row;
	size_t n, cap;
	struct arena *names;
	/* Lines by the key of the condition they are filed under, then in the file's order; and those without. */
	struct sortedkeys filed;
	uint32_t *filed_row, *other;
	size_t nother;
	/* The lengths that there are: each is one place to look for an address. */
	struct prefixes {
		unsigned char bits[PREFIXES];
		size_t n;
	} v4, v6;
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
	struct cidr_network *net;
	struct err why;

	err_clear(&why);
	if (row->net)
		return csv_fault(&r->csv, WHO, r->e, "net: stands there twice; use two lines");
	if (span_starts(value, "!"))
		return csv_fault(&r->csv, WHO, r->e, "net:!... takes something out of nothing; put a line with key \"none\" in front");
	net = arena_alloc(r->t->names, sizeof *net);
	if (!net)
		return no_memory(r);
	row->net = net;
	return cidr_network_read(value, net, &why) ? csv_fault(&r->csv, WHO, r->e, "net: %s", why.text) : 0;
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

/* --- where a line is filed ---------------------------------------------------- */

enum place { PLACE_USER, PLACE_DOMAIN, PLACE_SUBJECT, PLACE_NET, PLACE_LISTENER };

static bool is_named(const struct row *r)
{
	return r->user.n && r->user.p[0] != '*';
}

/*
 * The key of a name at a place, without case: who is found there is asked for it
 * again, so two names of one key (FNV-1a) only cost time, and the names are the
 * operator's.  Never 0, and below the keys that core/sortedkeys.h keeps to itself.
 */
static uint64_t key_of(enum place place, struct span name)
{
	uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ place) * UINT64_C(0x100000001b3);

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)span_lower(name.p[i])) * UINT64_C(0x100000001b3);
	return h >> 1 | 1;
}

static uint64_t key_of_net(const struct cidr_address *first, unsigned bits)
{
	unsigned char name[CIDR_V6_BYTES + 2];

	name[0] = first->bytes;
	name[1] = (unsigned char)bits;
	memcpy(name + 2, first->octet, first->bytes);
	return key_of(PLACE_NET, span_make(name, 2u + first->bytes));
}

/* False: under none. */
static bool key_of_row(const struct row *r, uint64_t *key)
{
	if (is_named(r))
		*key = key_of(PLACE_USER, r->user);
	else if (r->user.n > 1)
		*key = key_of(PLACE_DOMAIN, span_skip(r->user, 2));
	else if (r->subject.n)
		*key = key_of(PLACE_SUBJECT, r->subject);
	else if (r->net)
		*key = key_of_net(&r->net->first, r->net->bits);
	else if (r->listener.n)
		*key = key_of(PLACE_LISTENER, r->listener);
	else
		return false;
	return true;
}

struct filed {
	uint64_t key;
	uint32_t row;
};

static int filed_order(const void *va, const void *vb)
{
	const struct filed *a = va, *b = vb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

static void note_prefix(struct signingtable *t, const struct cidr_network *net)
{
	struct prefixes *p = net->first.bytes == CIDR_V4_BYTES ? &t->v4 : &t->v6;

	if (!memchr(p->bits, net->bits, p->n))
		p->bits[p->n++] = net->bits;
}

static int keep_filed(struct reader *r, struct filed *v, size_t n)
{
	struct signingtable *t = r->t;

	/* qsort() must not get NULL, and calloc() may give it. */
	if (n)
		qsort(v, n, sizeof *v, filed_order);
	t->filed_row = calloc(n + 1, sizeof *t->filed_row);
	if (!t->filed_row || sortedkeys_init(&t->filed, n))
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		t->filed.key[i] = v[i].key;
		t->filed_row[i] = v[i].row;
	}
	sortedkeys_seal(&t->filed);
	return 0;
}

static int file_rows(struct reader *r)
{
	struct filed *v = calloc(r->t->n + 1, sizeof *v);
	struct signingtable *t = r->t;
	size_t n = 0;
	int rc;

	t->other = calloc(t->n + 1, sizeof *t->other);
	if (!v || !t->other) {
		free(v);
		return no_memory(r);
	}
	for (size_t i = 0; i < t->n; i++) {
		if (t->row[i].net)
			note_prefix(t, t->row[i].net);
		if (key_of_row(&t->row[i], &v[n].key))
			v[n++].row = (uint32_t)i;
		else
			t->other[t->nother++] = (uint32_t)i;
	}
	rc = keep_filed(r, v, n);
	free(v);
	return rc;
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
	return rc ? rc : file_rows(r);
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
	/* Names are rounded up, and a network takes more memory than text. */
	r.t->names = arena_new(3 * (size_t)LIMIT_TABLE_BYTES);
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
	for (size_t i = 0; i < t->n; i++)
		tnauthlist_free(t->row[i].numbers);
	free(t->row);
	sortedkeys_free(&t->filed);
	free(t->filed_row);
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

/* What follows the last '@', empty if nothing stands before it. */
static struct span domain_of(struct span user)
{
	size_t at = user.n;

	while (at > 0 && user.p[at - 1] != '@')
		at--;
	return at > 1 ? span_skip(user, at) : span_make(NULL, 0);
}

static bool user_is(const struct row *r, struct span user)
{
	if (!user.n)
		return false;
	/* Some user databases know a name in any case: who must not be signed for would come as "OLD". */
	if (is_named(r))
		return r->key == SIGNINGTABLE_NONE ? span_caseeq(r->user, user) : span_eq(r->user, user);
	return r->user.n == 1 || span_caseeq(domain_of(user), span_skip(r->user, 2));
}

/* Lines that may be the client's, in the file's order. */
struct walk {
	const struct signingtable *t;
	const struct mms_client *c;
	struct cidr_address addr; /* bytes 0: none */
	struct at_place {
		uint64_t key;
		size_t at; /* in filed */
	} place[PLACE_LISTENER + PREFIXES];
	size_t nplaces;
	size_t other;
};

static bool holds(const struct row *r, const struct walk *w)
{
	if (r->user.n && !user_is(r, w->c->auth_user))
		return false;
	if (r->subject.n && !span_eq(r->subject, w->c->tls_subject))
		return false;
	if (r->listener.n && !span_caseeq(r->listener, w->c->listener))
		return false;
	return !r->net || cidr_network_has(r->net, &w->addr);
}

static void look_at(struct walk *w, uint64_t key)
{
	size_t at = sortedkeys_upto(&w->t->filed, key - 1);

	if (at < w->t->filed.n && w->t->filed.key[at] == key)
		w->place[w->nplaces++] = (struct at_place){key, at};
}

static void begin(struct walk *w, const struct signingtable *t, const struct mms_client *c)
{
	const struct prefixes *p;

	w->t = t;
	w->c = c;
	w->nplaces = w->other = 0;
	if (!cidr_address_of((const struct sockaddr *)&c->addr, &w->addr))
		w->addr.bytes = 0;
	if (c->auth_user.n) {
		look_at(w, key_of(PLACE_USER, c->auth_user));
		look_at(w, key_of(PLACE_DOMAIN, domain_of(c->auth_user)));
	}
	if (c->tls_subject.n)
		look_at(w, key_of(PLACE_SUBJECT, c->tls_subject));
	if (c->listener.n)
		look_at(w, key_of(PLACE_LISTENER, c->listener));
	p = w->addr.bytes == CIDR_V4_BYTES ? &t->v4 : &t->v6;
	for (size_t i = 0; w->addr.bytes && i < p->n; i++) {
		struct cidr_address first = cidr_address_cut(&w->addr, p->bits[i]);

		look_at(w, key_of_net(&first, p->bits[i]));
	}
}

/* The next line in the file's order at any place; false: there is none. */
static bool next_row(struct walk *w, uint32_t *row)
{
	const struct signingtable *t = w->t;
	struct at_place *from = NULL;

	*row = w->other < t->nother ? t->other[w->other] : UINT32_MAX;
	for (size_t i = 0; i < w->nplaces; i++) {
		struct at_place *p = &w->place[i];

		if (p->at < t->filed.n && t->filed.key[p->at] == p->key && t->filed_row[p->at] < *row) {
			*row = t->filed_row[p->at];
			from = p;
		}
	}
	if (from)
		from->at++;
	else
		w->other++;
	return *row != UINT32_MAX;
}

static const struct row *next(struct walk *w)
{
	uint32_t row;

	while (next_row(w, &row))
		if (holds(&w->t->row[row], w))
			return &w->t->row[row];
	return NULL;
}

bool signingtable_knows(const struct signingtable *t, const struct mms_client *c)
{
	struct walk w;

	begin(&w, t, c);
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
	const struct row *r;
	struct walk w;

	begin(&w, t, c);
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
