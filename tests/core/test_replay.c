/* New, duplicate, replayed, unknown; what is kept under what; and that no number nor Message-ID is kept in clear. */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/replay.h"
#include "core/store/store_mem.h"
#include "core/store/store_redis.h"
#include "core/store/store_sqlite.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/tap.h"

#define TOKEN "eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjE3OTM1MzQ0MDB9"
#define NUMBER_A "15550300001"
#define NUMBER_B "15550300002"
#define MESSAGE_ID "<aa11@mms.a.example>"

enum { T0 = 1793534400, TTL = 7200 };

static int64_t clock_s = T0;

static int64_t fake_now(void)
{
	return clock_s;
}

/* --- a message, as far as it matters ------------------------------------------------- */

struct mail {
	struct arena *arena;
	struct mms_client client;
	struct mms_message m;
};

static void receive_from(struct mail *x, const char *client, const char *message_id, const char *body)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&x->client.addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&x->client.addr;

	memset(x, 0, sizeof *x);
	if (client && inet_pton(AF_INET, client, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (client && inet_pton(AF_INET6, client, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	/* Another connection of the same client comes from another port. */
	if (client)
		v4->sin_port = (in_port_t)rand();
	x->arena = arena_new(LIMIT_MESSAGE_ARENA);
	if (!x->arena)
		tap_bail("no arena");
	message_init(&x->m, x->arena);
	message_begin(&x->m, client ? &x->client : NULL, NULL, LIMIT_HEADER_BYTES);
	message_sender(&x->m, span_cstr("<+15550100001@a.example>"));
	message_rcpt(&x->m, span_cstr("<+" NUMBER_A "@b.example>"));
	message_header(&x->m, span_cstr("From"), span_cstr("+15550100001@a.example"));
	if (message_id)
		message_header(&x->m, span_cstr("Message-ID"), span_cstr(message_id));
	message_end_headers(&x->m);
	message_want(&x->m, 1u << MSGI_SHA256);
	message_body(&x->m, body, strlen(body));
	message_end(&x->m);
}

static void drop(struct mail *x)
{
	message_reset(&x->m);
	arena_free(x->arena);
}

static struct replay_delivery delivery(const struct replay *r, const char *client, const char *message_id, const char *body)
{
	struct replay_delivery d;
	struct mail x;

	receive_from(&x, client, message_id, body);
	if (replay_delivery(r, &x.m, &d))
		tap_bail("no delivery id");
	drop(&x);
	return d;
}

static struct mms_rcpt to_tn(const char *digits)
{
	struct mms_rcpt r = {.party.kind = PARTY_TN};

	if (tn_from_claim(span_cstr(digits), &r.party.tn) < 0)
		tap_bail("%s", digits);
	return r;
}

static struct mms_rcpt to_uri(enum party_kind kind, const char *text)
{
	struct mms_rcpt r = {.party.kind = kind};

	if (kind == PARTY_URI)
		r.party.uri = span_cstr(text);
	else
		r.addr = span_cstr(text);
	return r;
}

static struct replay opened(struct store *s)
{
	struct replay r = {.store = s};

	for (size_t i = 0; i < sizeof r.secret; i++)
		r.secret[i] = (unsigned char)(i * 7 + 1);
	return r;
}

static struct err err;
static struct span token = {TOKEN, sizeof TOKEN - 1};

static enum stir_replay look(const struct replay *r, const struct mms_rcpt *to, size_t n, struct replay_delivery *d)
{
	return replay_look(r, token, to, n, d, clock_s, &err);
}

static enum stir_replay record(const struct replay *r, const struct mms_rcpt *to, size_t n, struct replay_delivery *d)
{
	return replay_record(r, token, to, n, d, clock_s, TTL, &err);
}

/* --- which delivery -------------------------------------------------------------------- */

static bool same(struct replay_delivery a, struct replay_delivery b)
{
	return memcmp(a.id, b.id, sizeof a.id) == 0;
}

static void test_delivery(void)
{
	struct replay r = opened(NULL), other = opened(NULL);
	struct replay_delivery a = delivery(&r, "192.0.2.1", MESSAGE_ID, "body\r\n"), d;
	struct msgi_value raw;
	struct mail x;

	tap_ok(same(a, delivery(&r, "192.0.2.1", MESSAGE_ID, "body\r\n")), "the same delivery again, from another port: the same id");
	tap_ok(same(a, delivery(&r, "192.0.2.1", "\n " MESSAGE_ID " ", "body\r\n")), "folds and blanks around the Message-ID do not matter");
	tap_ok(!same(a, delivery(&r, "192.0.2.2", MESSAGE_ID, "body\r\n")), "another client: another");
	tap_ok(!same(a, delivery(&r, "2001:db8::1", MESSAGE_ID, "body\r\n")) && !same(a, delivery(&r, NULL, MESSAGE_ID, "body\r\n")), "also over IPv6, or none known");
	tap_ok(!same(a, delivery(&r, "192.0.2.1", "<aa12@mms.a.example>", "body\r\n")), "another Message-ID");
	tap_ok(!same(a, delivery(&r, "192.0.2.1", NULL, "body\r\n")), "none");
	tap_ok(!same(a, delivery(&r, "192.0.2.1", MESSAGE_ID, "Body\r\n")), "another body");
	other.secret[31] ^= 1;
	tap_ok(!same(a, delivery(&other, "192.0.2.1", MESSAGE_ID, "body\r\n")), "another secret");

	receive_from(&x, "192.0.2.1", MESSAGE_ID, "body\r\n");
	tap_ok(replay_delivery(&r, &x.m, &d) == 0 && replay_delivery(&r, &x.m, &d) == 0 && same(a, d), "asking leaves the digest for others");
	tap_ok(msgi_stream_value(&x.m.raw, MSGI_SHA256, &raw) == 0 && raw.n == 32, "who then have it");
	tap_int(replay_delivery(&r, &x.m, &d), -1, "afterwards it can't be had from the message");
	tap_ok(replay_delivery_of(&r, &x.m, &raw, &d) == 0 && same(a, d), "but by the digest, with the same result");
	drop(&x);
}

/* --- the four answers --------------------------------------------------------------------- */

static void test_answers(void)
{
	struct store *s = store_mem_open(1 << 20, fake_now);
	struct replay r = opened(s);
	struct replay_delivery d = delivery(&r, "192.0.2.1", MESSAGE_ID, "body\r\n"), e = delivery(&r, "192.0.2.9", MESSAGE_ID, "body\r\n");
	struct mms_rcpt a = to_tn(NUMBER_A), b = to_tn(NUMBER_B), both[2] = {a, b};

	clock_s = T0;
	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_NEW, "first seen: new");
	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_NEW, "looking records nothing");
	tap_int(record(&r, &a, 1, &d), STIR_REPLAY_NEW, "let go on: recorded");
	tap_int(look(&r, &a, 1, &e), STIR_REPLAY_REPLAYED, "another delivery of the token to the same recipient: replayed");
	tap_int(record(&r, &a, 1, &e), STIR_REPLAY_REPLAYED, "also when it was faster than the look");
	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_DUPLICATE, "the same delivery again: duplicate");
	tap_int(record(&r, &a, 1, &d), STIR_REPLAY_DUPLICATE, "recorded as such");
	tap_int(look(&r, &b, 1, &e), STIR_REPLAY_NEW, "another recipient of the token: new");
	tap_int(look(&r, both, 2, &d), STIR_REPLAY_DUPLICATE, "of two recipients the worse counts");
	tap_int(look(&r, both, 2, &e), STIR_REPLAY_REPLAYED, "whichever delivery");
	clock_s = T0 + REPLAY_DUPLICATE_S;
	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_DUPLICATE, "an hour later still a retry");
	clock_s = T0 + REPLAY_DUPLICATE_S + 1;
	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_REPLAYED, "a second more is none");
	clock_s = T0 - 5;
	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_DUPLICATE, "a clock of another host that is a little behind does no harm");
	clock_s = T0 + TTL;
	tap_int(look(&r, &a, 1, &e), STIR_REPLAY_NEW, "after its lifetime the use is forgotten (and the token stale)");
	store_close(s);
}

