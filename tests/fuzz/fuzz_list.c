/* A list of each type (the first octet): what is listed is found. */
#include "config.h"

#include "policy/list.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As a fact: found by its own type, and not by another's. */
static bool is_fact(const struct list *l, enum fact_type type, struct facts_value v)
{
	v.hidden = false;
	if (!list_contains(l, type, &v) || list_contains(l, FACT_TYPE_COUNT, &v))
		return false;
	v.hidden = true;
	return !list_contains(l, type, &v);
}

static bool found(const struct list *l, enum list_type t, struct span s)
{
	struct facts_addr a = {{[10] = 0xFF, [11] = 0xFF}};
	char text[300];
	struct tn tn;

	snprintf(text, sizeof text, "%s%.*s", t == LIST_HOST && s.p[0] == '.' ? "a" : "", SPAN_ARG(span_take(s, t == LIST_CIDR ? span_find(s, '/') : s.n)));
	if (t == LIST_TN)
		return tn_from_claim(span_make(text + 1, strspn(text + 1, "0123456789")), &tn) == 0 && list_contains_tn(l, &tn) && is_fact(l, FACT_TYPE_TN, (struct facts_value){.tn = tn});
	if (t == LIST_CIDR)
		return (inet_pton(AF_INET, text, a.b + 12) == 1 || inet_pton(AF_INET6, text, a.b) == 1) && list_contains_addr(l, &a) && is_fact(l, FACT_TYPE_ADDR, (struct facts_value){.addr = a});
	return strlen(text) > 253 || (list_contains_text(l, span_cstr(text)) && (t == LIST_TEXT) == is_fact(l, FACT_TYPE_TEXT, (struct facts_value){.text = span_cstr(text)}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = size ? span_make(data + 1, size - 1) : span_make("", 0), s;
	struct source_report r;
	struct list *l;

	source_report_init(&r);
	if (list_parse("x", size ? data[0] % 5 : 0, text, &l, &r) == 0 ? !l || r.errors : l || !r.errors)
		abort();
	while (l && text.n)
		if ((s = span_trim(span_cut(&text, '\n'))).n && span_find(s, '#') == s.n && !found(l, list_type(l), s))
			abort();
	if (l && (list_count(l) > size || list_bytes(l) < list_count(l) || list_type_of(span_cstr(list_type_name(list_type(l)))) != (int)list_type(l)))
		abort();
	list_free(l);
	source_report_free(&r);
	return 0;
}
