/*
 * Tells what was looked at, what was found, and what to do about it.
 *
 * Reads results only; what it can't know from them it doesn't guess.
 */
#include "config.h"

#include <inttypes.h>
#include <langinfo.h>

#include "ctl/advice.h"
#include "ctl/explain.h"
#include "ctl/print.h"

enum {
	SHOWN_MAX = 300,  /* octets of one value */
	SHOWN_PARTIES = 25
};

enum mark { MARK_GOOD, MARK_BAD, MARK_SKIPPED };

static const char *mark(enum mark m)
{
	static const char *const utf8[] = {"\xe2\x9c\x94", "\xe2\x9c\x98", "\xc2\xb7"};
	static const char *const ascii[] = {"+", "X", "."};

	return (strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? utf8 : ascii)[m];
}

/* A line of its own under a step. */
static void more(FILE *f, const char *what)
{
	fprintf(f, "                %s", what);
}

static void quoted_line(FILE *f, const char *what, struct span s)
{
	more(f, what);
	print_quoted(f, s, SHOWN_MAX);
	fputc('\n', f);
}

/* --- the message --------------------------------------------------------------------- */

static void from_line(FILE *f, const struct mms_message *m)
{
	fputs("  From          ", f);
	if (m->from_kind == MESSAGE_FROM_NONE) {
		fputs("no address: the message has no sender to bind a token to\n", f);
		return;
	}
	if (m->from_kind == MESSAGE_FROM_AMBIGUOUS) {
		fputs("several fields or addresses: there is no one sender\n", f);
		return;
	}
	print_quoted(f, m->from_addr, SHOWN_MAX);
	fputs(m->from.kind == PARTY_TN ? ", the number " : ", ", f);
	print_party(f, &m->from);
	fputs(m->from.kind == PARTY_URI ? " (no number: a local part that is one needs its domain in NumberPlan)\n" : "\n", f);
}

static void rcpt_lines(FILE *f, const struct run *r)
{
	const struct mms_message *m = &r->t.message;

	fprintf(f, "  Recipients    %zu, from %s\n", m->nrcpt, r->rcpt_from);
	for (size_t i = 0; i < m->nrcpt && i < SHOWN_PARTIES; i++) {
		more(f, "");
		print_quoted(f, m->rcpt[i].addr, SHOWN_MAX);
		fputs(m->rcpt[i].party.kind == PARTY_TN ? ", the number " : ", ", f);
		print_party(f, &m->rcpt[i].party);
		fputc('\n', f);
	}
	if (m->nrcpt > SHOWN_PARTIES)
		fprintf(f, "                and %zu more\n", m->nrcpt - SHOWN_PARTIES);
}

static void content_line(FILE *f, const struct mms_message *m)
{
	const struct content_result *c = &m->content_result;
	struct buf unsafe;

	if (!(m->want & MESSAGE_WANT_CONTENT))
		return;
	fprintf(f, "  Content       %u parts, depth %u, longest line %lu%s%s%s\n", c->parts, c->depth, c->longest_line,
		c->eightbit ? ", 8-bit" : "", c->ambiguous ? ", can be read in two ways" : "",
		c->limit == CONTENT_WITHIN ? "" : ", beyond a limit: no msgc");
	buf_init(&unsafe, 512);
	content_unsafe_names(&unsafe, c->unsafe);
	if (unsafe.n)
		fprintf(f, "                may not survive the way: %.*s\n", SPAN_ARG(buf_span(&unsafe)));
	buf_free(&unsafe);
}

void explain_message(FILE *f, const struct run *r, const struct mail *m)
{
	const struct mms_message *t = &r->t.message;
	char now[PRINT_TIME_BYTES];

	fputs("Message ", f);
	print_quoted(f, span_cstr(m->file), SHOWN_MAX);
	if (m->mbox)
		fprintf(f, ", number %lu", m->index);
	fputs("\n  Message-ID    ", f);
	print_quoted(f, r->message_id.n ? r->message_id : span_cstr("none"), SHOWN_MAX);
	fputc('\n', f);
	from_line(f, t);
	rcpt_lines(f, r);
	fprintf(f, "  Envelope from ");
	print_quoted(f, t->mail_from.n ? t->mail_from : span_cstr("<> (the null sender)"), SHOWN_MAX);
	fprintf(f, "\n  Header        %zu octets, %zu fields, %zu of them Identity%s\n", r->header_octets, t->nfield,
		message_field_count(t, "Identity"), t->over_limit ? "; larger than is looked at" : "");
	fprintf(f, "  Body          %" PRIu64 " octets as on the wire (CRLF)\n", t->body_bytes);
	content_line(f, t);
	fprintf(f, "  Judged as of  %s (%" PRId64 "), from %s\n", print_time(now, r->now), r->now, r->now_from);
}

