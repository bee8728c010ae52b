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

#include "core/keys/key_pkcs11.h"
#include "core/suggest.h"
#include "core/verify.h"
#include "engine/settings_spec.h"
#include "policy/factlog.h"

#define TO_SIGN "KeyFile, CertificateFile and CertificateURL (or KeyTable and SigningTable)"
#define TO_VERIFY "TrustAnchors (or TrustDomains), and CertificateDir or \"FetchCertificates yes\""

static int PRINTF_LIKE(3, 4) fault(const struct settings *s, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, ERR_CONFIG, fmt, ap);
	va_end(ap);
	return s->origin ? err_prefix(e, "%s", s->origin) : -1;
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

static bool verifies(const struct settings *s)
{
	return s->trust_anchors || s->trust_domains;
}

static bool signs(const struct settings *s)
{
	return s->key_file || s->key_table;
}

static bool says_key(struct settings *s)
{
	return is_given(s, SETTINGS_ID_key_file) || is_given(s, SETTINGS_ID_key_table);
}

static bool says_trust(struct settings *s)
{
	return is_given(s, SETTINGS_ID_trust_anchors) || is_given(s, SETTINGS_ID_trust_domains);
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

	if (check_together(s, sign, sizeof sign / sizeof *sign, "sign", e))
		return -1;
	if (s->trust_anchors && s->trust_domains)
		return fault(s, e, "TrustAnchors and TrustDomains are both set; TrustAnchors is a domain without a name: move it into the file of TrustDomains");
	if (verifies(s) && !s->certificate_dir && !s->fetch_certificates)
		return fault(s, e, "%s is set, but nothing says where certificates come from: set CertificateDir, or \"FetchCertificates yes\" to have them from the network",
			     s->trust_anchors ? "TrustAnchors" : "TrustDomains");
	if (!says_trust(s) && (is_given(s, SETTINGS_ID_certificate_dir) || s->fetch_certificates))
		return fault(s, e, "%s is set, but TrustAnchors (or TrustDomains) is not; to verify it takes both",
			     s->certificate_dir ? "CertificateDir" : "FetchCertificates");
	return 0;
}

static int check_mode(struct settings *s, struct err *e)
{
	bool sign = signs(s), verify = verifies(s);

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
	{SETTINGS_ID_digest, SETTINGS_ID_key_file},
	{SETTINGS_ID_sign_content_digest, SETTINGS_ID_key_file},
	{SETTINGS_ID_unsafe_body, SETTINGS_ID_key_file},
	{SETTINGS_ID_sign_listeners, SETTINGS_ID_key_file},
	{SETTINGS_ID_internal_hosts, SETTINGS_ID_key_file},
	{SETTINGS_ID_sign_authenticated, SETTINGS_ID_key_file},
	{SETTINGS_ID_verify_listeners, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_revocation_list, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_revocation_policy, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_certificate_ttl_s, SETTINGS_ID_certificate_dir},
	{SETTINGS_ID_fetch_wait_ms, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_authority, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_fetch_timeout_ms, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_hosts, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_denied_hosts, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_ports, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_addresses, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_ca_file, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_threads, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_queue, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_waiters, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_breaker_s, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_fetch_retry_s, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_cache_file, SETTINGS_ID_fetch_certificates},
	{SETTINGS_ID_spc_table, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_replay_store, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_replay_key, SETTINGS_ID_replay_store},
	{SETTINGS_ID_replay_size, SETTINGS_ID_replay_store},
	{SETTINGS_ID_replay_timeout_ms, SETTINGS_ID_replay_store},
	{SETTINGS_ID_redis_password_file, SETTINGS_ID_replay_store},
	{SETTINGS_ID_redis_database, SETTINGS_ID_replay_store},
	{SETTINGS_ID_evidence_dir, SETTINGS_ID_trust_anchors},
	{SETTINGS_ID_evidence_keep_s, SETTINGS_ID_evidence_dir},
	{SETTINGS_ID_sign_margin_s, SETTINGS_ID_key_file},
	{SETTINGS_ID_require_clock_sync, SETTINGS_ID_key_file},
	{SETTINGS_ID_sign_diversions, SETTINGS_ID_key_file},
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
};

