// One process that runs one program after another, without a fork.
//
// Logged must be: four execs of one process, each with the program before it as
// the subject and those before as ancestors.
// Goes wrong where a process is tied to one program, or where its history is that
// of its parents alone.
#include "lib/expect.h"

enum { LENGTH = 4 };

int main(int argc, char **argv) {
	begin(NULL);
	int at = argc > 1 ? atoi(argv[2]) : -1;
	if (at == LENGTH - 1) return 0;
	if (at < 0)
		for (int i = 0; i < LENGTH; i++) again(format("program-%d", i));
	char *next = here(format("program-%d", at + 1));
	char *id = format("%c", 'a' + at + 1);
	char **args = ARGV(next, tok(id), format("%d", at + 1));
	if (at < 0) {
		struct run r = run(next, args);
		if (r.status) fail("the chain broke");
		has("b", "subject.image.sha256", hash(next));
		expect(id, &r);
		native(id, next, hash(next), args);
		end();
	}
	join(id, getpid(), tok(id));
	has(id, "subject.image.path", case_self);
	has_num(id, "forker", getppid());
	native(id, next, hash(next), args);
	char *ancestors[LENGTH + 1] = {0};
	for (int i = 0; i < at; i++) ancestors[i] = here(format("program-%d", at - 1 - i));
	ancestors[at] = getenv("CONFORMANCE_CASE");
	has_list(id, "ancestors", ancestors);
	execv(next, args);
	fail("exec: %s", strerror(errno));
}
