/*
 * stirctl evidence: does the log hold, do its tokens, and what does it say of a
 * message?
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/encoding.h"
#include "ctl/cmd.h"
#include "ctl/evidence_check.h"
#include "ctl/print.h"
#include "ctl/subcommand.h"
#include "engine/evidence_read.h"

/* --- arguments -------------------------------------------------------------------------- */

struct args {
	const char *trust; /* NULL: none */
	bool json;
};

enum { ARG_TRUST = OPTIONS_OWN_FIRST, ARG_JSON };

static int take(void *arg, int c, char *value, struct err *e)
{
	struct args *a = arg;

	(void)e;
	if (c == ARG_TRUST)
		a->trust = value;
	else
		a->json = true;
	return 0;
}

static const struct option check_options[] = {{"trust", required_argument, NULL, ARG_TRUST}, {"json", no_argument, NULL, ARG_JSON}, {NULL, 0, NULL, 0}};
static const struct options_own check_own = {
	.name = "evidence check", .synopsis = "[-c CONF | --trust FILE] DIR|FILE",
	.does = "Tell whether the evidence log is whole: every line bound to the one before it, every\n"
		"chain there. With -c or --trust, verify each recorded token again as of its receipt\n"
		"(chain, dates, revocation, authority, signature; not the content, which only\n"
		"'stirctl verify --evidence' with the message can). Status 0 when all holds, else 1.",
	.flags = "  -c, --config CONF     trust what this configuration trusts\n"
		"      --trust FILE      trust anchors (TrustAnchors)\n"
		"      --json            the counts as one JSON object\n",
	.example = "stirctl evidence check --trust anchors.pem /var/lib/stir-milter/evidence",
	.option = check_options, .conf = true, .take = take,
};

static const struct option show_options[] = {{NULL, 0, NULL, 0}};
static const struct options_own show_own = {
	.name = "evidence show", .synopsis = "DIR|FILE ID...",
	.does = "Print the entries of a message as JSON, each with its certificates. Status 1 when an ID has none.",
	.flags = "  ID is a queue id, a Message-ID or a token.\n",
	.example = "stirctl evidence show /var/lib/stir-milter/evidence 4QxyZ12345",
	.option = show_options, .take = take,
};

/* --- check -------------------------------------------------------------------------------- */

struct check {
	const struct args *a;
	FILE *f;                 /* where faults are said */
	struct run *run;         /* NULL: tokens are not verified */
	struct evidence_verify_source source;
	struct buf why;
	uint64_t same, differ, cannot;
};

static void put_place(FILE *f, const char *path, uint64_t line)
{
	print_quoted(f, span_cstr(path), 1000);
	fprintf(f, ":%" PRIu64 ": ", line);
}

static void say_fault(void *arg, const char *path, uint64_t line, const char *text)
{
	const struct check *c = arg;

	put_place(c->f, path, line);
	fprintf(c->f, "%s\n", text);
}

static int check_one(void *arg, const struct evidence_line *l, const char *path, uint64_t line, struct err *e)
{
	enum evidence_check_outcome outcome;
	struct check *c = arg;

	/* Without its chain it is a fault that was said. */
	if (l->chain_pem.n == 0) {
		c->cannot++;
		return 0;
	}
	if (evidence_check_entry(&c->source, c->run, l, &outcome, &c->why, e))
		return err_prefix(e, "%s:%" PRIu64, path, line);
	c->same += outcome == EVIDENCE_CHECK_SAME;
	c->cannot += outcome == EVIDENCE_CHECK_CANNOT;
	if (outcome != EVIDENCE_CHECK_DIFFERS)
		return 0;
	c->differ++;
	put_place(c->f, path, line);
	fputs("verified again: ", c->f);
	print_quoted(c->f, buf_span(&c->why), 1000);
	fputc('\n', c->f);
	return 0;
}

