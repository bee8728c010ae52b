/*
 * The four verbs: what every backend may rely on is checked here, once.
 *
 * Knows nothing of where the octets go.
 */
#include "config.h"

#include "core/store.h"

/* Keys and lifetimes are made by us, values may come from outside. */
static int check(struct span key, uint32_t ttl_s, struct err *e)
{
	if (key.n < 1 || key.n > STORE_KEY_MAX)
		return err_set(e, ERR_BUG, "a store's key has 1 to %d octets, not %zu", STORE_KEY_MAX, key.n);
	if (ttl_s < 1)
		return err_set(e, ERR_BUG, "an entry of a store lives for a second at least");
	return 0;
}

static int check_value(struct span value, struct err *e)
{
	if (value.n > STORE_VALUE_MAX)
		return err_set(e, ERR_DATA, "a store's value has at most %d octets, not %zu", STORE_VALUE_MAX, value.n);
	return 0;
}

int store_get(struct store *s, struct span key, struct buf *value, struct err *e)
{
	if (check(key, 1, e))
		return -1;
	return s->ops->get(s, key, value, e);
}

int store_put(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct err *e)
{
	if (check(key, ttl_s, e) || check_value(value, e))
		return -1;
	return s->ops->put(s, key, value, ttl_s, e);
}

int store_add_once(struct store *s, struct span key, struct span value, uint32_t ttl_s, struct buf *there, struct err *e)
{
	if (check(key, ttl_s, e) || check_value(value, e))
		return -1;
	return s->ops->add_once(s, key, value, ttl_s, there, e);
}

int store_incr(struct store *s, struct span key, int64_t by, uint32_t ttl_s, int64_t *now_value, struct err *e)
{
	if (check(key, ttl_s, e))
		return -1;
	return s->ops->incr(s, key, by, ttl_s, now_value, e);
}

void store_tick(struct store *s)
{
	if (s && s->ops->tick)
		s->ops->tick(s);
}

void store_close(struct store *s)
{
	if (s)
		s->ops->close(s);
}
