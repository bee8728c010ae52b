/* The MTA's side of the milter protocol, one thread for each connection. */
#include "config.h"

#include "tests/bench/client_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/client_figures.h"

/* What Postfix 3.7 offers. */
enum { OFFERED_VERSION = 6, OFFERED_ACTIONS = 0x1ff, OFFERED_STEPS = 0x1fffff };
enum { HELD = 4096, CHUNK = 65535, REPLY = 64 * 1024, STAGES = 7 };

struct client_session {
	const struct client_session_plan *plan;
	const struct client_mail *mail;
	int fd;
	uint32_t steps;
	char *macros[STAGES]; /* names, if the milter chose any */
	bool chosen;
	unsigned rcpts_done;
	unsigned long sent;
	char queue_id[24];
	char held[HELD];
	size_t held_n;
	unsigned char in[REPLY];
	size_t in_n;
	char *inserted; /* fields, newest first, as they stand in a message */
	bool found;
	char last[200]; /* of the wanted field, for the complaint */
	char why[256];
};

static int fail(struct client_session *s, const char *what)
{
	snprintf(s->why, sizeof s->why, "%s%s%s", what, errno ? ": " : "", errno ? strerror(errno) : "");
	return -1;
}

/* --- octets out ---------------------------------------------------------------- */

