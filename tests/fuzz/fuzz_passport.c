/*
 * Token to claims; an input that begins with '{' is the claims of a msg token made
 * here, one that begins with 'D' or 'O' and '{' those of a div or a div-o token.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/passport.h"

#define HEADER(ppt) "{\"alg\":\"ES256\",\"ppt\":\"" ppt "\",\"typ\":\"passport\",\"x5u\":\"u\"}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The header of the token to make around the claims in *text, or NULL: it is a token. */
static const char *header_for(struct span *text)
{
	if (span_starts(*text, "{"))
		return HEADER("msg");
	if (!span_starts(*text, "D{") && !span_starts(*text, "O{"))
		return NULL;
	*text = span_skip(*text, 1);
	return text->p[-1] == 'D' ? HEADER("div") : HEADER("div-o");
}

static void check(const struct passport *p)
{
	enum stir_reason soon = passport_fresh(p, p->iat - 1, 60, 0), late = passport_fresh(p, p->iat + 61, 60, 0);
	bool diverted = p->type == PASSPORT_DIV || p->type == PASSPORT_DIV_O;

	if (p->iat <= 0 || p->iat >> 53 || p->orig.kind == PARTY_NONE || !p->ndest || p->ndest > LIMIT_DEST || !p->x5u.n || !span_is(p->alg, "ES256"))
		abort();
	if (diverted != (p->div.kind != PARTY_NONE) || (p->type == PASSPORT_DIV_O) != (p->opt.n > 0) || p->nested > LIMIT_DIV_NESTING)
		abort();
	/* Written as it should be or not, its time is the same. */
	if ((passport_canonical(p) && !p->jws.payload.n) || soon != STIR_FROM_FUTURE || late != STIR_STALE || passport_fresh(p, p->iat, 0, 0) != STIR_OK)
		abort();
	if (p->type != PASSPORT_MSG && (p->has_msgi || p->has_msgc))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct span token = span_make(data, size);
	const char *header = header_for(&token);
	static const char sig[JWS_SIG_BYTES];
	struct passport p;
	struct buf b;

	buf_init(&b, 4 * LIMIT_TOKEN_BYTES);
	if (header) {
		base64url_encode(&b, header, strlen(header));
		buf_putc(&b, '.');
		base64url_encode(&b, token.p, token.n);
		buf_putc(&b, '.');
		base64url_encode(&b, sig, sizeof sig);
		token = buf_span(&b);
	}
	if (a && passport_header(token, a, &p) == STIR_OK && passport_claims(&p, a) == STIR_OK)
		check(&p);
	buf_free(&b);
	arena_free(a);
	return 0;
}
