// A text file without a shebang, executed by execvp: the kernel refuses it, and
// the C library executes /bin/sh with the file as argument.
//
// Logged must be: one exec, of the shell, and no script: the kernel saw none.
// Goes wrong where the refused attempt is logged, or leaves its file behind for
// the exec that follows at once in the same thread.
#include "lib/expect.h"

static void search(void *path) {
	execvp(path, ARGV(path, tok("a")));
	if (errno == ENOEXEC) skip("this C library does not hand the file to a shell");
}

int main(void) {
	begin(NULL);
	char *file = text("commands", format(": %s\n", tok("a")));
	char *sh = real("/bin/sh");
	struct run r = run_with(search, file, "", ARGV(""), environ);
	char **argv = ARGV("/bin/sh", file, tok("a"));
	expect("a", &r);
	native("a", sh, hash(sh), argv);
	has("a", "filename", "/bin/sh");
	end();
}
