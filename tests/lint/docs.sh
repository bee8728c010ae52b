#!/bin/sh
# What the documents name is there: relative links, files, settings, options,
# commands, tests, limits; and the manual pages are well formed.
. "${srcdir:-.}/tests/lint/lib.sh"

top='README.md HACKING.md THREATS.md NEWS debian/README.Debian'
docs=$(cd "$src" && ls $top doc/*.md 2>/dev/null)
pages=$(cd "$src" && ls doc/*.[1-8])
tab=$(printf '\t')

# Code spans of a text: `word`, one a line, with the document's name.  Fenced and
# indented examples are run by tests of their own, and left out.
for d in $docs; do
	awk -v d="$d" '
		/^ *```/ { fence = !fence; next }
		fence || /^    / { next }
		{ text = text " " $0 }
		END {
			n = split(text, part, "`")
			for (i = 2; i <= n; i += 2)
				print d "\t" part[i]
		}' "$src/$d"
done >"$tmp/spans"
[ "$(wc -l <"$tmp/spans")" -gt 500 ] || echo "only $(wc -l <"$tmp/spans") words in backquotes were found" >"$out"
report "the documents are read"

# --- links ----------------------------------------------------------------------
for d in $docs; do
	grep -o '](\([^)]*\))' "$src/$d" | sed 's/^](//; s/)$//' | grep -v '^[a-z]*:' | while IFS= read -r link; do
		file=${link%%#*}
		[ -z "$file" ] || [ -e "$src/$(dirname "$d")/$file" ] || echo "$d: ($link) leads nowhere"
	done
done >"$out"
report "every relative link leads to a file"

# --- files ----------------------------------------------------------------------
# A word of folders and names below one of ours, perhaps with * or [ch]; names in
# capitals stand for any.  build/ is made.  A bare name ending as sources do must
# be somewhere.
there() { # pattern
	case $1 in *NAME* | *FOLDER*) return 0 ;; esac
	(cd "$src" && set -- $1 && [ -e "$1" ])
}
while IFS=$tab read -r d word; do
	case $word in
	core/* | policy/* | engine/* | milter/* | ctl/* | tests/* | doc/* | conf/* | tools/* | debian/* | m4/* | .ci/*)
		file=${word%%[ :(,]*}
		there "$file" || there "$file.c" || [ -n "$(cd "$src" && ls "$file".* 2>/dev/null)" ] || echo "$d: $word"
		;;
	../*) there "${word#../}" || echo "$d: $word" ;;
	*[!A-Za-z0-9_.-]*) ;;
	*.md | *.c | *.h | *.def | *.py | *.sh | *.policy)
		[ -n "$(find "$src/core" "$src/policy" "$src/engine" "$src/milter" "$src/ctl" "$src/tests" "$src/doc" "$src/conf" "$src/tools" \
			-name "$word" 2>/dev/null | head -n 1)" ] || [ -e "$src/$word" ] || grep -q "[>' ]$word" "$src/$d" || echo "$d: $word"
		;;
	esac
done <"$tmp/spans" | sort -u | grep -v 'foo\.[ch]$\|: pilot\.policy$\|: shown\.policy$' >"$out"
report "every file that is named is there"

# --- settings -------------------------------------------------------------------
# Words like ThisOne are settings, unless they are known to be something else.
camel='^[A-Z][A-Za-z0-9]*[a-z][A-Z][A-Za-z0-9]*$|^MM4(MTA|Peers)$|^UMask$'
sed -n 's/^SETTING(\([A-Za-z0-9]*\),.*/\1/p' "$src/engine/settings.def" | sort >"$tmp/settings"
sed -e 's/#.*//' -e '/^$/d' >"$tmp/others" <<'END'
Include
TNAuthList
JWTClaimConstraints
EnhancedJWTClaimConstraints
MM4_forward
ReadWritePaths PrivateDevices WatchdogSec	# systemd
RemoveARAll RemoveARFrom SignHeaders OversignHeaders	# OpenDKIM
END
tr ' \t' '\n\n' <"$tmp/others" | sort -u >"$tmp/known"
awk -F'\t' -v camel="$camel" '{ split($2, w, " "); if (w[1] ~ camel) print $1 "\t" w[1] }' "$tmp/spans" | sort -u | while IFS=$tab read -r d word; do
	grep -qx -- "$word" "$tmp/settings" "$tmp/known" || echo "$d: $word is no setting"
done >"$out"
report "every setting that a document names is one"

# The same of the manual pages, which mark them Sy, Cm or Li.
for p in $pages; do
	grep -hoE '^\.(Sy|Cm|Li) [A-Z][A-Za-z0-9]+' "$src/$p" | cut -d' ' -f2 | grep -E "$camel" | grep -v '^StirMilter' | sort -u |
		while IFS= read -r word; do
			grep -qx -- "$word" "$tmp/settings" "$tmp/known" || echo "$p: $word is no setting"
		done
done >"$out"
report "every setting that a manual page names is one"

# Which of them need a restart, stir-milter(8) says in one sentence.
sed -n 's/.*note_unless(.*, "\([A-Za-z0-9]*\)");.*/\1/p' "$src/milter/reload.c" | sort >"$tmp/a"
awk '/^take effect at a start only/ { print said } /^\.Cm |^and$/ { said = said " " $0; next } { said = "" }' "$src/doc/stir-milter.8" |
	grep -oE '[A-Z][A-Za-z]+' | grep -vx Cm | sort >"$tmp/b"
diff "$tmp/a" "$tmp/b" >"$out"
[ -s "$tmp/a" ] || echo "none were found" >>"$out"
report "stir-milter(8) names the settings that take effect at a start only"

# Lines of configuration in examples: two columns, the first in capitals.
for d in $docs $pages; do
	grep -hE "^( {4})?[A-Z][A-Za-z0-9]+  +[^ ]" "$src/$d" | sed 's/^ *//' | cut -d' ' -f1 | grep -E '[a-z]' | sort -u |
		while IFS= read -r word; do
			grep -qx -- "$word" "$tmp/settings" || echo "$d: $word"
		done
done | grep -vE ': (From|To|Date|Subject|Result)$' >"$out"
report "and every one in an example"

# --- commands and options ---------------------------------------------------------
# "stirctl verb [word]" anywhere; the verbs are those of ctl/main.c and of the cmd_ files.
cat "$src"/ctl/*.c "$src"/ctl/*.h >"$tmp/ctl"
cat "$src"/milter/options.c "$src"/milter/main.c >"$tmp/milter"
for d in $docs; do
	tr '\n' ' ' <"$src/$d" | grep -oE "(^|[\`( ])stirctl [a-z]+( [a-z]+)?" | sed 's/^[^s]*//' | sort -u | while read -r _ verb word; do
		case $verb in
		pki | policy | evidence | probe)
			grep -q "\"$verb\"" "$tmp/ctl" || echo "$d: stirctl $verb"
			[ -z "$word" ] || grep -q "\"$word\"" "$tmp/ctl" || echo "$d: stirctl $verb $word"
			;;
		sign | verify | explain | show) grep -q "\"$verb\"" "$tmp/ctl" || echo "$d: stirctl $verb" ;;
		esac
	done
