/*
 * Flags become settings: each is a short name for one line of a configuration
 * file, so that both programs run from the same values.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/suggest.h"
#include "ctl/options.h"

enum {
	OPT_KEY = 256,
	OPT_CERT,
	OPT_X5U,
	OPT_TRUST,
	OPT_CERTS,
	OPT_PLAN,
	OPT_AUTHSERV_ID,
	OPT_POLICY,
	OPT_NOW,
	OPT_RCPT,
	OPT_ENV,
	OPT_JSON,
	OPT_SIGN,
	OPT_ALL,
	OPT_OUT,
	OPT_EVIDENCE,

	OPTIONS_MAX = 32 /* rows of the tables here that make one command's */
};

#define END {NULL, 0, NULL, 0}

static const struct option help_options[] = {{"help", no_argument, NULL, 'h'}, END};
static const struct option conf_options[] = {{"config", required_argument, NULL, 'c'}, END};
static const struct option common_options[] = {
	{"plan", required_argument, NULL, OPT_PLAN},
	{"authserv-id", required_argument, NULL, OPT_AUTHSERV_ID}, {"now", required_argument, NULL, OPT_NOW},
	{"rcpt", required_argument, NULL, OPT_RCPT}, END};
static const struct option key_options[] = {
	{"key", required_argument, NULL, OPT_KEY}, {"cert", required_argument, NULL, OPT_CERT}, {"x5u", required_argument, NULL, OPT_X5U}, END};
static const struct option anchor_options[] = {
	{"trust", required_argument, NULL, OPT_TRUST}, {"certs", required_argument, NULL, OPT_CERTS},
	{"policy", required_argument, NULL, OPT_POLICY}, {"env", required_argument, NULL, OPT_ENV}, END};

static const struct option sign_options[] = {{"out", required_argument, NULL, OPT_OUT}, {"env", required_argument, NULL, OPT_ENV}, END};
static const struct option verify_options[] = {{"json", no_argument, NULL, OPT_JSON}, {"out", required_argument, NULL, OPT_OUT},
	{"evidence", required_argument, NULL, OPT_EVIDENCE}, END};
static const struct option explain_options[] = {{"sign", no_argument, NULL, OPT_SIGN}, {"all", no_argument, NULL, OPT_ALL}, END};

static const char common_help[] =
	"  -c, --config CONF     take the settings from this configuration file\n"
	"      --plan FILE       which gateway domains have which numbering plan (NumberPlan)\n"
	"      --authserv-id ID  our name in Authentication-Results (AuthservID)\n"
	"      --now T           judge as of T: seconds since 1970, or 'receipt' for the\n"
	"                        newest Received date of each message; default: %s\n"
	"      --rcpt ADDRESS    a recipient of the envelope; may be repeated; default:\n"
	"                        X-Original-To or Delivered-To, else To and Cc\n"
	"  -o Name=value         any other setting, as in the configuration file\n"
	"  -h, --help            this text\n";
static const char mail_help[] =
	"%s is a message, an mbox, a Maildir, a folder of .eml files, or - for standard input.\n";
static const char keys_help[] =
	"      --key FILE        private key (KeyFile)\n"
	"      --cert FILE       certificate chain of that key (CertificateFile)\n"
	"      --x5u URL         where verifiers find the chain (CertificateURL)\n";
static const char anchors_help[] =
	"      --trust FILE      trust anchors (TrustAnchors)\n"
	"      --certs DIR       folder that answers x5u from files, as HOST/PATH, with no\n"
	"                        network (CertificateDir)\n";
static const char judge_help[] =
	"      --policy FILE     the policy to judge by (Policy)\n"
	"      --env KEY=VALUE,...  what the SMTP session would have said: client client.name\n"
	"                        helo listener auth.user tls.version tls.cipher tls.bits\n"
	"                        tls.subject tls.issuer; without client, the topmost Received\n"
	"                        of Postfix tells client, client.name and helo\n";

/* Everything options_parse() wants to know of a command. */
struct command {
	const char *name, *synopsis, *does, *flags, *example, *mail;
	bool keys, anchors, conf, judges, fileless, makes;
	const struct option *option;
	int (*take)(void *arg, int c, char *value, struct err *e);
	void *arg;
};

