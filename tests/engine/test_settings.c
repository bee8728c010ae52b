/* The configuration: what is taken, what is refused and where, what goes together. */
#include "config.h"

#include "engine/settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/numberplan.h"
#include "engine/file.h"
#include "tests/lib/tap.h"

static struct err e;

static void init(struct settings *s)
{
	err_clear(&e);
	if (settings_init(s, &e))
		tap_bail("%s", e.text);
}

static int parse(struct settings *s, const char *text)
{
	init(s);
	return settings_parse(s, "conf", span_cstr(text), &e);
}

/* Errors, word for word ---------------------------------------------------- */

static const struct text_case {
	const char *text, *error;
} errors[] = {
	/* What other programs take without a word. */
	{"UnsafeBody rejct\n", "conf:1:12: UnsafeBody: \"rejct\" is not one of omit, sign, reject; did you mean \"reject\"?"},
	{"InternalHosts 10.0.0.0/99,foo..bar\n", "conf:1:15: InternalHosts: 10.0.0.0/99: a prefix is at most 32"},
	{"InternalHosts 10.0.0.0/8,foo..bar\n", "conf:1:26: InternalHosts: foo..bar: no IPv4 or IPv6 address"},
	{"Mode v\nMode s\n", "conf:2:1: Mode is set for the second time; the first is at conf:1"},
	{"Mode v\nMode v\n", "conf:2:1: Mode is set for the second time; the first is at conf:1"},
	{"On-BadSignature rejct\n",
	 "conf:1:1: unknown setting \"On-BadSignature\": results are written into the message; act on them in the MTA or a "
	 "filter after this one"},
	{"Syslog y\n", "conf:1:8: Syslog: \"y\" is neither yes nor no (nor true nor false)"},
	{"Syslog yess\n", "conf:1:8: Syslog: \"yess\" is neither yes nor no (nor true nor false)"},
	{"Syslog 1\n", "conf:1:8: Syslog: \"1\" is neither yes nor no (nor true nor false)"},
	/* Names. */
	{"\n  KeyFiel /k\n", "conf:2:3: unknown setting \"KeyFiel\"; did you mean KeyFile?"},
	{"internalhost ::1\n", "conf:1:1: unknown setting \"internalhost\"; did you mean InternalHosts?"},
	{"Inclde x\n", "conf:1:1: unknown setting \"Inclde\"; did you mean Include?"},
	{"Frobnicate yes\n", "conf:1:1: unknown setting \"Frobnicate\""},
	{"Selector s1\n", "conf:1:1: unknown setting \"Selector\": a PASSporT names its certificate by address: CertificateURL"},
	{"canonicalization simple\n",
	 "conf:1:1: unknown setting \"canonicalization\": nothing is canonicalised: msgi covers the body as it is, msgc "
	 "(SignContentDigest) the decoded content"},
	{"Domain example.net\n",
	 "conf:1:1: unknown setting \"Domain\": whose mail is signed is said by MTA, InternalHosts and SignAuthenticated, or by SigningTable"},
	{"ClockDrift 60\n", "conf:1:1: unknown setting \"ClockDrift\"; here it is called MaxSkew"},
	{"bind_socket x\n", "conf:1:1: unknown setting \"bind_socket\"; here it is called Socket"},
	{"Mode=v\n", "conf:1:1: unknown setting \"Mode=v\"; write the name, a space and the value"},
	{"Mode: v\n", "conf:1:1: unknown setting \"Mode:\"; write the name, a space and the value"},
	{"FactLogKey k\n", "conf:1:1: unknown setting \"FactLogKey\"; here it is called PseudonymKey"},
	/* Octets and lines. */
	{"Mode v\r\n", "conf:1:7: the line ends with a carriage return, as DOS writes it; end lines with a line feed alone"},
	{"Mo\rde v\n", "conf:1:3: a control character"},
	{"# \x1b[31m\n", "conf:1:3: a control character"},
	{"# \xC2\x85\n", "conf:1:3: a control character"},
	{"# ok \xC3\xA4 then \xFF\n", "conf:1:13: not UTF-8"},
	{"# cut \xC3", "conf:1:7: not UTF-8"},
	{"\xEF\xBB\xBFMode v\n", "conf:1:1: a byte order mark; save the file without one"},
	{"Mode\n", "conf:1:5: Mode has no value; leave the line out if it shall not be set"},
	{"mode # v\n", "conf:1:5: mode has no value; leave the line out if it shall not be set"},
	{"PidFile \"\"\n", "conf:1:8: PidFile has no value; leave the line out if it shall not be set"},
	{"PidFile \"/a\n", "conf:1:9: the quote that begins here has no end on this line"},
	{"PidFile \"/a\" b\n", "conf:1:14: something follows the closing quote"},
	{"PidFile \"/a\"# b\n", "conf:1:13: something follows the closing quote"},
	{"PidFile /a\"b\"\n", "conf:1:11: quotes go around the whole value"},
	{"PidFile /a b\n", "conf:1:11: PidFile takes one value; put quotes around one with spaces in it"},
	{"Mode s v\n", "conf:1:7: Mode takes one value; put quotes around one with spaces in it"},
	{"Include other.conf\n", "conf:1:9: Include works in files only"},
	/* Numbers. */
	{"MaxAge 60\n", "conf:1:8: MaxAge: \"60\" has no unit; write 60s, or another of s, m, h and d"},
	{"FetchWait 2000\n", "conf:1:11: FetchWait: \"2000\" has no unit; write 2000s, or another of ms, s, m, h and d"},
	{"MaxAge 1w\n", "conf:1:9: MaxAge: \"1w\" is no duration; write a number and one of s, m, h and d"},
	{"MaxAge 1m30s\n", "conf:1:9: MaxAge: \"1m30s\" is no duration; write a number and one of s, m, h and d"},
	{"MaxAge -1s\n", "conf:1:8: MaxAge: \"-1s\" is no duration; write a number and one of s, m, h and d"},
	{"MaxAge 1.5h\n", "conf:1:9: MaxAge: \"1.5h\" is no duration; write a number and one of s, m, h and d"},
	{"MaxAge 60S\n", "conf:1:10: MaxAge: \"60S\" is no duration; write a number and one of s, m, h and d"},
	{"MaxAge 500ms\n", "conf:1:8: MaxAge: \"500ms\" is finer than a second; the units here are s, m, h and d"},
	{"MaxAge 060s\n", "conf:1:8: MaxAge: \"060s\" has a zero in front; leave it out"},
	{"MaxAge 0s\n", "conf:1:8: MaxAge: \"0s\" is too small; at least 1s"},
	{"MaxAge 6d\n", "conf:1:8: MaxAge: \"6d\" is too large; at most 5d"},
	{"MaxAge 18446744073709551617s\n", "conf:1:8: MaxAge: \"18446744073709551617s\" is too large; at most 5d"},
	{"MaxAge 213503982334602d\n", "conf:1:8: MaxAge: \"213503982334602d\" is too large; at most 5d"},
	{"FetchWait 2m\n", "conf:1:11: FetchWait: \"2m\" is too large; at most 1m"},
	{"MaximumHeaders 2M\n", "conf:1:16: MaximumHeaders: \"2M\" is too large; at most 1M"},
	{"MaximumHeaders 1023\n", "conf:1:16: MaximumHeaders: \"1023\" is too small; at least 1k"},
	{"MaximumHeaders 64kb\n",
	 "conf:1:18: MaximumHeaders: \"64kb\" is no size; write a number of octets, or one with k (1024) or M (1048576) after it"},
	{"MaximumHeaders 0x400\n",
	 "conf:1:17: MaximumHeaders: \"0x400\" is no size; write a number of octets, or one with k (1024) or M (1048576) after it"},
	{"UMask 7\n", "conf:1:7: UMask: \"7\" is no octal number; write it with a zero in front, as in 007"},
	{"UMask 008\n", "conf:1:7: UMask: \"008\" is no octal number; write it with a zero in front, as in 007"},
	{"UMask 01000\n", "conf:1:7: UMask: \"01000\" is too large; at most 0777"},
	{"UMask u=rw\n", "conf:1:7: UMask: \"u=rw\" is no octal number; write it with a zero in front, as in 007"},
	/* Words, texts, lists. */
	{"Mode x\n", "conf:1:6: Mode: \"x\" is not one of s, v, sv"},
	{"Mode vv\n", "conf:1:6: Mode: \"vv\" is not one of s, v, sv; did you mean \"v\"?"},
	{"Digest sha1\n", "conf:1:8: Digest: \"sha1\" is not one of sha256, sha384, sha512"},
	{"SyslogFacility local8\n", "conf:1:16: SyslogFacility: \"local8\" is not one of mail, daemon, user, auth, authpriv, "
				    "local0, local1, local2, local3, local4, local5, local6, local7; did you mean \"local0\"?"},
	{"LogFormat yaml\n", "conf:1:11: LogFormat: \"yaml\" is not one of text, json"},
	{"LogNumbers yes\n", "conf:1:12: LogNumbers: \"yes\" is not one of pseudonym, masked, full"},
	{"MetricsSocket inet:9895@0.0.0.0\n",
	 "conf:1:15: MetricsSocket: \"inet:9895@0.0.0.0\" is not an address of this host alone: write 127.0.0.1 (or ::1), and let a web "
	 "server that asks who is there pass on what others shall see"},
	{"MetricsSocket inet:9895@127.0.0.1.example\n",
	 "conf:1:15: MetricsSocket: \"inet:9895@127.0.0.1.example\" is not an address of this host alone: write 127.0.0.1 (or ::1), and let "
	 "a web server that asks who is there pass on what others shall see"},
	{"MetricsSocket 9895\n",
	 "conf:1:15: MetricsSocket: \"9895\" is not one of local:PATH, unix:PATH, inet:PORT@ADDRESS, inet6:PORT@ADDRESS, fd:NUMBER"},
	{"KeyFile ~/key\n", "conf:1:9: KeyFile: \"~/key\" is no path here: ~ has no meaning; write the whole path"},
	{"MTA ,\n", "conf:1:5: MTA: no item in it"},
	{"PeerList ,\n", "conf:1:10: PeerList: no network in it"},
	{"PeerList refile:/x\n",
	 "conf:1:10: PeerList: \"refile:/x\" is no network; a list in a file, one entry a line, is file:PATH"},
	{"PeerList ::1 /etc/x\n",
	 "conf:1:14: PeerList: \"/etc/x\" is no network; a list in a file, one entry a line, is file:PATH"},
	{"PeerList 10.0.0.1/8\n",
	 "conf:1:10: PeerList: 10.0.0.1/8: bits beyond the prefix are set; did you mean 10.0.0.0/8?"},
	{"PeerList file:\n", "conf:1:10: PeerList: file:: no IPv4 or IPv6 address"},
	{"PeerList file:/nonexistent/x\n",
	 "conf:1:10: PeerList: /nonexistent/x: there is no such file; check the spelling of the path"},
	{"UserID me:\n", "conf:1:8: UserID: \"me:\" is not of the form USER or USER:GROUP"},
	{"UserID -x\n", "conf:1:8: UserID: \"-x\" is not of the form USER or USER:GROUP"},
	{"UserID a:b:c\n", "conf:1:8: UserID: \"a:b:c\" is not of the form USER or USER:GROUP"},
	{"AuthservID \"mx; x\"\n",
	 "conf:1:13: AuthservID: \"mx; x\" is no host name (letters, digits, '.', '-' and '_')"},
	{"CertificateURL http://a.example/x\n", "conf:1:16: CertificateURL: \"http://a.example/x\": the scheme is not https"},
	{"CertificateURL https://a.example/x?y\n",
	 "conf:1:16: CertificateURL: \"https://a.example/x?y\": a query is not allowed"},
};

