/*
 * A folder of messages, made ready to be handed to a milter as Postfix does it.
 */
#ifndef STIR_TESTS_BENCH_CLIENT_MAIL_H
#define STIR_TESTS_BENCH_CLIENT_MAIL_H

#include <stddef.h>

struct client_mail_field {
	char *data; /* name, NUL, value with LF folds and without its first space, NUL */
	size_t n;
};

struct client_mail {
	char *name; /* of its file */
	char *octets; /* as in the file, with CRLF */
	size_t n;
	struct client_mail_field *field;
	size_t fields;
	const char *body; /* in octets */
	size_t body_n;
	char *sender, *rcpt; /* the first address of From, of To, without <> */
};

/* Reads every *.eml of a folder, by name, and puts `more` fields of our own behind each
 * header; the number of messages in *n.  Ends the program if that can't be done. */
struct client_mail *client_mail_read(const char *folder, unsigned more, size_t *n);
void client_mail_free(struct client_mail *mail, size_t n);

#endif
