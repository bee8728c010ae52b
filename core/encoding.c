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

/* 0..63, or -1. */
static int sextet(unsigned char c, const char *alphabet)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (unsigned char)alphabet[62])
		return 62;
	if (c == (unsigned char)alphabet[63])
		return 63;
	return -1;
}

static int decode(struct span in, const char *alphabet, unsigned char *out, size_t cap, size_t *n)
{
	unsigned bits = 0, nbits = 0;
	size_t at = 0;

	*n = 0;
	if (in.n % 4 == 1 || encoding_decoded_max(in.n) > cap)
		return -1;
	for (size_t i = 0; i < in.n; i++) {
		int v = sextet((unsigned char)in.p[i], alphabet);

		if (v < 0)
			return -1;
		bits = bits << 6 | (unsigned)v;
		nbits += 6;
		if (nbits >= 8) {
			nbits -= 8;
			out[at++] = (unsigned char)(bits >> nbits);
			bits &= (1u << nbits) - 1;
		}
	}
	if (bits)
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
	return decode(in, base64url_alphabet, out, cap, n);
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
	return decode(in, base64_alphabet, out, cap, n);
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
