// A file that is executed, changed in place to other bytes of the same number,
// given back its old modification time, and executed again.
//
// Logged must be: two hashes.
// Goes wrong where hashes are kept by inode, size and modification time.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);
	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, sum, argv);

	struct stat st;
	int fd = MUST(open(program, O_WRONLY | O_CLOEXEC));
	MUST(fstat(fd, &st));
	if (pwrite(fd, "!", 1, st.st_size - 1) != 1) fail("write: %s", strerror(errno));
	MUST(futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}));
	close(fd);

	char *changed = hash(program);
	if (!strcmp(sum, changed)) fail("nothing was changed");
	argv = ARGV(program, tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, changed, argv);
	has("b", "image.size", format("%lld", (long long)st.st_size));
	end();
}
