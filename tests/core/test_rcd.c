/* Rich call data: names, digests over them, and the JSON pointers between the two. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/msgi.h"
#include "core/rcd.h"
#include "tests/lib/tap.h"

/* The values RFC 9795, 8.3 publishes, and others made with openssl. */
#define NAM_DIGEST "sha256-sM275lTgzCte+LHOKHtU4SxG8shlOo6OS4ot8IJQImY"
#define ICN_DIGEST "sha256-RojgWwU6xUtI4q82+kHPyHm1JKbm7+663bMvzymhkl4"
#define NAM "\"nam\":\"Q Branch Spy Gadgets\""
#define JCARD "[\"vcard\",[[\"version\",{},\"text\",\"4.0\"],[\"fn\",{},\"text\",\"Q Branch\"],[\"org\",{},\"text\",\"MI6;Q Branch Spy Gadgets\"]," \
	"[\"photo\",{},\"uri\",\"https://example.com/photos/q-256x256.png\"],[\"logo\",{},\"uri\",\"https://example.com/logos/mi6-256x256.jpg\"]," \
	"[\"logo\",{},\"uri\",\"https://example.com/logos/mi6-64x64.jpg\"]]]"
#define JCARD_DIGEST "sha256-qCn4pEH6BJu7zXndLFuAP6DwlTv5fRmJ1AFkqftwnCs"

struct row {
	const char *what, *rcd, *rcdi; /* NULL: absent */
	enum stir_rcd found;
};

static const struct row rows[] = {
	{"no claim", NULL, NULL, STIR_RCD_NONE},
	{"rcdi without rcd", NULL, "{\"/nam\":\"" NAM_DIGEST "\"}", STIR_RCD_NONE},
	{"a name", "{" NAM "}", NULL, STIR_RCD_PRESENT},
	{"a name, no digests", "{" NAM "}", "{}", STIR_RCD_PRESENT},
	{"the RFC's digest of a name", "{" NAM "}", "{\"/nam\":\"" NAM_DIGEST "\"}", STIR_RCD_VERIFIED},
	{"padded", "{" NAM "}", "{\"/nam\":\"" NAM_DIGEST "=\"}", STIR_RCD_VERIFIED},
	{"another name", "{\"nam\":\"Q Branch\"}", "{\"/nam\":\"" NAM_DIGEST "\"}", STIR_RCD_MISMATCH},
	{"without its quotes", "{" NAM "}", "{\"/nam\":\"sha256-H8Ub9W8XbqcbXgSYRFw1rKpRZ+rUvbz9NHW4gM1y6hI\"}", STIR_RCD_MISMATCH},
	{"the RFC's digest of a jCard", "{\"jcd\":" JCARD "," NAM "}", "{\"/jcd\":\"" JCARD_DIGEST "\"}", STIR_RCD_VERIFIED},
	{"a jCard written with blanks", "{ \"jcd\": " JCARD ",\n" NAM "}", "{\"/jcd\":\"" JCARD_DIGEST "\"}", STIR_RCD_VERIFIED},
	{"a jCard and its pictures", "{\"jcd\":" JCARD "," NAM "}", "{\"/jcd\":\"" JCARD_DIGEST "\",\"/jcd/1/3/3\":\"" ICN_DIGEST "\"}", STIR_RCD_VERIFIED},
	{"its pictures alone", "{\"jcd\":" JCARD "," NAM "}", "{\"/jcd/1/3/3\":\"" ICN_DIGEST "\",\"/jcd/1/4/3\":\"" ICN_DIGEST "\"}", STIR_RCD_UNCHECKED},
	{"a text of the jCard", "{\"jcd\":" JCARD "," NAM "}", "{\"/jcd/1/1/3\":\"" NAM_DIGEST "\"}", STIR_RCD_MISMATCH},
	{"a picture behind an address", "{\"icn\":\"https://example.com/i.png\"," NAM "}", "{\"/icn\":\"" ICN_DIGEST "\"}", STIR_RCD_UNCHECKED},
	{"and a name", "{\"icn\":\"https://example.com/i.png\"," NAM "}", "{\"/icn\":\"" ICN_DIGEST "\",\"/nam\":\"" NAM_DIGEST "\"}", STIR_RCD_VERIFIED},
	{"a jCard behind an address", "{\"jcl\":\"https://example.com/q.json\"," NAM "}", "{\"/jcl\":\"" JCARD_DIGEST "\",\"/jcl/1/3/3\":\"" ICN_DIGEST "\"}", STIR_RCD_UNCHECKED},
	{"a pointer to nothing", "{" NAM "}", "{\"/apn\":\"" NAM_DIGEST "\"}", STIR_RCD_MISMATCH},
	{"below a jcl that is not there", "{" NAM "}", "{\"/jcl/1\":\"" NAM_DIGEST "\"}", STIR_RCD_MISMATCH},
	{"no pointer", "{" NAM "}", "{\"nam\":\"" NAM_DIGEST "\"}", STIR_RCD_MISMATCH},
	{"no digest", "{" NAM "}", "{\"/nam\":\"sha256\"}", STIR_RCD_MISMATCH},
	{"a digest of an unknown kind", "{" NAM "}", "{\"/nam\":\"md5-1B2M2Y8AsgTpgAmY7PhCfg\"}", STIR_RCD_MISMATCH},
	{"a digest that is no string", "{" NAM "}", "{\"/nam\":1}", STIR_RCD_MISMATCH},
	{"digests that are no object", "{" NAM "}", "[]", STIR_RCD_MISMATCH},
	{"no name", "{\"apn\":\"x\"}", NULL, STIR_RCD_MISMATCH},
	{"an empty name", "{\"nam\":\"\"}", NULL, STIR_RCD_MISMATCH},
	{"a name that is a number", "{\"nam\":1}", NULL, STIR_RCD_MISMATCH},
	{"a name with a line end", "{\"nam\":\"a\\nb\"}", NULL, STIR_RCD_MISMATCH},
	{"apn an object", "{\"apn\":{}," NAM "}", NULL, STIR_RCD_MISMATCH},
	{"icn no address", "{\"icn\":\"i.png\"," NAM "}", NULL, STIR_RCD_MISMATCH},
	{"jcd an object", "{\"jcd\":{}," NAM "}", NULL, STIR_RCD_MISMATCH},
	{"jcd and jcl", "{\"jcd\":[],\"jcl\":\"https://example.com/q\"," NAM "}", NULL, STIR_RCD_MISMATCH},
	{"rcd a string", "\"Q\"", NULL, STIR_RCD_MISMATCH},
};

