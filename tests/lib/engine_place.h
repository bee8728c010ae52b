/*
 * A folder with trust anchors and a policy file, engines opened on it, and
 * messages without a token taken through them.  For tests of the engine that
 * need no more; one program, one folder.
 */
#ifndef STIR_TESTS_LIB_ENGINE_PLACE_H
#define STIR_TESTS_LIB_ENGINE_PLACE_H

#include <stdio.h>
#include <sys/stat.h>

#include "core/limits.h"
#include "engine/engine.h"
#include "tests/lib/tap.h"
#include "tests/lib/world.h"

#define NOW WORLD_NOW
#define NUMBER "From: <+15550100001/TYPE=PLMN@a.example>\n"
#define LETTER "From: <alice@a.example>\n"

static char dir[512];

static inline const char *path(const char *name)
{
	static char text[4][600];
	static unsigned turn;
	char *p = text[turn++ & 3];

	(void)snprintf(p, sizeof text[0], "%s/%s", dir, name);
	return p;
}

static inline void write_text(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		tap_bail("%s can not be written", name);
}

static inline void make_place(void)
{
	struct world w;
	struct buf pem;

	(void)snprintf(dir, sizeof dir, "%s", tap_tempdir());
	world_open(&w);
	buf_init(&pem, 65536);
	if (pki_put_cert(&pem, w.pki.root) || mkdir(path("certs"), 0700))
		tap_bail("no anchors");
	write_text("anchors.pem", pem.p);
	buf_free(&pem);
	world_close(&w);
}

static inline void settings_of(struct settings *s, const char *more)
{
	struct err e = {0};
	struct buf text;

	buf_init(&text, 65536);
	buf_printf(&text, "TrustAnchors %s\nCertificateDir %s\nAuthservID mx.b.example\nPolicy %s\n%s", path("anchors.pem"), path("certs"),
		path("p.policy"), more);
	if (settings_init(s, &e) || settings_parse(s, "conf", buf_span(&text), &e) || settings_check(s, &e))
		tap_bail("%s", e.text);
	buf_free(&text);
}

/* What of a reload or a first start comes out; NULL and *e when refused. */
static inline struct engine *reopen(struct engine *old, const char *policy, const char *more, struct err *e)
{
	struct engine *g = NULL;
	struct settings s;

	err_clear(e);
	write_text("p.policy", policy);
	settings_of(&s, more);
	if (engine_reopen(&s, old, &g, e))
		return NULL;
	return g;
}

static inline struct engine *open_with(const char *policy, const char *more)
{
	struct err e;
	struct engine *g = reopen(NULL, policy, more, &e);

	if (!g)
		tap_bail("%s", e.text);
	return g;
}

/* A message up to its end; the verdict is the caller's to ask for. */
static inline void push(struct transaction *t, struct engine *g, const struct mms_client *client, const char *header, const char *body)
{
	struct span rest = span_cstr(header);

	transaction_begin(t, g, client);
	message_sender(&t->message, span_cstr("bounce@a.example"));
	message_rcpt(&t->message, span_cstr("bob@b.example"));
	while (rest.n) {
		struct span line = span_cut(&rest, '\n'), name = span_cut(&line, ':');

		message_header(&t->message, name, span_trim(line));
	}
	engine_headers(g, t, NOW);
	message_body(&t->message, body, strlen(body));
}

static inline void judge(struct transaction *t, struct engine *g, const char *header, int64_t now)
{
	static const struct mms_client nobody;

	push(t, g, &nobody, header, "Hello.\r\n");
	t->queue_id = span_cstr("4Q");
	engine_finish(g, t, now);
}

static inline struct transaction begin(void)
{
	struct transaction t;

	if (transaction_init(&t))
		tap_bail("no memory");
	return t;
}

/* "-NAME" for each deletion, "+NAME" for each insertion, in order. */
static inline const char *edits(const struct transaction *t)
{
	static char text[1024];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < t->verdict.nedit && n < 900; i++) {
		const struct edit *e = &t->verdict.edit[i];

		n += (size_t)snprintf(text + n, sizeof text - n, "%c%.*s", e->kind == EDIT_DELETE ? '-' : '+', SPAN_ARG(e->name));
	}
	return text;
}

/* The field we write, on one line; empty when there is none. */
static inline const char *field(const struct transaction *t)
{
	static char text[2 * LIMIT_RESULT_FIELD];
	size_t n = 0;

	for (size_t i = 0; i < t->verdict.nedit; i++) {
		const struct edit *e = &t->verdict.edit[i];

		if (e->kind != EDIT_INSERT || !span_is(e->name, "X-STIR-Policy"))
			continue;
		for (size_t k = 0; k < e->value.n; k++)
			if (e->value.p[k] != '\n')
				text[n++] = e->value.p[k];
	}
	text[n] = '\0';
	return text;
}

#endif
