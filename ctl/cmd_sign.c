/*
 * stirctl sign: messages in, the same messages out, signed where they may be.
 *
 * A message that isn't signed comes out as it came, and standard error says why.
 */
#include "config.h"

#include "ctl/cmd.h"
#include "ctl/output.h"
#include "ctl/print.h"

static void say(const struct run *r, const struct mail *m)
{
	const struct sign_result *s = &r->t.sign;
	struct buf unsafe;

	if (s->outcome == SIGN_SIGNED)
		return;
	fprintf(stderr, "stirctl sign: ");
	print_quoted(stderr, span_cstr(m->file), LIMIT_URI_BYTES);
	fprintf(stderr, ": message %lu%s: %s", m->index, sign_outcome_ok(s->outcome) ? "" : " not signed", sign_outcome_sentence(s->outcome));
	if (s->detail.n)
		fprintf(stderr, " (%.*s)", SPAN_ARG(s->detail));
	buf_init(&unsafe, 512);
	content_unsafe_names(&unsafe, s->unsafe);
	if (unsafe.n)
		fprintf(stderr, " (%.*s)", SPAN_ARG(buf_span(&unsafe)));
	buf_free(&unsafe);
	fputc('\n', stderr);
}

static int write_message(struct run *r, struct mailbox *mb, const struct mail *m, void *arg, struct err *e)
{
	static const struct verdict untouched;
	bool done = sign_outcome_ok(r->t.sign.outcome) && !r->t.edits_incomplete;

	say(r, m);
	if (output_message(arg, mb, m, done ? &r->t.verdict : &untouched, e))
		return -1;
	return done;
}

static void lost(void *arg, const char *file)
{
	output_lost(arg, file);
}

int cmd_sign(int argc, char **argv)
{
	struct options o;
	struct output out;
	struct run r;
	struct err e;
	int rc, status;

	err_clear(&e);
	rc = options_parse(&o, OPTIONS_SIGN, argc, argv, &e);
	if (rc == 0)
		rc = run_open(&r, &o, DIRECTION_SIGN, &e);
	if (rc) {
		status = rc > 0 ? 0 : run_complain(&o, &e);
		options_free(&o);
		return status;
	}
	if (output_open(&out, &o, &e)) {
		status = run_complain(&o, &e);
	} else {
		status = run_all(&r, &(struct run_hooks){.message = write_message, .lost = lost, .arg = &out});
		if (output_close(&out, &e) && (rc = run_complain(&o, &e)) && status <= CMD_SOME_FAILED)
			status = rc;
	}
	run_close(&r);
	options_free(&o);
	return status;
}
