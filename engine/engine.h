/*
 * One configuration, opened: keys, certificates, trust, tables.  Message in,
 * verdict out.  Both programs run this and nothing else.
 *
 * An engine is immutable once open and counted; a reload opens a new one and
 * swaps a pointer.  Any number of threads, each with a transaction of its own.
 */
#ifndef STIR_ENGINE_ENGINE_H
#define STIR_ENGINE_ENGINE_H

#include "core/message.h"
#include "core/mmspdu.h"
#include "core/sign.h"
#include "core/stir_result.h"
#include "engine/direction.h"
#include "engine/metrics.h"
#include "engine/settings.h"
#include "policy/policy.h"

struct engine;

/* Once per process, before threads and before any other call. */
void engine_global_init(void);

/*
 * Open everything the settings name; nothing has effect before all of it was
 * checked (the key belongs to the certificate, the anchors parse, ...).
 * Takes over *s (it is empty afterwards), also on failure.
 * Gives *out (engine_unref()), or -1 and *e.
 */
int engine_open(struct settings *s, struct engine **out, struct err *e) MUST_USE;
/*
 * The same for a reload: rates, history and fact log of the engine in force
 * (NULL allowed) are shared with the new one, and lists in files that lost more
 * than half of their entries are refused unless AllowListShrink.
 */
int engine_reopen(struct settings *s, struct engine *old, struct engine **out, struct err *e) MUST_USE;
/*
 * engine_open() for a person who asks whether all is well: said gets everything
 * that was found of the policy, errors and warnings, and the policy's own tests
 * are run; one that fails is an error.
 */
int engine_open_saying(struct settings *s, struct engine **out, struct buf *said, struct err *e) MUST_USE;
/*
 * Before the first message, as the user that the process stays: opens what is
 * written to (CacheFile, ReplayStore, EvidenceDir).  engine_reopen() has done it.
 * in_private: a person tries it on stored mail.  No trace is left in what the daemon
 * remembers: used tokens are found out within this process, and there is neither
 * cache file nor evidence.  0, or -1 and *e.
 */
int engine_begin(struct engine *g, bool in_private, struct err *e) MUST_USE;
/*
 * Certificates from there instead of CertificateDir and the network; before
 * messages.  Takes over f, also on failure.  0, or -1 and *e.
 */
int engine_use_fetch(struct engine *g, struct fetch *f, struct err *e) MUST_USE;
struct engine *engine_ref(struct engine *g);
void engine_unref(struct engine *g); /* NULL is allowed */
/* Has somebody else a reference? One who is alone with a g that nobody can get any more stays so. */
bool engine_is_shared(const struct engine *g);
const struct settings *engine_settings(const struct engine *g);
const struct numberplan *engine_numberplan(const struct engine *g);
/* The policy in force, or NULL. */
const struct policy *engine_policy(const struct engine *g);
/* Does anybody ask what the client calls itself (the fact "helo")? */
bool engine_wants_helo(const struct engine *g);
/* What is remembered between messages; NULL without a policy. */
struct counters *engine_counters(const struct engine *g);
/*
 * What StateFile remembers; for the first engine of a process, before messages.
 * 0, also when there is no such file; -1 and *e when it is broken: nothing is
 * remembered then, the broken file is kept as "PATH.broken", and all goes on.
 */
int engine_load_state(struct engine *g, struct err *e) MUST_USE;
/* Write StateFile, whole or not at all; nothing to do without one. 0, or -1 and *e. */
int engine_save_state(struct engine *g, struct err *e) MUST_USE;
/* Can this process, as the user that it is, write what it will have to (StateFile, FactLog), and use the key of a token? Changes nothing. 0, or -1 and *e. */
int engine_check_files(const struct engine *g, struct err *e) MUST_USE;

/* How a file or folder is used: read, or written together with what is made beside it. */
enum engine_path_kind { ENGINE_PATH_READ, ENGINE_PATH_FOLDER_READ, ENGINE_PATH_WRITTEN, ENGINE_PATH_FOLDER_WRITTEN };
/* name: of the setting that leads there. */
typedef void engine_path_use(void *arg, enum engine_path_kind kind, const char *name, const char *path);
/* Every path that the settings name. */
void engine_settings_paths(const struct settings *s, engine_path_use *each, void *arg);
/* The same, and those that tables, trust domains and the policy name in turn. */
void engine_paths(const struct engine *g, engine_path_use *each, void *arg);
/* Is a key in a PKCS #11 token, whose module opens files of its own? */
bool engine_uses_tokens(const struct engine *g);

/* What an operator should know at start, such as an expired certificate, each in a line with '\n'; nothing when all is well. now: seconds since 1970. */
void engine_advice(const struct engine *g, int64_t now, struct buf *out);

/*
 * Now and then (every few seconds), from a thread that is not the mail's:
 * renewals, housekeeping.  Slow work goes to threads of its own.  said gets what an
 * operator should know, each in a line with '\n'.  now: seconds since 1970.
 */
