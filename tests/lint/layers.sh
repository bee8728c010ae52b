#!/bin/sh
# Who may include whom: the table of HACKING.md, held.
. "${srcdir:-.}/tests/lint/lib.sh"

# folder  what its files may include (regular expression on the quoted path)
table='core/keys	core/(keys/|key|monotonic|p256|err|buf|log|span|limits|encoding)
core/store	core/(store/|(store|monotonic|err|buf|log|span|limits|encoding|siphash)\.)
core	core/[a-z0-9_]+\.
policy	(core|policy)/
engine	(core|policy|engine)/
milter	(milter|engine)/|policy/verdict\.h|core/(message|arena|span|err|log|buf|limits|monotonic)\.h
ctl	(ctl|engine|policy|core)/'

check_folder() { # folder, pattern
	for f in "$src/$1"/*.c "$src/$1"/*.h "$src/$1"/*.def; do
		[ -f "$f" ] || continue
		sed -n 's/^#include "\(.*\)"/\1/p' "$f" | grep -v '^config\.h$' | grep -Ev "^($2)" |
			sed "s|^|${f#"$src"/} includes |"
	done
}

tab=$(printf '\t')
while IFS=$tab read -r folder pattern; do
	check_folder "$folder" "$pattern" >"$out"
	# core/ itself is a folder of files; its subfolders have rows of their own.
	report "$folder includes only what it may know"
done <<EOF
$table
EOF

for lib in libmilter/ microhttpd gmime/ curl/ sqlite hiredis p11-kit/ seccomp linux/landlock; do
	case $lib in
	libmilter/) allowed='^milter/' ;;
	microhttpd) allowed='^milter/(metrics_server|version)' ;;
	gmime/) allowed='^(core/address|ctl/|engine/|milter/version|core/[a-z]+)' ;;
	curl/) allowed='^(core/x5u|engine/|ctl/|milter/version)' ;;
	p11-kit/) allowed='^core/keys/' ;;
	seccomp) allowed='^milter/sandbox_seccomp' ;;
	linux/landlock) allowed='^milter/sandbox_landlock' ;;
	*) allowed='^core/store/' ;;
	esac
	(cd "$src" && grep -lE "^#include <$lib" core/*.[ch] core/*/*.[ch] policy/*.[ch] engine/*.[ch] milter/*.[ch] ctl/*.[ch] 2>/dev/null | grep -Ev "$allowed") >"$out"
	report "<$lib...> only where it belongs"
done
finish
