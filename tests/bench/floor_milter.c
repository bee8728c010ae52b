/*
 * What no signer or verifier can do without, on top of a no-op: it reads no
 * header, no token and no certificate.  Its processor time is the floor that
 * stir-milter is compared with.
 *
 *   floor_milter SOCKET WORD...
 *     copy     keeps the body until the end, as who parses it there must
 *     hash     SHA-256 over the body
 *     verify   one ES256 verification     sign   one ES256 signature
 *     mime     GMime parses the whole message
 *     decode   and its leaves are decoded and hashed, as msgc wants them
 *     insert   puts in one field of the length of an Identity field
 *   floor_milter costs
 *     what these cost by themselves, as JSON
 */
#include "config.h"

#include <gmime/gmime.h>
#include <libmilter/mfapi.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIVED (SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)
enum { FIELD = 1000 };

static struct floor {
	bool copy, hash, verify, sign, mime, decode, insert;
	EVP_MD *sha256;
	EVP_PKEY *key;
	unsigned char digest[32], sig[80];
	size_t sig_n;
	char field[FIELD + 1];
} work;

struct session {
	EVP_MD_CTX *hash;
	bool begun;
	char *text;
	size_t n, room;
};

static void need(bool good)
{
	if (!good)
		abort();
}

/* The session, with a message begun. */
static struct session *session_of(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (!s) {
		s = calloc(1, sizeof *s);
		need(s != NULL);
		s->hash = EVP_MD_CTX_new();
		need(s->hash && smfi_setpriv(ctx, s) == MI_SUCCESS);
	}
	if (!s->begun) {
		s->begun = true;
		s->n = 0;
		need(!work.hash || EVP_DigestInit_ex(s->hash, work.sha256, NULL) == 1);
	}
	return s;
}

static void keep(struct session *s, const void *data, size_t n)
{
	if (s->n + n > s->room) {
		s->room = (s->n + n) * 2;
		s->text = realloc(s->text, s->room);
		need(s->text != NULL);
	}
	memcpy(s->text + s->n, data, n);
	s->n += n;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = session_of(ctx);

	if (work.mime) {
		keep(s, name, strlen(name));
		keep(s, ": ", 2);
		keep(s, value, strlen(value));
		keep(s, "\n", 1);
	}
	return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);

	if (work.mime)
		keep(s, "\n", 1);
	return SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
	struct session *s = session_of(ctx);

	if (work.copy || work.mime)
		keep(s, data, n);
	need(!work.hash || EVP_DigestUpdate(s->hash, data, n) == 1);
	return SMFIS_NOREPLY;
}

/* --- the end -------------------------------------------------------------------- */

static void hash_leaf(GMimeObject *parent, GMimeObject *part, gpointer arg)
{
	GMimeDataWrapper *content;
	GMimeStream *out;
	GByteArray *octets;

	(void)parent;
	if (!GMIME_IS_PART(part))
		return;
	content = g_mime_part_get_content(GMIME_PART(part));
	if (!content)
		return;
	out = g_mime_stream_mem_new();
	g_mime_data_wrapper_write_to_stream(content, out);
	octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out));
	need(EVP_DigestUpdate(arg, octets->data, octets->len) == 1);
	g_object_unref(out);
}

static void parse(struct session *s)
{
	GMimeStream *in = g_mime_stream_mem_new_with_buffer(s->text, s->n);
	GMimeParser *parser = g_mime_parser_new_with_stream(in);
	GMimeMessage *m = g_mime_parser_construct_message(parser, NULL);
	unsigned char digest[EVP_MAX_MD_SIZE];

	need(m && EVP_DigestInit_ex(s->hash, work.sha256, NULL) == 1);
	if (work.decode)
		g_mime_message_foreach(m, hash_leaf, s->hash);
	need(EVP_DigestFinal_ex(s->hash, digest, NULL) == 1);
	g_object_unref(m);
	g_object_unref(parser);
	g_object_unref(in);
}

