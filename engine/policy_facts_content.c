/*
 * What is in the body, if it was kept.
 */
#include "config.h"

#include "core/mimefacts.h"
#include "engine/policy_facts_internal.h"

static void put_texts(struct facts *f, enum fact_id id, const struct span *list, size_t n)
{
	facts_empty(f, id);
	for (size_t i = 0; i < n; i++)
		facts_add_text(f, id, list[i]);
}

static void put_structure(struct facts *f, const struct mimefacts *x)
{
	f->worked_out |= FACT_NEED_CONTENT;
	facts_set_num(f, FACT_MIME_COUNT, (int64_t)x->count);
	facts_set_num(f, FACT_MIME_DEPTH, (int64_t)x->depth);
	facts_set_num(f, FACT_MIME_LARGEST, (int64_t)x->largest);
	put_texts(f, FACT_MIME_TYPE, x->type, x->ntype);
	put_texts(f, FACT_MIME_NAME, x->name, x->nname);
	put_texts(f, FACT_MIME_CHARSET, x->charset, x->ncharset);
}

static void put_text(struct facts *f, const struct mimefacts *x)
{
	f->worked_out |= FACT_NEED_TEXT;
	put_texts(f, FACT_TEXT_BODY, x->text, x->ntext);
	facts_set_num(f, FACT_TEXT_SIZE, (int64_t)x->text_size);
	put_texts(f, FACT_URL, x->url, x->nurl);
	put_texts(f, FACT_URL_HOST, x->host, x->nurl);
	facts_set_num(f, FACT_URL_COUNT, (int64_t)x->nurl);
}

/* The top header's value, empty when absent. */
static struct span top(const struct mms_message *m, const char *name)
{
	const struct header_field *h = message_field(m, name, 0);

	return h && !h->cut ? h->value : span_make(NULL, 0);
}

bool policy_facts_content(struct facts *f, const struct mms_message *m, bool text)
{
	struct mimefacts x;

	if (m->over_limit || !(m->want & MESSAGE_WANT_KEEP) || m->kept.failed) {
		facts_incomplete(f, m->kept.failed ? "the body is larger than is looked at" : "the body was not looked at");
		return !m->kept.failed;
	}
	if (mimefacts_read(top(m, "Content-Type"), top(m, "Content-Transfer-Encoding"), buf_span(&m->kept), text, f->arena, &x)) {
		facts_incomplete(f, "no memory for the content");
		return true;
	}
	if (x.incomplete)
		policy_facts_too_large(f, "the body has more parts, text or addresses than are looked at");
	if (!x.structure)
		return false;
	put_structure(f, &x);
	if (text)
		put_text(f, &x);
	return true;
}
