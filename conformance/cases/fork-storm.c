// Two hundred processes that exec as soon as they are forked, and end at once.
//
// Logged must be: every one of them, with its own argument.
// Goes wrong where processes are looked up after the fact, or where a buffer
// overflows without a word.
#include "lib/expect.h"

enum { COUNT = 200 };

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	pid_t pid[COUNT];
	for (int i = 0; i < COUNT; i++) {
		char **argv = ARGV(program, tok(format("n%d", i)));
		if ((pid[i] = MUST(fork())) == 0) {
			execv(program, argv);
			_exit(127);
		}
	}
	for (int i = 0; i < COUNT; i++) {
		int status;
		MUST(waitpid(pid[i], &status, 0));
		if (status) fail("child %d failed", i);
		char *id = format("n%d", i);
		char **argv = ARGV(program, tok(id));
		join(id, pid[i], tok(id));
		has_num(id, "forker", getpid());
		native(id, program, sum, argv);
	}
	end();
}
