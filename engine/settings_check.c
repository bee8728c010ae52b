/*
 * What goes together.  A setting that could have no effect is an error, because
 * its author believes that it has one.
 *
 * Looks at no file: whether the key fits the certificate is for engine_open().
 */
#include "config.h"

#include "engine/settings.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/suggest.h"
#include "core/verify.h"
#include "engine/settings_spec.h"
#include "policy/factlog.h"

#define TO_SIGN "KeyFile, CertificateFile and CertificateURL"
#define TO_VERIFY "TrustAnchors and CertificateDir"

static int PRINTF_LIKE(3, 4) fault(const struct settings *s, struct err *e, const char *fmt, ...)
{
	char text[ERR_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	return err_set(e, ERR_CONFIG, "%s%s%s", s->origin ? s->origin : "", s->origin ? ": " : "", text);
}

static const char *name_of(enum settings_id id)
{
	return settings_spec_at(id)->row.name;
}

/* What somebody set counts, even if a program has set it aside since. */
static bool is_given(struct settings *s, enum settings_id id)
{
	return *settings_spec_given(s, settings_spec_at(id)) != NULL;
}

/* All of them or none. */
static int check_together(struct settings *s, const enum settings_id *id, size_t n, const char *purpose, struct err *e)
{
	size_t have = n, lack = n;

	for (size_t i = 0; i < n; i++)
		if (is_given(s, id[i]))
			have = i;
		else if (lack == n)
			lack = i;
	if (have == n || lack == n)
		return 0;
	return fault(s, e, "%s is set, but %s is not; to %s it takes both", name_of(id[have]), name_of(id[lack]), purpose);
}

static int check_groups(struct settings *s, struct err *e)
{
	static const enum settings_id sign[] = {SETTINGS_ID_key_file, SETTINGS_ID_certificate_file, SETTINGS_ID_certificate_url};
	static const enum settings_id verify[] = {SETTINGS_ID_trust_anchors, SETTINGS_ID_certificate_dir};

	if (check_together(s, sign, sizeof sign / sizeof *sign, "sign", e))
		return -1;
	return check_together(s, verify, sizeof verify / sizeof *verify, "verify", e);
}

static int check_mode(struct settings *s, struct err *e)
{
	bool sign = s->key_file != NULL, verify = s->trust_anchors != NULL;

	if (!sign && !verify)
		return fault(s, e, "nothing to do: set " TO_SIGN " to sign, or " TO_VERIFY " to verify");
	if (!s->given.mode)
		s->mode = !verify ? SETTINGS_MODE_S : !sign ? SETTINGS_MODE_V : SETTINGS_MODE_SV;
	if (!sign && s->mode != SETTINGS_MODE_V)
		return fault(s, e, "Mode %s signs, but there is no key: set " TO_SIGN, s->given.mode);
	if (!verify && s->mode != SETTINGS_MODE_S)
		return fault(s, e, "Mode %s verifies, but there are no trust anchors: set " TO_VERIFY, s->given.mode);
	return 0;
}

static const struct dependence {
	enum settings_id what, on;
} dependences[] = {
	{SETTINGS_ID_require_safe_keys, SETTINGS_ID_key_file},
	{SETTINGS_ID_digest, SETTINGS_ID_key_file},
	{SETTINGS_ID_sign_content_digest, SETTINGS_ID_key_file},
	{SETTINGS_ID_unsafe_body, SETTINGS_ID_key_file},
	{SETTINGS_ID_sign_listeners, SETTINGS_ID_key_file},
	{SETTINGS_ID_internal_hosts, SETTINGS_ID_key_file},
	{SETTINGS_ID_sign_authenticated, SETTINGS_ID_key_file},
	{SETTINGS_ID_verify_listeners, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_revocation_list, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_revocation_policy, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_certificate_ttl_s, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_fetch_wait_ms, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_authority, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_max_age_s, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_max_skew_s, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_allow_replay, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_dest_cover, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_require_msgi, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_content_digest, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_policy, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_allow_list_shrink, SETTINGS_ID_policy},
	{SETTINGS_ID_trusted_results, SETTINGS_ID_policy},
	{SETTINGS_ID_trusted_scores, SETTINGS_ID_policy},
	{SETTINGS_ID_help_url, SETTINGS_ID_policy},
	{SETTINGS_ID_overload, SETTINGS_ID_policy},
	{SETTINGS_ID_state_file, SETTINGS_ID_policy},
	{SETTINGS_ID_state_entries, SETTINGS_ID_policy},
	{SETTINGS_ID_fact_log, SETTINGS_ID_policy},
	{SETTINGS_ID_fact_log_numbers, SETTINGS_ID_fact_log},
	{SETTINGS_ID_fact_log_key, SETTINGS_ID_fact_log},
};

static int check_effect(struct settings *s, struct err *e)
{
	for (size_t i = 0; i < sizeof dependences / sizeof *dependences; i++) {
		const struct dependence *d = &dependences[i];

		if (is_given(s, d->what) && !is_given(s, d->on))
			return fault(s, e, "%s has no effect without %s; set that as well, or leave %s out", name_of(d->what),
				     name_of(d->on), name_of(d->what));
	}
	if (s->given.syslog_facility && !s->given.syslog)
		return fault(s, e, "SyslogFacility has no effect without \"Syslog yes\"");
	return 0;
}

static int check_age(struct settings *s, struct err *e)
{
	if (s->max_age_s > VERIFY_UNBOUND_AGE_S && !s->allow_replay)
		return fault(s, e,
			     "MaxAge is %s, but no replay store remembers which tokens were used: RFC 9475, 3.2 relaxes the "
			     "freshness of a token only for a receiver that detects its second use. Write \"AllowReplay yes\" "
			     "to accept that tokens can be used again, or a MaxAge of at most %ds",
			     s->given.max_age_s ? s->given.max_age_s : "long", VERIFY_UNBOUND_AGE_S);
	if (s->allow_replay && !s->given.max_age_s)
		return fault(s, e, "\"AllowReplay yes\" has no effect without a MaxAge of more than %ds", VERIFY_UNBOUND_AGE_S);
	return 0;
}

/* A listener does one thing. */
static int check_listeners(struct settings *s, struct err *e)
{
	const struct settings_list *a = &s->sign_listeners, *b = &s->verify_listeners;

	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (span_caseis(span_cstr(a->item[i]), b->item[j]))
				return fault(s, e, "%.60s is named by MTA (its mail is signed) and by VerifyMTA (its mail is verified)",
					     a->item[i]);
	return 0;
}

static int check_results(struct settings *s, struct err *e)
{
	static const char *const method[] = {"dkim", "dmarc", "spf", "arc"};
	const size_t n = sizeof method / sizeof *method;

	for (size_t i = 0; i < s->trusted_results.n; i++) {
		struct span word = span_cstr(s->trusted_results.item[i]);
		const char *near = suggest_name(word, method, n);
		size_t k = 0;

		while (k < n && !span_caseis(word, method[k]))
			k++;
		if (k == n)
			return fault(s, e, "TrustedResults: \"%.*s\" is not one of dkim, dmarc, spf, arc%s%s%s", (int)(word.n < 60 ? word.n : 60), word.p,
				     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	return 0;
}

/* What we write must not be what something else is read from. */
static int check_written(struct settings *s, enum settings_id id, struct err *e)
{
	const char *path = *(char **)settings_spec_value(s, settings_spec_at(id));

	for (size_t i = 0; path && i < SETTINGS_ID_COUNT; i++) {
		const struct settings_spec *other = settings_spec_at((enum settings_id)i);
		const char *theirs;

		if (i == (size_t)id || other->type != SETTINGS_TYPE_PATH)
			continue;
		theirs = *(char **)settings_spec_value(s, other);
		if (theirs && strcmp(path, theirs) == 0)
			return fault(s, e, "%s and %s are one file, %.200s", name_of(id), other->row.name, path);
	}
	return 0;
}

static int check_files(struct settings *s, struct err *e)
{
	if (check_written(s, SETTINGS_ID_fact_log, e) || check_written(s, SETTINGS_ID_state_file, e))
		return -1;
	if (s->fact_log_key && s->fact_log_numbers == FACTLOG_FULL)
		return fault(s, e, "FactLogKey has no effect with \"FactLogNumbers full\"");
	return 0;
}

int settings_check(struct settings *s, struct err *e)
{
	if (check_groups(s, e) || check_effect(s, e) || check_mode(s, e) || check_age(s, e) || check_listeners(s, e) ||
	    check_results(s, e) || check_files(s, e))
		return -1;
	if (s->revocation_policy == SETTINGS_REVOCATION_HARD && !s->given.revocation_list)
		return fault(s, e, "\"RevocationPolicy hard\" needs a RevocationList: without one every message would get temperror");
	return 0;
}
