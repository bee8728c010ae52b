#!/bin/sh
# The table of facts and its copy in the manual page agree: names, types, what
# is a list, what has to be worked out, sentences and sources, in one order.
. "${srcdir:-.}/tests/lint/lib.sh"

def=$src/policy/fact.def
man=$src/doc/stir-milter-policy.5
tab=$(printf '\t')

# name, "Ar type [Cm list] [Cm need]", sentence, source
sed -n "s/^FACT([A-Z0-9_]*, \"\([^\"]*\)\", \([A-Z]*\), \([A-Z]*\), \([A-Z]*\), \"\([^\"]*\)\", \".*\", \"\(.*\)\")\$/\1$tab\2$tab\3$tab\4$tab\6$tab\5/p" "$def" |
	awk -F'\t' -v OFS='\t' '{
		gsub(/\\"/, "\"", $5)
		print $1, "Ar " tolower($2) ($3 == "LIST" ? " Cm list" : "") ($4 == "FREE" ? "" : " Cm " tolower($4)), toupper(substr($5, 1, 1)) substr($5, 2) ".", $6
	}' >"$tmp/def"

: >"$out"
[ "$(grep -c '^FACT(' "$def")" -eq "$(wc -l <"$tmp/def")" ] || echo "a row could not be read" >"$out"
[ -s "$tmp/def" ] || echo "there are none" >>"$out"
report "every row of fact.def is read"

awk -v OFS='\t' '
	/^\.Sh / { inside = ($2 == "FACTS") }
	!inside { next }
	/^\.It Sy / { name = $3; kind = $0; sub(/^\.It Sy [^ ]* /, "", kind); want = 1; next }
	want == 1 { sentence = $0; want = 2; next }
	want == 2 { from = $0; sub(/^From: /, "", from); sub(/\.$/, "", from); print name, kind, sentence, from; want = 0 }
' "$man" >"$tmp/man"

column() { # number, text
	cut -f"1,$1" "$tmp/def" >"$tmp/a"
	cut -f"1,$1" "$tmp/man" >"$tmp/b"
	diff "$tmp/a" "$tmp/b" >"$out"
	report "$2"
}

cut -f1 "$tmp/def" >"$tmp/a"
cut -f1 "$tmp/man" >"$tmp/b"
diff "$tmp/a" "$tmp/b" >"$out"
report "the manual has every fact, in the table's order, and no other"
column 2 "with its type, whether it is a list, and what has to be worked out"
column 3 "with its sentence"
column 4 "and where it comes from"
finish
