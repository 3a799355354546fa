// A program that is started by a program that is started by a script.
//
// Logged must be: the script, with the shell that read it, in the history of both.
// Goes wrong where a process is remembered by its executable alone: every script's
// children then come from "a shell".
#include "lib/expect.h"

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) {
		// The middle.
		char **args = ARGV(argv[2], tok("b"));
		struct run r = run(argv[2], args);
		join("b", r.pid, tok("b"));
		has_num("b", "forker", getpid());
		native("b", argv[2], hash(argv[2]), args);
		has("b", "subject.image.path", case_self);
		lacks("b", "subject.script.path");
		return 0;
	}
	char *program = target("program");
	char *middle = again("middle");
	char *sh = real("/bin/sh");
	char *script = text("script", format("#!/bin/sh\n%s %s %s\n:\n", middle, tok("m"), program));

	char **args = ARGV(script, tok("a"));
	struct run r = run(script, args);
	if (r.status) fail("the script failed");
	expect("a", &r);
	scripted("a", script, sh, ARGV("/bin/sh", script, tok("a")), args);
	has_list("b", "ancestors", ARGV(sh, case_self));
	has_list("b", "ancestors.script", ARGV(script, ""));
	end();
}
