/* From a message and a result to facts: each source, and what must stay absent. */
#include "config.h"

#include "engine/policy_facts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "core/address.h"
#include "tests/lib/tap.h"
#include "tests/lib/world.h"

static struct transaction t;
static struct settings settings;
static struct mms_client client;
static struct facts facts;
static struct buf shown;

/* The values of a fact as a policy writes them, joined by '|'; "-" when it is absent. */
static const char *show(const char *name)
{
	enum fact_id id = fact_find(span_cstr(name));
	const struct facts_value *v;
	size_t n;

	if (id == FACT_N)
		tap_bail("no fact %s", name);
	v = facts_values(&facts, id, &n);
	buf_reset(&shown);
	for (size_t i = 0; i < n; i++) {
		buf_puts(&shown, i ? "|" : "");
		facts_print_value(&shown, id, &v[i]);
	}
	return n ? shown.p : "-";
}

static void is(const char *name, const char *want, const char *what)
{
	tap_str(show(name), want, "%s: %s", what, name);
}

static void begin(const char *header)
{
	static const char *const rcpt[] = {"<+15550300001/TYPE=PLMN@B.example>", "Ben@B.Example", NULL};

	message_reset(&t.message);
	memset(&t.result, 0, sizeof t.result);
	t.result.reason = STIR_NO_IDENTITY;
	t.overloaded = false;
	message_begin(&t.message, &client, NULL, LIMIT_HEADER_BYTES);
	world_push_header(&t.message, "<Bounce@A.Example>", rcpt, header);
	mmspdu_read(&t.message, &t.pdu);
	t.scope = ENGINE_IN_SCOPE;
}

static void fill(unsigned needs)
{
	facts_init(&facts, t.arena);
	policy_facts_fill(&facts, &settings, &t, needs, WORLD_NOW);
}

static void set(const char *name, const char *value)
{
	struct err e;

	err_clear(&e);
	if (settings_set(&settings, name, span_cstr(value), &e))
		tap_bail("%s: %s", name, e.text);
}

static void set_client(const char *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)&client.addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&client.addr;

	memset(&client.addr, 0, sizeof client.addr);
	if (strchr(address, ':')) {
		in6->sin6_family = AF_INET6;
		inet_pton(AF_INET6, address, &in6->sin6_addr);
	} else {
		in->sin_family = AF_INET;
		inet_pton(AF_INET, address, &in->sin_addr);
	}
}

/* --- what verification found ------------------------------------------------------------ */

static void give(struct stir_check *c, enum stir_reason reason, enum stir_stage stage)
{
	static struct party dest[3];

	memset(c, 0, sizeof *c);
	dest[0] = (struct party){.kind = PARTY_TN};
	dest[1] = (struct party){.kind = PARTY_TN};
	dest[2] = (struct party){.kind = PARTY_URI, .uri = span_cstr("mailto:x@b.example")};
	if (tn_from_claim(span_cstr("15550300001"), &dest[0].tn) || tn_from_claim(span_cstr("15550300002"), &dest[1].tn))
		tap_bail("tn");
	c->reason = t.result.reason = reason;
	c->stage = stage;
	c->has_header = c->has_claims = true;
	c->passport.x5u = span_cstr("https://Cert.A.example:8443/c.pem");
	c->passport.iat = WORLD_NOW - 7;
	c->passport.orig.kind = PARTY_TN;
	if (tn_from_claim(span_cstr("15550100001"), &c->passport.orig.tn))
		tap_bail("tn");
	c->passport.dest = dest;
	c->passport.ndest = 3;
	c->passport.attest = span_cstr("B");
	t.result.best = c;
}

