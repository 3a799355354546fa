// A memfd that is executed through /proc/self/fd, by a path.
//
// Logged must be: the memfd, and the path that was passed.
// Goes wrong where only execveat is thought to reach memfds.
#include "lib/memfd.h"

int main(void) {
	begin(NULL);
	int fd = memfd_program("a", MFD_CLOEXEC);
	char *sum = hash_fd(fd), *path = format("/proc/self/fd/%d", fd);
	char **argv = ARGV(path, tok("a"));
	struct run r = run(path, argv);
	memfd_expect("a", &r, "a", sum, argv);
	has("a", "image.memfd", "unsealed");
	has("a", "filename", path);
	end();
}
