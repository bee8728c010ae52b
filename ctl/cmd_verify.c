/*
 * stirctl verify: one line, or one JSON object, for each message; and the
 * messages as they would be passed on, if asked for.  With --evidence, how that
 * compares with what was recorded.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "ctl/cmd.h"
#include "ctl/evidence_verify.h"
#include "ctl/output.h"
#include "ctl/print.h"

struct shown {
	bool json, terminal, colour;
	bool titles;         /* are printed */
	bool quiet;          /* the messages themselves go to standard output */
	struct output *out;  /* or NULL */
	struct evidence_verify *evidence; /* or NULL */
};

static int print_as_json(struct run *r, const struct mail *m, const struct shown *s)
{
	if (s->evidence)
		return print_json_with(stdout, r, m, "evidence", evidence_verify_json(s->evidence, r));
	return print_json(stdout, r, m);
}

static int print(struct run *r, const struct mail *m, struct shown *s, struct err *e)
{
	if (s->json) {
		if (print_as_json(r, m, s))
			return err_set(e, ERR_UNAVAILABLE, "%s: out of memory", m->file);
		return 0;
	}
	if (s->terminal && !s->titles)
		print_titles(stdout);
	s->titles = true;
	print_line(stdout, r, m, s->colour);
	if (s->evidence && evidence_verify_print(stdout, s->evidence, r))
		return err_set(e, ERR_UNAVAILABLE, "%s: out of memory", m->file);
	return 0;
}

static int show(struct run *r, struct mailbox *mb, const struct mail *m, void *arg, struct err *e)
{
	static const struct verdict untouched;
	struct shown *s = arg;

	if (!s->quiet && print(r, m, s, e))
		return -1;
	if (s->out && output_message(s->out, mb, m, r->t.edits_incomplete ? &untouched : &r->t.verdict, e))
		return -1;
	return stir_reason_word(r->t.result.reason) == STIR_WORD_PASS && (!s->evidence || evidence_verify_same(s->evidence, r));
}

static int before(struct run *r, const struct mail *m, void *arg, struct err *e)
{
	const struct shown *s = arg;

	return s->evidence ? evidence_verify_message(s->evidence, r, m, e) : 0;
}

static void lost(void *arg, const char *file)
{
	struct shown *s = arg;

	if (s->out)
		output_lost(s->out, file);
}

static int judge(struct run *r, const struct options *o)
{
	struct shown s = {.json = o->json, .terminal = isatty(STDOUT_FILENO), .quiet = o->out && strcmp(o->out, "-") == 0};
	struct output out;
	struct err e;
	int rc, status;

	err_clear(&e);
	s.colour = s.terminal && !getenv("NO_COLOR");
	if (o->evidence && evidence_verify_open(o->evidence, &s.evidence, &e))
		return run_complain(o, &e);
	if (o->out) {
		if (output_open(&out, o, &e)) {
			evidence_verify_close(s.evidence);
			return run_complain(o, &e);
		}
		s.out = &out;
	}
	status = run_all(r, &(struct run_hooks){.before = before, .message = show, .lost = lost, .arg = &s});
	evidence_verify_close(s.evidence);
	if (s.out && output_close(&out, &e) && (rc = run_complain(o, &e)) && status <= CMD_SOME_FAILED)
		status = rc;
	return status;
}

int cmd_verify(int argc, char **argv)
{
	struct options o;
	struct run r;
	struct err e;
	int rc, status;

	err_clear(&e);
	rc = options_parse(&o, OPTIONS_VERIFY, argc, argv, &e);
	if (rc == 0)
		rc = run_open(&r, &o, DIRECTION_VERIFY, &e);
	if (rc) {
		status = rc > 0 ? 0 : run_complain(&o, &e);
		options_free(&o);
		return status;
	}
	status = judge(&r, &o);
	run_close(&r);
	options_free(&o);
	return status;
}
