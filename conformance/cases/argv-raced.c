// Arguments in memory that another process changes all the time. The program says
// for itself which it was given.
//
// Logged must be: what the kernel copied, which is what the program was given.
// Goes wrong where the caller's memory is read: before the kernel does, or after.
#include "lib/expect.h"

enum { COUNT = 30 };

int main(int argc, char **argv) {
	begin(NULL);
	if (argc > 1) {
		join(argv[1], getpid(), argv[2]);
		has_list(argv[1], "argv", argv);
		has_list(argv[1], "argv.passed", argv);
		return 0;
	}
	char *program = again("program");
	char *sum = hash(program);
	volatile char *secret = shared(4096);
	strcpy((char *)secret, "safe-or-evil-?");
	pid_t flipper = MUST(fork());
	if (flipper == 0)
		for (;;) secret[13] = secret[13] == 'A' ? 'B' : 'A';
	for (int i = 0; i < COUNT; i++) {
		char *id = format("n%d", i);
		struct run r = run(program, (char *[]){program, id, tok(id), (char *)secret, NULL});
		if (r.status) fail("the program failed");
		when(id, r.from, r.to);
		has(id, "image.path", program);
		has(id, "image.sha256", sum);
	}
	MUST(kill(flipper, SIGKILL));
	end();
}
