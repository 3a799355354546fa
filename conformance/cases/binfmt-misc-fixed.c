// A binfmt_misc interpreter that was opened when it was registered (flag F), as
// container hosts do it, and that has been moved since; another program has its
// name.
//
// Logged must be: the file that was registered, under the name it has now.
// Goes wrong where the interpreter is looked up by the path in argv[0].
#include "lib/binfmt.h"

int main(void) {
	begin(binfmt_remove);
	char *interpreter = target("interpreter");
	binfmt_add(interpreter, "F");
	MUST(rename("interpreter", "moved"));
	copy(tool("target"), "interpreter", "another one", 0755);
	char *file = text("file", format("MZ%s and so on", case_token));

	char **argv = ARGV(file, tok("a"));
	struct run r = run(file, argv);
	expect("a", &r);
	scripted("a", file, here("moved"), ARGV(interpreter, file, tok("a")), argv);
	has("a", "image.file", identity("moved"));
	end();
}
