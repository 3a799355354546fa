// A process whose first thread has ended while another lives on: that one forks a
// child, which execs, and then execs itself.
//
// Logged must be: the process as the one that forked the child, and its own exec,
// under its id, with the program it ran.
// Goes wrong where a process is taken to be over when its first thread ends, and
// where it is looked up in /proc, which shows a zombie without a program.
#include "lib/expect.h"

#include <pthread.h>

static char *program, **args, **child_args;
static struct run *child;

// gone says whether this process's first thread is a zombie.
static int gone(void) {
	char state = 0;
	FILE *f = fopen(format("/proc/self/task/%d/stat", getpid()), "re");
	if (!f || fscanf(f, "%*d %*[^)]) %c", &state) != 1) _exit(125);
	fclose(f);
	return state == 'Z';
}

static void *rest(void *unused) {
	while (!gone()) usleep(1000);
	*child = run(program, child_args);
	execv(program, args);
	_exit(127);
	return unused;
}

static void lead(void *unused) {
	(void)unused;
	pthread_t t;
	if (pthread_create(&t, NULL, rest, NULL)) _exit(126);
	syscall(SYS_exit, 0);
}

int main(void) {
	begin(NULL);
	child = shared(sizeof *child);
	program = target("program");
	args = ARGV(program, tok("a"));
	child_args = ARGV(program, tok("child"));
	struct run r = run_with(lead, NULL, "", ARGV(""), environ);
	if (r.status) fail("status %d", r.status);
	char *sum = hash(program);
	expect("child", child);
	native("child", program, sum, child_args);
	expect("a", &r);
	native("a", program, sum, args);
	end();
}
