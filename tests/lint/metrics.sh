#!/bin/sh
# The table of metrics, the manual page, the alert rules and the dashboard name
# the same metrics, with the same types, labels and sentences; and each alert has
# its runbook line, the same in rules and manual.
. "${srcdir:-.}/tests/lint/lib.sh"

def=$src/engine/metrics.def
labels=$src/engine/metrics_labels.c
man=$src/doc/stir-milter-metrics.7
rules=$src/conf/prometheus/stir-milter.rules.yml
board=$src/conf/grafana/stir-milter.json
tab=$(printf '\t')

same() { # text; compares $tmp/a (the table's) with $tmp/b
	diff "$tmp/a" "$tmp/b" >"$out"
	[ -s "$tmp/a" ] || echo "nothing was found" >>"$out"
	report "$1"
}

# name<TAB>type<TAB>label tables<TAB>sentence of every row
sed -n "s/^METRIC([A-Z0-9_]*, \"\([a-z_]*\)\", \([A-Z]*\), \([A-Z_]*\), \([A-Z_]*\), \"\(.*\)\")\$/\1$tab\2$tab\3 \4$tab\5/p" "$def" >"$tmp/rows"
[ "$(grep -c '^METRIC(' "$def")" -eq "$(wc -l <"$tmp/rows")" ] || echo "a row could not be read" >"$out"
report "every row of metrics.def is read"

sed -n "s/^.*\[METRICS_LABEL_\([A-Z_]*\)\] = {\"\([a-z]*\)\".*/\1$tab\2/p" "$labels" >"$tmp/labels"
awk -F'\t' -v OFS='\t' -v labels="$tmp/labels" '
	BEGIN { while ((getline line < labels) > 0) { split(line, f, "\t"); name[f[1]] = f[2] } name["REASON"] = "result reason" }
	{
		split($3, l, " ")
		both = name[l[1]] (name[l[2]] == "" ? "" : " " name[l[2]])
		if (l[1] == "OWN") both = "*"
		gsub(/\\"/, "\"", $4)
		print ($2 == "PROCESS" ? "process_" : "stir_milter_") $1, $2 == "PROCESS" ? "gauge" : tolower($2), both, toupper(substr($4, 1, 1)) substr($4, 2) "."
	}' "$tmp/rows" | sort >"$tmp/def"

# What the labels of OWN rows are, tests/milter/test_metrics.py sees at a running program.
awk -v OFS='\t' -v def="$tmp/def" '
	BEGIN { while ((getline line < def) > 0) { split(line, f, "\t"); own[f[1]] = f[3] == "*" } }
	/^\.Sh / { inside = ($2 == "METRICS") }
	!inside { next }
	/^\.It Sy / {
		name = $3; type = $5; l = ""
		for (i = 7; i <= NF; i++) l = l (l == "" ? "" : " ") $i
		getline sentence
		print name, type, own[name] ? "*" : l, sentence
	}' "$man" | sort >"$tmp/man"

column() { # number, text
	cut -f"1,$1" "$tmp/def" >"$tmp/a"
	cut -f"1,$1" "$tmp/man" >"$tmp/b"
	same "$2"
}
cut -f1 "$tmp/def" >"$tmp/a"
cut -f1 "$tmp/man" >"$tmp/b"
same "the manual describes every metric, once, and no other"
column 2 "with its type"
column 3 "with its labels"
column 4 "with its sentence"

# A counter ends with _total, and nothing else does.
awk -F'\t' '($2 == "counter") != ($1 ~ /_total$/) { print $1 ": " $2 }' "$tmp/def" >"$out"
report "names follow the rules of Prometheus"

# Names that exist, those of a histogram's series too.
awk -F'\t' '{ print $1 } $2 == "histogram" { print $1 "_bucket"; print $1 "_sum"; print $1 "_count" }' "$tmp/def" | sort >"$tmp/known"
for file in "$rules" "$board" "$man"; do
	grep -oE '\b(stir_milter|process)_[a-z_]+' "$file" | sort -u | comm -23 - "$tmp/known" >"$out"
	[ -n "$(grep -oE 'stir_milter_[a-z_]+' "$file")" ] || echo "no metric in it" >>"$out"
	report "${file#"$src"/} names only metrics that there are"
done

# alert<TAB>severity<TAB>summary<TAB>runbook
awk -v OFS='\t' '
	/^ *- alert: / { if (name != "") print name, severity, summary, runbook; name = $3; severity = summary = runbook = "" }
	/^ *labels: / { severity = $0; sub(/.*severity: /, "", severity); sub(/}.*/, "", severity) }
	/^ *summary: / { summary = $0; sub(/^ *summary: /, "", summary) }
	/^ *runbook: / { runbook = $0; sub(/^ *runbook: "/, "", runbook); sub(/"$/, "", runbook); gsub(/\\"/, "\"", runbook) }
	END { print name, severity, summary, runbook }' "$rules" >"$tmp/a"
awk -v OFS='\t' '
	/^\.Sh / { inside = ($2 == "ALERTS") }
	!inside { next }
	/^\.It Sy / { name = $3; severity = $5; getline summary; sub(/\.$/, "", summary); getline; getline runbook; sub(/^Runbook: /, "", runbook); print name, severity, summary, runbook }' "$man" >"$tmp/b"
same "the manual has every alert, with severity, summary and runbook line"
awk -F'\t' '$2 == "" || $3 == "" || $4 == "" { print $1 }' "$tmp/a" >"$out"
report "and none lacks one"
finish
