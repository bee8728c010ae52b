/*
 * What stands in for libFuzzer in an ordinary build: every file of the corpus
 * and of the repaired crashes goes through the target once, as a regression
 * test (TAP).  A crash or a sanitizer's report is the failure.
 *
 *     fuzz_NAME [FILE|FOLDER]…
 *
 * Without arguments: tests/fuzz/corpus/NAME and tests/fuzz/repro/NAME.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int tests;

static void die(const char *what, const char *path)
{
	printf("Bail out! %s: %s\n", what, path);
	exit(99);
}

static uint8_t *read_all(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	/* Exactly as large as the input, so that a read beyond it is seen. */
	uint8_t *data = malloc(size ? size : 1);

	if (!f || !data || fread(data, 1, size, f) != size)
		die("can't read", path);
	fclose(f);
	return data;
}

static void run_file(const char *path, size_t size)
{
	const char *slash = strrchr(path, '/');
	uint8_t *data = read_all(path, size);

	LLVMFuzzerTestOneInput(data, size);
	free(data);
	printf("ok %d - %s\n", ++tests, slash ? slash + 1 : path);
	fflush(stdout);
}

static int not_hidden(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void run_path(const char *path);

static void run_folder(const char *path)
{
	struct dirent **entry;
	int n = scandir(path, &entry, not_hidden, alphasort);

	if (n < 0)
		die("can't list", path);
	for (int i = 0; i < n; i++) {
		char *child;

		if (asprintf(&child, "%s/%s", path, entry[i]->d_name) < 0)
			die("no memory", path);
		run_path(child);
		free(child);
		free(entry[i]);
	}
	free(entry);
}

/* What is missing is no failure: most targets never had a crash. */
static void run_path(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return;
	if (S_ISDIR(st.st_mode))
		run_folder(path);
	else if (S_ISREG(st.st_mode))
		run_file(path, (size_t)st.st_size);
}

static void run_default(const char *program, const char *folder)
{
	const char *srcdir = getenv("srcdir"), *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	char *path;

	/* libtool runs its programs under names of its own. */
	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	if (asprintf(&path, "%s/tests/fuzz/%s/%s", srcdir ? srcdir : ".", folder, name) < 0)
		die("no memory", folder);
	run_path(path);
	free(path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	if (argc < 2) {
		run_default(argv[0], "corpus");
		run_default(argv[0], "repro");
	}
	/* The empty input is in every corpus, written or not. */
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	printf("ok %d - the empty input\n1..%d\n", tests + 1, tests + 1);
	return 0;
}
