/*
 * TrustDomains: the file that names trust domains.
 *
 *     domain us-shaken
 *         anchors            us-roots.pem
 *         trust-list         us-list.jws            # a file, or an https address
 *         trust-list-signer  sti-pa.pem
 *         trust-list-max-age 7d
 *         crls               us-crls.pem
 *         crl-issuers        sti-pa-crl.pem         # certificates that may sign indirect lists
 *         crl-urls           https://pa.example/crl
 *         revocation         hard
 *         authority          spc
 *         score-ceiling      -1.00
 *
 * A value goes to the end of its line, or to a '#' after a blank; crl-urls takes
 * several addresses.  Paths are relative to the file's own folder.  Left out:
 * trust-list-max-age 7d, revocation soft, authority spc, no ceiling.  Strict: an
 * unknown or doubled word is an error with file:line:column and a suggestion.
 *
 * A list from an address can be as large as a store takes (512 KiB), one in a file
 * LIMIT_TRUSTLIST_BYTES.  A list that has expired, or whose signer has, is used all
 * the same when it is a file or the last good copy, with a line that says so:
 * without it no message could be judged.  From an address it is not taken.
 *
 * Two domains with one anchor are an error, but for an anchor that a list names:
 * it stays with the domain whose file has it, or whose list stands first, and *said
 * gets a line.
 */
#ifndef STIR_ENGINE_TRUST_FILE_H
#define STIR_ENGINE_TRUST_FILE_H

#include "core/crlcache.h"
#include "core/trustset.h"

enum { TRUST_DIGEST_BYTES = 32 };

/* A trust list, for those who renew it or look at its age. */
struct trust_source {
	char name[TRUST_NAME_MAX + 1];
	char *url;               /* NULL: a file */
	char *signer_pem;        /* the certificate, text */
	unsigned max_age_s;      /* older than that: alarm */
	int64_t sequence;        /* of the list in force */
	int64_t issued;          /* how old it is: when it was last had from its address; of a file its iat, or when it was written. 0: there is none yet */
	unsigned char in_force[TRUST_DIGEST_BYTES]; /* of its anchors */
};
struct trust_sources {
	struct trust_source *at;
	size_t n;
};
void trust_sources_free(struct trust_sources *s);

/*
 * Reads the file and all it names.  keep: where the last good copy of a list from
 * an address is (or NULL); crls: given to each domain (or NULL).  A domain without any
 * anchor is an error, unless its list comes from an address and was never had:
 * then it is empty, and *said gets a line.
 * 0 with *set (trustset_unref()) and *sources, or -1 and *e.
 */
int trust_file_open(const char *path, struct store *keep, struct crlcache *crls, int64_t now, struct trustset **set, struct trust_sources *sources, struct buf *said, struct err *e) MUST_USE;

/*
 * Renew the lists from addresses: fetch, verify, and when one is newer than that in
 * force write it to keep.  True when any was: the configuration wants to be read
 * again (engine_reopen()).  Blocks; from a background thread.  *said gets a line for each
 * failure, and for each list from an address that was not had for longer than its
 * max_age (alarm).
 */
bool trust_file_renew(const struct trust_sources *sources, struct fetch *fetch, struct store *keep, int64_t now, struct buf *said);

/* When a list from an address was had last, as keep (or NULL) has it by now; of a file its issued. */
int64_t trust_file_had(const struct trust_source *s, struct store *keep);

/* A line for each list, from a file or an address, that is older than its max_age; trust_file_open() has said them. */
void trust_file_age(const struct trust_sources *sources, int64_t now, struct buf *said);

#endif
