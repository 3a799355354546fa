// A program in a memfd that nobody can change any more.
//
// Logged must be: that the image lived in memory only and could not change, and
// its hash.
// Goes wrong where all memfds are one.
#include "lib/memfd.h"

int main(void) {
	begin(NULL);
	int fd = memfd_program("a", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL));
	char *sum = hash_fd(fd);
	char **argv = ARGV("some-name", tok("a"));
	struct run r = memfd_run(fd, argv);
	close(fd);
	memfd_expect("a", &r, "a", sum, argv);
	has("a", "image.memfd", "sealed");
	end();
}
