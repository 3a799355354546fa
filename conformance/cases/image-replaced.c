// A program whose file is replaced by its parent a moment after the exec, while it
// runs; then the new one is executed.
//
// Logged must be: the hash of the first file, then that of the second.
// Goes wrong where a path is hashed late, or where hashes are kept by path.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program"), *other = target("other");
	char *sum = hash(program), *file = identity(program);
	char *other_sum = hash(other), *other_file = identity(other);

	char **argv = ARGV(program, tok("a"), "hold:");
	struct run r = start_held(program, argv);
	MUST(rename(other, program));
	release(&r);
	expect("a", &r);
	native("a", program, sum, argv);
	has("a", "named.file", file);

	argv = ARGV(program, tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, other_sum, argv);
	has("b", "named.file", other_file);
	end();
}
