// A program two hundred folders deep, at a path that is not long.
//
// Logged must be: the whole path.
// Goes wrong where a path is put together in a bounded number of steps.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *dir = strdup(case_dir);
	for (int i = 0; i < 200; i++) {
		dir = format("%s/%c", dir, 'a' + i % 26);
		MUST(mkdir(dir, 0755));
	}
	char *program = copy(tool("target"), format("%s/program", dir), tok("a"), 0755);
	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "filename", program);
	end();
}
