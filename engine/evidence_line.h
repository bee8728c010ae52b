/*
 * One line of the evidence log, made and read.
 *
 *   {"v":1,"received":1793534400,"id":"4Q…","message_id":"<…>","client":"192.0.2.1",
 *    "from":"15550100001","orig":"15550100001","token":"eyJ…","x5u":"https://…",
 *    "cert":"<SHA-256 of the signer's certificate>","chain":"<SHA-256 of chain_pem>",
 *    "chain_pem":"-----BEGIN CERTIFICATE-----\n…","body":"sha256-…","result":"pass",
 *    "reason":"ok","field":1,"field_reason":"ok","stage":"done","signed":true,
 *    "authority":"tn","by_table":false,"integrity":"raw","dest_cover":"full",
 *    "replay":"new","revocation_unknown":false,"domain":"default",
 *    "policy":"<hash>","action":"accept","prev":"<SHA-256 of the line before>"}
 *
 * received is in seconds since 1970.  result and reason are the message's,
 * field_reason and all that follows it the token's.  chain_pem is there at the
 * first use of a chain in a file, and may be repeated; it is the chain as
 * served, with a blank for each octet between its blocks that is not printable ASCII.
 * Members that say nothing are left out.  Texts are those of printable_put(); what is
 * longer than LIMIT_EVIDENCE_TEXT is cut, and its member's name is in "cut".
 * Hashes are lower case hexadecimal, of the line without its '\n'.
 */
#ifndef STIR_ENGINE_EVIDENCE_LINE_H
#define STIR_ENGINE_EVIDENCE_LINE_H

#include <jansson.h>

#include "engine/evidence.h"

enum { EVIDENCE_LINE_HASH = 32 };

struct evidence_line_hash {
	unsigned char octets[EVIDENCE_LINE_HASH];
};
bool evidence_line_hash_eq(const struct evidence_line_hash *a, const struct evidence_line_hash *b);
/* 0, or -1 when SHA-256 can't be had. */
int evidence_line_hash(struct span line, struct evidence_line_hash *out) MUST_USE;
/* 64 lower case hexadecimal digits. 0 / -1. */
int evidence_line_unhex(struct span text, struct evidence_line_hash *out) MUST_USE;

/* Is there a token and a chain to keep? */
bool evidence_line_wanted(const struct stir_check *c);
/* The chain as it is recorded, and its hash. 0, or -1 without memory. */
int evidence_line_chain(struct buf *out, struct span pem, struct evidence_line_hash *hash) MUST_USE;
/*
 * Appends the line with its '\n'.  pem: what evidence_line_chain() gave, or empty
 * when the file has it already; prev: NULL when there is no line before.
 * 0, or -1 without memory.
 */
int evidence_line_write(struct buf *out, const struct evidence_entry *x, const struct evidence_line_hash *chain, struct span pem, const struct evidence_line_hash *prev) MUST_USE;

/* What a line said; texts are borrowed from json. Those that were not there are empty. */
struct evidence_line {
	json_t *json;
	int64_t received, field;
	struct span id, message_id, client, from, orig, token, x5u, chain_pem, body;
	struct span result, reason, field_reason, stage, authority, integrity, dest_cover, replay, domain, policy, action;
	bool is_signed, by_table, revocation_unknown;
	struct evidence_line_hash chain, cert;
	bool has_prev;
	struct evidence_line_hash prev;
};

/*
 * Without its '\n'.  Strict: members of another type, a hash that is none, no
 * token, a reason nobody knows, or a chain_pem that does not have the hash it is recorded
 * under are errors; members nobody knows are not.
 * 0 (evidence_line_free()), or -1 and *e.
 */
int evidence_line_read(struct span line, struct evidence_line *out, struct err *e) MUST_USE;
void evidence_line_free(struct evidence_line *l); /* also when zeroed */

#endif