static void test_signed(void)
{
	struct stir_check c;

	begin("From: +15550100001@a.example\nIdentity: x\n");
	give(&c, STIR_OK, STIR_STAGE_DONE);
	c.signed_ok = c.has_authority = c.has_cert = true;
	c.authority = TN_AUTHORITY_SPC;
	c.integrity = STIR_INTEGRITY_DECODED;
	c.dest_cover = STIR_DEST_PARTIAL;
	c.replay = STIR_REPLAY_OFF;
	c.spc = span_cstr("123a");
	c.cert_subject = span_cstr("/CN=SHAKEN 123A");
	c.cert_sha256 = span_cstr("9f86d0");
	c.cert_not_after = WORLD_NOW + 2 * WORLD_DAY;
	fill(0);
	is("verify", "pass", "signed");
	is("reason", "ok", "signed");
	is("authority", "spc", "signed");
	is("integrity", "decoded", "signed");
	is("integrity.suspect", "no", "signed");
	is("dest.cover", "partial", "signed");
	is("replay", "off", "signed");
	is("failure", "-", "signed");
	is("identity.count", "1", "signed");
	is("passport.orig", "+15550100001", "signed");
	is("passport.dest", "+15550300001|+15550300002", "signed");
	is("passport.dest_count", "3", "signed");
	is("passport.age", "7s", "signed");
	is("passport.attest", "B", "signed");
	is("signer.spc", "\"123A\"", "signed");
	is("signer.host", "\"cert.a.example\"", "signed");
	is("signer.subject", "\"/CN=SHAKEN 123A\"", "signed");
	is("signer.cert", "\"9f86d0\"", "signed");
	is("signer.expires_in", "2d", "signed");
	is("claimed.orig", "-", "signed");
	is("claimed.host", "-", "signed");
	is("claimed.age", "-", "signed");
	tap_ok(!facts.incomplete && facts.worked_out == 0, "nothing is missing, nothing more was looked at");
}

/* A result that rests on diversions is worth what the least of those who vouch for it is. */
static void test_domains(void)
{
	static const struct trust_rules strict = {.name = "strict", .has_credit = true, .credit = 300}, pilot = {.name = "pilot", .has_credit = true, .credit = 50},
					plain = {.name = "plain"};
	struct stir_check c[2];

	begin("From: +15550100001@a.example\nIdentity: x\n");
	give(&c[0], STIR_OK, STIR_STAGE_DONE);
	c[0].signed_ok = c[0].has_cert = true;
	c[1] = c[0];
	c[1].passport.type = PASSPORT_DIV;
	c[0].domain = &plain;
	c[1].domain = &pilot;
	c[1].revocation_unknown = true;
	t.result.check = c;
	t.result.ncheck = 2;
	fill(0);
	is("signer.domain", "\"plain\"", "a div token that is not needed");
	is("signer.score_ceiling", "-", "a div token that is not needed");
	is("signer.revocation", "good", "a div token that is not needed");
	c[1].in_chain = true;
	fill(0);
	is("signer.domain", "\"plain\"", "one on which the result rests");
	is("signer.score_ceiling", "-0.5", "one on which the result rests");
	is("signer.revocation", "unknown", "one on which the result rests");
	c[0].domain = &strict;
	fill(0);
	is("signer.score_ceiling", "-0.5", "the lesser of two");
	c[0].domain = &pilot;
	c[1].domain = &strict;
	fill(0);
	is("signer.score_ceiling", "-0.5", "whichever it is");
}

static void test_claimed(void)
{
	struct stir_check c;

	begin("From: +15550100001@a.example\n");
	give(&c, STIR_BAD_SIGNATURE, STIR_STAGE_SIGNATURE);
	c.has_authority = c.has_cert = true;
	c.spc = c.cert_subject = c.cert_sha256 = span_cstr("X");
	c.authority = TN_AUTHORITY_TN;
	c.dest_cover = STIR_DEST_FULL;
	fill(0);
	is("verify", "fail", "claimed");
	is("reason", "bad-signature", "claimed");
	is("claimed.orig", "+15550100001", "claimed");
	is("claimed.dest", "+15550300001|+15550300002", "claimed");
	is("claimed.age", "7s", "claimed");
	is("claimed.attest", "B", "claimed");
	is("claimed.host", "\"cert.a.example\"", "claimed");
	static const char *const absent[] = {"authority", "integrity", "integrity.suspect", "dest.cover", "replay", "passport.orig", "passport.dest", "passport.age",
		"passport.dest_count", "passport.attest", "signer.spc", "signer.host", "signer.subject", "signer.cert", "signer.expires_in"};
	for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
		is(absent[i], "-", "claimed");
	c.has_claims = false;
	fill(0);
	is("claimed.orig", "-", "not even claims");
	is("claimed.dest", "-", "not even claims");
	c.has_claims = true;
	c.passport.attest = span_make(NULL, 0);
	c.passport.orig.kind = PARTY_URI;
	c.passport.x5u = span_cstr("http://cert.a.example/");
	fill(0);
	is("claimed.attest", "-", "no attestation");
	is("claimed.orig", "-", "an originator without a number");
	is("claimed.host", "-", "an x5u nobody would go to");
}

