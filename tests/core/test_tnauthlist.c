/* TNAuthList: the vectors, every rule of RFC 8226, the edges of ranges, text and DER out. */
#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/encoding.h"
#include "core/limits.h"
#include "core/tnauthlist.h"
#include "tests/lib/tap.h"

static size_t unhex(const char *hex, unsigned char *out, size_t cap)
{
	size_t n = 0;
	unsigned v;

	for (; n < cap && sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (unsigned char)v;
	return n;
}

static enum stir_reason parse_hex(const char *hex, struct tnauthlist **l, struct err *why)
{
	unsigned char der[512];

	return tnauthlist_parse(span_make(der, unhex(hex, der, sizeof der)), l, why);
}

static struct tn number(const char *digits)
{
	struct tn t;

	if (tn_from_claim(span_cstr(digits), &t))
		tap_bail("bad number in the test: %s", digits);
	return t;
}

static void check_entry(json_t *want, struct tnauthlist_entry got, const char *label)
{
	json_t *range = json_object_get(want, "range");
	const char *spc = json_string_value(json_object_get(want, "spc"));
	const char *one = json_string_value(json_object_get(want, "one"));

	if (spc) {
		tap_span_is(got.spc, spc, "%s: spc", label);
	} else if (one) {
		tap_str(got.start.digits, one, "%s: one", label);
	} else {
		tap_str(got.start.digits, json_string_value(json_object_get(range, "start")), "%s: start", label);
		tap_int((long long)got.count, json_integer_value(json_object_get(range, "count")), "%s: count", label);
	}
}

static void vector_case(json_t *c)
{
	const char *hex = json_string_value(json_object_get(c, "der_hex"));
	json_t *entries = json_object_get(c, "entries");
	unsigned char der[512];
	struct tnauthlist *l;
	struct buf out;
	size_t n = unhex(hex, der, sizeof der);

	if (!tap_int(tnauthlist_parse(span_make(der, n), &l, NULL), STIR_OK, "%s: parses", hex))
		return;
	tap_int((long long)tnauthlist_count(l), (long long)json_array_size(entries), "%s: count", hex);
	for (size_t i = 0; i < tnauthlist_count(l); i++)
		check_entry(json_array_get(entries, i), tnauthlist_at(l, i), hex);
	buf_init(&out, 1000);
	tap_ok(tnauthlist_write_der(&out, l) == 0 && span_eq(buf_span(&out), span_make(der, n)), "%s: written alike", hex);
	buf_free(&out);
	tnauthlist_free(l);
}

static void vectors(void)
{
	char path[512];
	struct tnauthlist *l;
	struct err why;
	json_t *root = json_load_file(tap_srcpath(path, sizeof path, "tests/vectors/official/tnauthlist-der.json"), 0, NULL);
	json_t *c;
	size_t i;

	if (!root)
		tap_bail("no vector file");
	json_array_foreach(json_object_get(root, "cases"), i, c)
		vector_case(c);
	json_array_foreach(json_object_get(root, "bad"), i, c) {
		const char *hex = json_string_value(json_object_get(c, "hex"));

		if (hex)
			tap_int(parse_hex(hex, &l, &why), STIR_CERT_INVALID, "refused: %s", hex);
	}
	json_decref(root);
}

static const struct {
	const char *hex, *what;
} bad_der[] = {
	{"", "nothing"},
	{"3000", "an empty list"},
	{"3008a00616043132333400", "an octet after the list"},
	{"3008a006160431323334a0", "half an entry after the list"},
	{"308108a006160431323334", "a length in long form"},
	{"3080a0061604313233340000", "indefinite length"},
	{"300aa08016043132333400 00", "indefinite length inside"},
	{"300ba009360716023132160131", "a constructed IA5String"},
	{"300880061604313233 34", "implicit, not explicit tag"},
	{"3008a0060c0431323334", "SPC as UTF8String"},
	{"3004a0021600", "an empty SPC"},
	{"3006a0041602 0041", "NUL in an SPC"},
	{"3005a003160180", "an octet above ASCII in an SPC"},
	{"3027a0251623" "3131313131313131313131313131313131313131313131313131313131313131313131", "an SPC too long"},
	{"3004a2021600", "an empty number"},
	{"3005a203160141", "a letter in a number"},
	{"3014a2121610" "31313131313131313131313131313131", "16 digits"},
	{"3009a10730051603313030", "a range without count"},
	{"3014a1123010160b31323132353535313530 30020101", "count 1"},
	{"3014a1123010160b3132313235353531353030020100", "count 0"},
	{"3014a1123010160b31323132353535313530300201ff", "a negative count"},
	{"3015a1133011160b313231323535353135303002020064", "count with a leading zero octet"},
	{"301da11b3019160b31323132353535313530300 20a01000000000000000000", "a count beyond 64 bits"},
	{"300ba10930071602313002015b", "10 and 91: past the length (RFC 8226's own)"},
	{"300ba10930071602313002015a", "10 and 90: start + count must be below 100"},
	{"300ba10930071602312a020102", "a star in a range's start"},
	{"300ba109300702010216023130", "count before start"},
	{"3005a303160131", "an unknown choice"},
	{"0c0431323334", "not a SEQUENCE"},
};

/* Hex with the blanks taken out, so that the table can be read. */
static void squeeze(char *out, const char *hex)
{
	for (; *hex; hex++)
		if (*hex != ' ')
			*out++ = *hex;
	*out = '\0';
}

static void refused(void)
{
	char hex[256];

	for (size_t i = 0; i < sizeof bad_der / sizeof bad_der[0]; i++) {
		struct tnauthlist *l = (struct tnauthlist *)&l;
		struct err why;

		err_clear(&why);
		squeeze(hex, bad_der[i].hex);
		tap_ok(parse_hex(hex, &l, &why) == STIR_CERT_INVALID && !l && why.text[0], "refused: %s (%s)",
		       bad_der[i].what, why.text);
	}
}

static void tolerated(void)
{
	struct tnauthlist *l;
	struct tn t = number("12125551599");

	/* One member more in the range's SEQUENCE: it is extensible. */
	tap_int(parse_hex("3017a1153013160b31323132353535313530300201640101ff", &l, NULL), STIR_OK,
		"a range with another member");
	tap_int(tnauthlist_authority(l, &t), TN_AUTHORITY_TN, "is a range all the same");
	tnauthlist_free(l);
	tap_int(parse_hex("300ba109300716023130020159", &l, NULL), STIR_OK, "10 and 89 is the widest range of 10");
	tnauthlist_free(l);
}

static const struct {
	const char *list, *number;
	enum tn_authority want;
} asked[] = {
	{"tn:+15551230000+100", "15551230000", TN_AUTHORITY_TN},
	{"tn:+15551230000+100", "15551230099", TN_AUTHORITY_TN},
	{"tn:+15551230000+100", "15551230100", TN_AUTHORITY_OUTSIDE},
	{"tn:+15551230000+100", "15551229999", TN_AUTHORITY_OUTSIDE},
	{"tn:+15551230000+100", "5551230000", TN_AUTHORITY_OUTSIDE},
	{"tn:+15551230000+100", "155512300000", TN_AUTHORITY_OUTSIDE},
	{"tn:+15551230000+100", "015551230000", TN_AUTHORITY_OUTSIDE},
	{"tn:+15551230000..+15551230099", "15551230099", TN_AUTHORITY_TN},
	{"tn:+15551230000..+15551230099", "15551230100", TN_AUTHORITY_OUTSIDE},
	{"spc:1234", "15551230000", TN_AUTHORITY_SPC},
	{"spc:1234,tn:+15551230000", "15551230000", TN_AUTHORITY_TN},
	{"spc:1234,tn:+15551230000", "15551230001", TN_AUTHORITY_SPC},
	{"tn:+15551230005+5,tn:+15551230000+5", "15551230004", TN_AUTHORITY_TN},
	{"tn:+15551230000+50,tn:+15551230010+5", "15551230040", TN_AUTHORITY_TN},
	{"tn:+15551230000,tn:+15551230002", "15551230001", TN_AUTHORITY_OUTSIDE},
	{"tn:911", "911", TN_AUTHORITY_TN},
	{"tn:911", "0911", TN_AUTHORITY_OUTSIDE},
	{"tn:0911", "911", TN_AUTHORITY_OUTSIDE},
	{"tn:*69,tn:#31#", "*69", TN_AUTHORITY_TN},
	{"tn:*69,tn:#31#", "#31#", TN_AUTHORITY_TN},
	{"tn:*69,tn:#31#", "#69", TN_AUTHORITY_OUTSIDE},
	{"tn:*69", "69", TN_AUTHORITY_OUTSIDE},
	{"tn:+999999999999998", "999999999999998", TN_AUTHORITY_TN},
};

static struct tnauthlist *from_text(const char *text)
{
	struct tnauthlist *l;
	struct err e;

	if (tnauthlist_from_text(span_cstr(text), &l, &e))
		tap_bail("%s: %s", text, e.text);
	return l;
}

static void authority(void)
{
	struct tn t = number("15551230000"), none = {.n = 0};

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		struct tnauthlist *l = from_text(asked[i].list);
		struct tn n = number(asked[i].number);

		tap_str(tn_authority_name(tnauthlist_authority(l, &n)), tn_authority_name(asked[i].want), "%s: %s",
			asked[i].list, asked[i].number);
		tnauthlist_free(l);
	}
	tap_int(tnauthlist_authority(NULL, &t), TN_AUTHORITY_NONE, "no list");
	struct tnauthlist *l = from_text("tn:+15551230000");
	tap_int(tnauthlist_authority(l, &none), TN_AUTHORITY_OUTSIDE, "no number is outside");
	tap_int((long long)tnauthlist_spc(l).n, 0, "no SPC");
	tnauthlist_free(l);
	l = from_text("tn:+15551230000,spc:1234,spc:5678");
	tap_span_is(tnauthlist_spc(l), "1234", "the first SPC");
	tnauthlist_free(l);
}

