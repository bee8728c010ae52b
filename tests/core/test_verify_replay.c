/* Tokens used before, and what is recorded when. */
#include "config.h"

#include <stdio.h>

#include "tests/lib/tap.h"
#include "tests/lib/world.h"

#define ANN "15550100001"
#define BOB "15550200001"
#define CAROL "15550300001"
#define TAIL "From: +" ANN "/TYPE=PLMN@a.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"

static const char *const bob[] = {"+" BOB "@b.example", NULL}, *const carol[] = {"+" CAROL "@b.example", NULL};
static const char *const both[] = {"+" BOB "@b.example", "+" CAROL "@b.example", NULL};

static struct world w;
static struct arena *a;
static struct world_signer *ann, *holder; /* of ANN's number; of BOB's */

/* One delivery: what was found before it is let go on, and after. */
static void deliver(const char *what, const char *fields, const char *message_id, const char *const *rcpt, bool let_go, const char *found, const char *recorded)
{
	struct stir_result got;
	struct mms_message m;
	struct verify *v;
	struct buf text;

	buf_init(&text, 65536);
	buf_printf(&text, "%sMessage-ID: <%s@a.example>\n" TAIL, fields, message_id);
	v = world_verify(&w, &m, a, text.p, rcpt, 0, &got);
	tap_str(stir_replay_name(got.best->replay), found, "%s: seen as", what);
	tap_str(stir_reason_name(got.reason), strcmp(found, "replayed") ? "ok" : "replayed", "%s: the result", what);
	if (let_go) {
		bool changed = verify_record(v, &m, world_time(0), &got);

		tap_str(stir_replay_name(got.best->replay), recorded, "%s: recorded as", what);
		tap_int(changed, strcmp(found, recorded) != 0, "%s: whether that changes anything", what);
	}
	message_reset(&m);
	buf_free(&text);
}

static void test_uses(void)
{
	struct buf one, two;

	buf_init(&one, 65536);
	buf_init(&two, 65536);
	world_msg(&one, ann, ANN, BOB "\",\"" CAROL, WORLD_NOW, "");
	world_msg(&two, ann, ANN, BOB, WORLD_NOW - 1, "");
	world_replay(&w);
	deliver("refused", one.p, "1", bob, false, "new", NULL);
	deliver("the first time", one.p, "1", bob, true, "new", "new");
	deliver("a retry", one.p, "1", bob, true, "duplicate", "duplicate");
	deliver("the rest of its recipients", one.p, "1", carol, true, "new", "new");
	deliver("with another Message-ID", one.p, "2", bob, true, "replayed", "replayed");
	deliver("to one who has it and one who has, again", one.p, "2", both, true, "replayed", "replayed");
	deliver("another token", two.p, "2", bob, true, "new", "new");
	world_replay(&w);
	deliver("both at once", one.p, "1", both, true, "new", "new");
	deliver("one of them again", one.p, "3", carol, false, "replayed", NULL);
	buf_free(&one);
	buf_free(&two);
}

/* The signature is not part of what is remembered, and a diverted message is its last recipient's. */
static void test_diverted(void)
{
	struct buf fields, again;

	buf_init(&fields, 65536);
	buf_init(&again, 65536);
	world_msg(&fields, ann, ANN, BOB, WORLD_NOW, "");
	buf_put_span(&again, buf_span(&fields));
	world_div(&fields, holder, ANN, BOB, CAROL, WORLD_NOW);
	world_replay(&w);
	deliver("diverted", fields.p, "1", carol, true, "new", "new");
	deliver("diverted again", fields.p, "2", carol, false, "replayed", NULL);
	deliver("undiverted, the first time", again.p, "1", bob, true, "new", "new");
	buf_free(&fields);
	buf_free(&again);
}

