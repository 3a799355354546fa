// Arguments that hold newlines, quotes, spaces, control characters, and nothing.
//
// Logged must be: every argument as it was, one by one.
// Goes wrong where arguments are joined by spaces, or written without escapes: one
// program can then write a log line that looks like another program's.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *path = target("program");
	char *sum = hash(path);
	char **argv = ARGV(path, tok("a"), "", "a b", " ", "", "line\nbreak", "\"double\"", "'single'", "back\\slash",
	                   "\t\r\b\x1b[31m", "%20", "\\xff", "\\u0000", "", "1234       4321  /bin/true", "");
	struct run r = run(path, argv);
	expect("a", &r);
	native("a", path, sum, argv);
	end();
}
