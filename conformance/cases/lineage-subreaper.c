// A child subreaper that inherits an orphan, which then execs.
//
// Logged must be: the dead process that forked the orphan, not the subreaper.
// Goes wrong where "not init" is taken to mean "the real parent".
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	char **argv = ARGV(program, tok("a"));
	pid_t *child = shared(sizeof *child);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	struct door gone = door_make();
	int watch[2];

	long long from = now();
	watch_begin(watch);
	pid_t middle = MUST(fork());
	if (middle == 0) {
		pid_t orphan = fork();
		if (orphan == 0) {
			door_pass(gone);
			execv(program, argv);
			_exit(127);
		}
		*child = orphan;
		_exit(0);
	}
	MUST(waitpid(middle, NULL, 0));
	door_open(gone);
	watch_wait(watch);
	struct run r = ran(*child, middle, from);
	r.inherits = 1;
	expect("a", &r);
	native("a", program, sum, argv);
	has_num("a", "parent", getpid());
	has("a", "parent.image.path", case_self);
	end();
}
