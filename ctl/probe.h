/*
 * What a path did to a probe: the message that arrived against the one that was
 * made, which is built again from the recipe that it carries.
 *
 * Everything is found by comparing octets; who did it nobody can tell from them,
 * so the texts say what kinds of hop are known to.
 */
#ifndef STIR_CTL_PROBE_H
#define STIR_CTL_PROBE_H

#include "core/content.h"
#include "ctl/mail.h"
#include "ctl/probe_make.h"

enum probe_change {
#define PROBE_CHANGE(id, name, matters, sentence, help) PROBE_CHANGE_##id,
#include "ctl/probe_change.def"
#undef PROBE_CHANGE
	PROBE_CHANGES
};

enum {
	/* Findings of one message; kinds times the parts of a probe. */
	PROBE_FINDINGS_MAX = 300,
	/* Names of fields that are new, each once. */
	PROBE_ADDED_MAX = 40,
	/* Octets of a detail, or of a name that came with the message. */
	PROBE_DETAIL_MAX = 120,
	PROBE_CONTEXT = 16
};

struct probe_finding {
	enum probe_change change;
	struct span where;     /* a part or field of the probe; foreign octets in names of others */
	struct span detail;    /* may be empty; foreign octets inside, see print_quoted() */
	unsigned long count;
	bool has_place;
	size_t offset;         /* in the content of that part, as sent */
	unsigned long line;    /* there, from 1 */
};

enum probe_field_state {
	PROBE_FIELD_SAME, PROBE_FIELD_FOLDED, PROBE_FIELD_BLANKS, PROBE_FIELD_BANG, PROBE_FIELD_CUT,
	PROBE_FIELD_CHANGED, PROBE_FIELD_LOST
};
const char *probe_field_state_name(enum probe_field_state s);

enum probe_digest { PROBE_DIGEST_SAME, PROBE_DIGEST_CHANGED, PROBE_DIGEST_NONE };
const char *probe_digest_name(enum probe_digest d);

/* What an Identity field, or its stand-in, came to. */
struct probe_token {
	bool sent;
	size_t octets;                /* of its value as sent, folds included */
	enum probe_field_state state;
};

enum probe_recipe_from { PROBE_FROM_NOWHERE, PROBE_FROM_FIELD, PROBE_FROM_BODY, PROBE_FROM_SENT };

struct probe {
	struct arena *arena; /* all spans below; owned */
	enum probe_recipe_from recipe_from;
	bool recipe_damaged;  /* there is one, but it can't be used; with PROBE_FROM_NOWHERE */
	struct probe_recipe recipe;

	/* all of this only if recipe_from is not PROBE_FROM_NOWHERE */
	bool other_version;   /* the digests that it carries are not of what is built here */
	enum probe_digest msgi, msgc;
	unsigned unsafe;      /* of the body as sent: content_unsafe_names() */
	size_t sent_octets, arrived_octets; /* of the bodies */
	bool differs;
	size_t first;         /* octets before the first difference of the bodies */
	unsigned long first_line, first_column; /* in the body as sent, from 1 */
	const char *first_part;
	struct span first_sent, first_arrived;  /* from there on, at most PROBE_CONTEXT */

	size_t parts_sent, parts_same; /* leaves, by their octets and their header's */
	size_t fields_sent, fields_same;
	struct span added[PROBE_ADDED_MAX];
	size_t nadded;
	struct probe_token typical, longest, identity; /* identity: sent only if the probe was signed when it was made */
	size_t identities;    /* Identity fields that arrived */

	unsigned long hops;   /* Received fields */
	bool has_received;
	int64_t received;     /* topmost Received */
	bool has_slowest;
	unsigned long slowest; /* the hop, 1 is the first one after the sender */
	int64_t slowest_s;

	struct probe_finding *finding;
	size_t nfinding;
	bool more;            /* findings left out */
};

/* What is known beside the message. */
struct probe_setup {
	const struct numberplan *plan;      /* may be NULL */
	uint32_t max_age_s, max_skew_s;
	const struct probe_recipe *sent;    /* for messages whose own recipe is lost; or NULL */
};

/* 0 (probe_free()), or -1 without memory. */
int probe_init(struct probe *p) MUST_USE;
void probe_free(struct probe *p);
/* Compares; forgets what was there before. 0, or -1 and *e (memory). */
int probe_read(struct probe *p, const struct mail *m, const struct probe_setup *s, struct err *e) MUST_USE;
/* Did nothing change that matters?  Only for a probe. */
bool probe_well(const struct probe *p);

const char *probe_change_name(enum probe_change c);
const char *probe_change_sentence(enum probe_change c);
const char *probe_change_help(enum probe_change c);
bool probe_change_matters(enum probe_change c);

/* The facts field of a probe ("X-STIR-Probe-Facts"), and one that was signed ("X-STIR-Probe-Identity", value as signed, on one line); LF line ends. 0 / -1. */
int probe_facts(struct buf *head, const struct probe_make *made) MUST_USE;
int probe_facts_identity(struct buf *head, struct span value) MUST_USE;

#endif
