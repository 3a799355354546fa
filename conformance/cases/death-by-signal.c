// A program that is killed the moment it runs, one that crashes, and one that is
// killed by another process while it waits.
//
// Logged must be: the three execs.
// Goes wrong where a record is written at the exit, or completed from a process
// that is there no more.
#include "lib/expect.h"

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		return *(volatile int *)strtoul(argv[2], NULL, 0);
	}
	char *program = target("program"), *crasher = again("crasher");

	char **args = ARGV(program, tok("a"), "die:");
	struct run r = run(program, args);
	if (!WIFSIGNALED(r.status)) fail("not killed");
	expect("a", &r);
	native("a", program, hash(program), args);

	args = ARGV(crasher, tok("b"), "8");
	r = run(crasher, args);
	if (!WIFSIGNALED(r.status)) fail("did not crash");
	expect("b", &r);
	native("b", crasher, hash(crasher), args);

	args = ARGV(program, tok("c"), "hold:");
	r = start_held(program, args);
	MUST(kill(r.pid, SIGKILL));
	release(&r);
	expect("c", &r);
	native("c", program, hash(program), args);
	end();
}
