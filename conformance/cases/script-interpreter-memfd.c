// A script whose interpreter is a program in a memfd, reached through
// /proc/self/fd; the memfd is closed by the exec.
//
// Logged must be: the memfd as the image, its hash, and the script beside it.
// Goes wrong where the interpreter is opened by the name in the shebang, which
// means another file, or none, in every other process.
#include "lib/memfd.h"

int main(void) {
	begin(NULL);
	int fd = memfd_program("interpreter", MFD_CLOEXEC);
	char *sum = hash_fd(fd), *name = format("/proc/self/fd/%d", fd);
	char *script = text("script", format("#!%s -x\n", name));

	char **argv = ARGV(script, tok("a"));
	struct run r = run(script, argv);
	expect("a", &r);
	has("a", "script.path", script);
	has("a", "script.sha256", hash(script));
	has("a", "image.path", "/memfd:interpreter");
	has("a", "image.sha256", sum);
	has("a", "image.memfd", "unsealed");
	has_list("a", "argv", ARGV(name, "-x", script, tok("a")));
	has_list("a", "argv.passed", argv);
	end();
}
