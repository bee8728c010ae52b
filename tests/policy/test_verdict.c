/* Verdicts as data: edits keep their order and are copies. */
#include "config.h"

#include "policy/verdict.h"
#include "tests/lib/tap.h"

int main(void)
{
	struct arena *a = arena_new(2000);
	char value[] = "one";
	struct verdict v;
	int rc = 0;

	verdict_init(&v);
	tap_int(v.action, VERDICT_ACCEPT, "nothing to do");
	tap_int(verdict_delete(&v, a, span_cstr("X"), 2), 0, "delete");
	tap_int(verdict_delete(&v, a, span_cstr("X"), 1), 0, "delete");
	tap_int(verdict_insert(&v, a, span_cstr("Y"), span_cstr(value)), 0, "insert");
	value[0] = 'O';
	tap_int((long long)v.nedit, 3, "three edits");
	tap_ok(v.edit[0].nth == 2 && v.edit[1].nth == 1, "in the order they were made");
	tap_span_is(v.edit[2].value, "one", "the value is a copy");
	for (int i = 0; i < 1000 && rc == 0; i++)
		rc = verdict_insert(&v, a, span_cstr("Z"), span_cstr("zzzzzzzzzzzzzzzzzzz"));
	tap_int(rc, -1, "a full arena is said");
	tap_str(verdict_action_name(VERDICT_TEMPFAIL), "tempfail", "a name");
	arena_free(a);
	return tap_done();
}
