/*
 * Reasons and result words: the one table behind log, header, JSON and manual.
 */
#ifndef STIR_CORE_STIR_REASON_H
#define STIR_CORE_STIR_REASON_H

#include "core/span.h"

enum stir_reason {
#define STIR_REASON(id, name, word, code, section, sentence) STIR_##id,
#include "core/stir_reason.def"
#undef STIR_REASON
	STIR_REASON_COUNT
};

/* The result words of RFC 8601, 2.7, that we use. */
enum stir_word { STIR_WORD_NONE, STIR_WORD_PASS, STIR_WORD_FAIL, STIR_WORD_POLICY, STIR_WORD_TEMPERROR, STIR_WORD_PERMERROR };

struct stir_reason_info {
	const char *name;
	enum stir_word word;
	int sip_code;
	const char *section;
	const char *sentence;
};

/* Never NULL for a reason of the table. */
const struct stir_reason_info *stir_reason_info(enum stir_reason r);
const char *stir_reason_name(enum stir_reason r);
enum stir_word stir_reason_word(enum stir_reason r);
const char *stir_word_name(enum stir_word w);
/* The reason of that name, or STIR_REASON_COUNT. */
enum stir_reason stir_reason_by_name(struct span name);

#endif
