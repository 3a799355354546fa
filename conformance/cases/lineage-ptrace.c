// A process that is traced by another that is not its parent; the kernel lists the
// tracer as the parent meanwhile.
//
// Logged must be: the process that forked it, and its exec once.
// Goes wrong where the parent is read from the kernel's parent field, or where the
// stops of a traced exec are counted as execs.
#include "lib/expect.h"

#include <sys/ptrace.h>

static void trace(pid_t pid, struct door attached) {
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)) _exit(1);
	door_open(attached);
	int status;
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		int sig = WSTOPSIG(status);
		// From the exec on, stop at every system call.
		ptrace(PTRACE_SYSCALL, pid, 0, sig == SIGTRAP || sig == (SIGTRAP | 0x80) ? 0 : sig);
	}
	_exit(0);
}

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	char **argv = ARGV(program, tok("a"));
	struct door attached = door_make();
	int watch[2];
	watch_begin(watch);
	long long from = now();
	pid_t pid = MUST(fork());
	if (pid == 0) {
		door_pass(attached);
		execv(program, argv);
		_exit(127);
	}
	pid_t tracer = MUST(fork());
	if (tracer == 0) {
		close(watch[1]);
		trace(pid, attached);
	}
	struct run r = {.pid = pid, .forker = getpid(), .from = from, .inherits = 1};
	watch_wait(watch);
	r.to = now();
	finish(&r);
	int status;
	MUST(waitpid(tracer, &status, 0));
	if (status) skip("the process could not be traced");
	expect("a", &r);
	native("a", program, sum, argv);
	has_num("a", "parent", getpid());
	end();
}
