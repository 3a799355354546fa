// A program that is opened, removed, and then executed by its descriptor; another
// has taken its name.
//
// Logged must be: the removed file's bytes, and that it had no name any more.
// Goes wrong where the name leads, which is to the other one.
#include "lib/memfd.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program), *file = identity(program);
	int fd = MUST(open(program, O_RDONLY | O_CLOEXEC));
	MUST(unlink(program));
	copy(tool("target"), program, "another one", 0755);

	char **argv = ARGV(program, tok("a"));
	struct run r = memfd_run(fd, argv);
	expect("a", &r);
	native("a", program, sum, argv);
	has("a", "image.deleted", "yes");
	has("a", "image.file", file);
	has("a", "named.file", file);
	end();
}