/* --- the steps ------------------------------------------------------------------------- */

struct step {
	FILE *f;
	const struct run *run;
	const struct mail *mail;
	const struct stir_check *c;
};

static void step_field(const struct step *s)
{
	const struct header_field *h = message_field(&s->run->t.message, "Identity", s->c->field - 1);

	fprintf(s->f, "Identity field of %zu octets\n", h ? h->value.n : 0);
}

static void parties(FILE *f, const struct party *p, size_t n)
{
	for (size_t i = 0; i < n && i < SHOWN_PARTIES; i++) {
		fputs(i ? ", " : "", f);
		print_party(f, &p[i]);
	}
	if (n > SHOWN_PARTIES)
		fprintf(f, ", and %zu more", n - SHOWN_PARTIES);
	fputc('\n', f);
}

static void step_token(const struct step *s)
{
	const struct passport *p = &s->c->passport;

	if (!s->c->has_header) {
		fputs("no JOSE header could be read\n", s->f);
		return;
	}
	fputs("ppt ", s->f);
	print_quoted(s->f, p->ppt.n ? p->ppt : span_cstr("(none)"), SHOWN_MAX);
	fputs(", alg ", s->f);
	print_quoted(s->f, p->alg, SHOWN_MAX);
	fputc('\n', s->f);
	quoted_line(s->f, "x5u  ", p->x5u);
	if (!s->c->has_claims)
		return;
	more(s->f, "orig ");
	parties(s->f, &p->orig, 1);
	more(s->f, "dest ");
	parties(s->f, p->dest, p->ndest);
	if (p->has_msgi)
		quoted_line(s->f, "msgi ", p->msgi);
	if (p->has_msgc)
		quoted_line(s->f, "msgc ", p->msgc);
	if (!passport_canonical(p))
		quoted_line(s->f, "", span_cstr("written in a form of its own (RFC 8225, 9 asks for sorted members without blanks); no fault"));
	if (!s->c->signed_ok)
		quoted_line(s->f, "", span_cstr("all this is only claimed: no signature that holds stands behind it"));
}

static void step_time(const struct step *s)
{
	const struct settings *set = engine_settings(s->run->engine);
	char t[PRINT_TIME_BYTES], age[PRINT_AGE_BYTES];
	int64_t diff = s->c->has_age ? s->c->age_s : 0;

	fprintf(s->f, "made %s, %s %s; accepted are %" PRIu32 " s before and %" PRIu32 " s after\n", print_time(t, s->c->passport.iat),
		print_age(age, diff), diff < 0 ? "in the future" : "ago", set->max_age_s, set->max_skew_s);
}

static void step_parties(const struct step *s)
{
	const struct mms_message *m = &s->run->t.message;

	fputs("orig ", s->f);
	print_party(s->f, &s->c->passport.orig);
	fputs(", sender ", s->f);
	if (m->from_kind == MESSAGE_FROM_ONE)
		print_party(s->f, &m->from);
	else
		fputs("not one", s->f);
	fputs("\n", s->f);
	if (s->c->dest_cover == STIR_DEST_UNKNOWN)
		return;
	more(s->f, "");
	fprintf(s->f, "dest covers the recipients (%zu): %s\n", m->nrcpt, stir_dest_cover_name(s->c->dest_cover));
	for (size_t i = 0, shown = 0; i < m->nrcpt && shown < SHOWN_PARTIES; i++) {
		bool named = false;

		for (size_t k = 0; k < s->c->passport.ndest; k++)
			named = named || party_eq(&s->c->passport.dest[k], &m->rcpt[i].party);
		if (named)
			continue;
		shown++;
		more(s->f, "not named: ");
		parties(s->f, &m->rcpt[i].party, 1);
	}
}

