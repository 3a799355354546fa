// A program on a file system that was made by the newer calls (fsopen, fsmount) and
// is not mounted anywhere: it is reached by a descriptor alone.
//
// Logged must be: its hash; a path only as what it is, one from that file system's
// own root.
// Goes wrong where file systems are found by their mount points.
#include "lib/expect.h"

#ifndef SYS_fsopen
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif

static int fs;

static void by_folder(void *argv) {
	syscall(SYS_execveat, fs, "program", argv, environ, 0);
}

int main(void) {
	begin(NULL);
	int made = syscall(SYS_fsopen, "tmpfs", 1 /* FSOPEN_CLOEXEC */);
	if (made < 0) skip("fsopen: %s", strerror(errno));
	MUST(syscall(SYS_fsconfig, made, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0));
	fs = MUST((int)syscall(SYS_fsmount, made, 1 /* FSMOUNT_CLOEXEC */, 0));
	int in = MUST(open(tool("target"), O_RDONLY | O_CLOEXEC));
	int out = MUST(openat(fs, "program", O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	copy_fd(in, out);
	dprintf(out, "%s", tok("a"));
	MUST(fchmod(out, 0755));
	close(out);
	int program = MUST(openat(fs, "program", O_RDONLY | O_CLOEXEC));
	char *sum = hash_fd(program);
	close(program);

	char **argv = ARGV("program", tok("a"));
	struct run r = run_with(by_folder, argv, "", ARGV(""), environ);
	expect("a", &r);
	native("a", NULL, sum, argv);
	may("a", "image.path", "/program");
	lacks("a", "image.deleted");
	end();
}
