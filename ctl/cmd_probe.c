/*
 * stirctl probe: a canary message, and what became of it.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "ctl/advice.h"
#include "ctl/cmd.h"
#include "ctl/print.h"
#include "ctl/probe_print.h"
#include "ctl/run.h"
#include "ctl/subcommand.h"
#include "engine/file.h"

enum {
	ARG_FROM = OPTIONS_OWN_FIRST, ARG_TO, ARG_KIND, ARG_SEED, ARG_SIGN, ARG_CRLF,
	ARG_JSON, ARG_SENT, ARG_PLAN
};

/* --- make ----------------------------------------------------------------------------- */

struct make {
	struct probe_recipe recipe;
	bool seeded, sign, crlf;
};

static int take_seed(struct make *m, const char *text, struct err *e)
{
	char *end;

	errno = 0;
	m->recipe.seed = strtoull(text, &end, 16);
	if (errno || *end || strlen(text) > 16 || strspn(text, "0123456789abcdefABCDEF") == 0)
		return err_set(e, ERR_USAGE, "--seed %s: give 1 to 16 hexadecimal digits", text);
	m->seeded = true;
	return 0;
}

static int take_make(void *arg, int c, char *value, struct err *e)
{
	struct make *m = arg;
	struct probe_recipe *r = &m->recipe;

	switch (c) {
	case ARG_FROM:
		if (r->from.n)
			return err_set(e, ERR_USAGE, "--from twice: a message has one sender");
		r->from = span_cstr(value);
		return probe_recipe_address(r->from, "--from", e);
	case ARG_TO:
		if (r->nto == PROBE_RECIPE_TO_MAX)
			return err_set(e, ERR_USAGE, "--to: at most %d recipients", PROBE_RECIPE_TO_MAX);
		r->to[r->nto++] = span_cstr(value);
		return probe_recipe_address(span_cstr(value), "--to", e);
	case ARG_KIND:
		return probe_recipe_kind_parse(value, &r->kind, e);
	case ARG_SEED:
		return take_seed(m, value, e);
	case ARG_SIGN:
		m->sign = true;
		return 0;
	default:
		m->crlf = true;
		return 0;
	}
}

static const struct option make_options[] = {
	{"from", required_argument, NULL, ARG_FROM}, {"to", required_argument, NULL, ARG_TO}, {"kind", required_argument, NULL, ARG_KIND},
	{"seed", required_argument, NULL, ARG_SEED}, {"sign", no_argument, NULL, ARG_SIGN}, {"crlf", no_argument, NULL, ARG_CRLF}, {NULL, 0, NULL, 0}};
static const struct options_own make_own = {
	.name = "probe make", .synopsis = "--from ADDRESS --to ADDRESS [options]",
	.does = "Write a canary message to standard output: send it, save it as it arrives, and give\n"
		"that to 'stirctl probe read'. It carries all that is needed to tell what was changed.",
	.flags = "      --from ADDRESS    its From, as your messages have it\n"
		"      --to ADDRESS      its To; may be repeated\n"
		"      --kind KIND       plain (one text), mms (a multipart with pictures; default), or\n"
		"                        hostile (also long lines, NUL, 8 bits in odd places: what a\n"
		"                        signer should not sign, and some hops refuse)\n"
		"      --crlf            line ends for SMTP; default: LF, for sendmail(1) and files\n"
		"      --seed HEX        make that one again; default: random\n"
		"      --sign            put an Identity field on top, signed with what follows\n",
	.example = "stirctl probe make --from +15550100001@mms.a.example --to +15550300001@mms.b.example >probe.eml",
	.option = make_options, .signs = true, .fileless = true, .take = take_make,
};

