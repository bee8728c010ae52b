/*
 * See sslerror.h.  Knows no message texts: callers say what they were doing.
 */
#include "config.h"

#include "core/sslerror.h"

#include <openssl/err.h>

void sslerror_clear(void)
{
	ERR_clear_error();
}

bool sslerror_no_memory(void)
{
	unsigned long code;
	bool found = false;

	while ((code = ERR_get_error()) != 0)
		found = found || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
	return found;
}
