/*
 * Options of stirctl pki to values.  Knows no file and no clock.
 */
#include "config.h"

#include "ctl/pki_args.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "core/suggest.h"
#include "core/x5u.h"

enum {
	DAYS_MAX = 36500,
	NAME_BYTES = 64 /* X.520's bound */
};

/* The year 9999 ends: the last time RFC 5280 knows. */
static const int64_t last_time = 253402300799;

/* --- values ----------------------------------------------------------------------- */

static int read_number(const char *text, const char *option, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || errno || v < min || v > max)
		return err_set(e, ERR_USAGE, "%s %.40s: a number from %lld to %lld is wanted", option, text,
			       (long long)min, (long long)max);
	*out = v;
	return 0;
}

static int read_time(const char *text, const char *option, bool *has, int64_t *out, struct err *e)
{
	*has = true;
	if (read_number(text, option, 0, last_time, out, e))
		return err_set(e, ERR_USAGE, "%s %.40s: seconds since 1970 are wanted ('date -d 2027-01-31 +%%s' prints them)", option, text);
	return 0;
}

/* A number of days, or one with a unit. */
static int read_within(const char *text, int64_t *out, struct err *e)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {{"", PKI_ARGS_DAY_S}, {"d", PKI_ARGS_DAY_S}, {"h", 3600}, {"m", 60}, {"s", 1}};
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	for (size_t i = 0; end != text && !errno && i < sizeof units / sizeof *units; i++) {
		if (strcmp(end, units[i].unit) == 0 && v > 0 && v <= DAYS_MAX * (int64_t)PKI_ARGS_DAY_S / units[i].seconds) {
			*out = v * units[i].seconds;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "--within %.40s: a time such as 30d or 12h is wanted", text);
}

static int read_name(const char *text, const char *option, size_t max, const char **out, struct err *e)
{
	if (!*text || strlen(text) > max)
		return err_set(e, ERR_USAGE, "%s: 1 to %zu octets are wanted", option, max);
	*out = text;
	return 0;
}

