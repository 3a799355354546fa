// A process with a controlling terminal that none of its descriptors leads to, and
// one without.
//
// Logged must be: the terminal of the first, and none for the second.
// Goes wrong where the terminal is taken from standard input.
#include "lib/expect.h"

#include <sys/ioctl.h>

static char *terminal;

static void control(void *unused) {
	(void)unused;
	setsid();
	int fd = MUST(open(terminal, O_RDWR | O_CLOEXEC | O_NOCTTY));
	MUST(ioctl(fd, TIOCSCTTY, 0));
	// The terminal hangs up its session at the last close.
	signal(SIGHUP, SIG_IGN);
}

int main(void) {
	begin(NULL);
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || grantpt(fd) || unlockpt(fd) || !(terminal = ptsname(fd))) skip("terminals: %s", strerror(errno));
	terminal = strdup(terminal);
	char *program = target("program");
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(control, NULL, program, argv, environ);
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "tty", terminal);

	argv = ARGV(program, tok("b"));
	r = run(program, argv);
	expect("b", &r);
	native("b", program, hash(program), argv);
	lacks("b", "tty");
	end();
}
