#!/bin/sh
# Every header compiles alone.
. "${srcdir:-.}/tests/lint/lib.sh"

cc=${STIR_CC:-cc}
cflags=$(pkg-config --cflags libcrypto jansson gmime-3.0 libcurl 2>/dev/null)
printf '#define _GNU_SOURCE 1\n' >"$tmp/config.h"
for h in $(product | grep '\.h$'); do
	printf '#include "config.h"\n#include "%s"\n' "$h" >"$tmp/one.c"
	# shellcheck disable=SC2086
	$cc -std=gnu11 -Wall -Wextra -Werror -fsyntax-only -I"$tmp" -I"$src" $cflags "$tmp/one.c" 2>"$out"
	report "$h compiles alone"
done
finish
