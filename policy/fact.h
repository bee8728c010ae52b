/*
 * The vocabulary of a policy: what each fact is called, its type, where it
 * comes from.  One table (policy/fact.def); values are policy/facts.h's.
 */
#ifndef STIR_POLICY_FACT_H
#define STIR_POLICY_FACT_H

#include "core/span.h"

enum fact_id {
#define FACT(ident, name, type, many, need, source, example, sentence) FACT_##ident,
#include "policy/fact.def"
#undef FACT
	FACT_N
};

enum fact_type {
	FACT_TYPE_ENUM,     /* one word of a fixed set; num is its index */
	FACT_TYPE_COUNT,    /* a whole number, not negative */
	FACT_TYPE_NUMBER,   /* thousandths */
	FACT_TYPE_DURATION, /* seconds, may be negative */
	FACT_TYPE_SIZE,     /* octets; 1k = 1024 */
	FACT_TYPE_TN,       /* a telephone number */
	FACT_TYPE_ADDR,     /* an IP address; its literals are networks */
	FACT_TYPE_HOST,     /* a host name, lower case, no dot at the end; == also matches no subdomain */
	FACT_TYPE_SPC,      /* service provider code, upper case */
	FACT_TYPE_TEXT,     /* octets, UTF-8 where sane; == is exact, lower case where the row says so */
	FACT_TYPE_CLOCK     /* seconds since 1970, seen through a window */
};

/* Work that is only done when a policy in force asks for it; bits. */
enum fact_need {
	FACT_NEED_FREE = 0,
	FACT_NEED_TO = 1 << 0,      /* addresses of To and Cc */
	FACT_NEED_CONTENT = 1 << 1, /* the body is kept and its parts are looked at */
	FACT_NEED_TEXT = 1 << 2,    /* text is decoded, URLs are looked for; comes with CONTENT */
	FACT_NEED_HISTORY = 1 << 3  /* first_seen and reputation are looked up and recorded */
};

struct fact_row {
	const char *name;
	enum fact_type type;
	bool list;
	bool always; /* never absent */
	enum fact_need need;
	const char *source, *example, *sentence;
	const char *const *word; /* ENUM: its words, NULL at the end */
};

/* Row of a fact; never NULL for id < FACT_N. */
const struct fact_row *fact_row(enum fact_id id);
/* FACT_N when there is none of that name (exact, lower case). */
enum fact_id fact_find(struct span name);
/* The nearest name, or NULL (core/suggest.h). */
const char *fact_suggest(struct span name);
/* Index of an ENUM's word, or -1. */
int fact_word(enum fact_id id, struct span word);
/* "enum", "count", ... */
const char *fact_type_name(enum fact_type t);
/* How a value of that type is written: "a duration: write a unit, as in 60s, 5m, 2h, 7d". */
const char *fact_type_hint(enum fact_type t);
/* "free", "to", "content", "text", "history". */
const char *fact_need_name(enum fact_need n);

#endif
