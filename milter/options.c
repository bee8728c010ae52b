/*
 * getopt_long() into struct options.
 *
 * Knows which flag stands for which setting, not what the setting means: a bad
 * value is found when the flags are laid over the file, by settings_set().
 */
#include "config.h"

#include "milter/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_PRINT_CONFIG = 256 };

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{"syslog", no_argument, NULL, 'l'},
	{"check", no_argument, NULL, 'n'},
	{"option", required_argument, NULL, 'o'},
	{"socket", required_argument, NULL, 'p'},
	{"pid-file", required_argument, NULL, 'P'},
	{"print-config", no_argument, NULL, LONG_PRINT_CONFIG},
	{"user", required_argument, NULL, 'u'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

const char *options_usage(void)
{
	return "usage: stir-milter [-c FILE] [-flv] [-p SOCKET] [-P PIDFILE] [-u USER[:GROUP]] [-o Name=value]...\n"
	       "       stir-milter -n | --print-config [-c FILE] [-o Name=value]...\n"
	       "       stir-milter -V | -h\n"
	       "  -c, -x, --config FILE      configuration (" OPTIONS_DEFAULT_FILE ")\n"
	       "  -f, --foreground           stay in the foreground; it always does\n"
	       "  -l, --syslog               log to syslog (Syslog yes)\n"
	       "  -n, --check                check everything the configuration names, and exit: 0, or 78\n"
	       "  -o, --option Name=value    one setting, over the file's\n"
	       "  -p, --socket SOCKET        where the MTA reaches us (Socket)\n"
	       "  -P, --pid-file FILE        where to write the process number (PidFile)\n"
	       "      --print-config         print every setting in force, and exit\n"
	       "  -u, --user USER[:GROUP]    user to become (UserID)\n"
	       "  -v, --verbose              log more\n"
	       "  -V, --version              versions of the program and its libraries\n"
	       "  -h, --help                 this\n";
}

static int add_override(struct options *o, struct span name, const char *value, struct err *e)
{
	struct options_override *grown = realloc(o->override, (o->noverride + 1) * sizeof *grown);
	char *copy;

	if (!grown)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	o->override = grown;
	copy = strndup(name.p, name.n);
	if (!copy)
		return err_set(e, ERR_UNAVAILABLE, "no memory");
	o->override[o->noverride++] = (struct options_override){.name = copy, .value = value};
	return 0;
}

static int add_named(struct options *o, const char *arg, struct err *e)
{
	struct span name = span_take(span_cstr(arg), strcspn(arg, "="));

	if (!arg[name.n] || !name.n)
		return err_set(e, ERR_USAGE, "-o %s: want Name=value", arg);
	return add_override(o, name, arg + name.n + 1, e);
}

/* A flag that stands for a setting; 1 when it is none. */
static int take_setting(struct options *o, int c, struct err *e)
{
	switch (c) {
	case 'l':
		return add_override(o, span_cstr("Syslog"), "yes", e);
	case 'o':
		return add_named(o, optarg, e);
	case 'p':
		return add_override(o, span_cstr("Socket"), optarg, e);
	case 'P':
		return add_override(o, span_cstr("PidFile"), optarg, e);
	case 'u':
		return add_override(o, span_cstr("UserID"), optarg, e);
	}
	return 1;
}

static int refuse(int c, char **argv, struct err *e)
{
	if (c == ':')
		return err_set(e, ERR_USAGE, "option %s needs a value", argv[optind - 1]);
	if (optopt && optopt < LONG_PRINT_CONFIG)
		return err_set(e, ERR_USAGE, "unknown option -%c", optopt);
	return err_set(e, ERR_USAGE, "unknown or ambiguous option %s", argv[optind - 1]);
}

static int take(struct options *o, int c, char **argv, struct err *e)
{
	int rc = take_setting(o, c, e);

	if (rc <= 0)
		return rc;
	switch (c) {
	case 'c':
	case 'x':
		o->file = optarg;
		return 0;
	case 'f':
		return 0;
	case 'h':
		o->help = true;
		return 0;
	case 'n':
		o->check = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	case LONG_PRINT_CONFIG:
		o->print_config = true;
		return 0;
	}
	return refuse(c, argv, e);
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	int c;

	*o = (struct options){.file = OPTIONS_DEFAULT_FILE};
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:fhlno:p:P:u:vVx:", long_options, NULL)) != -1)
		if (take(o, c, argv, e))
			return -1;
	if (optind < argc)
		return err_set(e, ERR_USAGE, "unexpected argument: %s", argv[optind]);
	return 0;
}

void options_free(struct options *o)
{
	for (size_t i = 0; i < o->noverride; i++)
		free(o->override[i].name);
	free(o->override);
	*o = (struct options){0};
}

int options_apply(const struct options *o, struct settings *s, struct err *e)
{
	for (size_t i = 0; i < o->noverride; i++)
		if (settings_set(s, o->override[i].name, span_cstr(o->override[i].value), e))
			return err_prefix(e, "command line");
	return 0;
}
