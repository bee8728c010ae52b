/*
 * SipHash-2-4-128, as its authors' reference code does it.
 *
 * Knows nothing of what is hashed.
 */
#include "config.h"

#include "core/siphash.h"

static uint64_t rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static uint64_t read64(const unsigned char *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void rounds(struct siphash *s, int n)
{
	while (n--) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static void compress(struct siphash *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

void siphash_begin(struct siphash *s, const unsigned char key[SIPHASH_KEY_BYTES])
{
	uint64_t k0 = read64(key), k1 = read64(key + 8);

	*s = (struct siphash){
		.v0 = k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xEE, /* 0xEE: the variant with 128 bits */
		.v2 = k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = k1 ^ UINT64_C(0x7465646279746573),
	};
}

void siphash_put(struct siphash *s, struct span piece)
{
	const unsigned char *q = (const unsigned char *)piece.p;

	for (size_t i = 0; i < piece.n; i++) {
		s->word |= (uint64_t)q[i] << (8 * (s->n & 7));
		if ((++s->n & 7) == 0) {
			compress(s, s->word);
			s->word = 0;
		}
	}
}

struct siphash_sum siphash_end(struct siphash *s)
{
	struct siphash_sum h;

	compress(s, s->word | s->n << 56);
	s->v2 ^= 0xEE;
	rounds(s, 4);
	h.half[0] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xDD;
	rounds(s, 4);
	h.half[1] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	return h;
}

struct siphash_sum siphash_of(const unsigned char key[SIPHASH_KEY_BYTES], struct span text)
{
	struct siphash s;

	siphash_begin(&s, key);
	siphash_put(&s, text);
	return siphash_end(&s);
}
