// A 32-bit program on a 64-bit kernel.
//
// Logged must be: its exec like any other's.
// Goes wrong where a program's memory is read with pointers of one size.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	if (access(tool("target32"), X_OK) != 0) skip("no 32-bit program was built");
	char *program = copy(tool("target32"), here("program"), tok("a"), 0755);
	char **argv = ARGV(program, tok("a"), "", "last");
	struct run r = start(program, argv);
	finish(&r);
	if (r.err == ENOEXEC) skip("the kernel runs no 32-bit programs");
	if (r.err || r.status) fail("exec: %s", strerror(r.err));
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "filename", program);
	end();
}
