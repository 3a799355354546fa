// A thread that is not the leader execs, while the leader and another thread live.
//
// Logged must be: an exec of the process, under the leader's id, which the thread
// takes over.
// Goes wrong where the id that the thread had when it entered the call is logged,
// or where an attempt is remembered under it and never found again.
#include "lib/expect.h"

#include <pthread.h>

static char *program, **args;

static void *sleeper(void *unused) {
	pause();
	return unused;
}
static void *execer(void *unused) {
	// One that fails first, by another thread id than the one that remains.
	execv("./absent", args);
	execv(program, args);
	_exit(127);
	return unused;
}

static void threads(void *unused) {
	(void)unused;
	pthread_t t;
	if (pthread_create(&t, NULL, sleeper, NULL) || pthread_create(&t, NULL, execer, NULL)) _exit(126);
	pause();
}

int main(void) {
	begin(NULL);
	program = target("program");
	args = ARGV(program, tok("a"));
	struct run r = run_with(threads, NULL, "", ARGV(""), environ);
	expect("a", &r);
	native("a", program, hash(program), args);
	end();
}
