#!/bin/sh
# doc/limits.md and core/limits.h have the same limits with the same values; the
# settings, metrics and tests that a row names are there, and the test goes by
# the limit's name or value.
. "${srcdir:-.}/tests/lint/lib.sh"

doc=$src/doc/limits.md
tab=$(printf '\t')

# name<TAB>value
sed -n 's/^	\(LIMIT_[A-Z0-9_]*\) = \([0-9* ]*\),\{0,1\}$/\1 \2/p' "$src/core/limits.h" | while read -r name value; do
	printf '%s\t%s\n' "$name" "$(($value))"
done | sort >"$tmp/header"
[ "$(grep -c '^	LIMIT_' "$src/core/limits.h")" -eq "$(wc -l <"$tmp/header")" ] || echo "a line of core/limits.h could not be read" >"$out"
report "every line of core/limits.h is read"
: >"$out"

# line<TAB>name<TAB>value<TAB>setting<TAB>beyond<TAB>metric<TAB>test
awk -v OFS='\t' -F' [|] ' '/^\| `LIMIT_/ {
	sub(/^\| /, "", $1); sub(/ \|$/, "", $NF); gsub(/`/, "", $1)
	if (NF != 6) { print NR ": has " NF " cells" > bad; next }
	for (i = 1; i <= 6; i++) if ($i ~ /^ *$/) print NR ": cell " i " is empty" > bad
	n = split($2, v, " ")
	factor = n == 1 ? 1 : v[2] == "KiB" ? 1024 : v[2] == "MiB" ? 1048576 : v[2] == "GiB" ? 1073741824 : 0
	print NR, $1, sprintf("%d", v[1] * factor), $3, $4, $5, $6
}' bad="$out" "$doc" >"$tmp/rows"
report "every row has six cells"

cut -f2,3 "$tmp/rows" | sort >"$tmp/said"
diff "$tmp/header" "$tmp/said" >"$out"
report "the document has every limit, once, with its value, and no other"

# A limit that nothing asks for is none.
(cd "$src" && cat core/*.[ch] core/*/*.[ch] policy/*.[ch] engine/*.[ch] milter/*.[ch] ctl/*.[ch]) | grep -ohE '\bLIMIT_[A-Z0-9_]+' | sort | uniq -c |
	awk '$1 > 1 { print $2 }' >"$tmp/used"
cut -f1 "$tmp/header" | grep -vxFf "$tmp/used" >"$out"
report "every limit is used"

sed -n 's/^SETTING(\([A-Za-z0-9]*\),.*/\1/p' "$src/engine/settings.def" >"$tmp/settings"
awk -F'\t' '$4 != "none" { gsub(/`/, "", $4); print $1 "\t" $4 }' "$tmp/rows" | while IFS=$tab read -r line word; do
	grep -qxF -- "$word" "$tmp/settings" || echo "$line: $word is no setting"
done >"$out"
report "every setting is one"

sed -n 's/^METRIC([A-Z0-9_]*, "\([a-z_]*\)".*/\1/p' "$src/engine/metrics.def" >"$tmp/metrics"
{ sed -n 's/^[A-Z_]*([A-Z0-9_]*, "\([^"]*\)".*/\1/p' "$src/core/stir_reason.def" "$src/core/sign_outcome.def" "$src/core/fetch_cause.def"
	grep -o '"[^"]*"' "$src/engine/metrics_labels.c" | tr -d '"'; } | sort -u >"$tmp/values"
awk -F'\t' '$6 != "none" { n = split($6, w, "`"); if (n < 3) print $1 "\t(none is named)"; for (i = 2; i <= n; i += 2) print $1 "\t" w[i] }' "$tmp/rows" |
	while IFS=$tab read -r line word; do
		grep -qxF -- "${word%%\{*}" "$tmp/metrics" || echo "$line: $word is no metric"
		case $word in
		*\"*) value=${word#*\"}; grep -qxF -- "${value%%\"*}" "$tmp/values" || echo "$line: $word is never counted" ;;
		esac
	done >"$out"
report "every metric is one"

# line<TAB>limit<TAB>value<TAB>file<TAB>words
awk -F'\t' -v OFS='\t' '{
	text = $7; file = ""; said = 1
	while (match(text, /`[^`]*`|"[^"]*"/)) {
		word = substr(text, RSTART + 1, RLENGTH - 2)
		if (substr(text, RSTART, 1) == "`") { if (!said) print $1, $2, $3, file, ""; file = word; said = 0 }
		else { print $1, $2, $3, file, word; said = 1 }
		text = substr(text, RSTART + RLENGTH)
	}
	if (!said) print $1, $2, $3, file, ""
	if (file == "" && $7 !~ /^none yet [0-9]+$/) print $1, $2, $3, "-", ""
}' "$tmp/rows" >"$tmp/tests"
while IFS=$tab read -r line name value file words; do
	if [ ! -f "$src/$file" ]; then echo "$line: no test $file"
	elif ! grep -qE "^	${file%.c}(\.c)?( |\$)" "$src/tests/Makefile.inc"; then echo "$line: $file is not among those that are run"
	elif [ -z "$words" ]; then echo "$line: no words of $file are quoted"
	elif ! grep -qF -- "$words" "$src/$file"; then echo "$line: $file does not say \"$words\""
	# A small number stands in every file.
	elif ! grep -qE "(^|[^A-Z0-9_])($name$([ "$value" -lt 100 ] || echo "|$value"))([^A-Z0-9_]|\$)" "$src/$file"; then echo "$line: $file mentions neither $name nor $value"
	fi
done <"$tmp/tests" >"$out"
[ "$(wc -l <"$tmp/tests")" -gt 60 ] || echo "few tests were found" >>"$out"
report "every test that is named is run, says the words, and goes by the limit"

awk -F'\t' '{ while (match($7, /none yet [0-9]+/)) { print substr($7, RSTART + 9, RLENGTH - 9); $7 = substr($7, RSTART + RLENGTH) } }' "$tmp/rows" | sort -un >"$tmp/a"
awk '/^## / { inside = ($0 == "## Not yet") } inside && /^[0-9]+\. / { sub(/\..*/, ""); print }' "$doc" | sort -un >"$tmp/b"
diff "$tmp/a" "$tmp/b" >"$out"
report "what has no test at its edge has its reason under \"Not yet\""
finish
