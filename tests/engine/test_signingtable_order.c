/*
 * The first line decides, whatever conditions lines have: tables made by chance,
 * looked up and tried line by line.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/signingtable.h"
#include "tests/lib/tap.h"

enum { TABLES = 1500, ROWS_MAX = 60, LOOKS = 60, NUMBERS = 6, KEYS = 3 };

static const char *const keys[KEYS] = {"k0", "k1", "k2"};

static uint64_t state = 20260101;

static unsigned chance(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(state >> 33) % n;
}

/* --- lines -------------------------------------------------------------------- */

static const char *const users[] = {"a@x.example", "A@x.example", "b@x.example", "a@y.example", "a@X.Example", "b@Y.example", "a", "B", "x@a@y.example", "@x.example", "a@"};
static const char *const patterns[] = {"*@x.example", "*@X.EXAMPLE", "*@y.example", "*", "*@a@y.example", "*@z"};
static const char *const subjects[] = {"gw", "GW", "gw2"};
static const char *const listeners[] = {"in", "IN", "out"};
static const char *const networks[] = {"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.128/25", "10.1.2.3", "74.1.2.3", "106.1.2.3", "10.1.2.130", "::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8::1", "2001:db8::/127"};
static const char *const addresses[] = {"10.1.2.3", "10.1.2.130", "10.1.9.9", "10.9.9.9", "74.1.2.3", "106.1.2.3", "192.0.2.1", "2001:db8::1", "2001:db8:1::1", "2001:db8::", "2001:db9::", "::ffff:10.1.2.3", "::ffff:74.1.2.3"};

#define ONE_OF(words) words[chance(sizeof words / sizeof *words)]

struct line {
	const char *user, *subject, *listener, *net; /* NULL: no condition */
	int low, high; /* numbers; -1: certificate */
	int key;       /* SIGNINGTABLE_NONE */
};

static struct line make_line(void)
{
	struct line l = {.low = -1, .key = (int)chance(KEYS + 1) - 1};

	do {
		if (chance(2))
			l.user = chance(3) ? ONE_OF(users) : ONE_OF(patterns);
		if (!chance(4))
			l.subject = ONE_OF(subjects);
		if (!chance(4))
			l.listener = ONE_OF(listeners);
		if (chance(2))
			l.net = ONE_OF(networks);
	} while (!l.user && !l.subject && !l.listener && !l.net);
	if (chance(3)) {
		l.low = (int)chance(NUMBERS);
		l.high = l.low + (int)chance(3);
	}
	return l;
}

static void write_line(struct buf *out, const struct line *l)
{
	const char *const kind[] = {"user:", "net:", "tls:", "listener:"}, *const value[] = {l->user, l->net, l->subject, l->listener};

	for (size_t i = 0; i < 4; i++)
		if (value[i])
			(void)buf_printf(out, "%s%s ", kind[i], value[i]);
	if (l->low < 0)
		(void)buf_puts(out, ",certificate,");
	else if (l->low == l->high)
		(void)buf_printf(out, ",tn:+1555000000%d,", l->low);
	else
		(void)buf_printf(out, ",tn:+1555000000%d..+1555000000%d,", l->low, l->high);
	(void)buf_printf(out, "%s\n", l->key < 0 ? "none" : keys[l->key]);
}

/* --- clients ------------------------------------------------------------------ */

struct who {
	const char *user, *subject, *listener, *addr;
};

static struct who make_who(void)
{
	return (struct who){chance(4) ? ONE_OF(users) : NULL, chance(2) ? ONE_OF(subjects) : NULL, chance(2) ? ONE_OF(listeners) : NULL, chance(6) ? ONE_OF(addresses) : NULL};
}

static struct mms_client client(const struct who *w)
{
	struct mms_client c = {.auth_user = span_cstr(w->user), .tls_subject = span_cstr(w->subject), .listener = span_cstr(w->listener)};

	if (!w->addr)
		return c;
	if (inet_pton(AF_INET, w->addr, &((struct sockaddr_in *)&c.addr)->sin_addr) == 1)
		c.addr.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, w->addr, &((struct sockaddr_in6 *)&c.addr)->sin6_addr) == 1)
		c.addr.ss_family = AF_INET6;
	return c;
}

/* --- line by line, from the words of the contract -------------------------------- */

static bool user_holds(const struct line *l, const char *user)
{
	const char *at = user ? strrchr(user, '@') : NULL;

	if (!user)
		return false;
	if (strcmp(l->user, "*") == 0)
		return true;
	if (l->user[0] == '*')
		return at && at > user && strcasecmp(at + 1, l->user + 2) == 0;
	return l->key < 0 ? strcasecmp(user, l->user) == 0 : strcmp(user, l->user) == 0;
}

