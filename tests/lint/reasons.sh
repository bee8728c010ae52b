#!/bin/sh
# The tables of reasons and outcomes, the profile and the vectors agree: every
# reason stands in the profile's table as the program has it, every outcome of
# the signer is in a document, and every reason has a vector.
. "${srcdir:-.}/tests/lint/lib.sh"

profile=$src/doc/profile.md
cases=$src/tests/vectors/cases

# The rows of the profile's table, from the program's, in its order.
sed -n 's/^STIR_REASON([A-Z0-9_]*, "\([^"]*\)", \([A-Z]*\), \([0-9]*\), "\([^"]*\)", "\(.*\)")$/\1|\2|\3|\4|\5/p' \
	"$src/core/stir_reason.def" >"$tmp/reasons"
sed -n 's/^SIGN_OUTCOME([A-Z0-9_]*, "\([^"]*\)", .*/\1/p' "$src/core/sign_outcome.def" >"$tmp/outcomes"
sed -n 's/^ *"reason": *"\([^"]*\)".*/\1/p' "$cases"/*/case.json 2>/dev/null | sort -u >"$tmp/seen"

: >"$out"
[ "$(grep -c '^STIR_REASON(' "$src/core/stir_reason.def")" -eq "$(wc -l <"$tmp/reasons")" ] || echo "a row could not be read" >"$out"
[ -s "$tmp/reasons" ] || echo "there are none" >>"$out"
report "every row of stir_reason.def is read"

: >"$out"
[ "$(grep -c '^SIGN_OUTCOME(' "$src/core/sign_outcome.def")" -eq "$(wc -l <"$tmp/outcomes")" ] || echo "a row could not be read" >"$out"
[ -s "$tmp/outcomes" ] || echo "there are none" >>"$out"
report "every row of sign_outcome.def is read"

awk -F'|' '{ print "| `" $1 "` | " tolower($2) " | " ($3 == 0 ? "-" : $3) " | " $4 " | " $5 " |" }' "$tmp/reasons" >"$tmp/rows"
grep -vxFf "$profile" "$tmp/rows" >"$out"
report "the profile's table has every reason with word, SIP code, rule and sentence"

# Rows of five columns with a word in the second are rows of that table.
grep -E '^\| `[a-z-]+` \| (none|pass|fail|policy|temperror|permerror) \|' "$profile" | grep -vxFf "$tmp/rows" >"$out"
report "and no other"

while IFS= read -r name; do
	grep -qF "\`$name\`" "$profile" || grep -qF -- "$name" "$src"/doc/*.5 "$src"/doc/*.8 || echo "$name"
done <"$tmp/outcomes" >"$out"
report "the profile or a manual page tells of every outcome of signing"

for name in $(cut -d'|' -f1 "$tmp/reasons"); do
	grep -qx -- "$name" "$tmp/seen" || echo "$name"
done >"$out"
report "every reason has a case in tests/vectors"

cut -d'|' -f1 "$tmp/reasons" | sort >"$tmp/known"
grep -vxFf "$tmp/known" "$tmp/seen" >"$out"
report "no case expects a reason that is not in the table"
finish
