/* Collecting a message: order, limits, fields that must not get lost. */
#include "config.h"

#include "core/message.h"
#include "tests/lib/tap.h"
#include "tests/lib/world.h"

static struct mms_client client;

static void begin(struct mms_message *m, struct arena *a, size_t header_max)
{
	message_init(m, a);
	message_begin(m, &client, NULL, header_max);
}

static void test_fields(struct arena *a)
{
	static const char *const rcpt[] = {"<+15550300001@b.example>", "ben@b.example", NULL};
	struct mms_message m;

	begin(&m, a, LIMIT_HEADER_BYTES);
	world_push_header(&m, "<x@a.example>", rcpt, "From: +15550100001/TYPE=PLMN\nReceived: one\nreceived: two\n three\n");
	tap_span_is(m.mail_from, "x@a.example", "the sender without brackets");
	tap_int((long long)m.nfield, 3, "fields");
	tap_int((long long)message_field_count(&m, "RECEIVED"), 2, "counted without case");
	tap_span_is(message_field(&m, "Received", 1)->value, "two\n three", "the second, folds kept");
	tap_ok(!message_field(&m, "Received", 2), "no third");
	tap_int(m.from_kind, MESSAGE_FROM_ONE, "one sender");
	tap_span_is(tn_span(&m.from.tn), "15550100001", "the sender's number, without a domain");
	tap_span_is(tn_span(&m.rcpt[0].party.tn), "15550300001", "the recipient's number");
	tap_span_is(m.rcpt[1].party.uri, "mailto:ben@b.example", "the other recipient");
	message_reset(&m);
	message_reset(&m);
	tap_int((long long)m.nfield, 0, "nothing after a reset, twice");
}

static void test_limits(struct arena *a)
{
	char big[2000];
	struct mms_message m;

	memset(big, 'x', sizeof big);
	begin(&m, a, 1024);
	message_watch(&m, "Authentication-Results");
	message_header(&m, span_cstr("X"), span_make(big, 1022));
	tap_ok(!m.over_limit, "one octet below the limit");
	message_header(&m, span_cstr("Y"), span_cstr(""));
	tap_ok(!m.over_limit, "at the limit");
	message_header(&m, span_cstr("Authentication-Results"), span_make(big, 1500));
	tap_ok(m.over_limit, "beyond");
	message_header(&m, span_cstr("Z"), span_cstr("lost"));
	message_header(&m, span_cstr("authentication-results"), span_cstr("short"));
	tap_int((long long)message_watched(&m, "Authentication-Results"), 2, "watched fields are counted beyond the limit");
	tap_int((long long)message_field_count(&m, "Authentication-Results"), 2, "and kept");
	tap_ok(message_field(&m, "Authentication-Results", 0)->cut && !message_field(&m, "Authentication-Results", 1)->cut, "the long one is marked as cut");
	tap_ok(!message_field(&m, "Z", 0), "others are not");
	message_reset(&m);

	begin(&m, a, LIMIT_HEADER_BYTES);
	for (int i = 0; i < LIMIT_HEADER_FIELDS; i++)
		message_header(&m, span_cstr("N"), span_cstr("v"));
	tap_ok(!m.over_limit, "as many fields as allowed");
	message_header(&m, span_cstr("N"), span_cstr("v"));
	tap_ok(m.over_limit, "one more");
	message_reset(&m);

	begin(&m, a, LIMIT_HEADER_BYTES);
	for (int i = 0; i < LIMIT_RECIPIENTS; i++)
		message_rcpt(&m, span_cstr("x@b.example"));
	tap_ok(!m.over_limit, "as many recipients as allowed");
	message_rcpt(&m, span_cstr("x@b.example"));
	tap_ok(m.over_limit, "one more");
	message_reset(&m);
}

static void test_body(struct arena *a)
{
	static const char *const rcpt[] = {"x@b.example", NULL};
	struct msgi_value v;
	struct mms_message m;
	struct buf text;

	buf_init(&text, 200);
	begin(&m, a, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", rcpt, "From: x@a.example\n");
	message_want(&m, 1u << MSGI_SHA256);
	message_want(&m, 1u << MSGI_SHA512 | MESSAGE_WANT_CONTENT);
	world_push_body(&m, "\r\n");
	tap_int(msgi_stream_value(&m.raw, MSGI_SHA256, &v), 0, "a digest");
	msgi_write(&text, &v);
	tap_span_is(buf_span(&text), "sha256-frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=", "SHA-256 of CRLF");
	tap_int(msgi_stream_value(&m.raw, MSGI_SHA512, &v), 0, "another, wanted later");
	tap_int(m.content_result.limit, CONTENT_WITHIN, "the content was walked");
	tap_int((long long)m.body_bytes, 2, "octets of the body");
	message_reset(&m);

	begin(&m, a, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", rcpt, "From: x@a.example\n");
	message_want(&m, 1u << MSGI_SHA256 | MESSAGE_WANT_CONTENT);
	message_body(&m, "half", 4);
	message_reset(&m);
	tap_ok(!m.content && !m.raw.want, "a reset half-way frees what was begun");
	buf_free(&text);
}

static void test_keep(struct arena *a)
{
	static const char *const rcpt[] = {"x@b.example", NULL};
	static char block[1024 * 1024];
	struct mms_message m;

	begin(&m, a, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", rcpt, "From: x@a.example\n");
	world_push_body(&m, "gone");
	tap_ok(!m.kept.p && m.body_bytes == 4, "a body is not kept unless asked for");
	message_reset(&m);

	begin(&m, a, LIMIT_HEADER_BYTES);
	world_push_header(&m, "x@a.example", rcpt, "From: x@a.example\n");
	message_want(&m, MESSAGE_WANT_KEEP);
	message_want(&m, MESSAGE_WANT_KEEP | 1u << MSGI_SHA256);
	message_body(&m, "two ", 4);
	message_body(&m, "pieces", 6);
	message_end(&m);
	tap_span_is(buf_span(&m.kept), "two pieces", "a body that was kept");
	message_reset(&m);
	tap_ok(!m.kept.p && !m.kept.failed, "and is gone after a reset");

	begin(&m, a, LIMIT_HEADER_BYTES);
	message_want(&m, MESSAGE_WANT_KEEP);
	for (size_t i = 0; i < LIMIT_KEPT_BODY / sizeof block; i++)
		message_body(&m, block, sizeof block);
	tap_ok(!m.kept.failed && m.kept.n == LIMIT_KEPT_BODY, "as large as allowed");
	message_body(&m, "x", 1);
	message_body(&m, "y", 1);
	tap_ok(m.kept.failed && !m.kept.p && !m.kept.n, "of a larger one nothing is kept, and that is said");
	tap_int((long long)m.body_bytes, LIMIT_KEPT_BODY + 2LL, "its octets are counted all the same");
	message_end(&m);
	message_reset(&m);
	tap_ok(!m.kept.failed, "the next message begins anew");
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);

	address_init();
	msgi_init();
	test_fields(a);
	test_limits(a);
	test_body(a);
	test_keep(a);
	arena_free(a);
	return tap_done();
}
