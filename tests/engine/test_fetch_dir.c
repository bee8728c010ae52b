/* x5u answered from a folder, and from nowhere else. */
#include "config.h"

#include "core/limits.h"
#include "engine/fetch_dir.h"
#include "engine/fetch_either.h"
#include "tests/lib/fake_fetch.h"
#include "tests/lib/tap.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char path[512], root[300];

static const char *at(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", tap_tempdir(), name);
	return path;
}

static void make_dir(const char *name)
{
	if (mkdir(at(name), 0700))
		tap_bail("mkdir %s", name);
}

static void make(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		tap_bail("cannot write %s", name);
}

static void make_link(const char *target, const char *name)
{
	if (symlink(target, at(name)))
		tap_bail("symlink %s", name);
}

static void build(void)
{
	make_dir("dir");
	make_dir("dir/cert.example");
	make_dir("dir/cert.example/sub");
	make_dir("dir/cert.example/.well-known");
	make_dir("dir/.hidden");
	make_dir("outside");
	make("outside/secret.pem", "secret");
	make("dir/cert.example/a.pem", "chain a");
	make("dir/cert.example/sub/b.pem", "chain b");
	make("dir/cert.example/empty.pem", "");
	make("dir/cert.example/.dot.pem", "hidden");
	make("dir/cert.example/100%41.pem", "percent");
	make("dir/cert.example/.well-known/c.pem", "hidden");
	make("dir/.hidden/a.pem", "hidden");
	make("dir/top.pem", "no host");
	make_link("a.pem", "dir/cert.example/current.pem");
	make_link("../cert.example/a.pem", "dir/cert.example/round.pem");
	make_link("cert.example", "dir/alias.example");
	make_link("../../outside/secret.pem", "dir/cert.example/out.pem");
	make_link("../outside", "dir/out.example");
	make_link("/etc/passwd", "dir/cert.example/absolute.pem");
	make_link("loop.pem", "dir/cert.example/loop.pem");
	make_link("gone.pem", "dir/cert.example/dangling.pem");
	if (mkfifo(at("dir/cert.example/fifo.pem"), 0600))
		tap_bail("mkfifo");
	snprintf(root, sizeof root, "%s/dir", tap_tempdir());
}

static const struct get_case {
	const char *url;
	int want;
	const char *text; /* content, or part of the error */
	bool linked;      /* by a symbolic link, followed only if the kernel can keep it inside */
} cases[] = {
	{"https://cert.example/a.pem", 1, "chain a", false},
	{"https://cert.example:443/a.pem", 1, "chain a", false},
	{"https://cert.example:8443/a.pem", 1, "chain a", false},
	{"HTTPS://CERT.Example/a.pem", 1, "chain a", false},
	{"https://cert.example/sub/b.pem", 1, "chain b", false},
	{"https://cert.example/empty.pem", 1, "", false},
	{"https://cert.example/current.pem", 1, "chain a", true},
	{"https://cert.example/round.pem", 1, "chain a", true},
	{"https://alias.example/a.pem", 1, "chain a", true},
	{"https://cert.example/A.pem", 0, NULL, false},
	{"https://cert.example/none.pem", 0, NULL, false},
	{"https://other.example/a.pem", 0, NULL, false},
	{"https://cert.example/a.pem/x", 0, NULL, false},
	{"https://cert.example/sub", 0, NULL, false},
	{"https://cert.example/sub/", 0, NULL, false},
	{"https://cert.example/", 0, NULL, false},
	{"https://cert.example", 0, NULL, false},
	{"https:///a.pem", 0, NULL, false},
	{"https://", 0, NULL, false},
	{"", 0, NULL, false},
	{"http://cert.example/a.pem", 0, NULL, false},
	{"file:///etc/passwd", 0, NULL, false},
	{"https://cert.example//a.pem", 0, NULL, false},
	{"https://cert.example/sub//b.pem", 0, NULL, false},
	{"https://cert.example/../cert.example/a.pem", 0, NULL, false},
	{"https://cert.example/sub/../a.pem", 0, NULL, false},
	{"https://cert.example/./a.pem", 0, NULL, false},
	{"https://cert.example/sub/..", 0, NULL, false},
	{"https://../outside/secret.pem", 0, NULL, false},
	{"https://./top.pem", 0, NULL, false},
	{"https://cert.example/%2e%2e/a.pem", 0, NULL, false},
	{"https://cert.example/100%41.pem", 0, NULL, false},
	{"https://cert.example/.dot.pem", 0, NULL, false},
	{"https://cert.example/.well-known/c.pem", 0, NULL, false},
	{"https://.hidden/a.pem", 0, NULL, false},
	{"https://cert.example/a.pem?x", 0, NULL, false},
	{"https://cert.example/a.pem#", 0, NULL, false},
	{"https://user@cert.example/a.pem", 0, NULL, false},
	{"https://cert.example\\a.pem/x", 0, NULL, false},
	{"https://cert.example/a b.pem", 0, NULL, false},
	{"https://cert.example/\xC3\xA4.pem", 0, NULL, false},
	{"https://cert.example/dangling.pem", 0, NULL, true},
	{"https://cert.example/out.pem", -1, "out of the folder", true},
	{"https://out.example/secret.pem", -1, "out of the folder", true},
	{"https://cert.example/absolute.pem", -1, "out of the folder", true},
	{"https://cert.example/loop.pem", -1, "symbolic link", false},
	{"https://cert.example/fifo.pem", -1, "no regular file", false},
};

