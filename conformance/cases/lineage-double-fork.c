// A daemon: forked twice, in a session of its own, its parents gone.
//
// Logged must be: the intermediate process as the one that forked it, and the
// program that process ran, although both are gone.
// Goes wrong where a process is forgotten when it exits.
#include "lib/expect.h"

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) {
		pid_t self = getpid(), child = MUST(fork());
		if (child) _exit(0);
		setsid();
		wait_orphaned(self);
		char **args = ARGV(argv[2], tok("a"));
		join("a", getpid(), tok("a"));
		has_num("a", "forker", self);
		has("a", "subject.image.path", case_self);
		lacks("a", "subject.script.path");
		native("a", argv[2], hash(argv[2]), args);
		execv(argv[2], args);
		fail("exec: %s", strerror(errno));
	}
	char *program = target("program");
	char *launcher = again("launcher");
	int watch[2];
	watch_begin(watch);
	long long from = now();
	pid_t pid = MUST(fork());
	if (pid == 0) {
		// The launcher and what it forks hold the watch until the last exec.
		fcntl(watch[1], F_SETFD, 0);
		if (fork() == 0) {
			execv(launcher, ARGV(launcher, tok("launcher"), program));
			_exit(127);
		}
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0));
	watch_wait(watch);
	has_list("a", "ancestors", ARGV(case_self));
	when("a", from, now());
	end();
}