static void put_counts(const struct check *c, const struct evidence_read_summary *s)
{
	char from[PRINT_TIME_BYTES], until[PRINT_TIME_BYTES], hex[2 * EVIDENCE_LINE_HASH];

	printf("files    %" PRIu64 ", with %" PRIu64 " octets\n", s->files, s->octets);
	printf("entries  %" PRIu64 "\n", s->entries);
	if (s->entries)
		printf("from     %s\nuntil    %s\n", print_time(from, s->first), print_time(until, s->last));
	if (s->bound)
		puts("begin    bound to an older line that is not here any more");
	if (s->torn)
		printf("torn     %" PRIu64 " (a crash cut them off; the next start noticed it)\n", s->torn);
	if (s->open_end)
		puts("end      within a line: a crash, or it is being written");
	if (s->late)
		printf("late     %" PRIu64 " (written to a file after the next one was begun)\n", s->late);
	if (s->lines) {
		hex_encode(hex, s->end.octets, sizeof s->end.octets);
		printf("last     %.*s (SHA-256 of the last line)\n", (int)sizeof hex, hex);
	}
	if (c->run)
		printf("tokens   %" PRIu64 " as recorded, %" PRIu64 " differ, %" PRIu64 " can't be verified without their message\n", c->same, c->differ, c->cannot);
	if (s->faults)
		printf("hashes   %" PRIu64 " faults: the log is not what was written\n", s->faults);
	else
		puts("hashes   every line is bound to the one before it");
}

static int put_counts_json(const struct check *c, const struct evidence_read_summary *s, struct err *e)
{
	char hex[2 * EVIDENCE_LINE_HASH];
	json_t *o, *tokens = json_null();
	char *text;

	hex_encode(hex, s->end.octets, sizeof s->end.octets);
	if (c->run)
		tokens = json_pack("{sI sI sI}", "same", (json_int_t)c->same, "differ", (json_int_t)c->differ, "cannot", (json_int_t)c->cannot);
	o = json_pack("{sI sI sI sI sI sI sI so so sb sb so so}", "files", (json_int_t)s->files, "octets", (json_int_t)s->octets, "lines", (json_int_t)s->lines, "entries",
		      (json_int_t)s->entries, "torn", (json_int_t)s->torn, "late", (json_int_t)s->late, "faults", (json_int_t)s->faults, "first",
		      s->entries ? json_integer((json_int_t)s->first) : json_null(), "last", s->entries ? json_integer((json_int_t)s->last) : json_null(), "bound", s->bound,
		      "open_end", s->open_end, "end", s->lines ? json_stringn(hex, sizeof hex) : json_null(), "tokens", tokens);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!text)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	puts(text);
	free(text);
	return 0;
}

/* The exit status. */
static int check_path(struct check *c, const struct options *o)
{
	const struct evidence_read_hooks h = {.entry = c->run ? check_one : NULL, .fault = say_fault, .arg = c};
	struct evidence_read_summary s;
	struct err e;

	err_clear(&e);
	if (evidence_read_all(o->file[0], &h, &s, &e))
		return run_complain(o, &e);
	if (!c->a->json)
		put_counts(c, &s);
	else if (put_counts_json(c, &s, &e))
		return run_complain(o, &e);
	return s.faults || c->differ ? CMD_SOME_FAILED : 0;
}

static int run_check(struct options *o, const struct args *a)
{
	struct check c = {.a = a, .f = a->json ? stderr : stdout};
	struct run r;
	struct err e;
	int status;

	err_clear(&e);
	if (a->trust)
		o->set[o->nset++] = (struct options_pair){"TrustAnchors", a->trust};
	if (a->trust || o->conf) {
		o->evidence = o->file[0];
		if (run_open(&r, o, DIRECTION_VERIFY, &e))
			return run_complain(o, &e);
		c.run = &r;
	}
	buf_init(&c.why, ERR_TEXT_BYTES);
	status = check_path(&c, o);
	buf_free(&c.why);
	if (c.run)
		run_close(c.run);
	return status;
}

