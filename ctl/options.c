/*
 * Flags become settings: each is a short name for one line of a configuration
 * file, so that both programs run from the same values.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/options.h"

enum {
	OPT_KEY = 256,
	OPT_CERT,
	OPT_X5U,
	OPT_TRUST,
	OPT_CERTS,
	OPT_PLAN,
	OPT_AUTHSERV_ID,
	OPT_NOW,
	OPT_RCPT,
	OPT_JSON,
	OPT_SIGN,
	OPT_OUT
};

#define COMMON {"config", required_argument, NULL, 'c'}, {"plan", required_argument, NULL, OPT_PLAN}, \
	{"authserv-id", required_argument, NULL, OPT_AUTHSERV_ID}, {"now", required_argument, NULL, OPT_NOW}, \
	{"rcpt", required_argument, NULL, OPT_RCPT}, {"help", no_argument, NULL, 'h'}
#define KEYS {"key", required_argument, NULL, OPT_KEY}, {"cert", required_argument, NULL, OPT_CERT}, {"x5u", required_argument, NULL, OPT_X5U}
#define ANCHORS {"trust", required_argument, NULL, OPT_TRUST}, {"certs", required_argument, NULL, OPT_CERTS}
#define END {NULL, 0, NULL, 0}

static const struct option sign_options[] = {COMMON, KEYS, {"out", required_argument, NULL, OPT_OUT}, END};
static const struct option verify_options[] = {COMMON, ANCHORS, {"json", no_argument, NULL, OPT_JSON}, {"out", required_argument, NULL, OPT_OUT}, END};
static const struct option explain_options[] = {COMMON, KEYS, ANCHORS, {"sign", no_argument, NULL, OPT_SIGN}, END};

static const char common_help[] =
	"  -c, --config CONF     take the settings from this configuration file\n"
	"      --plan FILE       which gateway domains have which numbering plan (NumberPlan)\n"
	"      --authserv-id ID  our name in Authentication-Results (AuthservID)\n"
	"      --now T           judge as of T: seconds since 1970, or 'receipt' for the\n"
	"                        newest Received date of each message; default: the clock\n"
	"      --rcpt ADDRESS    a recipient of the envelope; may be repeated; default:\n"
	"                        X-Original-To or Delivered-To, else To and Cc\n"
	"  -o Name=value         any other setting, as in the configuration file\n"
	"  -h, --help            this text\n"
	"FILE is a message, an mbox, a Maildir, a folder of .eml files, or - for standard input.\n";
static const char keys_help[] =
	"      --key FILE        private key (KeyFile)\n"
	"      --cert FILE       certificate chain of that key (CertificateFile)\n"
	"      --x5u URL         where verifiers find the chain (CertificateURL)\n";
static const char anchors_help[] =
	"      --trust FILE      trust anchors (TrustAnchors)\n"
	"      --certs DIR       folder that answers x5u from files, as HOST/PATH, with no\n"
	"                        network (CertificateDir)\n";

static const struct command {
	const char *name, *synopsis, *does, *flags;
	bool keys, anchors;
	const struct option *option;
} commands[] = {
	[OPTIONS_SIGN] = {"sign", "[-c CONF | --key F --cert F --x5u URL] [options] FILE...",
		"Put an Identity field on top of each message; write it to standard output or --out.",
		"      --out PATH        write there: a file for one input, a folder for several\n",
		true, false, sign_options},
	[OPTIONS_VERIFY] = {"verify", "[-c CONF | --trust F --certs DIR] [options] FILE...",
		"Judge each message; one line for each. Status 0 when all passed, 1 when some did not.",
		"      --json            one JSON object a line\n"
	"      --out FILE|DIR    write each message as it would be passed on, with our fields;\n"
	"                        - is standard output, and there are no lines then\n",
		false, true, verify_options},
	[OPTIONS_EXPLAIN] = {"explain", "[-c CONF | --trust F --certs DIR] [options] FILE...",
		"Tell step by step how each message was judged, and what to do about it.",
		"      --sign            explain how it would be signed (with -c, or --key --cert --x5u)\n",
		true, true, explain_options},
};

static void print_help(const struct command *c)
{
	printf("usage: stirctl %s %s\n%s\n\n%s%s%s%s", c->name, c->synopsis, c->does, c->flags, c->keys ? keys_help : "",
		c->anchors ? anchors_help : "", common_help);
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
		[OPT_AUTHSERV_ID - OPT_KEY] = "AuthservID",
	};

	if (c >= OPT_KEY && c <= OPT_AUTHSERV_ID) {
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
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_SIGN:
		o->sign = true;
		return 0;
	case OPT_OUT:
		o->out = arg;
		return 0;
	default: /* getopt has said what is wrong */
		return err_set(e, ERR_USAGE, "'stirctl %s --help' lists the options", commands[o->command].name);
	}
}

int options_parse(struct options *o, enum options_command c, int argc, char **argv, struct err *e)
{
	const struct command *cmd = &commands[c];
	char name[32], *own_name = argv[0];
	int opt, rc = 0;

	*o = (struct options){.command = c, .sign = c == OPTIONS_SIGN};
	o->set = calloc((size_t)argc + 1, sizeof(*o->set));
	o->rcpt = calloc((size_t)argc + 1, sizeof(*o->rcpt));
	if (!o->set || !o->rcpt)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	/* getopt begins its complaints with argv[0]. */
	snprintf(name, sizeof(name), "stirctl %s", cmd->name);
	argv[0] = name;
	optind = 1;
	while (rc == 0 && (opt = getopt_long(argc, argv, "c:o:h", cmd->option, NULL)) != -1)
		rc = opt == 'h' ? 1 : take(o, opt, optarg, e);
	argv[0] = own_name;
	if (rc > 0)
		print_help(cmd);
	if (rc)
		return rc;
	o->file = argv + optind;
	o->nfile = (size_t)(argc - optind);
	if (o->nfile == 0)
		return err_set(e, ERR_USAGE, "no FILE given ('-' is standard input); 'stirctl %s --help' tells more", cmd->name);
	return 0;
}

void options_free(struct options *o)
{
	free(o->set);
	free(o->rcpt);
	*o = (struct options){0};
}

static void forget(char **s)
{
	free(*s);
	*s = NULL;
}

static int reduce(struct settings *s, bool sign, struct err *e)
{
	if (sign) {
		forget(&s->trust_anchors);
		forget(&s->revocation_list);
		forget(&s->certificate_dir);
		if (!s->key_file)
			return err_set(e, ERR_USAGE, "nothing to sign with: give -c CONF, or --key FILE --cert FILE --x5u URL");
		return settings_set(s, "Mode", span_cstr("s"), e);
	}
	forget(&s->key_file);
	forget(&s->certificate_file);
	forget(&s->certificate_url);
	if (!s->trust_anchors)
		return err_set(e, ERR_USAGE, "no certificate can be trusted: give -c CONF, or --trust FILE --certs DIR");
	return settings_set(s, "Mode", span_cstr("v"), e);
}

int options_settings(const struct options *o, bool sign, struct settings *out, struct err *e)
{
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
	if (reduce(out, sign, e) || settings_check(out, e)) {
		settings_free(out);
		return -1;
	}
	return 0;
}