static enum fetch_cause cause_of(int want)
{
	return want > 0 ? FETCH_NONE : want == 0 ? FETCH_NOT_FOUND : FETCH_UNREADABLE;
}

static void gets(struct fetch *f)
{
	struct fetch_answer a;
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct get_case *c = &cases[i];
		struct err e = {ERR_NONE, ""};

		tap_int(fetch_get(f, span_cstr(c->url), 0, &b, &a, &e), c->want, "%s", c->url);
		tap_ok(a.cause == cause_of(c->want) && a.lifetime_s == -1, "cause %s, nothing about its lifetime", fetch_cause_name(a.cause));
		if (c->want > 0)
			tap_span_is(buf_span(&b), c->text, "its octets");
		else
			tap_int((long long)b.n, 0, "no octets");
		if (c->want < 0)
			tap_ok(strstr(e.text, c->text) && e.code == ERR_UNAVAILABLE, "error: %s", e.text);
		if (c->want == 0)
			tap_ok(e.code == ERR_NOINPUT && strstr(e.text, "is not there"), "error: %s", e.text);
	}
	buf_free(&b);
}

/* From here on as on a kernel that doesn't know openat2. */
static bool without_openat2(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void stepwise(struct fetch *f)
{
	struct fetch_answer a;
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct get_case *c = &cases[i];
		struct err e = {ERR_NONE, ""};
		int got = fetch_get(f, span_cstr(c->url), 0, &b, &a, &e);

		if (c->linked)
			tap_ok(got <= 0 && b.n == 0, "step by step, no link is followed: %s", c->url);
		else
			tap_ok(got == c->want && (got <= 0 || span_is(buf_span(&b), c->text)), "step by step: %s", c->url);
	}
	buf_free(&b);
}

static void bounds(struct fetch *f)
{
	static char url[LIMIT_X5U_BYTES + 100] = "https://cert.example/";
	struct err e = {ERR_NONE, ""};
	struct fetch_answer a;
	struct buf b;

	buf_init(&b, 6);
	tap_int(fetch_get(f, span_cstr("https://cert.example/a.pem"), 0, &b, &a, &e), -1, "one octet more than the buffer takes");
	tap_ok(a.cause == FETCH_TOO_LARGE && b.n == 0 && strstr(e.text, "larger than 6 octets"), "and says so: %s", e.text);
	buf_free(&b);
	buf_init(&b, 7);
	tap_int(fetch_get(f, span_cstr("https://cert.example/a.pem"), 0, &b, &a, &e), 1, "as many as it takes");
	memset(url + strlen(url), 'a', LIMIT_X5U_BYTES + 50 - strlen(url));
	tap_int(fetch_get(f, span_make(url, LIMIT_X5U_BYTES), 0, &b, &a, &e), 0, "the longest URL");
	tap_int(fetch_get(f, span_make(url, LIMIT_X5U_BYTES + 1), 0, &b, &a, &e), 0, "a longer one");
	tap_int(fetch_get(f, span_make("https://cert.example/a.pem\0x", 28), 0, &b, &a, &e), 0, "a NUL in it");
	buf_free(&b);
}

static void *many(void *arg)
{
	size_t *good = calloc(1, sizeof *good);
	struct fetch_answer a;
	struct buf b;

	buf_init(&b, 100);
	for (int i = 0; good && i < 500; i++)
		*good += fetch_get(arg, span_cstr("https://cert.example/sub/b.pem"), 0, &b, &a, NULL) == 1 &&
			 span_is(buf_span(&b), "chain b");
	buf_free(&b);
	return good;
}

static void threads(struct fetch *f)
{
	pthread_t t[4];
	size_t sum = 0;
	void *good;

	for (size_t i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, many, f))
			tap_bail("pthread_create");
	for (size_t i = 0; i < 4; i++) {
		if (pthread_join(t[i], &good))
			tap_bail("pthread_join");
		sum += good ? *(size_t *)good : 0;
		free(good);
	}
	tap_int((long long)sum, 2000, "four threads, 500 times each");
}