static void test_keys(void)
{
	struct store *s = store_mem_open(1 << 20, fake_now);
	struct replay r = opened(s), other = opened(s);
	struct replay_delivery d = delivery(&r, "192.0.2.1", MESSAGE_ID, "x"), e = delivery(&r, "192.0.2.9", MESSAGE_ID, "x");
	struct mms_rcpt a = to_tn(NUMBER_A), uri = to_uri(PARTY_URI, "mailto:a@b.example"), none = to_uri(PARTY_NONE, "mailto:a@b.example"), none2 = to_uri(PARTY_NONE, "c@b.example");
	struct mms_rcpt as_uri = to_uri(PARTY_URI, NUMBER_A);
	struct span other_token = span_cstr(TOKEN "x");

	clock_s = T0;
	tap_int(record(&r, &a, 1, &d), STIR_REPLAY_NEW, "a use is recorded");
	tap_int(look(&r, &as_uri, 1, &e), STIR_REPLAY_NEW, "a URI that is spelled like the number is another recipient");
	tap_int(record(&r, &uri, 1, &d), STIR_REPLAY_NEW, "a URI");
	tap_int(look(&r, &uri, 1, &e), STIR_REPLAY_REPLAYED, "is a recipient");
	tap_int(record(&r, &none, 1, &d), STIR_REPLAY_NEW, "what is no party");
	tap_ok(look(&r, &none, 1, &e) == STIR_REPLAY_REPLAYED && look(&r, &none2, 1, &e) == STIR_REPLAY_NEW, "is told by its address");
	tap_int(replay_look(&r, other_token, &a, 1, &e, T0, &err), STIR_REPLAY_NEW, "another token");
	other.secret[0] ^= 1;
	tap_int(look(&other, &a, 1, &e), STIR_REPLAY_NEW, "with another secret nothing is found");
	tap_int(replay_look(&r, span_take(token, token.n - 1), &a, 1, &e, T0, &err), STIR_REPLAY_NEW, "lengths stand before the parts");
	tap_int(look(&r, &a, 0, &e), STIR_REPLAY_NEW, "no recipients: nothing to find");
	store_close(s);
}

