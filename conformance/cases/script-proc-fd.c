// A script executed through /proc/self/fd, by then under another name.
//
// Logged must be: the path the script has now, and the string that was passed.
// Goes wrong where the passed path is resolved by another process, whose
// descriptors are others.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *interpreter = target("interpreter");
	char *script = text("script", format("#!%s\n%s\n", interpreter, tok("a")));
	int fd = MUST(open(script, O_RDONLY));
	MUST(rename("script", "renamed"));
	text("script", "#!/bin/false\n");

	char *path = format("/proc/self/fd/%d", fd);
	char **argv = ARGV(path, tok("a"));
	struct run r = run(path, argv);
	expect("a", &r);
	scripted("a", here("renamed"), interpreter, ARGV(interpreter, path, tok("a")), argv);
	has("a", "filename", path);
	end();
}
