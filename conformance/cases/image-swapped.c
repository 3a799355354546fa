// Two programs that change names all the time, while one of the names is executed
// again and again.
//
// Logged must be: the file and the hash of the program that ran.
// Goes wrong where a path is resolved twice, once by the kernel and once by the
// monitor, however soon after.
#include "lib/expect.h"

enum { COUNT = 30 };

int main(void) {
	begin(NULL);
	char *one = target("one"), *two = target("two");
	char *sum[2] = {hash(one), hash(two)}, *file[2] = {identity(one), identity(two)};
	int *stop = shared(sizeof *stop);
	pid_t swapper = MUST(fork());
	if (swapper == 0) {
		while (!*(volatile int *)stop)
			if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, 2u /* RENAME_EXCHANGE */)) _exit(1);
		_exit(0);
	}
	for (int i = 0; i < COUNT; i++) {
		char *id = format("n%d", i), **args = ARGV(one, tok(id), "hold:");
		struct run r = start_held(one, args);
		// The link leads to the very file that runs, whatever its name is now.
		char *running = identity(format("/proc/%d/exe", r.pid));
		int which = !strcmp(running, file[1]);
		release(&r);
		expect(id, &r);
		native(id, NULL, sum[which], args);
		has(id, "image.file", file[which]);
		has(id, "named.file", file[which]);
	}
	*stop = 1;
	int status;
	MUST(waitpid(swapper, &status, 0));
	if (status) skip("files cannot be exchanged here");
	end();
}