static const struct command commands[] = {
	[OPTIONS_SIGN] = {.name = "sign", .synopsis = "[-c CONF | --key F --cert F --x5u URL] [options] FILE...",
		.does = "Put an Identity field on top of each message; write it to standard output or --out.",
		.flags = "      --out PATH        write there: a file for one input, a folder for several\n"
	"      --env KEY=VALUE,...  who the client is, for SigningTable: client listener\n"
	"                        auth.user tls.subject ...\n",
		.keys = true, .conf = true, .option = sign_options},
	[OPTIONS_VERIFY] = {.name = "verify", .synopsis = "[-c CONF | --trust F --certs DIR] [options] FILE...",
		.does = "Judge each message; one line for each. Status 0 when all passed, 1 when some did not.",
		.flags = "      --json            one JSON object a line\n"
	"      --out FILE|DIR    write each message as it would be passed on, with our fields;\n"
	"                        - is standard output, and there are no lines then\n"
	"      --evidence DIR|FILE  judge from what was recorded when the messages came: their\n"
	"                        certificates, and the time; and say whether the verdict\n"
	"                        is the recorded one (EvidenceDir)\n",
		.anchors = true, .conf = true, .option = verify_options},
	[OPTIONS_EXPLAIN] = {.name = "explain", .synopsis = "[-c CONF | --trust F --certs DIR] [options] FILE...",
		.does = "Tell step by step how each message was judged, and what to do about it.",
		.flags = "      --sign            explain how it would be signed (with -c, or --key --cert --x5u)\n"
	"      --all             with a policy: name the facts that are absent, too\n",
		.keys = true, .anchors = true, .conf = true, .option = explain_options},
};

static void print_help(const struct command *c)
{
	bool engine = c->keys || c->anchors;

	printf("usage: stirctl %s %s\n%s\n\n%s%s%s%s", c->name, c->synopsis, c->does, c->flags, c->keys ? keys_help : "",
		c->anchors ? anchors_help : "", c->anchors ? judge_help : "");
	if (engine)
		printf(common_help, c->judges ? "receipt" : "the clock");
	else
		puts("  -h, --help            this text");
	if (engine && !c->makes)
		printf(mail_help, c->mail ? c->mail : "FILE");
	if (c->example)
		printf("\nFor example:\n  %s\n", c->example);
}

static int parse_now(struct options *o, const char *text, struct err *e)
{
	char *end;

	if (strcmp(text, "receipt") == 0) {
		o->now_kind = OPTIONS_NOW_RECEIPT;
		return 0;
	}
	errno = 0;
	o->now = strtoll(text, &end, 10);
	if (errno || end == text || *end || o->now < 0 || text[0] < '0' || text[0] > '9')
		return err_set(e, ERR_USAGE, "--now %s: give seconds since 1970 ('date +%%s' prints them), or 'receipt'", text);
	o->now_kind = OPTIONS_NOW_FIXED;
	return 0;
}

static void set(struct options *o, const char *name, const char *value)
{
	o->set[o->nset++] = (struct options_pair){name, value};
}

/* "Name=value": the name is cut off in place. */
static int parse_pair(struct options *o, char *text, struct err *e)
{
	char *eq = strchr(text, '=');

	if (!eq || eq == text)
		return err_set(e, ERR_USAGE, "-o %s: write Name=value, for example -o MaxAge=5m", text);
	*eq = '\0';
	set(o, text, eq + 1);
	return 0;
}

static int take(struct options *o, int c, char *arg, struct err *e)
{
	static const char *const setting[] = {
		[OPT_KEY - OPT_KEY] = "KeyFile", [OPT_CERT - OPT_KEY] = "CertificateFile", [OPT_X5U - OPT_KEY] = "CertificateURL",
		[OPT_TRUST - OPT_KEY] = "TrustAnchors", [OPT_CERTS - OPT_KEY] = "CertificateDir", [OPT_PLAN - OPT_KEY] = "NumberPlan",
		[OPT_AUTHSERV_ID - OPT_KEY] = "AuthservID", [OPT_POLICY - OPT_KEY] = "Policy",
	};

	if (c >= OPT_KEY && c <= OPT_POLICY) {
		set(o, setting[c - OPT_KEY], arg);
		return 0;
	}
	switch (c) {
	case 'c':
		if (o->conf)
			return err_set(e, ERR_USAGE, "-c twice: give one configuration file; it may Include others");
		o->conf = arg;
		return 0;
	case 'o':
		return parse_pair(o, arg, e);
	case OPT_NOW:
		return parse_now(o, arg, e);
	case OPT_RCPT:
		o->rcpt[o->nrcpt++] = arg;
		return 0;
	case OPT_ENV:
		o->env[o->nenv++] = arg;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_SIGN:
		o->sign = true;
		return 0;
	case OPT_ALL:
		o->all = true;
		return 0;
	case OPT_OUT:
		o->out = arg;
		return 0;
	case OPT_EVIDENCE:
		o->evidence = arg;
		return 0;
	default:
		return err_set(e, ERR_BUG, "an option without a meaning");
	}
}