/* Every answer of a list with many overlapping ranges, against a plain array. */
static void many_ranges(void)
{
	enum { SPACE = 2000 };
	static bool want[SPACE];
	unsigned seed = 1;
	struct tnauthlist *l;
	struct buf text;
	int wrong = 0;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < 200; i++) {
		unsigned start, count;

		seed = seed * 1103515245 + 12345;
		start = seed >> 16 & 1023;
		count = 2 + (seed >> 8 & 7);
		buf_printf(&text, "%stn:+1555000%04u+%u", i ? "," : "", start, count);
		for (unsigned k = start; k < start + count; k++)
			want[k] = true;
	}
	if (tnauthlist_from_text(buf_span(&text), &l, NULL))
		tap_bail("many ranges");
	for (unsigned k = 0; k < SPACE; k++) {
		char digits[16];
		struct tn n;

		snprintf(digits, sizeof digits, "1555000%04u", k);
		n = number(digits);
		wrong += (tnauthlist_authority(l, &n) == TN_AUTHORITY_TN) != want[k];
	}
	tap_int(wrong, 0, "200 overlapping ranges answer as a plain array does");
	tnauthlist_free(l);
	buf_free(&text);
}

static const struct {
	const char *text, *want; /* NULL: refused */
} texts[] = {
	{"spc:1234", "spc:1234"},
	{" SPC:818H , tn:+1 (555) 123-0001", "spc:818H,tn:+15551230001"},
	{"tn:+15551230000+100", "tn:+15551230000+100"},
	{"tn:+15551230000..+15551239999", "tn:+15551230000+10000"},
	{"tn:+1.555.123.0000..+1.555.123.9999", "tn:+15551230000+10000"},
	{"tn:911,tn:*67", "tn:911,tn:*67"},
	{"tn:100+10", "tn:100+10"},
	{"", NULL},
	{",", NULL},
	{"spc:1234,", NULL},
	{"1234", NULL},
	{"spc:", NULL},
	{"spc:12 34", NULL},
	{"spc:12\\34", NULL},
	{"tn:", NULL},
	{"tn:+", NULL},
	{"tn:15551230000", NULL},
	{"tn:+15551230000+", NULL},
	{"tn:+15551230000+1", NULL},
	{"tn:+15551230000+x", NULL},
	{"tn:+15551230000+9999999999999999", NULL},
	{"tn:+15551230000..", NULL},
	{"tn:+15551230000..+15551230000", NULL},
	{"tn:+15551230000..+155512300000", NULL},
	{"tn:+15551230005..+15551230001", NULL},
	{"tn:*10..*20", NULL},
	{"tn:+99999999999999999", NULL},
	{"spc:123456789012345678901234567890123", NULL},
};

