// A file that binfmt_misc hands to an interpreter, as it is done for programs of
// other machines and systems.
//
// Logged must be: the interpreter as the image and the file beside it, as for a
// script with a shebang.
// Goes wrong where scripts are told by their first two bytes.
#include "lib/binfmt.h"

int main(void) {
	begin(binfmt_remove);
	char *interpreter = target("interpreter");
	binfmt_add(interpreter, "");
	char *file = text("file", format("MZ%s and so on", case_token));

	char **argv = ARGV("forged", tok("a"));
	struct run r = run(file, argv);
	expect("a", &r);
	scripted("a", file, interpreter, ARGV(interpreter, file, tok("a")), argv);
	has_list("a", "interpreters", ARGV(file, interpreter));
	end();
}
