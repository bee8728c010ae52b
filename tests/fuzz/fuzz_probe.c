/* Foreign octets as a message that was a probe: read, printed, and a recipe found in it made and read again as nothing changed. */
#include "config.h"

#include "ctl/probe_print.h"
#include "engine/engine.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_and_print(struct probe *p, struct span text, const struct probe_recipe *sent)
{
	struct probe_setup s = {.max_age_s = 60, .max_skew_s = 60, .sent = sent};
	struct mail m = {.file = "fuzz", .index = 1, .raw = text};
	char *shown = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&shown, &n);

	mail_set_text(&m);
	if (!f || probe_read(p, &m, &s, NULL) || probe_print_json(f, p, &m))
		abort();
	probe_print(f, p, &m);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)shown[i] < ' ' && shown[i] != '\n')
			abort();
	free(shown);
}

static void make_again(struct probe *p, const struct probe_recipe *r)
{
	struct probe_make made;
	struct buf text;

	if (probe_make(&made, r))
		abort();
	buf_init(&text, 2 * (PROBE_MAKE_HEAD_MAX + PROBE_MAKE_BODY_MAX));
	buf_put_span(&text, buf_span(&made.head));
	if (probe_facts(&text, &made))
		abort();
	buf_puts(&text, "\n");
	buf_put_span(&text, buf_span(&made.body));
	read_and_print(p, buf_span(&text), NULL);
	/* A From or To that no plan knows is still the same one. */
	if (text.failed || p->differs || p->fields_same != p->fields_sent || p->msgi != PROBE_DIGEST_SAME || p->msgc != PROBE_DIGEST_SAME)
		abort();
	buf_free(&text);
	probe_make_free(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct probe_recipe sent = {.kind = PROBE_RECIPE_HOSTILE, .seed = 1, .made = 1795536100, .from = {"+15550100001@a.example", 22},
		.to = {{"+15550300001@b.example", 22}}, .nto = 1};
	struct probe p;

	engine_global_init();
	if (probe_init(&p))
		abort();
	read_and_print(&p, span_make(data, size), &sent);
	if (p.recipe_from == PROBE_FROM_FIELD || p.recipe_from == PROBE_FROM_BODY) {
		struct probe_recipe r = p.recipe;
		char text[(PROBE_RECIPE_TO_MAX + 1) * PROBE_RECIPE_ADDRESS_MAX];
		size_t n = r.from.n;

		/* Its addresses end with the next reading. */
		memcpy(text, r.from.p, n);
		r.from = span_make(text, n);
		for (size_t i = 0; i < r.nto; i++) {
			memcpy(text + n, r.to[i].p, r.to[i].n);
			r.to[i] = span_make(text + n, r.to[i].n);
			n += r.to[i].n;
		}
		make_again(&p, &r);
	}
	probe_free(&p);
	return 0;
}