static void check_errors(void)
{
	struct settings s;

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		tap_int(parse(&s, errors[i].text), -1, "%.*s", (int)strcspn(errors[i].text, "\r\n\x1b"), errors[i].text);
		tap_str(e.text, errors[i].error, "says what and where");
		tap_int(e.code, ERR_CONFIG, "as an error of configuration");
		settings_free(&s);
	}
	init(&s);
	tap_int(settings_parse(&s, "conf", span_make("Mode v\n# \0", 10), &e), -1, "a NUL");
	tap_str(e.text, "conf:2:3: a NUL octet; is this a text file?", "is told from other octets");
	settings_free(&s);
}

/* The same, with many values of one setting --------------------------------- */

static const struct value_case {
	const char *name, *value;
	bool good;
} values[] = {
	{"Socket", "local:/run/x.sock", true},
	{"Socket", "unix:/run/x.sock", true},
	{"Socket", "inet:8895@127.0.0.1", true},
	{"Socket", "inet:8895@[127.0.0.1]", true},
	{"Socket", "inet:8895@localhost", true},
	{"Socket", "inet:8895@mx-1.example.net", true},
	{"Socket", "inet6:8895@::1", true},
	{"Socket", "inet6:8895@[::1]", true},
	{"Socket", "inet6:8895@localhost", true},
	{"Socket", "fd:3", true},
	{"Socket", "/run/x.sock", false},
	{"Socket", "local:x.sock", false},
	{"Socket", "local:/", false},
	{"Socket", "local:/run/", false},
	{"Socket", "local:", false},
	{"Socket", "Local:/run/x.sock", false},
	{"Socket", "inet:8895", false},
	{"Socket", "inet:8895@", false},
	{"Socket", "inet:127.0.0.1:8895", false},
	{"Socket", "inet:0@127.0.0.1", false},
	{"Socket", "inet:65536@127.0.0.1", false},
	{"Socket", "inet:08895@127.0.0.1", false},
	{"Socket", "inet:+8895@127.0.0.1", false},
	{"Socket", "inet:smtp@127.0.0.1", false},
	{"Socket", "inet:8895@127.0.0.256", false},
	{"Socket", "inet:8895@127.1", false},
	{"Socket", "inet:8895@::1", false},
	{"Socket", "inet:8895@[]", false},
	{"Socket", "inet:8895@a@b", false},
	{"Socket", "inet6:8895@::g", false},
	{"Socket", "inet6:8895@127.0.0.1", true}, /* a host name by its look; found out when opened */
	{"Socket", "fd:2", false},
	{"Socket", "fd:x", false},
	{"Socket", "fd:", false},
	{"Socket", "x", false},
	{"Socket", ":", false},
	{"UserID", "stir-milter", true},
	{"UserID", "stir-milter:mail", true},
	{"UserID", "1000:1000", true},
	{"UserID", ":mail", false},
	{"Sandbox", "Require", true},
	{"Sandbox", "yes", false},
	{"SandboxPaths", "/a, /b", true},
	{"UserID", "a b", false},
	{"AuthservID", "mx.example.net", true},
	{"AuthservID", "mx_1", true},
	{"AuthservID", ".mx", false},
	{"AuthservID", "mx.", false},
	{"AuthservID", "mx(comment)", false},
	{"CertificateURL", "https://cert.example.net/stir.pem", true},
	{"CertificateURL", "https://cert.example.net:8443/stir.pem", true},
	{"CertificateURL", "https://cert.example.net:444/stir.pem", false},
	{"CertificateURL", "https://192.0.2.1/stir.pem", false},
	{"Syslog", "yes", true},
	{"Syslog", "True", true},
	{"Syslog", "FALSE", true},
	{"Syslog", "on", false},
	{"Mode", "SV", true},
	{"Mode", " sv", false},
	{"UMask", "0", true},
	{"UMask", "0777", true},
	{"UMask", "00000000000000000000000000007", true},
	{"MaximumHeaders", "1024", true},
	{"MaximumHeaders", "1K", true},
	{"MaximumHeaders", "1m", false},
	{"MaximumHeaders", "1048577", false},
	{"MaximumHeaders", "k", false},
	{"MaxAge", "5d", true},
	{"MaxAge", "120h", true},
	{"MaxAge", "s", false},
	{"MaxSkew", "0s", true},
	{"FetchWait", "0ms", true},
	{"FetchWait", "1500ms", true},
	{"FetchWait", "1m", true},
	{"InternalHosts", "10.0.0.0/8, ::1", true},
	{"InternalHosts", "!10.1.0.0/16", true},
	{"InternalHosts", "localhost", false},
	{"MTA", "a,b c\td", true},
	{"ReplayStore", "sqlite:/var/lib/replay.sqlite", true},
	{"ReplayStore", "sqlite:state/replay.sqlite", true},
	{"ReplayStore", "sqlite:", false},
	{"ReplayStore", "sqlite:state/", false},
	{"ReplayStore", "sqlite:~/replay.sqlite", false},
	{"PidFile", "has \"quotes\"", false},
	{"PidFile", "line\nend", false},
	{"PidFile", "\xFF", false},
};

