/*
 * What the pieces of policy_facts share; nobody else includes this.
 */
#ifndef STIR_ENGINE_POLICY_FACTS_INTERNAL_H
#define STIR_ENGINE_POLICY_FACTS_INTERNAL_H

#include "engine/policy_facts.h"

/* --- the pieces, each sets the facts of its sources */
void policy_facts_verification(struct facts *f, const struct transaction *t, int64_t now);
void policy_facts_envelope(struct facts *f, const struct mms_message *m);
void policy_facts_header(struct facts *f, const struct mms_message *m, int64_t now);
void policy_facts_to(struct facts *f, const struct mms_message *m);
void policy_facts_mms(struct facts *f, const struct transaction *t, int64_t now);
/* me: our name in Authentication-Results. */
void policy_facts_results(struct facts *f, const struct settings *s, const struct mms_message *m, struct span me);
void policy_facts_scores(struct facts *f, const struct settings *s, const struct mms_message *m);
/* False: the body is larger, or has more parts, than is looked at. */
bool policy_facts_content(struct facts *f, const struct mms_message *m, bool text);

/* --- setting one fact; ONE or LIST as the row says; what is empty or none of the type stays absent */
void policy_facts_put_word(struct facts *f, enum fact_id id, struct span word); /* case ignored */
void policy_facts_put_text(struct facts *f, enum fact_id id, struct span text);
void policy_facts_put_lower(struct facts *f, enum fact_id id, struct span text);
void policy_facts_put_host(struct facts *f, enum fact_id id, struct span host);
/* Only a part of the message is in the facts: a rule that would have hit may be silent, and the fact failure says so. */
void policy_facts_too_large(struct facts *f, const char *why);
/* The domain of an address, as a host. */
void policy_facts_put_domain(struct facts *f, enum fact_id id, struct span address);

/* --- reading a header */

/* The value of the one field of that name; of several, if they say the same (case ignored). Trimmed. */
bool policy_facts_only(const struct mms_message *m, const char *name, struct span *value);
/* Decimal digits, nothing else, below 10^12. */
bool policy_facts_digits(struct span s, int64_t *out);
/* A date (RFC 5322) between 1970 and a century from now, as seconds since 1970. */
bool policy_facts_date(struct span s, int64_t now, int64_t *out);

#endif
