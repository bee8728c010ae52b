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

	/* --- diversion (RFC 8946) and rich call data (RFC 9795) ------------ */
	/* div tokens one after the other from the base token to a recipient; mail
	 * that was forwarded more often is going round in circles. */
	LIMIT_DIV_CHAIN = 5,
	/* div tokens of one message whose certificate and signature are looked at,
	 * beside LIMIT_IDENTITY_FIELDS of the others: junk of one kind must not use
	 * up what the other needs. */
	LIMIT_DIV_FIELDS = 8,
	/* Tokens in each other in a div-o token; each is a third larger than what
	 * it holds, so more would not fit a field anyway. */
	LIMIT_DIV_NESTING = 5,
	/* Digests of one rcdi claim: a jCard with a handful of pictures has six. */
	LIMIT_RCDI_ENTRIES = 32,
	/* A JSON pointer into rcd; "/jcd/1/12/3" is a long one. */
	LIMIT_RCD_POINTER_BYTES = 128,
	/* A name that is shown beside a message. */
	LIMIT_RCD_NAME_BYTES = 256,

	/* --- certificates ------------------------------------------------ */
	LIMIT_CHAIN_BYTES = 64 * 1024,
	LIMIT_CHAIN_CERTS = 8,
	/* An anchor file is ours, not the sender's; all the roots of a country. */
	LIMIT_ANCHOR_BYTES = 8 * 1024 * 1024,
	LIMIT_TNAUTHLIST_ENTRIES = 10000,
	LIMIT_SPC_BYTES = 32,
	LIMIT_CLAIM_RULES = 64,

	/* --- authority: lists by reference, providers' numbers ------------- */
	/* A TNAuthList by reference (RFC 8226, 10.1): made for what a certificate
	 * has no room for; 50,000 ranges.  Ours, a path has at most nine. */
	LIMIT_TNLIST_REFERENCE_BYTES = 1024 * 1024,
	LIMIT_TNLIST_REFERENCE_ENTRIES = 100000,
	/* Ranges of a table of providers: the blocks of North America (a thousand
	 * numbers each) are below a million; twice that is 48 MB. */
	LIMIT_SPC_RANGES = 2000000,

	/* --- revocation lists and lists of anchors -------------------------- */
	/* One revocation list as it travels; an entry takes 35 octets or more. */
	LIMIT_CRL_BYTES = 16 * 1024 * 1024,
	/* A file of them. */
	LIMIT_CRL_FILE_BYTES = 64 * 1024 * 1024,
	/* Entries of one, 24 octets each in memory; what fits LIMIT_CRL_BYTES. */
	LIMIT_CRL_ENTRIES = 500 * 1000,
	/* Certificate issuers that one indirect list speaks of; a country has some
	 * hundred CAs. */
	LIMIT_CRL_ISSUERS = 4096,
	/* All lists that were had from the network together. */
	LIMIT_CRL_MEMORY_BYTES = 256 * 1024 * 1024,
	/* Addresses of lists in one certificate; ATIS-1000080 wants one. */
	LIMIT_CRL_POINTS = 8,
	/* Addresses of lists that one trust domain names. */
	LIMIT_CRL_URLS = 16,
	/* Certificates with which lists from the network are verified: those that
	 * domains name, their anchors, and issuers on the paths that were seen last. */
	LIMIT_CRL_SIGNERS = 4096,
	/* Renewals that one tick begins. */
	LIMIT_CRL_RENEWALS = 8,
	/* A signed list of anchors, and those in it; that of the United States has
	 * some hundred, in 200 KB. */
	LIMIT_TRUSTLIST_BYTES = 1024 * 1024,
	LIMIT_TRUSTLIST_ANCHORS = 500,

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
	LIMIT_KEYTABLE_ROWS = 10000,
	LIMIT_SIGNING_ROWS = 1000000,
	/* A message that is to be signed waits so long for its turn at a token; tokens
	 * take milliseconds, and one that hangs must not hold up all mail. */
	LIMIT_KEY_WAIT_MS = 2000,

	/* --- stores (core/store) ------------------------------------------ */
	/* Put before each key in Redis; a word and a colon. */
	LIMIT_STORE_PREFIX = 64,
	/* Each is a descriptor here and a client there; a busy host needs ten. */
	LIMIT_STORE_CONNECTIONS = 256,
	/* Addresses of one name that are tried. */
	LIMIT_STORE_ADDRESSES = 8,
	/* Entries removed while a lock is held: some 2 ms in SQLite, so that no
	 * verb waits longer for housekeeping. */
	LIMIT_STORE_BATCH = 200,
	/* Batches of one round of housekeeping: a minute's 30,000 entries at 500
	 * messages a second, and as much again for a backlog. */
	LIMIT_STORE_BATCHES = 300,
	/* Pages of SQLite's log after which a verb moves them into the file itself,
	 * if housekeeping did not come to it: 256 MB. */
	LIMIT_STORE_WAL_PAGES = 65536,

	/* --- what is had by https (engine/fetch_https) ---------------------- */
	/* All header lines of an answer, interim answers included; a chatty server
	 * sends 4 KB. */
	LIMIT_FETCH_HEADER_BYTES = 32 * 1024,
	/* Hosts whose failures are counted; the one that failed longest ago is
	 * forgotten first.  Only hosts that fail get in. */
	LIMIT_FETCH_HOSTS = 1000,
	/* Entries of the lists of hosts; each look-up tries them all. */
	LIMIT_FETCH_HOST_RULES = 10000,

	/* --- caches -------------------------------------------------------- */
	/* Chains in memory (CertificateCacheSize says less), and the memory they may
	 * take: so much for each, for all of them never less than the second.  One takes
	 * some 450 octets, more with a long address or number list, an issuer of its
	 * own, or its octets as served, beside which others may write 60 KB of text. */
	LIMIT_CERTCACHE_ENTRIES = 1000000,
	LIMIT_CERTCACHE_ENTRY_BYTES = 700,
	LIMIT_CERTCACHE_BYTES = 64 * 1024 * 1024,
	/* Chains that are ready to use, some 4 KB each, and 12 KB as long as nothing has
	 * pushed them out since they came; another one is made ready in some 12 us. */
	LIMIT_CERTCACHE_LIVE = 1024,
	/* Addresses that gave nothing, each remembered with its reason for about a
	 * minute; some 300 octets each.  Made-up addresses push out one another. */
	LIMIT_CERTCACHE_NEGATIVES = 4096,
	/* Renewals that one tick begins: they must not fill the pool's queue before
	 * messages that wait. */
	LIMIT_CERTCACHE_RENEWALS = 8,
	/* What was had from the network and is kept: some 5 KB for each chain. */
	LIMIT_CACHE_MEMORY_BYTES = 64 * 1024 * 1024,
	/* The file may be as large as the first, and always as the second says: so much
	 * for each chain that may be in memory (5 KB, in SQLite's pages of 4 KB). */
	LIMIT_CACHE_FILE_ENTRY_BYTES = 6 * 1024,
	LIMIT_CACHE_FILE_BYTES = 1024 * 1024 * 1024,
	/* Countries, partners, a pilot. */
	LIMIT_TRUST_DOMAINS = 32,
	/* A country has a few CAs; with lists of each of them and of its administrator. */
	LIMIT_CRL_LISTS = 1000,

	/* --- metrics and logs -------------------------------------------------- */
	/* Peers of the policy that are counted one by one; some fifteen lines of a
	 * scrape each. */
	LIMIT_METRICS_PEERS = 100,
	/* Signing certificates whose end is shown one by one. */
	LIMIT_METRICS_KEYS = 100,
	/* All lines of a scrape: twice what the above come to. */
	LIMIT_METRICS_BYTES = 1024 * 1024,
	/* A log line as JSON, which no syslog has to carry: rules and texts that are
	 * cut short in the other form. */
	LIMIT_LOG_JSON = 16384,

	/* --- reload ---------------------------------------------------------- */
	/* Configurations that were in force and that messages still have; of more, the
	 * last message frees the tables itself. */
	LIMIT_RETIRED_ENGINES = 8,

	/* --- evidence -------------------------------------------------------- */
	/* One line: a token, and a chain of LIMIT_CHAIN_BYTES in which each octet may
	 * take two (a line end as \n). */
	LIMIT_EVIDENCE_LINE = 192 * 1024,
	/* A queue id, a Message-ID, an address; longer ones are marked as cut. */
	LIMIT_EVIDENCE_TEXT = 512,
	/* Chains a writer knows to be in its file; another one that falls on the
	 * same place is written whole again.  32 KB. */
	LIMIT_EVIDENCE_CHAINS = 1024,
	/* Tokens that stirctl looks for at one time, in 24 octets each: some hours at
	 * 500 messages a second.  More: name the file of the day. */
	LIMIT_EVIDENCE_INDEX = 10 * 1000 * 1000,
	/* Files of one folder: a hundred years. */
	LIMIT_EVIDENCE_FILES = 36525
};

#endif
