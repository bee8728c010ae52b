/* Chains of diversion, as the claims alone tell them. */
#include "config.h"

#include "core/divchain.h"
#include "tests/lib/tap.h"

/* A token of one-letter parties: orig, div, dest. */
struct token {
	const char *orig, *div, *dest;
};

struct row {
	const char *what;
	const char *base;       /* its dest; orig is always "1" */
	struct token token[8];
	const char *who;
	const char *path;       /* indices, the outermost first; "" for none */
	enum divchain_flaw flaw;
};

static const struct row rows[] = {
	{"one diversion", "2", {{"1", "2", "3"}}, "3", "0", DIVCHAIN_WHOLE},
	{"two, in order", "2", {{"1", "2", "3"}, {"1", "3", "4"}}, "4", "10", DIVCHAIN_WHOLE},
	{"two, the other way round", "2", {{"1", "3", "4"}, {"1", "2", "3"}}, "4", "01", DIVCHAIN_WHOLE},
	{"the first of two", "2", {{"1", "2", "3"}, {"1", "3", "4"}}, "3", "0", DIVCHAIN_WHOLE},
	{"an alias of two", "2", {{"1", "2", "34"}}, "4", "0", DIVCHAIN_WHOLE},
	{"one of several destinations", "25", {{"1", "5", "3"}}, "3", "0", DIVCHAIN_WHOLE},
	{"the shorter of two ways", "2", {{"1", "2", "3"}, {"1", "3", "4"}, {"1", "2", "4"}}, "4", "2", DIVCHAIN_WHOLE},
	{"a loop and a way out", "2", {{"1", "2", "3"}, {"1", "3", "2"}, {"1", "2", "4"}}, "4", "2", DIVCHAIN_WHOLE},
	{"to itself", "2", {{"1", "2", "2"}}, "3", "", DIVCHAIN_ELSEWHERE},
	{"a loop apart", "2", {{"1", "3", "4"}, {"1", "4", "3"}}, "4", "", DIVCHAIN_UNLINKED},
	{"another originator", "2", {{"9", "2", "3"}}, "3", "", DIVCHAIN_ORIG},
	{"another originator in the middle", "2", {{"9", "2", "3"}, {"1", "3", "4"}}, "4", "", DIVCHAIN_ORIG},
	{"the first link is missing", "2", {{"1", "3", "4"}}, "4", "", DIVCHAIN_UNLINKED},
	{"to somebody else", "2", {{"1", "2", "3"}}, "4", "", DIVCHAIN_ELSEWHERE},
	{"five diversions", "2", {{"1", "2", "3"}, {"1", "3", "4"}, {"1", "4", "5"}, {"1", "5", "6"}, {"1", "6", "7"}}, "7", "43210", DIVCHAIN_WHOLE},
	{"six", "2", {{"1", "2", "3"}, {"1", "3", "4"}, {"1", "4", "5"}, {"1", "5", "6"}, {"1", "6", "7"}, {"1", "7", "8"}}, "8", "", DIVCHAIN_LONG},
	{"none", "2", {{NULL, NULL, NULL}}, "3", "", DIVCHAIN_OUT},
};

static struct party party(char c)
{
	struct party p = {.kind = PARTY_TN};

	if (tn_from_claim(span_make(&c, 1), &p.tn))
		tap_bail("no number");
	return p;
}

static void make(struct passport *p, struct party *dest, const char *orig, const char *div, const char *list)
{
	memset(p, 0, sizeof *p);
	p->orig = party(orig[0]);
	if (div)
		p->div = party(div[0]);
	p->dest = dest;
	for (; *list; list++)
		dest[p->ndest++] = party(*list);
}

static void run(const struct row *r)
{
	struct passport base, p[8];
	struct party base_dest[8], dest[8][8], who = party(r->who[0]);
	struct divchain_token t[8] = {{0}};
	size_t n = 0, path[LIMIT_DIV_CHAIN], length;
	char got[LIMIT_DIV_CHAIN + 1] = "";

	make(&base, base_dest, "1", NULL, r->base);
	for (; n < 8 && r->token[n].orig; n++) {
		make(&p[n], dest[n], r->token[n].orig, r->token[n].div, r->token[n].dest);
		t[n].p = &p[n];
	}
	divchain_link(&base, t, n);
	length = divchain_path(t, n, &who, path);
	for (size_t i = 0; i < length; i++)
		got[i] = (char)('0' + path[i]);
	tap_str(got, r->path, "%s", r->what);
	tap_int(divchain_flaw(&base, t, n, &who), r->flaw, "%s: what is wrong (%s)", r->what, divchain_flaw_sentence(r->flaw));
}

/* A token that is out is no link; another way is found. */
static void test_out(void)
{
	struct passport base, p[3];
	struct party base_dest[2], dest[3][2], who = party('4');
	struct divchain_token t[3] = {{.p = &p[0]}, {.p = &p[1], .out = true}, {.p = &p[2]}};
	size_t path[LIMIT_DIV_CHAIN];

	make(&base, base_dest, "1", NULL, "2");
	make(&p[0], dest[0], "1", "2", "3");
	make(&p[1], dest[1], "1", "2", "4");
	make(&p[2], dest[2], "1", "3", "4");
	divchain_link(&base, t, 3);
	tap_int((long long)divchain_path(t, 3, &who, path), 2, "the way round a token that is out");
	t[0].out = true;
	divchain_link(&base, t, 3);
	tap_int((long long)divchain_path(t, 3, &who, path), 0, "none without the other");
	t[1].out = false;
	divchain_link(&base, t, 3);
	tap_int((long long)divchain_path(t, 3, &who, path), 1, "depths are worked out anew");
}

int main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		run(&rows[i]);
	test_out();
	return tap_done();
}
