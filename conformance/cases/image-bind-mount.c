// A program in a folder that is mounted at a second place (bind mount), executed
// at both.
//
// Logged must be: the place where it was executed.
// Goes wrong where the path is taken from the file system, which knows one place.
#include "lib/expect.h"

int main(void) {
	begin(umount_all);
	MUST(mkdir("original", 0755));
	char *program = target("original/program");
	char *bound = mounted("bound", NULL, here("original"), MS_BIND, NULL);
	char *path = format("%s/program", bound), *sum = hash(program);

	char **argv = ARGV(path, tok("a"));
	struct run r = run(path, argv);
	expect("a", &r);
	native("a", path, sum, argv);
	argv = ARGV(program, tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, sum, argv);
	end();
}
