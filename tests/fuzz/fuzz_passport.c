/* Token to claims; an input that begins with '{' is the claims of a token made here. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/passport.h"

#define HEADER "eyJhbGciOiJFUzI1NiIsInBwdCI6Im1zZyIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoidSJ9."

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct span token = span_make(data, size);
	static const char sig[JWS_SIG_BYTES];
	struct passport p;
	struct buf b;

	buf_init(&b, 4 * LIMIT_TOKEN_BYTES);
	if (size && data[0] == '{') {
		buf_puts(&b, HEADER);
		base64url_encode(&b, data, size);
		buf_putc(&b, '.');
		base64url_encode(&b, sig, sizeof sig);
		token = buf_span(&b);
	}
	if (a && passport_header(token, a, &p) == STIR_OK && passport_claims(&p, a) == STIR_OK)
		if (p.iat <= 0 || p.iat >> 53 || p.orig.kind == PARTY_NONE || !p.ndest || p.ndest > LIMIT_DEST || !p.x5u.n || !span_is(p.alg, "ES256"))
			abort();
	buf_free(&b);
	arena_free(a);
	return 0;
}
