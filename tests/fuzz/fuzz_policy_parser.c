/* What can be laid out keeps its tokens and is laid out once and for all; what can be parsed can be laid out, and parsed again. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "policy/format.h"
#include "policy/lexer.h"
#include "policy/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_tokens(struct source a, struct source b, struct source_report *r)
{
	struct lexer l, m;
	struct lexer_token t = {.kind = LEXER_COMMA}, u;

	for (int bad = lexer_open(&l, &a, true, r) || lexer_open(&m, &b, true, r); t.kind != LEXER_END;)
		if (bad || lexer_next(&l, &t) || lexer_next(&m, &u) || t.kind != u.kind || !span_eq(span_trim(t.text), span_trim(u.text)))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size);
	struct ast_policy *p, *q = NULL;
	struct source_report r = {.errors = 0};
	struct buf a = {.max = 1 << 28}, b = {.max = 1 << 28};
	int rc = parser_parse("-", in, NULL, &p, &r), laid = format_policy("-", in, &a, &r);

	if ((rc == 0 && laid) || (rc == 0) != (p != NULL) || ((rc || laid) && r.errors == 0))
		abort();
	if (!laid && (format_policy("-", buf_span(&a), &b, &r) || !span_eq(buf_span(&a), buf_span(&b)) || !same_tokens((struct source){"a", in}, (struct source){"b", buf_span(&a)}, &r)))
		abort();
	if (rc == 0 && a.n <= LEXER_FILE_MAX && (parser_parse("-", buf_span(&a), NULL, &q, &r) || q->nrule != p->nrule))
		abort();
	ast_free(p), ast_free(q), buf_free(&a), buf_free(&b), source_report_free(&r);
	return 0;
}
