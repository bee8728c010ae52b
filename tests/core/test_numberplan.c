/* Numbers of local parts, and the table that says which domains have them. */
#include "config.h"

#include "core/limits.h"
#include "core/numberplan.h"
#include "tests/lib/tap.h"

#include <stdio.h>
#include <stdlib.h>

static const char table[] =
	"# gateways\n"
	"pix.example        nanp\n"
	"\n"
	"  MMS.Carrier.Example\tinternational # note\r\n"
	"mms.fr.example   national 33 trunk 0 idd 00\n"
	"mms.it.example   national 39\n"
	"mms.hu.example   national 36 idd 00 trunk 06\n"
	"mms.ru.example   national 7 trunk 8 idd 810\n"
	".carrier.example   nanp\n"
	".deep.carrier.example   international";

struct number_case {
	const char *local, *domain, *want; /* want NULL: no number */
};

static const struct number_case no_plan[] = {
	{"+15551230001/TYPE=PLMN", "", "15551230001"},
	{"+15551230001/TYPE=PLMN", "mms.example", "15551230001"},
	{"+15551230001/type=plmn", "mms.example", "15551230001"},
	{"+15551230001", "mms.example", "15551230001"},
	{"MMS=+1-555-123-0001", "gw.example", "15551230001"},
	{"mms=+1.555.123.0001", "gw.example", "15551230001"},
	{"/SMS=+33-1-88335215/", "gw.example", "33188335215"},
	{"\"/VOICE=+3940226338/\"", "gw.example", "3940226338"},
	{"FAX=+1.202.7653000/T33S=6377", "gw.example", "12027653000"},
	{"/FAX=+1.202.7653000/T33S=6377/", "gw.example", "12027653000"},
	{"Tel=+1 (555) 123-0001", "gw.example", "15551230001"},
	{"+15551230001/T33S=1/TYPE=PLMN", "", "15551230001"},
	{"+15551230001/TYPE=PLMN/X=1", "", "15551230001"},
	{"+15551230001/TYPE=PLMN/TYPE=rfc822", "", NULL},
	{"+15551230001/TYPE=rfc822", "x.example", NULL},
	{"+15551230001/TYPE=IPv4", "", NULL},
	{"+15551230001/TYPE=", "", NULL},
	{"+15551230001/TYPE=PLMNX", "", NULL},
	{"+15551230001/TYPEX=PLMN", "", "15551230001"},
	{"+15551230001/", "", "15551230001"},
	{"15551230001/TYPE=PLMN", "", "15551230001"},
	{"15551230001/TYPE=PLMN", "mms.example", "15551230001"},
	{"MMS=15551230001/TYPE=PLMN", "mms.example", "15551230001"},
	{"5551234/TYPE=PLMN", "mms.example", "5551234"},
	{"555123/TYPE=PLMN", "mms.example", NULL},
	{"05551230001/TYPE=PLMN", "mms.example", NULL},
	{"123456789012345/TYPE=PLMN", "", "123456789012345"},
	{"1234567890123456/TYPE=PLMN", "", NULL},
	{"1555-123-0001/TYPE=PLMN", "", NULL},
	{"+123456", "x.example", NULL},
	{"+1234567", "x.example", "1234567"},
	{"+1234567890123456", "x.example", NULL},
	{"+05551230001", "x.example", NULL},
	{"++15551230001", "x.example", NULL},
	{"+1555123000a", "x.example", NULL},
	{"+15551230001+tag", "x.example", NULL},
	{"IFAX=+15551230001", "x.example", NULL},
	{"MMS=SMS=+15551230001", "x.example", NULL},
	{"MMS+15551230001", "x.example", NULL},
	{"MMS=", "x.example", NULL},
	{"/+15551230001", "x.example", NULL},
	{"//+15551230001//", "x.example", NULL},
	{"\"+15551230001", "x.example", NULL},
	{"\"+1555\"1230001", "x.example", NULL},
	{"2125551212", "mail.example", NULL},
	{"15551230001", "", NULL},
	{"bank", "x.example", NULL},
	{"", "x.example", NULL},
	{"", "", NULL},
	{"\"", "", NULL},
	{"/", "", NULL},
	{"\"\"", "", NULL},
	{"//", "", NULL},
	{"TYPE=PLMN", "", NULL},
};

