// A process that is made its forker's sibling (CLONE_PARENT): its parent is its
// grandparent from the start.
//
// Logged must be: the process that called clone, and the program that one ran.
// Goes wrong where the parent of a new process is taken for its forker.
#include "lib/expect.h"

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) {
		// Reaped by the parent, which is ours too.
		pid_t self = getpid(), parent = getppid();
		pid_t pid = MUST((pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
		if (pid) return 0;
		char **args = ARGV(argv[2], tok("a"));
		if (getppid() != parent) fail("the parent is another one");
		join("a", getpid(), tok("a"));
		has_num("a", "forker", self);
		has_num("a", "parent", parent);
		has("a", "subject.image.path", case_self);
		native("a", argv[2], hash(argv[2]), args);
		execv(argv[2], args);
		fail("exec: %s", strerror(errno));
	}
	char *program = target("program");
	char *forker = again("forker");
	long long from = now();
	struct run r = run(forker, ARGV(forker, tok("forker"), program));
	if (r.status) fail("the forker failed");
	while (wait(NULL) > 0 || errno == EINTR);
	has("a", "parent.image.path", case_self);
	has_list("a", "ancestors", ARGV(case_self));
	when("a", from, now());
	end();
}
