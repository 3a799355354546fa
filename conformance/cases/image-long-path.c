// A program at a path of almost 4096 bytes, the longest that a call takes.
//
// Logged must be: the whole path.
// Goes wrong where paths have a buffer of a few hundred bytes.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char name[201];
	memset(name, 'n', 200);
	name[200] = 0;
	char *dir = strdup(case_dir);
	while (strlen(dir) + 2 * 201 < PATH_MAX) {
		dir = format("%s/%s", dir, name);
		if (mkdir(dir, 0755) < 0) skip("mkdir: %s", strerror(errno));
	}
	char *program = copy(tool("target"), format("%s/program", dir), tok("a"), 0755);
	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "filename", program);
	end();
}
