/*
 * A table of what is shared, by the keyed sum of its octets.
 *
 * One mutex, held for pointer work only; items are made before it is taken, and
 * freed after that.
 */
#include "config.h"

#include "core/certshare.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/cert_internal.h"
#include "core/crl.h"
#include "core/limits.h"

enum {
	/* A power of two; a country has some hundred issuers.  If each chain had its own
	 * (their memory counts, so they are few), a look would still be short. */
	BUCKETS = 4096,
	/* What OpenSSL takes for a certificate with its key and extensions decoded,
	 * beside some copies of its octets; for distribution points; and we for an
	 * entry of a number list. */
	CERT_OCTETS = 5000,
	CERT_COPIES = 3,
	POINTS_OCTETS = 400,
	ENTRY_OCTETS = 48
};

struct certshare {
	pthread_mutex_t lock;
	size_t refs; /* of callers and items */
	size_t n;
	unsigned char seed[SIPHASH_KEY_BYTES];
	struct certshare_item *bucket[BUCKETS];
};

/* --- life --------------------------------------------------------------------------- */

struct certshare *certshare_new(void)
{
	struct certshare *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	if (RAND_bytes(s->seed, sizeof s->seed) != 1 || pthread_mutex_init(&s->lock, NULL)) {
		free(s);
		return NULL;
	}
	s->refs = 1;
	return s;
}

void certshare_unref(struct certshare *s)
{
	bool last;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

size_t certshare_count(struct certshare *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* --- items -------------------------------------------------------------------------------- */

static void free_item(struct certshare_item *i)
{
	if (!i)
		return;
	X509_free(i->x);
	CRL_DIST_POINTS_free(i->points);
	tnauthlist_free(i->list);
	free(i);
}

static struct siphash_sum sum_of(const struct certshare *s, char kind, struct span octets)
{
	struct siphash h;

	siphash_begin(&h, s->seed);
	siphash_put(&h, span_make(&kind, 1));
	siphash_put(&h, octets);
	return siphash_end(&h);
}

static struct certshare_item **bucket_of(struct certshare *s, const struct siphash_sum *key)
{
	return &s->bucket[key->half[0] & (BUCKETS - 1)];
}

/* With the lock: counted for the caller, or NULL. */
static struct certshare_item *find(struct certshare *s, const struct siphash_sum *key)
{
	struct certshare_item *i = *bucket_of(s, key);

	while (i && !siphash_same(&i->key, key))
		i = i->next;
	if (i)
		i->refs++;
	return i;
}

static struct certshare_item *look(struct certshare *s, const struct siphash_sum *key)
{
	struct certshare_item *i;

	pthread_mutex_lock(&s->lock);
	i = find(s, key);
	pthread_mutex_unlock(&s->lock);
	return i;
}

/* Takes over fresh; gives it, or the one that somebody else put there meanwhile. */
static struct certshare_item *put(struct certshare *s, const struct siphash_sum *key, struct certshare_item *fresh)
{
	struct certshare_item *there, **at = bucket_of(s, key);

	pthread_mutex_lock(&s->lock);
	there = find(s, key);
	if (!there) {
		fresh->home = s;
		fresh->key = *key;
		fresh->refs = 1;
		fresh->next = *at;
		*at = fresh;
		s->refs++;
		s->n++;
	}
	pthread_mutex_unlock(&s->lock);
	if (!there)
		return fresh;
	free_item(fresh);
	return there;
}

void certshare_drop(struct certshare_item *i)
{
	struct certshare_item **at;
	struct certshare *s;
	bool last;

	if (!i)
		return;
	s = i->home;
	pthread_mutex_lock(&s->lock);
	last = --i->refs == 0;
	if (last) {
		for (at = bucket_of(s, &i->key); *at != i;)
			at = &(*at)->next;
		*at = i->next;
		s->n--;
	}
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	free_item(i);
	certshare_unref(s);
}

/* --- certificates ----------------------------------------------------------------------------- */

static struct certshare_item *new_cert(X509 *x, size_t octets)
{
	struct certshare_item *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	if (crl_points(x, &i->points) < 0 || !X509_up_ref(x)) {
		free_item(i);
		return NULL;
	}
	i->x = x;
	i->octets = sizeof *i + CERT_OCTETS + CERT_COPIES * octets;
	return i;
}

struct certshare_item *certshare_cert(struct certshare *s, X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	struct certshare_item *i;
	struct siphash_sum key;

	if (n < 0)
		return NULL;
	key = sum_of(s, 'x', span_make(der, (size_t)n));
	OPENSSL_free(der);
	i = look(s, &key);
	if (i)
		return i;
	i = new_cert(x, (size_t)n);
	return i ? put(s, &key, i) : NULL;
}

X509 *certshare_find(struct certshare *s, struct span der)
{
	const struct siphash_sum key = sum_of(s, 'x', der);
	struct certshare_item *i = look(s, &key);
	X509 *x = i && X509_up_ref(i->x) ? i->x : NULL;

	certshare_drop(i);
	return x;
}

/* --- distribution points, number lists ----------------------------------------------------------- */

int certshare_points(struct certshare *s, const X509 *x, struct certshare_item **out)
{
	CRL_DIST_POINTS *points;
	struct siphash_sum key;
	struct span der;
	int there = crl_points(x, &points);

	*out = NULL;
	if (there != 1)
		return there;
	/* They can be read, so the extension is there once. */
	if (cert_extension(x, "2.5.29.31", &der) == 1) {
		key = sum_of(s, 'p', der);
		*out = look(s, &key);
		if (!*out && (*out = calloc(1, sizeof **out))) {
			(*out)->points = points;
			(*out)->octets = sizeof **out + POINTS_OCTETS + CERT_COPIES * der.n;
			points = NULL;
			*out = put(s, &key, *out);
		}
	}
	CRL_DIST_POINTS_free(points);
	return *out ? 0 : -1;
}

static struct certshare_item *new_list(struct span der)
{
	struct certshare_item *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	/* Its own bounds were held when it was read, by value or by reference. */
	if (tnauthlist_parse_reference(der, &i->list, NULL) != STIR_OK) {
		free_item(i);
		return NULL;
	}
	i->octets = sizeof *i + tnauthlist_count(i->list) * ENTRY_OCTETS;
	return i;
}

struct certshare_item *certshare_list(struct certshare *s, const struct tnauthlist *l)
{
	struct certshare_item *i = NULL;
	struct siphash_sum key;
	struct buf der;

	buf_init(&der, LIMIT_TNLIST_REFERENCE_BYTES);
	if (tnauthlist_write_der(&der, l) == 0) {
		key = sum_of(s, 'l', buf_span(&der));
		i = look(s, &key);
		if (!i)
			i = new_list(buf_span(&der));
		if (i && !i->home)
			i = put(s, &key, i);
	}
	buf_free(&der);
	return i;
}
