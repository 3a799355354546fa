// A program on a tmpfs that was mounted a moment ago is executed, changed through
// a shared mapping, which moves no time of the file, and executed again.
//
// Logged must be: two hashes.
// Goes wrong where a file that looks unchanged is taken to be unchanged, and where
// file systems that come later are not watched.
#include "lib/expect.h"

int main(void) {
	begin(umount_all);
	char *dir = mounted("tmpfs", "tmpfs", "none", 0, NULL);
	char *program = copy(tool("target"), format("%s/program", dir), tok("p"), 0755);
	char *sum = hash(program);
	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, sum, argv);

	int fd = MUST(open(program, O_RDWR | O_CLOEXEC));
	struct stat st;
	MUST(fstat(fd, &st));
	char *map = MUST(mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	map[st.st_size - 1]++;
	MUST(munmap(map, st.st_size));
	close(fd);

	argv = ARGV(program, tok("b"));
	char *changed_sum = hash(program);
	if (!strcmp(sum, changed_sum)) fail("nothing was changed");
	r = run(program, argv);
	expect("b", &r);
	native("b", program, changed_sum, argv);
	end();
}
