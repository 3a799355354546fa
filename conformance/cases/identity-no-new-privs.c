// A program with the setuid and setgid bits, executed by a process that has given
// up gaining anything from an exec (no_new_privs).
//
// Logged must be: the same ids after the exec as before, beside the file's mode.
// Goes wrong where ids are worked out from the file's mode and owner.
#include "lib/expect.h"

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(54321, 54321, 54321));
	MUST(setresuid(12345, 12345, 12345));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

int main(int argc, char **argv) {
	(void)argv;
	begin(NULL);
	if (argc > 1) return geteuid() != 12345 || getegid() != 54321;

	char *program = again("program");
	MUST(chown(program, 23456, 34567));
	MUST(chmod(program, 06755));
	char **args = ARGV(program, tok("a"));
	struct run r = run_with(become, NULL, program, args, environ);
	if (r.status) fail("the ids have changed");
	expect("a", &r);
	native("a", program, hash(program), args);
	const char *kind[] = {"image.", "named."};
	for (int i = 0; i < 2; i++) {
		has("a", format("%smode", kind[i]), "106755");
		has("a", format("%suid", kind[i]), "23456");
		has("a", format("%sgid", kind[i]), "34567");
	}
	const char *at[] = {"before.", "after."};
	for (int i = 0; i < 2; i++) {
		has("a", format("%sruid", at[i]), "12345");
		has("a", format("%seuid", at[i]), "12345");
		has("a", format("%srgid", at[i]), "54321");
		has("a", format("%segid", at[i]), "54321");
	}
	end();
}
