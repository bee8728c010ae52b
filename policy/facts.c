/*
 * Values of facts: kept, handed out, printed.
 *
 * Knows types and caps; which fact a message has is the engine's to say, what
 * follows from it the policy's.
 */
#include "config.h"

#include "policy/facts.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>

#include "core/buf.h"
#include "core/cidr.h"

void facts_init(struct facts *f, struct arena *a)
{
	memset(f, 0, sizeof *f);
	f->arena = a;
}

void facts_incomplete(struct facts *f, const char *why)
{
	if (f->incomplete)
		return;
	f->incomplete = true;
	f->incomplete_why = span_cstr(why);
}

/* --- in */

static void set(struct facts *f, enum fact_id id, const struct facts_value *v)
{
	assert(!fact_row(id)->list);
	f->cell[id].one = *v;
	f->cell[id].set = true;
}

static bool is_number(enum fact_type t)
{
	return t <= FACT_TYPE_SIZE || t == FACT_TYPE_CLOCK;
}

static bool is_text(enum fact_type t)
{
	return t == FACT_TYPE_HOST || t == FACT_TYPE_SPC || t == FACT_TYPE_TEXT;
}

/* A value the type has no room for. */
static bool out_of_range(const struct fact_row *row, int64_t v)
{
	if (row->type == FACT_TYPE_ENUM) {
		int64_t n = 0;

		while (row->word[n])
			n++;
		return v < 0 || v >= n;
	}
	return (row->type == FACT_TYPE_COUNT || row->type == FACT_TYPE_SIZE) && v < 0;
}

void facts_set_num(struct facts *f, enum fact_id id, int64_t v)
{
	struct facts_value value = {.num = v};

	assert(is_number(fact_row(id)->type));
	if (out_of_range(fact_row(id), v)) {
		facts_clear(f, id);
		facts_incomplete(f, "a value is none of its fact");
		return;
	}
	set(f, id, &value);
}

void facts_set_text(struct facts *f, enum fact_id id, struct span v)
{
	struct facts_value value = {.text = v};

	assert(is_text(fact_row(id)->type));
	set(f, id, &value);
}

void facts_set_tn(struct facts *f, enum fact_id id, const struct tn *v)
{
	struct facts_value value = {.tn = *v};

	assert(fact_row(id)->type == FACT_TYPE_TN);
	set(f, id, &value);
}

void facts_set_addr(struct facts *f, enum fact_id id, const struct facts_addr *v)
{
	struct facts_value value = {.addr = *v};

	assert(fact_row(id)->type == FACT_TYPE_ADDR);
	set(f, id, &value);
}

static void add(struct facts *f, enum fact_id id, const struct facts_value *v)
{
	struct facts_cell *c = &f->cell[id];

	assert(fact_row(id)->list);
	c->set = true;
	if (c->n == FACTS_LIST_MAX) {
		facts_incomplete(f, "a list has more values than are looked at");
		return;
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 4;
		struct facts_value *list = arena_array(f->arena, cap, sizeof *list);

		if (!list) {
			facts_incomplete(f, "no memory for a list");
			return;
		}
		if (c->n)
			memcpy(list, c->list, c->n * sizeof *list);
		c->list = list;
		c->cap = cap;
	}
	c->list[c->n++] = *v;
}

void facts_add_text(struct facts *f, enum fact_id id, struct span v)
{
	struct facts_value value = {.text = v};

	assert(is_text(fact_row(id)->type));
	add(f, id, &value);
}

void facts_add_tn(struct facts *f, enum fact_id id, const struct tn *v)
{
	struct facts_value value = {.tn = *v};

	assert(fact_row(id)->type == FACT_TYPE_TN);
	add(f, id, &value);
}

void facts_empty(struct facts *f, enum fact_id id)
{
	assert(fact_row(id)->list);
	f->cell[id].n = 0;
	f->cell[id].set = true;
}

