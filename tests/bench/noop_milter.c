/*
 * The least a milter made with libmilter can do: what any filter costs before it
 * has looked at anything.
 *
 *   noop_milter SOCKET nr      header, end of header, body, end of message
 *   noop_milter SOCKET nrall   connect, MAIL and RCPT as well, as stir-milter needs them
 *
 * Only the end of the message is answered.
 */
#include "config.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

#define WAIVED (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
	(void)ctx, (void)host, (void)addr;
	return SMFIS_NOREPLY;
}

static sfsistat on_address(SMFICTX *ctx, char **argv)
{
	(void)ctx, (void)argv;
	return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx, (void)name, (void)value;
	return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
	(void)ctx, (void)data, (void)n;
	return SMFIS_NOREPLY;
}

static sfsistat on_eom(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3, unsigned long *want_actions,
			     unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
	(void)ctx, (void)f2, (void)f3;
	if (~steps & WAIVED)
		return SMFIS_REJECT;
	*want_actions = actions & SMFIF_ADDHDRS;
	/* On entry it already has the steps that there is no callback for. */
	*want_steps |= WAIVED;
	*want_f2 = *want_f3 = 0;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc d = {
		.xxfi_name = (char *)"noop", .xxfi_version = SMFI_VERSION, .xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_header = on_header, .xxfi_eoh = on_eoh, .xxfi_body = on_body, .xxfi_eom = on_eom, .xxfi_negotiate = on_negotiate,
	};

	if (argc != 3 || (strcmp(argv[2], "nr") != 0 && strcmp(argv[2], "nrall") != 0)) {
		fputs("usage: noop_milter SOCKET nr|nrall\n", stderr);
		return 2;
	}
	if (strcmp(argv[2], "nrall") == 0) {
		d.xxfi_connect = on_connect;
		d.xxfi_envfrom = on_address;
		d.xxfi_envrcpt = on_address;
	}
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(d) != MI_SUCCESS || smfi_setbacklog(1024) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
