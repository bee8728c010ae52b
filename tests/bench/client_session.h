/*
 * One connection to a milter, as Postfix 3.7 keeps it: offers version 6 with all
 * it has, sends macros in front of every command, gathers what needs no answer in
 * a buffer of 4096 octets, and body in pieces of 65535.
 */
#ifndef STIR_TESTS_BENCH_CLIENT_SESSION_H
#define STIR_TESTS_BENCH_CLIENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/client_mail.h"

struct client_session_plan {
	const char *address; /* local:PATH, inet:PORT@127.0.0.1 or inet6:PORT@::1 */
	const char *daemon_name, *client_addr;
	unsigned rcpts; /* so often is the recipient named */
	unsigned pause_us; /* before MAIL, each RCPT, DATA and the content */
	unsigned body_pause_us; /* before each piece of the body */
	unsigned timeout_s; /* of one read or write */
	bool want_refusal; /* instead of "continue" or "accept" */
	const char *want_name, *want_word; /* a field that must come, and what its value must hold; or NULL */
	const char *save; /* a folder for the messages with what was inserted; or NULL */
};

struct client_session;

/* What came of a message. */
struct client_session_result {
	uint64_t mail_ns, eom_ns, end_ns; /* when MAIL was sent, end of message, the answer came */
	bool expected;
	char why[512]; /* what was found, if not */
};

/* Connects, negotiates, says CONNECT and HELO; NULL with a text in why if that fails. */
struct client_session *client_session_open(const struct client_session_plan *plan, char *why, size_t n);
/* 0, or -1 with a text in r->why if the connection is of no use any more. */
int client_session_send(struct client_session *s, const struct client_mail *mail, struct client_session_result *r);
/* Says QUIT, if it can, and closes; s may be NULL. */
void client_session_close(struct client_session *s);

#endif