void facts_set_hidden(struct facts *f, enum fact_id id, struct span pseudonym)
{
	struct facts_value value = {.text = pseudonym, .hidden = true};

	assert(!is_number(fact_row(id)->type));
	if (fact_row(id)->list)
		add(f, id, &value);
	else
		set(f, id, &value);
}

void facts_clear(struct facts *f, enum fact_id id)
{
	memset(&f->cell[id], 0, sizeof f->cell[id]);
}

/* --- out */

bool facts_present(const struct facts *f, enum fact_id id)
{
	return fact_row(id)->list ? f->cell[id].n != 0 : f->cell[id].set;
}

const struct facts_value *facts_values(const struct facts *f, enum fact_id id, size_t *n)
{
	const struct facts_cell *c = &f->cell[id];

	if (fact_row(id)->list) {
		*n = c->n;
		return c->list;
	}
	*n = c->set;
	return &c->one;
}

/* --- as it is written */

struct unit {
	int64_t size;
	char letter;
};
static const struct unit seconds[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
static const struct unit octets[] = {{1 << 30, 'G'}, {1 << 20, 'M'}, {1 << 10, 'k'}};

/* The largest unit that leaves nothing over, so that what is read again is the same. */
static void print_unit(struct buf *out, int64_t v, const struct unit *u, size_t n, const char *zero)
{
	for (size_t i = 0; v && i < n; i++)
		if (v % u[i].size == 0) {
			buf_printf(out, "%" PRId64 "%c", v / u[i].size, u[i].letter);
			return;
		}
	if (v)
		buf_printf(out, "%" PRId64, v);
	else
		buf_puts(out, zero);
}

static void print_thousandths(struct buf *out, int64_t v)
{
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
	unsigned rest = (unsigned)(u % 1000);

	buf_printf(out, "%s%" PRIu64, v < 0 ? "-" : "", u / 1000);
	if (!rest)
		return;
	if (rest % 100 == 0)
		buf_printf(out, ".%u", rest / 100);
	else if (rest % 10 == 0)
		buf_printf(out, ".%02u", rest / 10);
	else
		buf_printf(out, ".%03u", rest);
}

/* Foreign octets, safe on a terminal; quote and backslash as a policy writes them. */
static void print_octets(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f) {
			buf_printf(out, "\\x%02X", c);
			continue;
		}
		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		buf_putc(out, (char)c);
	}
}

void facts_print_addr(struct buf *out, const struct facts_addr *a)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = cidr_is_mapped(a->b);

	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->b + 12 : a->b, text, sizeof text))
		buf_puts(out, text);
}

void facts_print_number(struct buf *out, enum fact_type t, int64_t v)
{
	int64_t day = (v % 86400 + 86400) % 86400;

	switch (t) {
	case FACT_TYPE_NUMBER:
		print_thousandths(out, v);
		break;
	case FACT_TYPE_DURATION:
		print_unit(out, v, seconds, sizeof seconds / sizeof *seconds, "0s");
		break;
	case FACT_TYPE_SIZE:
		print_unit(out, v, octets, sizeof octets / sizeof *octets, "0");
		break;
	case FACT_TYPE_CLOCK:
		buf_printf(out, "%02d:%02d", (int)(day / 3600), (int)(day / 60 % 60));
		break;
	default:
		buf_printf(out, "%" PRId64, v);
	}
}

void facts_print_text(struct buf *out, struct span s)
{
	buf_putc(out, '"');
	print_octets(out, s);
	buf_putc(out, '"');
}

void facts_print_value(struct buf *out, enum fact_id id, const struct facts_value *v)
{
	const struct fact_row *row = fact_row(id);

	if (row->type == FACT_TYPE_ENUM)
		buf_puts(out, row->word[v->num]);
	else if (is_number(row->type))
		facts_print_number(out, row->type, v->num);
	else if (v->hidden)
		print_octets(out, v->text);
	else if (row->type == FACT_TYPE_TN)
		buf_printf(out, "+%s", v->tn.digits);
	else if (row->type == FACT_TYPE_ADDR)
		facts_print_addr(out, &v->addr);
	else
		facts_print_text(out, v->text);
}
