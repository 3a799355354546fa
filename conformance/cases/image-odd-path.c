// A program in a folder, both with names that hold newlines, quotes and bytes that
// are not UTF-8, executed from a working directory of that kind.
//
// Logged must be: the names, byte for byte.
// Goes wrong where text is assumed, or where odd bytes are replaced.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *dir = here("caf\xe9 \"\n\\x41\x80\xff\xf0\x9f\x92");
	MUST(mkdir(dir, 0755));
	MUST(chdir(dir));
	char *program = copy(tool("target"), format("%s/p\x01r\x1b[0m\xc3(g r%%41", dir), tok("a"), 0755);
	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	r.inherits = 0;
	expect("a", &r);
	has("a", "cwd", dir);
	native("a", program, hash(program), argv);
	has("a", "filename", program);
	end();
}
