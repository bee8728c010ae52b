#!/bin/sh
# No function over 80 lines or McCabe 15, no file over 600.
. "${srcdir:-.}/tests/lint/lib.sh"

(cd "$src" && wc -l $(product)) | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines" }' >"$out"
report 'no file over 600 lines'
if command -v pmccabe >/dev/null; then
	# pmccabe: modified McCabe, McCabe, statements, first line, lines, file(line): name
	(cd "$src" && pmccabe $(product | grep '\.c$')) 2>/dev/null |
		awk -F'\t' '$5 > 80 { print $6 ": " $5 " lines" } $1 > 15 { print $6 ": McCabe " $1 }' >"$out"
	report 'no function over 80 lines or McCabe 15'
else
	count=$((count + 1))
	echo "ok $count # SKIP pmccabe is not installed"
fi
finish
