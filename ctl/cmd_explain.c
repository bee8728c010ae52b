/*
 * stirctl explain: one message after the other, told at length.
 */
#include "config.h"

#include "ctl/cmd.h"
#include "ctl/explain.h"

static int tell(struct run *r, struct mailbox *mb, const struct mail *m, void *arg, struct err *e)
{
	bool *first = arg;

	(void)mb;
	(void)e;
	if (!*first)
		putchar('\n');
	*first = false;
	explain_message(stdout, r, m);
	if (r->direction == DIRECTION_SIGN)
		explain_sign(stdout, r);
	else
		explain_verify(stdout, r, m);
	explain_policy(stdout, r, r->options->all);
	explain_verdict(stdout, r);
	if (r->direction == DIRECTION_SIGN)
		return sign_outcome_ok(r->t.sign.outcome);
	return stir_reason_word(r->t.result.reason) == STIR_WORD_PASS;
}

int cmd_explain(int argc, char **argv)
{
	bool first = true;
	struct options o;
	struct run r;
	struct err e;
	int rc, status;

	err_clear(&e);
	rc = options_parse(&o, OPTIONS_EXPLAIN, argc, argv, &e);
	if (rc == 0)
		rc = run_open(&r, &o, o.sign ? DIRECTION_SIGN : DIRECTION_VERIFY, &e);
	if (rc) {
		status = rc > 0 ? 0 : run_complain(&o, &e);
		options_free(&o);
		return status;
	}
	r.trace = true;
	status = run_all(&r, &(struct run_hooks){.message = tell, .arg = &first});
	run_close(&r);
	options_free(&o);
	return status;
}
