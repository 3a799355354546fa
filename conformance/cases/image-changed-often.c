// A file that is executed and changed in place, twenty times, as fast as it goes.
//
// Logged must be: twenty hashes, each that of the bytes at its exec.
// Goes wrong where hashes are kept by times that advance in steps: several changes
// fit into one.
#include "lib/expect.h"

enum { COUNT = 20 };

int main(void) {
	begin(NULL);
	char *program = target("program"), *sum[COUNT], **argv[COUNT];
	struct run r[COUNT];
	off_t size;
	int fd = MUST(open(program, O_RDONLY | O_CLOEXEC));
	size = lseek(fd, 0, SEEK_END);
	close(fd);
	for (int i = 0; i < COUNT; i++) {
		fd = MUST(open(program, O_WRONLY | O_CLOEXEC));
		char c = 'A' + i;
		if (pwrite(fd, &c, 1, size - 1) != 1) fail("write: %s", strerror(errno));
		close(fd);
		argv[i] = malloc(3 * sizeof *argv[i]);
		memcpy(argv[i], ARGV(program, tok(format("n%d", i))), 3 * sizeof *argv[i]);
		r[i] = run(program, argv[i]);
		sum[i] = hash(program);
	}
	for (int i = 0; i < COUNT; i++) {
		expect(format("n%d", i), &r[i]);
		native(format("n%d", i), program, sum[i], argv[i]);
	}
	end();
}
