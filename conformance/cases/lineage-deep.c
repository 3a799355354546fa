// Forty generations, each forking the next and exiting before that one execs; the
// programs are names of one file.
//
// Logged must be: the whole history, by the names that were executed.
// Goes wrong where history ends after a few links, or with the first process that
// is gone, or where a file is known by the first name it was seen under.
#include "lib/expect.h"

enum { DEPTH = 40 };

int main(int argc, char **argv) {
	begin(NULL);
	int at = argc > 1 ? atoi(argv[2]) : -1;
	if (at < 0) {
		again("generation-0");
		for (int i = 1; i < DEPTH; i++) MUST(link("generation-0", format("generation-%d", i)));
		int watch[2];
		watch_begin(watch);
		char *first = here("generation-0");
		pid_t pid = MUST(fork());
		if (pid == 0) {
			fcntl(watch[1], F_SETFD, 0);
			execv(first, ARGV(first, tok("first"), "0", format("%d", watch[1])));
			_exit(127);
		}
		MUST(waitpid(pid, NULL, 0));
		watch_wait(watch);
		end();
	}
	if (at == DEPTH - 1) return 0;
	pid_t self = getpid(), child = MUST(fork());
	if (child) _exit(0);
	wait_orphaned(self);
	char *next = here(format("generation-%d", at + 1));
	char **args = ARGV(next, tok("next"), format("%d", at + 1));
	if (at + 1 == DEPTH - 1) {
		args[1] = tok("a");
		char *ancestors[DEPTH + 1] = {0};
		for (int i = 0; i < at; i++) ancestors[i] = here(format("generation-%d", at - 1 - i));
		ancestors[at] = getenv("CONFORMANCE_CASE");
		join("a", getpid(), tok("a"));
		has_num("a", "forker", self);
		has("a", "subject.image.path", case_self);
		has_list("a", "ancestors", ancestors);
		native("a", next, hash(next), args);
	}
	execv(next, args);
	fail("exec: %s", strerror(errno));
}
