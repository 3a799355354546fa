#!/bin/sh
# A script whose shebang names its interpreter by a relative path, which the kernel
# looks up from the working directory and not from the script's.
#
# Logged must be: the interpreter that was really loaded.
# Goes wrong where the shebang is read and resolved after the fact: next to the
# script lies another program of that name.
. "$CONFORMANCE_LIB/expect.sh"

mkdir sub
cp "$CONFORMANCE_BIN/target" interpreter
cp "$CONFORMANCE_BIN/target" sub/interpreter
printf 'the right one' >>interpreter
printf 'the wrong one' >>sub/interpreter
printf '#!./interpreter\n%s\n' "$(tok a)" >sub/script
chmod 755 sub/script

(
	expect a
	scripted a "$case_dir/sub/script" "$case_dir/interpreter"
	has a argv ./interpreter sub/script "$(tok a)"
	has a argv.passed sub/script "$(tok a)"
	has a filename sub/script
	exec sub/script "$(tok a)"
)
end
