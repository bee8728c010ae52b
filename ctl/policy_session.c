/*
 * Makes up the client of a stored message.
 *
 * Knows the keys of --env and the one form of Received that Postfix writes;
 * what other hosts wrote further down is not looked at, since anybody can.
 */
#include "config.h"

#include <arpa/inet.h>

#include "core/suggest.h"
#include "ctl/policy_session.h"

enum { RECEIVED_MAX = 16 * 1024 };

static const char *const keys[] = {
	"client", "client.name", "helo", "listener", "auth.user", "tls.version", "tls.cipher", "tls.bits", "tls.subject", "tls.issuer",
};
enum { KEY_CLIENT, KEY_NAME, KEY_HELO, KEY_LISTENER, KEY_AUTH, KEY_TLS_VERSION, KEY_TLS_CIPHER, KEY_TLS_BITS, KEY_TLS_SUBJECT, KEY_TLS_ISSUER,
	KEYS };

void policy_session_init(struct policy_session *s)
{
	memset(s, 0, sizeof(*s));
	s->given.addr.ss_family = AF_UNSPEC;
}

/* "192.0.2.9", "2001:db8::9", "IPv6:2001:db8::9". */
static bool parse_addr(struct span text, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	char buf[INET6_ADDRSTRLEN];

	if (span_casestarts(text, "IPv6:"))
		text = span_skip(text, 5);
	if (text.n == 0 || text.n >= sizeof(buf))
		return false;
	memcpy(buf, text.p, text.n);
	buf[text.n] = '\0';
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, buf, &in->sin_addr) == 1)
		out->ss_family = AF_INET;
	else if (inet_pton(AF_INET6, buf, &in6->sin6_addr) == 1)
		out->ss_family = AF_INET6;
	else
		out->ss_family = AF_UNSPEC;
	return out->ss_family != AF_UNSPEC;
}

static struct span *place(struct policy_session *s, size_t key)
{
	struct mms_client *c = &s->given;
	struct span *const at[KEYS] = {
		[KEY_NAME] = &c->name, [KEY_HELO] = &c->helo, [KEY_LISTENER] = &c->listener, [KEY_AUTH] = &c->auth_user,
		[KEY_TLS_VERSION] = &c->tls_version, [KEY_TLS_CIPHER] = &c->tls_cipher, [KEY_TLS_BITS] = &c->tls_bits,
		[KEY_TLS_SUBJECT] = &c->tls_subject, [KEY_TLS_ISSUER] = &c->tls_issuer,
	};

	return at[key];
}

static int set(struct policy_session *s, size_t key, struct span value, struct err *e)
{
	if (key == KEY_CLIENT ? s->client : place(s, key)->n > 0)
		return err_set(e, ERR_USAGE, "--env: %s twice", keys[key]);
	if (value.n == 0)
		return err_set(e, ERR_USAGE, "--env: %s has no value; leave it out if the session had none", keys[key]);
	if (key == KEY_CLIENT && !parse_addr(value, &s->given.addr))
		return err_set(e, ERR_USAGE, "--env: client=%.*s is no IP address", SPAN_ARG(span_take(value, 100)));
	if (key != KEY_CLIENT)
		*place(s, key) = value;
	s->client = s->client || key == KEY_CLIENT;
	s->name = s->name || key == KEY_NAME;
	s->helo = s->helo || key == KEY_HELO;
	return 0;
}

static bool is_key_octet(char c)
{
	return (c >= 'a' && c <= 'z') || c == '.' || c == '_';
}

/* Where the value ends: at a comma that begins another pair, or at the end. */
static size_t value_length(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t k = i + 1;

		if (s.p[i] != ',')
			continue;
		while (k < s.n && is_key_octet(s.p[k]))
			k++;
		if (k > i + 1 && k < s.n && s.p[k] == '=')
			return i;
	}
	return s.n;
}

static int unknown(struct span key, struct err *e)
{
	const char *near = suggest_name(key, keys, KEYS);

	if (near)
		return err_set(e, ERR_USAGE, "--env: no key '%.*s'; did you mean '%s'?", SPAN_ARG(span_take(key, 100)), near);
	return err_set(e, ERR_USAGE, "--env: no key '%.*s'; there are client client.name helo listener auth.user tls.version tls.cipher tls.bits tls.subject tls.issuer",
		SPAN_ARG(span_take(key, 100)));
}

int policy_session_parse(struct policy_session *s, const char *text, struct err *e)
{
	struct span rest = span_cstr(text);

	if (rest.n == 0)
		return err_set(e, ERR_USAGE, "--env: write KEY=VALUE, for example client=192.0.2.9");
	while (rest.n) {
		size_t eq = span_find(rest, '='), key = 0, n;
		struct span name = span_take(rest, eq);

		if (eq == rest.n)
			return err_set(e, ERR_USAGE, "--env: '%.*s' has no '='; write KEY=VALUE,KEY=VALUE", SPAN_ARG(span_take(rest, 100)));
		while (key < KEYS && !span_is(name, keys[key]))
			key++;
		if (key == KEYS)
			return unknown(name, e);
		rest = span_skip(rest, eq + 1);
		n = value_length(rest);
		if (set(s, key, span_take(rest, n), e))
			return -1;
		rest = span_skip(rest, n + 1);
	}
	return 0;
}

/* --- Received --------------------------------------------------------------------- */

/* "from HELO (NAME [ADDRESS])" at the beginning of a Received value. */
static bool parse_received(struct span v, struct span *helo, struct span *name, struct sockaddr_storage *addr)
{
	size_t i;

	v = span_trim(v);
	if (!span_starts(v, "from "))
		return false;
	v = span_skip(v, 5);
	i = span_find(v, ' ');
	*helo = span_take(v, i);
	v = span_skip(v, i);
	if (helo->n == 0 || !span_starts(v, " ("))
		return false;
	v = span_skip(v, 2);
	i = span_find(v, ' ');
	*name = span_take(v, i);
	v = span_skip(v, i);
	if (name->n == 0 || !span_starts(v, " ["))
		return false;
	v = span_skip(v, 2);
	i = span_find(v, ']');
	return span_starts(span_skip(v, i), "])") && parse_addr(span_take(v, i), addr);
}

static void from_received(const struct policy_session *s, const struct mail *m, struct arena *a, struct mms_client *out)
{
	struct span helo, name;
	struct mail_field f;
	struct buf value;

	if (!mail_field_find(m->text, "Received", 0, &f))
		return;
	buf_init(&value, RECEIVED_MAX);
	if (mail_value(&value, &f) == 0 && parse_received(buf_span(&value), &helo, &name, &out->addr)) {
		if (!s->helo)
			out->helo = arena_copy(a, helo);
		if (!s->name && !span_is(name, "unknown"))
			out->name = arena_copy(a, name);
	} else {
		memset(&out->addr, 0, sizeof(out->addr));
		out->addr.ss_family = AF_UNSPEC;
	}
	buf_free(&value);
}

void policy_session_client(const struct policy_session *s, const struct mail *m, struct arena *a, struct mms_client *out)
{
	*out = s->given;
	if (!s->client)
		from_received(s, m, a, out);
}
