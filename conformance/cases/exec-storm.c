// One process that execs a hundred times, two programs in turn.
//
// Logged must be: a hundred execs of one process, each with its own program,
// argument and predecessor.
// Goes wrong where what two sources say of an exec is joined by the process id.
#include "lib/expect.h"

enum { COUNT = 100 };

int main(int argc, char **argv) {
	begin(NULL);
	int at = argc > 1 ? atoi(argv[2]) : 0;
	char *path[2] = {here("even"), here("odd")};
	if (argc == 1) {
		again("even");
		again("odd");
		char *sum[2] = {hash(path[0]), hash(path[1])};
		struct run r = run(path[1], ARGV(path[1], tok("n1"), "1"));
		if (r.status) fail("the storm broke off");
		for (int i = 1; i <= COUNT; i++) {
			char *id = format("n%d", i);
			join(id, r.pid, tok(id));
			has(id, "subject.image.path", i == 1 ? case_self : path[(i - 1) % 2]);
			native(id, path[i % 2], sum[i % 2], ARGV(path[i % 2], tok(id), format("%d", i)));
		}
		end();
	}
	if (at == COUNT) return 0;
	execv(path[(at + 1) % 2], ARGV(path[(at + 1) % 2], tok(format("n%d", at + 1)), format("%d", at + 1)));
	fail("exec: %s", strerror(errno));
}