static void curve(bool sign)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(work.key, NULL);
	unsigned char sig[80];
	size_t n = sizeof sig;

	if (sign)
		need(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, sig, &n, work.digest, sizeof work.digest) == 1);
	else
		need(EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, work.sig, work.sig_n, work.digest, sizeof work.digest) == 1);
	EVP_PKEY_CTX_free(ctx);
}

static sfsistat on_eom(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);
	unsigned char digest[EVP_MAX_MD_SIZE];

	need(!work.hash || EVP_DigestFinal_ex(s->hash, digest, NULL) == 1);
	if (work.mime)
		parse(s);
	if (work.verify)
		curve(false);
	if (work.sign)
		curve(true);
	if (work.insert)
		need(smfi_insheader(ctx, 0, (char *)"X-Floor", work.field) == MI_SUCCESS);
	s->begun = false;
	return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s)
		s->begun = false;
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s) {
		EVP_MD_CTX_free(s->hash);
		free(s->text);
		free(s);
		smfi_setpriv(ctx, NULL);
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3, unsigned long *want_actions,
			     unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
	(void)ctx, (void)f2, (void)f3;
	if (~steps & WAIVED)
		return SMFIS_REJECT;
	*want_actions = actions & SMFIF_ADDHDRS;
	*want_steps |= WAIVED;
	*want_f2 = *want_f3 = 0;
	return SMFIS_CONTINUE;
}

static void prepare(void)
{
	EVP_PKEY_CTX *ctx;

	g_mime_init();
	memset(work.field, 'e', FIELD);
	work.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	work.key = EVP_EC_gen("P-256");
	need(work.sha256 && work.key);
	ctx = EVP_PKEY_CTX_new(work.key, NULL);
	work.sig_n = sizeof work.sig;
	need(EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, work.sig, &work.sig_n, work.digest, sizeof work.digest) == 1);
	EVP_PKEY_CTX_free(ctx);
}

static bool take_word(const char *word)
{
	struct {
		const char *name;
		bool *set;
	} words[] = {{"copy", &work.copy}, {"hash", &work.hash}, {"verify", &work.verify}, {"sign", &work.sign}, {"mime", &work.mime}, {"decode", &work.decode}, {"insert", &work.insert}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(word, words[i].name) == 0)
			return *words[i].set = true;
	return false;
}

/* --- by themselves ------------------------------------------------------------------ */

enum { TIMES = 500, HASHED = 64 * 1024 };

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double curve_us(bool sign)
{
	double from = cpu_us();

	for (int i = 0; i < TIMES; i++)
		curve(sign);
	return (cpu_us() - from) / TIMES;
}

static double hash_us(void)
{
	static unsigned char data[HASHED];
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	double from = cpu_us();

	for (int i = 0; i < TIMES; i++)
		need(EVP_DigestInit_ex(ctx, work.sha256, NULL) == 1 && EVP_DigestUpdate(ctx, data, sizeof data) == 1 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1);
	EVP_MD_CTX_free(ctx);
	return (cpu_us() - from) / TIMES;
}

static int costs(void)
{
	printf("{\"verify_us\": %.2f, \"sign_us\": %.2f, \"sha256_us_per_kb\": %.4f}\n", curve_us(false), curve_us(true), hash_us() / HASHED * 1000);
	return 0;
}

int main(int argc, char **argv)
{
	struct smfiDesc d = {
		.xxfi_name = (char *)"floor", .xxfi_version = SMFI_VERSION, .xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_header = on_header, .xxfi_eoh = on_eoh, .xxfi_body = on_body, .xxfi_eom = on_eom,
		.xxfi_abort = on_abort, .xxfi_close = on_close, .xxfi_negotiate = on_negotiate,
	};

	for (int i = 2; i < argc; i++)
		if (!take_word(argv[i]))
			argc = 0;
	if (argc < 2) {
		fputs("usage: floor_milter SOCKET [copy] [hash] [verify] [sign] [mime [decode]] [insert]\n       floor_milter costs\n", stderr);
		return 2;
	}
	prepare();
	if (strcmp(argv[1], "costs") == 0)
		return costs();
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(d) != MI_SUCCESS || smfi_setbacklog(1024) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
