#!/bin/sh
# A script that overwrites itself while the shell still reads it, with as many
# bytes as it had.
#
# Logged must be: the hash of the script as it was when it was executed.
# Goes wrong where the script is hashed after the exec was reported.
. "$CONFORMANCE_LIB/expect.sh"

printf '#!/bin/sh\nprintf "#!/bin/sh\\n: harmless\\n" >"$0"\n: %s\n' "$(tok a)" >script
chmod 755 script

(
	expect a
	scripted a "$case_dir/script" "$(readlink -f /bin/sh)"
	has a argv /bin/sh ./script "$(tok a)"
	has a argv.passed ./script "$(tok a)"
	exec ./script "$(tok a)"
)
[ "$(wc -l <script)" -eq 2 ] || fail the script was not rewritten
end
