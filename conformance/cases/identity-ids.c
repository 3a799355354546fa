// A process whose real, effective and saved ids all differ.
//
// Logged must be: each of them.
// Goes wrong where one stands for the others. The exec itself changes the saved
// ids alone.
#include "lib/expect.h"

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(11111, 22222, 33333));
	MUST(setresuid(44444, 55555, 60000));
}

int main(void) {
	begin(NULL);
	char *program = target("program");
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(become, NULL, program, argv, environ);
	expect("a", &r);
	native("a", program, hash(program), argv);
	const char *kind[] = {"before", "after"};
	for (int i = 0; i < 2; i++) {
		has("a", format("%s.rgid", kind[i]), "11111");
		has("a", format("%s.egid", kind[i]), "22222");
		has("a", format("%s.ruid", kind[i]), "44444");
		has("a", format("%s.euid", kind[i]), "55555");
	}
	end();
}
