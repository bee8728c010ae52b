/* The registry: counting from many threads, parts that come and go, peers without end, and the text that Prometheus reads. */
#include "config.h"

#include "engine/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/stir_result.h"
#include "tests/lib/tap.h"

enum { THREADS = 4, EACH = 50000, TEXT_MAX = 4 * 1024 * 1024 };

static struct metrics *fresh(void)
{
	struct metrics *m = metrics_new();

	if (!m)
		tap_bail("no memory");
	return m;
}

static uint64_t value(struct metrics *m, enum metrics_id id, size_t a, size_t b)
{
	struct metrics_values *v = metrics_look(m);
	uint64_t n = v ? metrics_get(v, id, a, b) : UINT64_MAX;

	metrics_values_free(v);
	return n;
}

static void write_all(struct metrics *m, struct buf *out)
{
	struct metrics_values *v = metrics_look(m);

	buf_reset(out);
	metrics_write(out, m, v);
	metrics_values_free(v);
}

static bool has_line(const struct buf *text, const char *line)
{
	char want[256];

	(void)snprintf(want, sizeof want, "\n%s\n", line);
	return text->p && strstr(text->p, want);
}

/* --- counting ----------------------------------------------------------------------- */

static void *count_many(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		metrics_count(arg, METRICS_ACTIONS, VERDICT_TAG, VERDICT_REJECT);
		metrics_time(arg, METRICS_STORE_SECONDS, 0, 700);
	}
	return NULL;
}

static void test_threads(void)
{
	struct metrics *m = fresh();
	pthread_t t[THREADS];
	struct buf out;

	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, count_many, m))
			tap_bail("no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	tap_int((long long)value(m, METRICS_ACTIONS, VERDICT_TAG, VERDICT_REJECT), THREADS * EACH, "nothing is lost between threads");
	tap_int((long long)value(m, METRICS_ACTIONS, VERDICT_REJECT, VERDICT_TAG), 0, "and nothing is counted elsewhere");
	buf_init(&out, TEXT_MAX);
	write_all(m, &out);
	tap_ok(has_line(&out, "stir_milter_replay_store_seconds_bucket{le=\"0.0005\"} 0"), "below");
	tap_ok(has_line(&out, "stir_milter_replay_store_seconds_bucket{le=\"0.001\"} 200000"), "within");
	tap_ok(has_line(&out, "stir_milter_replay_store_seconds_bucket{le=\"+Inf\"} 200000"), "and in all the buckets above");
	tap_ok(has_line(&out, "stir_milter_replay_store_seconds_sum 140"), "the sum");
	tap_ok(has_line(&out, "stir_milter_replay_store_seconds_count 200000"), "the count");
	buf_free(&out);
	metrics_unref(m);
}

static void test_times(void)
{
	static const struct {
		int64_t us;
		const char *first; /* the lowest bucket it is in */
	} rows[] = {{-5, "0.0005"}, {0, "0.0005"}, {500, "0.0005"}, {501, "0.001"}, {2500, "0.0025"}, {250001, "0.5"}, {10000000, "10"}, {10000001, "+Inf"}, {INT64_MAX / 4, "+Inf"}};
	struct buf out;

	buf_init(&out, TEXT_MAX);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct metrics *m = fresh();
		char line[128];
		const char *at;

		metrics_time(m, METRICS_CERT_WAIT_SECONDS, 0, rows[i].us);
		write_all(m, &out);
		(void)snprintf(line, sizeof line, "le=\"%s\"} 1\n", rows[i].first);
		at = strstr(strstr(out.p, "stir_milter_certificate_wait_seconds_bucket"), "} 1\n");
		tap_ok(at && strncmp(at - strlen(line) + strlen("} 1\n"), line, strlen(line)) == 0, "%lld us: from %s on", (long long)rows[i].us, rows[i].first);
		metrics_unref(m);
	}
	buf_free(&out);
}

