# What the lints share: $src, $out, report and finish (TAP).
src=${srcdir:-.}
tmp=$(mktemp -d ./tap-lint-XXXXXX)
out=$tmp/out
count=0 bad=0
trap 'rm -rf "$tmp"' EXIT

report() { # text; $out empty means good
	count=$((count + 1))
	if [ -s "$out" ]; then
		bad=$((bad + 1))
		echo "not ok $count - $1"
		sed 's/^/#   /' "$out"
	else
		echo "ok $count - $1"
	fi
}

finish() {
	echo "1..$count"
	exit $((bad > 0))
}

product() { # every source file of the product, relative to $src
	(cd "$src" && ls core/*.[ch] core/*/*.[ch] policy/*.[ch] engine/*.[ch] milter/*.[ch] ctl/*.[ch] 2>/dev/null)
}
