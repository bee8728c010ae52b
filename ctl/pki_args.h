/*
 * The command lines of stirctl pki: options that several of its commands have, and
 * the times they mean.  Each command says which of them it takes.
 */
#ifndef STIR_CTL_PKI_ARGS_H
#define STIR_CTL_PKI_ARGS_H

#include "ctl/options.h"

enum {
	PKI_ARGS_DAY_S = 86400,
	/* Hosts whose clocks are behind should not refuse what was made just now. */
	PKI_ARGS_BACKDATE_CA_S = PKI_ARGS_DAY_S,
	PKI_ARGS_BACKDATE_S = 3600
};

/* val of the options; the names stand in each command's own table. */
enum pki_args_option {
	PKI_ARGS_NAME = OPTIONS_OWN_FIRST,
	PKI_ARGS_DAYS,
	PKI_ARGS_NOT_BEFORE,
	PKI_ARGS_NOT_AFTER,
	PKI_ARGS_FORCE,
	PKI_ARGS_TN_AUTH,
	PKI_ARGS_URL,
	PKI_ARGS_OUT,
	PKI_ARGS_CERTS,
	PKI_ARGS_CRL_URL,
	PKI_ARGS_CRL_ISSUER,
	PKI_ARGS_DELEGATING,
	PKI_ARGS_INDIRECT,
	PKI_ARGS_PARENT,
	PKI_ARGS_REASON,
	PKI_ARGS_DATE,
	PKI_ARGS_KEY,
	PKI_ARGS_PIN_FILE,
	PKI_ARGS_COMMON_NAME,
	PKI_ARGS_COUNTRY,
	PKI_ARGS_WITHIN,
	PKI_ARGS_NOW,
	PKI_ARGS_JSON
};

/* Strings are borrowed from argv; NULL: not given. */
struct pki_args {
	struct options options; /* of ctl/options.c: the configuration and the arguments */
	const char *name, *tn_auth, *url, *out, *certs, *crl_url, *crl_issuer, *parent, *key, *pin_file, *common_name, *country;
	int64_t days;           /* 0: not given */
	int64_t not_before, not_after, date, now;
	int64_t within_s;       /* 0: not given */
	bool has_not_before, has_not_after, has_date, has_now;
	bool force, delegating, indirect, json;
	int reason;             /* CRL_REASON_* */
};

/*
 * Reads the command line of one command; n_min to n_max arguments are wanted, which
 * wanted names in an error.  0; 1 when help was asked for and printed; -1 and *e.
 * pki_args_free() in every case.
 */
int pki_args_parse(struct pki_args *a, const struct options_own *own, const char *wanted, size_t n_min, size_t n_max, int argc, char **argv, struct err *e) MUST_USE;
void pki_args_free(struct pki_args *a);

/*
 * Settles not_before and not_after from what was given; both are then valid.
 * backdate in seconds, days where nobody said how many. 0, or -1 and *e.
 */
int pki_args_validity(struct pki_args *a, int64_t backdate, int64_t days, int64_t now, struct err *e) MUST_USE;

/* What a reason is called (RFC 5280, 5.3.1), and back (-1: no such, or not for these lists). */
const char *pki_args_reason_name(int reason);
int pki_args_reason(struct span name);

#endif