/* getopt says '?' or ':'; at names the argument it could not take. */
static int refuse(const struct command *cmd, const struct option *all, int c, const char *at, struct err *e)
{
	const char *names[OPTIONS_MAX + OPTIONS_OWN_MAX] = {0}, *near;
	struct span word = span_cstr(at);
	size_t n = 0;

	if (c == ':')
		return err_set(e, ERR_USAGE, "%s needs a value; 'stirctl %s --help' tells which", at, cmd->name);
	if (!span_starts(word, "--"))
		return err_set(e, ERR_USAGE, "no option '-%c'; 'stirctl %s --help' lists the options", optopt ? optopt : '?', cmd->name);
	for (; all[n].name; n++)
		names[n] = all[n].name;
	word = span_skip(word, 2);
	word = span_take(word, span_find(word, '='));
	for (size_t i = 0; i < n; i++)
		if (span_is(word, names[i]))
			return err_set(e, ERR_USAGE, "--%s takes no value", names[i]);
	near = suggest_name(word, names, n);
	if (near)
		return err_set(e, ERR_USAGE, "no option '%s'; did you mean '--%s'?", at, near);
	return err_set(e, ERR_USAGE, "no option '%s'; 'stirctl %s --help' lists the options", at, cmd->name);
}

static size_t add_options(struct option *all, size_t n, const struct option *more)
{
	for (; more->name; more++)
		all[n++] = *more;
	return n;
}

static void collect(const struct command *cmd, struct option all[OPTIONS_MAX + OPTIONS_OWN_MAX + 1])
{
	size_t n = add_options(all, 0, help_options);

	if (cmd->conf)
		n = add_options(all, n, conf_options);
	if (cmd->keys || cmd->anchors)
		n = add_options(all, n, common_options);
	if (cmd->keys)
		n = add_options(all, n, key_options);
	if (cmd->anchors)
		n = add_options(all, n, anchor_options);
	if (cmd->option)
		n = add_options(all, n, cmd->option);
	all[n] = (struct option)END;
}

static int take_all(struct options *o, const struct command *cmd, int argc, char **argv, struct err *e)
{
	const char *letters = cmd->keys || cmd->anchors ? ":c:o:h" : cmd->conf ? ":c:h" : ":h";
	struct option all[OPTIONS_MAX + OPTIONS_OWN_MAX + 1];
	int c, rc = 0;

	collect(cmd, all);
	opterr = 0;
	optind = 1;
	while (rc == 0 && (c = getopt_long(argc, argv, letters, all, NULL)) != -1) {
		if (c == 'h')
			rc = 1;
		else if (c == '?' || c == ':')
			rc = refuse(cmd, all, c, argv[optind - 1], e);
		else if (c >= OPTIONS_OWN_FIRST)
			rc = cmd->take(cmd->arg, c, optarg, e);
		else
			rc = take(o, c, optarg, e);
	}
	if (rc > 0)
		print_help(cmd);
	return rc;
}

static int parse(struct options *o, const struct command *cmd, int argc, char **argv, struct err *e)
{
	int rc;

	o->name = cmd->name;
	o->set = calloc((size_t)argc + 1, sizeof(*o->set));
	o->rcpt = calloc((size_t)argc + 1, sizeof(*o->rcpt));
	o->env = calloc((size_t)argc + 1, sizeof(*o->env));
	if (!o->set || !o->rcpt || !o->env)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	rc = take_all(o, cmd, argc, argv, e);
	if (rc)
		return rc;
	o->file = argv + optind;
	o->nfile = (size_t)(argc - optind);
	if (o->nfile == 0 && !cmd->fileless)
		return err_set(e, ERR_USAGE, "no FILE given ('-' is standard input); 'stirctl %s --help' tells more", cmd->name);
	return 0;
}

int options_parse(struct options *o, enum options_command c, int argc, char **argv, struct err *e)
{
	*o = (struct options){.command = c, .sign = c == OPTIONS_SIGN};
	return parse(o, &commands[c], argc, argv, e);
}