static int write_all(struct client_session *s, struct iovec *iov, int n)
{
	while (n > 0) {
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n};
		ssize_t done = sendmsg(s->fd, &msg, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail(s, "write");
		while (n > 0 && (size_t)done >= iov->iov_len) {
			done -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n > 0) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

static int flush(struct client_session *s)
{
	struct iovec iov = {.iov_base = s->held, .iov_len = s->held_n};

	s->held_n = 0;
	return iov.iov_len > 0 ? write_all(s, &iov, 1) : 0;
}

static int frame(struct client_session *s, char command, const void *data, size_t n)
{
	uint32_t size = htonl((uint32_t)n + 1);
	char head[5];

	memcpy(head, &size, 4);
	head[4] = command;
	if (s->held_n + sizeof head + n <= sizeof s->held) {
		memcpy(s->held + s->held_n, head, sizeof head);
		if (n > 0)
			memcpy(s->held + s->held_n + sizeof head, data, n);
		s->held_n += sizeof head + n;
		return 0;
	}
	struct iovec iov[] = {{s->held, s->held_n}, {head, sizeof head}, {(void *)(uintptr_t)data, n}};

	s->held_n = 0;
	return write_all(s, iov, 3);
}

/* --- macros ---------------------------------------------------------------------- */

/* As in Postfix' main.cf, less what has no value without TLS and login. */
static const char *const usual[STAGES] = {
	[SMFIM_CONNECT] = "j {daemon_name} {daemon_addr} v _", [SMFIM_HELO] = "",
	[SMFIM_ENVFROM] = "i {mail_addr} {mail_host} {mail_mailer}", [SMFIM_ENVRCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[SMFIM_DATA] = "i", [SMFIM_EOM] = "i", [SMFIM_EOH] = "i",
};

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

static const char *value_of(const struct client_session *s, const char *name, size_t n)
{
	const struct {
		const char *name, *value;
	} table[] = {
		{"j", "mx.example.net"}, {"{daemon_name}", s->plan->daemon_name}, {"{daemon_addr}", "127.0.0.1"}, {"v", "Postfix"},
		{"_", "relay.example.org [192.0.2.10]"}, {"i", s->rcpts_done > 0 ? s->queue_id : NULL},
		{"{mail_addr}", s->mail ? s->mail->sender : NULL}, {"{mail_host}", s->mail ? domain_of(s->mail->sender) : NULL}, {"{mail_mailer}", "smtp"},
		{"{rcpt_addr}", s->mail ? s->mail->rcpt : NULL}, {"{rcpt_host}", s->mail ? domain_of(s->mail->rcpt) : NULL}, {"{rcpt_mailer}", "smtp"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
			return table[i].value;
	return NULL;
}

/* Postfix sends them even if there are none, and even if the step itself is not wanted. */
static int macros(struct client_session *s, char command, int stage)
{
	const char *names = s->chosen ? s->macros[stage] : usual[stage];
	char data[1024];
	size_t n = 0;

	data[n++] = command;
	while (names && *names) {
		size_t name_n = strcspn(names, " ");
		const char *value = value_of(s, names, name_n);

		if (value && n + name_n + strlen(value) + 2 < sizeof data) {
			memcpy(data + n, names, name_n);
			n += name_n;
			data[n++] = '\0';
			memcpy(data + n, value, strlen(value) + 1);
			n += strlen(value) + 1;
		}
		names += name_n + strspn(names + name_n, " ");
	}
	return frame(s, SMFIC_MACRO, data, n);
}

/* --- answers --------------------------------------------------------------------- */

/* One frame is in s->in from 4 on; its size, or -1.  forget() removes it. */
static ssize_t receive(struct client_session *s)
{
	for (;;) {
		uint32_t size;
		ssize_t got;

		if (s->in_n >= 5) {
			memcpy(&size, s->in, 4);
			size = ntohl(size);
			errno = 0;
			if (size < 1 || size > sizeof s->in - 4)
				return fail(s, "a frame of impossible size");
			if (s->in_n >= size + 4)
				return (ssize_t)size;
		}
		got = recv(s->fd, s->in + s->in_n, sizeof s->in - s->in_n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = 0;
		if (got <= 0)
			return fail(s, got ? "read" : "the milter hung up");
		s->in_n += (size_t)got;
	}
}

static void forget(struct client_session *s, size_t size)
{
	s->in_n -= size + 4;
	memmove(s->in, s->in + size + 4, s->in_n);
}

static void take_field(struct client_session *s, const char *name, size_t n)
{
	const char *value = memchr(name, '\0', n);
	const struct client_session_plan *plan = s->plan;

	if (!value || value == name + n - 1 || name[n - 1] != '\0')
		return;
	value++;
	if (plan->want_name && strcasecmp(name, plan->want_name) == 0) {
		s->found = s->found || strstr(value, plan->want_word) != NULL;
		snprintf(s->last, sizeof s->last, "%s", value);
	}
	if (plan->save) {
		char *all = NULL;

		if (asprintf(&all, "%s: %s\n%s", name, value, s->inserted ? s->inserted : "") < 0)
			abort();
		free(s->inserted);
		s->inserted = all;
	}
}

/* The letter that ends a step, or -1. */
static int answer(struct client_session *s)
{
	if (flush(s))
		return -1;
	for (;;) {
		ssize_t size = receive(s);
		char letter;

		if (size < 0)
			return -1;
		letter = (char)s->in[4];
		if (letter == SMFIR_INSHEADER && size > 5)
			take_field(s, (char *)s->in + 9, (size_t)size - 5);
		else if (letter == SMFIR_ADDHEADER)
			take_field(s, (char *)s->in + 5, (size_t)size - 1);
		forget(s, (size_t)size);
		if (letter != '\0' && strchr("acdrtyfs", letter))
			return letter;
	}
}

/* One command with its macros; no_reply and omit are bits of the negotiation.  -1 if it
 * failed, 1 if the milter wants no more of the kind, 0 otherwise. */
static int step(struct client_session *s, char command, int stage, const void *data, size_t n, uint32_t omit, uint32_t no_reply)
{
	int letter;

	if (macros(s, command, stage))
		return -1;
	if (s->steps & omit)
		return 0;
	if (frame(s, command, data, n))
		return -1;
	if (s->steps & no_reply)
		return 0;
	letter = answer(s);
	errno = 0;
	if (letter >= 0 && letter != SMFIR_CONTINUE && letter != SMFIR_ACCEPT && letter != SMFIR_SKIP)
		return fail(s, "refused before the end of the message");
	return letter < 0 ? -1 : letter == SMFIR_SKIP;
}

/* --- the connection ---------------------------------------------------------------- */

static int dial_inet(const char *rest, int family)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET};
	char *end;
	unsigned long port = strtoul(rest, &end, 10);
	int fd, on = 1;

	/* Never somebody else's host. */
	if (port < 1 || port > 65535 || strcmp(end, family == AF_INET ? "@127.0.0.1" : "@::1") != 0) {
		errno = EINVAL;
		return -1;
	}
	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	four.sin_port = six.sin6_port = htons((uint16_t)port);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six, family == AF_INET ? sizeof four : sizeof six) == 0)
		return fd;
	close(fd);
	return -1;
}

static int dial_local(const char *path)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof local.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(local.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&local, sizeof local) == 0)
		return fd;
	close(fd);
	return -1;
}

