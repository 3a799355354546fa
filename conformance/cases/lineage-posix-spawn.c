// posix_spawn, which clones with shared memory and a stack of its own; once of a
// program that is not there, and once of one that is.
//
// Logged must be: one exec, and nothing of the failure.
// Goes wrong where a clone that shares memory is taken for a thread.
#include "lib/expect.h"

#include <spawn.h>

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	char **argv = ARGV(program, tok("a"));
	pid_t pid;
	if (posix_spawn(&pid, "./absent", NULL, NULL, argv, environ) != ENOENT) fail("spawned what is not there");
	long long from = now();
	if ((errno = posix_spawn(&pid, program, NULL, NULL, argv, environ))) fail("spawn: %s", strerror(errno));
	struct run r = ran(pid, getpid(), from);
	r.inherits = 1;
	finish(&r);
	expect("a", &r);
	native("a", program, sum, argv);
	end();
}
