// A process whose parent is dead and gone before it execs.
//
// Logged must be: the process that forked it and the image it came from, not the
// process that inherited it.
// Goes wrong where the parent is looked up at the exec: by then it is init, or
// the nearest subreaper, which had nothing to do with it.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *path = target("orphan");
	char *sum = hash(path);
	char **argv = ARGV(path, tok("a"));
	int go[2], told[2];
	MUST(pipe2(go, O_CLOEXEC));
	MUST(pipe2(told, O_CLOEXEC));

	long long from = now();
	pid_t middle = MUST(fork());
	if (middle == 0) {
		pid_t child = MUST(fork());
		if (child == 0) {
			// Waits until its parent is not only dead but gone.
			char c;
			close(go[1]);
			if (read(go[0], &c, 1) != 1) _exit(1);
			execv(path, argv);
			_exit(127);
		}
		if (write(told[1], &child, sizeof child) != sizeof child) _exit(1);
		_exit(0);
	}
	pid_t child;
	if (read(told[0], &child, sizeof child) != sizeof child) fail("no pid");
	MUST(waitpid(middle, NULL, 0));
	join("a", child, tok("a"));
	has_num("a", "forker", middle);
	has("a", "subject.image.path", case_self);
	native("a", path, sum, argv);

	close(told[1]);
	if (write(go[1], "", 1) != 1) fail("pipe");
	// The child held the other end until it exec'd.
	char c;
	if (read(told[0], &c, 1) != 0) fail("pipe not closed");
	when("a", from, now());
	end();
}