static int dial(const char *address)
{
	if (strncmp(address, "inet:", 5) == 0)
		return dial_inet(address + 5, AF_INET);
	if (strncmp(address, "inet6:", 6) == 0)
		return dial_inet(address + 6, AF_INET6);
	return dial_local(strncmp(address, "local:", 6) == 0 ? address + 6 : address);
}

static int take_macro_names(struct client_session *s, size_t size)
{
	size_t at = 4 + 1 + 12;

	while (at + 4 < size + 4) {
		uint32_t stage;
		const char *names = (char *)s->in + at + 4;
		const char *end = memchr(names, '\0', size - at);

		memcpy(&stage, s->in + at, 4);
		stage = ntohl(stage);
		if (!end || stage >= STAGES || s->macros[stage])
			return fail(s, "macro names that make no sense");
		s->macros[stage] = strdup(names);
		s->chosen = true;
		at = (size_t)(end + 1 - (char *)s->in);
	}
	return 0;
}

static int negotiate(struct client_session *s)
{
	uint32_t offer[] = {htonl(OFFERED_VERSION), htonl(OFFERED_ACTIONS), htonl(OFFERED_STEPS)};
	ssize_t size;

	if (frame(s, SMFIC_OPTNEG, offer, sizeof offer) || flush(s))
		return -1;
	size = receive(s);
	if (size < 0)
		return -1;
	errno = 0;
	if (size < 13 || s->in[4] != SMFIC_OPTNEG)
		return fail(s, "no negotiation");
	memcpy(&s->steps, s->in + 13, 4);
	s->steps = ntohl(s->steps);
	if (take_macro_names(s, (size_t)size))
		return -1;
	forget(s, (size_t)size);
	return 0;
}

static int greet(struct client_session *s)
{
	char data[128];
	int n = snprintf(data, sizeof data, "relay.example.org%c4%c%c%s", 0, 0x61, 0x61, s->plan->client_addr);

	if (step(s, SMFIC_CONNECT, SMFIM_CONNECT, data, (size_t)n + 1, SMFIP_NOCONNECT, SMFIP_NR_CONN) < 0)
		return -1;
	return step(s, SMFIC_HELO, SMFIM_HELO, "relay.example.org", sizeof "relay.example.org", SMFIP_NOHELO, SMFIP_NR_HELO);
}

struct client_session *client_session_open(const struct client_session_plan *plan, char *why, size_t n)
{
	struct client_session *s = calloc(1, sizeof *s);
	struct timeval patience = {.tv_sec = plan->timeout_s};

	if (!s)
		abort();
	s->plan = plan;
	s->fd = dial(plan->address);
	if (s->fd < 0) {
		snprintf(why, n, "%s: %s", plan->address, strerror(errno));
		free(s);
		return NULL;
	}
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (negotiate(s) < 0 || greet(s) < 0) {
		snprintf(why, n, "%s", s->why);
		client_session_close(s);
		return NULL;
	}
	return s;
}

void client_session_close(struct client_session *s)
{
	if (!s)
		return;
	if (frame(s, SMFIC_QUIT, NULL, 0) == 0)
		(void)flush(s);
	close(s->fd);
	for (int i = 0; i < STAGES; i++)
		free(s->macros[i]);
	free(s->inserted);
	free(s);
}

/* --- a message ----------------------------------------------------------------------- */

static void pause_us(unsigned us)
{
	struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

	if (us > 0)
		nanosleep(&ts, NULL);
}