static void test_failure(void)
{
	static const struct {
		enum stir_reason reason;
		bool overloaded, over_limit, too_large, keep_failed;
		const char *want;
	} cases[] = {
		{STIR_OK, false, false, false, false, "-"},
		{STIR_BAD_SIGNATURE, false, false, false, false, "-"},
		{STIR_CERT_UNREACHABLE, false, false, false, false, "temperror"},
		{STIR_REVOCATION_UNKNOWN, false, false, false, false, "temperror"},
		{STIR_NO_RESOURCE, false, false, false, false, "internal"},
		{STIR_NO_RESOURCE, false, true, false, false, "toolarge"},
		{STIR_OK, false, false, true, false, "toolarge"},
		{STIR_OK, false, false, false, true, "internal"},
		{STIR_CERT_UNREACHABLE, true, true, false, false, "overload"},
		{STIR_NO_RESOURCE, true, false, false, false, "internal"},
		{STIR_TOKEN_SYNTAX, false, false, false, false, "malformed"},
		{STIR_TOKEN_SYNTAX, false, true, false, false, "toolarge"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char what[40];

		snprintf(what, sizeof what, "failure %zu", i);
		begin("From: +15550100001@a.example\n");
		t.result.reason = cases[i].reason;
		t.overloaded = cases[i].overloaded;
		t.message.over_limit = cases[i].over_limit;
		t.message.kept.failed = cases[i].too_large || cases[i].keep_failed;
		t.message.body_bytes = cases[i].too_large ? LIMIT_KEPT_BODY + 1 : 5;
		fill(FACT_NEED_CONTENT);
		is("failure", cases[i].want, what);
		is("mime.count", "-", what);
	}
}

/* --- envelope and header ------------------------------------------------------------------- */

static void test_from(void)
{
	static const struct {
		const char *header, *kind, *tn, *address, *domain;
	} cases[] = {
		{"From: \"x\" <+15550100001/TYPE=PLMN@A.Example>\n", "tn", "+15550100001", "\"+15550100001/type=plmn@a.example\"", "\"a.example\""},
		{"From: Ann@A.Example\n", "address", "-", "\"ann@a.example\"", "\"a.example\""},
		{"From: ann@a.example, ben@a.example\n", "several", "-", "-", "-"},
		{"From: ann@a.example\nFrom: ann@a.example\n", "several", "-", "-", "-"},
		{"To: ann@a.example\n", "none", "-", "-", "-"},
		{"From: +15550100001\n", "tn", "+15550100001", "\"+15550100001\"", "-"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(cases[i].header);
		fill(0);
		tap_str(show("orig.kind"), cases[i].kind, "From %zu: what it is", i);
		is("orig.tn", cases[i].tn, "its number");
		is("orig.address", cases[i].address, "its address");
		is("orig.domain", cases[i].domain, "its domain");
	}
}

static void test_header(void)
{
	begin("From: +15550100001@a.example\nTo: +15550300001@B.example, g: Ben@B.Example;\ncc: c@c.example\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n aus\n"
	      "Message-ID: <1@a.example>\nDate: Sun, 01 Nov 2026 11:59:30 +0000\nReceived: a\nReceived: b\n");
	world_push_body(&t.message, "12345");
	fill(0);
	is("dest.address", "-", "To only when asked for");
	is("sender.address", "\"bounce@a.example\"", "envelope");
	is("sender.domain", "\"a.example\"", "envelope");
	is("rcpt.count", "2", "envelope");
	is("rcpt.tn", "+15550300001", "envelope");
	is("rcpt.address", "\"+15550300001/type=plmn@b.example\"|\"ben@b.example\"", "envelope");
	is("rcpt.domain", "\"b.example\"|\"b.example\"", "envelope");
	is("subject", "\"gr\\xC3\\xBC\\xC3\\x9Fe aus\"", "header");
	is("message.id", "\"<1@a.example>\"", "header");
	is("message.size", "5", "header");
	is("message.age", "30s", "header");
	is("header.count", "8", "header");
	is("received.count", "2", "header");
	fill(FACT_NEED_TO);
	is("dest.tn", "+15550300001", "To and Cc");
	is("dest.address", "\"+15550300001@b.example\"|\"ben@b.example\"|\"c@c.example\"", "To and Cc");
	is("dest.domain", "\"b.example\"|\"b.example\"|\"c.example\"", "To and Cc");
	is("dest.count", "3", "To and Cc");
	tap_int(facts.worked_out, FACT_NEED_TO, "To and Cc were looked at");
}

static void test_odd_header(void)
{
	static const struct {
		const char *header, *fact, *want;
	} cases[] = {
		{"Date: Sun, 01 Nov 2026 12:00:30 +0000\n", "message.age", "-30s"},
		{"Date: Thu, 01 Jan 1970 00:00:00 +0000\n", "message.age", "-"},
		{"Date: Sun, 01 Nov 2526 12:00:30 +0000\n", "message.age", "-"},
		{"Date: tomorrow\n", "message.age", "-"},
		{"Date:\n", "message.age", "-"},
		{"Date: Sun, 01 Nov 2026 11:59:30 +0000\nDate: Sun, 01 Nov 2026 11:59:30 +0000\n", "message.age", "30s"},
		{"Date: Sun, 01 Nov 2026 11:59:30 +0000\nDate: Sun, 01 Nov 2026 11:59:31 +0000\n", "message.age", "-"},
		{"Subject: =?x-none?q?a?=\n", "subject", "\"=?x-none?q?a?=\""},
		{"Subject: \xFF\n", "subject", "\"\\xEF\\xBF\\xBD\""},
		{"Subject: one\nSubject: two\n", "subject", "\"one\""},
		{"Subject:\n", "subject", "-"},
		{"To:\n", "dest.count", "0"},
		{"To: (((\n", "dest.address", "-"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(cases[i].header);
		fill(FACT_NEED_TO);
		tap_str(show(cases[i].fact), cases[i].want, "odd header %zu: %s", i, cases[i].fact);
	}
	begin("From: x@a.example\n");
	t.message.mail_from = span_make(NULL, 0);
	fill(0);
	is("sender.address", "-", "the null sender");
	is("sender.domain", "-", "the null sender");
}

static void test_caps(void)
{
	struct buf text;

	buf_init(&text, 1024 * 1024);
	buf_puts(&text, "To: a@b.example");
	for (int i = 1; i < FACTS_LIST_MAX; i++)
		buf_puts(&text, ", a@b.example");
	begin(text.p);
	fill(FACT_NEED_TO);
	is("dest.count", "1000", "as many as are looked at");
	is("failure", "-", "and nothing is missing");
	tap_ok(!facts.incomplete, "and nothing is missing");
	buf_puts(&text, "\nCc: c@b.example\n");
	begin(text.p);
	fill(FACT_NEED_TO);
	is("dest.count", "1000", "one more");
	tap_ok(facts.incomplete, "is said to be missing");
	is("failure", "toolarge", "to rules, too");
	buf_reset(&text);
	buf_puts(&text, "Subject: ");
	for (int i = 0; i < 4097; i++)
		buf_putc(&text, 'x');
	begin(text.p);
	fill(0);
	is("subject", "-", "a subject that is too long");
	tap_ok(facts.incomplete, "is said to be missing");
	is("failure", "toolarge", "to rules, too");
	begin("From: x@a.example\n");
	for (int i = 0; i < FACTS_LIST_MAX; i++)
		message_rcpt(&t.message, span_cstr("x@b.example"));
	fill(0);
	is("rcpt.count", "1002", "recipients beyond the cap are counted");
	tap_ok(facts.incomplete, "and said to be missing");
	is("failure", "toolarge", "to rules, too");
	buf_free(&text);
}

/* --- client ------------------------------------------------------------------------------------ */

static void test_client(void)
{
	struct mms_client saved = client;

	client.name = span_cstr("MM4.A.Example.");
	client.helo = span_cstr("Hub.A.example");
	client.listener = span_cstr("mm4");
	client.auth_user = span_cstr("partner-a");
	client.tls_version = span_cstr("TLSv1.3");
	client.tls_cipher = span_cstr("TLS_AES_256_GCM_SHA384");
	client.tls_bits = span_cstr("256");
	client.tls_subject = span_cstr("/CN=a");
	client.tls_issuer = span_cstr("/CN=ca");
	set_client("192.0.2.9");
	begin("From: x@a.example\n");
	fill(0);
	is("client", "192.0.2.9", "client");
	is("client.name", "\"mm4.a.example\"", "client");
	is("helo", "\"hub.a.example\"", "client");
	is("listener", "\"mm4\"", "client");
	is("auth.user", "\"partner-a\"", "client");
	is("tls.version", "\"TLSv1.3\"", "client");
	is("tls.cipher", "\"TLS_AES_256_GCM_SHA384\"", "client");
	is("tls.bits", "256", "client");
	is("tls.subject", "\"/CN=a\"", "client");
	is("tls.issuer", "\"/CN=ca\"", "client");
	set_client("2001:db8::1");
	client.name = span_cstr("[2001:db8::1]");
	client.tls_bits = span_cstr("many");
	fill(0);
	is("client", "2001:db8::1", "another");
	is("client.name", "-", "no name");
	is("tls.bits", "-", "no number");
	client = saved;
	fill(0);
	is("client", "-", "nothing known");
	is("helo", "-", "nothing known");
	is("tls.version", "-", "nothing known");
}

/* --- MMS ------------------------------------------------------------------------------------------ */

static void test_mms(void)
{
	static const struct {
		const char *header, *fact, *want;
	} cases[] = {
		{"X-Mms-Message-Class: Personal\n", "mms.class", "personal"},
		{"X-MMS-MESSAGE-CLASS: ADVERTISEMENT \n", "mms.class", "advertisement"},
		{"X-Mms-Message-Class: other\n", "mms.class", "-"},
		{"X-Mms-Message-Class: Personal\nX-Mms-Message-Class: personal\n", "mms.class", "personal"},
		{"X-Mms-Message-Class: Personal\nX-Mms-Message-Class: Auto\n", "mms.class", "-"},
		{"X-Mms-Priority: Low\n", "mms.priority", "low"},
		{"X-Mms-Message-Type: MM4_forward.REQ\n", "mms.pdu", "mm4_forward.req"},
		{"X-Mms-Message-Type: MM4_read_reply_report.RES\n", "mms.pdu", "mm4_read_reply_report.res"},
		{"X-Mms-Message-Type: MM4_delivery_report.REQ\n", "mms.pdu", "mm4_delivery_report.req"},
		{"X-Mms-Message-Type: MM9\n", "mms.pdu", "other"},
		{"X-Mms-Message-Type:\n", "mms.pdu", "-"},
		{"X-Mms-3GPP-MMS-Version: 6.3.0\n", "mms.version", "\"6.3.0\""},
		{"X-Mms-Message-Size: 30720\n", "mms.size", "30k"},
		{"X-Mms-Message-Size: -1\n", "mms.size", "-"},
		{"X-Mms-Message-Size: 99999999999999999999\n", "mms.size", "-"},
		{"X-Mms-Expiry: 3600\n", "mms.expiry", "1h"},
		{"X-Mms-Expiry: Sun, 01 Nov 2026 11:00:00 +0000\n", "mms.expiry", "-1h"},
		{"X-Mms-Expiry: soon\n", "mms.expiry", "-"},
		{"X-Mms-Delivery-Report: Yes\n", "mms.delivery_report", "yes"},
		{"X-Mms-Read-Reply: No\n", "mms.read_reply", "no"},
		{"X-Mms-Sender-Visibility: Hide\n", "mms.sender_visibility", "hide"},
		{"X-Mms-Sender-Visibility: maybe\n", "mms.sender_visibility", "-"},
		{"X-Mms-Message-Type: MM4_forward.RES\nX-Mms-Message-Type: MM4_forward.REQ\n", "mms.pdu", "mm4_forward.res"},
		{"X-Mms-Message-Type: MM4_delivery_report.REQ\n", "mms.report", "-"},
		{"X-Mms-Message-Type: MM4_delivery_report.REQ\n", "mms.report_with_content", "-"},
		{"X-Mms-Message-Type: MM4_delivery_report.REQ\n", "mms.channel", "-"},
		{"Importance: High\n", "gateway.importance", "high"},
		{"Importance: urgent\n", "gateway.importance", "-"},
		{"Sensitivity: Company-Confidential\n", "gateway.sensitivity", "company-confidential"},
		{"Disposition-Notification-To: x@a.example\n", "gateway.read_receipt", "yes"},
		{"From: x@a.example\n", "gateway.read_receipt", "-"},
		{"From: x@a.example\n", "gateway.hops", "0"},
		{"Received: from a.example by b.example with MMS id 1; Sun, 01 Nov 2026 11:00:00 +0000\nReceived: from x (with MMS) by b.example with ESMTP id 2; x\n"
		 "Received: from mmsc by gw.example\n with mms id 3; Sun, 01 Nov 2026 11:00:00 +0000\n", "gateway.hops", "2"},
		{"Received: from a by b; with MMS\nReceived: by with\nReceived: by (with MMS\nReceived: by b with MMSX id 4\nReceived: by b with (a \\) b) MMS\n", "gateway.hops", "1"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(cases[i].header);
		fill(0);
		tap_str(show(cases[i].fact), cases[i].want, "MMS field %zu: %s", i, cases[i].fact);
	}
}

/* The channel is what the settings say, and a report is one by what the engine made of it. */
static void test_channel(void)
{
	static const struct {
		enum engine_scope scope;
		bool mm4, says;
		const char *header, *kind, *content, *channel;
	} cases[] = {
		{ENGINE_REPORT, true, false, "X-Mms-Message-Type: MM4_delivery_report.REQ\n", "delivery", "no", "mm4"},
		{ENGINE_REPORT, true, true, "X-Mms-Message-Type: MM4_read_reply_report.REQ\n", "read", "yes", "mm4"},
		{ENGINE_REPORT, true, false, "X-Mms-Message-Type: MM4_read_reply_report.RES\n", "response", "no", "mm4"},
		{ENGINE_REPORT, true, false, "X-Mms-Message-Type: MM4_forward.RES\n", "response", "no", "mm4"},
		{ENGINE_IN_SCOPE, true, true, "X-Mms-Message-Type: MM4_forward.REQ\n", "-", "-", "mm4"},
		{ENGINE_IN_SCOPE, false, true, "X-Mms-Message-Type: MM4_forward.RES\n", "-", "-", "-"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(cases[i].header);
		t.scope = cases[i].scope;
		t.message.mm4 = cases[i].mm4;
		t.message.body_says = cases[i].says;
		fill(0);
		tap_str(show("mms.report"), cases[i].kind, "channel %zu: kind", i);
		tap_str(show("mms.report_with_content"), cases[i].content, "channel %zu: content", i);
		tap_str(show("mms.channel"), cases[i].channel, "channel %zu: channel", i);
	}
}

/* --- other filters ---------------------------------------------------------------------------------- */

#define AR "Authentication-Results: mx.b.example; "

static void test_results(void)
{
	static const struct {
		const char *header, *fact, *want;
	} cases[] = {
		{AR "dkim=pass header.d=A.Example\n", "dkim", "pass"},
		{AR "dkim=pass header.d=A.Example\n", "dkim.domain", "\"a.example\""},
		{AR "dkim=fail header.d=a.example; dkim=pass header.i=@b.example; dkim=neutral\n", "dkim", "pass"},
		{AR "dkim=fail header.d=a.example; dkim=pass header.i=@b.example; dkim=neutral\n", "dkim.domain", "\"b.example\""},
		{AR "dkim=fail header.d=a.example\n" AR "dkim=neutral\n", "dkim", "fail"},
		{AR "dkim=fail header.d=a.example\n" AR "dkim=pass header.d=c.example\n", "dkim.domain", "\"c.example\""},
		{AR "dkim=strange header.d=a.example\n", "dkim", "-"},
		{AR "spf=softfail smtp.mailfrom=x@A.example\n", "spf", "softfail"},
		{AR "spf=softfail smtp.mailfrom=x@A.example\n", "spf.domain", "\"a.example\""},
		{AR "spf=none smtp.helo=h.example\n", "spf.domain", "\"h.example\""},
		{AR "spf=pass\n" AR "spf=fail\n", "spf", "pass"},
		{AR "dmarc=pass header.from=a.example\n", "dmarc", "pass"},
		{AR "dmarc=pass header.from=a.example\n", "dmarc.domain", "\"a.example\""},
		{AR "arc=pass\n", "arc", "-"},
		{"Authentication-Results: mx.c.example; spf=pass\n", "spf", "-"},
		{AR "spf=pass; junk\n", "spf", "-"},
		{AR "none\n", "spf", "-"},
		{"Authentication-Results: MX.b.example 1; spf = pass\n", "spf", "pass"},
		{"Authentication-Results: \"mx.b.example\"; spf=pass\n", "spf", "-"},
		{"Authentication-Results: (x) mx.b.example; spf=pass\n", "spf", "-"},
		{"Authentication-Results: mx.b.example (x) 1; spf=pass\n", "spf", "-"},
		{"Authentication-Results: mx.b.example; (x) spf=pass (y)\n", "spf", "pass"},
		{"Authentication-Results-x: mx.b.example; spf=pass\n", "spf", "-"},
	};

	set("AuthservID", "mx.b.example");
	begin(AR "spf=pass\n");
	fill(0);
	is("spf", "-", "nobody is trusted");
	set("TrustedResults", "dkim, SPF, dmarc");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(cases[i].header);
		fill(0);
		tap_str(show(cases[i].fact), cases[i].want, "results %zu: %s", i, cases[i].fact);
	}
	set("AuthservID", "");
	t.mta_name = span_cstr("mta.b.example");
	begin("Authentication-Results: mta.b.example; spf=pass\n");
	fill(0);
	is("spf", "pass", "our name is the MTA's without AuthservID");
}

/* DMARC passed, and for the domain that stands in From: by a filter that may be believed. */
static void test_aligned(void)
{
	static const struct {
		const char *from, *results, *want;
	} cases[] = {
		{"+15550100001@mms.a.example", AR "dmarc=pass header.from=mms.a.example\n", "yes"},
		{"Ann <ann@MMS.a.Example.>", AR "dmarc=pass (p=none) header.from=Mms.A.example\n", "yes"},
		{"+15550100001@mms.a.example", AR "dmarc=pass header.from=a.example\n", "yes"},
		{"+15550100001@mms.a.example", AR "dmarc=pass header.from=ms.a.example\n", "no"},
		{"+15550100001@mms.a.example", AR "dmarc=pass header.from=x.mms.a.example\n", "no"},
		{"+15550100001@mms.a.example", AR "dmarc=pass header.from=b.example\n", "no"},
		{"+15550100001@mms.a.example", AR "dmarc=pass\n", "no"},
		{"+15550100001@mms.a.example", AR "dmarc=fail header.from=mms.a.example\n", "no"},
		{"+15550100001@mms.a.example", AR "dmarc=none header.from=mms.a.example\n", "no"},
		{"a@a.example, b@b.example", AR "dmarc=pass header.from=a.example\n", "no"},
		{"+15550100001", AR "dmarc=pass header.from=a.example\n", "no"},
		/* The topmost of our host counts, and strangers' never. */
		{"a@a.example", AR "dmarc=fail header.from=a.example\n" AR "dmarc=pass header.from=a.example\n", "no"},
		{"a@a.example", "Authentication-Results: mx.evil.example; dmarc=pass header.from=a.example\n", "-"},
		{"a@a.example", "Authentication-Results: \"mx.b.example\"; dmarc=pass header.from=a.example\n", "-"},
		{"a@a.example", AR "dkim=pass header.d=a.example\n", "-"},
	};

	set("AuthservID", "mx.b.example");
	set("TrustedResults", "dkim");
	begin("From: a@a.example\n" AR "dmarc=pass header.from=a.example\n");
	fill(0);
	is("dmarc.aligned", "-", "DMARC of our host, which the settings don't trust");
	set("TrustedResults", "dmarc");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char header[512];

		snprintf(header, sizeof header, "From: %s\n%s", cases[i].from, cases[i].results);
		begin(header);
		fill(0);
		tap_str(show("dmarc.aligned"), cases[i].want, "alignment %zu", i);
	}
}

static void test_scores(void)
{
	static const struct {
		const char *header, *fact, *want;
	} cases[] = {
		{"X-Spamd-Result: default: False [7.50 / 15.00];\n SYM(1.00)[x]\n", "rspamd.score", "7.5"},
		{"X-Spamd-Result: default: False [-2.155 / 15.00]\n", "rspamd.score", "-2.155"},
		{"X-Spamd-Result: default: False [-0.1999 / 15.00]\n", "rspamd.score", "-0.199"},
		{"X-Spamd-Result: default: False [7.50]\n", "rspamd.score", "-"},
		{"X-Spamd-Result: default; [7.50 / 15.00]\n", "rspamd.score", "-"},
		{"X-Spamd-Result: default: False [7.50 / 15.00]\nX-Spamd-Result: default: True [7.5 / 9]\n", "rspamd.score", "7.5"},
		{"X-Spamd-Result: default: False [7.50 / 15.00]\nX-Spamd-Result: default: False [8 / 15.00]\n", "rspamd.score", "-"},
		{"X-Rspamd-Score: 3\n", "rspamd.score", "3"},
		{"X-Rspamd-Score: 3x\n", "rspamd.score", "-"},
		{"X-Rspamd-Score: 99999999\n", "rspamd.score", "-"},
		{"X-Rspamd-Action: add header\n", "rspamd.action", "\"add header\""},
		{"X-Spamd-Action: reject\n", "rspamd.action", "\"reject\""},
		{"X-Rspamd-Action: reject\nX-Rspamd-Action: no action\n", "rspamd.action", "-"},
		{"X-Spam-Status: Yes, score=5.1 required=5.0 tests=A,B\n", "spamassassin.score", "5.1"},
		{"X-Spam-Status: Yes, score=5.1 required=5.0 tests=A,B\n", "spamassassin.flag", "yes"},
		{"X-Spam-Status: No, hits=1 xscore=5.1\n", "spamassassin.score", "-"},
		{"X-Spam-Status: No\n", "spamassassin.flag", "no"},
		{"X-Spam-Status: Nope\n", "spamassassin.flag", "-"},
		{"X-Spam-Score: -1.5\n", "spamassassin.score", "-1.5"},
		{"X-Spam-Flag: YES\n", "spamassassin.flag", "yes"},
		{"X-Spam-Flag: YES\nX-Spam-Flag: NO\n", "spamassassin.flag", "-"},
	};

	set("TrustedScores", "192.0.2.0/24");
	set_client("192.0.2.9");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin(cases[i].header);
		fill(0);
		tap_str(show(cases[i].fact), cases[i].want, "scores %zu: %s", i, cases[i].fact);
	}
	set_client("198.51.100.1");
	begin("X-Spam-Flag: YES\n");
	fill(0);
	is("spamassassin.flag", "-", "a client that is not trusted");
	memset(&client, 0, sizeof client);
	fill(0);
	is("spamassassin.flag", "-", "a client that is not known");
}

/* --- content -------------------------------------------------------------------------------------------- */

static void test_content(void)
{
	static const char header[] = "From: x@a.example\nContent-Type: multipart/mixed;\n boundary=b\n";
	static const char body[] = "--b\r\nContent-Type: text/plain; charset=US-ASCII\r\n\r\nsee http://Bit.ly/x\r\n"
		"--b\r\nContent-Type: image/gif; name=A.gif\r\n\r\nx\r\n--b--\r\n";

	begin(header);
	world_push_body(&t.message, body);
	fill(FACT_NEED_CONTENT | FACT_NEED_TEXT);
	is("mime.count", "-", "a body that was not kept");
	tap_ok(facts.incomplete && facts.worked_out == 0, "which is said");
	begin(header);
	message_want(&t.message, MESSAGE_WANT_KEEP);
	world_push_body(&t.message, body);
	fill(FACT_NEED_CONTENT);
	is("mime.count", "2", "content");
	is("mime.depth", "1", "content");
	is("mime.type", "\"text/plain\"|\"image/gif\"", "content");
	is("mime.name", "\"a.gif\"", "content");
	is("mime.charset", "\"us-ascii\"", "content");
	is("mime.largest", "19", "content");
	is("text", "-", "text only when asked for");
	is("url.count", "-", "text only when asked for");
	tap_int(facts.worked_out, FACT_NEED_CONTENT, "what was looked at");
	fill(FACT_NEED_CONTENT | FACT_NEED_TEXT);
	is("text", "\"see http://Bit.ly/x\"", "text");
	is("text.size", "19", "text");
	is("url", "\"http://Bit.ly/x\"", "text");
	is("url.host", "\"bit.ly\"", "text");
	is("url.count", "1", "text");
	tap_int(facts.worked_out, FACT_NEED_CONTENT | FACT_NEED_TEXT, "what was looked at");
	tap_ok(!facts.incomplete, "nothing is missing");
	is("failure", "-", "nothing is missing");

	begin("Content-Type: text/plain\n");
	message_want(&t.message, MESSAGE_WANT_KEEP);
	for (int i = 0; i < 300; i++) {
		char url[40];

		snprintf(url, sizeof url, "http://h%d.example/\r\n", i);
		message_body(&t.message, url, strlen(url));
	}
	message_end(&t.message);
	fill(FACT_NEED_CONTENT | FACT_NEED_TEXT);
	is("url.count", "200", "more addresses than are looked at");
	is("failure", "toolarge", "more addresses than are looked at");

	begin("Content-Type: multipart/mixed; boundary=b\n");
	message_want(&t.message, MESSAGE_WANT_KEEP);
	for (int i = 0; i < 2000; i++)
		message_body(&t.message, "--b\r\n\r\n", 7);
	message_end(&t.message);
	fill(FACT_NEED_CONTENT | FACT_NEED_TEXT);
	is("mime.count", "-", "more parts than are looked at");
	is("failure", "toolarge", "more parts than are looked at");
	tap_ok(facts.incomplete && facts.worked_out == 0, "which is said");
}

int main(void)
{
	struct err e;

	address_init();
	msgi_init();
	err_clear(&e);
	buf_init(&shown, 1024 * 1024);
	if (transaction_init(&t) || settings_init(&settings, &e))
		tap_bail("no memory");
	test_signed();
	test_domains();
	test_claimed();
	test_failure();
	test_from();
	test_header();
	test_odd_header();
	test_caps();
	test_client();
	test_mms();
	test_channel();
	test_results();
	test_aligned();
	test_scores();
	test_content();
	settings_free(&settings);
	transaction_free(&t);
	buf_free(&shown);
	return tap_done();
}