void engine_tick(struct engine *g, int64_t now, struct buf *said);
/* A trust list was renewed: the configuration wants to be read again (engine_reopen()). */
bool engine_wants_reopen(const struct engine *g);
/* What the process has counted; shared by the engines before and after a reload. */
struct metrics *engine_metrics(const struct engine *g);
/* Counters of messages, fetches, caches and stores: "key=value ..." lines with '\n'. */
void engine_counters_text(struct engine *g, struct buf *out);
/* The same, and what follows from the configuration, as Prometheus reads it (text format 0.0.4). now: seconds since 1970. */
void engine_metrics_text(struct engine *g, int64_t now, struct buf *out);
/* Can messages be handled as they should be: is there a certificate to sign with now? 0, or -1 and *e. */
int engine_ready(const struct engine *g, int64_t now, struct err *e) MUST_USE;

enum engine_scope {
	ENGINE_OUT_OF_SCOPE, /* ordinary mail, or left alone by configuration: untouched */
	ENGINE_REPORT,       /* verify: a report or response of MM4 from a client that speaks it; not verified, but a policy sees it */
	ENGINE_IN_SCOPE
};

/* One message on its way through one engine. */
struct transaction {
	struct arena *arena;         /* owned by the transaction's maker */
	struct mms_message message;
	struct span mta_name;        /* {j}; the authserv-id when none is configured */
	struct span queue_id;        /* before engine_finish(); may be empty */
	struct span session_id;      /* for the log; may be empty */
	bool overloaded;             /* the front end has more in hand than Overload says */
	unsigned cannot;             /* what the front end can not do: bits 1u << enum verdict_action; the next milder one is done */
	bool forced;                 /* direction was set by the caller (stirctl) */
	bool trace;                  /* policy.hit has every rule, with why (stirctl explain) */

	/* results */
	enum direction direction;
	const char *why;             /* static word */
	enum engine_scope scope;
	struct mmspdu pdu;           /* what X-Mms-Message-Type says */
	bool hidden;                 /* the sender asks to be hidden: no number of his in what recipients may read, nor in the log */
	struct stir_result result;   /* DIRECTION_VERIFY, in scope */
	struct sign_result sign;     /* DIRECTION_SIGN */
	struct facts *facts;         /* DIRECTION_VERIFY, in scope, with a policy; else NULL */
	struct policy_result policy; /* with facts, after engine_judge() */
	struct verdict verdict;
	bool edits_incomplete;       /* an edit is missing for want of memory */
	int64_t took_us;             /* engine_finish(): from the end of the message to the verdict, in microseconds */

	/* private */
	void *verify;
	enum sign_outcome sign_begun;
	const struct sign_params *sign_params; /* of the engine */
};

/* Prepares t for use with an arena of LIMIT_MESSAGE_ARENA. 0 / -1. */
int transaction_init(struct transaction *t) MUST_USE;
void transaction_free(struct transaction *t);
/* Before each message; client is borrowed until the message ends. */
void transaction_begin(struct transaction *t, const struct engine *g, const struct mms_client *client);

/*
 * Between begin and engine_headers() the caller pushes the envelope and the
 * header into t->message; after it, the body.
 */
void engine_headers(struct engine *g, struct transaction *t, int64_t now);
/* now: seconds since 1970. Fills result, sign and verdict; engine_examine() and engine_judge() in one, timed and counted. */
void engine_finish(struct engine *g, struct transaction *t, int64_t now);
/* Everything but the policy: result, sign, facts.  May run ahead in other threads; judging must be in the messages' order. */
void engine_examine(struct engine *g, struct transaction *t, int64_t now);
/* The policy over the facts, and the verdict with its edits. */
void engine_judge(struct engine *g, struct transaction *t, int64_t now);

/*
 * One line of facts to FactLog, after the verdict; nothing to do without one, or
 * when no policy was asked.  0, or -1 and *e when it is time to say that lines
 * were lost, at most once a minute.  now: seconds since 1970.
 */
int engine_record(struct engine *g, const struct transaction *t, struct span queue_id, int64_t now, struct err *e) MUST_USE;

/*
 * One line for each token with certificates to EvidenceDir, after the verdict;
 * nothing to do without one.  Like engine_record().
 */
int engine_evidence(struct engine *g, const struct transaction *t, struct span queue_id, int64_t now, struct err *e) MUST_USE;

/* The decisive line of one message: key=value, fixed order, at most LIMIT_LOG_LINE octets. */
void engine_log_line(struct buf *out, const struct engine *g, const struct transaction *t, struct span queue_id);
/* The same facts as one JSON object, at most LIMIT_LOG_JSON octets. */
void engine_log_json(struct buf *out, const struct engine *g, const struct transaction *t, struct span queue_id);

#endif
