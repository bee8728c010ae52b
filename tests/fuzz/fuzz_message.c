/*
 * A whole message, header and body, through the verifier, in a world where every
 * certificate can be had at https://certs.example/a.pem: no token of it is ever
 * signed, and whatever it holds there is a result.
 */
#include "config.h"

#include "core/authres.h"
#include "tests/lib/world.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void push(struct mms_message *m, struct span text)
{
	message_sender(m, span_cstr("<x@a.example>"));
	message_rcpt(m, span_cstr("<+15550300001@b.example>"));
	message_watch(m, "Identity");
	while (text.n && text.p[0] != '\n') {
		size_t end = span_find(text, '\n');

		while (end + 1 < text.n && span_is_blank(text.p[end + 1]) && text.p[end + 1] != '\n')
			end += 1 + span_find(span_skip(text, end + 1), '\n');
		struct span value = span_take(text, end);
		struct span name = span_cut(&value, ':');

		text = span_skip(text, end + 1);
		message_header(m, name, value);
	}
	message_end_headers(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mms_client client;
	static struct world w;
	struct span text = span_make(data, size);
	size_t body = 0;
	struct stir_result r;
	struct mms_message m;
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);
	struct verify *v;
	struct buf out;

	if (!a)
		return 0;
	if (!w.n) {
		world_open(&w);
		world_signer(&w, "https://certs.example/a.pem", "tn:+15550000000..+15559999999", (struct pki_cert_spec){0});
		world_replay(&w);
		w.params.max_age_s = w.params.max_skew_s = 1u << 31;
		w.params.go_on = w.params.keep_chain = true;
	}
	while (body + 1 < size && !(text.p[body] == '\n' && text.p[body + 1] == '\n'))
		body++;
	message_init(&m, a);
	message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
	push(&m, span_take(text, body));
	message_want(&m, MESSAGE_WANT_KEEP);
	if (message_watched(&m, "Identity") < message_field_count(&m, "Identity") || message_watched(&m, "From"))
		abort();
	v = verify_begin(&w.params, &m, world_time(0));
	message_body(&m, text.n ? span_skip(text, body).p : "", span_skip(text, body).n);
	message_end(&m);
	if (!m.kept.failed && m.kept.n != m.body_bytes)
		abort();
	verify_finish(v, &m, world_time(0), &r);
	/* Nobody here can sign; what is not signed is not used up. */
	if (r.reason == STIR_OK || verify_record(v, &m, world_time(0), &r))
		abort();
	buf_init(&out, 65536);
	authres_write(&out, span_cstr("mx.b.example"), &r);
	buf_free(&out);
	message_reset(&m);
	arena_free(a);
	return stir_reason_name(r.reason) ? 0 : 1;
}
