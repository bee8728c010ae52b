/*
 * The facts of one message: filled by the engine or read from a fact log, read
 * by the policy.  Setting fails silently only into absence: a fact that can't
 * be stored is absent, and facts.incomplete says so.
 *
 * Texts are borrowed: they live in the message's arena or longer.
 */
#ifndef STIR_POLICY_FACTS_H
#define STIR_POLICY_FACTS_H

#include <stdint.h>

#include "core/arena.h"
#include "core/tn.h"
#include "policy/fact.h"

enum { FACTS_LIST_MAX = 1000 /* values of one list fact; more sets incomplete */ };

/* An IP address, IPv4 as ::ffff:a.b.c.d. */
struct facts_addr {
	unsigned char b[16];
};

struct facts_value {
	union {
		int64_t num; /* ENUM COUNT NUMBER DURATION SIZE CLOCK */
		struct span text; /* HOST SPC TEXT, and TN ADDR when hidden */
		struct tn tn;
		struct facts_addr addr;
	};
	/* A pseudonym stands for the number or text (fact logs): it is equal or not to
	 * another pseudonym of the same key, and nothing else can be said of it. */
	bool hidden;
};

struct facts {
	struct arena *arena;
	struct facts_cell {
		struct facts_value *list; /* LIST facts; NULL: absent */
		size_t n, cap;
		struct facts_value one;
		bool set; /* one is valid, or the list is known (maybe empty) */
	} cell[FACT_N];
	unsigned worked_out; /* enum fact_need bits that were looked at */
	bool incomplete;     /* a cap or memory kept something out */
	struct span incomplete_why; /* a sentence, static */
};

void facts_init(struct facts *f, struct arena *a);

/* ONE facts; setting again replaces. The type must be the row's (assert). */
void facts_set_num(struct facts *f, enum fact_id id, int64_t v);
void facts_set_text(struct facts *f, enum fact_id id, struct span v);
void facts_set_tn(struct facts *f, enum fact_id id, const struct tn *v);
void facts_set_addr(struct facts *f, enum fact_id id, const struct facts_addr *v);
/* LIST facts: one more value, in order; facts_empty() makes one known to have none. */
void facts_add_text(struct facts *f, enum fact_id id, struct span v);
void facts_add_tn(struct facts *f, enum fact_id id, const struct tn *v);
void facts_empty(struct facts *f, enum fact_id id);
/* Either kind, any type: a pseudonym. */
void facts_set_hidden(struct facts *f, enum fact_id id, struct span pseudonym);
/* Take a fact away. */
void facts_clear(struct facts *f, enum fact_id id);
/* The first why stays. why is static. */
void facts_incomplete(struct facts *f, const char *why);

/* A value is there: ONE facts that are set, LIST facts with at least one value. */
bool facts_present(const struct facts *f, enum fact_id id);
/* The values: 0 or 1 for ONE facts, any number for LIST facts. */
const struct facts_value *facts_values(const struct facts *f, enum fact_id id, size_t *n);

/* One value as it is written in a policy: pass, 60s, 12k, +1555…, 192.0.2.9, "text". */
struct buf;
void facts_print_value(struct buf *out, enum fact_id id, const struct facts_value *v);
/* A number of a type (not ENUM): 7.5, 2h, 600k. */
void facts_print_number(struct buf *out, enum fact_type t, int64_t v);
/* Octets in quotes, printable: \" \\ as in a policy, what is not ASCII as \xHH. */
void facts_print_text(struct buf *out, struct span s);
void facts_print_addr(struct buf *out, const struct facts_addr *a);

#endif
