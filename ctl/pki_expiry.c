/*
 * The report of what ends: lines for people, JSON for programs.
 */
#include "config.h"

#include "ctl/pki_expiry.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ctl/pki_args.h"
#include "ctl/pki_dates.h"
#include "ctl/print.h"

enum { DAYS_WITHIN = 30 };

static const struct option expiry_options[] = {
	{"within", required_argument, NULL, PKI_ARGS_WITHIN},
	{"now", required_argument, NULL, PKI_ARGS_NOW},
	{"json", no_argument, NULL, PKI_ARGS_JSON},
	{NULL, 0, NULL, 0}};
static const struct options_own expiry_own = {
	.name = "pki expiry", .synopsis = "[-c CONF] [--within TIME] [FILE|DIR...]",
	.does = "Tell when certificates (notAfter) and revocation lists (nextUpdate) end, soonest first,\n"
		"each once: those in files (PEM or DER), in folders with all below them, and in what a\n"
		"configuration names. Status 1 when one ends within the time.",
	.flags = "  -c, --config CONF     look at CertificateFile, TrustAnchors, TrustDomains,\n"
		 "                        CertificateDir and RevocationList of this configuration\n"
		 "      --within TIME     such as 30d or 12h; default: 30d\n"
		 "      --now T           as of then, seconds since 1970; default: now\n"
		 "      --json            one JSON object a line\n",
	.example = "stirctl pki expiry -c /etc/stir-milter/stir-milter.conf --within 14d",
	.option = expiry_options, .conf = true,
};

/* --- lines ---------------------------------------------------------------------------- */

/* Whole days that are left; what has ended has less than none. */
static long long days_left(const struct pki_dates_item *i, int64_t now)
{
	int64_t left = i->ends - now;

	return left >= 0 ? left / PKI_ARGS_DAY_S : -((-left + PKI_ARGS_DAY_S - 1) / PKI_ARGS_DAY_S);
}

static void put_line(const struct pki_dates_item *i, int64_t now, bool soon)
{
	char end[PRINT_TIME_BYTES];

	printf("%c %6lld  %s  %-11s  ", soon ? '!' : ' ', days_left(i, now), print_time(end, i->ends), pki_dates_kind_name(i->kind));
	print_quoted(stdout, span_cstr(i->file[0]), 1000);
	if (i->n_files > 1)
		printf(" (and %zu more)", i->n_files - 1);
	printf("  %s%s\n", i->subject, i->ends < now ? "  ENDED" : "");
}

static int put_json(const struct pki_dates_item *i, int64_t now, bool soon)
{
	json_t *files = json_array(), *o;
	int r;

	/* A name that is no UTF-8 is no text of JSON. */
	for (size_t k = 0; k < i->n_files; k++)
		if (json_array_append_new(files, json_string(i->file[k])))
			(void)json_array_append_new(files, json_null());
	o = json_pack("{s:s, s:I, s:I, s:b, s:b, s:s, s:s, s:o}", "kind", pki_dates_kind_name(i->kind), "ends", (json_int_t)i->ends, "days_left",
		      (json_int_t)days_left(i, now), "ended", i->ends < now, "soon", soon, "subject", i->subject, "serial", i->serial, "files", files);
	r = o ? json_dumpf(o, stdout, JSON_COMPACT) : -1;
	json_decref(o);
	putchar('\n');
	return r;
}

/* --- the command -------------------------------------------------------------------------- */

struct faults {
	struct err *last;
	bool any;
};

static void say(void *arg, const struct err *e)
{
	struct faults *f = arg;

	if (f->any)
		fprintf(stderr, "stirctl pki: %s\n", f->last->text);
	f->any = true;
	*f->last = *e;
}

static int report(const struct pki_args *a, struct pki_dates *d, int64_t now, struct err *e)
{
	int64_t within = a->within_s ? a->within_s : DAYS_WITHIN * (int64_t)PKI_ARGS_DAY_S;
	int r = PKI_EXPIRY_NONE;

	pki_dates_sort(d);
	if (!a->json && d->n && isatty(STDOUT_FILENO))
		puts("    days  ends                     what         where");
	for (size_t i = 0; i < d->n; i++) {
		bool soon = d->at[i].ends - now <= within;

		r = soon ? PKI_EXPIRY_SOON : r;
		if (!a->json)
			put_line(&d->at[i], now, soon);
		else if (put_json(&d->at[i], now, soon))
			return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	return r;
}

static int expiry(const struct pki_args *a, struct err *e)
{
	int64_t now = a->has_now ? a->now : (int64_t)time(NULL);
	struct faults faults = {e, false};
	struct pki_dates d = {.say = say, .arg = &faults};
	const struct options *o = &a->options;
	int r;

	if (o->nfile == 0 && !o->conf)
		return err_set(e, ERR_USAGE, "nothing to look at: give a file, a folder, or -c CONF");
	if (o->conf)
		pki_dates_conf(&d, o->conf, now);
	for (size_t i = 0; i < o->nfile; i++)
		pki_dates_path(&d, o->file[i]);
	r = report(a, &d, now, e);
	pki_dates_free(&d);
	return faults.any ? -1 : r;
}

int pki_expiry(int argc, char **argv, struct err *e)
{
	struct pki_args a;
	int r = pki_args_parse(&a, &expiry_own, "files or folders", 0, SIZE_MAX, argc, argv, e);

	if (r == 0)
		r = expiry(&a, e);
	pki_args_free(&a);
	return r;
}
