/*
 * The way into a key's own functions.
 *
 * Knows no kind of key; each is a file in core/keys/.
 */
#include "config.h"

#include "core/key.h"

int key_sign(struct key *k, struct span data, unsigned char sig[64], struct err *e)
{
	return k->ops->sign(k, data, sig, e);
}

int key_public_point(struct key *k, unsigned char point[65], struct err *e)
{
	return k->ops->public_point(k, point, e);
}

void key_close(struct key *k)
{
	if (k)
		k->ops->close(k);
}
