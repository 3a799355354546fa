// A process that is root in a user namespace of its own, and somebody else outside.
//
// Logged must be: who it is outside.
// Goes wrong where ids are those of the process's own view.
#include "lib/expect.h"

static void put(const char *file, const char *text) {
	int fd = MUST(open(file, O_WRONLY | O_CLOEXEC));
	if (write(fd, text, strlen(text)) < 0) fail("%s: %s", file, strerror(errno));
	close(fd);
}

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(54321, 54321, 54321));
	MUST(setresuid(12345, 12345, 12345));
	// Without this the process may not write its own maps.
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER) < 0) skip("user namespaces: %s", strerror(errno));
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 12345 1");
	put("/proc/self/gid_map", "0 54321 1");
	if (getuid() != 0) fail("not root inside");
}

int main(void) {
	begin(NULL);
	char *program = target("program");
	char **argv = ARGV(program, tok("a"));
	struct run r = start_with(become, NULL, program, argv, environ);
	finish(&r);
	if (WEXITSTATUS(r.status)) end();
	expect("a", &r);
	native("a", program, hash(program), argv);
	const char *kind[] = {"before", "after"};
	for (int i = 0; i < 2; i++) {
		has("a", format("%s.ruid", kind[i]), "12345");
		has("a", format("%s.euid", kind[i]), "12345");
		has("a", format("%s.rgid", kind[i]), "54321");
		has("a", format("%s.egid", kind[i]), "54321");
	}
	end();
}