/* Two deliveries at once: both look, one is faster. */
static void test_race(void)
{
	static const char *const ids[] = {"1", "2"};
	struct arena *arenas[] = {a, arena_new(LIMIT_MESSAGE_ARENA)};
	struct stir_result got[2];
	struct mms_message m[2];
	struct verify *v[2];
	struct buf text;

	world_replay(&w);
	for (int i = 0; i < 2; i++) {
		buf_init(&text, 65536);
		buf_printf(&text, "Message-ID: <%s@a.example>\n", ids[i]);
		world_msg(&text, ann, ANN, BOB, WORLD_NOW, "");
		buf_puts(&text, TAIL);
		v[i] = world_verify(&w, &m[i], arenas[i], text.p, bob, 0, &got[i]);
		tap_str(stir_replay_name(got[i].best->replay), "new", "delivery %d looks", i);
		buf_free(&text);
	}
	tap_ok(!verify_record(v[0], &m[0], world_time(0), &got[0]), "the first is recorded");
	tap_ok(verify_record(v[1], &m[1], world_time(0), &got[1]), "the second was slower");
	tap_str(stir_reason_name(got[1].reason), "replayed", "and is a replay");
	tap_str(stir_stage_name(got[1].best->stage), "replay", "which is where it stopped");
	tap_ok(!verify_record(v[1], &m[1], world_time(0), &got[1]), "what does not pass is not recorded");
	message_reset(&m[0]);
	message_reset(&m[1]);
	arena_free(arenas[1]);
}

/* Of several tokens the best one is used up; another one takes its place. */
static void test_several(void)
{
	struct buf first, both_tokens;

	buf_init(&first, 65536);
	buf_init(&both_tokens, 65536);
	world_msg(&first, ann, ANN, BOB, WORLD_NOW, "");
	buf_put_span(&both_tokens, buf_span(&first));
	world_msg(&both_tokens, ann, ANN, BOB, WORLD_NOW - 1, "");
	world_replay(&w);
	deliver("a token", first.p, "1", bob, true, "new", "new");
	deliver("the same beside a fresh one", both_tokens.p, "2", bob, true, "new", "new");
	deliver("both again", both_tokens.p, "3", bob, true, "replayed", "replayed");
	buf_free(&first);
	buf_free(&both_tokens);
}

/* With a token taken out of a message the others are used up all the same. */
static void test_taken_out(void)
{
	struct buf first, second, all;

	buf_init(&first, 65536);
	buf_init(&second, 65536);
	buf_init(&all, 65536);
	world_msg(&first, ann, ANN, BOB, WORLD_NOW, "");
	world_msg(&second, ann, ANN, BOB, WORLD_NOW - 1, "");
	buf_put_span(&all, buf_span(&first));
	buf_put_span(&all, buf_span(&second));
	world_replay(&w);
	deliver("two good tokens", all.p, "1", bob, true, "new", "new");
	deliver("a retry", all.p, "1", bob, true, "duplicate", "duplicate");
	deliver("the second alone", second.p, "2", bob, true, "replayed", "replayed");
	deliver("the first alone", first.p, "3", bob, true, "replayed", "replayed");
	buf_free(&first);
	buf_free(&second);
	buf_free(&all);
}