/* Is it in force: a switch that is on, or a value somebody set? */
static bool is_on(struct settings *s, enum settings_id id)
{
	if (id == SETTINGS_ID_trust_anchors)
		return says_trust(s);
	if (id == SETTINGS_ID_key_file)
		return says_key(s);
	if (settings_spec_at(id)->type == SETTINGS_TYPE_BOOL)
		return *(bool *)settings_spec_value(s, settings_spec_at(id));
	return is_given(s, id);
}

static int check_effect(struct settings *s, struct err *e)
{
	for (size_t i = 0; i < sizeof dependences / sizeof *dependences; i++) {
		const struct dependence *d = &dependences[i];

		if (is_given(s, d->what) && !is_on(s, d->on))
			return fault(s, e, "%s has no effect without %s; set that as well, or leave %s out", name_of(d->what),
				     name_of(d->on), name_of(d->what));
	}
	if (s->given.require_safe_keys && !signs(s) && !s->replay_key && !s->redis_password_file && !s->pseudonym_key)
		return fault(s, e, "RequireSafeKeys has no effect without KeyFile (or KeyTable), ReplayKey, RedisPasswordFile or PseudonymKey; set one of them as well, or leave RequireSafeKeys out");
	if (s->metrics_socket && s->socket && strcmp(s->metrics_socket, s->socket) == 0)
		return fault(s, e, "MetricsSocket and Socket are one, %.120s: the MTA and Prometheus do not speak the same language", s->socket);
	if (s->given.syslog_facility && !s->given.syslog)
		return fault(s, e, "SyslogFacility has no effect without \"Syslog yes\"");
	return 0;
}