/* No descriptor is left: our own trouble, which says nothing about the file. */
static void no_descriptor(struct fetch *f)
{
	static const char url[] = "https://cert.example/a.pem";
	struct err e = {ERR_NONE, ""};
	struct rlimit was, none;
	struct fetch_answer a;
	struct buf b;
	int rc;

	buf_init(&b, 100);
	if (getrlimit(RLIMIT_NOFILE, &was))
		tap_bail("getrlimit");
	none = was;
	none.rlim_cur = 0;
	if (setrlimit(RLIMIT_NOFILE, &none))
		tap_bail("setrlimit");
	rc = fetch_get(f, span_cstr(url), 0, &b, &a, &e);
	if (setrlimit(RLIMIT_NOFILE, &was))
		tap_bail("setrlimit");
	tap_int(rc, -1, "without a descriptor");
	tap_ok(a.cause == FETCH_LOCAL && !fetch_cause_remembered(a.cause) && e.code == ERR_UNAVAILABLE, "cause %s: %s", fetch_cause_name(a.cause), e.text);
	tap_int(fetch_get(f, span_cstr(url), 0, &b, &a, &e), 1, "and with one again");
	buf_free(&b);
}

/* The folder first; what it has not, and only that, is asked for elsewhere. */
static void either(void)
{
	static const struct {
		const char *url;
		int want;
		enum fetch_cause cause;
		unsigned calls;
		int64_t lifetime_s;
	} rows[] = {
		{"https://cert.example/a.pem", 1, FETCH_NONE, 0, -1},
		{"https://cert.example/fifo.pem", -1, FETCH_UNREADABLE, 0, -1},
		{"https://net.example/b.pem", 1, FETCH_NONE, 1, 77},
		{"https://net.example/none.pem", 0, FETCH_NOT_FOUND, 1, -1},
		{"https://net.example/slow.pem", -1, FETCH_TIMEOUT, 1, -1},
		{"https://denied.example/b.pem", -1, FETCH_HOST, 0, -1},
	};
	struct err e = {ERR_NONE, ""};
	struct fetch *dir, *both;
	struct fake_fetch net;
	struct fetch_answer a;
	struct buf b;

	buf_init(&b, 100);
	fake_fetch_init(&net);
	net.fetch.at_hand = false;
	net.denied = "https://denied.example/";
	fake_fetch_put(&net, (struct fake_page){.url = "https://net.example/b.pem", .body = span_cstr("b"), .lifetime_s = 77});
	fake_fetch_put(&net, (struct fake_page){.url = "https://net.example/slow.pem", .cause = FETCH_TIMEOUT});
	if (fetch_dir_open(root, &dir, &e) || fetch_either_open(dir, &net.fetch, &both, &e))
		tap_bail("%s", e.text);
	tap_ok(!both->at_hand, "what may need the network is not at hand");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned before = fake_fetch_calls(&net);

		tap_int(fetch_get(both, span_cstr(rows[i].url), 1000, &b, &a, &e), rows[i].want, "either: %s", rows[i].url);
		tap_ok(a.cause == rows[i].cause && a.lifetime_s == rows[i].lifetime_s, "cause %s, lifetime %lld", fetch_cause_name(a.cause), (long long)a.lifetime_s);
		tap_int(fake_fetch_calls(&net) - before, rows[i].calls, "so often the other was asked");
	}
	tap_ok(fetch_may(both, span_cstr("https://net.example/b.pem")) && fetch_may(both, span_cstr("https://denied.example/b.pem")),
	       "it may be asked for all that one of them may");
	fetch_close(both);
	tap_int(net.closed, 1, "and closes both");
	buf_free(&b);
}

static void refuses(const char *dir, const char *part)
{
	struct err e = {ERR_NONE, ""};
	struct fetch *f;

	tap_int(fetch_dir_open(dir, &f, &e), -1, "%s is refused", dir);
	tap_ok(!f && e.code == ERR_NOINPUT && strstr(e.text, part), "error: %s", e.text);
}

int main(void)
{
	struct err e = {ERR_NONE, ""};
	struct fetch *f;

	build();
	refuses(at("none"), "No such file");
	refuses(at("dir/top.pem"), "is no folder");
	if (fetch_dir_open(root, &f, &e))
		tap_bail("%s", e.text);
	gets(f);
	bounds(f);
	threads(f);
	no_descriptor(f);
	either();
	if (without_openat2())
		stepwise(f);
	else
		tap_skip("no filter of system calls here");
	fetch_close(f);
	fetch_close(NULL);
	return tap_done();
}
