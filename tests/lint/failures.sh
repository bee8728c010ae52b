#!/bin/sh
# doc/failures.md and the tree say the same: every reason, outcome, cause, metric
# and event has its row, or stands among those that are no failure; and what a row
# names (class, setting, metric, words of the log, test and its words) is there.
. "${srcdir:-.}/tests/lint/lib.sh"

doc=$src/doc/failures.md
tab=$(printf '\t')

# line<TAB>cause<TAB>class<TAB>default<TAB>otherwise<TAB>metric<TAB>log<TAB>test
awk -v OFS='\t' -F' [|] ' '
	/^\| cause \|/ || /^\|---/ || !/^\| / { next }
	NF == 2 { next }
	{
		sub(/^\| /, "", $1); sub(/ \|$/, "", $NF)
		if (NF != 7) { print NR ": has " NF " cells" > bad; next }
		for (i = 1; i <= 7; i++) if ($i ~ /^ *$/) print NR ": cell " i " is empty" > bad
		print NR, $1, $2, $3, $4, $5, $6, $7
	}' bad="$out" "$doc" >"$tmp/rows"
[ "$(wc -l <"$tmp/rows")" -gt 80 ] || echo "only $(wc -l <"$tmp/rows") rows were found" >>"$out"
report "every row has seven cells"

# Words in backquotes of one column: line<TAB>word.
spans() { # column
	awk -F'\t' -v c="$1" '{ n = split($c, w, "`"); for (i = 2; i <= n; i += 2) print $1 "\t" w[i] }' "$tmp/rows"
}
# Words in quotes of one column, outside of backquotes.
quotes() { # column
	awk -F'\t' -v c="$1" '{
		n = split($c, w, "`"); text = ""
		for (i = 1; i <= n; i += 2) text = text w[i]
		n = split(text, q, "\"")
		if (n && n % 2 == 0) print $1 "\t(a quote is not closed)"
		for (i = 2; i <= n; i += 2) print $1 "\t" q[i]
	}' "$tmp/rows"
}
# Lines of the file that do not stand in the other one.
missing() { sort -u "$1" | grep -vxFf "$2"; }
# The words of a list of that name among what is no failure.
listed() { # beginning of the item
	awk -v want="* $1" '
		/^## / { inside = ($0 == "## What is no failure") }
		!inside { next }
		/^\* / { mine = (index($0, want) == 1) }
		mine { n = split($0, w, "`"); for (i = 2; i <= n; i += 2) print w[i] }' "$doc" | sort
}

# --- classes ----------------------------------------------------------------------
sed -n 's/^| `\([a-z]*\)` | [^|]* |$/\1/p' "$doc" | sort >"$tmp/a"
spans 3 | cut -f2 | sort -u >"$tmp/b"
diff "$tmp/a" "$tmp/b" >"$out"
awk -F'\t' '$3 !~ /^`[a-z]*`$/ { print $1 ": " $3 }' "$tmp/rows" >>"$out"
report "each row is of a class of the first table, and each class has a row"

# --- names of the tables ------------------------------------------------------------
spans 6 >"$tmp/metrics"
spans 7 >"$tmp/members"

# Each name once: in rows, or in the list.
once() { # text; $tmp/all, $tmp/in, $tmp/not
	[ -s "$tmp/all" ] || echo "there are none" >"$out"
	sort -u "$tmp/in" "$tmp/not" >"$tmp/both"
	missing "$tmp/all" "$tmp/both" | sed 's/$/: has no row, and is not among what is no failure/' >>"$out"
	missing "$tmp/both" "$tmp/all" | sed 's/$/: there is none of that name/' >>"$out"
	sort -u "$tmp/in" | grep -xFf "$tmp/not" | sed 's/$/: has a row, and is said to be no failure/' >>"$out"
	uniq -d "$tmp/not" >>"$out"
	report "$1"
}
label() { # its name: the values that rows have
	sed -n "s/.*{$1=\"\([^\"]*\)\"}.*/\1/p" "$tmp/metrics" | sort -u
}

sed -n 's/^STIR_REASON([A-Z0-9_]*, "\([^"]*\)".*/\1/p' "$src/core/stir_reason.def" >"$tmp/reasons"
cp "$tmp/reasons" "$tmp/all"
label reason >"$tmp/in"
listed Reasons >"$tmp/not"
: >"$out"
once "every reason has its row"

