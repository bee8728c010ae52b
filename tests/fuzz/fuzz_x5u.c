/* What x5u_check() allows, libcurl, which fetches it, must read alike. */
#include "config.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "core/x5u.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const CURLUPart part[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT, CURLUPART_PATH,
					 CURLUPART_USER, CURLUPART_QUERY, CURLUPART_FRAGMENT};
	char text[LIMIT_X5U_BYTES + 1] = "", *got = NULL;
	struct x5u x;
	CURLU *u = curl_url();

	if (u && x5u_check(span_make(data, size), &x, NULL) == STIR_OK) {
		struct span want[7] = {span_cstr("https"), x.host, x.port, x.path};

		if (curl_url_set(u, CURLUPART_URL, memcpy(text, data, size), 0))
			abort();
		for (size_t i = 0; i < 7; i++, curl_free(got), got = NULL)
			if (curl_url_get(u, part[i], &got, 0) ? want[i].n != 0 : !span_caseeq(span_cstr(got), want[i]))
				abort();
	}
	curl_url_cleanup(u);
	return 0;
}