/* As long as a token is fresh its use is known, from the first second to the last. */
static void test_last_second(void)
{
	struct stir_result got;
	struct mms_message m;
	struct verify *v;
	struct buf text;

	buf_init(&text, 65536);
	buf_puts(&text, "Message-ID: <1@a.example>\n");
	world_msg(&text, ann, ANN, BOB, WORLD_NOW + 60, ",\"msgi\":\"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"");
	buf_puts(&text, TAIL);
	world_replay(&w);
	for (int i = 0; i < 2; i++) {
		static const struct mms_client client;
		int64_t late = i ? 120 : 0;
		char *id = strstr(text.p, "<1@");

		if (i && id)
			id[1] = '2';
		world_set_time(WORLD_NOW + late);
		message_init(&m, a);
		message_begin(&m, &client, NULL, LIMIT_HEADER_BYTES);
		world_push_header(&m, "x@a.example", bob, text.p);
		v = verify_begin(&w.params, &m, world_time(late));
		message_end(&m);
		verify_finish(v, &m, world_time(late), &got);
		tap_str(stir_reason_name(got.reason), i ? "replayed" : "ok", i ? "and 120 seconds later, as old as may be" : "as far ahead as may be");
		(void)verify_record(v, &m, world_time(late), &got);
		message_reset(&m);
	}
	world_set_time(WORLD_NOW);
	buf_free(&text);
}

/* A token that only go_on looks at is neither asked for nor recorded. */
static void test_not_passing(void)
{
	struct stir_result got;
	struct mms_message m;
	struct verify *v;
	struct buf text;

	buf_init(&text, 65536);
	world_msg(&text, ann, ANN, BOB, WORLD_NOW - 61, "");
	buf_puts(&text, "Message-ID: <1@a.example>\n" TAIL);
	world_replay(&w);
	w.params.go_on = true;
	v = world_verify(&w, &m, a, text.p, bob, 0, &got);
	w.params.go_on = false;
	tap_str(stir_reason_name(got.reason), "stale", "a stale token");
	tap_ok(got.best->signed_ok && got.best->replay == STIR_REPLAY_OFF, "is looked at, but not for earlier uses");
	tap_ok(!verify_record(v, &m, world_time(0), &got), "and not recorded");
	message_reset(&m);
	v = world_verify(&w, &m, a, text.p, bob, -1, &got);
	tap_str(stir_replay_name(got.best->replay), "new", "a second earlier it would have been new");
	message_reset(&m);
	buf_free(&text);
	tap_ok(!verify_record(NULL, &m, world_time(0), &got), "no verifier, nothing recorded");
}

/* --- a store that does not answer ---------------------------------------------------- */

static int broken_get(struct store *s, struct span key, struct buf *value, struct err *e)
{
	(void)s, (void)key, (void)value;
	return err_set(e, ERR_UNAVAILABLE, "gone");
}

static int broken_add(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e)
{
	(void)s, (void)key, (void)value, (void)ttl_s, (void)there;
	return err_set(e, ERR_UNAVAILABLE, "gone");
}

static void broken_close(struct store *s)
{
	(void)s;
}

static void test_broken(void)
{
	static const struct store_ops ops = {.get = broken_get, .add_once = broken_add, .close = broken_close};
	struct store broken = {&ops}, *good;
	struct stir_result got;
	struct mms_message m;
	struct verify *v;
	struct buf text;

	buf_init(&text, 65536);
	world_msg(&text, ann, ANN, BOB, WORLD_NOW, "");
	world_replay(&w);
	good = w.replay.store;
	w.replay.store = &broken;
	deliver("a store that does not answer", text.p, "1", bob, true, "unknown", "unknown");
	buf_puts(&text, "Message-ID: <1@a.example>\n" TAIL);
	w.replay.store = good;
	v = world_verify(&w, &m, a, text.p, bob, 0, &got);
	w.replay.store = &broken;
	tap_ok(verify_record(v, &m, world_time(0), &got) && got.reason == STIR_OK, "it goes away between looking and recording: still a pass");
	tap_str(stir_replay_name(got.best->replay), "unknown", "that says so");
	w.replay.store = good;
	message_reset(&m);
	buf_free(&text);
}

int main(void)
{
	a = arena_new(LIMIT_MESSAGE_ARENA);
	world_open(&w);
	ann = world_signer(&w, "https://certs.example/a.pem", "tn:+15550100000..+15550199999", (struct pki_cert_spec){0});
	holder = world_signer(&w, "https://certs.example/b.pem", "tn:+15550200000..+15550299999", (struct pki_cert_spec){0});
	test_uses();
	test_diverted();
	test_race();
	test_several();
	test_taken_out();
	test_last_second();
	test_not_passing();
	test_broken();
	world_close(&w);
	arena_free(a);
	return tap_done();
}
