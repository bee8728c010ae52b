/*
 * The table made of settings.def, the words of its ENUM rows, and how numbers
 * are written.
 *
 * Parses nothing; settings_value.c does.
 */
#include "config.h"

#include "engine/settings_spec.h"

#include <inttypes.h>
#include <syslog.h>

#include "engine/settings_syntax.h"
#include "policy/factlog.h"

static const struct settings_word words_syslog_facility[] = {
	{"mail", LOG_MAIL},     {"daemon", LOG_DAEMON}, {"user", LOG_USER},     {"auth", LOG_AUTH},
	{"authpriv", LOG_AUTHPRIV}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
	{"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
	{"local7", LOG_LOCAL7}, {NULL, 0}};
static const struct settings_word words_sandbox[] = {
	{"auto", SETTINGS_SANDBOX_AUTO}, {"require", SETTINGS_SANDBOX_REQUIRE}, {"off", SETTINGS_SANDBOX_OFF}, {NULL, 0}};
static const struct settings_word words_log_format[] = {
	{"text", SETTINGS_LOG_TEXT}, {"json", SETTINGS_LOG_JSON}, {NULL, 0}};
static const struct settings_word words_log_numbers[] = {
	{"pseudonym", SETTINGS_NUMBERS_PSEUDONYM}, {"masked", SETTINGS_NUMBERS_MASKED}, {"full", SETTINGS_NUMBERS_FULL}, {NULL, 0}};
static const struct settings_word words_mode[] = {
	{"s", SETTINGS_MODE_S}, {"v", SETTINGS_MODE_V}, {"sv", SETTINGS_MODE_SV}, {NULL, 0}};
static const struct settings_word words_digest[] = {
	{"sha256", MSGI_SHA256}, {"sha384", MSGI_SHA384}, {"sha512", MSGI_SHA512}, {NULL, 0}};
static const struct settings_word words_unsafe_body[] = {
	{"omit", SIGN_UNSAFE_OMIT}, {"sign", SIGN_UNSAFE_SIGN}, {"reject", SIGN_UNSAFE_REJECT}, {NULL, 0}};
static const struct settings_word words_revocation_policy[] = {
	{"soft", SETTINGS_REVOCATION_SOFT}, {"hard", SETTINGS_REVOCATION_HARD}, {NULL, 0}};
static const struct settings_word words_authority[] = {
	{"tn", TRUST_AUTHORITY_TN}, {"spc", TRUST_AUTHORITY_SPC}, {"any", TRUST_AUTHORITY_ANY}, {NULL, 0}};
static const struct settings_word words_fetch_ports[] = {
	{"443", SETTINGS_FETCH_443}, {"8443", SETTINGS_FETCH_8443}, {"both", SETTINGS_FETCH_BOTH}, {NULL, 0}};
static const struct settings_word words_dest_cover[] = {
	{"full", SETTINGS_DEST_FULL}, {"any", SETTINGS_DEST_ANY}, {NULL, 0}};
static const struct settings_word words_content_digest[] = {
	{"always", VERIFY_CONTENT_ALWAYS}, {"fallback", VERIFY_CONTENT_FALLBACK}, {NULL, 0}};
static const struct settings_word words_fact_log_numbers[] = {
	{"pseudonym", FACTLOG_PSEUDONYM}, {"full", FACTLOG_FULL}, {NULL, 0}};

#define WORDS_STRING(field) NULL
#define WORDS_PATH(field) NULL
#define WORDS_BOOL(field) NULL
#define WORDS_COUNT(field) NULL
#define WORDS_SECONDS(field) NULL
#define WORDS_MILLISECONDS(field) NULL
#define WORDS_BYTES(field) NULL
#define WORDS_OCTAL(field) NULL
#define WORDS_ENUM(field) words_##field
#define WORDS_LIST(field) NULL
#define WORDS_NETWORKS(field) NULL

static const struct settings_spec rows[SETTINGS_ID_COUNT] = {
#define SETTING(id, field, kind, value, lo, hi, text)                                              \
	[SETTINGS_ID_##field].row.name = #id,                                                      \
	[SETTINGS_ID_##field].row.type = #kind,                                                    \
	[SETTINGS_ID_##field].row.dflt = (value),                                                  \
	[SETTINGS_ID_##field].row.sentence = (text),                                               \
	[SETTINGS_ID_##field].type = SETTINGS_TYPE_##kind,                                         \
	[SETTINGS_ID_##field].at = offsetof(struct settings, field),                               \
	[SETTINGS_ID_##field].given_at = offsetof(struct settings, given.field),                   \
	[SETTINGS_ID_##field].min = (lo),                                                          \
	[SETTINGS_ID_##field].max = (hi),                                                          \
	[SETTINGS_ID_##field].words = WORDS_##kind(field),
#include "engine/settings.def"
#undef SETTING
	/* What a row of settings.def has no column for. */
	[SETTINGS_ID_socket].syntax = settings_syntax_socket,
	[SETTINGS_ID_user_id].syntax = settings_syntax_user,
	[SETTINGS_ID_authserv_id].syntax = settings_syntax_authserv_id,
	[SETTINGS_ID_certificate_url].syntax = settings_syntax_certificate_url,
	[SETTINGS_ID_help_url].syntax = settings_syntax_help_url,
	[SETTINGS_ID_replay_store].syntax = settings_syntax_replay_store,
	[SETTINGS_ID_socket].example = "local:/run/stir-milter/stir-milter.sock",
	[SETTINGS_ID_user_id].example = "stir-milter:stir-milter",
	[SETTINGS_ID_sandbox_paths].example = "/var/lib/softhsm/tokens",
	[SETTINGS_ID_pid_file].example = "/run/stir-milter/stir-milter.pid",
	[SETTINGS_ID_authserv_id].example = "mx.example.net",
	[SETTINGS_ID_sign_listeners].example = "MM4OUT",
	[SETTINGS_ID_verify_listeners].example = "MM4IN",
	[SETTINGS_ID_internal_hosts].example = "127.0.0.1, ::1, 192.0.2.0/24",
	[SETTINGS_ID_peer_list].example = "198.51.100.7, 2001:db8:7::/48",
	[SETTINGS_ID_mm4_listeners].example = "MM4IN, MM4OUT",
	[SETTINGS_ID_mm4_peers].example = "198.51.100.0/24, 2001:db8:51::/48",
	[SETTINGS_ID_number_plan].example = "numberplan",
	[SETTINGS_ID_key_file].example = "keys/stir.key",
	[SETTINGS_ID_certificate_file].example = "keys/stir.pem",
	[SETTINGS_ID_certificate_url].example = "https://cert.example.net/stir.pem",
	[SETTINGS_ID_key_table].example = "keys/keys.csv",
	[SETTINGS_ID_signing_table].example = "signing.csv",
	[SETTINGS_ID_trust_anchors].example = "trust/anchors.pem",
	[SETTINGS_ID_trust_domains].example = "trust/domains",
	[SETTINGS_ID_key_pin_file].example = "keys/token.pin",
	[SETTINGS_ID_fetch_hosts].example = "*.example.net, cert.example.org",
	[SETTINGS_ID_fetch_denied_hosts].example = "old.example.net",
	[SETTINGS_ID_fetch_addresses].example = "10.20.0.0/16",
	[SETTINGS_ID_fetch_ca_file].example = "trust/web.pem",
	[SETTINGS_ID_cache_file].example = "/var/lib/stir-milter/cache.sqlite",
	[SETTINGS_ID_spc_table].example = "trust/spc.csv",
	[SETTINGS_ID_replay_store].example = "sqlite:/var/lib/stir-milter/replay.sqlite",
	[SETTINGS_ID_replay_key].example = "keys/replay.key",
	[SETTINGS_ID_redis_password_file].example = "keys/redis.password",
	[SETTINGS_ID_evidence_dir].example = "/var/lib/stir-milter/evidence",
	[SETTINGS_ID_revocation_list].example = "trust/crl.pem",
	[SETTINGS_ID_certificate_dir].example = "certificates",
	[SETTINGS_ID_policy].example = "inbound.policy",
	[SETTINGS_ID_trusted_results].example = "dkim, dmarc",
	[SETTINGS_ID_trusted_scores].example = "127.0.0.1, ::1",
	[SETTINGS_ID_help_url].example = "https://www.example.net/mms-refused",
	[SETTINGS_ID_state_file].example = "/var/lib/stir-milter/state",
	[SETTINGS_ID_fact_log].example = "/var/log/stir-milter/facts.json",
	[SETTINGS_ID_pseudonym_key].example = "keys/pseudonym.key",
	[SETTINGS_ID_metrics_socket].syntax = settings_syntax_metrics_socket,
	[SETTINGS_ID_metrics_socket].example = "inet:9895@127.0.0.1",
};

const struct settings_spec *settings_spec_at(enum settings_id id)
{
	return &rows[id];
}

int settings_spec_find(struct span name, enum settings_id *out)
{
	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++)
		if (span_caseis(name, rows[i].row.name)) {
			*out = (enum settings_id)i;
			return 0;
		}
	return -1;
}

void settings_spec_write_words(struct buf *out, const struct settings_spec *spec)
{
	for (const struct settings_word *w = spec->words; w && w->word; w++)
		buf_printf(out, "%s%s", w == spec->words ? "" : ", ", w->word);
}

struct unit {
	const char *word;
	uint64_t size;
};

/* The largest unit that leaves nothing over. */
static void write_in(struct buf *out, const struct unit *units, size_t n, uint64_t v)
{
	size_t i = 0;

	while (i + 1 < n && (v == 0 || v % units[i].size))
		i++;
	buf_printf(out, "%" PRIu64 "%s", v / units[i].size, units[i].word);
}

void settings_spec_write_number(struct buf *out, enum settings_type type, uint64_t v)
{
	static const struct unit seconds[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
	static const struct unit milliseconds[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
	static const struct unit bytes[] = {{"M", 1048576}, {"k", 1024}, {"", 1}};

	switch (type) {
	case SETTINGS_TYPE_SECONDS:
		write_in(out, seconds, sizeof seconds / sizeof *seconds, v);
		break;
	case SETTINGS_TYPE_MILLISECONDS:
		write_in(out, milliseconds, sizeof milliseconds / sizeof *milliseconds, v);
		break;
	case SETTINGS_TYPE_BYTES:
		write_in(out, bytes, sizeof bytes / sizeof *bytes, v);
		break;
	case SETTINGS_TYPE_OCTAL:
		buf_printf(out, v < 0100 ? "%03" PRIo64 : "0%" PRIo64, v);
		break;
	default:
		buf_printf(out, "%" PRIu64, v);
		break;
	}
}
