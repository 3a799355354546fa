// A program in a memfd that is closed by the exec; its owner could have changed it
// at any time.
//
// Logged must be: that the image lived in memory only and was open to changes, and
// the hash of its bytes.
// Goes wrong where a file is expected at the image's path.
#include "lib/memfd.h"

int main(void) {
	begin(NULL);
	int fd = memfd_program("a", MFD_CLOEXEC);
	char *sum = hash_fd(fd);
	char **argv = ARGV("some-name", tok("a"));
	struct run r = memfd_run(fd, argv);
	close(fd);
	memfd_expect("a", &r, "a", sum, argv);
	has("a", "image.memfd", "unsealed");
	end();
}
