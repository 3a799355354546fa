// A program that is looked for in several folders: in the first there is nothing,
// in the second a file that may not be executed, in the third a folder.
//
// Logged must be: the one that was found.
// Goes wrong where each attempt is logged: three of four never ran.
#include "lib/expect.h"

static void search(void *argv) {
	execvp("program", argv);
	fail("execvp: %s", strerror(errno));
}

int main(void) {
	begin(NULL);
	const char *dirs[] = {"nothing", "denied", "folder", "found"};
	for (int i = 0; i < 4; i++) MUST(mkdir(dirs[i], 0755));
	text(here("denied/program"), "#!/bin/false\n");
	MUST(chmod("denied/program", 0644));
	MUST(mkdir("folder/program", 0755));
	char *program = target("found/program");
	MUST(setenv("PATH", format("%s:%s:%s:%s", here("nothing"), here("denied"), here("folder"), here("found")), 1));
	char **argv = ARGV("program", tok("a"));
	struct run r = run_with(search, argv, "", ARGV(""), environ);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "filename", program);
	end();
}