static void check_values(void)
{
	struct settings s;

	init(&s);
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		const struct value_case *v = &values[i];

		err_clear(&e);
		tap_int(settings_set(&s, v->name, span_cstr(v->value), &e), v->good ? 0 : -1, "%s=%.*s %s %s", v->name,
			(int)strcspn(v->value, "\n"), v->value, v->good ? "is good" : "is refused", e.text);
		tap_ok(v->good || (e.code == ERR_CONFIG && strncmp(e.text, v->name, strlen(v->name)) == 0), "by its name");
	}
	settings_free(&s);
}

/* What comes out ------------------------------------------------------------ */

static const char whole[] =
	"# a comment\n"
	"\n"
	"   \t # another\n"
	"socket   inet:8895@127.0.0.1 # comment\n"
	"UMASK\t022\n"
	"PidFile \"/run/a #1/b.pid\"   # comment\n"
	"Syslog TRUE\n"
	"SyslogFacility Local3\n"
	"  Mode v\n"
	"ShutdownTimeout 2m\n"
	"MaximumHeaders 64k\n"
	"MTA one, two three,four ,five # and no more\n"
	"InternalHosts !10.1.0.0/16 10.0.0.0/8,2001:db8::/32\n"
	"KeyFile keys/a#b\n"
	"FetchWait 1500ms\n"
	"RevocationPolicy hard\n"
	"DestCover any\n"
	"Authority tn\n"
	"ContentDigest fallback\n"
	"Digest sha512\n"
	"UnsafeBody reject\n"
	"MaxAge 1d";

