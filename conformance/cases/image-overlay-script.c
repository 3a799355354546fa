// A script on an overlay whose interpreter is on it too.
//
// Logged must be: both, at the overlay's paths.
// Goes wrong where the opens of an overlay, each of which is two, are counted to
// tell the links of a chain.
#include "lib/overlay.h"

int main(void) {
	begin(umount_all);
	MUST(mkdir("lower", 0755));
	target("lower/interpreter");
	text("lower/script", format("#!%s\n%s\n", here("merged/interpreter"), tok("a")));
	char *dir = overlay();
	char *script = format("%s/script", dir), *interpreter = format("%s/interpreter", dir);
	char **argv = ARGV(script, tok("a"));
	struct run r = run(script, argv);
	expect("a", &r);
	scripted("a", script, interpreter, ARGV(interpreter, script, tok("a")), argv);
	has_list("a", "interpreters", ARGV(script, interpreter));
	end();
}
