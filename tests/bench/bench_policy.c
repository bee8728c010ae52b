/*
 * What a policy costs a message: the example of the manual with two rates, and
 * how that grows with rules that the message does not wake up and with lists.
 *
 * Prints CPU microseconds (medians over rounds) and how many SHA-256 of 1 KB
 * in the same run that is; the ratios are what to compare between machines.
 */
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/stir_reason.h"
#include "policy/parser.h"
#include "policy/policy.h"
#include "tests/lib/bench.h"
#include "tests/lib/tap.h"

enum { ROUNDS = 9, CALLS = 20000, NOW = 1704144600, IDLE_MAX = 4000, LIST_MAX = 1000000 };

/* --- policies ------------------------------------------------------------------ */

struct files {
	size_t listed; /* numbers in lists/blocked.tn; 0: as on disk */
};

static int read_file(void *ctx, const char *path, size_t max, struct buf *out, struct err *e)
{
	const struct files *f = ctx;
	char part[4096];
	size_t n;
	FILE *in;

	(void)max;
	if (f->listed && strstr(path, ".tn")) {
		for (size_t i = 0; i < f->listed; i++)
			buf_printf(out, "+1555%07zu\n", 3 * i);
		return out->failed ? -1 : 0;
	}
	in = fopen(path, "r");
	if (!in)
		return err_set(e, ERR_NOINPUT, "%s: can't be opened", path);
	while ((n = fread(part, 1, sizeof part, in)))
		buf_put(out, part, n);
	(void)fclose(in);
	return out->failed ? -1 : 0;
}

/* The example, and rules behind it that other messages are for. */
static struct policy *example(size_t idle, size_t listed)
{
	struct files files = {listed};
	struct source_loader loader = {&files, read_file, NULL};
	struct source_report report;
	struct ast_policy *tree;
	struct policy *p;
	struct buf text;
	struct err e;
	char path[4096];

	source_report_init(&report);
	buf_init(&text, 1024 * 1024);
	tap_srcpath(path, sizeof path, "tests/policy/example.policy");
	if (read_file(&(struct files){0}, path, 0, &text, &e))
		tap_bail("%s", e.text);
	for (size_t i = 0; i < idle; i++)
		buf_printf(&text, i % 2 ? "rule I%zu { when mms.class == auto and rcpt.count > %zu score 1 }\n" : "rule I%zu { when client.name == \"h%zu.example\" score 1 }\n", i, i);
	if (parser_parse(path, buf_span(&text), &loader, &tree, &report) || policy_compile(tree, &loader, &p, &report))
		tap_bail("%.*s", (int)report.text.n, report.text.p);
	buf_free(&text);
	source_report_free(&report);
	return p;
}

/* --- what is measured ------------------------------------------------------------- */

struct bench {
	const char *name;
	struct policy *p; /* NULL: SHA-256 */
	struct counters *counters;
	double us[ROUNDS];
};

static struct arena *arena;

static void fill(struct facts *f, unsigned i)
{
	struct tn tn = {"15550100001", 11};
	struct facts_addr client = {{[10] = 0xff, 0xff, 192, 0, 2, 9}};

	facts_init(f, arena);
	tn.digits[10] = (char)('0' + i % 10);
	facts_set_num(f, FACT_VERIFY, STIR_WORD_PASS);
	facts_set_num(f, FACT_REASON, STIR_OK);
	facts_set_num(f, FACT_AUTHORITY, 3);
	facts_set_num(f, FACT_INTEGRITY, 0);
	facts_set_num(f, FACT_REPLAY, 1);
	facts_set_num(f, FACT_RCPT_COUNT, 2);
	facts_set_num(f, FACT_PASSPORT_AGE, 3);
	facts_set_num(f, FACT_PASSPORT_ATTEST, 2);
	facts_set_num(f, FACT_MMS_CLASS, 0);
	facts_set_num(f, FACT_MMS_SIZE, 30000);
	facts_set_num(f, FACT_SIGNER_REPUTATION, 80);
	facts_set_num(f, FACT_SIGNER_FIRST_SEEN, 86400);
	facts_set_text(f, FACT_SIGNER_SPC, span_cstr("123A"));
	facts_set_text(f, FACT_TLS_SUBJECT, span_cstr("CN=mm4.partner-a.example"));
	facts_set_tn(f, FACT_ORIG_TN, &tn);
	facts_set_addr(f, FACT_CLIENT, &client);
}

static void judge(const struct bench *b, unsigned i)
{
	struct policy_env env = {.now = NOW + i / 100, .now_ms = ((int64_t)NOW + i / 100) * 1000, .counters = b->counters, .take = true};
	struct policy_result r;
	struct facts f;

	arena_reset(arena);
	fill(&f, i);
	if (policy_eval(b->p, &f, &env, NULL, arena, &r) || !r.nhit)
		abort();
}

static void hash(void)
{
	static unsigned char kilobyte[1024], digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(kilobyte, sizeof kilobyte, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
}

static void measure(struct bench *b, size_t n)
{
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n; i++) {
			double t = bench_cpu_us();

			for (unsigned k = 0; k < CALLS; k++)
				if (b[i].p)
					judge(&b[i], k);
				else
					hash();
			b[i].us[round] = (bench_cpu_us() - t) / CALLS;
		}
}

int main(void)
{
	struct bench b[] = {{.name = "SHA-256 of 1 KB"}, {.name = "the example", .p = example(0, 0)}, {.name = "and 10 idle rules", .p = example(10, 0)},
		{.name = "and 100 idle rules", .p = example(100, 0)}, {.name = "and 1000 idle rules", .p = example(1000, 0)}, {.name = "and 4000 idle rules", .p = example(IDLE_MAX, 0)},
		{.name = "a list of 10", .p = example(0, 10)}, {.name = "a list of 1000000", .p = example(0, LIST_MAX)}};
	size_t n = sizeof b / sizeof *b;
	double us[sizeof b / sizeof *b];

	arena = arena_new(LIMIT_MESSAGE_ARENA);
	for (size_t i = 1; i < n; i++)
		b[i].counters = counters_new(COUNTERS_DEFAULT);
	measure(b, n);
	printf("%-22s %10s %22s\n", "", "CPU us", "SHA-256 of 1 KB");
	for (size_t i = 0; i < n; i++) {
		us[i] = bench_median(b[i].us, ROUNDS);
		printf("%-22s %10.2f %22.2f\n", b[i].name, us[i], us[i] / us[0]);
		policy_free(b[i].p);
		counters_free(b[i].counters);
	}
	printf("{\"policy_us\":%.3f,\"policy\":%.3f,\"policy_rules\":%.3f,\"policy_list\":%.3f}\n", us[1], us[1] / us[0], us[5] / us[2], us[7] / us[6]);
	arena_free(arena);
	return 0;
}
