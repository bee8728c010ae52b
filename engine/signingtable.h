/*
 * Who may use which numbers, and which key signs them (RFC 8224, 6.1, step 2;
 * RFC 9475, 4; profile.md Q16): the operator's table, CSV (engine/csv.h):
 *
 *     who,numbers,key
 *     user:alice@a.example,tn:+15550100001,carrier-a
 *     user:*@a.example,tn:+15550100000..+15550100999,carrier-a
 *     net:192.0.2.0/24 listener:MM4OUT,tn:+15550200000+1000 tn:+15550400000,carrier-b
 *     tls:gw.c.example net:198.51.100.7,certificate,carrier-c
 *     user:trial,certificate,none
 *
 * who      conditions, all of which must hold:
 *            user:NAME      authenticated by SMTP AUTH as NAME, octet by octet, but
 *                           in any case where the key is "none"; *@DOMAIN is any
 *                           name there, * is anybody
 *            net:NETWORK    the client's address
 *            tls:NAME       common name of the client's TLS certificate, which the
 *                           MTA has verified
 *            listener:NAME  {daemon_name}; case counts not
 * numbers  as core/tnauthlist.h writes them, blanks between; "certificate" is
 *          whatever the key's certificate covers
 * key      a name of KeyTable; "none": never signed
 *
 * The first line decides whose who holds and whose numbers have the number.
 */
#ifndef STIR_ENGINE_SIGNINGTABLE_H
#define STIR_ENGINE_SIGNINGTABLE_H

#include "core/err.h"
#include "core/message.h"
#include "core/tnauthlist.h"

struct signingtable; /* opaque, immutable. Any thread. */

enum { SIGNINGTABLE_NONE = -1 /* of a row: never signed */ };

/*
 * keys: the names that there are.  Gives *out (signingtable_free()), or -1 and *e,
 * with the place.
 */
int signingtable_parse(const char *name, struct span csv, const char *const *keys, size_t nkeys, struct signingtable **out, struct err *e) MUST_USE;
void signingtable_free(struct signingtable *t); /* NULL is allowed */
size_t signingtable_count(const struct signingtable *t);

/* Does any line's who hold?  Then the client's mail is to be signed. */
bool signingtable_knows(const struct signingtable *t, const struct mms_client *c);

enum signingtable_answer {
	SIGNINGTABLE_STRANGER, /* no line's who holds */
	SIGNINGTABLE_NUMBER,   /* one does, but not with this number */
	SIGNINGTABLE_NEVER,    /* its key is "none" */
	SIGNINGTABLE_SIGN      /* *key is an index of keys */
};
/* What "certificate" stands for: does a certificate of that key (an index of keys) cover the number? */
struct signingtable_cover {
	bool (*covers)(const void *arg, size_t key, const struct tn *number);
	const void *arg;
};
/* When no line decides, but one says "certificate", *key is the key of the first of those. */
enum signingtable_answer signingtable_look(const struct signingtable *t, const struct mms_client *c, const struct tn *number,
					   const struct signingtable_cover *cover, size_t *key);

/* Line i (from 0), for checks: its numbers (NULL: "certificate"), its key (SIGNINGTABLE_NONE) and its line in the file. */
void signingtable_at(const struct signingtable *t, size_t i, const struct tnauthlist **numbers, int *key, size_t *line);

#endif
