#!/bin/sh
# A shell that reads a script from its standard input.
#
# Logged must be: the shell and no script.
# Goes wrong where an open file of the process is taken for a script.
. "$CONFORMANCE_LIB/expect.sh"

printf '#!/bin/false\n: %s\n' "$(tok a)" >script.sh
chmod 755 script.sh

(
	expect a
	native a "$(readlink -f /bin/sh)"
	has a argv /bin/sh -s "$(tok a)"
	has a argv.passed /bin/sh -s "$(tok a)"
	exec /bin/sh -s "$(tok a)" <script.sh
)
end
