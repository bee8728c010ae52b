/*
 * Text of a policy to tokens: what is a word, a number, an address, and where
 * it stands.  Values are made of them by the parser; the formatter only moves them.
 */
#ifndef STIR_POLICY_LEXER_H
#define STIR_POLICY_LEXER_H

#include "policy/source.h"

enum {
	LEXER_FILE_MAX = 1024 * 1024, /* octets; a policy is written by people, lists have files of their own */
	LEXER_WORD_MAX = 255,         /* a host name */
	LEXER_TEXT_MAX = 1024         /* octets between the marks of a text or a regular expression, as written */
};

enum lexer_kind {
	LEXER_END,
	LEXER_WORD,      /* [A-Za-z][A-Za-z0-9_.-]*, no dot at the end, no two in a row */
	LEXER_ADDRESS,   /* abuse@example.net: a word, @, a word */
	LEXER_NUMBER,    /* 12 -1.5 */
	LEXER_DURATION,  /* 60s, -5m */
	LEXER_SIZE,      /* 600k */
	LEXER_CODE,      /* 4.7.5 */
	LEXER_CLOCK,     /* 08:00: two digits, ':', two digits */
	LEXER_TN,        /* +15550100001 */
	LEXER_TN_PREFIX, /* +1888* */
	LEXER_NET,       /* digits with three dots, or colons; perhaps /digits */
	LEXER_TEXT,      /* "..." with its marks */
	LEXER_REGEX,     /* /.../ or /.../i with its marks, only after ~ and !~ */
	LEXER_LIST,      /* @name */
	LEXER_EQ, LEXER_NE, LEXER_LT, LEXER_LE, LEXER_GT, LEXER_GE, LEXER_MATCH, LEXER_NO_MATCH,
	LEXER_OPEN, LEXER_CLOSE,             /* { } */
	LEXER_PAREN_OPEN, LEXER_PAREN_CLOSE, /* ( ) */
	LEXER_COMMA, LEXER_RANGE,            /* , .. */
	LEXER_COMMENT                        /* from # to the end of the line; only when asked for */
};

struct lexer_token {
	enum lexer_kind kind;
	struct span text; /* as written, in the source */
	struct source_pos at;
};

/* A plain value: a copy is a bookmark. */
struct lexer {
	const struct source *src;
	struct source_report *report;
	bool comments;    /* LEXER_COMMENT tokens are wanted */
	size_t pos;       /* next octet */
	size_t line_start;
	uint32_t line;
	struct source_pos end; /* behind the last token */
	bool after_match; /* a regular expression may follow */
};

/*
 * Looks at the whole text: size, UTF-8, no CR, NUL, byte order mark or other
 * character that can't be seen.  0, or -1 after saying where.
 */
int lexer_open(struct lexer *l, const struct source *src, bool comments, struct source_report *report) MUST_USE;
/* 0, at the end again and again LEXER_END; -1 after saying what can't be read. */
int lexer_next(struct lexer *l, struct lexer_token *t) MUST_USE;

#endif
