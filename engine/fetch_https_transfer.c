/*
 * One GET by libcurl, in a handle of its own: nothing of one answer (cookies,
 * connections, names resolved) reaches the next.
 *
 * HTTP/1.1 only: there is one GET per connection, and less to attack.  What curl
 * would forgive (folded header lines, two lengths, compressed transfer) is
 * refused here.  What it forgives all the same: an answer without a length may be
 * cut off by whoever can end the connection; what is fetched is signed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/httpfresh.h"
#include "core/limits.h"
#include "core/sslerror.h"
#include "engine/clock.h"
#include "engine/fetch_https_internal.h"

enum {
	STATUS_OK = 200,
	CURL_BUFFER_BYTES = 16 * 1024,
	SHOWN_MAX = 200
};

struct transfer {
	struct fetch_https *https;
	CURL *curl;
	struct buf *out;
	int64_t begun_ms, heard_ms; /* heard_ms: when the last octet came */
	size_t header_bytes;
	unsigned refused, tried; /* addresses */
	bool header_done;
	bool has_length, is_chunked;
	char length[20 + 1];
	struct httpfresh fresh;
	long status;
	/* Why we ended it ourselves; a static text. */
	enum fetch_cause fault;
	const char *why;
	char curl_says[CURL_ERROR_SIZE];
};

/* Remembers the first fault; gives what makes curl end it. */
static size_t give_up(struct transfer *t, enum fetch_cause cause, const char *why)
{
	if (t->fault == FETCH_NONE) {
		t->fault = cause;
		t->why = why;
	}
	return 0;
}

/* --- the socket ------------------------------------------------------------------ */

static bool is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Asked for each address in turn; what is refused is passed over. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct transfer *t = arg;
	int fd;

	if (purpose != CURLSOCKTYPE_IPCXN || !fetch_https_address_ok(t->https->public_ones, t->https->addresses, &addr->addr)) {
		t->refused++;
		return CURL_SOCKET_BAD;
	}
	fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
	if (fd < 0 && is_ours(errno))
		give_up(t, FETCH_LOCAL, "no socket could be had");
	if (fd >= 0)
		t->tried++;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* --- the header -------------------------------------------------------------------- */

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", s.p[i]))
			return false;
	return s.n > 0;
}

/* A new answer: after an interim one, what that said is void. */
static void begin_header(struct transfer *t)
{
	httpfresh_init(&t->fresh, t->fresh.asked);
	t->has_length = t->is_chunked = false;
}

static bool read_length(struct transfer *t, struct span value)
{
	if (value.n == 0 || value.n >= sizeof t->length)
		return false;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
	if (t->has_length && !span_is(value, t->length))
		return false;
	memcpy(t->length, value.p, value.n);
	t->length[value.n] = '\0';
	t->has_length = true;
	return true;
}

/* Static text of what is wrong with the field, or NULL. */
static const char *read_field(struct transfer *t, struct span name, struct span value)
{
	if (span_caseis(name, "Content-Encoding") && value.n && !span_caseis(value, "identity"))
		return "it is compressed";
	if (span_caseis(name, "Transfer-Encoding")) {
		/* curl would decompress "gzip, chunked". */
		if (t->is_chunked || !span_caseis(value, "chunked"))
			return "its transfer is encoded in another way than chunked";
		t->is_chunked = true;
	}
	if (span_caseis(name, "Content-Length") && !read_length(t, value))
		return "its length is no number, or there are two of them";
	httpfresh_field(&t->fresh, name, value);
	return NULL;
}

/* Ends at once what has no body that we want. */
static size_t end_header(struct transfer *t, size_t n)
{
	if (curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->status) != CURLE_OK)
		t->status = 0;
	if (t->status >= 100 && t->status < STATUS_OK && t->status != 101)
		return n; /* interim */
	t->header_done = true;
	return t->status == STATUS_OK ? n : 0;
}

/* Called for each header line, those of interim answers and trailers too. */
static size_t take_header(char *p, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	struct span line = span_make(p, size * count), value = line, name;
	const char *why;

	t->heard_ms = clock_monotonic_ms();
	t->header_bytes += line.n;
	if (t->header_bytes > LIMIT_FETCH_HEADER_BYTES)
		return give_up(t, FETCH_TOO_LARGE, "its header is larger than accepted");
	if (t->header_done)
		return line.n; /* a trailer, which says nothing about the whole */
	if (span_casestarts(line, "HTTP/")) {
		begin_header(t);
		return line.n;
	}
	if (span_trim(line).n == 0)
		return end_header(t, line.n);
	if (span_is_blank(line.p[0]))
		return give_up(t, FETCH_ENCODING, "a folded header line");
	name = span_cut(&value, ':');
	if (name.n == line.n || !is_token(name))
		return give_up(t, FETCH_ENCODING, "a header line that is none");
	why = read_field(t, name, span_trim(value));
	return why ? give_up(t, FETCH_ENCODING, why) : line.n;
}