static void step_cert(const struct step *s)
{
	fputs("the chain at ", s->f);
	print_quoted(s->f, s->c->passport.x5u, SHOWN_MAX);
	fputs(": form of the address, profile, trust, dates, revocation\n", s->f);
	if (s->c->spc.n)
		quoted_line(s->f, "provider code (SPC) ", s->c->spc);
}

static void step_authority(const struct step *s)
{
	static const char *const words[] = {
		[TN_AUTHORITY_NONE] = "nothing is said about it",
		[TN_AUTHORITY_OUTSIDE] = "it names other numbers",
		[TN_AUTHORITY_SPC] = "it names a provider, nothing of the number",
		[TN_AUTHORITY_TN] = "it names this number",
	};

	fputs("does the certificate speak for ", s->f);
	print_party(s->f, &s->c->passport.orig);
	fprintf(s->f, "? %s\n", s->c->has_authority ? words[s->c->authority] : "");
}

static void step_signature(const struct step *s)
{
	fputs(s->c->signed_ok ? "ES256 holds with the key of that certificate\n" : "ES256 does not hold with the key of that certificate\n", s->f);
}

static void feed(void *arg, const void *p, size_t n)
{
	msgi_stream_feed(arg, p, n);
}

/* The body's own digest, made again: the engine's is used up. */
static void body_digest(const struct step *s, enum msgi_alg alg)
{
	struct span rest = s->mail->text;
	struct msgi_stream stream;
	struct mail_field field;
	struct msgi_value v;
	struct buf b;

	memset(&stream, 0, sizeof(stream));
	while (mail_field_next(&rest, &field))
		;
	msgi_stream_begin(&stream, 1u << alg);
	mail_body_push(s->mail, mail_body(rest), feed, &stream);
	buf_init(&b, 256);
	if (msgi_stream_value(&stream, alg, &v) == 0) {
		msgi_write(&b, &v);
		quoted_line(s->f, "body   is ", buf_span(&b));
	}
	buf_free(&b);
	msgi_stream_free(&stream);
}

static void step_content(const struct step *s)
{
	const struct passport *p = &s->c->passport;
	const struct mms_message *m = &s->run->t.message;
	struct msgi_value v;
	struct buf b;

	fprintf(s->f, "%s\n", stir_integrity_name(s->c->integrity));
	if (p->has_msgi) {
		quoted_line(s->f, "msgi says ", p->msgi);
		if (msgi_parse(p->msgi, &v) == 0)
			body_digest(s, v.alg);
	}
	if (p->has_msgc) {
		quoted_line(s->f, "msgc says ", p->msgc);
		buf_init(&b, 256);
		if ((m->want & MESSAGE_WANT_CONTENT) && m->content_result.limit == CONTENT_WITHIN)
			msgi_write(&b, &m->content_result.msgc);
		quoted_line(s->f, "content is ", b.n ? buf_span(&b) : span_cstr("beyond a limit, no digest"));
		buf_free(&b);
	}
	if (s->c->content_suspect)
		quoted_line(s->f, "", span_cstr("no msgc, and the structure can be read in two ways: what is shown may not be what was signed"));
}

static void step_replay(const struct step *s)
{
	fprintf(s->f, "%s\n", stir_replay_name(s->c->replay));
}

static const struct {
	const char *name;
	void (*tell)(const struct step *s);
} steps[] = {
	[STIR_STAGE_FIELD] = {"field", step_field},
	[STIR_STAGE_TOKEN] = {"token", step_token},
	[STIR_STAGE_TIME] = {"time", step_time},
	[STIR_STAGE_PARTIES] = {"parties", step_parties},
	[STIR_STAGE_CERT] = {"certificate", step_cert},
	[STIR_STAGE_AUTHORITY] = {"authority", step_authority},
	[STIR_STAGE_SIGNATURE] = {"signature", step_signature},
	[STIR_STAGE_CONTENT] = {"content", step_content},
	[STIR_STAGE_REPLAY] = {"replay", step_replay},
};

static void tell_reason(FILE *f, enum stir_reason reason, struct span detail)
{
	const struct stir_reason_info *i = stir_reason_info(reason);

	more(f, "");
	fprintf(f, "%s: %s\n", i->name, i->sentence);
	if (detail.n)
		quoted_line(f, "", detail);
	if (i->sip_code)
		fprintf(f, "                %s; a SIP verifier would answer %d\n", i->section, i->sip_code);
}