/* --- parts ------------------------------------------------------------------------------ */

struct part {
	uint64_t hits, entries;
};

static void collect(void *arg, struct metrics_values *v)
{
	const struct part *p = arg;

	metrics_put(v, METRICS_CERT_EVENTS, METRICS_CERT_HIT, 0, p->hits);
	metrics_put(v, METRICS_CERT_ENTRIES, 0, 0, p->entries);
}

static void test_parts(void)
{
	struct metrics *m = fresh();
	struct part old = {5, 3}, next = {2, 1};

	metrics_attach(m, &old, collect);
	metrics_attach(m, &next, collect);
	metrics_attach(m, &next, collect);
	tap_int((long long)value(m, METRICS_CERT_EVENTS, METRICS_CERT_HIT, 0), 7, "two parts, one of them shared, add up");
	tap_int((long long)value(m, METRICS_CERT_ENTRIES, 0, 0), 4, "what they hold as well");
	old.hits = 6;
	metrics_detach(m, &old);
	old.hits = 1000;
	tap_int((long long)value(m, METRICS_CERT_EVENTS, METRICS_CERT_HIT, 0), 8, "one goes: its counts stay");
	tap_int((long long)value(m, METRICS_CERT_ENTRIES, 0, 0), 1, "what it held is gone");
	metrics_detach(m, &next);
	next.hits = 3;
	tap_int((long long)value(m, METRICS_CERT_EVENTS, METRICS_CERT_HIT, 0), 9, "one user of a shared part goes: it is still asked");
	metrics_detach(m, &next);
	metrics_detach(m, &next);
	metrics_detach(m, NULL);
	tap_int((long long)value(m, METRICS_CERT_EVENTS, METRICS_CERT_HIT, 0), 9, "the last one goes, and nothing is counted twice");
	metrics_attach(m, &old, collect);
	metrics_unref(m);
	tap_ok(true, "a registry may go before its parts");
}

/* --- peers -------------------------------------------------------------------------------- */

static void test_peers(void)
{
	struct metrics *m = fresh();
	char name[32];
	struct buf out;

	tap_int((long long)metrics_peer(m, NULL), METRICS_PEER_NONE, "no peer");
	tap_int((long long)metrics_peer(m, "p0"), METRICS_PEER_OTHER, "one that was never named is other");
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < LIMIT_METRICS_PEERS + 50; i++) {
			(void)snprintf(name, sizeof name, "p%d", i);
			metrics_add_peer(m, span_cstr(name));
		}
	tap_int((long long)metrics_peer(m, "p0"), METRICS_PEER_FIRST, "the first has a place");
	(void)snprintf(name, sizeof name, "p%d", LIMIT_METRICS_PEERS - 1);
	tap_int((long long)metrics_peer(m, name), METRICS_PEER_FIRST + LIMIT_METRICS_PEERS - 1, "%s has the last one", name);
	(void)snprintf(name, sizeof name, "p%d", LIMIT_METRICS_PEERS);
	tap_int((long long)metrics_peer(m, name), METRICS_PEER_OTHER, "%s has none", name);
	metrics_count(m, METRICS_PEER_MESSAGES, metrics_peer(m, name), STIR_WORD_PASS);
	metrics_count(m, METRICS_PEER_MESSAGES, METRICS_PEER_FIRST + LIMIT_METRICS_PEERS - 1, METRICS_RESULT_REPORT);
	buf_init(&out, TEXT_MAX);
	write_all(m, &out);
	tap_ok(has_line(&out, "stir_milter_peer_messages_total{peer=\"other\",result=\"pass\"} 1"), "and is counted as other");
	tap_ok(has_line(&out, "stir_milter_peer_messages_total{peer=\"p99\",result=\"report\"} 1"), "the last cell of a table");
	tap_ok(out.n < LIMIT_METRICS_BYTES / 2 && !out.failed, "all peers there can be are %zu octets of text", out.n);
	buf_free(&out);
	metrics_unref(m);
	m = fresh();
	metrics_add_peer(m, span_cstr("none"));
	metrics_add_peer(m, span_cstr("other"));
	tap_int((long long)metrics_peer(m, "none"), METRICS_PEER_NONE, "a peer that is called none has no series of its own, as there is one already");
	tap_int((long long)metrics_peer(m, "other"), METRICS_PEER_OTHER, "nor has one that is called other");
	metrics_add_peer(m, span_cstr("a\"b\\c\nd\xC3\xA4"));
	buf_init(&out, TEXT_MAX);
	write_all(m, &out);
	tap_ok(has_line(&out, "stir_milter_peer_messages_total{peer=\"a\\\"b\\\\c\\nd??\",result=\"pass\"} 0"), "a name of any octets ends no line and no label");
	buf_free(&out);
	metrics_unref(m);
}

