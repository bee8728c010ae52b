/*
 * What test_fetch_https.py drives: fetches URLs with one fetcher, and prints one
 * line of JSON for each, and one of counters.  No test by itself.
 *
 *     fetch_probe [NAME=VALUE]... -- URL...
 *
 * allow=HOST deny=HOST address=NETWORK (all of them may be repeated) ports=443|8443|both
 * ca=FILE connect=MS stall=MS deadline=MS max=OCTETS failures=N breaker=S
 * times=N (all URLs, so often) pause=MS (before each but the first)
 * stop=MS (fetch_https_stop() so long after the beginning) threads=N (each does all)
 * nofile=N (no descriptor from this one on, once the fetcher is open)
 * may (only whether it may be asked)
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/clock.h"
#include "engine/fetch_https.h"

enum { LIST_MAX = 20, THREADS_MAX = 32 };

static struct probe {
	struct fetch_https_params p;
	const char *allow[LIST_MAX], *deny[LIST_MAX];
	struct cidr_set *addresses;
	unsigned deadline, times, pause, stop, threads, nofile;
	size_t max;
	bool may;
	char **url;
	struct fetch *fetch;
} probe;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *why)
{
	fprintf(stderr, "fetch_probe: %s\n", why);
	exit(2);
}

static void sleep_ms(unsigned ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

static void add(const char **list, size_t *n, const char *value)
{
	if (*n == LIST_MAX)
		die("too many");
	list[(*n)++] = value;
}

static bool set_number(const char *name, const char *value)
{
	const struct {
		const char *name;
		unsigned *at;
	} numbers[] = {
		{"connect", &probe.p.connect_timeout_ms}, {"stall", &probe.p.stall_timeout_ms}, {"deadline", &probe.deadline}, {"times", &probe.times},
		{"failures", &probe.p.breaker_failures},  {"breaker", &probe.p.breaker_s},      {"pause", &probe.pause},       {"stop", &probe.stop},
		{"threads", &probe.threads},         {"nofile", &probe.nofile},
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (strcmp(name, numbers[i].name) == 0) {
			*numbers[i].at = (unsigned)strtoul(value, NULL, 10);
			return true;
		}
	return false;
}

static void set(const char *name, const char *value)
{
	struct err e;

	if (strcmp(name, "allow") == 0)
		add(probe.allow, &probe.p.n_allow, value);
	else if (strcmp(name, "deny") == 0)
		add(probe.deny, &probe.p.n_deny, value);
	else if (strcmp(name, "ca") == 0)
		probe.p.ca_file = value;
	else if (strcmp(name, "max") == 0)
		probe.max = strtoul(value, NULL, 10);
	else if (strcmp(name, "ports") == 0) {
		probe.p.port_443 = strcmp(value, "8443") != 0;
		probe.p.port_8443 = strcmp(value, "443") != 0;
	} else if (strcmp(name, "address") == 0) {
		if (cidr_add(probe.addresses, span_cstr(value), &e))
			die(e.text);
	} else if (!set_number(name, value)) {
		die(name);
	}
}

/* Texts have neither quotes nor backslashes worth keeping. */
static void put_text(const char *name, const char *text)
{
	printf(",\"%s\":\"", name);
	for (; *text; text++)
		putchar(*text == '"' || *text == '\\' || (unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7F ? '\'' : *text);
	putchar('"');
}

static void one(const char *url)
{
	struct fetch_answer a = {FETCH_NONE, 0};
	struct err e = {ERR_NONE, ""};
	int64_t begun = clock_monotonic_ms(), ms;
	struct buf out;
	int rc;

	buf_init(&out, probe.max);
	rc = probe.may ? fetch_may(probe.fetch, span_cstr(url)) : fetch_get(probe.fetch, span_cstr(url), probe.deadline, &out, &a, &e);
	ms = clock_monotonic_ms() - begun;
	pthread_mutex_lock(&lock);
	printf("{\"rc\":%d,\"octets\":%zu,\"lifetime\":%lld,\"ms\":%lld", rc, out.n, (long long)a.lifetime_s, (long long)ms);
	put_text("cause", fetch_cause_name(a.cause));
	put_text("text", e.text);
	put_text("begins", out.n ? span_take(buf_span(&out), 40).p : "");
	puts("}");
	fflush(stdout);
	pthread_mutex_unlock(&lock);
	buf_free(&out);
}

static void *all(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < probe.times; i++) {
		if (i && probe.pause)
			sleep_ms(probe.pause);
		for (size_t k = 0; probe.url[k]; k++)
			one(probe.url[k]);
	}
	return NULL;
}

static void *stopper(void *arg)
{
	(void)arg;
	sleep_ms(probe.stop);
	fetch_https_stop(probe.fetch);
	return NULL;
}

static void run(void)
{
	struct rlimit many, few;
	pthread_t t[THREADS_MAX], s;

	if (getrlimit(RLIMIT_NOFILE, &many))
		die("getrlimit");
	few = (struct rlimit){probe.nofile ? probe.nofile : many.rlim_cur, many.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &few))
		die("setrlimit");
	if (probe.threads > THREADS_MAX)
		die("too many threads");
	if (probe.stop && pthread_create(&s, NULL, stopper, NULL))
		die("pthread_create");
	for (unsigned i = 0; i < probe.threads; i++)
		if (pthread_create(&t[i], NULL, all, NULL))
			die("pthread_create");
	for (unsigned i = 0; i < probe.threads; i++)
		pthread_join(t[i], NULL);
	if (probe.stop)
		pthread_join(s, NULL);
	if (setrlimit(RLIMIT_NOFILE, &many))
		die("setrlimit");
}

static void put_stats(void)
{
	struct fetch_https_stats s;

	fetch_https_stats(probe.fetch, &s);
	printf("{\"octets\":%lu,\"hosts_open\":%zu", s.octets, s.hosts_open);
	for (size_t i = 0; i < FETCH_CAUSE_COUNT; i++)
		printf(",\"%s\":%lu", fetch_cause_name((enum fetch_cause)i), s.cause[i]);
	puts("}");
}

int main(int argc, char **argv)
{
	struct err e;
	int i;

	probe = (struct probe){
		.p = {.allow = probe.allow, .deny = probe.deny, .port_443 = true, .port_8443 = true, .connect_timeout_ms = 2000, .stall_timeout_ms = 2000, .user_agent = "stir-test/1"},
		.deadline = 5000, .times = 1, .threads = 1, .max = 65536, .addresses = cidr_new(),
	};
	if (!probe.addresses)
		die("no memory");
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *value = strchr(argv[i], '=');

		if (value)
			*value++ = '\0';
		if (value)
			set(argv[i], value);
		else if (strcmp(argv[i], "may") == 0)
			probe.may = true;
		else
			die(argv[i]);
	}
	if (i == argc)
		die("no URL");
	probe.url = argv + i + 1;
	probe.p.addresses = probe.addresses;
	if (fetch_https_open(&probe.p, &probe.fetch, &e))
		die(e.text);
	run();
	put_stats();
	fetch_close(probe.fetch);
	cidr_free(probe.addresses);
	return 0;
}
