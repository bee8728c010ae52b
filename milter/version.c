/*
 * Asks each library for the version that is loaded, not the one we were built
 * with.  Uses nothing else of them.
 */
#include "config.h"

#include "milter/version.h"

#include <curl/curl.h>
#include <gmime/gmime.h>
#include <jansson.h>
#include <libmilter/mfapi.h>
#include <microhttpd.h>
#include <openssl/crypto.h>

#include "milter/sandbox.h"

void version_write(struct buf *out)
{
	unsigned major = 0, minor = 0, level = 0;

	buf_printf(out, "stir-milter %s\n", PACKAGE_VERSION);
	(void)smfi_version(&major, &minor, &level);
	buf_printf(out, "libmilter %u.%u.%u\n", major, minor, level);
	buf_printf(out, "%s\n", OpenSSL_version(OPENSSL_VERSION));
	buf_printf(out, "GMime %u.%u.%u\n", gmime_major_version, gmime_minor_version, gmime_micro_version);
	buf_printf(out, "jansson %s\n", jansson_version_str());
	buf_printf(out, "libcurl %s\n", curl_version_info(CURLVERSION_NOW)->version);
	buf_printf(out, "libmicrohttpd %s\n", MHD_get_version());
	sandbox_version(out);
}
