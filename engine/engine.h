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
#include "core/sign.h"
#include "core/stir_result.h"
#include "engine/direction.h"
#include "engine/settings.h"
#include "policy/verdict.h"

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
struct engine *engine_ref(struct engine *g);
void engine_unref(struct engine *g); /* NULL is allowed */
const struct settings *engine_settings(const struct engine *g);
const struct numberplan *engine_numberplan(const struct engine *g);

/* What an operator should know at start, such as an expired certificate; nothing when all is well. now: seconds since 1970. */
void engine_advice(const struct engine *g, int64_t now, struct buf *out);

enum engine_scope {
	ENGINE_OUT_OF_SCOPE, /* ordinary mail, or left alone by configuration: untouched */
	ENGINE_IN_SCOPE
};

/* One message on its way through one engine. */
struct transaction {
	struct arena *arena;         /* owned by the transaction's maker */
	struct mms_message message;
	struct span mta_name;        /* {j}; the authserv-id when none is configured */
	bool forced;                 /* direction was set by the caller (stirctl) */

	/* results */
	enum direction direction;
	const char *why;             /* static word */
	enum engine_scope scope;
	struct stir_result result;   /* DIRECTION_VERIFY, in scope */
	struct sign_result sign;     /* DIRECTION_SIGN */
	struct verdict verdict;
	bool edits_incomplete;       /* an edit is missing for want of memory */

	/* private */
	void *verify;
	enum sign_outcome sign_begun;
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
void engine_headers(struct engine *g, struct transaction *t);
/* now: seconds since 1970. Fills result, sign and verdict. */
void engine_finish(struct engine *g, struct transaction *t, int64_t now);

/* The decisive line of one message: key=value, fixed order, at most LIMIT_LOG_LINE octets. */
void engine_log_line(struct buf *out, const struct engine *g, const struct transaction *t, struct span queue_id);

#endif
