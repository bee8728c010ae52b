/*
 * Where used tokens are remembered: the store ReplayStore names, and the secret
 * that keys what is written there.
 *
 * Counted: a reload that does not change it keeps it.  Trouble costs no mail: it is
 * counted, and logged once a minute.
 */
#ifndef STIR_ENGINE_REPLAY_PLACE_H
#define STIR_ENGINE_REPLAY_PLACE_H

#include "core/replay.h"
#include "core/store/store_redis.h"
#include "engine/metrics.h"
#include "engine/settings.h"

struct replay_place; /* opaque. Any thread. */

/*
 * old: that of the engine in force, or NULL.  The process is the user that it is
 * going to be: files are made.  Gives *out (replay_place_unref()), or -1 and *e.
 */
int replay_place_open(const struct settings *s, struct replay_place *old, struct key_reader reader, struct replay_place **out, struct err *e) MUST_USE;
/* Where its answers are timed; taken for as long as it lives, whoever asks first. */
void replay_place_count(struct replay_place *p, struct metrics *m);
/* A memory of its own, for a person who tries stored mail. */
int replay_place_private(struct replay_place **out, struct err *e) MUST_USE;
/* Could it be opened?  Only looks: reads the secret, touches no store. 0, or -1 and *e. */
int replay_place_check(const struct settings *s, struct key_reader reader, struct err *e) MUST_USE;
void replay_place_unref(struct replay_place *p); /* NULL is allowed */

const struct replay *replay_place_replay(const struct replay_place *p);
/* Of Redis; false for another store. */
bool replay_place_redis(const struct replay_place *p, struct store_redis_stats *out);
struct replay_place_stats {
	unsigned long unknown; /* looked for or to be recorded, and could not */
	unsigned long evicted; /* forgotten before their time, by this process; 0 for Redis, which does not tell */
};
void replay_place_stats(struct replay_place *p, struct replay_place_stats *out);
/* Now and then, from a background thread. */
void replay_place_tick(struct replay_place *p);

#endif