/* --- the body ------------------------------------------------------------------------ */

static size_t take_body(char *p, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	t->heard_ms = clock_monotonic_ms();
	atomic_fetch_add_explicit(&t->https->octets, n, memory_order_relaxed);
	if (!t->header_done || t->status != STATUS_OK)
		return give_up(t, FETCH_ENCODING, "octets before the end of its header");
	if (n > t->out->max - t->out->n)
		return give_up(t, FETCH_TOO_LARGE, "it is larger than accepted");
	if (buf_put(t->out, p, n))
		return give_up(t, FETCH_LOCAL, "no memory");
	return n;
}

/* Called at least once a second; anything but 0 ends it. */
static int look_around(void *arg, curl_off_t dl_total, curl_off_t dl_now, curl_off_t ul_total, curl_off_t ul_now)
{
	struct transfer *t = arg;
	int64_t heard_ms = t->heard_ms;
	curl_off_t ready_us = 0;

	(void)dl_total;
	(void)dl_now;
	(void)ul_total;
	(void)ul_now;
	if (atomic_load_explicit(&t->https->stopped, memory_order_relaxed)) {
		give_up(t, FETCH_STOPPED, "the program is stopping");
		return 1;
	}
	/* Name, connection and TLS have a cap of their own. */
	if (curl_easy_getinfo(t->curl, CURLINFO_PRETRANSFER_TIME_T, &ready_us) != CURLE_OK || ready_us == 0)
		return 0;
	if (heard_ms < t->begun_ms + ready_us / 1000)
		heard_ms = t->begun_ms + ready_us / 1000;
	if (clock_monotonic_ms() - heard_ms < (int64_t)t->https->stall_timeout_ms)
		return 0;
	give_up(t, FETCH_TIMEOUT, "nothing more came");
	return 1;
}

/* --- settings of curl ------------------------------------------------------------------ */

static bool set_long(CURL *c, CURLoption option, long value)
{
	return curl_easy_setopt(c, option, value) == CURLE_OK;
}

static bool set_text(CURL *c, CURLoption option, const char *value)
{
	return curl_easy_setopt(c, option, value) == CURLE_OK;
}

/* Only https, only there, nothing from the environment or from files. */
static bool set_rules(CURL *c)
{
	return set_text(c, CURLOPT_PROTOCOLS_STR, "https") && set_text(c, CURLOPT_REDIR_PROTOCOLS_STR, "https") && set_long(c, CURLOPT_FOLLOWLOCATION, 0) &&
	       set_text(c, CURLOPT_PROXY, "") && set_text(c, CURLOPT_NOPROXY, "*") && set_long(c, CURLOPT_NETRC, CURL_NETRC_IGNORED) &&
	       set_long(c, CURLOPT_NOSIGNAL, 1) && set_long(c, CURLOPT_HTTPGET, 1) && set_long(c, CURLOPT_HTTP09_ALLOWED, 0) &&
	       set_long(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) && set_long(c, CURLOPT_FORBID_REUSE, 1) && set_long(c, CURLOPT_FRESH_CONNECT, 1) &&
	       set_long(c, CURLOPT_BUFFERSIZE, CURL_BUFFER_BYTES) && set_text(c, CURLOPT_ACCEPT_ENCODING, NULL) &&
	       /* A name server that does not answer must not hold us longer than the deadline. */
	       set_long(c, CURLOPT_QUICK_EXIT, 1);
}

static bool set_tls(CURL *c, const struct buf *ca)
{
	/* curl only reads it. */
	struct curl_blob blob = {ca->p, ca->n, CURL_BLOB_NOCOPY};

	if (!set_long(c, CURLOPT_SSL_VERIFYPEER, 1) || !set_long(c, CURLOPT_SSL_VERIFYHOST, 2) || !set_long(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2))
		return false;
	return ca->n == 0 || (curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK && set_text(c, CURLOPT_CAPATH, NULL));
}

static bool set_caps(CURL *c, const struct fetch_https *h, unsigned deadline_ms, size_t max)
{
	unsigned connect_ms = h->connect_timeout_ms < deadline_ms ? h->connect_timeout_ms : deadline_ms;

	return set_long(c, CURLOPT_TIMEOUT_MS, (long)deadline_ms) && set_long(c, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms) &&
	       curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max) == CURLE_OK && set_long(c, CURLOPT_NOPROGRESS, 0);
}