static bool net_holds(const char *net, const char *addr)
{
	unsigned char first[16], octet[16];
	char text[64];
	char *slash;
	size_t n, bits;
	int family = strchr(net, ':') ? AF_INET6 : AF_INET;

	if (!addr)
		return false;
	if (strncmp(addr, "::ffff:", 7) == 0)
		addr += 7;
	if (family != (strchr(addr, ':') ? AF_INET6 : AF_INET))
		return false;
	n = family == AF_INET ? 4 : 16;
	snprintf(text, sizeof text, "%s", net);
	slash = strchr(text, '/');
	bits = slash ? strtoul(slash + 1, NULL, 10) : 8 * n;
	if (slash)
		*slash = '\0';
	if (inet_pton(family, text, first) != 1 || inet_pton(family, addr, octet) != 1)
		tap_bail("%s or %s", net, addr);
	for (size_t i = 0; i < bits; i++)
		if ((first[i / 8] ^ octet[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static bool who_holds(const struct line *l, const struct who *w)
{
	return (!l->user || user_holds(l, w->user)) && (!l->net || net_holds(l->net, w->addr)) && (!l->subject || (w->subject && strcmp(l->subject, w->subject) == 0)) &&
	       (!l->listener || (w->listener && strcasecmp(l->listener, w->listener) == 0));
}

/* A key's certificate has all numbers but the one of its index. */
static bool covers(const void *arg, size_t key, const struct tn *number)
{
	(void)arg;
	return number->digits[number->n - 1] != (char)('0' + key);
}

static enum signingtable_answer by_line(const struct line *l, size_t n, const struct who *w, int number, size_t *key)
{
	enum signingtable_answer found = SIGNINGTABLE_STRANGER;

	for (size_t i = 0; i < n; i++) {
		bool has = l[i].low < 0 ? l[i].key < 0 || number != l[i].key : number >= l[i].low && number <= l[i].high;

		if (!who_holds(&l[i], w))
			continue;
		if (has && l[i].key < 0)
			return SIGNINGTABLE_NEVER;
		if (has || (l[i].low < 0 && found != SIGNINGTABLE_SIGN))
			*key = (size_t)l[i].key;
		if (has)
			return SIGNINGTABLE_SIGN;
		if (l[i].low < 0)
			found = SIGNINGTABLE_SIGN;
		else if (found == SIGNINGTABLE_STRANGER)
			found = SIGNINGTABLE_NUMBER;
	}
	return found;
}

/* --- both ----------------------------------------------------------------------- */

static size_t seen[SIGNINGTABLE_SIGN + 1];

static bool same(const struct signingtable *t, const struct line *l, size_t n)
{
	const struct signingtable_cover cover = {covers, NULL};
	struct who w = make_who();
	struct mms_client c = client(&w);
	int number = (int)chance(NUMBERS + 2);
	size_t key = 99, want_key = 99;
	enum signingtable_answer got, want = by_line(l, n, &w, number, &want_key);
	char digits[16];
	struct tn tn;

	snprintf(digits, sizeof digits, "1555000000%d", number);
	if (tn_from_claim(span_cstr(digits), &tn))
		tap_bail("%s", digits);
	got = signingtable_look(t, &c, &tn, &cover, &key);
	seen[want]++;
	return got == want && key == want_key && signingtable_knows(t, &c) == (want != SIGNINGTABLE_STRANGER);
}

static bool one_table(void)
{
	struct line l[ROWS_MAX];
	size_t n = 1 + chance(ROWS_MAX);
	struct signingtable *t = NULL;
	struct buf csv;
	struct err e;
	bool ok = true;

	buf_init(&csv, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		l[i] = make_line();
		write_line(&csv, &l[i]);
	}
	err_clear(&e);
	if (signingtable_parse("t", buf_span(&csv), keys, KEYS, &t, &e))
		tap_bail("%s", e.text);
	for (size_t i = 0; ok && i < LOOKS; i++)
		ok = same(t, l, n);
	if (!ok)
		tap_note("%.*s", SPAN_ARG(buf_span(&csv)));
	signingtable_free(t);
	buf_free(&csv);
	return ok;
}

int main(void)
{
	bool ok = true;

	for (size_t i = 0; ok && i < TABLES; i++)
		ok = one_table();
	tap_ok(ok, "%d tables: what is found is what line by line is found", TABLES);
	for (size_t i = 0; i <= SIGNINGTABLE_SIGN; i++)
		tap_ok(seen[i] > 1000, "answer %zu was among them %zu times", i, seen[i]);
	return tap_done();
}
