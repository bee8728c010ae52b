/*
 * The table of keys: names, paths beside it, and addresses of their own.
 */
#include "config.h"

#include "engine/keytable.h"

#include "core/buf.h"
#include "core/limits.h"
#include "tests/lib/tap.h"

#define A "https://certs.a.example/2026.pem"
#define B "https://certs.a.example/2027.pem"

static const struct {
	const char *csv, *error;
} bad[] = {
	{"", "/etc/k/keys.csv: there is no key in it; a line is \"name,key,certificate,url\""},
	{"name,key,certificate,url\n", "/etc/k/keys.csv: there is no key in it; a line is \"name,key,certificate,url\""},
	{"a,k,c\n", "/etc/k/keys.csv:1:1: a line is \"name,key,certificate,url\" or has a pin behind them; this one has 3 fields"},
	{"a,k,c," A ",p,q\n", "/etc/k/keys.csv:1:42: a line is \"name,key,certificate,url\" or has a pin behind them; this one has 6 fields"},
	{",k,c," A "\n", "/etc/k/keys.csv:1:1: a name has 1 to 64 letters"},
	{"a b,k,c," A "\n", "/etc/k/keys.csv:1:1: a name is of letters, digits, '.', '_' and '-'"},
	{"none,k,c," A "\n", "/etc/k/keys.csv:1:1: \"none\" means in SigningTable that nothing is signed; take another name"},
	{"a,,c," A "\n", "/etc/k/keys.csv:1:3: key is empty"},
	{"a,k,," A "\n", "/etc/k/keys.csv:1:5: certificate is empty"},
	{"a,k,c,http://certs.a.example/x.pem\n", NULL},
	{"a,k,c,https://certs.a.example/x.pem?y\n", NULL},
	{"a,k,c," A "\nb,k,c," A "\n",
	 "/etc/k/keys.csv:2:7: the address of line 1; each certificate has one of its own, since others keep what they fetched"},
};

static void refuse_all(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct keytable t;
		struct err e;

		err_clear(&e);
		tap_int(keytable_parse("/etc/k/keys.csv", span_cstr(bad[i].csv), &t, &e), -1, "bad %zu is refused", i);
		if (bad[i].error)
			tap_str(e.text, bad[i].error, "and why");
		else
			tap_ok(span_starts(span_cstr(e.text), "/etc/k/keys.csv:1:7: no address that verifiers may fetch: "), "and why: %s", e.text);
		tap_ok(!t.row && !t.n, "nothing is given");
	}
}

/* As many keys as there may be, and one more. */
static void many(void)
{
	struct keytable t;
	struct err e;
	struct buf csv;

	buf_init(&csv, LIMIT_TABLE_BYTES);
	for (int i = 0; i < LIMIT_KEYTABLE_ROWS; i++)
		(void)buf_printf(&csv, "k%d,k,c,https://certs.a.example/%d.pem\n", i, i);
	tap_int(keytable_parse("t", buf_span(&csv), &t, &e), 0, "as many keys as allowed");
	tap_int((long long)t.n, LIMIT_KEYTABLE_ROWS, "are there");
	keytable_free(&t);
	(void)buf_puts(&csv, "one,k,c,https://certs.a.example/more.pem\n");
	tap_int(keytable_parse("t", buf_span(&csv), &t, &e), -1, "one more");
	tap_str(e.text, "t:10001:1: more than 10000 keys", "is refused");
	buf_free(&csv);
}

int main(void)
{
	static const char csv[] =
		"Name,Key,Certificate,URL,PIN\n"
		"a,a-2026.key,/certs/a.pem," A "\n"
		"a,\"a,2027.key\",sub/a.pem," B ",\n"
		"b,pkcs11:token=b;object=stir,b.pem,https://certs.b.example:8443/b.pem,b.pin # an HSM\n";
	struct keytable t;
	struct err e;

	err_clear(&e);
	if (keytable_parse("/etc/k/keys.csv", span_cstr(csv), &t, &e))
		tap_bail("%s", e.text);
	tap_int((long long)t.n, 3, "three keys");
	tap_ok(strcmp(t.row[0].name, "a") == 0 && strcmp(t.row[1].name, "a") == 0 && strcmp(t.row[2].name, "b") == 0, "their names");
	tap_str(t.row[0].key, "/etc/k/a-2026.key", "a path beside the table");
	tap_str(t.row[0].certificate, "/certs/a.pem", "one from the root");
	tap_str(t.row[1].key, "/etc/k/a,2027.key", "one in quotes");
	tap_str(t.row[2].key, "pkcs11:token=b;object=stir", "a token");
	tap_ok(!t.row[0].pin && !t.row[1].pin, "no PIN");
	tap_str(t.row[2].pin, "/etc/k/b.pin", "a PIN");
	tap_str(t.row[1].url, B, "an address");
	tap_int((long long)t.row[2].line, 4, "a line");
	keytable_free(&t);
	keytable_free(&t);
	refuse_all();
	many();
	return tap_done();
}
