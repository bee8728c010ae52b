/* A value of X-Mms-Message-Type, alone and as the first and second of a header: its name reads as itself, and only the whole value counts; the third is whether the sender hides. */
#include "config.h"

#include "core/mmspdu.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size), first = span_cut(&rest, '|'), second = span_cut(&rest, '|');
	struct header_field f[] = {{.name = span_cstr("x-mms-message-type"), .value = first}, {.name = span_cstr("X-MMS-Message-Type"), .value = second},
		{.name = span_cstr("X-Mms-Sender-Visibility"), .value = rest}};
	struct mms_message m = {.field = f, .nfield = 3};
	enum mmspdu_class c = mmspdu_class(first);
	struct mmspdu p;

	if (c > MMSPDU_OTHER && (mmspdu_class(span_cstr(mmspdu_name(c))) != c || !span_caseis(span_trim(first), mmspdu_name(c))))
		abort();
	mmspdu_read(&m, &p);
	/* What two readers may take for two classes is disputed. */
	if (p.class != c || (!p.disputed && mmspdu_class(second) != c) || (mmspdu_is_report(c) && mmspdu_is_response(c)))
		abort();
	if (mmspdu_hides_sender(&m) != span_caseis(span_trim(rest), "hide") || (mmspdu_is_report(c) && !mmspdu_claims_mm4(&p)))
		abort();
	return 0;
}
