/* Lines of a set of networks, looked up with the octets of each line. */
#include "config.h"

#include "core/cidr.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size);
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct cidr_set *s = cidr_new(), *copy;
	size_t good = 0;
	struct err e;

	if (!s)
		abort();
	while (text.n) {
		struct span line = span_cut(&text, '\n');

		memcpy(&addr.sin6_addr, line.p, line.n < 16 ? line.n : 16);
		good += cidr_add(s, line, &e) == 0;
		if ((cidr_contains(s, (struct sockaddr *)&addr) && !good) || cidr_count(s) != good)
			abort();
	}
	copy = cidr_copy(s);
	memcpy(&v4.sin_addr, data, size < 4 ? size : 4);
	if (!copy || cidr_count(copy) != good || cidr_contains(s, NULL) || cidr_contains(copy, (struct sockaddr *)&v4) != cidr_contains(s, (struct sockaddr *)&v4))
		abort();
	cidr_free(copy);
	cidr_free(s);
	return 0;
}
