/* PDU classes and hidden senders: what counts, what only looks like it. */
#include "config.h"

#include "core/mmspdu.h"
#include "tests/lib/tap.h"

static const struct {
	const char *value;
	enum mmspdu_class want;
} values[] = {
	{"MM4_forward.REQ", MMSPDU_FORWARD_REQ},
	{"MM4_forward.RES", MMSPDU_FORWARD_RES},
	{"MM4_delivery_report.REQ", MMSPDU_DELIVERY_REPORT_REQ},
	{"MM4_delivery_report.RES", MMSPDU_DELIVERY_REPORT_RES},
	{"MM4_read_reply_report.REQ", MMSPDU_READ_REPLY_REPORT_REQ},
	{"MM4_read_reply_report.RES", MMSPDU_READ_REPLY_REPORT_RES},
	{"m-send-req", MMSPDU_SEND_REQ},
	{"M-Retrieve-Conf", MMSPDU_RETRIEVE_CONF},
	{"mm4_FORWARD.req", MMSPDU_FORWARD_REQ},
	{" \tMM4_forward.REQ \n ", MMSPDU_FORWARD_REQ},
	{"\n MM4_delivery_report.REQ", MMSPDU_DELIVERY_REPORT_REQ},
	{"", MMSPDU_NONE},
	{" \n\t", MMSPDU_NONE},
	{"MM4_forward", MMSPDU_OTHER},
	{"MM4_forward.", MMSPDU_OTHER},
	{"MM4_forward.REQ.", MMSPDU_OTHER},
	{"MM4_forward.REQS", MMSPDU_OTHER},
	{"xMM4_forward.REQ", MMSPDU_OTHER},
	{"MM4_forward.REQ;x=1", MMSPDU_OTHER},
	{"MM4_forward.REQ (comment)", MMSPDU_OTHER},
	{"\"MM4_forward.REQ\"", MMSPDU_OTHER},
	{"MM4_forward .REQ", MMSPDU_OTHER},
	{"MM4_\n forward.REQ", MMSPDU_OTHER},
	{"MM4-delivery-report.REQ", MMSPDU_OTHER},
	{"MM4_delivery_report.REQ, MM4_forward.REQ", MMSPDU_OTHER},
	{"=?us-ascii?Q?MM4_forward.REQ?=", MMSPDU_OTHER},
	{"MM1_forward.REQ", MMSPDU_OTHER},
	{"none", MMSPDU_OTHER},
	{"other", MMSPDU_OTHER},
	{"\xC2\xA0MM4_forward.REQ", MMSPDU_OTHER},
};

static struct arena *a;
static struct mms_message m;

static void push(const char *header)
{
	struct span text = span_cstr(header);

	message_reset(&m);
	message_begin(&m, NULL, NULL, LIMIT_HEADER_BYTES);
	while (text.n) {
		struct span value = span_cut(&text, '\n'), name;

		name = span_cut(&value, ':');
		message_header(&m, name, value);
	}
	message_end_headers(&m);
}

