/*
 * SipHash-2-4 with a result of 128 bits (Aumasson, Bernstein), as the keys of
 * counters need it: one call per look-up, no memory, no provider to ask.
 *
 * Knows nothing of what is counted.
 */
#include "config.h"

#include "policy/counters_internal.h"

struct state {
	uint64_t v0, v1, v2, v3;
	uint64_t word; /* octets that don't make eight yet, the first lowest */
	uint64_t n;    /* octets so far */
};

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

static void rounds(struct state *s, int n)
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

static void begin(struct state *s, const unsigned char *seed)
{
	uint64_t k0 = read64(seed), k1 = read64(seed + 8);

	*s = (struct state){
		.v0 = k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xEE, /* 0xEE: the variant with 128 bits */
		.v2 = k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = k1 ^ UINT64_C(0x7465646279746573),
	};
}

static void compress(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

static void put(struct state *s, const void *p, size_t n)
{
	const unsigned char *q = p;

	for (size_t i = 0; i < n; i++) {
		s->word |= (uint64_t)q[i] << (8 * (s->n & 7));
		if ((++s->n & 7) == 0) {
			compress(s, s->word);
			s->word = 0;
		}
	}
}

static struct counters_hash end(struct state *s)
{
	struct counters_hash h;

	compress(s, s->word | s->n << 56);
	s->v2 ^= 0xEE;
	rounds(s, 4);
	h.half[0] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xDD;
	rounds(s, 4);
	h.half[1] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	return h;
}

struct counters_hash counters_siphash(const unsigned char seed[COUNTERS_SEED_BYTES], struct span text)
{
	struct state s;

	begin(&s, seed);
	put(&s, text.p, text.n);
	return end(&s);
}

/* The length of the name stands in front of it, so that no two pairs look alike. */
struct counters_hash counters_hash(const unsigned char seed[COUNTERS_SEED_BYTES], enum counters_what what, struct span name, struct span key)
{
	uint32_t n = (uint32_t)name.n;
	unsigned char head[5] = {(unsigned char)what, (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16), (unsigned char)(n >> 24)};
	struct state s;

	begin(&s, seed);
	put(&s, head, sizeof head);
	put(&s, name.p, name.n);
	put(&s, key.p, key.n);
	return end(&s);
}