static int complete(struct make *m, struct options *o, struct err *e)
{
	struct timespec ts;

	if (o->nfile)
		return err_set(e, ERR_USAGE, "%s: a probe is made from options alone; 'stirctl probe make --help' lists them", o->file[0]);
	if (!m->recipe.from.n || !m->recipe.nto)
		return err_set(e, ERR_USAGE, "give --from ADDRESS and --to ADDRESS, as your messages have them");
	if (!m->sign && (o->conf || o->nset))
		return err_set(e, ERR_USAGE, "what to sign with is given, but not --sign");
	m->recipe.made = o->now;
	if (o->now_kind != OPTIONS_NOW_FIXED) {
		if (clock_gettime(CLOCK_REALTIME, &ts))
			return err_set(e, ERR_OS, "can't read the clock");
		m->recipe.made = ts.tv_sec;
	}
	if (m->recipe.made / 86400 >= PROBE_RECIPE_YEARS_END)
		return err_set(e, ERR_USAGE, "--now: a date has four digits for the year");
	/* Signed as of its Date. */
	o->now_kind = OPTIONS_NOW_RECEIPT;
	if (!m->seeded && getrandom(&m->recipe.seed, sizeof(m->recipe.seed), 0) != (ssize_t)sizeof(m->recipe.seed))
		return err_set(e, ERR_OS, "no random number: %s", strerror(errno));
	return 0;
}

/* A NUL or a lone CR must go as it is: only line ends of the body are known. */
static void put_lf(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n'))
			buf_putc(out, s.p[i]);
}

static void put_crlf(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_putc(out, '\r');
		buf_putc(out, s.p[i]);
	}
}

/* The stored message. 0 / -1 without memory. */
static int assemble(const struct make *m, const struct probe_make *made, struct span identity, struct buf *out)
{
	struct buf head;
	int rc;

	buf_init(&head, 2 * PROBE_MAKE_HEAD_MAX);
	buf_put_span(&head, buf_span(&made->head));
	rc = probe_facts(&head, made);
	if (identity.n)
		rc = probe_facts_identity(&head, identity) || rc;
	buf_putc(&head, '\n');
	buf_reset(out);
	if (m->crlf) {
		put_crlf(out, buf_span(&head));
		buf_put_span(out, buf_span(&made->body));
	} else {
		buf_put_span(out, buf_span(&head));
		put_lf(out, buf_span(&made->body));
	}
	rc = rc || head.failed || out->failed ? -1 : 0;
	buf_free(&head);
	return rc;
}

static struct mail as_mail(const struct buf *b)
{
	struct mail m = {.file = "the probe", .index = 1, .raw = buf_span(b)};

	mail_set_text(&m);
	return m;
}

/* Twice: what was signed is told in a field beside it, which the token doesn't cover. */
static int write_signed(const struct make *m, const struct probe_make *made, struct run *r, struct buf *text, struct err *e)
{
	struct mail mail = as_mail(text);
	enum sign_outcome outcome;
	struct buf unsafe;

	if (run_message(r, &mail, e))
		return -1;
	outcome = r->t.sign.outcome;
	if (!sign_outcome_ok(outcome))
		return err_set(e, ERR_DATA, "not signed: %s. %s", sign_outcome_sentence(outcome), advice_outcome(outcome));
	if (outcome == SIGN_SIGNED_UNBOUND) {
		buf_init(&unsafe, 512);
		content_unsafe_names(&unsafe, r->t.sign.unsafe);
		fprintf(stderr, "stirctl probe make: signed without digests, since the body may not survive (%.*s); -o UnsafeBody=sign signs them\n",
			SPAN_ARG(buf_span(&unsafe)));
		buf_free(&unsafe);
	}
	if (assemble(m, made, r->t.sign.value, text))
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	mail = as_mail(text);
	return mail_write(&mail, &r->t.verdict, stdout, e);
}

static int write_probe(struct make *m, struct options *o, struct err *e)
{
	static const struct verdict untouched;
	struct probe_make made;
	struct buf text;
	struct run r;
	struct mail mail;
	int rc;

	engine_global_init();
	if (probe_make(&made, &m->recipe))
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	buf_init(&text, 2 * (PROBE_MAKE_HEAD_MAX + PROBE_MAKE_BODY_MAX));
	rc = assemble(m, &made, span_make(NULL, 0), &text) ? err_set(e, ERR_UNAVAILABLE, "out of memory") : 0;
	if (rc == 0 && m->sign) {
		rc = run_open(&r, o, DIRECTION_SIGN, e);
		if (rc == 0) {
			rc = write_signed(m, &made, &r, &text, e);
			run_close(&r);
		}
	} else if (rc == 0) {
		mail = as_mail(&text);
		rc = mail_write(&mail, &untouched, stdout, e);
	}
	if (rc == 0 && (fflush(stdout) || ferror(stdout)))
		rc = err_set(e, ERR_OS, "can't write to standard output: %s", strerror(errno));
	buf_free(&text);
	probe_make_free(&made);
	return rc;
}

