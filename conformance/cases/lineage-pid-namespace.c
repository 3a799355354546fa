// A process in a pid namespace of its own, where it is number one, and its child.
//
// Logged must be: the ids as the machine knows them, and those inside beside them.
// Goes wrong where ids are those of the process's own view: number one, that is
// init.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program"), *child = target("child");
	char **argv = ARGV(program, tok("a")), **child_argv = ARGV(child, tok("b"));
	struct door forked = door_make(), named = door_make();
	pid_t *first = shared(sizeof *first);

	long long from = now();
	pid_t middle = MUST(fork());
	if (middle == 0) {
		MUST(unshare(CLONE_NEWPID));
		pid_t pid = MUST(fork());
		if (pid == 0) {
			if (getpid() != 1) fail("not number one");
			if (fork() == 0) {
				door_pass(named);
				execv(child, child_argv);
				_exit(127);
			}
			door_open(forked);
			wait(NULL);
			execv(program, argv);
			_exit(127);
		}
		*first = pid;
		MUST(waitpid(pid, NULL, 0));
		_exit(0);
	}
	// The child's number out here.
	door_pass(forked);
	while (*(volatile pid_t *)first == 0) usleep(1000);
	pid_t number = child_of(*first);
	if (!number) fail("no child of %d", *first);
	door_open(named);
	MUST(waitpid(middle, NULL, 0));

	struct run r = ran(*first, middle, from);
	r.inherits = 1;
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "pid.inner", "1");
	r = ran(number, *first, from);
	r.inherits = 1;
	expect("b", &r);
	native("b", child, hash(child), child_argv);
	has("b", "pid.inner", "2");
	end();
}
