// A program that is given the name of a kernel thread, and one that is given a
// command line that looks harmless.
//
// Logged must be: the file that ran beside what it was called.
// Goes wrong where a process is known by its argv[0].
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	char **argv = ARGV("[kworker/0:1-events]", tok("a"));
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, sum, argv);

	argv = ARGV("/usr/sbin/sshd -D -o Match=all", tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, sum, argv);
	end();
}
