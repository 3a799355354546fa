// A program executed by a path with links, dots and double slashes.
//
// Logged must be: the path of the file itself, and the string that was passed.
// Goes wrong where one of the two stands for the other.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	MUST(mkdir("folder", 0755));
	MUST(symlink("folder", "linked"));
	char *program = target("folder/program");
	MUST(symlink("../folder/program", "folder/alias"));
	char *path = "./linked//../folder/./alias";
	char **argv = ARGV("alias", tok("a"));
	struct run r = run(path, argv);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "filename", path);
	end();
}
