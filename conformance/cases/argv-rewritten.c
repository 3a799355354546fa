// A program that overwrites its own arguments and environment as soon as it runs.
//
// Logged must be: what it was given.
// Goes wrong where /proc/PID/cmdline is read after the exec.
#include "lib/expect.h"

int main(int argc, char **argv) {
	if (argc > 2) {
		char *end = argv[argc - 1] + strlen(argv[argc - 1]);
		memset(argv[0], 'x', end - argv[0]);
		prctl(PR_SET_NAME, "init");
		for (char **e = environ; *e; e++) memset(*e, 'x', strlen(*e));
		char c;
		if (write(0, "", 1) != 1) return 1;
		while (read(0, &c, 1) > 0);
		return 0;
	}
	begin(NULL);
	char *program = again("program");
	char **args = ARGV(program, tok("a"), "--password=hunter2");
	struct run r = start_held(program, args);
	char shown[16] = "";
	int fd = MUST(open(format("/proc/%d/cmdline", r.pid), O_RDONLY | O_CLOEXEC));
	if (read(fd, shown, 8) < 0) fail("cmdline: %s", strerror(errno));
	close(fd);
	if (strncmp(shown, "xxxx", 4)) fail("its arguments are still %.8s", shown);
	release(&r);
	expect("a", &r);
	native("a", program, hash(program), args);
	end();
}
