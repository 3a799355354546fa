// A process in a login session, of a user it is not any more.
//
// Logged must be: the user who logged in and the session, whatever came since.
// Goes wrong where the present user is taken for the one to hold responsible.
#include "lib/expect.h"

static char *session;

static void login(void *unused) {
	(void)unused;
	int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "12345", 5) != 5) skip("/proc/self/loginuid: %s", strerror(errno));
	close(fd);
	fd = open("/proc/self/sessionid", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, session, 15) <= 0) skip("/proc/self/sessionid: %s", strerror(errno));
	close(fd);
	session[strcspn(session, "\n")] = 0;
	MUST(setresuid(54321, 54321, 54321));
}

int main(void) {
	begin(NULL);
	session = shared(16);
	char *program = target("program");
	char **argv = ARGV(program, tok("a"));
	struct run r = start_with(login, NULL, program, argv, environ);
	finish(&r);
	if (r.err) fail("exec: %s", strerror(r.err));
	if (!*session) end();
	expect("a", &r);
	native("a", program, hash(program), argv);
	has("a", "auid", "12345");
	has("a", "session", session);
	has("a", "before.ruid", "54321");
	end();
}
