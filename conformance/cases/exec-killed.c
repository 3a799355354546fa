// A process that is killed while it tries, again and again, to execute a file that
// is not there, and one that is killed right after.
//
// Logged must be: nothing of the first and one exec of the second.
// Goes wrong where entering the call is all that is seen.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	volatile int *tries = shared(sizeof *tries);
	pid_t pid = MUST(fork());
	if (pid == 0)
		for (;;) {
			execv("./absent", ARGV("absent", tok("never")));
			if (++*tries == 20) pause();
		}
	while (*tries < 5) usleep(100);
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
	never("never", pid, tok("never"));

	char **argv = ARGV(program, tok("a"), "hold:");
	struct run r = start_held(program, argv);
	MUST(kill(r.pid, SIGKILL));
	release(&r);
	expect("a", &r);
	native("a", program, hash(program), argv);
	end();
}
