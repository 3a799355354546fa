// A program whose name ends in " (deleted)", beside one whose name does not.
//
// Logged must be: the name as it is, and that the file is there.
// Goes wrong where /proc/PID/exe is read: there, the two look the same.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	target("program");
	char *odd = target("program (deleted)");
	char **argv = ARGV(odd, tok("a"));
	struct run r = run(odd, argv);
	expect("a", &r);
	native("a", odd, hash(odd), argv);
	lacks("a", "image.deleted");
	has("a", "named.file", identity(odd));
	end();
}
