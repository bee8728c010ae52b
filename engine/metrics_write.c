/*
 * The text format 0.0.4 of Prometheus.
 *
 * Every value of a fixed table is written, those that are 0 too: a rate can be
 * seen from the first event on.  Of peers, those that have a place.
 */
#include "config.h"

#include "engine/metrics_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/stir_reason.h"

#define PREFIX "stir_milter_"

static const char *prefix_of(enum metrics_id id)
{
	return metrics_spec(id)->type == METRICS_TYPE_PROCESS ? "process_" : PREFIX;
}

static const char *type_of(enum metrics_id id)
{
	switch (metrics_spec(id)->type) {
	case METRICS_TYPE_COUNTER:
		return "counter";
	case METRICS_TYPE_HISTOGRAM:
		return "histogram";
	default:
		return "gauge";
	}
}

void metrics_write_head(struct buf *out, enum metrics_id id)
{
	const struct metrics_row *r = &metrics_spec(id)->row;

	buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix_of(id), r->name, r->sentence, prefix_of(id), r->name, type_of(id));
}

/* --- labels --------------------------------------------------------------------------- */

/* Backslash, quote and line feed are escaped; what is no printable ASCII otherwise could be half of a character. */
static void put_escaped(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' || c == '"')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, c >= ' ' && c <= '~' ? c : '?');
	}
}

static void put_label(struct buf *out, char before, const char *name, struct span value)
{
	buf_printf(out, "%c%s=\"", before, name);
	put_escaped(out, value);
	buf_putc(out, '"');
}

static const char *peer_text(const struct metrics *m, size_t i)
{
	if (i == METRICS_PEER_NONE)
		return "none";
	return i == METRICS_PEER_OTHER ? "other" : metrics_peer_name(m, i - METRICS_PEER_FIRST);
}

static const char *text_of(const struct metrics *m, enum metrics_label l, size_t i)
{
	return l == METRICS_LABEL_PEER ? peer_text(m, i) : metrics_labels_value(l, i);
}

static bool is_plain(enum metrics_label l)
{
	return l == METRICS_LABEL_NONE || l == METRICS_LABEL_OWN;
}

/* That of a reason; for what has none the same word. */
static const char *result_of(size_t reason)
{
	return reason < STIR_REASON_COUNT ? stir_word_name(stir_reason_word((enum stir_reason)reason)) : metrics_labels_value(METRICS_LABEL_REASON, reason);
}

/* "{a=..,b=.." of a value, without its end; whether there is any label. */
static bool put_labels(struct buf *out, const struct metrics *m, const struct metrics_spec *s, size_t a, size_t b)
{
	if (is_plain(s->a))
		return false;
	if (s->a == METRICS_LABEL_REASON)
		put_label(out, '{', "result", span_cstr(result_of(a)));
	put_label(out, s->a == METRICS_LABEL_REASON ? ',' : '{', metrics_labels_name(s->a), span_cstr(text_of(m, s->a, a)));
	if (!is_plain(s->b))
		put_label(out, ',', metrics_labels_name(s->b), span_cstr(text_of(m, s->b, b)));
	return true;
}

/* --- values --------------------------------------------------------------------------- */

/* Microseconds as seconds, no digit more than needed; no locale has a say. */
static void put_seconds(struct buf *out, uint64_t us)
{
	char digits[8];
	int n = 6;

	buf_printf(out, "%" PRIu64, us / 1000000);
	if (us % 1000000 == 0)
		return;
	if (snprintf(digits, sizeof digits, "%06u", (unsigned)(us % 1000000)) < 0)
		return;
	while (digits[n - 1] == '0')
		n--;
	buf_printf(out, ".%.*s", n, digits);
}

static void put_bucket(struct buf *out, const struct metrics *m, enum metrics_id id, size_t a, size_t i, uint64_t n)
{
	const struct metrics_spec *s = metrics_spec(id);

	buf_printf(out, PREFIX "%s_bucket", s->row.name);
	buf_puts(out, put_labels(out, m, s, a, 0) ? ",le=\"" : "{le=\"");
	if (i == METRICS_BUCKETS)
		buf_puts(out, "+Inf");
	else
		put_seconds(out, (uint64_t)metrics_bucket_us(i));
	buf_printf(out, "\"} %" PRIu64 "\n", n);
}

static void put_name(struct buf *out, const struct metrics *m, enum metrics_id id, const char *ending, size_t a, size_t b)
{
	const struct metrics_spec *s = metrics_spec(id);

	buf_printf(out, PREFIX "%s%s", s->row.name, ending);
	buf_puts(out, put_labels(out, m, s, a, b) ? "} " : " ");
}

static void put_histogram(struct buf *out, const struct metrics *m, const struct metrics_values *v, enum metrics_id id, size_t a)
{
	const uint64_t *cell = metrics_cells(v, id, a);
	uint64_t n = 0;

	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		n += cell[i];
		put_bucket(out, m, id, a, i, n);
	}
	put_name(out, m, id, "_sum", a, 0);
	put_seconds(out, cell[METRICS_BUCKETS + 1]);
	buf_putc(out, '\n');
	put_name(out, m, id, "_count", a, 0);
	buf_printf(out, "%" PRIu64 "\n", n);
}

static size_t shown(const struct metrics *m, enum metrics_label l)
{
	return metrics_labels_count(l) + (l == METRICS_LABEL_PEER ? metrics_peers(m) : 0);
}

void metrics_write(struct buf *out, const struct metrics *m, const struct metrics_values *v)
{
	for (size_t i = 0; i < METRICS_COUNT; i++) {
		enum metrics_id id = (enum metrics_id)i;
		const struct metrics_spec *s = metrics_spec(id);

		if (s->a == METRICS_LABEL_OWN)
			continue;
		metrics_write_head(out, id);
		for (size_t a = 0; a < shown(m, s->a); a++) {
			if (s->type == METRICS_TYPE_HISTOGRAM) {
				put_histogram(out, m, v, id, a);
				continue;
			}
			for (size_t b = 0; b < shown(m, s->b); b++) {
				put_name(out, m, id, "", a, b);
				buf_printf(out, "%" PRIu64 "\n", metrics_get(v, id, a, b));
			}
		}
	}
}

void metrics_write_value(struct buf *out, enum metrics_id id, const char *a, struct span a_value, const char *b, struct span b_value, int64_t value)
{
	buf_printf(out, "%s%s", prefix_of(id), metrics_spec(id)->row.name);
	if (a)
		put_label(out, '{', a, a_value);
	if (b)
		put_label(out, ',', b, b_value);
	buf_printf(out, "%s%" PRId64 "\n", a ? "} " : " ", value);
}
