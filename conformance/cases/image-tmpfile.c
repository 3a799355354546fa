// A program in a file that never had a name (O_TMPFILE).
//
// Logged must be: that the file had no name, its identity and its hash.
// Goes wrong where files are opened by their names.
#include "lib/memfd.h"

int main(void) {
	begin(NULL);
	int rw = open(case_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0755);
	if (rw < 0) skip("O_TMPFILE: %s", strerror(errno));
	int in = MUST(open(tool("target"), O_RDONLY | O_CLOEXEC));
	copy_fd(in, rw);
	dprintf(rw, "%s", tok("a"));
	// What is open for writing is not executed.
	int fd = MUST(open(format("/proc/self/fd/%d", rw), O_RDONLY | O_CLOEXEC));
	close(rw);
	char *sum = hash_fd(fd), *file = identity(format("/proc/self/fd/%d", fd));
	char **argv = ARGV("some-name", tok("a"));
	struct run r = memfd_run(fd, argv);
	expect("a", &r);
	native("a", NULL, sum, argv);
	has("a", "image.deleted", "yes");
	has("a", "image.file", file);
	has("a", "named.file", file);
	lacks("a", "image.memfd");
	end();
}
