/*
 * Sixteen characters at a time by plain C, which compilers turn into what every
 * machine has; thirty-two where there is AVX2.
 */
#include "config.h"

#include "core/base64_run.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = BASE64_RUN_MIN };

/* --- every machine ------------------------------------------------------------------- */

typedef unsigned char vec __attribute__((vector_size(BLOCK)));
typedef uint64_t vec64 __attribute__((vector_size(BLOCK)));

static bool any_set(vec v)
{
	vec64 x = (vec64)v;

	return (x[0] | x[1]) != 0;
}

/* The values of the characters, and in *bad a mark for each that is none. */
static inline vec translate(vec c, vec *bad)
{
	vec letter = (c | 0x20) - 'a', digit = c - '0';
	vec is_letter = (vec)(letter < 26), is_digit = (vec)(digit < 10), is_plus = (vec)(c == '+'), is_slash = (vec)(c == '/');

	*bad = ~(is_letter | is_digit | is_plus | is_slash);
	letter += (vec)(c >= 'a') & 26;
	return (letter & is_letter) | ((digit + 52) & is_digit) | (is_plus & 62) | (is_slash & 63);
}

/* A block of values to twelve octets; out has room for fourteen. */
static inline void pack(char *out, vec v)
{
	const uint64_t even8 = 0x00FF00FF00FF00FFu, even16 = 0x0000FFFF0000FFFFu;
	vec64 x = (vec64)v;

	for (size_t i = 0; i < BLOCK / 8; i++)
		x[i] = le64toh(x[i]);
	x = (x & even8) << 6 | (x >> 8 & even8);
	x = (x & even16) << 12 | (x >> 16 & even16);
	x = x << 40 | x >> 32 << 16;
	for (size_t i = 0; i < BLOCK / 8; i++) {
		uint64_t six = htobe64(x[i]);

		memcpy(out + 6 * i, &six, sizeof six);
	}
}

static inline vec decode_block(char *out, const char *p)
{
	vec c, bad;

	memcpy(&c, p, sizeof c);
	pack(out, translate(c, &bad));
	return bad;
}

bool base64_run_plain(char *out, const char *p, size_t n)
{
	vec bad = {0};
	size_t i;

	for (i = 0; i + BLOCK <= n; i += BLOCK)
		bad |= decode_block(out + i / 4 * 3, p + i);
	/* The rest together with some that are done already. */
	if (i < n)
		bad |= decode_block(out + (n - BLOCK) / 4 * 3, p + n - BLOCK);
	return !any_set(bad);
}

/* --- AVX2 ------------------------------------------------------------------------------ */

#if defined(__x86_64__)

enum { WIDE = 32 };

/* Twice the same sixteen, since the machine looks up in each half by itself. */
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/*
 * The upper four bits of a character say what to add for its value ('/' alone is
 * among others of its row, and takes the unused place before it), and one bit for
 * its row; the lower four say in which rows there is a character of that place.
 */
__attribute__((target("avx2"))) static inline __m256i wide_values(__m256i c, __m256i *bad)
{
	const __m256i add = TWICE(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i row = TWICE(0, 0, 1, 2, 4, 8, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i rows = TWICE(2 | 8, 2 | 4 | 8, 2 | 4 | 8, 2 | 4 | 8, 2 | 4 | 8, 2 | 4 | 8, 2 | 4 | 8, 2 | 4 | 8, 2 | 4 | 8, 2 | 4 | 8, 4 | 8, 1 | 4, 4, 4, 4, 1 | 4);
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i upper = _mm256_and_si256(_mm256_srli_epi32(c, 4), nibble), lower = _mm256_and_si256(c, nibble);
	__m256i there = _mm256_and_si256(_mm256_shuffle_epi8(row, upper), _mm256_shuffle_epi8(rows, lower));
	__m256i slash = _mm256_cmpeq_epi8(c, _mm256_set1_epi8('/'));

	*bad = _mm256_or_si256(*bad, _mm256_cmpeq_epi8(there, _mm256_setzero_si256()));
	return _mm256_add_epi8(c, _mm256_shuffle_epi8(add, _mm256_add_epi8(upper, slash)));
}

/* Thirty-two values to twenty-four octets; out has room for thirty-two. */
__attribute__((target("avx2"))) static inline void wide_pack(char *out, __m256i v)
{
	const __m256i order = TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
	const __m256i together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
	/* Two of six bits to twelve, two of those to twenty-four. */
	__m256i twelve = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
	__m256i bits = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));

	bits = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(bits, order), together);
	memcpy(out, &bits, sizeof bits);
}

__attribute__((target("avx2"))) static inline void wide_block(char *out, const char *p, __m256i *bad)
{
	__m256i c;

	memcpy(&c, p, sizeof c);
	wide_pack(out, wide_values(c, bad));
}

/* n is at least WIDE. */
__attribute__((target("avx2"))) static bool run_wide(char *out, const char *p, size_t n)
{
	__m256i bad = _mm256_setzero_si256();
	size_t i;

	for (i = 0; i + WIDE <= n; i += WIDE)
		wide_block(out + i / 4 * 3, p + i, &bad);
	if (i < n)
		wide_block(out + (n - WIDE) / 4 * 3, p + n - WIDE, &bad);
	return _mm256_testz_si256(bad, bad);
}

bool base64_run(char *out, const char *p, size_t n)
{
	return n >= WIDE && __builtin_cpu_supports("avx2") ? run_wide(out, p, n) : base64_run_plain(out, p, n);
}

#else

bool base64_run(char *out, const char *p, size_t n)
{
	return base64_run_plain(out, p, n);
}

#endif
