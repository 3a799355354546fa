// A script with the setuid bit, which the kernel ignores for scripts, and whose
// interpreter has one, which it does not.
//
// Logged must be: the ids that the interpreter's bit gives.
// Goes wrong where ids are worked out from the mode of the file that was named.
#include "lib/expect.h"

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(54321, 54321, 54321));
	MUST(setresuid(12345, 12345, 12345));
}

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 2) return geteuid() != strtoul(argv[2], NULL, 10);

	char *plain = again("plain"), *raised = again("raised");
	MUST(chown(raised, 23456, 0));
	MUST(chmod(raised, 04755));
	const char *id[] = {"a", "b"}, *euid[] = {"12345", "23456"};
	char *interpreter[] = {plain, raised};
	for (int i = 0; i < 2; i++) {
		char *script = text(format("script-%s", id[i]), format("#!%s\n%s\n", interpreter[i], tok(id[i])));
		MUST(chown(script, 34567, 0));
		MUST(chmod(script, 04755));
		char **args = ARGV(script, (char *)euid[i], tok(id[i]));
		struct run r = run_with(become, NULL, script, args, environ);
		if (r.status) skip("this file system knows no setuid");
		expect(id[i], &r);
		scripted(id[i], script, interpreter[i], ARGV(interpreter[i], script, (char *)euid[i], tok(id[i])), args);
		has(id[i], "named.uid", "34567");
		has(id[i], "named.mode", "104755");
		has(id[i], "before.euid", "12345");
		has(id[i], "after.ruid", "12345");
		has(id[i], "after.euid", euid[i]);
	}
	end();
}
