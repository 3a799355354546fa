// A program of 64 MiB that exits at once, and is removed.
//
// Logged must be: its hash.
// Goes wrong where hashing starts when the process is already gone.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	MUST(truncate(program, 64 << 20));
	char *sum = hash(program);
	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	MUST(unlink(program));
	expect("a", &r);
	native("a", program, sum, argv);
	has_num("a", "image.size", 64 << 20);
	end();
}
