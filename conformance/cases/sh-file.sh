#!/bin/sh
# A shell that is given a script as its argument.
#
# Logged must be: the shell, its arguments, and no script. What the shell reads is
# the shell's business; its shebang is a comment.
# Goes wrong where arguments of known interpreters are taken for scripts.
. "$CONFORMANCE_LIB/expect.sh"

printf '#!/bin/false\n: %s\n' "$(tok a)" >script.sh
chmod 755 script.sh

(
	expect a
	native a "$(readlink -f /bin/sh)"
	has a argv /bin/sh ./script.sh "$(tok a)"
	has a argv.passed /bin/sh ./script.sh "$(tok a)"
	has a filename /bin/sh
	exec /bin/sh ./script.sh "$(tok a)"
)
end