static void test_many(void)
{
	struct store *s = store_mem_open(1 << 20, fake_now);
	struct replay r = opened(s);
	struct replay_delivery d = delivery(&r, "192.0.2.1", MESSAGE_ID, "x"), e = delivery(&r, "192.0.2.9", MESSAGE_ID, "x");
	struct mms_rcpt a = to_tn(NUMBER_A), b = to_tn(NUMBER_B), twice[3] = {a, b, a}, both[2] = {a, b};

	clock_s = T0;
	tap_int(record(&r, twice, 3, &d), STIR_REPLAY_NEW, "a recipient that is named twice is new all the same");
	tap_int(record(&r, twice, 3, &d), STIR_REPLAY_DUPLICATE, "and a duplicate when it is one");
	tap_int(record(&r, twice, 3, &e), STIR_REPLAY_REPLAYED, "or replayed");
	store_close(s);

	s = store_mem_open(1 << 20, fake_now);
	r.store = s;
	tap_int(record(&r, &a, 1, &d), STIR_REPLAY_NEW, "one recipient");
	tap_int(record(&r, both, 2, &e), STIR_REPLAY_REPLAYED, "with another one: replayed");
	tap_int(look(&r, &b, 1, &d), STIR_REPLAY_REPLAYED, "which is recorded all the same");
	store_close(s);
}

/* --- a store that does not answer ------------------------------------------------------------ */

static unsigned asked;

static int dead_get(struct store *s, struct span key, struct buf *value, struct err *e)
{
	(void)s, (void)key, (void)value;
	asked++;
	return err_set(e, ERR_UNAVAILABLE, "the store is away");
}

static int dead_add(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e)
{
	(void)value, (void)ttl_s;
	return dead_get(s, key, there, e);
}

