// Keeps processes alive that each run a program of their own.
//
//	crowd COUNT PROGRAM
//
// Prints a line when all have executed it, and ends them when its input ends.
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	int executed[2];
	char c;

	if (argc != 3)
		errx(2, "usage: crowd COUNT PROGRAM");
	int count = atoi(argv[1]);
	pid_t *pids = calloc(count, sizeof *pids);
	// The last writer of the pipe is gone when the last child has executed.
	if (!pids || pipe2(executed, O_CLOEXEC))
		err(1, "prepare");
	for (int i = 0; i < count; i++) {
		pid_t self = getpid();

		pids[i] = fork();
		if (pids[i] < 0)
			err(1, "fork %d", i);
		if (pids[i] == 0) {
			char *args[] = {argv[2], NULL};

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != self)
				_exit(1);
			execve(argv[2], args, environ);
			_exit(127);
		}
	}
	close(executed[1]);
	while (read(executed[0], &c, 1) < 0 && errno == EINTR)
		;
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