static bool within(const struct cidr_set *set, const char *addr)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	return inet_pton(AF_INET, addr, &in.sin_addr) == 1 && cidr_contains(set, (const struct sockaddr *)&in);
}

static void check_defaults(void)
{
	struct settings s;

	init(&s);
	tap_str(s.socket, NULL, "no socket");
	tap_int(s.umask, 007, "umask");
	tap_int(s.syslog_facility, LOG_MAIL, "facility");
	tap_int(s.mode, SETTINGS_MODE_SV, "mode");
	tap_int((long long)s.maximum_headers, 256 * 1024, "header size");
	tap_int((long long)s.sign_listeners.n, 0, "no listeners");
	tap_int((long long)cidr_count(s.internal_hosts), 0, "no networks, but a set");
	tap_ok(s.require_safe_keys && s.sign_content_digest && !s.allow_replay, "booleans");
	tap_int(s.max_age_s, 60, "seconds");
	tap_int(s.fetch_wait_ms, 2000, "milliseconds");
	tap_int(s.revocation_policy, SETTINGS_REVOCATION_SOFT, "revocation");
	tap_int(s.dest_cover, SETTINGS_DEST_FULL, "cover");
	tap_int(s.authority, TRUST_AUTHORITY_SPC, "authority");
	tap_str(s.given.umask, NULL, "nothing is given");
	tap_str(s.origin, NULL, "no origin");
	settings_free(&s);
	settings_free(&s);
	tap_ok(true, "freed twice");
}

static void check_whole(void)
{
	struct settings s;

	if (!tap_int(parse(&s, whole), 0, "a file of everything"))
		tap_note("%s", e.text);
	tap_str(s.socket, "inet:8895@127.0.0.1", "string");
	tap_int(s.umask, 022, "octal");
	tap_str(s.pid_file, "/run/a #1/b.pid", "quoted path");
	tap_ok(s.syslog, "boolean");
	tap_int(s.syslog_facility, LOG_LOCAL3, "facility");
	tap_int(s.mode, SETTINGS_MODE_V, "mode");
	tap_int(s.shutdown_timeout_s, 120, "seconds");
	tap_int((long long)s.maximum_headers, 65536, "bytes");
	if (tap_int((long long)s.sign_listeners.n, 5, "list")) {
		tap_str(s.sign_listeners.item[0], "one", "its first");
		tap_str(s.sign_listeners.item[2], "three", "its third");
		tap_str(s.sign_listeners.item[4], "five", "its last");
	}
	tap_int((long long)cidr_count(s.internal_hosts), 3, "networks");
	tap_ok(within(s.internal_hosts, "10.2.0.1") && !within(s.internal_hosts, "10.1.0.1"), "in their order");
	tap_str(s.key_file, "keys/a#b", "a '#' inside a word is no comment");
	tap_int(s.fetch_wait_ms, 1500, "milliseconds");
	tap_int(s.revocation_policy, SETTINGS_REVOCATION_HARD, "hard");
	tap_int(s.dest_cover, SETTINGS_DEST_ANY, "any");
	tap_int(s.authority, TRUST_AUTHORITY_TN, "tn");
	tap_int(s.content_digest, VERIFY_CONTENT_FALLBACK, "fallback");
	tap_int(s.digest, MSGI_SHA512, "sha512");
	tap_int(s.unsafe_body, SIGN_UNSAFE_REJECT, "reject");
	tap_int(s.max_age_s, 86400, "the last line needs no end");
	tap_str(s.given.max_age_s, "1d", "and its text is kept");
	tap_str(s.given.max_skew_s, NULL, "others are not given");
	settings_free(&s);
}

