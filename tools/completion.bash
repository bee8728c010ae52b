# Completion for stirctl and stir-milter: what their own help names, so that it
# can't fall behind.
_stir_milter_words() {
	"$@" --help 2>/dev/null | grep -oE -- '(^|[^[:alnum:]-])--[a-z][a-z-]*' | grep -o -- '--[a-z-]*' | sort -u
}

_stir_milter_commands() {
	"$@" --help 2>/dev/null | sed -n 's/^  \([a-z]\{2,\}\)  .*/\1/p'
}

_stirctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} call=(stirctl) words=

	COMPREPLY=()
	[ "$COMP_CWORD" = 1 ] || call+=("${COMP_WORDS[1]}")
	case $COMP_CWORD,${COMP_WORDS[1]} in
	2,policy | 2,pki | 2,probe | 2,evidence) words=$(_stir_milter_commands "${call[@]}") ;;
	1,*) words=$(_stir_milter_commands "${call[@]}") ;;
	*,policy | *,pki | *,probe | *,evidence) call+=("${COMP_WORDS[2]}") ;;
	esac
	case $cur in
	-*) words=$(_stir_milter_words "${call[@]}") ;;
	esac
	[ -n "$words" ] || compopt -o default
	# shellcheck disable=SC2207
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

_stir_milter() {
	local cur=${COMP_WORDS[COMP_CWORD]}

	COMPREPLY=()
	if [ "${cur#-}" = "$cur" ]; then
		compopt -o default
		return
	fi
	# shellcheck disable=SC2207
	COMPREPLY=($(compgen -W "$(_stir_milter_words stir-milter)" -- "$cur"))
}

complete -F _stirctl stirctl
complete -F _stir_milter stir-milter
