/* Operators' files: read whole, or refused with the reason. */
#include "config.h"

#include "engine/file.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[512];

static const char *at(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", tap_tempdir(), name);
	return path;
}

static void make(const char *name, const char *text, size_t n)
{
	FILE *f = fopen(at(name), "w");

	if (!f || fwrite(text, 1, n, f) != n || fclose(f))
		tap_bail("cannot write %s", name);
}

static void fails(const char *name, size_t max, enum err_code code, const char *part)
{
	struct err e = {ERR_NONE, ""};
	struct buf b;

	buf_init(&b, 1000);
	buf_puts(&b, "old");
	tap_int(file_read(name, max, &b, &e), -1, "%s is refused", name[0] ? name : "(empty)");
	tap_int(e.code, code, "with code %d", code);
	tap_ok(strstr(e.text, part) && strstr(e.text, name), "and says \"%s\": %s", part, e.text);
	tap_int((long long)b.n, 0, "nothing of it is left");
	buf_free(&b);
}

static void refused(void)
{
	make("ten", "0123456789", 10);
	fails(at("none"), 100, ERR_NOINPUT, "there is no such file");
	fails(at("ten/x"), 100, ERR_NOINPUT, "is no folder");
	fails(at(""), 100, ERR_NOINPUT, "is a folder");
	fails("", 100, ERR_NOINPUT, "no such file");
	fails(at("ten"), 9, ERR_DATA, "larger than 9 octets");
	if (mkfifo(at("fifo"), 0600))
		tap_skip("no FIFO can be made here");
	else
		fails(at("fifo"), 100, ERR_NOINPUT, "is no regular file");
	fails("/dev/null", 100, ERR_NOINPUT, "is no regular file");
	make("secret", "x", 1);
	if (geteuid() == 0) {
		tap_skip("root reads everything");
		return;
	}
	if (chmod(at("secret"), 0))
		tap_bail("chmod");
	fails(path, 100, ERR_NOINPUT, "permission denied");
}

static void read_back(void)
{
	static char big[100000];
	struct err e = {ERR_NONE, ""};
	struct buf b;

	buf_init(&b, sizeof big);
	make("ten", "0123456789", 10);
	tap_int(file_read(at("ten"), 10, &b, &e), 0, "as large as allowed");
	tap_span_is(buf_span(&b), "0123456789", "its octets");
	make("empty", "", 0);
	tap_int(file_read(at("empty"), 10, &b, &e), 0, "an empty file is a file");
	tap_int((long long)b.n, 0, "of no octets; what was there before is gone");
	tap_str(b.p, "", "and a string all the same");
	memset(big, 'x', sizeof big);
	big[5] = '\0';
	make("big", big, sizeof big);
	tap_int(file_read(at("big"), sizeof big, &b, &e), 0, "many pieces");
	tap_span(buf_span(&b), span_make(big, sizeof big), "its octets, NUL included");
	tap_int(file_read(at("big"), sizeof big - 1, &b, NULL), -1, "one octet too many; no error wanted");
	buf_free(&b);
	buf_init(&b, 50);
	tap_int(file_read(at("big"), sizeof big, &b, &e), -1, "the buffer's own maximum holds");
	tap_ok(strstr(e.text, "larger than 50 octets"), "and is the one named: %s", e.text);
	buf_free(&b);
}

static void standard_input(void)
{
	struct err e = {ERR_NONE, ""};
	struct buf b;
	int fd[2];

	if (pipe(fd) || write(fd[1], "from a pipe", 11) != 11 || close(fd[1]) || dup2(fd[0], STDIN_FILENO) < 0)
		tap_bail("pipe");
	buf_init(&b, 100);
	tap_int(file_read("-", 100, &b, &e), 0, "standard input may be a pipe");
	tap_span_is(buf_span(&b), "from a pipe", "its octets");
	close(STDIN_FILENO);
	close(fd[0]);
	tap_int(file_read("-", 100, &b, &e), -1, "a closed one is an error");
	tap_int(e.code, ERR_OS, "of the system");
	tap_ok(strstr(e.text, "standard input"), "that names it: %s", e.text);
	buf_free(&b);
}

int main(void)
{
	refused();
	read_back();
	standard_input();
	return tap_done();
}
