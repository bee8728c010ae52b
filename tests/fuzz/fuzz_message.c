/*
 * A whole message, header and body, through the verifier: no token of it is
 * ever trusted, and whatever it holds there is a result.
 */
#include "config.h"

#include "core/authres.h"
#include "core/verify.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void push(struct mms_message *m, struct span text)
{
	message_sender(m, span_cstr("<x@a.example>"));
	message_rcpt(m, span_cstr("<+15550300001@b.example>"));
	while (text.n && text.p[0] != '\n') {
		struct span line = span_cut(&text, '\n'), value = line;
		struct span name = span_cut(&value, ':');

		message_header(m, name, value);
	}
	message_end_headers(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mms_client client;
	/* No certificate is ever found: what stands before that is all there is. */
	struct verify_params params = {.max_age_s = 1u << 31, .max_skew_s = 1u << 31};
	struct span text = span_make(data, size);
	size_t body = 0;
	struct stir_result r;
	struct mms_message m;
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct verify *v;
	struct buf out;

	if (!a)
		return 0;
	address_init();
	msgi_init();
	while (body + 1 < size && !(text.p[body] == '\n' && text.p[body + 1] == '\n'))
		body++;
	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	push(&m, span_take(text, body));
	v = verify_begin(&params, &m);
	message_body(&m, text.n ? span_skip(text, body).p : "", span_skip(text, body).n);
	message_end(&m);
	/* Recipients nobody can name stop every token before its certificate. */
	m.nrcpt = 0;
	verify_finish(v, &m, 1793534400, 0, &r);
	buf_init(&out, 65536);
	authres_write(&out, span_cstr("mx.b.example"), &r);
	buf_free(&out);
	message_reset(&m);
	arena_free(a);
	return stir_reason_name(r.reason) ? 0 : 1;
}
