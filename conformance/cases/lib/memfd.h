// Programs that never were on a disk.
#ifndef MEMFD_H
#define MEMFD_H
#include "expect.h"

// memfd_program makes a program in a memfd.
UNUSED static int memfd_program(const char *name, unsigned flags) {
	int fd = MUST((int)syscall(SYS_memfd_create, name, flags));
	int in = MUST(open(tool("target"), O_RDONLY | O_CLOEXEC));
	copy_fd(in, fd);
	close(in);
	dprintf(fd, "%s", tok(name));
	return fd;
}

static int memfd_fd;

// memfd_exec executes the program in memfd_fd, as a setup of start_with.
UNUSED static void memfd_exec(void *argv) {
	if (hold[0] >= 0 && dup2(hold[0], 0) < 0) _exit(98);
	syscall(SYS_execveat, memfd_fd, "", argv, environ, AT_EMPTY_PATH);
}

UNUSED static struct run memfd_run(int fd, char *argv[]) {
	memfd_fd = fd;
	return run_with(memfd_exec, argv, "", ARGV(""), environ);
}

UNUSED static void memfd_expect(const char *id, const struct run *r, const char *name, const char *sum,
                                char *argv[]) {
	expect(id, r);
	native(id, format("/memfd:%s", name), sum, argv);
}
#endif