static bool set_calls(CURL *c, struct transfer *t)
{
	return curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK && curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK && curl_easy_setopt(c, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK && curl_easy_setopt(c, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_around) == CURLE_OK && curl_easy_setopt(c, CURLOPT_XFERINFODATA, t) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->curl_says) == CURLE_OK;
}

/* --- what became of it ------------------------------------------------------------------ */

/* A name server can't be asked without a descriptor, and curl does not tell. */
static bool out_of_descriptors(void)
{
	int fd = open("/", O_PATH | O_CLOEXEC);
	bool out = fd < 0 && is_ours(errno);

	if (fd >= 0)
		close(fd);
	return out;
}

static enum fetch_cause cause_of_status(long status)
{
	if (status == 404 || status == 410)
		return FETCH_NOT_FOUND;
	return status >= 300 && status < 400 && status != 304 ? FETCH_REDIRECT : FETCH_HTTP_STATUS;
}

static enum fetch_cause cause_of_code(const struct transfer *t, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		/* A 200 with all of its body; anything else has been ended above. */
		return t->header_done ? FETCH_NONE : FETCH_ENCODING;
	case CURLE_COULDNT_RESOLVE_HOST:
		return out_of_descriptors() ? FETCH_LOCAL : FETCH_DNS;
	case CURLE_COULDNT_CONNECT:
		return t->refused && !t->tried ? FETCH_ADDRESS : FETCH_CONNECT;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return FETCH_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return FETCH_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_USE_SSL_FAILED:
		return FETCH_TLS;
	case CURLE_FILESIZE_EXCEEDED:
		return FETCH_TOO_LARGE;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, that is anything */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return FETCH_ENCODING;
	default:
		return FETCH_LOCAL;
	}
}

/* curl quotes a name out of the server's certificate; only ASCII of it is shown. */
static const char *what_curl_says(struct transfer *t, CURLcode code)
{
	for (char *p = t->curl_says; *p; p++)
		if (*p < 0x20 || *p >= 0x7F)
			*p = '?';
	return t->curl_says[0] ? t->curl_says : curl_easy_strerror(code);
}

static int finish(struct transfer *t, CURLcode code, const struct fetch_https_url *url, struct fetch_answer *a, struct err *e)
{
	a->lifetime_s = -1;
	if (t->fault != FETCH_NONE) {
		a->cause = t->fault;
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", url->host, t->why);
	}
	if (t->header_done && t->status != STATUS_OK) {
		a->cause = cause_of_status(t->status);
		err_set(e, a->cause == FETCH_NOT_FOUND ? ERR_NOINPUT : ERR_UNAVAILABLE, "%s: HTTP status %ld", url->host, t->status);
		return a->cause == FETCH_NOT_FOUND ? 0 : -1;
	}
	a->cause = cause_of_code(t, code);
	if (a->cause == FETCH_ADDRESS)
		return err_set(e, ERR_UNAVAILABLE, "%s: its name leads to an inner address, which FetchAddresses does not allow", url->host);
	if (a->cause != FETCH_NONE)
		return err_set(e, ERR_UNAVAILABLE, "%s: %.*s", url->host, SHOWN_MAX, what_curl_says(t, code));
	a->lifetime_s = httpfresh_lifetime(&t->fresh, clock_wall_s());
	return 1;
}

int fetch_https_transfer(struct fetch_https *h, const struct fetch_https_url *url, unsigned deadline_ms, struct buf *out, struct fetch_answer *a,
			 long *status, struct err *e)
{
	struct transfer t = {.https = h, .out = out, .begun_ms = clock_monotonic_ms()};
	struct curl_slist *fields = curl_slist_append(NULL, "Accept-Encoding: identity");
	CURLcode code;
	int rc;

	*status = 0;
	httpfresh_init(&t.fresh, clock_wall_s());
	t.curl = curl_easy_init();
	if (!t.curl || !fields || !set_rules(t.curl) || !set_tls(t.curl, &h->ca) || !set_caps(t.curl, h, deadline_ms, out->max) || !set_calls(t.curl, &t) ||
	    curl_easy_setopt(t.curl, CURLOPT_CURLU, url->handle) != CURLE_OK || curl_easy_setopt(t.curl, CURLOPT_HTTPHEADER, fields) != CURLE_OK ||
	    (h->user_agent && !set_text(t.curl, CURLOPT_USERAGENT, h->user_agent))) {
		a->cause = FETCH_LOCAL;
		rc = err_set(e, ERR_UNAVAILABLE, "%s: libcurl could not be prepared", url->host);
	} else {
		sslerror_clear();
		code = curl_easy_perform(t.curl);
		rc = finish(&t, code, url, a, e);
		*status = t.status;
	}
	curl_easy_cleanup(t.curl);
	curl_slist_free_all(fields);
	sslerror_clear();
	return rc;
}
