#!/bin/sh
# Calls and words that have no place here.
. "${srcdir:-.}/tests/lint/lib.sh"

look() { # pattern, files...
	p=$1
	shift
	(cd "$src" && grep -nE "$p" "$@" /dev/null | grep -vE '^[^:]+:[0-9]+:[[:space:]]*(\*|//|/\*)') >"$out"
}

all=$(product | grep '\.[ch]$')
inner=$(echo "$all" | grep -E '^(core|policy|engine)/')
c=$(echo "$all" | grep '\.c$')

# shellcheck disable=SC2086
{
	look '\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|scanf|sscanf|alloca|tmpnam|mktemp|system|popen|execv[pe]*|execl[pe]*|fexecve|execveat|posix_spawnp?|v?fork|clone|wordexp|daemon)[[:space:]]*\(' $all
	report 'no call that has no bound, and none that runs a program'
	# engine/clock is what the front ends and the threads of the engine have it from.
	look '\btime[[:space:]]*\(NULL\)|gettimeofday|CLOCK_REALTIME' $(echo "$inner" | grep -v '^engine/clock\.c$')
	report 'below the front ends the time is a parameter'
	look '\blog_(error|warn|notice|info|debug)[[:space:]]*\(' $(echo "$inner" | grep -E '^(core|policy)/' | grep -vE '^core/(log|certcache|store/)')
	report 'parsers, verifier, signer and policy never log'
	look 'SPAN_ARG\(span_cut' $all
	report 'what is evaluated twice has no effect'
	look 'TODO|FIXME|XXX' $all
	report 'nothing left open in the code'
	(cd "$src" && grep -L '^#include "config.h"' $c) >"$out"
	report 'every .c file begins with config.h'
	(cd "$src" && git ls-files 2>/dev/null | grep -v '^tests/lint/' | xargs -r grep -nIE '(^|[^A-Za-z0-9_.])/(work|farm|root)/' 2>/dev/null) >"$out"
	report "no path of one person's machine"
}
finish
