// vfork: the child borrows its parent's memory until it execs.
//
// Logged must be: the exec of the child, by the child.
// Goes wrong where the pid is taken from the memory's owner.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	char **argv = ARGV(program, tok("a"));
	long long from = now();
	pid_t pid = vfork();
	if (pid == 0) {
		execv(program, argv);
		_exit(127);
	}
	if (pid < 0) fail("vfork: %s", strerror(errno));
	struct run r = ran(pid, getpid(), from);
	r.inherits = 1;
	finish(&r);
	if (r.status) fail("exec failed");
	expect("a", &r);
	native("a", program, sum, argv);
	end();
}
