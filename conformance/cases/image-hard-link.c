// One file under two names, executed by each.
//
// Logged must be: the name that was executed, each time.
// Goes wrong where names are kept by inode.
#include "lib/expect.h"

int main(void) {
	begin(NULL);
	char *one = target("one"), *two = here("two");
	MUST(link(one, two));
	char *sum = hash(one);
	char **argv = ARGV(one, tok("a"));
	struct run r = run(one, argv);
	expect("a", &r);
	native("a", one, sum, argv);
	argv = ARGV(two, tok("b"));
	r = run(two, argv);
	expect("b", &r);
	native("b", two, sum, argv);
	argv = ARGV(one, tok("c"));
	r = run(one, argv);
	expect("c", &r);
	native("c", one, sum, argv);
	end();
}
