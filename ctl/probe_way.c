/*
 * Who it is from and for, and when: what a verifier would compare with the token.
 */
#include "config.h"

#include "core/address.h"
#include "ctl/print.h"
#include "ctl/probe_internal.h"

enum {
	/* Received fields that are looked at; Postfix bounces at 50 (hopcount_limit). */
	HOPS_MAX = 200,
	FIELD_MAX = 256 * 1024
};

/* The parties of a field's addresses; none when it is too long to be read. */
static size_t parties(struct probe *p, const struct numberplan *plan, struct span value, struct party *out, size_t max)
{
	struct span *addr;
	bool truncated;
	size_t n = value.n <= FIELD_MAX ? address_list(value, p->arena, &addr, &truncated) : 0;

	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++)
		party_from_address(plan, addr[i], p->arena, &out[i]);
	return n;
}

static void check_from(struct probe *p, const struct numberplan *plan, struct span head)
{
	struct mail_field f;
	struct party sent, arrived;

	/* A lost one was told with the fields. */
	if (!mail_field_find(head, "From", 0, &f))
		return;
	party_from_address(plan, p->recipe.from, p->arena, &sent);
	if (parties(p, plan, f.value, &arrived, 1) == 0 || !party_eq(&sent, &arrived))
		probe_add(p, PROBE_CHANGE_FROM, span_cstr("From"), span_trim(f.value));
}

/* The envelope's recipients, as far as they left a trace: as stirctl verify takes them. */
static void check_recipients(struct probe *p, const struct numberplan *plan, struct span head)
{
	struct party sent[PROBE_RECIPE_TO_MAX], arrived[PROBE_RECIPE_TO_MAX];
	struct mail_field f;
	const char *name = "X-Original-To";
	size_t n;

	if (!mail_field_find(head, name, 0, &f) && !mail_field_find(head, name = "Delivered-To", 0, &f) && !mail_field_find(head, name = "To", 0, &f))
		return;
	for (size_t i = 0; i < p->recipe.nto; i++)
		party_from_address(plan, p->recipe.to[i], p->arena, &sent[i]);
	n = parties(p, plan, f.value, arrived, PROBE_RECIPE_TO_MAX);
	for (size_t i = 0; i < n; i++) {
		bool named = false;

		for (size_t k = 0; k < p->recipe.nto; k++)
			named = named || party_eq(&arrived[i], &sent[k]);
		if (!named)
			probe_add(p, PROBE_CHANGE_RECIPIENTS, span_cstr(name), span_trim(f.value));
	}
}

/* Fields with a date, from the topmost, which is the newest, down. */
static void read_hops(struct probe *p, struct span head)
{
	struct mail_field f;
	struct buf scratch;
	int64_t t, above = 0;
	unsigned long dated = 0;

	buf_init(&scratch, FIELD_MAX);
	while (mail_field_next(&head, &f)) {
		if (!span_caseis(f.name, "Received") || p->hops++ >= HOPS_MAX || run_field_date(&f, true, &scratch, &t))
			continue;
		if (dated++ == 0) {
			p->received = t;
			p->has_received = true;
		} else if (!p->has_slowest || above - t > p->slowest_s) {
			p->slowest_s = above - t;
			p->slowest = p->hops - 1; /* counted from above, so far */
			p->has_slowest = true;
		}
		above = t;
	}
	/* The first hop has the way from the maker. */
	if (dated && (!p->has_slowest || above - p->recipe.made > p->slowest_s)) {
		p->slowest_s = above - p->recipe.made;
		p->slowest = p->hops;
		p->has_slowest = true;
	}
	p->slowest = p->hops >= p->slowest ? p->hops - p->slowest + 1 : 0;
	buf_free(&scratch);
}

static void check_delay(struct probe *p, const struct probe_setup *s)
{
	int64_t delay = p->received - p->recipe.made;
	char took[PRINT_AGE_BYTES], max[PRINT_AGE_BYTES];

	if (!p->has_received)
		return;
	if (delay > (int64_t)s->max_age_s)
		probe_add(p, PROBE_CHANGE_DELAY, span_cstr("message"), arena_printf(p->arena, "%s, MaxAge is %s", print_age(took, delay), print_age(max, s->max_age_s)));
	if (delay < -(int64_t)s->max_skew_s)
		probe_add(p, PROBE_CHANGE_CLOCK, span_cstr("message"), arena_printf(p->arena, "by %s", print_age(took, delay)));
}

void probe_way(struct probe *p, const struct probe_setup *s, struct span arrived_head)
{
	check_from(p, s->plan, arrived_head);
	check_recipients(p, s->plan, arrived_head);
	read_hops(p, arrived_head);
	check_delay(p, s);
}
