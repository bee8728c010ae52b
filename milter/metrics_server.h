/*
 * What runs beside the mail for those who watch it: metrics for Prometheus, and
 * whether we live and are ready, over HTTP on a socket of this host.
 *
 *   GET /metrics  text format 0.0.4
 *   GET /healthz  200 as long as this process answers
 *   GET /readyz   200 when mail can be handled as it should be, else 503 and why
 *
 * One thread and few connections: whoever asks too often, or too slowly, is in the
 * way of others who ask, and of no mail.  Read-only, and it names no number; who may
 * ask is for the file mode of the socket, or for whoever is on this host.
 */
#ifndef STIR_MILTER_METRICS_SERVER_H
#define STIR_MILTER_METRICS_SERVER_H

#include "core/err.h"

struct metrics_server; /* opaque; one in a process */

/*
 * spec: MetricsSocket; socket: Socket, which /readyz tries.  After rights were
 * dropped, with an engine in force; not ready yet.  Gives *out
 * (metrics_server_close()), or -1 and *e.
 */
int metrics_server_open(const char *spec, const char *socket, struct metrics_server **out, struct err *e) MUST_USE;
/* Ends what is being answered. NULL is allowed. */
void metrics_server_close(struct metrics_server *s);

/* Serving mail from now on, or (draining) not any more. Any thread; also without a server. */
void metrics_server_set_serving(bool serving);

#endif
