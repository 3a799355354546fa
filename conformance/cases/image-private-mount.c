// A program on a tmpfs that was mounted in a mount namespace of the process alone,
// and that nobody outside ever sees.
//
// Logged must be: its path, as the process has it, and its hash.
// Goes wrong where the monitor looks from outside, or watches only mounts it knows.
#include "lib/expect.h"

static char *program;

static void make(void *unused) {
	(void)unused;
	private_mounts();
	MUST(mount("none", here("private"), "tmpfs", 0, NULL));
	copy(tool("target"), program, "private", 0755);
}

int main(void) {
	begin(NULL);
	MUST(mkdir("private", 0755));
	program = here("private/program");
	char *twin = copy(tool("target"), here("twin"), "private", 0755);
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(make, NULL, program, argv, environ);
	expect("a", &r);
	native("a", program, hash(twin), argv);
	end();
}
