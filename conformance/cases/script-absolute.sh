#!/bin/sh
# A script with an absolute shebang, executed by its path.
#
# Logged must be: the shell as the image, the script beside it, the shell's path
# put in front of argv by the kernel.
# Goes wrong where the file named in the call is taken for the image, or where
# only /proc/PID/exe is looked at, which shows a shell and nothing else.
. "$CONFORMANCE_LIB/expect.sh"

printf '#!/bin/sh\n: %s\n' "$(tok a)" >hello.sh
chmod 755 hello.sh

(
	expect a
	scripted a "$case_dir/hello.sh" "$(readlink -f /bin/sh)"
	has a argv /bin/sh "$case_dir/hello.sh" "$(tok a)"
	has a argv.passed "$case_dir/hello.sh" "$(tok a)"
	has a filename "$case_dir/hello.sh"
	exec "$case_dir/hello.sh" "$(tok a)"
)
end