static int make(int argc, char **argv)
{
	struct make m = {.recipe = {.kind = PROBE_RECIPE_MMS}};
	struct options o;
	struct err e;
	int rc, status = 0;

	err_clear(&e);
	rc = options_parse_own(&o, &make_own, &m, argc, argv, &e);
	if (rc == 0)
		rc = complete(&m, &o, &e);
	if (rc == 0)
		rc = write_probe(&m, &o, &e);
	if (rc < 0)
		status = run_complain(&o, &e);
	options_free(&o);
	return status;
}

/* --- read ------------------------------------------------------------------------------- */

struct reading {
	bool json;
	const char *sent, *plan;
	struct probe probe;
	struct probe_setup setup;
	struct probe_recipe recipe; /* of --sent, in arena */
	struct arena *arena;
	struct numberplan *numbers;
	unsigned long probes, others;
	int status;
};

static int take_read(void *arg, int c, char *value, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	if (c == ARG_JSON)
		r->json = true;
	else if (c == ARG_SENT)
		r->sent = value;
	else
		r->plan = value;
	return 0;
}

static const struct option read_options[] = {
	{"json", no_argument, NULL, ARG_JSON}, {"sent", required_argument, NULL, ARG_SENT}, {"plan", required_argument, NULL, ARG_PLAN}, {NULL, 0, NULL, 0}};
static const struct options_own read_own = {
	.name = "probe read", .synopsis = "[--json] FILE...",
	.does = "Tell what their way has changed in messages of 'stirctl probe make': fields, octets of\n"
		"the body, the digests, the length of Identity that comes through, and which setting\n"
		"helps. Status 0 when nothing that matters was changed, else 1; 65 without any probe.",
	.flags = "      --json            one JSON object a line, also for messages that are no probe\n"
		"      --sent FILE       the probe as it was made, for messages that have lost what says it\n"
		"      --plan FILE       which gateway domains have which numbering plan (NumberPlan)\n"
		"  -c, --config CONF     take MaxAge, MaxSkew and NumberPlan from this configuration file\n"
		"  FILE is a message, an mbox, a Maildir, a folder of .eml files, or - for standard input.\n",
	.example = "stirctl probe read arrived.eml",
	.option = read_options, .conf = true, .take = take_read,
};

static int open_plan(struct reading *r, const char *path, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, LIMIT_TABLE_BYTES);
	rc = file_read(path, LIMIT_TABLE_BYTES, &text, e);
	if (rc == 0)
		rc = numberplan_parse(path, buf_span(&text), &r->numbers, e);
	buf_free(&text);
	r->setup.plan = r->numbers;
	return rc;
}

static int open_settings(struct reading *r, const struct options *o, struct err *e)
{
	struct settings s;
	const char *plan;
	int rc;

	if (settings_init(&s, e))
		return -1;
	rc = o->conf ? settings_read(&s, o->conf, e) : 0;
	r->setup.max_age_s = s.max_age_s;
	r->setup.max_skew_s = s.max_skew_s;
	plan = r->plan ? r->plan : s.number_plan;
	if (rc == 0 && plan)
		rc = open_plan(r, plan, e);
	settings_free(&s);
	return rc;
}

/* The recipe in the message that was made. */
static int open_sent(struct reading *r, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, MAILBOX_MESSAGE_MAX);
	rc = file_read(r->sent, MAILBOX_MESSAGE_MAX, &text, e);
	if (rc == 0 && probe_recipe_find(buf_span(&text), r->arena, &r->recipe) != 1)
		rc = err_set(e, ERR_DATA, "%s: no probe; --sent takes what 'stirctl probe make' wrote", r->sent);
	buf_free(&text);
	r->setup.sent = &r->recipe;
	return rc;
}

