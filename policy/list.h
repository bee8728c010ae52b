/*
 * Typed lists: telephone numbers with prefixes and ranges, networks, hosts,
 * SPCs, texts.  A million entries load in seconds and are looked up in well
 * under a microsecond.
 *
 * File: one entry a line, '#' comments, blanks around ignored; a bad line is
 * "file:line:col: error: ..." and the list is not made (the last good one stays
 * in force).  Entries:
 *   tn    +15550100001   +1888*   +18005550100..+18005550199
 *   cidr  192.0.2.0/24   2001:db8::1
 *   host  bit.ly   .example.net (the domain's subdomains; the domain itself only if it is listed too)
 *   spc   123A
 *   text  anything; spaces within count
 */
#ifndef STIR_POLICY_LIST_H
#define STIR_POLICY_LIST_H

#include "policy/ast.h"

enum list_type { LIST_TN, LIST_CIDR, LIST_HOST, LIST_SPC, LIST_TEXT };
enum { LIST_ENTRIES_MAX = 10 * 1000 * 1000, LIST_FILE_BYTES_MAX = 512 * 1024 * 1024, LIST_LINE_MAX = 1024 };

struct list; /* opaque; immutable once made. Any thread. */

/* -1 when the word is none. */
int list_type_of(struct span word);
const char *list_type_name(enum list_type t);
/* May a fact of that type be looked up in such a list? */
bool list_holds(enum list_type t, enum fact_type f);

/*
 * From the text of a file.  Duplicates and entries within another are warnings
 * (one line with the count and the first place).  0 and *out (list_free()), or
 * -1 after saying why.  text is not kept.
 */
int list_parse(const char *name, enum list_type t, struct span text, struct list **out, struct source_report *report) MUST_USE;
/* From literals written in the policy; that there are none is for the caller to say, who knows where. */
int list_from_values(enum list_type t, const struct ast_value *item, size_t n, struct list **out, struct source_report *report) MUST_USE;
void list_free(struct list *l); /* NULL is allowed */

enum list_type list_type(const struct list *l);
size_t list_count(const struct list *l);
size_t list_bytes(const struct list *l); /* memory it takes */
bool list_contains_tn(const struct list *l, const struct tn *t);
bool list_contains_addr(const struct list *l, const struct facts_addr *a);
/* HOST: any case, an ending dot is ignored; SPC: any case; TEXT: exact. */
bool list_contains_text(const struct list *l, struct span s);
/* By the fact's type; false for a hidden value. */
bool list_contains(const struct list *l, enum fact_type f, const struct facts_value *v);

#endif
