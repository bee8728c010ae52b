/*
 * The table of facts, and the words of those that are enums.
 *
 * Knows names and types; values are facts.c's, and what a message has in them
 * is the engine's.
 */
#include "config.h"

#include "policy/fact.h"

#include <assert.h>

#include "core/suggest.h"

/* --- words; an index is the value of the fact, so new ones go to the end */

static const char *const verify_words[] = {"none", "pass", "fail", "policy", "temperror", "permerror", NULL};
static const char *const reason_words[] = {
#define STIR_REASON(id, name, word, code, section, sentence) name,
#include "core/stir_reason.def"
#undef STIR_REASON
	NULL};
static const char *const authority_words[] = {"none", "outside", "spc", "tn", NULL};
static const char *const integrity_words[] = {"raw", "decoded", "mismatch", "malformed", "none", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};
static const char *const cover_words[] = {"full", "diverted", "partial", "none", NULL};
static const char *const replay_words[] = {"off", "new", "duplicate", "replayed", "unknown", NULL};
static const char *const rcd_words[] = {"none", "present", "verified", "mismatch", "unchecked", NULL};
static const char *const revocation_words[] = {"good", "unknown", NULL};
static const char *const failure_words[] = {"temperror", "internal", "timeout", "toolarge", "malformed", "overload", NULL};
static const char *const kind_words[] = {"none", "tn", "address", "several", NULL};
static const char *const attest_words[] = {"A", "B", "C", NULL};
static const char *const expect_words[] = {"any", "signed", "unsigned", NULL};
static const char *const class_words[] = {"personal", "advertisement", "informational", "auto", NULL};
static const char *const priority_words[] = {"low", "normal", "high", NULL};
static const char *const pdu_words[] = {"other", "mm4_forward.req", "mm4_forward.res", "mm4_delivery_report.req", "mm4_delivery_report.res",
	"mm4_read_reply_report.req", "mm4_read_reply_report.res", "m-send-req", "m-retrieve-conf", NULL};
static const char *const visibility_words[] = {"show", "hide", NULL};
static const char *const channel_words[] = {"mm4", NULL};
static const char *const report_words[] = {"response", "delivery", "read", NULL};
/* RFC 2156, 5.3.4 */
static const char *const sensitivity_words[] = {"personal", "private", "company-confidential", NULL};
/* RFC 8601, 2.7 */
static const char *const dkim_words[] = {"none", "pass", "fail", "policy", "neutral", "temperror", "permerror", NULL};
static const char *const spf_words[] = {"none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror", NULL};
static const char *const dmarc_words[] = {"none", "pass", "fail", "temperror", "permerror", NULL};
static const char *const arc_words[] = {"none", "pass", "fail", NULL};

/* --- rows */

#define ALWAYS "(always)"
#define TAIL(s) ((s) + (sizeof(s) > sizeof ALWAYS ? sizeof(s) - sizeof ALWAYS : 0))
#define IS_ONE false
#define IS_LIST true