static int check_age(struct settings *s, struct err *e)
{
	if (s->allow_replay && s->replay_store)
		return fault(s, e, "\"AllowReplay yes\" has no effect with a ReplayStore, which finds out what is used again; leave one of them out");
	if (s->max_age_s > VERIFY_UNBOUND_AGE_S && !s->allow_replay && !s->replay_store)
		return fault(s, e,
			     "MaxAge is %s, but no ReplayStore remembers which tokens were used: RFC 9475, 3.2 relaxes the "
			     "freshness of a token only for a receiver that detects its second use. Set ReplayStore, or "
			     "\"AllowReplay yes\", or a MaxAge of at most %ds",
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
	if (check_written(s, SETTINGS_ID_fact_log, e) || check_written(s, SETTINGS_ID_state_file, e) || check_written(s, SETTINGS_ID_cache_file, e) || check_written(s, SETTINGS_ID_evidence_dir, e))
		return -1;
	if (s->pseudonym_key && (s->log_numbers == SETTINGS_NUMBERS_MASKED || (s->log_numbers == SETTINGS_NUMBERS_FULL && s->show_hidden)) &&
	    (!s->fact_log || s->fact_log_numbers == FACTLOG_FULL))
		return fault(s, e, "PseudonymKey has no effect: neither \"LogNumbers pseudonym\" nor FactLog with \"FactLogNumbers pseudonym\" writes any");
	return 0;
}

static int check_sandbox(struct settings *s, struct err *e)
{
	for (size_t i = 0; i < s->sandbox_paths.n; i++)
		if (s->sandbox_paths.item[i][0] != '/')
			return fault(s, e, "SandboxPaths: %.200s is no whole path, from / on", s->sandbox_paths.item[i]);
	if (s->sandbox_paths.n && s->sandbox == SETTINGS_SANDBOX_OFF)
		return fault(s, e, "SandboxPaths has no effect with \"Sandbox off\"; leave one of them out");
	return 0;
}

/* What a trust domain says for itself. */
static int check_domains(struct settings *s, struct err *e)
{
	static const enum settings_id own[] = {SETTINGS_ID_revocation_list, SETTINGS_ID_revocation_policy, SETTINGS_ID_authority};

	for (size_t i = 0; s->trust_domains && i < sizeof own / sizeof *own; i++)
		if (is_given(s, own[i]))
			return fault(s, e, "%s has no effect with TrustDomains: each domain of that file has its own", name_of(own[i]));
	if (s->revocation_policy == SETTINGS_REVOCATION_HARD && !s->given.revocation_list && !s->fetch_certificates)
		return fault(s, e, "\"RevocationPolicy hard\" needs a RevocationList, or \"FetchCertificates yes\" to have them from the network: without any, every message would get temperror");
	return 0;
}

static int check_store(struct settings *s, struct err *e)
{
	bool redis = s->replay_store && span_starts(span_cstr(s->replay_store), "redis:");

	if (redis && !s->replay_key)
		return fault(s, e, "a ReplayStore in Redis needs a ReplayKey: the same file on all hosts that share it (openssl rand -out FILE 32)");
	if (!redis && (s->given.redis_password_file || s->given.redis_database))
		return fault(s, e, "%s has no effect: ReplayStore is no redis", s->given.redis_password_file ? "RedisPasswordFile" : "RedisDatabase");
	if (redis && s->given.replay_size)
		return fault(s, e, "ReplaySize has no effect with Redis; set its own maxmemory");
	return 0;
}

/* Who may be signed for is said in one place. */
static int check_tables(struct settings *s, struct err *e)
{
	static const enum settings_id one[] = {SETTINGS_ID_key_file, SETTINGS_ID_certificate_file, SETTINGS_ID_certificate_url, SETTINGS_ID_key_pin_file};
	static const enum settings_id who[] = {SETTINGS_ID_internal_hosts, SETTINGS_ID_sign_authenticated};

	for (size_t i = 0; is_given(s, SETTINGS_ID_key_table) && i < sizeof one / sizeof *one; i++)
		if (is_given(s, one[i]))
			return fault(s, e, "%s has no effect with KeyTable: make it a line of that table", name_of(one[i]));
	for (size_t i = 0; is_given(s, SETTINGS_ID_signing_table) && i < sizeof who / sizeof *who; i++)
		if (is_given(s, who[i]))
			return fault(s, e, "%s has no effect with SigningTable: make it a line of that table (net:NETWORK, user:NAME)", name_of(who[i]));
	/* Whose key vouches for a number that mail was diverted from, no client says. */
	if (is_given(s, SETTINGS_ID_key_table) && s->sign_diversions)
		return fault(s, e, "\"SignDiversions yes\" goes with one key (KeyFile), not with KeyTable");
	if (is_given(s, SETTINGS_ID_key_table) && !is_given(s, SETTINGS_ID_signing_table))
		return fault(s, e, "KeyTable is set, but SigningTable is not: nothing says who is signed for with which key");
	if (is_given(s, SETTINGS_ID_signing_table) && !is_given(s, SETTINGS_ID_key_table))
		return fault(s, e, "SigningTable is set, but KeyTable, which has its keys, is not");
	return 0;
}

static int check_keys(struct settings *s, struct err *e)
{
	bool token = s->key_file && key_pkcs11_is_uri(span_cstr(s->key_file));

	if (s->key_pin_file && !s->key_file && !s->key_table)
		return fault(s, e, "KeyPINFile has no effect without KeyFile; set that as well, or leave KeyPINFile out");
	if (s->key_pin_file && !token)
		return fault(s, e, "KeyPINFile has no effect: KeyFile is a file, not a PKCS #11 URI (pkcs11:...)");
	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++) {
		const struct settings_spec *spec = settings_spec_at((enum settings_id)i);
		const char *path = spec->type == SETTINGS_TYPE_PATH && i != SETTINGS_ID_key_file ? *(char **)settings_spec_value(s, spec) : NULL;

		if (path && key_pkcs11_is_uri(span_cstr(path)))
			return fault(s, e, "%s is a file; only KeyFile may be in a PKCS #11 token", name_of((enum settings_id)i));
	}
	return 0;
}

int settings_check(struct settings *s, struct err *e)
{
	if (check_tables(s, e) || check_groups(s, e) || check_effect(s, e) || check_mode(s, e) || check_age(s, e) || check_listeners(s, e) ||
	    check_results(s, e) || check_files(s, e))
		return -1;
	return check_sandbox(s, e) || check_domains(s, e) || check_store(s, e) || check_keys(s, e) ? -1 : 0;
}
