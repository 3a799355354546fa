// A program that executes itself again through /proc/self/exe, after its file was
// moved.
//
// Logged must be: the file under the name it has now, and what was passed.
// Goes wrong where /proc/self/exe is resolved by the monitor, which has another.
#include "lib/expect.h"

int main(int argc, char **argv) {
	begin(NULL);
	if (argc == 3) {
		MUST(rename(argv[0], argv[2]));
		execv("/proc/self/exe", ARGV("itself", tok("b"), "again", ""));
		fail("exec: %s", strerror(errno));
	}
	if (argc > 3) return 0;
	char *program = again("program"), *moved = here("moved");
	char *sum = hash(program);
	char **args = ARGV(program, tok("a"), moved);
	struct run r = run(program, args);
	if (r.status) fail("the program failed");
	expect("a", &r);
	native("a", program, sum, args);
	join("b", r.pid, tok("b"));
	native("b", moved, sum, ARGV("itself", tok("b"), "again", ""));
	has("b", "filename", "/proc/self/exe");
	// It was executed under that name.
	has("b", "subject.image.path", program);
	end();
}
