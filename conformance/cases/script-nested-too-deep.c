// A script that is nested one deeper than the kernel takes, and then another
// program in the same process.
//
// Logged must be: no exec of the first, and a second without any script.
// Goes wrong where the files opened on the way are kept for the next exec.
#include "lib/expect.h"

static char *deep;

static void try_deep(void *unused) {
	(void)unused;
	execv(deep, ARGV(deep, tok("deep")));
	if (errno != ELOOP) fail("six scripts: %s", strerror(errno));
}

int main(void) {
	begin(NULL);
	char *image = target("interpreter");
	char *next = image;
	for (int i = 5; i >= 0; i--) next = text(format("script-%d", i), format("#!%s\n%s\n", next, tok("deep")));
	deep = next;

	char **argv = ARGV(image, tok("a"));
	struct run r = run_with(try_deep, NULL, image, argv, environ);
	expect("a", &r);
	native("a", image, hash(image), argv);
	never("deep", r.pid, tok("deep"));
	end();
}
