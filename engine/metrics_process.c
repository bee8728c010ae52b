/*
 * What the kernel says of this process, under the names that Prometheus' own
 * libraries use.  What can't be read is left out.
 */
#include "config.h"

#include "engine/metrics_internal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/clock.h"

enum { START_FIELD = 22 /* of /proc/self/stat, from 1 */ };

static void put(struct buf *out, enum metrics_id id, int64_t value)
{
	metrics_write_head(out, id);
	metrics_write_value(out, id, NULL, span_make(NULL, 0), NULL, span_make(NULL, 0), value);
}

static void put_open(struct buf *out)
{
	DIR *d = opendir("/proc/self/fd");
	int64_t n = 0;

	if (!d)
		return;
	while (readdir(d))
		n++;
	(void)closedir(d);
	/* ".", ".." and the one to look with. */
	put(out, METRICS_OPEN_FDS, n - 3);
}

static void put_limit(struct buf *out)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0)
		put(out, METRICS_MAX_FDS, r.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)r.rlim_cur);
}

/* The octets of a small file of /proc; false without them. */
static bool slurp(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(out, 1, size - 1, f) : 0;

	out[n] = '\0';
	if (f)
		(void)fclose(f);
	return n > 0;
}

static void put_memory(struct buf *out)
{
	char text[256], *end;

	if (!slurp("/proc/self/statm", text, sizeof text))
		return;
	(void)strtoll(text, &end, 10);
	put(out, METRICS_RESIDENT, (int64_t)strtoll(end, NULL, 10) * sysconf(_SC_PAGESIZE));
}

/* Not out of /proc/stat: with systemd's ProcSubset=pid it isn't there. */
static void put_start(struct buf *out)
{
	int64_t boot = clock_boot_s();
	char text[1024], *at;

	if (!slurp("/proc/self/stat", text, sizeof text))
		return;
	/* The name may have blanks and brackets in it; what follows has not. */
	at = strrchr(text, ')');
	for (int field = 2; at && field < START_FIELD; field++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	if (at)
		put(out, METRICS_START_TIME, boot + strtoll(at, NULL, 10) / sysconf(_SC_CLK_TCK));
}

void metrics_process_write(struct buf *out)
{
	put_open(out);
	put_limit(out);
	put_memory(out);
	put_start(out);
}
