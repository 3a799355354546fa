// One argument of 128 KiB, the longest there is, before the one that matters; and
// forty short ones.
//
// Logged must be: all of them.
// Goes wrong where there is a limit to the number or the length of arguments.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	size_t len = 32 * sysconf(_SC_PAGESIZE) - 1;
	char *big = malloc(len + 1);
	for (size_t i = 0; i < len; i++) big[i] = 'a' + i % 26;
	big[len] = 0;
	char **argv = ARGV(program, tok("a"), big, "--the-one-that-matters");
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, hash(program), argv);

	static char *forty[43];
	forty[0] = program;
	forty[1] = tok("b");
	for (int i = 2; i < 42; i++) forty[i] = format("argument-%d", i);
	r = run(program, forty);
	expect("b", &r);
	native("b", program, hash(program), forty);
	end();
}
