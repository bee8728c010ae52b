/*
 * Writes the report: JSON of every message, JSON of the counts, and the page
 * around them.
 *
 * Nothing of a message is ever HTML: it is JSON in a script element, with '<'
 * escaped so that no text can end that element.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/policy_redact.h"
#include "ctl/report.h"
#include "ctl/report_page.h"

enum { VALUE_BYTES = 2048, HIT_SHADOW = 1, HIT_FINAL = 2, HIT_ERROR = 4 };

static const char *const because_words[] = {"none", "score", "final", "failure"};

struct report {
	const char *path, *against;
	const struct policy *policy;
	bool full;
	FILE *spool;
	uint64_t listed, unlisted;
	size_t octets;
	char *file; /* of the message before; owned */
	bool shown[FACT_N]; /* facts the policy looks at */
};

/* A slip on the command line must not cost a mailbox: only a page is replaced. */
static bool may_replace(const char *path)
{
	static const char begin[] = "<!DOCTYPE html>";
	char found[sizeof(begin)] = "";
	FILE *f = fopen(path, "rbe");
	size_t n = f ? fread(found, 1, sizeof(begin) - 1, f) : 0;

	if (f)
		fclose(f);
	return n == 0 || strcmp(found, begin) == 0;
}

/*
 * What is renamed to path once it is complete, so that nobody reads half a page:
 * NULL and *e where that can't be done.  With numbers in full it is its owner's
 * alone.
 */
static FILE *open_part(const char *path, bool full, char **part, struct err *e)
{
	struct stat st;
	FILE *f = NULL;
	int fd = -1;

	*part = NULL;
	/* Renamed over, a device would be gone. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		err_set(e, ERR_OS, "%s: is no file, so no report can be written there", path);
		return NULL;
	}
	if (!may_replace(path)) {
		err_set(e, ERR_OS, "%s: is no report, and so not replaced; remove it, or give another --report", path);
		return NULL;
	}
	if (asprintf(part, "%s.%ld.part", path, (long)getpid()) < 0)
		*part = NULL;
	else
		fd = open(*part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, full ? 0600 : 0666);
	f = fd < 0 ? NULL : fdopen(fd, "wb");
	if (f)
		return f;
	err_set(e, ERR_OS, "%s: can't write the report: %s", path, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlink(*part);
	}
	free(*part);
	*part = NULL;
	return NULL;
}

/* Better now than when a long run is over. */
static int can_be_written(const char *path, struct err *e)
{
	char *part;
	FILE *f = open_part(path, true, &part, e);

	if (!f)
		return -1;
	fclose(f);
	unlink(part);
	free(part);
	return 0;
}

int report_open(const char *path, const struct policy *p, bool full, const char *against, struct report **out, struct err *e)
{
	struct report *r;

	*out = NULL;
	if (can_be_written(path, e))
		return -1;
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	*r = (struct report){.path = path, .policy = p, .full = full, .against = against};
	for (enum fact_id id = 0; id < FACT_N; id++)
		r->shown[id] = policy_asks(p, id) || id == FACT_VERIFY || id == FACT_REASON;
	r->spool = tmpfile();
	if (!r->spool) {
		free(r);
		return err_set(e, ERR_OS, "can't make a temporary file: %s", strerror(errno));
	}
	*out = r;
	return 0;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	fclose(r->spool);
	free(r->file);
	free(r);
}

/* --- one message -------------------------------------------------------------------- */

static json_t *text(struct span s)
{
	gchar *valid = g_utf8_make_valid(s.n ? s.p : "", (gssize)s.n);
	json_t *j = json_string(valid);

	g_free(valid);
	return j;
}

/* The longer array, or NULL without memory. */
static json_t *appended(json_t *a, json_t *value)
{
	if (a && json_array_append_new(a, value) == 0)
		return a;
	json_decref(a);
	return NULL;
}

static json_t *hits_json(const struct policy_result *p)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < p->nhit; i++) {
		const struct policy_hit *h = &p->hit[i];

		if (h->hit || h->error)
			a = appended(a, json_pack("[IIIi]", (json_int_t)h->rule, (json_int_t)h->score_milli, (json_int_t)h->lost_milli,
				(h->shadow ? HIT_SHADOW : 0) | (h->final ? HIT_FINAL : 0) | (h->error ? HIT_ERROR : 0)));
	}
	return a;
}

static json_t *value_json(enum fact_id id, const struct facts_value *v, bool full)
{
	struct buf b;
	json_t *j;

	buf_init(&b, 64 * VALUE_BYTES);
	policy_redact_value(&b, id, v, full);
	if (b.n > VALUE_BYTES || b.failed)
		j = json_string("(too long to be shown)");
	else
		j = text(buf_span(&b));
	buf_free(&b);
	return j;
}

