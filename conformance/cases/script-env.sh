#!/bin/sh
# A script whose interpreter is found by env: two execs in one process, of which
# the kernel saw a script in the first alone.
#
# Logged must be: env with the script, then the shell without one, which came from
# env and its script.
# Goes wrong where the second exec inherits the script of the first, or where the
# first is dropped because it lasts for a moment only.
. "$CONFORMANCE_LIB/expect.sh"

env=$(readlink -f /usr/bin/env) || skip no /usr/bin/env
sh=$(found sh)
printf '#!/usr/bin/env sh\n: %s\n' "$(tok a)" >script
chmod 755 script

(
	expect a
	scripted a "$case_dir/script" "$env"
	has a argv /usr/bin/env sh ./script "$(tok a)"
	has a argv.passed ./script "$(tok a)"
	has a filename ./script
	# The second is found by being the second: it has the same words.
	line b pid "$expect_pid"
	native b "$sh"
	has b argv sh ./script "$(tok a)"
	has b argv.passed sh ./script "$(tok a)"
	has b forker $$
	has b subject.image.path "$env"
	has b subject.script.path "$case_dir/script"
	has b ancestors "$shell"
	has b ancestors.script "$CONFORMANCE_CASE"
	exec ./script "$(tok a)"
)
end
