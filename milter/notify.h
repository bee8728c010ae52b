/*
 * What the service manager is told (sd_notify(3)): ready, reading again,
 * stopping, alive, and one line of how things are.
 *
 * Nothing happens when nobody asked for it (no NOTIFY_SOCKET in the
 * environment), or when built without libsystemd.  Trouble is not reported: the
 * service manager will miss the word and act.  Any thread.
 */
#ifndef STIR_MILTER_NOTIFY_H
#define STIR_MILTER_NOTIFY_H

#include <stdint.h>

/* Mail can come. status: printable, one line. */
void notify_ready(const char *status);
/* The configuration is being read again; notify_ready() says that this is over. */
void notify_reloading(void);
void notify_stopping(const char *status);
/* Why the program ends. */
void notify_failed(const char *why, int exit_status);
/* Mail is still answered. */
void notify_alive(const char *status);

/* How long the service manager waits for notify_alive() before it acts; 0: it doesn't wait. */
int64_t notify_alive_within_ms(void);

#endif
