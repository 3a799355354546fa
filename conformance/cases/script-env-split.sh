#!/bin/sh
# A script whose shebang has env split its one argument (env -S).
#
# Logged must be: env with the single argument that the kernel passes, and then
# what env made of it.
# Goes wrong where a shebang is split the way a shell would.
. "$CONFORMANCE_LIB/expect.sh"

/usr/bin/env -S true 2>/dev/null || skip "env has no -S"
env=$(readlink -f /usr/bin/env)
printf '#!/usr/bin/env -S sh -e -u\n: %s\n' "$(tok a)" >script
chmod 755 script

(
	expect a
	scripted a "$case_dir/script" "$env"
	has a argv /usr/bin/env "-S sh -e -u" ./script "$(tok a)"
	has a argv.passed ./script "$(tok a)"
	line b pid "$expect_pid"
	native b "$(found sh)"
	has b argv sh -e -u ./script "$(tok a)"
	has b argv.passed sh -e -u ./script "$(tok a)"
	has b subject.image.path "$env"
	has b subject.script.path "$case_dir/script"
	exec ./script "$(tok a)"
)
end
