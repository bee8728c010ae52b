/*
 * Plays many connections of Postfix towards a milter and says what it cost.
 *
 * Each connection is a thread.  First comes a warm-up that isn't counted, then
 * what is: for so many seconds, or so many messages.  Every result is compared
 * with what is expected.  The figures are one line of JSON on standard output;
 * the status is 1 if anything was not as expected.
 *
 * It only ever goes to sockets of this host, and always ends by itself.
 */
#include "config.h"

#include <err.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/client_figures.h"
#include "tests/bench/client_mail.h"
#include "tests/bench/client_session.h"

enum { STACK = 128 * 1024, MOST_CONNECTIONS = 2000, MOST_ERRORS = 20, TICK_US = 20000, MOST_SECONDS = 600 };

struct bench {
	struct client_session_plan plan;
	unsigned connections, per_connection; /* messages of one; 0: it is kept */
	unsigned long messages;
	double seconds, warmup, rate;
	pid_t pid;
	struct client_mail *mail;
	size_t mails;

	pthread_barrier_t together;
	uint64_t from_ns, until_ns; /* of the phase */
	unsigned long limit; /* of messages in it */
	atomic_ulong begun, done, unexpected, failed;
	atomic_uint_fast64_t last_ns; /* when the last answer came */
	atomic_uint busy; /* connections */
	struct client_figures eom, message, connect;
	pthread_mutex_t first_mutex;
	char first[512]; /* complaint */
};

static void complain(struct bench *b, atomic_ulong *count, const char *why)
{
	atomic_fetch_add(count, 1);
	pthread_mutex_lock(&b->first_mutex);
	if (!b->first[0])
		snprintf(b->first, sizeof b->first, "%s", why);
	pthread_mutex_unlock(&b->first_mutex);
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0)
		;
}

/* The next message of the phase and when it is due; false if there is none. */
static bool take(struct bench *b, unsigned long *number, uint64_t *due)
{
	*number = atomic_fetch_add(&b->begun, 1);
	*due = client_figures_now();
	if (b->rate > 0) {
		*due = b->from_ns + (uint64_t)((double)*number / b->rate * 1e9);
		if (*due < b->until_ns)
			sleep_until(*due);
	}
	return *number < b->limit && *due < b->until_ns && b->failed < MOST_ERRORS;
}

static struct client_session *connected(struct bench *b)
{
	uint64_t from = client_figures_now();
	char why[512];
	struct client_session *s = client_session_open(&b->plan, why, sizeof why);

	if (!s)
		complain(b, &b->failed, why);
	else
		client_figures_add(&b->connect, client_figures_now() - from);
	return s;
}

/* One phase of one connection; the session that is left, if it is kept. */
static struct client_session *phase(struct bench *b, struct client_session *s)
{
	unsigned on_this = 0;
	unsigned long number;
	uint64_t due;

	while (take(b, &number, &due)) {
		struct client_session_result r;

		if (!s && !(s = connected(b)))
			continue;
		if (client_session_send(s, &b->mail[number % b->mails], &r)) {
			complain(b, &b->failed, r.why);
			client_session_close(s);
			s = NULL;
			continue;
		}
		atomic_fetch_add(&b->done, 1);
		b->last_ns = r.end_ns;
		if (!r.expected)
			complain(b, &b->unexpected, r.why);
		client_figures_add(&b->eom, r.end_ns - r.eom_ns);
		/* With a rate, from when it should have begun: who is late pays. */
		client_figures_add(&b->message, r.end_ns - (b->rate > 0 ? due : r.mail_ns));
		if (b->per_connection > 0 && ++on_this % b->per_connection == 0) {
			client_session_close(s);
			s = NULL;
		}
	}
	return s;
}

static void *connection(void *arg)
{
	struct bench *b = arg;
	struct client_session *s = NULL;

	for (int i = 0; i < 2; i++) {
		pthread_barrier_wait(&b->together);
		s = phase(b, s);
		atomic_fetch_sub(&b->busy, 1);
		pthread_barrier_wait(&b->together);
	}
	/* Kept connections are still there when the milter's memory is looked at. */
	pthread_barrier_wait(&b->together);
	client_session_close(s);
	return NULL;
}