static void text_form(void)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct tnauthlist *l;
		struct buf out;
		struct err e;

		err_clear(&e);
		buf_init(&out, 1000);
		if (tnauthlist_from_text(span_cstr(texts[i].text), &l, &e)) {
			tap_ok(!texts[i].want && e.text[0] && !l, "\"%s\" refused: %s", texts[i].text, e.text);
			tap_int(e.code, ERR_USAGE, "as the user's mistake");
		} else {
			tnauthlist_write_text(&out, l);
			tap_str(texts[i].want ? out.p : "accepted", texts[i].want ? texts[i].want : "refused", "\"%s\"",
				texts[i].text);
		}
		tnauthlist_free(l);
		buf_free(&out);
	}
}

/* A code that would read like a second entry. */
static void no_injection(void)
{
	struct tnauthlist *l;
	struct buf out;

	buf_init(&out, 1000);
	if (parse_hex("3012a010160e312c746e3a2b3135353531323331", &l, NULL) != STIR_OK)
		tap_bail("the comma's DER");
	tnauthlist_write_text(&out, l);
	tap_str(out.p, "spc:1\\x2ctn:+15551231", "a comma inside a code is escaped");
	tnauthlist_free(l);
	buf_free(&out);
}

static const struct {
	const char *child, *parent;
	bool want;
} scopes[] = {
	{"tn:+12125551500+100", "tn:+12125551000+1000", true},
	{"tn:+12125551824", "tn:+12125551000+1000", true},
	{"tn:+12125551000+1000", "tn:+12125551000+1000", true},
	{"tn:+12125551000+1000", "tn:+12125551000+500,tn:+12125551500+500", true},
	{"tn:+12125551500+1000", "tn:+12125551000+1000", false},
	{"tn:+12125552000", "tn:+12125551000+1000", false},
	{"tn:+12125551000+100", "tn:+12125551000+10,tn:+12125551050+50", false},
	{"tn:+12125551500,spc:1234", "tn:+12125551000+1000", false},
	{"tn:+12125551500", "spc:1234", true},
	{"spc:1234", "spc:1234,spc:5678", true},
	{"spc:9999", "spc:1234", false},
	{"tn:*69", "tn:*69,tn:+15551230000", true},
	{"tn:*69", "tn:+15551230000", false},
};

