/*
 * The names of a result's parts: stable words for logs, header fields, JSON.
 *
 * Nothing here decides; results are filled by the verifier.
 */
#include "config.h"

#include "core/stir_result.h"

#define NAME_OF(table, value) ((size_t)(value) < sizeof(table) / sizeof(table)[0] ? (table)[value] : "unknown")

const char *stir_integrity_name(enum stir_integrity i)
{
	static const char *const names[] = {
		[STIR_INTEGRITY_UNKNOWN] = "unknown",
		[STIR_INTEGRITY_NONE] = "none",
		[STIR_INTEGRITY_RAW] = "raw",
		[STIR_INTEGRITY_DECODED] = "decoded",
		[STIR_INTEGRITY_MISMATCH] = "mismatch",
		[STIR_INTEGRITY_MALFORMED] = "malformed",
	};

	return NAME_OF(names, i);
}

const char *stir_dest_cover_name(enum stir_dest_cover c)
{
	static const char *const names[] = {
		[STIR_DEST_UNKNOWN] = "unknown",
		[STIR_DEST_FULL] = "full",
		[STIR_DEST_DIVERTED] = "diverted",
		[STIR_DEST_PARTIAL] = "partial",
		[STIR_DEST_NONE] = "none",
	};

	return NAME_OF(names, c);
}

const char *stir_replay_name(enum stir_replay r)
{
	static const char *const names[] = {
		[STIR_REPLAY_OFF] = "off",
		[STIR_REPLAY_NEW] = "new",
		[STIR_REPLAY_DUPLICATE] = "duplicate",
		[STIR_REPLAY_REPLAYED] = "replayed",
		[STIR_REPLAY_UNKNOWN] = "unknown",
	};

	return NAME_OF(names, r);
}

const char *stir_rcd_name(enum stir_rcd r)
{
	static const char *const names[] = {
		[STIR_RCD_NONE] = "none",
		[STIR_RCD_PRESENT] = "present",
		[STIR_RCD_VERIFIED] = "verified",
		[STIR_RCD_MISMATCH] = "mismatch",
		[STIR_RCD_UNCHECKED] = "unchecked",
	};

	return NAME_OF(names, r);
}

const char *stir_stage_name(enum stir_stage s)
{
	static const char *const names[] = {
		[STIR_STAGE_FIELD] = "field",
		[STIR_STAGE_TOKEN] = "token",
		[STIR_STAGE_TIME] = "time",
		[STIR_STAGE_PARTIES] = "parties",
		[STIR_STAGE_CERT] = "cert",
		[STIR_STAGE_AUTHORITY] = "authority",
		[STIR_STAGE_SIGNATURE] = "signature",
		[STIR_STAGE_CONTENT] = "content",
		[STIR_STAGE_REPLAY] = "replay",
		[STIR_STAGE_DONE] = "done",
	};

	return NAME_OF(names, s);
}