static int open_reading(struct reading *r, const struct options *o, struct err *e)
{
	engine_global_init();
	r->arena = arena_new(LIMIT_MESSAGE_ARENA);
	if (probe_init(&r->probe) || !r->arena)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (open_settings(r, o, e))
		return -1;
	return r->sent ? open_sent(r, e) : 0;
}

static void note(struct reading *r, int status)
{
	if (status && r->status <= CMD_SOME_FAILED)
		r->status = status;
}

static int show(struct reading *r, const struct mail *m, struct err *e)
{
	const struct probe *p = &r->probe;
	bool is = p->recipe_from != PROBE_FROM_NOWHERE;

	r->probes += is;
	r->others += !is;
	if (is && !probe_well(p))
		note(r, CMD_SOME_FAILED);
	if (r->json)
		return probe_print_json(stdout, p, m) ? err_set(e, ERR_UNAVAILABLE, "%s: out of memory", m->file) : 0;
	/* Other mail in a mailbox is none of our business. */
	if (!is && !p->recipe_damaged)
		return 0;
	if (r->probes + r->others > 1)
		putchar('\n');
	probe_print(stdout, p, m);
	return 0;
}

static void read_file(struct reading *r, const struct options *o, const char *path)
{
	struct mailbox *mb;
	struct mail m;
	struct err e;
	int rc;

	err_clear(&e);
	if (mailbox_open(path, &mb, &e)) {
		note(r, run_complain(o, &e));
		return;
	}
	while ((rc = mailbox_next(mb, &m, &e)) != 0)
		if (rc < 0 || probe_read(&r->probe, &m, &r->setup, &e) || show(r, &m, &e))
			note(r, run_complain(o, &e));
	mailbox_close(mb);
}

static int read_all(struct reading *r, const struct options *o)
{
	struct err e;

	for (size_t i = 0; i < o->nfile; i++)
		read_file(r, o, o->file[i]);
	if (fflush(stdout) || ferror(stdout)) {
		err_set(&e, ERR_OS, "can't write to standard output");
		note(r, run_complain(o, &e));
	} else if (r->probes == 0 && r->status <= CMD_SOME_FAILED) {
		err_set(&e, ERR_DATA, "no probe among %lu message%s; 'stirctl probe make' makes one, and --sent FILE says which it was when its own fields and text are gone",
			r->others, r->others == 1 ? "" : "s");
		note(r, run_complain(o, &e));
	}
	return r->status;
}

static int read_probes(int argc, char **argv)
{
	struct reading r = {0};
	struct options o;
	struct err e;
	int rc, status = 0;

	err_clear(&e);
	rc = options_parse_own(&o, &read_own, &r, argc, argv, &e);
	if (rc == 0)
		rc = open_reading(&r, &o, &e);
	if (rc == 0)
		status = read_all(&r, &o);
	else if (rc < 0)
		status = run_complain(&o, &e);
	probe_free(&r.probe);
	arena_free(r.arena);
	numberplan_free(r.numbers);
	options_free(&o);
	return status;
}

/* --- which ---------------------------------------------------------------------------------- */

int cmd_probe(int argc, char **argv)
{
	static const struct subcommand subcommands[] = {
		{"make", make, "write the message"},
		{"read", read_probes, "tell what became of it"},
	};
	static const struct subcommand_set set = {
		.program = "stirctl probe",
		.head = "usage: stirctl probe make|read [options] ...\n"
			"A canary message that tells what a path does to mail.\n\n",
		.tail = "\n'stirctl probe COMMAND --help' tells more.\n"
			"\nFor example:\n"
			"  stirctl probe make --from +15550100001@mms.a.example --to +15550300001@mms.b.example >probe.eml\n"
			"  stirctl probe read probe.eml\n",
		.at = subcommands,
		.n = sizeof subcommands / sizeof *subcommands,
	};

	return subcommand_run(&set, argc, argv);
}
