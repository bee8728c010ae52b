/* Who is signed, verified or left alone, and why. */
#include "config.h"

#include "engine/direction.h"
#include "tests/lib/tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const char conf[] =
	"MTA            MM4OUT, both\n"
	"VerifyMTA      MM4IN\n"
	"InternalHosts  10.0.0.0/8 !10.9.0.0/16 ::1\n"
	"PeerList       10.1.2.3 2001:db8::/32\n"
	"SignAuthenticated yes\n"
	"MM4MTA         MM4IN, mm4out\n"
	"MM4Peers       !198.51.100.9 198.51.100.0/24 2001:db8:51::/48\n";

static const struct direction_case {
	const char *mode, *addr, *listener, *auth;
	enum direction want;
	const char *why;
} cases[] = {
	{"sv", "192.0.2.1", "", "", DIRECTION_VERIFY, "stranger"},
	{"sv", "192.0.2.1", "smtpd", "", DIRECTION_VERIFY, "stranger"},
	{"sv", "", "", "", DIRECTION_VERIFY, "stranger"},
	/* a listener decides before everything else */
	{"sv", "192.0.2.1", "MM4OUT", "", DIRECTION_SIGN, "listener"},
	{"sv", "192.0.2.1", "mm4out", "", DIRECTION_SIGN, "listener"},
	{"sv", "192.0.2.1", "BOTH", "", DIRECTION_SIGN, "listener"},
	{"sv", "192.0.2.1", "MM4OUT2", "", DIRECTION_VERIFY, "stranger"},
	{"sv", "10.0.0.1", "MM4IN", "me", DIRECTION_VERIFY, "listener"},
	{"sv", "10.1.2.3", "MM4IN", "", DIRECTION_VERIFY, "listener"},
	{"sv", "10.1.2.3", "MM4OUT", "", DIRECTION_SIGN, "listener"},
	/* then the peers */
	{"sv", "10.1.2.3", "", "me", DIRECTION_PASS, "peer-list"},
	{"sv", "::ffff:10.1.2.3", "", "", DIRECTION_PASS, "peer-list"},
	{"sv", "2001:db8:1::1", "", "", DIRECTION_PASS, "peer-list"},
	/* then authentication, then the network */
	{"sv", "192.0.2.1", "", "me", DIRECTION_SIGN, "authenticated"},
	{"sv", "10.0.0.1", "", "me", DIRECTION_SIGN, "authenticated"},
	{"sv", "10.0.0.1", "", "", DIRECTION_SIGN, "internal-host"},
	{"sv", "::1", "", "", DIRECTION_SIGN, "internal-host"},
	{"sv", "::2", "", "", DIRECTION_VERIFY, "stranger"},
	/* the mode takes away */
	{"v", "192.0.2.1", "", "", DIRECTION_VERIFY, "stranger"},
	{"v", "10.0.0.1", "", "", DIRECTION_PASS, "mode"},
	{"v", "192.0.2.1", "", "me", DIRECTION_PASS, "mode"},
	{"v", "192.0.2.1", "MM4OUT", "", DIRECTION_PASS, "mode"},
	{"v", "10.1.2.3", "", "", DIRECTION_PASS, "peer-list"},
	{"s", "192.0.2.1", "", "", DIRECTION_PASS, "mode"},
	{"s", "10.0.0.1", "MM4IN", "", DIRECTION_PASS, "mode"},
	{"s", "10.0.0.1", "", "", DIRECTION_SIGN, "internal-host"},
	{"s", "192.0.2.1", "MM4OUT", "", DIRECTION_SIGN, "listener"},
};

static void set_addr(struct mms_client *c, const char *addr)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(&c->addr, 0, sizeof c->addr);
	c->addr.ss_family = AF_UNSPEC;
	if (inet_pton(AF_INET, addr, &in.sin_addr) == 1)
		memcpy(&c->addr, &in, sizeof in);
	else if (inet_pton(AF_INET6, addr, &in6.sin6_addr) == 1)
		memcpy(&c->addr, &in6, sizeof in6);
}

static const struct {
	const char *addr, *listener;
	bool want;
} channels[] = {
	{"192.0.2.1", "MM4IN", true},
	{"192.0.2.1", "mm4in", true},
	{"192.0.2.1", "MM4OUT", true},
	{"192.0.2.1", "MM4", false},
	{"192.0.2.1", "MM4INX", false},
	{"192.0.2.1", "", false},
	{"198.51.100.7", "smtpd", true},
	{"::ffff:198.51.100.7", "", true},
	{"198.51.100.9", "", false},
	{"198.51.100.9", "MM4IN", true},
	{"2001:db8:51::1", "", true},
	{"2001:db8:52::1", "", false},
	{"", "", false},
	{"", "MM4IN", true},
};

static void check_channels(const struct settings *s)
{
	struct mms_client c = {0};

	for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
		set_addr(&c, channels[i].addr);
		c.listener = span_cstr(channels[i].listener);
		tap_ok(direction_is_mm4(s, &c) == channels[i].want, "MM4 or not: %s, listener \"%s\"", channels[i].addr, channels[i].listener);
	}
}

int main(void)
{
	struct settings s;
	struct err e = {ERR_NONE, ""};
	struct mms_client c = {0};
	const char *why;

	if (settings_init(&s, &e) || settings_parse(&s, "conf", span_cstr(conf), &e))
		tap_bail("%s", e.text);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct direction_case *t = &cases[i];

		if (settings_set(&s, "Mode", span_cstr(t->mode), &e))
			tap_bail("%s", e.text);
		set_addr(&c, t->addr);
		c.listener = span_cstr(t->listener);
		c.auth_user = span_cstr(t->auth);
		tap_str(direction_name(direction_of(&s, NULL, &c, &why)), direction_name(t->want), "mode %s, %s, listener \"%s\", user \"%s\"",
			t->mode, t->addr[0] ? t->addr : "no address", t->listener, t->auth);
		tap_str(why, t->why, "because of %s", t->why);
	}
	check_channels(&s);
	if (settings_set(&s, "SignAuthenticated", span_cstr("no"), &e) || settings_set(&s, "Mode", span_cstr("sv"), &e))
		tap_bail("%s", e.text);
	set_addr(&c, "192.0.2.1");
	c.listener = span_cstr("");
	c.auth_user = span_cstr("me");
	tap_int(direction_of(&s, NULL, &c, NULL), DIRECTION_VERIFY, "authentication counts only if asked for; no reason wanted");
	c.addr.ss_family = AF_UNIX;
	c.auth_user = span_cstr("");
	tap_int(direction_of(&s, NULL, &c, &why), DIRECTION_VERIFY, "a local socket is in no network");
	settings_free(&s);
	return tap_done();
}