static void check_set(void)
{
	struct settings s;
	char here[4096], want[5000];

	if (!getcwd(here, sizeof here) || parse(&s, "MaxAge 30s\nMTA a\nPeerList ::1\nSocket fd:3\n"))
		tap_bail("%s", e.text);
	tap_int(settings_set(&s, "maxage", span_cstr("20s"), &e), 0, "a command line wins over a file");
	tap_int(s.max_age_s, 20, "with its value");
	tap_int(settings_set(&s, "MaxAge", span_cstr("20"), &e), -1, "a bad value is refused");
	tap_str(e.text, "MaxAge: \"20\" has no unit; write 20s, or another of s, m, h and d", "by name");
	tap_ok(s.max_age_s == 20 && s.given.max_age_s && strcmp(s.given.max_age_s, "20s") == 0, "and the former one stays");
	tap_int(settings_set(&s, "PeerList", span_cstr("::1, x"), &e), -1, "the same of networks");
	tap_int((long long)cidr_count(s.peer_list), 1, "which stay");
	tap_int(settings_set(&s, "KeyFile", span_cstr("k.pem"), &e), 0, "a path");
	snprintf(want, sizeof want, "%s/k.pem", here);
	tap_str(s.key_file, want, "is relative to the current folder");
	tap_int(settings_set(&s, "KeyFile", span_cstr("/k with #.pem"), &e), 0, "a path with blanks");
	tap_str(s.key_file, "/k with #.pem", "is taken as it is");
	tap_int(settings_set(&s, "MTA", span_cstr(""), &e), 0, "an empty value takes a list away");
	tap_ok(s.sign_listeners.n == 0 && !s.given.sign_listeners, "all of it");
	tap_int(settings_set(&s, "PeerList", span_cstr(""), &e), 0, "and networks");
	tap_ok(cidr_count(s.peer_list) == 0 && !s.given.peer_list, "all of them");
	tap_int(settings_set(&s, "Socket", span_cstr(""), &e), 0, "and a text");
	tap_ok(!s.socket && !s.given.socket, "all of it");
	tap_int(settings_set(&s, "Syslog", span_cstr(""), &e), -1, "but not a boolean");
	tap_str(e.text, "Syslog has no value", "which has none");
	tap_int(settings_set(&s, "Sokcet", span_cstr("fd:3"), &e), -1, "an unknown name");
	tap_str(e.text, "unknown setting \"Sokcet\"; did you mean Socket?", "gets a suggestion");
	tap_int(settings_set(&s, "Include", span_cstr("x"), &e), -1, "Include is no setting");
	tap_int(settings_set(&s, "M\xFF", span_cstr("x"), &e), -1, "an unprintable name");
	tap_int(settings_set(&s, "Mode", span_cstr("x"), NULL), -1, "no error wanted");
	settings_free(&s);
}

/* What goes together ---------------------------------------------------------- */

#define SIGN "KeyFile /k\nCertificateFile /c\nCertificateURL https://a.example/c.pem\n"
#define VERIFY "TrustAnchors /t\nCertificateDir /d\n"
#define NOTHING "nothing to do: set KeyFile, CertificateFile and CertificateURL (or KeyTable and SigningTable) to sign, or TrustAnchors (or TrustDomains), and CertificateDir or \"FetchCertificates yes\" to verify"