static const struct number_case with_plan[] = {
	{"2125551212", "pix.example", "12125551212"},
	{"2125551212", "PIX.Example", "12125551212"},
	{"2125551212", "pix.example.", "12125551212"},
	{"12125551212", "pix.example", "12125551212"},
	{"\"2125551212\"", "pix.example", "12125551212"},
	{"2125551212/TYPE=PLMN", "pix.example", "12125551212"},
	{"+442079460000", "pix.example", "442079460000"},
	{"1125551212", "pix.example", NULL},
	{"2121551212", "pix.example", NULL},
	{"442079460000/TYPE=PLMN", "pix.example", NULL},
	{"22125551212", "pix.example", NULL},
	{"212555121", "pix.example", NULL},
	{"212-555-1212", "pix.example", NULL},
	{"2125551212x", "pix.example", NULL},
	{"2125551212", "pix.example.evil.example", NULL},
	{"2125551212", "xpix.example", NULL},
	{"442079460000", "mms.carrier.example", "442079460000"},
	{"0442079460000", "mms.carrier.example", NULL},
	{"123456", "mms.carrier.example", NULL},
	/* ".suffix": the longest; never the name itself, nor part of a label */
	{"2125551212", "a.carrier.example", "12125551212"},
	{"2125551212", "a.b.carrier.example", "12125551212"},
	{"442079460000", "a.b.deep.carrier.example", "442079460000"},
	{"2125551212", "carrier.example", NULL},
	{"2125551212", ".carrier.example", NULL},
	{"2125551212", "xcarrier.example", NULL},
	{"2125551212", "x.mms.carrier.example", "12125551212"},
	/* national */
	{"0612345678", "mms.fr.example", "33612345678"},
	{"612345678", "mms.fr.example", "33612345678"},
	{"33612345678", "mms.fr.example", "33612345678"},
	{"0033612345678", "mms.fr.example", "33612345678"},
	{"00442079460000", "mms.fr.example", "442079460000"},
	{"000442079460000", "mms.fr.example", NULL},
	{"0442079460000", "mms.fr.example", "33442079460000"},
	{"3312345678", "mms.fr.example", "333312345678"},
	{"72345", "mms.fr.example", NULL},
	{"123456", "mms.fr.example", NULL},
	{"0", "mms.fr.example", NULL},
	{"00", "mms.fr.example", NULL},
	{"12345678901234", "mms.fr.example", NULL},
	{"0612345678", "mms.it.example", "390612345678"},
	{"00442079460000", "mms.it.example", NULL},
	{"06201234567", "mms.hu.example", "36201234567"},
	{"0201234567", "mms.hu.example", NULL},
	{"88005550100", "mms.ru.example", "78005550100"},
	{"79265550100", "mms.ru.example", "79265550100"},
	{"810442079460000", "mms.ru.example", "442079460000"},
	{"2125551212", "other.example", NULL},
	{"2125551212", "", NULL},
	{"442079460000/TYPE=PLMN", "other.example", "442079460000"},
};

static const struct number_case with_any[] = {
	{"442079460000", "other.example", "442079460000"},
	{"442079460000", "", "442079460000"},
	{"2125551212", "pix.example", "12125551212"},
	{"72345", "other.example", NULL},
};

struct error_case {
	const char *text, *want;
};

static const struct error_case errors[] = {
	{"a.example\n", "t:1:10: no numbering plan for \"a.example\""},
	{"a.example # nanp\n", "t:1:11: no numbering plan for \"a.example\""},
	{"\n\na.example nampp\n", "t:3:11: \"nampp\" is no numbering plan; did you mean \"nanp\"?"},
	{"a.example internatonal", "t:1:11: \"internatonal\" is no numbering plan; did you mean \"international\"?"},
	{"a.example e164", "t:1:11: \"e164\" is no numbering plan"},
	{"a.example nanp 1", "t:1:16: nothing may follow nanp, but \"1\" does"},
	{"a.example international 33", "t:1:25: nothing may follow international, but \"33\" does"},
	{"a.example national", "t:1:19: national needs a country code, not \"\""},
	{"a.example national 0", "t:1:20: national needs a country code, not \"0\""},
	{"a.example national 3", "t:1:20: national needs a country code, not \"3\""},
	{"a.example national 331", "t:1:20: national needs a country code, not \"331\""},
	{"a.example national 1555", "t:1:20: national needs a country code, not \"1555\""},
	{"a.example national 12", "t:1:20: national needs a country code, not \"12\""},
	{"a.example national +33", "t:1:20: national needs a country code, not \"+33\""},
	{"a.example national 28", "t:1:20: national needs a country code, not \"28\""},
	{"a.example national trunk 0", "t:1:20: national needs a country code, not \"trunk\""},
	{"a.example national 33 trank 0", "t:1:23: \"trank\" is no option of national; did you mean \"trunk\"?"},
	{"a.example national 33 trunk", "t:1:28: trunk needs a prefix of 1 to 7 digits, not \"\""},
	{"a.example national 33 idd +", "t:1:27: idd needs a prefix of 1 to 7 digits, not \"+\""},
	{"a.example national 33 idd 12345678", "t:1:27: idd needs a prefix of 1 to 7 digits, not \"12345678\""},
	{"a.example national 33 trunk 0 trunk 0", "t:1:31: a second trunk"},
	{"a.example national 33 0", "t:1:23: \"0\" is no option of national"},
	{"a.example nanp\nb.example nanp\n A.Example international\n", "t:3:2: \"a.example\" is already on line 1"},
	{"z.example nanp\na.example nanp\nz.example nanp\na.example nanp\n", "t:3:1: \"z.example\" is already on line 1"},
	{"a.example nanp\na.example nanp\na.example nanp\n", "t:2:1: \"a.example\" is already on line 1"},
	{"* nanp\n* nanp\n", "t:2:1: \"*\" is already on line 1"},
	{"*.a.example nanp", "t:1:1: \"*.a.example\" is no domain, \".domain\" or \"*\""},
	{"a..example nanp", "t:1:1: \"a..example\" is no domain, \".domain\" or \"*\""},
	{"a.example. nanp", "t:1:1: \"a.example.\" is no domain, \".domain\" or \"*\""},
	{". nanp", "t:1:1: \".\" is no domain, \".domain\" or \"*\""},
	{"a@b.example nanp", "t:1:1: \"a@b.example\" is no domain, \".domain\" or \"*\""},
	{"a.example#c nanp", "t:1:1: \"a.example#c\" is no domain, \".domain\" or \"*\""},
};

