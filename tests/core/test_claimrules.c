/* Claim constraints: the vectors, what may stand in the extension, what a payload may say. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/claimrules.h"
#include "tests/lib/tap.h"

static size_t unhex(const char *hex, unsigned char *out, size_t cap)
{
	size_t n = 0;
	unsigned v;

	for (; n < cap && sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (unsigned char)v;
	return n;
}

static enum stir_reason parse_hex(const char *hex, bool enhanced, struct claimrules **r, struct err *why)
{
	unsigned char der[2048];

	return claimrules_parse(span_make(der, unhex(hex, der, sizeof der)), enhanced, r, why);
}

static void squeeze(char *out, const char *hex)
{
	for (; *hex; hex++)
		if (*hex != ' ')
			*out++ = *hex;
	*out = '\0';
}

static struct claimrules *rules(const char *spaced)
{
	struct claimrules *r;
	struct err why;
	char hex[512];

	squeeze(hex, spaced);
	if (parse_hex(hex, true, &r, &why) != STIR_OK || !r)
		tap_bail("%s: %s", hex, why.text);
	return r;
}

static void expect_text(const char *hex, bool enhanced, const char *want)
{
	struct claimrules *r;
	struct buf out;

	buf_init(&out, 1000);
	if (tap_int(parse_hex(hex, enhanced, &r, NULL), STIR_OK, "%s parses", hex)) {
		claimrules_write_text(&out, r);
		tap_str(out.p, want, "says: %s", want);
	}
	claimrules_free(r);
	buf_free(&out);
}

static void vectors(void)
{
	char path[512];
	json_t *root = json_load_file(tap_srcpath(path, sizeof path, "tests/vectors/official/rfc9118-example.json"), 0, NULL);

	if (!root)
		tap_bail("no vector file");
	expect_text(json_string_value(json_object_get(root, "ejwtclaimconstraints_der_hex")), true,
		    "mustInclude confidence; confidence in {high, medium}; mustExclude priority");
	json_decref(root);
	expect_text("3020a008300616046d736769a11430123010160661747465737430060c01410c0142", false,
		    "mustInclude msgi; attest in {A, B}");
	expect_text("3020a008300616046d736769a11430123010160661747465737430060c01410c0142", true,
		    "mustInclude msgi; attest in {A, B}");
	expect_text("300aa208300616046d736769", true, "mustExclude msgi");
	/* A name and a value that would read like punctuation. */
	expect_text("3020a00830061604613b2062a11430123010160163300b0c05787d2c20790c02c3a9", true, "mustInclude a\\x3b\\x20b; c in {x\\x7d\\x2c y, \\xc3\\xa9}");
}

static const struct {
	const char *hex;
	bool enhanced;
	const char *what;
} bad_der[] = {
	{"", true, "nothing"},
	{"3000", true, "no rule at all"},
	{"300aa208300616046d736769", false, "mustExclude in RFC 8226's extension"},
	{"300aa008300616046d73676900", true, "an octet after it"},
	{"30810aa008300616046d736769", true, "a length in long form"},
	{"3080a008300616046d7367690000", true, "indefinite length"},
	{"3004a0023000", true, "an empty mustInclude"},
	{"3004a1023000", true, "empty permittedValues"},
	{"3004a2023000", true, "an empty mustExclude"},
	{"3006a00430021600", true, "an empty name"},
	{"3007a005300316 0180", true, "a name above ASCII"},
	{"3007a0053003160100", true, "NUL as a name"},
	{"3007a0053003 0c0161", true, "a name as UTF8String"},
	{"300ba109300730051601613000", true, "a claim without values"},
	{"300ea10c300a30081601613003160141", true, "a value as IA5String"},
	{"300ea10c300a300816016130030c01ff", true, "a value that is no UTF-8"},
	{"300aa308300616046d736769", true, "a fourth member"},
	{"3014a008300616046d736769a008300616046d736769", true, "mustInclude twice"},
	{"3014a208300616046d736769a008300616046d736769", true, "members out of order"},
};