static int read_country(const char *text, const char **out, struct err *e)
{
	if (strlen(text) != 2 || text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z')
		return err_set(e, ERR_USAGE, "--country %.10s: two capital letters are wanted, such as US", text);
	*out = text;
	return 0;
}

/* --- reasons ------------------------------------------------------------------------- */

/* Not here: certificateHold and removeFromCRL, since nothing is taken off a list again. */
static const struct {
	const char *name;
	int reason;
} reasons[] = {
	{"unspecified", CRL_REASON_UNSPECIFIED},
	{"keyCompromise", CRL_REASON_KEY_COMPROMISE},
	{"cACompromise", CRL_REASON_CA_COMPROMISE},
	{"affiliationChanged", CRL_REASON_AFFILIATION_CHANGED},
	{"superseded", CRL_REASON_SUPERSEDED},
	{"cessationOfOperation", CRL_REASON_CESSATION_OF_OPERATION},
	{"privilegeWithdrawn", CRL_REASON_PRIVILEGE_WITHDRAWN},
};
enum { REASONS = sizeof reasons / sizeof *reasons };

const char *pki_args_reason_name(int reason)
{
	for (size_t i = 0; i < REASONS; i++)
		if (reasons[i].reason == reason)
			return reasons[i].name;
	return reasons[0].name;
}

int pki_args_reason(struct span name)
{
	for (size_t i = 0; i < REASONS; i++)
		if (span_caseis(name, reasons[i].name))
			return reasons[i].reason;
	return -1;
}

static int read_reason(const char *text, int *out, struct err *e)
{
	const char *names[REASONS], *near;

	*out = pki_args_reason(span_cstr(text));
	if (*out >= 0)
		return 0;
	for (size_t i = 0; i < REASONS; i++)
		names[i] = reasons[i].name;
	near = suggest_name(span_cstr(text), names, REASONS);
	if (near)
		return err_set(e, ERR_USAGE, "--reason %.40s: there is no such reason; did you mean %s?", text, near);
	return err_set(e, ERR_USAGE, "--reason %.40s: one of unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, "
		       "cessationOfOperation, privilegeWithdrawn is wanted", text);
}

static int read_address(const char *text, const char **out, struct err *e)
{
	const char *why = NULL;
	struct x5u u;

	if (x5u_check(span_cstr(text), &u, &why) != STIR_OK)
		return err_set(e, ERR_USAGE, "--crl-url %.200s: verifiers would not ask there: %s", text, why ? why : "no address that they take");
	*out = text;
	return 0;
}

/* --- the line ---------------------------------------------------------------------------- */

static int take_special(struct pki_args *a, int opt, char *value, struct err *e)
{
	switch (opt) {
	case PKI_ARGS_NAME:
		return read_name(value, "--name", NAME_BYTES, &a->name, e);
	case PKI_ARGS_COMMON_NAME:
		return read_name(value, "--common-name", NAME_BYTES, &a->common_name, e);
	case PKI_ARGS_COUNTRY:
		return read_country(value, &a->country, e);
	case PKI_ARGS_DAYS:
		return read_number(value, "--days", 1, DAYS_MAX, &a->days, e);
	case PKI_ARGS_NOT_BEFORE:
		return read_time(value, "--not-before", &a->has_not_before, &a->not_before, e);
	case PKI_ARGS_NOT_AFTER:
		return read_time(value, "--not-after", &a->has_not_after, &a->not_after, e);
	case PKI_ARGS_DATE:
		return read_time(value, "--date", &a->has_date, &a->date, e);
	case PKI_ARGS_NOW:
		return read_time(value, "--now", &a->has_now, &a->now, e);
	case PKI_ARGS_REASON:
		return read_reason(value, &a->reason, e);
	case PKI_ARGS_CRL_URL:
		return read_address(value, &a->crl_url, e);
	case PKI_ARGS_WITHIN:
		return read_within(value, &a->within_s, e);
	default:
		return err_set(e, ERR_BUG, "an option without a meaning");
	}
}

static const char **text_of(struct pki_args *a, int opt)
{
	switch (opt) {
	case PKI_ARGS_TN_AUTH:
		return &a->tn_auth;
	case PKI_ARGS_URL:
		return &a->url;
	case PKI_ARGS_OUT:
		return &a->out;
	case PKI_ARGS_CERTS:
		return &a->certs;
	case PKI_ARGS_CRL_ISSUER:
		return &a->crl_issuer;
	case PKI_ARGS_PARENT:
		return &a->parent;
	case PKI_ARGS_KEY:
		return &a->key;
	case PKI_ARGS_PIN_FILE:
		return &a->pin_file;
	default:
		return NULL;
	}
}

static bool *flag_of(struct pki_args *a, int opt)
{
	switch (opt) {
	case PKI_ARGS_FORCE:
		return &a->force;
	case PKI_ARGS_DELEGATING:
		return &a->delegating;
	case PKI_ARGS_INDIRECT:
		return &a->indirect;
	case PKI_ARGS_JSON:
		return &a->json;
	default:
		return NULL;
	}
}

static int take(void *arg, int opt, char *value, struct err *e)
{
	struct pki_args *a = arg;
	const char **text = text_of(a, opt);
	bool *flag = flag_of(a, opt);

	if (flag) {
		*flag = true;
		return 0;
	}
	if (!text)
		return take_special(a, opt, value, e);
	*text = value;
	return 0;
}

int pki_args_parse(struct pki_args *a, const struct options_own *own, const char *wanted, size_t n_min, size_t n_max, int argc, char **argv, struct err *e)
{
	struct options_own all = *own;
	int r;

	memset(a, 0, sizeof *a);
	all.take = take;
	/* How many are wanted is said below, with what they are. */
	all.fileless = true;
	r = options_parse_own(&a->options, &all, a, argc, argv, e);
	if (r)
		return r;
	if (a->options.nfile < n_min || a->options.nfile > n_max)
		return err_set(e, ERR_USAGE, "%s %s wanted; 'stirctl %s --help' tells more", wanted, n_max > 1 ? "are" : "is", own->name);
	if (a->days && a->has_not_after)
		return err_set(e, ERR_USAGE, "--days and --not-after exclude each other");
	return 0;
}

void pki_args_free(struct pki_args *a)
{
	options_free(&a->options);
}

int pki_args_validity(struct pki_args *a, int64_t backdate, int64_t days, int64_t now, struct err *e)
{
	if (!a->has_not_before)
		a->not_before = now > backdate ? now - backdate : 0;
	if (!a->has_not_after) {
		int64_t from = a->has_not_before ? a->not_before : now;

		a->not_after = from + (a->days ? a->days : days) * PKI_ARGS_DAY_S;
	}
	if (a->not_after > last_time)
		a->not_after = last_time;
	if (a->not_after <= a->not_before)
		return err_set(e, ERR_USAGE, "it would end (%lld) before it begins (%lld); see --not-before, --not-after and --days",
			       (long long)a->not_after, (long long)a->not_before);
	return 0;
}
