/* The table of facts: names, words, what is always there. */
#include "config.h"

#include "policy/fact.h"

#include "core/stir_reason.h"
#include "core/stir_result.h"
#include "tests/lib/tap.h"

static void test_rows(void)
{
	for (unsigned i = 0; i < FACT_N; i++) {
		const struct fact_row *r = fact_row((enum fact_id)i);
		size_t n = strlen(r->sentence);
		bool says = n > 8 && strcmp(r->sentence + n - 8, "(always)") == 0, plain = true;

		for (const char *p = r->name; *p; p++)
			plain = plain && ((*p >= 'a' && *p <= 'z') || *p == '.' || *p == '_');
		tap_ok(plain && r->name[0], "%s: lower case, dots and underscores", r->name);
		tap_int(fact_find(span_cstr(r->name)), i, "%s: found", r->name);
		tap_ok(r->always == says, "%s: always is what its sentence says", r->name);
		tap_ok((r->type == FACT_TYPE_ENUM) == (r->word != NULL), "%s: words if it is an enum", r->name);
		tap_ok(!r->list || r->type == FACT_TYPE_TN || r->type >= FACT_TYPE_HOST, "%s: a list of numbers or texts", r->name);
		tap_ok(r->source[0] && r->sentence[0] && r->example[0], "%s: source, sentence, example", r->name);
		if (r->word)
			tap_ok(fact_word((enum fact_id)i, span_cstr(r->example)) >= 0, "%s: its example is one of its words", r->name);
	}
	tap_int(fact_find(span_cstr("Verify")), FACT_N, "names are exact");
	tap_int(fact_find(span_cstr("verif")), FACT_N, "the whole name");
	tap_str(fact_suggest(span_cstr("rcpt.cuont")), "rcpt.count", "a near name");
	tap_ok(!fact_suggest(span_cstr("unheardof.thing")), "no near name");
}

static void test_words(void)
{
	tap_int(fact_word(FACT_VERIFY, span_cstr("permerror")), STIR_WORD_PERMERROR, "verify has the order of enum stir_word");
	tap_int(fact_word(FACT_VERIFY, span_cstr("none")), STIR_WORD_NONE, "from the first");
	for (int i = 0; i < STIR_REASON_COUNT; i++)
		tap_int(fact_word(FACT_REASON, span_cstr(stir_reason_name((enum stir_reason)i))), i, "reason %s", stir_reason_name((enum stir_reason)i));
	for (int i = STIR_WORD_NONE; i <= STIR_WORD_PERMERROR; i++)
		tap_int(fact_word(FACT_VERIFY, span_cstr(stir_word_name((enum stir_word)i))), i, "verify %s", stir_word_name((enum stir_word)i));
	for (int i = STIR_INTEGRITY_NONE; i <= STIR_INTEGRITY_MALFORMED; i++)
		tap_ok(fact_word(FACT_INTEGRITY, span_cstr(stir_integrity_name((enum stir_integrity)i))) >= 0, "integrity %s", stir_integrity_name((enum stir_integrity)i));
	for (int i = STIR_DEST_FULL; i <= STIR_DEST_NONE; i++)
		tap_ok(fact_word(FACT_DEST_COVER, span_cstr(stir_dest_cover_name((enum stir_dest_cover)i))) >= 0, "dest.cover %s", stir_dest_cover_name((enum stir_dest_cover)i));
	for (int i = STIR_REPLAY_OFF; i <= STIR_REPLAY_UNKNOWN; i++)
		tap_ok(fact_word(FACT_REPLAY, span_cstr(stir_replay_name((enum stir_replay)i))) >= 0, "replay %s", stir_replay_name((enum stir_replay)i));
	for (int i = TN_AUTHORITY_NONE; i <= TN_AUTHORITY_TN; i++)
		tap_ok(fact_word(FACT_AUTHORITY, span_cstr(tn_authority_name((enum tn_authority)i))) >= 0, "authority %s", tn_authority_name((enum tn_authority)i));
	tap_int(fact_word(FACT_VERIFY, span_cstr("Pass")), -1, "words are exact");
	tap_int(fact_word(FACT_VERIFY, span_cstr("")), -1, "the empty word is none");
	tap_int(fact_word(FACT_ORIG_TN, span_cstr("pass")), -1, "a number has no words");
}

static void test_texts(void)
{
	tap_str(fact_type_name(FACT_TYPE_SPC), "spc", "name of a type");
	tap_str(fact_type_hint(FACT_TYPE_DURATION), "a duration: write a unit, as in 60s, 5m, 2h, 7d", "how it is written");
	for (int t = FACT_TYPE_ENUM; t <= FACT_TYPE_CLOCK; t++)
		tap_ok(fact_type_name((enum fact_type)t) && fact_type_hint((enum fact_type)t), "type %d has both", t);
	tap_str(fact_need_name(FACT_NEED_FREE), "free", "free");
	tap_str(fact_need_name(FACT_NEED_HISTORY), "history", "history");
}

int main(void)
{
	test_rows();
	test_words();
	test_texts();
	return tap_done();
}