static void begin_phase(struct bench *b, double seconds, unsigned long limit)
{
	b->begun = b->done = 0;
	b->limit = limit;
	b->busy = b->connections;
	client_figures_clear(&b->eom);
	client_figures_clear(&b->message);
	client_figures_clear(&b->connect);
	b->from_ns = client_figures_now();
	b->until_ns = b->from_ns + (uint64_t)(seconds * 1e9);
	pthread_barrier_wait(&b->together);
}

/* Looks at the milter now and then until the phase is over. */
static struct client_figures_use end_phase(struct bench *b)
{
	struct client_figures_use most = {0};

	/* Once at least: a short phase is over before we look. */
	do {
		struct client_figures_use now = client_figures_of(b->pid);

		most.rss_kb = now.rss_kb > most.rss_kb ? now.rss_kb : most.rss_kb;
		most.threads = now.threads > most.threads ? now.threads : most.threads;
		if (b->busy > 0)
			usleep(TICK_US);
	} while (b->busy > 0);
	pthread_barrier_wait(&b->together);
	return most;
}

static void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			putchar(' ');
		else
			putchar(*text);
	putchar('"');
}

static double own_cpu_us(void)
{
	return client_figures_of(getpid()).cpu_us;
}

static int measure(struct bench *b)
{
	struct client_figures_use before, most, after;
	double us, own, wall;

	begin_phase(b, b->warmup, b->warmup > 0 ? b->messages : 0);
	(void)end_phase(b);
	before = client_figures_of(b->pid);
	own = own_cpu_us();
	begin_phase(b, b->seconds, b->messages);
	most = end_phase(b);
	/* Not when we saw that it was over, which is some ticks later. */
	wall = b->done ? (double)(b->last_ns - b->from_ns) / 1e9 : 1;
	after = client_figures_of(b->pid);
	own = own_cpu_us() - own;
	us = after.cpu_us - before.cpu_us;
	pthread_barrier_wait(&b->together);

	double n = b->done ? (double)b->done : 1;
	unsigned long bad = b->unexpected + b->failed;

	printf("{\"messages\": %lu, \"seconds\": %.3f, \"per_second\": %.1f, \"unexpected\": %lu, \"failed\": %lu, \"first\": ", b->done, wall,
	       (double)b->done / wall, b->unexpected, b->failed);
	print_text(b->first);
	printf(", \"cpu_us\": %.2f, \"client_cpu_us\": %.2f, \"rss_before_kb\": %ld, \"rss_max_kb\": %ld, \"rss_end_kb\": %ld, \"threads_max\": %ld, ", us / n,
	       own / n, before.rss_kb, most.rss_kb > after.rss_kb ? most.rss_kb : after.rss_kb, after.rss_kb, most.threads);
	client_figures_print(stdout, "eom_us", &b->eom);
	printf(", ");
	client_figures_print(stdout, "message_us", &b->message);
	printf(", ");
	client_figures_print(stdout, "connect_us", &b->connect);
	printf("}\n");
	return bad > 0 || b->done == 0;
}

static double number(const char *text, double least, double most)
{
	char *end;
	double v = strtod(text, &end);

	if (*end || end == text || v < least || v > most)
		errx(2, "%s is no number from %g to %g", text, least, most);
	return v;
}

static _Noreturn void usage(void)
{
	fputs("usage: milter_client -s ADDRESS [options] FOLDER\n"
	      "  -s local:PATH | inet:PORT@127.0.0.1 | inet6:PORT@::1\n"
	      "  -p PID           the milter, for its processor time and memory\n"
	      "  -c N             connections (1)\n"
	      "  -m N             messages of one connection (1); 0: it is kept\n"
	      "  -n N             so many messages, or\n"
	      "  -t SECONDS       for so long (1)\n"
	      "  --warmup SECONDS not counted (0)\n"
	      "  --rate R         begins R messages a second, whether or not others have ended\n"
	      "  --pause US       before MAIL, each RCPT, DATA and the content\n"
	      "  --body-pause US  before each piece of the body\n"
	      "  --rcpts N        recipients (1)    --fields N  header fields more (0)\n"
	      "  --daemon NAME    {daemon_name} (mx.example.net)    --client ADDRESS (192.0.2.10)\n"
	      "  --expect 'NAME: WORD'  the milter must put in this field, and its value must hold this\n"
	      "  --refused        it must refuse the message\n"
	      "  --save DIR       writes the messages there, with the fields that were put in\n",
	      stderr);
	exit(2);
}

