// Programs executed by relative paths from a folder that was entered through a
// link a moment before.
//
// Logged must be: the folder itself as the working directory, at the exec.
// Goes wrong where the working directory is that of the parent, or read later: the
// program changes it at once.
#include "lib/expect.h"

static void enter(void *dir) { MUST(chdir(dir)); }

int main(int argc, char **argv) {
	(void)argv;
	begin(NULL);
	if (argc > 1) return chdir("/") != 0;

	MUST(mkdir("one", 0755));
	MUST(mkdir("one/two", 0755));
	MUST(symlink("one/two", "link"));
	char *program = again("one/program");
	char **args = ARGV("../program", tok("a"));
	struct run r = run_with(enter, "link", "../program", args, environ);
	expect("a", &r);
	native("a", program, hash(program), args);
	has("a", "cwd", here("one/two"));
	has("a", "filename", "../program");
	end();
}
