// Runs programs in turn and tells how long each took from before the fork until it was
// waited for.
//
//	spawn CPU TIMES PROGRAM...
//
// Everything runs on one processor. A # at the end of a name stands for the number of
// the turn. Each line of the output is the position of a program and nanoseconds.
#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long spawn(const char *path)
{
	char *argv[] = {(char *)path, NULL};
	int status;
	long long begun = now();
	pid_t pid = vfork();

	if (pid == 0) {
		execve(path, argv, environ);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "spawn %s", path);
	long long took = now() - begun;
	if (status != 0)
		errx(1, "%s ended with status %#x", path, status);
	return took;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(2, "usage: spawn CPU TIMES PROGRAM...");
	cpu_set_t set;
	int times = atoi(argv[2]), programs = argc - 3;
	long long *took = calloc((size_t)times * programs, sizeof *took);

	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof set, &set))
		err(1, "processor %s", argv[1]);
	if (!took)
		err(1, "memory");
	for (int i = 0; i < times; i++)
		for (int p = 0; p < programs; p++) {
			char path[4096];
			size_t n = strlen(argv[3 + p]);

			if (n > 0 && argv[3 + p][n - 1] == '#')
				snprintf(path, sizeof path, "%.*s%d", (int)n - 1, argv[3 + p], i);
			else
				snprintf(path, sizeof path, "%s", argv[3 + p]);
			took[i * programs + p] = spawn(path);
		}
	for (int i = 0; i < times * programs; i++)
		printf("%d %lld\n", i % programs, took[i]);
	return 0;
}
