/*
 * What verification found: of each Identity field, and of the message.
 *
 * Plain data, in the message's arena.
 */
#ifndef STIR_CORE_STIR_RESULT_H
#define STIR_CORE_STIR_RESULT_H

#include "core/passport.h"
#include "core/stir_reason.h"
#include "core/tnauthlist.h"

struct trust_rules; /* core/trustset.h */

/* Is the content the one that was signed? */
enum stir_integrity {
	STIR_INTEGRITY_UNKNOWN,  /* not looked at: an earlier check failed */
	STIR_INTEGRITY_NONE,     /* the token names no digest */
	STIR_INTEGRITY_RAW,      /* msgi matches, and msgc if there */
	STIR_INTEGRITY_DECODED,  /* msgc only: re-encoded on the way */
	STIR_INTEGRITY_MISMATCH,
	STIR_INTEGRITY_MALFORMED /* a digest value that can't be one */
};
const char *stir_integrity_name(enum stir_integrity i); /* unknown none raw decoded mismatch malformed */

/* Does dest name the recipients of the envelope? */
enum stir_dest_cover {
	STIR_DEST_UNKNOWN,
	STIR_DEST_FULL,
	STIR_DEST_DIVERTED, /* by a valid chain of div tokens (RFC 8946) */
	STIR_DEST_PARTIAL,
	STIR_DEST_NONE
};
const char *stir_dest_cover_name(enum stir_dest_cover c); /* unknown full diverted partial none */

enum stir_replay { STIR_REPLAY_OFF, STIR_REPLAY_NEW, STIR_REPLAY_DUPLICATE, STIR_REPLAY_REPLAYED, STIR_REPLAY_UNKNOWN };
const char *stir_replay_name(enum stir_replay r); /* off new duplicate replayed unknown */

/* Rich call data that rides in a msg token (RFC 9795). */
enum stir_rcd {
	STIR_RCD_NONE,      /* no rcd claim */
	STIR_RCD_PRESENT,   /* a name, no rcdi digest over it */
	STIR_RCD_VERIFIED,  /* every rcdi digest of what the token itself holds matches */
	STIR_RCD_MISMATCH,  /* one does not, or the claim can't be read; the name is not to be shown. Does not fail the token */
	STIR_RCD_UNCHECKED  /* digests only of what stands elsewhere (icons), which is not fetched */
};
const char *stir_rcd_name(enum stir_rcd r); /* none present verified mismatch unchecked */

/* How far one field got; the order is the order of the checks. */
enum stir_stage {
	STIR_STAGE_FIELD,     /* Identity syntax */
	STIR_STAGE_TOKEN,     /* JWS and claims */
	STIR_STAGE_TIME,
	STIR_STAGE_PARTIES,   /* orig and dest */
	STIR_STAGE_CERT,      /* x5u, chain, trust, dates, revocation */
	STIR_STAGE_AUTHORITY, /* TNAuthList, claim constraints */
	STIR_STAGE_SIGNATURE,
	STIR_STAGE_CONTENT,   /* msgi, msgc */
	STIR_STAGE_REPLAY,
	STIR_STAGE_DONE
};
const char *stir_stage_name(enum stir_stage s);

struct stir_check {
	enum stir_reason reason;
	enum stir_stage stage;     /* where it stopped; DONE for pass */
	struct span detail;        /* a sentence for people, may be empty; no wire text unquoted */
	unsigned field;            /* which Identity field, from 1 */
	bool has_header;           /* passport.ppt, x5u are set */
	bool has_claims;           /* passport's claims are set */
	bool signed_ok;            /* the signature held: claims may be believed */
	struct passport passport;
	int64_t age_s;             /* now - iat; valid with has_claims and stage > TIME or reason stale */
	bool has_age;
	enum tn_authority authority;
	bool has_authority;
	struct span spc;           /* of the certificate; empty if none or not known */
	/* Of the chain used, with has_cert. */
	bool has_cert;
	struct span cert_sha256, cert_subject; /* cert_chain_fingerprint(), cert_chain_subject() */
	int64_t cert_not_after;    /* end of the whole path, seconds since 1970 */
	struct span chain_pem;     /* as served; empty unless verify_params.keep_chain */
	const struct trust_rules *domain; /* of the trust domain; lives as long as the trust set. NULL without has_cert */
	bool by_table;             /* authority is tn by the SPC table, not by the certificate's own list */
	bool revocation_unknown;   /* no usable revocation list, and none was asked for (soft) */
	enum stir_integrity integrity;
	enum stir_dest_cover dest_cover;
	enum stir_replay replay;
	/* The token has no msgc, so the top Content-Type is not protected, and the
	 * MIME structure can be read in two ways (profile.md Q6 a). */
	bool content_suspect;
	/* This field is a div token (RFC 8946) of a chain that holds, and on which the
	 * result rests. Its authority is that over passport.div. */
	bool in_chain;
	/* rcd (RFC 9795) in a msg token that passed; empty if none. Vouched for by the signer. */
	struct span rcd_name;
	enum stir_rcd rcd;
};

struct stir_result {
	enum stir_reason reason;       /* of the best field, or of the message */
	const struct stir_check *best; /* NULL when no field counts */
	struct stir_check *check;      /* one per field looked at, in message order */
	size_t ncheck;
	size_t nfield;                 /* Identity fields in the message */
	struct span detail;            /* a sentence for people, may be empty */
	bool hide_orig;                /* the sender is not to be named in what recipients may read */
};

#endif
