/*
 * Every cap on a count, a size or a depth, with its reason.
 *
 * What happens at a cap is said where it is checked; nothing is cut silently.
 */
#ifndef STIR_CORE_LIMITS_H
#define STIR_CORE_LIMITS_H

enum {
	/* --- one message ------------------------------------------------ */
	/* Header, addresses, tokens and results of one message.  Bodies are not
	 * kept.  Sixteen times the usual header limit of Postfix (100 KB). */
	LIMIT_MESSAGE_ARENA = 4 * 1024 * 1024,
	/* Fields of our own names in one message.  A few may come from a filter
	 * before us; a flood is meant to leave one standing, and costs the MTA
	 * seconds to delete (Postfix's cleanup gives up at some ten thousand). */
	LIMIT_DELETIONS = 500,
	/* More, for the edits of a message that used all of it. */
	LIMIT_VERDICT_SPARE = 2 * 1024 * 1024,
	/* Names and values together; a setting (MaximumHeaders) may say less. */
	LIMIT_HEADER_BYTES = 1024 * 1024,
	LIMIT_HEADER_FIELDS = 5000,
	/* Postfix's smtpd_recipient_limit is 1000, Sendmail has none. */
	LIMIT_RECIPIENTS = 10000,
	/* One From, To or Cc value; the group messages of MMS have 20. */
	LIMIT_FIELD_ADDRESSES = 1000,

	/* A body kept for content facts; the largest MMS in the samples has 1.2 MB.
	 * A larger one has no content facts (failure toolarge). */
	LIMIT_KEPT_BODY = 8 * 1024 * 1024,

	/* --- Identity fields and tokens --------------------------------- */
	/* Fields per message whose certificate and signature are looked at; the
	 * others keep the reason of the free checks, and the log says so
	 * (profile.md Q12). */
	LIMIT_IDENTITY_FIELDS = 8,
	/* Fields per message that are read at all. */
	LIMIT_IDENTITY_READ = 32,
	/* One Identity value before white space is dropped. */
	LIMIT_IDENTITY_BYTES = 8192,
	/* The token alone; a msg token with 100 recipients takes 2.5 KB. */
	LIMIT_TOKEN_BYTES = 8192,
	LIMIT_JSON_DEPTH = 8,
	/* Entries of dest.tn and dest.uri together that we accept and write. */
	LIMIT_DEST = 100,
	LIMIT_URI_BYTES = 512,
	LIMIT_X5U_BYTES = 1024,

	/* --- certificates ------------------------------------------------ */
	LIMIT_CHAIN_BYTES = 64 * 1024,
	LIMIT_CHAIN_CERTS = 8,
	/* An anchor file is ours, not the sender's; all the roots of a country. */
	LIMIT_ANCHOR_BYTES = 8 * 1024 * 1024,
	LIMIT_TNAUTHLIST_ENTRIES = 10000,
	LIMIT_SPC_BYTES = 32,
	LIMIT_CLAIM_RULES = 64,

	/* --- MIME, for the digest of the decoded content ------------------ */
	/* Entities below the top one, and entities in all; both are part of the
	 * format of msgc (profile.md "msgc", rule 2), not to be tuned. */
	LIMIT_MIME_DEPTH = 20,
	LIMIT_MIME_PARTS = 1000,
	/* One part's header. */
	LIMIT_PART_HEADER_BYTES = 64 * 1024,
	/* A delimiter line, trailing blanks included (RFC 5322: 998). */
	LIMIT_DELIMITER_LINE = 1024,
	/* The canonical form of one message. */
	LIMIT_CANONICAL_BYTES = 4 * 1024 * 1024,
	/* Blanks at the end of a quoted-printable line, held back until we know. */
	LIMIT_QP_BLANKS = 4096,

	/* --- what we write ------------------------------------------------ */
	/* Longer Authentication-Results fields made a mail store lose mail
	 * (operations.md 3, 13). */
	LIMIT_RESULT_FIELD = 800,
	/* A log line syslog surely carries. */
	LIMIT_LOG_LINE = 900,

	/* --- files of the operator ---------------------------------------- */
	LIMIT_CONF_BYTES = 1024 * 1024,
	LIMIT_CONF_INCLUDE_DEPTH = 8,
	LIMIT_TABLE_BYTES = 64 * 1024 * 1024,
	LIMIT_KEY_FILE_BYTES = 64 * 1024,

	/* --- caches -------------------------------------------------------- */
	LIMIT_CERTCACHE_ENTRIES = 10000
};

#endif
