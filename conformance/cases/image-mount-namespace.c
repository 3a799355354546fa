// A process with mounts of its own, in which another file is at the path that is
// executed.
//
// Logged must be: the file that the process saw.
// Goes wrong where the path is opened in the monitor's mount namespace.
#include "lib/expect.h"

static char *program, *other;

static void over(void *unused) {
	(void)unused;
	private_mounts();
	MUST(mount(other, program, NULL, MS_BIND, NULL));
}

int main(void) {
	begin(NULL);
	program = target("program");
	other = target("other");
	char *file = identity(other);
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(over, NULL, program, argv, environ);
	expect("a", &r);
	native("a", program, hash(other), argv);
	has("a", "image.file", file);
	has("a", "named.file", file);

	argv = ARGV(program, tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, hash(program), argv);
	has("b", "named.file", identity(program));
	end();
}