static struct numberplan *parse(const char *text)
{
	struct numberplan *p;
	struct err e = {ERR_NONE, ""};

	if (numberplan_parse("t", span_cstr(text), &p, &e) < 0)
		tap_bail("the table is refused: %s", e.text);
	return p;
}

static void check_numbers(const char *what, const struct numberplan *p, const struct number_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct tn tn;
		int got = numberplan_number(p, span_cstr(c[i].local), span_cstr(c[i].domain), &tn);

		tap_str(tn.digits, c[i].want ? c[i].want : "", "%s: %s @ %s", what, c[i].local, c[i].domain);
		if (got != (c[i].want != NULL) || tn.n != strlen(tn.digits))
			tap_ok(false, "%s: %s @ %s: returns %d", what, c[i].local, c[i].domain, got);
	}
}

static void check_errors(void)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		struct numberplan *p;
		struct err e = {ERR_NONE, ""};
		int rc = numberplan_parse("t", span_cstr(errors[i].text), &p, &e);

		tap_str(e.text, errors[i].want, "error %zu", i);
		if (rc != -1 || p || e.code != ERR_CONFIG)
			tap_ok(false, "error %zu: rc %d", i, rc);
		numberplan_free(p);
	}
}

static void check_octets(void)
{
	static const char with_nul[] = "a.exa\0mple nanp\n";
	char longest[256];
	struct numberplan *p;
	struct err e = {ERR_NONE, ""};
	struct tn tn;

	tap_int(numberplan_parse("t", span_make(with_nul, sizeof with_nul - 1), &p, &e), -1, "NUL in a table");
	tap_int(numberplan_parse("t", span_make(NULL, 0), &p, NULL), 0, "an empty table");
	tap_int(numberplan_number(p, span_cstr("2125551212"), span_cstr("a.example"), &tn), 0, "an empty table has no plan");
	numberplan_free(p);
	numberplan_free(NULL);
	tap_int(numberplan_parse("t", span_cstr("x"), &p, NULL), -1, "an error that nobody wants to read");
	tap_int(numberplan_parse("t", span_make("", LIMIT_TABLE_BYTES + (size_t)1), &p, &e), -1, "a table over the limit");
	p = parse("* nanp\n");
	memset(longest, '.', sizeof longest);
	tap_int(numberplan_number(p, span_cstr("2125551212"), span_make(longest, sizeof longest), &tn), 0, "a domain over the limit");
	tap_int(numberplan_number(p, span_cstr("2125551212"), span_make(longest, 253), &tn), 1, "a domain of dots");
	tap_int(numberplan_number(p, span_make("+15551230001\0", 13), span_cstr("x"), &tn), 0, "NUL after a number");
	numberplan_free(p);
}

static void check_large(void)
{
	enum { N = 20000 };
	char *text = malloc((size_t)N * 40), domain[40];
	struct numberplan *p;
	struct tn tn;
	size_t n = 0, found = 0;

	if (!text)
		tap_bail("no memory");
	for (int i = 0; i < N; i++)
		n += (size_t)snprintf(text + n, 40, "d%d.example nanp\n", (i * 7919) % N);
	p = parse(text);
	for (int i = 0; i < N; i++) {
		snprintf(domain, sizeof domain, "D%d.example", i);
		found += numberplan_number(p, span_cstr("2125551212"), span_cstr(domain), &tn) == 1;
	}
	tap_int((long long)found, N, "every row of a large table is found");
	numberplan_free(p);
	free(text);
}

int main(void)
{
	struct numberplan *p;
	char *more;

	check_numbers("no plan", NULL, no_plan, sizeof no_plan / sizeof no_plan[0]);
	p = parse(table);
	check_numbers("plan", p, with_plan, sizeof with_plan / sizeof with_plan[0]);
	/* A table changes nothing for forms that need none. */
	check_numbers("other domain", p, no_plan, sizeof no_plan / sizeof no_plan[0]);
	numberplan_free(p);
	if (asprintf(&more, "* international\n%s\n", table) < 0)
		tap_bail("no memory");
	p = parse(more);
	check_numbers("any", p, with_any, sizeof with_any / sizeof with_any[0]);
	numberplan_free(p);
	free(more);
	check_errors();
	check_octets();
	check_large();
	return tap_done();
}
