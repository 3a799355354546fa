// Arguments that are not UTF-8: every byte there is, cut and overlong sequences,
// a surrogate, and text that looks like an escape of any of those.
//
// Logged must be: the bytes.
// Goes wrong where odd bytes are replaced, or escaped in a way that plain text
// could have been written.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	static char every[256];
	for (int i = 1; i < 256; i++) every[i - 1] = i;
	char **argv = ARGV(program, tok("a"), every, "\xff", "\\xff", "\\\\xff", "%FF", "\xc3", "\xc0\xaf", "\xed\xa0\x80",
	                   "\xf4\x90\x80\x80", "\xef\xbf\xbd", "\xc3\xa9", "e\xcc\x81", "\xe2\x80\xae", "5C786666");
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, hash(program), argv);
	end();
}
