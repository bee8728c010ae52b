/*
 * Every reason and every outcome has an advice.
 */
#include "config.h"

#include "ctl/advice.h"
#include "tests/lib/tap.h"

int main(void)
{
	const char *none = advice_reason(STIR_REASON_COUNT);

	for (int r = 0; r < STIR_REASON_COUNT; r++)
		tap_ok(strcmp(advice_reason((enum stir_reason)r), none) != 0, "%s", stir_reason_name((enum stir_reason)r));
	for (int o = 0; o < SIGN_OUTCOME_COUNT; o++)
		tap_ok(strcmp(advice_outcome((enum sign_outcome)o), none) != 0, "%s", sign_outcome_name((enum sign_outcome)o));
	return tap_done();
}