static int envelope(struct client_session *s)
{
	const struct client_session_plan *plan = s->plan;
	char line[600];
	int n;

	s->rcpts_done = 0;
	snprintf(s->queue_id, sizeof s->queue_id, "4BENCH%08lX", ++s->sent);
	n = snprintf(line, sizeof line, "<%.300s>%cSIZE=%zu", s->mail->sender, 0, s->mail->n);
	if (step(s, SMFIC_MAIL, SMFIM_ENVFROM, line, (size_t)n + 1, SMFIP_NOMAIL, SMFIP_NR_MAIL) < 0)
		return -1;
	n = snprintf(line, sizeof line, "<%.300s>", s->mail->rcpt);
	for (; s->rcpts_done < plan->rcpts; s->rcpts_done++) {
		pause_us(plan->pause_us);
		if (step(s, SMFIC_RCPT, SMFIM_ENVRCPT, line, (size_t)n + 1, SMFIP_NORCPT, SMFIP_NR_RCPT) < 0)
			return -1;
	}
	pause_us(plan->pause_us);
	return step(s, SMFIC_DATA, SMFIM_DATA, NULL, 0, SMFIP_NODATA, SMFIP_NR_DATA);
}

static int content(struct client_session *s)
{
	const struct client_mail *m = s->mail;
	int r = 0;

	pause_us(s->plan->pause_us);
	for (size_t i = 0; i < m->fields && r == 0 && !(s->steps & SMFIP_NOHDRS); i++)
		r = step(s, SMFIC_HEADER, SMFIM_EOH, m->field[i].data, m->field[i].n, 0, SMFIP_NR_HDR);
	if (r < 0 || step(s, SMFIC_EOH, SMFIM_EOH, NULL, 0, SMFIP_NOEOH, SMFIP_NR_EOH) < 0)
		return -1;
	r = 0;
	for (size_t at = 0; at < m->body_n && r == 0 && !(s->steps & SMFIP_NOBODY); at += CHUNK) {
		pause_us(s->plan->body_pause_us);
		r = step(s, SMFIC_BODY, SMFIM_EOM, m->body + at, m->body_n - at < CHUNK ? m->body_n - at : CHUNK, 0, SMFIP_NR_BODY);
	}
	return r < 0 ? -1 : 0;
}

static void save(const struct client_session *s)
{
	char path[4096];
	FILE *f;

	if ((size_t)snprintf(path, sizeof path, "%s/%s", s->plan->save, s->mail->name) >= sizeof path)
		abort();
	f = fopen(path, "wb");
	if (!f)
		abort();
	for (const char *p = s->inserted ? s->inserted : ""; *p; p++) {
		if (*p == '\n')
			fputc('\r', f);
		fputc(*p, f);
	}
	fwrite(s->mail->octets, 1, s->mail->n, f);
	if (fclose(f))
		abort();
}

static void judge(struct client_session *s, int letter, struct client_session_result *r)
{
	const struct client_session_plan *plan = s->plan;
	bool refused = strchr("rtyd", letter) != NULL;

	r->expected = refused == plan->want_refusal && (!plan->want_name || s->found) && s->in_n == 0;
	if (s->in_n > 0)
		snprintf(r->why, sizeof r->why, "%s: an answer where none was due", s->mail->name);
	else if (!r->expected)
		snprintf(r->why, sizeof r->why, "%s: answer '%c', %s", s->mail->name, letter, s->last[0] ? s->last : "no such field");
}

int client_session_send(struct client_session *s, const struct client_mail *mail, struct client_session_result *r)
{
	int letter;

	*r = (struct client_session_result){0};
	s->mail = mail;
	s->found = false;
	s->last[0] = '\0';
	free(s->inserted);
	s->inserted = NULL;
	pause_us(s->plan->pause_us);
	r->mail_ns = client_figures_now();
	if (envelope(s) < 0 || content(s) < 0 || macros(s, SMFIC_BODYEOB, SMFIM_EOM) || frame(s, SMFIC_BODYEOB, NULL, 0)) {
		snprintf(r->why, sizeof r->why, "%s: %s", mail->name, s->why);
		return -1;
	}
	r->eom_ns = client_figures_now();
	letter = answer(s);
	r->end_ns = client_figures_now();
	if (letter < 0) {
		snprintf(r->why, sizeof r->why, "%s: %s", mail->name, s->why);
		return -1;
	}
	judge(s, letter, r);
	if (s->plan->save)
		save(s);
	/* After each message, as Postfix does; it needs no answer and may wait in the buffer. */
	if (frame(s, SMFIC_ABORT, NULL, 0)) {
		snprintf(r->why, sizeof r->why, "%s: %s", mail->name, s->why);
		return -1;
	}
	return 0;
}