sed -n 's/^SIGN_OUTCOME([A-Z0-9_]*, "\([^"]*\)".*/\1/p' "$src/core/sign_outcome.def" >"$tmp/outcomes"
cp "$tmp/outcomes" "$tmp/all"
sed -n 's/.*signed_total{outcome="\([^"]*\)"}.*/\1/p' "$tmp/metrics" | sort -u >"$tmp/in"
listed Outcomes >"$tmp/not"
: >"$out"
once "every outcome of signing has its row"

sed -n 's/^FETCH_CAUSE([A-Z0-9_]*, "\([^"]*\)".*/\1/p' "$src/core/fetch_cause.def" >"$tmp/causes"
cp "$tmp/causes" "$tmp/all"
label cause >"$tmp/in"
listed Causes >"$tmp/not"
: >"$out"
once "every cause of a failed fetch has its row"

sed -n 's/^METRIC([A-Z0-9_]*, "\([a-z_]*\)".*/\1/p' "$src/engine/metrics.def" >"$tmp/all"
cut -f2 "$tmp/metrics" | sed 's/{.*//' | sort -u >"$tmp/in"
listed Metrics >"$tmp/not"
: >"$out"
once "every metric has its row"

# Events, checks, limits and reloads: arrays of engine/metrics_labels.c.
words() { # array
	awk -v a="const $1[" 'index($0, a) { on = 1 } on { print } /};/ { on = 0 }' "$src/engine/metrics_labels.c" | grep -o '"[^"]*"' | tr -d '"'
}
for array in checks limits reloads cert_events crl_events; do words $array; done | sort -u >"$tmp/all"
{ label check; label limit; label event; sed -n 's/.*reloads_total{outcome="\([^"]*\)"}.*/\1/p' "$tmp/metrics"; } | sort -u >"$tmp/in"
listed Events >"$tmp/not"
: >"$out"
once "every check, limit and event that is counted has its row"

# A label belongs to its metric, and the value to the label.
sed -n 's/^METRIC([A-Z0-9_]*, "\([a-z_]*\)", [A-Z]*, \([A-Z_]*\), \([A-Z_]*\),.*/\1 \2 \3/p' "$src/engine/metrics.def" >"$tmp/labels"
sed -n 's/^.*\[METRICS_LABEL_\([A-Z_]*\)\] = {"\([a-z]*\)".*, \([a-z_]*\), NULL}.*/\1 \2 \3/p; s/^.*\[METRICS_LABEL_\([A-Z_]*\)\] = {"\([a-z]*\)".*NULL, [a-z_]*}.*/\1 \2 -/p' \
	"$src/engine/metrics_labels.c" >"$tmp/tables"
grep '{' "$tmp/metrics" | while IFS=$tab read -r line word; do
	metric=${word%%\{*}; rest=${word#*\{}; key=${rest%%=*}; value=${rest#*\"}; value=${value%%\"*}
	set -- $(awk -v m="$metric" -v k="$key" -v tables="$tmp/tables" '
		BEGIN { while ((getline l < tables) > 0) { split(l, f, " "); name[f[1]] = f[2]; array[f[1]] = f[3] } }
		$1 == m { for (i = 2; i <= 3; i++) if (name[$i] == k) print $i, array[$i] }' "$tmp/labels")
	case "${1-} ${2-}" in
	" ") echo "$line: $metric has no label $key"; continue ;;
	"REASON -") cat "$tmp/reasons" ;;
	"OUTCOME -") cat "$tmp/outcomes" ;;
	"CAUSE -") cat "$tmp/causes" ;;
	*" -") cat "$src"/core/stir_result.c | grep -o '"[^"]*"' | tr -d '"' ;;
	*) words "$2" ;;
	esac >"$tmp/values"
	grep -qxF -- "$value" "$tmp/values" || echo "$line: $key of $metric is never $value"
done >"$out"
report "labels are those of their metrics"

# --- settings, on lines, facts ---------------------------------------------------------
sed -n 's/^SETTING(\([A-Za-z0-9]*\),.*/\1/p' "$src/engine/settings.def" >"$tmp/settings"
sed -n 's/^FACT([A-Z0-9_]*, "\([a-z.]*\)".*/\1/p' "$src/policy/fact.def" >"$tmp/facts"
grep '^static const char \*const failure_words' "$src/policy/parser_action.c" | grep -o '"[^"]*"' | tr -d '"' | sed 's/^/on /' >"$tmp/on"
sed -n 's/^	\[TRUST_FILE_[A-Z_]*\] = "\([a-z-]*\)",$/\1/p' "$src/engine/trust_file_parse.c" >"$tmp/domain"
printf '%s\n' default_action 'stir-milter -n' >"$tmp/others"
for list in settings facts on domain; do
	[ -s "$tmp/$list" ] || echo "no $list were found"
