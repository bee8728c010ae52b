/* A table of numbering plans, and numbers asked of it: the first line is an address, the rest the table. */
#include "config.h"

#include "core/address.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size), addr = span_cut(&text, '\n'), local, domain;
	struct numberplan *p;
	struct err e;
	struct tn tn, again;

	if (numberplan_parse("table", text, &p, &e) < 0) {
		if (p || !e.text[0])
			abort();
	}
	address_split(addr, &local, &domain);
	if (numberplan_number(p, local, domain, &tn)) {
		if (tn.n < TN_MIN_E164 || tn.digits[0] == '0' || tn_from_claim(tn_span(&tn), &again) < 0)
			abort();
	}
	numberplan_free(p);
	return 0;
}
