/*
 * What writer and reader of fact logs share: which facts name people, and the
 * words of a line.
 */
#ifndef STIR_POLICY_FACTLOG_INTERNAL_H
#define STIR_POLICY_FACTLOG_INTERNAL_H

#include "policy/factlog.h"

enum {
	FACTLOG_VERSION = 1,
	FACTLOG_WHY_MAX = 200,        /* octets of facts.incomplete_why */
	/* Thousandths of a number; as JSON it has 15 digits, and a double holds those. */
	FACTLOG_NUMBER_DIGITS = 15
};
#define FACTLOG_MILLI_MAX INT64_C(999999999999999)

/* May be written as pseudonyms: numbers, addresses and what is as good as one. */
bool factlog_is_personal(enum fact_id id);
/* This text of it is: a user's name is one only if it is an address or has a number in it. */
bool factlog_names_person(enum fact_id id, struct span s);
/* Never written with pseudonyms: the content, and a signer's subject, may name anybody. */
bool factlog_is_content(enum fact_id id);
/* "~" and 16 digits of lower case hexadecimal. */
bool factlog_is_pseudonym(struct span s);

#endif
