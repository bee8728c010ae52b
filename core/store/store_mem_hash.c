/*
 * SipHash-2-4 with a result of 64 bits: one call for each look-up, no memory, no
 * provider to ask.  policy/ has the variant of 128 bits, and may not be known here.
 */
#include "config.h"

#include "core/store/store_mem_internal.h"

static uint64_t rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static uint64_t read_up_to_8(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return v;
}

static void rounds(uint64_t v[4], int n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void compress(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

uint64_t store_mem_hash(const unsigned char seed[STORE_MEM_SEED_BYTES], struct span key)
{
	uint64_t k0 = read_up_to_8((const char *)seed, 8), k1 = read_up_to_8((const char *)seed + 8, 8);
	uint64_t v[4] = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};
	struct span rest = key;

	for (; rest.n >= 8; rest = span_skip(rest, 8))
		compress(v, read_up_to_8(rest.p, 8));
	compress(v, read_up_to_8(rest.p, rest.n) | (uint64_t)key.n << 56);
	v[2] ^= 0xFF;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
