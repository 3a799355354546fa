// A process in a chroot, where another file is at the path that is executed than
// outside.
//
// Logged must be: the file inside, at the path the process sees, and the working
// directory likewise.
// Goes wrong where the path is opened from the monitor's own root.
#include "lib/expect.h"

static void enter(void *root) {
	MUST(chroot(root));
	MUST(chdir("/"));
}

// parents makes the folders of a path.
static void parents(char *path) {
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdir(path, 0755) < 0 && errno != EEXIST) fail("mkdir %s: %s", path, strerror(errno));
		*p = '/';
	}
}

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *jail = here("jail"), *inside = format("%s%s", jail, program);
	parents(inside);
	copy(tool("target"), inside, "inside", 0755);
	char *file = identity(inside);
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(enter, jail, program, argv, environ);
	expect("a", &r);
	native("a", program, hash(inside), argv);
	has("a", "cwd", "/");
	has("a", "image.file", file);
	has("a", "named.file", file);
	end();
}