static int check(int argc, char **argv)
{
	struct args a = {0};
	struct options o;
	struct err e;
	int rc, status;

	err_clear(&e);
	rc = options_parse_own(&o, &check_own, &a, argc, argv, &e);
	if (rc == 0 && o.nfile != 1)
		rc = err_set(&e, ERR_USAGE, "one folder, or one file, at a time");
	status = rc == 0 ? run_check(&o, &a) : rc > 0 ? 0 : run_complain(&o, &e);
	options_free(&o);
	return status;
}

/* --- show ------------------------------------------------------------------------------------ */

struct show {
	char **id;
	size_t n;
	bool *found;
};

/* As evidence has them: printable. A Message-ID may be given without its brackets. */
static bool is_id(struct span recorded, struct span id)
{
	if (id.n == 0)
		return false;
	if (recorded.n == id.n + 2 && recorded.p[0] == '<')
		recorded = span_make(recorded.p + 1, id.n);
	return span_eq(recorded, id);
}

static int print_entry(const struct evidence_line *l, struct err *e)
{
	json_t *copy = json_copy(l->json);
	char *text;

	if (!copy || (l->chain_pem.n && json_object_set_new(copy, "chain_pem", json_stringn(l->chain_pem.p, l->chain_pem.n)))) {
		json_decref(copy);
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	text = json_dumps(copy, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	json_decref(copy);
	if (!text)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	puts(text);
	free(text);
	return 0;
}

static int show_one(void *arg, const struct evidence_line *l, const char *path, uint64_t line, struct err *e)
{
	const struct show *s = arg;
	bool hit = false;

	(void)path, (void)line;
	for (size_t i = 0; i < s->n; i++) {
		struct span id = span_cstr(s->id[i]);

		if (!is_id(l->id, id) && !is_id(l->message_id, id) && !is_id(l->token, id))
			continue;
		s->found[i] = true;
		hit = true;
	}
	return hit ? print_entry(l, e) : 0;
}

static int run_show(const struct options *o)
{
	struct show s = {.id = o->file + 1, .n = o->nfile - 1, .found = calloc(o->nfile, sizeof(bool))};
	struct evidence_read_summary sum;
	struct err e;
	int status = 0;

	err_clear(&e);
	if (!s.found)
		return run_complain(o, (err_set(&e, ERR_UNAVAILABLE, "out of memory"), &e));
	if (evidence_read_all(o->file[0], &(struct evidence_read_hooks){.entry = show_one, .arg = &s}, &sum, &e))
		status = run_complain(o, &e);
	for (size_t i = 0; status <= CMD_SOME_FAILED && i < s.n; i++) {
		if (s.found[i])
			continue;
		status = CMD_SOME_FAILED;
		fputs("stirctl evidence show: no entry of ", stderr);
		print_quoted(stderr, span_cstr(s.id[i]), 1000);
		fputc('\n', stderr);
	}
	free(s.found);
	return status;
}

static int show(int argc, char **argv)
{
	struct args a = {0};
	struct options o;
	struct err e;
	int rc, status;

	err_clear(&e);
	rc = options_parse_own(&o, &show_own, &a, argc, argv, &e);
	if (rc == 0 && o.nfile < 2)
		rc = err_set(&e, ERR_USAGE, "give the folder or a file, and at least one ID");
	status = rc == 0 ? run_show(&o) : rc > 0 ? 0 : run_complain(&o, &e);
	options_free(&o);
	return status;
}

/* --- which ------------------------------------------------------------------------------------- */

int cmd_evidence(int argc, char **argv)
{
	static const struct subcommand subcommands[] = {
		{"check", check, "is it whole, and do its tokens verify as of their receipt?"},
		{"show", show, "print the entries of a message"},
	};
	static const struct subcommand_set set = {
		.program = "stirctl evidence",
		.head = "usage: stirctl evidence COMMAND [options] DIR|FILE ...\n"
			"Reads the evidence log (EvidenceDir).\n\n",
		.tail = "\n'stirctl evidence COMMAND --help' tells more; 'stirctl verify --evidence DIR MAIL' judges\n"
			"stored messages again.\n",
		.at = subcommands,
		.n = sizeof subcommands / sizeof *subcommands,
	};

	return subcommand_run(&set, argc, argv);
}
