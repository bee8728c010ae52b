/* The table of reasons: complete, unambiguous, usable in header fields. */
#include "config.h"

#include "core/stir_reason.h"

#include "core/stir_result.h"
#include "tests/lib/tap.h"

static bool word_like(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-'))
			return false;
	return true;
}

static bool code_fits(const struct stir_reason_info *r)
{
	switch (r->word) {
	case STIR_WORD_PASS:
		return r->sip_code == 0;
	case STIR_WORD_NONE:
		return r->sip_code == 428;
	case STIR_WORD_TEMPERROR:
		return r->sip_code == 436;
	case STIR_WORD_FAIL:
	case STIR_WORD_POLICY:
	case STIR_WORD_PERMERROR:
		return r->sip_code == 403 || (r->sip_code >= 436 && r->sip_code <= 438);
	}
	return false;
}

static void test_table(void)
{
	for (int i = 0; i < STIR_REASON_COUNT; i++) {
		const struct stir_reason_info *r = stir_reason_info((enum stir_reason)i);

		tap_ok(r && word_like(r->name), "%s: a name of lower case and hyphens", r->name);
		tap_int(stir_reason_by_name(span_cstr(r->name)), i, "%s: found by its name", r->name);
		tap_str(stir_reason_name((enum stir_reason)i), r->name, "%s: its name", r->name);
		tap_int(stir_reason_word((enum stir_reason)i), r->word, "%s: its word", r->name);
		tap_ok(code_fits(r), "%s: code %d fits %s", r->name, r->sip_code, stir_word_name(r->word));
		tap_ok(*r->section && *r->sentence && r->sentence[strlen(r->sentence) - 1] != '.',
		       "%s: section and sentence", r->name);
	}
}

static void test_names(void)
{
	static const char *const words[] = {"none", "pass", "fail", "policy", "temperror", "permerror"};

	for (int i = 0; i < 6; i++)
		tap_str(stir_word_name((enum stir_word)i), words[i], "word %s", words[i]);
	tap_int(stir_reason_by_name(span_cstr("nonsense")), STIR_REASON_COUNT, "unknown name");
	tap_int(stir_reason_by_name(span_cstr("")), STIR_REASON_COUNT, "no name");
	tap_int(stir_reason_by_name(span_cstr("OK")), STIR_REASON_COUNT, "case matters");
	tap_ok(stir_reason_info(STIR_REASON_COUNT) == NULL, "no reason beyond the table");
	tap_str(stir_reason_name(STIR_REASON_COUNT), "unknown", "its name");
	tap_int(stir_reason_word(STIR_OK), STIR_WORD_PASS, "ok passes");
	for (int i = 1; i < STIR_REASON_COUNT; i++)
		if (stir_reason_word((enum stir_reason)i) == STIR_WORD_PASS)
			tap_ok(false, "%s passes too", stir_reason_name((enum stir_reason)i));
}

static void test_result_names(void)
{
	tap_str(stir_integrity_name(STIR_INTEGRITY_UNKNOWN), "unknown", "integrity unknown");
	tap_str(stir_integrity_name(STIR_INTEGRITY_DECODED), "decoded", "integrity decoded");
	tap_str(stir_integrity_name(STIR_INTEGRITY_MALFORMED), "malformed", "integrity malformed");
	tap_str(stir_dest_cover_name(STIR_DEST_FULL), "full", "dest full");
	tap_str(stir_dest_cover_name(STIR_DEST_NONE), "none", "dest none");
	tap_str(stir_replay_name(STIR_REPLAY_OFF), "off", "replay off");
	tap_str(stir_replay_name(STIR_REPLAY_UNKNOWN), "unknown", "replay unknown");
	tap_str(stir_stage_name(STIR_STAGE_FIELD), "field", "stage field");
	tap_str(stir_stage_name(STIR_STAGE_DONE), "done", "stage done");
}

int main(void)
{
	test_table();
	test_names();
	test_result_names();
	return tap_done();
}
