// A program that is given no arguments at all, not even its own name.
//
// Logged must be: the exec, with what the kernel makes of it: since 5.18 one empty
// argument.
// Goes wrong where argv[0] is taken for granted.
#include "lib/expect.h"

static void no_arguments(void *path) {
	syscall(SYS_execve, path, (char *[]){NULL}, environ);
	_exit(126);
}

int main(int argc, char **argv) {
	if (argc == 0 || !*argv[0]) return 40 + argc;
	begin(NULL);
	char *program = again("program");
	struct run r = start_with(no_arguments, program, "", ARGV(""), environ);
	finish(&r);
	int given = WEXITSTATUS(r.status) - 40;
	if (given != 0 && given != 1) fail("the program had %d arguments", given);
	join("a", r.pid, NULL);
	when("a", r.from, r.to);
	has("a", "image.path", program);
	has("a", "image.sha256", hash(program));
	has_list("a", "argv", given ? ARGV("") : (char *[]){NULL});
	has("a", "filename", program);
	lacks("a", "script.path");
	end();
}