done >"$out"
spans 5 | while IFS=$tab read -r line word; do
	cat "$tmp/settings" "$tmp/facts" "$tmp/on" "$tmp/domain" "$tmp/others" | grep -qxF -- "$word" || echo "$line: $word"
done >>"$out"
awk -F'\t' '$5 !~ /^none: ./ && $5 ~ /^none/ { print $1 ": " $5 }' "$tmp/rows" >>"$out"
report "every setting, fact, on line and word of a trust domain that is named is one"

# --- the log ------------------------------------------------------------------------------
(cd "$src" && cat core/*.[ch] core/*/*.[ch] core/*.def policy/*.[ch] engine/*.[ch] engine/*.def milter/*.[ch]) |
	grep -oE '"([^"\\]|\\.)*"' | sed 's/^"//; s/"$//; s/\\"/"/g' >"$tmp/strings"
quotes 7 | while IFS=$tab read -r line text; do
	grep -qF -- "$text" "$tmp/strings" || echo "$line: no string of the sources has \"$text\""
done >"$out"
[ "$(quotes 7 | wc -l)" -gt 60 ] || echo "few words were found" >>"$out"
report "all words of the log are in a string of the sources"

# key=value of the line about a message; key= alone for values that differ.
cat "$src/engine/engine_log.c" "$src/policy/format.c" "$src/engine/policy_write.c" "$src/policy/factlog_write.c" >"$tmp/writers"
cut -f2 "$tmp/members" | sort -u | while IFS= read -r word; do
	key=${word%%=*} value=${word#*=}
	[ "$key" != "$word" ] || { echo "$word is no key=value"; continue; }
	grep -qE "\"[ ]?$key[=\"]" "$tmp/writers" || echo "$key= is in no line about a message"
	[ -z "$value" ] || grep -qxF -- "$value" "$tmp/strings" || echo "$word: nothing is called $value"
done >"$out"
report "and all members of the line about a message"

# --- tests -----------------------------------------------------------------------------------
# line<TAB>file<TAB>words
awk -F'\t' '{
	text = $8; file = ""; said = 1
	while (match(text, /`[^`]*`|"[^"]*"/)) {
		word = substr(text, RSTART + 1, RLENGTH - 2)
		if (substr(text, RSTART, 1) == "`") { if (!said) print $1 "\t" file "\t"; file = word; said = 0 }
		else { print $1 "\t" file "\t" word; said = 1 }
		text = substr(text, RSTART + RLENGTH)
	}
	if (!said) print $1 "\t" file "\t"
	if (file == "" && $8 !~ /^none yet [0-9]+$/) print $1 "\t\t"
}' "$tmp/rows" >"$tmp/tests"
while IFS=$tab read -r line file words; do
	if [ -z "$file" ]; then echo "$line: no test is named"
	elif [ ! -f "$src/$file" ]; then echo "$line: $file is not there"
	elif ! grep -qE "^	${file%.c}(\.c)?( |\$)" "$src/tests/Makefile.inc"; then echo "$line: $file is not among those that are run"
	elif [ -z "$words" ]; then echo "$line: no words of $file are quoted"
	elif ! grep -qF -- "$words" "$src/$file"; then echo "$line: $file does not say \"$words\""
	fi
done <"$tmp/tests" >"$out"
[ "$(wc -l <"$tmp/tests")" -gt 100 ] || echo "few tests were found" >>"$out"
report "every test that is named is run, and says the words"

# --- what is missing ----------------------------------------------------------------------------
awk -F'\t' '{ for (c = 6; c <= 8; c++) if ($c ~ /^none yet [0-9]+$/) { sub(/^none yet /, "", $c); print $c } }' "$tmp/rows" | sort -un >"$tmp/a"
awk '/^## / { inside = ($0 == "## Not yet") } inside && /^[0-9]+\. / { sub(/\..*/, ""); print }' "$doc" | sort -un >"$tmp/b"
diff "$tmp/a" "$tmp/b" >"$out"
awk -F'\t' '{ for (c = 6; c <= 7; c++) if ($c !~ /[`"]/ && $c !~ /^none yet [0-9]+$/ && $c !~ /^none: .../) print $1 ": " $c }' "$tmp/rows" >>"$out"
report "what a row lacks has its reason under \"Not yet\", or in its cell"
finish
