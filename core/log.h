/*
 * Where log lines go: syslog or standard error, chosen once before threads.
 *
 * Parsers, verifier, signer and policy never log: they return reasons.  Text
 * from the wire goes through log_quote(), so that no message writes a log line
 * of its own.
 */
#ifndef STIR_CORE_LOG_H
#define STIR_CORE_LOG_H

#include <stdint.h>

#include "core/buf.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* To standard error (the start state), as it is at this moment: whether that is a
 * file is not looked at again. Each line gets "ident: " in front. */
void log_to_stderr(const char *ident);
/* To syslog; facility is a LOG_* number of syslog.h. */
void log_to_syslog(const char *ident, int facility);
/* Lines less urgent than this are dropped; the start state is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/*
 * Lines are JSON objects from now on: {"time":...,"level":"info","message":"..."}.
 * clock: seconds since 1970.  Before threads.
 */
void log_use_json(int64_t (*clock)(void));
bool log_is_json(void);

/* Lines that nobody took from standard error, since the start. Any thread. */
unsigned long log_lost(void);

/* Any thread. */
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * A line about one message: "QUEUE: sid=SESSION text", or members queue_id and sid.
 * Both may be empty.
 */
void log_about(enum log_level level, struct span queue_id, struct span session_id, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* With log_use_json(): a line whose members are those of a JSON object, "{...}" on one line, behind time and level. */
void log_object(enum log_level level, struct span object);

/*
 * Wire text made safe for one log value: printable ASCII other than '"', '\\'
 * and '=' stays, every other octet becomes \xHH; at most max octets of the
 * source are shown, then "..." .  Quoted with '"' if it holds a space or is
 * empty.
 */
void log_quote(struct buf *out, struct span s, size_t max);

#endif
