/* Chains of diversion, as the claims tell them; see divchain.h. */
#include "config.h"

#include "core/divchain.h"

static const char *const sentences[] = {
	[DIVCHAIN_WHOLE] = "",
	[DIVCHAIN_OUT] = "no div token can be used",
	[DIVCHAIN_ORIG] = "a div token names another originator than the msg token",
	[DIVCHAIN_UNLINKED] = "a div token diverts from somebody whom no earlier token names",
	[DIVCHAIN_LONG] = "more diversions one after the other than are looked at",
	[DIVCHAIN_ELSEWHERE] = "the diversions lead to others than the recipients",
};

const char *divchain_flaw_sentence(enum divchain_flaw f)
{
	return (size_t)f < sizeof sentences / sizeof *sentences ? sentences[f] : "";
}

bool divchain_names(const struct passport *p, const struct party *who)
{
	for (size_t i = 0; i < p->ndest; i++)
		if (party_eq(&p->dest[i], who))
			return true;
	return false;
}

static bool usable(const struct passport *base, const struct divchain_token *t)
{
	return !t->out && party_eq(&t->p->orig, &base->orig);
}

/* Does a token that many diversions away (0: the base token) name the party? */
static bool named_at(const struct passport *base, const struct divchain_token *t, size_t n, unsigned depth, const struct party *who)
{
	if (depth == 0)
		return divchain_names(base, who);
	for (size_t i = 0; i < n; i++)
		if (t[i].depth == depth && divchain_names(t[i].p, who))
			return true;
	return false;
}

void divchain_link(const struct passport *base, struct divchain_token *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t[i].depth = 0;
	for (unsigned depth = 1; depth <= LIMIT_DIV_CHAIN; depth++)
		for (size_t i = 0; i < n; i++)
			if (t[i].depth == 0 && usable(base, &t[i]) && named_at(base, t, n, depth - 1, &t[i].p->div))
				t[i].depth = depth;
}

size_t divchain_path(const struct divchain_token *t, size_t n, const struct party *who, size_t path[LIMIT_DIV_CHAIN])
{
	const struct party *at = who;
	size_t length = 0, found = n;
	unsigned depth;

	for (size_t i = 0; i < n; i++)
		if (t[i].depth && divchain_names(t[i].p, who) && (found == n || t[i].depth < t[found].depth))
			found = i;
	if (found == n)
		return 0;
	for (depth = t[found].depth; depth > 0; depth--) {
		for (size_t i = 0; found == n && i < n; i++)
			if (t[i].depth == depth && divchain_names(t[i].p, at))
				found = i;
		path[length++] = found;
		at = &t[found].p->div;
		found = n;
	}
	return length;
}

enum divchain_flaw divchain_flaw(const struct passport *base, const struct divchain_token *t, size_t n, const struct party *who)
{
	bool orig = false, unlinked = false, deepest = false, any = false;

	for (size_t i = 0; i < n; i++) {
		if (t[i].out)
			continue;
		any = true;
		if (!usable(base, &t[i]))
			orig = true;
		else if (t[i].depth == 0)
			unlinked = true;
		deepest = deepest || t[i].depth == LIMIT_DIV_CHAIN;
		if (t[i].depth && divchain_names(t[i].p, who))
			return DIVCHAIN_WHOLE;
	}
	if (!any)
		return DIVCHAIN_OUT;
	if (orig)
		return DIVCHAIN_ORIG;
	if (unlinked)
		return deepest ? DIVCHAIN_LONG : DIVCHAIN_UNLINKED;
	return DIVCHAIN_ELSEWHERE;
}
