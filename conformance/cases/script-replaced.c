// A script that is replaced by another file while its interpreter runs.
//
// Logged must be: the hash of what was executed, and the path it had then.
// Goes wrong where the script is looked up by its path: there is a file, and it is
// another one.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *interpreter = target("interpreter");
	char *script = text("script", format("#!%s\n%s\n", interpreter, tok("a")));
	char *sum = hash(script), *file = identity(script);
	text("other", "#!/bin/true\nnothing to see\n");

	char **argv = ARGV("./script", tok("a"), "hold:");
	struct run r = start_held("./script", argv);
	MUST(rename("other", "script"));
	release(&r);
	expect("a", &r);
	scripted("a", NULL, interpreter, ARGV(interpreter, "./script", tok("a"), "hold:"), argv);
	has("a", "script.path", script);
	has("a", "script.sha256", sum);
	has("a", "named.file", file);
	end();
}
