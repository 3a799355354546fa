// An environment of more than a megabyte in which the variable that matters is the
// last.
//
// Logged must be: that variable.
// Goes wrong where the environment is cut.
#include "lib/expect.h"

enum { COUNT = 12 };

int main(void) {
	begin(NULL);
	char *program = target("program");
	char **argv = ARGV(program, tok("a")), *env[COUNT + 2];
	for (int i = 0; i < COUNT; i++) {
		env[i] = malloc(100001);
		memset(env[i], 'A' + i, 100000);
		env[i][1] = '=';
		env[i][100000] = 0;
	}
	env[COUNT] = "LD_PRELOAD=/nowhere/evil.so";
	env[COUNT + 1] = NULL;
	struct run r = run_with(NULL, NULL, program, argv, env);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has_list("a", "env", env);
	has("a", "env.LD_PRELOAD", "/nowhere/evil.so");
	end();
}
