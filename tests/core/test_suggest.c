/* How near two words are, and which name is meant. */
#include "config.h"

#include "core/suggest.h"
#include "tests/lib/tap.h"

static const struct distance_case {
	const char *a, *b;
	unsigned limit, want;
} distances[] = {
	{"", "", 0, 0},
	{"", "abc", 3, 3},
	{"abc", "", 2, 3},
	{"reject", "reject", 0, 0},
	{"Reject", "rEJECT", 0, 0},
	{"rejct", "reject", 3, 1},
	{"rejectt", "reject", 3, 1},
	{"rejekt", "reject", 3, 1},
	{"erject", "reject", 3, 1},
	{"ca", "abc", 3, 3}, /* restricted: what was swapped isn't edited again */
	{"kitten", "sitting", 3, 3},
	{"kitten", "sitting", 2, 3},
	{"abcdef", "uvwxyz", 3, 4},
};

static const char *const names[] = {"Socket", "Mode", NULL, "MaxAge", "MaxSkew", "InternalHosts", "MTA", "s", "v", "sv"};

static const struct name_case {
	const char *word, *want;
} near[] = {
	{"Sokcet", "Socket"},
	{"socket", "Socket"},
	{"Mod", "Mode"},
	{"Maxage", "MaxAge"},
	{"MaxScew", "MaxSkew"},
	{"InternalHost", "InternalHosts"},
	{"InternlHots", "InternalHosts"},
	{"MAT", "MTA"},
	{"S", "s"},
	{"ssv", "sv"},
	{"x", NULL},
	{"xy", NULL},
	{"", NULL},
	{"Canonicalization", NULL},
	{"M", NULL},
};

int main(void)
{
	char lng[SUGGEST_MAX_BYTES + 2];
	const size_t n = sizeof names / sizeof *names;

	for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
		const struct distance_case *c = &distances[i];

		tap_int(suggest_distance(span_cstr(c->a), span_cstr(c->b), c->limit), c->want, "\"%s\" to \"%s\" within %u", c->a,
			c->b, c->limit);
	}
	for (size_t i = 0; i < sizeof near / sizeof *near; i++)
		tap_str(suggest_name(span_cstr(near[i].word), names, n), near[i].want, "\"%s\"", near[i].word);
	tap_str(suggest_name(span_cstr("Mode"), names, 0), NULL, "an empty list");
	memset(lng, 'a', sizeof lng);
	tap_int(suggest_distance(span_make(lng, SUGGEST_MAX_BYTES), span_make(lng, SUGGEST_MAX_BYTES), 3), 0, "the longest words");
	tap_int(suggest_distance(span_make(lng, sizeof lng), span_make(lng, sizeof lng), 3), 4, "longer ones are never near");
	return tap_done();
}
