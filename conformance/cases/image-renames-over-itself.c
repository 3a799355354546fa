// A program that renames another file over its own.
//
// Logged must be: the hash of the program that runs, under the name it had.
// Goes wrong where the path is hashed after the exec: there is a file, and it is
// another one.
#include "lib/expect.h"

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) return rename(argv[2], argv[0]) != 0;

	char *program = again("program"), *other = target("other");
	char *sum = hash(program), *file = identity(program);
	char **args = ARGV(program, tok("a"), other);
	struct run r = run(program, args);
	if (r.status) fail("the program did not replace itself");
	expect("a", &r);
	native("a", program, sum, args);
	has("a", "named.file", file);
	end();
}