static const struct {
	const char *header;
	enum mmspdu_class want;
	const char *value;
	bool disputed, hidden;
} headers[] = {
	{"From: x\n", MMSPDU_NONE, "", false, false},
	{"X-MMS-MESSAGE-TYPE: MM4_forward.RES\n", MMSPDU_FORWARD_RES, "MM4_forward.RES", false, false},
	{"X-Mms-Message-Types: MM4_forward.RES\n", MMSPDU_NONE, "", false, false},
	{"X-Mms-Message-Type: MM4_delivery_report.REQ\nX-Mms-Message-Type: MM4_forward.REQ\n", MMSPDU_DELIVERY_REPORT_REQ, "MM4_delivery_report.REQ", true, false},
	{"X-Mms-Message-Type: MM4_forward.REQ\nX-Mms-Message-Type: MM4_delivery_report.REQ\n", MMSPDU_FORWARD_REQ, "MM4_forward.REQ", true, false},
	{"X-Mms-Message-Type: MM4_forward.REQ\nX-Mms-Message-Type: mm4_FORWARD.req \n", MMSPDU_FORWARD_REQ, "MM4_forward.REQ", false, false},
	{"X-Mms-Message-Type:\nX-Mms-Message-Type: MM4_delivery_report.REQ\n", MMSPDU_NONE, "", true, false},
	{"X-Mms-Message-Type: MM4_new.REQ\n", MMSPDU_OTHER, "MM4_new.REQ", false, false},
	{"X-Mms-Sender-Visibility: Hide\n", MMSPDU_NONE, "", false, true},
	{"x-mms-sender-visibility: hIDE \n", MMSPDU_NONE, "", false, true},
	{"X-Mms-Sender-Visibility: Show\nX-Mms-Sender-Visibility: Hide\n", MMSPDU_NONE, "", false, true},
	{"X-Mms-Sender-Visibility: Show\n", MMSPDU_NONE, "", false, false},
	{"X-Mms-Sender-Visibility: Hidden\n", MMSPDU_NONE, "", false, false},
	{"X-Mms-Sender-Visibility:\n", MMSPDU_NONE, "", false, false},
};

static void check_kinds(void)
{
	for (unsigned c = 0; c < MMSPDU_CLASS_COUNT; c++) {
		const char *name = mmspdu_name((enum mmspdu_class)c);
		struct mmspdu p = {.value = span_cstr(name)};
		bool report = strstr(name, "report.req") != NULL, response = strstr(name, ".res") != NULL;

		tap_ok(mmspdu_is_report((enum mmspdu_class)c) == report, "%s: a report or not", name);
		tap_ok(mmspdu_is_response((enum mmspdu_class)c) == response, "%s: a response or not", name);
		tap_ok(mmspdu_claims_mm4(&p) == (strncmp(name, "mm4_", 4) == 0), "%s: of MM4 or not", name);
	}
}

static void check_body(void)
{
	static const struct {
		const char *chunk[3];
		bool says;
	} bodies[] = {
		{{"", "", ""}, false}, {{"\r\n", " \t", "\r\n\r\n"}, false}, {{"x", "", ""}, true}, {{"\r\n", "\r\n.", "\r\n"}, true}, {{"\r\n", "\r\n", "--b--"}, true},
	};

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		push("From: x\n");
		for (size_t k = 0; k < 3; k++)
			message_body(&m, bodies[i].chunk[k], strlen(bodies[i].chunk[k]));
		message_end(&m);
		tap_ok(m.body_says == bodies[i].says, "body %zu", i);
	}
	push("From: x\n");
	message_body(&m, "\0", 1);
	tap_ok(m.body_says, "a NUL is no white space");
}

int main(void)
{
	struct header_field cut = {.name = span_cstr("X-Mms-Message-Type"), .value = span_cstr("MM4_forward.REQ"), .cut = true};
	struct mms_message one = {.field = &cut, .nfield = 1};
	struct mmspdu p;

	a = arena_new(LIMIT_MESSAGE_ARENA);
	if (!a)
		tap_bail("no memory");
	message_init(&m, a);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		tap_str(mmspdu_name(mmspdu_class(span_cstr(values[i].value))), mmspdu_name(values[i].want), "value %zu", i);
	tap_str(mmspdu_name(mmspdu_class(span_make("MM4_forward.REQ\0", 16))), "other", "a NUL behind it");
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		push(headers[i].header);
		mmspdu_read(&m, &p);
		tap_str(mmspdu_name(p.class), mmspdu_name(headers[i].want), "header %zu: class", i);
		tap_span_is(p.value, headers[i].value, "header %zu: value", i);
		tap_ok(p.disputed == headers[i].disputed, "header %zu: disputed or not", i);
		tap_ok(mmspdu_hides_sender(&m) == headers[i].hidden, "header %zu: hidden or not", i);
	}
	mmspdu_read(&one, &p);
	tap_ok(p.disputed, "a field that was seen in part is disputed");
	check_kinds();
	check_body();
	message_reset(&m);
	arena_free(a);
	return tap_done();
}
