// A thread that is not the leader forks, and the child execs.
//
// Logged must be: the process as the forker, by its process id.
// Goes wrong where a thread's id is taken for a process's: no process ever had it.
#include "lib/expect.h"

#include <pthread.h>

static char *program, **args;
static struct run result;

static void *forker(void *unused) {
	(void)unused;
	result = run(program, args);
	return NULL;
}

int main(void) {
	begin(NULL);
	program = target("program");
	args = ARGV(program, tok("a"));
	pthread_t t;
	if (pthread_create(&t, NULL, forker, NULL) || pthread_join(t, NULL)) fail("no thread");
	expect("a", &result);
	native("a", program, hash(program), args);
	end();
}
