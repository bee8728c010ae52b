#!/bin/sh
# Every external name starts with the name of its file, so that knowing the name
# is knowing the file, and none can meet one of libmilter's.
. "${srcdir:-.}/tests/lint/lib.sh"

for archive in libcore.a libkeys.a libpolicy.a libengine.a libctl.a; do
	[ -f "$archive" ] || continue
	nm -A --defined-only --extern-only "$archive" 2>/dev/null | awk '
		{
			split($1, part, ":"); object = part[2]; sub(/\.o$/, "", object)
			name = $NF; type = $(NF - 1)
			if (name ~ /^(__|_)/ || type !~ /[TDBRVC]/) next
			# a second noun of the same file, each a word of the field
			if (object == "address" && name ~ /^party_/) next
			if (object == "encoding" && name ~ /^(base64|base64url|hex)_/) next
			if (object ~ /^tnauthlist/ && name ~ /^tn_authority_/) next
			if (object == "engine" && name ~ /^transaction_/) next
			# a module may be split: foo.c, foo_text.c, foo_crl.c speak for foo_
			stem = object
			while (1) {
				if (index(name, stem "_") == 1 || name == stem) next
				if (!match(stem, /_[a-z0-9]+$/)) break
				stem = substr(stem, 1, RSTART - 1)
			}
			print object ".c: " name
		}' >"$out"
	report "$archive: external names start with their file's"
done
finish
