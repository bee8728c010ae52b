/*
 * A private key that signs ES256, wherever it lives (core/keys/).
 */
#ifndef STIR_CORE_KEY_H
#define STIR_CORE_KEY_H

#include <sys/types.h>

#include "core/err.h"
#include "core/span.h"

/*
 * Whom a file with a secret may belong to besides root and the process's user, and
 * which group may read it besides its own: those the process is going to be, if it
 * is to become another user.
 */
struct key_reader {
	uid_t user;
	gid_t group;
};
/* It stays who it is. */
#define KEY_READER_SELF ((struct key_reader){(uid_t)-1, (gid_t)-1})

struct key; /* first member of each backend's struct is its const struct key_ops * */

struct key_ops {
	/* 64 octets r||s of ECDSA P-256 over the SHA-256 of data; 0 / -1. Any thread. */
	int (*sign)(struct key *k, struct span data, unsigned char sig[64], struct err *e);
	/* The public key, uncompressed point: 65 octets; 0 / -1. */
	int (*public_point)(struct key *k, unsigned char point[65], struct err *e);
	void (*close)(struct key *k);
};

struct key {
	const struct key_ops *ops;
};

int key_sign(struct key *k, struct span data, unsigned char sig[64], struct err *e) MUST_USE;
int key_public_point(struct key *k, unsigned char point[65], struct err *e) MUST_USE;
void key_close(struct key *k); /* NULL is allowed */

#endif
