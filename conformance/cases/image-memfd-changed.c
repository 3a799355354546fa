// A program in a memfd that is changed while it runs, and executed again.
//
// Logged must be: two hashes, each of the bytes at its exec.
// Goes wrong where the bytes are read after the exec: a memfd is never busy.
#include "lib/memfd.h"

int main(void) {
	begin(NULL);
	int fd = memfd_program("a", MFD_CLOEXEC);
	char *sum = hash_fd(fd);
	char **argv = ARGV("some-name", tok("a"), "hold:");
	memfd_fd = fd;
	struct run r = start_held_with(memfd_exec, argv, "", ARGV(""));
	struct stat st;
	MUST(fstat(fd, &st));
	if (pwrite(fd, "!", 1, st.st_size - 1) != 1) skip("memfds are busy here");
	release(&r);
	memfd_expect("a", &r, "a", sum, argv);

	sum = hash_fd(fd);
	argv = ARGV("some-name", tok("b"));
	r = memfd_run(fd, argv);
	memfd_expect("b", &r, "a", sum, argv);
	end();
}