static void run(const struct row *r, struct arena *a)
{
	struct buf b;
	struct span name;
	enum stir_rcd found;
	bool shown;

	buf_init(&b, 16384);
	buf_puts(&b, "{\"iat\":1");
	if (r->rcd)
		buf_printf(&b, ",\"rcd\":%s", r->rcd);
	if (r->rcdi)
		buf_printf(&b, ",\"rcdi\":%s", r->rcdi);
	buf_puts(&b, "}");
	found = rcd_read(buf_span(&b), a, &name);
	tap_str(stir_rcd_name(found), stir_rcd_name(r->found), "%s", r->what);
	shown = found == STIR_RCD_PRESENT || found == STIR_RCD_VERIFIED || found == STIR_RCD_UNCHECKED;
	tap_span_is(name, shown ? "Q Branch Spy Gadgets" : "", "%s: the name", r->what);
	arena_reset(a);
	buf_free(&b);
}

static void test_bounds(struct arena *a)
{
	static const char digest[] = ":\"" NAM_DIGEST "\"";

	for (int n = LIMIT_RCDI_ENTRIES; n <= LIMIT_RCDI_ENTRIES + 1; n++) {
		struct span name;
		struct buf b;

		buf_init(&b, 65536);
		buf_puts(&b, "{\"rcd\":{\"icn\":\"https://example.com/i\",\"jcl\":\"https://example.com/j\"," NAM "},\"rcdi\":{\"/nam\"");
		buf_puts(&b, digest);
		for (int i = 1; i < n; i++)
			buf_printf(&b, ",\"/jcl/1/%d\"%s", i, digest);
		buf_puts(&b, "}}");
		tap_str(stir_rcd_name(rcd_read(buf_span(&b), a, &name)), n > LIMIT_RCDI_ENTRIES ? "mismatch" : "verified", "%d digests", n);
		buf_free(&b);
	}
	for (int n = LIMIT_RCD_NAME_BYTES; n <= LIMIT_RCD_NAME_BYTES + 1; n++) {
		struct span name;
		struct buf b;

		buf_init(&b, 65536);
		buf_puts(&b, "{\"rcd\":{\"nam\":\"");
		for (int i = 0; i < n; i++)
			buf_putc(&b, 'x');
		buf_puts(&b, "\"}}");
		tap_str(stir_rcd_name(rcd_read(buf_span(&b), a, &name)), n > LIMIT_RCD_NAME_BYTES ? "mismatch" : "present", "a name of %d octets", n);
		buf_free(&b);
	}
	arena_reset(a);
}

