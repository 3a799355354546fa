// Arguments that are in a file mapped into memory and were never read: the pages
// come in when the kernel copies them.
//
// Logged must be: the arguments.
// Goes wrong where they are read when the call is entered, by code that may not
// wait for a page.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *secret = format("%s --the-one-that-matters", tok("a"));
	text("arguments", secret);
	int fd = MUST(open("arguments", O_RDONLY | O_CLOEXEC));
	char *cold = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	struct run r = run(program, (char *[]){program, cold, NULL});
	expect("a", &r);
	native("a", program, hash(program), ARGV(program, secret));
	end();
}