static void within(void)
{
	for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
		struct tnauthlist *child = from_text(scopes[i].child), *parent = from_text(scopes[i].parent);

		tap_int(tnauthlist_within(child, parent), scopes[i].want, "%s within %s", scopes[i].child,
			scopes[i].parent);
		tnauthlist_free(child);
		tnauthlist_free(parent);
	}
}

/* --- beyond --------------------------------------------------------------------------- */

struct stretches {
	struct buf text;
	int left; /* ends it when 0 */
};

static bool note(void *arg, const struct tn *start, uint64_t count)
{
	struct stretches *s = arg;

	buf_printf(&s->text, "%s%s+%llu", s->text.n ? " " : "", start->digits, (unsigned long long)count);
	return --s->left != 0;
}

static const struct {
	const char *child, *parent, *want;
} beyond[] = {
	{"tn:+12125551000+1000", "tn:+12125551000+1000", ""},
	{"tn:+12125551000+1000", "spc:1234", "12125551000+1000"},
	{"tn:+12125551000+1000", "tn:+12125550000+500", "12125551000+1000"},
	{"tn:+12125551000+1000", "tn:+12125551000+500,tn:+12125551500+500", ""},
	{"tn:+12125551000+1000", "tn:+12125551100+100,tn:+12125551400+200", "12125551000+100 12125551200+200 12125551600+400"},
	{"tn:+12125551000+1000", "tn:+12125550000+1001,tn:+12125551999+10", "12125551001+998"},
	{"tn:+12125551000,tn:+12125551002,tn:*69,tn:#1", "tn:+12125551000,tn:#1", "12125551002+1 *69+1"},
	{"tn:000+10,tn:0000+10", "tn:0000+10", "000+10"},
	{"spc:1", "tn:000+10", ""},
	{"tn:000000000000000+999999999999999", "tn:+500000000000000", "000000000000000+500000000000000 500000000000001+499999999999998"},
};

