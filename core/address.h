/*
 * Addresses of a message as STIR sees them: a telephone number, or a mailto URI.
 *
 * Field values are parsed by GMime; what GMime can't read as an address (MM4
 * writes "+15551230001/TYPE=PLMN" without a domain) is looked at here.  Display
 * names are never returned: nothing may be decided by them (RFC 8224, 6.1).
 */
#ifndef STIR_CORE_ADDRESS_H
#define STIR_CORE_ADDRESS_H

#include "core/arena.h"
#include "core/numberplan.h"

enum party_kind { PARTY_NONE, PARTY_TN, PARTY_URI };

/* One originator or destination, in canonical form. */
struct party {
	enum party_kind kind;
	struct tn tn;    /* PARTY_TN */
	struct span uri; /* PARTY_URI: "mailto:local@domain", the domain in lower case */
};

/* Call once, before threads: sets up GMime. */
void address_init(void);

/*
 * All addresses of a From, To, Cc or similar value, groups opened, in order.
 * value is as it came (folded or not).  *out and the texts are in the arena:
 * each is "local@domain" or "local", quotes of a quoted local part removed.
 * Returns how many; 0 for none or nothing readable.  At most
 * LIMIT_FIELD_ADDRESSES are read; *truncated says whether there were more.
 * A sole address that another reader could take for two (an '@' in an unquoted
 * display name, something left unread) is followed by an empty one, which is no
 * party: exactly 1 means exactly one.
 */
size_t address_list(struct span value, struct arena *a, struct span **out, bool *truncated);

/*
 * An envelope address: "<local@domain>", "local@domain", "<>" or empty, with
 * or without angle brackets and source route.  Gives the address without
 * brackets (a view into s, or of the arena where quotes had to go).
 */
struct span address_envelope(struct span s, struct arena *a);
/* The same with its quotes, as one says it to an MTA. A view into s. */
struct span address_path(struct span s);

/* "local@domain" cut at its last '@'; domain is empty without one. */
void address_split(struct span addr, struct span *local, struct span *domain);

/* The party an address stands for; PARTY_NONE for an empty address or on overflow. */
void party_from_address(const struct numberplan *plan, struct span addr, struct arena *a, struct party *out);

bool party_eq(const struct party *a, const struct party *b);
/* The canonical text: the digits, or the URI. */
struct span party_text(const struct party *p);
/* For qsort() and bsearch() of pointers to parties: numbers before URIs, each by the octets of its text; 0: the same. */
int party_order(const void *pa, const void *pb);

#endif
