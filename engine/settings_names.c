/*
 * The dictionary of other programs' names.  A name gets either ours, or the
 * reason why there is none.
 *
 * Doesn't translate values: what looks alike may mean something else here.
 */
#include "config.h"

#include "engine/settings_names.h"

#include "core/suggest.h"
#include "engine/settings_spec.h"

#define NO_FIELDS "no header field is part of what is signed"
#define NO_ACTION "results are written into the message; act on them in the MTA or a filter after this one"
#define COMMAND_LINE "how the program runs is said on its command line"
#define SUPERVISED "restarting is left to the service manager"
#define WHO_SIGNS "whose mail is signed is said by MTA, InternalHosts and SignAuthenticated, or by SigningTable"

static const struct known {
	const char *theirs;
	const char *ours; /* NULL: there is none, and note says why */
	const char *note;
} known[] = {
	{"Selector", NULL, "a PASSporT names its certificate by address: CertificateURL"},
	{"Domain", NULL, WHO_SIGNS},
	{"Canonicalization", NULL, "nothing is canonicalised: msgi covers the body as it is, msgc (SignContentDigest) the decoded content"},
	{"KeyFileTable", "KeyTable", NULL},
	{"SignatureAlgorithm", NULL, "PASSporTs are signed with ES256; Digest chooses the digest of the body"},
	{"SignHeaders", NULL, NO_FIELDS},
	{"OmitHeaders", NULL, NO_FIELDS},
	{"OversignHeaders", NULL, NO_FIELDS},
	{"AlwaysSignHeaders", NULL, NO_FIELDS},
	{"SenderHeaders", NULL, "the sender is the one in From"},
	{"SubDomains", NULL, WHO_SIGNS},
	{"BodyLengths", NULL, "the whole body is covered"},
	{"MaximumSignedBytes", NULL, "the whole body is covered"},
	{"Background", NULL, COMMAND_LINE},
	{"ChangeRootDirectory", NULL, SUPERVISED},
	{"AutoRestart", NULL, SUPERVISED},
	{"AutoRestartRate", NULL, SUPERVISED},
	{"AutoRestartCount", NULL, SUPERVISED},
	{"SyslogSuccess", NULL, "every message in scope gets one line; LogWhy says more"},
	{"SyslogName", NULL, COMMAND_LINE},
	{"LogLevel", NULL, COMMAND_LINE},
	{"MilterDebug", NULL, COMMAND_LINE},
	{"MacroList", NULL, "listeners are told apart by MTA and VerifyMTA"},
	{"ExternalIgnoreList", NULL, "there is no warning that it could silence"},
	{"ExemptDomains", "PeerList", NULL},
	{"DontSignMailTo", NULL, WHO_SIGNS},
	{"On-Default", NULL, NO_ACTION},
	{"On-BadSignature", NULL, NO_ACTION},
	{"On-DNSError", NULL, NO_ACTION},
	{"On-InternalError", NULL, NO_ACTION},
	{"On-KeyNotFound", NULL, NO_ACTION},
	{"On-NoSignature", NULL, NO_ACTION},
	{"On-Security", NULL, NO_ACTION},
	{"On-SignatureError", NULL, NO_ACTION},
	{"RejectFailures", NULL, NO_ACTION},
	{"Quarantine", NULL, NO_ACTION},
	{"CaptureUnknownErrors", NULL, NO_ACTION},
	{"AuthservIDWithJobID", NULL, "the queue identifier is in the log"},
	{"RemoveARFrom", NULL, "earlier results under our own name are always removed, others never"},
	{"RemoveARAll", NULL, "earlier results under our own name are always removed, others never"},
	{"RemoveOldSignatures", NULL, "a message that carries an Identity field is not signed again"},
	{"SignatureTTL", NULL, "a PASSporT carries the time of signing only; the verifier's MaxAge says how long it lasts"},
	{"MinimumKeyBits", NULL, "only P-256 keys are taken"},
	{"TestPublicKeys", "CertificateDir", NULL},
	{"TemporaryDirectory", NULL, "no temporary files are made"},
	{"SoftwareHeader", NULL, "no such field is written"},
	{"DNSTimeout", "FetchWait", NULL},
	{"ClockDrift", "MaxSkew", NULL},
	{"TrustAnchorFile", "TrustAnchors", NULL},
	{"CAFile", "TrustAnchors", NULL},
	{"TrustedAuthservIDs", NULL, "results of other hosts are not read"},
	{"IgnoreHosts", "PeerList", NULL},
	{"IgnoreAuthenticatedClients", "SignAuthenticated", NULL},
	{"PeerAddr", "PeerList", NULL},
	{"User", "UserID", NULL},
	{"bind_socket", "Socket", NULL},
	{"sign_local", "InternalHosts", NULL},
	{"sign_networks", "InternalHosts", NULL},
	{"local_addrs", "InternalHosts", NULL},
	{"sign_authenticated", "SignAuthenticated", NULL},
	{"PrivateKey", "KeyFile", NULL},
	{"Certificate", "CertificateFile", NULL},
	{"x5u", "CertificateURL", NULL},
	{"CRL", "RevocationList", NULL},
	{"CRLFile", "RevocationList", NULL},
	{"Freshness", "MaxAge", NULL},
	{"FactLogKey", "PseudonymKey", NULL},
	{"PrometheusSocket", "MetricsSocket", NULL},
	{"StatisticsSocket", "MetricsSocket", NULL},
};

void settings_names_hint(struct buf *out, struct span name)
{
	const char *names[SETTINGS_ID_COUNT + 1], *near;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!span_caseis(name, known[i].theirs))
			continue;
		if (known[i].ours)
			buf_printf(out, "; here it is called %s", known[i].ours);
		else
			buf_printf(out, ": %s", known[i].note);
		return;
	}
	if (span_find(name, '=') < name.n || span_find(name, ':') < name.n) {
		buf_puts(out, "; write the name, a space and the value");
		return;
	}
	for (size_t i = 0; i < SETTINGS_ID_COUNT; i++)
		names[i] = settings_spec_at((enum settings_id)i)->row.name;
	names[SETTINGS_ID_COUNT] = "Include";
	near = suggest_name(name, names, SETTINGS_ID_COUNT + 1);
	if (near)
		buf_printf(out, "; did you mean %s?", near);
}