static void refused(void)
{
	char hex[256];

	for (size_t i = 0; i < sizeof bad_der / sizeof bad_der[0]; i++) {
		struct claimrules *r = (struct claimrules *)&r;
		struct err why;

		err_clear(&why);
		squeeze(hex, bad_der[i].hex);
		tap_ok(parse_hex(hex, bad_der[i].enhanced, &r, &why) == STIR_CERT_INVALID && !r && why.text[0],
		       "refused: %s (%s)", bad_der[i].what, why.text);
	}
}

static void too_many(void)
{
	/* LIMIT_CLAIM_RULES and one more, 65 names of one letter: SEQUENCE of 195 octets in [0] in SEQUENCE. */
	unsigned char der[300] = {0x30, 0x81, 0xc9, 0xa0, 0x81, 0xc6, 0x30, 0x81, 0xc3};
	struct claimrules *r;

	for (int i = 0; i < 65; i++)
		memcpy(der + 9 + 3 * i, (unsigned char[]){0x16, 1, (unsigned char)('A' + i % 26)}, 3);
	tap_int(claimrules_parse(span_make(der, 204), true, &r, NULL), STIR_CERT_INVALID, "65 rules are refused");
	der[2] = 0xc6, der[5] = 0xc3, der[8] = 0xc0;
	tap_int(claimrules_parse(span_make(der, 201), true, &r, NULL), STIR_OK, "64 are not");
	claimrules_free(r);
}

static void excluded(void)
{
	struct claimrules *r = NULL;

	tap_ok(!claimrules_excludes(NULL, span_cstr("msgi")), "no rules exclude nothing");
	tap_int(parse_hex("300aa208300616046d736769", true, &r, NULL), STIR_OK, "mustExclude msgi");
	tap_ok(claimrules_excludes(r, span_cstr("msgi")) && !claimrules_excludes(r, span_cstr("msg")) && !claimrules_excludes(r, span_cstr("jti")), "is msgi, no other");
	claimrules_free(r);
}

static void baseline_excluded(void)
{
	static const char *const hex[] = {"300fa20d300b16046d7367691603696174", "300aa208300616046f726967", "300aa2083006160464657374"};
	struct claimrules *r;

	for (int i = 0; i < 3; i++)
		tap_ok(parse_hex(hex[i], true, &r, NULL) == STIR_OK && !r, "mustExclude of a baseline claim: as if absent");
	expect_text("3016a214301216046d7367691602696116066f726967696e", true, "mustExclude msgi, ia, origin");
}

/* mustInclude confidence; confidence in {high, medium}; mustExclude priority */
#define RFC9118 \
	"3040a00e300c160a636f6e666964656e6365a120301e301c160a636f6e666964656e6365300e0c04686967680c066d656469756da20c300a16087072696f72697479"
/* attest in {A}, without mustInclude */
#define ATTEST "3013a111300f300d160661747465737430030c0141"
/* rcdi in {"/nam":"x","a":[1]}; n in {1, true} */
#define VALUES \
	"3034a1323030301e16047263646930160c147b222f6e616d223a2278222c2261223a5b315d7d300e16016e30090c01310c0474727565"

/* o in {{"b":[1,2.5,null],"a":"x"}, [], 1.10, "q", {} }: another order of members, a real, quotes, a blank */
#define DEEP \
	"303ba1393037303516016f30300c1a7b2262223a5b312c322e352c6e756c6c5d2c2261223a2278227d0c025b5d0c04312e31300c032271220c037b7d20"
/* attest in {A, B} and attest in {B, C} */
#define TWICE "3028a12630243010160661747465737430060c01410c01423010160661747465737430060c01420c0143"

