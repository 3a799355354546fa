// A program with the setuid and setgid bits, executed by somebody who is not root.
//
// Logged must be: the ids before the exec as those of the one who acted, and the
// new ones beside them; the file's mode and owner.
// Goes wrong where one set of ids is logged, and nobody can tell which.
#include "lib/expect.h"

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(54321, 54321, 54321));
	MUST(setresuid(12345, 12345, 12345));
}

int main(int argc, char **argv) {
	(void)argv;
	begin(NULL);
	if (argc > 1) return geteuid() != 23456 || getegid() != 34567;

	char *program = again("program");
	MUST(chown(program, 23456, 34567));
	MUST(chmod(program, 06755));
	char **args = ARGV(program, tok("a"));
	struct run r = run_with(become, NULL, program, args, environ);
	if (r.status) skip("this file system knows no setuid");
	expect("a", &r);
	native("a", program, hash(program), args);
	const char *kind[] = {"image.", "named."};
	for (int i = 0; i < 2; i++) {
		has("a", format("%smode", kind[i]), "106755");
		has("a", format("%suid", kind[i]), "23456");
		has("a", format("%sgid", kind[i]), "34567");
	}
	has("a", "before.ruid", "12345");
	has("a", "before.euid", "12345");
	has("a", "before.rgid", "54321");
	has("a", "before.egid", "54321");
	has("a", "after.ruid", "12345");
	has("a", "after.euid", "23456");
	has("a", "after.rgid", "54321");
	has("a", "after.egid", "34567");
	end();
}
