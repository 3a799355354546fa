// A 32-bit program that executes a 64-bit one, by the 32-bit system call.
//
// Logged must be: both execs of the one process.
// Goes wrong where only the calls of 64-bit programs are seen.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	if (access(tool("target32"), X_OK) != 0) skip("no 32-bit program was built");
	char *caller = copy(tool("target32"), here("caller"), tok("a"), 0755), *program = target("program");
	char **argv = ARGV(caller, tok("a"), "exec:", program, tok("b"), "last");
	struct run r = start(caller, argv);
	finish(&r);
	if (r.err == ENOEXEC) skip("the kernel runs no 32-bit programs");
	if (r.err || r.status) fail("exec: %s", strerror(r.err));
	expect("a", &r);
	native("a", caller, hash(caller), argv);
	join("b", r.pid, tok("b"));
	native("b", program, hash(program), ARGV(program, tok("b"), "last"));
	has("b", "filename", program);
	has("b", "subject.image.path", caller);
	lacks("b", "subject.script.path");
	has("b", "forker", format("%d", getpid()));
	end();
}
