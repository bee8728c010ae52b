/*
 * The parts of fetch_https, for each other and for their tests.
 */
#ifndef STIR_ENGINE_FETCH_HTTPS_INTERNAL_H
#define STIR_ENGINE_FETCH_HTTPS_INTERNAL_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/fetch_https.h"

/* --- fetch_https_address.c: where a connection may lead -------------------- */

/* The addresses of the public internet; cidr_free(). NULL without memory. */
struct cidr_set *fetch_https_address_public(void) MUST_USE;
/* A public one, or one that listed (or NULL) has. */
bool fetch_https_address_ok(const struct cidr_set *public_ones, const struct cidr_set *listed, const struct sockaddr *addr);

/* --- fetch_https_host.c: who may be asked ----------------------------------- */

enum { FETCH_HTTPS_HOST_BYTES = 256 }; /* 253 of a DNS name, and a NUL */

struct fetch_https_hosts {
	char **allow, **deny; /* owned; in normal form */
	size_t n_allow, n_deny;
	bool port_443, port_8443;
};

struct fetch_https_url {
	CURLU *handle; /* curl_url_cleanup() */
	char host[FETCH_HTTPS_HOST_BYTES]; /* normal form: lower case, no dot behind, no brackets */
	char port[6];
};

/* 0, or -1 and *e. fetch_https_hosts_free() in any case. */
int fetch_https_hosts_init(struct fetch_https_hosts *h, const struct fetch_https_params *p, struct err *e) MUST_USE;
void fetch_https_hosts_free(struct fetch_https_hosts *h);
/* text as host in normal form; false when it is no host. */
bool fetch_https_host_normal(struct span text, char out[FETCH_HTTPS_HOST_BYTES]);
/*
 * Cuts the URL as libcurl does, which then asks by this very handle.
 * NULL, or what is wrong with it (a static text); FETCH_HTTPS_NO_MEMORY is a
 * trouble of our own.  fetch_https_url_free() in any case.
 */
const char *fetch_https_url_read(struct fetch_https_url *u, struct span url);
void fetch_https_url_free(struct fetch_https_url *u);
/* NULL: may be asked; otherwise why not. */
const char *fetch_https_host_forbidden(const struct fetch_https_hosts *h, const struct fetch_https_url *u);
extern const char fetch_https_host_no_memory[];

/* --- fetch_https_breaker.c: who is left alone ------------------------------- */

struct fetch_https_breaker; /* opaque. Any thread. */

enum fetch_https_turn {
	FETCH_HTTPS_TURN,  /* ask */
	FETCH_HTTPS_PROBE, /* ask: you are the one who tries whether it works again */
	FETCH_HTTPS_ALONE  /* don't */
};
enum fetch_https_outcome {
	FETCH_HTTPS_ANSWERED, /* the host works */
	FETCH_HTTPS_FAILED,
	FETCH_HTTPS_UNKNOWN   /* says nothing about the host */
};

/* failures 0: never opens. NULL without memory. */
struct fetch_https_breaker *fetch_https_breaker_new(unsigned failures, unsigned open_s) MUST_USE;
void fetch_https_breaker_free(struct fetch_https_breaker *b); /* NULL is allowed */
/* host: with its port. now_ms is monotonic. fetch_https_breaker_end() follows unless it was FETCH_HTTPS_ALONE. */
enum fetch_https_turn fetch_https_breaker_begin(struct fetch_https_breaker *b, const char *host, int64_t now_ms);
void fetch_https_breaker_end(struct fetch_https_breaker *b, const char *host, enum fetch_https_turn turn, enum fetch_https_outcome outcome, int64_t now_ms);
/* How many hosts are left alone now. */
size_t fetch_https_breaker_open(struct fetch_https_breaker *b, int64_t now_ms);

/* --- fetch_https_transfer.c: one GET ---------------------------------------- */

struct fetch_https {
	struct fetch fetch;
	struct fetch_https_hosts hosts;
	const struct cidr_set *addresses; /* borrowed */
	struct cidr_set *public_ones;
	struct fetch_https_breaker *breaker;
	struct buf ca; /* PEM; empty: the system's */
	char *user_agent;
	unsigned connect_timeout_ms, stall_timeout_ms;
	atomic_bool stopped;
	atomic_ulong cause[FETCH_CAUSE_COUNT], octets;
};

/*
 * The GET, with all its caps. Like fetch_ops.get; *status is that of the answer,
 * or 0.
 */
int fetch_https_transfer(struct fetch_https *h, const struct fetch_https_url *url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a,
			 long *status, struct err *e);

#endif
