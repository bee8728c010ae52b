/* Any text as a file of trust domains: refused with a place, or every value has its place and its bounds. */
#include "config.h"

#include <stdlib.h>

#include "engine/trust_file_internal.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct trust_file f;
	struct span text = span_make(data, size);
	struct err e = {ERR_NONE, ""};

	if (trust_file_parse("trust", text, &f, &e)) {
		if (strncmp(e.text, "trust:", 6) != 0)
			abort();
		return 0;
	}
	if (f.n < 1 || f.n > LIMIT_TRUST_DOMAINS)
		abort();
	for (size_t i = 0; i < f.n; i++) {
		const struct trust_rules *r = &f.domain[i].rules;

		if (!r->name[0] || strlen(r->name) > TRUST_NAME_MAX || r->credit < 0 || r->credit > 10000 || f.domain[i].max_age_s < 1)
			abort();
		for (size_t w = 0; w < TRUST_FILE_WORDS; w++) {
			const struct trust_file_value *v = &f.domain[i].value[w];

			if (v->line && (v->text.n == 0 || v->text.p < text.p || v->text.p + v->text.n > text.p + text.n || v->column < 1))
				abort();
		}
	}
	return 0;
}
