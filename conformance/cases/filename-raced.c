// The path itself in memory that another process changes all the time, between two
// programs. Each says for itself what it is and how it was called.
//
// Logged must be: the program that ran and the string that the kernel took.
// Goes wrong where the path is read from the caller's memory: a monitor that does
// this can be shown a harmless program while another one runs.
#include "lib/expect.h"

#include <sys/auxv.h>

enum { COUNT = 30 };

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) {
		join(argv[1], getpid(), argv[2]);
		has(argv[1], "image.path", case_self);
		has(argv[1], "image.sha256", hash("/proc/self/exe"));
		has(argv[1], "filename", (const char *)getauxval(AT_EXECFN));
		return 0;
	}
	again("one");
	again("two");
	volatile char *path = shared(PATH_MAX);
	MUST(symlink("one", "nameA"));
	MUST(symlink("two", "nameB"));
	strcpy((char *)path, here("nameA"));
	size_t last = strlen((char *)path) - 1;
	pid_t flipper = MUST(fork());
	if (flipper == 0)
		for (;;) path[last] = path[last] == 'A' ? 'B' : 'A';
	for (int i = 0; i < COUNT; i++) {
		char *id = format("n%d", i), **args = ARGV("program", id, tok(id));
		struct run r = run((char *)path, args);
		if (r.status) fail("the program failed");
		when(id, r.from, r.to);
		has_list(id, "argv", args);
		has_list(id, "argv.passed", args);
		lacks(id, "script.path");
	}
	MUST(kill(flipper, SIGKILL));
	end();
}