static void tell_field(const struct step *s)
{
	const struct stir_check *c = s->c;

	fprintf(s->f, "\nIdentity field %u: %s\n", c->field, stir_reason_name(c->reason));
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		bool stopped = c->reason != STIR_OK && i == c->stage;
		bool reached = c->reason == STIR_OK || i <= c->stage;

		/* A sender that is not one ends everything before the first step of its own. */
		if (c->reason == STIR_OK && c->stage != STIR_STAGE_DONE)
			reached = i < c->stage;
		fprintf(s->f, "  %s %-11s ", mark(stopped ? MARK_BAD : reached ? MARK_GOOD : MARK_SKIPPED), steps[i].name);
		if (reached)
			steps[i].tell(s);
		else
			fputs("not looked at\n", s->f);
		if (stopped)
			tell_reason(s->f, c->reason, c->detail);
	}
}

void explain_verify(FILE *f, const struct run *r, const struct mail *m)
{
	const struct stir_result *s = &r->t.result;

	if (r->t.scope == ENGINE_REPORT) {
		fprintf(f, "\nResult  not verified\n                %s from a client that speaks MM4 (MM4MTA, MM4Peers): nobody signs reports and responses\n",
			mmspdu_name(r->t.pdu.class));
		return;
	}
	for (size_t i = 0; i < s->ncheck; i++)
		tell_field(&(struct step){f, r, m, &s->check[i]});
	if (s->nfield > s->ncheck)
		fprintf(f, "\n%zu more Identity fields were not looked at.\n", s->nfield - s->ncheck);
	fprintf(f, "\nResult  %s %s", stir_word_name(stir_reason_word(s->reason)), stir_reason_name(s->reason));
	if (s->best && s->ncheck > 1)
		fprintf(f, ", from Identity field %u", s->best->field);
	fputc('\n', f);
	if (s->best)
		quoted_line(f, "", span_cstr(stir_reason_info(s->reason)->sentence));
	else
		tell_reason(f, s->reason, s->detail);
	fprintf(f, "  What to do    %s\n", advice_reason(s->reason));
}

void explain_sign(FILE *f, const struct run *r)
{
	const struct sign_result *s = &r->t.sign;

	fprintf(f, "\nResult  %s %s\n", mark(sign_outcome_ok(s->outcome) ? MARK_GOOD : MARK_BAD), sign_outcome_name(s->outcome));
	quoted_line(f, "", span_cstr(sign_outcome_sentence(s->outcome)));
	if (s->detail.n)
		quoted_line(f, "", s->detail);
	if (s->ndest || s->nblind)
		fprintf(f, "                %zu recipients named in dest, %zu left out as blind copies\n", s->ndest, s->nblind);
	fprintf(f, "  What to do    %s\n", advice_outcome(s->outcome));
}

/* --- the verdict ---------------------------------------------------------------------------- */

void explain_verdict(FILE *f, const struct run *r)
{
	const struct verdict *v = &r->t.verdict;

	fprintf(f, "\nAction  %s", verdict_action_name(v->action));
	if (engine_policy(r->engine))
		fprintf(f, ", score %.3f", v->score_milli / 1000.0);
	if (v->would != v->action)
		fprintf(f, "; enforced it would be %s", verdict_action_name(v->would));
	fputc('\n', f);
	for (size_t i = 0; i < v->nedit; i++) {
		struct span rest = v->edit[i].value;

		if (v->edit[i].kind == EDIT_DELETE) {
			fprintf(f, "  - %.*s, number %u of that name\n", SPAN_ARG(v->edit[i].name), v->edit[i].nth);
			continue;
		}
		fprintf(f, "  + %.*s: ", SPAN_ARG(v->edit[i].name));
		do {
			print_quoted(f, span_cut(&rest, '\n'), SHOWN_MAX);
			fputs(rest.n ? "\n    " : "\n", f);
		} while (rest.n);
	}
	if (r->t.edits_incomplete)
		fputs("  The list of edits is incomplete for want of memory; none would be made.\n", f);
	if (v->nedit == 0)
		fputs("  The message is left as it is.\n", f);
}
