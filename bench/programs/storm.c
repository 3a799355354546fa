// Executes a program as often as the machine can.
//
//	storm WORKERS SECONDS EXECS LIMIT PROGRAM
//
// It goes on for at least so many seconds and execs, but for no more than LIMIT seconds.
// Every tenth of a second, and last when all is done, it prints how many execs there
// were.
#define _GNU_SOURCE
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

// Each worker counts in a cache line of its own.
struct counter {
	_Atomic unsigned long long n;
	char pad[56];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void work(const char *path, struct counter *c, _Atomic int *stop)
{
	char *argv[] = {(char *)path, NULL};
	int status;

	while (!*stop) {
		pid_t pid = vfork();

		if (pid == 0) {
			execve(path, argv, environ);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			err(1, "spawn %s", path);
		if (status != 0)
			errx(1, "%s ended with status %#x", path, status);
		c->n++;
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		errx(2, "usage: storm WORKERS SECONDS EXECS LIMIT PROGRAM");
	int workers = atoi(argv[1]), failed = 0, status;
	double seconds = atof(argv[2]), limit = atof(argv[4]);
	unsigned long long execs = strtoull(argv[3], NULL, 10);
	struct counter *counters = mmap(NULL, (workers + 1) * sizeof *counters, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_Atomic int *stop = (_Atomic int *)&counters[workers];

	if (counters == MAP_FAILED)
		err(1, "memory");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < workers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			work(argv[5], &counters[i], stop);
			_exit(0);
		}
	}
	for (double begun = now();;) {
		struct timespec tenth = {0, 100000000};
		unsigned long long sum = 0;

		nanosleep(&tenth, NULL);
		for (int i = 0; i < workers; i++)
			sum += counters[i].n;
		printf("%llu\n", sum);
		double passed = now() - begun;
		if ((passed >= seconds && sum >= execs) || passed >= limit)
			break;
	}
	*stop = 1;
	while (wait(&status) > 0)
		failed |= status;
	unsigned long long sum = 0;
	for (int i = 0; i < workers; i++)
		sum += counters[i].n;
	printf("%llu\n", sum);
	return failed != 0;
}