static void test_unknown(void)
{
	static const struct store_ops ops = {.get = dead_get, .add_once = dead_add};
	struct store dead = {&ops}, *s = store_mem_open(1 << 20, fake_now);
	struct replay r = opened(&dead);
	struct replay_delivery d = delivery(&r, "192.0.2.1", MESSAGE_ID, "x");
	struct mms_rcpt to[3] = {to_tn(NUMBER_A), to_tn(NUMBER_B), to_tn("15550300003")};

	tap_int(look(&r, to, 3, &d), STIR_REPLAY_UNKNOWN, "a store that does not answer: unknown");
	tap_str(err.text, "the store is away", "with what it said");
	tap_int(asked, 1, "it is asked once, not for each recipient");
	tap_int(record(&r, to, 3, &d), STIR_REPLAY_UNKNOWN, "recording: unknown");
	tap_int(asked, 2, "asked once");
	r.store = s;
	tap_int(record(&r, to, 1, &d), STIR_REPLAY_NEW, "a store that answers");
	store_close(s);
}

/* --- a store that is slow ------------------------------------------------------------------------ */

enum { STORE_MS = 90, PATIENCE_MS = 100 };

static int64_t clock_ms;
static unsigned told;

static int64_t fake_ms(void)
{
	return clock_ms;
}

static void note_unknown(void *arg, const struct err *why)
{
	tap_ok(why->text[0], "why it is not known: %s", why->text);
	++*(unsigned *)arg;
}

static int slow_get(struct store *s, struct span key, struct buf *value, struct err *e)
{
	(void)s, (void)key, (void)value, (void)e;
	asked++;
	clock_ms += STORE_MS;
	return 0;
}

static int slow_add(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e)
{
	(void)value, (void)ttl_s;
	return slow_get(s, key, there, e) + 1;
}

/* Just inside its timeout for each recipient: what a message waits must not grow with their number. */
static void test_slow(void)
{
	static const struct store_ops ops = {.get = slow_get, .add_once = slow_add};
	struct store slow = {&ops};
	struct replay r = opened(&slow);
	struct replay_delivery d = delivery(&r, "192.0.2.1", MESSAGE_ID, "x");
	struct mms_rcpt to[40];

	for (size_t i = 0; i < 40; i++)
		to[i] = to_tn(i & 1 ? NUMBER_A : NUMBER_B);
	r.patience_ms = PATIENCE_MS;
	r.clock_ms = fake_ms;
	r.unknown = note_unknown;
	r.arg = &told;
	asked = told = 0;
	tap_int(look(&r, to, 40, &d), STIR_REPLAY_UNKNOWN, "forty recipients and a slow store: unknown");
	tap_ok(asked == 2 && clock_ms < PATIENCE_MS + STORE_MS, "after two questions, %d ms", (int)clock_ms);
	tap_int(record(&r, to, 40, &d), STIR_REPLAY_UNKNOWN, "recording");
	tap_int(look(&r, to, 1, &d), STIR_REPLAY_UNKNOWN, "another token of that message");
	tap_int(asked, 2, "ask no more: the message has waited");
	tap_int(told, 3, "each is told");
	d = delivery(&r, "192.0.2.1", MESSAGE_ID, "y");
	tap_int(look(&r, to, 1, &d), STIR_REPLAY_NEW, "the next message asks");
	tap_int(told, 3, "what is known is not told");
}

/* Something else under our key, as of another version. */
static int odd_get(struct store *s, struct span key, struct buf *value, struct err *e)
{
	(void)s, (void)key, (void)e;
	return buf_puts(value, "123456789012") ? -1 : 1;
}

static void test_odd_value(void)
{
	static const struct store_ops ops = {.get = odd_get};
	struct store odd = {&ops};
	struct replay r = opened(&odd);
	struct replay_delivery d = delivery(&r, "192.0.2.1", MESSAGE_ID, "x");
	struct mms_rcpt a = to_tn(NUMBER_A);

	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_UNKNOWN, "a value that is no use: unknown");
	tap_ok(strstr(err.text, "something else"), "and why: %s", err.text);
}

/* --- nothing in clear ---------------------------------------------------------------------------- */

static bool file_holds(const char *path, const char *needle)
{
	char *octets = malloc(1 << 20);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, octets, 1 << 20);
	bool found = n > 0 && memmem(octets, (size_t)n, needle, strlen(needle));

	if (fd >= 0)
		close(fd);
	free(octets);
	return found;
}

