#!/bin/sh
# The table of settings, the manual page and the sample file name the same
# settings, in the same order, with the same kinds, defaults and bounds; and
# what the manual says of reloading is what milter/reload.c does.
. "${srcdir:-.}/tests/lint/lib.sh"

def=$src/engine/settings.def
man=$src/doc/stir-milter.conf.5
conf=$src/conf/stir-milter.conf

same() { # text; compares $tmp/a (the table's) with $tmp/b
	diff "$tmp/a" "$tmp/b" >"$out"
	[ -s "$tmp/a" ] || echo "nothing was found" >>"$out"
	report "$1"
}

# Name<TAB>TYPE<TAB>default of every row.
tab=$(printf '\t')
sed -n "s/^SETTING(\([A-Za-z0-9]*\), [a-z0-9_]*, \([A-Z]*\), \"\([^\"]*\)\".*/\1$tab\2$tab\3/p" "$def" >"$tmp/rows"
[ "$(grep -c '^SETTING(' "$def")" -eq "$(wc -l <"$tmp/rows")" ] || echo "a row could not be read" >"$out"
report "every row of settings.def is read"

# The same of the manual: Name<TAB>kind, and below it default, bounds, reloadable.
awk '
	/^\.It Sy [A-Z]/ { name = $3; print name "\t" $4 "\t" $5; next }
	/^\.(It|El|Ss|Sh)/ { name = ""; next }
	name != "" && /^(Default|Reloadable): |^From .* to / { sub(/\.$/, ""); print name "\t" $0 }
' "$man" >"$tmp/man"

cut -f1 "$tmp/rows" | sort >"$tmp/a"
grep "${tab}Ar$tab" "$tmp/man" | cut -f1 | sort >"$tmp/b"
same "the manual describes every setting, once, and no other"

awk -F'\t' '
	BEGIN {
		split("STRING string PATH path BOOL boolean COUNT number SECONDS duration MILLISECONDS time BYTES size OCTAL octal ENUM word LIST list NETWORKS networks", k, " ")
		for (i = 1; i in k; i += 2) kind[k[i]] = k[i + 1]
	}
	{ print $1 "\t" kind[$2] }' "$tmp/rows" | sort >"$tmp/a"
awk -F'\t' '$2 == "Ar" { print $1 "\t" $3 }' "$tmp/man" | sort >"$tmp/b"
same "with its kind"

awk -F'\t' '{ print $1 "\tDefault: " ($3 == "" ? "none" : $3) }' "$tmp/rows" | sort >"$tmp/a"
grep "${tab}Default: " "$tmp/man" | sort >"$tmp/b"
same "with its default"

# Bounds are written out in the sample, which a test compares with the program.
awk '
	/^# [A-Z][A-Za-z0-9]*: / { text = ""; name = $2; sub(/:$/, "", name) }
	/^# / { text = text " " substr($0, 3) }
	/^#[A-Z]/ && match(text, /From [0-9a-zA-Z]+ to [0-9a-zA-Z]+/) { print name "\t" substr(text, RSTART, RLENGTH) }
' "$conf" | sort >"$tmp/a"
grep "${tab}From " "$tmp/man" | sort >"$tmp/b"
same "with its bounds"

sed -n 's/.*note_unless(.*, "\([A-Za-z0-9]*\)");.*/\1/p' "$src/milter/reload.c" | sort >"$tmp/start"
awk -F'\t' -v start="$tmp/start" '
	BEGIN { while ((getline line < start) > 0) no[line] = 1 }
	{ print $1 "\tReloadable: " (($1 in no) ? "no" : "yes") }' "$tmp/rows" | sort >"$tmp/a"
grep "${tab}Reloadable: " "$tmp/man" | sort >"$tmp/b"
same "and whether a reload is enough"

cut -f1 "$tmp/rows" >"$tmp/a"
sed -n 's/^#\([A-Z][A-Za-z0-9]*\) .*/\1/p' "$conf" >"$tmp/b"
same "the sample file has every setting, in the table's order, and no other"

awk -F'\t' '$3 != "" { print $1 " " $3 }' "$tmp/rows" >"$tmp/a"
sed -n 's/^#\([A-Z][A-Za-z0-9]* .*\)/\1/p' "$conf" | awk -F'\t' -v rows="$tmp/rows" '
	BEGIN { while ((getline line < rows) > 0) { split(line, f, "\t"); if (f[3] != "") want[f[1]] = 1 } }
	{ split($0, w, " "); if (w[1] in want) print }' >"$tmp/b"
same "with its default"

if grep -v '^#' "$conf" | grep -n . >"$out"; then :; fi
report "and sets nothing itself"
finish
