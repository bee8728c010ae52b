/* A From value, and the party of each of its addresses; the same octets as an envelope address. */
#include "config.h"

#include "core/address.h"
#include "core/limits.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	struct span value = span_make(data, size), *addr;
	struct party p;
	bool truncated;
	size_t n;

	address_init();
	a = arena_new(LIMIT_MESSAGE_ARENA);
	if (!a)
		abort();
	n = address_list(value, a, &addr, &truncated);
	for (size_t i = 0; i <= n; i++) {
		party_from_address(NULL, i < n ? addr[i] : address_envelope(value, a), a, &p);
		if ((p.kind == PARTY_NONE) != (party_text(&p).n == 0) || party_text(&p).n > LIMIT_URI_BYTES)
			abort();
	}
	arena_free(a);
	return 0;
}