/* --- the table ------------------------------------------------------------------------------ */

/* Each cell counts for itself: all of them once, and each reads 1. */
static void test_cells(void)
{
	static const struct {
		enum metrics_id id;
		enum metrics_label a, b;
	} rows[] = {
		{METRICS_MESSAGES, METRICS_LABEL_DIRECTION, METRICS_LABEL_NONE}, {METRICS_VERIFIED, METRICS_LABEL_REASON, METRICS_LABEL_NONE},
		{METRICS_SIGNED, METRICS_LABEL_OUTCOME, METRICS_LABEL_NONE},     {METRICS_ACTIONS, METRICS_LABEL_ACTION, METRICS_LABEL_WOULD},
		{METRICS_REPLAY, METRICS_LABEL_REPLAY, METRICS_LABEL_NONE},      {METRICS_SKIPPED, METRICS_LABEL_CHECK, METRICS_LABEL_NONE},
		{METRICS_LIMITS, METRICS_LABEL_LIMIT, METRICS_LABEL_NONE},       {METRICS_RELOADS, METRICS_LABEL_RELOAD, METRICS_LABEL_NONE},
		{METRICS_FETCHES, METRICS_LABEL_FETCH_OF, METRICS_LABEL_CAUSE},  {METRICS_CRL_EVENTS, METRICS_LABEL_CRL_EVENT, METRICS_LABEL_NONE},
	};
	struct metrics *m = fresh();
	size_t wrong = 0, n = 0;

	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
		for (size_t a = 0; a < metrics_labels_count(rows[r].a); a++)
			for (size_t b = 0; b < metrics_labels_count(rows[r].b); b++)
				metrics_count(m, rows[r].id, a, b);
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
		for (size_t a = 0; a < metrics_labels_count(rows[r].a); a++)
			for (size_t b = 0; b < metrics_labels_count(rows[r].b); b++, n++) {
				const char *text = metrics_labels_value(rows[r].a, a);

				wrong += value(m, rows[r].id, a, b) != 1 || !text || !*text;
			}
	tap_ok(n > 150 && wrong == 0, "%zu cells, each for itself and with a name", n);
	metrics_unref(m);
}

static void test_rows(void)
{
	bool good = true;
	size_t n = 0;

	for (const struct metrics_row *r; (r = metrics_row(n)); n++)
		good = good && r->sentence[0] && r->sentence[strlen(r->sentence) - 1] != '.' && !strchr(r->sentence, '\n');
	tap_ok(n == METRICS_COUNT && good, "%zu rows, each with a sentence without its full stop", n);
}

static void test_process(void)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	metrics_process_write(&out);
	tap_ok(has_line(&out, "# TYPE process_open_fds gauge") && has_line(&out, "# TYPE process_start_time_seconds gauge"), "what the kernel says: %zu octets", out.n);
	buf_free(&out);
}

int main(void)
{
	test_threads();
	test_times();
	test_parts();
	test_peers();
	test_cells();
	test_rows();
	test_process();
	return tap_done();
}
