// A program that removes its own file the moment it runs.
//
// Logged must be: the path it had, and the hash of the bytes it had.
// Goes wrong where the path is opened and hashed after the exec was reported:
// there is nothing any more.
#include "lib/expect.h"

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) return unlink(argv[0]) != 0;

	char *path = again("self");
	char *sum = hash(path);
	struct stat st = state(path);
	char **args = ARGV(path, tok("a"));
	struct run r = run(path, args);
	if (r.status) fail("the program did not remove itself");
	expect("a", &r);
	native("a", path, sum, args);
	// Its change time was another then: removing a name is a change.
	inode("a", &st);
	lacks("a", "image.deleted");
	end();
}
