/*
 * The STRING settings that have a syntax of their own.  Each gives NULL when
 * the value is fine, else a static sentence that says what isn't.
 * For engine/settings_spec.c and tests.
 */
#ifndef STIR_ENGINE_SETTINGS_SYNTAX_H
#define STIR_ENGINE_SETTINGS_SYNTAX_H

#include "core/span.h"

/* local:PATH, unix:PATH, inet:PORT@ADDRESS, inet6:PORT@ADDRESS, fd:NUMBER */
const char *settings_syntax_socket(struct span v);
/* The same, but no address that others than this host could reach */
const char *settings_syntax_metrics_socket(struct span v);
/* USER or USER:GROUP, names or numbers; whether they exist is found out later */
const char *settings_syntax_user(struct span v);
/* A name that needs no quotes in Authentication-Results */
const char *settings_syntax_authserv_id(struct span v);
/* What x5u_check() accepts */
const char *settings_syntax_certificate_url(struct span v);
/* https, a host, printable ASCII, short enough for a reply text */
const char *settings_syntax_help_url(struct span v);
/* memory, sqlite:PATH, redis:HOST:PORT, redis:[V6]:PORT, redis:/SOCKET */
const char *settings_syntax_replay_store(struct span v);

#endif