done | grep -vE 'stirctl (policy|pki|probe|evidence) (finds|does|is|and|tries|makes|checks|shows|for|command|commands)$' >"$out"
report "every stirctl command that a document names is one"

for d in $docs; do
	grep -hoE "stirctl [^\`|]*" "$src/$d" | grep -oE '(^| )--[a-z][a-z-]+' | tr -d ' ' | sort -u | while IFS= read -r option; do
		grep -qF -- "${option#--}" "$tmp/ctl" || echo "$d: stirctl $option"
	done
	grep -v 'install -d' "$src/$d" | grep -hoE "(^|[\` ])stir-milter( -[-a-z]+( [a-z.]+)?)+" | sed 's/.*stir-milter//' | grep -oE ' -[-a-z]+' | tr -d ' ' | sort -u | while IFS= read -r option; do
		name=${option#-}
		grep -qE -- "\"${name#-}\"|'$name'|\"[a-zA-Z:]*$name[a-zA-Z:]*\"" "$tmp/milter" || echo "$d: stir-milter $option"
	done
done >"$out"
report "and every option"

# The usage texts and the manual pages have the same options.
for pair in "stir-milter.8 milter/options.c" "stirctl.1 ctl/*.c"; do
	page=$src/doc/${pair%% *}
	(cd "$src" && cat ${pair#* }) | grep -ohE '"[^"]*--[a-z][^"]*"' | grep -v -e '--[a-z]*: *[#0-9v]' -e '--stir-probe' -e 'var(--' |
		grep -oE -- '--[a-z][a-z-]+' | sort -u | while IFS= read -r option; do
		grep -qE -- "Fl Fl ${option#--}( |\$|,)" "$page" || echo "${pair%% *} lacks $option"
	done
	grep -ohE 'Fl Fl [a-z0-9-]+' "$page" | cut -d' ' -f3 | sort -u | while IFS= read -r option; do
		(cd "$src" && cat ${pair#* } ctl/*.h) | grep -qE -- "\"(--)?$option\"|--$option([^a-z-]|$)" || echo "${pair%% *} has --$option"
	done
done >"$out"
report "usage texts and manual pages have the same options"

# --- reasons, limits, functions ------------------------------------------------------
sed -n -e 's/^STIR_REASON([A-Z0-9_]*, "\([^"]*\)", \([A-Z]*\), [0-9]*, "[^"]*", "\(.*\)")$/\1 Ar \2\t\3/p' \
	-e 's/^SIGN_OUTCOME([A-Z0-9_]*, "\([^"]*\)", "\(.*\)")$/\1\t\2/p' "$src/core/stir_reason.def" "$src/core/sign_outcome.def" |
	awk -F'\t' '{ split($1, w, " "); print w[1] (w[3] ? " Ar " tolower(w[3]) : ""); print toupper(substr($2, 1, 1)) substr($2, 2) "." }' >"$tmp/a"
awk '/^\.Sh / { inside = ($2 == "REASONS") } !inside { next }
	/^\.It Li / { sub(/^\.It Li /, ""); print; want = 1; next }
	want { print; want = 0 }' "$src/doc/stir-milter.8" >"$tmp/b"
diff "$tmp/a" "$tmp/b" >"$out"
[ -s "$tmp/a" ] || echo "no reasons were found" >>"$out"
report "stir-milter(8) has every reason and outcome, with its sentence, in the tables' order"

awk -F'\t' '$2 ~ /^(LIMIT|STIR)_[A-Z0-9_]+$/ { print }' "$tmp/spans" | sort -u | while IFS=$tab read -r d word; do
	case $word in
	LIMIT_*) grep -q "\b$word\b" "$src/core/limits.h" || echo "$d: $word" ;;
	*) grep -rqs "\b$word\b" "$src/tools" "$src/tests" "$src/core" "$src/Makefile.am" || echo "$d: $word" ;;
	esac
done >"$out"
report "every limit and variable that is named is there"

(cd "$src" && cat core/*.[ch] core/*/*.[ch] policy/*.[ch] engine/*.[ch] milter/*.[ch] ctl/*.[ch]) >"$tmp/code"
awk -F'\t' '$2 ~ /^[a-z0-9_]+\(\)$/ { print }' "$tmp/spans" | sort -u | while IFS=$tab read -r d word; do
	grep -qE "\b${word%()}\b" "$tmp/code" || grep -rqs "${word%()}" "$src/tests/vectors/make.py" || echo "$d: $word"
done >"$out"
report "every function that is named is there"

# --- vectors --------------------------------------------------------------------------
# THREATS.md: "vector NAME, NAME": what follows the word, up to the end of the sentence.
tr '\n' ' ' <"$src/THREATS.md" | grep -oE '[Vv]ectors? (`[a-z0-9*-]+`(, and |, | and )?)+' | grep -oE '`[^`]+`' | tr -d '`' | sort -u |
	while IFS= read -r name; do
		(cd "$src/tests/vectors/cases" && set -- $name && [ -d "$1" ]) || echo "THREATS.md: no vector $name"
	done >"$out"
report "every vector that is named is there"

# --- manual pages ----------------------------------------------------------------------
# Not every system has mandoc(1); Xr to pages that are not installed here, and long
# lines, are no mistakes.
if command -v mandoc >/dev/null; then
	for p in $pages; do
		mandoc -Tlint "$src/$p" 2>/dev/null | grep -E 'WARNING|ERROR|UNSUPP|STYLE' |
			grep -vE 'referenced manual not found|text line longer than 80|possible typo in section name|sections out of conventional order' |
			# Runbook lines are those of the alert rules, each one line.
			grep -v 'stir-milter-metrics.7:.*new sentence' |
			sed "s|^mandoc: [^:]*|$p|"
	done >"$out"
	report "mandoc has nothing to say of the manual pages"
fi
for p in $pages; do
	grep -hoE '^\.Xr [a-z.-]+ [1-8]' "$src/$p" | grep -E 'stir' | sort -u | while read -r _ name section; do
		[ -e "$src/doc/$name.$section" ] || echo "$p: $name($section)"
	done
done >"$out"
for d in $docs; do
	grep -hoE '`?stir[a-z.-]*\([1-8]\)' "$src/$d" | tr -d '`' | sort -u | while IFS= read -r ref; do
		name=${ref%(*}; section=${ref#*(}
		[ -e "$src/doc/$name.${section%)}" ] || echo "$d: $ref"
	done
done >>"$out"
report "every page of ours that is referred to is there"
finish