static json_t *fact_json(enum fact_id id, const struct facts_value *v, size_t n, bool full)
{
	json_t *a = appended(json_array(), json_integer(id));

	for (size_t i = 0; a && i < n && i < REPORT_VALUES_MAX; i++)
		a = appended(a, value_json(id, &v[i], full));
	if (n > REPORT_VALUES_MAX)
		a = appended(a, json_sprintf("and %zu more", n - REPORT_VALUES_MAX));
	return a;
}

static json_t *facts_json(const struct report *r, const struct facts *f)
{
	json_t *a = json_array();

	for (enum fact_id id = 0; a && f && id < FACT_N; id++) {
		const struct facts_value *v;
		size_t n;

		if (!r->shown[id])
			continue;
		v = facts_values(f, id, &n);
		if (n)
			a = appended(a, fact_json(id, v, n, r->full));
	}
	return a;
}

static int because_index(const char *word)
{
	for (size_t i = 0; i < sizeof(because_words) / sizeof(*because_words); i++)
		if (strcmp(word, because_words[i]) == 0)
			return (int)i;
	return 0;
}

/* The file's name only where it is another one than before: 0 else. */
static json_t *file_json(struct report *r, const char *file)
{
	if (r->file && strcmp(r->file, file) == 0)
		return json_integer(0);
	free(r->file);
	r->file = strdup(file);
	return r->file ? text(span_cstr(file)) : NULL;
}

/* The order is that of the script's reader. */
static json_t *message_json(struct report *r, const struct policy_message *m, const struct policy_outcome *old)
{
	const struct policy_result *p = &m->run.t.policy;

	return json_pack("[o I i I I i i i o I i o o i I s]", file_json(r, m->mail.file), (json_int_t)m->mail.index, (int)m->label,
		(json_int_t)p->score_milli, (json_int_t)p->shadow_milli, (int)p->would_action, (int)p->action, because_index(p->because),
		p->peer ? text(span_cstr(p->peer)) : json_null(), (json_int_t)m->run.now, (int)policy_tally_doubt_of(m), hits_json(p),
		facts_json(r, m->run.t.facts), old ? (int)old->would : -1, (json_int_t)(old ? old->score_milli : 0), ast_mode_name(p->mode));
}

/* JSON that may stand in a script element. */
static int put_escaped(const char *p, size_t n, void *arg)
{
	FILE *f = arg;

	for (size_t i = 0; i < n; i++)
		if ((p[i] == '<' ? fputs("\\u003c", f) : fputc(p[i], f)) == EOF)
			return -1;
	return 0;
}

static int count_octets(const char *p, size_t n, void *arg)
{
	size_t *total = arg;

	(void)p;
	*total += n;
	return 0;
}

enum { JSON_FLAGS = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12) };

int report_add(struct report *r, const struct policy_message *m, const struct policy_outcome *old, struct err *e)
{
	size_t octets = 2;
	json_t *j;
	int rc = 0;

	if (r->octets >= REPORT_MESSAGES_MAX) {
		r->unlisted++;
		return 0;
	}
	j = message_json(r, m, old);
	if (!j || json_dump_callback(j, count_octets, &octets, JSON_FLAGS)) {
		json_decref(j);
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	}
	if (fputs(r->listed ? ",\n" : "", r->spool) == EOF || json_dump_callback(j, put_escaped, r->spool, JSON_FLAGS))
		rc = err_set(e, ERR_OS, "can't write a temporary file: %s", strerror(errno));
	json_decref(j);
	r->octets += octets;
	r->listed++;
	return rc;
}

/* --- the counts ------------------------------------------------------------------------ */

static json_t *names_json(const struct policy *p)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < policy_rule_count(p); i++)
		a = appended(a, text(policy_rule(p, i)->name.text));
	return a;
}

static json_t *words_json(const char *(*word)(size_t i), size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; a && i < n; i++)
		a = appended(a, json_string(word(i)));
	return a;
}

static const char *action_word(size_t i)
{
	return verdict_action_name((enum verdict_action)i);
}

static const char *because_word(size_t i)
{
	static const char *const word[] = {"nothing asks for more", "by the score", "by a final rule", "by \"on\" a failure"};

	return word[i];
}

static const char *fact_word_name(size_t i)
{
	return fact_row((enum fact_id)i)->name;
}

static const char *doubt_word(size_t i)
{
	return policy_tally_doubt((enum policy_doubt)i);
}

