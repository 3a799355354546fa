// A program on an overlay, executed from the lower layer, changed, which copies it
// to the upper layer, and executed again.
//
// Logged must be: the overlay's path and two hashes.
// Goes wrong where files are known by an inode that the overlay makes up, or where
// the layers' own paths are logged.
#include "lib/overlay.h"

int main(void) {
	begin(umount_all);
	MUST(mkdir("lower", 0755));
	char *lower = target("lower/program");
	char *program = format("%s/program", overlay());

	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, hash(lower), argv);

	int fd = MUST(open(program, O_WRONLY | O_APPEND | O_CLOEXEC));
	if (write(fd, "more", 4) != 4) fail("write: %s", strerror(errno));
	close(fd);
	argv = ARGV(program, tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, hash(program), argv);

	// The lower file is still what it was.
	argv = ARGV(lower, tok("c"));
	r = run(lower, argv);
	expect("c", &r);
	native("c", lower, hash(lower), argv);
	end();
}
