/*
 * Base64 in its two alphabets, and hex, strictly.
 *
 * Own code because EVP_DecodeBlock() and its like skip white space, accept
 * spare bits and know no base64url: a value could then be spelled in many ways.
 */
#include "config.h"

#include "core/encoding.h"

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char base64_alphabet[] = ALPHANUMERIC "+/";
static const char base64url_alphabet[] = ALPHANUMERIC "-_";

size_t encoding_decoded_max(size_t n)
{
	return n / 4 * 3 + n % 4 * 3 / 4;
}

/* Beside a value: of which alphabet it is, when it is not of both. */
enum { STD = 0x40, URL = 0x80, NONE = STD | URL };

/* From the blank to the last of ASCII. */
static const unsigned char values[] = {
	NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 62 | STD, NONE, 62 | URL, NONE, 63 | STD,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NONE, NONE, NONE, NONE, NONE, NONE,
	NONE, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NONE, NONE, NONE, NONE, 63 | URL,
	NONE, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NONE, NONE, NONE, NONE, NONE,
};

static unsigned sextet(unsigned char c)
{
	return c >= ' ' && c - ' ' < (int)sizeof values ? values[c - ' '] : NONE;
}

/* wrong: the mark of the other alphabet. */
static int decode(struct span in, unsigned wrong, unsigned char *out, size_t cap, size_t *n)
{
	unsigned bits = 0, nbits = 0, seen = 0;
	size_t at = 0, i = 0;

	*n = 0;
	if (in.n % 4 == 1 || encoding_decoded_max(in.n) > cap)
		return -1;
	for (; i + 4 <= in.n; i += 4, at += 3) {
		unsigned four = 0;

		for (size_t k = 0; k < 4; k++) {
			unsigned v = sextet((unsigned char)in.p[i + k]);

			seen |= v;
			four = four << 6 | (v & 63);
		}
		out[at] = (unsigned char)(four >> 16);
		out[at + 1] = (unsigned char)(four >> 8);
		out[at + 2] = (unsigned char)four;
	}
	for (; i < in.n; i++) {
		unsigned v = sextet((unsigned char)in.p[i]);

		seen |= v;
		bits = bits << 6 | (v & 63);
		nbits += 6;
		if (nbits >= 8) {
			nbits -= 8;
			out[at++] = (unsigned char)(bits >> nbits);
			bits &= (1u << nbits) - 1;
		}
	}
	if (bits || (seen & wrong))
		return -1;
	*n = at;
	return 0;
}

static void encode(struct buf *out, const unsigned char *p, size_t n, const char *alphabet, bool padded)
{
	for (; n; p += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		unsigned bits = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
		size_t used = n < 3 ? n + 1 : 4;
		char quad[4];

		for (size_t i = 0; i < sizeof quad; i++)
			quad[i] = i < used ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
		if (buf_put(out, quad, padded ? sizeof quad : used))
			return;
	}
}

int base64url_decode(struct span in, unsigned char *out, size_t cap, size_t *n)
{
	return decode(in, STD, out, cap, n);
}

void base64url_encode(struct buf *out, const void *p, size_t n)
{
	encode(out, p, n, base64url_alphabet, false);
}

int base64_decode(struct span in, unsigned char *out, size_t cap, size_t *n)
{
	/* Only complete padding goes here; any other '=' fails as an octet. */
	if (in.n && in.n % 4 == 0 && in.p[in.n - 1] == '=')
		in.n -= in.p[in.n - 2] == '=' ? 2 : 1;
	return decode(in, URL, out, cap, n);
}

void base64_encode(struct buf *out, const void *p, size_t n)
{
	encode(out, p, n, base64_alphabet, true);
}

void hex_encode(char *out, const unsigned char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[p[i] >> 4];
		out[2 * i + 1] = hex[p[i] & 15];
	}
}
