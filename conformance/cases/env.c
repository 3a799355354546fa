// An environment with a library to preload, a name given twice, one without a
// value, one without a name, and bytes that are not UTF-8.
//
// Logged must be: the whole of it, in order, or those that steer the loader.
// Goes wrong where it is read into a map, or from the process later.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	char **argv = ARGV(program, tok("a"));
	char **env = ARGV("LD_PRELOAD=/nowhere/evil.so", "TWICE=1", "TWICE=2", "EMPTY=", "=no name", "no equals sign",
	                  "BYTES=\xff\n\"\\", "LD_LIBRARY_PATH=/a:/b", "");
	struct run r = run_with(NULL, NULL, program, argv, env);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has_list("a", "env", env);
	has("a", "env.LD_PRELOAD", "/nowhere/evil.so");
	has("a", "env.LD_LIBRARY_PATH", "/a:/b");

	argv = ARGV(program, tok("b"));
	r = run_with(NULL, NULL, program, argv, (char *[]){NULL});
	expect("b", &r);
	native("b", program, hash(program), argv);
	lacks("b", "env.LD_PRELOAD");
	end();
}