/* RFC 6901, 5, as far as its keys have no NUL. */
static void test_pointers(void)
{
	static const struct {
		const char *pointer, *value; /* NULL: nothing */
	} t[] = {
		{"/foo/0", "\"bar\""}, {"/foo", "[\"bar\",\"baz\"]"}, {"/", "0"}, {"/a~1b", "1"}, {"/c%d", "2"}, {"/e^f", "3"}, {"/g|h", "4"}, {"/i\\j", "5"}, {"/k\"l", "6"}, {"/ ", "7"},
		{"/m~0n", "8"}, {"/m~01", NULL}, {"/foo/00", NULL}, {"/foo/01", NULL}, {"/foo/-", NULL}, {"/foo/2", NULL}, {"/foo/-1", NULL}, {"/foo/1x", NULL}, {"/foo/99999999999999999999", NULL},
		{"/foo/0/x", NULL}, {"/foo/", NULL}, {"foo", NULL}, {"/m~2n", NULL}, {"/m~", NULL}, {"/nothing", NULL}, {"//", NULL},
	};
	json_t *root = json_loads("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}", 0, NULL);
	char longest[LIMIT_RCD_POINTER_BYTES + 2];

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const json_t *found = rcd_pointer(root, span_cstr(t[i].pointer), NULL, NULL);
		char *text = found ? json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

		tap_str(text ? text : "nothing", t[i].value ? t[i].value : "nothing", "\"%s\"", t[i].pointer);
		free(text);
	}
	tap_ok(rcd_pointer(root, span_make(NULL, 0), NULL, NULL) == root, "the empty pointer is all of it");
	memset(longest, 'x', sizeof longest);
	longest[0] = '/';
	tap_ok(!rcd_pointer(root, span_make(longest, sizeof longest - 1), NULL, NULL), "one over the limit");
	json_decref(root);
}

/* Those of the industry's document, where the samples are at hand. */
static void test_published(struct arena *a)
{
	const char *shared = tap_shared();
	json_t *all = NULL, *entry;
	char path[4096];
	size_t i;

	if (shared) {
		snprintf(path, sizeof path, "%s/vectors/rfc9795-rcdi.json", shared);
		all = json_load_file(path, 0, NULL);
	}
	if (!all) {
		tap_skip("the published vectors are not here");
		return;
	}
	json_array_foreach(json_object_get(all, "verified"), i, entry) {
		const char *pointer = json_string_value(json_object_get(entry, "pointer"));
		/* jcl is the same jCard, elsewhere: held inside as jcd it can be checked */
		bool card = strcmp(pointer, "/jcl") == 0;
		struct span name;
		struct buf b;

		buf_init(&b, 65536);
		buf_printf(&b, "{\"rcd\":{\"%s\":%s%s},\"rcdi\":{\"%s\":\"%s\"}}", card ? "jcd" : pointer + 1, json_string_value(json_object_get(entry, "input_utf8")), card ? ",\"nam\":\"x\"" : "",
			   card ? "/jcd" : pointer, json_string_value(json_object_get(entry, "published")));
		tap_str(stir_rcd_name(rcd_read(buf_span(&b), a, &name)), "verified", "RFC 9795: %s", pointer);
		buf_free(&b);
	}
	json_decref(all);
}

int main(void)
{
	struct arena *a = arena_new(LIMIT_MESSAGE_ARENA);

	msgi_init();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		run(&rows[i], a);
	test_bounds(a);
	test_pointers();
	test_published(a);
	arena_free(a);
	return tap_done();
}