static const struct check_case {
	const char *text, *error; /* NULL: good */
	enum settings_mode mode;
} checks[] = {
	{SIGN, NULL, SETTINGS_MODE_S},
	{VERIFY, NULL, SETTINGS_MODE_V},
	{SIGN VERIFY, NULL, SETTINGS_MODE_SV},
	{SIGN VERIFY "Mode s\nMaxAge 30s\n", NULL, SETTINGS_MODE_S},
	{SIGN VERIFY "Mode v\nDigest sha384\n", NULL, SETTINGS_MODE_V},
	{SIGN VERIFY "Mode sv\n", NULL, SETTINGS_MODE_SV},
	{SIGN "Mode s\n", NULL, SETTINGS_MODE_S},
	{VERIFY "Mode v\n", NULL, SETTINGS_MODE_V},
	{SIGN "Mode sv\n", "Mode sv verifies, but there are no trust anchors: set TrustAnchors (or TrustDomains), and CertificateDir or \"FetchCertificates yes\"", 0},
	{SIGN "Mode v\n", "Mode v verifies, but there are no trust anchors: set TrustAnchors (or TrustDomains), and CertificateDir or \"FetchCertificates yes\"", 0},
	{VERIFY "Mode sv\n", "Mode sv signs, but there is no key: set KeyFile, CertificateFile and CertificateURL (or KeyTable and SigningTable)", 0},
	{VERIFY "Mode s\n", "Mode s signs, but there is no key: set KeyFile, CertificateFile and CertificateURL (or KeyTable and SigningTable)", 0},
	{"", NOTHING, 0},
	{"Mode s\n", NOTHING, 0},
	{"Socket fd:3\n", NOTHING, 0},
	{"KeyFile /k\n", "KeyFile is set, but CertificateFile is not; to sign it takes both", 0},
	{"KeyFile /k\nCertificateFile /c\n", "CertificateFile is set, but CertificateURL is not; to sign it takes both", 0},
	{"CertificateURL https://a.example/c.pem\n", "CertificateURL is set, but KeyFile is not; to sign it takes both", 0},
	{VERIFY "CertificateFile /c\n", "CertificateFile is set, but KeyFile is not; to sign it takes both", 0},
	{"TrustAnchors /t\n", "TrustAnchors is set, but nothing says where certificates come from: set CertificateDir, or \"FetchCertificates yes\" to have them from the network", 0},
	{SIGN "CertificateDir /d\n", "CertificateDir is set, but TrustAnchors (or TrustDomains) is not; to verify it takes both", 0},
	{VERIFY "Digest sha256\n", "Digest has no effect without KeyFile; set that as well, or leave Digest out", 0},
	{VERIFY "MTA a\n", "MTA has no effect without KeyFile; set that as well, or leave MTA out", 0},
	{VERIFY "SignAuthenticated no\n",
	 "SignAuthenticated has no effect without KeyFile; set that as well, or leave SignAuthenticated out", 0},
	{SIGN "MaxAge 30s\n", "MaxAge has no effect without TrustAnchors; set that as well, or leave MaxAge out", 0},
	{SIGN "RevocationList /r\n",
	 "RevocationList has no effect without TrustAnchors; set that as well, or leave RevocationList out", 0},
	{SIGN "SyslogFacility mail\n", "SyslogFacility has no effect without \"Syslog yes\"", 0},
	{SIGN "Syslog yes\nSyslogFacility mail\n", NULL, SETTINGS_MODE_S},
	{SIGN "Syslog no\nSyslogFacility mail\n", NULL, SETTINGS_MODE_S},
	{VERIFY "MaxAge 60s\n", NULL, SETTINGS_MODE_V},
	{VERIFY "MaxAge 61s\n",
	 "MaxAge is 61s, but no ReplayStore remembers which tokens were used: RFC 9475, 3.2 relaxes the freshness of a token "
	 "only for a receiver that detects its second use. Set ReplayStore, or \"AllowReplay yes\", or a MaxAge of at most 60s", 0},
	{VERIFY "MaxAge 61s\nAllowReplay yes\n", NULL, SETTINGS_MODE_V},
	{VERIFY "MaxAge 1d\nAllowReplay no\n",
	 "MaxAge is 1d, but no ReplayStore remembers which tokens were used: RFC 9475, 3.2 relaxes the freshness of a token "
	 "only for a receiver that detects its second use. Set ReplayStore, or \"AllowReplay yes\", or a MaxAge of at most 60s", 0},
	{VERIFY "AllowReplay yes\n", "\"AllowReplay yes\" has no effect without a MaxAge of more than 60s", 0},
	{VERIFY "AllowReplay no\n", NULL, SETTINGS_MODE_V},
	{VERIFY "RevocationPolicy hard\n",
	 "\"RevocationPolicy hard\" needs a RevocationList, or \"FetchCertificates yes\" to have them from the network: "
	 "without any, every message would get temperror", 0},
	{VERIFY "RevocationPolicy hard\nRevocationList /r\n", NULL, SETTINGS_MODE_V},
	{VERIFY "RevocationPolicy soft\n", NULL, SETTINGS_MODE_V},
	{VERIFY "RunAsRoot yes\nCoreDumps yes\nSandbox require\nSandboxPaths /a /b\n", NULL, SETTINGS_MODE_V},
	{VERIFY "SandboxPaths /a b\n", "SandboxPaths: b is no whole path, from / on", 0},
	{VERIFY "Sandbox off\nSandboxPaths /a\n", "SandboxPaths has no effect with \"Sandbox off\"; leave one of them out", 0},
	{SIGN VERIFY "MTA a, B\nVerifyMTA c b\n",
	 "B is named by MTA (its mail is signed) and by VerifyMTA (its mail is verified)", 0},
	{SIGN VERIFY "MTA a\nVerifyMTA b\n", NULL, SETTINGS_MODE_SV},
};

static void check_checks(void)
{
	struct settings s;

	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		const struct check_case *c = &checks[i];

		if (parse(&s, c->text))
			tap_bail("%s", e.text);
		tap_int(settings_check(&s, &e), c->error ? -1 : 0, "check %zu: %s", i, c->error ? c->error : "good");
		if (c->error) {
			tap_str(e.text, c->error, "and says so");
			tap_int(e.code, ERR_CONFIG, "as an error of configuration");
		} else {
			tap_int((long long)s.mode, c->mode, "the mode that follows");
			tap_int(settings_check(&s, &e), 0, "and again");
		}
		settings_free(&s);
	}
}