static const struct fact_row rows[FACT_N] = {
#define FACT(ident, name_, type_, many, need_, source_, example_, sentence_) \
	[FACT_##ident].name = name_, [FACT_##ident].type = FACT_TYPE_##type_, [FACT_##ident].list = IS_##many, [FACT_##ident].need = FACT_NEED_##need_, \
	[FACT_##ident].always = __builtin_strcmp(TAIL(sentence_), ALWAYS) == 0, [FACT_##ident].source = source_, [FACT_##ident].example = example_, \
	[FACT_##ident].sentence = sentence_,
#include "policy/fact.def"
#undef FACT
	[FACT_VERIFY].word = verify_words,
	[FACT_REASON].word = reason_words,
	[FACT_AUTHORITY].word = authority_words,
	[FACT_INTEGRITY].word = integrity_words,
	[FACT_CONTENT_SUSPECT].word = yes_words,
	[FACT_DEST_COVER].word = cover_words,
	[FACT_REPLAY].word = replay_words,
	[FACT_PASSPORT_RCD].word = rcd_words,
	[FACT_SIGNER_REVOCATION].word = revocation_words,
	[FACT_FAILURE].word = failure_words,
	[FACT_ORIG_KIND].word = kind_words,
	[FACT_PASSPORT_ATTEST].word = attest_words,
	[FACT_CLAIMED_ATTEST].word = attest_words,
	[FACT_PEER_EXPECT].word = expect_words,
	[FACT_MMS_CLASS].word = class_words,
	[FACT_MMS_PRIORITY].word = priority_words,
	[FACT_MMS_PDU].word = pdu_words,
	[FACT_MMS_REPORT].word = yes_words,
	[FACT_MMS_READ_REPLY].word = yes_words,
	[FACT_MMS_VISIBILITY].word = visibility_words,
	[FACT_MMS_CHANNEL].word = channel_words,
	[FACT_MMS_KIND].word = report_words,
	[FACT_MMS_REPORT_SAYS].word = yes_words,
	[FACT_GATEWAY_IMPORTANCE].word = priority_words,
	[FACT_GATEWAY_SENSITIVITY].word = sensitivity_words,
	[FACT_GATEWAY_READ_RECEIPT].word = yes_words,
	[FACT_DKIM].word = dkim_words,
	[FACT_DMARC].word = dmarc_words,
	[FACT_DMARC_ALIGNED].word = yes_words,
	[FACT_SPF].word = spf_words,
	[FACT_ARC].word = arc_words,
	[FACT_SPAMASSASSIN_FLAG].word = yes_words,
};

const struct fact_row *fact_row(enum fact_id id)
{
	assert(id < FACT_N);
	return &rows[id];
}

enum fact_id fact_find(struct span name)
{
	for (unsigned i = 0; i < FACT_N; i++)
		if (span_is(name, rows[i].name))
			return (enum fact_id)i;
	return FACT_N;
}

const char *fact_suggest(struct span name)
{
	const char *names[FACT_N];

	for (unsigned i = 0; i < FACT_N; i++)
		names[i] = rows[i].name;
	return suggest_name(name, names, FACT_N);
}

int fact_word(enum fact_id id, struct span word)
{
	const char *const *w = fact_row(id)->word;

	for (int i = 0; w && w[i]; i++)
		if (span_is(word, w[i]))
			return i;
	return -1;
}

/* --- for people */

static const struct {
	const char *name, *hint;
} types[] = {
	[FACT_TYPE_ENUM] = {"enum", "one word of a set"},
	[FACT_TYPE_COUNT] = {"count", "a count: write a whole number, as in 0, 20"},
	[FACT_TYPE_NUMBER] = {"number", "a number: write it without unit, as in 5, 7.5, -1"},
	[FACT_TYPE_DURATION] = {"duration", "a duration: write a unit, as in 60s, 5m, 2h, 7d"},
	[FACT_TYPE_SIZE] = {"size", "a size: write octets, as in 160, 600k, 2M, 1G"},
	[FACT_TYPE_TN] = {"tn", "a tn: write it with +, as in +15550100001; ranges and prefixes +1888* after \"in\""},
	[FACT_TYPE_ADDR] = {"addr", "an address: write it as in 192.0.2.9, 2001:db8::/32"},
	[FACT_TYPE_HOST] = {"host", "a host: write it in quotes, as in \"mms.example.net\""},
	[FACT_TYPE_SPC] = {"spc", "an spc: write it in quotes, as in \"123A\""},
	[FACT_TYPE_TEXT] = {"text", "a text: write it in quotes, as in \"hello\""},
	[FACT_TYPE_CLOCK] = {"clock", "a clock: ask with \"in\" and the name of a window"},
};

const char *fact_type_name(enum fact_type t)
{
	return types[t].name;
}

const char *fact_type_hint(enum fact_type t)
{
	return types[t].hint;
}

const char *fact_need_name(enum fact_need n)
{
	switch (n) {
	case FACT_NEED_TO:
		return "to";
	case FACT_NEED_CONTENT:
		return "content";
	case FACT_NEED_TEXT:
		return "text";
	case FACT_NEED_HISTORY:
		return "history";
	case FACT_NEED_FREE:
		break;
	}
	return "free";
}