static void stretches(void)
{
	for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
		struct tnauthlist *child = from_text(beyond[i].child), *parent = from_text(beyond[i].parent);
		struct stretches s = {.left = 0};

		buf_init(&s.text, 1000);
		tap_ok(tnauthlist_beyond(child, parent, note, &s), "%s beyond %s", beyond[i].child, beyond[i].parent);
		tap_str(s.text.p ? s.text.p : "", beyond[i].want, "which numbers");
		buf_reset(&s.text);
		s.left = 1;
		tap_int(tnauthlist_beyond(child, parent, note, &s), beyond[i].want[0] == '\0', "it ends when told to");
		buf_free(&s.text);
		tnauthlist_free(child);
		tnauthlist_free(parent);
	}
}

static void providers(void)
{
	struct tnauthlist *l = from_text("spc:B,tn:+15551230000,spc:A,spc:AB,spc:B");

	tap_ok(tnauthlist_has_spc(l, span_cstr("A")) && tnauthlist_has_spc(l, span_cstr("B")) && tnauthlist_has_spc(l, span_cstr("AB")), "each is found");
	tap_ok(!tnauthlist_has_spc(l, span_cstr("b")) && !tnauthlist_has_spc(l, span_cstr("ABC")) && !tnauthlist_has_spc(l, span_cstr("")), "no other");
	tap_ok(!tnauthlist_has_spc(NULL, span_cstr("A")), "nor in no list");
	tap_span_is(tnauthlist_spc(l), "B", "the first one is still the first");
	tnauthlist_free(l);
}

/* As large as a list by reference may be: n entries of the same SPC, 8 octets each. */
static void by_reference(void)
{
	static const char entry[] = "\xa0\x06\x16\x04" "1234";
	struct tnauthlist *l;
	struct buf der;

	buf_init(&der, 2 * LIMIT_TNLIST_REFERENCE_BYTES);
	for (size_t n = LIMIT_TNLIST_REFERENCE_ENTRIES; n <= LIMIT_TNLIST_REFERENCE_ENTRIES + 1; n++) {
		size_t bytes = n * (sizeof entry - 1);

		buf_reset(&der);
		buf_put(&der, (const char[]){0x30, (char)0x83, (char)(bytes >> 16), (char)(bytes >> 8), (char)bytes}, 5);
		for (size_t i = 0; i < n; i++)
			buf_put(&der, entry, sizeof entry - 1);
		tap_int(tnauthlist_parse_reference(buf_span(&der), &l, NULL), n == LIMIT_TNLIST_REFERENCE_ENTRIES ? STIR_OK : STIR_CERT_INVALID,
			"%zu entries by reference", n);
		tap_int((long long)tnauthlist_count(l), n == LIMIT_TNLIST_REFERENCE_ENTRIES ? (long long)n : 0, "all or none of them");
		tnauthlist_free(l);
		tap_int(tnauthlist_parse(buf_span(&der), &l, NULL), STIR_CERT_INVALID, "too many in a certificate");
	}
	buf_reset(&der);
	for (size_t i = 0; i <= LIMIT_TNLIST_REFERENCE_BYTES; i++)
		buf_putc(&der, 0x30);
	tap_int(tnauthlist_parse_reference(buf_span(&der), &l, NULL), STIR_CERT_INVALID, "too many octets");
	buf_free(&der);
}

static void limits(void)
{
	struct tnauthlist *l;
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < LIMIT_TNAUTHLIST_ENTRIES; i++)
		buf_printf(&text, "%stn:+1555%07d", i ? "," : "", i);
	tap_int(tnauthlist_from_text(buf_span(&text), &l, NULL), 0, "as many entries as allowed");
	tnauthlist_free(l);
	buf_puts(&text, ",spc:1");
	tap_int(tnauthlist_from_text(buf_span(&text), &l, NULL), -1, "one more is refused");
	buf_free(&text);
}

int main(void)
{
	vectors();
	refused();
	tolerated();
	authority();
	many_ranges();
	text_form();
	no_injection();
	within();
	stretches();
	providers();
	by_reference();
	limits();
	return tap_done();
}
