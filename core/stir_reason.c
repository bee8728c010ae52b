/*
 * The table of stir_reason.def, made readable by index and by name.
 *
 * Judges nothing: which reason a message gets is the verifier's business.
 */
#include "config.h"

#include "core/stir_reason.h"

static const struct stir_reason_info reasons[STIR_REASON_COUNT] = {
#define STIR_REASON(id, name, word, code, section, sentence) \
	[STIR_##id] = {name, STIR_WORD_##word, code, section, sentence},
#include "core/stir_reason.def"
#undef STIR_REASON
};

static const char *const words[] = {
	[STIR_WORD_NONE] = "none",
	[STIR_WORD_PASS] = "pass",
	[STIR_WORD_FAIL] = "fail",
	[STIR_WORD_POLICY] = "policy",
	[STIR_WORD_TEMPERROR] = "temperror",
	[STIR_WORD_PERMERROR] = "permerror",
};

const struct stir_reason_info *stir_reason_info(enum stir_reason r)
{
	return (size_t)r < STIR_REASON_COUNT ? &reasons[r] : NULL;
}

const char *stir_reason_name(enum stir_reason r)
{
	return (size_t)r < STIR_REASON_COUNT ? reasons[r].name : "unknown";
}

enum stir_word stir_reason_word(enum stir_reason r)
{
	return (size_t)r < STIR_REASON_COUNT ? reasons[r].word : STIR_WORD_TEMPERROR;
}

const char *stir_word_name(enum stir_word w)
{
	return (size_t)w < sizeof words / sizeof words[0] ? words[w] : "unknown";
}

enum stir_reason stir_reason_by_name(struct span name)
{
	for (size_t i = 0; i < STIR_REASON_COUNT; i++)
		if (span_is(name, reasons[i].name))
			return (enum stir_reason)i;
	return STIR_REASON_COUNT;
}