/* Files ------------------------------------------------------------------------- */

static char path[600];

static const char *at(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", tap_tempdir(), name);
	return path;
}

static void make(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		tap_bail("cannot write %s", name);
}

/* Reads it; $ in want stands for the folder as it was named, % for its whole path. */
static void read_case(const char *name, const char *want)
{
	struct settings s;
	struct buf text;
	char here[4096];

	if (!getcwd(here, sizeof here))
		tap_bail("getcwd");
	buf_init(&text, 10000);
	buf_puts(&text, "");
	for (const char *p = want; p && *p; p++) {
		if (*p == '%')
			buf_printf(&text, "%s/%s", here, tap_tempdir());
		else if (*p == '$')
			buf_puts(&text, tap_tempdir());
		else
			buf_putc(&text, *p);
	}
	init(&s);
	tap_int(settings_read(&s, at(name), &e), want ? -1 : 0, "%s %s", name, want ? "is refused" : "is read");
	tap_str(e.text, text.p, "with the right words");
	buf_free(&text);
	tap_str(s.origin, path, "its name is kept");
	settings_free(&s);
}

static void check_files(void)
{
	struct settings s;
	char want[5000], here[4096];

	if (mkdir(at("sub"), 0700) || !getcwd(here, sizeof here))
		tap_bail("mkdir");
	make("main.conf", "KeyFile k.pem\nCertificateFile /abs/c.pem\nInclude sub/more.conf # more\nPeerList file:peers, ::1\n");
	make("sub/more.conf", "TrustAnchors t.pem\nInclude \"with blank.conf\"\nInternalHosts file:peers\n");
	make("sub/with blank.conf", "CertificateDir ../d/\n");
	make("peers", "# peers\n 192.0.2.1 # one\n\n!192.0.2.64/26\n192.0.2.0/24");
	make("sub/peers", "10.0.0.0/8\n");
	init(&s);
	if (!tap_int(settings_read(&s, at("main.conf"), &e), 0, "a file that includes others"))
		tap_note("%s", e.text);
	snprintf(want, sizeof want, "%s/%s/k.pem", here, tap_tempdir());
	tap_str(s.key_file, want, "paths are relative to the file");
	tap_str(s.certificate_file, "/abs/c.pem", "or absolute");
	snprintf(want, sizeof want, "%s/%s/sub/t.pem", here, tap_tempdir());
	tap_str(s.trust_anchors, want, "also in an included file");
	snprintf(want, sizeof want, "%s/%s/sub/../d", here, tap_tempdir());
	tap_str(s.certificate_dir, want, "also two files deep");
	tap_int((long long)cidr_count(s.peer_list), 4, "networks of a file and of the line");
	tap_ok(within(s.peer_list, "192.0.2.2") && !within(s.peer_list, "192.0.2.65"), "in order");
	tap_ok(within(s.internal_hosts, "10.0.0.1") && !within(s.internal_hosts, "192.0.2.2"), "each from the file meant");
	settings_free(&s);

	make("bad1.conf", "Mode s\nInclude sub/bad.conf\n");
	make("sub/bad.conf", "\nMode v\n");
	read_case("bad1.conf", "%/sub/bad.conf:2:1: Mode is set for the second time; the first is at $/bad1.conf:1");
	make("bad2.conf", "Include none.conf\n");
	read_case("bad2.conf",
		  "$/bad2.conf:1:9: Include: %/none.conf: there is no such file; check the spelling of the path");
	tap_int(e.code, ERR_CONFIG, "which is a fault of the file that names it");
	make("bad3.conf", "PeerList ::1,file:badpeers\n");
	make("badpeers", "::1\n\n  10.0.0.0/99\n");
	read_case("bad3.conf", "$/bad3.conf:1: PeerList: %/badpeers:3:3: 10.0.0.0/99: a prefix is at most 32");
	make("badpeers", "::1 ::2\n");
	read_case("bad3.conf", "$/bad3.conf:1: PeerList: %/badpeers:1:4: one entry a line");
	make("badpeers", "::1\r\n");
	read_case("bad3.conf", "$/bad3.conf:1: PeerList: %/badpeers:1:4: the line ends with a carriage return, as DOS writes "
			       "it; end lines with a line feed alone");
	make("self.conf", "Include self.conf\n");
	read_case("self.conf", "$/self.conf:1:9: %/self.conf was read already; a file is included once");
	make("deep.conf", "Include ./deep.conf\n");
	/* LIMIT_CONF_INCLUDE_DEPTH */
	read_case("deep.conf", "%/./././././././deep.conf:1:9: more than 8 files deep; do they include each other?");
	make("empty.conf", "");
	read_case("empty.conf", NULL);
	read_case("none.conf", "$/none.conf: there is no such file; check the spelling of the path");
	tap_int(e.code, ERR_NOINPUT, "which is no fault of configuration");
	read_case("sub", "$/sub: is a folder; name a file");
	tap_int(e.code, ERR_NOINPUT, "nor is a folder");
}

