// A program that can be executed but not read, not by the one who executes it.
//
// Logged must be: its hash and its mode.
// Goes wrong where the file is read with the rights of the process.
#include "lib/expect.h"

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(54321, 54321, 54321));
	MUST(setresuid(12345, 12345, 12345));
}

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	MUST(chown(program, 23456, 34567));
	MUST(chmod(program, 0111));
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(become, NULL, program, argv, environ);
	expect("a", &r);
	native("a", program, sum, argv);
	has("a", "named.mode", "100111");
	has("a", "image.mode", "100111");
	has("a", "named.uid", "23456");
	has("a", "named.gid", "34567");
	has("a", "before.ruid", "12345");
	has("a", "after.ruid", "12345");
	end();
}
