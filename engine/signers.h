/*
 * Whom we can sign for: keys with their certificates, one (KeyFile) or those of
 * several tenants (KeyTable).
 *
 * Several keys of one name are a roll-over: of those whose certificate is valid now
 * and still will be for a margin, the one signs that covers the number and began
 * last; so the next one can stand in the table, and at its address, before its time.
 */
#ifndef STIR_ENGINE_SIGNERS_H
#define STIR_ENGINE_SIGNERS_H

#include <sys/types.h>

#include "core/sign.h"
#include "engine/settings.h"

struct signers; /* opaque; immutable. Any thread. */

/*
 * Opens KeyFile or KeyTable with all it names, and tries each key: what it signs,
 * its certificate must verify.  reader: see key_pem_open().
 * Gives *out (signers_free()), NULL when the settings name no key; or -1 and *e.
 */
int signers_open(const struct settings *s, struct key_reader reader, struct signers **out, struct err *e) MUST_USE;
void signers_free(struct signers *s); /* NULL is allowed */

/* The names, without doubles, in the table's order; of KeyFile one, "". Borrowed. */
size_t signers_names(const struct signers *s, const char *const **names);

/*
 * The parameters to sign with under a name (an index of signers_names()), now
 * (seconds since 1970); NULL when no certificate of it may sign now.  Borrowed.
 * number: of the sender, or NULL; when none covers it, the one that began last.
 */
const struct sign_params *signers_choose(const struct signers *s, size_t name, const struct tn *number, int64_t now);

/* Does a certificate under that name cover that number, or name a provider? */
bool signers_cover_number(const struct signers *s, size_t name, const struct tn *number);

/* Does one name a provider, which says nothing of numbers? */
bool signers_name_provider(const struct signers *s, size_t name);

/* Does a certificate under that name cover all of these numbers, or name a provider? */
bool signers_cover(const struct signers *s, size_t name, const struct tnauthlist *numbers);

/* Those that are in tokens sign something, as the user that we are. 0, or -1 and *e. */
int signers_try_tokens(const struct signers *s, struct err *e) MUST_USE;

/* The table they came from, empty with KeyFile; NULL without keys. Borrowed. */
struct keytable;
const struct keytable *signers_table(const struct signers *s);

/* Each key there is, for what is said of them (advice, metrics). i from 0; false beyond the end. */
struct signers_key {
	const char *name;        /* "" for KeyFile */
	const char *certificate; /* its file */
	struct span x5u;
	const struct cert_chain *chain;
};
bool signers_at(const struct signers *s, size_t i, struct signers_key *out);

#endif