static json_t *doubts_json(const struct policy_tally *t)
{
	json_t *a = json_array();

	for (size_t d = 1; a && d < POLICY_DOUBTS; d++)
		if (t->doubt[d])
			a = appended(a, json_pack("{sI ss}", "count", (json_int_t)t->doubt[d], "why", doubt_word(d)));
	return a;
}

static json_t *against_json(const struct report *r)
{
	return r->against ? text(span_cstr(r->against)) : json_null();
}

/* The counts, and what the script needs to name things. */
static json_t *summary_json(const struct report *r, const struct policy_tally *t, const struct policy_changes *c, int64_t made)
{
	json_t *o = policy_tally_json(t);
	json_t *more = json_pack("{sI sb sI so so so so so so so so sI}", "made", (json_int_t)made, "redacted", !r->full, "unlisted",
		(json_int_t)r->unlisted, "names", names_json(r->policy), "actions", words_json(action_word, POLICY_ACTIONS), "because",
		words_json(because_word, 4), "facts", words_json(fact_word_name, FACT_N), "doubt_words", words_json(doubt_word, POLICY_DOUBTS), "doubts",
		doubts_json(t), "against", against_json(r), "changes", c ? policy_changes_pairs(c) : json_null(), "changed",
		c ? (json_int_t)policy_changes_count(c) : 0);

	if (!o || !more || json_object_update(o, more)) {
		json_decref(o);
		o = NULL;
	}
	json_decref(more);
	return o;
}

/* --- the page ---------------------------------------------------------------------------- */

static void put_lines(FILE *f, const char *const *line)
{
	for (; *line; line++)
		fputs(*line, f);
}

/* What a reader without script gets: numbers only. */
static void put_noscript(FILE *f, const struct policy_tally *t)
{
	struct policy_tally_bins b;

	policy_tally_bins(t, &b);
	fputs("<noscript><section><h2>Scores</h2><p>With scripts there is more: rules, messages, thresholds. This page loads nothing from elsewhere.</p>"
	      "<table><thead><tr><th>Score from</th><th>to below</th><th>wanted</th><th>abuse</th><th>unlabelled</th></tr></thead><tbody>\n", f);
	for (size_t i = 0; i < b.n; i++) {
		int64_t from = b.first + (int64_t)i * b.width;

		fprintf(f, "<tr><td>%.1f</td><td>%.1f</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td></tr>\n", (double)from / 1000.0,
			(double)(from + b.width) / 1000.0, b.in[i][POLICY_WANTED], b.in[i][POLICY_ABUSE], b.in[i][POLICY_UNLABELLED]);
	}
	fputs("</tbody></table></section></noscript>\n", f);
}

static int copy_spool(struct report *r, FILE *f)
{
	char block[65536];
	size_t n;

	if (fflush(r->spool) || fseeko(r->spool, 0, SEEK_SET))
		return -1;
	while ((n = fread(block, 1, sizeof(block), r->spool)) > 0)
		if (fwrite(block, 1, n, f) != n)
			return -1;
	return ferror(r->spool) ? -1 : 0;
}

static int put_page(struct report *r, FILE *f, json_t *summary, const struct policy_tally *t)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
	      "img-src data:; base-uri 'none'; form-action 'none'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n<title>Policy run</title>\n<style>\n", f);
	put_lines(f, report_style);
	fputs("</style>\n</head>\n<body>\n", f);
	put_noscript(f, t);
	put_lines(f, report_page_body);
	fputs("<script type=\"application/json\" id=\"summary\">", f);
	if (json_dump_callback(summary, put_escaped, f, JSON_FLAGS))
		return -1;
	fputs("</script>\n<script type=\"application/json\" id=\"messages\">[", f);
	if (copy_spool(r, f))
		return -1;
	fputs("]</script>\n<script>\n", f);
	put_lines(f, report_script);
	fputs("</script>\n</body>\n</html>\n", f);
	return fflush(f) || ferror(f) ? -1 : 0;
}

int report_write(struct report *r, const struct policy_tally *t, const struct policy_changes *changes, int64_t made, struct err *e)
{
	char *part;
	json_t *summary = summary_json(r, t, changes, made);
	FILE *f = summary ? open_part(r->path, r->full, &part, e) : NULL;
	int bad;

	if (!summary)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	if (!f) {
		json_decref(summary);
		return -1;
	}
	bad = put_page(r, f, summary, t);
	bad = fclose(f) || bad;
	bad = bad || rename(part, r->path);
	if (bad) {
		err_set(e, ERR_OS, "%s: can't write the report: %s", r->path, strerror(errno));
		unlink(part);
	}
	json_decref(summary);
	free(part);
	return bad ? -1 : 0;
}
