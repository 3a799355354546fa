# What a shell case needs, to be read with ".": see README.md for the lines.
# Only built-in commands, but for sha256sum and readlink: what is executed on the
# way would stand in the log too, harmlessly, under process ids nobody asks for.

case_token=$CONFORMANCE_TOKEN
case_dir=$(pwd -P)
shell=$(readlink -f /proc/$$/exe)

# word VALUE: prints it as a word of a line. Shell cases keep to plain
# characters; the space is the one exception.
word() {
	case $1 in
	'') printf ' -' ;;
	-) printf ' %%2D' ;;
	*[!A-Za-z0-9_./:=,+@\ -]*) fail "a shell case cannot write the value $1" ;;
	*\ *)
		word_rest=$1
		printf ' '
		while :; do
			case $word_rest in
			*\ *) printf '%s%%20' "${word_rest%%" "*}"; word_rest=${word_rest#*" "} ;;
			*) printf '%s' "$word_rest"; break ;;
			esac
		done
		;;
	*) printf ' %s' "$1" ;;
	esac
}

# line WORD...
line() {
	line_text=$1
	shift
	for line_word in "$@"; do
		line_text=$line_text$(word "$line_word")
	done
	printf '%s\n' "$line_text" >&9
}

has() { line_id=$1; shift; line "$line_id" has "$@"; }
lacks() { line "$1" lacks "$2"; }
skip() { line case skip "$*"; exit 0; }
fail() { line case fail "$*"; exit 99; }
end() { wait; line case end; exit 0; }

# tok ID: a string that stands nowhere but in the exec of this expectation.
tok() { printf '%s.%s.' "$case_token" "$1"; }

# hash FILE: the SHA-256 of its bytes at this moment.
hash() { hash_line=$(sha256sum "$1") || fail "sha256sum $1"; printf '%s' "${hash_line%% *}"; }

# found NAME: the file, links resolved, that a search in PATH leads to. Some shells
# have programs built in, so that "command -v" does not tell.
found() {
	found_rest=$PATH:
	while [ -n "$found_rest" ]; do
		if [ -x "${found_rest%%:*}/$1" ]; then
			readlink -f "${found_rest%%:*}/$1"
			return
		fi
		found_rest=${found_rest#*:}
	done
	fail "there is no $1"
}

# expect ID: to be called in a subshell that is about to exec. The redirection is
# done by the subshell itself, so that /proc/self is the subshell.
expect() {
	read -r expect_pid expect_rest </proc/self/stat
	line "$1" pid "$expect_pid"
	line "$1" token "$(tok "$1")"
	has "$1" forker $$
	has "$1" subject.image.path "$shell"
	has "$1" subject.script.path "$CONFORMANCE_CASE"
	has "$1" cwd "$case_dir"
}

# native ID IMAGE: a program that no script stands before.
native() {
	has "$1" image.path "$2"
	has "$1" image.sha256 "$(hash "$2")"
	lacks "$1" script.path
}

# scripted ID SCRIPT IMAGE
scripted() {
	has "$1" script.path "$2"
	has "$1" script.sha256 "$(hash "$2")"
	has "$1" image.path "$3"
	has "$1" image.sha256 "$(hash "$3")"
}
