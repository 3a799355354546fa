// A process with the id of one that ended a moment ago.
//
// Logged must be: two execs of two processes, the second with the history of the
// process that forked it, and nothing of the program that had its number before.
// Goes wrong where processes are known by their id alone.
#include "lib/expect.h"

#include <linux/sched.h>

static pid_t fork_as(pid_t pid) {
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1};
	return syscall(SYS_clone3, &args, sizeof args);
}

int main(void) {
	begin(NULL);
	char *one = target("one"), *two = target("two");
	char **argv_one = ARGV(one, tok("one")), **argv_two = ARGV(two, tok("two"));
	for (int try = 0; try < 10; try++) {
		struct run r = run(one, argv_one);
		long long from = now();
		pid_t again = fork_as(r.pid);
		if (again == 0) {
			execv(two, argv_two);
			_exit(127);
		}
		if (again < 0 && errno == EEXIST) continue; // somebody was faster
		if (again < 0) skip("clone3 with set_tid: %s", strerror(errno));
		if (again != r.pid) fail("another id");
		struct run s = {.pid = again, .forker = getpid(), .from = from, .inherits = 1};
		finish(&s);
		s.to = now();
		if (s.status) fail("exec failed");
		expect("one", &r);
		native("one", one, hash(one), argv_one);
		expect("two", &s);
		native("two", two, hash(two), argv_two);
		end();
	}
	skip("the id was taken ten times over");
}
