// A program to be executed. It exits at once, unless its last argument is
//   hold:   write a byte to standard input, a socket, and wait until it is at its end
//   die:    be killed by a signal
//   fork:N  start N children that exit at once
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
	const char *what = argc > 0 ? argv[argc - 1] : "";
	char c;
	if (!strcmp(what, "hold:")) {
		if (write(0, "", 1) != 1) return 1;
		while (read(0, &c, 1) > 0);
	} else if (!strcmp(what, "die:")) {
		kill(getpid(), SIGKILL);
	} else if (!strncmp(what, "fork:", 5)) {
		for (int n = atoi(what + 5); n > 0; n--) {
			if (fork() == 0) _exit(0);
			wait(NULL);
		}
	}
	return 0;
}