static const struct {
	const char *hex, *payload;
	enum stir_reason want;
	const char *claim;
} payloads[] = {
	{RFC9118, "{\"confidence\":\"high\"}", STIR_OK, ""},
	{RFC9118, "{\"confidence\":\"medium\",\"x\":1}", STIR_OK, ""},
	{RFC9118, "{\"confidence\":\"low\"}", STIR_CONSTRAINT_VIOLATED, "confidence"},
	{RFC9118, "{\"confidence\":\"High\"}", STIR_CONSTRAINT_VIOLATED, "confidence"},
	{RFC9118, "{\"confidence\":[\"high\"]}", STIR_CONSTRAINT_VIOLATED, "confidence"},
	{RFC9118, "{}", STIR_CONSTRAINT_VIOLATED, "confidence"},
	{RFC9118, "{\"confidence\":\"high\",\"priority\":null}", STIR_CONSTRAINT_VIOLATED, "priority"},
	{ATTEST, "{\"attest\":\"A\"}", STIR_OK, ""},
	{ATTEST, "{\"attest\":\"B\"}", STIR_CONSTRAINT_VIOLATED, "attest"},
	/* RFC 9118 corrects RFC 8226's example: absent is fine. */
	{ATTEST, "{}", STIR_OK, ""},
	{VALUES, "{\"rcdi\":{ \"a\" : [1], \"/nam\":\"x\"}}", STIR_OK, ""},
	{VALUES, "{\"rcdi\":{\"/nam\":\"y\",\"a\":[1]}}", STIR_CONSTRAINT_VIOLATED, "rcdi"},
	{VALUES, "{\"rcdi\":\"{\\\"/nam\\\":\\\"x\\\",\\\"a\\\":[1]}\"}", STIR_OK, ""},
	{VALUES, "{\"n\":1}", STIR_OK, ""},
	{VALUES, "{\"n\":true}", STIR_OK, ""},
	{VALUES, "{\"n\":2}", STIR_CONSTRAINT_VIOLATED, "n"},
	{DEEP, "{\"o\":{\"a\":\"\\u0078\",\"b\":[1,2.5,null]}}", STIR_OK, ""},
	{DEEP, "{\"o\":{\"b\":[1,2.5,null],\"a\":\"x\",\"c\":1}}", STIR_CONSTRAINT_VIOLATED, "o"},
	{DEEP, "{\"o\":{\"b\":[2.5,1,null],\"a\":\"x\"}}", STIR_CONSTRAINT_VIOLATED, "o"},
	{DEEP, "{\"o\":{\"b\":[1,2.5],\"a\":\"x\"}}", STIR_CONSTRAINT_VIOLATED, "o"},
	{DEEP, "{\"o\":[]}", STIR_OK, ""},
	{DEEP, "{\"o\":[[]]}", STIR_CONSTRAINT_VIOLATED, "o"},
	{DEEP, "{\"o\":{}}", STIR_OK, ""},
	{DEEP, "{\"o\":1.1}", STIR_OK, ""},
	{DEEP, "{\"o\":1}", STIR_CONSTRAINT_VIOLATED, "o"},
	{DEEP, "{\"o\":null}", STIR_CONSTRAINT_VIOLATED, "o"},
	{DEEP, "{\"o\":\"q\"}", STIR_CONSTRAINT_VIOLATED, "o"},
	{DEEP, "{\"o\":\"\\\"q\\\"\"}", STIR_OK, ""},
	/* Only members of the payload itself are claims. */
	{DEEP, "{\"p\":{\"o\":7}}", STIR_OK, ""},
	{RFC9118, "{\"confidence\":\"high\",\"x\":{\"priority\":1}}", STIR_OK, ""},
	{RFC9118, "{\"x\":{\"confidence\":\"high\"}}", STIR_CONSTRAINT_VIOLATED, "confidence"},
	{TWICE, "{\"attest\":\"B\"}", STIR_OK, ""},
	{TWICE, "{\"attest\":\"A\"}", STIR_CONSTRAINT_VIOLATED, "attest"},
	{TWICE, "{\"attest\":\"C\"}", STIR_CONSTRAINT_VIOLATED, "attest"},
};

static void payload_checks(void)
{
	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		struct claimrules *r = rules(payloads[i].hex);
		struct span claim = span_cstr("untouched");

		tap_int(claimrules_check(r, span_cstr(payloads[i].payload), &claim), payloads[i].want, "payload %zu", i);
		tap_span_is(claim, payloads[i].claim, "names the claim");
		tap_int(claimrules_check(r, span_cstr(payloads[i].payload), NULL), payloads[i].want, "without wanting it");
		claimrules_free(r);
	}
	tap_int(claimrules_check(NULL, span_cstr("{}"), NULL), STIR_OK, "no rules allow all");
}

int main(void)
{
	vectors();
	refused();
	too_many();
	excluded();
	baseline_excluded();
	payload_checks();
	return tap_done();
}