static void expect(struct bench *b, char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		usage();
	*colon = '\0';
	b->plan.want_name = text;
	b->plan.want_word = colon + 1 + (colon[1] == ' ');
}

static void options(struct bench *b, int argc, char **argv)
{
	static const struct option names[] = {
		{"warmup", required_argument, NULL, 'w'}, {"rate", required_argument, NULL, 'r'}, {"pause", required_argument, NULL, 'P'},
		{"body-pause", required_argument, NULL, 'B'}, {"rcpts", required_argument, NULL, 'R'}, {"fields", required_argument, NULL, 'F'},
		{"daemon", required_argument, NULL, 'D'}, {"client", required_argument, NULL, 'C'}, {"expect", required_argument, NULL, 'e'},
		{"refused", no_argument, NULL, 'x'}, {"save", required_argument, NULL, 'S'}, {NULL, 0, NULL, 0},
	};
	unsigned fields = 0;
	int c;

	while ((c = getopt_long(argc, argv, "s:p:c:m:n:t:", names, NULL)) != -1) {
		switch (c) {
		case 's': b->plan.address = optarg; break;
		case 'p': b->pid = (pid_t)number(optarg, 1, 1 << 22); break;
		case 'c': b->connections = (unsigned)number(optarg, 1, MOST_CONNECTIONS); break;
		case 'm': b->per_connection = (unsigned)number(optarg, 0, 1e6); break;
		case 'n': b->messages = (unsigned long)number(optarg, 1, 1e9); b->seconds = MOST_SECONDS; break;
		case 't': b->seconds = number(optarg, 0.01, MOST_SECONDS); break;
		case 'w': b->warmup = number(optarg, 0, 60); break;
		case 'r': b->rate = number(optarg, 0.1, 1e6); break;
		case 'P': b->plan.pause_us = (unsigned)number(optarg, 0, 1e7); break;
		case 'B': b->plan.body_pause_us = (unsigned)number(optarg, 0, 1e7); break;
		case 'R': b->plan.rcpts = (unsigned)number(optarg, 1, 10000); break;
		case 'F': fields = (unsigned)number(optarg, 0, 100000); break;
		case 'D': b->plan.daemon_name = optarg; break;
		case 'C': b->plan.client_addr = optarg; break;
		case 'e': expect(b, optarg); break;
		case 'x': b->plan.want_refusal = true; break;
		case 'S': b->plan.save = optarg; break;
		default: usage();
		}
	}
	if (!b->plan.address || argc - optind != 1)
		usage();
	b->mail = client_mail_read(argv[optind], fields, &b->mails);
}

/* As many descriptors as there are connections. */
static void raise_limit(unsigned connections)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < connections + 64) {
		l.rlim_cur = l.rlim_max < connections + 64 ? l.rlim_max : connections + 64;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.plan = {.daemon_name = "mx.example.net", .client_addr = "192.0.2.10", .rcpts = 1, .timeout_s = 30},
		.connections = 1, .per_connection = 1, .messages = 1000000000, .seconds = 1, .first_mutex = PTHREAD_MUTEX_INITIALIZER,
	};
	pthread_t *thread;
	pthread_attr_t attr;
	int status;

	options(&b, argc, argv);
	raise_limit(b.connections);
	/* Whatever happens, nobody has to wait longer: the signal ends us. */
	alarm((unsigned)(b.seconds + b.warmup) + 60);
	thread = calloc(b.connections, sizeof *thread);
	if (!thread || pthread_barrier_init(&b.together, NULL, b.connections + 1) || pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, STACK))
		err(2, "threads");
	for (unsigned i = 0; i < b.connections; i++)
		if (pthread_create(&thread[i], &attr, connection, &b))
			err(2, "thread %u", i);
	status = measure(&b);
	for (unsigned i = 0; i < b.connections; i++)
		pthread_join(thread[i], NULL);
	pthread_attr_destroy(&attr);
	pthread_barrier_destroy(&b.together);
	free(thread);
	client_mail_free(b.mail, b.mails);
	return status;
}