/* In the file or the log beside it. */
static bool any_in_clear(const char *path)
{
	static const char *const secrets[] = {NUMBER_A, "5550300001", "15550100001", "5550300002", "aa11", "mms.a.example", "eyJ", "mailto", "b.example"};
	static const char *const files[] = {"", "-wal"};
	bool any = false;

	for (size_t f = 0; f < 2; f++)
		for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
			char one[160];

			snprintf(one, sizeof one, "%s%s", path, files[f]);
			if (file_holds(one, secrets[i])) {
				any = true;
				tap_note("%s holds %s", one, secrets[i]);
			}
		}
	return any;
}

static void test_clear(void)
{
	struct store *s;
	char path[128], one[160];
	struct replay r;
	struct replay_delivery d;
	struct mms_rcpt to[3] = {to_tn(NUMBER_A), to_tn(NUMBER_B), to_uri(PARTY_URI, "mailto:someone@b.example")};
	bool any = false;

	snprintf(path, sizeof path, "%s/replay.sqlite", tap_tempdir());
	if (store_sqlite_open(path, 1000, 1 << 24, fake_now, &s, &err))
		tap_bail("%s", err.text);
	r = opened(s);
	d = delivery(&r, "192.0.2.1", MESSAGE_ID, "x");
	clock_s = T0;
	tap_int(record(&r, to, 3, &d), STIR_REPLAY_NEW, "recorded in an SQLite file");
	any = any_in_clear(path) || any;
	snprintf(one, sizeof one, "%s-wal", path);
	tap_ok(file_holds(one, "CREATE TABLE") || file_holds(path, "CREATE TABLE"), "(the search finds what is there)");
	store_close(s);
	any = any_in_clear(path) || any;
	tap_ok(!any, "no number, Message-ID, address or token is in its octets");
	if (store_sqlite_open(path, 1000, 1 << 24, fake_now, &s, &err))
		tap_bail("%s", err.text);
	r.store = s;
	tap_int(look(&r, to, 1, &d), STIR_REPLAY_DUPLICATE, "and the use is known after a restart");
	store_close(s);
}

/* --- two hosts -------------------------------------------------------------------------------------- */

/* What another process with the same secret finds, from another client. */
static int other_host(const char *address)
{
	struct store_redis_params p = {.address = address, .prefix = "stir:", .timeout_ms = 5000, .connections = 2};
	struct mms_rcpt a = to_tn(NUMBER_A);
	struct replay_delivery d;
	struct store *s;
	struct replay r;
	int status = -1, got;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (store_redis_open(&p, &s, &err))
			_exit(99);
		r = opened(s);
		d = delivery(&r, "192.0.2.77", MESSAGE_ID, "x");
		got = record(&r, &a, 1, &d);
		store_close(s);
		_exit(got);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_two_hosts(void)
{
	struct store_redis_params p = {.prefix = "stir:", .timeout_ms = 5000, .connections = 2};
	struct mms_rcpt a = to_tn(NUMBER_A);
	struct redis_server redis;
	struct replay_delivery d;
	struct store *s;
	struct replay r;

	if (!redis_server_have()) {
		tap_skip("redis-server is not installed");
		return;
	}
	redis_server_start(&redis, tap_tempdir(), 0, NULL);
	p.address = redis.socket;
	if (store_redis_open(&p, &s, &err))
		tap_bail("%s", err.text);
	r = opened(s);
	d = delivery(&r, "192.0.2.1", MESSAGE_ID, "x");
	tap_int(record(&r, &a, 1, &d), STIR_REPLAY_NEW, "one host of two lets a token go on");
	tap_int(other_host(redis.socket), STIR_REPLAY_REPLAYED, "the other finds it replayed");
	redis_server_command(&redis, NULL, (const char *const[]){"FLUSHALL", NULL});
	tap_int(other_host(redis.socket), STIR_REPLAY_NEW, "the other way round: first there");
	tap_int(record(&r, &a, 1, &d), STIR_REPLAY_REPLAYED, "then here");
	redis_server_kill(&redis);
	tap_int(look(&r, &a, 1, &d), STIR_REPLAY_UNKNOWN, "and with the server gone: unknown (%s)", err.text);
	store_close(s);
}

int main(void)
{
	msgi_init();
	address_init();
	test_delivery();
	test_answers();
	test_keys();
	test_many();
	test_unknown();
	test_slow();
	test_odd_value();
	test_clear();
	test_two_hosts();
	return tap_done();
}
