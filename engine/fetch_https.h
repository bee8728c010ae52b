/*
 * What stands at an https address, by libcurl: one GET, no redirect, no
 * compression, no cookies, no proxy; the address is judged at the socket, after
 * name resolution; size and time are capped while it streams; a host that keeps
 * failing is left alone for a while.
 *
 * The URL: https, a host name in ASCII or an IP address (which obeys the same rule
 * as those of a name), a port that is allowed; no user, no fragment.  A query may
 * stand in it; what a PASSporT may say is core/x5u's business.
 */
#ifndef STIR_ENGINE_FETCH_HTTPS_H
#define STIR_ENGINE_FETCH_HTTPS_H

#include "core/cidr.h"
#include "core/fetch.h"

struct fetch_https_params {
	/* Hosts in any case, A-labels for those beyond ASCII; "*.example.com" for all
	 * below example.com, itself not. */
	const char *const *allow;   /* none: all but those denied */
	size_t n_allow;
	const char *const *deny;    /* stronger than allow */
	size_t n_deny;
	bool port_443, port_8443;   /* at least one */
	/* Private, loopback... addresses that may be asked all the same; or NULL.
	 * Borrowed: must outlive the fetcher. */
	const struct cidr_set *addresses;
	const char *ca_file;        /* PEM, read once; NULL: the system's (for TLS of the web, not for trust in PASSporTs) */
	unsigned connect_timeout_ms; /* name, TCP and TLS together */
	unsigned stall_timeout_ms;   /* without a single octet */
	unsigned breaker_failures;  /* in a row; then the host is left alone; 0: never */
	unsigned breaker_s;         /* then one fetch tries whether it works again */
	const char *user_agent;
};

struct fetch_https_stats {
	unsigned long cause[FETCH_CAUSE_COUNT];
	unsigned long octets; /* of bodies, those thrown away included */
	size_t hosts_open; /* circuit breakers that are open */
};

/*
 * Copies the parameters but addresses. Gives *out (fetch_close(), with nothing
 * under way), or -1 and *e: a rule about hosts, or the file, can't be used.
 */
int fetch_https_open(const struct fetch_https_params *p, struct fetch **out, struct err *e) MUST_USE;
void fetch_https_stats(struct fetch *f, struct fetch_https_stats *out);
/* What is under way ends within a second or so with FETCH_STOPPED; nothing begins any more. */
void fetch_https_stop(struct fetch *f);

#endif
