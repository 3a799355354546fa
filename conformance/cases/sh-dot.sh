#!/bin/sh
# A shell that reads a script with the dot command, and runs a program from it.
#
# Logged must be: no script, neither for the shell nor in the program's history.
# Goes wrong where a shell's reading of a file is taken for an exec.
. "$CONFORMANCE_LIB/expect.sh"

cp "$CONFORMANCE_BIN/target" program
printf '%s' "$(tok b)" >>program
printf '#!/bin/false\nexec ./program %s\n' "$(tok b)" >script.sh
chmod 755 script.sh

(
	sh=$(readlink -f /bin/sh)
	expect a
	native a "$sh"
	has a argv /bin/sh -c '. ./script.sh' "$(tok a)"
	has a argv.passed /bin/sh -c '. ./script.sh' "$(tok a)"
	line b pid "$expect_pid"
	line b token "$(tok b)"
	native b "$case_dir/program"
	has b argv ./program "$(tok b)"
	has b argv.passed ./program "$(tok b)"
	has b subject.image.path "$sh"
	lacks b subject.script.path
	has b ancestors "$shell"
	has b ancestors.script "$CONFORMANCE_CASE"
	exec /bin/sh -c '. ./script.sh' "$(tok a)"
)
end
