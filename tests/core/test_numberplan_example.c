/* conf/numberplan.example: every row can be read, says where it is known from, and makes numbers of its addresses. */
#include "config.h"

#include "core/address.h"
#include "core/limits.h"
#include "tests/lib/tap.h"

#include <stdio.h>

enum { FILE_MAX = 64 * 1024 };

static struct numberplan *plan;

static const struct {
	const char *address, *number; /* number NULL: none */
} addresses[] = {
	/* ten digits, eleven, and what is no subscriber of the plan */
	{"2125551212@vtext.com", "12125551212"},
	{"12125551212@vtext.com", "12125551212"},
	{"2125551212@VZWPIX.com", "12125551212"},
	{"2125551212@txt.att.net.", "12125551212"},
	{"2125551212@mms.att.net", "12125551212"},
	{"2125551212@tmomail.net", "12125551212"},
	{"12125551212@tmomail.net", "12125551212"},
	{"+12125551212@tmomail.net", "12125551212"},
	{"2125551212@pm.sprint.com", "12125551212"},
	{"2125551212@mms.uscc.net", "12125551212"},
	{"2125551212@msg.fi.google.com", "12125551212"},
	{"4165550123@pcs.rogers.com", "14165550123"},
	{"14165550123@sms.rogers.com", "14165550123"},
	{"4165550123@txt.bell.ca", "14165550123"},
	{"6045550123@msg.telus.com", "16045550123"},
	{"6245@vtext.com", NULL},
	{"0125551212@vtext.com", NULL},
	{"22125551212@vtext.com", NULL},
	{"ann.2125551212@vtext.com", NULL},
	{"442071234567@vtext.com", NULL},
	/* a name that only looks like a gateway's */
	{"2125551212@vtext.com.example", NULL},
	{"2125551212@x.vtext.com", NULL},
	{"2125551212@xvtext.com", NULL},
	{"2125551212@att.net", NULL},
	{"2125551212@google.com", NULL},
	{"2125551212@gmail.com", NULL},
	/* with the country code */
	{"385911234567@sms.t-mobile.hr", "385911234567"},
	{"359891234567@sms.globul.bg", "359891234567"},
	{"359881234567@sms.mtel.net", "359881234567"},
	{"31612345678@gin.nl", "31612345678"},
	{"9779812345678@sms.ncell.com.np", "9779812345678"},
	{"2975612345@mas.aw", "2975612345"},
	{"0912345678@sms.t-mobile.hr", NULL},
	/* with the national prefix */
	{"01721234567@vodafone-sms.de", "491721234567"},
	{"0701234567@sms.tele2.se", "46701234567"},
	{"0612345678@sms.orange.nl", "31612345678"},
	{"00491721234567@vodafone-sms.de", NULL},
	/* needs no row */
	{"+48601234567@text.plusgsm.pl", "48601234567"},
	/* the places for one's own */
	{"33612345678@mms.carrier.example", "33612345678"},
	{"0612345678@mms.operator.example", "33612345678"},
	{"33612345678@fr.carrier.example", "33612345678"},
};

static void check_addresses(void)
{
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct span local, domain;
		struct tn tn;
		int found;

		address_split(span_cstr(addresses[i].address), &local, &domain);
		found = numberplan_number(plan, local, domain, &tn);
		if (addresses[i].number)
			tap_str(found ? tn.digits : "none", addresses[i].number, "%s", addresses[i].address);
		else
			tap_int(found, 0, "%s is no number", addresses[i].address);
	}
}

/* Each row of a public gateway ends with a comment that names a list; and no list of it is unknown. */
static void check_sources(struct span text)
{
	size_t rows = 0;

	while (text.n) {
		struct span line = span_cut(&text, '\n'), word = line, comment, sources;
		size_t known = 0;

		if (!line.n || line.p[0] == '#')
			continue;
		comment = line;
		word = span_cut(&comment, ' ');
		if (word.n > 8 && span_is(span_skip(word, word.n - 8), ".example"))
			continue;
		rows++;
		(void)span_cut(&comment, '#');
		sources = comment;
		(void)span_cut(&sources, ';');
		while (sources.n) {
			struct span one = span_cut(&sources, ' ');

			while (one.n && !((one.p[0] >= 'A' && one.p[0] <= 'Z')))
				one = span_skip(one, 1);
			while (one.n && (one.p[one.n - 1] == ';' || one.p[one.n - 1] == ',' || one.p[one.n - 1] == ')'))
				one.n--;
			if (one.n == 1 && (one.p[0] == 'L' || one.p[0] == 'D' || one.p[0] == 'N'))
				known++;
		}
		tap_ok(known > 0, "%.*s says where it is known from", SPAN_ARG(word));
	}
	tap_ok(rows > 40, "%zu rows of public gateways", rows);
}

int main(void)
{
	static char octets[FILE_MAX];
	char name[600];
	struct err e;
	size_t n;
	FILE *f;

	tap_srcpath(name, sizeof name, "conf/numberplan.example");
	f = fopen(name, "rb");
	if (!f)
		tap_bail("%s can not be opened", name);
	n = fread(octets, 1, sizeof octets, f);
	fclose(f);
	tap_ok(n > 0 && n < sizeof octets, "it is read, whole");
	err_clear(&e);
	if (numberplan_parse("numberplan.example", span_make(octets, n), &plan, &e))
		tap_bail("%s", e.text);
	check_addresses();
	check_sources(span_make(octets, n));
	numberplan_free(plan);
	return tap_done();
}