static void check_large(void)
{
	struct settings s;
	FILE *f = fopen(at("large.conf"), "w");

	if (!f || ftruncate(fileno(f), LIMIT_CONF_BYTES + 1) || fclose(f))
		tap_bail("large.conf");
	init(&s);
	tap_int(settings_read(&s, path, &e), -1, "a file that is too large");
	tap_int(e.code, ERR_CONFIG, "is a fault of configuration");
	settings_free(&s);
	init(&s);
	make("origin.conf", "Socket fd:3\n");
	if (settings_read(&s, at("origin.conf"), &e))
		tap_bail("%s", e.text);
	tap_int(settings_check(&s, &e), -1, "what is said of a whole file");
	tap_ok(strncmp(e.text, path, strlen(path)) == 0, "names it: %s", e.text);
	settings_free(&s);
}

/* What is printed ------------------------------------------------------------------ */

static void print(struct buf *out, const char *text)
{
	struct settings s;

	if (parse(&s, text))
		tap_bail("%s", e.text);
	buf_init(out, 100000);
	settings_print(out, &s);
	settings_free(&s);
}

static void check_print(void)
{
	struct settings s;
	struct buf a, b;

	print(&a, whole);
	tap_ok(strstr(a.p, "\nUMask 022\n") && strstr(a.p, "\nPidFile \"/run/a #1/b.pid\"\n"), "values as they are written");
	tap_ok(strstr(a.p, "\nInternalHosts !10.1.0.0/16, 10.0.0.0/8, 2001:db8::/32\n"), "lists with commas");
	tap_ok(strstr(a.p, "\nMaxSkew 60s\n") && strstr(a.p, "\n# UserID is not set\n"), "defaults, and what is not set");
	print(&b, a.p);
	tap_span(buf_span(&b), buf_span(&a), "what is printed reads the same");
	buf_free(&b);
	print(&b, "");
	tap_ok(strstr(b.p, "\nMode sv\n"), "a mode before it was settled");
	buf_free(&b);
	if (parse(&s, VERIFY) || settings_check(&s, &e))
		tap_bail("%s", e.text);
	buf_init(&b, 100000);
	settings_print(&b, &s);
	tap_ok(strstr(b.p, "\nMode v\n"), "and after");
	buf_free(&b);
	buf_free(&a);
	settings_free(&s);
}

/* Each "#Name value" of the sample is a good line, and says the default. */
static void check_sample_lines(struct span text)
{
	struct settings s;
	size_t n = 0;

	init(&s);
	while (text.n) {
		struct span line = span_cut(&text, '\n');

		if (line.n < 2 || line.p[0] != '#' || line.p[1] == ' ')
			continue;
		line = span_skip(line, 1);
		if (settings_parse(&s, "sample", line, &e))
			tap_ok(false, "%s", e.text);
		tap_span(span_take(line, strlen(settings_row(n)->name)), span_cstr(settings_row(n)->name), "row %zu in order", n);
		n++;
	}
	tap_ok(n > 0 && !settings_row(n), "every row once");
	settings_free(&s);
}

static void check_sample(void)
{
	struct settings s;
	struct buf sample, file;
	char name[600];
	struct span head;

	buf_init(&sample, 100000);
	buf_init(&file, LIMIT_CONF_BYTES);
	settings_sample(&sample);
	check_sample_lines(buf_span(&sample));
	tap_srcpath(name, sizeof name, "conf/stir-milter.conf");
	if (file_read(name, LIMIT_CONF_BYTES, &file, &e))
		tap_bail("%s", e.text);
	head = span_take(buf_span(&file), file.n > sample.n ? file.n - sample.n : 0);
	tap_span(span_skip(buf_span(&file), head.n), buf_span(&sample), "conf/stir-milter.conf ends with what the program makes");
	while (head.n) {
		struct span line = span_cut(&head, '\n');

		if (line.n && line.p[0] != '#')
			tap_ok(false, "more than a comment in front: %.*s", SPAN_ARG(line));
	}
	init(&s);
	tap_int(settings_read(&s, name, &e), 0, "it can be read");
	tap_int(settings_check(&s, &e), -1, "and asks for what is missing");
	tap_ok(strstr(e.text, NOTHING), "by name: %s", e.text);
	settings_free(&s);
	buf_free(&file);
	buf_free(&sample);
}

static void check_numberplan(void)
{
	struct numberplan *plan = NULL;
	struct buf file;
	struct tn tn;
	char name[600];

	tap_srcpath(name, sizeof name, "conf/numberplan.example");
	buf_init(&file, LIMIT_CONF_BYTES);
	if (file_read(name, LIMIT_CONF_BYTES, &file, &e))
		tap_bail("%s", e.text);
	tap_int(numberplan_parse("numberplan.example", buf_span(&file), &plan, &e), 0, "conf/numberplan.example can be read");
	tap_int(numberplan_number(plan, span_cstr("5552230001"), span_cstr("vzwpix.com"), &tn), 1, "and knows a number");
	tap_str(tn.digits, "15552230001", "with its country");
	numberplan_free(plan);
	buf_free(&file);
}

int main(void)
{
	check_defaults();
	check_errors();
	check_values();
	check_whole();
	check_set();
	check_checks();
	check_files();
	check_large();
	check_print();
	check_sample();
	check_numberplan();
	return tap_done();
}