int options_parse_own(struct options *o, const struct options_own *own, void *arg, int argc, char **argv, struct err *e)
{
	struct command cmd = {
		.name = own->name, .synopsis = own->synopsis, .does = own->does, .flags = own->flags, .example = own->example, .mail = "PATH",
		.keys = own->signs, .makes = own->signs, .anchors = own->judges, .conf = own->conf || own->judges || own->signs, .judges = own->judges, .fileless = own->fileless, .option = own->option, .take = own->take, .arg = arg,
	};

	*o = (struct options){.command = OPTIONS_OWN, .now_kind = OPTIONS_NOW_RECEIPT};
	return parse(o, &cmd, argc, argv, e);
}

void options_free(struct options *o)
{
	free(o->set);
	free(o->rcpt);
	free(o->env);
	*o = (struct options){0};
}

static void forget(char **s)
{
	free(*s);
	*s = NULL;
}

/* What is tried on stored mail must leave no trace in what the daemon remembers. */
static void forget_state(struct settings *s)
{
	forget(&s->state_file);
	forget(&s->fact_log);
	forget(&s->pseudonym_key);
}

/* What is missing is called as it is given here. 0, or -1 and *e. */
static int enough_to_sign(const struct options *o, const struct settings *s, struct err *e)
{
	if (!s->key_file && !s->key_table)
		return err_set(e, ERR_USAGE, "nothing to sign with: give -c CONF, or --key FILE --cert FILE --x5u URL");
	if (!o->conf && s->key_file && !(s->certificate_file && s->certificate_url))
		return err_set(e, ERR_USAGE, "to sign it takes --key FILE --cert FILE --x5u URL, and %s is missing", s->certificate_file ? "--x5u" : "--cert");
	return 0;
}

static int enough_to_verify(const struct options *o, const struct settings *s, struct err *e)
{
	if (!s->trust_anchors && !s->trust_domains)
		return err_set(e, ERR_USAGE, "no certificate can be trusted: give -c CONF, or --trust FILE%s", o->evidence ? "" : " --certs DIR");
	if (!o->conf && !s->certificate_dir && !s->fetch_certificates && !o->evidence)
		return err_set(e, ERR_USAGE, "nothing says where certificates are: give --certs DIR, a folder that holds the chain of https://HOST/PATH as HOST/PATH");
	return 0;
}

static int reduce(const struct options *o, struct settings *s, bool sign, struct err *e)
{
	forget_state(s);
	if (sign) {
		forget(&s->trust_anchors);
		forget(&s->trust_domains);
		forget(&s->spc_table);
		forget(&s->replay_store);
		forget(&s->revocation_list);
		forget(&s->certificate_dir);
		forget(&s->policy);
		return enough_to_sign(o, s, e) ? -1 : settings_set(s, "Mode", span_cstr("s"), e);
	}
	forget(&s->key_file);
	forget(&s->certificate_file);
	forget(&s->certificate_url);
	forget(&s->key_pin_file);
	forget(&s->key_table);
	forget(&s->signing_table);
	return enough_to_verify(o, s, e) ? -1 : settings_set(s, "Mode", span_cstr("v"), e);
}

/* Certificates are in the evidence, and come from nowhere else. 0, or -1 and *e. */
static int without_certs(struct settings *s, struct err *e)
{
	if (s->certificate_dir || s->fetch_certificates)
		return 0;
	return settings_set(s, "CertificateDir", span_cstr(OPTIONS_NO_CERTS), e);
}

/* A policy that was named here and is not there is a missing file, not a bad configuration. 0, or -1 and *e. */
static int policy_is_there(const struct options *o, struct err *e)
{
	const char *path = o->policy;

	for (size_t i = 0; !path && i < o->nset; i++)
		if (strcmp(o->set[i].name, "Policy") == 0)
			path = o->set[i].value;
	if (path && access(path, R_OK))
		return err_set(e, ERR_NOINPUT, "%s: %s", path, strerror(errno));
	return 0;
}

int options_settings(const struct options *o, bool sign, struct settings *out, struct err *e)
{
	if (!sign && policy_is_there(o, e))
		return -1;
	if (settings_init(out, e))
		return -1;
	if (o->conf && settings_read(out, o->conf, e)) {
		settings_free(out);
		return -1;
	}
	for (size_t i = 0; i < o->nset; i++) {
		if (settings_set(out, o->set[i].name, span_cstr(o->set[i].value), e)) {
			settings_free(out);
			return -1;
		}
	}
	if (o->policy && settings_set(out, "Policy", span_cstr(o->policy), e)) {
		settings_free(out);
		return -1;
	}
	if (reduce(o, out, sign, e) || (o->evidence && without_certs(out, e)) || settings_check(out, e)) {
		settings_free(out);
		return -1;
	}
	return 0;
}
